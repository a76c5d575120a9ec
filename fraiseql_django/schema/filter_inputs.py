"""Inputs: the ``where`` and ``orderBy`` types of every object type, and the filters of every leaf type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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

from ..declare.names import COMBINERS, ORDER_KEYS, WHERE_KEYS
from .definition import DerivedShape, FieldDef, Reference, Shape, TypeDef
from .field_comparisons import comparisons
from .kinds import kind_of
from .operators import (
    NEGATION,
    VALUE,
    Argument,
    Comparable,
    Entry,
    Items,
    Operator,
    OperatorTable,
    Result,
    Takes,
    Transform,
)
from .operators.base import CHOOSES


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
    extensions=CHOOSES,
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
*_, HAS, COMPARE = WHERE_KEYS
BY, RANDOM = ORDER_KEYS


def comparable(field: FieldDef) -> Comparable | None:
    """Return the type that a field is compared as, or None for one that leads to an object."""
    found: Comparable | None = kind_of(field).comparable(field)
    return found


def is_ordered(field: FieldDef) -> bool:
    """Whether rows can be sorted by a field; booleans and choices can, though they are not compared."""
    return bool(kind_of(field).is_ordered(field))


class Inputs:
    """The input types of one schema, each made once."""

    def __init__(self, types: Mapping[str, Shape], operators: OperatorTable) -> None:
        self.types = types
        self.operators = operators
        self._orders: dict[tuple[str, int], GraphQLInputObjectType | None] = {}
        self._objects: dict[str, GraphQLInputObjectType] = {}
        self._distinct: dict[str, GraphQLEnumType | None] = {}
        self._filters: dict[tuple[str, int], GraphQLInputObjectType] = {}
        self._lists: dict[str, GraphQLInputObjectType] = {}
        self._limited: dict[str, GraphQLInputObjectType] = {}
        self._derived: dict[str, GraphQLInputObjectType] = {}
        self.where = {name: self._where(definition) for name, definition in types.items()}
        self.order_by = {name: self._order_by(types[name]) for name in _sortable(types)}

    def _where(self, definition: Shape) -> GraphQLInputObjectType:
        return self._conditions(f"{definition.name}Where", definition, None)

    def where_on(self, definition: Shape, fields: Sequence[str], name: str) -> GraphQLInputObjectType:
        """Return the type ``name`` of conditions on these fields of a type, by their GraphQL names; made once."""
        if name not in self._limited:
            self._limited[name] = self._conditions(name, definition, fields)
        return self._limited[name]

    def _conditions(self, name: str, definition: Shape, only: Sequence[str] | None) -> GraphQLInputObjectType:
        # those of relations and comparisons are of all fields of a row
        whole = only is None and not isinstance(definition, DerivedShape)

        def fields() -> dict[str, GraphQLInputField]:
            own = GraphQLNonNull(graphql)
            return {
                **{
                    name: GraphQLInputField(condition, deprecation_reason=field.deprecation)
                    for name, field in {**definition.fields, **definition.conditions}.items()
                    if (only is None or name in only)
                    and (condition := kind_of(field).where_input(field, self)) is not None
                },
                **({**self._of_relations(definition), **self._of_fields(definition)} if whole else {}),
                AND: GraphQLInputField(GraphQLList(own), description="All of these."),
                OR: GraphQLInputField(GraphQLList(own), description="At least one of these."),
                NOT: GraphQLInputField(graphql, description="Not this."),
            }

        graphql = GraphQLInputObjectType(
            name,
            fields,
            description=f"Which {definition.name} rows; all conditions must hold.",
            extensions={"conditions": True},
        )
        return graphql

    def _of_relations(self, definition: Shape) -> dict[str, GraphQLInputField]:
        """Return what asks whether relations lead anywhere."""
        fields = {
            name: GraphQLInputField(GraphQLBoolean, description="True: there is one; false: there is none.")
            for name, field in definition.fields.items()
            if isinstance(field, Reference) and kind_of(field).where_input(field, self) is not None
        }
        if not fields:
            return {}
        has = GraphQLInputObjectType(
            f"{definition.name}Has", fields, description=f"Whether relations of {definition.name} lead anywhere."
        )
        return {HAS: GraphQLInputField(has, description="Whether relations lead anywhere.")}

    def _of_fields(self, definition: Shape) -> dict[str, GraphQLInputField]:
        """Return what compares fields with one another."""
        found = comparisons(definition)
        if not found:
            return {}
        compare = GraphQLInputObjectType(
            f"{definition.name}Compare", found, description=f"Fields of {definition.name}, compared with one another."
        )
        return {COMPARE: GraphQLInputField(compare, description="Fields compared with one another.")}

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

            def fields() -> dict[str, GraphQLInputField]:
                known = self._offered(scalar, dimensions)
                negation = GraphQLInputField(self._filters[key], description="These conditions do not hold.")
                return {entry.name: self._filter_field(entry, scalar, dimensions) for entry in known} | {
                    NEGATION: negation
                }

            self._filters[key] = GraphQLInputObjectType(
                f"{_named(scalar, dimensions)}Filter", fields, description="Conditions on one value; all must hold."
            )
        return self._filters[key]

    def _offered(self, scalar: Comparable, dimensions: int) -> list[Entry]:
        """List what values of a type have; no transform whose results are of a type that the project has named so."""
        return [
            entry
            for entry in self.operators.of(scalar, dimensions).values()
            if not isinstance(entry, Transform)
            or all(result.scalar.name not in self.types for result in entry.results(scalar).values())
        ]

    def _filter_field(self, entry: Entry, scalar: Comparable, dimensions: int) -> GraphQLInputField:
        if isinstance(entry, Operator):
            graphql: GraphQLInputType
            if entry.takes is Takes.NAMED:
                graphql = self._object(
                    f"{_capital(entry.name)}Operand",
                    {name: argument.input() for name, argument in entry.named.items()},
                    entry.description,
                )
            else:
                value: GraphQLInputType = scalar.graphql
                for _ in range(dimensions):
                    value = GraphQLList(value)
                graphql = entry.argument(value, scalar)
            return GraphQLInputField(graphql, description=entry.description)
        if isinstance(entry, Items):
            return GraphQLInputField(self.value_filter(scalar, 0), description=entry.description)
        results = entry.results(scalar)
        if not entry.named:
            return GraphQLInputField(self._filter_of(results[VALUE]), description=entry.description)
        members = {name: GraphQLInputField(self._filter_of(result), description=result.description)
                   for name, result in results.items()}  # fmt: skip
        name = f"{_named(scalar, dimensions)}{_capital(entry.name)}Filter"
        return GraphQLInputField(
            self._object(name, {**_inputs(entry.named), **members}, entry.description), description=entry.description
        )

    def _filter_of(self, result: Result) -> GraphQLInputObjectType:
        return self.value_filter(result.scalar, result.dimensions)

    def _object(self, name: str, fields: Mapping[str, GraphQLInputField], description: str) -> GraphQLInputObjectType:
        if name not in self._objects:
            self._objects[name] = GraphQLInputObjectType(name, fields, description=description)
        return self._objects[name]

    def value_order(self, scalar: Comparable, dimensions: int) -> GraphQLInputObjectType | None:
        """Return the input of what is made of values of a leaf type to sort by; None where nothing is."""
        key = (scalar.name, dimensions)
        if key not in self._orders:
            fields = {
                entry.name: field
                for entry in self._offered(scalar, dimensions)
                if isinstance(entry, Transform) and (field := self._order_field(entry, scalar, dimensions))
            }
            self._orders[key] = (
                GraphQLInputObjectType(
                    f"{_named(scalar, dimensions)}Order", fields, description="What is made of a value to sort by."
                )
                if fields
                else None
            )
        return self._orders[key]

    def _order_field(self, entry: Transform, scalar: Comparable, dimensions: int) -> GraphQLInputField | None:
        sortable = {
            name: result
            for name, result in entry.results(scalar).items()
            if not result.dimensions and (result.scalar.ordered or result.scalar.graphql is GraphQLBoolean)
        }
        if not sortable:
            return None
        if not entry.named:
            return GraphQLInputField(ORDER_DIRECTION, description=entry.description)
        members = {
            name: GraphQLInputField(ORDER_DIRECTION, description=result.description)
            for name, result in sortable.items()
        }
        name = f"{_named(scalar, dimensions)}{_capital(entry.name)}Order"
        return GraphQLInputField(
            self._object(name, {**_inputs(entry.named), **members}, entry.description), description=entry.description
        )

    def distinct_fields(self, target: str) -> GraphQLEnumType | None:
        """Return the enum of the fields of which a type's lists may have one row for each value; None for none."""
        definition = self.types[target]
        if not isinstance(definition, TypeDef) or not definition.distinct_on or definition.source is not None:
            return None
        if target not in self._distinct:
            fields = definition.fields.items()
            names = [
                name
                for name, field in fields
                if kind_of(field).distinct_column(field) is not None and not self._hides(field)
            ]
            self._distinct[target] = (
                GraphQLEnumType(
                    f"{target}DistinctField",
                    {name: GraphQLEnumValue(name) for name in names},
                    description=f"Fields of {target} of which lists may have one row for each value.",
                    extensions=CHOOSES,
                )
                if names
                else None
            )
        return self._distinct[target]

    def _hides(self, field: FieldDef) -> bool:
        """Whether a row rule may hide what a field leads to, whose key would tell more than the field does."""
        return isinstance(field, Reference) and self.types[field.target].rows is not None

    def _order_by(self, definition: Shape) -> GraphQLInputObjectType:
        def fields() -> dict[str, GraphQLInputField]:
            return {
                name: GraphQLInputField(key, deprecation_reason=field.deprecation)
                for name, field in definition.fields.items()
                if (key := kind_of(field).order_input(field, self)) is not None
            } | self._order_extras(definition)

        return GraphQLInputObjectType(
            f"{definition.name}OrderBy",
            fields,
            description=f"One key to sort {definition.name} rows by; give a list to sort by several.",
            extensions={"conditions": True},
        )

    def _order_extras(self, definition: Shape) -> dict[str, GraphQLInputField]:
        """Return the keys of an order that are no fields: what is made of values, and chance."""
        found: dict[str, GraphQLInputField] = {}
        made = {
            name: GraphQLInputField(graphql)
            for name, field in definition.fields.items()
            if (graphql := kind_of(field).order_by_value(field, self)) is not None
        }
        if made and not isinstance(definition, DerivedShape):
            by = GraphQLInputObjectType(
                f"{definition.name}OrderByValue",
                made,
                description=f"What is made of one value of {definition.name} to sort by.",
                extensions={"conditions": True},
            )
            found[BY] = GraphQLInputField(by, description="What is made of a value: a year, a length, a similarity.")
        if isinstance(definition, TypeDef) and definition.random:
            found[RANDOM] = GraphQLInputField(GraphQLBoolean, description="True: in another order each time.")
        return found


def _named(scalar: Comparable, dimensions: int) -> str:
    return scalar.name + "Array" * dimensions


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _inputs(named: Mapping[str, Argument]) -> dict[str, GraphQLInputField]:
    return {name: argument.input() for name, argument in named.items()}


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
