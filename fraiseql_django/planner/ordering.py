"""``orderBy`` → ORDER BY, which always ends in what tells rows apart: pages are stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models.expressions import OrderBy

from ..errors import InvalidInput
from ..limits import Tally
from ..schema.definition import Relation, TypeDef
from ..schema.inputs import DIRECTIONS
from .computed import compared_value


class Ordering:
    """Builds the orders of one operation's plan."""

    def __init__(self, types: Mapping[str, TypeDef], tally: Tally) -> None:
        self.types = types
        self.tally = tally

    def order_by(self, definition: TypeDef, given: Sequence[Mapping[str, Any]]) -> list[OrderBy]:
        """Return the terms of an ``orderBy`` list, without what breaks ties."""
        return [self._term(definition, item, "", f"orderBy[{index}]") for index, item in enumerate(given)]

    def _term(self, definition: TypeDef, item: Mapping[str, Any], prefix: str, where: str) -> OrderBy:
        self.tally.add()
        if len(item) != 1:
            keys = f"the keys {', '.join(item)}" if item else "no key"
            raise InvalidInput(
                f"{where} has {keys}, must have one: write several keys as a list, the most important first."
            )
        ((key, value),) = item.items()
        if value is None:
            raise InvalidInput(f"{where}.{key} is null, must be one of: {', '.join(DIRECTIONS)}.")
        field = definition.fields[key]
        if isinstance(field, Relation):
            return self._term(self.types[field.target], value, f"{prefix}{field.path}__", f"{where}.{key}")
        return OrderBy(compared_value(definition, field, prefix), **DIRECTIONS[value.value])


def ordered(queryset: models.QuerySet[Any], terms: Sequence[OrderBy], alias: str) -> models.QuerySet[Any]:
    """Sort by the terms, or else as the query or its model says; then by the key unless that is decided."""
    if terms and not queryset.query.standard_ordering:
        # a manager that reverses its own order does not mean the client's
        queryset = queryset.reverse()
    order: list[Any] = list(terms) or list(queryset.query.order_by or queryset.model._meta.ordering)
    if not any(_decides(queryset.model, term) for term in order):
        order += key_columns(queryset.model)
    sorted_rows = queryset.order_by(*order)
    _join_for_order(sorted_rows, alias)
    return sorted_rows


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
