"""Writes of other programs drop answers, also those that are made while nobody listens."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from django.core.cache import caches
from django.db import connection, connections

from example_project.bookshop.models import Author
from example_project.servers import EmbeddedPostgres
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, get_engine, invalidation
from fraiseql_django.cache import circuit_breaker
from fraiseql_django.cache.answers import Answers
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.errors import ConfigurationError
from fraiseql_django.invalidation import catalog, versions
from fraiseql_django.invalidation import watcher as watching
from fraiseql_django.invalidation.listener import Listener
from fraiseql_django.invalidation.watcher import Watcher
from fraiseql_django.sql import triggers
from tests.proxy import Proxy
from tests.support import data, is_hit, make_engine, role_name, wait_until
from tests.watching import Gated, end_sessions, heard, install, outside, recorded, running, stranger, uninstall

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors(orderBy: [{id: ASC}]) { name } }"
PUBLISHERS = "{ publishers { name } }"


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


def rename(name: str) -> None:
    outside(f"UPDATE bookshop_author SET name = '{name}'")


@pytest.fixture
def watched() -> Iterator[None]:
    """Watch the table of authors, which has one."""
    Author.objects.create(name="Ursula")
    install("bookshop_author")
    yield
    uninstall()


@pytest.fixture
def engine(watched: None) -> Iterator[GraphQLEngine]:
    """Make an engine whose cache is empty before and after."""
    caches["locmem"].clear()
    yield make_engine("locmem")
    caches["locmem"].clear()


# --- what is heard ---


def copy() -> None:
    with (
        stranger() as other,
        other.cursor().copy("COPY bookshop_author (name, bio, website, email) FROM STDIN") as rows,
    ):
        rows.write_row(("Octavia", "", "", ""))


NEW = "INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Octavia', '', '', '')"
WRITES: dict[str, tuple[Callable[[], object], list[str]]] = {
    "INSERT": (lambda: outside(NEW), ["Ursula", "Octavia"]),
    "UPDATE": (lambda: rename("Octavia"), ["Octavia"]),
    "DELETE": (lambda: outside("DELETE FROM bookshop_author"), []),
    "TRUNCATE of another table": (lambda: outside("TRUNCATE bookshop_publisher, bookshop_author CASCADE"), []),
    "COPY": (copy, ["Ursula", "Octavia"]),
    "WITH": (lambda: outside(f"WITH new AS ({NEW} RETURNING id) SELECT * FROM new"), ["Ursula", "Octavia"]),
    "DO": (lambda: outside(f"DO $$ BEGIN EXECUTE $x${NEW}$x$; END $$"), ["Ursula", "Octavia"]),
    "MERGE": (
        lambda: outside(
            "MERGE INTO bookshop_author USING (VALUES (1)) AS v ON true WHEN MATCHED THEN UPDATE SET name = 'Octavia'"
        ),
        ["Octavia"],
    ),
    "in the role of a replica": (
        lambda: outside(f"SET session_replication_role = replica; {NEW}"),
        ["Ursula", "Octavia"],
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_write_of_another_program_drops_the_answer(engine: GraphQLEngine, write: str) -> None:
    act, expected = WRITES[write]
    watcher = Watcher("default", 60)
    with running(watcher):
        wait_until(lambda: watcher.listens)
        assert names(engine) == ["Ursula"]
        assert is_hit(engine, AUTHORS)

        act()

        wait_until(lambda: names(engine) == expected)


def test_without_a_watcher_the_old_answer_stays(engine: GraphQLEngine) -> None:
    assert names(engine) == ["Ursula"]

    rename("Octavia")

    assert names(engine) == ["Ursula"]


def test_only_answers_of_the_table_are_dropped(engine: GraphQLEngine) -> None:
    watcher = Watcher("default", 60)
    with running(watcher):
        wait_until(lambda: watcher.listens)
        names(engine)
        data(engine, PUBLISHERS)

        rename("Octavia")

        wait_until(lambda: names(engine) == ["Octavia"])
        assert is_hit(engine, PUBLISHERS)


def test_what_is_rolled_back_is_not_heard(watched: None) -> None:
    def act() -> None:
        with stranger() as other:
            other.execute("BEGIN")
            other.execute("UPDATE bookshop_author SET name = 'Octavia'")
            other.execute("ROLLBACK")

    with heard() as of:
        assert of(act) == set()


def test_a_transaction_tells_once_of_a_table(watched: None) -> None:
    statement = "UPDATE bookshop_author SET name = 'Octavia'"
    watcher = Watcher("default", 60)
    with recorded() as dropped, running(watcher):
        wait_until(lambda: watcher.listens)
        dropped.clear()

        outside(";".join(["BEGIN", *[statement] * 20, "COMMIT"]))

        wait_until(lambda: dropped)
        assert (dropped, watcher.heard) == ([{"bookshop_author"}], 1)


def test_quiet_session_tells_nothing(watched: None) -> None:
    with heard() as of:
        assert of(lambda: outside(f"SET fraiseql.quiet = on; {NEW}")) == set()
        assert of(lambda: outside(f"SET fraiseql.quiet = off; {NEW}")) == {"bookshop_author"}


def test_role_that_may_only_insert_is_heard(watched: None) -> None:
    role = role_name("inserts")
    outside(
        f"CREATE ROLE {role}",
        f"GRANT INSERT ON bookshop_author TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    )
    try:
        with heard() as of:
            assert of(lambda: outside(f"SET ROLE {role}; {NEW}")) == {"bookshop_author"}
    finally:
        outside(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.fixture
def odd() -> Iterator[None]:
    """Make tables with odd names, in several schemas, with parts, keys and views."""
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE SCHEMA "Odd One";
            CREATE TABLE "Odd One"."It's 100% ""mine"", {ok}" (id int PRIMARY KEY);
            CREATE SCHEMA tenant_a; CREATE TABLE tenant_a.sale (id int);
            CREATE SCHEMA tenant_b; CREATE TABLE tenant_b.sale (id int);
            CREATE TABLE parts (id int) PARTITION BY RANGE (id);
            CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
            CREATE TABLE lower PARTITION OF low FOR VALUES FROM (0) TO (5);
            CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20);
            CREATE TABLE base (id int); CREATE TABLE derived () INHERITS (base);
            CREATE TABLE whole (id int PRIMARY KEY);
            CREATE TABLE piece (whole_id int REFERENCES whole ON DELETE CASCADE);
            INSERT INTO whole VALUES (1); INSERT INTO piece VALUES (1);
            CREATE VIEW shown AS SELECT id FROM whole;
            CREATE FUNCTION adds() RETURNS void LANGUAGE sql AS 'INSERT INTO whole VALUES (77)';
        """)
    yield
    uninstall()
    with connection.cursor() as cursor:
        cursor.execute("""
            DROP SCHEMA "Odd One", tenant_a, tenant_b CASCADE; DROP VIEW shown; DROP FUNCTION adds();
            DROP TABLE parts, base, derived, whole, piece;
        """)


