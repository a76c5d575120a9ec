"""How large an operation is: its text and its variables in bytes, and its selection before it is validated.

A selection is measured in one pass that visits each fragment once: its figures are counted at every spread of it,
so that documents whose fragments double at each level cost no more to refuse than to read. Documents whose
fragments go round in circles are refused before.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from ..conf.settings import LimitSettings
from ..errors import InvalidInput, LimitExceeded
from .scan import INTROSPECTION

# What figures stop at: a number that every client can read
MOST = 10**15
# How many items the lists of introspection are taken to have
_LISTS = {
    "types": 100,
    # filters are of many
    "inputFields": 20,
    **dict.fromkeys(("fields", "enumValues", "possibleTypes", "directives"), 10),
    "args": 5,
}


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to.

    ``top`` counts the fields at its own level, ``breadth`` those of the broadest set in it, itself included.
    ``introspection`` is what its ``__schema`` and ``__type`` cost, ``introspected`` what the set itself would cost
    below such a field.
    """

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0
    breadth: int = 0
    introspection: int = 0
    introspected: int = 0


class Measure:
    """Measures the operations of one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}
        self._repeats: dict[tuple[int, ...], int] = {}

    def size(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Size:
        """Return the size of an operation, or of a fragment."""
        return self._set(node.selection_set)

    def _set(self, node: SelectionSetNode | None) -> Size:
        depth = aliases = fields = top = breadth = introspection = introspected = 0
        for selection in node.selections if node is not None else ():
            if isinstance(selection, FieldNode):
                size = self._field(selection)
                top += 1
            elif isinstance(selection, InlineFragmentNode):
                size = self._set(selection.selection_set)
                top += size.top
            else:
                assert isinstance(selection, FragmentSpreadNode)
                size = self._fragment(selection.name.value)
                top += size.top
            depth = max(depth, size.depth)
            aliases += size.aliases
            fields += size.fields
            breadth = max(breadth, size.breadth)
            introspection += size.introspection
            introspected = min(introspected + size.introspected, MOST)
        return Size(depth, aliases, fields, top, max(breadth, top), introspection, introspected)

    def _field(self, node: FieldNode) -> Size:
        aliases = 1 if node.alias is not None else 0
        inner = self._set(node.selection_set)
        # introspection is deep by nature, and validation has a rule against more of it (MaxIntrospectionDepthRule)
        asks = node.name.value in INTROSPECTION
        depth = 1 if asks else inner.depth + 1
        introspected = min(1 + _LISTS.get(node.name.value, 1) * inner.introspected, MOST)
        introspection = introspected if asks else inner.introspection
        return Size(depth, inner.aliases + aliases, inner.fields + 1, 1, inner.breadth, introspection, introspected)

    def _fragment(self, name: str) -> Size:
        if name not in self._known:
            # validation refuses a spread that leads nowhere
            found = self._fragments.get(name)
            self._known[name] = Size() if found is None else self._set(found.selection_set)
        return self._known[name]

    def repeats(self, sets: Iterable[SelectionSetNode]) -> int:
        """Return how often a field is mentioned at most in one place of the answer.

        Validation compares every mention with every other (specification, "Field Selection Merging").
        """
        waiting = list(sets)
        key = tuple(map(id, waiting))
        if key not in self._repeats:
            self._repeats[key] = self._repeats_of(waiting)
        return self._repeats[key]

    def _repeats_of(self, waiting: list[SelectionSetNode]) -> int:
        mentions: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, FieldNode):
                    name = selection.alias or selection.name
                    mentions.setdefault(name.value, []).append(selection)
                elif isinstance(selection, InlineFragmentNode):
                    waiting.append(selection.selection_set)
                elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in visited:
                    visited.add(selection.name.value)
                    if selection.name.value in self._fragments:
                        waiting.append(self._fragments[selection.name.value].selection_set)
        most = max(map(len, mentions.values()), default=0)
        below = (
            self.repeats(node.selection_set for node in nodes if node.selection_set) for nodes in mentions.values()
        )
        return max(most, *below, 0)


def check_limits(document: DocumentNode, limits: LimitSettings) -> None:
    """Raise LimitExceeded when an operation of the document is larger than a limit allows.

    Fragments count as well: validation reads those that no operation uses, too.
    """
    measure = Measure(document)
    for node in document.definitions:
        if not isinstance(node, (OperationDefinitionNode, FragmentDefinitionNode)):
            continue
        size = measure.size(node)
        _check("aliases", size.aliases, limits.aliases, "ALIASES")
        _check("fields", size.fields, limits.fields, "FIELDS")
        _check("fields in one selection set", size.breadth, limits.breadth, "BREADTH")
        if isinstance(node, OperationDefinitionNode):
            # not of a fragment alone: it may be one of introspection
            _check("levels of fields", size.depth, limits.depth, "DEPTH")
            _check("root fields", size.top, limits.root_fields, "ROOT_FIELDS")
            _check("points of introspection", size.introspection, limits.introspection, "INTROSPECTION")
        # last, since it visits all that was counted
        if limits.repeats is not None:
            repeats = measure.repeats([node.selection_set])
            _check("mentions of one field in one place", repeats, limits.repeats, "REPEATS")


def check_document_bytes(text: str, limit: int | None) -> None:
    """Raise LimitExceeded for a document's text that has more bytes than allowed."""
    if limit is not None:
        _check("bytes of text", _bytes(text), limit, "DOCUMENT_BYTES")


