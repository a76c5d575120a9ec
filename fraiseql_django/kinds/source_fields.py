"""A value of a source: in a column of a view or table without a model, or under a key of a JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..planner import source_values
from ..planner.expressions import Piece
from ..planner.json_values import NULL_TEXT, leaf, null_error
from ..planner.kinds import ColumnUsage, TreeCompiler
from ..planner.locations import Location, innermost
from ..planner.source_values import Compared
from ..planner.tree import Member
from ..schema.definition import Extracted, Shape
from ..schema.kinds import register
from .scalars import ScalarKind


class ExtractedKind(ScalarKind[Extracted]):
    """Values of sources, cast to the annotated type."""

    computed = True

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field, owner = member.field, member.owner
        broken = null_error(owner, field)
        items = broken if field.dimensions and not field.nullable_items else None
        value = here.value(lambda local: source_values.written(owner, field, local, compiler.alias, items))
        return leaf(field.scalar, value, field.dimensions, NULL_TEXT if field.nullable else broken)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Extracted, location: Location) -> Compared:
        # how it is compared is the same however the row is reached
        found = source_values.compared(owner, field, innermost(location), compiler.alias)
        value = location.value(lambda local: source_values.compared(owner, field, local, compiler.alias).value)
        return replace(found, value=value)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Extracted) -> None:
        usage.of_source(owner, field.key)


register(Extracted, ExtractedKind())