def test_names_are_told_as_the_catalogue_has_them(odd: None) -> None:
    install('"Odd One"."It\'s 100% ""mine"", {ok}"', "tenant_a.sale", "tenant_b.sale")
    with heard() as of:
        odd_one = """INSERT INTO "Odd One"."It's 100% ""mine"", {ok}" VALUES (1)"""
        assert of(lambda: outside(odd_one)) == {'It\'s 100% "mine", {ok}'}
        assert of(lambda: outside("INSERT INTO tenant_a.sale VALUES (1)")) == {"sale"}
        assert of(lambda: outside("INSERT INTO tenant_b.sale VALUES (1)")) == {"sale"}


def test_parts_and_wholes_are_told_together(odd: None) -> None:
    install("parts", "base")
    with heard() as of:
        # the statement names a partition; so do tools that load one
        assert of(lambda: outside("INSERT INTO lower VALUES (1)")) == {"parts", "low", "lower"}
        assert of(lambda: outside("UPDATE low SET id = 2")) == {"parts", "low", "lower"}
        assert of(lambda: outside("UPDATE parts SET id = 3")) == {"parts", "low", "lower", "high"}
        assert of(lambda: outside("TRUNCATE parts")) == {"parts", "low", "lower", "high"}
        assert of(lambda: outside("INSERT INTO derived VALUES (1)")) == {"base", "derived"}
        assert of(lambda: outside("UPDATE base SET id = 2")) == {"base", "derived"}


def test_partition_that_comes_later_needs_the_trigger_anew(odd: None) -> None:
    install("parts")
    outside("CREATE TABLE late (id int)", "ALTER TABLE parts ATTACH PARTITION late FOR VALUES FROM (20) TO (30)")
    assert triggers.states([("parts",)], "default") == {("parts",): False}
    with heard() as of:
        assert of(lambda: outside("INSERT INTO parts VALUES (20)")) == {"parts", "low", "lower", "high", "late"}
        assert of(lambda: outside("INSERT INTO late VALUES (21)")) == set()
        install("parts")
        assert of(lambda: outside("INSERT INTO late VALUES (22)")) == {"parts", "late"}
    assert triggers.states([("parts",)], "default") == {("parts",): True}


