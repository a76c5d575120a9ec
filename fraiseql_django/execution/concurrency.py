"""How many operations of an engine may keep the database busy at once in this process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, local

from ..errors import TryLater


class Places:
    """So many places for operations at the database; None: as many as come.

    An operation without one waits for at most ``wait_ms`` milliseconds. What a thread does while it has a place needs
    no other, so that a mutation's own reads never wait for the end of that mutation.
    """

    def __init__(self, number: int | None, wait_ms: int) -> None:
        self._free = None if number is None else BoundedSemaphore(number)
        self._wait_ms = wait_ms
        self._thread = local()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place; raise TryLater where none becomes free in time."""
        if self._free is None or getattr(self._thread, "has_one", False):
            yield
            return
        if not self._free.acquire(timeout=self._wait_ms / 1000):
            raise TryLater(
                "The server is busy; the same operation may be sent again.",
                code="OVERLOADED",
                retry_after=max(1, math.ceil(self._wait_ms / 1000)),
            )
        self._thread.has_one = True
        try:
            yield
        finally:
            self._thread.has_one = False
            self._free.release()
