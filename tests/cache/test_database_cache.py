"""Caches that keep their values in a database: what is written there is outside of the project's transactions."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.core.cache import BaseCache, caches
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django._django import second_connection
from fraiseql_django.cache import connections as cache_connections
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import version_key
from fraiseql_django.cache.marks import MARK
from tests.support import data, in_thread, is_hit, make_engine

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
RENAME = 'mutation { renameAll(name: "Octavia") { name } }'
TABLE = "cache_of_answers"


REGISTRY = Registry()


@fraiseql.type(Author, fields=["name"], registry=REGISTRY)
class AuthorType:
    """Someone who writes books."""


@fraiseql.mutation(registry=REGISTRY)
def rename_all(info: fraiseql.Info, name: str) -> list[Author]:
    Author.objects.update(name=name)
    return list(Author.objects.all())


@pytest.fixture(params=["database", "file", "locmem", "redis"])
def kept_in(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an alias of each kind of cache, empty before and after."""
    with caches_of(tmp_path):
        DjangoCache(request.param).clear()
        yield request.param
        DjangoCache(request.param).clear()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """Return an alias of a cache in the database."""
    with caches_of(tmp_path):
        yield "database"


def caches_of(folder: Path) -> Any:
    backend = "django.core.cache.backends"
    return _Caches(
        {
            **caches.settings,
            "database": {"BACKEND": f"{backend}.db.DatabaseCache", "LOCATION": TABLE},
            "file": {"BACKEND": f"{backend}.filebased.FileBasedCache", "LOCATION": folder},
        }
    )


class _Caches(override_settings):
    def __init__(self, settings: Any) -> None:
        super().__init__(CACHES=settings)

    def enable(self) -> None:
        super().enable()
        call_command("createcachetable", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLE}")


def in_autocommit_mode(write: Callable[[], None]) -> None:
    write()


def in_atomic(write: Callable[[], None]) -> None:
    with transaction.atomic():
        write()


def in_durable(write: Callable[[], None]) -> None:
    with transaction.atomic(durable=True):
        write()


def in_nested(write: Callable[[], None]) -> None:
    with transaction.atomic():
        with transaction.atomic():
            write()
        with transaction.atomic(savepoint=False):
            pass


def by_hand(write: Callable[[], None]) -> None:
    connection.set_autocommit(False)
    try:
        write()
        connection.commit()
    finally:
        connection.set_autocommit(True)


def by_hand_with_a_statement_after(write: Callable[[], None]) -> None:
    connection.set_autocommit(False)
    try:
        write()
        connection.commit()
        # the next transaction of the connection, which is undone
        Author.objects.create(name="nobody")
        connection.rollback()
    finally:
        connection.set_autocommit(True)


