"""Other rows, one or many, as a relation of the models leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.fields.reverse_related import ForeignObjectRel
from graphql import FieldNode

from .._django import many_to_many_table
from ..declare.lazy_code import manager_has_all_rows
from ..invalidation.catalog import columns_of
from ..planner.expressions import NULL, SQL, Piece, condition
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler
from ..planner.locations import Location
from ..planner.ordering import key_columns
from ..planner.tree import Member, RowSet, Through
from ..schema.definition import Relation, Shape, TypeDef
from ..schema.kinds import register
from .columns import column
from .rows import RowsKind


class RelationKind(RowsKind[Relation]):
    """Relations of models: a to-one relation is a join where nothing may hide its row.

    A row may be hidden by a row rule, a policy of row security, or the base manager of its model, which Django's own
    ``book.publisher`` asks as well.
    """

    def selected(
        self, build: TreeBuilder, owner: Any, field: Relation, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        # a join would lose the row whose key leads nowhere
        if not field.many and field.enforced and _may_join(build, owner, field, target, nullable=field.nullable):
            return None
        return super().selected(build, owner, field, target, nodes)

    def rows(self, build: TreeBuilder, owner: Shape, field: Relation) -> RowSet | None:
        target = build.type(field.target)
        assert isinstance(target, TypeDef)
        # a condition or an order must not lose a row: neither the one without the object, nor the one whose key leads
        # nowhere or to what the viewer cannot see
        if not field.many and _leads(build, owner, field) and _may_join(build, owner, field, target, nullable=True):
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

    def present(self, compiler: TreeCompiler, owner: Shape, field: Relation, location: Location) -> Q:
        # Django reads what a foreign key compares from the key itself, without a join
        name = field.inverse
        key = location.join(field.path).value(lambda local: column(local, name))
        return condition("({0} IS NOT NULL)", key)

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> models.QuerySet[Any]:
        field = source.field
        assert isinstance(field, Relation)
        key = field.key
        # a pair, since a relation may have the name of a parameter
        equal = Q((field.inverse, location.value(lambda local: column(local, key))))
        related: models.QuerySet[Any] = rows.filter(equal)
        return related

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Relation) -> None:
        named: Any = owner.model._meta.get_field(field.path)
        relation: Any = named.remote_field if isinstance(named, ForeignObjectRel) else named
        if relation.many_to_many:
            table, *columns = many_to_many_table(relation)
            usage.table(table, columns)
        else:
            usage.table(relation.model._meta.db_table, (relation.column,))


def _may_join(build: TreeBuilder, owner: Any, field: Relation, target: TypeDef, *, nullable: bool) -> bool:
    rules, manager = build.rules, target.model._base_manager
    # Django makes the parent of a row from the row itself
    return rules.may_join(target, nullable=nullable) and (
        _is_parent_link(owner, field) or manager_has_all_rows(manager, rules.alias)
    )


def _is_parent_link(owner: Any, field: Relation) -> bool:
    named: Any = owner.model._meta.get_field(field.path)
    return not isinstance(named, ForeignObjectRel) and bool(named.remote_field.parent_link)


def _leads(build: TreeBuilder, owner: Any, field: Relation) -> bool:
    """Whether PostgreSQL sees to it that a join with the row behind a relation loses no row."""
    named: Any = owner.model._meta.get_field(field.path)
    if isinstance(named, ForeignObjectRel) or not field.enforced:
        return field.enforced
    known = columns_of(named.model, build.rules.alias).get(named.column)
    # what the catalogue does not tell is as the models say
    return known is None or (known.leads and (known.not_null or named.null))


register(Relation, RelationKind())
