"""URLs of servers, read and shown: no error and nothing shown repeats a password."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ._compat import ProgrammingError, conninfo_to_dict
from .errors import ConfigurationError

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
    except ProgrammingError as error:
        # libpq repeats most of what it refuses, which may be the password
        unknown = re.search(r'query parameter: "(\w+)"', str(error))
        if unknown is None:
            raise malformed from None
        raise ConfigurationError(f"{where} has an unknown parameter {unknown.group(1)!r}") from None
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
    """Return a URL that libpq has read, with its passwords as ``***``."""
    return _mask_query(re.sub(r"^(\w+://[^:@/]*):[^@/]*@", r"\1:***@", url))


def mask_redis_url(url: str) -> str:
    """Return a URL that Python has read, with its passwords as ``***``."""
    return _mask_query(re.sub(r"^(\w+://[^:@/?#]*):[^/?#]*@", r"\1:***@", url))


def _mask_query(url: str) -> str:
    path, question, query = url.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    shown = [f"{name}=***" if "password" in unquote(name).lower() else name + sep + value for name, sep, value in pairs]
    return path + question + "&".join(shown)
