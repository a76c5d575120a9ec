"""What an answer is kept under, and that a cache that fails, hangs or comes back breaks nothing."""

import getpass
import logging
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from example_project.bookshop.models import Author, Book, Publisher
from example_project.servers import EmbeddedRedis
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache import circuit_breaker, debts
from fraiseql_django.cache.answers import ENTRY
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import SHARED, VERSION
from fraiseql_django.conf.settings import CacheSettings, get_settings
from fraiseql_django.testing import FailingCache
from tests.support import FakeClock, data, do_without, empty, is_hit, make_engine, make_shop, statements, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
ALL_KINDS = [
    pytest.param("locmem", id="locmem"),
    pytest.param("redis", id="django-redis"),
    pytest.param("django_redis", id="Django's Redis"),
    pytest.param("database", id="database"),
    pytest.param("file", id="file"),
    pytest.param("memcached", id="memcached"),
]


def accepts(path: Path) -> bool:
    """Whether a server accepts connections on a socket, which may be there before it does."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@contextmanager
def memcached(path: Path) -> Iterator[None]:
    """Run a Memcached on a socket."""
    server = shutil.which("memcached")
    if server is None:
        do_without("a test of Memcached needs memcached (Debian: memcached), which is no wheel")
    # it does not run as root unless it is told to
    process = subprocess.Popen([server, "-s", str(path), "-u", getpass.getuser()])
    try:
        wait_until(lambda: accepts(path))
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def any_cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an alias of a cache of every kind that Django has."""
    kinds: dict[str, dict[str, Any]] = {
        "django_redis": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": caches.settings["redis"]["LOCATION"],
            "KEY_PREFIX": caches.settings["redis"]["KEY_PREFIX"] + "-django",
        },
        "database": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache table"},
        "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path},
        "memcached": {
            "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
            "LOCATION": f"unix:{tmp_path}/memcached",
        },
    }
    running = memcached(tmp_path / "memcached") if request.param == "memcached" else nullcontext()
    with running, override_settings(CACHES={**caches.settings, **kinds}):
        if request.param == "database":
            call_command("createcachetable", verbosity=0)
        # a mark that a test has left would be there for its lease
        both = [DjangoCache(request.param).clear, lambda: empty(caches[_like(request.param)])]
        for forget in both:
            forget()
        yield request.param
        for forget in both:
            forget()


def _like(alias: str) -> str:
    """Return an alias over the same server, of which a test may remove what it has put there."""
    return "redis" if alias == "django_redis" else alias


# --- keys ---


