"""Other rows, one or many, as a relation of the models leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models.fields.reverse_related import ForeignObjectRel
from graphql import FieldNode

from .._django import many_to_many_table
from ..invalidation.catalog import column_of
from ..planner.expressions import NULL, SQL, Piece
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler
from ..planner.locations import Location
from ..planner.ordering import key_columns
from ..planner.tree import Member, RowSet, Through
from ..schema.definition import Relation, Shape, TypeDef
from ..schema.kinds import register
from .columns import column
from .rows import RowsKind


class RelationKind(RowsKind[Relation]):
    """Relations of models: a to-one relation is a join where nothing may hide its row."""

    def selected(
        self, build: TreeBuilder, owner: Any, field: Relation, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        if not field.many and _may_join(build, owner, field, target):
            return None
        return super().selected(build, owner, field, target, nodes)

    def rows(self, build: TreeBuilder, owner: Shape, field: Relation) -> RowSet | None:
        target = build.type(field.target)
        assert isinstance(target, TypeDef)
        if not field.many and _may_join(build, owner, field, target):
            return None
        return super().rows(build, owner, field)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,) = member.selections
        if selection.rows is not None:
            return super().write(compiler, member, here)
        field: Relation = member.field
        there = here.join(field.path)
        value = compiler.object(selection, there)
        if not field.nullable:
            return [value]
        key = there.value(lambda local: column(local, key_columns(selection.definition.model)[0]))
        return [SQL(f"CASE WHEN {{0}} IS NULL THEN '{NULL}' ELSE {{1}} END", key, value)]

    def inner(self, compiler: TreeCompiler, owner: Shape, field: Relation, location: Location) -> Location:
        return location.join(field.path)

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> models.QuerySet[Any]:
        field = source.field
        assert isinstance(field, Relation)
        key = field.key
        related: models.QuerySet[Any] = rows.filter(**{field.inverse: location.value(lambda local: column(local, key))})
        return related

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Relation) -> None:
        named: Any = owner.model._meta.get_field(field.path)
        relation: Any = named.remote_field if isinstance(named, ForeignObjectRel) else named
        if relation.many_to_many:
            table, *columns = many_to_many_table(relation)
            usage.table(table, columns)
        else:
            usage.table(relation.model._meta.db_table, (relation.column,))


def _may_join(build: TreeBuilder, owner: Any, field: Relation, target: TypeDef) -> bool:
    """Whether a join finds the same as a subquery would: no row is lost whose key is null or leads nowhere.

    Django joins by the field's ``null``. What holds in the table is for the catalogue to say; in a view nothing does.
    """
    if not build.rules.may_join(target):
        return False
    named: Any = owner.model._meta.get_field(field.path)
    if isinstance(named, ForeignObjectRel):
        # an outer join
        return True
    known = column_of(named, build.rules.alias)
    return known is not None and known.leads and (named.null or known.not_null)


register(Relation, RelationKind())
