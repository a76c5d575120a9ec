"""What of a variable's value a plan depends on: its *shape*.

A plan fits every value of the same shape. Of most values the shape is only whether it is absent, null or
there; of an input object also which keys it has; of a direction the value itself, and of every Boolean,
since it may stand at ``isnull``, ``@include`` or ``@skip``: other values need other SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)

from ..schema.filter_inputs import ORDER_DIRECTION

Shaper: TypeAlias = Callable[[Any], Hashable]

ABSENT = 0
NULL = 1
GIVEN = 2


@dataclass(frozen=True, slots=True)
class VariableShape:
    """A declared variable, and what tells the shape of a value of it."""

    name: str
    of: Shaper


def _presence(value: Any) -> Hashable:
    return NULL if value is None else GIVEN


def _frozen(value: Any) -> Hashable:
    """Make a value that keys can hold; True and 1 stay apart."""
    if isinstance(value, dict):
        return tuple((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return (type(value).__name__, value if isinstance(value, Hashable) else repr(value))


# bounded, since every document has its own objects for lists and what is not null
@lru_cache(maxsize=4096)
def shaper(type_: GraphQLInputType) -> Shaper:
    """Return the function that tells the shape of values of an input type."""
    if is_non_null_type(type_):
        return shaper(type_.of_type)
    if type_ is ORDER_DIRECTION or type_ is GraphQLBoolean:
        return _frozen
    if is_input_object_type(type_) and not type_.extensions.get("leaf"):
        return _object_shaper(type_)
    if is_list_type(type_):
        inner: Any = type_.of_type
        inner = inner.of_type if is_non_null_type(inner) else inner
        if is_input_object_type(inner) and not inner.extensions.get("leaf"):
            item = shaper(inner)
            return lambda value: NULL if value is None else tuple(map(item, value))
    return _presence


def _object_shaper(type_: Any) -> Shaper:
    def shape(value: Any) -> Hashable:
        if value is None:
            return NULL
        # looked up here, since input types refer to themselves
        fields = type_.fields
        return tuple((key, _of_field(fields.get(key))(item)) for key, item in value.items())

    return shape


def _of_field(field: Any) -> Shaper:
    # a mutation's inputs have keys of Python's: they are not planned with
    return _presence if field is None else shaper(field.type)


def variable_shapes(
    schema: GraphQLSchema, operation: OperationDefinitionNode, by_value: Set[str]
) -> tuple[VariableShape, ...]:
    """List the operation's variables with what tells their shapes; of those in ``by_value`` the value does."""
    found = []
    for definition in operation.variable_definitions or ():
        type_: Any = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        found.append(VariableShape(name, _frozen if name in by_value else shaper(type_)))
    return tuple(found)
