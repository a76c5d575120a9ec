"""What Python functions take and return, as GraphQL: their annotations made arguments and types."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
)

from ..conf import get_settings
from ..errors import DeclarationError, InvalidInput
from .annotations import Annotation, read, scalar
from .definition import EnumFactory, EnumSource
from .naming import camel_case, check_name
from .registry import MutationDeclaration, Registry

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MutationDef:
    """A root field of Mutation: the function, its arguments, and what it returns.

    ``converts`` turn coerced arguments, by Python name, into what the function is given. ``target`` is the
    name of the declared type whose selection is planned; None for a plain value, which ``plain`` writes.
    """

    name: str
    description: str | None
    deprecation: str | None
    function: Callable[..., Any]
    arguments: Mapping[str, GraphQLArgument]
    converts: Mapping[str, Convert]
    target: str | None
    many: bool
    nullable: bool
    nullable_items: bool
    output: Callable[[Mapping[str, GraphQLOutputType]], GraphQLOutputType]
    plain: GraphQLScalarType | GraphQLEnumType | None


def _python_name(name: str) -> str:
    return camel_case(name) if get_settings().camel_case else name


class Arguments:
    """Makes the argument types of one schema; inputs and enums are made once each."""

    def __init__(self, registry: Registry, enum_type: EnumFactory) -> None:
        self.registry = registry
        self.enum_type = enum_type
        self._inputs: dict[type, tuple[GraphQLInputObjectType, Convert]] = {}

    def mutation(self, declaration: MutationDeclaration) -> MutationDef:
        """Describe a declared mutation; raise DeclarationError for an annotation that GraphQL cannot say."""
        function = declaration.function
        where = f"mutation {function.__name__}"
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters:
            raise DeclarationError(f"{where} takes no parameter; the first one is given an Info")
        arguments: dict[str, GraphQLArgument] = {}
        converts: dict[str, Convert] = {}
        for parameter in parameters[1:]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise DeclarationError(f"{where}: parameter {parameter} cannot be an argument")
            if parameter.annotation is parameter.empty:
                raise DeclarationError(f"{where}: parameter {parameter.name!r} has no annotation")
            graphql, convert = self._input(self._read(parameter.annotation, function.__module__), where)
            if parameter.default is not parameter.empty and isinstance(graphql, GraphQLNonNull):
                graphql, convert = graphql.of_type, _required(convert, f"argument {parameter.name!r}")
            name = check_name(_python_name(parameter.name), f"an argument of {where}")
            arguments[name] = GraphQLArgument(graphql, out_name=parameter.name)
            converts[parameter.name] = convert
        return self._with_result(declaration, where, arguments, converts)

    def _with_result(
        self,
        declaration: MutationDeclaration,
        where: str,
        arguments: Mapping[str, GraphQLArgument],
        converts: Mapping[str, Convert],
    ) -> MutationDef:
        function = declaration.function
        returned = inspect.signature(function).return_annotation
        if returned is inspect.Signature.empty:
            raise DeclarationError(f"{where} has no return annotation")
        result = self._read(returned, function.__module__)
        many = result.item is not None
        base = (result.item or result).base
        declared = getattr(base, "__fraiseql_type__", None)
        plain = None if declared else self._leaf(base, where)
        nullable_items = result.item is not None and result.item.nullable
        if nullable_items and declared:
            raise DeclarationError(f"{where}: a list of {declared.name} cannot hold None")

        def output(types: Mapping[str, GraphQLOutputType]) -> GraphQLOutputType:
            inner: Any = types[declared.name] if declared else plain
            if many:
                inner = GraphQLList(inner if nullable_items else GraphQLNonNull(inner))
            return inner if result.nullable else GraphQLNonNull(inner)

        return MutationDef(
            name=check_name(declaration.name or _python_name(function.__name__), where),
            description=declaration.description or inspect.getdoc(function),
            deprecation=declaration.deprecation,
            function=function,
            arguments=arguments,
            converts=converts,
            target=declared.name if declared else None,
            many=many,
            nullable=result.nullable,
            nullable_items=nullable_items,
            output=output,
            plain=plain,
        )

    def _read(self, annotation: Any, module: str) -> Annotation:
        return read(annotation, module, self.registry)

    def _leaf(self, base: Any, where: str) -> Any:
        known = scalar(base)
        if known is not None:
            return known.graphql
        if inspect.isclass(base) and issubclass(base, enum.Enum):
            return self._enum(base)
        raise DeclarationError(
            f"{where}: {base!r} is neither a declared type, nor an Enum, nor a Python type that has a scalar"
        )

    def _enum(self, cls: type[enum.Enum]) -> GraphQLEnumType:
        if issubclass(cls, models.Choices):
            pairs = tuple((value, str(label)) for value, label in cls.choices)
        else:
            pairs = tuple((member.value, member.name) for member in cls)
        return self.enum_type(EnumSource(name=cls.__name__, choices=pairs))

    def _input(self, annotation: Annotation, where: str) -> tuple[GraphQLInputType, Convert]:
        graphql: Any
        if annotation.item is not None:
            inner, convert_item = self._input(annotation.item, where)
            graphql = GraphQLList(inner)
            convert: Convert = _each(convert_item)
        elif hasattr(annotation.base, "__fraiseql_input__"):
            graphql, convert = self._input_object(annotation.base)
        else:
            graphql = self._leaf(annotation.base, where)
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
            found[check_name(_python_name(item.name), where)] = GraphQLInputField(graphql, out_name=item.name)
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
            raise InvalidInput(f"{where} may be left out, but not null")
        return convert(value)

    return converted
