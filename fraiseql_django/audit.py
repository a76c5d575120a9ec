"""Audit: a signal and a log record for every mutation and for every refusal.

    mutation_run        sent with a MutationEvent for each mutation, when its outcome is known
    operation_refused   sent with a RefusalEvent for each refusal

The logger ``fraiseql_django.audit`` gets the same events, mutations with level INFO and refusals with WARNING. Events
contain no values from requests: no arguments, tokens or headers. Queries that are accepted cause no events.

Signals are sent outside of the operation's transaction, so that rows written by receivers remain if it is rolled back.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from django.db import connections, transaction
from django.dispatch import Signal
from django.http import HttpRequest
from graphql import FieldNode, GraphQLError

from ._django import in_atomic_block
from .documents.trusted import digest
from .errors import OperationError
from .viewer import Viewer

logger = logging.getLogger("fraiseql_django.audit")

mutation_run = Signal()
"""Sent with ``event``, a MutationEvent; the sender is that class."""
operation_refused = Signal()
"""Sent with ``event``, a RefusalEvent; the sender is that class."""

# Codes of refusals, and the settings that refuse if the error itself does not name one
REFUSALS: Mapping[str, str | None] = MappingProxyType(
    {
        "UNAUTHENTICATED": None,
        "FORBIDDEN": None,
        "LIMIT_EXCEEDED": None,
        "REQUEST_TOO_LARGE": None,
        "RATE_LIMITED": "LIMITS.RATE",
        "OPERATION_NOT_ALLOWED": None,
        "INTROSPECTION_DISABLED": "INTROSPECTION",
        "DOCUMENT_NOT_TRUSTED": "TRUSTED_DOCUMENTS.MODE",
        "CSRF_FAILED": "CSRF",
    }
)
# Codes of refusals by the numbers in errors that mutations return as data
_BY_NUMBER: Mapping[Any, str] = MappingProxyType({401: "UNAUTHENTICATED", 403: "FORBIDDEN"})
# A name (GraphQL specification, 2.1.9) that is short enough for a log; other names sent by clients are not logged
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_UNKNOWN: Any = object()


class Outcome(enum.StrEnum):
    """The outcome of a mutation."""

    DONE = "done"
    """Committed."""
    FAILED = "failed"
    """It raised an exception or returned an error, and was rolled back."""
    UNDONE = "undone"
    """It was executed, but rolled back because another mutation of the operation failed."""
    NOT_BEGUN = "not_begun"
    """It was not executed, because another mutation of the operation failed."""


@dataclass(slots=True, kw_only=True)
class OperationContext:
    """The text, viewer and database of an operation, for its audit events.

    ``operation_name`` is set when the document is parsed. ``alias`` is the engine's database in ``DATABASES``.
    """

    text: str = ""
    operation_name: str | None = None
    viewer: Viewer
    alias: str
    _user_id: Any = _UNKNOWN

    def user_id(self) -> Any:
        """Return the user's key as it was at the first call: a mutation may log the user out."""
        if self._user_id is _UNKNOWN:
            self._user_id = None
            try:
                self._user_id = self.viewer.id
            except Exception:
                # an error in the audit must not make the operation fail
                logger.exception("The viewer's user could not be read.")
        return self._user_id

    def event_fields(self) -> dict[str, Any]:
        """Return the fields that all events of the operation have in common."""
        name, text = self.operation_name, self.text
        return {
            "time": dt.datetime.now(dt.UTC),
            "viewer": self.viewer,
            "user_id": self.user_id(),
            "operation": name if name is not None and _NAME.fullmatch(name) else None,
            # lone surrogates cannot be encoded in UTF-8
            "document": digest(text.encode("utf-8", "backslashreplace").decode()) if text else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """The viewer, time and operation of an event.

    ``user_id`` is the user's key before the operation, None for an anonymous viewer. ``operation`` is the operation's
    name, ``document`` the identifier of its document (``documents.trusted.digest``); both may be None.
    """

    time: dt.datetime
    viewer: Viewer = field(repr=False)
    user_id: Any
    operation: str | None
    document: str | None

    @property
    def request(self) -> HttpRequest | None:
        """The HTTP request; None if the engine is called without one."""
        return self.viewer.request

    def as_dict(self) -> dict[str, Any]:
        """Return the event as values that can be written as JSON; the user's key becomes a string."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "viewer"}
        user_id = None if self.user_id is None else str(self.user_id)
        return {**values, "time": self.time.isoformat(), "user_id": user_id}

    def _by(self) -> str:
        user = "nobody" if self.user_id is None else f"user {self.user_id}"
        return f"by {user}" + (f" in {self.operation}" if self.operation else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationEvent(AuditEvent):
    """A mutation and its outcome.

    ``mutation`` is its name, ``path`` its position in the answer, ``arguments`` are the names of the arguments that
    the client sent. ``code`` is the code of its error: a string for an exception, a number for an error that was
    returned as data. ``duration_ms`` is its duration without the commit.
    """

    mutation: str
    path: str
    arguments: tuple[str, ...]
    outcome: Outcome
    code: str | int | None
    duration_ms: float

    def __str__(self) -> str:
        code = "" if self.code is None else f" ({self.code})"
        return f"mutation {self.mutation} {self._by()}: {self.outcome}{code}, {self.duration_ms:.1f} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalEvent(AuditEvent):
    """The refusal of an operation or of a part of it.

    ``what`` is the type, field, mutation, document or request that was refused, or the figure that exceeds a limit.
    ``rule`` is the name of the permission rule or setting, None if the project's code refuses. ``code`` is the error
    code that the client gets.
    """

    what: str
    rule: str | None
    code: str

    def __str__(self) -> str:
        rule = f" by {self.rule}" if self.rule else ""
        return f"refused {self.what} {self._by()}: {self.code}{rule}"


# --- called by the engine, the views and mutations ---


def mutations_are_observed() -> bool:
    """Whether the signal has receivers or the logger is enabled for mutations."""
    return mutation_run.has_listeners(MutationEvent) or logger.isEnabledFor(logging.INFO)


def report_mutation(
    context: OperationContext,
    *,
    mutation: str,
    path: str,
    arguments: Sequence[str],
    outcome: Outcome,
    code: Any,
    took: float,
) -> None:
    """Report a mutation whose transaction has ended; ``took`` is in seconds.

    In an ``atomic`` block of the project, a mutation with the outcome DONE is reported when the block commits. If the
    block is rolled back, it is not reported, because the code that rolled back knows of it and no change remains.
    """
    if mutations_are_observed():
        event = MutationEvent(
            **context.event_fields(),
            mutation=mutation,
            path=path,
            arguments=tuple(arguments),
            outcome=outcome,
            code=code,
            duration_ms=round(took * 1000, 3),
        )
        connection = connections[context.alias]
        if outcome is Outcome.DONE and in_atomic_block(connection):
            connection.on_commit(lambda: _send(mutation_run, event, logging.INFO, context.alias))
        else:
            _send(mutation_run, event, logging.INFO, context.alias)
    if code in _BY_NUMBER:
        # a refusal that the response does not have among its errors
        _report_refusal(context, mutation, None, _BY_NUMBER[code])


def report_refusals(context: OperationContext, errors: Sequence[GraphQLError]) -> None:
    """Report the refusals among the errors of a response."""
    for error in errors:
        extensions = error.extensions or {}
        code = extensions.get("code")
        if isinstance(code, str) and code in REFUSALS:
            original = error.original_error
            refusal = original if isinstance(original, OperationError) else OperationError("")
            rule = refusal.rule or extensions.get("setting") or REFUSALS[code]
            _report_refusal(context, refusal.what or _field_name(error) or "the request", rule, code)


def _report_refusal(context: OperationContext, what: str, rule: str | None, code: str) -> None:
    if operation_refused.has_listeners(RefusalEvent) or logger.isEnabledFor(logging.WARNING):
        event = RefusalEvent(**context.event_fields(), what=what, rule=rule, code=code)
        _send(operation_refused, event, logging.WARNING, context.alias)


def _field_name(error: GraphQLError) -> str | None:
    node = error.nodes[0] if error.nodes else None
    return node.name.value if isinstance(node, FieldNode) else None


def _send(signal: Signal, event: MutationEvent | RefusalEvent, level: int, alias: str) -> None:
    """Log the event and send the signal; Django logs exceptions of receivers (logger ``django.dispatch``)."""
    logger.log(level, "%s", event, extra={"audit": event.as_dict()})
    if not signal.has_listeners(type(event)):
        return
    try:
        # a savepoint, so that a receiver's failed statement does not break an atomic block that the project has opened
        with transaction.atomic(using=alias) if in_atomic_block(connections[alias]) else nullcontext():
            signal.send_robust(sender=type(event), event=event)
    except Exception:
        logger.exception("The writes of receivers of an audit event were rolled back: a statement failed.")
