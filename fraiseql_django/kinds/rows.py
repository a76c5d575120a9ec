"""What fields have in common that lead to rows of a declared type: one row, or a list with arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from graphql import FieldNode, GraphQLArgument, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLOutputType

from ..planner.expressions import Piece
from ..planner.json_values import NULL_TEXT
from ..planner.kinds import ReferenceKind, TreeBuilder, TreeCompiler, kind_of
from ..planner.locations import Location
from ..planner.tree import Condition, Constant, Member, Repeat, RowSet, Source, Through
from ..schema.definition import Reference, Related, Shape, TypeDef
from ..schema.kinds import OutputTypes
from ..schema.queries import RowsAnswer

R = TypeVar("R", bound=Related)

WHERE, ORDER_BY, LIMIT, OFFSET = "where", "orderBy", "limit", "offset"
DISTINCT_ON = "distinctOn"


def where_argument(target: str, types: OutputTypes) -> dict[str, GraphQLArgument]:
    """Return the argument that filters rows of a type."""
    return {WHERE: GraphQLArgument(types.inputs.where[target], description="Which rows; all by default.")}


def list_arguments(target: str, types: OutputTypes) -> dict[str, GraphQLArgument]:
    """Return the arguments of a list of a type's rows."""
    arguments = where_argument(target, types)
    if target in types.inputs.order_by:
        arguments[ORDER_BY] = GraphQLArgument(
            GraphQLList(GraphQLNonNull(types.inputs.order_by[target])),
            description="What to sort by, most important first; the key always decides last.",
        )
    distinct = types.inputs.distinct_fields(target)
    if distinct is not None:
        arguments[DISTINCT_ON] = GraphQLArgument(
            GraphQLList(GraphQLNonNull(distinct)),
            description="One row for each value of these, the first one; rows are sorted by these first.",
        )
    arguments[LIMIT] = GraphQLArgument(GraphQLInt, description="How many rows at most.")
    arguments[OFFSET] = GraphQLArgument(GraphQLInt, description="How many rows to pass over first.")
    return arguments


def where(build: TreeBuilder, target: TypeDef, arguments: dict[str, Any]) -> Condition | None:
    """Build the condition of a field's ``where``."""
    given = arguments.get(WHERE)
    if given is None:
        return None
    with build.budget.deeper():
        return build.where(target, given)


def list_rows(build: TreeBuilder, target: TypeDef, source: Source, arguments: dict[str, Any]) -> RowSet:
    """Build the rows of a list with these arguments."""
    condition = where(build, target, arguments)
    page = build.page(arguments.get(LIMIT), arguments.get(OFFSET))
    with build.budget.deeper():
        order = arguments.get(ORDER_BY) or ()
        distinct = _distinct(build, target, arguments)
        return build.rows(target, source, where=condition, ordered=True, order=order, page=page, distinct=distinct)


def _distinct(build: TreeBuilder, target: TypeDef, arguments: dict[str, Any]) -> list[str]:
    """Return the columns of which a list has one row for each value."""
    given = arguments.get(DISTINCT_ON)
    columns = []
    for name in () if given is None else dict.fromkeys(given.value):
        build.budget.charge_condition()
        field = target.fields[name]
        build.rules.check(target, field)
        if isinstance(field, Reference):
            build.rules.check_type(build.type(field.target))
        columns.append(kind_of(field).distinct_column(field))
    return columns


def repeat(build: TreeBuilder, rows: RowSet) -> Repeat:
    """Return how many rows a list is taken to have."""
    limit = rows.page.limit
    return build.limits.assumed_rows if limit is None else limit


class RowsKind(ReferenceKind[R]):
    """Fields that lead to rows."""

    def output(self, field: R, types: OutputTypes) -> GraphQLOutputType:
        graphql = types.object(field.target)
        if field.many:
            return GraphQLNonNull(GraphQLList(GraphQLNonNull(graphql)))
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def arguments(self, field: R, types: OutputTypes) -> dict[str, GraphQLArgument]:
        return list_arguments(field.target, types) if field.many else {}

    def member(self, build: TreeBuilder, owner: Any, field: R, nodes: Sequence[FieldNode]) -> Member | Constant:
        target = build.type(field.target)
        assert isinstance(target, TypeDef)
        if not build.rules.may_read(target):
            return Constant(self.masked(field), field.cost)
        rows = self.selected(build, owner, field, target, nodes)
        selection = replace(build.selection(target, nodes), rows=rows)
        repeats = (repeat(build, rows),) if field.many and rows is not None else ()
        return Member(owner=owner, field=field, repeats=repeats, selections=(selection,))

    def selected(
        self, build: TreeBuilder, owner: Any, field: R, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        """Return the rows that a selection of the field reads; None where they are read with the row that has it."""
        source = self.source(owner, field)
        if field.many:
            return list_rows(build, target, source, build.arguments(owner, nodes))
        return build.rows(target, source)

    def source(self, owner: Any, field: R) -> Source:
        """Return where the rows come from."""
        return Through(owner, field)

    def rows(self, build: TreeBuilder, owner: Shape, field: R) -> RowSet | None:
        target = build.type(field.target)
        assert isinstance(target, TypeDef)
        return build.rows(target, self.source(owner, field))

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        return write_rows(compiler, member, here, many=member.field.many, nullable=member.field.nullable)


def write_rows(compiler: TreeCompiler, member: Member, here: Location, *, many: bool, nullable: bool) -> list[Piece]:
    """Write the rows of a selected field, or the only one."""
    (selection,) = member.selections
    if many:
        return ["[", compiler.list(selection, here), "]"]
    where = f"{member.owner.name}.{member.field.name}"
    nothing = f"{where} leads to no {selection.definition.name} that can be read"
    absent = NULL_TEXT if nullable else compiler.mark(nothing)
    return [compiler.one(selection, here, absent)]


def rows_of(
    build: TreeBuilder, owner: Any, field: Any, answer: RowsAnswer, source: Source, nodes: Sequence[FieldNode]
) -> Member | None:
    """Build what is selected of the rows that a function answers a root field with; None where they are masked."""
    target = build.type(answer.target)
    assert isinstance(target, TypeDef)
    if not build.rules.may_read(target):
        return None
    given = build.arguments(owner, nodes)
    rows = list_rows(build, target, source, given) if answer.many else build.rows(target, source)
    selection = replace(build.selection(target, nodes), rows=rows)
    repeats = (repeat(build, rows),) if answer.many else ()
    return Member(owner=owner, field=field, rows=rows, repeats=repeats, selections=(selection,))
