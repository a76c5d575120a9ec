"""Other rows, one or many, as a relation of the models leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.fields.reverse_related import ForeignObjectRel
from graphql import FieldNode

from .._django import all_rows, has_routers, many_to_many_fields, many_to_many_table
from ..declare.lazy_code import manager_has_all_rows
from ..invalidation.catalog import column_of
from ..invalidation.names import table_of
from ..planner.expressions import NULL, SQL, Piece, condition
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler, kind_of
from ..planner.locations import Location, Row
from ..planner.lookups import looked_up, pays
from ..planner.ordering import key_columns
from ..planner.tree import All, AnyOf, Compare, Condition, Constant, IsNot, Member, Not, RowSet, Selection, Through
from ..schema.definition import Column, Relation, Shape, TypeDef
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
        key: Any
        if isinstance(here, Row) and _may_look_up(compiler, member):
            key = column(here, field.key)
            value = looked_up(compiler, selection, field.inverse, here, field.key)
        else:
            there = here.join(field.path)
            key = there.value(lambda local: column(local, key_columns(selection.definition.model)[0]))
            value = compiler.object(selection, there)
        if not field.nullable:
            return [value]
        return [SQL(f"CASE WHEN {{0}} IS NULL THEN '{NULL}' ELSE {{1}} END", key, value)]

    def is_of_row(self, member: Member) -> bool:
        (selection,) = member.selections
        return not member.field.many and selection.rows is None and _is_of_row(selection)

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

    def links(self, compiler: TreeCompiler, rows: RowSet, location: Location) -> models.QuerySet[Any] | None:
        source = rows.source
        assert isinstance(source, Through)
        owner, field = source.owner, source.field
        assert isinstance(owner, TypeDef)
        assert isinstance(field, Relation)
        named: Any = owner.model._meta.get_field(field.path)
        reverse = isinstance(named, ForeignObjectRel)
        relation: Any = named.field if reverse else named
        if not named.many_to_many or not rows.shows_all or has_routers():
            return None
        table = relation.remote_field.through
        own, other = (table._meta.get_field(name) for name in many_to_many_fields(relation)[:: -1 if reverse else 1])
        if not (
            field.key in ("pk" if own.target_field.primary_key else "", own.target_field.attname)
            and not other.null
            and _leads(other, compiler.alias)
            and (rows.where is None or _asks_for(rows.where, other.target_field.attname))
            and manager_has_all_rows(rows.type.model._default_manager, compiler.alias)
        ):
            return None
        here = location.value(lambda local: column(local, field.key))
        found = all_rows(table, compiler.alias).filter(Q((own.attname, here)))
        if rows.where is not None:
            found = found.filter(compiler.condition(rows.where, Row(f"{other.name}__")))
        return found.order_by()

    def distinct_column(self, field: Relation) -> str | None:
        # a foreign key, by the name of its column
        return None if field.many or field.key == "pk" or field.key != f"{field.path}_id" else field.key

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Relation) -> None:
        named: Any = owner.model._meta.get_field(field.path)
        relation: Any = named.remote_field if isinstance(named, ForeignObjectRel) else named
        if relation.many_to_many:
            table, *columns = many_to_many_table(relation)
            usage.table(table, columns)
        else:
            usage.table(relation.model._meta.db_table, (relation.column,))


def _asks_for(condition: Condition, name: str) -> bool:
    """Whether a condition compares nothing but one column, by the ORM's name."""
    match condition:
        case Compare():
            is_it = isinstance(condition.field, Column) and condition.field.column == name
            return is_it and not condition.transforms
        case All() | AnyOf():
            return all(_asks_for(part, name) for part in condition.parts)
        case Not() | IsNot():
            return _asks_for(condition.part, name)
        case _:
            return False


def _may_look_up(compiler: TreeCompiler, member: Member) -> bool:
    """Whether the row that a relation leads to is looked up among those of a small table, which are written once."""
    (selection,) = member.selections
    key: Any = member.owner.model._meta.get_field(member.field.path)
    if isinstance(key, ForeignObjectRel) or not _is_of_row(selection):
        return False
    there = column_of(key.target_field, compiler.alias)
    return there is not None and there.not_null and pays(compiler, selection.definition.model)


def _is_of_row(selection: Selection) -> bool:
    if selection.branches:
        return False
    members = (member for _, member in selection)
    return all(isinstance(member, Constant) or kind_of(member.field).is_of_row(member) for member in members)


def _may_join(build: TreeBuilder, owner: Any, field: Relation, target: TypeDef) -> bool:
    """Whether a join finds the same as a subquery would, for a value, a condition or an order.

    It loses no row whose key is null or leads nowhere, and shows none that a row rule, a policy or the base manager
    hides.
    """
    rules, manager = build.rules, target.model._base_manager
    named: Any = owner.model._meta.get_field(field.path)
    reverse = isinstance(named, ForeignObjectRel)
    # Django makes the parent of a row from the row itself
    is_parent = not reverse and bool(named.remote_field.parent_link)
    return (
        rules.may_join(target)
        and (is_parent or manager_has_all_rows(manager, rules.alias))
        # the join of a reverse relation is an outer one
        and (_is_unique(named.field, rules.alias) if reverse else _leads(named, rules.alias))
    )


def _leads(field: Any, alias: str) -> bool:
    """Whether PostgreSQL sees to it that a foreign key leads to a row wherever Django joins by an inner join.

    Django asks the field's ``null``. What holds in the table is for the catalogue to say; in a view nothing does.
    """
    known, there = column_of(field, alias), field.target_field
    target = (table_of(there.model), there.column)
    return known is not None and target in known.leads and (field.null or known.not_null)


def _is_unique(field: Any, alias: str) -> bool:
    """Whether PostgreSQL sees to it that one row at most has a key, so that a join repeats none."""
    known = column_of(field, alias)
    return known is not None and known.unique


register(Relation, RelationKind())
