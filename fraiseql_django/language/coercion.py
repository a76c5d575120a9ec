"""Variables → coerced values (GraphQL specification, 6.1.2), by functions that are compiled once for an operation.

The compiled functions handle valid values only. When one of them rejects a value, the parser calls graphql-core's
coercion, which either accepts it or produces the error messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    value_from_ast,
)

from .._compat import input_default, parse_input
from ..schema.arguments import ONE_OF

Coerce: TypeAlias = Callable[[Any], Any]


class NotAccepted(Exception):
    """The compiled functions cannot coerce a value; graphql-core must."""


# bounded, because every document creates its own list and non-null types
@lru_cache(maxsize=4096)
def coercer(type_: GraphQLInputType) -> Coerce:
    """Return the function that coerces values of an input type; it raises for an invalid value."""
    if is_non_null_type(type_):
        return _required(coercer(type_.of_type))
    if is_list_type(type_):
        return _list(coercer(type_.of_type))
    if is_input_object_type(type_):
        return _object(type_)
    parse = parse_input(type_)
    return lambda value: None if value is None else parse(value)


def _required(coerce: Coerce) -> Coerce:
    def required(value: Any) -> Any:
        if value is None:
            raise NotAccepted
        return coerce(value)

    return required


def _list(coerce: Coerce) -> Coerce:
    def items(value: Any) -> Any:
        if value is None:
            return None
        return [coerce(item) for item in value] if isinstance(value, list) else [coerce(value)]

    return items


def _object(type_: Any) -> Coerce:
    one_of = type_.extensions.get(ONE_OF)

    def fields(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise NotAccepted
        coerced = {}
        # in the order of the type's fields, so that the order of the client's keys does not change the shape
        for name, field in type_.fields.items():
            if name in value:
                coerced[field.out_name or name] = coercer(field.type)(value[name])
            elif is_non_null_type(field.type) or input_default(field) is not Undefined:
                raise NotAccepted
        if len(coerced) < len(value) or (one_of and (len(coerced) != 1 or None in coerced.values())):
            raise NotAccepted
        return coerced

    return fields


def nests_conditions(type_: Any, value: Any, levels: int) -> bool:
    """Whether a value of a ``where`` input type nests objects and lists in more than ``levels`` levels.

    The check does not recurse, so it works for values that are nested too deeply to be coerced.
    """
    if not is_input_object_type(named := get_named_type(type_)) or not named.extensions.get("conditions"):
        return False
    waiting = [(value, 0)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, (Mapping, list)):
            if level > levels:
                return True
            waiting.extend((inner, level + 1) for inner in (item.values() if isinstance(item, Mapping) else item))
    return False


class VariableCoercion:
    """Coerces the variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._variables: list[tuple[str, Coerce, Any, bool]] = []
        self._types: dict[str, Any] = {}
        for node in operation.variable_definitions or ():
            type_: Any = type_from_ast(schema, node.type)
            self._types[node.variable.name.value] = type_
            default = value_from_ast(node.default_value, type_) if node.default_value else Undefined
            self._variables.append((node.variable.name.value, coercer(type_), default, is_non_null_type(type_)))

    def nests_conditions(self, inputs: Mapping[str, Any], levels: int) -> bool:
        """Whether a variable of a ``where`` input type nests objects and lists in more than ``levels`` levels."""
        return any(nests_conditions(type_, inputs.get(name), levels) for name, type_ in self._types.items())

    def accept(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the coerced values by name; None if the compiled functions cannot coerce one of them."""
        values = {}
        try:
            for name, coerce, default, required in self._variables:
                if name in inputs:
                    values[name] = coerce(inputs[name])
                elif default is not Undefined:
                    values[name] = default
                elif required:
                    return None
        except Exception:
            # scalars may raise anything; graphql-core's coercion produces the error for the client
            return None
        return values
