"""A value in a column of the type's table."""

from __future__ import annotations

from typing import Any

from ..invalidation.catalog import column_of
from ..planner.expressions import SQL, Piece
from ..planner.json_values import TEXTUAL, Stored, leaf
from ..planner.kinds import ColumnUsage, TreeCompiler
from ..planner.locations import Local, Location, Row
from ..planner.source_values import Compared
from ..planner.tree import Member
from ..schema.definition import Column, Shape
from ..schema.kinds import register
from .scalars import ScalarKind


def column(here: Local, name: str) -> Any:
    """Return a column of the row at a location, by the ORM's name."""
    # in JSON no type has columns of a model
    assert isinstance(here, Row)
    return here.column(name)


class ColumnKind(ScalarKind[Column]):
    """Columns."""

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: Column = member.field
        value = here.value(lambda local: column(local, field.column))
        known = column_of(member.owner.model._meta.get_field(field.column), compiler.alias)
        base = known and known.base
        stored = Stored(
            value=value,
            base=base,
            textual=base is None or base.removesuffix("[]") in TEXTUAL,
            present=known is not None and known.not_null,
        )
        return leaf(compiler, f"{member.owner.name}.{field.name}", field, stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Column, location: Location) -> Compared:
        value = location.value(lambda local: column(local, field.column))
        if field.scalar.column != "{0}" and not field.dimensions:
            value = SQL(field.scalar.column, value)
        return Compared(value=value, scalar=field.scalar, cast=field.cast)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Column) -> None:
        usage.column(owner.model, field.column)


register(Column, ColumnKind())
