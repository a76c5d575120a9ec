"""Fields of Query that functions in Python answer.

Rows that a function chooses, by a QuerySet or as instances, are read by the operation's statement (see
``planner/chosen_rows.py``), under the rules of their type. Whatever else it returns is written by Python, as the result
of a mutation is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLArgument, GraphQLOutputType

from ..planner.budget import RELATION
from ..planner.expressions import Piece
from ..planner.kinds import FieldKind, TreeBuilder, TreeCompiler
from ..planner.locations import Location
from ..planner.tree import Constant, Given, Member
from ..schema.kinds import OutputTypes, register
from ..schema.queries import QueryDef
from .results import planning_of, returned
from .rows import list_arguments, rows_of, write_rows


class PythonQueryKind(FieldKind[QueryDef]):
    """Functions in Python."""

    is_called = True

    def is_written(self, member: Member) -> bool:
        return member.field.rows is None

    def output(self, field: QueryDef, types: OutputTypes) -> GraphQLOutputType:
        return types.output(field.output)

    def arguments(self, field: QueryDef, types: OutputTypes) -> dict[str, GraphQLArgument]:
        of_list = list_arguments(field.rows.target, types) if field.rows is not None and field.rows.many else {}
        return {**field.arguments, **of_list}

    def planning(self, field: QueryDef) -> int:
        return planning_of(field.output) if field.rows is None else RELATION

    def masked(self, field: QueryDef) -> str:
        return "[]" if field.output.item is not None and not field.output.nullable else "null"

    def member(self, build: TreeBuilder, owner: Any, field: QueryDef, nodes: Sequence[FieldNode]) -> Member | Constant:
        node = nodes[0]
        build.rules.check_arguments(field, [argument.name.value for argument in node.arguments or ()])
        if field.rows is None:
            return returned(build, owner, field, nodes)
        source = Given(None)
        if build.chosen is not None:
            chosen = build.chosen.get(node.alias.value if node.alias else node.name.value)
            if chosen is None:
                return Constant("null", field.cost)
            source = chosen.source
        return rows_of(build, owner, field, field.rows, source, nodes) or Constant(self.masked(field), field.cost)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        return write_rows(compiler, member, here, many=member.field.rows.many, nullable=member.field.output.nullable)


register(QueryDef, PythonQueryKind())
