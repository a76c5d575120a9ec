"""Limits on the size of an operation: bytes of its text and variables, and its selections before validation.

One pass measures the selections. It visits each fragment once and adds the fragment's figures at every spread, so a
document whose fragments double at each level costs no more to refuse than to read. Cycles of fragments must have
been refused before.

For example, in ``{ a { ...F } b { ...F } } fragment F on T { x y: z }`` the fragment is measured once (2 fields,
1 alias) and counted twice: the operation has 6 fields, 2 aliases, depth 2 and 2 root fields.
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

# Figures are capped at this number, which every JSON parser reads exactly
MAX_FIGURE = 10**15
# Assumed number of items in each list of the introspection schema
_ASSUMED_LENGTHS = {
    "types": 100,
    # filter types have many
    "inputFields": 20,
    **dict.fromkeys(("fields", "enumValues", "possibleTypes", "directives"), 10),
    "args": 5,
}


@dataclass(frozen=True, slots=True)
class Size:
    """The figures of a selection set.

    ``top`` is the number of fields at its own level, ``breadth`` that of the broadest selection set in it or itself.
    ``introspection`` is the cost of its ``__schema`` and ``__type`` fields, ``introspected`` the cost that the set
    would have below such a field. ``alias_length`` is the length of the longest alias.
    """

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0
    breadth: int = 0
    introspection: int = 0
    introspected: int = 0
    alias_length: int = 0


class Measure:
    """Measures the operations of one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._sizes: dict[str, Size] = {}
        self._repeats: dict[tuple[int, ...], int] = {}

    def size(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Size:
        """Return the size of an operation, or of a fragment."""
        return self._set(node.selection_set)

    def _set(self, node: SelectionSetNode | None) -> Size:
        depth = aliases = fields = top = breadth = introspection = introspected = alias_length = 0
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
            introspected = min(introspected + size.introspected, MAX_FIGURE)
            alias_length = max(alias_length, size.alias_length)
        return Size(depth, aliases, fields, top, max(breadth, top), introspection, introspected, alias_length)

    def _field(self, node: FieldNode) -> Size:
        aliases = 1 if node.alias is not None else 0
        inner = self._set(node.selection_set)
        # introspection queries are deep, and validation limits their depth (MaxIntrospectionDepthRule)
        introspects = node.name.value in INTROSPECTION
        depth = 1 if introspects else inner.depth + 1
        introspected = min(1 + _ASSUMED_LENGTHS.get(node.name.value, 1) * inner.introspected, MAX_FIGURE)
        introspection = introspected if introspects else inner.introspection
        alias_length = max(inner.alias_length, len(node.alias.value) if node.alias is not None else 0)
        return Size(
            depth=depth,
            aliases=inner.aliases + aliases,
            fields=inner.fields + 1,
            top=1,
            breadth=inner.breadth,
            introspection=introspection,
            introspected=introspected,
            alias_length=alias_length,
        )

    def _fragment(self, name: str) -> Size:
        if name not in self._sizes:
            # validation, which runs later, reports the spread of an undefined fragment
            fragment = self._fragments.get(name)
            self._sizes[name] = Size() if fragment is None else self._set(fragment.selection_set)
        return self._sizes[name]

    def repeats(self, sets: Iterable[SelectionSetNode]) -> int:
        """Return the largest number of selections that are merged into one field of the answer.

        Validation compares each of them with all others (GraphQL specification, 5.3.2 "Field Selection Merging").
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
    """Raise LimitExceeded if an operation or a fragment of the document exceeds a limit.

    Fragments that no operation uses are checked as well, because validation reads them.
    """
    measure = Measure(document)
    for node in document.definitions:
        if not isinstance(node, (OperationDefinitionNode, FragmentDefinitionNode)):
            continue
        size = measure.size(node)
        _check("aliases", size.aliases, limits.aliases, "ALIASES")
        _check("characters in one alias", size.alias_length, limits.alias_length, "ALIAS_LENGTH")
        _check("fields", size.fields, limits.fields, "FIELDS")
        _check("fields in one selection set", size.breadth, limits.breadth, "BREADTH")
        if isinstance(node, OperationDefinitionNode):
            # not for fragments, which may be parts of an introspection query
            _check("levels of fields", size.depth, limits.depth, "DEPTH")
            _check("root fields", size.top, limits.root_fields, "ROOT_FIELDS")
            _check("points of introspection", size.introspection, limits.introspection, "INTROSPECTION")
        # last: it visits every selection, and the limits above bound their number
        if limits.repeats is not None:
            repeats = measure.repeats([node.selection_set])
            _check("mentions of one field in one place", repeats, limits.repeats, "REPEATS")


def check_document_bytes(text: str, limit: int | None) -> None:
    """Raise LimitExceeded if a document's text has more bytes than ``limit``."""
    if limit is not None:
        _check("bytes of text", _bytes(text), limit, "DOCUMENT_BYTES")


def check_variables_bytes(variables: Mapping[str, Any], limit: int | None, sent: int | None = None) -> None:
    """Raise LimitExceeded if the variables, as compact JSON, have more bytes than ``limit``.

    They are not measured where the JSON that they were ``sent`` in is far too small for that.

    A file counts as null, and any other object without a JSON form as its ``str()``. Raises InvalidInput for values
    that cannot be written as JSON, RecursionError for values that are nested too deeply.
    """
    if limit is None or not variables or (sent is not None and sent * _GROWTH <= limit):
        return
    try:
        size = _bytes(_COMPACT.encode(variables))
    except (TypeError, ValueError):
        # only possible for variables given in Python; JSON has neither
        raise InvalidInput("The variables contain a key that is not a string, or a number that is too long.") from None
    _check("bytes of variables", size, limit, "VARIABLES_BYTES")


# How much longer compact JSON may be than what it was read from: 1e15 becomes 1000000000000000.0
_GROWTH = 6


def _bytes(text: str) -> int:
    # a lone surrogate has no UTF-8 encoding; "surrogatepass" writes it anyway
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _as_json(value: Any) -> Any:
    if isinstance(value, File):
        return None
    return dict(value) if isinstance(value, Mapping) else str(value)


# circular references raise RecursionError, like other values that are nested too deeply
_COMPACT = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_as_json)


