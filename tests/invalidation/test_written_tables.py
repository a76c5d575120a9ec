"""Which tables count as written where the SQL does not say so: by triggers, functions, rules and keys.

In transactions that the storage opens, as for mutations, PostgreSQL is asked, so that it is exactly those; in
all others what its catalogue knows counts, which may be more.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry, mutation
from fraiseql_django import type as graphql_type
from fraiseql_django.cache.answers import VERSION
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.errors import StorageError
from fraiseql_django.storage.django import DjangoStorage
from tests.invalidation.test_invalidation import check
from tests.support import data, in_thread, is_hit, make_engine

pytestmark = pytest.mark.django_db(transaction=True)


class Card(models.Model):
    """A table that a trigger keeps."""

    name = models.TextField(primary_key=True)

    class Meta:
        managed = False
        app_label = "zoo"
        db_table = "tv_card"


MAKE = """
CREATE SCHEMA works;
CREATE TABLE tv_card (name text PRIMARY KEY);
CREATE TABLE works.log (line text);
CREATE TABLE works.other (line text);
CREATE TABLE works.late (line text);
CREATE TABLE works.promised (line text);
CREATE TABLE works.parent (id int PRIMARY KEY);
CREATE TABLE works.child (id int PRIMARY KEY, parent_id int REFERENCES works.parent ON DELETE CASCADE);
CREATE TABLE works.grandchild (child_id int REFERENCES works.child ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE works.stranger (parent_id int REFERENCES works.parent);
CREATE TABLE works.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE works.low PARTITION OF works.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE works.high PARTITION OF works.parts FOR VALUES FROM (10) TO (20);
CREATE TABLE works.ruled (id int);
CREATE RULE ruling AS ON INSERT TO works.ruled DO ALSO INSERT INTO works.other VALUES ('rule');
CREATE VIEW works.lines AS SELECT line FROM works.log;
CREATE MATERIALIZED VIEW works.summary AS SELECT count(*) FROM works.log;

CREATE FUNCTION works.note(line text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO works.log VALUES (line);
END $$;
CREATE FUNCTION works.keep_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tv_card VALUES (NEW.name) ON CONFLICT (name) DO NOTHING;
    PERFORM works.note(NEW.name);
    RETURN NEW;
END $$;
CREATE TRIGGER keep AFTER INSERT OR UPDATE ON bookshop_publisher
    FOR EACH ROW EXECUTE FUNCTION works.keep_card();
CREATE FUNCTION works.generic() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO works.%I VALUES ($1)', TG_ARGV[0]) USING 'generic';
    RETURN NULL;
END $$;
CREATE TRIGGER generic AFTER INSERT ON works.low FOR EACH ROW EXECUTE FUNCTION works.generic('other');
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON works.promised DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION works.generic('late');

CREATE FUNCTION works.choose(how text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    IF how = 'log' THEN
        INSERT INTO works.log VALUES ('chosen');
    ELSIF how = 'truncate' THEN
        TRUNCATE works.other;
    ELSIF how = 'refresh' THEN
        REFRESH MATERIALIZED VIEW works.summary;
    ELSIF how = 'nothing' THEN
        UPDATE works.late SET line = '' WHERE false;
    ELSIF how = 'undone' THEN
        BEGIN
            INSERT INTO works.late VALUES ('undone');
            RAISE EXCEPTION 'undo';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    ELSE
        DELETE FROM works.late;
    END IF;
    RETURN 1;
END $$;
CREATE FUNCTION works.atomic() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO works.log VALUES ('atomic'); END;
CREATE FUNCTION works.harmless() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM works.log';
CREATE PROCEDURE works.proceed() LANGUAGE sql AS 'SELECT works.note(''proceeded'')';

INSERT INTO works.parent VALUES (1), (2);
INSERT INTO works.child VALUES (1, 1);
INSERT INTO works.grandchild VALUES (1);
INSERT INTO works.promised VALUES ('first');
"""
DROP = "DROP SCHEMA works CASCADE; DROP TABLE tv_card CASCADE"


def execute(statement: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture(autouse=True)
def works(transactional_db: None) -> Iterator[None]:
    execute(MAKE)
    # what was done until now is out of the session's counters
    connection.close()
    yield
    execute(DROP)


class Recorder(DjangoCache):
    """Notes which tables get new versions."""

    def __init__(self) -> None:
        super().__init__("locmem")
        self.tables: set[str] = set()

    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        self.tables |= {key.removeprefix(VERSION) for key in values}
        super().replace_many(values, token)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    cache = Recorder()
    engine = GraphQLEngine(cache=cache)
    yield cache
    assert engine.answers.cache is cache


# --- in transactions of the storage's ---


def run(*statements: str) -> None:
    """Run statements as the text of a mutation's function would, in a transaction of the storage's."""
    with DjangoStorage().begin_transaction() as opened:
        for statement in statements:
            execute(statement)
        opened.commit()


EXACTLY = [
    pytest.param("SELECT works.choose('log')", {"log"}, id="function"),
    pytest.param("SELECT works.choose('')", set(), id="function that finds no row"),
    pytest.param("SELECT works.choose('truncate')", {"other"}, id="TRUNCATE in a function"),
    pytest.param("SELECT works.choose('refresh')", {"summary"}, id="REFRESH in a function"),
    pytest.param("SELECT works.choose('nothing')", set(), id="UPDATE of no row in a function"),
    pytest.param("SELECT works.choose('undone')", set(), id="undone in a function"),
    pytest.param("SELECT works.atomic()", {"log"}, id="parsed body"),
    pytest.param("SELECT works.harmless()", set(), id="function that reads"),
    pytest.param("CALL works.proceed()", {"log"}, id="procedure"),
    pytest.param("DO $$ BEGIN PERFORM works.choose('log'); END $$", {"log"}, id="DO"),
    pytest.param("SELECT 1, works.choose('log')", {"log"}, id="function further on"),
    pytest.param(
        "INSERT INTO bookshop_publisher (name, country) VALUES ('Ace', '')",
        {"bookshop_publisher", "tv_card", "log"},
        id="trigger and what it calls",
    ),
    pytest.param("UPDATE bookshop_publisher SET name = 'Tor'", set(), id="UPDATE of no row"),
    pytest.param("INSERT INTO works.ruled VALUES (1)", {"ruled", "other"}, id="rule"),
    pytest.param("DELETE FROM works.parent WHERE id = 1", {"parent", "child", "grandchild"}, id="cascade"),
    pytest.param("DELETE FROM works.parent WHERE id = 2", {"parent"}, id="cascade that finds nothing"),
    pytest.param("UPDATE works.parent SET id = id", {"parent"}, id="key that is referred to"),
    pytest.param("INSERT INTO works.parts VALUES (1)", {"parts", "low", "other"}, id="partition with a trigger"),
    pytest.param("INSERT INTO works.parts VALUES (11)", {"parts", "high"}, id="partition without one"),
    pytest.param("UPDATE works.parts SET id = 2 WHERE id = 3", set(), id="partitions where no row is found"),
    pytest.param("TRUNCATE works.parent CASCADE", {"parent", "child", "grandchild", "stranger"}, id="TRUNCATE CASCADE"),
    pytest.param("DELETE FROM works.promised", {"promised", "late"}, id="deferred trigger"),
    pytest.param("CREATE TEMP TABLE mine AS SELECT 1 AS one", set(), id="temporary table"),
    pytest.param("SELECT * FROM works.parent FOR UPDATE", set(), id="locked rows"),
    pytest.param("LOCK TABLE works.parent IN SHARE MODE", set(), id="locked against writes"),
    pytest.param("ALTER TABLE works.stranger ADD extra int", {"stranger"}, id="ALTER TABLE"),
    pytest.param("CREATE OR REPLACE VIEW works.lines AS SELECT line FROM works.late", {"lines"}, id="CREATE VIEW"),
    pytest.param("INSERT INTO works.lines VALUES ('x')", {"log"}, id="updatable view"),
    pytest.param("COPY works.log FROM PROGRAM 'echo line'", {"log"}, id="COPY"),
    pytest.param("SELECT 1", set(), id="nothing"),
]


@pytest.mark.parametrize(("statement", "tables"), EXACTLY)
def test_exactly_what_was_written(recorder: Recorder, statement: str, tables: set[str]) -> None:
    run(statement)

    assert recorder.tables == tables


def test_what_is_rolled_back_is_not_written(recorder: Recorder) -> None:
    def undo(statement: str) -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            execute(statement)
            _ = 1 / 0

    with DjangoStorage().begin_transaction() as opened:
        undo("SELECT works.choose('log')")
        undo("TRUNCATE works.other")
        execute("INSERT INTO works.ruled VALUES (1)")
        undo("INSERT INTO works.parent VALUES (3)")
        opened.commit()
    assert recorder.tables == {"ruled", "other"}

    recorder.tables.clear()
    with DjangoStorage().begin_transaction():
        execute("SELECT works.choose('log')")
    assert recorder.tables == set()


def test_block_around_it_decides(recorder: Recorder) -> None:
    """PostgreSQL tells of the whole transaction; what the block has done before is still read from its SQL."""
    with transaction.atomic():
        execute("DELETE FROM works.child")
        run("SELECT works.choose('log')")
        assert recorder.tables == set()
        with suppress(ZeroDivisionError), transaction.atomic():
            run("SELECT works.choose('truncate')")
            _ = 1 / 0
    assert recorder.tables == {"child", "grandchild", "log"}

    recorder.tables.clear()
    with suppress(ZeroDivisionError), transaction.atomic():
        run("SELECT works.choose('log')")
        _ = 1 / 0
    assert recorder.tables == set()


def test_reads_after_it_in_the_block_go_past_the_cache(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=registry())
    data(engine, CARDS)

    with transaction.atomic():
        run("DO $$ BEGIN EXECUTE 'INSERT INTO ' || 'tv_' || 'card VALUES (1)'; END $$")
        assert data(engine, CARDS) == {"cards": [{"name": "1"}]}
        transaction.set_rollback(True)

    assert is_hit(engine, CARDS)
    assert data(engine, CARDS) == {"cards": []}


def test_what_is_put_together_at_run_time_is_seen(recorder: Recorder) -> None:
    run("DO $$ BEGIN EXECUTE 'INSERT INTO works.' || 'lo' || 'g VALUES (1)'; END $$")

    assert recorder.tables == {"log"}


def test_counters_are_off(recorder: Recorder) -> None:
    """Without them a lock is all that there is to see."""
    execute("SET track_counts = off")
    try:
        run("SELECT works.choose('')")
        assert recorder.tables == {"late"}
        recorder.tables.clear()
        run("SELECT works.harmless()")
        assert recorder.tables == set()
    finally:
        execute("RESET track_counts")


def test_question_is_not_among_the_statements() -> None:
    with CaptureQueriesContext(connection) as captured:
        run("SELECT works.choose('log')")

    assert [query["sql"] for query in captured.captured_queries] == ["BEGIN", "SELECT works.choose('log')", "COMMIT"]


def test_question_that_fails_is_a_commit_that_fails(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraiseql_django.storage.django.REPORTED_TABLES", b"SELECT 1 / 0")

    with pytest.raises(StorageError, match="division by zero"):
        run("SELECT works.choose('log')")

    assert recorder.tables == set()


def test_transaction_without_a_statement(recorder: Recorder) -> None:
    run()

    assert recorder.tables == set()


# --- mutations ---

CARDS = "{ cards { name } }"
AUTHORS = "{ authors { name } }"


def registry() -> Registry:
    found = Registry()
    graphql_type(Card, fields="__all__", registry=found)(type("Card", (), {}))
    graphql_type(Author, fields=["id", "name"], registry=found)(type("Author", (), {}))

    @mutation(registry=found)
    def publish(info: Any, name: str) -> bool:
        Publisher.objects.create(name=name)
        return True

    return found


def test_mutation_drops_what_a_trigger_has_written(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=registry())

    check(engine, CARDS, AUTHORS, lambda: data(engine, 'mutation { publish(name: "Ace") }'))


def test_mutation_in_a_block_of_the_project(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=registry())
    data(engine, CARDS)

    with transaction.atomic():
        data(engine, 'mutation { publish(name: "Ace") }')
        assert in_thread(lambda: data(engine, CARDS)) == {"cards": []}
        assert in_thread(lambda: is_hit(engine, CARDS))

    assert data(engine, CARDS) == {"cards": [{"name": "Ace"}]}


# --- in all others ---


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        pytest.param(
            "INSERT INTO bookshop_publisher (name, country) VALUES ('Ace', '')",
            {"bookshop_publisher", "tv_card", "log"},
            id="trigger and what it calls",
        ),
        pytest.param("DELETE FROM bookshop_publisher", {"bookshop_publisher"}, id="trigger on something else"),
        pytest.param("INSERT INTO works.ruled VALUES (1)", {"ruled", "other"}, id="rule"),
        pytest.param("UPDATE works.ruled SET id = 1", {"ruled"}, id="rule on something else"),
        pytest.param("DELETE FROM works.parent", {"parent", "child", "grandchild"}, id="cascade"),
        pytest.param("UPDATE works.parent SET id = id", {"parent"}, id="key that is referred to"),
        pytest.param("UPDATE works.child SET id = id", {"child", "grandchild"}, id="cascade of an UPDATE"),
        pytest.param("INSERT INTO works.child VALUES (2, 2)", {"child"}, id="INSERT into a table referred to"),
        pytest.param(
            "INSERT INTO works.child VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET parent_id = 2",
            {"child", "grandchild"},
            id="INSERT that may update",
        ),
        pytest.param("TRUNCATE works.stranger", {"stranger"}, id="TRUNCATE"),
        pytest.param(
            "TRUNCATE works.parent CASCADE", {"parent", "child", "grandchild", "stranger"}, id="TRUNCATE CASCADE"
        ),
        pytest.param("INSERT INTO works.low VALUES (1)", {"low", "parts", "other"}, id="partition"),
        pytest.param("UPDATE works.high SET id = 12", {"high", "parts"}, id="partition without a trigger"),
        pytest.param("INSERT INTO works.parts VALUES (1)", {"parts", "low", "high", "other"}, id="partitioned table"),
        pytest.param("DELETE FROM works.promised", {"promised", "late"}, id="trigger that is told the table"),
        pytest.param("SELECT works.note('')", {"log"}, id="function"),
        pytest.param("SELECT * FROM works.note('')", {"log"}, id="function in FROM"),
        pytest.param("select works.atomic()", {"log"}, id="parsed body"),
        pytest.param("SELECT works.harmless()", set(), id="function that reads"),
        pytest.param("CALL works.proceed()", {"log"}, id="procedure"),
        pytest.param("DO $$ BEGIN PERFORM works.note(''); END $$", {"log"}, id="DO"),
        pytest.param("REFRESH MATERIALIZED VIEW works.summary", {"summary"}, id="REFRESH"),
        pytest.param("COPY works.log FROM PROGRAM 'echo line'", {"log"}, id="COPY"),
    ],
)
def test_what_may_have_been_written(recorder: Recorder, statement: str, tables: set[str]) -> None:
    execute(statement)

    assert recorder.tables == tables


def test_block_may_have_written_all_of_it(recorder: Recorder) -> None:
    with transaction.atomic():
        Publisher.objects.create(name="Ace")
        execute("SELECT works.choose('')")
        assert recorder.tables == set()

    # choose() may write any of its tables, and did not
    assert recorder.tables == {"bookshop_publisher", "tv_card", "log", "other", "late", "summary"}


def test_function_that_writes_makes_reads_go_past_the_cache(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=registry())
    data(engine, AUTHORS)

    with transaction.atomic():
        execute("SELECT works.harmless()")
        assert is_hit(engine, AUTHORS)
        execute("SELECT works.note('')")
        assert not is_hit(engine, AUTHORS)
        transaction.set_rollback(True)

    assert is_hit(engine, AUTHORS)


def test_function_that_is_selected_drops_what_it_writes(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=registry())
    execute("""
        CREATE FUNCTION works.deal() RETURNS int LANGUAGE sql
        AS 'INSERT INTO public.tv_card VALUES (''dealt''); SELECT 1'
    """)

    check(engine, CARDS, AUTHORS, lambda: execute("SELECT works.deal()"))


def test_trigger_that_is_made_later(recorder: Recorder) -> None:
    execute("INSERT INTO works.stranger VALUES (1)")
    execute("CREATE TRIGGER t AFTER INSERT ON works.stranger EXECUTE FUNCTION works.generic('late')")
    recorder.tables.clear()

    execute("INSERT INTO works.stranger VALUES (2)")

    assert recorder.tables == {"stranger", "late"}


def test_commit_that_fails_drops_what_was_marked_for_it(recorder: Recorder) -> None:
    execute("ALTER TABLE works.stranger ALTER CONSTRAINT stranger_parent_id_fkey DEFERRABLE INITIALLY DEFERRED")
    recorder.tables.clear()

    with pytest.raises(IntegrityError), transaction.atomic():
        execute("INSERT INTO works.stranger VALUES (404)")
    with pytest.raises(StorageError, match="stranger_parent_id_fkey"):
        run("INSERT INTO works.stranger VALUES (404)")

    # the version from before is under the mark, and gone
    assert recorder.tables == {"stranger"}