def test_what_a_statement_sets_off_is_told(odd: None) -> None:
    install("whole", "piece")
    with heard() as of:
        assert of(lambda: outside("SELECT adds()")) == {"whole"}
        assert of(lambda: outside("UPDATE shown SET id = 78 WHERE id = 77")) == {"whole", "piece"} - {"piece"}
        assert of(lambda: outside("DELETE FROM shown WHERE id = 1")) == {"whole", "piece"}
        assert of(lambda: outside("TRUNCATE whole CASCADE")) == {"whole", "piece"}


def test_renamed_table_is_told_by_its_new_name(odd: None) -> None:
    install("whole")
    with heard() as of:
        outside("ALTER TABLE whole RENAME TO entire")
        try:
            assert of(lambda: outside("INSERT INTO entire VALUES (5)")) == {"entire"}
        finally:
            outside("ALTER TABLE entire RENAME TO whole")


def test_program_can_tell_by_itself_what_it_has_written() -> None:
    with heard() as of:
        assert of(lambda: outside("""NOTIFY fraiseql, 'public."Sales 2026"'""")) == {"Sales 2026"}
        assert of(lambda: outside("NOTIFY fraiseql, 'SALES'")) == {"sales"}
        assert of(lambda: outside("NOTIFY fraiseql, ''", "NOTIFY fraiseql, '5?'", "NOTIFY fraiseql, 'test x'")) == set()


def test_changed_definitions_are_told(odd: None) -> None:
    for statement in triggers.definition_statements(watch=True):
        outside(statement)
    try:
        with heard() as of:
            before = catalog.generation()
            assert of(lambda: outside("CREATE TEMP TABLE mine (id int)", "DROP TABLE mine")) == set()
            assert catalog.generation() == before
            for change in (
                "CREATE OR REPLACE VIEW shown AS SELECT id FROM whole WHERE id > 0",
                "GRANT SELECT ON shown TO public",
                "CREATE MATERIALIZED VIEW stats AS SELECT count(*) FROM whole",
                "REFRESH MATERIALIZED VIEW stats",
                "DROP MATERIALIZED VIEW stats",
                "ALTER TABLE whole ADD COLUMN title text DEFAULT 'x'",
            ):
                before = catalog.generation()
                assert of(lambda change=change: outside(change)) >= {"bookshop_author", "bookshop_book"}
                assert catalog.generation() > before
    finally:
        for statement in triggers.definition_statements(watch=False):
            outside(statement)


# --- what is not heard, for a while ---


def test_write_after_a_lost_connection_is_not_missed(engine: GraphQLEngine) -> None:
    watcher = Gated()
    with running(watcher):
        wait_until(lambda: watcher.listens)
        watcher.gate.clear()
        assert end_sessions() == 1
        wait_until(lambda: watcher.refused)
        assert names(engine) == ["Ursula"]
        rename("Octavia")
        # nobody has heard it: the gap is there
        assert names(engine) == ["Ursula"]

        watcher.gate.set()

        wait_until(lambda: names(engine) == ["Octavia"])
        wait_until(lambda: watcher.began == 2)


def test_write_before_a_watcher_begins_is_not_missed(engine: GraphQLEngine) -> None:
    assert names(engine) == ["Ursula"]
    rename("Octavia")
    assert names(engine) == ["Ursula"]

    watcher = Watcher("default", 60)
    with running(watcher):
        wait_until(lambda: names(engine) == ["Octavia"])


