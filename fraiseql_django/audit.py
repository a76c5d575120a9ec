"""What was changed and what was refused: a signal and a line in the log for every mutation and every refusal.

    mutation_run        one MutationEvent for each mutation, when it is known what became of it
    operation_refused   one RefusalEvent for each refusal

The logger ``fraiseql_django.audit`` has the same, mutations as INFO and refusals as WARNING. Neither holds a value
that was sent, no arguments, tokens or headers; of an accepted query nothing is made at all.

Events are told outside the transaction of the operation, so what a receiver writes survives when that is undone.
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

# By code: what refuses where the error does not say
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
# The numbers that errors have as data
_BY_NUMBER: Mapping[Any, str] = MappingProxyType({401: "UNAUTHENTICATED", 403: "FORBIDDEN"})
# A name (GraphQL specification, 2.1.9) that is not too long for a log; what else a client asks for is not shown
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_UNKNOWN: Any = object()


class Outcome(enum.StrEnum):
    """What became of a mutation."""

    DONE = "done"
    """Committed."""
    FAILED = "failed"
    """It raised, or returned an error: what it wrote is undone."""
    UNDONE = "undone"
    """It was run, and undone since another mutation of the operation failed."""
    NOT_BEGUN = "not_begun"
    """It was not run, since another mutation of the operation failed."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """Where an operation comes from, and its name as soon as it is known; ``alias`` is the engine's database."""

    text: str = ""
    operation_name: str | None = None
    viewer: Viewer
    alias: str
    _user_id: Any = _UNKNOWN

    def user_id(self) -> Any:
        """Return the key of the user who asked; what is first found stays, be it that a mutation logs them out."""
        if self._user_id is _UNKNOWN:
            self._user_id = None
            try:
                self._user_id = self.viewer.id
            except Exception:
                # what is told of an operation must not be what breaks it
                logger.exception("The viewer's user could not be read.")
        return self._user_id

    def about(self) -> dict[str, Any]:
        """Return what all events of the operation have in common."""
        name, text = self.operation_name, self.text
        return {
            "time": dt.datetime.now(dt.UTC),
            "viewer": self.viewer,
            "user_id": self.user_id(),
            "operation": name if name is not None and _NAME.fullmatch(name) else None,
            # half a surrogate pair has no UTF-8
            "document": digest(text.encode("utf-8", "backslashreplace").decode()) if text else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Who did something, when, by which operation.

    ``user_id`` is the user's key as it was before the operation, None for nobody. ``operation`` is the operation's
    name, ``document`` the digest of its document's text, as trusted documents have it; None where there is none.
    """

    time: dt.datetime
    viewer: Viewer = field(repr=False)
    user_id: Any
    operation: str | None
    document: str | None

    @property
    def request(self) -> HttpRequest | None:
        """The HTTP request, None where the engine is used without one."""
        return self.viewer.request

    def as_dict(self) -> dict[str, Any]:
        """Return what can be written as JSON, for logs and tables; the user's key as text."""
        found = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "viewer"}
        user_id = None if self.user_id is None else str(self.user_id)
        return {**found, "time": self.time.isoformat(), "user_id": user_id}

    def _by(self) -> str:
        who = "nobody" if self.user_id is None else f"user {self.user_id}"
        return f"by {who}" + (f" in {self.operation}" if self.operation else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationEvent(AuditEvent):
    """A mutation, and what became of it.

    ``mutation`` is its name, ``path`` where it stands in the answer, ``arguments`` are the names of those that were
    given. ``code`` says what went wrong, as errors have it: a word in ``errors``, a number in an error that is
    data. ``duration_ms`` is what it took, without the commit.
    """

    mutation: str
    path: str
    arguments: tuple[str, ...]
    outcome: Outcome
    code: str | int | None
    duration_ms: float

    def __str__(self) -> str:
        why = "" if self.code is None else f" ({self.code})"
        return f"mutation {self.mutation} {self._by()}: {self.outcome}{why}, {self.duration_ms:.1f} ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalEvent(AuditEvent):
    """Something was refused.

    ``what`` is a type, a field, a mutation, what there was too much of, a document, or the request. ``rule`` is the
    name of the rule or the setting that refuses, None where the project's own code does. ``code`` is the client's.
    """

    what: str
    rule: str | None
    code: str

    def __str__(self) -> str:
        why = f" by {self.rule}" if self.rule else ""
        return f"refused {self.what} {self._by()}: {self.code}{why}"


# --- what the engine and its edges call ---


def mutations_are_heard() -> bool:
    """Whether anybody wants to know of mutations."""
    return mutation_run.has_listeners(MutationEvent) or logger.isEnabledFor(logging.INFO)


def run(
    asked: Asked, *, mutation: str, path: str, arguments: Sequence[str], outcome: Outcome, code: Any, took: float
) -> None:
    """Tell of a mutation whose transaction has ended; ``took`` is in seconds.

    Within a block of the project's it is done when that is committed. One that is rolled back with it is not told
    of: whoever rolled back knows, and nothing is left to tell of.
    """
    if mutations_are_heard():
        event = MutationEvent(
            **asked.about(),
            mutation=mutation,
            path=path,
            arguments=tuple(arguments),
            outcome=outcome,
            code=code,
            duration_ms=round(took * 1000, 3),
        )
        connection = connections[asked.alias]
        if outcome is Outcome.DONE and in_atomic_block(connection):
            connection.on_commit(lambda: _tell(mutation_run, event, logging.INFO, asked.alias))
        else:
            _tell(mutation_run, event, logging.INFO, asked.alias)
    if code in _BY_NUMBER:
        # not among the response's errors
        _refused(asked, mutation, None, _BY_NUMBER[code])


def refused(asked: Asked, errors: Sequence[GraphQLError]) -> None:
    """Tell of those errors of a response that are refusals."""
    for error in errors:
        extensions = error.extensions or {}
        code = extensions.get("code")
        if isinstance(code, str) and code in REFUSALS:
            original = error.original_error
            known = original if isinstance(original, OperationError) else OperationError("")
            rule = known.rule or extensions.get("setting") or REFUSALS[code]
            _refused(asked, known.what or _field(error) or "the request", rule, code)


def _refused(asked: Asked, what: str, rule: str | None, code: str) -> None:
    if operation_refused.has_listeners(RefusalEvent) or logger.isEnabledFor(logging.WARNING):
        event = RefusalEvent(**asked.about(), what=what, rule=rule, code=code)
        _tell(operation_refused, event, logging.WARNING, asked.alias)


def _field(error: GraphQLError) -> str | None:
    node = error.nodes[0] if error.nodes else None
    return node.name.value if isinstance(node, FieldNode) else None


def _tell(signal: Signal, event: MutationEvent | RefusalEvent, level: int, alias: str) -> None:
    """Write the line and call the receivers; what they raise Django writes to its log (``django.dispatch``)."""
    logger.log(level, "%s", event, extra={"audit": event.as_dict()})
    if not signal.has_listeners(type(event)):
        return
    try:
        # a statement of theirs that fails must not doom the block that the project may have opened
        with transaction.atomic(using=alias) if in_atomic_block(connections[alias]) else nullcontext():
            signal.send_robust(sender=type(event), event=event)
    except Exception:
        logger.exception("What the receivers of an event wrote was undone, since a statement of theirs failed.")
