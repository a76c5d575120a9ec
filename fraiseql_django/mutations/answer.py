"""The result of a mutation → the JSON text of its selection; one statement reads all rows in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db.models import Model, QuerySet

from .._django import Compiled, concrete_model
from ..declare.names import camel_case
from ..errors import InvalidInput, OperationError, StorageError
from ..execution.executor import Executor
from ..execution.field_errors import without_marks
from ..execution.refusals import refusal
from ..planner.arguments import Variables
from ..planner.marks import MARK, Mark
from ..planner.payload import (
    KEYS,
    ROW_END,
    SLOT_END,
    AnswerConstant,
    AnswerField,
    ChoiceNode,
    LeafNode,
    ListNode,
    Node,
    ObjectNode,
    RowNode,
    Slot,
)
from ..planner.plan import MutationCall
from ..planner.statement import compile_keys
from ..planner.tree import Constant
from ..schema.definition import Column, Extracted
from ..schema.global_ids import GlobalColumn
from ..schema.object_types import ObjectField
from ..schema.output_values import Unfit, json_text, leaf_text, leaf_value
from .context import Answer, Made, WrongResult

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class RowsInAnswer:
    """Where rows stand in the answer: row ``index`` of a slot, or all of its rows (None).

    ``snapshot`` is what the mutation returned for the row, for one that was deleted.
    """

    slot: int
    index: int | None
    node: RowNode
    snapshot: Any = None


class Written(Protocol):
    """A root field whose result Python writes."""

    @property
    def key(self) -> str:
        """The response key."""
        ...

    @property
    def definition(self) -> Any:
        """The CallDef."""
        ...

    @property
    def answer(self) -> Node:
        """What is selected."""
        ...

    @property
    def alias(self) -> str:
        """The database that rows are read from."""
        ...


@dataclass(slots=True)
class Reading:
    """The rows that a statement reads for answers: for each slot the keys of its rows, or the SQL that selects them."""

    slots: Sequence[Slot]
    keys: list[list[tuple[str, ...]]] = field(init=False)
    queries: dict[int, Compiled] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = [[] for _ in self.slots]

    @property
    def is_needed(self) -> bool:
        """Whether there is any row to read."""
        return bool(self.queries) or any(self.keys)

    def columns(self) -> list[Compiled]:
        """Return the slots' columns of the statement."""
        return [slot.column(self.queries.get(number)) for number, slot in enumerate(self.slots)]


