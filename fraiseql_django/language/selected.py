"""Names the root fields and types that an operation selects: what its execution is counted under."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)


class Subject:
    """The name and kind of an operation, its root fields, and the types of the objects that it selects.

    ``kind`` is "query", "mutation", or "unknown" for a text that is no operation. ``counted`` is for whoever counts
    executions: it may keep a value here for as long as the document is cached.
    """

    __slots__ = ("counted", "kind", "name", "roots", "types")

    def __init__(self, name: str | None, kind: str, roots: tuple[str, ...], types: tuple[str, ...]) -> None:
        self.name = name
        self.kind = kind
        self.roots = roots
        self.types = types
        self.counted: Any = None


def subject_of(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema
) -> Subject:
    """Return what an operation of a validated document selects, whatever conditions its fields stand under."""
    root = schema.get_root_type(operation.operation)
    walk = _Walk(fragments, schema)
    walk.visit(operation.selection_set, root)
    roots = dict.fromkeys(node.name.value for node in _fields(operation.selection_set, fragments, set()))
    name = operation.name.value if operation.name is not None else None
    return Subject(name, operation.operation.value, tuple(roots), tuple(sorted(walk.types)))


class _Walk:
    """Collects the types of selected objects; a fragment is visited once."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], schema: GraphQLSchema) -> None:
        self.types: set[str] = set()
        self._fragments = fragments
        self._schema = schema
        self._seen: set[str] = set()

    def visit(self, selected: SelectionSetNode, parent: Any) -> None:
        for item in selected.selections:
            if isinstance(item, FieldNode):
                self._field(item, parent)
            elif isinstance(item, InlineFragmentNode):
                condition = item.type_condition
                self._fragment(item.selection_set, parent if condition is None else self._type(condition.name.value))
            elif isinstance(item, FragmentSpreadNode) and item.name.value not in self._seen:
                self._seen.add(item.name.value)
                fragment = self._fragments[item.name.value]
                self._fragment(fragment.selection_set, self._type(fragment.type_condition.name.value))

    def _fragment(self, selected: SelectionSetNode, type_: Any) -> None:
        if type_ is not None and type_ not in (self._schema.query_type, self._schema.mutation_type):
            self.types.add(type_.name)
        self.visit(selected, type_)

    def _field(self, node: FieldNode, parent: Any) -> None:
        if node.selection_set is None or node.name.value.startswith("__"):
            return
        field = parent.fields.get(node.name.value)
        if field is not None:
            type_ = get_named_type(field.type)
            self.types.add(type_.name)
            self.visit(node.selection_set, type_)

    def _type(self, name: str) -> Any:
        return self._schema.get_type(name)


def _fields(
    selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    for item in selected.selections:
        if isinstance(item, FieldNode):
            yield item
        elif isinstance(item, InlineFragmentNode):
            yield from _fields(item.selection_set, fragments, seen)
        elif isinstance(item, FragmentSpreadNode) and item.name.value not in seen:
            seen.add(item.name.value)
            yield from _fields(fragments[item.name.value].selection_set, fragments, seen)
