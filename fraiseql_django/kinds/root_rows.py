"""Fields of Query: all rows of a type, or the one with a key.

Where a type names unique keys, each argument may be left out, and those of one key must be given:
``customer(id: 7)`` or ``customer(email: "ann@example.org")``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import FieldNode, GraphQLArgument, GraphQLNonNull

from ..errors import InvalidInput
from ..planner.kinds import TreeBuilder
from ..planner.tree import All, AllRows, Compare, RowSet, Source
from ..schema.definition import Column, Extracted, RootRows, TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.operators import EQUAL
from .rows import RowsKind

Key = Mapping[str, Column | Extracted]


class RootRowsKind(RowsKind[RootRows]):
    """Fields of Query that read rows."""

    def arguments(self, field: RootRows, types: OutputTypes) -> dict[str, GraphQLArgument]:
        if field.many:
            return super().arguments(field, types)
        keys = _keys(types.types[field.target])
        if len(keys) == 1:
            return {name: GraphQLArgument(GraphQLNonNull(part.scalar.graphql)) for name, part in keys[0].items()}
        one = f"Give one key of: {_written(keys)}."
        parts = {name: part for key in keys for name, part in key.items()}
        return {name: GraphQLArgument(part.scalar.graphql, description=one) for name, part in parts.items()}

    def source(self, owner: Any, field: RootRows) -> Source:
        return AllRows()

    def selected(
        self, build: TreeBuilder, owner: Any, field: RootRows, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        if field.many:
            return super().selected(build, owner, field, target, nodes)
        given = {name: leaf for name, leaf in build.arguments(owner, nodes).items() if leaf is not None}
        key = _given(field, _keys(target), given)
        if key is not _keys(target)[0]:
            for part in key.values():
                _check(build, target, part)
        compared = tuple(
            # a key that cannot be cast is the client's: it tells of no row
            Compare(owner=target, field=part, operator=EQUAL, operand=given[name], label=name, may_fail=False)
            for name, part in key.items()
        )
        return build.rows(target, AllRows(), where=All(compared))


def _keys(target: TypeDef) -> list[Key]:
    # a source may have no key
    return [key for key in (target.key_arguments or target.key, *target.unique) if key]


def _given(field: RootRows, keys: Sequence[Key], given: Mapping[str, Any]) -> Key:
    """Return the key of which these arguments are all parts."""
    for key in keys:
        if key.keys() == given.keys():
            return key
    written = " and ".join(given) or "no key"
    raise InvalidInput(
        f"{field.name} is given {written}, which is not one key.", hint=f"It must be one of: {_written(keys)}."
    )


def _written(keys: Sequence[Key]) -> str:
    return "; ".join(" and ".join(key) for key in keys)


def _check(build: TreeBuilder, target: TypeDef, part: Column | Extracted) -> None:
    """Refuse to look rows up by what the viewer may not see."""
    for field in target.fields.values():
        if isinstance(field, (Column, Extracted)) and field.stored_as == part.stored_as:
            build.rules.check(target, field)


register(RootRows, RootRowsKind())
