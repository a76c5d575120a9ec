"""How many rows a list has: a field beside every list of rows, with the list's ``where``.

``booksCount(where: …)`` stands beside ``books`` at the root, ``reviewsCount(where: …)`` beside ``reviews`` in a type.
It counts the rows that the list would have without ``limit`` and ``offset``: under the same row rule, permission and
mask, by a subquery in the same statement. Rows are filtered and sorted by the counts of their lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLArgument, GraphQLInputType, GraphQLInt, GraphQLNonNull, GraphQLOutputType

from ..planner.budget import RELATION
from ..planner.expressions import Piece, Rows
from ..planner.kinds import FieldKind, TreeBuilder, TreeCompiler, kind_of
from ..planner.locations import Location
from ..planner.ordering import key_columns
from ..planner.tree import Condition, Constant, FieldOperand, Member, Operand, Path
from ..schema.aggregates import Total
from ..schema.definition import FieldDef, Related, Shape, TypeDef
from ..schema.filter_inputs import ORDER_DIRECTION
from ..schema.kinds import InputTypes, ListForm, OutputTypes, list_form, register
from .aggregates import condition_on, operand_on
from .rows import where, where_argument


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(FieldDef):
    """The number of rows of the list ``of``."""

    of: Related
    nullable: bool = False


# what a condition or an order reads of the rows
_TOTAL = Total(name="count")
_COUNTED = Shape(name="Count", description=None, fields={_TOTAL.name: _TOTAL})


class RowCount(Rows):
    """The number of a query's rows, as text."""

    template = "(SELECT count(*)::text FROM (%(subquery)s%(page)s) AS fraiseql_counted)"
    empty = "'0'"


class CountKind(FieldKind[Count]):
    """Counts of lists."""

    def output(self, field: Count, types: OutputTypes) -> GraphQLOutputType:
        return GraphQLNonNull(GraphQLInt)

    def arguments(self, field: Count, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return where_argument(field.of.target, types)

    def where_input(self, field: Count, inputs: InputTypes) -> GraphQLInputType:
        return inputs.value_filter(_TOTAL.scalar, 0)

    def order_input(self, field: Count, inputs: InputTypes) -> GraphQLInputType:
        return ORDER_DIRECTION

    def is_ordered(self, field: Count) -> bool:
        return True

    def condition(
        self, build: TreeBuilder, owner: Shape, field: Count, given: Any, label: str, *, steps: int, negated: bool
    ) -> Condition | None:
        total = kind_of(_TOTAL)
        return condition_on(
            build, owner, field.of,
            lambda: total.condition(build, _COUNTED, _TOTAL, given, label, steps=steps, negated=negated),
            label=label, steps=steps, negated=negated,
        )  # fmt: skip

    def order_operand(
        self, build: TreeBuilder, owner: Shape, field: Count, given: Any, path: Path, label: str, *, steps: int
    ) -> tuple[Operand, Any]:
        return operand_on(build, owner, field, lambda: (FieldOperand(_COUNTED, _TOTAL), given.value), path)

    def planning(self, field: Count) -> int:
        return RELATION

    def masked(self, field: Count) -> str:
        # as many as the masked list has
        return "0"

    def member(self, build: TreeBuilder, owner: Any, field: Count, nodes: Sequence[FieldNode]) -> Member | Constant:
        target = build.type(field.of.target)
        assert isinstance(target, TypeDef)
        if not build.rules.may_read(target):
            return Constant(self.masked(field), field.cost)
        condition = where(build, target, build.arguments(owner, nodes))
        rows = build.rows(target, kind_of(field.of).source(owner, field.of), where=condition)
        return Member(owner=owner, field=field, rows=rows)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        assert member.rows is not None
        queryset = compiler.existing(member.rows, here.outer())
        return [RowCount(queryset.values(*key_columns(queryset.model)))]


def counted(field: Related, name: str) -> Count:
    """Return the count of a list."""
    return Count(
        name=name,
        description=f"How many {field.target} rows there are; with `where`, how many match.",
        deprecation=field.deprecation,
        permission=field.permission,
        mask=field.mask,
        cost=field.cost,
        of=field,
    )


register(Count, CountKind())
list_form("count", ListForm(suffix="Count", make=counted, gives_way=True))
