"""How large an operation is, measured before it is validated, in one pass that visits each fragment once.

A fragment's figures are worked out once and counted at every spread of it, so that documents whose
fragments double at each level cost no more to refuse than to read. A cycle counts as nothing here:
validation refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from .conf import LimitSettings
from .errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set comes to; ``top`` counts the fields at its own level."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0


class Measure:
    """Measures the operations of one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}
        self._open: set[str] = set()

    def operation(self, operation: OperationDefinitionNode) -> Size:
        """Return the size of an operation."""
        return self._set(operation.selection_set)

    def _set(self, node: SelectionSetNode | None) -> Size:
        depth = aliases = fields = top = 0
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
        return Size(depth, aliases, fields, top)

    def _field(self, node: FieldNode) -> Size:
        aliases = 1 if node.alias is not None else 0
        if node.name.value in ("__schema", "__type"):
            # introspection has a rule of its own (MaxIntrospectionDepthRule)
            return Size(1, aliases, 1, 1)
        inner = self._set(node.selection_set)
        return Size(inner.depth + 1, inner.aliases + aliases, inner.fields + 1, 1)

    def _fragment(self, name: str) -> Size:
        if name in self._known:
            return self._known[name]
        if name in self._open or name not in self._fragments:
            return Size()
        self._open.add(name)
        size = self._known[name] = self._set(self._fragments[name].selection_set)
        self._open.discard(name)
        return size


def check_limits(document: DocumentNode, limits: LimitSettings) -> None:
    """Raise LimitExceeded when an operation of the document is larger than a limit allows."""
    measure = Measure(document)
    for node in document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        size = measure.operation(node)
        for what, value, limit, setting in (
            ("levels of fields", size.depth, limits.depth, "DEPTH"),
            ("aliases", size.aliases, limits.aliases, "ALIASES"),
            ("fields", size.fields, limits.fields, "FIELDS"),
            ("root fields", size.top, limits.root_fields, "ROOT_FIELDS"),
        ):
            if limit is not None and value > limit:
                raise LimitExceeded(what, limit=limit, value=value, setting=f"LIMITS.{setting}")
