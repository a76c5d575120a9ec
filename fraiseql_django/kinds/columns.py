"""A value in a column of the type's table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ..planner.column_types import column_info, type_of_column
from ..planner.expressions import NULL, SQL, Piece
from ..planner.json_values import Stored, leaf, null_problem
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler
from ..planner.locations import Local, Location, Row
from ..planner.source_values import Compared
from ..planner.tree import Member
from ..schema.definition import Column, Embedded, Shape, TypeDef
from ..schema.kinds import register
from ..schema.operators import Comparable
from ..schema.python_values import Conversion, finisher
from ..schema.scalars.postgres import JSONB
from .scalars import ScalarKind


def column(here: Local, name: str) -> Any:
    """Return a column of the row at a location, by the ORM's name."""
    # in JSON no type has columns of a model
    assert isinstance(here, Row)
    return here.column(name)


def value_of(here: Local, field: Column | Embedded) -> Any:
    """Return the value of a field for the row at a location: a column's, or that in the active language."""
    if field.translation is None:
        return column(here, field.column)
    assert isinstance(here, Row)
    return field.translation.value(partial(column, here), joined=bool(here.prefix))


def note_columns_of(usage: ColumnUsage, model: Any, field: Column | Embedded) -> None:
    """Note the columns that have the values of a field."""
    for name in [field.column] if field.translation is None else field.translation.columns:
        usage.column(model, name)


class ColumnKind(ScalarKind[Column]):
    """Columns."""

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: Column = member.field
        value = here.value(lambda local: value_of(local, field))
        if field.conversion is not None:
            return [_made_in_python(compiler, member.owner, field, field.conversion, value)]
        model = member.owner.model
        known, info = type_of_column(model, field, compiler.alias), column_info(model, field.column, compiler.alias)
        base = info and info.base
        if known.value != "{0}" and not known.source_is_text:
            value, base = SQL(known.value, value), known.cast
        stored = Stored(
            value=value,
            base=base,
            textual=known.source_is_text or info is None,
            present=info is not None and info.not_null and field.translation is None,
        )
        scalar = known.scalar
        if info is not None and info.type.startswith("numeric(") and scalar.fits_sized is not None:
            scalar = replace(scalar, fits=scalar.fits_sized)
        return leaf(compiler, f"{member.owner.name}.{field.name}", replace(field, scalar=scalar), stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Column, location: Location) -> Compared:
        # JSON has no columns of a model
        assert isinstance(owner, TypeDef)
        known = type_of_column(owner.model, field, compiler.alias)
        value = location.value(lambda local: value_of(local, field))
        template = known.value if field.dimensions else known.scalar.column
        bare = value if template == JSONB.column else None
        if template != "{0}":
            value = SQL(template, value)
        return Compared(value=value, scalar=known.scalar, cast=known.cast, bare=bare)

    def may_fail(self, build: TreeBuilder, owner: Shape, field: Column) -> bool:
        assert isinstance(owner, TypeDef)
        known = type_of_column(owner.model, field, build.rules.alias)
        # compared through a cast
        return known.scalar.column != field.scalar.column or known.source_is_text

    def comparable(self, field: Column) -> Comparable | None:
        return field.scalar if field.compared and field.scalar.comparable else None

    def distinct_column(self, field: Column) -> str | None:
        plain = field.conversion is None and field.translation is None
        return field.column if plain and self.is_ordered(field) else None

    def is_of_row(self, member: Member) -> bool:
        return True

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Column) -> None:
        note_columns_of(usage, owner.model, field)


def _made_in_python(compiler: TreeCompiler, owner: Any, field: Column, conversion: Conversion, value: Any) -> SQL:
    """Write the column's text for Python to make the value of it that an instance has."""
    info = column_info(owner.model, field.column, compiler.alias)
    is_array = field.dimensions > 0 and conversion.names is None
    base = "" if info is None else info.kind.element if is_array else info.base
    finish = finisher(conversion, base)
    where = f"{owner.name}.{field.name}"
    json = compiler.mark_live(
        finish,
        f"coalesce(to_json({{0}}::text{'[]' * is_array})::text, '{NULL}')",
        absent=None if field.nullable else null_problem(where),
        failed=f"{where} holds a value that {type(conversion.field).__name__} cannot read",
    )
    return SQL(json, value)


register(Column, ColumnKind())
