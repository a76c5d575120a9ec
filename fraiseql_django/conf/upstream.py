"""The configuration of the upstream project FraiseQL → settings, with a database and a cache of its own.

    {"db": "postgres://user:password@host:5432/name"}
    {"db": {"url": …, "pool_size": 10, "timeout_seconds": 30},
     "cache": {"type": "memory", "max_size": 1000, "ttl_seconds": 60}}
    {"cache": {"type": "redis", "url": "redis://localhost:6379/0"}}

Every accepted key has an effect; any other is refused by name. Without ``db`` the default database is used, without
``cache`` a cache in memory. No error, and nothing that is shown, contains a password of a URL.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections

from .._compat import Conninfo, ProgrammingError, conninfo_to_dict
from .._django import cache_settings, in_atomic_block
from ..errors import ConfigurationError
from .factories import OWN_ALIAS
from .settings import Settings, get_settings

# PostgreSQL counts statement_timeout in milliseconds of 32 bits
_LONGEST_SECONDS = 2_147_483
_MEMORY_MAX_SIZE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings that a configuration describes, and the configuration with its passwords masked.

    ``pooled`` says whether the database is the configuration's own and its connections come from a pool.
    """

    settings: Settings
    shown: dict[str, Any]
    pooled: bool


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
    database, pooled = _database(given["db"]) if "db" in given else (DEFAULT_DB_ALIAS, False)
    alias, ttl = _cache(given.get("cache", {}))
    settings = replace(base, database=database, cache=replace(base.cache, alias=alias, ttl=ttl or base.cache.ttl))
    return Configuration(settings=settings, shown=_masked(given), pooled=pooled)


def _mapping(value: Any, where: str, allowed: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} is {_kind(value)}, must be an object with: {_names(allowed)}")
    for key, item in value.items():
        types = allowed.get(key)
        if types is None:
            raise ConfigurationError(f"{where} has an unknown key {key!r}; must be one of: {_names(allowed)}")
        if not isinstance(item, types) or isinstance(item, bool):
            wanted = " or ".join(_KINDS[kind] for kind in types)
            raise ConfigurationError(f"{where}: {key} is {_kind(item)}, must be {wanted}")
        if isinstance(item, (int, float)) and not item > 0:
            raise ConfigurationError(f"{where}: {key} is {item}, must be more than 0")
    return dict(value)


_KINDS: Mapping[Any, str] = {Mapping: "an object", str: "a string", int: "an integer", float: "a number"}


def _kind(value: Any) -> str:
    # the value itself may hold a password
    return "an object" if isinstance(value, Mapping) else f"of type {type(value).__name__}"


def _names(allowed: Mapping[str, Any]) -> str:
    return ", ".join(repr(key) for key in allowed)


def _alias(given: Mapping[str, Any]) -> str:
    text = json.dumps(dict(given), sort_keys=True)
    return OWN_ALIAS + hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


# --- database ---


def _database(value: Any) -> tuple[str, bool]:
    given = {"url": value} if isinstance(value, str) else value
    given = _mapping(given, "db", {"url": (str,), "pool_size": (int,), "timeout_seconds": (int, float)})
    if "url" not in given:
        raise ConfigurationError("db has no url")
    alias = _alias(given)
    if alias not in connections.settings:
        default = connections.settings[DEFAULT_DB_ALIAS]
        added = {DEFAULT_DB_ALIAS: default, alias: _database_settings(given, default)}
        connections.settings[alias] = connections.configure_settings(added)[alias]
    return alias, "pool_size" in given


def _database_settings(given: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = database_parameters(given["url"], "db.url")
    settings = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parameters.pop("dbname"),
        "USER": parameters.pop("user", ""),
        "PASSWORD": parameters.pop("password", ""),
        "HOST": parameters.pop("host", ""),
        "PORT": parameters.pop("port", ""),
        "TIME_ZONE": default.get("TIME_ZONE"),
        "CONN_MAX_AGE": 0 if "pool_size" in given else 60,
    }
    if "timeout_seconds" in given:
        parameters |= _timeouts(given["timeout_seconds"], parameters.get("options", ""))
    if "pool_size" in given:
        parameters["pool"] = _pool(given)
    return {**settings, "OPTIONS": parameters}


def _timeouts(seconds: float, options: str) -> dict[str, Any]:
    if seconds > _LONGEST_SECONDS:
        raise ConfigurationError(f"db: timeout_seconds is {seconds}, must be {_LONGEST_SECONDS} at most")
    # 0 would be no timeout at all
    milliseconds = max(1, round(seconds * 1000))
    return {
        # libpq counts whole seconds, and takes less than 2 for 2
        "connect_timeout": max(2, math.ceil(seconds)),
        "options": f"{options} -c statement_timeout={milliseconds}".strip(),
    }


def _pool(given: Mapping[str, Any]) -> dict[str, Any]:
    if find_spec("psycopg_pool") is None:
        raise ConfigurationError("db.pool_size needs psycopg_pool: pip install 'psycopg[pool]'")
    pool = {"min_size": 1, "max_size": given["pool_size"]}
    # how long an operation waits for a connection while all are in use; psycopg_pool's own is 30 seconds
    return {**pool, "timeout": given["timeout_seconds"]} if "timeout_seconds" in given else pool


def give_back(alias: str) -> None:
    """Return the thread's connection to its pool, unless a transaction is open on it.

    Django does so at the end of an HTTP request; a thread without one would keep it until the pool is empty.
    """
    connection = connections[alias]
    if not in_atomic_block(connection):
        connection.close()


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
    alias = _alias({**given, "type": kind})
    if alias not in cache_settings():
        if kind == "redis":
            _add_redis(given, alias)
        else:
            cache_settings()[alias] = _memory(given, alias)
    return alias, given.get("ttl_seconds")


