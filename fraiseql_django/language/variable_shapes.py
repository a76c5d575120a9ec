"""The *shape* of a variable's value: the part of it that a plan depends on.

A plan serves all values of the same shape, because they produce the same SQL:

- the shape of most values is whether they are absent, null or present;
- the shape of an input object is its keys with the shapes of their values;
- the shape of a sort direction, of another enum that chooses SQL or of a Boolean is the value itself: the direction is
  part of the SQL, and a Boolean may be the operand of ``isnull``, ``@include`` or ``@skip``.

For example, ``{"name": {"eq": "A"}}`` and ``{"name": {"eq": "B"}}`` have the same shape and share a plan;
``{"name": {"neq": "A"}}`` has another shape, and ``{"name": {"isnull": true}}`` and ``{"name": {"isnull": false}}``
have one each.
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
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)

Shaper: TypeAlias = Callable[[Any], Hashable]

ABSENT = 0
NULL = 1
PRESENT = 2


@dataclass(frozen=True, slots=True)
class VariableShape:
    """A variable of an operation; ``of`` returns the shape of its value."""

    name: str
    of: Shaper


def _presence(value: Any) -> Hashable:
    return NULL if value is None else PRESENT


def _frozen(value: Any) -> Hashable:
    """Return a hashable form of a value, which differs for True and 1."""
    if isinstance(value, dict):
        return tuple((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return (type(value).__name__, value if isinstance(value, Hashable) else repr(value))


# bounded, because every document creates its own list and non-null types
@lru_cache(maxsize=4096)
def shaper(type_: GraphQLInputType) -> Shaper:
    """Return the function that returns the shape of a value of an input type."""
    if is_non_null_type(type_):
        return shaper(type_.of_type)
    if type_ is GraphQLBoolean or _chooses(type_):
        return _frozen
    if is_input_object_type(type_) and not type_.extensions.get("leaf"):
        return _object_shaper(type_)
    if is_list_type(type_):
        inner: Any = type_.of_type
        inner = inner.of_type if is_non_null_type(inner) else inner
        if _chooses(inner):
            return _frozen
        if is_input_object_type(inner) and not inner.extensions.get("leaf"):
            item = shaper(inner)
            return lambda value: NULL if value is None else tuple(map(item, value))
    return _presence


def _chooses(type_: Any) -> bool:
    """Whether the value of an enum is a part of the SQL."""
    return is_enum_type(type_) and bool(type_.extensions.get("chooses"))


def _object_shaper(type_: Any) -> Shaper:
    def shape(value: Any) -> Hashable:
        if value is None:
            return NULL
        # looked up here and not in the outer function, because input types may refer to themselves
        fields = type_.fields
        return tuple((key, _of_field(fields.get(key))(item)) for key, item in value.items())

    return shape


def _of_field(field: Any) -> Shaper:
    # keys of a mutation's inputs may be names of Python attributes; plans do not depend on them
    return _presence if field is None else shaper(field.type)


def variable_shapes(
    schema: GraphQLSchema, operation: OperationDefinitionNode, by_value: Set[str]
) -> tuple[VariableShape, ...]:
    """Return the shapes of the operation's variables; for variables in ``by_value`` the shape is the value."""
    shapes = []
    for definition in operation.variable_definitions or ():
        type_: Any = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        shapes.append(VariableShape(name, _frozen if name in by_value else shaper(type_)))
    return tuple(shapes)
