"""Answers from just before a write, while one thread reads the new one (stale-while-revalidate).

It is for types that allow it (``CachePolicy(stale=…)``). Versions do not tell when a write was, so each process
remembers when it last saw an entry with the current versions: a write that has changed them since is no older than
that. Where a process does not know the entry as a current one, or has seen it longer ago than the type allows, the
operation reads its answer itself.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import BoundedSemaphore, Lock, Thread

from django.db import connections

logger = logging.getLogger("fraiseql_django.cache")

# How many answers are remembered as current
_REMEMBERED = 10_000
# Threads that read at once: each opens a connection
THREADS = 4


class CurrentEntries:
    """When this process last saw entries with the current versions of their tables."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lock = Lock()

    def note(self, key: str, versions: str, at: float) -> None:
        """Note that an entry had the current versions at a time of ``time.monotonic``, or after it."""
        with self._lock:
            self._seen[key] = versions, at
            self._seen.move_to_end(key)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)

    def was_current(self, key: str, versions: str, seconds: float) -> bool:
        """Whether these versions of an entry were the current ones within the last ``seconds``."""
        seen = self._seen.get(key)
        return seen is not None and seen[0] == versions and time.monotonic() - seen[1] <= seconds


class BackgroundReads:
    """Reads answers in threads, each on a database connection of its own, which is closed afterwards."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(THREADS)

    def start(self, read: Callable[[], object]) -> bool:
        """Call a function in a thread; False, without calling it, where too many are running."""
        if not self._free.acquire(blocking=False):
            return False
        try:
            # a process that ends does not wait for it
            Thread(target=self._run, args=[read], name="fraiseql-refresh", daemon=True).start()
        except RuntimeError:
            # the system has no more threads, or the interpreter is ending
            self._free.release()
            return False
        return True

    def _run(self, read: Callable[[], object]) -> None:
        try:
            read()
        except Exception as error:
            # the next operation tries it again, or reads the answer itself
            logger.warning("an answer could not be refreshed: %s: %s", type(error).__name__, error)
        finally:
            connections.close_all()
            self._free.release()
