"""A thread that writes the new versions that could not be written when they were due.

It begins with the first debt and ends when there is none for a while. It tries at once, and again after a pause that
grows. Other processes answer from before the write until it succeeds, so it does not wait for the next reader.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from threading import Condition, Thread
from typing import Protocol

from django.db import connections

logger = logging.getLogger("fraiseql_django.cache")

# Seconds between two attempts: the first pause, and the longest
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# The thread ends when there was nothing to write for so long, and is waited for so long when the process ends
IDLE_SECONDS, EXIT_SECONDS = 10.0, 5.0
# In the place of a time: the debtor is being asked
_ASKED = float("inf")


class Debtor(Protocol):
    """What owes something to a cache."""

    def pay(self, *, now: bool = False) -> float | None:
        """Write what is due; return the seconds until there is more to write, None where nothing is left."""
        ...


class Collector:
    """The thread and those that owe something."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        # each debtor, and when it is next asked; also after a fork, where the thread is gone, the lock may be held, and
        # a debtor that was being asked has to be asked again
        self._changed = Condition()
        self._debtors: dict[Debtor, float] = dict.fromkeys(getattr(self, "_debtors", {}), 0.0)
        self._thread: Thread | None = None
        self._closing = False
        self._pause = FIRST_PAUSE

    def add(self, debtor: Debtor) -> None:
        """Let the thread ask a debtor now."""
        with self._changed:
            self._debtors[debtor] = 0.0
            self._changed.notify()
        self.ensure()

    def ensure(self) -> None:
        """Start the thread where somebody owes something and it does not run."""
        if self._thread is not None:
            return
        with self._changed:
            if self._thread is None and self._debtors and not self._closing:
                thread = Thread(target=self._run, name="fraiseql-versions", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    # no more threads, or the interpreter ends; the write is committed, and the next reader tries again
                    logger.error("answers of other processes may be stale: no thread can write versions: %s", error)
                else:
                    self._thread = thread

    def finish(self, seconds: float) -> None:
        """Write what is owed before the process ends, if that takes no longer than some seconds."""
        with self._changed:
            thread = self._thread
            self._closing = True
            self._changed.notify()
        if thread is not None:
            thread.join(seconds)

    def _run(self) -> None:
        while (due := self._next()) is not None:
            last = self._closing
            for debtor in due:
                self._ask(debtor, last)
            # a cache in the database: this thread's connection must not outlive its use
            connections.close_all()
            if last:
                break

    def _next(self) -> list[Debtor] | None:
        """Wait until a debtor is to be asked; None ends the thread."""
        with self._changed:
            idle_until = time.monotonic() + IDLE_SECONDS
            while True:
                now = time.monotonic()
                due = [debtor for debtor, at in self._debtors.items() if at <= now or self._closing]
                if due:
                    return due
                if self._closing or (not self._debtors and now >= idle_until):
                    self._thread = None
                    return None
                self._changed.wait(min([*self._debtors.values(), idle_until]) - now)

    def _ask(self, debtor: Debtor, last: bool) -> None:
        with self._changed:
            self._debtors[debtor] = _ASKED
        try:
            wait = debtor.pay(now=last)
            self._pause = FIRST_PAUSE
        except Exception as error:
            # the breaker logs it, once a minute
            logger.debug("what is owed to the cache cannot be written: %s", error)
            wait = self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        with self._changed:
            if self._debtors.get(debtor) is not _ASKED:
                # it owes more since then
                pass
            elif wait is None:
                del self._debtors[debtor]
            else:
                self._debtors[debtor] = time.monotonic() + wait


_collector = Collector()


def collect(debtor: Debtor) -> None:
    """Let what a debtor owes be written by the thread, from now on and until it is."""
    _collector.add(debtor)


def ensure() -> None:
    """Start the thread where it should run and does not: after a fork."""
    _collector.ensure()


def finish() -> None:
    """Write what is owed: this process ends."""
    _collector.finish(EXIT_SECONDS)


atexit.register(finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _collector._reset())