def check_complexity(value: float, limit: int | None) -> None:
    """Raise LimitExceeded if the estimated complexity of an operation exceeds the limit."""
    if limit is not None and value > limit:
        # rounded up, since a value rounded down could be equal to the limit
        shown = math.ceil(value * 100) / 100
        shown = int(shown) if shown == int(shown) else shown
        raise LimitExceeded("points of complexity", limit=limit, value=shown, setting="LIMITS.COMPLEXITY")


def check_conditions(value: int, limit: int | None) -> None:
    """Raise LimitExceeded if an operation has more conditions and sort keys than the limit."""
    _check("conditions", value, limit, "CONDITIONS")


def too_many(what: str, limit: int, setting: str) -> LimitExceeded:
    """Return the error for a figure whose counting stopped at the limit, so that its exact value is not known."""
    return LimitExceeded(what, limit=limit, value=f"more than {limit}", setting=f"LIMITS.{setting}")


def too_many_steps(limit: int) -> LimitExceeded:
    """Return the error for a condition or a sort key that is nested too deeply."""
    return too_many("steps in one condition", limit, "CONDITION_DEPTH")


def check_objects(value: int, limit: int) -> None:
    """Raise LimitExceeded if mutations would write more objects than the limit."""
    _check("objects to write", value, limit, "OBJECTS")


def _check(what: str, value: int, limit: int | None, setting: str) -> None:
    if limit is not None and value > limit:
        raise LimitExceeded(what, limit=limit, value=value, setting=f"LIMITS.{setting}")
