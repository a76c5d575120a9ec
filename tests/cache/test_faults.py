"""Nothing is stale when a process dies, a connection is lost, or a cache hangs, is full or goes back in time."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test import override_settings

from example_project.bookshop.models import Author
from example_project.servers import EmbeddedRedis
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache import circuit_breaker, debts, django, exclusion
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import ENTRY, SHARED, version_key
from fraiseql_django.cache.marks import MARK
from fraiseql_django.cache.table_versions import TableVersions, versions_in
from fraiseql_django.errors import ConfigurationError
from fraiseql_django.invalidation import drop, versions
from fraiseql_django.testing import FailingCache
from tests.cache.test_results_cache import ALL_KINDS, Recording, any_cache
from tests.support import data, engines_forgotten, in_thread, is_hit, make_engine, wait_until

__all__ = ["any_cache"]

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
AUTHOR = version_key("bookshop_author")


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


@pytest.fixture
def redis_server() -> Iterator[EmbeddedRedis]:
    """Return a Redis of the test's own, under the alias "own"; it is waited for a short time only."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = EmbeddedRedis(Path(folder))
        server.start()
        options = {"SOCKET_TIMEOUT": 0.3, "SOCKET_CONNECT_TIMEOUT": 0.3}
        caches.settings["own"] = {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": server.url,
            "OPTIONS": options,
        }
        yield server
        server.stop()
    del caches["own"]
    del caches.settings["own"]


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Any:
    """Return a client of that server, for what an operator does."""
    cache: Any = caches["own"]
    return cache.client.get_client()


@pytest.fixture
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a cache be asked again as soon as it has failed."""
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0)


# --- a Redis that goes back in time ---


def test_redis_that_is_restored_from_a_snapshot(redis_server: EmbeddedRedis, client: Any) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("own")
    assert names(engine) == ["Ursula"]
    assert is_hit(engine, AUTHORS)
    former = client.get(SHARED + AUTHOR)
    client.save()
    Author.objects.update(name="Octavia")

    redis_server.stop()
    redis_server.start()

    # entry and version are as they were before the write
    assert client.get(SHARED + AUTHOR) == former
    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)


def test_redis_that_has_lost_a_version_in_a_failover(redis_server: EmbeddedRedis, client: Any) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("own")
    assert names(engine) == ["Ursula"]
    former = client.get(SHARED + AUTHOR)
    Author.objects.update(name="Octavia")

    # what a replica has that did not get the write, and becomes the primary; its clients are those of the old one
    client.replicaof("127.0.0.1", 1)
    client.replicaof("NO", "ONE")
    client.set(SHARED + AUTHOR, former)
    client.client_kill_filter(_type="normal", skipme=True)

    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)


# --- a Redis that is full, hangs, or is away ---


@pytest.mark.usefixtures("redis_server", "no_rest")
def test_full_redis_still_takes_a_deletion(client: Any) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("own")
    assert names(engine) == ["Ursula"]
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")

    Author.objects.update(name="Octavia")

    assert client.get(SHARED + AUTHOR) is None
    assert names(engine) == ["Octavia"]
    client.config_set("maxmemory", "0")
    assert names(engine) == ["Octavia"]
    wait_until(lambda: is_hit(engine, AUTHORS))
    Author.objects.update(name="Joanna")
    assert names(engine) == ["Joanna"]


def test_redis_that_is_stopped_for_a_while(redis_server: EmbeddedRedis, client: Any) -> None:
    Author.objects.create(name="Ursula")
    engine, other = make_engine("own"), GraphQLEngine(cache=_OfAnotherProcess("own"))
    assert names(engine) == names(other) == ["Ursula"]
    assert redis_server._process is not None

    redis_server._process.send_signal(signal.SIGSTOP)
    try:
        Author.objects.update(name="Octavia")
        assert names(engine) == ["Octavia"]
    finally:
        redis_server._process.send_signal(signal.SIGCONT)

    # by the thread, though this process reads nothing
    wait_until(lambda: client.get(SHARED + AUTHOR) is not None and not is_hit(other, AUTHORS))
    assert names(other) == ["Octavia"]


class _OfAnotherProcess(DjangoCache):
    """Writes no versions, as if others' writes were none of this engine's business."""

    def mark_many(self, keys: Any, token: str, seconds: int) -> None:
        pass

    def replace_many(self, values: Any, token: str) -> None:
        pass


@pytest.mark.usefixtures("no_rest")
def test_table_that_is_owed_a_version_is_read_past_the_cache(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = FailingCache(DjangoCache(cache_alias), failing=False, only=["mark_many", "replace_many", "delete_many"])
    engine = GraphQLEngine(cache=cache)
    assert names(engine) == ["Ursula"]
    data(engine, "{ publishers { name } }")

    cache.failing = True
    Author.objects.update(name="Octavia")

    assert names(engine) == ["Octavia"]
    assert not is_hit(engine, AUTHORS)
    wait_until(lambda: is_hit(engine, "{ publishers { name } }"))
    cache.failing = False
    wait_until(lambda: is_hit(engine, AUTHORS))
    assert names(engine) == ["Octavia"]


def test_debts_survive_a_fork() -> None:
    """The thread does not; another one is started where somebody asks for a table that is owed a version."""
    cache = FailingCache(DjangoCache("locmem"))
    versions = TableVersions(cache, 30)
    versions.renew(["bookshop_author"])
    collector = debts._collector
    assert collector._thread is not None

    collector._reset()
    assert collector._thread is None
    assert versions.owes(["bookshop_author"])
    cache.failing = False

    wait_until(lambda: not versions.owes(["bookshop_author"]))


class _Slow:
    """A debtor whose first payment does not end before it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = 0, Event()

    def pay(self, *, now: bool = False) -> float | None:
        self.asked += 1
        if self.asked == 1:
            self.go_on.wait(60)
        return None