def check_variables_bytes(variables: Mapping[str, Any], limit: int | None) -> None:
    """Raise LimitExceeded for variables whose compact JSON has more bytes than allowed.

    A file in them counts as null, what else JSON does not know as its text. Raises InvalidInput for what cannot be
    written at all, RecursionError for what is nested too deeply.
    """
    if limit is None or not variables:
        return
    try:
        size = _bytes(_COMPACT.encode(variables))
    except (TypeError, ValueError):
        # from Python: what came as JSON has neither
        raise InvalidInput("The variables hold a key that is no string, or a number of thousands of digits.") from None
    _check("bytes of variables", size, limit, "VARIABLES_BYTES")


def _bytes(text: str) -> int:
    # half a surrogate pair has no UTF-8, but Python writes it
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _as_json(value: Any) -> Any:
    if isinstance(value, File):
        return None
    return dict(value) if isinstance(value, Mapping) else str(value)


# what goes round in circles is too deep
_COMPACT = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_as_json)


def check_complexity(value: float, limit: int | None) -> None:
    """Raise LimitExceeded for an operation that may cost more than allowed."""
    if limit is not None and value > limit:
        # up, or it might be shown as the limit
        shown = math.ceil(value * 100) / 100
        shown = int(shown) if shown == int(shown) else shown
        raise LimitExceeded("points of complexity", limit=limit, value=shown, setting="LIMITS.COMPLEXITY")


def check_conditions(value: int, limit: int | None) -> None:
    """Raise LimitExceeded at the first condition or sort key that is too many."""
    _check("conditions", value, limit, "CONDITIONS")


def too_many(what: str, limit: int, setting: str) -> LimitExceeded:
    """Return the error for what is counted up to its limit only: how much more there is would be a walk for nothing."""
    return LimitExceeded(what, limit=limit, value=f"more than {limit}", setting=f"LIMITS.{setting}")


def too_many_steps(limit: int) -> LimitExceeded:
    """Return the error for a condition or a sort key that is nested too deeply."""
    return too_many("steps in one condition", limit, "CONDITION_DEPTH")


def check_objects(value: int, limit: int) -> None:
    """Raise LimitExceeded for mutations that would write more objects than allowed."""
    _check("objects to write", value, limit, "OBJECTS")


def _check(what: str, value: int, limit: int | None, setting: str) -> None:
    if limit is not None and value > limit:
        raise LimitExceeded(what, limit=limit, value=value, setting=f"LIMITS.{setting}")
