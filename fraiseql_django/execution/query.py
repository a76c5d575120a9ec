"""Runs the plan of a query, and again where PostgreSQL could not cast a stored value.

A statement that fails by what is stored is run once more as the careful plan has it, in which a text that cannot be
cast is an error of its field. What fails for another reason, a division by zero in a computed field, fails its root
field: each root field is then read by itself, so that the error has its path and the others are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphql import GraphQLError

from ..errors import OperationError
from ..language.parser import Operation
from ..planner.arguments import Variables
from ..planner.marks import Mark
from ..planner.plan import ColumnRoot, Plan, Read, members_of
from ..viewer import VIEWER, Viewer
from .executor import Executor
from .failures import failure, invalid_values, is_of_data, out_of_range
from .field_errors import Path, without_marks
from .refusals import refusal
from .response import Response, data_of, failed


@dataclass(slots=True, kw_only=True)
class Query:
    """A query to run; ``careful`` makes its careful plan; ``masks`` says whether errors are masked.

    Within a transaction that others began (``in_transaction``) a failure has ended it, and no other statement can run.
    """

    operation: Operation
    plan: Plan
    variables: Variables
    executor: Executor
    careful: Callable[[Operation, Variables, Viewer], Plan]
    masks: Callable[[], bool]
    in_transaction: bool

    def response(self) -> Response:
        """Run the statement and answer."""
        assert self.plan.read is not None
        try:
            return self._answered(self.plan.read)
        except Exception as error:
            return self._again(error) if is_of_data(error) else self._failed(error)

    def _answered(self, read: Read) -> Response:
        text, marks = self.executor.answer(read, self.variables)
        if not marks:
            return Response(body=text, policy=self.executor.policy_now(self.plan.policy))
        data, errors = self._without_marks(data_of(text), marks)
        return failed(errors, b"null" if data is None else data)

    def _without_marks(
        self, text: bytes, marks: Sequence[Mark], prefix: Path = ()
    ) -> tuple[bytes | None, list[GraphQLError]]:
        data, found = without_marks(text, marks, prefix)
        return data, invalid_values(found, self.operation.nodes_at, mask=self.masks())

    def _failed(self, error: Exception) -> Response:
        # An OperationError here is about a value that plans do not depend on, for instance a negative limit in a
        # variable. Execution has not begun, so the response has no data (GraphQL specification, 7.1.1).
        data = None if isinstance(error, OperationError) else b"null"
        assert self.plan.read is not None
        return failed([failure(refusal(error, self.plan.read) or error, mask=self.masks())], data)

    def _again(self, error: Exception) -> Response:
        plan = self.plan
        if plan.uncertain and not self.in_transaction:
            try:
                plan = self.careful(self.operation, self.variables, self.variables[VIEWER])
                assert plan.read is not None
                return self._answered(plan.read)
            except Exception as another:
                if not is_of_data(another):
                    return self._failed(another)
                error = another
        return self._by_root(plan, error)

    def _by_root(self, plan: Plan, error: Exception) -> Response:
        """Read each root field by itself."""
        assert plan.read is not None
        columns = [root for root in plan.roots if isinstance(root, ColumnRoot)]
        if self.in_transaction and len(columns) > 1:
            return self._failed(error)
        answers: dict[str, bytes] = {}
        errors: list[GraphQLError] = []
        lost = False
        for root in columns:
            text: bytes | None = None
            try:
                if len(columns) == 1:
                    raise error
                text, wrong = self._column(plan.read.alone(root), root)
                errors += wrong
            except Exception as another:
                told = out_of_range(another) if plan.aggregates else None
                found = told or refusal(another, plan.read) or another
                errors.append(failure(found, mask=self.masks(), nodes=[root.node], path=[root.key]))
            answers[root.key] = b"null" if text is None else text
            lost = lost or (text is None and not root.nullable)
        return failed(errors, b"null" if lost else members_of(plan, answers))

    def _column(self, read: Read, root: ColumnRoot) -> tuple[bytes | None, Sequence[GraphQLError]]:
        text, marks = self.executor.answer(read, self.variables)
        if not marks:
            return text, ()
        return self._without_marks(text, marks, (root.key,))
