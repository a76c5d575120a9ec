"""What Python functions take and return, as GraphQL: their annotations made arguments and types."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from ..declare.names import check_name, lower_first, pascal_case
from ..declare.registry import FunctionDeclaration, MutationDeclaration, Registry
from ..declare.results import Cascade
from ..declare.rules import Rule
from ..errors import DeclarationError, InvalidInput
from .annotations import Annotation, read
from .object_types import ObjectDef, Output, Outputs
from .protection import mutation_permission

Convert = Callable[[Any], Any]

# what every success of a PostgreSQL function tells; of the same types as in errors, so that both can be selected
REPORTED: Mapping[str, tuple[Any, Any]] = {
    "status": (str, "success"),
    "message": (str, ""),
    "updated_fields": (list[str] | None, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """A PostgreSQL function that a mutation calls: its name, and what it is given.

    ``success`` and ``error`` are the types of the union that its result becomes; ``error`` is None where the
    mutation declares none, ``success`` where what it returns is no object of a class.
    """

    schema: str | None
    function: str
    context_params: Mapping[str, str]
    named_arguments: bool
    has_input: bool
    success: ObjectDef | None
    error: ObjectDef | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutationDef:
    """A root field of Mutation: what it calls, its arguments, and what it returns.

    It calls a Python ``function`` or the PostgreSQL function ``call``. ``converts`` turn coerced arguments, by
    Python name, into what the function is given; ``repeatable`` says whether it may be called again when what
    it did was undone. ``permission`` says who may run it, ``argument_rules`` who may give an argument, by its name.
    ``of_model`` says that it was made from a type, and writes the objects in its arguments.
    """

    name: str
    description: str | None
    deprecation: str | None
    function: Callable[..., Any] | None
    call: FunctionCall | None
    arguments: Mapping[str, GraphQLArgument]
    converts: Mapping[str, Convert]
    output: Output
    repeatable: Callable[[], bool]
    permission: Rule | None
    argument_rules: Mapping[str, tuple[Rule, ...]]
    cost: float
    of_model: bool = False


class Arguments:
    """Makes the argument types of one schema; inputs are made once each."""

    def __init__(self, registry: Registry, outputs: Outputs) -> None:
        self.registry = registry
        self.outputs = outputs
        self.conventions = outputs.conventions
        self._inputs: dict[type, tuple[GraphQLInputObjectType, Convert]] = {}

    def mutation(self, declaration: MutationDeclaration | FunctionDeclaration) -> MutationDef:
        """Describe a declared mutation; raise DeclarationError for an annotation that GraphQL cannot say."""
        if isinstance(declaration, FunctionDeclaration):
            return self._of_postgresql(declaration)
        function = declaration.function
        if declaration.make is not None:
            function = declaration.make(self.outputs.columns)
        assert function is not None
        where = f"mutation {function.__name__}"
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        if not parameters:
            raise DeclarationError(f"{where} takes no parameter; the first one is given an Info")
        if signature.return_annotation is signature.empty:
            raise DeclarationError(f"{where} has no return annotation")
        arguments: dict[str, GraphQLArgument] = {}
        converts: dict[str, Convert] = {}
        rules: dict[str, tuple[Rule, ...]] = {}
        for parameter in parameters[1:]:
            name, argument, converts[parameter.name] = self._argument(parameter, function.__module__, where)
            arguments[name] = argument
            extras = self._read(parameter.annotation, function.__module__).extras
            rules[name] = tuple(extra for extra in extras if isinstance(extra, Rule))
        name = check_name(declaration.name or self.conventions.name(function.__name__), where)
        return MutationDef(
            name=name,
            description=declaration.description or inspect.getdoc(function),
            deprecation=declaration.deprecation,
            function=function,
            call=None,
            arguments=arguments,
            converts=converts,
            output=self.outputs.read(
                signature.return_annotation, function.__module__, where, union=f"{pascal_case(name)}Result"
            ),
            repeatable=declaration.repeatable,
            permission=mutation_permission(declaration, self.conventions, where),
            argument_rules=rules,
            cost=declaration.cost,
            of_model=declaration.make is not None,
        )

    def _argument(self, parameter: inspect.Parameter, module: str, where: str) -> tuple[str, GraphQLArgument, Convert]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DeclarationError(f"{where}: parameter {parameter} cannot be an argument")
        if parameter.annotation is parameter.empty:
            raise DeclarationError(f"{where}: parameter {parameter.name!r} has no annotation")
        graphql, convert = self._input(self._read(parameter.annotation, module), where)
        if parameter.default is not parameter.empty and isinstance(graphql, GraphQLNonNull):
            graphql, convert = graphql.of_type, _required(convert, f"argument {parameter.name!r}")
        name = check_name(self.conventions.name(parameter.name), f"an argument of {where}")
        return name, GraphQLArgument(graphql, out_name=parameter.name), convert

    def _of_postgresql(self, declaration: FunctionDeclaration) -> MutationDef:
        cls = declaration.cls
        where = f"mutation {cls.__name__}"
        annotations = inspect.get_annotations(cls)
        if "failure" in annotations:
            # what the upstream called it at first
            annotations.setdefault("error", annotations.pop("failure"))
        if unknown := annotations.keys() - {"input", "success", "error"}:
            raise DeclarationError(
                f"{where} is annotated with {', '.join(sorted(unknown))}; "
                "a function's class has input, success and error"
            )
        if "success" not in annotations:
            raise DeclarationError(f"{where} has no success: annotate it with what the function returns")
        name = check_name(declaration.name or lower_first(cls.__name__), where)
        arguments: dict[str, GraphQLArgument] = {}
        converts: dict[str, Convert] = {}
        if "input" in annotations:
            graphql, converts["input"] = self._input(self._read(annotations["input"], cls.__module__), where)
            arguments["input"] = GraphQLArgument(graphql, out_name="input")
        success = self.outputs.read(annotations["success"], cls.__module__, f"{where}.success")
        output, error = success, None
        if "error" in annotations:
            output, error = self._with_error(success, annotations["error"], cls.__module__, where, name)
        made = self._success_object(success, declaration, where)
        return MutationDef(
            name=name,
            description=declaration.description,
            deprecation=declaration.deprecation,
            function=None,
            call=FunctionCall(
                schema=declaration.schema,
                function=declaration.function,
                context_params=declaration.context_params,
                named_arguments=declaration.named_arguments,
                has_input="input" in annotations,
                success=made,
                error=error,
            ),
            arguments=arguments,
            converts=converts,
            output=output,
            repeatable=lambda: True,
            permission=mutation_permission(declaration, self.conventions, where),
            argument_rules={},
            cost=declaration.cost,
        )

    def _with_error(
        self, success: Output, annotation: Any, module: str, where: str, name: str
    ) -> tuple[Output, ObjectDef]:
        error = self.outputs.read(annotation, module, f"{where}.error")
        definition = self.outputs.objects.get(error.types[0]) if len(error.types) == 1 else None
        if definition is None or not definition.failed:
            raise DeclarationError(f"{where}.error must be a class declared with @fraiseql.error")
        if not success.types:
            raise DeclarationError(
                f"{where}.success is no object, so it cannot be in a union with {definition.name}; leave out error, "
                f"or make success a class declared with @fraiseql.success"
            )
        union = f"{pascal_case(name)}Result"
        return self.outputs.union((success.types[0], definition.name), union, where), definition

    def _success_object(self, success: Output, declaration: FunctionDeclaration, where: str) -> ObjectDef | None:
        definition = self.outputs.objects.get(success.types[0]) if success.types else None
        if definition is not None:
            self.outputs.extend(definition.cls, REPORTED)
            if declaration.enable_cascade:
                self.outputs.extend(definition.cls, {"cascade": (Cascade | None, None)})
        elif declaration.enable_cascade:
            raise DeclarationError(f"{where}: enable_cascade needs a success that is declared with @fraiseql.success")
        return definition

    def _read(self, annotation: Any, module: str) -> Annotation:
        return read(annotation, module, self.registry)

    def _input(self, annotation: Annotation, where: str) -> tuple[GraphQLInputType, Convert]:
        graphql: Any
        if annotation.item is not None:
            inner, convert_item = self._input(annotation.item, where)
            graphql = GraphQLList(inner)
            convert: Convert = _each(convert_item)
        elif hasattr(annotation.base, "__fraiseql_input__"):
            graphql, convert = self._input_object(annotation.base)
        elif isinstance(annotation.base, GraphQLInputObjectType):
            # one that is a leaf: a range
            graphql, convert = annotation.base, _same
        else:
            graphql, _ = self.outputs.leaf(annotation.base, where)
            is_enum = inspect.isclass(annotation.base) and issubclass(annotation.base, enum.Enum)
            convert = annotation.base if is_enum else _same
        if annotation.nullable:
            return graphql, _unless_none(convert)
        return GraphQLNonNull(graphql), convert

    def _input_object(self, cls: type) -> tuple[GraphQLInputObjectType, Convert]:
        if cls not in self._inputs:
            converts: dict[str, Convert] = {}
            graphql = GraphQLInputObjectType(
                check_name(cls.__name__, "an input"),
                lambda: self._input_fields(cls, converts),
                description=cls.__fraiseql_input__.description,  # type: ignore[attr-defined]
            )
            self._inputs[cls] = (
                graphql,
                lambda values: cls(**{name: converts[name](value) for name, value in values.items()}),
            )
        return self._inputs[cls]

    def _input_fields(self, cls: type, converts: dict[str, Convert]) -> dict[str, GraphQLInputField]:
        found: dict[str, GraphQLInputField] = {}
        for item in dataclasses.fields(cls):
            where = f"{cls.__name__}.{item.name}"
            graphql, convert = self._input(self._read(item.type, cls.__module__), where)
            optional = item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING
            if optional and isinstance(graphql, GraphQLNonNull):
                # null would not be what the annotation says: an absent value takes the default
                graphql, convert = graphql.of_type, _required(convert, where)
            converts[item.name] = convert
            found[check_name(self.conventions.name(item.name), where)] = GraphQLInputField(graphql, out_name=item.name)
        return found


def _same(value: Any) -> Any:
    return value


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _required(convert: Convert, where: str) -> Convert:
    def converted(value: Any) -> Any:
        if value is None:
            raise InvalidInput(f"{where} may be left out, but not null", what=where)
        return convert(value)

    return converted
