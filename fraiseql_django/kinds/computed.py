"""A value of an ORM expression over the type's model."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast

from .._django import free_name
from ..planner.expressions import SQL, Piece
from ..planner.json_values import NULL_TEXT, leaf
from ..planner.kinds import ColumnUsage, TreeCompiler
from ..planner.locations import Local, Location, Row
from ..planner.source_values import Compared
from ..planner.tree import Member
from ..schema.definition import Computed, Shape, TypeDef
from ..schema.kinds import register
from .scalars import ScalarKind


class ComputedKind(ScalarKind[Computed]):
    """Computed fields."""

    computed = True

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: Computed = member.field
        value = here.value(lambda local: _value(member.owner, field, local))
        return leaf(field.scalar, value, field.dimensions, NULL_TEXT)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Computed, location: Location) -> Compared:
        scalar = field.scalar
        value = location.value(lambda local: _value(owner, field, local))
        if field.dimensions:
            # what the expression is an array of only PostgreSQL knows, and it compares no varchar[] with a text[]
            cast = scalar.cast + "[]" * field.dimensions
            return Compared(value=SQL(f"{{0}}::{cast}", value), scalar=scalar, cast=cast)
        if scalar.column != "{0}":
            value = SQL(scalar.column, value)
        return Compared(value=value, scalar=scalar, cast=scalar.cast)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Computed) -> None:
        usage.expression(owner.model, field.expression)


def _value(owner: Any, field: Computed, here: Local) -> Any:
    # JSON has no computed fields
    assert isinstance(owner, TypeDef)
    assert isinstance(here, Row)
    return computed_value(owner, field, here.prefix)


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
    # no manager: the row is one that is read already
    rows: QuerySet[Any] = QuerySet(definition.model).filter(pk=OuterRef(f"{prefix}pk"))
    name = free_name(definition.model, "fraiseql_value")
    return Subquery(rows.annotate(**{name: expression}).values(name).order_by())


def _aggregates(expression: Any) -> bool:
    if getattr(expression, "contains_aggregate", False):
        return True
    parts = expression.get_source_expressions() if hasattr(expression, "get_source_expressions") else ()
    return any(_aggregates(part) for part in parts if part is not None)


register(Computed, ComputedKind())
