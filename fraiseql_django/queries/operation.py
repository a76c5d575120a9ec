"""The functions that answer root fields of one query, and the statement that reads the rows that they choose.

call       each function, with its arguments, coroutine functions at the same time; one that raises costs its field
plan       the query again, with the rows that were chosen
read       the rows of all root fields, and those in what functions have returned, in one statement
write      what Python writes, with the rows in it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from django.db.models import QuerySet
from graphql import GraphQLError

from ..audit import OperationContext
from ..conf.settings import Settings
from ..coroutines import together
from ..errors import FraiseQLError, OperationError
from ..execution.executor import Executor
from ..execution.failures import failure, invalid_values, is_of_data
from ..execution.field_errors import without_marks
from ..execution.refusals import refusal
from ..execution.response import Response, failed
from ..language.coercion import OF_PLACE, asks_for_place
from ..language.parser import Operation
from ..mutations.answer import AnswerWriter, Reading, slots_of
from ..mutations.arguments import coerce_arguments
from ..mutations.context import WatchedInfo, WrongResult, watched_info_of
from ..mutations.uploads import Files
from ..planner.arguments import Variables
from ..planner.chosen_rows import CHOSEN, Chosen, choose
from ..planner.marks import MARK, Mark
from ..planner.payload import KEYS, SLOT_END
from ..planner.plan import ColumnRoot, ConstantRoot, Plan, Planner, QueryCall, WrittenRoot, members_of
from ..schema.build import Schema
from ..storage.base import Storage

# The JSON text of a root field, and the marks that may be in it
Text: TypeAlias = tuple[bytes, Sequence[Mark]]


class _Waiting(NamedTuple):
    """A call whose function is a coroutine function, and what awaits it."""

    call: QueryCall
    wait: Callable[[], Awaitable[Any]]


def _unless_raised(result: Any) -> Any:
    if isinstance(result, BaseException):
        raise result
    return result


@dataclass(slots=True, kw_only=True)
class CalledQuery:
    """A query to run whose ``plan`` says which functions to call; ``mask`` says whether errors are masked.

    Within a transaction that others began (``in_transaction``) a failed statement has ended it, and no other can run.
    """

    operation: Operation
    plan: Plan
    variables: Variables
    asked: OperationContext
    storage: Storage
    executor: Executor
    planner: Planner
    schema: Schema
    settings: Settings
    mask: bool
    in_transaction: bool
    results: dict[str, Any] = field(default_factory=dict)
    chosen: dict[str, Chosen | None] = field(default_factory=dict)
    # by response key: what a root field has failed with
    failures: dict[str, Exception] = field(default_factory=dict)
    infos: list[WatchedInfo] = field(default_factory=list)

    def response(self) -> Response:
        """Call the functions, run the statement and answer."""
        try:
            return self._answered(self.planned())
        except Exception as error:
            # as for a query without functions: an OperationError here is about what plans do not depend on
            data = None if isinstance(error, OperationError) else b"null"
            return failed([failure(error, mask=self.mask)], data)

    # --- the functions ---

    def planned(self) -> Plan:
        """Call the functions and plan the query with the rows that they have chosen."""
        files = Files([call.node for call in self.plan.asked], self.variables)
        with self._session():
            waiting = [begun for call in self.plan.asked if (begun := self._begun(call, files)) is not None]
            found = together([begun.wait for begun in waiting]) if waiting else ()
            for begun, result in zip(waiting, found, strict=True):
                self._settle(begun.call, partial(_unless_raised, result))
        texts = {key: () if chosen is None else chosen.texts for key, chosen in self.chosen.items()}
        self.variables = {**self.variables, CHOSEN: texts}
        return self.planner.called(self.operation, self.variables, self.asked.viewer, self.chosen)

    @contextmanager
    def _session(self) -> Iterator[None]:
        """Let statements that functions run have the viewer's session values."""
        settings = self.executor.session.of(self.asked.viewer)
        if not settings:
            yield
            return
        with self.storage.begin_transaction(settings) as transaction:
            yield
            transaction.commit()

    def _begun(self, call: QueryCall, files: Files) -> _Waiting | None:
        """Call a function and note what it returns; return one that has to be awaited."""
        waits = call.definition.waits
        try:
            info, arguments = self._asked(call, files)
        except Exception as error:
            self.failures[call.key] = error
            return None
        if waits is not None:
            return _Waiting(call, partial(waits, info, arguments))
        self._settle(call, partial(call.definition.perform, info, arguments))
        return None

    def _settle(self, call: QueryCall, perform: Callable[[], Any]) -> None:
        """Note the result of a function, or what it raises."""
        try:
            result = perform()
            if result is None and not call.nullable:
                raise WrongResult(f"query {call.definition.name} returned None, which its declaration does not allow")
            if call.target is None:
                self.results[call.key] = result
            elif result is not None:
                self.chosen[call.key] = self._choose(call, result)
        except Exception as error:
            self.failures[call.key] = error

    def _asked(self, call: QueryCall, files: Files) -> tuple[WatchedInfo, Mapping[str, Any]]:
        """Return what a function is called with."""
        definition = call.definition
        if call.target is not None:
            # where it fails as well: the plan has the root field
            self.chosen[call.key] = None
        info = watched_info_of(self.asked, definition, call.key, self.schema.row_rules)
        self.infos.append(info)
        arguments = coerce_arguments(definition, call.node, self.variables, files)
        if call.node.arguments and OF_PLACE not in self.variables:
            again = partial(coerce_arguments, definition, call.node, self.variables, Files([call.node], self.variables))
            if asks_for_place([again]):
                self.variables = {**self.variables, OF_PLACE: True}
        return info, arguments

    def _choose(self, call: QueryCall, result: Any) -> Chosen:
        assert call.target is not None
        if call.definition.rows.many and not isinstance(result, QuerySet):
            if not isinstance(result, Iterable):
                raise WrongResult(f"query {call.definition.name} returned {result!r}, which is no list")
            result = list(result)
        try:
            return choose(result, call.target, call.key, self.settings.database)
        except FraiseQLError as error:
            raise WrongResult(f"query {call.definition.name}: {error}") from error

    # --- the answer ---

    def _answered(self, plan: Plan) -> Response:
        reading = Reading(plan.slots)
        writers: list[AnswerWriter] = []
        for root in plan.roots:
            if isinstance(root, WrittenRoot) and root.key in self.results:
                writer = AnswerWriter(root, reading, marks_wrong=True)
                try:
                    writer.write(self.results[root.key])
                    writers.append(writer)
                except Exception as error:
                    self.failures[root.key] = error
        return self._response(plan, self._read(plan, reading, writers))

    def _response(self, plan: Plan, texts: dict[str, Text]) -> Response:
        calls = {call.key: call for call in self.plan.asked}
        answers: dict[str, bytes] = {}
        errors: list[GraphQLError] = []
        lost = False
        for root in plan.roots:
            key, call = root.key, calls.get(root.key)
            nullable = call.nullable if call is not None else isinstance(root, ConstantRoot) or root.nullable  # type: ignore[union-attr]
            text: bytes | None = None
            if key in self.failures:
                node = call.node if call is not None else root.node  # type: ignore[union-attr]
                errors.append(failure(self.failures[key], mask=self.mask, nodes=[node], path=[key]))
            elif key in texts:
                text, wrong = self._without_marks(key, *texts[key])
                errors += wrong
            elif isinstance(root, ConstantRoot):
                text = root.text
            lost = lost or (text is None and not nullable)
            answers[key] = b"null" if text is None else text
        data = b"null" if lost else members_of(plan, answers)
        if errors:
            return failed(errors, data)
        policy = self.executor.policy_now(plan.policy)
        if any(info.has_asked for info in self.infos):
            policy = replace(policy, public=False)
        return Response(self.executor.checked(data), policy=policy)

    def _without_marks(self, key: str, text: bytes, marks: Sequence[Mark]) -> tuple[bytes | None, list[GraphQLError]]:
        if MARK not in text:
            return text, []
        found, errors = without_marks(text, marks, (key,))
        return found, invalid_values(errors, self.operation.nodes_at, mask=self.mask)

    # --- the statement ---

    def _read(self, plan: Plan, reading: Reading, writers: Sequence[AnswerWriter]) -> dict[str, Text]:
        """Return what root fields are answered with, by response key; those that fail are among the ``failures``."""
        columns = [root for root in plan.roots if isinstance(root, ColumnRoot)]
        assert plan.read is not None
        assert plan.read_slots is not None
        if not columns and not reading.is_needed:
            return self._written(writers, [], ())
        read = plan.read_slots(reading.columns(), False) if reading.queries else plan.read
        try:
            text, marks = self.executor.answer(read, {**self.variables, KEYS: reading.keys})
        except Exception as error:
            if not is_of_data(error) or self.in_transaction:
                refused = refusal(error, read)
                if refused is None:
                    raise
                raise refused from error
            return self._one_by_one(plan, reading, writers)
        found: list[bytes] = text.split(SLOT_END, len(columns)) if columns else [b"", text]
        texts: dict[str, Text] = {root.key: (part, marks) for root, part in zip(columns, found, strict=False)}
        slots = slots_of(found[-1]) if plan.slots else []
        return texts | self._written(writers, slots, marks)

    def _one_by_one(self, plan: Plan, reading: Reading, writers: Sequence[AnswerWriter]) -> dict[str, Text]:
        """Read each root field by itself, after an error by what is stored: it costs the fields that it is in."""
        texts: dict[str, Text] = {}
        assert plan.read is not None
        assert plan.read_slots is not None
        for root in plan.roots:
            if isinstance(root, ColumnRoot):
                try:
                    texts[root.key] = self.executor.answer(plan.read.alone(root), self.variables)
                except Exception as error:
                    self.failures[root.key] = refusal(error, plan.read) or error
        if not reading.is_needed:
            return texts | self._written(writers, [], ())
        read = plan.read_slots(reading.columns(), True)
        try:
            text, marks = self.executor.answer(read, {**self.variables, KEYS: reading.keys})
        except Exception as error:
            self.failures |= {writer.call.key: refusal(error, read) or error for writer in writers}
            return texts
        return texts | self._written(writers, slots_of(text), marks)

    def _written(
        self, writers: Sequence[AnswerWriter], slots: Sequence[Sequence[bytes]], marks: Sequence[Mark]
    ) -> dict[str, Text]:
        texts: dict[str, Text] = {}
        for writer in writers:
            try:
                own = list(marks)
                texts[writer.call.key] = writer.text(slots, own), own
            except Exception as error:
                self.failures[writer.call.key] = error
        return texts