def test_debt_that_is_being_written_during_a_fork_is_written_in_the_child() -> None:
    collector, debtor = debts.Collector(), _Slow()
    collector.add(debtor)
    wait_until(lambda: debtor.asked == 1)

    # as in the child, where the thread that waits is gone
    collector._reset()
    collector.ensure()

    wait_until(lambda: debtor.asked == 2)
    debtor.go_on.set()
    collector.finish(10)


# --- writers that die ---


KILLED = """
import os, signal
from fraiseql_django.cache.table_versions import TableVersions
TableVersions.renew = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
from django.db import transaction
from example_project.bookshop.models import Author
{write}
"""
SETTINGS = """
from example_project.settings import *
DATABASES = {{"default": {database!r}}}
CACHES = {{"default": {cache!r}}}
FRAISEQL = {{"CACHE": {{"LEASE": 2}}}}
"""


@pytest.fixture
def other_process(tmp_path: Path) -> Callable[[str], int]:
    """Return what runs code in a process on the same database and the tests' Redis, and returns how it ended."""
    database = {key: connection.settings_dict[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")}
    cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": caches.settings["redis"]["LOCATION"]}
    (tmp_path / "fault_settings.py").write_text(SETTINGS.format(database=database, cache=cache))
    path = f"{tmp_path}{os.pathsep}{BASE_DIR}"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "fault_settings", "PYTHONPATH": path}

    def run(code: str) -> int:
        command = [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"]
        return subprocess.run(command, env=environment, timeout=60).returncode

    return run


@pytest.mark.parametrize(
    "write",
    [
        pytest.param('Author.objects.update(name="Octavia")', id="autocommit"),
        pytest.param('with transaction.atomic(): Author.objects.update(name="Octavia")', id="transaction"),
    ],
)
def test_process_that_is_killed_after_its_commit(other_process: Callable[[str], int], write: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("redis")
    engine.answers.remove()
    assert names(engine) == ["Ursula"]
    assert is_hit(engine, AUTHORS)

    assert other_process(KILLED.format(write=write)) == -signal.SIGKILL

    # until the lease of its mark ends, the database answers
    assert names(engine) == ["Octavia"]
    assert not is_hit(engine, AUTHORS)
    wait_until(lambda: is_hit(engine, AUTHORS))
    assert names(engine) == ["Octavia"]


SLOW_COMMIT = """
CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON bookshop_author DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slow_commit()
"""


@pytest.fixture
def slow_commit() -> Iterator[None]:
    """Let the commit of a change of authors take a minute."""
    with connection.cursor() as cursor:
        cursor.execute(SLOW_COMMIT)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION slow_commit CASCADE")


@pytest.mark.usefixtures("slow_commit")
def test_connection_that_is_lost_during_a_commit(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    assert names(engine) == ["Ursula"]

    @transaction.atomic
    def rename() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL application_name = 'to be lost'")
        Author.objects.update(name="Octavia")

    def write() -> None:
        with pytest.raises(OperationalError):
            rename()

    def lose() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'to be lost' AND wait_event = 'PgSleep'"
            )
            return cursor.fetchone() is not None

    from_outside(write, lose)

    # whether it was committed nobody knows, nor whether it will be
    assert engine.cache is not None
    assert str(engine.cache.get(AUTHOR)).startswith(MARK)
    assert names(engine) == ["Ursula"]
    assert not is_hit(engine, AUTHORS)


def from_outside(write: Callable[[], None], act: Callable[[], bool]) -> None:
    """Run a write in a thread, and act on it from this one."""
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(in_thread, write)
        wait_until(act)
        writing.result(60)


class Stop(BaseException):
    """As a handler of a signal raises it: gunicorn's SystemExit, KeyboardInterrupt."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_exception_of_a_signal_around_a_commit(cache_alias: str, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    assert names(engine) == ["Ursula"]
    commit = DatabaseWrapper._commit  # type: ignore[attr-defined]

    def stopped(self: Any) -> None:
        if when == "after":
            commit(self)
        raise Stop

    def write() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(DatabaseWrapper, "_commit", stopped)
            # Django says another thing where the transaction is still open
            with pytest.raises((Stop, ProgrammingError)), transaction.atomic():
                Author.objects.update(name="Octavia")

    in_thread(write)

    committed = ["Octavia"] if when == "after" else ["Ursula"]
    assert names(engine) == committed
    assert names(engine) == committed
    if when == "after":
        assert is_hit(engine, AUTHORS)


def test_exception_of_a_signal_while_a_version_is_written(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = _Stopped(cache_alias)
    engine = GraphQLEngine(cache=cache)
    assert names(engine) == ["Ursula"]

    cache.stops = True
    with pytest.raises(Stop):
        Author.objects.update(name="Octavia")

    assert names(engine) == ["Octavia"]
    wait_until(lambda: is_hit(engine, AUTHORS))
    assert names(engine) == ["Octavia"]


def test_exception_of_a_signal_at_one_cache_leaves_no_other_untold() -> None:
    Author.objects.create(name="Ursula")
    stopped = [_Stopped(alias) for alias in ("redis", "locmem")]
    engines = [GraphQLEngine(cache=cache) for cache in stopped]
    assert [names(engine) for engine in engines] == [["Ursula"], ["Ursula"]]

    for cache in stopped:
        cache.stops = True
    with pytest.raises(Stop):
        Author.objects.update(name="Octavia")

    assert [cache.stops for cache in stopped] == [False, False]
    assert [names(engine) for engine in engines] == [["Octavia"], ["Octavia"]]


# --- a write that is committed never fails by a cache ---


WRITES: dict[str, Callable[[], Any]] = {
    "autocommit": lambda: Author.objects.update(name="Octavia"),
    "transaction": transaction.atomic(lambda: Author.objects.update(name="Octavia")),
    "drop": lambda: (Author.objects.update(name="Octavia"), drop(["bookshop_author"])),
}


@pytest.mark.parametrize("write", WRITES)
def test_cache_that_the_settings_have_no_more(write: str) -> None:
    Author.objects.create(name="Ursula")
    with override_settings(CACHES={**caches.settings, "gone": caches.settings["redis"]}):
        engine = make_engine("gone")
        assert names(engine) == ["Ursula"]

    WRITES[write]()

    assert names(engine) == ["Octavia"]
    assert engine.answers.versions is not None
    # nobody reads it, so nothing is tried again
    assert not engine.answers.versions.owes(["bookshop_author"])


@pytest.mark.parametrize("write", WRITES)
def test_settings_that_are_wrong(cache_alias: str, write: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    assert names(engine) == ["Ursula"]

    def makers() -> Any:
        raise ConfigurationError("FRAISEQL is wrong")

    monkeypatch.setattr(versions, "_default_versions", [makers])
    WRITES[write]()

    # the engine that there is is told nevertheless
    assert names(engine) == ["Octavia"]


@pytest.mark.usefixtures("no_rest")
@pytest.mark.parametrize("write", WRITES)
def test_debts_where_no_thread_can_be_started(write: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Author.objects.create(name="Ursula")
    failing = FailingCache(DjangoCache("locmem"))
    failing.failing = False
    engine = GraphQLEngine(cache=failing)
    engine.answers.remove()
    assert names(engine) == ["Ursula"]

    def start(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(debts, "_collector", debts.Collector())
    with monkeypatch.context() as patched:
        patched.setattr(debts.Thread, "start", start)
        failing.failing = True
        WRITES[write]()
        failing.failing = False
        assert names(engine) == ["Octavia"]
        assert not is_hit(engine, AUTHORS)

    # the next reader starts it
    wait_until(lambda: is_hit(engine, AUTHORS))


class _Stopped(DjangoCache):
    stops = False

    def replace_many(self, values: Any, token: str) -> None:
        if self.stops:
            self.stops = False
            raise Stop
        super().replace_many(values, token)


# --- marks of several writers ---


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_mark_of_another_writer_is_left_alone(any_cache: str) -> None:
    cache = DjangoCache(any_cache)
    cache.replace_many({AUTHOR: "v1"}, "")
    cache.mark_many([AUTHOR], "one", 60)
    cache.mark_many([AUTHOR], "two", 60)

    cache.replace_many({AUTHOR: "v2"}, "one")
    found = cache.get(AUTHOR)
    assert found is not None
    assert found.startswith(f"{MARK}two@")
    cache.replace_many({AUTHOR: "v3"}, "")
    assert cache.get(AUTHOR) == found

    cache.replace_many({AUTHOR: "v4"}, "two")
    assert cache.get(AUTHOR) == "v4"
    cache.replace_many({AUTHOR: "v5"}, "one")
    assert cache.get(AUTHOR) == "v5"


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
@pytest.mark.parametrize("within", [True, False])
def test_mark_that_comes_while_another_ends_is_kept(
    any_cache: str, within: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One writer reads a value to write it; meanwhile another marks the table, and may die in its commit."""
    cache = DjangoCache(any_cache)
    cache.mark_many([AUTHOR], "one", 60)
    own = django.without_mark

    def slowly(value: object, token: str, *args: Any) -> Any:
        if value is not None and not others:
            others.append(pool.submit(in_thread, lambda: cache.mark_many([AUTHOR], "two", 60)))
            wait(others, timeout=0.3)
        return own(value, token, *args)

    others: list[Any] = []
    monkeypatch.setattr(django, "without_mark", slowly)
    with ThreadPoolExecutor(1) as pool:
        # in a transaction of the project's, too
        with transaction.atomic() if within else nullcontext():
            cache.replace_many({AUTHOR: "v1"}, "one")
        for other in others:
            other.result(60)

    # a Redis runs a script for that
    assert bool(others) == (any_cache not in ("redis", "django_redis"))
    if others:
        assert str(cache.get(AUTHOR)).startswith(f"{MARK}two@")


WITH_LOCKS = [kind for kind in ALL_KINDS if kind.values[0] in ("database", "file", "memcached")]


@pytest.mark.parametrize("any_cache", WITH_LOCKS, indirect=True)
def test_lock_that_nobody_releases(any_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write goes on, and is told in another way."""
    monkeypatch.setattr(exclusion, "LOCK_WAIT_MS", 100)
    Author.objects.create(name="Ursula")
    engine = make_engine(any_cache)
    engine.answers.remove()
    assert names(engine) == ["Ursula"]
    cache, held, done = DjangoCache(any_cache), Event(), Event()

    def hold() -> None:
        with exclusion.one_writer(cache._django, [cache._full(AUTHOR, cache._way)]):
            held.set()
            done.wait(60)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(in_thread, hold)
        try:
            assert held.wait(60)
            Author.objects.update(name="Octavia")
            assert names(engine) == ["Octavia"]
        finally:
            done.set()
        holding.result(60)


@pytest.mark.parametrize("any_cache", ALL_KINDS, indirect=True)
def test_mark_ends_with_its_lease(any_cache: str) -> None:
    cache = DjangoCache(any_cache)
    cache.mark_many([AUTHOR], "dead", 1)
    cache.mark_many([AUTHOR], "alive", 60)
    # it is there for the sake of the other, but no longer than its lease
    wait_until(lambda: cache.mark_many([AUTHOR], "alive", 60) or "dead" not in str(cache.get(AUTHOR)))
    cache.mark_many([version_key("other")], "dead", 1)
    wait_until(lambda: cache.get(version_key("other")) is None)


def test_version_of_a_reader_is_replaced_after_a_long_commit(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    kept = versions_in(DjangoCache(cache_alias), 30)
    assert kept.mark(["bookshop_author"], "slow")
    # the lease ends before the commit, and somebody reads
    DjangoCache(cache_alias).delete(AUTHOR)
    assert names(engine) == ["Ursula"]
    assert is_hit(engine, AUTHORS)

    kept.renew(["bookshop_author"], "slow")

    assert not is_hit(engine, AUTHORS)


# --- several caches ---


@pytest.fixture
def next_release() -> Iterator[str]:
    """Return an alias of the tests' Redis as the next release of a project has it."""
    former = caches.settings["redis"]
    caches.settings["next"] = {**former, "KEY_PREFIX": former["KEY_PREFIX"] + "-next", "VERSION": 2}
    yield "next"
    DjangoCache("next").clear()
    del caches["next"]
    del caches.settings["next"]


def test_write_of_another_release_reaches_the_answers_of_this_one(next_release: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine("redis")
    data(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)
    # answers are each release's own
    other = make_engine(next_release)
    assert not is_hit(other, AUTHORS)

    versions_in(DjangoCache(next_release), 30).renew(["bookshop_author"])

    assert not is_hit(engine, AUTHORS)


@pytest.mark.other_processes
def test_engine_over_a_cache_that_writes_of_others_do_not_reach_is_refused(next_release: str) -> None:
    message = (
        r"^the engine keeps its answers in CACHES\['redis'\], which the writes of other processes do not reach: "
        r"add 'redis', or an alias of the same server, to FRAISEQL\['CACHE'\]\['TELLS'\], or keep the answers in "
        r"one of: 'default'$"
    )
    with pytest.raises(ConfigurationError, match=message):
        make_engine("redis")
    make_engine("locmem")
    # under another alias, it is the same server
    for told in ("redis", next_release):
        with override_settings(FRAISEQL={"CACHE": {"TELLS": [told]}}):
            make_engine("redis")


@pytest.mark.other_processes
def test_write_reaches_the_caches_that_the_settings_name(next_release: str) -> None:
    """In a process that never builds the other engine: this one forgets it."""
    Author.objects.create(name="Ursula")
    with override_settings(FRAISEQL={"CACHE": {"TELLS": [next_release]}}):
        with engines_forgotten():
            engine = make_engine("redis")
            engine.answers.remove()
            assert names(engine) == ["Ursula"]
            assert is_hit(engine, AUTHORS)

        Author.objects.update(name="Octavia")

        assert names(engine) == ["Octavia"]


def test_lost_versions_are_written_in_one_step(cache_alias: str) -> None:
    cache = Recording(cache_alias)
    engine = GraphQLEngine(cache=cache)
    query = "{ authors { books { publisher { name } reviews { stars } } } }"
    data(engine, query)
    for table in ("bookshop_book", "bookshop_publisher", "bookshop_review"):
        cache.delete(version_key(table))
    kept = cache.get(AUTHOR)
    cache.calls.clear()

    data(engine, query)

    assert cache.calls == ["get_many", "add_many", "set"]
    assert cache.get(AUTHOR) == kept
    assert is_hit(engine, query)


@pytest.mark.parametrize("backend", ["django_redis.cache.RedisCache", "django.core.cache.backends.redis.RedisCache"])
def test_replicas_are_left_alone(backend: str) -> None:
    former = caches.settings["redis"]
    servers = [former["LOCATION"], "redis://127.0.0.1:1"]
    caches.settings["replicated"] = {**former, "BACKEND": backend, "LOCATION": servers}
    engine = make_engine("replicated")
    engine.answers.remove()
    for _ in range(5):
        Author.objects.create(name="Ursula")
        data(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)
    DjangoCache("replicated").clear()
    del caches["replicated"]
    del caches.settings["replicated"]


class Sealed(DjangoRedisCache):
    """Keeps nothing as it is: what bypassed it would see through that."""

    def set(self, key: Any, value: Any, timeout: Any = 60, version: Any = None) -> None:
        super().set(key, ("sealed", value), timeout, version)

    def get_many(self, keys: Any, version: Any = None) -> Any:
        found = super().get_many(keys, version)
        return {key: value[1] if isinstance(value, tuple) else value for key, value in found.items()}


def test_backend_with_methods_of_its_own_is_used_by_them() -> None:
    caches.settings["sealed"] = {**caches.settings["redis"], "BACKEND": f"{__name__}.Sealed"}
    Author.objects.create(name="Ursula")
    engine = make_engine("sealed")
    engine.answers.remove()
    assert names(engine) == ["Ursula"]
    assert is_hit(engine, AUTHORS)
    plain = DjangoCache("redis")
    (kept,) = [plain.get(key) for key in plain.keys() or () if key.startswith(ENTRY)]
    assert kept is not None
    assert kept[0] == "sealed"

    Author.objects.update(name="Octavia")

    assert names(engine) == ["Octavia"]
    DjangoCache("redis").clear()
    del caches["sealed"]
    del caches.settings["sealed"]
