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
        self._by_choices: dict[tuple[tuple[Any, str], ...], GraphQLEnumType] = {}
        self._names: set[str] = set()

    def __call__(self, source: EnumSource) -> GraphQLEnumType:
        """Return the enum of these choices."""
        found = self._by_choices.get(source.choices)
        if found is None:
            found = self._by_choices[source.choices] = self._make(source)
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
        self._names.add(check_name(name, "an enum"))
        values: dict[str, GraphQLEnumValue] = {}
        for value, label in source.choices:
            member, number = enum_name(value, label), 1
            while member in values:
                number += 1
                member = f"{enum_name(value, label)}_{number}"
            values[member] = GraphQLEnumValue(value, description=label)
        if not values:
            raise DeclarationError(f"the choices of {source.name} are empty")
        return GraphQLEnumType(name, values)
