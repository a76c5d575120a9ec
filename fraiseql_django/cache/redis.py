"""The engine's values in Redis, behind Django's ``RedisCache`` or django-redis: commands on a client of our own.

Three things want more than the methods of a cache of Django's. The values of versions are compared and set in one round
trip, by a script. Reads go to the primary, since a replica may lack a version. And every connection knows which server
it is to, and in which of its lives: ``run_id`` is another one after a restart, which may have loaded an old snapshot,
``master_replid`` after a failover, which may have lost a write. What was kept under another life is not used.

So the client has connections of its own, made by the project's configuration. This module is imported where a cache of
``CACHES`` is a Redis, and is the one that uses redis-py and the private parts of the two backends.
"""

from __future__ import annotations

import logging
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b, sha1
from typing import Any

from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError
from redis.retry import Retry

from .keys import is_version

logger = logging.getLogger("fraiseql_django.cache")

# Unless the project says how long: redis-py may wait for ever for a server that hangs, and try it again and again
TIMEOUT_SECONDS = 2.0
# Keys that are deleted, or asked for, in one command
BATCH = 1000

# The marks of other writers in a value, as ``marks._others`` finds them: their text, and when the last of them ends
_OTHERS = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function others_of(value)
    local others, ends = '', 0
    if value then
        for token, until_ in string.gmatch(value, '!([^@!]+)@(%d+)') do
            local at = tonumber(until_)
            if at > now and token ~= ARGV[1] then
                others = others .. '!' .. token .. '@' .. until_
                if at > ends then ends = at end
            end
        end
    end
    return others, ends
end
"""
# The writer's token, and the milliseconds of its lease
_MARK = f"""{_OTHERS}
for _, key in ipairs(KEYS) do
    local others, ends = others_of(redis.call('GET', key))
    local own = now + tonumber(ARGV[2])
    redis.call('SET', key, others .. '!' .. ARGV[1] .. '@' .. string.format('%.0f', own),
        'PX', string.format('%.0f', math.max(ends, own) - now))
end
return 1
"""
# The writer's token, and a version for each key
_REPLACE = f"""{_OTHERS}
for i, key in ipairs(KEYS) do
    local value = redis.call('GET', key)
    local others, ends = others_of(value)
    if others == '' then
        redis.call('SET', key, ARGV[i + 1])
    elseif others ~= value then
        redis.call('SET', key, others, 'PX', string.format('%.0f', ends - now))
    end
end
return 1
"""
# A version for each key
_ADD = """
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i], 'NX') end
return redis.call('MGET', unpack(KEYS))
"""
_INCREMENT = "if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('INCR', KEYS[1]) end return false"

# Which server has answered the last call of each thread
_answered = threading.local()
_warned = False


def client_of(store: Any) -> Callable[[], Any] | None:
    """Return what makes a client of our own for a cache of ``CACHES``; None for one that is to be used by its methods.

    That is a backend which is no Redis, which spreads its keys over several servers in a way of its own, or which
    overrides a method by which values are read or stored: it may encrypt them. Relies on ``_cache``, ``_servers``,
    ``_pool_class`` and ``_pool_options`` of Django's backend, on ``_server`` and ``connection_factory`` of
    django-redis's client, and on ``make_connection_params()`` and ``get_connection_pool()`` of its factory, which makes
    a new pool at each call.
    """
    if _is_plain(type(store), DjangoRedisCache):
        inner: Any = store._cache
        return lambda: _single(inner._pool_class.from_url(inner._servers[0], **inner._pool_options))
    client: Any = getattr(store, "client", None)
    if type(store).__module__ == "django_redis.cache" and type(client).__module__ in _PLAIN_CLIENTS:
        factory = client.connection_factory
        if hasattr(factory, "make_cluster"):
            return lambda: _cluster(factory, client._server[0])
        return lambda: _single(factory.get_connection_pool(factory.make_connection_params(client._server[0])))
    return None


_PLAIN_CLIENTS = ("django_redis.client.default", "django_redis.client.sentinel")
_METHODS = ("get", "get_many", "set", "set_many", "add", "delete", "delete_many")


def _is_plain(backend: type, own: type) -> bool:
    return issubclass(backend, own) and all(getattr(backend, name) is getattr(own, name) for name in _METHODS)


def coder_of(store: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return what makes bytes of a value and back, as the project has configured the backend.

    Relies on ``_cache._serializer`` of Django's backend, and on ``encode()`` and ``decode()`` of django-redis's client.
    """
    if isinstance(store, DjangoRedisCache):
        inner: Any = store._cache
        serializer = inner._serializer
        return serializer.dumps, serializer.loads
    return store.client.encode, store.client.decode


def _single(pool: Any) -> Any:
    """Return a client over a pool that has made no connection yet."""
    pool.connection_kwargs.update(_options(pool.connection_kwargs))
    pool.connection_class = observed(pool.connection_class)
    return Redis(connection_pool=pool)


