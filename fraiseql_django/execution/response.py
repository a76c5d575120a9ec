"""The values that an engine returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from graphql import GraphQLError

from ..errors import TryLater
from ..language.parser import Operation
from ..memory import Counts
from ..planner.answer_policy import NOT_KEPT, AnswerPolicy
from ..planner.arguments import Variables
from ..planner.plan import AFTER_DATA, BEFORE_DATA, Plan
from .failures import status_of

_AROUND = len(BEFORE_DATA) + len(AFTER_DATA)


class Response:
    """The answer of an operation.

    ``data`` is the JSON text of the data: ``b"null"`` where an error left nothing of it, None where
    execution did not begin (GraphQL specification, 7.1). ``status`` is what HTTP says of it.
    ``body``, the whole response as JSON text, is made of the others unless it is given. ``policy`` says how a query's
    answer may be kept; one with errors may not.
    """

    __slots__ = ("_body", "_data", "errors", "policy", "status")

    def __init__(
        self,
        data: bytes | None = None,
        errors: Sequence[GraphQLError] = (),
        status: int = 200,
        *,
        body: bytes | None = None,
        policy: AnswerPolicy = NOT_KEPT,
    ) -> None:
        self.policy = policy
        self.errors = errors
        self.status = status
        self._data = data
        self._body = body

    @property
    def data(self) -> bytes | None:
        """The JSON text of the data."""
        if self._data is None and self._body is not None and not self.errors:
            self._data = data_of(self._body)
        return self._data

    @property
    def body(self) -> bytes:
        """The whole response as JSON text."""
        if self._body is None:
            self._body = self._written()
        return self._body

    @property
    def size(self) -> int:
        """The bytes of the response without errors, or of the data that errors have left."""
        if self._body is not None:
            return len(self._body)
        return len(self._data) + _AROUND if self._data is not None else 0

    def _written(self) -> bytes:
        data = self._data
        if not self.errors:
            return b"%b%b%b" % (BEFORE_DATA, data or b"null", AFTER_DATA)
        formatted = [error.formatted for error in self.errors]
        errors = json.dumps(formatted, ensure_ascii=False, separators=(",", ":"), default=_as_json)
        # a lone surrogate in a client's text has no UTF-8
        encoded = errors.encode("utf-8", "backslashreplace")
        return b'{"errors":%b}' % encoded if data is None else b'{"errors":%b,"data":%b}' % (encoded, data)

    @property
    def retry_after(self) -> int | None:
        """The seconds to wait before the same operation may be sent again; None where that would be of no use."""
        found = (error.original_error for error in self.errors)
        return max((error.retry_after for error in found if isinstance(error, TryLater)), default=None)

    def json(self) -> Any:
        """The whole response as Python objects: for tests and scripts."""
        return json.loads(self.body)


def data_of(body: bytes) -> bytes:
    """Return the data of a response without errors, as JSON text."""
    return body[len(BEFORE_DATA) : -len(AFTER_DATA)]


def failed(errors: Sequence[GraphQLError], data: bytes | None = None) -> Response:
    """Return the response of an operation that failed, with the ``data`` that is left of it.

    What the server is to blame for has a 5xx, unless data are left; what the client is to blame for a 4xx,
    unless execution began.
    """
    status = status_of(errors)
    if data is not None and (data != b"null" or status < HTTPStatus.INTERNAL_SERVER_ERROR):
        status = HTTPStatus.OK
    return Response(data, errors, status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The statement of an operation, its parameters, the tables that it reads.

    ``complexity`` is what ``LIMITS.COMPLEXITY`` is compared with.
    """

    sql: str
    params: list[str | None]
    tables: tuple[str, ...]
    complexity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOperation:
    """An operation, its plan, and the variables that the plan's statements take their parameters from."""

    operation: Operation
    plan: Plan
    variables: Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The figures of an engine in this process: its caches, and the statements that it has run.

    ``result_hits`` are the operations that were answered from the cache, ``result_misses`` those that it had no valid
    answer for, since the process began or ``fraiseql_stats --reset``. ``statement_ms`` is the time that all
    ``statements`` took, in milliseconds, with their way to PostgreSQL and back. ``replicas_answered`` are those that
    replicas have answered, ``replicas_passed_on`` those that the primary had to answer in the place of a replica: one
    that was behind, failed or could not be reached.
    """

    documents: Counts
    plans: Counts
    result_hits: int
    result_misses: int
    statements: int
    statement_ms: float
    replicas_answered: int = 0
    replicas_passed_on: int = 0


def _as_json(value: Any) -> Any:
    """Write a value in the extensions of an error that JSON does not have: a date, a lazy text."""
    try:
        return DjangoJSONEncoder().default(value)
    except TypeError:
        return str(value)
