"""
The renames of a guide, applied to operations of the peer and, backwards, to the answers.

A row of a guide's tables is a rule: what the peer has, what stands here. In a rule, words in capitals stand for any
value or name, ``Thing`` for the name of a type, ``…`` for everything else. With the rows

    | `filters: VALUE` | `where: VALUE` |                              under "Arguments"
    | `iExact: VALUE` | `iexact: VALUE` |                              under "Inside `where`"
    | `FIELD { totalCount }` | `FIELDCount` |                          under "Selections"
    | `FIELD { results { … } }` | `FIELD { … }` |

the operation ``{ books(filters: {title: {iExact: "x"}}) { totalCount results { id } } }`` becomes
``{ booksCount(where: {title: {iexact: "x"}}) books(where: {title: {iexact: "x"}}) { id } }``, and the answer
``{"booksCount": 1, "books": [{"id": "7"}]}`` becomes ``{"books": {"totalCount": 1, "results": [{"id": "7"}]}}`` again.
Nothing that no row says is renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    EnumValueNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    parse,
    print_ast,
)

from fraiseql_django.declare.names import camel_case
from tests.peers.guides import Guide

REST = "REST"
# what stands for a part of a name: which binding it is, and what it looks like
PARTS = {
    "Thing": ("thing", r"[A-Z]\w*?"),
    "thing": ("thing", r"[a-z]\w*?"),
    "Rest": ("rest", r"[A-Z]\w*"),
    "rest": ("rest", r"[a-z]\w*"),
    "COLUMN": ("column", r"[A-Z][A-Z0-9_]*?"),
    "FIELD": ("field", r"\w+?"),
    "MANY": ("many", r"\w+?"),
}
# what stands for a value
PLACEHOLDERS = {
    *("VALUE", "SCALAR", "OBJECT", "LIST", "KEY", "LIMIT", "OFFSET", "START", "END", "FILTER"),
    *("ADDED", "REMOVED", "SET", REST),
}
_PARTS = re.compile("|".join(PARTS))

Pairs = list[tuple[str, ValueNode]]
Types = Mapping[str, Any]
Names = dict[str, str]


# --- names ---


def matched_name(pattern: str, name: str) -> Names | None:
    """Return what the parts of a pattern stand for in a name; None where it is another name."""

    def group(part: re.Match[str]) -> str:
        binding, regex = PARTS[part[0]]
        return f"(?P<{binding}>{regex})"

    found = re.fullmatch(_PARTS.sub(group, pattern), name)
    if not found:
        return None
    return {
        part: camel_case(text.lower()) if part == "column" else text[0].lower() + text[1:]
        for part, text in found.groupdict().items()
    }


def name_of(pattern: str, names: Names) -> str:
    """Return a name by its pattern."""

    def text(part: re.Match[str]) -> str:
        bound = names[PARTS[part[0]][0]]
        return bound[0].upper() + bound[1:] if part[0][0].isupper() and part[0] != part[0].upper() else bound

    return _PARTS.sub(text, pattern)


# --- rules ---


@dataclass(frozen=True)
class PairsRule:
    """Arguments, or members of an input object, and what stands in their place."""

    row: tuple[str, str]
    before: Pairs
    after: Pairs


def is_placeholder(node: ValueNode) -> bool:
    """Whether a value of a rule stands for any value."""
    return isinstance(node, EnumValueNode) and node.value in PLACEHOLDERS


def is_name(rule: PairsRule) -> bool:
    """Whether a rule is about the name of a column in a value: `orderBy: COLUMN_ASC`."""
    return any(isinstance(value, EnumValueNode) and "COLUMN" in value.value for _, value in rule.before)


@dataclass(frozen=True)
class ChainRule:
    """A field, what is selected in it, and so on; each is a name, or the type of an inline fragment after "on "."""

    row: tuple[str, str]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass
class Bound:
    """What the placeholders of a rule stand for; values with the peer's type."""

    names: Names = field(default_factory=dict)
    values: dict[str, tuple[ValueNode, Any]] = field(default_factory=dict)
    rest: tuple[Pairs, Types] | None = None


def parsed_pairs(text: str) -> Pairs:
    """Parse arguments of a rule."""
    if not text:
        return []
    text = text.replace("…", f"{REST}: {REST}")
    (operation,) = parse(f"{{ f({text}) }}").definitions
    (node,) = operation.selection_set.selections
    return [(argument.name.value, argument.value) for argument in node.arguments or ()]


def parsed_chain(text: str) -> tuple[str, ...]:
    """Parse a selection of a rule: a field, what is selected in it, and so on."""
    if not text:
        return ()
    (operation,) = parse("{ " + text.replace("…", REST) + " }").definitions
    return tuple(name for name in _chain(operation.selection_set) if name != REST)


def _chain(selections: SelectionSetNode | None) -> Iterator[str]:
    while selections is not None:
        (node,) = selections.selections
        yield node.name.value if isinstance(node, FieldNode) else f"on {node.type_condition.name.value}"
        selections = node.selection_set


