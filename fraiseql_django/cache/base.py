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

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Store a value unless one exists, and return whether it was stored."""
        ...

    def add_many(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Store, without a limit, those of these values whose keys are missing; return the values of all keys then."""
        ...

    def mark_many(self, keys: Iterable[str], token: str, seconds: int) -> None:
        """Add a writer's mark to the values of keys, which lasts for some seconds (see ``marks``).

        It raises where an earlier value may still be there.
        """
        ...

    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        """Store new values, without a limit, but where another writer's mark is: of that only ours is removed.

        It raises where an earlier value may still be there; a value may be lost, as it may at any time.
        """
        ...

    @property
    def server(self) -> str:
        """Which server, in which of its lives, has answered this thread's last call; "" where nothing tells.

        After a restart from a snapshot or a failover it is another text: what was kept before may be older than what
        has been deleted since.
        """
        ...

    @property
    def shards(self) -> int:
        """Over how many shards the entries are spread; each has the versions of all tables (see ``keys``)."""
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
