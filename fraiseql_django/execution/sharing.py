"""Reads an answer that the cache does not have, once for all that miss it: in this process, and across processes.

In a process, ``flights`` make one statement of many. Across processes a claim in the cache does (``cache.claims``): who
gets it runs the statement, the others look the answer up until it is there. That takes three round trips more, and
pauses of milliseconds, so it is used only for statements that take longer than that: those whose last executions took
``claim_ms`` milliseconds, and those that this process has not run yet.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from contextlib import suppress
from functools import cached_property
from threading import Lock
from typing import NamedTuple, Protocol

from ..cache.answers import Lookup
from ..cache.base import Cache
from ..cache.claims import Claims
from ..conf.settings import CacheSettings
from ..metrics.measurement import current
from .flights import Flights, Waiter

# In seconds, between two looks at the cache for what another process is reading
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.05
# How many statements' times are remembered
_TIMES = 2000


class Answer(NamedTuple):
    """The text of an answer, and whether it has marks in it."""

    text: bytes
    marked: bool


class Miss(Protocol):
    """An answer that the cache does not have.

    ``key`` is what it is kept under, ``digest`` names its statement.
    """

    @property
    def key(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def look_up(self) -> Lookup:
        """Look it up once more; the operation's outcome stays that of its first lookup."""
        ...

    def read(self, versions: str | None) -> tuple[Answer, bool]:
        """Run the statement and keep the answer under these versions; return whether it is kept."""
        ...


class SharedReads:
    """The statements of one engine that answer several operations at once."""

    def __init__(self, cache: Cache | None, settings: CacheSettings) -> None:
        self.flights: Flights[Answer] = Flights(settings.wait_ms)
        # those that wait for this process must not give up before it does so
        self._poll_seconds = settings.wait_ms / 2000
        self._claims = Claims(cache, max(1, -(-settings.wait_ms // 2000)))
        self._settings = settings
        self._times = _Times()

    @cached_property
    def _claim_ms(self) -> int | None:
        return self._settings.claim_ms if self._settings.wait_ms and self._claims.are_possible else None

    def answer(self, miss: Miss, versions: str, holding: Waiter, since: int) -> Answer:
        """Return an answer whose tables have these versions; ``since`` is ``flights.landings`` before they were read.

        Raises what running the statement raises.
        """

        def again() -> Answer | None:
            return _found(miss.look_up())

        return self.flights.run(
            (miss.key, versions), lambda: self._read(miss, versions, holding), holding=holding, since=since, again=again
        )

    def refresh(self, miss: Miss, versions: str) -> None:
        """Read an answer that nobody waits for, unless it is being read already, in this process or in another."""

        def read() -> Answer:
            if self._claim_ms is None:
                return self._timed(miss, versions)[0]
            if self._take(miss, versions):
                return self._claimed(miss, versions)
            raise _BeingRead

        with suppress(_BeingRead):
            self.flights.start((miss.key, versions), read, Waiter())

    def _read(self, miss: Miss, versions: str, holding: Waiter) -> Answer:
        if self._claim_ms is None or holding.locks or self._times.of(miss.digest) < self._claim_ms:
            return self._timed(miss, versions)[0]
        pause, until = _FIRST_PAUSE, time.monotonic() + self._poll_seconds
        known: str | None = versions
        while known is not None and time.monotonic() < until:
            if self._take(miss, known):
                return self._claimed(miss, known)
            began = time.perf_counter()
            time.sleep(pause)
            current.measurement.waited(began)
            pause = min(2 * pause, _LONGEST_PAUSE)
            lookup = miss.look_up()
            if (found := _found(lookup)) is not None:
                return found
            # after a write the claim is another; without versions nothing is kept
            known = lookup.versions
        return self._timed(miss, known)[0]

    def _take(self, miss: Miss, versions: str) -> bool:
        began = time.perf_counter()
        taken = self._claims.take(miss.key, versions)
        current.measurement.at_cache("claim", began)
        return taken

    def _claimed(self, miss: Miss, versions: str) -> Answer:
        try:
            # whoever had the claim may have kept the answer since it was looked up
            found = _found(miss.look_up())
            return self._timed(miss, versions)[0] if found is None else found
        finally:
            began = time.perf_counter()
            self._claims.release(miss.key, versions)
            current.measurement.at_cache("release", began)

    def _timed(self, miss: Miss, versions: str | None) -> tuple[Answer, bool]:
        started = time.perf_counter()
        result = miss.read(versions)
        self._times.note(miss.digest, (time.perf_counter() - started) * 1000)
        return result


class _BeingRead(Exception):
    """Another process is reading the answer."""


class _Times:
    """How long statements took at their last executions, in milliseconds."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def of(self, digest: str) -> float:
        """Return the time of a statement, infinite where it was not run yet."""
        return self._times.get(digest, float("inf"))

    def note(self, digest: str, took: float) -> None:
        """Note an execution; the last one counts half, the one before it a quarter, and so on."""
        with self._lock:
            before = self._times.pop(digest, took)
            self._times[digest] = (before + took) / 2
            if len(self._times) > _TIMES:
                self._times.popitem(last=False)


def _found(lookup: Lookup) -> Answer | None:
    return None if lookup.answer is None else Answer(lookup.answer, lookup.marked)