class Renames:
    """The rules of a guide."""

    def __init__(self, guide: Guide) -> None:
        self.pairs: dict[str | None, list[PairsRule]] = {}
        self.chains: list[ChainRule] = []
        self.types: list[tuple[tuple[str, str], str]] = []
        self.applied = guide.applied
        for heading, rows in guide.tables.items():
            inside = re.fullmatch(r"Inside `(\w+)`", heading)
            for before, after in rows:
                row = (heading, before)
                if heading == "Selections":
                    self.chains.append(ChainRule(row, parsed_chain(before), parsed_chain(after)))
                elif heading == "Names of types":
                    self.types.append((row, after))
                elif inside or heading == "Arguments":
                    rules = self.pairs.setdefault(inside[1] if inside else None, [])
                    rules.append(PairsRule(row, parsed_pairs(before), parsed_pairs(after)))

    def type_name(self, name: str) -> str:
        """Return the name here of a type of the peer."""
        for row, after in self.types:
            if (names := matched_name(row[1], name)) is not None:
                self.applied.add(row)
                return name_of(after, names)
        return name


@dataclass(frozen=True)
class Leaf:
    """A path of the peer's selections that a rule matches, and the chain that stands here for it."""

    path: tuple[FieldNode | InlineFragmentNode, ...]
    after: tuple[str, ...]
    names: Names

    @property
    def last(self) -> FieldNode | InlineFragmentNode:
        """Return the node whose selection is rewritten on its own."""
        return self.path[-1]

    @property
    def of_union(self) -> bool:
        """Whether here is a union of types where the peer has one type."""
        return any(part.startswith("on ") for part in self.after) and all(
            isinstance(node, FieldNode) for node in self.path
        )

    def key_of(self, pattern: str) -> str:
        """Return the key in the answer here of the field at the beginning."""
        node = self.path[0]
        if node.alias is None:
            return name_of(pattern, self.names)
        return name_of(pattern, {**self.names, "field": node.alias.value}) if "FIELD" in pattern else node.alias.value

    def way(self) -> list[str]:
        """Return the keys in the answer here, from the object around to the value."""
        if not self.after:
            return []
        first, *others = (part for part in self.after if not part.startswith("on "))
        return [self.key_of(first), *(name_of(part, self.names) for part in others)]

    def type_of_last(self, peer: GraphQLSchema, around: Any) -> Any:
        """Return the peer's type of what is selected in the last node."""
        *_, (last, _) = self._types(peer, around)
        return last

    def lists(self, peer: GraphQLSchema, around: Any) -> list[bool]:
        """Return which of the nodes are lists of the peer."""
        return [is_list for _, is_list in self._types(peer, around)]

    def _types(self, peer: GraphQLSchema, around: Any) -> Iterator[tuple[Any, bool]]:
        for node in self.path:
            if isinstance(node, InlineFragmentNode):
                around, is_list = peer.get_type(node.type_condition.name.value), False
            else:
                definition = getattr(around, "fields", {}).get(node.name.value)
                is_list = definition is not None and is_list_type(get_nullable_type(definition.type))
                around = get_named_type(definition.type) if definition else None
            yield around, is_list


def leaves(renames: Renames, node: FieldNode, around: Any) -> list[Leaf]:
    """Return what stands here for a field of the peer's type: one chain, or one for each of its selections."""
    definition = getattr(around, "fields", {}).get(node.name.value)
    of_union = definition is not None and is_abstract_type(get_named_type(definition.type))
    chained = list(_chained(renames, (node,), node, of_union))
    if chained:
        return chained
    of_type = f"on {around.name}" if around is not None else ""
    for rule in renames.chains:
        if len(rule.before) == 2 and rule.before == (of_type, node.name.value):
            renames.applied.add(rule.row)
            return [Leaf((node,), rule.after[1:], {})]
        if len(rule.before) == 1 and (names := matched_name(rule.before[0], node.name.value)) is not None:
            renames.applied.add(rule.row)
            return [Leaf((node,), rule.after, names)]
    return [Leaf((node,), (node.name.value,), {})]


def _chained(renames: Renames, path: tuple[Any, ...], node: Any, of_union: bool) -> Iterator[Leaf]:
    """Yield a leaf for each selection in a field, if rules go that deep; those of fragments are for unions only."""
    selected = node.selection_set.selections if node.selection_set else ()
    found = {
        child: [
            (rule, names)
            for rule in renames.chains
            if (names := _begins(rule.before, (*path, child), of_union)) is not None
        ]
        for child in selected
    }
    for child, rules in found.items():
        longer = (*path, child)
        whole = [(rule, names) for rule, names in rules if len(rule.before) == len(longer)]
        if whole:
            rule, names = whole[0]
            renames.applied.add(rule.row)
            yield Leaf(longer, rule.after, names)
        elif rules:
            yield from _chained(renames, longer, child, of_union)
        elif any(found.values()):
            raise LookupError(f"The guide does not say what becomes of {print_ast(child)}")


def _begins(chain: tuple[str, ...], path: tuple[Any, ...], of_union: bool) -> Names | None:
    """Return what the parts of a chain stand for where it begins with, or is, this path."""
    if len(chain) < len(path):
        return None
    names: Names = {}
    for pattern, node in zip(chain, path, strict=False):
        is_fragment = not isinstance(node, FieldNode)
        if is_fragment and (not of_union or node.kind == "fragment_spread" or node.type_condition is None):
            return None
        name = f"on {node.type_condition.name.value}" if is_fragment else node.name.value
        found = matched_name(pattern, name)
        if found is None or any(names.get(part, text) != text for part, text in found.items()):
            return None
        names |= found
    return names
