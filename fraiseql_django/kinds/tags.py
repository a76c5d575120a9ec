"""Tags of django-taggit: rows of a declared type, or else their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from graphql import FieldNode, GraphQLList, GraphQLNonNull, GraphQLOutputType, GraphQLString

from .._django import all_rows
from ..planner.budget import RELATION
from ..planner.expressions import SQL, JSONList, Piece
from ..planner.kinds import ColumnUsage, FieldKind, TreeBuilder, TreeCompiler
from ..planner.locations import ROW, Location
from ..planner.row_sets import page_params
from ..planner.tree import ColumnOperand, Constant, Member, OrderKey, Selection, Through
from ..schema.definition import Shape, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.tags import TagLinks, TagNames, TagRows
from .columns import column
from .generic import leading_to
from .rows import RowsKind, repeat


def tags_of(links: TagLinks, rows: Any, owner: Shape, location: Location, alias: str) -> QuerySet[Any]:
    """Leave of a query's tags those of the row at a location."""
    between: Any = all_rows(links.model, alias).filter(**{links.tag: OuterRef(links.tag_key)})
    inner = location.outer()
    if links.by is not None:
        between = leading_to(links.by, links.content_types, between, owner, links.key, inner, alias)
    else:
        between = between.filter(Q((links.own, inner.value(lambda local: column(local, links.key)))))
    found: QuerySet[Any] = rows.filter(Exists(between.order_by()))
    return found


class TagRowsKind(RowsKind[TagRows]):
    """Tags as rows of a type."""

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        field = source.field
        assert isinstance(field, TagRows)
        return tags_of(field.links, rows, source.owner, location, compiler.alias)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: TagRows) -> None:
        _note(usage, field.links)


class TagNamesKind(FieldKind[TagNames]):
    """Names of tags."""

    def output(self, field: TagNames, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(GraphQLList(GraphQLNonNull(GraphQLString)))

    def planning(self, field: TagNames) -> int:
        return RELATION

    def masked(self, field: TagNames) -> str:
        return "[]"

    def member(self, build: TreeBuilder, owner: Any, field: TagNames, nodes: Sequence[FieldNode]) -> Member | Constant:
        by_name = OrderKey(operand=ColumnOperand("name"))
        page = build.page(None, None)
        rows = build.rows(field.tags, Through(owner, field), ordered=True, order=(), page=page)  # type: ignore[arg-type]
        rows = replace(rows, order=(by_name, OrderKey(operand=ColumnOperand("pk"))))
        selection = Selection(field.tags, (), rows=rows)
        return Member(owner=owner, field=field, repeats=(repeat(build, rows),), selections=(selection,))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,) = member.selections
        assert selection.rows is not None
        rows = compiler.queryset(selection.rows, here.outer())
        found = rows.annotate(fraiseql_json=SQL("to_json({0}::text)::text", column(ROW, "name")))
        lost = compiler.mark(f"a name in {member.owner.name}.{member.field.name} is null")
        return ["[", JSONList(found.values_list("fraiseql_json"), lost, *page_params(selection.rows.page)), "]"]

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        """Leave of a query's tags those of the row at a location."""
        field: Any = source.field
        return tags_of(field.links, rows, source.owner, location, compiler.alias)

    def links(self, compiler: TreeCompiler, rows: Any, location: Location) -> Any:
        """Return no shorter way to count them."""
        return None

    def note_columns(self, usage: ColumnUsage, owner: Any, field: TagNames) -> None:
        _note(usage, field.links)
        usage.column(field.tags.model, "name")


def _note(usage: ColumnUsage, links: TagLinks) -> None:
    names = [links.tag, links.own] if links.by is None else [links.tag, links.by.content_type, links.by.object_id]
    for name in names:
        usage.column(links.model, name)
    if links.content_types is not None:
        usage.table(links.content_types._meta.db_table, ("id", "app_label", "model"))


register(TagRows, TagRowsKind())
register(TagNames, TagNamesKind())