def keys_of(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> set[str]:
    """Return the keys that an operation's answer is kept under."""
    cache = engine.cache
    assert cache is not None
    cache.clear()
    data(engine, query, variables)
    return {key for key in cache.keys() or () if key.startswith(ENTRY)}


DIFFERENT = [
    ("{ books { title } }", None),
    ("{ books { title id } }", None),
    ("{ books { id title } }", None),
    ("{ books { headline: title } }", None),
    ("{ other: books { title } }", None),
    ("{ books { title } again: books { title } }", None),
    ("{ books { title __typename } }", None),
    ("{ books(limit: 1) { title } }", None),
    ("{ books(limit: 2) { title } }", None),
    ("{ books(offset: 1) { title } }", None),
    ("{ books(limit: 1, offset: 1) { title } }", None),
    ('{ books(where: {title: {eq: "None"}}) { title } }', None),
    ("{ books(where: {title: {isnull: true}}) { title } }", None),
    ('{ books(where: {title: {eq: "null"}}) { title } }', None),
    ('{ books(where: {title: {in: ["a,b"]}}) { title } }', None),
    ('{ books(where: {title: {in: ["a", "b"]}}) { title } }', None),
    ('{ books(where: {title: {in: ["a"]}}) { title } }', None),
    ('{ books(where: {title: {in: ["{a,b}"]}}) { title } }', None),
    ('{ books(where: {title: {eq: "a"}}) { title } }', None),
    ("{ books(where: {pages: {eq: 1}}) { title } }", None),
    ('{ books(where: {title: {eq: "1"}}) { title } }', None),
    ('{ books(where: {title: {eq: "1"}, isbn: {eq: "2"}}) { title } }', None),
    ('{ books(where: {title: {eq: "2"}, isbn: {eq: "1"}}) { title } }', None),
    ("query($t: String) { books(where: {title: {eq: $t}}) { title } }", {"t": "x"}),
    ("query($t: String) { books(where: {title: {eq: $t}}) { title } }", {"t": "X"}),
    ("query($t: String) { books(where: {title: {eq: $t}}) { title } }", {"t": ""}),
    ("query($t: String) { books(where: {title: {eq: $t}}) { title } }", {"t": "['x']"}),
    ("query($s: Boolean!) { books { title @skip(if: $s) isbn } }", {"s": False}),
    ("query($s: Boolean!) { books { title @skip(if: $s) isbn } }", {"s": True}),
]


def test_what_differs_is_kept_apart() -> None:
    engine = make_engine("locmem")

    found = {number: keys_of(engine, *operation) for number, operation in enumerate(DIFFERENT)}

    assert all(len(keys) == 1 for keys in found.values())
    for one, other in combinations(range(len(DIFFERENT)), 2):
        assert found[one] != found[other], (DIFFERENT[one], DIFFERENT[other])


def test_what_is_the_same_is_kept_once() -> None:
    engine = make_engine("locmem")
    spellings: list[tuple[str, dict[str, Any] | None]] = [
        ('{ books(where: {title: {eq: "x"}}) { title } }', None),
        ('query Named { books(where: {title: {eq: "x"}}) { ...F } } fragment F on Book { title }', None),
        ("query($t: String) { books(where: {title: {eq: $t}}) { title } }", {"t": "x"}),
        ('query($t: String = "x") { books(where: {title: {eq: $t}}) { title } }', None),
        ("query($w: BookWhere) { books(where: $w) { title } }", {"w": {"title": {"eq": "x"}}}),
    ]

    assert len({frozenset(keys_of(engine, *spelling)) for spelling in spellings}) == 1


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_databases_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(FRAISEQL={"DATABASE": "second"}):
        second = make_engine("locmem")
    key = keys_of(make_engine("locmem"), AUTHORS)

    assert keys_of(second, AUTHORS) != key
    # another database under the same alias, as the tests' own is
    monkeypatch.setitem(connections["default"].settings_dict, "NAME", "real")
    assert keys_of(make_engine("locmem"), AUTHORS) != key


def test_answers_are_those_of_their_own_operation(cache_alias: str) -> None:
    make_shop()
    engine, uncached = make_engine(cache_alias), GraphQLEngine(cache=None)
    for _ in range(2):
        for query, variables in DIFFERENT:
            assert engine.execute(query, variables).body == uncached.execute(query, variables).body


# --- how long, and how ---


def test_entry_expires(cache_alias: str) -> None:
    with override_settings(FRAISEQL={"CACHE": {"TTL": 1}}):
        engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    wait_until(lambda: not is_hit(engine, AUTHORS))


def test_ttl_is_an_hour_by_default() -> None:
    data(make_engine("redis"), AUTHORS)
    cache: Any = caches["redis"]

    (key,) = (key for key in cache.keys("*") if ENTRY in key)
    assert 3590 < cache.ttl(key) <= 3600
    client = cache.client.get_client()
    assert client.ttl(f"{SHARED}{VERSION}bookshop_author") == -1
    DjangoCache("redis").clear()


METHODS = ("get", "get_many", "set", "add", "add_many", "mark_many", "replace_many")


class Recording(DjangoCache):
    """Notes what it is asked."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in (*METHODS, "delete", "delete_many"):
            self.calls.append(name)
        return super().__getattribute__(name)


def test_round_trips(cache_alias: str) -> None:
    cache = Recording(cache_alias)
    engine = GraphQLEngine(cache=cache)
    data(engine, AUTHORS)

    cache.calls.clear()
    data(engine, AUTHORS)
    assert cache.calls == ["get_many"]

    cache.calls.clear()
    data(engine, "{ authors { id } }")
    # a statement that was not run yet is claimed, where other processes could see that
    claim = [] if cache_alias == "locmem" else ["add", "get_many"]
    assert cache.calls == ["get_many", *claim, "set", *(["delete", "delete_many"] if claim else [])]

    # with time to spare for a busy machine
    times = engine.executor.shared._times._times
    times.update(dict.fromkeys(times, -1e6))
    cache.calls.clear()
    Author.objects.create(name="Ursula")
    data(engine, "{ authors { id } }")
    assert cache.calls == ["mark_many", "replace_many", "get_many", "set"]

    cache.calls.clear()
    Author.objects.update(name="")
    assert cache.calls == ["mark_many", "replace_many"]


@pytest.mark.usefixtures("own_redis")
def test_hit_is_one_command_to_redis() -> None:
    engine = make_engine("own")
    data(engine, "{ authors { name books { title } } }")
    client = caches["own"].client.get_client()  # type: ignore[attr-defined]
    client.config_resetstat()

    data(engine, "{ authors { name books { title } } }")

    commands = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    assert commands - {"info", "config", "config|resetstat"} == {"mget"}
    assert client.info("commandstats")["cmdstat_mget"]["calls"] == 1


def test_hits_and_misses_are_counted(cache_alias: str) -> None:
    engine = make_engine(cache_alias)
    for query in (AUTHORS, AUTHORS, "{ authors { id } }", AUTHORS):
        data(engine, query)

    assert (engine.statistics().result_hits, engine.statistics().result_misses) == (2, 2)


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_every_cache_of_django_works(any_cache: str) -> None:
    make_shop()
    engine = make_engine(any_cache)
    before = data(engine, AUTHORS)
    statements_of_a_hit = 1 if any_cache == "database" else 0
    with statements(statements_of_a_hit):
        assert data(engine, AUTHORS) == before

    Author.objects.update(name="Joanna")

    assert {author["name"] for author in data(engine, AUTHORS)["authors"]} == {"Joanna"}


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_clear_removes_no_key_of_others(any_cache: str) -> None:
    cache, own, other = caches[any_cache], DjangoCache(any_cache), DjangoCache(any_cache, prefix="fraiseql*")
    cache.set("theirs", 1)
    cache.set("fraiseql", 2)
    cache.set("fraiseqlx:result:1", 3)
    own.set("result:1", 4, None)
    other.set("result:1", 5, None)
    listed = any_cache in ("locmem", "redis", "django_redis")

    assert own.size == (1 if listed else None)
    assert (sorted(own.keys()) if listed else own.keys()) == (["result:1"] if listed else None)  # type: ignore[arg-type]
    assert own.clear() == (1 if listed else None)

    assert [cache.get(key) for key in ("theirs", "fraiseql", "fraiseqlx:result:1")] == [1, 2, 3]
    assert other.get("result:1") == 5
    if listed:
        assert own.get("result:1") is None
        assert own.size == 0
    cache.delete_many(["theirs", "fraiseql", "fraiseqlx:result:1", "fraiseql*:result:1"])


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_contract_of_a_cache(any_cache: str) -> None:
    cache = DjangoCache(any_cache)
    value = ((("a",), ("b",), b"\x00\xff"), None, "é")

    assert cache.get("missing") is None
    cache.delete("missing")
    cache.delete_many(["missing", "gone"])
    cache.set("one", value, 60)
    cache.set("two", 2, None)
    cache.set("three", 3, None)
    assert cache.get("one") == value
    assert cache.get_many(["one", "two", "missing"]) == {"one": value, "two": 2}
    assert not cache.add("one", 1, None)
    assert cache.add("four", 4, None)
    cache.set("brief", 1, 1)
    wait_until(lambda: cache.get("brief") is None)
    assert cache.size in (4, None)
    assert cache.health_check().healthy
    cache.delete_many(["one", "two", "three", "four"])
    assert cache.get_many(["one", "two", "three", "four"]) == {}


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_answers_of_one_table_are_removed(any_cache: str) -> None:
    make_shop()
    engine = make_engine(any_cache)
    listed = any_cache in ("locmem", "redis", "django_redis")
    for query in (AUTHORS, "{ authors { books { title } } }", "{ publishers { name } }"):
        data(engine, query)
    misses = engine.statistics().result_misses

    assert engine.answers.remove("bookshop_book") == (1 if listed else None)

    data(engine, AUTHORS)
    data(engine, "{ publishers { name } }")
    assert engine.statistics().result_misses == misses
    data(engine, "{ authors { books { title } } }")
    assert engine.statistics().result_misses == misses + 1

    assert engine.answers.remove() == (3 if listed else None)
    for query in (AUTHORS, "{ authors { books { title } } }", "{ publishers { name } }"):
        data(engine, query)
    assert engine.statistics().result_misses == misses + 4


# --- no cache, and broken ones ---


def test_no_cache() -> None:
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": None}}):
        engine = GraphQLEngine()

    with statements(2):
        data(engine, AUTHORS)
        data(engine, AUTHORS)
    assert engine.cache is None
    assert engine.answers.remove() == 0
    assert set(engine.health_check()) == {"database"}


def test_dummy_cache() -> None:
    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}):
        engine = make_engine("default")
        with statements(2):
            data(engine, AUTHORS)
            data(engine, AUTHORS)
        Author.objects.create(name="Ursula")
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}


def test_answer_that_is_too_large_is_not_kept(cache_alias: str) -> None:
    size = len('{"authors":[{"name":"Ursula"}]}')
    Author.objects.create(name="Ursula")
    query = "{ authors { name } }"
    for limit, kept in ((size, True), (size - 1, False), (None, True), (0, False)):
        settings = replace(get_settings(), cache=CacheSettings(alias=cache_alias, answer_bytes=limit))
        engine = make_engine(cache_alias, settings=settings)
        engine.answers.remove()
        assert data(engine, query) == {"authors": [{"name": "Ursula"}]}
        assert is_hit(engine, query) is kept


def test_answer_of_more_than_five_megabytes_is_not_kept_by_default(cache_alias: str) -> None:
    engine = make_engine(cache_alias)
    author = Author.objects.create(name="Ursula", bio="x" * 4_999_900)
    assert len(engine.execute("{ authors { bio } }").data or b"") < 5_000_000
    assert is_hit(engine, "{ authors { bio } }")

    author.bio += "x" * 200
    author.save()

    data(engine, "{ authors { bio } }")
    assert not is_hit(engine, "{ authors { bio } }")


def test_huge_answer(cache_alias: str) -> None:
    publisher = Publisher.objects.create(name="Ace")
    Book.objects.create(title="x", isbn="1", publisher=publisher, price=1, attributes={"x": "é" * 1_000_000})
    engine = make_engine(cache_alias)
    before = engine.execute("{ books { attributes } }").body

    with statements(0):
        assert engine.execute("{ books { attributes } }").body == before


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a cache be asked again as soon as it has failed."""
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0)


