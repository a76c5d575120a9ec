"""Queries read from a replica where it has replayed the writes, and from the primary where it has not."""

import logging
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.models import FloatField, Func, IntegerField
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache import circuit_breaker
from fraiseql_django.cache.answers import ENTRY
from fraiseql_django.conf.settings import LimitSettings
from fraiseql_django.execution import replicas as replicas_module
from fraiseql_django.storage.positions import POSITION, Position, parse_position
from tests.replicas.conftest import PRIMARY, REPLICA, Router, Site
from tests.servers import pgbouncer, wait_until
from tests.support import data

AUTHORS = "{ authors { name } }"
PUBLISHERS = "{ publishers { name } }"
authors = Author.objects.using(PRIMARY)


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


def write(site: Site, name: str) -> None:
    """Insert an author, and let the standby replay it."""
    authors.create(name=name)
    site.servers.catch_up()


def with_computed(name: str, annotation: type, expression: Any) -> Registry:
    """Declare a type with a computed field."""
    registry = Registry()
    body = {"__annotations__": {name: annotation}, name: fraiseql.field(expression=expression)}
    fraiseql.type(Author, fields=["name"], registry=registry)(type("AuthorType", (), body))
    return registry


@contextmanager
def sent_to(primary: int, replica: int) -> Iterator[None]:
    """Hold a block to so many statements on each server."""
    with CaptureQueriesContext(connections[PRIMARY]) as one, CaptureQueriesContext(connections[REPLICA]) as two:
        yield
    assert (len(one), len(two)) == (primary, replica), [*one.captured_queries, *two.captured_queries]


def warm(engine: GraphQLEngine, *queries: str) -> None:
    """Let an engine see the versions of the tables of queries, and forget the answers."""
    for query in queries or (AUTHORS,):
        data(engine, query)
    cache: Any = engine.answers.cache
    cache.delete_many(filter(lambda key: key.startswith(ENTRY), list(cache.keys())))


def counts(engine: GraphQLEngine) -> tuple[int, int]:
    """Return how often the replica has answered, and how often the primary in its place."""
    found = engine.statistics()
    return found.replicas_answered, found.replicas_passed_on


# --- from where rows are read ---


def test_query_is_read_from_the_replica_and_kept(site: Site, storage_path: str) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)

    with sent_to(primary=0, replica=1 if storage_path == "pipeline" else 4):
        assert names(engine) == ["Ursula"]
    with sent_to(primary=0, replica=0):
        assert names(engine) == ["Ursula"]


def test_statement_and_position_take_one_round_trip(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    warm(engine)
    driver: Any = connections[REPLICA].connection
    trips: list[Any] = []

    def counted(generator: Any) -> Any:
        trips.append(generator)
        return type(driver).wait(driver, generator)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "wait", counted)
        assert names(engine) == ["Ursula"]
    assert len(trips) == 1
    assert counts(engine) == (2, 0)
    assert engine.statistics().statements == 3


def test_lagging_replica_is_not_believed(site: Site, storage_path: str) -> None:
    """Its rows are neither shown nor kept: the primary answers, and what it answers is kept."""
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.pause()

    authors.update(name="Octavia")
    warm(engine)

    assert names(engine) == ["Octavia"]
    assert counts(engine) == (0, 1)
    with sent_to(primary=0, replica=0):
        assert names(engine) == ["Octavia"]
    warm(engine)
    site.servers.resume()
    site.servers.catch_up()
    time.sleep(replicas_module.RECENT_SECONDS)
    assert names(engine) == ["Octavia"]
    assert counts(engine) == (1, 1)


