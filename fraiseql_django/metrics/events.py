"""The signal for every operation, and how signals are sent without a receiver breaking an operation."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import connections, transaction
from django.dispatch import Signal
from django.http import HttpRequest

from .._django import in_atomic_block
from ..viewer import Viewer
from .measurement import Measurement

logger = logging.getLogger("fraiseql_django.metrics")

operation_executed = Signal()
"""Sent with ``event``, an OperationEvent, after every operation; the sender is that class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEvent:
    """An operation that has ended; times in milliseconds.

    ``operation`` is its name and is chosen by the client; None for an anonymous one. ``kind`` is "query", "mutation" or
    "unknown". ``cache`` is "hit", "miss", "bypass" or "none", ``reason`` the name of the Outcome. ``tables`` are those
    that the answer was read from, ``written`` those whose writes have dropped the entry. ``bytes`` is the size of the
    answer. ``failed`` says whether the response has errors. The event has no values of variables.
    """

    schema: str | None
    operation: str | None
    kind: str
    roots: tuple[str, ...]
    types: tuple[str, ...]
    tables: tuple[str, ...]
    cache: str
    reason: str
    written: tuple[str, ...]
    failed: bool
    duration_ms: float
    parse_ms: float
    plan_ms: float
    cache_ms: float
    storage_ms: float
    statements: int
    bytes: int
    viewer: Viewer = field(repr=False)

    @property
    def hit(self) -> bool:
        """Whether the answer came from the cache."""
        return self.cache == "hit"

    @property
    def request(self) -> HttpRequest | None:
        """The HTTP request; None if the engine is called without one."""
        return self.viewer.request


def event_of(measured: Measurement, schema: str | None, viewer: Viewer) -> OperationEvent:
    """Return the event of an operation."""
    subject, outcome = measured.subject, measured.outcome
    return OperationEvent(
        schema=schema,
        operation=subject.name,
        kind=subject.kind,
        roots=subject.roots,
        types=subject.types,
        tables=measured.tables,
        cache=outcome.kind,
        reason=outcome.reason,
        written=measured.written,
        failed=measured.failed,
        duration_ms=_ms(measured.duration),
        parse_ms=_ms(measured.parse),
        plan_ms=_ms(measured.plan),
        cache_ms=_ms(measured.cache),
        storage_ms=_ms(measured.storage),
        statements=measured.statements,
        bytes=measured.bytes,
        viewer=viewer,
    )


def send(signal: Signal, event: Any, alias: str) -> None:
    """Send a signal with an event; exceptions of receivers are logged (logger ``django.dispatch``).

    Their writes are rolled back to a savepoint if a statement fails in an atomic block that the project has opened.
    """
    try:
        with transaction.atomic(using=alias) if in_atomic_block(connections[alias]) else nullcontext():
            signal.send_robust(sender=type(event), event=event)
    except Exception:
        logger.exception("The writes of receivers of %s were rolled back: a statement failed.", type(event).__name__)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
