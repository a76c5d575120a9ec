"""Remembers the slowest operations: one entry for each statement, with its SQL and without any value of a client.

Values are bind parameters and are not kept. Constants in the SQL are those of the project's own code. PostgreSQL's plan
of an entry is read when somebody asks, without values and without running the statement (``plan_of``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

from django.db import connections, transaction

from .._django import driver_connection
from ..cache.outcomes import Outcome
from .counters import NAME_LENGTH, OTHER
from .measurement import Measurement

_NAME = "fraiseql_explained"
# Of a statement's text, for what is shown and shared with other processes; its plan needs all of it
SQL_LENGTH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """The slowest execution of a statement or, without SQL, of an operation; times in milliseconds.

    ``at`` is when it ended, in seconds since 1970. ``count`` is how often the statement was executed slowly enough to
    be here.
    """

    key: str
    operation: str | None
    kind: str
    roots: tuple[str, ...]
    outcome: str
    tables: tuple[str, ...]
    sql: str | None
    duration_ms: float
    parse_ms: float
    plan_ms: float
    cache_ms: float
    storage_ms: float
    statements: int
    bytes: int
    at: float
    count: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)

    @property
    def is_cut(self) -> bool:
        """Whether the SQL is not whole, so that PostgreSQL cannot plan it."""
        return self.sql is not None and len(self.sql) >= SQL_LENGTH


class Slowest:
    """The ``size`` slowest operations of an engine in this process."""

    def __init__(self, size: int) -> None:
        self.size = size
        # operations that are faster need not be looked at
        self.floor = 0.0 if size else float("inf")
        self._entries: dict[str, Slow] = {}
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def note(self, measured: Measurement) -> None:
        """Take up an operation that is slower than the fastest one here; call it if it exceeds the ``floor``."""
        if measured.outcome is Outcome.REFUSED:
            return
        key, milliseconds = key_of(measured), _ms(measured.duration)
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + 1
            known = self._entries.get(key)
            if known is not None and known.duration_ms >= milliseconds:
                return
            self._entries[key] = slow_of(measured)
            if len(self._entries) > self.size:
                fastest = min(self._entries.values(), key=lambda entry: entry.duration_ms)
                del self._entries[fastest.key], self._counts[fastest.key]
            if len(self._entries) >= self.size:
                self.floor = min(entry.duration_ms for entry in self._entries.values()) / 1000

    def entries(self) -> list[Slow]:
        """Return the entries, the slowest first."""
        with self._lock:
            found = [replace(entry, count=self._counts[key]) for key, entry in self._entries.items()]
            return by_duration(found)

    def reset(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries, self._counts = {}, {}
            self.floor = 0.0 if self.size else float("inf")


def slow_of(measured: Measurement) -> Slow:
    """Return an operation without values."""
    subject = measured.subject
    name = subject.name
    return Slow(
        key=key_of(measured),
        operation=OTHER if name is not None and len(name) > NAME_LENGTH else name,
        kind=subject.kind,
        roots=subject.roots,
        outcome=measured.outcome.reason,
        tables=measured.tables,
        sql=None if measured.sql is None else measured.sql[:SQL_LENGTH],
        duration_ms=_ms(measured.duration),
        parse_ms=_ms(measured.parse),
        plan_ms=_ms(measured.plan),
        cache_ms=_ms(measured.cache),
        storage_ms=_ms(measured.storage),
        statements=measured.statements,
        bytes=measured.bytes,
        at=round(time.time(), 3),
    )


def key_of(measured: Measurement) -> str:
    """Return what an operation is remembered under: its statement or, without one, its root fields."""
    subject = measured.subject
    if measured.read is not None:
        return measured.read.digest
    return f"{subject.kind} {' '.join(subject.roots)}"


def slower(one: Slow, other: Slow) -> Slow:
    """Return the slower of two executions of a statement, counted together."""
    slow = one if one.duration_ms >= other.duration_ms else other
    return replace(slow, count=one.count + other.count)


def merged(many: Iterable[Slow], size: int) -> list[Slow]:
    """Return the slowest of several processes."""
    found: dict[str, Slow] = {}
    for slow in many:
        known = found.get(slow.key)
        found[slow.key] = slow if known is None else slower(known, slow)
    return by_duration(found.values())[:size]


def from_dict(values: Mapping[str, Any]) -> Slow:
    """Return the entry of ``Slow.as_dict``."""
    return Slow(**{**values, "roots": tuple(values["roots"]), "tables": tuple(values["tables"])})


def by_duration(entries: Iterable[Slow]) -> list[Slow]:
    """Return entries, the slowest first."""
    return sorted(entries, key=lambda entry: -entry.duration_ms)


def plan_of(sql: str, alias: str) -> str:
    """Return PostgreSQL's plan for a statement with ``%s`` for its values; it is not run.

    It is the plan that PostgreSQL uses for any values, as the connection's own user. Raises psycopg.Error.
    """
    connection = connections[alias]
    head, *rest = sql.replace("%%", "\0").split("%s")
    text = (head + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))).replace("\0", "%")
    nulls = f"({', '.join(['NULL'] * len(rest))})" if rest else ""
    connection.ensure_connection()
    # psycopg's own cursor: a statement that is only planned is nothing that invalidation has to look at
    with transaction.atomic(using=alias), driver_connection(connection).cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE {_NAME} AS {text}")
        try:
            with transaction.atomic(using=alias):
                cursor.execute(f"EXPLAIN EXECUTE {_NAME}{nulls}")
                return "\n".join(row[0] for row in cursor.fetchall())
        finally:
            # here, because behind a pooler the end of the transaction may change the session
            cursor.execute(f"DEALLOCATE {_NAME}")
            transaction.set_rollback(True, using=alias)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
