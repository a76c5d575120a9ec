"""What a mutation returns → how its selection is answered: Python writes objects of classes, one statement all rows.

The selection is a tree of nodes. Where rows stand in it is a *slot*: a column of the statement that reads the
rows whose keys it is given, whichever instances the mutation returns there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from django.db.models import Q
from graphql import FieldNode, GraphQLEnumType, GraphQLScalarType, GraphQLString

from ..schema.build import Schema
from ..schema.definition import FieldDef, TypeDef
from ..schema.object_types import ObjectDef, ObjectField, Output
from ..schema.scalars.encoding import encode_array
from .arguments import Variables, located
from .binds import Hole
from .conditions import Compare
from .json_text import Template
from .locations import ROW
from .selection import Selection
from .statement import Compiled, compile_one

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A selected field under its response key; ``field`` is None for ``__typename``."""

    key: str
    field: ObjectField | None
    node: Node | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNode:
    """An object of a class."""

    definition: ObjectDef
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowNode:
    """A row of a declared type, read by the statement's column ``slot``.

    ``alone`` says that the whole slot is one list or one row of the answer; ``nullable`` that null may stand for
    a row that is not there for the viewer. ``members`` are the selected fields by response key (None:
    ``__typename``), for a row that is not there any more.
    """

    definition: TypeDef
    slot: int
    alone: bool
    nullable: bool
    members: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceNode:
    """An object of one of these types, by name."""

    types: Mapping[str, ObjectNode | RowNode]
    nullable: bool


Node: TypeAlias = LeafNode | ListNode | ChoiceNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A column of the statement: the JSON texts of the rows with certain keys, in the order of the keys.

    ``row`` is the SQL of the row whose key is ``fraiseql_keys``; a row that is not there is an empty text.
    ``encodes`` turn the parts of a key into texts that PostgreSQL reads as ``casts``.
    """

    row: Compiled
    casts: tuple[str, ...]
    encodes: tuple[Callable[[Any], str], ...]
    holes: tuple[Hole, ...]

    def column(self, keys: Compiled | None = None) -> Compiled:
        """Return the column's SQL; ``keys`` selects the keys itself where they are not parameters."""
        sql, params = self.row
        names = ", ".join(f"k{index}" for index in range(len(self.casts)))
        if keys is None:
            source = ", ".join(f"%s::{cast}[]" for cast in self.casts)
            own: Sequence[Any] = self.holes
        else:
            source, own = f"ARRAY({keys[0]})::{self.casts[0]}[]", keys[1]
        column = (
            f"array_to_string(ARRAY(SELECT {sql} FROM unnest({source}) "
            f"WITH ORDINALITY AS fraiseql_keys({names}, place) ORDER BY place), chr({ROW_END[0]}))"
        )
        return column, [*params, *own]

    def check(self, variables: Variables) -> None:
        """Raise InvalidInput or LimitExceeded for what a client has given that the rows cannot be read with.

        It is asked before the mutation is run; what its own result tells, and who the viewer is, is left alone.
        """
        for param in self.row[1]:
            if isinstance(param, Hole) and param.node is not None:
                param.fill(variables)


@dataclass(slots=True)
class Payloads:
    """Plans the answer of one mutation."""

    schema: Schema
    selection: Selection
    alias: str
    slots: list[Slot] = field(default_factory=list)

    def node(self, output: Output, nodes: Sequence[FieldNode], *, alone: bool = True, listed: bool = False) -> Node:
        """Plan what an output of a function holds; below a second list no slot stands alone."""
        if output.item is not None:
            item = self.node(output.item, nodes, alone=alone and not listed, listed=True)
            return ListNode(item=item, nullable=output.nullable)
        if output.leaf is not None:
            return LeafNode(leaf=output.leaf, nullable=output.nullable)
        # objects in a list have each rows of their own
        types = {name: self._one(name, nodes, alone, listed, output.nullable) for name in output.types}
        return ChoiceNode(types=types, nullable=output.nullable)

    def _one(
        self, name: str, nodes: Sequence[FieldNode], alone: bool, listed: bool, nullable: bool
    ) -> ObjectNode | RowNode:
        collected = self.selection.collector.collect(name, self.selection.collector.sub_sets(nodes))
        definition = self.schema.types.get(name)
        if definition is not None:
            with located(nodes[0]):
                members = tuple((key, self._lost(definition, found)) for key, found in collected.items())
                readable = self.selection.rules.may_read(definition)
            slot = self._slot(definition, nodes, readable)
            return RowNode(definition=definition, slot=slot, alone=alone, nullable=nullable, members=members)
        described = self.schema.objects[name]
        return ObjectNode(
            definition=described,
            members=tuple(
                self._member(described, key, found, alone and not listed) for key, found in collected.items()
            ),
        )

    def _member(self, definition: ObjectDef, key: str, nodes: Sequence[FieldNode], alone: bool) -> Member:
        described = definition.fields.get(nodes[0].name.value)
        if described is None:
            return Member(key=key, field=None, node=None)
        with located(nodes[0]):
            if not self.selection.rules.may_see(definition, described):
                return Member(key=key, field=replace(described, **_NOWHERE), node=_NOTHING)
        return Member(key=key, field=described, node=self.node(described.output, nodes, alone=alone))

    def _lost(self, definition: TypeDef, nodes: Sequence[FieldNode]) -> FieldDef | None:
        """Return what a row's field is, for a row that is not there any more; what is masked is nothing."""
        described = definition.fields.get(nodes[0].name.value)
        if described is None or self.selection.rules.may_see(definition, described):
            return described
        return FieldDef(name=described.name)

    def _slot(self, definition: TypeDef, nodes: Sequence[FieldNode], readable: bool) -> int:
        # what a mutation returns is shown even where the default manager would hide it
        rules = self.selection.rules
        queryset = rules.rows(definition, definition.model._base_manager.using(self.alias))
        if not readable:
            queryset = queryset.none()
        keys = [self.selection.values.compared(definition, field, ROW) for field in definition.key.values()]
        for index, key in enumerate(keys):
            queryset = queryset.filter(Q(Compare("{column} = {value}", key.value, Template(f"fraiseql_keys.k{index}"))))
        rows = self.selection.rows(definition, queryset.order_by(), list(nodes))
        number = len(self.slots)
        self.slots.append(
            Slot(
                row=compile_one(rows, self.alias, missing=""),
                casts=tuple(key.cast for key in keys),
                encodes=tuple(key.scalar.encode for key in keys),
                holes=tuple(_keys(number, index) for index in range(len(keys))),
            )
        )
        return number


# What stands for a masked field: one that no object has, so that its default is answered
_NOWHERE: Mapping[str, Any] = {"name": "", "attribute": "", "key": "", "required": False, "default": None}
_NOTHING = LeafNode(leaf=GraphQLString, nullable=True)


def _keys(slot: int, index: int) -> Hole:
    def fetch(variables: Variables) -> list[str]:
        return [key[index] for key in variables[KEYS][slot]]

    return Hole(fetch, encode_array, "key")
