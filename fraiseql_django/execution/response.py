"""The values that an engine returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from graphql import GraphQLError

from ..errors import TryLater
from ..memory import Counts
from .failures import status_of


@dataclass(frozen=True)
class Response:
    """The answer of an operation.

    ``data`` is the JSON text of the data: ``b"null"`` where an error left nothing of it, None where
    execution did not begin (GraphQL specification, 7.1). ``status`` is what HTTP says of it.
    """

    data: bytes | None
    errors: Sequence[GraphQLError] = ()
    status: int = 200

    @cached_property
    def body(self) -> bytes:
        """The whole response as JSON text."""
        if not self.errors:
            return b'{"data":%b}' % (self.data or b"null")
        formatted = [error.formatted for error in self.errors]
        errors = json.dumps(formatted, ensure_ascii=False, separators=(",", ":"), default=_as_json)
        # a lone surrogate in a client's text has no UTF-8
        encoded = errors.encode("utf-8", "backslashreplace")
        return b'{"errors":%b}' % encoded if self.data is None else b'{"errors":%b,"data":%b}' % (encoded, self.data)

    @property
    def retry_after(self) -> int | None:
        """The seconds to wait before the same operation may be sent again; None where that would be of no use."""
        found = (error.original_error for error in self.errors)
        return max((error.retry_after for error in found if isinstance(error, TryLater)), default=None)

    def json(self) -> Any:
        """The whole response as Python objects: for tests and scripts."""
        return json.loads(self.body)


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
class Statistics:
    """The figures of an engine in this process: its caches, and the statements that it has run.

    ``statement_ms`` is the time that all ``statements`` took, in milliseconds, with their way to PostgreSQL and back.
    """

    documents: Counts
    plans: Counts
    result_hits: int
    result_misses: int
    statements: int
    statement_ms: float


def _as_json(value: Any) -> Any:
    """Write a value in the extensions of an error that JSON does not have: a date, a lazy text."""
    try:
        return DjangoJSONEncoder().default(value)
    except TypeError:
        return str(value)
