"""Which fields a selection set asks for (GraphQL specification, 6.3.2 CollectFields and 6.4.3 merging)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
)

from .arguments import Variables, resolve

Collected = dict[str, list[FieldNode]]


class Collector:
    """Collects fields of one operation for one set of ``@include`` and ``@skip`` conditions.

    ``unions`` are the names of the schema's abstract types, with those of their types.
    """

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Variables,
        unions: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self.fragments = fragments
        self.variables = variables
        self.unions = unions

    def collect(self, type_name: str, sets: Iterable[SelectionSetNode]) -> Collected:
        """Return the nodes of each response key, in the order of first mention.

        A fragment applies where its type condition is ``type_name``, or an abstract type that has it.
        """
        found: Collected = {}
        visited: set[str] = set()
        for selection_set in sets:
            self._walk(type_name, selection_set, found, visited)
        return found

    def names(self, type_name: str, sets: Iterable[SelectionSetNode]) -> bool:
        """Whether a fragment that stands in these selection sets names a type, rather than an abstract one."""
        return any(condition == type_name for condition in self._conditions(sets, set()))

    def is_plain(self, type_name: str, sets: Iterable[SelectionSetNode]) -> bool:
        """Whether no fragment in these selection sets applies to other objects than those of a type, to all of them."""
        return all(condition == type_name for condition in self._conditions(sets, set()))

    def _conditions(self, sets: Iterable[SelectionSetNode], visited: set[str]) -> Iterator[str]:
        for selection in (selection for selection_set in sets for selection in selection_set.selections):
            if isinstance(selection, FieldNode) or not self._included(selection):
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in visited:
                    continue
                visited.add(selection.name.value)
                fragment = self.fragments[selection.name.value]
            if fragment.type_condition is not None:
                yield fragment.type_condition.name.value
            yield from self._conditions([fragment.selection_set], visited)

    def _walk(self, type_name: str, selection_set: SelectionSetNode, found: Collected, visited: set[str]) -> None:
        for selection in selection_set.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                found.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self._applies(condition.name.value, type_name):
                    self._walk(type_name, selection.selection_set, found, visited)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in visited:
                visited.add(selection.name.value)
                fragment = self.fragments[selection.name.value]
                if self._applies(fragment.type_condition.name.value, type_name):
                    self._walk(type_name, fragment.selection_set, found, visited)

    def _applies(self, condition: str, type_name: str) -> bool:
        return condition == type_name or type_name in self.unions.get(condition, ())

    def _included(self, selection: Any) -> bool:
        for directive in selection.directives or ():
            for known, wanted in ((GraphQLIncludeDirective, True), (GraphQLSkipDirective, False)):
                if directive.name.value == known.name:
                    condition = resolve(directive.arguments[0].value, known.args["if"].type, self.variables)
                    if condition.value is not wanted:
                        return False
        return True
