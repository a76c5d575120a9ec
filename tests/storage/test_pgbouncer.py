"""Behind PgBouncer in transaction mode, with the defaults of all settings. Needs ``pgbouncer`` on the PATH."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Timer
from typing import Any

import psycopg
import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connections, transaction
from django.test import override_settings

from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache import connections as cache_connections
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import CacheSettings, get_settings
from fraiseql_django.errors import ConfigurationError
from fraiseql_django.invalidation.watcher import Watcher
from fraiseql_django.storage.django import DjangoStorage
from tests.servers import pgbouncer
from tests.support import data, wait_until
from tests.watching import heard, install, outside, recorded, running, uninstall

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "second"])


@pytest.fixture
def pooled() -> Iterator[str]:
    """Point the alias ``second`` at PgBouncer in transaction mode; return the alias."""
    with behind_pgbouncer() as alias:
        yield alias


@contextmanager
def behind_pgbouncer(mode: str = "transaction") -> Iterator[str]:
    """Point the alias ``second`` at PgBouncer in a mode; yield the alias."""
    usual = connections.settings["default"] | connections["default"].settings_dict
    second: Any = connections["second"]
    second.close()
    kept = dict(second.settings_dict)
    with pgbouncer(usual, mode) as settings, pytest.MonkeyPatch.context() as patch:
        second.settings_dict.update(settings)
        patch.setitem(connections.settings, "second", settings)
        try:
            second.ensure_connection()
            yield "second"
        finally:
            second.close()
            second.settings_dict.clear()
            second.settings_dict.update(kept)
            # a cache's connection, made with the settings of this test
            vars(second).pop(cache_connections._ATTRIBUTE, None)


def test_each_client_gets_its_own_rows(pooled: str) -> None:
    """Statements of two clients with the same types of parameters, in the same two sessions of PostgreSQL."""
    Author.objects.create(name="an author")
    Publisher.objects.create(name="a publisher", country="US")
    queries = {
        "authors": "query($n: Int) { authors(limit: $n) { id name } }",
        "publishers": "query($n: Int) { publishers(limit: $n) { id name } }",
    }

    def client(field: str) -> set[str]:
        engine = GraphQLEngine(storage=DjangoStorage(pooled), cache=None)
        try:
            return {data(engine, queries[field], {"n": number})[field][0]["name"] for number in range(1, 100)}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(client, ["authors", "publishers"] * 2))

    assert found == [{"an author"}, {"a publisher"}] * 2


def test_nothing_stays_prepared_or_set(pooled: str) -> None:
    storage = DjangoStorage(pooled)
    for value in "123":
        assert storage.query("SELECT %s::int", [value], (("app.x", value),)).rows == [(value.encode(),)]
    with storage.begin_transaction((("app.x", "9"),)) as opened:
        assert storage.query("SELECT current_setting('app.x')").rows == [(b"9",)]
        storage.execute("UPDATE bookshop_author SET name = %s", ["x"])
        opened.commit()
    with storage.begin_transaction() as opened:
        storage.execute("UPDATE bookshop_author SET name = %s", ["x"])
        opened.commit()

    for _ in range(4):
        assert storage.query("SELECT current_setting('app.x', true)").rows[0][0] in (None, b"")
        assert storage.query("SELECT count(*) FROM pg_prepared_statements").rows == [(b"0",)]


class CacheInSecond:
    """Routes the cache to the second alias."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "second" if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read


def test_cache_in_the_database_leaves_no_limit_behind(pooled: str) -> None:
    cache = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_behind_pgbouncer"}
    routers = ["tests.storage.test_pgbouncer.CacheInSecond"]
    with override_settings(CACHES={**caches.settings, "table": cache}):
        call_command("createcachetable", verbosity=0)
        with override_settings(DATABASE_ROUTERS=routers), transaction.atomic(using=pooled):
            Author.objects.using(pooled).count()
            DjangoCache("table").set("key", 1, 60)
            assert DjangoCache("table").get("key") == 1
        DjangoCache("table").clear()

    for _ in range(4):
        assert DjangoStorage(pooled).query("SHOW lock_timeout").rows == [(b"0",)]


