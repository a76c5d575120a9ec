"""Answers to our operations, in the shape of those of the peer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
)

from tests.peers.renames import Leaf, Renames, leaves


class _Anything:
    """Equals whatever the peer has where a guide says that there is nothing here."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class _NoValue:
    """Equals null and an empty list: what the peer has in place of the other type of a union here."""

    def __eq__(self, other: object) -> bool:
        return other is None or other == []

    __hash__ = None  # type: ignore[assignment]


ANYTHING, NO_VALUE = _Anything(), _NoValue()


@dataclass(frozen=True)
class Folding:
    """The way from our answer to the peer's."""

    renames: Renames
    peer: GraphQLSchema
    fragments: Mapping[str, Any]

    def of(self, given: SelectionSetNode | None, around: Any, value: Any) -> Any:
        """Return a value as the peer's selection set has it; ``around`` is the peer's type that it is of."""
        if isinstance(value, list):
            return [self.of(given, around, item) for item in value]
        if given is None or value is None:
            return value
        found: dict[str, Any] = {}
        for node in given.selections:
            if isinstance(node, FragmentSpreadNode):
                _add(found, self._fragment(self.fragments[node.name.value], value))
            elif isinstance(node, InlineFragmentNode):
                _add(
                    found,
                    self._fragment(node, value) if node.type_condition else self.of(node.selection_set, around, value),
                )
            else:
                for leaf in leaves(self.renames, node, around):
                    self._leaf(leaf, around, value, found)
        return found

    def _fragment(self, node: Any, value: Any) -> Any:
        return self.of(node.selection_set, self.peer.get_type(node.type_condition.name.value), value)

    def _leaf(self, leaf: Leaf, around: Any, value: Any, found: dict[str, Any]) -> None:
        """Put what stands at the end of a leaf's chain where the peer has it."""
        for key in leaf.way():
            if value is None:
                break
            if key not in value and not leaf.of_union:
                # of the other type of a union, or not included
                return
            value = value.get(key, NO_VALUE)
            if value is NO_VALUE:
                break
        if not leaf.after or value is NO_VALUE:
            folded = value if leaf.after else ANYTHING
        else:
            folded = self.of(leaf.last.selection_set, leaf.type_of_last(self.peer, around), value)
        lists = leaf.lists(self.peer, around)
        for depth, node in reversed(list(enumerate(leaf.path))):
            if not isinstance(node, FieldNode):
                continue
            key = node.alias.value if node.alias else node.name.value
            # the list that stands here may be one further out there: edges { node }
            each = isinstance(folded, list) and not lists[depth] and any(lists[:depth])
            folded = [{key: item} for item in folded] if each else {key: folded}
        _add(found, folded)


def _add(found: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        before = found.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            _add(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            for old, new in zip(before, value, strict=True):
                if isinstance(old, dict):
                    _add(old, new)
        else:
            found[key] = value
