"""``orderBy`` → ORDER BY, which always ends in what tells rows apart: pages are stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import F, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast

from ..errors import InvalidInput
from ..schema.definition import Nested, Related, Relation, Shape, TypeDef
from ..schema.filter_inputs import DIRECTIONS
from .json_text import Template
from .locations import ROW, Found, Place
from .operands import Values
from .source_values import json_of, ties


class Ordering:
    """Builds the orders of one operation's plan."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def order_by(self, definition: Shape, given: Sequence[Mapping[str, Any]]) -> list[OrderBy]:
        """Return the terms of an ``orderBy`` list, without what breaks ties."""
        return [self._term(definition, item, ROW, f"orderBy[{index}]") for index, item in enumerate(given)]

    def ends(self, definition: TypeDef) -> list[Any]:
        """Return what tells the rows of a source apart; nothing for a model, which knows its key."""
        return [] if definition.source is None else ties(definition, self.values.alias)

    def _term(self, definition: Shape, item: Mapping[str, Any], place: Place, where: str) -> OrderBy:
        if len(item) != 1:
            keys = f"the keys {', '.join(item)}" if item else "no key"
            raise InvalidInput(
                f"{where} has {keys}, must have one: write several keys as a list, the most important first."
            )
        ((key, value),) = item.items()
        if value is None:
            raise InvalidInput(f"{where}.{key} is null.", hint=f"It must be one of: {', '.join(DIRECTIONS)}.")
        field = definition.fields[key]
        self.values.rules.check(definition, field)
        if isinstance(field, (Related, Nested)):
            there = self._to_one(definition, field, place)
            return self._term(self.values.types[field.target], value, there, f"{where}.{key}")
        value_there = self.values.compared(definition, field, place).value
        if isinstance(place, Found):
            # a bare null, where no row is there for anybody, is none that PostgreSQL sorts by
            value_there = Template("coalesce({0}, NULL)", value_there)
        return OrderBy(value_there, **DIRECTIONS[value.value])

    def _to_one(self, definition: Shape, field: Related | Nested, place: Place) -> Place:
        self.values.rules.check_type(self.values.types[field.target])
        if isinstance(field, Relation) and self.values.joins(field):
            return place.join(field.path)
        if isinstance(field, Nested):
            return place.within(lambda here: json_of(definition, field.key, here))
        return self.values.found(field, definition, place)


def ordered(
    queryset: models.QuerySet[Any], terms: Sequence[OrderBy], alias: str, ends: Sequence[Any] = ()
) -> models.QuerySet[Any]:
    """Sort by the terms, or else as the query or its model says; then by the key unless that is decided.

    ``ends`` decide where there is no model that knows the key.
    """
    if terms and not queryset.query.standard_ordering:
        # a manager that reverses its own order does not mean the client's
        queryset = queryset.reverse()
    first = terms or queryset.query.order_by or queryset.model._meta.ordering
    queryset, order = _named(queryset, [*first, *ends])
    if not ends and not any(_decides(queryset.model, term) for term in order):
        order += key_columns(queryset.model)
    sorted_rows = queryset.order_by(*order)
    _join_for_order(sorted_rows, alias)
    return sorted_rows


def _named(queryset: models.QuerySet[Any], order: Iterable[Any]) -> tuple[models.QuerySet[Any], list[Any]]:
    """Give what is computed for an order a name in the query, and sort by the name: it is resolved now.

    Django resolves ORDER BY when it compiles. Within a subquery, where the tables have been renamed, that would
    write the renamed tables into the conditions that a subquery shares with the expression that it was made from
    (WhereNode.resolve_expression() changes lookups in place): the declared field itself, for all later statements.
    """
    values: dict[str, Any] = {}
    named: list[Any] = []
    for term in order:
        value = term.expression if isinstance(term, OrderBy) else term
        if not isinstance(value, (str, F)):
            name = f"fraiseql_order_{len(values)}"
            # PostgreSQL takes a bare constant for a column's number, or for an error (its documentation, SELECT)
            values[name] = Cast(value, value.output_field) if isinstance(value, Value) else value
            term = term.copy() if isinstance(term, OrderBy) else OrderBy(value)
            term.set_source_expressions([F(name)])
        named.append(term)
    return queryset.alias(**values), named


def _join_for_order(queryset: models.QuerySet[Any], alias: str) -> None:
    """Make the joins of ORDER BY now, as those of conditions are.

    Django makes them when it compiles, under the tables' own names. In a subquery, where all else has been
    renamed, such a name would hide the outer query's table from the condition that leads there.
    """
    compiler = queryset.query.get_compiler(alias)
    compiler.setup_query()
    compiler.get_order_by()


def key_columns(model: type[models.Model]) -> list[str]:
    """Return the names of the columns of the model's key."""
    pk = model._meta.pk
    parts: Iterable[Any] = pk.fields if isinstance(pk, models.CompositePrimaryKey) else (pk,)
    return [part.attname for part in parts]


def _decides(model: type[models.Model], term: Any) -> bool:
    """Whether no two rows are equal in a term: it is a unique column of the model that is never null."""
    expression = term.expression if isinstance(term, OrderBy) else term
    name = getattr(expression, "name", expression)
    if not isinstance(name, str):
        return False
    name = name.lstrip("-")
    if name == "pk":
        return not isinstance(model._meta.pk, models.CompositePrimaryKey)
    return any(
        field.concrete and name in (field.name, field.attname) and field.unique and not field.null
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and not (field.is_relation and name == field.name)
    )
