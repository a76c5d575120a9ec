"""What of a variable's value a plan depends on: its *shape*.

A plan fits every value of the same shape. Of most values the shape is only whether it is absent, null or
there; of an input object also which keys it has; of a flag, a direction or an ``@include`` condition the
value itself, because other values need other SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)

from .inputs import ORDER_DIRECTION

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


@cache
def shaper(type_: GraphQLInputType, structural: bool = False) -> Shaper:
    """Return the function that tells the shape of values of an input type."""
    if is_non_null_type(type_):
        return shaper(type_.of_type, structural)
    if structural or type_ is ORDER_DIRECTION:
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
    return _presence if field is None else shaper(field.type, bool(field.extensions.get("structural")))


def variable_shapes(
    schema: GraphQLSchema, operation: OperationDefinitionNode, by_value: Set[str]
) -> tuple[VariableShape, ...]:
    """List the operation's variables with what tells their shapes; those in ``by_value``: the value."""
    found = []
    for definition in operation.variable_definitions or ():
        type_: Any = type_from_ast(schema, definition.type)
        name = definition.variable.name.value
        found.append(VariableShape(name, shaper(type_, name in by_value)))
    return tuple(found)


def read_while_planning(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> frozenset[str]:
    """Name the variables that conditions and introspection read: their values are part of a plan."""
    return frozenset(_read_while_planning(operation, fragments, set()))


def _read_while_planning(node: Any, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]) -> Iterator[str]:
    for directive in getattr(node, "directives", None) or ():
        yield from _variables_in(directive)
    selection_set = getattr(node, "selection_set", None)
    for selection in selection_set.selections if selection_set is not None else ():
        if isinstance(selection, FieldNode) and selection.name.value in ("__schema", "__type"):
            yield from _variables_in(selection)
        if isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
            seen.add(selection.name.value)
            yield from _read_while_planning(fragments[selection.name.value], fragments, seen)
        yield from _read_while_planning(selection, fragments, seen)


def _variables_in(node: Node) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(child, Node):
                yield from _variables_in(child)
