"""Inputs: the ``where`` and ``orderBy`` types of every object type, and the filters of every leaf type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from ..declare.names import COMBINERS
from .definition import FieldDef, Shape
from .kinds import kind_of
from .operators import Comparable, operators_of


@dataclass(frozen=True, slots=True)
class Direction:
    """How values are sorted; ``nulls_first`` is None where PostgreSQL's default holds."""

    descending: bool
    nulls_first: bool | None = None


DIRECTIONS: Mapping[str, Direction] = {
    "ASC": Direction(False),
    "DESC": Direction(True),
    "ASC_NULLS_FIRST": Direction(False, nulls_first=True),
    "ASC_NULLS_LAST": Direction(False, nulls_first=False),
    "DESC_NULLS_FIRST": Direction(True, nulls_first=True),
    "DESC_NULLS_LAST": Direction(True, nulls_first=False),
}
ORDER_DIRECTION = GraphQLEnumType(
    "OrderDirection",
    {name: GraphQLEnumValue(name) for name in DIRECTIONS},
    description="ASC puts nulls last and DESC first, unless told otherwise.",
)


@dataclass(frozen=True, slots=True)
class Quantifier:
    """A condition on a list: whether an item must exist (or none), for which the inner condition holds or does not."""

    description: str
    exists: bool
    failing: bool = False


QUANTIFIERS: Mapping[str, Quantifier] = {
    "some": Quantifier("At least one of them matches.", exists=True),
    "every": Quantifier("None of them fails to match.", exists=False, failing=True),
    "none": Quantifier("None of them matches.", exists=False),
}
AND, OR, NOT = COMBINERS


def comparable(field: FieldDef) -> Comparable | None:
    """Return the type that a field is compared as, or None for one that leads to an object."""
    found: Comparable | None = kind_of(field).comparable(field)
    return found


def is_ordered(field: FieldDef) -> bool:
    """Whether rows can be sorted by a field; booleans and choices can, though they are not compared."""
    return bool(kind_of(field).is_ordered(field))


class Inputs:
    """The input types of one schema, each made once."""

    def __init__(self, types: Mapping[str, Shape]) -> None:
        self.types = types
        self._filters: dict[tuple[str, int], GraphQLInputObjectType] = {}
        self._lists: dict[str, GraphQLInputObjectType] = {}
        self._derived: dict[str, GraphQLInputObjectType] = {}
        self.where = {name: self._where(definition) for name, definition in types.items()}
        self.order_by = {name: self._order_by(types[name]) for name in _sortable(types)}

    def _where(self, definition: Shape) -> GraphQLInputObjectType:
        def fields() -> dict[str, GraphQLInputField]:
            own = GraphQLNonNull(self.where[definition.name])
            return {
                **{
                    name: GraphQLInputField(condition, deprecation_reason=field.deprecation)
                    for name, field in definition.fields.items()
                    if (condition := kind_of(field).where_input(field, self)) is not None
                },
                AND: GraphQLInputField(GraphQLList(own), description="All of these."),
                OR: GraphQLInputField(GraphQLList(own), description="At least one of these."),
                NOT: GraphQLInputField(self.where[definition.name], description="Not this."),
            }

        return GraphQLInputObjectType(
            f"{definition.name}Where",
            fields,
            description=f"Which {definition.name} rows; all conditions must hold.",
            extensions={"conditions": True},
        )

    def list_filter(self, target: str) -> GraphQLInputObjectType:
        """Return the filter of a list of objects of a type; each is made once."""
        if target not in self._lists:
            self._lists[target] = GraphQLInputObjectType(
                f"{target}ListFilter",
                lambda: {
                    name: GraphQLInputField(self.where[target], description=quantifier.description)
                    for name, quantifier in QUANTIFIERS.items()
                },
                description=f"Conditions on a list of {target}.",
            )
        return self._lists[target]

    def derived(self, made: GraphQLInputObjectType) -> GraphQLInputObjectType:
        """Return the input type of this name: the first one that was given."""
        return self._derived.setdefault(made.name, made)

    def value_filter(self, scalar: Comparable, dimensions: int) -> GraphQLInputObjectType:
        """Return the filter of values of a leaf type, in so many lists; each is made once."""
        key = (scalar.name, dimensions)
        if key not in self._filters:
            value: GraphQLInputType = scalar.graphql
            for _ in range(dimensions):
                value = GraphQLList(value)
            self._filters[key] = GraphQLInputObjectType(
                f"{scalar.name}{'Array' * dimensions}Filter",
                {
                    operator.name: GraphQLInputField(operator.argument(value), description=operator.description)
                    for operator in operators_of(scalar, dimensions)
                },
                description="Conditions on one value; all must hold.",
            )
        return self._filters[key]

    def _order_by(self, definition: Shape) -> GraphQLInputObjectType:
        def fields() -> dict[str, GraphQLInputField]:
            return {
                name: GraphQLInputField(key, deprecation_reason=field.deprecation)
                for name, field in definition.fields.items()
                if (key := kind_of(field).order_input(field, self)) is not None
            }

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
            through = (kind_of(field).sorts_through(field) for field in definition.fields.values())
            if name not in found and any(target in found for target in through):
                found.add(name)
                grown = True
    return [name for name in types if name in found]