def by_sql(write: Callable[[], None]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        write()
        cursor.execute("COMMIT")


def while_a_cursor_is_read(write: Callable[[], None]) -> None:
    rows = Author.objects.all().iterator(chunk_size=1)
    next(rows)
    write()
    list(rows)


WAYS = [
    in_autocommit_mode,
    in_atomic,
    in_durable,
    in_nested,
    by_hand,
    by_hand_with_a_statement_after,
    by_sql,
    while_a_cursor_is_read,
]


@pytest.mark.parametrize("way", WAYS)
def test_write_is_seen_by_the_next_query(kept_in: str, way: Callable[[Callable[[], None]], None]) -> None:
    author = Author.objects.create(name="Ursula")
    Author.objects.create(name="Joanna")
    engine = make_engine(kept_in)
    data(engine, AUTHORS)
    assert is_cached(engine)

    way(lambda: Author.objects.filter(pk=author.pk).update(name="Octavia") and None)

    assert [found["name"] for found in data(engine, AUTHORS)["authors"]] == ["Joanna", "Octavia"]
    assert connection.get_autocommit()
    assert not connection.in_atomic_block


def is_cached(engine: GraphQLEngine) -> bool:
    hits = engine.statistics().result_hits
    data(engine, AUTHORS)
    return engine.statistics().result_hits == hits + 1


def test_hook_of_the_commit_sees_the_write(kept_in: str) -> None:
    engine = make_engine(kept_in)
    data(engine, AUTHORS)
    seen: list[Any] = []

    with transaction.atomic():
        transaction.on_commit(lambda: seen.extend(data(engine, AUTHORS)["authors"]))
        Author.objects.create(name="Ursula")

    assert seen == [{"name": "Ursula"}]


def test_mutation_is_answered_and_seen(kept_in: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(kept_in, registry=REGISTRY)
    data(engine, AUTHORS)

    response = engine.execute(RENAME)

    assert (response.status, response.errors) == (200, ())
    assert data(engine, AUTHORS) == {"authors": [{"name": "Octavia"}]}
    assert is_cached(engine)


def test_query_within_a_transaction_is_answered_from_the_cache(kept_in: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(kept_in)
    with transaction.atomic():
        data(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)
        transaction.set_rollback(True)

    # what was kept is not undone with the transaction
    assert is_cached(engine)


def test_transaction_holds_no_locks_in_the_cache(database: str) -> None:
    engine = make_engine(database)
    with transaction.atomic():
        data(engine, AUTHORS)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = %s::regclass", [TABLE]
            )
            assert cursor.fetchone() == (0,)


def test_lost_table_breaks_no_transaction(database: str) -> None:
    engine = make_engine(database)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")

    with transaction.atomic():
        Author.objects.create(name="Ursula")
    with transaction.atomic():
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}
        Author.objects.create(name="Joanna")

    assert Author.objects.count() == 2


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_transaction_of_another_database_takes_nothing_back(database: str) -> None:
    """The cache lives in a database whose transaction is rolled back, and keeps an older snapshot; the write stays."""
    engine = make_engine(database)
    with override_settings(DATABASE_ROUTERS=["tests.cache.test_database_cache.CacheInSecond"]):
        data(engine, AUTHORS)
        with transaction.atomic(using="second"):
            Author.objects.using("second").count()
            Author.objects.create(name="Ursula")
            assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}
            transaction.set_rollback(True, using="second")
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}


class CacheInSecond:
    """Routes the cache to the second alias."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "second" if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read


def test_lock_that_the_same_thread_holds_is_not_waited_for(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_connections, "LOCK_WAIT_MS", 50)
    Author.objects.create(name="Ursula")
    engine = make_engine(database)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {TABLE}")
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}


def test_version_that_could_not_be_written_is_not_taken_for_written(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django's cache in the database keeps errors of its writes to itself."""
    monkeypatch.setattr(cache_connections, "LOCK_WAIT_MS", 50)
    Author.objects.create(name="Ursula")
    engine = make_engine(database)
    data(engine, AUTHORS)

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {TABLE} FOR UPDATE) AS locked")
        in_thread(lambda: in_atomic(lambda: Author.objects.update(name="Octavia") and None))

    # the version is written before this process reads the cache again
    assert [found["name"] for found in data(engine, AUTHORS)["authors"]] == ["Octavia"]


def test_connection_of_the_cache_is_closed_with_the_other(database: str) -> None:
    engine = make_engine(database)
    with transaction.atomic():
        data(engine, AUTHORS)
    own = getattr(connections["default"], cache_connections._ATTRIBUTE).connection
    assert own.connection is not None

    connection.close()

    assert own.connection is None


def test_connection_of_the_cache_is_replaced_when_it_is_lost(database: str) -> None:
    engine = make_engine(database)
    with transaction.atomic():
        data(engine, AUTHORS)
        pid = getattr(connections["default"], cache_connections._ATTRIBUTE).connection.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(DatabaseError):
            DjangoCache(database).get("key")
        assert DjangoCache(database).get("key") is None


def sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_caches_without_a_database_open_no_connection() -> None:
    engine = make_engine("locmem")
    with transaction.atomic():
        before = sessions()
        data(engine, AUTHORS)
        assert sessions() == before


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_pool_of_one_connection_is_enough(database: str) -> None:
    second = connections["second"]
    second.close()
    kept = dict(second.settings_dict)
    second.settings_dict["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 1, "timeout": 5}}
    try:
        routers = override_settings(DATABASE_ROUTERS=["tests.cache.test_database_cache.CacheInSecond"])
        with routers, transaction.atomic(using="second"):
            Author.objects.using("second").count()
            DjangoCache(database).set("key", 1, 60)
            assert DjangoCache(database).get("key") == 1
    finally:
        second.close()
        second.close_pool()  # type: ignore[attr-defined]
        second.settings_dict.update(kept)


class OwnTable(BaseCache):
    """A project's cache that keeps texts in a table of its own, over Django's connections."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: Any = None) -> Any:
        """Return a value."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT value FROM own_cache WHERE key = %s", [key])
            found = cursor.fetchone()
        return default if found is None else found[0]

    def set(self, key: str, value: Any, timeout: Any = None, version: Any = None) -> None:
        """Store a value."""
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO own_cache VALUES (%s, %s)", [key, value])


def test_cache_class_of_the_project_is_outside_of_transactions_as_well() -> None:
    own = {"BACKEND": "tests.cache.test_database_cache.OwnTable", "LOCATION": ""}
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE own_cache (key text PRIMARY KEY, value text)")
    try:
        with override_settings(CACHES={**caches.settings, "own": own}):
            with transaction.atomic():
                DjangoCache("own").set("key", "kept", 60)
                transaction.set_rollback(True)
            assert DjangoCache("own").get("key") == "kept"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE own_cache")


# --- requests in transactions ---


def view(request: HttpRequest) -> HttpResponse:
    """Answer GraphQL with a cache in the database, and write before that if asked to."""
    if "write" in request.GET:
        Author.objects.create(name=request.GET["write"])
    return HttpResponse(make_engine("database").execute(AUTHORS).body, content_type="application/json")


urlpatterns = [path("view/", view)]


@override_settings(ROOT_URLCONF="tests.cache.test_database_cache")
def test_requests_in_transactions(database: str, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)

    assert client.get("/view/").json() == {"data": {"authors": []}}
    assert client.get("/view/", {"write": "Ursula"}).json() == {"data": {"authors": [{"name": "Ursula"}]}}
    assert client.get("/view/").json() == {"data": {"authors": [{"name": "Ursula"}]}}


def test_deadlock_in_the_cache_is_tried_again(database: str) -> None:
    """``DatabaseCache`` removes expired rows in one statement, as this session changes rows, in another order."""
    cache = DjangoCache(database)
    cache.add_many({"version:a": "1", "version:b": "1"})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT cache_key FROM {TABLE} ORDER BY cache_key")
        first, second = (key for (key,) in cursor.fetchall())
    other: Any = second_connection(connection)
    other.set_autocommit(False)
    change = f"UPDATE {TABLE} SET expires = expires WHERE cache_key = %s"
    attempts: list[int] = []

    def write() -> None:
        def both() -> None:
            attempts.append(1)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(change, [first])
                locked.set()
                cursor.execute(change, [second])

        try:
            cache_connections.without_contention(both)
        finally:
            connection.close()

    locked = Event()
    try:
        with other.cursor() as cursor:
            # the other one notices the deadlock, and is ended by it
            cursor.execute("SET LOCAL deadlock_timeout = '20s'")
            cursor.execute(change, [second])
            writer = Thread(target=write)
            writer.start()
            locked.wait(5)
            cursor.execute(change, [first])
        other.commit()
        writer.join()
    finally:
        other.close()

    assert len(attempts) == 2


def test_mark_is_replaced_though_the_cache_is_in_the_same_database(database: str) -> None:
    engine = make_engine(database)
    Author.objects.create(name="Ursula")
    Author.objects.update(name="Octavia")

    data(engine, AUTHORS)
    assert engine.cache is not None
    assert MARK not in str(engine.cache.get(version_key("bookshop_author")))
