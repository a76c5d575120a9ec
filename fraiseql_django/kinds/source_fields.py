"""A value of a source: in a column of a view or table without a model, or under a key of a JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..planner import source_values
from ..planner.expressions import Piece
from ..planner.json_values import JSON, json_list, leaf
from ..planner.kinds import ColumnUsage, TreeCompiler
from ..planner.locations import Local, Location, innermost
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
        where = f"{owner.name}.{field.name}"
        stored = source_values.stored(owner, field, innermost(here), compiler.alias)
        stored = replace(stored, value=here.value(lambda local: _value(compiler, owner, field, local)))
        if field.dimensions and stored.base == JSON:
            return [json_list(compiler, where, field, stored)]
        return leaf(compiler, where, field, stored)

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Extracted, location: Location) -> Compared:
        # how it is compared is the same however the row is reached
        found = source_values.compared(owner, field, innermost(location), compiler.alias)
        value = location.value(lambda local: source_values.compared(owner, field, local, compiler.alias).value)
        return replace(found, value=value)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Extracted) -> None:
        usage.of_source(owner, field.key)


def _value(compiler: TreeCompiler, owner: Shape, field: Extracted, here: Local) -> Any:
    return source_values.stored(owner, field, here, compiler.alias).value


register(Extracted, ExtractedKind())
