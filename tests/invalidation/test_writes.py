"""Which tables a statement writes, read from its SQL; and that such a statement drops what was read from them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from django.core.management import call_command
from django.db import connection, migrations, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from psycopg import sql

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.keys import version_key
from fraiseql_django.cache.marks import MARK
from fraiseql_django.invalidation import mark_written
from fraiseql_django.invalidation.names import known, mentioned
from fraiseql_django.invalidation.scan import CALL, CATALOGUE
from fraiseql_django.invalidation.statements import analyse, as_text, changes
from tests.support import data, do_without, in_thread, is_hit, make_engine, make_shop
from tests.zoo.models import Elsewhere, Odd
from tests.zoo.types import ZOO

BOOK, AUTHOR = "bookshop_book", "bookshop_author"


@pytest.mark.usefixtures("no_sources")
@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ('INSERT INTO "bookshop_book" ("title") VALUES (%s)', {BOOK}),
        ('UPDATE "bookshop_book" SET "title" = %s', {BOOK}),
        ('DELETE FROM "bookshop_book" WHERE "id" IN (%s)', {BOOK}),
        ("insert into bookshop_book select * from bookshop_author", {BOOK}),
        ("UPDATE BookShop_Book SET title = ''", {BOOK}),
        ("UPDATE public.bookshop_book SET title = ''", {BOOK}),
        ('UPDATE "public"."bookshop_book" SET title = \'\'', {BOOK}),
        ('UPDATE public . "bookshop_book" SET title = \'\'', {BOOK}),
        ('UPDATE ONLY "bookshop_book" SET title = \'\'', {BOOK}),
        ('UPDATE ONLY("bookshop_book") SET title = \'\'', {BOOK}),
        ('DELETE FROM ONLY "bookshop_book"', {BOOK}),
        ('UPDATE"bookshop_book"SET title = \'\'', {BOOK}),
        ("\n\t UPDATE\n bookshop_book\nSET title = ''", {BOOK}),
        ("UPDATE /* why */ bookshop_book SET title = ''", {BOOK}),
        ("INSERT -- why\n INTO bookshop_book DEFAULT VALUES", {BOOK}),
        ("/*route='/books'*/ UPDATE bookshop_book SET title = ''", {BOOK}),
        ("-- a note\n-- and another\nDELETE FROM bookshop_book", {BOOK}),
        ("UPDATE bookshop_book SET title = '' /*action='x',db_driver='y'*/", {BOOK}),
        ("INSERT INTO bookshop_book VALUES (1) ON CONFLICT (id) DO UPDATE SET title = ''", {BOOK}),
        ("INSERT INTO bookshop_book (title) VALUES ('; DELETE FROM bookshop_author')", {BOOK}),
        ("MERGE INTO bookshop_book USING bookshop_author ON true WHEN MATCHED THEN DELETE", {BOOK}),
        ("WITH gone AS (DELETE FROM bookshop_book RETURNING id) SELECT * FROM gone", {BOOK}),
        ("WITH a AS (SELECT 1) INSERT INTO bookshop_book SELECT * FROM a", {BOOK}),
        (
            "WITH a AS (UPDATE bookshop_book SET title = '' RETURNING 1) UPDATE bookshop_author SET name = ''",
            {BOOK, AUTHOR},
        ),
        ("WITH a AS (SELECT * FROM bookshop_book FOR UPDATE OF bookshop_book) SELECT * FROM a", set()),
        ("EXPLAIN ANALYZE UPDATE bookshop_book SET title = ''", {BOOK}),
        ("EXPLAIN SELECT * FROM bookshop_book", set()),
        ("PREPARE p AS UPDATE bookshop_book SET title = $1", set()),
        ("TRUNCATE bookshop_book, bookshop_author", {BOOK, AUTHOR}),
        ("TRUNCATE TABLE ONLY bookshop_book RESTART IDENTITY", {BOOK}),
        ("COPY bookshop_book FROM '/tmp/books'", {BOOK}),
        ("DO $$ BEGIN UPDATE bookshop_book SET title = ''; END $$", {BOOK}),
        ("DO $$ BEGIN EXECUTE 'UPDATE bookshop_book SET title = ''''' ; END $$", {BOOK}),
        ("CALL archive('bookshop_book')", set()),
        ("ALTER TABLE bookshop_book DROP COLUMN title", {BOOK}),
        ("ALTER TABLE other RENAME TO bookshop_book", {BOOK}),
        ("REFRESH MATERIALIZED VIEW bookshop_book", {BOOK}),
        ("CREATE OR REPLACE VIEW bookshop_book AS SELECT 1", {BOOK}),
        ("UPDATE bookshop_book SET title = ''; DELETE FROM bookshop_author", {BOOK, AUTHOR}),
        ("SELECT 1; UPDATE bookshop_book SET title = ''", {BOOK}),
        ("BEGIN; UPDATE bookshop_book SET title = ''; COMMIT", {BOOK}),
        ("SET search_path = x; TRUNCATE bookshop_book", {BOOK}),
        ("UPDATE bookshop_book SET title = '';\n", {BOOK}),
        ("-- don't\nUPDATE bookshop_book SET title = 'a'; UPDATE bookshop_author SET name = 'b'", {BOOK, AUTHOR}),
        ("UPDATE bookshop_book SET title = E'\\''; UPDATE bookshop_author SET name = 'b'", {BOOK, AUTHOR}),
        ("UPDATE bookshop_book SET title = 'a; b', isbn = \"c;d\" /* e; f */ -- g; h", {BOOK}),
        ("UPDATE \"Odd Table {1}\" SET \"select\" = 1", {"Odd Table {1}"}),
        ('UPDATE "public"."zoo elsewhere" SET label = %s', {"zoo elsewhere"}),
        ("UPDATE nobodys_table SET title = (SELECT title FROM bookshop_book LIMIT 1)", {"nobodys_table"}),
        ("SELECT * FROM bookshop_book", set()),
        ("SELECT * FROM bookshop_book FOR UPDATE", set()),
        (f"SELECT {ArrayAgg.function}(title) FROM bookshop_book", set()),
        ("SELECT 'UPDATE bookshop_book SET title = 1; '", set()),
        ("SELECT ';' AS \";\" FROM bookshop_book ; ", set()),
        ("(SELECT * FROM bookshop_book) UNION (SELECT * FROM bookshop_book)", set()),
        ("((SELECT * FROM bookshop_book))", set()),
        ("WITH a AS (SELECT 1) SELECT * FROM a, bookshop_book", set()),
        ("select * from bookshop_book", set()),
        ("VALUES (1)", set()),
        ("TABLE bookshop_book", set()),
        ("LOCK TABLE bookshop_book", set()),
        ("DECLARE c CURSOR FOR SELECT * FROM bookshop_book", set()),
        ('SAVEPOINT "s1_x1"', set()),
        ("SET CONSTRAINTS ALL IMMEDIATE", set()),
        ("ANALYZE bookshop_book", set()),
        ("CREATE INDEX ON bookshop_book (title)", set()),
        ("CREATE TEMP TABLE t AS SELECT * FROM bookshop_book", set()),
        ("", set()),
        ("   ", set()),
        ("-- nothing", set()),
    ],
)  # fmt: skip
def test_tables_written(statement: str, tables: set[str]) -> None:
    assert written(statement) == tables


def written(statement: str) -> set[str]:
    """Return the tables that a statement says that it writes; of what is guessed, those that exist."""
    return {
        name
        for name, events, guess, _ in changes(statement)
        if (name in known() if guess else events != CALL) and name != CATALOGUE
    }


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ('SELECT \'{"bookshop_author":\' || "bookshop_book"."title" || \'"}\' FROM "bookshop_book"', {BOOK}),
        ('SELECT \'"\' || T."title" || \'"\' FROM "Odd Table {1}" T', {"Odd Table {1}"}),
        ('SELECT 1 FROM "public"."zoo elsewhere", BOOKSHOP_BOOK', {"zoo elsewhere", BOOK}),
        ("SELECT E'it\\'s' FROM bookshop_book WHERE x = ' bookshop_author '", {BOOK}),
    ],
)
def test_tables_that_a_statement_mentions(statement: str, tables: set[str]) -> None:
    assert mentioned(statement) == tables


def test_sql_may_be_composed_or_bytes() -> None:
    composed = sql.SQL("UPDATE {} SET title = {}").format(sql.Identifier("bookshop_book"), sql.Literal("x"))

    assert written(as_text(composed)) == {BOOK}
    assert written(as_text(b"UPDATE bookshop_book SET title = ''")) == {BOOK}
    assert written(as_text("UPDATE bookshop_book SET title = ''")) == {BOOK}


# --- on a real connection ---

AUTHORS = "{ authors { name } }"
PUBLISHERS = "{ publishers { name } }"
TABLE = sql.Identifier(AUTHOR)


def execute(statement: Any, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def executemany() -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE bookshop_author SET name = %s WHERE name = %s", [("A", "Ursula"), ("B", "Octavia")])


def failing_executemany() -> None:
    """Write a row, perhaps, and then fail."""
    rows = [(1001, "Joanna"), (1001, "Again")]
    with pytest.raises(Exception, match="duplicate key"), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bookshop_author VALUES (%s, %s, NULL, '', '', '')", rows)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: execute("UPDATE bookshop_author SET name = %s", ["X"]), id="update"),
        pytest.param(lambda: execute(b"UPDATE bookshop_author SET name = 'X'"), id="bytes"),
        pytest.param(
            lambda: execute(sql.SQL("UPDATE {} SET name = 'X'").format(sql.Identifier(AUTHOR))), id="composed"
        ),
        pytest.param(lambda: execute("UPDATE PUBLIC.BOOKSHOP_AUTHOR SET name = 'X'"), id="capitals and schema"),
        pytest.param(lambda: execute("SELECT 1; UPDATE bookshop_author SET name = 'X'"), id="several"),
        pytest.param(lambda: execute("BEGIN; UPDATE bookshop_author SET name = 'X'; COMMIT"), id="transaction in SQL"),
        pytest.param(executemany, id="executemany"),
        pytest.param(lambda: execute("TRUNCATE bookshop_author CASCADE"), id="truncate"),
        pytest.param(
            lambda: execute("WITH w AS (UPDATE bookshop_author SET name = 'X' RETURNING 1) SELECT count(*) FROM w"),
            id="writable CTE",
        ),
        pytest.param(
            lambda: execute(
                "MERGE INTO bookshop_author a USING (VALUES ('Ursula')) v (name) ON a.name = v.name "
                "WHEN MATCHED THEN UPDATE SET name = 'X'"
            ),
            id="merge",
        ),
        pytest.param(lambda: execute("/*x*/ UPDATE bookshop_author SET name = 'X'"), id="leading comment"),
        pytest.param(lambda: execute("DO $$ BEGIN UPDATE bookshop_author SET name = 'X'; END $$"), id="do"),
        pytest.param(lambda: list(Author.objects.raw("UPDATE bookshop_author SET name = 'X' RETURNING *")), id="raw()"),
    ],
)
def test_raw_sql_drops_what_was_read(cache_alias: str, change: Callable[[], object]) -> None:
    make_shop()
    engine = make_engine(cache_alias)
    before = data(engine, AUTHORS)
    data(engine, PUBLISHERS)

    change()

    assert is_hit(engine, PUBLISHERS)
    assert data(engine, AUTHORS) == data(GraphQLEngine(cache=None), AUTHORS) != before


@pytest.mark.django_db(transaction=True)
def test_statement_that_fails_half_way_may_have_written(cache_alias: str) -> None:
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    failing_executemany()

    assert data(engine, AUTHORS) == data(GraphQLEngine(cache=None), AUTHORS)


@pytest.mark.django_db(transaction=True)
def test_raw_transactions_are_followed(cache_alias: str) -> None:
    """BEGIN and COMMIT as SQL, which Django does not know of."""
    make_shop()
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    execute("BEGIN")
    execute("UPDATE bookshop_author SET name = 'X'")
    assert not is_hit(engine, AUTHORS)
    assert not is_hit(engine, AUTHORS)
    execute("COMMIT")

    assert {author["name"] for author in data(engine, AUTHORS)["authors"]} == {"X"}
    assert is_hit(engine, AUTHORS)


ENDS = ["COMMIT", "END", "commit work", "COMMIT AND CHAIN", "/* all */ COMMIT TRANSACTION", "COMMIT AND NO CHAIN"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("commit", ENDS)
def test_commit_in_sql_is_told_of_at_once(cache_alias: str, commit: str) -> None:
    """Its connection need not be used again; another one reads."""
    make_shop()
    engine = make_engine(cache_alias)
    assert not in_thread(lambda: is_hit(engine, AUTHORS))
    assert in_thread(lambda: is_hit(engine, AUTHORS))
    marked: list[bool] = []

    def committing(run: Callable[..., Any], *args: Any) -> Any:
        marked.append(engine.cache is not None and str(engine.cache.get(version_key(AUTHOR))).startswith(MARK))
        return run(*args)

    execute("BEGIN")
    execute("UPDATE bookshop_author SET name = 'X'")
    with connection.execute_wrapper(committing):
        execute(commit)

    assert marked == [True]
    assert {author["name"] for author in in_thread(lambda: data(engine, AUTHORS))["authors"]} == {"X"}
    assert in_thread(lambda: is_hit(engine, AUTHORS))
    if "AND CHAIN" in commit:
        # the next transaction is marked again
        execute("UPDATE bookshop_author SET name = 'Y'")
        with connection.execute_wrapper(committing):
            execute("COMMIT")
        assert marked == [True, True]
        assert {author["name"] for author in in_thread(lambda: data(engine, AUTHORS))["authors"]} == {"Y"}


@pytest.mark.django_db(transaction=True)
def test_transaction_that_is_committed_in_two_phases(cache_alias: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_prepared_transactions")
        if cursor.fetchone() == ("0",):
            do_without("a test of PREPARE TRANSACTION needs max_prepared_transactions on the server")
    make_shop()
    engine = make_engine(cache_alias)
    before = in_thread(lambda: data(engine, AUTHORS))

    execute("BEGIN")
    execute("UPDATE bookshop_author SET name = 'X'")
    execute("PREPARE TRANSACTION 'shop'")
    # nothing is committed yet; whoever reads meanwhile keeps that
    assert in_thread(lambda: data(engine, AUTHORS)) == data(engine, AUTHORS) == before
    assert in_thread(lambda: is_hit(engine, AUTHORS))
    in_thread(lambda: execute("COMMIT PREPARED 'shop'"))

    assert {author["name"] for author in data(engine, AUTHORS)["authors"]} == {"X"}
    assert is_hit(engine, AUTHORS)


@pytest.mark.parametrize(
    "statement",
    [*ENDS, "ROLLBACK", "ABORT", "ROLLBACK TO a", "PREPARE TRANSACTION 'a'", "COMMIT PREPARED 'a'", "SAVEPOINT a"],
)
def test_what_is_about_a_transaction_is_never_skipped(statement: str) -> None:
    """What only reads is, and such a statement reads nothing."""
    analysis = analyse(statement)

    assert not analysis.certain
    assert analysis.ends == (statement in (*ENDS, "ROLLBACK", "ABORT", "COMMIT PREPARED 'a'"))


def write_unseen() -> None:
    """Write over a connection of another program."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Joanna', '', '', '')")