def test_it_listens_before_it_drops(watched: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write between the two is heard: the other way round it would fall into a gap."""
    watcher = Watcher("default", 60)
    written = Event()

    def drop_all() -> None:
        if not written.is_set():
            rename("Octavia")
            written.set()

    monkeypatch.setattr(watcher, "_drop_all", drop_all)
    with recorded() as dropped, running(watcher):
        wait_until(lambda: {"bookshop_author"} in dropped)


def test_as_long_as_it_cannot_listen_everything_is_dropped_again_and_again(engine: GraphQLEngine) -> None:
    watcher = Gated(seconds=1)
    watcher.gate.clear()
    with running(watcher):
        wait_until(lambda: watcher.refused)
        for name in ("Octavia", "Joanna"):
            names(engine)
            rename(name)
            wait_until(lambda name=name: names(engine) == [name])
        assert watcher.began == 0


def test_sessions_that_end_at_random_hide_no_write(engine: GraphQLEngine) -> None:
    """Each value that another program commits is seen, while readers fill the cache and sessions are ended."""
    chance = random.Random(13)
    watcher = Watcher("default", 1)
    done = Event()
    ended = 0

    def end() -> None:
        nonlocal ended
        while not done.wait(chance.uniform(0, 0.05)):
            ended += end_sessions()

    killer = Thread(target=end)
    with stranger() as other, running(watcher):
        wait_until(lambda: watcher.listens)
        killer.start()
        try:
            for number in range(30):
                other.execute("UPDATE bookshop_author SET name = %s", [f"{number:03}"])
                wait_until(lambda number=number: names(engine) == [f"{number:03}"])
        finally:
            done.set()
            killer.join()
    assert ended > 5
    assert watcher.began > 5


def test_network_that_swallows_everything_is_noticed(watched: None) -> None:
    with Proxy() as proxy, proxy.as_alias("second"):
        watcher = Watcher("second", 1)
        with recorded() as dropped, running(watcher):
            wait_until(lambda: watcher.listens)
            assert watcher.began == 1
            dropped.clear()

            proxy.swallows = True

            # by the check of the connection, which has no answer
            wait_until(lambda: not watcher.listens)
            wait_until(lambda: any("bookshop_author" in tables for tables in list(dropped)))
            proxy.swallows = False
            wait_until(lambda: watcher.began == 2)
            dropped.clear()
            rename("Octavia")
            wait_until(lambda: {"bookshop_author"} in dropped)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedPostgres]:
    """Start a server with a watched table, to which the alias ``second`` leads in threads to come."""
    # not in pytest's folder: other runs of pytest forbid other accounts to enter it
    folder = Path(tempfile.mkdtemp(prefix="watched-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres", {"fsync": "off", "max_prepared_transactions": "2"})
    server.start()
    settings = {**connections.settings["second"], "HOST": str(server.socket_folder), "PORT": "5432", "USER": "postgres"}
    monkeypatch.setitem(connections.settings, "second", {**settings, "NAME": "postgres", "OPTIONS": {}})
    with psycopg.connect(server.url, autocommit=True) as other:
        for statement in ("CREATE TABLE stock (id int)", *triggers.watch_statements([("stock",)])):
            other.execute(statement)  # type: ignore[arg-type]
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_server_that_is_restarted_is_watched_again(own_server: EmbeddedPostgres) -> None:
    watcher = Watcher("second", 1)
    with recorded() as dropped, running(watcher):
        wait_until(lambda: watcher.listens)
        own_server.stop()
        wait_until(lambda: not watcher.listens)
        own_server.start()
        dropped.clear()
        with psycopg.connect(own_server.url, autocommit=True) as other:
            other.execute("INSERT INTO stock VALUES (1)")
        # as one of all, or because it is heard
        wait_until(lambda: any("stock" in tables for tables in list(dropped)))
        wait_until(lambda: watcher.listens)
        assert watcher.began == 2


def test_two_phase_commit_needs_a_quiet_session(own_server: EmbeddedPostgres) -> None:
    statements = ("BEGIN", "INSERT INTO stock VALUES (1)", "PREPARE TRANSACTION 'one'")
    with psycopg.connect(own_server.url, autocommit=True) as other:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="NOTIFY"):
            other.execute("; ".join(statements))
        other.execute("SET fraiseql.quiet = on")
        for statement in (*statements, "COMMIT PREPARED 'one'"):
            other.execute(statement)


class Interrupted:
    """A cache that fails while it is interrupted."""

    def __init__(self, cache: DjangoCache) -> None:
        self.cache = cache
        self.interrupted = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        if self.interrupted:
            self.refused += 1
            raise OSError("the cache is interrupted")
        return getattr(self.cache, name)


def test_what_the_cache_could_not_be_told_is_told_with_a_later_check(
    engine: GraphQLEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that watches and reads nothing, so that no reader makes up for it."""
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0.1)
    versions._watched_answers.discard(engine.answers)
    cache: Any = Interrupted(DjangoCache("locmem"))
    answers = invalidation.watch(Answers(cache))
    watcher = Watcher("default", 1)
    with running(watcher):
        wait_until(lambda: watcher.listens)
        names(engine)
        cache.interrupted = True
        rename("Octavia")
        wait_until(lambda: cache.refused)
        assert names(engine) == ["Ursula"]

        cache.interrupted = False

        wait_until(lambda: names(engine) == ["Octavia"])
    assert answers.cache is cache


