"""What the engine needs of a cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from ..storage.base import Health


class Cache(Protocol):
    """A cache of the engine's own keys; any method may raise when the cache is broken."""

    @property
    def backend_name(self) -> str:
        """Name the kind of cache, for people."""
        ...

    def get(self, key: str) -> Any | None:
        """Return the value, or None where it is missing or has expired."""
        ...

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the values that are there, in one round trip."""
        ...

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Keep a value for so many seconds; None keeps it for good."""
        ...

    def set_many(self, values: Mapping[str, Any], ttl_seconds: int | None) -> None:
        """Keep several values, in one round trip where the cache can."""
        ...

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Keep a value unless there is one, and say whether it was kept."""
        ...

    def increment(self, key: str) -> int | None:
        """Add one to a number, in one step for all processes, and return it; None where it is missing."""
        ...

    def delete(self, key: str) -> None:
        """Remove a value; a missing one is removed already."""
        ...

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove several values."""
        ...

    def keys(self) -> Iterator[str] | None:
        """Iterate over the engine's own keys, or None where the cache cannot list them."""
        ...

    def clear(self) -> int | None:
        """Remove all of the engine's keys and no other; say how many, or None where unknown."""
        ...

    def health_check(self) -> Health:
        """Write, read and delete a value."""
        ...

    @property
    def size(self) -> int | None:
        """How many of the engine's keys there are, or None where unknown."""
        ...