def test_position_is_what_shows_that_a_replica_lags(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison the test before this one would find the old name."""
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.pause()
    authors.update(name="Octavia")
    warm(engine)

    monkeypatch.setattr(Position, "covers", lambda self, other: True)

    assert names(engine) == ["Ursula"]


def test_who_has_just_written_sees_it(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    mutation = 'mutation($k: ID!) { updateAuthor(id: $k, input: {name: "Octavia"}) { __typename } }'
    key = authors.get().pk
    site.servers.pause()

    data(engine, mutation, {"k": key})

    for _ in range(3):
        assert names(engine) == ["Octavia"]
        warm(engine)


def test_tables_that_were_not_written_are_read_from_a_lagging_replica(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine, AUTHORS, PUBLISHERS)
    site.servers.pause()
    authors.update(name="Octavia")
    warm(engine)
    names(engine)

    with sent_to(primary=0, replica=1):
        data(engine, PUBLISHERS)


def test_replica_that_was_just_behind_is_not_asked_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas_module, "RECENT_SECONDS", 60)
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.pause()
    authors.update(name="Octavia")
    warm(engine)

    with sent_to(primary=1, replica=1):
        names(engine)
    warm(engine)
    with sent_to(primary=1, replica=0):
        assert names(engine) == ["Octavia"]


def test_replica_that_stays_behind_is_in_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replicas_module, "LAG_SECONDS", 0.1)
    monkeypatch.setattr(replicas_module, "RECENT_SECONDS", 0)
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.pause()
    authors.update(name="Octavia")
    for _ in range(3):
        warm(engine)
        time.sleep(0.06)
        names(engine)

    assert caplog.text.count("replica 'replica' has been behind") == 1


def test_in_a_transaction_the_primary_is_read(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)

    with transaction.atomic(using=PRIMARY), sent_to(primary=1, replica=0):
        assert names(engine) == ["Ursula"]


def test_what_depends_on_chance_is_read_from_the_replica_as_well(site: Site) -> None:
    """It is not kept, but compared."""
    engine = site.engine(registry=with_computed("chance", float, Func(function="random", output_field=FloatField())))
    query = "{ authors { name chance } }"
    write(site, "Ursula")
    warm(engine, query)

    with sent_to(primary=0, replica=1):
        data(engine, query)
    site.servers.pause()
    authors.update(name="Octavia")
    for _ in range(3):
        assert data(engine, query)["authors"][0]["name"] == "Octavia"


def test_without_a_cache_the_primary_is_read(site: Site) -> None:
    engine = site.engine(cached=False)
    write(site, "Ursula")

    with sent_to(primary=1, replica=0):
        names(engine)


# --- versions ---


def test_write_costs_the_primary_one_statement_for_each_process(site: Site) -> None:
    """Two engines have nothing in common but the cache, as two processes."""
    engines = [site.engine(), site.engine()]
    other = "{ authors { id name } }"
    for engine in engines:
        warm(engine, AUTHORS, other)
    write(site, "Ursula")

    for engine in engines:
        with sent_to(primary=1, replica=0):
            names(engine)
        warm(engine)
        with sent_to(primary=0, replica=2):
            names(engine)
            data(engine, other)
        warm(engine)


def test_lost_versions_do_not_hide_a_write(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.pause()
    authors.update(name="Octavia")
    engine.answers.cache.clear()  # type: ignore[union-attr]

    assert names(engine) == ["Octavia"]


def test_replica_whose_snapshots_are_older_is_not_believed(site: Site) -> None:
    """Where all statements of a transaction have one snapshot, the position is read after it."""
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    standby = site.servers.standby
    site.servers.ask(standby, "ALTER SYSTEM SET default_transaction_isolation = 'repeatable read'")
    site.servers.ask(standby, "SELECT pg_reload_conf()")
    try:
        connections[REPLICA].close()
        wait_until(lambda: site.servers.ask(standby, f"SELECT {POSITION.decode()}") is None, "the setting")
        with sent_to(primary=1, replica=1):
            names(engine)
    finally:
        site.servers.ask(standby, "ALTER SYSTEM RESET default_transaction_isolation")
        site.servers.ask(standby, "SELECT pg_reload_conf()")
        connections[REPLICA].close()


def test_primary_without_positions_answers_everything(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in ("pipeline", "django"):
        monkeypatch.setattr(f"fraiseql_django.storage.{module}.POSITION", b"aurora_has_no_position()")
    engine = site.engine()
    write(site, "Ursula")

    for _ in range(3):
        warm(engine)
        assert names(engine) == ["Ursula"]

    assert counts(engine) == (0, 0)
    assert caplog.text.count("replicas are not read, as the primary does not say its position") == 1


@pytest.mark.parametrize("text", [None, b"", b"nothing", b"7.1:", b"7.1:0/", b"7.1:0/x"])
def test_text_that_is_no_position(text: bytes | None) -> None:
    assert parse_position(text) is None


def test_positions_of_two_histories_are_not_compared() -> None:
    here, there = parse_position(b"7.1:1/A0"), parse_position(b"7.2:2/0")

    assert here == Position("7.1", 0x1000000A0)
    assert there is not None
    assert not there.covers(here)
    assert here.covers(Position("7.1", 0x1000000A0))
    assert not here.covers(Position("7.1", 0x1000000A1))


# --- routers ---


@pytest.mark.parametrize(
    ("query", "replica"), [(AUTHORS, 1), (PUBLISHERS, 0), ("{ authors { name } publishers { name } }", 0)]
)
def test_all_models_of_an_operation_must_be_sent_to_a_replica(
    site: Site, monkeypatch: pytest.MonkeyPatch, query: str, replica: int
) -> None:
    monkeypatch.setattr(Router, "at_primary", frozenset({Publisher}))
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    warm(engine, query)

    with sent_to(primary=1 - replica, replica=replica):
        data(engine, query)


def test_replica_that_is_not_named_is_not_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings, "other", connections.settings[REPLICA])
    monkeypatch.setattr(Router, "replicas", ("other",))
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)

    with sent_to(primary=1, replica=0):
        names(engine)


# --- replicas that fail ---


def test_statement_that_the_replica_cannot_run_is_run_on_the_primary(site: Site) -> None:
    """It writes: a sequence."""
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("CREATE SEQUENCE IF NOT EXISTS visits")
    visit = Func(function="nextval", template="nextval('visits')", output_field=IntegerField())
    engine = site.engine(registry=with_computed("visit", int, visit))
    query = "{ authors { visit } }"
    write(site, "Ursula")
    warm(engine)

    with sent_to(primary=1, replica=1):
        first = data(engine, query)["authors"][0]["visit"]
    with sent_to(primary=1, replica=0):
        assert data(engine, query)["authors"][0]["visit"] > first


def test_statement_in_conflict_with_the_replay_is_run_on_the_primary(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    standby = site.servers.standby
    site.servers.ask(standby, "ALTER SYSTEM SET max_standby_streaming_delay = 0")
    site.servers.ask(standby, "SELECT pg_reload_conf()")
    slow = Func(function="pg_sleep", template="length(pg_sleep(0.7)::text)", output_field=IntegerField())
    engine = site.engine(registry=with_computed("slow", int, slow))
    query = "{ authors { name slow } }"
    write(site, "Ursula")
    warm(engine, AUTHORS, query)

    def alter() -> None:
        time.sleep(0.2)
        with transaction.atomic(using=PRIMARY), connections[PRIMARY].cursor() as cursor:
            cursor.execute("TRUNCATE bookshop_author RESTART IDENTITY CASCADE")
            cursor.execute("INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Octavia', '', '', '')")

    try:
        with caplog.at_level(logging.INFO, "fraiseql_django.replicas"), ThreadPoolExecutor(1) as pool:
            altered = pool.submit(alter)
            found = data(engine, query)["authors"]
            altered.result()
            pool.submit(connections.close_all)
    finally:
        site.servers.ask(standby, "ALTER SYSTEM RESET max_standby_streaming_delay")
        site.servers.ask(standby, "SELECT pg_reload_conf()")

    assert found[0]["name"] == "Octavia"
    assert "conflict with recovery" in caplog.text


def test_time_limit_is_not_tried_twice(site: Site) -> None:
    slow = Func(function="pg_sleep", template="length(pg_sleep(5)::text)", output_field=IntegerField())
    engine = site.engine(registry=with_computed("slow", int, slow), limits=LimitSettings(statement_ms=150))
    write(site, "Ursula")
    warm(engine)

    with sent_to(primary=0, replica=1):
        (error,) = engine.execute("{ authors { slow } }").json()["errors"]
    assert error["extensions"]["code"] == "TIMEOUT"


def test_project_setting_in_the_session_is_not_lost(site: Site) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("SET app.tenant = '1'")
    try:
        with sent_to(primary=1, replica=1):
            names(engine)
    finally:
        connections[PRIMARY].close()


def test_pgbouncer_before_the_replica(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pgbouncer(connections.settings[REPLICA]) as settings:
        connections[REPLICA].close()
        del connections[REPLICA]
        monkeypatch.setitem(connections.settings, REPLICA, settings)
        try:
            engine = site.engine()
            write(site, "Ursula")
            warm(engine)
            with sent_to(primary=0, replica=1):
                assert names(engine) == ["Ursula"]
            site.servers.pause()
            authors.update(name="Octavia")
            warm(engine)
            assert names(engine) == ["Octavia"]
            assert counts(engine) == (1, 1)
        finally:
            connections[REPLICA].close()
            del connections[REPLICA]


def test_race_of_writes_reads_and_a_replica_that_pauses(site: Site) -> None:
    """Each answer is held against what was committed when its request began."""
    engine = site.engine()
    row = authors.create(name="0")
    committed, done = [0], Event()
    # the limit is a parameter, so that answers have keys of their own
    query = "query($n: Int) { authors(limit: $n) { name } }"

    def writes() -> None:
        while not done.is_set():
            number = committed[0] + 1
            authors.filter(pk=row.pk).update(name=str(number))
            committed[0] = number
            time.sleep(random.random() * 0.03)
        connections.close_all()

    def reads() -> int:
        stale = 0
        while not done.is_set():
            before = committed[0]
            found = data(engine, query, {"n": random.randint(1, 1000)})["authors"][0]["name"]
            stale += int(found) < before
        connections.close_all()
        return stale

    def seen_enough() -> bool:
        site.servers.pause()
        time.sleep(0.05)
        site.servers.resume()
        time.sleep(0.1)
        answered, passed_on = counts(engine)
        return answered > 50 and passed_on > 20

    with ThreadPoolExecutor(3) as pool:
        pool.submit(writes)
        readers = [pool.submit(reads) for _ in range(2)]
        try:
            wait_until(seen_enough, "answers of both servers")
        finally:
            done.set()
        assert [reader.result() for reader in readers] == [0, 0]


# --- a replica that is gone: these end the standby, and stand last ---


def test_replica_that_is_down_is_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    names(engine)
    site.servers.standby.stop()
    try:
        for name in ("Octavia", "Joanna", "James"):
            authors.update(name=name)
            warm(engine)
            assert names(engine) == [name]
        assert caplog.text.count("replica 'replica' failed, the primary is read instead") == 1
    finally:
        site.servers.standby.start()
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0)
    site.servers.catch_up()
    engine.replicas._replicas[REPLICA].breaker._rests_until = 0  # type: ignore[union-attr]
    warm(engine)
    with sent_to(primary=0, replica=1):
        assert names(engine) == ["James"]


def test_promoted_replica_is_not_believed(site: Site) -> None:
    """Its numbers are higher than the primary's, but of another timeline."""
    engine = site.engine()
    write(site, "Ursula")
    warm(engine)
    site.servers.promote()
    for _ in range(3):
        site.servers.ask(site.servers.standby, "SELECT pg_switch_wal()")

    authors.update(name="Octavia")
    warm(engine)

    assert names(engine) == ["Octavia"]
    assert counts(engine) == (0, 1)
    primary, promoted = (
        parse_position(site.servers.ask(server, f"SELECT {POSITION.decode()}").encode())
        for server in (site.servers.primary, site.servers.standby)
    )
    assert primary is not None
    assert promoted is not None
    assert promoted.lsn > primary.lsn
    assert not promoted.covers(primary)