def _cluster(factory: Any, url: str) -> Any:
    """Return a client of a cluster. Relies on ``nodes_manager``, and on the pool of each node.

    The class of connections cannot be given for every form of a URL, so it is put in the place of redis-py's.
    """
    made = factory.make_cluster(url, **_options(factory.options.get("CONNECTION_POOL_KWARGS", {})))
    kwargs = made.nodes_manager.connection_kwargs
    kwargs["connection_class"] = observed(kwargs.get("connection_class", Connection))
    for node in made.get_nodes():
        if node.redis_connection is not None:
            pool = node.redis_connection.connection_pool
            pool.disconnect()
            pool.connection_class = observed(pool.connection_class)
            pool.reset()
    return made


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of connections, those of the project before ours."""
    own: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        # a connection that the server has closed meanwhile; what timed out is not waited for again
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }
    return {name: value for name, value in own.items() if name not in given} | {
        "redis_connect_func": identified(given.get("redis_connect_func"))
    }


def identified(connected: Callable[[Any], None] | None) -> Callable[[Any], None]:
    """Return what is called with each new connection, in the place of a project's own function or of redis-py's."""

    def connect(connection: Any) -> None:
        if connected is None:
            connection.on_connect()
        else:
            connected(connection)
        identify(connection)

    return connect


def identify(connection: Any) -> None:
    """Ask a new connection's server who it is."""
    found: dict[str, str] = {}
    try:
        for section in ("server", "replication"):
            connection.send_command("INFO", section)
            answer = connection.read_response()
            text = answer.decode() if isinstance(answer, bytes) else str(answer)
            for line in text.splitlines():
                name, _, value = line.partition(":")
                found[name] = value
    except ResponseError as error:
        _warn(error)
    lives = f"{found.get('run_id', '')} {found.get('master_replid', '')}"
    connection.fraiseql_server = urlsafe_b64encode(blake2b(lives.encode(), digest_size=6).digest()).decode()


def _warn(error: Exception) -> None:
    global _warned
    if not _warned:
        _warned = True
        logger.warning(
            "Redis does not allow INFO, so a restart from a snapshot or a failover is not noticed: %s", error
        )


@cache
def observed(connection_class: Any) -> Any:
    """Return a class of connections that notes for each thread which server has answered."""

    class Observed(connection_class):  # type: ignore[misc]
        fraiseql_server = ""

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            response = super().read_response(*args, **kwargs)
            _answered.server = self.fraiseql_server
            return response

    return Observed


class _Script:
    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisValues:
    """The engine's values in one Redis, or in a Redis Cluster, under whole keys.

    The values of versions are texts, all others go through the backend's own serializer.
    """

    def __init__(self, store: Any, make: Callable[[], Any]) -> None:
        self.client = make()
        self._encode, self._decode = coder_of(store)
        self.is_cluster = isinstance(self.client, RedisCluster)

    @property
    def server(self) -> str:
        """Which server has answered this thread's last call."""
        return getattr(_answered, "server", "")

    def get_many(self, keys: list[str]) -> dict[str, Any]:
        """Return the values that exist, by MGET; in a cluster the keys must be of one slot."""
        values = self.client.mget(keys)
        return {key: self._loaded(key, value) for key, value in zip(keys, values, strict=True) if value is not None}

    def get(self, key: str) -> Any | None:
        """Return a value, None where it is missing."""
        value = self.client.get(key)
        return None if value is None else self._loaded(key, value)

    def _loaded(self, key: str, value: Any) -> Any:
        return value.decode() if is_version(key) else self._decode(value)

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Store a value."""
        self.client.set(key, self._encode(value), ex=ttl_seconds)

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Store a value unless there is one, and return whether there was none."""
        return bool(self.client.set(key, self._encode(value), ex=ttl_seconds, nx=True))

    def increment(self, key: str) -> int | None:
        """Add one to a number and return it; None where it is missing."""
        found = self._run(_INCREMENT_SCRIPT, [key], [])
        return None if found is None else int(found)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove values."""
        found = list(keys)
        for start in range(0, len(found), BATCH):
            self.client.delete(*found[start : start + BATCH])

    def keys(self, start: str) -> Iterator[str]:
        """Iterate over the keys that begin with a text, without it."""
        pattern = "".join("\\" + character if character in "*?[]\\^" else character for character in start) + "*"
        for key in self.client.scan_iter(match=pattern, count=BATCH):
            yield (key.decode() if isinstance(key, bytes) else key)[len(start) :]

    def add_many(self, values: Mapping[str, str]) -> dict[str, str]:
        """Store those versions whose keys are missing and return all that there are, in one round trip."""
        found = self._run(_ADD_SCRIPT, [*values], [*values.values()])
        return {key: value.decode() for key, value in zip(values, found, strict=True) if value is not None}

    def mark_many(self, groups: Iterable[list[str]], token: str, seconds: int) -> None:
        """Mark versions; the keys come in a group for each slot."""
        self._run_all(_MARK_SCRIPT, [(keys, [token, str(seconds * 1000)]) for keys in groups])

    def replace_many(self, groups: Iterable[Mapping[str, str]], token: str) -> None:
        """Replace versions where no other writer's mark stands."""
        self._run_all(_REPLACE_SCRIPT, [([*group], [token, *group.values()]) for group in groups])

    def _run_all(self, script: _Script, calls: list[tuple[list[str], list[str]]]) -> None:
        if len(calls) == 1:
            self._run(script, *calls[0])
            return
        # to several servers at once; redis-py refuses the methods of scripts here, as a node might not have them
        pipeline = self.client.pipeline()
        for keys, arguments in calls:
            pipeline.execute_command("EVAL", script.text, len(keys), *keys, *arguments)
        pipeline.execute()

    def _run(self, script: _Script, keys: list[str], arguments: list[str]) -> Any:
        try:
            return self.client.evalsha(script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            # the server was started since then
            return self.client.eval(script.text, len(keys), *keys, *arguments)
        except ReadOnlyError:
            # it is a replica by now; its name may lead to the primary if it is looked up again
            if not self.is_cluster:
                self.client.connection_pool.disconnect()
            raise


_MARK_SCRIPT, _REPLACE_SCRIPT, _ADD_SCRIPT = _Script(_MARK), _Script(_REPLACE), _Script(_ADD)
_INCREMENT_SCRIPT = _Script(_INCREMENT)
