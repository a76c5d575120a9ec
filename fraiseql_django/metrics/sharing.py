"""Shares the figures of each process with all others through the cache of answers.

Each process has a number and writes a snapshot under it, every ``METRICS.INTERVAL`` seconds while it executes
operations, and when it ends. Whoever wants the figures of all reads the snapshots of the last ``NUMBERS`` numbers, in
one round trip. A snapshot stays for ``METRICS.RETAIN`` seconds, so the figures of a process that has ended count for so
long. A cache in the memory of the process has nothing to share: the figures are then those of one process.

The snapshots are written by a thread, which ends when no operations were executed for a while and starts again with
the next one; a request never waits for it. A process that was forked starts its own.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod, WeakSet

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections

from ..cache.base import Cache
from ..cache.django import DjangoCache

logger = logging.getLogger("fraiseql_django.metrics")

# How many processes are looked for: the last that have begun
NUMBERS = 500
# In a Redis Cluster they are on one node, which the part in braces decides
COUNTER, EPOCH, SNAPSHOT = "{metrics}:count", "{metrics}:epoch", "{metrics}:process:"
# Rounds without operations after which the thread ends
_IDLE_ROUNDS = 3

Snapshot = dict[str, Any]


def is_shared(cache: Cache) -> bool:
    """Whether other processes can read what is kept in a cache."""
    return not isinstance(cache, DjangoCache) or not isinstance(caches[cache.alias], (LocMemCache, DummyCache))


class Process:
    """The identity of this process; a forked one has another."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.started = time.time()


class Board:
    """The snapshots of all processes in the cache of one engine; the methods raise what the cache raises."""

    def __init__(self, cache: Cache, retain: int) -> None:
        self.cache = cache
        self.retain = retain
        self._number: int | None = None

    def publish(self, snapshot: Snapshot) -> bool:
        """Write this process's snapshot; return False where the figures were reset since it was made."""
        own = snapshot["process"]["id"]
        found = self.cache.get_many([EPOCH, COUNTER, *([self._key] if self._number is not None else [])])
        if found.get(EPOCH) != snapshot["epoch"]:
            return False
        if self._is_lost(found, own):
            self._number = self._next_number()
        self.cache.set(self._key, _packed(snapshot), self.retain)
        return True

    def epoch(self) -> str | None:
        """Return what identifies the last reset; None before the first."""
        found: str | None = self.cache.get(EPOCH)
        return found

    def reset(self) -> str:
        """Make every snapshot invalid; the processes then count from zero. Return the new epoch."""
        epoch = uuid.uuid4().hex
        self.cache.set(EPOCH, epoch, None)
        return epoch

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots of all processes since the last reset."""
        found = self.cache.get_many([EPOCH, COUNTER])
        last = int(found.get(COUNTER) or 0)
        keys = [f"{SNAPSHOT}{number}" for number in range(max(1, last - NUMBERS + 1), last + 1)]
        values = self.cache.get_many(keys).values() if keys else ()
        snapshots = [snapshot for snapshot in map(_unpacked, values) if snapshot is not None]
        return [snapshot for snapshot in snapshots if snapshot["epoch"] == found.get(EPOCH)]

    def forked(self) -> None:
        """Take another number than the parent process has."""
        self._number = None

    @property
    def _key(self) -> str:
        return f"{SNAPSHOT}{self._number}"

    def _is_lost(self, found: Any, own: str) -> bool:
        """Whether this process needs another number: it has none, or the cache has lost the counter."""
        if self._number is None or int(found.get(COUNTER) or 0) < self._number:
            return True
        kept = _unpacked(found[self._key]) if self._key in found else None
        return kept is not None and kept["process"]["id"] != own

    def _next_number(self) -> int:
        number = self.cache.increment(COUNTER)
        if number is None:
            self.cache.add(COUNTER, 0, None)
            number = self.cache.increment(COUNTER)
        return number or 1


class Reporter:
    """Calls ``report`` every ``interval`` seconds while there is something to report, in a thread.

    ``report`` is a bound method that returns whether there was anything; the thread ends with its object, and after
    some reports of nothing. ``wake`` starts it, where ``active`` is False. ``finish`` reports for the last time.
    """

    def __init__(self, report: Callable[[], bool], interval: float) -> None:
        self._report = WeakMethod(report)
        self._interval = interval
        self._lock = threading.Lock()
        self.active = False
        _reporters.add(self)

    def wake(self) -> None:
        """Start the thread."""
        with self._lock:
            if self.active:
                return
            self.active = True
        threading.Thread(target=self._rounds, name="fraiseql-metrics", daemon=True).start()

    def forked(self) -> None:
        """Forget the thread of the parent process."""
        self._lock = threading.Lock()
        self.active = False

    def finish(self) -> None:
        """Report what was not reported yet: the process ends."""
        if self.active:
            self._call()

    def _rounds(self) -> None:
        idle = 0
        while idle < _IDLE_ROUNDS and self._report() is not None:
            time.sleep(self._interval)
            idle = 0 if self._call() else idle + 1
        with self._lock:
            self.active = False

    def _call(self) -> bool:
        report = self._report()
        if report is None:
            return False
        try:
            return report()
        except Exception as error:
            logger.warning("figures of operations were not reported: %s: %s", type(error).__name__, error)
            return True
        finally:
            # a cache in the database has opened one for this thread
            connections.close_all()


_reporters: WeakSet[Reporter] = WeakSet()


@atexit.register
def _finish() -> None:
    for reporter in list(_reporters):
        reporter.finish()


def _packed(snapshot: Snapshot) -> bytes:
    return zlib.compress(json.dumps(snapshot, separators=(",", ":")).encode("utf-8", "backslashreplace"), 1)


def _unpacked(value: Any) -> Snapshot | None:
    """Return a snapshot; None for what another release has written."""
    try:
        snapshot: Snapshot = json.loads(zlib.decompress(value))
        return snapshot if isinstance(snapshot, dict) and "epoch" in snapshot else None
    except (TypeError, ValueError, zlib.error):
        return None
