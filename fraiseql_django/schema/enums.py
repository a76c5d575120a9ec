"""Enum types: declared choices, named."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLEnumType, GraphQLEnumValue

from ..declare.names import check_name, enum_name
from ..errors import DeclarationError
from .definition import EnumSource


class Enums:
    """The enum types of one schema; declared choices that are the same share one."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        # names that other types have: of enums, only those that their fields make give way
        self._taken = taken
        self._by_choices: dict[Any, GraphQLEnumType] = {}
        self._names: set[str] = set()

    def __call__(self, source: EnumSource) -> GraphQLEnumType:
        """Return the enum of these choices."""
        # one whose name was chosen is not another one that happens to have the same choices
        key = (source.choices, source.name if source.chosen else None)
        found = self._by_choices.get(key)
        if found is None:
            found = self._by_choices[key] = self._make(source)
        elif found.description is None:
            # another field with the same choices tells where they come from
            found.description = source.description
        return found

    def _is_taken(self, name: str) -> bool:
        return name in self._names or not {name, f"{name}Filter", f"{name}ArrayFilter"}.isdisjoint(self._taken)

    def _make(self, source: EnumSource) -> GraphQLEnumType:
        name, number = source.name, 1
        if self._is_taken(name) and name not in self._names:
            name = f"{name}Choice"
        while self._is_taken(name):
            number += 1
            name = f"{source.name}{number}"
        if source.chosen and name != source.name:
            raise DeclarationError(
                f"an enum cannot be called {source.name!r}, the name of another type; give it name=…"
            )
        self._names.add(check_name(name, "an enum"))
        values: dict[str, GraphQLEnumValue] = {}
        for value, label in source.choices:
            member, number = enum_name(value, label), 1
            while member in values:
                number += 1
                member = f"{enum_name(value, label)}_{number}"
            description, deprecation = source.texts.get(value, (None, None))
            values[member] = GraphQLEnumValue(value, description=description or label, deprecation_reason=deprecation)
        if not values:
            raise DeclarationError(f"the choices of {source.name} are empty")
        return GraphQLEnumType(
            name, values, description=source.description, extensions={"directives": source.directives}
        )
