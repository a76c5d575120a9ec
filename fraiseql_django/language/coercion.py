"""Variables → coerced values (GraphQL specification, 6.1.2), by functions that are compiled once for an operation.

The compiled functions handle valid values only. When one of them rejects a value, the parser calls graphql-core's
coercion, which either accepts it or produces the error messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache, partial
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
from .._django import noting_place
from ..schema.arguments import ONE_OF
from ..schema.scalars.graphql import BY_PLACE

Coerce: TypeAlias = Callable[[Any], Any]

# Among coerced values: whether they would be others in another language or time zone, as a moment without an offset is
OF_PLACE = "#place"
# The calls of scalars' functions that may ask for the active language or time zone, while variables are coerced
_CALLS: ContextVar[list[Callable[[], Any]] | None] = ContextVar("calls", default=None)


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
    leaf: Any = type_
    may_ask = leaf.extensions.get(BY_PLACE)
    if may_ask is None:
        return lambda value: None if value is None else parse(value)

    def by_place(value: Any) -> Any:
        if value is None:
            return None
        coerced = parse(value)
        if (calls := _CALLS.get()) is not None and may_ask(value):
            calls.append(lambda: parse(value))
        return coerced

    return by_place


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


def asks_for_place(calls: Iterable[Callable[[], Any]]) -> bool:
    """Whether functions ask for the active language or time zone; what they return and raise is left alone.

    So no value that is used has the noting time zone in it.
    """
    with noting_place() as asked:
        for call in calls:
            with suppress(Exception):
                call()
            if asked:
                return True
    return False


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
        # of defaults that each request reads in its own language and time zone
        self._defaults: dict[str, Callable[[], Any]] = {}
        for node in operation.variable_definitions or ():
            name = node.variable.name.value
            type_: Any = type_from_ast(schema, node.type)
            self._types[name] = type_
            default: Any = Undefined
            if node.default_value:
                read = partial(value_from_ast, node.default_value, type_)
                default = read()
                if asks_for_place([read]):
                    self._defaults[name] = read
            self._variables.append((name, coercer(type_), default, is_non_null_type(type_)))

    def nests_conditions(self, inputs: Mapping[str, Any], levels: int) -> bool:
        """Whether a variable of a ``where`` input type nests objects and lists in more than ``levels`` levels."""
        return any(nests_conditions(type_, inputs.get(name), levels) for name, type_ in self._types.items())

    def accept(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the coerced values by name; None if the compiled functions cannot coerce one of them.

        ``OF_PLACE`` is among them if another language or time zone would make others of the same inputs.
        """
        values: dict[str, Any] = {}
        calls: list[Callable[[], Any]] = []
        token = _CALLS.set(calls)
        try:
            for name, coerce, default, required in self._variables:
                if name in inputs:
                    values[name] = coerce(inputs[name])
                elif name in self._defaults:
                    values[name] = self._defaults[name]()
                    calls.append(self._defaults[name])
                elif default is not Undefined:
                    values[name] = default
                elif required:
                    return None
        except Exception:
            # scalars may raise anything; graphql-core's coercion produces the error for the client
            return None
        finally:
            _CALLS.reset(token)
        if calls and asks_for_place(calls):
            values[OF_PLACE] = True
        return values
