"""Stores the engine's values in a cache of ``CACHES``, under a prefix."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.core.cache import caches

from .._django import (
    cache_keys,
    cache_settings,
    is_database_cache,
    is_local_cache,
    redis_figures,
    uses_no_database,
)
from ..storage.base import Health
from .connections import outside_transactions
from .local import LocalValues

P = ParamSpec("P")
R = TypeVar("R")


def _outside(
    method: Callable[Concatenate[DjangoCache, P], R],
) -> Callable[Concatenate[DjangoCache, P], R]:
    @wraps(method)
    def call(self: DjangoCache, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._uses_no_database:
            return method(self, *args, **kwargs)
        with outside_transactions():
            return method(self, *args, **kwargs)

    return call


class DjangoCache:
    """The engine's keys in the cache of an alias in ``CACHES``, outside of the project's transactions.

    In a ``LocMemCache`` the values have ``local_bytes`` bytes at most, and are not pickled (see ``local``).
    """

    local_bytes = 64_000_000

    def __init__(self, alias: str = "default", *, prefix: str = "fraiseql") -> None:
        self.alias = alias
        self.prefix = prefix + ":"
        # for which settings of CACHES
        self._local: tuple[Any, LocalValues | None] = (None, None)

    @property
    def _local_values(self) -> LocalValues | None:
        """The values in the memory of this process; None where the cache is another."""
        seen, values = self._local
        if seen is not cache_settings():
            cache = self._django
            values = LocalValues(cache, self.local_bytes) if is_local_cache(cache) else None
            self._local = cache_settings(), values
        return values

    @cached_property
    def _uses_no_database(self) -> bool:
        return uses_no_database(type(self._django))

    @property
    def backend_name(self) -> str:
        """The class of the Django cache."""
        return type(self._django).__name__

    @property
    def _django(self) -> Any:
        # one object for each thread
        return caches[self.alias]

    @_outside
    def get(self, key: str) -> Any | None:
        """Return the value, or None where it is missing or has expired."""
        if (local := self._local_values) is not None:
            return local.get_many([self.prefix + key]).get(self.prefix + key)
        return self._django.get(self.prefix + key)

    @_outside
    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the values that exist, in one round trip."""
        prefix = self.prefix
        full = [prefix + key for key in keys]
        local = self._local_values
        found = self._django.get_many(full) if local is None else local.get_many(full)
        start = len(prefix)
        return {key[start:]: value for key, value in found.items()}

    @_outside
    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Store a value for some seconds, or without a limit (None)."""
        self._set(self._local_values, key, value, ttl_seconds)

    def _set(self, local: LocalValues | None, key: str, value: Any, ttl_seconds: int | None) -> None:
        if local is not None and local.takes(value):
            local.set(self.prefix + key, value, ttl_seconds)
        else:
            self._django.set(self.prefix + key, value, ttl_seconds)

    @_outside
    def set_many(self, values: Mapping[str, Any], ttl_seconds: int | None) -> None:
        """Store several values, in one round trip where the cache can."""
        if (local := self._local_values) is not None:
            for key, value in values.items():
                self._set(local, key, value, ttl_seconds)
            return
        keyed = {self.prefix + key: value for key, value in values.items()}
        failed = self._django.set_many(keyed, ttl_seconds)
        if failed:
            raise OSError(f"the cache did not keep {len(failed)} of {len(values)} values")
        if is_database_cache(type(self._django)):
            # it keeps errors to itself; a value that another process has set meanwhile may be removed, an old one must
            kept = self._django.get_many(list(keyed))
            self._django.delete_many([key for key, value in keyed.items() if kept.get(key) != value])

    @_outside
    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Store a value unless one exists, and return whether it was stored."""
        if (local := self._local_values) is not None and local.takes(value):
            return local.add(self.prefix + key, value, ttl_seconds)
        return bool(self._django.add(self.prefix + key, value, ttl_seconds))

    @_outside
    def increment(self, key: str) -> int | None:
        """Add one to a number and return it; None where it is missing. As atomic as the backend's ``incr``."""
        try:
            return int(self._django.incr(self.prefix + key))
        except ValueError:
            return None

    @_outside
    def delete(self, key: str) -> None:
        """Remove a value; removing a missing one succeeds."""
        self._django.delete(self.prefix + key)

    @_outside
    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove several values."""
        self._django.delete_many([self.prefix + key for key in keys])

    def keys(self) -> Iterator[str] | None:
        """Iterate over the engine's own keys; None where the backend has no way to list keys."""
        return cache_keys(self._django, self.prefix)

    def clear(self) -> int | None:
        """Remove all of the engine's keys and no others; return their number, or None where they cannot be listed."""
        keys = self.keys()
        if keys is None:
            return None
        found = list(keys)
        for start in range(0, len(found), 1000):
            self.delete_many(found[start : start + 1000])
        return len(found)

    @property
    def size(self) -> int | None:
        """The number of the engine's keys; None where they cannot be listed."""
        keys = self.keys()
        return None if keys is None else sum(1 for _ in keys)

    def figures(self) -> Mapping[str, int]:
        """Return what the backend tells of its memory: ``entries``, ``bytes``, ``max_bytes`` and ``evicted``.

        Of a ``LocMemCache`` they are about the engine's values, of Redis about all that is in the server. Others tell
        nothing.
        """
        if (local := self._local_values) is not None:
            return local.figures()
        return redis_figures(self._django)

    def health_check(self) -> Health:
        """Write, read and delete a value."""
        started = time.perf_counter()
        # a key of its own: several load balancers may ask at once
        key, value = f"health:{uuid.uuid4().hex}", str(started)
        try:
            self.set(key, value, 60)
            found = self.get(key)
            self.delete(key)
            healthy = found == value and self.get(key) is None
            detail = self.backend_name if healthy else f"{self.backend_name} does not keep what it is given"
        except Exception as error:
            healthy, detail = False, f"{self.backend_name}: {type(error).__name__}: {error}"
        return Health(healthy=healthy, detail=detail, time_ms=(time.perf_counter() - started) * 1000)