@pytest.mark.parametrize("method", ["get_many", "set", "mark_many", "replace_many", "add_many"])
def test_cache_that_raises(cache_alias: str, method: str) -> None:
    Author.objects.create(name="Ursula")
    cache = FailingCache(DjangoCache(cache_alias), only=[method])
    engine = GraphQLEngine(cache=cache)
    data(engine, "{ publishers { name } }")

    for name in ("Octavia", "Joanna"):
        Author.objects.update(name=name)
        for _ in range(2):
            assert data(engine, AUTHORS) == {"authors": [{"name": name}]}
    assert cache.failures > 0


def test_failure_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("fraiseql_django.cache.circuit_breaker.time.monotonic", lambda: clock[0])
    engine = GraphQLEngine(cache=FailingCache(DjangoCache("locmem")))

    with caplog.at_level(logging.WARNING, "fraiseql_django.cache"):
        for _ in range(20):
            data(engine, AUTHORS)
            clock[0] += 2.9
        assert len(caplog.records) == 1
        clock[0] += 3
        data(engine, AUTHORS)

    assert [record.getMessage() for record in caplog.records] == [
        "the cache failed, answers come from the database (logged once a minute): "
        "CacheFailure: the cache fails at get_many, as requested by the test"
    ] * 2


def test_cache_that_failed_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("fraiseql_django.cache.circuit_breaker.time.monotonic", lambda: clock[0])
    cache = FailingCache(DjangoCache("locmem"))
    engine = GraphQLEngine(cache=cache)

    for _ in range(5):
        data(engine, AUTHORS)
    assert cache.failures == 1

    clock[0] += circuit_breaker.REST_SECONDS
    data(engine, AUTHORS)
    data(engine, AUTHORS)
    assert cache.failures == 2


