"""Rows of an interface over a model, as rows of the types that implement it; and conditions on the type of an object.

The type of a row is that of the first branch that applies to it (see ``schema/abstract_types.py``). A list of an
interface is one query over the interface's model, in which each row is written by the branch that it is of:

    CASE WHEN EXISTS(SELECT … FROM dog WHERE dog.animal_ptr_id = animal.id) THEN (SELECT … FROM dog …)
         WHEN EXISTS(SELECT … FROM cat …)                                   THEN (SELECT … FROM cat …) END

Where nothing is selected but fields of the interface, which all of its types have as it has them, the row is written
once. Else what is in the interface's own table is written without a subquery, where no row rule of the type asks for
one: the rows that a rule hides are left out of the row set before (``Shown`` in ``planner/tree.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from graphql import GraphQLInputType, GraphQLOutputType

from .._django import all_rows
from ..declare.lazy_code import manager_has_all_rows
from ..declare.rules import once
from ..planner.arguments import constant_leaf
from ..planner.expressions import SQL, Piece, condition
from ..planner.kinds import ReferenceKind, TreeBuilder, TreeCompiler, ValueKind, kind_of
from ..planner.locations import ROW, Local, Location
from ..planner.ordering import key_columns
from ..planner.source_values import Compared
from ..planner.tree import All, Compare, Condition, Constant, Implied, Member, RowSet, Selection, Through
from ..schema.abstract_types import OF_TYPE
from ..schema.definition import Branch, ChildBranch, Column, Shape, TypeDef, TypeOf
from ..schema.kinds import InputTypes, OutputTypes, register
from ..schema.operators import EQUAL, Comparable
from .columns import column


class BranchKind(ReferenceKind[Branch]):
    """Branches of abstract types: ``onDog: {…}`` in a ``where``."""

    def output(self, field: Branch, types: OutputTypes) -> GraphQLOutputType:
        raise AssertionError(field)

    def order_input(self, field: Branch, inputs: InputTypes) -> GraphQLInputType | None:
        return None

    def sorts_through(self, field: Branch) -> str | None:
        return None

    def rows(self, build: TreeBuilder, owner: Shape, field: Branch) -> RowSet:
        target = build.type(field.target)
        assert isinstance(target, TypeDef)
        return build.rows(target, Through(owner, field))

    def applies(self, compiler: TreeCompiler, field: Any, here: Location) -> Q:
        """Return the condition that an object is of the branch, unless it is of one before; it is never null."""
        raise NotImplementedError

    def object(self, compiler: TreeCompiler, owner: Shape, field: Any, selection: Selection, here: Location) -> Any:
        """Write the object as one of the branch's type."""
        return compiler.one(selection, here)

    def is_certain(self, build: TreeBuilder, field: Any, target: TypeDef) -> bool:
        """Whether the viewer sees every object of the branch."""
        return False

    def fits_all(self, field: Any) -> bool:
        """Whether each object is of the branch that is of none before."""
        return False


class ChildBranchKind(BranchKind):
    """Rows of a model as rows of a type over it, or over a model that inherits it."""

    def applies(self, compiler: TreeCompiler, field: ChildBranch, here: Location) -> Q:
        assert here == ROW
        target = compiler.types[field.target]
        assert isinstance(target, TypeDef)
        base = _base(compiler, field)
        found = Q() if field.applies is None else condition("coalesce({0}, FALSE)", once(base, field.applies))
        if not field.shared and (field.applies is None or target.when is not None):
            rows: QuerySet[Any] = all_rows(field.model, compiler.alias)
            if target.when is not None:
                rows = rows.filter(once(field.model, target.when))
            found &= Q(Exists(rows.filter(**{name: OuterRef(name) for name in key_columns(base)}).order_by()))
        return found or condition("TRUE")

    def object(
        self, compiler: TreeCompiler, owner: Shape, field: ChildBranch, selection: Selection, here: Location
    ) -> Any:
        assert isinstance(owner, TypeDef)
        if field.shared or _is_inherited(owner.model, selection):
            return compiler.object(selection, here)
        return compiler.one(selection, here)

    def is_certain(self, build: TreeBuilder, field: ChildBranch, target: TypeDef) -> bool:
        return target.rows is None and manager_has_all_rows(target.model._base_manager, build.rules.alias)

    def fits_all(self, field: ChildBranch) -> bool:
        return field.shared and field.applies is None

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Branch, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        found = super().condition(build, owner, field, given, label, steps=steps, negated=negated)
        of_type = owner.conditions.get(OF_TYPE)
        assert found is not None
        if not isinstance(of_type, TypeOf):
            return found
        # a row of a type that is tried before may have a row of this one as well
        chosen = constant_leaf(field.target)
        first = Compare(owner=owner, field=of_type, operator=EQUAL, operand=chosen, label=label, may_fail=False)
        return All((Implied((first,)), found))

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        assert isinstance(source.owner, TypeDef)
        for name in key_columns(source.owner.model):
            rows = rows.filter(Q((name, location.value(partial(_column, name=name)))))
        related: QuerySet[Any] = rows
        return related


def _column(here: Local, name: str) -> Any:
    return column(here, name)


class TypeOfKind(ValueKind[TypeOf]):
    """The type of an object, in a ``where``."""

    def output(self, field: TypeOf, types: OutputTypes) -> GraphQLOutputType:
        raise AssertionError(field)

    def comparable(self, field: TypeOf) -> Comparable | None:
        return field.scalar

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        return ['"', self.operand(compiler, member.owner, member.field, here).value, '"']

    def operand(self, compiler: TreeCompiler, owner: Shape, field: TypeOf, location: Location) -> Compared:
        template, parts = "CASE", list[Any]()
        for branch in field.branches:
            template += f" WHEN {{{len(parts)}}} THEN '{branch.target}'"
            parts.append(kind_of(branch).applies(compiler, branch, location))
        return Compared(value=SQL(f"({template} END)", *parts), scalar=field.scalar, cast="text")


def _base(compiler: TreeCompiler, field: Branch) -> Any:
    owner = compiler.types[field.of]
    assert isinstance(owner, TypeDef)
    return owner.model


def _is_inherited(base: Any, selection: Selection) -> bool:
    """Whether all that is selected of a type stands in the table of a model that its own inherits."""
    return all(isinstance(member, Constant) or _is_column_of(base, member) for _, member in selection)


def _is_column_of(base: Any, member: Member) -> bool:
    field = member.field
    if not isinstance(field, Column) or field.translation is not None:
        return False
    names: Iterable[Any] = base._meta.get_fields()
    return any(getattr(known, "attname", None) == field.column and known.concrete for known in names)


register(Branch, BranchKind())
register(ChildBranch, ChildBranchKind())
register(TypeOf, TypeOfKind())