@pytest.mark.django_db(transaction=True)
def test_what_another_program_writes_can_be_told(cache_alias: str) -> None:
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)
    data(engine, PUBLISHERS)

    write_unseen()

    assert data(engine, AUTHORS) == {"authors": []}
    mark_written(["public.bookshop_author"])
    assert data(engine, AUTHORS) == {"authors": [{"name": "Joanna"}]}
    assert is_hit(engine, PUBLISHERS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("undone", [True, False])
def test_what_is_told_in_a_transaction_waits_for_its_end(cache_alias: str, undone: bool) -> None:
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    with transaction.atomic():
        write_unseen()
        assert is_hit(engine, AUTHORS)
        mark_written(["bookshop_author"])
        assert data(engine, AUTHORS) == {"authors": [{"name": "Joanna"}]}
        assert in_thread(lambda: is_hit(engine, AUTHORS))
        transaction.set_rollback(undone)

    assert is_hit(engine, AUTHORS) == undone
    assert data(engine, AUTHORS) == {"authors": [] if undone else [{"name": "Joanna"}]}


@pytest.mark.django_db(transaction=True)
def test_odd_names_in_raw_sql(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=ZOO)
    Odd._default_manager.create(capital="A")
    Elsewhere._default_manager.create(label="A")
    query = "{ odds { capital } elsewheres { label } }"
    assert data(engine, query) == {"odds": [{"capital": "A"}], "elsewheres": [{"label": "A"}]}

    execute('UPDATE public."Odd Table {1}" SET "Capital Letters" = %s', ["B"])
    assert data(engine, query)["odds"] == [{"capital": "B"}]
    execute('UPDATE "public"."zoo elsewhere" SET label = %s', ["B"])
    assert data(engine, query)["elsewheres"] == [{"label": "B"}]


# --- migrations ---


def _rename(apps: Any, schema_editor: Any) -> None:
    apps.get_model("bookshop", "Author").objects.update(name="X")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(migrations.RunPython(_rename), id="RunPython"),
        pytest.param(migrations.RunSQL("UPDATE bookshop_author SET name = 'X'"), id="RunSQL"),
        pytest.param(migrations.RunSQL([("UPDATE bookshop_author SET name = %s", ["X"])]), id="RunSQL list"),
    ],
)
@pytest.mark.parametrize("atomic", [True, False])
def test_migration_drops_what_was_read(cache_alias: str, operation: Any, atomic: bool) -> None:
    make_shop()
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)
    state: ProjectState = MigrationExecutor(connection).loader.project_state()

    with connection.schema_editor(atomic=atomic) as editor:
        operation.database_forwards("bookshop", editor, state, state)

    assert {author["name"] for author in data(engine, AUTHORS)["authors"]} == {"X"}


@pytest.mark.django_db(transaction=True)
def test_flush_drops_what_was_read(cache_alias: str) -> None:
    make_shop()
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    call_command("flush", interactive=False, verbosity=0)

    assert data(engine, AUTHORS) == {"authors": []}


@pytest.mark.django_db(transaction=True)
def test_added_column_drops_what_was_read(cache_alias: str) -> None:
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)

    with transaction.atomic():
        execute("ALTER TABLE bookshop_author ADD COLUMN extra int")
        execute("ALTER TABLE bookshop_author DROP COLUMN extra")

    assert not is_hit(engine, AUTHORS)
