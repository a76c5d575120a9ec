"""The answer of a mutation: Python writes objects of classes, and one statement reads all rows.

A mutation's selection is compiled to a tree of nodes. Where rows stand in it is a *slot*: a column of the statement
that reads the rows whose keys it is given, whichever instances the mutation returns there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLEnumType, GraphQLScalarType

from .._django import Compiled
from ..schema.definition import FieldDef, TypeDef
from ..schema.object_types import ObjectDef, ObjectField, Output
from ..schema.scalars.encoding import encode_array
from .arguments import Variables
from .compile import Compiler
from .expressions import Bind
from .kinds import kind_of
from .locations import ROW
from .row_sets import KEYS_ALIAS
from .statement import compile_pieces
from .tree import Constant, Member, Selection

# The name of a variable that no client can write: for each slot the keys of its rows, each a tuple of texts
KEYS = "#keys"
# What stands between rows, and between slots: JSON text never holds these characters unescaped (RFC 8259, 7)
ROW_END = b"\x1e"
SLOT_END = b"\x1d"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafNode:
    """A plain value."""

    leaf: GraphQLScalarType | GraphQLEnumType
    nullable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode:
    """A list of what ``item`` is."""

    item: Node
    nullable: bool


@dataclass(frozen=True, slots=True)
class AnswerField:
    """A selected field of an object of a class, under its response key."""

    key: str
    field: ObjectField
    node: Node


@dataclass(frozen=True, slots=True)
class AnswerConstant:
    """JSON text under a response key that does not depend on the object."""

    key: str
    text: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNode:
    """An object of a class."""

    definition: ObjectDef
    members: tuple[AnswerField | AnswerConstant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNode:
    """A row of a declared type, read by the statement's column ``slot``.

    ``alone`` says that the whole slot is one list or one row of the answer; ``nullable`` that null may stand for
    a row that the viewer cannot see. ``members`` are the selected fields by response key, for a row that was deleted.
    They are not the tree's: its arguments hold the values of the operation that the plan was made for.
    """

    definition: TypeDef
    slot: int
    alone: bool
    nullable: bool
    members: tuple[tuple[str, FieldDef | Constant], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceNode:
    """An object of one of these types, by name."""

    types: Mapping[str, ObjectNode | RowNode]
    nullable: bool


Node: TypeAlias = LeafNode | ListNode | ChoiceNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A column of the statement: the JSON texts of the rows with certain keys, in the order of the keys.

    ``row`` is the SQL of the row whose key is in ``fraiseql_keys``; a row that is not found is an empty text.
    ``encodes`` turn the parts of a key into texts that PostgreSQL reads as ``casts``.
    """

    row: Compiled
    casts: tuple[str, ...]
    encodes: tuple[Callable[[Any], str], ...]
    binds: tuple[Bind, ...]

    def column(self, keys: Compiled | None = None) -> Compiled:
        """Return the column's SQL; ``keys`` selects the keys itself where they are not parameters."""
        sql, params = self.row
        names = ", ".join(f"k{index}" for index in range(len(self.casts)))
        if keys is None:
            source = ", ".join(f"%s::{cast}[]" for cast in self.casts)
            own: Sequence[Any] = self.binds
        else:
            source, own = f"ARRAY({keys[0]})::{self.casts[0]}[]", keys[1]
        column = (
            f"array_to_string(ARRAY(SELECT {sql} FROM unnest({source}) "
            f"WITH ORDINALITY AS {KEYS_ALIAS}({names}, place) ORDER BY place), chr({ROW_END[0]}))"
        )
        return column, [*params, *own]

    def check(self, variables: Variables) -> None:
        """Raise InvalidInput or LimitExceeded for what a client has given that the rows cannot be read with.

        It is asked before the mutation is run; what its own result tells, and who the viewer is, is left alone.
        """
        for param in self.row[1]:
            if isinstance(param, Bind) and param.node is not None:
                param.fill(variables)


@dataclass(slots=True)
class Payloads:
    """Compiles answers of functions; ``slots`` are those of all that one statement reads for."""

    compiler: Compiler
    slots: list[Slot] = field(default_factory=list)

    def node(
        self, output: Output, selections: Sequence[Selection], *, alone: bool = True, listed: bool = False
    ) -> Node:
        """Compile what an output of a function holds; below a second list no slot stands alone."""
        if output.item is not None:
            with self.compiler.within([output.item.nullable]):
                item = self.node(output.item, selections, alone=alone and not listed, listed=True)
            return ListNode(item=item, nullable=output.nullable)
        if output.leaf is not None:
            return LeafNode(leaf=output.leaf, nullable=output.nullable)
        # objects in a list have each rows of their own
        types = {
            selection.definition.name: self._object(selection, alone, listed, output.nullable)
            for selection in selections
        }
        return ChoiceNode(types=types, nullable=output.nullable)

    def _object(self, selection: Selection, alone: bool, listed: bool, nullable: bool) -> ObjectNode | RowNode:
        definition = selection.definition
        if isinstance(definition, TypeDef):
            slot = self._slot(definition, selection)
            fields = tuple((key, item if isinstance(item, Constant) else item.field) for key, item in selection)
            return RowNode(definition=definition, slot=slot, alone=alone, nullable=nullable, members=fields)
        members = tuple(self._member(key, member, alone and not listed) for key, member in selection)
        return ObjectNode(definition=definition, members=members)

    def _member(self, key: str, member: Member | Constant, alone: bool) -> AnswerField | AnswerConstant:
        if isinstance(member, Constant):
            return AnswerConstant(key, member.text.encode())
        output: Output = member.field.output
        with self.compiler.within([output.nullable]):
            return AnswerField(key, member.field, self.node(output, member.selections, alone=alone))

    def _slot(self, definition: TypeDef, selection: Selection) -> int:
        compiler, number = self.compiler, len(self.slots)
        keys = [kind_of(part).operand(compiler, definition, part, ROW) for part in definition.key.values()]
        self.slots.append(
            Slot(
                row=compile_pieces([compiler.one(selection, ROW, absent="''")], compiler.alias),
                casts=tuple(key.cast for key in keys),
                encodes=tuple(key.scalar.encode for key in keys),
                binds=tuple(_keys(number, index) for index in range(len(keys))),
            )
        )
        return number


def _keys(slot: int, index: int) -> Bind:
    def fetch(variables: Variables) -> list[str]:
        return [key[index] for key in variables[KEYS][slot]]

    return Bind(fetch, encode_array, "key")
