"""Connections that the project has changed: by tables that hide others, by what it sets, by its own transactions."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django._django import driver_connection
from fraiseql_django.invalidation import catalog
from fraiseql_django.invalidation.scan import CATALOGUE
from fraiseql_django.invalidation.statements import analyse
from tests.support import data, is_hit, make_engine, role_name

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS, BROKEN = "{ authors { name } }", "{ authors { broken } }"
SHOWN, NOTHING = {"authors": [{"name": "Octavia"}]}, {"authors": []}
ROLE = role_name("connections_of_projects")
HIDDEN = "CREATE TEMP TABLE bookshop_author (LIKE public.bookshop_author)"


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def value(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        (found,) = cursor.fetchone()
    return str(found)


@pytest.fixture
def engine() -> Iterator[GraphQLEngine]:
    registry = Registry()

    @fraiseql.type(Author, fields=["id", "name"], registry=registry)
    class AuthorType:
        broken: int = fraiseql.field(RawSQL("1 / (length(bio) - 3)", [], output_field=IntegerField()))

    # of which PostgreSQL says that it divides by zero
    Author.objects.create(name="Octavia", bio="bio")
    yield make_engine("locmem", registry=registry)
    connection.close()
    catalog.forget()


# --- temporary tables ---

HIDE = {
    "CREATE": [HIDDEN],
    "LOCAL": [HIDDEN.replace("TEMP", "LOCAL TEMPORARY")],
    "pg_temp": [HIDDEN.replace("TEMP TABLE ", "TABLE pg_temp.")],
    "AS": ["CREATE TEMP TABLE IF NOT EXISTS bookshop_author AS SELECT * FROM public.bookshop_author WHERE false"],
    "INTO": ["SELECT * INTO TEMP bookshop_author FROM public.bookshop_author WHERE false"],
    "VIEW": ["CREATE OR REPLACE TEMP VIEW bookshop_author AS SELECT * FROM public.bookshop_author WHERE false"],
    "RENAME": [HIDDEN.replace("bookshop_author", "loaded", 1), "ALTER TABLE loaded RENAME TO bookshop_author"],
    "DO": [f"DO $$ BEGIN {HIDDEN}; END $$"],
    "EXECUTE": [f"DO $$ BEGIN EXECUTE '{HIDDEN}'; END $$"],
    "several": [f"SELECT 1; {HIDDEN}"],
    "function": [
        f"CREATE OR REPLACE FUNCTION pg_temp.hide() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {HIDDEN}; END $$",
        "SELECT pg_temp.hide()",
    ],
}


@pytest.mark.parametrize("way", HIDE)
def test_rows_of_a_temporary_table_are_its_sessions_own(engine: GraphQLEngine, way: str) -> None:
    run(*HIDE[way])
    for _ in range(2):
        assert data(engine, AUTHORS) == NOTHING
    connection.close()

    assert data(engine, AUTHORS) == SHOWN
    run(*HIDE[way])
    assert data(engine, AUTHORS) == NOTHING


def test_temporary_table_of_a_transaction(engine: GraphQLEngine) -> None:
    assert data(engine, AUTHORS) == SHOWN
    with transaction.atomic():
        run(f"{HIDDEN} ON COMMIT DROP")
        assert data(engine, AUTHORS) == NOTHING

    assert is_hit(engine, AUTHORS)
    assert data(engine, AUTHORS) == SHOWN


def test_temporary_table_that_hides_nothing(engine: GraphQLEngine) -> None:
    data(engine, AUTHORS)
    run("CREATE TEMP TABLE loaded (name text)", "CREATE TEMP TABLE temporary_names AS SELECT name FROM bookshop_author")

    assert is_hit(engine, AUTHORS)


# --- settings in statements that change rows ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pg_settings SET setting = 'hidden' WHERE name = 'search_path'",
        "WITH a AS (SELECT 1) UPDATE pg_catalog.pg_settings SET setting = 'hidden' WHERE name = 'search_path'",
        "INSERT INTO kept SELECT set_config('search_path', 'hidden', false)",
        "UPDATE kept SET path = set_config('search_path', 'hidden', false)",
    ],
)
def test_search_path_that_a_change_sets(engine: GraphQLEngine, statement: str) -> None:
    assert data(engine, AUTHORS) == SHOWN
    run("CREATE TEMP TABLE kept (path text)", "INSERT INTO kept VALUES ('')", "CREATE SCHEMA hidden")
    run("CREATE TABLE hidden.bookshop_author (LIKE public.bookshop_author)")
    assert data(engine, AUTHORS) == SHOWN
    try:
        run(statement)
        assert data(engine, AUTHORS) == NOTHING
    finally:
        run("DROP SCHEMA hidden CASCADE")


# --- what a failed operation leaves ---


def test_failed_operation_leaves_the_role(engine: GraphQLEngine) -> None:
    run(f"DROP ROLE IF EXISTS {ROLE}", f"CREATE ROLE {ROLE}", f"GRANT SELECT ON bookshop_author TO {ROLE}")
    try:
        run(f"SET ROLE {ROLE}")
        assert engine.execute(BROKEN).status == 500

        assert value("SELECT current_user") == ROLE
    finally:
        connection.close()
        run(f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


def test_lost_connection_with_a_role_is_not_replaced(engine: GraphQLEngine) -> None:
    run("SET ROLE NONE", "SET app.tenant = '7'")
    driver_connection(connection).close()

    for _ in range(2):
        assert engine.execute(AUTHORS).status == 503
    # as Django does between requests
    connection.close_if_unusable_or_obsolete()
    assert data(engine, AUTHORS) == SHOWN


def test_lost_connection_without_settings_is_replaced(engine: GraphQLEngine) -> None:
    data(engine, AUTHORS)
    driver_connection(connection).close()

    engine.execute(BROKEN)

    assert data(engine, AUTHORS) == SHOWN


def test_failed_operation_leaves_the_projects_own_transaction(engine: GraphQLEngine) -> None:
    run("BEGIN", "INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Joanna', '', '', '')")
    assert engine.execute(BROKEN).status == 500

    with pytest.raises(Exception, match="current transaction is aborted"):
        run("INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Ursula', '', '', '')")
    run("ROLLBACK")

    assert data(engine, AUTHORS) == SHOWN


def test_failed_operation_leaves_the_mode_of_the_connection(engine: GraphQLEngine) -> None:
    transaction.set_autocommit(False)
    try:
        Author.objects.create(name="Joanna")
        assert engine.execute(BROKEN).status == 500
        assert not transaction.get_autocommit()
        transaction.rollback()
        Author.objects.create(name="Ursula")
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)

    assert data(engine, AUTHORS) == SHOWN


# --- definitions in a block of code, outside of a transaction ---

BLOCKS = [
    "CREATE OR REPLACE VIEW seen AS SELECT 1",
    "EXECUTE 'CREATE OR REPLACE VIEW seen AS ' || 'SELECT 1'",
    "IF true THEN ALTER TABLE bookshop_author ADD COLUMN more int; END IF",
]


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("block", BLOCKS)
def test_definition_in_a_block_is_told_to_other_processes(
    block: str, readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.ensure_connection()
    changes = catalog.changes_in(connection, analyse(f"DO $block$ BEGIN {block}; END $block$"))
    if not readable:
        monkeypatch.setattr(catalog, "dependencies", lambda connection: None)

    assert CATALOGUE in catalog.tables_written(connection, changes)


def test_block_that_defines_nothing_is_told_without_the_catalogue() -> None:
    connection.ensure_connection()
    changes = catalog.changes_in(connection, analyse("DO $$ BEGIN UPDATE bookshop_author SET bio = ''; END $$"))

    assert CATALOGUE not in catalog.tables_written(connection, changes)
