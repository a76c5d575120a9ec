"""The settings of ``CACHES``; the keys and the figures of a cache; what kind it is."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, NamedTuple

from django.core.cache import CacheHandler, InvalidCacheBackendError, caches
from django.core.cache.backends.base import default_key_func
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.files import locks
from django.core.signals import request_finished
from django.db import router
from django.utils.module_loading import import_string


def cache_settings() -> dict[str, dict[str, Any]]:
    """Return ``CACHES``; an alias that is added here can be used from then on. Relies on ``caches.settings``."""
    found: dict[str, dict[str, Any]] = caches.settings
    return found


# By alias: the settings that it was made for, and the handler that makes one cache for each thread
_views: dict[str, tuple[Any, CacheHandler]] = {}


def shared_view(alias: str) -> Any:
    """Return a cache of our own over the server, table or memory of an alias, under the keys that it is given.

    Nothing is put before keys, whatever ``KEY_PREFIX``, ``VERSION`` and ``KEY_FUNCTION`` the project has. There is one
    object for each thread, as there is in ``caches``. Relies on ``CacheHandler`` taking settings, and on
    ``LocMemCache`` sharing its values by ``LOCATION``.
    """
    config = cache_settings().get(alias)
    made_for, handler = _views.get(alias, (None, None))
    if handler is None or made_for is not config:
        if config is None:
            raise InvalidCacheBackendError(f"the cache {alias!r} is not in CACHES")
        own = {"KEY_FUNCTION": _as_it_is, "REVERSE_KEY_FUNCTION": _as_it_was, "KEY_PREFIX": "", "VERSION": 1}
        handler = CacheHandler({alias: {**config, **own}})
        _views[alias] = config, handler
    return handler[alias]


def _as_it_is(key: str, prefix: str, version: int) -> str:
    return key


def _as_it_was(key: str) -> str:
    return key


def close_views(**kwargs: Any) -> None:
    """Close this thread's caches of our own, as Django closes its own ones at the end of a request.

    Relies on ``all(initialized_only=True)`` of handlers.
    """
    for _, handler in list(_views.values()):
        for store in handler.all(initialized_only=True):
            store.close()


request_finished.connect(close_views, dispatch_uid="fraiseql_django.caches")


def project_key(store: Any) -> Callable[[str], str]:
    """Return what makes the whole key of a key as the project's cache does: ``KEY_PREFIX``, ``VERSION`` and the key.

    Relies on ``default_key_func`` putting the key behind a fixed prefix.
    """
    if store.key_func is default_key_func:
        found: Callable[[str], str] = str(store.make_key("")).__add__
        return found
    return lambda key: str(store.make_key(key))


def is_database_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in a database table. Relies on ``BaseDatabaseCache``."""
    return issubclass(backend, BaseDatabaseCache)


def database_of_cache(store: Any) -> str:
    """Return the alias of the database that a ``DatabaseCache`` writes to. Relies on its ``cache_model_class``."""
    return router.db_for_write(store.cache_model_class)


def is_file_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in files, by Django's backend or one that extends it."""
    return issubclass(backend, FileBasedCache)


@contextmanager
def file_lock(store: Any, until: Callable[[Callable[[], bool]], bool]) -> Iterator[bool]:
    """Hold the lock of a ``FileBasedCache``'s folder while a block runs, or yield False.

    ``until`` tries to take it, for a while. Relies on ``_createdir()`` and ``_dir``, and on ``clear()`` leaving files
    that have another suffix than its own.
    """
    store._createdir()
    with open(os.path.join(store._dir, "fraiseql.lock"), "a") as file:
        yield until(lambda: locks.lock(file, locks.LOCK_EX | locks.LOCK_NB))


def is_redis_cache(backend: type) -> bool:
    """Whether a cache class is a Redis of Django's or django-redis's, or extends one.

    Relies on the modules that these classes are defined in, since neither redis-py nor django-redis need be installed.
    """
    return any(base.__module__ in _REDIS for base in backend.__mro__)


_REDIS = ("django.core.cache.backends.redis", "django_redis.cache")


def uses_no_database(backend: type) -> bool:
    """Whether a cache class surely uses no database connection: one of Django's own or of django-redis, no subclass.

    Relies on the modules that these classes are defined in.
    """
    return backend.__module__ in _CACHES_WITHOUT_DATABASE


_CACHES_WITHOUT_DATABASE = {
    *(f"django.core.cache.backends.{name}" for name in ("dummy", "filebased", "locmem", "memcached", "redis")),
    "django_redis.cache",
}


def cache_tables() -> frozenset[str]:
    """Return the tables that the caches of ``CACHES`` keep their values in."""
    return frozenset(
        config["LOCATION"] for config in cache_settings().values() if _is_database_backend(config["BACKEND"])
    )


@cache
def _is_database_backend(path: str) -> bool:
    try:
        return is_database_cache(import_string(path))
    except ImportError:
        return False