def _memory(given: Mapping[str, Any], alias: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": alias,
        "OPTIONS": {"MAX_ENTRIES": given.get("max_size", _MEMORY_MAX_SIZE)},
    }


def _add_redis(given: Mapping[str, Any], alias: str) -> None:
    if "url" not in given:
        raise ConfigurationError("cache.type 'redis' needs cache.url: redis://host:6379/0")
    location = redis_location(given["url"], "cache.url")
    if find_spec("django_redis") is None:
        raise ConfigurationError("cache.type 'redis' needs django-redis: pip install 'fraiseql_django[redis]'")
    cache_settings()[alias] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location}
    try:
        # what a URL says is looked at when a connection is made of it, which does not yet connect
        cache: Any = caches[alias]
        cache.client.get_client(write=True).connection_pool.make_connection()
    except Exception as error:
        del caches[alias], cache_settings()[alias]
        raise ConfigurationError(f"cache.url is refused by the Redis client: {error}") from None


# --- showing ---


def _masked(given: Mapping[str, Any]) -> dict[str, Any]:
    shown = copy.deepcopy(dict(given))
    if isinstance(shown.get("db"), str):
        shown["db"] = mask_database_url(shown["db"])
    elif "db" in shown:
        shown["db"] = {**shown["db"], "url": mask_database_url(shown["db"]["url"])}
    if "url" in shown.get("cache", {}):
        shown["cache"] = {**shown["cache"], "url": mask_redis_url(shown["cache"]["url"])}
    return shown


# --- URLs of servers ---

_DATABASE_SCHEMES = ("postgres", "postgresql")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_DATABASE_EXAMPLE = "postgres://user:password@host:5432/name"
_REDIS_EXAMPLE = "redis://user:password@host:6379/0"
_ESCAPED = "(special characters in the password are written %XX)"
# How long an operation waits for Redis before it goes on without: its own timeouts are none, or 5 seconds
_REDIS_TIMEOUTS = {"socket_connect_timeout": "1", "socket_timeout": "1"}


def database_parameters(url: str, where: str) -> dict[str, Any]:
    """Return the connection parameters of a PostgreSQL URL, as libpq reads it, by libpq's names.

    Raises ConfigurationError.
    """
    _require_scheme(url, where, _DATABASE_SCHEMES)
    malformed = ConfigurationError(f"{where} is malformed, must be like {_DATABASE_EXAMPLE} {_ESCAPED}")
    # libpq would take a part of the password for the host or the name of the database
    if not re.fullmatch(r"\w+://([^@/]*@)?[^@?]*(\?.*)?", url):
        raise malformed
    try:
        parameters: dict[str, Any] = conninfo_to_dict(url)
    except ProgrammingError:
        # its message repeats most of the URL, which may be the password
        known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
        unknown = [name for name, _ in parse_qsl(url.partition("?")[2], keep_blank_values=True) if name not in known]
        if not unknown or not re.fullmatch(r"\w+", unknown[0]):
            raise malformed from None
        raise ConfigurationError(f"{where} has an unknown parameter {unknown[0]!r}") from None
    for port in parameters.get("port", "").split(","):
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise malformed
    if not parameters.get("dbname"):
        raise ConfigurationError(f"{where} names no database, must be like {_DATABASE_EXAMPLE}")
    return parameters


def redis_location(url: str, where: str) -> str:
    """Return the URL of a Redis with timeouts, unless it has its own; raise ConfigurationError.

    They stand in the URL, since django-redis shares connections among all caches of one URL.
    """
    scheme = _require_scheme(url, where, _REDIS_SCHEMES)
    malformed = ConfigurationError(f"{where} is malformed, must be like {_REDIS_EXAMPLE} {_ESCAPED}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # what Python says may repeat the password
        raise malformed from None
    if scheme == "unix" and not parts.path:
        raise ConfigurationError(f"{where} names no socket, must be like unix:///run/redis.sock?db=0")
    if port == 0 or parts.fragment or not (scheme == "unix" or re.fullmatch(r"/?[0-9]*", parts.path)):
        raise malformed
    given = dict(parse_qsl(parts.query))
    added = [f"{name}={value}" for name, value in _REDIS_TIMEOUTS.items() if name not in given]
    return "".join([url, "&" if parts.query else "?", "&".join(added)]) if added else url


def _require_scheme(url: str, where: str, schemes: tuple[str, ...]) -> str:
    scheme, separator, _ = url.partition("://")
    if scheme in schemes and separator:
        return scheme
    # without a separator it is anything, perhaps a secret
    found = f"has the scheme {scheme!r}" if separator else "has no scheme"
    raise ConfigurationError(f"{where} {found}, must be one of: {', '.join(map(repr, schemes))}")


def mask_database_url(url: str) -> str:
    """Return a URL that libpq accepts, with its passwords as ``***``."""
    return _mask_query(re.sub(r"^(\w+://[^:@/]*):[^@/]*@", r"\1:***@", url))


def mask_redis_url(url: str) -> str:
    """Return a URL that Python accepts, with its passwords as ``***``."""
    return _mask_query(re.sub(r"^(\w+://[^:@/?#]*):[^/?#]*@", r"\1:***@", url))


def _mask_query(url: str) -> str:
    path, question, query = url.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    shown = [f"{name}=***" if "password" in unquote(name).lower() else name + sep + value for name, sep, value in pairs]
    return path + question + "&".join(shown)
