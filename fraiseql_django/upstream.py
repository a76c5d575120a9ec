"""The upstream's configuration → settings: ``{"db": …, "cache": …}``, with a database and a cache of its own.

    {"db": "postgres://user:password@host:5432/name"}
    {"db": {"url": …, "pool_size": 10, "timeout_seconds": 30},
     "cache": {"type": "memory", "max_size": 1000, "ttl_seconds": 60}}
    {"cache": {"type": "redis", "url": "redis://localhost:6379/0"}}

Every accepted key has its effect; any other is refused by name. Without ``db`` the default database is
used, without ``cache`` a cache in memory.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections

from .conf import Settings, get_settings
from .errors import ConfigurationError

_DATABASE_SCHEMES = ("postgres", "postgresql")
_REDIS_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A configuration, read: the settings that it comes to, and how it may be shown."""

    settings: Settings
    shown: dict[str, Any]


def settings_from(config: Mapping[str, Any] | str) -> Configuration:
    """Read a configuration and make the database and cache aliases that it describes.

    Raises ConfigurationError that names what is wrong and what is allowed.
    """
    if isinstance(config, str):
        try:
            config = json.loads(config)
        except ValueError as error:
            raise ConfigurationError(f"the configuration is not JSON: {error}") from None
    given = _mapping(config, "the configuration", {"db": (str, Mapping), "cache": (Mapping,)})
    base = get_settings()
    database = _database(given["db"]) if "db" in given else DEFAULT_DB_ALIAS
    alias, ttl = _cache(given.get("cache", {}))
    settings = replace(base, database=database, cache=replace(base.cache, alias=alias, ttl=ttl or base.cache.ttl))
    return Configuration(settings=settings, shown=_masked(given))


def _mapping(value: Any, where: str, allowed: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} is a {type(value).__name__}, must be an object with: {_names(allowed)}")
    for key, item in value.items():
        types = allowed.get(key)
        if types is None:
            raise ConfigurationError(f"{where} has an unknown key {key!r}; must be one of: {_names(allowed)}")
        if not isinstance(item, types) or isinstance(item, bool):
            names = " or ".join("an object" if t is Mapping else t.__name__ for t in types)
            raise ConfigurationError(f"{where}: {key} is a {type(item).__name__}, must be {names}")
        if isinstance(item, (int, float)) and item <= 0:
            raise ConfigurationError(f"{where}: {key} is {item}, must be more than 0")
    return dict(value)


def _names(allowed: Mapping[str, Any]) -> str:
    return ", ".join(repr(key) for key in allowed)


# --- database ---


def _database(value: Any) -> str:
    given = {"url": value} if isinstance(value, str) else value
    given = _mapping(given, "db", {"url": (str,), "pool_size": (int,), "timeout_seconds": (int, float)})
    if "url" not in given:
        raise ConfigurationError("db has no url")
    alias = _alias(given)
    if alias not in connections.settings:
        default = connections.settings[DEFAULT_DB_ALIAS]
        added = {DEFAULT_DB_ALIAS: default, alias: _database_settings(given, default)}
        connections.settings[alias] = connections.configure_settings(added)[alias]
    return alias


def _database_settings(given: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    url = _split(given["url"], "db.url", _DATABASE_SCHEMES)
    name = unquote(url.path.removeprefix("/"))
    if not name:
        raise ConfigurationError("db.url names no database: postgres://user:password@host:5432/name")
    options: dict[str, Any] = dict(parse_qsl(url.query))
    host = unquote(url.hostname or "") or options.pop("host", "")
    if "timeout_seconds" in given:
        seconds = given["timeout_seconds"]
        # libpq counts whole seconds, and takes less than 2 for 2
        options["connect_timeout"] = max(2, round(seconds))
        options["options"] = f"{options.get('options', '')} -c statement_timeout={round(seconds * 1000)}".strip()
    if "pool_size" in given:
        if find_spec("psycopg_pool") is None:
            raise ConfigurationError("db.pool_size needs psycopg_pool: pip install 'psycopg[pool]'")
        options["pool"] = {"min_size": 1, "max_size": given["pool_size"]}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(_port(url, "db.url") or ""),
        "OPTIONS": options,
        "TIME_ZONE": default.get("TIME_ZONE"),
        "CONN_MAX_AGE": 0 if "pool_size" in given else 60,
    }


def _split(url: str, where: str, schemes: tuple[str, ...]) -> Any:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigurationError(f"{where} is malformed: {error}") from None
    if parts.scheme not in schemes:
        raise ConfigurationError(
            f"{where} has the scheme {parts.scheme!r}, must be one of: {', '.join(map(repr, schemes))}"
        )
    _port(parts, where)
    return parts


def _port(parts: Any, where: str) -> int | None:
    try:
        port: int | None = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{where} is malformed: {error}") from None
    return port


def _alias(given: Mapping[str, Any]) -> str:
    text = json.dumps(dict(given), sort_keys=True)
    return "fraiseql_" + hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


# --- cache ---


def _cache(value: Any) -> tuple[str, int | None]:
    allowed = {"type": (str,), "url": (str,), "ttl_seconds": (int,), "max_size": (int,)}
    given = _mapping(value, "cache", allowed)
    kind = given.get("type", "memory")
    if kind not in ("memory", "redis"):
        raise ConfigurationError(f"cache.type is {kind!r}, must be one of: 'memory', 'redis'")
    if kind == "memory" and "url" in given:
        raise ConfigurationError("cache.url is for cache.type 'redis'; a memory cache has none")
    if kind == "redis" and "max_size" in given:
        raise ConfigurationError("cache.max_size is for cache.type 'memory'; Redis bounds itself with its maxmemory")
    alias = _alias({key: item for key, item in given.items() if key != "ttl_seconds"} | {"type": kind})
    if alias not in caches.settings:
        caches.settings[alias] = _redis(given) if kind == "redis" else _memory(given, alias)
    return alias, given.get("ttl_seconds")


def _memory(given: Mapping[str, Any], alias: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": alias,
        "OPTIONS": {"MAX_ENTRIES": given.get("max_size", 10_000)},
    }


def _redis(given: Mapping[str, Any]) -> dict[str, Any]:
    if "url" not in given:
        raise ConfigurationError("cache.type 'redis' needs cache.url: redis://host:6379/0")
    _split(given["url"], "cache.url", _REDIS_SCHEMES)
    if find_spec("django_redis") is None:
        raise ConfigurationError("cache.type 'redis' needs django-redis: pip install 'fraiseql_django[redis]'")
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": given["url"],
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
    }


# --- showing ---


def _masked(given: Mapping[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(dict(given))
    if isinstance(shown.get("db"), str):
        shown["db"] = mask_url(shown["db"])
    for part in ("db", "cache"):
        if isinstance(shown.get(part), dict) and "url" in shown[part]:
            shown[part]["url"] = mask_url(shown[part]["url"])
    return shown


def mask_url(url: str) -> str:
    """Return a URL with its password, in the authority or the query, as ``***``."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if parts.password is not None:
        credentials, _, host = netloc.rpartition("@")
        netloc = f"{credentials.partition(':')[0]}:***@{host}"
    query = "&".join(
        f"{name}={'***' if 'password' in name.lower() else value}" for name, value in parse_qsl(parts.query)
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))
