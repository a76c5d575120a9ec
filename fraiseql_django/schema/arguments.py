"""Mutations described: their arguments, as GraphQL and as Python takes them, their result, and what runs them.

Each kind of declaration registers how it is described: see ``describe_mutation``.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar, TypeAlias

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)

from .._compat import IS_ONE_OF
from ..declare.members import module_of, unannotated_values
from ..declare.names import check_name
from ..declare.registry import InputDeclaration, MutationDeclaration, Registry
from ..declare.rules import RowRule, Rule
from ..errors import DeclarationError, InvalidInput
from .annotations import Annotation, extras_in, read
from .argument_options import options_in, required_and_deprecated
from .constraints import constrained
from .definition import FieldDef, TypeDef
from .object_types import Output, Outputs

# Says in the extensions of an input type that clients write exactly one of its fields
ONE_OF = "one_of"
Convert: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Rows of the type ``target`` that a mutation writes, chosen by a condition: its argument ``where``.

    ``fields`` are those that the condition may be on, with the name ``input`` of its type; None for all. There are
    ``most`` rows, or the mutation fails. An empty condition chooses ``all`` rows, or is refused. ``rule`` says which of
    the visible rows may be chosen, for the mutation ``name``.
    """

    target: str
    fields: tuple[str, ...] | None
    input: str
    most: int
    all: bool
    rule: RowRule | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallDef(FieldDef):
    """A root field that something of the project's answers when it is called.

    ``arguments``       by GraphQL name; each has its Python name in ``out_name``
    ``converts``        turn coerced values of arguments, by Python name, into what ``perform`` takes
    ``output``          what it returns
    ``perform``         calls it, with the arguments by Python name, and returns the result
    ``returns_json``    whether the values of results come from JSON, and are read as clients' values are
    ``argument_rules``  who may use an argument, by its GraphQL name
    """

    arguments: Mapping[str, GraphQLArgument]
    converts: Mapping[str, Convert]
    output: Output
    perform: Callable[[Any, Mapping[str, Any]], Any]
    argument_rules: Mapping[str, tuple[Rule, ...]] = dataclasses.field(default_factory=dict)
    returns_json: bool = False
    # what it is, in errors
    word: ClassVar[str] = "query"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutationDef(CallDef):
    """A root field of Mutation, whose ``perform`` takes a ``mutations.context.MutationContext``.

    ``repeatable``      whether it may run again after PostgreSQL has undone what it did
    ``writes``          the type that a mutation from a model is over; it writes the objects in its arguments
    ``chosen``          the rows that it writes instead, where they are chosen by a condition
    """

    repeatable: Callable[[], bool]
    writes: str | None = None
    chosen: Chosen | None = None
    word: ClassVar[str] = "mutation"


@singledispatch
def describe_mutation(declaration: MutationDeclaration, arguments: Arguments) -> MutationDef:
    """Describe a declared mutation; raise DeclarationError for what cannot be described.

    Register a function for each class of declarations: ``@describe_mutation.register(PythonMutation)``.
    """
    raise DeclarationError(f"a {type(declaration).__name__} cannot be described: nothing is registered for it")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputMember:
    """A field of an input object: its type, and whether clients must write it; others may be absent, or null."""

    type: Any
    required: bool = False
    description: str | None = None


