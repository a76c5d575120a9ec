"""The protocol of a cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from ..storage.base import Health


class Cache(Protocol):
    """A cache of the engine's own keys; any method may raise when the cache fails.

    Methods are called at any moment, also while a transaction is open or has just been committed on this thread's
    database connections. A cache that keeps its values in a database must not use these: a rollback would take values
    back that others have to see.
    """

    @property
    def backend_name(self) -> str:
        """Return a name of the kind of cache, for people."""
        ...

    def get(self, key: str) -> Any | None:
        """Return the value, or None where it is missing or has expired."""
        ...

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the values that exist, in one round trip."""
        ...

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Store a value for some seconds, or without a limit (None)."""
        ...

    def set_many(self, values: Mapping[str, Any], ttl_seconds: int | None) -> None:
        """Store several values, in one round trip where the cache can.

        It raises where an earlier value may still be there; a value may be lost, as it may at any time.
        """
        ...

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Store a value unless one exists, and return whether it was stored."""
        ...

    def increment(self, key: str) -> int | None:
        """Add one to a number atomically and return it; None where it is missing."""
        ...

    def delete(self, key: str) -> None:
        """Remove a value; removing a missing one succeeds."""
        ...

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove several values."""
        ...

    def keys(self) -> Iterator[str] | None:
        """Iterate over the engine's own keys, or None where the cache cannot list them."""
        ...

    def clear(self) -> int | None:
        """Remove all of the engine's keys and no others; return their number, or None where unknown."""
        ...

    def health_check(self) -> Health:
        """Write, read and delete a value."""
        ...

    @property
    def size(self) -> int | None:
        """The number of the engine's keys, or None where unknown."""
        ...
