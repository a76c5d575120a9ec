"""Limits how many statements run at once in this process."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import BoundedSemaphore, local

from ..errors import TryLater


class ConcurrencyLimit:
    """Limits how many statements run at once in this process; None means no limit.

    A statement waits for at most ``wait_ms`` milliseconds. A thread that holds a slot needs no other for what it does
    meanwhile, so that the reads of a mutation never wait for the end of that mutation. ``take_connection`` is called
    before a slot is taken: a thread that had a slot and waited for a connection of a pool could wait for those that
    have all of the connections, and wait for a slot.
    """

    def __init__(self, slots: int | None, wait_ms: int, take_connection: Callable[[], None] = lambda: None) -> None:
        self._take_connection = take_connection
        self._free = None if slots is None else BoundedSemaphore(slots)
        self._wait_ms = wait_ms
        self._thread = local()

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._free is not None

    @property
    def is_held(self) -> bool:
        """Whether this thread holds a slot."""
        return getattr(self._thread, "holds_slot", False)

    def slot(self) -> AbstractContextManager[None]:
        """Hold a slot in a block; entering it raises TryLater where none becomes free in time."""
        return nullcontext() if self._free is None else self._slot(self._free)

    @contextmanager
    def _slot(self, free: BoundedSemaphore) -> Iterator[None]:
        if self.is_held:
            yield
            return
        self._take_connection()
        if not free.acquire(timeout=self._wait_ms / 1000):
            raise TryLater(
                "The server is busy; the same operation may be sent again.",
                code="OVERLOADED",
                retry_after=max(1, math.ceil(self._wait_ms / 1000)),
            )
        self._thread.holds_slot = True
        try:
            yield
        finally:
            self._thread.holds_slot = False
            free.release()
