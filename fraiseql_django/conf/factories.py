"""Makes the storage and the cache of the settings, or reports what is wrong with them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.cache import caches
from django.db import connections
from django.utils.module_loading import import_string

from .._compat import PSYCOPG_3
from .._django import is_same_cache
from ..cache.base import Cache
from ..cache.django import DjangoCache
from ..errors import ConfigurationError
from ..storage.base import PositionedStorage, Storage
from ..storage.django import DjangoStorage
from .reader import Problem, import_path, refuse
from .settings import Settings, cache_aliases

logger = logging.getLogger("fraiseql_django.engine")

# The prefix of aliases that engines add to DATABASES and CACHES
OWN_ALIAS = "fraiseql_"


def make_storage(settings: Settings) -> Storage:
    """Make the storage of the settings; raise ConfigurationError where a setting is wrong."""
    refuse(storage_problems(settings))
    return _storage_of(settings, settings.database)


def make_replicas(settings: Settings) -> dict[str, Storage]:
    """Make the storages of the replicas of the settings; raise ConfigurationError where a setting is wrong."""
    refuse(storage_problems(settings))
    return {alias: _storage_of(settings, alias) for alias in settings.replicas}


def _storage_of(settings: Settings, alias: str) -> Storage:
    made: Storage = _make(
        "FRAISEQL['STORAGE']", settings.storage, alias, prepare_statements=settings.prepare_statements
    )
    if isinstance(made, DjangoStorage):
        made.jit, made.max_prepared = settings.jit, settings.max_prepared
        made.prepared_bytes = settings.memory.prepared_statements
    return made


def make_cache(settings: Settings) -> Cache | None:
    """Make the cache of the settings, None where there is none; raise ConfigurationError where a setting is wrong."""
    if settings.cache.alias is None:
        return None
    refuse(cache_problems(settings))
    made: Cache = _make(
        "FRAISEQL['CACHE']['BACKEND']", settings.cache.backend, settings.cache.alias, prefix=settings.cache.key_prefix
    )
    if isinstance(made, DjangoCache):
        made.local_bytes = settings.memory.answers
        made.spread = settings.cache.shards
    return made


def refuse_untold(cache: Cache | None) -> None:
    """Raise ConfigurationError for a cache that processes share, but that writes of other processes do not reach.

    They reach the caches of the settings. A process that never builds an engine by hand does not know of its cache.
    """
    if not isinstance(cache, DjangoCache) or cache.is_private:
        return
    told = cache_aliases()
    if cache.alias in told or any(is_same_cache(cache.alias, alias) for alias in told):
        return
    raise ConfigurationError(
        f"the engine keeps its answers in CACHES[{cache.alias!r}], which the writes of other processes do not reach: "
        f"add {cache.alias!r}, or an alias of the same server, to FRAISEQL['CACHE']['TELLS'], or keep the answers in "
        f"one of: {', '.join(map(repr, sorted(told)))}"
    )


def make_cache_of(alias: str, settings: Settings) -> Cache:
    """Make a cache of another alias, for the versions in it."""
    made = DjangoCache(alias)
    made.local_bytes, made.spread = settings.memory.answers, settings.cache.shards
    return made


def make_observers(settings: Settings) -> list[Any]:
    """Make the observers of the settings; raise ConfigurationError where a path is wrong.

    One that cannot be made is logged and left out: it observes operations, and must break none.
    """
    refuse(observer_problems(settings))
    made = []
    for path in settings.metrics.observers:
        try:
            made.append(import_string(path)())
        except Exception:
            logger.exception("the observer %s of FRAISEQL['METRICS']['OBSERVERS'] cannot be made", path)
    return made


def observer_problems(settings: Settings) -> Iterator[Problem]:
    """Return what is wrong with the observers of operations."""
    where = "FRAISEQL['METRICS']['OBSERVERS']"
    hint = "Name a class like 'fraiseql_django.contrib.opentelemetry.OpenTelemetry'."
    for path in settings.metrics.observers:
        found, problem = import_path(where, path, id="fraiseql.E060", hint=hint)
        if problem is not None:
            yield problem
        elif not all(callable(getattr(found, name, None)) for name in ("begin", "parsed", "end")):
            message = f"{where} has {path!r}, which has no methods begin(), parsed() and end()."
            yield Problem(id="fraiseql.E060", message=message, hint=hint)


def _make(where: str, path: str, alias: str, **options: Any) -> Any:
    try:
        return import_string(path)(alias, **options)
    except TypeError as error:
        given = ", ".join([repr(alias), *(f"{name}={value!r}" for name, value in options.items())])
        raise ConfigurationError(f"{where} is {path!r}, which does not take ({given}): {error}") from error


def storage_problems(settings: Settings) -> Iterator[Problem]:
    """Return what is wrong with the database and the storage class, without connecting."""
    alias = settings.database
    if alias not in connections:
        message = f"FRAISEQL['DATABASE'] is {alias!r}, which is not in DATABASES."
        yield Problem(id="fraiseql.E006", message=message, hint=_one_of(connections))
    elif connections[alias].vendor != "postgresql":
        message = f"FRAISEQL['DATABASE'] is {alias!r}, whose ENGINE is {connections.settings[alias]['ENGINE']!r}."
        hint = "It must be PostgreSQL: 'django.db.backends.postgresql', or a backend that extends it."
        yield Problem(id="fraiseql.E007", message=message, hint=hint)
    elif not PSYCOPG_3:
        message = "psycopg 3 cannot be imported."
        hint = "FraiseQL needs it, psycopg 2 will not do: pip install 'psycopg[binary]>=3.2,<3.4'"
        yield Problem(id="fraiseql.E008", message=message, hint=hint)
    else:
        for replica in settings.replicas:
            yield from _replica_problems(replica, alias)
    yield from _class_problems("FRAISEQL['STORAGE']", settings.storage, Storage)
    if settings.replicas:
        yield from _class_problems("FRAISEQL['STORAGE']", settings.storage, PositionedStorage)


def _replica_problems(replica: str, alias: str) -> Iterator[Problem]:
    """Return what is wrong with an alias of ``REPLICAS``: its statements must mean the same as on the database."""
    where = f"FRAISEQL['REPLICAS'] has {replica!r}"
    if replica not in connections:
        others = [name for name in connections if name != alias]
        yield Problem(id="fraiseql.E050", message=f"{where}, which is not in DATABASES.", hint=_one_of(others))
    elif replica == alias:
        hint = "Leave it out: what no router sends to a replica is read from the database itself."
        yield Problem(id="fraiseql.E050", message=f"{where}, which is FRAISEQL['DATABASE'].", hint=hint)
    else:
        one, two = connections.settings[replica], connections.settings[alias]
        pairs = {
            "ENGINE": (one["ENGINE"], two["ENGINE"]),
            "TIME_ZONE": (one["TIME_ZONE"], two["TIME_ZONE"]),
            "OPTIONS['options']": (one["OPTIONS"].get("options"), two["OPTIONS"].get("options")),
        }
        for name, (own, primary) in pairs.items():
            if own != primary:
                message = f"{where}, whose {name} is {own!r}, not {primary!r} as in DATABASES[{alias!r}]."
                hint = "Statements are made for both, so both must read them alike."
                yield Problem(id="fraiseql.E050", message=message, hint=hint)


def cache_problems(settings: Settings) -> Iterator[Problem]:
    """Return what is wrong with the caches' aliases and class, without connecting."""
    for told in settings.cache.tells:
        yield from _alias_problems(told, f"FRAISEQL['CACHE']['TELLS'] has {told!r}", _one_of(caches))
    alias = settings.cache.alias
    if alias is None:
        return
    hint = f"{_one_of(caches)} None caches no answers."
    yield from _alias_problems(alias, f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}", hint)
    yield from _class_problems("FRAISEQL['CACHE']['BACKEND']", settings.cache.backend, Cache)
    yield from _watch_problems(settings.cache.watch_database)


