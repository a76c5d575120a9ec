"""One statement for all operations that miss the same answer at the same time.

The first that misses an answer leads: it runs the statement. Others that miss it meanwhile wait and take over what it
has read. They may do so only where they looked up the same versions of the answer's tables as the leader, which is
also what makes an entry of the cache a hit. The reasoning is the same: a write that was answered before an operation
began had replaced a version before, so both have seen the new version, and the leader looked it up before its
statement began. An operation that sees other versions leads, or waits for, a flight of its own.

A failure is nobody's answer but the leader's own. One of those that waited then leads in its place, since the failure
may have been one of the leader's connection; if that fails as well, all run their own statements. Nobody waits for
longer than a bound, and these never wait:

- a thread that leads already: it would wait for itself;
- one that holds what the leader may have to wait for (see ``Waiter``).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Event, Lock, get_ident
from typing import Generic, TypeVar

from ..metrics.measurement import current

T = TypeVar("T")

# How often the failure of a leader makes another of those that wait lead
_LEADERS = 2
# How many flights that have landed are remembered, for those that missed the answer just before
_LANDED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """What an operation holds while it would wait.

    ``locks``: a transaction, or a slot of ``LIMITS.CONCURRENT_STATEMENTS``, for which a leader may have to wait.
    ``connection``: one of a pool, which a leader may have to wait for that has none yet.
    """

    locks: bool = False
    connection: bool = False

    def may_wait_for(self, leader: Waiter) -> bool:
        """Whether the leader can go on while this one waits."""
        return not self.locks and (leader.connection or not self.connection)


class _Flight(Generic[T]):
    """A statement that is running; ``landed`` once it has an answer or has failed."""

    __slots__ = ("answer", "holds", "landed", "leader")

    def __init__(self, holds: Waiter) -> None:
        self.leader = get_ident()
        self.holds = holds
        self.landed = Event()
        # in a tuple, since an answer may be anything
        self.answer: tuple[T] | None = None


class Flights(Generic[T]):
    """The statements of one engine that are running for more than one operation, by what they answer.

    An operation waits for at most ``wait_ms`` milliseconds; with 0 each runs its own statement. ``shared`` counts the
    answers that were taken over from another operation, ``landings`` the statements that have ended.
    """

    def __init__(self, wait_ms: int) -> None:
        self.wait_ms = wait_ms
        self.shared = self.landings = 0
        self._running: dict[Hashable, _Flight[T]] = {}
        # what ``landings`` was when a statement last ended
        self._landed: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = Lock()

    def run(
        self,
        key: Hashable,
        statement: Callable[[], T],
        *,
        holding: Waiter,
        since: int,
        again: Callable[[], T | None],
    ) -> T:
        """Return what a statement with this key returns: run it, or wait for another operation that runs it.

        ``key`` tells apart what must not be shared. ``since`` is what ``landings`` was before the cache was asked:
        where a statement with this key has ended since then, the cache is asked ``again``. Raises what the statement
        raises.
        """
        if not self.wait_ms:
            return statement()
        until = time.monotonic() + self.wait_ms / 1000
        for _ in range(_LEADERS):
            flight, leads = self._join(key, holding)
            if leads:
                return self._lead(key, flight, self._unless_landed(key, since, statement, again))
            if flight.leader == get_ident() or not holding.may_wait_for(flight.holds):
                break
            began = time.perf_counter()
            has_landed = flight.landed.wait(max(0, until - time.monotonic()))
            current.measurement.waited(began)
            if not has_landed:
                # its thread may be gone, as in a process that was forked: those that come now need not wait for it
                self._end(key, flight)
                break
            if flight.answer is not None:
                with self._lock:
                    self.shared += 1
                return flight.answer[0]
        return statement()

    def start(self, key: Hashable, statement: Callable[[], T], holding: Waiter) -> bool:
        """Run a statement that others may wait for; False, without running it, where one with this key is running."""
        flight, leads = self._join(key, holding)
        if leads:
            self._lead(key, flight, statement)
        return leads

    def _unless_landed(
        self, key: Hashable, since: int, statement: Callable[[], T], again: Callable[[], T | None]
    ) -> Callable[[], T]:
        if self._landed.get(key, 0) <= since:
            return statement

        def found_or_run() -> T:
            found = again()
            return statement() if found is None else found

        return found_or_run

    def _join(self, key: Hashable, holding: Waiter) -> tuple[_Flight[T], bool]:
        """Return the flight of a key, and whether this thread leads it."""
        with self._lock:
            flight = self._running.get(key)
            if flight is not None:
                return flight, False
            flight = self._running[key] = _Flight(holding)
            return flight, True

    def _lead(self, key: Hashable, flight: _Flight[T], statement: Callable[[], T]) -> T:
        try:
            answer = statement()
            flight.answer = (answer,)
            return answer
        finally:
            self._end(key, flight)
            flight.landed.set()

    def _end(self, key: Hashable, flight: _Flight[T]) -> None:
        with self._lock:
            self.landings += 1
            self._landed[key] = self.landings
            self._landed.move_to_end(key)
            if len(self._landed) > _LANDED:
                self._landed.popitem(last=False)
            if self._running.get(key) is flight:
                del self._running[key]