@pytest.mark.usefixtures("no_rest")
def test_cache_that_comes_back_is_told_of_what_was_written(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = FailingCache(DjangoCache(cache_alias), failing=False)
    engine, other = GraphQLEngine(cache=cache), make_engine(cache_alias)
    engine.answers.remove()
    assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}

    cache.failing = True
    # others learn of this write from the engine below, or from nobody
    other.answers.cache = None
    Author.objects.update(name="Octavia")
    assert data(engine, AUTHORS) == {"authors": [{"name": "Octavia"}]}
    cache.failing = False

    # by a thread, no reader is needed
    other.answers.cache = other.cache
    wait_until(lambda: not is_hit(other, AUTHORS))
    assert data(other, AUTHORS) == {"authors": [{"name": "Octavia"}]}
    wait_until(lambda: is_hit(engine, AUTHORS))
    assert data(engine, AUTHORS) == {"authors": [{"name": "Octavia"}]}


def test_what_is_owed_is_told_when_the_process_ends(cache_alias: str) -> None:
    cache = FailingCache(DjangoCache(cache_alias), failing=False)
    engine = GraphQLEngine(cache=cache)
    data(engine, AUTHORS)
    cache.failing = True
    engine.answers.drop(["bookshop_author"])
    cache.failing = False

    debts.finish()

    assert not is_hit(make_engine(cache_alias), AUTHORS)


