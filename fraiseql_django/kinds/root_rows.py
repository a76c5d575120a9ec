"""Fields of Query: all rows of a type, or the one with a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLArgument, GraphQLNonNull

from ..planner.kinds import TreeBuilder
from ..planner.tree import All, AllRows, Compare, RowSet, Source
from ..schema.definition import RootRows, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.operators import EQUAL
from .rows import RowsKind


class RootRowsKind(RowsKind[RootRows]):
    """Fields of Query that read rows."""

    def arguments(self, field: RootRows, types: OutputTypes) -> dict[str, GraphQLArgument]:
        if field.many:
            return super().arguments(field, types)
        key = types.types[field.target].key
        return {name: GraphQLArgument(GraphQLNonNull(part.scalar.graphql)) for name, part in key.items()}

    def source(self, owner: Any, field: RootRows) -> Source:
        return AllRows()

    def selected(
        self, build: TreeBuilder, owner: Any, field: RootRows, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        if field.many:
            return super().selected(build, owner, field, target, nodes)
        given = build.arguments(owner, nodes)
        key = tuple(
            # a key that cannot be cast is the client's: it tells of no row
            Compare(owner=target, field=part, operator=EQUAL, operand=given[name], label=name, may_fail=False)
            for name, part in target.key.items()
        )
        return build.rows(target, AllRows(), where=All(key))


register(RootRows, RootRowsKind())
