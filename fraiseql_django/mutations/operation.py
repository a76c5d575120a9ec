"""The mutations of one operation: run in order, in one transaction or each in its own.

In one transaction all are done, or none is. A mutation fails when its function raises, and when it returns an
object of a class of errors: what it wrote is undone either way.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from .. import audit
from ..audit import Asked, Outcome
from ..conf.settings import Settings
from ..errors import TryLater
from ..execution.executor import Executor
from ..execution.failures import failure
from ..execution.response import Response, failed
from ..language.introspection import may_introspect
from ..planner.arguments import Variables
from ..planner.plan import Plan, Write
from ..schema.build import Schema
from ..storage.base import Storage
from ..viewer import VIEWER, Viewer
from . import postgres as functions
from . import python
from .answer import Writer
from .context import Answer, Info, Made
from .error_objects import REPEATABLE, as_result, as_user_error, sqlstate_of

# the wait before the first repetition; it doubles, and a random part keeps two from meeting again
PAUSE_SECONDS = 0.01


class _Again(Exception):
    """What was done is undone and may be done once more."""


@dataclass(slots=True)
class Perform:
    """Runs a plan's writes; ``mask`` says whether unexpected errors hide what they say."""

    plan: Plan
    variables: Variables
    asked: Asked
    storage: Storage
    executor: Executor
    schema: Schema
    settings: Settings
    mask: bool
    # of the request, when the operation begins
    user: Any = None
    answers: dict[str, bytes] = field(default_factory=dict)
    errors: list[GraphQLError] = field(default_factory=list)
    # by response key: the code of what failed, the seconds that what was run has taken
    failed: dict[str, Any] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def response(self) -> Response:
        """Run all and answer."""
        try:
            # for all of them, with what they read
            with self.executor.concurrency.slot():
                return self._response()
        except TryLater as error:
            return failed([error.as_graphql_error()])

    def _response(self) -> Response:
        self.user = self.asked.viewer.user
        run = self._together if self.settings.atomic_mutations else self._one_by_one
        if audit.mutations_are_heard():
            # who it is now, since a mutation may log in or out
            self.asked.user_id()
        if self.plan.writes:
            run(self.plan.writes)
        if not self.errors:
            return Response(_members(self.plan, self.answers))
        if not all(write.definition.output.nullable or write.key in self.answers for write in self.plan.writes):
            return failed([*self._lost(), *self.errors], b"null")
        return failed(self.errors, self._data({}))

    def _lost(self) -> list[GraphQLError]:
        """Return as errors what is answered as data, where nothing of the data is left, by mutations that failed."""
        return [
            GraphQLError(
                "This mutation failed.",
                [write.node],
                path=[write.key],
                extensions={"code": "MUTATION_FAILED", "data": json.loads(self.answers[write.key])},
            )
            for write in self.plan.writes
            if write.key in self.answers and write.key in self.failed
        ]

    def _data(self, answers: Mapping[str, bytes]) -> bytes:
        """Return the data with these answers and those that are settled, null for all others."""
        nothing = {write.key: b"null" for write in self.plan.writes}
        return _members(self.plan, {**nothing, **self.answers, **answers})

    def _check_size(self, answers: Mapping[str, bytes]) -> None:
        """Raise LimitExceeded where the data with these answers would be larger than allowed."""
        if self.settings.limits.response_bytes is not None:
            self.executor.checked(self._data(answers))

    # --- transactions ---

    def _one_by_one(self, writes: Sequence[Write]) -> None:
        """Run each in its own transaction; after one whose failure leaves no data the others are not begun."""
        for place, write in enumerate(writes):
            before = len(self.errors)
            self._repeated([write])
            if len(self.errors) > before and not write.definition.output.nullable:
                self._abort(writes[place + 1 :], "Not begun, since another mutation of the operation failed.")
                self._tell(writes[place + 1 :])
                return

    def _together(self, writes: Sequence[Write]) -> None:
        self._repeated(writes)
        if self.errors or len(self.answers) < len(writes):
            others = [write for write in writes if write.key not in self.answers and not self._is_named(write)]
            self._abort(others, "Undone or not begun, since another mutation of the operation failed.")

    def _is_named(self, write: Write) -> bool:
        return any(error.path and error.path[0] == write.key for error in self.errors)

    def _abort(self, writes: Sequence[Write], message: str) -> None:
        for write in writes:
            extensions = {"code": "MUTATION_ABORTED"}
            self.errors.append(GraphQLError(message, [write.node], path=[write.key], extensions=extensions))

    def _repeated(self, writes: Sequence[Write]) -> None:
        """Run writes in a transaction, again where PostgreSQL has only picked the wrong moment."""
        again = self.settings.mutation_retries if all(write.definition.repeatable() for write in writes) else 0
        for attempt in range(again + 1):
            try:
                self._transaction(writes, may_repeat=attempt < again)
                self._tell(writes)
                return
            except _Again:
                time.sleep(PAUSE_SECONDS * 2**attempt * (1 + random.random()))

    def _transaction(self, writes: Sequence[Write], *, may_repeat: bool) -> None:
        answers: dict[str, bytes] = {}
        write = writes[-1]
        try:
            settings = self.executor.session.of(self.asked.viewer)
            with self.storage.begin_transaction(*([settings] if settings else [])) as transaction:
                # a storage of a project's own may not say
                may_repeat = may_repeat and getattr(transaction, "outermost", False)
                for write in writes:
                    answer = self._timed(write)
                    if answer.failed:
                        # left without a commit; the others have not happened
                        self._check_size({write.key: answer.text})
                        self.answers[write.key] = answer.text
                        return
                    answers[write.key] = answer.text
                    self._check_size(answers)
                    if len(writes) > 1:
                        self._check_constraints()
                transaction.commit()
        except Exception as error:
            if may_repeat and sqlstate_of(error) in REPEATABLE:
                raise _Again from error
            self._fail(write, error, writes)
        else:
            self.answers.update(answers)

    def _check_constraints(self) -> None:
        """Check what is deferred to the commit now, when it is known which mutation it is of."""
        self.storage.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.storage.execute("SET CONSTRAINTS ALL DEFERRED")

    # --- one mutation ---

    def _tell(self, writes: Sequence[Write]) -> None:
        """Tell the audit what has become of mutations, now that their transaction has ended."""
        for write in writes:
            key = write.key
            ended = Outcome.FAILED if key in self.failed else Outcome.DONE if key in self.answers else None
            audit.run(
                self.asked,
                mutation=write.definition.name,
                path=key,
                arguments=[node.name.value for node in write.node.arguments or ()],
                outcome=ended or (Outcome.UNDONE if key in self.took else Outcome.NOT_BEGUN),
                code=self.failed.get(key),
                took=self.took.get(key, 0.0),
            )

    def _timed(self, write: Write) -> Answer:
        started = time.perf_counter()
        try:
            return self._run(write)
        finally:
            self.took[write.key] = time.perf_counter() - started

    def _run(self, write: Write) -> Answer:
        info = self._info(write)
        if write.definition.call is not None:
            result = functions.call(write, info, self.variables, self.storage)
        else:
            result = python.call(write, info, self.variables)
        answered = result if isinstance(result, Answer) else info.answer(result)
        if answered.failed:
            self.failed[write.key] = _code_of(result)
        return answered

    def _info(self, write: Write) -> Info:
        return Info(
            field_name=write.definition.name,
            response_key=write.key,
            operation_name=self.asked.operation_name,
            request=self.asked.viewer.request,
            context=self.asked.viewer.context,
            database=self.settings.database,
            _may_introspect=lambda: may_introspect(self.settings.introspection, self.asked.viewer),
            _rules=self.schema.row_rules,
            _types=self.schema.types,
            _answer=lambda result: self._written(write, result),
        )

    def _written(self, write: Write, result: object) -> Answer:
        """Write what a mutation has returned, as whoever is signed in by now may see it: it may log in or out."""
        begun, variables = self.asked.viewer, self.variables
        now = Viewer(begun.request, begun.context)
        if now.user is not self.user:
            variables = {**variables, VIEWER: now}
            write = write.answered_for(now, variables)
        return Writer(write).answer(result, variables, self.executor)

    def _fail(self, write: Write, error: Exception, writes: Sequence[Write]) -> None:
        """Answer an exception, as data where the mutation declares a class for it; everything is rolled back."""
        info = self._info(write)
        try:
            result = as_result(error, write, self.schema.objects, info)
            if result is not None:
                text = self._written(write, result).text
                self._check_size({write.key: text})
                self.answers[write.key] = text
                self.failed[write.key] = _code_of(result)
                return
            error = as_user_error(error, info)
        except Exception as another:
            error = another
        shown = failure(error, mask=self.mask, nodes=[write.node], path=[write.key])
        self.failed[write.key] = (shown.extensions or {}).get("code")
        self.errors.append(shown)


def _code_of(result: object) -> Any:
    """Return the code of an error that is answered as data, None where it has none."""
    code = result.values.get("code") if isinstance(result, Made) else getattr(result, "code", None)
    return code if isinstance(code, (int, str)) else None


def _members(plan: Plan, answers: dict[str, bytes]) -> bytes:
    found = {**(plan.constants or {}), **answers}
    return b"{%b}" % b",".join(b'"%b":%b' % (key.encode(), found[key]) for key in plan.keys)