def cache_keys(store: Any, prefix: str) -> Iterator[str] | None:
    """Iterate over the keys of a cache that begin with a prefix, without it; None where the cache cannot list them.

    Relies on ``iter_keys()`` of django-redis, which gives keys as they were asked for; on ``_cache``,
    ``_expire_info`` and ``_has_expired()`` of ``LocMemCache``; on ``_cache.get_client()`` of ``RedisCache``; and on
    ``make_key()``.
    """
    start = store.make_key(prefix)
    if hasattr(store, "iter_keys"):
        return (key[len(prefix) :] for key in store.iter_keys(_redis_pattern(prefix)))
    if hasattr(store, "_expire_info"):
        kept = [key for key in list(store._cache) if not store._has_expired(key)]
        return (key[len(start) :] for key in kept if key.startswith(start))
    if hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None)
        return (key.decode()[len(start) :] for key in client.scan_iter(match=_redis_pattern(start)))
    return None


def redis_figures(store: Any) -> dict[str, int]:
    """Return what Redis tells of its memory, over all nodes of a cluster; nothing for a cache that is no Redis.

    Relies on ``client.get_client()`` of django-redis, on ``_cache.get_client()`` of ``RedisCache``, on ``info()`` of
    redis-py and on the names in Redis's INFO.
    """
    if hasattr(store, "iter_keys") and hasattr(store, "client"):
        client = store.client.get_client(write=True)
    elif hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None)
    else:
        return {}
    info = client.info()
    nodes = list(info.values()) if all(isinstance(value, dict) for value in info.values()) else [info]
    databases = (value for node in nodes for key, value in node.items() if re.fullmatch(r"db\d+", key))
    return {
        "entries": sum(database["keys"] for database in databases),
        "bytes": sum(node["used_memory"] for node in nodes),
        "max_bytes": sum(node.get("maxmemory", 0) for node in nodes),
        "evicted": sum(node["evicted_keys"] for node in nodes),
    }


class LocalParts(NamedTuple):
    """The parts of a ``LocMemCache``: pickled values by full key, the one used last first, and when each expires.

    ``put`` stores a value for some seconds (None: without a limit) and ``remove`` removes one; both want the lock held.
    ``full_key`` is that of Django's ``make_key``. See ``local_parts`` for what it relies on.
    """

    lock: AbstractContextManager[Any]
    values: OrderedDict[str, bytes]
    expiries: dict[str, float | None]
    put: Callable[[str, bytes, int | None], None]
    remove: Callable[[str], Any]
    full_key: Callable[[str], str]


def is_local_cache(store: Any) -> bool:
    """Whether a cache is Django's ``LocMemCache`` itself; a subclass may do something else."""
    return type(store) is LocMemCache


def is_private_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in the memory of a process, or keeps none."""
    return issubclass(backend, (LocMemCache, DummyCache))


def is_same_cache(alias: str, other: str) -> bool:
    """Whether two aliases lead to the same server, table or folder. Relies on ``CACHES`` having ``LOCATION``."""
    one, two = (cache_settings().get(name, {}) for name in (alias, other))
    return bool(one.get("LOCATION")) and one.get("LOCATION") == two.get("LOCATION")


def local_parts(store: Any) -> LocalParts:
    """Return the parts of a ``LocMemCache``.

    Relies on ``_lock``, ``_cache``, ``_expire_info``, ``_set()`` and ``_delete()``, on reads passing whatever
    bytes are in ``_cache`` to ``pickle.loads``, and on ``default_key_func`` putting the key behind a fixed prefix.
    """
    full_key = store.make_key
    if store.key_func is default_key_func:
        full_key = store.make_key("").__add__
    return LocalParts(store._lock, store._cache, store._expire_info, store._set, store._delete, full_key)


def _redis_pattern(start: str) -> str:
    """Match the keys that begin with a text, whatever characters it holds."""
    return "".join("\\" + character if character in "*?[]\\^" else character for character in start) + "*"


def ignores_errors(cache: Any, alias: str) -> bool:
    """Whether a cache of ``CACHES`` keeps its errors to itself.

    Relies on ``_ignore_exceptions`` of django-redis and the option ``ignore_exc`` of pymemcache.
    """
    options = cache_settings()[alias].get("OPTIONS", {})
    return bool(getattr(cache, "_ignore_exceptions", False) or options.get("ignore_exc"))


def redis_memory(store: Any) -> tuple[int, str] | None:
    """Return how many bytes the Redis of a cache may take (0: no limit), and what it removes when it is full.

    None for a cache that is in no Redis. Raises what the client raises, where Redis cannot be reached or does not tell.
    Relies on ``client.get_client()`` of django-redis, and on ``_cache.get_client()`` of ``RedisCache``.
    """
    if hasattr(getattr(store, "client", None), "get_client"):
        client = store.client.get_client(write=True)
    elif hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None, write=True)
    else:
        return None
    found = client.config_get("maxmemory*")
    return int(found["maxmemory"]), str(found["maxmemory-policy"])


def compresses_values(store: Any, alias: str) -> bool:
    """Whether a cache of ``CACHES`` compresses what it keeps.

    Relies on ``FileBasedCache``, which uses zlib, and on the option ``COMPRESSOR`` of django-redis, whose default
    compresses nothing.
    """
    compressor = cache_settings()[alias].get("OPTIONS", {}).get("COMPRESSOR")
    compresses = compressor is not None and not str(compressor).endswith(".IdentityCompressor")
    return compresses or isinstance(store, FileBasedCache)