def test_broken_cache_does_not_undo_a_write() -> None:
    engine = GraphQLEngine(cache=FailingCache(DjangoCache("locmem")))
    data(engine, AUTHORS)

    Author.objects.create(name="Ursula")

    assert Author.objects.count() == 1


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """Return an alias of a Redis that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        caches.settings["silent"] = {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{server.getsockname()[1]}/0",
            "OPTIONS": {"SOCKET_TIMEOUT": 0.3, "SOCKET_CONNECT_TIMEOUT": 0.3},
        }
        yield "silent"
    del caches["silent"]
    del caches.settings["silent"]


def test_redis_that_never_answers(
    silent_redis: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for once, not by each request."""
    monkeypatch.setattr("fraiseql_django.cache.circuit_breaker.time.monotonic", FakeClock())
    cache = Recording(silent_redis)
    engine = GraphQLEngine(cache=cache)

    for number in range(10):
        Author.objects.create(name=str(number))
        assert len(data(engine, AUTHORS)["authors"]) == number + 1

    # by the first writer; the others leave it to the thread, and no reader waits for it
    assert cache.calls.count("mark_many") == 1
    assert "get_many" not in cache.calls
    assert [record.name for record in caplog.records] == ["fraiseql_django.cache"]
    assert not engine.health_check()["cache"].healthy
    assert engine.is_ready()


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """Return a Redis of the test's own, under the alias "own"."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = EmbeddedRedis(Path(folder))
        server.start()
        caches.settings["own"] = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url}
        yield server
        server.stop()
    del caches["own"]
    del caches.settings["own"]


@pytest.mark.usefixtures("no_rest")
def test_redis_that_is_stopped_and_started(own_redis: EmbeddedRedis) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("own")
    data(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)

    own_redis.stop()
    assert not is_hit(engine, AUTHORS)
    Author.objects.update(name="Octavia")
    assert data(engine, AUTHORS) == {"authors": [{"name": "Octavia"}]}

    own_redis.start()
    assert data(engine, AUTHORS) == {"authors": [{"name": "Octavia"}]}
    wait_until(lambda: is_hit(engine, AUTHORS))
    Author.objects.update(name="Joanna")
    assert data(engine, AUTHORS) == {"authors": [{"name": "Joanna"}]}


def test_hit_in_redis_is_one_short_command(cache_alias: str) -> None:
    if cache_alias != "redis":
        pytest.skip("about Redis")
    make_shop()
    engine = make_engine("redis")
    query = "{ books { title publisher { name } } }"
    answer = engine.execute(query).body
    client = caches["redis"].client.get_client()  # type: ignore[attr-defined]
    (key,) = [key for key in engine.cache.keys() or () if key.startswith(ENTRY)]  # type: ignore[union-attr]

    with client.monitor() as monitor:
        assert is_hit(engine, query)
        client.ping()
        seen = []
        for command in monitor.listen():
            if command["command"] == "PING":
                break
            seen.append(command["command"])

    # other processes of the tests may use the same server
    (command,) = [text for text in seen if key in text]
    assert command.startswith("MGET ")
    # the entry, and the versions of two tables and of the catalogue
    assert len(command.split()) == 1 + 1 + 3
    stored = client.get(caches["redis"].make_key(f"fraiseql:{key}"))
    # three versions and what pickle needs
    assert len(stored) - len(answer) < 72