@dataclass(slots=True)
class AnswerWriter:
    """Writes one answer: first the objects of classes, with places for the rows, then the rows.

    With ``marks_wrong``, marks stand for leaves and nulls that are not of their types. ``nullable`` says which values
    of the path to the one that is being written may be null.
    """

    call: Written
    reading: Reading
    parts: list[bytes | RowsInAnswer | Mark] = field(default_factory=list)
    failed: bool = False
    marks_wrong: bool = False
    nullable: list[bool] = field(default_factory=list)

    def write(self, result: Any) -> None:
        """Write what Python has of a result; raise WrongResult for one that is not what is declared."""
        self._node(self.call.answer, result, "", of_json=self.call.definition.returns_json)

    def text(self, slots: Sequence[Sequence[bytes]], marks: list[Mark] | None = None) -> bytes:
        """Return the JSON text with the rows that were read, by slot; its own marks are added to ``marks``."""
        return b"".join(self._part(part, slots, marks) for part in self.parts)

    def _part(
        self, part: bytes | RowsInAnswer | Mark, slots: Sequence[Sequence[bytes]], marks: list[Mark] | None
    ) -> bytes:
        if isinstance(part, bytes):
            return part
        if isinstance(part, RowsInAnswer):
            return self._rows(part, slots)
        assert marks is not None
        marks.append(part)
        return b"%b%d" % (MARK, len(marks) - 1)

    # --- objects ---

    def _node(self, node: Node, value: Any, where: str, *, of_json: bool) -> None:
        self.nullable.append(node.nullable)
        if value is None:
            self.parts.append(self._null(node, where))
        elif isinstance(node, ListNode):
            self._list(node, value, where, of_json)
        elif isinstance(node, ChoiceNode):
            self._object(node, value, where, of_json)
        else:
            self.parts.append(self._leaf(node, value, where, of_json))
        self.nullable.pop()

    def _null(self, node: Node, where: str) -> bytes | Mark:
        if node.nullable:
            return b"null"
        if self.marks_wrong:
            return self._mark(where, "null")
        raise self._wrong(where, None, ", which its declaration does not allow")

    def _list(self, node: ListNode, value: Any, where: str, of_json: bool) -> None:
        row = _only_row(node.item)
        if row is not None and row.alone and isinstance(value, QuerySet) and self._inline(row, value):
            self.parts += [b"[", RowsInAnswer(row.slot, None, row), b"]"]
            return
        if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
            raise self._wrong(where, value, ", which is no list")
        self.parts.append(b"[")
        for index, item in enumerate(value):
            if index:
                self.parts.append(b",")
            self._node(node.item, item, f"{where}[{index}]", of_json=of_json)
        self.parts.append(b"]")

    def _inline(self, row: RowNode, queryset: QuerySet[Any]) -> bool:
        """Let the statement find the rows of a QuerySet by itself, where one column is their key."""
        if not issubclass(queryset.model, row.definition.model) or len(row.definition.key) != 1:
            return False
        compiled = compile_keys(queryset, self.call.alias)
        if compiled is None:
            return False
        self.reading.queries[row.slot] = compiled
        return True

    def _object(self, node: ChoiceNode, value: Any, where: str, of_json: bool) -> None:
        chosen = _chosen(node, value, of_json)
        if chosen is None:
            raise self._wrong(where, value, f", not a {' or '.join(node.types)}")
        if isinstance(chosen, RowNode):
            self._row(chosen, value, where, of_json)
            return
        self.failed = self.failed or (chosen.definition.failed and not where)
        values = value.values if isinstance(value, Made) else value
        self.parts.append(b"{")
        for index, member in enumerate(chosen.members):
            self.parts.append(b'%b"%b":' % (b"," if index else b"", member.key.encode()))
            if isinstance(member, AnswerConstant):
                self.parts.append(member.text)
            else:
                self._member(member, chosen, values, where)
        self.parts.append(b"}")

    def _member(self, member: AnswerField, node: ObjectNode, values: Any, where: str) -> None:
        described = member.field
        of_json = isinstance(values, Mapping)
        value = _from_json(described, values) if of_json else getattr(values, described.attribute, _MISSING)
        if value is _MISSING:
            if described.required and not described.output.nullable:
                raise self._wrong(where, values, f", without {described.key!r}, which {node.definition.name} has")
            value, of_json = described.default, False
        self._node(member.node, value, f"{where}.{described.key}".lstrip("."), of_json=of_json)

    def _leaf(self, node: LeafNode, value: Any, where: str, of_json: bool) -> bytes | Mark:
        try:
            return leaf_text(node.leaf, value, of_json)
        except Unfit as error:
            if self.marks_wrong:
                return self._mark(where, "a value that its type does not have")
            raise self._wrong(where, value, f": {error}") from error

    def _mark(self, where: str, what: str) -> Mark:
        place = f" at {where}" if where else ""
        problem = f"{self.call.definition.word} {self.call.definition.name} returned {what}{place}"
        return Mark(problem, tuple(self.nullable))

    def _wrong(self, where: str, value: Any, why: str) -> WrongResult:
        place = f" at {where}" if where else ""
        return WrongResult(f"{self.call.definition.word} {self.call.definition.name} returned {value!r}{place}{why}")

    # --- rows ---

    def _row(self, node: RowNode, value: Any, where: str, of_json: bool) -> None:
        keys = node.definition.key
        key = [_key_part(value, name, field, alone=len(keys) == 1) for name, field in keys.items()]
        if None in key or not key:
            what = "was not saved or was deleted" if isinstance(value, Model) else "has no key"
            raise self._wrong(where, value, f", which {what}")
        try:
            encodes = self.reading.slots[node.slot].encodes
            texts = tuple(encode(part) for encode, part in zip(encodes, key, strict=True))
        except InvalidInput as error:
            raise self._wrong(where, value, f", which has no key of a {node.definition.name}: {error}") from error
        found = self.reading.keys[node.slot]
        found.append(texts)
        self.parts.append(RowsInAnswer(node.slot, len(found) - 1, node, value))

    def _rows(self, place: RowsInAnswer, slots: Sequence[Sequence[bytes]]) -> bytes:
        rows = slots[place.slot]
        if place.index is None:
            return b",".join(row for row in rows if row)
        row = rows[place.index]
        if row:
            return row
        definition = place.node.definition
        if definition.rows is not None or definition.permission is not None or definition.branches:
            # it may be there, but not for this viewer
            if place.node.nullable:
                return b"null"
            message = f"This {definition.name} is not there for you."
            raise OperationError(message, code="FORBIDDEN", what=definition.name)
        if isinstance(place.snapshot, Mapping):
            return self._lost(place.node, place.snapshot)
        raise self._wrong("", place.snapshot, ", whose row is not in the database")

    def _lost(self, node: RowNode, snapshot: Mapping[str, Any]) -> bytes:
        """Write a row that a function has deleted, from what the function returned of it."""
        found: dict[str, Any] = {}
        described: Any
        for key, described in node.members:
            if isinstance(described, Constant):
                found[key] = json.loads(described.text)
                continue
            own = described.stored_as
            if own is not None and not described.dimensions:
                value = _by_name(snapshot, own, described.name)
                found[key] = (
                    None if value is _MISSING or value is None else leaf_value(described.scalar.graphql, value, True)
                )
            else:
                found[key] = None
            if isinstance(described, GlobalColumn):
                found[key] = described.shown(found[key])
            if found[key] is None and not getattr(described, "nullable", True):
                raise self._wrong("", snapshot, f", whose row is not in the database, without {key!r}")
        return json_text(found)


