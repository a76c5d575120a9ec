"""What is measured of one operation while it runs.

The engine makes a Measurement at the beginning of each operation and puts it into ``current.measurement``. The stages
add to it: the engine the times of parsing and planning, the executor the outcome at the cache, the storage each
statement. Code outside of an operation adds to a measurement that nobody reads, so that no stage has to ask.

It is an object with defaults in its class and not a dataclass: what a hit does not touch then costs nothing.
"""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any, NamedTuple

from ..cache.outcomes import CONSTANT, HIT, Outcome
from ..language.selected import Subject
from ..planner.plan import Read

UNKNOWN = Subject(None, "unknown", (), ())


class Step(NamedTuple):
    """A part of an operation with its times (``time.perf_counter``); a statement has its SQL and number of rows."""

    name: str
    started: float
    ended: float
    sql: str | None = None
    rows: int = 0


class Measurement:
    """One operation: times in seconds, ``started`` and ``ended`` by ``time.perf_counter``.

    ``parsed`` is the moment at which the document and the variables were ready, ``planned`` the one at which the
    statement was; 0 where the operation was refused before. ``read`` is the statement that was answered, from the cache
    or from the database. ``cache`` and ``storage`` are sums. ``written`` names the tables whose writes have dropped the
    entry. ``bytes`` are those of the answer, ``kept`` those put into the cache; ``unkept`` says that an answer was not
    kept since it is too large or the cache failed. ``steps`` are listed, and ``notes`` free for use, where there are
    observers.
    """

    subject: Subject = UNKNOWN
    outcome: Outcome = Outcome.REFUSED
    read: Read | None = None
    written: tuple[str, ...] = ()
    started: float = 0.0
    parsed: float = 0.0
    planned: float = 0.0
    ended: float = 0.0
    cache: float = 0.0
    storage: float = 0.0
    statements: int = 0
    bytes: int = 0
    kept: int = 0
    unkept: bool = False
    failed: bool = False
    steps: list[Step] | None = None
    notes: dict[Any, Any] | None = None

    @property
    def duration(self) -> float:
        """The seconds of the whole operation."""
        return self.ended - self.started

    @property
    def parse(self) -> float:
        """The seconds until the document and the variables were ready, or until the operation was refused."""
        return (self.parsed or self.ended) - self.started

    @property
    def plan(self) -> float:
        """The seconds from then until the statement was ready, or until the operation was refused."""
        return (self.planned or self.ended) - self.parsed if self.parsed else 0.0

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the answer was read from."""
        return self.read.tables if self.read is not None else ()

    @property
    def sql(self) -> str | None:
        """The statement that was answered."""
        return self.read.sql if self.read is not None else None

    def looked_up(self, outcome: Outcome, written: tuple[str, ...] = ()) -> None:
        """Note the outcome at the cache, and the tables whose writes have dropped the entry.

        Of several statements the first that was no hit counts.
        """
        if self.outcome is CONSTANT or self.outcome is HIT:
            self.outcome, self.written = outcome, written

    def hit(self, began: float, size: int) -> None:
        """Note that the cache has just answered, with so many bytes."""
        ended = perf_counter()
        self.cache += ended - began
        self.bytes += size
        if self.outcome is CONSTANT:
            self.outcome = HIT
        if self.steps is not None:
            self.steps.append(Step("cache lookup", began, ended))

    def at_cache(self, name: str, began: float) -> None:
        """Note a call of the cache that has just ended."""
        ended = perf_counter()
        self.cache += ended - began
        if self.steps is not None:
            self.steps.append(Step(f"cache {name}", began, ended))

    def waited(self, began: float) -> None:
        """Note that another operation was waited for until now, which reads the same answer: as time in the storage."""
        ended = perf_counter()
        self.storage += ended - began
        if self.steps is not None:
            self.steps.append(Step("wait", began, ended))

    def ran(self, sql: str, rows: int, seconds: float) -> None:
        """Note a statement that has just ended."""
        self.statements += 1
        self.storage += seconds
        if self.steps is not None:
            ended = perf_counter()
            self.steps.append(Step("storage", ended - seconds, ended, sql, rows))


class _Current(threading.local):
    """The measurement of the operation that this thread executes; outside of one it is one that nobody reads."""

    measurement = Measurement()


# An operation runs in one thread from its beginning to its end; a ContextVar would take three times as long
current = _Current()