def _alias_problems(alias: str, where: str, hint: str) -> Iterator[Problem]:
    if alias not in caches:
        yield Problem(id="fraiseql.E009", message=f"{where}, which is not in CACHES.", hint=hint)
        return
    try:
        caches[alias]
    except Exception as error:
        hint = f"Correct CACHES[{alias!r}], or install what it needs."
        yield Problem(id="fraiseql.E009", message=f"{where}, which cannot be made: {error}.", hint=hint)


def _watch_problems(alias: str | None) -> Iterator[Problem]:
    if alias is None:
        return
    where = f"FRAISEQL['CACHE']['WATCH_DATABASE'] is {alias!r}"
    if alias not in connections:
        hint = f"{_one_of(connections)} None means DATABASE."
        yield Problem(id="fraiseql.E006", message=f"{where}, which is not in DATABASES.", hint=hint)
    elif connections[alias].vendor != "postgresql":
        message = f"{where}, whose ENGINE is {connections.settings[alias]['ENGINE']!r}."
        hint = "Name an alias that leads to the database of DATABASE."
        yield Problem(id="fraiseql.E007", message=message, hint=hint)


def _one_of(aliases: Iterable[str]) -> str:
    return f"Must be one of: {', '.join(repr(alias) for alias in aliases if not alias.startswith(OWN_ALIAS))}."


def _class_problems(where: str, path: str, protocol: type) -> Iterator[Problem]:
    hint = f"Name a class with the methods of {protocol.__module__}.{protocol.__qualname__}."
    cls, problem = import_path(where, path, id="fraiseql.E010", hint=hint)
    if problem is not None:
        yield problem
        return
    if not isinstance(cls, type):
        yield Problem(id="fraiseql.E010", message=f"{where} is {path!r}, which is no class.", hint=hint)
    elif missing := _missing(cls, protocol):
        message = f"{where} is {path!r}, which lacks: {', '.join(missing)}."
        yield Problem(id="fraiseql.E010", message=message, hint=hint)


def _missing(cls: type, protocol: type) -> list[str]:
    # a class that delegates missing attributes cannot be checked
    if hasattr(cls, "__getattr__"):
        return []
    # other attributes may be set by __init__
    methods = [name for name, member in vars(protocol).items() if callable(member) and not name.startswith("_")]
    return [name for name in methods if not hasattr(cls, name)]
