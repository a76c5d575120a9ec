"""A cache of ``CACHES``, of which the engine's keys are a part."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.cache import caches

from ..storage.base import Health


class DjangoCache:
    """The engine's part of the cache under an alias in ``CACHES``."""

    def __init__(self, alias: str = "default", *, prefix: str = "fraiseql") -> None:
        self.alias = alias
        self.prefix = prefix + ":"

    @property
    def backend_name(self) -> str:
        """The class of the Django cache."""
        return type(self._django).__name__

    @property
    def _django(self) -> Any:
        # one object for each thread
        return caches[self.alias]

    def get(self, key: str) -> Any | None:
        """Return the value, or None where it is missing or has expired."""
        return self._django.get(self.prefix + key)

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the values that are there, in one round trip."""
        start = len(self.prefix)
        found = self._django.get_many([self.prefix + key for key in keys])
        return {key[start:]: value for key, value in found.items()}

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Keep a value for so many seconds; None keeps it for good."""
        self._django.set(self.prefix + key, value, ttl_seconds)

    def set_many(self, values: Mapping[str, Any], ttl_seconds: int | None) -> None:
        """Keep several values, in one round trip where the cache can."""
        failed = self._django.set_many({self.prefix + key: value for key, value in values.items()}, ttl_seconds)
        if failed:
            raise OSError(f"the cache did not keep {len(failed)} of {len(values)} values")

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Keep a value unless there is one, and say whether it was kept."""
        return bool(self._django.add(self.prefix + key, value, ttl_seconds))

    def increment(self, key: str) -> int | None:
        """Add one to a number and return it; None where it is missing. As atomic as the backend's ``incr``."""
        try:
            return int(self._django.incr(self.prefix + key))
        except ValueError:
            return None

    def delete(self, key: str) -> None:
        """Remove a value; a missing one is removed already."""
        self._django.delete(self.prefix + key)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove several values."""
        self._django.delete_many([self.prefix + key for key in keys])

    def keys(self) -> Iterator[str] | None:
        """Iterate over the engine's own keys; None where the backend has no way to list keys."""
        django = self._django
        start = django.make_key(self.prefix)
        if hasattr(django, "iter_keys"):  # django-redis, which gives keys as they were asked for
            return (key[len(self.prefix) :] for key in django.iter_keys(_escaped(self.prefix) + "*"))
        if hasattr(django, "_expire_info"):  # locmem
            kept = [key for key in list(django._cache) if not django._has_expired(key)]
            return (key[len(start) :] for key in kept if key.startswith(start))
        if hasattr(getattr(django, "_cache", None), "get_client"):  # Django's own Redis cache
            client = django._cache.get_client(None)
            return (key.decode()[len(start) :] for key in client.scan_iter(match=_escaped(start) + "*"))
        return None

    def clear(self) -> int | None:
        """Remove all of the engine's keys and no other; say how many, or None where they cannot be listed."""
        keys = self.keys()
        if keys is None:
            return None
        found = list(keys)
        for start in range(0, len(found), 1000):
            self.delete_many(found[start : start + 1000])
        return len(found)

    @property
    def size(self) -> int | None:
        """How many of the engine's keys there are; None where they cannot be listed."""
        keys = self.keys()
        return None if keys is None else sum(1 for _ in keys)

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


def _escaped(text: str) -> str:
    """Let Redis take every character of a key for itself in a pattern."""
    return "".join("\\" + character if character in "*?[]\\^" else character for character in text)
