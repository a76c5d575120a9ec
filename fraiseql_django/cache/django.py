"""Stores the engine's values in a cache of ``CACHES``, under a prefix."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from django.core.cache import caches

from .._django import (
    cache_keys,
    cache_settings,
    compresses_values,
    is_database_cache,
    is_local_cache,
    is_private_cache,
    is_redis_cache,
    project_key,
    redis_figures,
    shared_view,
    uses_no_database,
)
from ..storage.base import Health
from .connections import without_contention
from .exclusion import one_writer
from .keys import SHARED, VERSION, is_version, shard_of, tag_of
from .local import LocalValues
from .marks import Kept, with_mark, without_mark

if TYPE_CHECKING:
    # redis-py need not be installed
    from .redis import RedisValues

P = ParamSpec("P")
R = TypeVar("R")


def _outside(
    method: Callable[Concatenate[DjangoCache, P], R],
) -> Callable[Concatenate[DjangoCache, P], R]:
    @wraps(method)
    def call(self: DjangoCache, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._uses_no_database:
            return method(self, *args, **kwargs)
        return without_contention(lambda: method(self, *args, **kwargs))

    return call


class _Way(NamedTuple):
    """How the values of an alias are reached, for certain settings of ``CACHES``."""

    config: Any
    # the Redis that versions are in, and that all other values are in unless the backend has methods of its own
    versions: RedisValues | None
    redis: RedisValues | None
    local: LocalValues | None
    uses_no_database: bool
    whole: Callable[[str], str]


# By alias: one client for all engines over a server
_redis: dict[str, tuple[Any, RedisValues]] = {}


class DjangoCache:
    """The engine's keys in the cache of an alias in ``CACHES``, outside of the project's transactions.

    In a ``LocMemCache`` the values have ``local_bytes`` bytes at most, and are not pickled (see ``local``). In a Redis
    they are read and stored by a client of our own (see ``redis``). In a Redis Cluster the entries are spread over
    ``spread`` shards.
    """

    local_bytes = 64_000_000
    spread = 1

    def __init__(self, alias: str = "default", *, prefix: str = "fraiseql") -> None:
        self.alias = alias
        self.prefix = prefix + ":"
        self._found: _Way | None = None

    @property
    def is_configured(self) -> bool:
        """Whether ``CACHES`` has the alias, still."""
        return self.alias in cache_settings()

    @property
    def _way(self) -> _Way:
        way = self._found
        config = cache_settings().get(self.alias)
        if way is None or way.config is not config:
            way = self._found = self._made(config)
        return way

    def _made(self, config: Any) -> _Way:
        store = shared_view(self.alias)
        redis = self._redis_of(store, config)
        local = LocalValues(store, self.local_bytes) if is_local_cache(store) else None
        plain = redis if redis is not None and redis.is_plain else None
        return _Way(config, redis, plain, local, uses_no_database(type(store)), project_key(caches[self.alias]))

    def _redis_of(self, store: Any, config: Any) -> RedisValues | None:
        if not is_redis_cache(type(store)):
            return None
        made_for, found = _redis.get(self.alias, (None, None))
        if found is None or made_for is not config:
            module = import_module(".redis", __package__)
            make = module.client_of(store)
            if make is None:
                return None
            found = module.RedisValues(store, make)
            _redis[self.alias] = config, found
        return found

    @property
    def compresses(self) -> bool:
        """Whether nothing is gained by compressing values: the cache does so, or it keeps them in this process."""
        return self.is_private or compresses_values(self._django, self.alias)

    @property
    def _uses_no_database(self) -> bool:
        return self._way.uses_no_database

    @property
    def backend_name(self) -> str:
        """The class of the Django cache."""
        return type(self._django).__name__

    @property
    def is_private(self) -> bool:
        """Whether no other process uses the cache: it is in the memory of this one, or keeps nothing."""
        return is_private_cache(type(self._django))

    @property
    def shards(self) -> int:
        """Over how many shards entries are spread: one, but in a Redis Cluster."""
        redis = self._way.versions
        return self.spread if redis is not None and redis.is_cluster else 1

    @property
    def server(self) -> str:
        """Which Redis, in which of its lives, has answered this thread's last call; "" for another cache."""
        redis = self._way.versions
        return "" if redis is None else redis.server

    @property
    def _django(self) -> Any:
        # one object for each thread
        return shared_view(self.alias)

    def _full(self, key: str, way: _Way) -> str:
        """Return the whole key of a key: the same in every process for a version, the project's own for others."""
        whole = SHARED + key if key.startswith(VERSION) else way.whole(self.prefix + key)
        if way.versions is not None and way.versions.is_cluster:
            return tag_of(shard_of(key, self.spread)) + whole
        return whole

    def get(self, key: str) -> Any | None:
        """Return the value, or None where it is missing or has expired."""
        return self.get_many([key]).get(key)

    @_outside
    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Return the values that exist, in one round trip; in a Redis Cluster the keys must be of one shard.

        It takes two where a Redis has methods of its own.
        """
        way = self._way
        wanted = {self._full(key, way): key for key in keys}
        if way.versions is way.redis:
            found = (way.redis or way.local or self._django).get_many([*wanted])
        else:
            assert way.versions is not None
            others = [full for full in wanted if not is_version(full)]
            found = {**self._django.get_many(others), **way.versions.get_many([*wanted.keys() - {*others}])}
        return {wanted[full]: value for full, value in found.items()}

    @_outside
    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Store a value for some seconds, or without a limit (None)."""
        way = self._way
        full = self._full(key, way)
        if way.local is not None and way.local.takes(value):
            way.local.set(full, value, ttl_seconds)
        else:
            (way.redis or self._django).set(full, value, ttl_seconds)

    @_outside
    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Store a value unless one exists, and return whether it was stored."""
        way = self._way
        full = self._full(key, way)
        if way.local is not None and way.local.takes(value):
            return way.local.add(full, value, ttl_seconds)
        return bool((way.redis or self._django).add(full, value, ttl_seconds))

    @_outside
    def add_many(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Store those of these versions whose keys are missing; return all that there are then.

        In Redis and in the memory of the process it is one step.
        """
        way = self._way
        wanted = {self._full(key, way): key for key in values}
        if way.versions is not None:
            found: Mapping[str, Any] = way.versions.add_many({full: values[key] for full, key in wanted.items()})
        elif way.local is not None:
            found = way.local.change_many(
                wanted, lambda full, value: None if value else Kept(values[wanted[full]], None)
            )
        else:
            store = self._django
            for full, key in wanted.items():
                # of several processes the first succeeds; all then read its version
                store.add(full, values[key], None)
            found = store.get_many([*wanted])
        return {wanted[full]: value for full, value in found.items()}

    @_outside
    def mark_many(self, keys: Iterable[str], token: str, seconds: int) -> None:
        """Add a writer's mark to versions, for some seconds; in Redis it is one step for each server."""
        groups = self._by_slot(keys)
        if (redis := self._way.versions) is not None:
            redis.mark_many([[*group] for group in groups], token, seconds)
        else:
            self._change(
                {full: key for group in groups for full, key in group.items()},
                lambda _, value, now: with_mark(value, token, now, seconds),
            )

    @_outside
    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        """Store new versions, but where another writer's mark is; in Redis it is one step for each server."""
        groups = self._by_slot(values)
        if (redis := self._way.versions) is not None:
            redis.replace_many([{full: values[key] for full, key in group.items()} for group in groups], token)
        else:
            wanted = {full: key for group in groups for full, key in group.items()}
            self._change(wanted, lambda full, value, now: without_mark(value, token, now, values[wanted[full]]))

    def _by_slot(self, keys: Iterable[str]) -> list[dict[str, str]]:
        """Return whole keys, each with its key, in a group for each shard."""
        groups: dict[int, dict[str, str]] = {}
        way = self._way
        for key in keys:
            groups.setdefault(shard_of(key, self.shards), {})[self._full(key, way)] = key
        return [*groups.values()]

    def _change(self, keys: Mapping[str, str], change: Callable[[str, Any, float], Kept | None]) -> None:
        """Change the values of whole keys: in one step in the memory of the process, else under a lock."""
        now = time.time()
        if (local := self._way.local) is not None:
            local.change_many(keys, lambda full, value: change(full, value, now))
            return
        store = self._django
        with one_writer(store, keys):
            found = store.get_many([*keys])
            changes = {full: change(full, found.get(full), now) for full in keys}
            for seconds in {kept.seconds for kept in changes.values() if kept is not None}:
                values = {
                    full: kept.value for full, kept in changes.items() if kept is not None and kept.seconds == seconds
                }
                _set_surely(store, values, seconds)

    @_outside
    def increment(self, key: str) -> int | None:
        """Add one to a number and return it; None where it is missing. As atomic as the backend's ``incr``."""
        way = self._way
        full = self._full(key, way)
        if way.redis is not None:
            return way.redis.increment(full)
        try:
            return int(self._django.incr(full))
        except ValueError:
            return None

    @_outside
    def delete(self, key: str) -> None:
        """Remove a value; removing a missing one succeeds."""
        self.delete_many([key])

    @_outside
    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove several values."""
        # a key is deleted in one way only
        way = self._way
        (way.versions or self._django).delete_many([self._full(key, way) for key in keys])

    def keys(self) -> Iterator[str] | None:
        """Iterate over the keys of entries and other values of this engine; None where the backend cannot list keys.

        The keys of versions are not among them: they are every engine's.
        """
        redis, start = self._way.versions, self._way.whole(self.prefix)
        if redis is None:
            return cache_keys(self._django, start)
        tags = [tag_of(shard) for shard in range(self.shards)] if redis.is_cluster else [""]
        return (key for tag in tags for key in redis.keys(tag + start))

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
        if (local := self._way.local) is not None:
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


def _set_surely(store: Any, values: Mapping[str, str], seconds: int | None) -> None:
    """Store versions; raise where an earlier one may still be there."""
    failed = store.set_many(values, seconds)
    if failed:
        raise OSError(f"the cache did not keep {len(failed)} of {len(values)} values")
    if is_database_cache(type(store)):
        # it keeps errors to itself; a value that another process has set meanwhile may be removed, an old one must
        kept = store.get_many([*values])
        store.delete_many([key for key, value in values.items() if kept.get(key) != value])