def test_process_of_the_session_is_not_the_one_that_answered(pooled: str) -> None:
    """What the detection relies on."""
    driver: psycopg.Connection[Any] = connections[pooled].connection

    assert driver.execute("SELECT pg_backend_pid()").fetchone() != (driver.info.backend_pid,)


def test_watcher_in_transaction_mode_is_refused(pooled: str) -> None:
    """LISTEN succeeds there, in a session that others use by now."""
    watcher = Watcher(pooled, 5)
    # so that the test ends where it is not
    limit = Timer(30, watcher.stop)
    limit.start()
    with recorded(), pytest.raises(ConfigurationError) as caught:
        watcher.run()
    limit.cancel()
    watcher.close()

    assert str(caught.value) == (
        "the connection of the database 'second' goes through a pooler that gives each transaction another session of "
        "PostgreSQL, in which nothing listens; set FRAISEQL['CACHE']['WATCH_DATABASE'] to an alias in DATABASES that "
        "leads to PostgreSQL itself"
    )


def test_watcher_of_a_server_goes_on_trying_in_transaction_mode(pooled: str, caplog: pytest.LogCaptureFixture) -> None:
    watcher = Watcher(pooled, 1, lenient=True)
    with recorded() as dropped, running(watcher):
        # as long as it does not hear, everything counts as written
        wait_until(lambda: len(dropped) > 1)
        assert watcher.began == 0
    assert [record for record in caplog.records if "goes through a pooler" in record.message]


def test_watcher_hears_in_session_mode() -> None:
    install("bookshop_author")
    try:
        with behind_pgbouncer("session") as alias:
            # its session is taken for as long as it is open
            connections[alias].close()
            with heard(alias) as of:
                assert of(lambda: outside("DELETE FROM bookshop_author")) == {"bookshop_author"}
    finally:
        uninstall()


def cached(alias: str) -> GraphQLEngine:
    """Make an engine over the pooled connections that keeps its answers in Redis."""
    return GraphQLEngine(settings=replace(get_settings(), database=alias, cache=CacheSettings(alias="redis")))


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, "{ authors { name } }")["authors"]]


def test_cache_is_right_behind_it(pooled: str) -> None:
    """Commits, rollbacks and savepoints are seen by this side of PgBouncer; the other changes with each transaction."""
    engine, authors = cached(pooled), Author.objects.using(pooled)
    authors.create(name="Ursula")
    assert names(engine) == ["Ursula"]

    with transaction.atomic(using=pooled):
        authors.update(name="undone")
        assert names(engine) == ["undone"]
        transaction.set_rollback(True, using=pooled)
    before = engine.statistics().result_hits
    assert names(engine) == ["Ursula"]
    assert engine.statistics().result_hits == before + 1

    with transaction.atomic(using=pooled):
        authors.update(name="Octavia")
        with transaction.atomic(using=pooled):
            authors.update(name="undone")
            transaction.set_rollback(True, using=pooled)
    assert names(engine) == ["Octavia"]
    with engine.storage.begin_transaction() as opened:
        # what PostgreSQL reports before the commit, of the session that the transaction is in
        engine.storage.execute("UPDATE bookshop_author SET name = %s", ["Joanna"])
        opened.commit()
    assert names(engine) == ["Joanna"]


def test_nothing_is_stale_behind_it_in_races(pooled: str) -> None:
    """Four clients in two sessions of PostgreSQL; each answer is held against what was committed when it was asked."""
    engine = cached(pooled)
    row = Author.objects.using(pooled).create(name="0")
    committed = [0]

    def write(times: int) -> int:
        for _ in range(times):
            with transaction.atomic(using=pooled):
                rows = Author.objects.using(pooled).select_for_update()
                number = int(rows.get(pk=row.pk).name) + 1
                rows.filter(pk=row.pk).update(name=str(number))
                if undone := random.random() < 0.3:
                    transaction.set_rollback(True, using=pooled)
            if not undone:
                committed[0] = max(committed[0], number)
        connections.close_all()
        return 0

    def read(times: int) -> int:
        stale = 0
        for _ in range(times):
            before = committed[0]
            stale += int(names(engine)[0]) < before
        connections.close_all()
        return stale

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda run: run(100), [write, read, write, read]))

    assert found == [0, 0, 0, 0]
    assert committed[0] > 50
