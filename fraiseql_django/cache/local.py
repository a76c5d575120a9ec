"""The engine's values in a ``LocMemCache`` of Django's: as they are, not pickled, and bounded in bytes.

``LocMemCache`` keeps every value pickled, unpickles it at each read and bounds the number of values alone. What the
engine keeps is text, bytes and tuples of them, which nobody can change. So it is put into the store of Django's cache
as an object that is the value itself. Django's methods still govern it: it goes with ``clear()`` and ``delete()``, it
expires, and it is culled where there are more than ``MAX_ENTRIES``. Read by Django's ``get()``, it is None.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .._django import local_parts
from ..memory import SHARE
from .marks import Kept

# The pickled form of None
_NONE = pickle.dumps(None)
_UNCHANGEABLE = (str, bytes, tuple)
# What a full cache is reduced to, so that not every new value has all others counted
_REDUCED = 0.9
# What a value takes beside its parts: the key, the places in two dictionaries, the object around the value; measured
_OF_VALUE = 520


class _Unpickled(bytes):
    """A value of the store, with the value itself beside the bytes that ``LocMemCache`` unpickles."""

    value: Any
    size: int


def _unpickled(value: Any, size: int) -> _Unpickled:
    made = _Unpickled(_NONE)
    made.value, made.size = value, size
    return made


@dataclass(slots=True)
class _Bytes:
    """At least the bytes of all values in a store; what Django removes is counted until all are counted again."""

    at_most: int = 0
    evicted: int = 0


# By the identity of a store's values, which Django keeps for good: the engines of a process share stores
_bytes: dict[int, _Bytes] = {}


class LocalValues:
    """Values in the store of a ``LocMemCache``, at most ``max_bytes`` of all engines together, as estimated."""

    def __init__(self, cache: Any, max_bytes: int) -> None:
        self._parts = local_parts(cache)
        self._max_bytes = max_bytes
        self._bytes = _bytes.setdefault(id(self._parts.values), _Bytes())

    def figures(self) -> dict[str, int]:
        """Return how many values there are, their bytes, the bound, and how many had to go for others."""
        with self._parts.lock:
            sizes = [kept.size for kept in self._parts.values.values() if type(kept) is _Unpickled]
        return {
            "entries": len(sizes),
            "bytes": sum(sizes),
            "max_bytes": self._max_bytes,
            "evicted": self._bytes.evicted,
        }

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values that exist, and mark them as used."""
        values, expiries = self._parts.values, self._parts.expiries
        full_key, now = self._parts.full_key, time.time()
        found: dict[str, Any] = {}
        with self._parts.lock:
            for key in keys:
                full = full_key(key)
                expiry = expiries.get(full, -1)
                if expiry is None or expiry > now:
                    found[key] = values[full]
                    values.move_to_end(full, last=False)
        for key, kept in found.items():
            # a counter is pickled, as Django's incr() wants it
            found[key] = kept.value if type(kept) is _Unpickled else pickle.loads(kept)
        return found

    def takes(self, value: Any) -> bool:
        """Whether a value can be kept as it is: nobody can change it, and Django's ``incr()`` has no use for it."""
        return type(value) in _UNCHANGEABLE

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Keep a value, unless it is larger than a share of the bound; an earlier value goes in any case."""
        with self._parts.lock:
            self._put(key, value, ttl_seconds)

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Keep a value unless there is one, and return whether there was none."""
        with self._parts.lock:
            expiry = self._parts.expiries.get(self._parts.full_key(key), -1)
            if expiry is None or expiry > time.time():
                return False
            self._put(key, value, ttl_seconds)
            return True

    def change_many(self, keys: Iterable[str], change: Callable[[str, Any], Kept | None]) -> dict[str, Any]:
        """Change values in one step, and return what there is then.

        ``change`` is called with a key and its value, None where that is missing, and returns the value to keep; None
        leaves it.
        """
        found: dict[str, Any] = {}
        with self._parts.lock:
            values, expiries, now = self._parts.values, self._parts.expiries, time.time()
            for key in keys:
                full = self._parts.full_key(key)
                expiry = expiries.get(full, -1)
                kept: Any = values[full] if expiry is None or expiry > now else None
                value = kept.value if type(kept) is _Unpickled else None
                if (changed := change(key, value)) is not None:
                    value = changed.value
                    self._put(key, value, changed.seconds)
                if value is not None:
                    found[key] = value
        return found

    def _put(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        full, size = self._parts.full_key(key), _size(value)
        former = self._parts.values.get(full)
        if type(former) is _Unpickled:
            self._bytes.at_most -= former.size
        self._parts.remove(full)
        if size <= self._max_bytes // SHARE:
            self._parts.put(full, _unpickled(value, size), ttl_seconds)
            self._bytes.at_most += size
            if self._bytes.at_most > self._max_bytes:
                self._shrink()

    def _shrink(self) -> None:
        """Count all values, and remove those that were not used for longest; the lock is held."""
        # others' values are theirs to bound
        ours = [(key, kept.size) for key, kept in self._parts.values.items() if type(kept) is _Unpickled]
        total = sum(size for _, size in ours)
        # also where there is just room enough: the next values would have all counted again
        while ours and total > self._max_bytes * _REDUCED:
            key, size = ours.pop()
            total -= size
            self._parts.remove(key)
            self._bytes.evicted += 1
        self._bytes.at_most = total


def _size(value: Any) -> int:
    """Return about how many bytes a value takes with its key and its place in the store."""
    size = _OF_VALUE
    waiting = [value]
    while waiting:
        part = waiting.pop()
        size += sys.getsizeof(part)
        if isinstance(part, tuple):
            waiting += part
    return size
