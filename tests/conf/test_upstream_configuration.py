"""The upstream's configuration: both forms, the effect of every key, every refusal, nothing secret shown."""

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import close_old_connections, connections
from pytest_django import DjangoDbBlocker

from example_project.bookshop.models import Author
from fraiseql_django import ConfigurationError, GraphQLEngine, StorageError
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf import upstream
from fraiseql_django.conf.upstream import settings_from
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import CountingStorage
from tests.support import measured, wait_until

BOOKS = "{books {title}}"
EMPTY = b'{"data":{"books":[]}}'


@pytest.fixture(autouse=True)
def forget(settings: Any, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let tests reach databases of their own, and forget the aliases that they make."""
    settings.FRAISEQL = {"CACHE": {"KEY_PREFIX": f"upstream-tests-{os.getpid()}"}}
    databases, stores = set(connections.settings), set(caches.settings)
    with django_db_blocker.unblock():
        yield
        for alias in connections.settings.keys() - databases:
            connections[alias].close()
            if connections[alias].pool:
                connections[alias].close_pool()
            del connections[alias], connections.settings[alias]
    for alias in caches.settings.keys() - stores:
        if isinstance(caches[alias], LocMemCache):
            caches[alias].clear()
        del caches[alias], caches.settings[alias]


@pytest.fixture
def url(django_db_setup: None) -> str:
    """Return the URL of the tests' database."""
    given = {name: quote(str(value), safe="") for name, value in connections["default"].settings_dict.items()}
    credentials = given["USER"] + (f":{given['PASSWORD']}" if given["PASSWORD"] else "")
    port = f":{given['PORT']}" if given["PORT"] else ""
    return f"postgres://{credentials}@{given['HOST']}{port}/{given['NAME']}"


@pytest.fixture
def redis_url(settings: Any) -> Iterator[str]:
    """Return the URL of the tests' Redis, where nothing of these tests is left behind."""
    url = str(settings.CACHES["redis"]["LOCATION"])
    yield url
    cache = GraphQLEngine(redis(url)).cache
    assert cache is not None
    cache.clear()


def asked(engine: GraphQLEngine, sql: str) -> str:
    (value,) = engine.storage.query(sql).rows[0]
    assert value is not None
    return value.decode()


# --- both forms ---


def test_url_alone(url: str) -> None:
    engine = GraphQLEngine({"db": url})

    assert engine.execute(BOOKS).body == EMPTY
    assert asked(engine, "SELECT current_database()") == connections["default"].settings_dict["NAME"]
    assert engine.settings.database != "default"


def test_object(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url}, "cache": {"type": "memory"}})

    assert engine.execute(BOOKS).body == EMPTY
    assert engine.cache is not None
    assert engine.cache.backend_name == "LocMemCache"


def test_json_text(url: str) -> None:
    engine = GraphQLEngine(json.dumps({"db": {"url": url}, "cache": {"ttl_seconds": 5}}))

    assert engine.execute(BOOKS).body == EMPTY
    assert engine.settings.cache.ttl == 5


@pytest.mark.django_db
@pytest.mark.parametrize("config", [{}, "{}"])
def test_nothing_is_the_default_database_and_a_cache_in_memory(config: Any) -> None:
    engine = GraphQLEngine(config)

    assert engine.settings.database == "default"
    assert engine.settings.cache.ttl == 3600
    assert engine.cache is not None
    assert engine.cache.backend_name == "LocMemCache"
    assert engine.settings.cache.alias not in ("default", "locmem")
    assert engine.execute(BOOKS).body == EMPTY
    assert engine.config == {}


def test_what_the_configuration_does_not_say_is_as_in_the_settings(settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"TTL": 7, "KEY_PREFIX": "mine"}, "LIMITS": {"DEPTH": 3}}
    engine = GraphQLEngine({})

    assert (engine.settings.cache.ttl, engine.settings.cache.key_prefix, engine.settings.limits.depth) == (7, "mine", 3)


