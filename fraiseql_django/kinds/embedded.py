"""A column that clients see as an object with parts: a file, a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLNonNull, GraphQLOutputType

from ..planner.column_types import EmbeddedType, type_of_embedded
from ..planner.expressions import NULL, SQL, Piece, json_object
from ..planner.json_values import Stored, absent_of, value_template
from ..planner.kinds import ColumnUsage, FieldKind, TreeBuilder, TreeCompiler, ValueKind
from ..planner.locations import Location
from ..planner.source_values import Compared
from ..planner.tree import Constant, Member
from ..schema.definition import Embedded, Part, Shape, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.operators import Comparable
from .columns import column, note_columns_of, value_of


class EmbeddedKind(ValueKind[Embedded]):
    """Columns with parts."""

    def output(self, field: Embedded, types: OutputTypes) -> GraphQLOutputType:
        graphql = types.value(field.value)
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def comparable(self, field: Embedded) -> Comparable:
        return field.filter

    def member(self, build: TreeBuilder, owner: Any, field: Embedded, nodes: Sequence[FieldNode]) -> Member:
        parts = Shape(name=field.value.name, description=None, fields=field.parts)
        return Member(owner=owner, field=field, selections=(build.selection(parts, nodes),))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        field: Embedded = member.field
        known = type_of_embedded(member.owner.model, field, compiler.alias)
        (selection,) = member.selections
        where = f"{member.owner.name}.{field.name}"
        members: list[tuple[str, list[Piece]]] = [
            (
                key,
                [part.text] if isinstance(part, Constant) else [_part(compiler, where, field, known, part.field, here)],
            )
            for key, part in selection
        ]
        value = _cast(known, here.value(lambda local: value_of(local, field)))
        absent = absent_of(compiler, where, nullable=field.nullable)
        template = f"CASE WHEN {field.value.absent} THEN {absent} ELSE {{1}} END"
        return [SQL(template, value, json_object(members))]

    def operand(self, compiler: TreeCompiler, owner: Shape, field: Embedded, location: Location) -> Compared:
        # JSON has no columns of a model
        assert isinstance(owner, TypeDef)
        known = type_of_embedded(owner.model, field, compiler.alias)
        value = _cast(known, location.value(lambda local: value_of(local, field)))
        if known.filter.column != "{0}":
            value = SQL(known.filter.column, value)
        return Compared(value=value, scalar=known.filter, cast=known.filter.cast)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Embedded) -> None:
        note_columns_of(usage, owner.model, field)
        for part in field.parts.values():
            if part.column:
                usage.column(owner.model, part.column)


def _cast(known: EmbeddedType, value: Any) -> Any:
    return value if known.value == "{0}" else SQL(known.value, value)


def _part(
    compiler: TreeCompiler, where: str, field: Embedded, known: EmbeddedType, part: Part, here: Location
) -> Piece:
    if part.value is None:
        return NULL
    where = f"{where}.{next(name for name, known_part in field.parts.items() if known_part is part)}"
    value = here.value(lambda local: column(local, part.column) if part.column else value_of(local, field))
    if part.column is None:
        value = _cast(known, value)
    with compiler.within([part.nullable]):
        absent = absent_of(compiler, where, nullable=part.nullable)
        json = value_template(compiler, where, part.scalar, Stored(value=value), absent)
    json = json.replace("{0}", known.bound.replace("{0}", part.value) if part.bound else part.value)
    if part.live is not None:
        json = compiler.mark_live(part.live, json)
    return SQL(json, value)


class PartKind(FieldKind[Part]):
    """Parts of such a column, which the column writes."""

    def member(self, build: TreeBuilder, owner: Any, field: Part, nodes: Sequence[FieldNode]) -> Member:
        return Member(owner=owner, field=field)


register(Embedded, EmbeddedKind())
register(Part, PartKind())
