"""What is computed or compared, and which rows a relation leads to: expressions over wherever rows are reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast

from ..schema.definition import Column, Computed, Embedded, Extracted, Key, Link, Related, Relation, Shape, TypeDef
from ..schema.filter_inputs import comparable
from . import source_values as extracted
from .conditions import Compare
from .json_text import Template
from .locations import ROW, Found, Here, Inside, Place, Row, member_text
from .rules import Rules
from .source_values import TEXT, WHOLE, Compared, native_types

_NUMBER = WHOLE | {"numeric", "real", "double precision"}


def computed_value(definition: TypeDef, field: Computed, prefix: str) -> Any:
    """Return the expression that stands for the field on rows reached through the to-one path ``prefix``.

    What aggregates, and what stands behind a path, is a subquery of its own: two counts in one query
    would inflate each other, and an expression's names mean its own model's columns.
    """
    expression = field.expression
    if isinstance(expression, Value) and isinstance(expression.value, str):
        # a literal of no type yet, for PostgreSQL
        return Cast(expression, TextField())
    if not prefix and not _aggregates(expression):
        return expression
    rows = definition.model._base_manager.filter(pk=OuterRef(f"{prefix}pk"))
    return Subquery(rows.annotate(fraiseql_value=expression).values("fraiseql_value").order_by())


def _aggregates(expression: Any) -> bool:
    if getattr(expression, "contains_aggregate", False):
        return True
    parts = expression.get_source_expressions() if hasattr(expression, "get_source_expressions") else ()
    return any(_aggregates(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Values:
    """Makes the expressions of one operation's plan; ``types`` are all types and shapes by name."""

    types: Mapping[str, Shape]
    alias: str
    rules: Rules

    def compared(self, definition: Shape, field: Column | Computed | Embedded | Extracted, place: Place) -> Compared:
        """Return what conditions and orders compare: the value that clients see, so that null is null."""
        if isinstance(field, Extracted):
            # how it is compared is the same however the row is reached
            found = extracted.compared(definition, field, _innermost(place), self.alias)
            value = place.value(lambda here: extracted.compared(definition, field, here, self.alias).value)
            return replace(found, value=value)
        scalar = comparable(field)
        assert scalar is not None
        value = place.value(lambda here: _own(definition, field, here))
        if isinstance(field, Computed) and field.dimensions:
            # what the expression is an array of only PostgreSQL knows, and it compares no varchar[] with a text[]
            cast = scalar.cast + "[]" * field.dimensions
            return Compared(value=Template(f"{{0}}::{cast}", value), scalar=scalar, cast=cast)
        if scalar.column != "{0}" and not (isinstance(field, Column) and field.dimensions):
            value = Template(scalar.column, value)
        return Compared(value=value, scalar=scalar, cast=field.cast if isinstance(field, Column) else scalar.cast)

    def target(self, related: Related) -> TypeDef:
        """Return the type that a relation leads to."""
        found = self.types[related.target]
        assert isinstance(found, TypeDef)
        return found

    def rows(self, related: Related, definition: Shape, place: Place) -> QuerySet[Any]:
        """Select what a relation leads to from a place, which is as the selecting query sees it.

        Lists start from the default manager, to-one relations from all rows, as Django's own managers do.
        """
        target = self.target(related)
        manager = target.model._default_manager if related.many else target.model._base_manager
        rows: QuerySet[Any] = self.rules.rows(target, manager.using(self.alias))
        if isinstance(related, Relation):
            key = related.key
            return rows.filter(**{related.inverse: place.value(lambda here: _column(here, key))})
        assert isinstance(related, Link)
        there, kind = self._key(target, related.there, ROW)
        here, own = self._key(definition, related.here, place)
        if kind is not None and _family(kind) != _family(own):
            # an index over there serves
            here = Template(f"({{0}})::{kind}", here)
        return rows.filter(Q(Compare("{column} = {value}", there, here)))

    def joins(self, related: Related) -> bool:
        """Whether a join may read the row that a to-one relation leads to: not past the rows' rule.

        Nor where a policy may hide it: the key says that there is one. A row that cannot be without goes with it.
        """
        if not isinstance(related, Relation):
            return False
        target = self.target(related)
        return target.rows is None and not (related.nullable and self.rules.secured(target.model))

    def found(self, related: Related, definition: Shape, place: Place) -> Found:
        """Return the one row that a relation leads to, as a place."""
        return Found(place, lambda seen: self.rows(related, definition, seen))

    def _key(self, definition: Shape, key: Key, place: Place) -> tuple[Any, str | None]:
        """Return what a relation compares, and its type where that is known."""
        if isinstance(key, Column):
            column = key.column
            return place.value(lambda here: _column(here, column)), key.cast
        if isinstance(key, Extracted):
            found = self.compared(definition, key, place)
            return found.value, found.cast
        inside = isinstance(_innermost(place), Inside)
        kind = "text" if inside else native_types(definition, self.alias).get(key)
        return place.value(lambda here: _undeclared(here, key)), kind


def _column(here: Here, name: str) -> Any:
    # in JSON no type has relations of a model
    assert isinstance(here, Row)
    return here.column(name)


def _undeclared(here: Here, key: str) -> Any:
    return member_text(here.json(), key) if isinstance(here, Inside) else extracted.column_of(here, key)


def _own(definition: Shape, field: Column | Computed | Embedded, here: Here) -> Any:
    if not isinstance(field, Computed):
        return _column(here, field.column)
    assert isinstance(definition, TypeDef)
    assert isinstance(here, Row)
    return computed_value(definition, field, here.prefix)


def _innermost(place: Place) -> Here:
    return _innermost(place.inner) if isinstance(place, Found) else place


def _family(kind: str | None) -> str | None:
    """Return what types that are compared as they are have in common."""
    return "number" if kind in _NUMBER else "text" if kind in TEXT else kind