def test_the_same_configuration_has_the_same_connections(url: str) -> None:
    first, second, other = (GraphQLEngine({"db": {"url": url, "timeout_seconds": n}}) for n in (5, 5, 6))

    assert first.settings.database == second.settings.database != other.settings.database


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://ada%40shop:p%2Fw%3A@db.example:5433/my%20shop",
            {"USER": "ada@shop", "PASSWORD": "p/w:", "HOST": "db.example", "PORT": "5433", "NAME": "my shop"},
        ),
        ("postgresql://db/shop", {"HOST": "db", "NAME": "shop"}),
        ("postgres:///shop", {"NAME": "shop"}),
        ("postgres://%2FRun%2FPG/shop", {"HOST": "/Run/PG", "NAME": "shop"}),
        ("postgres://[::1]:5432/shop", {"HOST": "::1", "PORT": "5432", "NAME": "shop"}),
        ("postgres://one:1,two:2/shop", {"HOST": "one,two", "PORT": "1,2", "NAME": "shop"}),
        (
            "postgres:///?host=/run/pg&dbname=shop&user=ada&password=secret",
            {"HOST": "/run/pg", "NAME": "shop", "USER": "ada", "PASSWORD": "secret"},
        ),
        (
            "postgres://db/shop?sslmode=require&application_name=fraise",
            {"HOST": "db", "NAME": "shop", "OPTIONS": {"sslmode": "require", "application_name": "fraise"}},
        ),
    ],
)
def test_urls_are_read_as_libpq_reads_them(url: str, expected: dict[str, Any]) -> None:
    found = connections.settings[settings_from({"db": url}).settings.database]
    empty: dict[str, Any] = {"USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}}

    assert {name: found[name] for name in (*empty, "NAME")} == {**empty, **expected}


# --- the effect of every key ---


def test_timeout_is_that_of_statements_and_of_connecting(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "timeout_seconds": 2.5}})

    assert asked(engine, "SHOW statement_timeout") == "2500ms"
    connection = connections[engine.settings.database].connection
    assert connection.info.get_parameters()["connect_timeout"] == "3"


def test_timeout_ends_a_statement(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "timeout_seconds": 0.05}})

    with pytest.raises(StorageError) as caught:
        engine.storage.query("SELECT pg_sleep(5)")
    assert caught.value.sqlstate == "57014"


def test_the_shortest_timeout_is_not_none(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "timeout_seconds": 0.0001}})

    assert connections.settings[engine.settings.database]["OPTIONS"]["options"] == "-c statement_timeout=1"


def test_timeout_keeps_the_options_of_the_url(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": f"{url}?options=-c%20work_mem%3D5MB", "timeout_seconds": 4}})

    assert asked(engine, "SHOW work_mem") == "5MB"
    assert asked(engine, "SHOW statement_timeout") == "4s"


def test_pool_size_is_the_most_connections_there_are(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": f"{url}?application_name=fraiseql-pool", "pool_size": 2}})
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fraiseql-pool'"

    def ask(_: int) -> int:
        try:
            engine.storage.query("SELECT pg_sleep(0.05)")
            return int(asked(engine, count))
        finally:
            engine.release()

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(ask, range(12)))
    assert 1 <= max(found) <= 2
    assert connections[engine.settings.database].pool.max_size == 2


def test_threads_that_end_leave_their_connections_to_others(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "pool_size": 2, "timeout_seconds": 5}})
    answers: list[bytes] = []
    for number in range(6):
        query = f"{{books(offset: {number}) {{title}}}}"
        thread = Thread(target=lambda query=query: answers.append(engine.execute(query).body))  # type: ignore[misc]
        thread.start()
        thread.join()

    assert answers == [EMPTY] * 6


@pytest.mark.parametrize("use", ["execute", "explain", "is_ready", "health_check"])
def test_every_use_of_a_pool_gives_its_connection_back(url: str, use: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "pool_size": 1}})
    arguments = [BOOKS] if use in ("execute", "explain") else []
    getattr(engine, use)(*arguments)

    assert connections[engine.settings.database].connection is None


def test_how_long_an_operation_waits_for_the_pool(url: str) -> None:
    engine = GraphQLEngine({"db": {"url": url, "pool_size": 1, "timeout_seconds": 1}})
    engine.storage.query("SELECT 1")
    codes: list[Any] = []

    def ask() -> None:
        codes.extend(error["extensions"]["code"] for error in engine.execute(BOOKS).json()["errors"])
        close_old_connections()

    thread = Thread(target=ask)
    thread.start()
    thread.join()

    assert codes == ["DATABASE_UNAVAILABLE"]
    assert connections[engine.settings.database].pool.timeout == 1


def counting(config: Any) -> tuple[GraphQLEngine, CountingStorage]:
    storage = CountingStorage(DjangoStorage())
    return GraphQLEngine(config, storage=storage), storage


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_ttl_is_how_long_an_answer_is_kept(kind: str, redis_url: str) -> None:
    where = {"url": redis_url} if kind == "redis" else {}
    engine, storage = counting({"cache": {"type": kind, "ttl_seconds": 1, **where}})
    engine.execute(BOOKS)

    wait_until(lambda: engine.execute(BOOKS) and storage.queries == 2)