def answered(call: MutationCall, result: Any, variables: Variables, executor: Executor) -> Answer:
    """Return the JSON text of a mutation's result; raise WrongResult for one that is not what the mutation declares."""
    reading = Reading(call.slots)
    writer = AnswerWriter(call, reading)
    writer.write(result)
    slots: list[list[bytes]] = []
    marks: Sequence[Mark] = ()
    if call.rows is not None and reading.is_needed:
        read = call.read(reading.columns()) if reading.queries else call.rows
        try:
            columns, marks = executor.answer(read, {**variables, KEYS: reading.keys}, cached=False)
        except StorageError as error:
            # an operand within what is selected of the answer
            refused = refusal(error, read)
            if refused is None:
                raise
            raise refused from error
        slots = slots_of(columns)
    text = writer.text(slots)
    if MARK not in text:
        return Answer(text, writer.failed)
    found, errors = without_marks(text, marks, (call.key,))
    return Answer(b"null" if found is None else found, writer.failed, tuple(errors), lost=found is None)


def slots_of(text: bytes) -> list[list[bytes]]:
    """Return the rows of each slot, from the text that a statement has answered for them."""
    return [slot.split(ROW_END) for slot in text.split(SLOT_END)]


def _only_row(node: Node) -> RowNode | None:
    if isinstance(node, ChoiceNode) and len(node.types) == 1:
        (found,) = node.types.values()
        return found if isinstance(found, RowNode) else None
    return None


def _chosen(node: ChoiceNode, value: Any, of_json: bool) -> ObjectNode | RowNode | None:
    """Return the node of the type that a value is of: of several, that of the class which is nearest to its own."""
    if isinstance(value, Made):
        return node.types.get(value.name)
    classes = value.__class__.__mro__
    fitting = [chosen for chosen in node.types.values() if _class_of(chosen) in classes]
    if fitting:
        return min(fitting, key=lambda chosen: classes.index(_class_of(chosen)))
    if len(node.types) == 1:
        (chosen,) = node.types.values()
        if isinstance(chosen, RowNode):
            # no instance in Python stands for a row of a source: what has its key does
            return chosen if of_json or chosen.definition.source is not None else None
        return chosen if of_json and isinstance(value, Mapping) else None
    return None


def _class_of(node: ObjectNode | RowNode) -> type | None:
    """Return the class of the instances that a node writes; None for a type that only results of the package have."""
    if isinstance(node, RowNode):
        concrete: type = concrete_model(node.definition.model)
        return concrete
    return node.definition.cls


def _from_json(described: ObjectField, values: Mapping[str, Any]) -> Any:
    return _by_name(values, described.key, described.name)


def _by_name(values: Mapping[str, Any], *names: str) -> Any:
    for name in (*names, *map(camel_case, names)):
        if name in values:
            return values[name]
    return _MISSING


def _key_part(value: Any, name: str, field: Column | Extracted, *, alone: bool) -> Any:
    own = field.stored_as or name
    if isinstance(value, Mapping):
        found = _by_name(value, own, name, *(["id", "pk"] if alone else []))
        return None if found is _MISSING else found
    if isinstance(value, Model) or hasattr(value, own):
        return getattr(value, own, None)
    return value if alone and not isinstance(value, list) else None
