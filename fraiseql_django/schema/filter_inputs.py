"""Inputs: the ``where`` and ``orderBy`` types of every object type, and the filters of every leaf type."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from ..errors import DeclarationError
from .definition import AnyField, Column, Computed, Embedded, Extracted, Nested, Related, Shape
from .operators import Comparable, Takes, operators_of

# direction → Django's arguments of OrderBy
DIRECTIONS: Mapping[str, Mapping[str, bool]] = {
    "ASC": {},
    "DESC": {"descending": True},
    "ASC_NULLS_FIRST": {"nulls_first": True},
    "ASC_NULLS_LAST": {"nulls_last": True},
    "DESC_NULLS_FIRST": {"descending": True, "nulls_first": True},
    "DESC_NULLS_LAST": {"descending": True, "nulls_last": True},
}
ORDER_DIRECTION = GraphQLEnumType(
    "OrderDirection",
    {name: GraphQLEnumValue(name) for name in DIRECTIONS},
    description="ASC puts nulls last and DESC first, unless told otherwise.",
)
QUANTIFIERS: Mapping[str, str] = {
    "some": "At least one of them matches.",
    "every": "None of them fails to match.",
    "none": "None of them matches.",
}
COMBINERS = ("AND", "OR", "NOT")


def comparable(field: AnyField) -> Comparable | None:
    """Return what a field is compared as, or None for one that leads to an object."""
    if isinstance(field, Embedded):
        return field.filter
    if isinstance(field, (Column, Computed, Extracted)):
        return field.scalar
    return None


class Inputs:
    """The input types of one schema, each made once."""

    def __init__(self, types: Mapping[str, Shape]) -> None:
        self.types = types
        self._filters: dict[tuple[str, int], GraphQLInputObjectType] = {}
        self._lists: dict[str, GraphQLInputObjectType] = {}
        self.where = {name: self._where(definition) for name, definition in types.items()}
        self.order_by = {name: self._order_by(types[name]) for name in _sortable(types)}

    def _where(self, definition: Shape) -> GraphQLInputObjectType:
        for name in COMBINERS:
            if name in definition.fields:
                raise DeclarationError(
                    f"{definition.name}.{name} has the name of a combination of filters; give it another name"
                )

        def fields() -> dict[str, GraphQLInputField]:
            own = GraphQLNonNull(self.where[definition.name])
            return {
                **{name: GraphQLInputField(self._condition(field)) for name, field in definition.fields.items()},
                "AND": GraphQLInputField(GraphQLList(own), description="All of these."),
                "OR": GraphQLInputField(GraphQLList(own), description="At least one of these."),
                "NOT": GraphQLInputField(self.where[definition.name], description="Not this."),
            }

        return GraphQLInputObjectType(
            f"{definition.name}Where",
            fields,
            description=f"Which {definition.name} rows; all conditions must hold.",
            extensions={"conditions": True},
        )

    def _condition(self, field: AnyField) -> GraphQLInputType:
        if isinstance(field, (Related, Nested)):
            return self._list_filter(field.target) if field.many else self.where[field.target]
        scalar = comparable(field)
        assert scalar is not None
        return self._filter(scalar, getattr(field, "dimensions", 0))

    def _list_filter(self, target: str) -> GraphQLInputObjectType:
        if target not in self._lists:
            self._lists[target] = GraphQLInputObjectType(
                f"{target}ListFilter",
                lambda: {
                    name: GraphQLInputField(self.where[target], description=description)
                    for name, description in QUANTIFIERS.items()
                },
                description=f"Conditions on a list of {target}.",
            )
        return self._lists[target]

    def _filter(self, scalar: Comparable, dimensions: int) -> GraphQLInputObjectType:
        """One filter type for a GraphQL type and a number of lists around it."""
        key = (scalar.name, dimensions)
        if key not in self._filters:
            value: GraphQLInputType = scalar.graphql
            for _ in range(dimensions):
                value = GraphQLList(value)
            shapes: dict[Takes, GraphQLInputType] = {
                Takes.ONE: value,
                Takes.LIST: GraphQLList(GraphQLNonNull(value)),
                Takes.FLAG: GraphQLBoolean,
            }
            self._filters[key] = GraphQLInputObjectType(
                f"{scalar.name}{'Array' * dimensions}Filter",
                {
                    operator.name: GraphQLInputField(shapes[operator.takes], description=operator.description)
                    for operator in operators_of(scalar, dimensions)
                },
                description="Conditions on one value; all must hold.",
            )
        return self._filters[key]

    def _order_by(self, definition: Shape) -> GraphQLInputObjectType:
        def fields() -> dict[str, GraphQLInputField]:
            found: dict[str, GraphQLInputField] = {}
            for name, field in definition.fields.items():
                if isinstance(field, (Related, Nested)):
                    if not field.many and field.target in self.order_by:
                        found[name] = GraphQLInputField(self.order_by[field.target])
                elif is_ordered(field):
                    found[name] = GraphQLInputField(ORDER_DIRECTION)
            return found

        return GraphQLInputObjectType(
            f"{definition.name}OrderBy",
            fields,
            description=f"One key to sort {definition.name} rows by; give a list to sort by several.",
            extensions={"conditions": True},
        )


def _sortable(types: Mapping[str, Shape]) -> list[str]:
    """List the types that have something to sort by, if only through another type: no input may be empty."""
    found = {name for name, definition in types.items() if any(map(is_ordered, definition.fields.values()))}
    grown = True
    while grown:
        grown = False
        for name, definition in types.items():
            ways = (
                field.target
                for field in definition.fields.values()
                if isinstance(field, (Related, Nested)) and not field.many
            )
            if name not in found and any(target in found for target in ways):
                found.add(name)
                grown = True
    return [name for name in types if name in found]


def is_ordered(field: AnyField) -> bool:
    """Whether rows can be sorted by the field; booleans and choices can, though they are not compared."""
    scalar = comparable(field)
    if scalar is None or (isinstance(field, (Column, Computed, Extracted)) and field.dimensions):
        return False
    return scalar.ordered or isinstance(scalar.graphql, GraphQLEnumType) or scalar.graphql is GraphQLBoolean
