"""Caches of a process's own work, bounded in bytes: documents, plans, persisted texts, prepared statements.

What an entry takes is estimated when it is kept, since asking Python would take longer than making the entry anew. An
entry that is larger than a share of the bound is not kept: otherwise a few requests of one client could empty a cache.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from sys import getsizeof
from threading import Lock
from typing import Any, Generic, TypeVar

V = TypeVar("V")

# An entry may take this part of a cache's bound at most
SHARE = 8
# What the cache itself takes for an entry: the slot in its dictionary, with the key's tuple and the weight
_OF_ENTRY = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a cache has done since it was made or cleared; ``bytes`` are estimated.

    ``evicted`` entries went because there was no room for them beside newer ones.
    """

    hits: int
    misses: int
    size: int
    max_size: int
    bytes: int
    max_bytes: int
    evicted: int = 0


class LRU(Generic[V]):
    """The entries that were used last: at most ``max_size``, and ``max_bytes`` in total; safe among threads.

    A hit takes no lock: under load the counts may miss some.
    """

    def __init__(self, max_size: int, max_bytes: int) -> None:
        self.max_size = max_size
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = Lock()
        self._bytes = 0
        self._hits = self._misses = self._evicted = 0

    @property
    def share(self) -> int:
        """The bytes that one entry may take."""
        return self.max_bytes // SHARE

    def get(self, key: Hashable) -> V | None:
        """Return the entry and count a hit, or None and count a miss."""
        found = self._entries.get(key)
        if found is None:
            self._misses += 1
            return None
        self._hits += 1
        try:
            self._entries.move_to_end(key)
        except KeyError:
            return None  # another thread has just let it go
        return found[0]

    def takes(self, *weights: int) -> bool:
        """Whether entries of so many bytes each are kept, beside each other."""
        sizes = [weight + _OF_ENTRY for weight in weights]
        return max(sizes) <= self.share and sum(sizes) <= self.max_bytes and len(sizes) <= self.max_size

    def set(self, key: Hashable, entry: V, weight: int) -> bool:
        """Keep an entry of so many bytes, unless that is too much, and let those go that were not used for longest.

        Return whether it is kept. An earlier entry of the key goes in any case.
        """
        with self._lock:
            self._remove(key)
            if not self.takes(weight):
                return False
            weight += _OF_ENTRY
            while self._entries and self._is_full(1, weight):
                self._remove(next(iter(self._entries)))
                self._evicted += 1
            self._entries[key] = entry, weight
            self._bytes += weight
            return True

    def surplus(self, weights: Sequence[int]) -> Mapping[Hashable, V]:
        """Return the entries that have to go before others of so many bytes each are kept, in the order of going."""
        with self._lock:
            count, size = len(weights), sum(weights) + _OF_ENTRY * len(weights)
            found = {}
            for key, (entry, own) in self._entries.items():
                if not self._is_full(count, size):
                    break
                found[key] = entry
                count, size = count - 1, size - own
            return found

    def remove(self, key: Hashable) -> None:
        """Let an entry go, if there is one."""
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        """Let everything go and count from zero."""
        with self._lock:
            self._entries.clear()
            self._bytes = self._hits = self._misses = self._evicted = 0

    def counts(self) -> Counts:
        """Return hits, misses, how many entries there are and what they take."""
        with self._lock:
            return Counts(
                hits=self._hits,
                misses=self._misses,
                size=len(self._entries),
                max_size=self.max_size,
                bytes=self._bytes,
                max_bytes=self.max_bytes,
                evicted=self._evicted,
            )

    def _is_full(self, more: int, weight: int) -> bool:
        return len(self._entries) + more > self.max_size or self._bytes + weight > self.max_bytes

    def _remove(self, key: Hashable) -> None:
        _, weight = self._entries.pop(key, (None, 0))
        self._bytes -= weight


def size_of(value: Any) -> int:
    """Return the bytes of a value that is made of tuples, sets, texts, numbers and what has no parts.

    A part that stands in several places counts at each.
    """
    size = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        size += getsizeof(item, 100)
        if isinstance(item, (tuple, frozenset)):
            waiting.extend(item)
    return size
