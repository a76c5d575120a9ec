"""The mutations of one operation: run in order, in one transaction or each in its own.

In one transaction all succeed, or none. A mutation fails when it raises, and when it returns an object of a class of
errors: its writes are rolled back either way.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import Error
from graphql import GraphQLError

from .. import audit
from ..audit import OperationContext, Outcome
from ..conf.settings import Settings
from ..errors import TryLater
from ..execution.executor import Executor
from ..execution.failures import failure, invalid_values
from ..execution.response import Response, failed
from ..language.introspection import may_introspect
from ..language.parser import Operation
from ..planner.arguments import Variables
from ..planner.plan import MutationCall, Plan, members_of
from ..schema.build import Schema
from ..storage.base import Storage
from ..viewer import VIEWER, Viewer
from .answer import answered
from .arguments import coerce_arguments
from .context import Answer, Made, MutationContext, info_of
from .error_objects import REPEATABLE, as_result, as_user_error, sqlstate_of
from .uploads import Files

# the wait before the first repetition; it doubles each time, with a random part, so that two do not meet again
PAUSE_SECONDS = 0.01


class _Again(Exception):
    """The transaction was rolled back and may run again."""


@dataclass(slots=True)
class Perform:
    """Runs the mutations of a plan; ``mask`` says whether the messages of unexpected errors are hidden."""

    operation: Operation
    plan: Plan
    variables: Variables
    asked: OperationContext
    storage: Storage
    executor: Executor
    schema: Schema
    settings: Settings
    mask: bool
    # of the request, when the operation begins
    user: Any = None
    files: Files = field(init=False)
    answers: dict[str, Answer] = field(default_factory=dict)
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
        except (TryLater, Error) as error:
            # none has begun: no slot became free, or no connection of a pool
            return failed([failure(error, mask=self.mask)])

    def _response(self) -> Response:
        self.user = self.asked.viewer.user
        run = self._together if self.settings.atomic_mutations else self._one_by_one
        if audit.mutations_are_observed():
            # who it is now, since a mutation may log in or out
            self.asked.user_id()
        if self.plan.calls:
            self.files = Files([call.node for call in self.plan.calls], self.variables)
            run(self.plan.calls)
        invalid = [error for answer in self.answers.values() for error in answer.errors]
        errors = [*self.errors, *invalid_values(invalid, self.operation.nodes_at, mask=self.mask)]
        if not errors:
            return Response(self._data({}))
        if all(call.definition.output.nullable or self._has_data(call) for call in self.plan.calls):
            return failed(errors, self._data({}))
        return failed([*self._lost(), *errors], b"null")

    def _has_data(self, call: MutationCall) -> bool:
        return call.key in self.answers and not self.answers[call.key].lost

    def _lost(self) -> list[GraphQLError]:
        """Return as errors what is answered as data, where nothing of the data is left, by mutations that failed."""
        return [
            GraphQLError(
                "This mutation failed.",
                [call.node],
                path=[call.key],
                extensions={"code": "MUTATION_FAILED", "data": json.loads(self.answers[call.key].text)},
            )
            for call in self.plan.calls
            if call.key in self.answers and call.key in self.failed
        ]

    def _data(self, answers: Mapping[str, Answer]) -> bytes:
        """Return the data with these answers and those that are settled, null for all others."""
        nothing = {call.key: b"null" for call in self.plan.calls}
        texts = {key: answer.text for key, answer in {**self.answers, **answers}.items()}
        return members_of(self.plan, {**nothing, **texts})

    def _check_size(self, answers: Mapping[str, Answer]) -> None:
        """Raise LimitExceeded where the data with these answers would be larger than allowed."""
        if self.settings.limits.response_bytes is not None:
            self.executor.checked(self._data(answers))

    # --- transactions ---

    def _one_by_one(self, calls: Sequence[MutationCall]) -> None:
        """Run each in its own transaction; after one whose failure leaves no data the others are not begun."""
        for index, call in enumerate(calls):
            before = len(self.errors)
            self._repeated([call])
            if len(self.errors) > before and not call.definition.output.nullable:
                self._abort(calls[index + 1 :], "Not begun, since another mutation of the operation failed.")
                self._tell(calls[index + 1 :])
                return

    def _together(self, calls: Sequence[MutationCall]) -> None:
        self._repeated(calls)
        if self.errors or len(self.answers) < len(calls):
            others = [call for call in calls if call.key not in self.answers and not self._is_named(call)]
            self._abort(others, "Undone or not begun, since another mutation of the operation failed.")

    def _is_named(self, call: MutationCall) -> bool:
        return any(error.path and error.path[0] == call.key for error in self.errors)

    def _abort(self, calls: Sequence[MutationCall], message: str) -> None:
        for call in calls:
            extensions = {"code": "MUTATION_ABORTED"}
            self.errors.append(GraphQLError(message, [call.node], path=[call.key], extensions=extensions))

    def _repeated(self, calls: Sequence[MutationCall]) -> None:
        """Run calls in a transaction, again after a deadlock or a serialisation failure."""
        again = self.settings.mutation_retries if all(call.definition.repeatable() for call in calls) else 0
        for attempt in range(again + 1):
            try:
                self._transaction(calls, may_repeat=attempt < again)
                self._tell(calls)
                return
            except _Again:
                time.sleep(PAUSE_SECONDS * 2**attempt * (1 + random.random()))

    def _transaction(self, calls: Sequence[MutationCall], *, may_repeat: bool) -> None:
        answers: dict[str, Answer] = {}
        call = calls[-1]
        try:
            settings = self.executor.session.of(self.asked.viewer)
            with self.storage.begin_transaction(*([settings] if settings else [])) as transaction:
                # a storage of a project's own may not say
                may_repeat = may_repeat and getattr(transaction, "outermost", False)
                for call in calls:
                    answer = self._timed(call)
                    if answer.failed:
                        # left without a commit; the others have not happened
                        self._check_size({call.key: answer})
                        self.answers[call.key] = answer
                        return
                    answers[call.key] = answer
                    self._check_size(answers)
                    if len(calls) > 1:
                        self._check_constraints()
                transaction.commit()
        except Exception as error:
            if may_repeat and sqlstate_of(error) in REPEATABLE:
                raise _Again from error
            self._fail(call, error)
        else:
            self.answers.update(answers)

    def _check_constraints(self) -> None:
        """Check deferred constraints now, so that a violation is reported for the mutation that caused it."""
        self.storage.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.storage.execute("SET CONSTRAINTS ALL DEFERRED")

    # --- one mutation ---

    def _tell(self, calls: Sequence[MutationCall]) -> None:
        """Report the outcome of mutations to the audit, after their transaction has ended."""
        for call in calls:
            key = call.key
            ended = Outcome.FAILED if key in self.failed else Outcome.DONE if key in self.answers else None
            audit.report_mutation(
                self.asked,
                mutation=call.definition.name,
                path=key,
                arguments=[node.name.value for node in call.node.arguments or ()],
                outcome=ended or (Outcome.UNDONE if key in self.took else Outcome.NOT_BEGUN),
                code=self.failed.get(key),
                took=self.took.get(key, 0.0),
            )

    def _timed(self, call: MutationCall) -> Answer:
        started = time.perf_counter()
        try:
            return self._run(call)
        finally:
            self.took[call.key] = time.perf_counter() - started

    def _run(self, call: MutationCall) -> Answer:
        context = self._context(call)
        arguments = coerce_arguments(call.definition, call.node, self.variables, self.files)
        result = call.definition.perform(context, arguments)
        answer = result if isinstance(result, Answer) else context.answer(result)
        if answer.failed:
            self.failed[call.key] = _code_of(result)
        return answer

    def _context(self, call: MutationCall) -> MutationContext:
        def answer(result: object) -> Answer:
            return self._written(call, result)

        info = info_of(self.asked, call.definition, call.key, self.schema.row_rules, answer)
        return MutationContext(
            info=info,
            storage=self.storage,
            conventions=self.schema.conventions,
            row_rules=self.schema.row_rules,
            types=self.schema.types,
            answer=answer,
            chosen=lambda: self._chosen(call),
            may_introspect=lambda: may_introspect(self.settings.introspection, self.asked.viewer),
            may_hide=lambda model: self.executor.session.may_hide(model, self.settings.database),
        )

    def _chosen(self, call: MutationCall) -> Sequence[Sequence[Any]]:
        """Read the keys of the rows that match the condition of a mutation."""
        assert call.chosen is not None
        text, _ = self.executor.answer(call.chosen, self.variables, cached=False)
        # no digit of a number is lost
        keys: list[list[Any]] = json.loads(text, parse_float=Decimal)
        return keys

    def _written(self, call: MutationCall, result: object) -> Answer:
        """Write the result of a mutation for the user who is signed in now: the mutation may log in or out."""
        begun, variables = self.asked.viewer, self.variables
        now = Viewer(begun.request, begun.context)
        if now.user is not self.user:
            variables = {**variables, VIEWER: now}
            call = call.answered_for(now, variables)
        return answered(call, result, variables, self.executor)

    def _fail(self, call: MutationCall, error: Exception) -> None:
        """Answer an exception of a mutation, as data where it declares a class of errors."""
        context = self._context(call)
        try:
            result = as_result(error, call.definition, self.schema.objects, context)
            if result is not None:
                answer = self._written(call, result)
                self._check_size({call.key: answer})
                self.answers[call.key] = answer
                self.failed[call.key] = _code_of(result)
                return
            error = as_user_error(error, context)
        except Exception as another:
            error = another
        shown = failure(error, mask=self.mask, nodes=[call.node], path=[call.key])
        self.failed[call.key] = (shown.extensions or {}).get("code")
        self.errors.append(shown)


def _code_of(result: object) -> Any:
    """Return the code of an error that is answered as data, None where it has none."""
    code = result.values.get("code") if isinstance(result, Made) else getattr(result, "code", None)
    return code if isinstance(code, (int, str)) else None
