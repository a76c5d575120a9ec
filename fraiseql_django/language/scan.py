"""Validated operation → the facts that are needed before its plan is looked up.

One walk collects the variables whose values are part of a plan, and the first introspection field. It visits each
fragment at most twice: once in the selection of data, and once below an introspection field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    VariableNode,
)

# The fields that query the schema (GraphQL specification, 4.2)
INTROSPECTION = ("__schema", "__type")


@dataclass(slots=True)
class Scan:
    """The facts that the walk collects.

    ``by_value`` names the variables in directives and in arguments of introspection: their values are part of a plan.
    ``introspecting`` is the first field that queries the schema, even if a directive excludes it; None if there is
    none.
    """

    fragments: Mapping[str, FragmentDefinitionNode]
    by_value: set[str] = field(default_factory=set)
    introspecting: FieldNode | None = None
    _seen: set[tuple[str, bool]] = field(default_factory=set)

    def visit(self, node: Any, *, below_introspection: bool) -> None:
        """Scan an operation, a fragment or a selection."""
        for directive in node.directives or ():
            self.by_value.update(_variables_in(directive))
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if (name, below_introspection) not in self._seen:
                self._seen.add((name, below_introspection))
                self.visit(self.fragments[name], below_introspection=below_introspection)
            return
        if isinstance(node, FieldNode):
            if node.name.value in INTROSPECTION:
                below_introspection = True
                self.introspecting = self.introspecting or node
            if below_introspection:
                for argument in node.arguments or ():
                    self.by_value.update(_variables_in(argument))
        for selection in node.selection_set.selections if node.selection_set is not None else ():
            self.visit(selection, below_introspection=below_introspection)


def scan(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Scan:
    """Scan one operation; the document must be validated, so that its fragments have no cycles."""
    result = Scan(fragments)
    result.visit(operation, below_introspection=False)
    return result


def _variables_in(node: Node) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(child, Node):
                yield from _variables_in(child)