@pytest.mark.django_db(transaction=True)
def test_max_size_is_how_many_entries_there_are() -> None:
    engine = GraphQLEngine({"cache": {"type": "memory", "max_size": 6}})
    for number in range(20):
        assert engine.execute(f"{{books(offset: {number}) {{title}}}}").body == EMPTY

    assert engine.cache is not None
    assert engine.cache.size is not None
    assert 0 < engine.cache.size <= 6


@pytest.mark.django_db(transaction=True)
def test_memory_cache_is_bounded_in_bytes(settings: Any) -> None:
    settings.FRAISEQL = {"MEMORY": {"ANSWERS": 400_000}}
    Author.objects.create(name="Ursula", bio="x" * 40_000)
    engine = GraphQLEngine({"cache": {"type": "memory"}})
    # builds the schema
    engine.execute("{ authors { bio } }")
    with measured() as grown:
        for number in range(100):
            engine.execute(f"{{ authors {{ a{number}: bio }} }}")
        engine.clear_plans()
        kept = grown()

    assert engine.cache is not None
    assert engine.cache.backend_name == "LocMemCache"
    assert engine.cache.size is not None
    # the answers, and the version of their table
    assert 8 + 1 <= engine.cache.size <= 9 + 1
    # all of them would be four million
    assert 300_000 < kept < 2_000_000
    # larger than an eighth of it
    Author.objects.update(bio="x" * 60_000)
    before = engine.cache.size
    engine.execute("{ authors { bio } }")
    assert engine.statistics().result_hits == 0
    engine.execute("{ authors { bio } }")
    assert (engine.statistics().result_hits, engine.cache.size) == (0, before)


