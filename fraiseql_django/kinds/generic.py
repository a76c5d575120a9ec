"""Generic relations: a row of any table, by its content type and key; and the rows that lead to a row so.

The key of a content type differs between databases, and there may be none yet: the statement looks it up, which
PostgreSQL does once for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models
from django.db.models import Q, QuerySet, Subquery
from graphql import FieldNode, GraphQLInputType, GraphQLOutputType

from .._django import all_rows
from ..declare.rules import once
from ..planner.budget import RELATION
from ..planner.column_types import column_info
from ..planner.expressions import SQL, Piece, condition
from ..planner.json_values import NULL_TEXT
from ..planner.kinds import ColumnUsage, ReferenceKind, TreeBuilder, TreeCompiler
from ..planner.locations import Location
from ..planner.source_values import TEXT, WHOLE
from ..planner.tree import All, AnyOf, Condition, Constant, Implied, Member, OnOne, Through
from ..schema.definition import ContentTypeKey, GenericBranch, GenericList, GenericOne, Shape, TypeDef
from ..schema.kinds import InputTypes, OutputTypes, kind_of, register
from .branches import BranchKind
from .columns import column
from .rows import RowsKind

# Texts that PostgreSQL reads as a bigint and as a UUID for certain
_NUMBER = "^[[:space:]]*-?[0-9]{1,18}[[:space:]]*$"
_UUID = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


def content_type_id(content_types: type[models.Model], label: tuple[str, str]) -> Subquery:
    """Return the key of a content type, null where it is not there yet."""
    app_label, model = label
    rows: QuerySet[Any] = models.QuerySet(content_types).filter(app_label=app_label, model=model)
    return Subquery(rows.order_by().values("pk"))


def same_key(there: tuple[type[models.Model], str], value: Any, here: tuple[type[models.Model], str], alias: str) -> Q:
    """Return the condition that a column of a query's rows equals a value, which is of another column's type.

    Both are models and names of columns. The value is cast, so that an index over there serves; one that cannot be is
    equal to none.
    """
    kind, own = _type(*there, alias), _type(*here, alias)
    name = there[1]
    if kind == own or (kind in WHOLE and own in WHOLE) or (kind in TEXT and own in TEXT):
        return condition("({0} = {1})", models.F(name), value)
    if kind in TEXT:
        return condition("({0} = ({1})::text)", models.F(name), value)
    pattern, cast = (_NUMBER, "bigint") if kind in WHOLE else (_UUID, "uuid")
    if own in TEXT and (kind in WHOLE or kind == "uuid"):
        matches = SQL(f"({{0}} ~ '{pattern}')", value)
        return condition(f"({{0}} = CASE WHEN {{1}} THEN ({{2}})::{cast} END)", models.F(name), matches, value)
    return condition("(({0})::text = ({1})::text)", models.F(name), value)


def _type(model: type[models.Model], name: str, alias: str) -> str | None:
    info = column_info(model, name, alias)
    if info is not None:
        return info.base
    field: Any = model._meta.get_field(name)
    written = str(field.rel_db_type(connections[alias]) or "")
    return "text" if written.startswith(("varchar", "text")) else written


class GenericBranchKind(BranchKind):
    """Branches of generic foreign keys: rows by their keys, where the content type is that of their model."""

    def applies(self, compiler: TreeCompiler, field: GenericBranch, here: Location) -> Q:
        found = _is_of(field, here)
        target = compiler.types[field.target]
        assert isinstance(target, TypeDef)
        if target.when is not None:
            # other types may be over the same rows
            rows = all_rows(target.model, compiler.alias).filter(once(target.model, target.when))
            found &= Q(models.Exists(self._with_key(compiler, field, rows, target, here.outer())))
        return found

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        field = source.field
        assert isinstance(field, GenericBranch)
        return self._with_key(compiler, field, rows.filter(_is_of(field, location)), target, location)

    def _with_key(
        self, compiler: TreeCompiler, field: GenericBranch, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        name = field.by.object_id
        value = location.value(lambda local: column(local, name))
        found: QuerySet[Any] = rows.filter(
            same_key((target.model, field.key), value, (field.holder, name), compiler.alias)
        )
        return found


def _is_of(field: GenericBranch, here: Location) -> Q:
    name = field.by.content_type
    own = here.value(lambda local: column(local, name))
    return condition("({0} = {1})", own, content_type_id(field.content_types, field.by.label))


class GenericOneKind(ReferenceKind[GenericOne]):
    """Generic foreign keys."""

    def output(self, field: GenericOne, types: OutputTypes) -> GraphQLOutputType:
        found: GraphQLOutputType = types.object(field.target)
        return found

    def order_input(self, field: GenericOne, inputs: InputTypes) -> GraphQLInputType | None:
        return None

    def sorts_through(self, field: GenericOne) -> str | None:
        return None

    def member(
        self, build: TreeBuilder, owner: Any, field: GenericOne, nodes: Sequence[FieldNode]
    ) -> Member | Constant:
        assert field.shape is not None
        if not build.rules.may_read(field.shape):
            return Constant(self.masked(field), field.cost)
        return Member(owner=owner, field=field, selections=(build.selection(field.shape, nodes),))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        (selection,) = member.selections
        return [SQL(f"coalesce({{0}}, {NULL_TEXT})", compiler.object(selection, here))]

    def condition(
        self, build: TreeBuilder, owner: Shape, field: GenericOne, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        shape = field.shape
        assert shape is not None
        build.rules.check_type(shape)
        build.budget.charge(RELATION)
        with build.budget.deeper():
            found = build.where(shape, given, label, steps=steps + 1, negated=negated)
        if isinstance(found, OnOne):
            return found
        # whatever is asked of it, there must be an object that the viewer sees
        there: list[Condition] = []
        for branch in shape.branches:
            if build.rules.shows(build.type(branch.target)):
                rows = kind_of(branch).rows(build, shape, branch)
                there.append(OnOne(owner=shape, field=branch, condition=None, rows=rows, unknown_counts=False))
        exists = Implied((AnyOf(tuple(there)),))
        return exists if found is None else All((exists, found))

    def note_columns(self, usage: ColumnUsage, owner: Any, field: GenericOne) -> None:
        for name in (field.content_type, field.object_id):
            usage.column(owner.model, name)
        _note_content_types(usage, field.content_types)


class GenericListKind(RowsKind[GenericList]):
    """Generic relations."""

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        field = source.field
        assert isinstance(field, GenericList)
        return leading_to(field.by, field.content_types, rows, source.owner, field.key, location, compiler.alias)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: GenericList) -> None:
        model = usage.types[field.target].model
        for name in (field.by.content_type, field.by.object_id):
            usage.column(model, name)
        _note_content_types(usage, field.content_types)


def leading_to(
    by: ContentTypeKey, content_types: Any, rows: Any, owner: Shape, key: str, location: Location, alias: str
) -> QuerySet[Any]:
    """Leave of a query's rows those that lead to the row of a type at a location."""
    assert isinstance(owner, TypeDef)
    value = location.value(lambda local: column(local, key))
    of_type = condition("({0} = {1})", models.F(by.content_type), content_type_id(content_types, by.label))
    found: QuerySet[Any] = rows.filter(of_type, same_key((rows.model, by.object_id), value, (owner.model, key), alias))
    return found


def _note_content_types(usage: ColumnUsage, model: Any) -> None:
    usage.table(model._meta.db_table, ("id", "app_label", "model"))


register(GenericBranch, GenericBranchKind())
register(GenericOne, GenericOneKind())
register(GenericList, GenericListKind())
