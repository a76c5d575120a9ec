"""A bounded cache of a process's own work: documents and plans."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a cache has done since it was made or cleared."""

    hits: int
    misses: int
    size: int
    max_size: int


class LRU(Generic[V]):
    """The ``max_size`` entries that were used last; safe among threads.

    A hit takes no lock: under load the counts may miss some.
    """

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._entries: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = Lock()
        self._hits = self._misses = 0

    def get(self, key: Hashable) -> V | None:
        """Return the entry and count a hit, or None and count a miss."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        self._hits += 1
        with suppress(KeyError):  # another thread may just have let it go
            self._entries.move_to_end(key)
        return entry

    def set(self, key: Hashable, entry: V) -> None:
        """Keep the entry, and let the one go that was not used for longest."""
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self.max_size:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Let everything go and count from zero."""
        with self._lock:
            self._entries.clear()
            self._hits = self._misses = 0

    def counts(self) -> Counts:
        """Return hits, misses and how many entries there are."""
        with self._lock:
            return Counts(hits=self._hits, misses=self._misses, size=len(self._entries), max_size=self.max_size)