@pytest.mark.django_db(transaction=True)
def test_redis_url_is_where_answers_are_kept(redis_url: str) -> None:
    engine, storage = counting({"cache": {"type": "redis", "url": redis_url}})
    engine.execute(BOOKS)
    engine.execute(BOOKS)

    assert engine.cache is not None
    assert engine.cache.backend_name == "RedisCache"
    assert storage.queries == 1
    # the answer; the versions of tables are every engine's
    assert engine.cache.size == 1


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_does_not_answer_is_not_waited_for(silent_redis: str) -> None:
    engine = GraphQLEngine({"cache": {"type": "redis", "url": silent_redis}})

    assert engine.execute(BOOKS).body == EMPTY
    assert isinstance(engine.cache, DjangoCache)
    (location,) = caches.settings[engine.cache.alias]["LOCATION"].splitlines()
    assert location.endswith("?socket_connect_timeout=1&socket_timeout=1")


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """Listen on a port and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://db/1", "redis://db/1?socket_connect_timeout=1&socket_timeout=1"),
        ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=2&socket_connect_timeout=1&socket_timeout=1"),
        ("redis://db?socket_timeout=9", "redis://db?socket_timeout=9&socket_connect_timeout=1"),
        ("rediss://[::1]:6380", "rediss://[::1]:6380?socket_connect_timeout=1&socket_timeout=1"),
    ],
)
def test_redis_has_timeouts_and_they_have_their_effect(url: str, location: str) -> None:
    alias = settings_from({"cache": {"type": "redis", "url": url}}).settings.cache.alias
    cache: Any = caches[alias or ""]
    connection = cache.client.get_client().connection_pool.make_connection()

    assert caches.settings[alias]["LOCATION"] == location
    assert connection.socket_timeout == (9 if "=9" in url else 1)
    assert connection.socket_connect_timeout == 1


# --- refusals ---

DB = "postgres://ada:secret@db/shop"
MALFORMED_DB = (
    "db.url is malformed, must be like postgres://user:password@host:5432/name "
    "(special characters in the password are written %XX)"
)
MALFORMED_REDIS = (
    "cache.url is malformed, must be like redis://user:password@host:6379/0 "
    "(special characters in the password are written %XX)"
)


def redis(url: str) -> dict[str, Any]:
    return {"cache": {"type": "redis", "url": url}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([], "the configuration is of type list, must be an object with: 'db', 'cache'"),
        ("[]", "the configuration is of type list, must be an object with: 'db', 'cache'"),
        (DB, "the configuration is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"database": DB}, "the configuration has an unknown key 'database'; must be one of: 'db', 'cache'"),
        ({"db": 5}, "the configuration: db is of type int, must be a string or an object"),
        ({"db": None}, "the configuration: db is of type NoneType, must be a string or an object"),
        ({"cache": "memory"}, "the configuration: cache is of type str, must be an object"),
        ({"db": {}}, "db has no url"),
        ({"db": {"url": [DB]}}, "db: url is of type list, must be a string"),
        (
            {"db": {"url": DB, "pool": 5}},
            "db has an unknown key 'pool'; must be one of: 'url', 'pool_size', 'timeout_seconds'",
        ),
        ({"db": {"url": DB, "pool_size": "5"}}, "db: pool_size is of type str, must be an integer"),
        ({"db": {"url": DB, "pool_size": True}}, "db: pool_size is of type bool, must be an integer"),
        ({"db": {"url": DB, "pool_size": 2.5}}, "db: pool_size is of type float, must be an integer"),
        ({"db": {"url": DB, "pool_size": 0}}, "db: pool_size is 0, must be more than 0"),
        (
            {"db": {"url": DB, "timeout_seconds": "5"}},
            "db: timeout_seconds is of type str, must be an integer or a number",
        ),
        ({"db": {"url": DB, "timeout_seconds": -1}}, "db: timeout_seconds is -1, must be more than 0"),
        ({"db": {"url": DB, "timeout_seconds": float("nan")}}, "db: timeout_seconds is nan, must be more than 0"),
        ({"db": {"url": DB, "timeout_seconds": 1e9}}, "db: timeout_seconds is 1000000000.0, must be 2147483 at most"),
        (
            '{"db": {"url": "postgres:///x", "timeout_seconds": Infinity}}',
            "db: timeout_seconds is inf, must be 2147483 at most",
        ),
        (
            {"db": "mysql://ada:secret@db/shop"},
            "db.url has the scheme 'mysql', must be one of: 'postgres', 'postgresql'",
        ),
        ({"db": "POSTGRES://db/shop"}, "db.url has the scheme 'POSTGRES', must be one of: 'postgres', 'postgresql'"),
        ({"db": "dbname=x password=secret"}, "db.url has no scheme, must be one of: 'postgres', 'postgresql'"),
        ({"db": ""}, "db.url has no scheme, must be one of: 'postgres', 'postgresql'"),
        (
            {"db": "postgres://ada:secret@db"},
            "db.url names no database, must be like postgres://user:password@host:5432/name",
        ),
        ({"db": "postgres://ada:secret@db/shop?ssl_mode=x"}, "db.url has an unknown parameter 'ssl_mode'"),
        *(
            ({"db": url}, MALFORMED_DB)
            for url in (
                "postgres://[::1/shop",
                "postgres://ada:secret@db:many/shop",
                "postgres://ada:secret@db:0/shop",
                "postgres://ada:secret@db:65536/shop",
                "postgres://ada:12/secret@db/shop",
                "postgres://ada:sec/secret@db/shop",
                "postgres://ada:sec@secret@db/shop",
                "postgres://ada:secret%zz@db/shop",
            )
        ),
        ({"cache": {"type": "file"}}, "cache.type is 'file', must be one of: 'memory', 'redis'"),
        ({"cache": {"type": 5}}, "cache: type is of type int, must be a string"),
        (
            {"cache": {"ttl": 5}},
            "cache has an unknown key 'ttl'; must be one of: 'type', 'url', 'ttl_seconds', 'max_size'",
        ),
        ({"cache": {"ttl_seconds": 1.5}}, "cache: ttl_seconds is of type float, must be an integer"),
        ({"cache": {"ttl_seconds": 0}}, "cache: ttl_seconds is 0, must be more than 0"),
        ({"cache": {"max_size": -1}}, "cache: max_size is -1, must be more than 0"),
        ({"cache": {"url": "redis://db"}}, "cache.url is for cache.type 'redis'; a memory cache has none"),
        (
            {"cache": {"type": "redis", "url": "redis://db", "max_size": 5}},
            "cache.max_size is for cache.type 'memory'; Redis bounds itself with its maxmemory",
        ),
        ({"cache": {"type": "redis"}}, "cache.type 'redis' needs cache.url: redis://host:6379/0"),
        (redis("db:6379"), "cache.url has no scheme, must be one of: 'redis', 'rediss', 'unix'"),
        (redis("http://db"), "cache.url has the scheme 'http', must be one of: 'redis', 'rediss', 'unix'"),
        (redis("unix://"), "cache.url names no socket, must be like unix:///run/redis.sock?db=0"),
        (
            redis("redis://db?db=x"),
            "cache.url is refused by the Redis client: Invalid value for 'db' in connection URL.",
        ),
        *(
            (redis(url), MALFORMED_REDIS)
            for url in (
                "redis://[::1",
                "redis://ada:secret@db:many",
                "redis://ada:secret@db:0",
                "redis://ada:sec/secret@db",
                "redis://ada:sec#secret@db",
                "redis://ada:secret\u2100@db",
                "redis://:12/secret@db",
                "redis://db/first",
                "redis://db/0#secret",
            )
        ),
    ],
)
def test_refusal(config: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        GraphQLEngine(config)

    assert str(caught.value) == message
    assert caught.value.__cause__ is None
    assert "secret" not in message


def test_unknown_parameters_of_redis_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^cache\.url is refused by the Redis client: .*'shards'"):
        GraphQLEngine(redis("redis://db?shards=5"))


@pytest.mark.parametrize(
    ("config", "missing", "message"),
    [
        (
            {"db": {"url": DB, "pool_size": 5}},
            "psycopg_pool",
            "db.pool_size needs psycopg_pool: pip install 'psycopg[pool]'",
        ),
        (
            redis("redis://db"),
            "django_redis",
            "cache.type 'redis' needs django-redis: pip install 'fraiseql_django[redis]'",
        ),
    ],
)
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, config: Any, missing: str, message: str
) -> None:
    monkeypatch.setattr(upstream, "find_spec", lambda name: None if name == missing else object())

    with pytest.raises(ConfigurationError) as caught:
        GraphQLEngine(config)
    assert str(caught.value) == message


def test_a_refused_configuration_leaves_no_alias() -> None:
    before = dict(connections.settings), dict(caches.settings)
    for config in ({"db": {"url": DB, "timeout_seconds": 1e9}}, redis("redis://db?shards=5")):
        with pytest.raises(ConfigurationError):
            GraphQLEngine(config)

    assert (dict(connections.settings), dict(caches.settings)) == before


# --- nothing secret is shown ---


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"db": DB}, {"db": "postgres://ada:***@db/shop"}),
        (
            {"db": {"url": DB, "pool_size": 5, "timeout_seconds": 3}},
            {"db": {"url": "postgres://ada:***@db/shop", "pool_size": 5, "timeout_seconds": 3}},
        ),
        (
            {"db": "postgres://db/shop?user=ada&password=secret&sslpassword=secret&sslmode=require"},
            {"db": "postgres://db/shop?user=ada&password=***&sslpassword=***&sslmode=require"},
        ),
        ({"db": "postgres://db/shop?p%61ssword=secret"}, {"db": "postgres://db/shop?p%61ssword=***"}),
        ({"db": "postgres://ada:se#cret?@db:5/shop"}, {"db": "postgres://ada:***@db:5/shop"}),
        ({"db": "postgres://:secret@db/shop"}, {"db": "postgres://:***@db/shop"}),
        ({"db": "postgres://ada@db/shop"}, {"db": "postgres://ada@db/shop"}),
        ({"db": "postgres:///shop"}, {"db": "postgres:///shop"}),
        (redis("redis://:secret@db/0"), redis("redis://:***@db/0")),
        (redis("redis://ada:sec@secret@db:1/0"), redis("redis://ada:***@db:1/0")),
        (redis("unix:///run/r.sock?password=secret&db=1"), redis("unix:///run/r.sock?password=***&db=1")),
    ],
)
def test_passwords_are_masked(config: Any, shown: Any) -> None:
    engine = GraphQLEngine(config)

    assert engine.config == shown
    assert GraphQLEngine(json.dumps(config)).config == shown
    for text in (repr(engine.config), repr(engine), repr(engine.settings), repr(settings_from(config))):
        assert "secret" not in text
        assert "se#cret" not in text


def test_config_of_the_settings_holds_no_secret(settings: Any) -> None:
    config = GraphQLEngine().config

    assert config["database"] == "default"
    assert config["cache"]["alias"] == "default"
    assert str(settings.CACHES["redis"]["LOCATION"]) not in repr(config)


def test_the_configuration_given_is_left_as_it_was() -> None:
    config = {"db": {"url": DB}, "cache": {"type": "redis", "url": "redis://:secret@db"}}
    before = json.dumps(config)
    GraphQLEngine(config)

    assert json.dumps(config) == before
