"""The metrics of one engine: takes each measurement when its operation has ended, and hands it on.

To the counters and to the slowest operations always; to the log where the operation took longer than
``METRICS.SLOW_MS``; to the signal where it has receivers; to the observers of ``METRICS.OBSERVERS``. What fails here
is logged and never fails an operation.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Protocol
from weakref import WeakSet

from ..cache.outcomes import HIT, Outcome
from ..conf.settings import MetricsSettings
from ..viewer import Viewer
from . import slowest as slow_operations
from .counters import BOUNDS, NAME_LENGTH, OTHER, Counters
from .events import event_of, operation_executed, send
from .measurement import Measurement
from .report import Report, report_of
from .sharing import Board, Process, Reporter, Snapshot

logger = logging.getLogger("fraiseql_django.metrics")
slow_logger = logging.getLogger("fraiseql_django.slow")

_NOT_READ: Any = object()
# Snapshots of another format are those of another release
FORMAT = f"2 {' '.join(outcome.name for outcome in Outcome)} {len(BOUNDS)}"


class Observer(Protocol):
    """What ``METRICS.OBSERVERS`` names: a class without arguments, one object for each engine."""

    def begin(self, measured: Measurement, viewer: Viewer, text: str) -> None:
        """Called before an operation is parsed; ``text`` is its document."""
        ...

    def parsed(self, measured: Measurement) -> None:
        """Called when the document has been parsed and validated: ``measured.subject`` is known."""
        ...

    def end(self, measured: Measurement, viewer: Viewer) -> None:
        """Called when the operation has ended."""
        ...


class Metrics:
    """The metrics of one engine, whose database is ``alias`` and whose schema has a name, or None."""

    def __init__(self, settings: MetricsSettings, alias: str, observers: Sequence[Observer] = ()) -> None:
        self.settings = settings
        self.alias = alias
        self.schema: str | None = None
        self.counters = Counters(settings.operations)
        self.slowest = slow_operations.Slowest(settings.slowest)
        self.observers = observers
        self.process = Process()
        self.board: Board | None = None
        self._slow = float("inf") if settings.slow_ms is None else settings.slow_ms / 1000
        self._epoch: Any = _NOT_READ
        self._reporter: Reporter | None = None
        self._reported: Any = None
        _all.add(self)

    # --- one operation ---

    def begin(self, measured: Measurement, viewer: Viewer, text: str) -> None:
        """Tell the observers that an operation begins; called only if there are any."""
        self._tell("begin", measured, viewer, text)

    def parsed(self, measured: Measurement) -> None:
        """Tell the observers what the operation is; called only if there are any."""
        self._tell("parsed", measured)

    def end(self, measured: Measurement, viewer: Viewer) -> None:
        """Take an operation that has ended."""
        measured.ended = ended = perf_counter()
        try:
            self.counters.note(measured)
            seconds = ended - measured.started
            # of kept answers there is no statement that could be made faster
            if measured.outcome is not HIT and seconds > self.slowest.floor:
                self.slowest.note(measured)
            if seconds > self._slow:
                self._log(measured)
            if operation_executed.receivers:
                send(operation_executed, event_of(measured, self.schema, viewer), self.alias)
            if self._reporter is not None and not self._reporter.active:
                self._reporter.wake()
            if self.observers:
                self._tell("end", measured, viewer)
        except Exception:
            logger.exception("an operation could not be counted")

    def refreshed(self, measured: Measurement) -> None:
        """Take what a thread has read for a stale answer; it is no operation."""
        measured.ended = perf_counter()
        self.counters.note_refresh(measured)

    def _tell(self, what: str, *arguments: Any) -> None:
        for observer in self.observers:
            try:
                getattr(observer, what)(*arguments)
            except Exception:
                logger.exception("an observer of operations failed: %r", observer)

    def _log(self, measured: Measurement) -> None:
        event = event_of(measured, self.schema, Viewer())
        name = event.operation
        slow_logger.warning(
            "%s %s took %.1f ms (parse %.1f, plan %.1f, cache %.1f, storage %.1f in %d statements), %s: %s, tables: %s",
            event.kind,
            "without a name" if name is None else OTHER if len(name) > NAME_LENGTH else name,
            event.duration_ms,
            event.parse_ms,
            event.plan_ms,
            event.cache_ms,
            event.storage_ms,
            event.statements,
            event.cache,
            event.reason,
            ", ".join(event.tables) or "none",
            extra={"duration_ms": event.duration_ms, "operation": name, "sql": measured.sql},
        )

    # --- all processes ---

    @property
    def is_shared(self) -> bool:
        """Whether the figures of other processes are known."""
        return self.board is not None and bool(self.settings.interval)

    @property
    def silent_after(self) -> float:
        """The seconds without a report after which a process has ended or executes no operations."""
        return 3.0 * self.settings.interval + 5

    def share(self, board: Board) -> None:
        """Report the figures to other processes."""
        self.board = board
        if self.settings.interval:
            self._reporter = Reporter(self.publish, self.settings.interval)

    def publish(self) -> bool:
        """Write a snapshot for other processes; return whether operations were executed since the last one."""
        assert self.board is not None
        if self._epoch is _NOT_READ:
            self._epoch = self.board.epoch()
        snapshot = self.snapshot()
        figures = [counts for *_, counts in snapshot["operations"]], snapshot["rest"]["total"]
        if not self.board.publish(snapshot):
            self._epoch = self.board.epoch()
            self._zero()
            return True
        changed: bool = figures != self._reported
        self._reported = figures
        return changed

    def snapshot(self) -> Snapshot:
        """Return the figures of this process as values that JSON has."""
        return {
            "format": FORMAT,
            "process": {"id": self.process.id, "name": self.process.name, "started": self.process.started},
            "at": time.time(),
            "epoch": None if self._epoch is _NOT_READ else self._epoch,
            "operations": [[*counts.key, counts.as_list()] for counts in self.counters.operations()],
            "rest": self.counters.rest().as_dict(),
            "written": self.counters.written(),
            "minutes": [[minute.number, minute.values()] for minute in self.counters.minutes()],
            "slowest": [entry.as_dict() for entry in self.slowest.entries()],
        }

    def snapshots(self) -> list[Snapshot]:
        """Return the figures of this process, and the last ones of all others that share the cache.

        Raises what the cache raises.
        """
        own = self.snapshot()
        others = self.board.snapshots() if self.board is not None else []
        return [own, *(other for other in others if _is_other(other, self.process.id))]

    def report(self) -> Report:
        """Return the figures of all processes, added up. Raises what the cache raises."""
        return report_of(self.snapshots(), self.settings.slowest)

    def own_report(self) -> Report:
        """Return the figures of this process."""
        return report_of([self.snapshot()], self.settings.slowest)

    def reset(self) -> None:
        """Count from zero, in all processes that share the cache. Raises what the cache raises."""
        if self.board is not None:
            self._epoch = self.board.reset()
        self._zero()

    def forked(self) -> None:
        """Begin anew in a process that was forked: what was counted is the parent's."""
        self.process = Process()
        self.counters.forked()
        self.slowest = slow_operations.Slowest(self.settings.slowest)
        if self._reporter is not None:
            self._reporter.forked()
        if self.board is not None:
            self.board.forked()

    def _zero(self) -> None:
        self.counters.reset()
        self.slowest.reset()


def _is_other(snapshot: Snapshot, own: str) -> bool:
    return snapshot.get("format") == FORMAT and snapshot["process"]["id"] != own


_all: WeakSet[Metrics] = WeakSet()


def _forked() -> None:
    for metrics in list(_all):
        metrics.forked()


os.register_at_fork(after_in_child=_forked)