class Arguments:
    """Makes the argument types of one schema; each input type is made once. ``types`` are the declared ones by name."""

    def __init__(self, registry: Registry, outputs: Outputs, types: Mapping[str, TypeDef]) -> None:
        self.registry = registry
        self.types = types
        self.outputs = outputs
        self.conventions = outputs.conventions
        self._of_classes: dict[type, tuple[GraphQLInputObjectType, Convert]] = {}
        # the names in GraphQL of the fields of classes, by Python name
        self._names: dict[type, dict[str, str]] = {}
        self._of_members: dict[Any, GraphQLInputObjectType] = {}

    def read(self, annotation: Any, module: str) -> Annotation:
        """Read an annotation in a module."""
        return read(annotation, module, self.registry)

    def of(self, annotation: Annotation, where: str, label: str | None = None) -> tuple[GraphQLInputType, Convert]:
        """Return the input type of an annotation, and what converts its coerced values, and checks its constraints.

        ``label`` names the value in errors for clients. Raises DeclarationError for an annotation that has no input
        type.
        """
        graphql: Any
        label = label or where
        if annotation.item is not None:
            inner, convert_item = self.of(annotation.item, where, f"an item of {label}")
            graphql = GraphQLList(inner)
            convert: Convert = _each(convert_item)
        elif hasattr(annotation.base, "__fraiseql_input__"):
            graphql, convert = self._of_class(annotation.base)
        else:
            graphql, _ = self.outputs.leaf(annotation.base, where)
            is_enum = inspect.isclass(annotation.base) and issubclass(annotation.base, enum.Enum)
            convert = annotation.base if is_enum else unchanged
        convert = constrained(convert, annotation.extras, label)
        if annotation.nullable:
            return graphql, _unless_none(convert)
        return GraphQLNonNull(graphql), convert

    def input_object(self, name: str, members: Mapping[str, InputMember], description: str) -> GraphQLInputObjectType:
        """Return the input type with these fields, by Python name, the required ones first.

        Mutations that describe the same input share one type. Its coerced values are dictionaries of what the client
        wrote, by Python name.
        """
        key = (name, description, *((field, _identity(member)) for field, member in members.items()))
        if key not in self._of_members:
            fields: dict[str, GraphQLInputField] = {}
            for field, member in sorted(members.items(), key=lambda item: not item[1].required):
                type_ = GraphQLNonNull(member.type) if member.required else member.type
                graphql_name = check_name(self.conventions.name(field), f"{name}.{field}")
                if graphql_name in fields:
                    raise two_fields(name, graphql_name, field)
                fields[graphql_name] = GraphQLInputField(type_, description=member.description, out_name=field)
            self._of_members[key] = GraphQLInputObjectType(
                check_name(name, "an input"), fields, description=description
            )
        return self._of_members[key]

    def _of_class(self, cls: type) -> tuple[GraphQLInputObjectType, Convert]:
        if cls not in self._of_classes:
            converts: dict[str, Convert] = {}
            declared: InputDeclaration = cls.__fraiseql_input__  # type: ignore[attr-defined]
            graphql = GraphQLInputObjectType(
                check_name(declared.name, "an input"),
                lambda: self._fields_of_class(cls, converts),
                description=declared.description,
                extensions={ONE_OF: declared.one_of, "directives": declared.directives},
                **(IS_ONE_OF if declared.one_of else {}),
            )
            absent = _absent(cls)

            def convert(values: Mapping[str, Any]) -> Any:
                if declared.one_of:
                    check_one_of(declared.name, values, self._names[cls])
                return cls(**{**absent, **{name: converts[name](value) for name, value in values.items()}})

            self._of_classes[cls] = graphql, convert
        return self._of_classes[cls]

    def problems(self) -> list[str]:
        """Return what is wrong with the fields of input classes, which GraphQL asks for when the schema is built."""
        found: list[str] = []
        checked: set[type] = set()
        while waiting := [cls for cls in self._of_classes if cls not in checked]:
            for cls in waiting:
                checked.add(cls)
                try:
                    self._fields_of_class(cls, {})
                except DeclarationError as error:
                    found += str(error).splitlines()
        return found

    def _fields_of_class(self, cls: type, converts: dict[str, Convert]) -> dict[str, GraphQLInputField]:
        found: dict[str, GraphQLInputField] = {}
        problems: list[str] = unannotated_values(cls, cls.__name__)
        declared: InputDeclaration = cls.__fraiseql_input__  # type: ignore[attr-defined]
        for item in dataclasses.fields(cls):
            try:
                name, field = self._field_of_class(cls, item, converts)
                if name in found:
                    raise two_fields(cls.__name__, name, item.name)
                if declared.one_of:
                    _check_member(item, field, f"{cls.__name__}.{item.name}")
                found[name] = field
            except DeclarationError as error:
                problems.append(str(error))
        if problems:
            raise DeclarationError("\n".join(problems))
        self._names[cls] = {str(field.out_name): name for name, field in found.items()}
        return found

    def _field_of_class(
        self, cls: type, item: dataclasses.Field[Any], converts: dict[str, Convert]
    ) -> tuple[str, GraphQLInputField]:
        where = f"{cls.__name__}.{item.name}"
        declared: InputDeclaration = cls.__fraiseql_input__  # type: ignore[attr-defined]
        annotation = self.read(item.type, module_of(cls, item.name))
        options = declared.options.get(item.name) or options_in(annotation.extras)
        if any(isinstance(extra, Rule) for extra in extras_in(annotation)):
            raise DeclarationError(f"{where} is the field of an input, which cannot have a permission; leave it out")
        graphql, convert = self.of(annotation, where)
        optional = item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING
        if optional and isinstance(graphql, GraphQLNonNull):
            # the field may be absent, for its default, but not null, which its annotation excludes
            graphql, convert = graphql.of_type, not_null(convert, where)
        converts[item.name] = convert
        if options.deprecation is not None and isinstance(graphql, GraphQLNonNull):
            raise DeclarationError(required_and_deprecated(where))
        return check_name(options.name or self.conventions.name(item.name), where), GraphQLInputField(
            graphql,
            description=options.description,
            deprecation_reason=options.deprecation,
            out_name=item.name,
            extensions={"directives": options.directives},
        )


def _absent(cls: type) -> dict[str, None]:
    """Return None for the fields of an input class that have no default: one that may be null may be absent."""
    missing = dataclasses.MISSING
    fields: Any = dataclasses.fields(cls)
    return {item.name: None for item in fields if item.default is missing and item.default_factory is missing}


def _check_member(item: dataclasses.Field[Any], field: GraphQLInputField, where: str) -> None:
    has_default = item.default not in (None, dataclasses.MISSING) or item.default_factory is not dataclasses.MISSING
    if isinstance(field.type, GraphQLNonNull) or has_default:
        raise DeclarationError(
            f"{where} must be annotated `… | None = None`: of an input with one_of, clients write one field only"
        )


def check_one_of(name: str, values: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raise InvalidInput unless exactly one value is given, and is not null; ``names`` are those in GraphQL."""
    if len(values) != 1 or None in values.values():
        raise InvalidInput(f"{name} takes exactly one of {', '.join(names.values())}, and not null.", what=name)


def two_fields(owner: str, name: str, python_name: str) -> DeclarationError:
    """Return the error of an input two of whose fields have one name."""
    return DeclarationError(f"{owner} has two fields called {name!r} ({python_name!r} is one); rename one of them")


def _identity(member: InputMember) -> tuple[Any, ...]:
    """Return what is equal for members of the same type; wrapping types of GraphQL are compared by identity."""
    return str(member.type), get_named_type(member.type), member.required, member.description


def unchanged(value: Any) -> Any:
    """Convert a value that needs no conversion."""
    return value


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


def _unless_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def not_null(convert: Convert, where: str) -> Convert:
    """Return what converts a value that may be absent; null, which GraphQL allows there, raises InvalidInput."""

    def converted(value: Any) -> Any:
        if value is None:
            raise InvalidInput(f"{where} may be left out, but not null", what=where)
        return convert(value)

    return converted