def test_tables_that_get_the_trigger_later_count_as_written_when_a_connection_is_lost(odd: None) -> None:
    """They have no model, so that only the trigger tells of them."""
    watcher = Gated(seconds=1)
    with recorded() as dropped, running(watcher):
        wait_until(lambda: watcher.listens)
        assert not any("whole" in tables for tables in dropped)
        install("whole")
        # with the next check
        wait_until(lambda: "whole" in watcher.watched)
        watcher.gate.clear()
        end_sessions()
        wait_until(lambda: any("whole" in tables for tables in list(dropped)))


def test_database_that_cannot_be_reached_is_logged_once_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(connections.settings, "second", {**connections.settings["second"], "HOST": "/nowhere"})
    watcher = Watcher("second", 1)
    with recorded(), running(watcher):
        wait_until(lambda: any("/nowhere" in record.message for record in caplog.records))
        time.sleep(0.5)
    (record,) = [record for record in caplog.records if "are not heard" in record.message]
    assert record.levelname == "ERROR"


def test_connection_without_listening_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what a session says of itself: a pooler has given another one."""
    listener = Listener("default", 5)
    try:
        listener._ask("UNLISTEN *")
        with pytest.raises(ConfigurationError, match="goes through a pooler that gives each transaction another"):
            listener.check()
    finally:
        listener.close()


def test_connection_that_brings_no_notification_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By one that it sends itself."""
    monkeypatch.setattr(Listener, "_receive", lambda self: self._session.consume_input())

    with pytest.raises(ConfigurationError, match="'default' has not sent a notification back; set FRAISEQL"):
        Listener("default", 1)


# --- in threads of the server ---


@pytest.fixture
def watching_settings(settings: Any) -> Any:
    settings.FRAISEQL = {"CACHE": {"ALIAS": "locmem", "WATCH": True, "WATCH_SECONDS": 1}}
    return settings


def test_first_operation_starts_the_thread(watching_settings: Any, watched: None) -> None:
    engine = get_engine()
    assert watching.watchers() == []

    assert names(engine) == ["Ursula"]

    (watcher,) = watching.watchers()
    wait_until(lambda: watcher.listens)
    names(engine)
    rename("Octavia")
    wait_until(lambda: names(engine) == ["Octavia"])
    assert watching.watchers() == [watcher]

    # other settings
    watching_settings.FRAISEQL = {}
    assert watching.watchers() == []
    assert outside("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fraiseql_watch'") == [(0,)]


def test_thread_that_has_ended_is_replaced(
    watching_settings: Any, watched: None, monkeypatch: Any, caplog: Any
) -> None:
    def fail(self: Watcher) -> None:
        raise RuntimeError("unexpected")

    with monkeypatch.context() as patch:
        patch.setattr(Watcher, "_listen", fail)
        names(get_engine())
        wait_until(lambda: any("has ended" in record.message for record in caplog.records))
    names(get_engine())

    wait_until(lambda: watching.watchers()[0].listens)
    watching_settings.FRAISEQL = {}


def test_engine_without_a_cache_starts_none(watching_settings: Any) -> None:
    data(GraphQLEngine(cache=None), AUTHORS)

    assert watching.watchers() == []


FORK = """
import os, sys, time
import django; django.setup()
from fraiseql_django.invalidation import watcher as watching

def listens():
    watching.ensure_watching("default", 5)
    (watcher,) = watching.watchers()
    deadline = time.monotonic() + 60
    while not watcher.listens and time.monotonic() < deadline:
        time.sleep(0.01)
    return watcher.listens

assert listens()
child = os.fork()
if child == 0:
    os._exit(0 if not watching.watchers() and listens() else 1)
_, status = os.waitpid(child, 0)
# the child has not ended the session of its parent
time.sleep(0.1)
assert listens() and watching.watchers()[0].began == 1
watching.stop_watching()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_process_has_a_thread_of_its_own() -> None:
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}&port={settings['PORT']}"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONWARNINGS": "ignore"}
    if not os.environ.get("DATABASE_URL"):
        environment["DATABASE_URL"] = url

    done = subprocess.run([sys.executable, "-c", FORK], env=environment, cwd=BASE_DIR, timeout=120, check=False)

    assert done.returncode == 0
