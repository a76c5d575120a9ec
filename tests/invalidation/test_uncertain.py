"""What the text of a statement does not tell: dynamic SQL, the driver's own cursors, definitions, isolation, marks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.db.models.expressions import RawSQL
from psycopg import sql

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.answers import VERSION
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.invalidation import catalog, drop, mark_written
from fraiseql_django.invalidation.catalog import tables_read
from fraiseql_django.invalidation.scan import CATALOGUE
from fraiseql_django.invalidation.transactions import Announced, of
from tests.support import data, in_thread, is_hit, make_engine

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS, PUBLISHERS = "{ authors { name } }", "{ publishers { name } }"

MAKE = """
CREATE SCHEMA un;
CREATE TABLE un.hidden (label text); INSERT INTO un.hidden VALUES ('a');
CREATE TABLE un.other (label text); INSERT INTO un.other VALUES ('b');
CREATE VIEW un.seen AS SELECT label FROM un.hidden;
CREATE FUNCTION un.label() RETURNS text STABLE LANGUAGE sql AS 'SELECT label FROM un.hidden';
CREATE FUNCTION un.write(name text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'INSERT INTO ' || name || ' VALUES (''x'')'; RETURN 1; END $$;
CREATE FUNCTION un.trace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('INSERT INTO un.%I VALUES (''t'')', TG_OP || 's'); RETURN NULL; END $$;
CREATE TABLE un.traced (id int); CREATE TABLE un."INSERTs" (label text);
CREATE TRIGGER trace AFTER INSERT ON un.traced FOR EACH ROW EXECUTE FUNCTION un.trace();
CREATE FUNCTION un.define() RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'CREATE OR REPLACE VIEW un.seen AS SELECT label FROM ' || 'un.other'; END $$;
CREATE FUNCTION public.un_hire() RETURNS void LANGUAGE sql AS $$
INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Joanna', '', '', '') $$;
"""


def execute(statement: Any, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


class Recorder(DjangoCache):
    """Notes which tables get new versions."""

    def __init__(self) -> None:
        super().__init__("locmem")
        self.tables: set[str] = set()

    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        self.tables |= {key.removeprefix(VERSION) for key in values}
        super().replace_many(values, token)


@pytest.fixture(autouse=True)
def made(transactional_db: None) -> Iterator[None]:
    execute(MAKE)
    # what was done until now is out of the session's counters
    connection.close()
    yield
    execute("DROP SCHEMA un CASCADE; DROP FUNCTION un_hire")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    cache = Recorder()
    engine = GraphQLEngine(cache=cache)
    yield cache
    assert engine.answers.cache is cache


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    Author.objects.create(name="Ursula")
    Publisher.objects.create(name="Ace")
    engine = make_engine(cache_alias)
    data(engine, AUTHORS)
    data(engine, PUBLISHERS)
    return engine


def names(engine: GraphQLEngine) -> set[str]:
    return {author["name"] for author in data(engine, AUTHORS)["authors"]}


# --- PostgreSQL's word ---


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT un.write('un.other')", {"other"}),
        ("SELECT un.write('un.other') WHERE false", set()),
        ("INSERT INTO un.traced VALUES (1)", {"traced", "INSERTs"}),
        ("PREPARE un_p AS SELECT 1; EXECUTE un_p; DEALLOCATE un_p", set()),
        ("DO $$ BEGIN PERFORM un.write('un.' || 'other'); END $$", {"other"}),
    ],
)
def test_postgresql_is_asked_before_the_commit(recorder: Recorder, statement: str, tables: set[str]) -> None:
    with transaction.atomic():
        execute(statement)
        assert recorder.tables == set()

    assert recorder.tables == tables


def test_without_a_transaction_everything_may_have_been_written(recorder: Recorder) -> None:
    execute("SELECT un.write('un.other')")

    assert recorder.tables >= {"bookshop_author", "other", "hidden", CATALOGUE}


def test_transaction_that_was_prepared_may_have_written_everything(recorder: Recorder) -> None:
    """It fails here, where no transaction is prepared; a statement that fails may have written as well."""
    with pytest.raises(DatabaseError):
        execute("COMMIT PREPARED 'one'")

    assert recorder.tables >= {"bookshop_author", "other", "hidden"}


def test_plain_writes_need_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(catalog, "reported_tables", refuse)
    with transaction.atomic():
        author = Author.objects.create(name="Ursula")
        Author.objects.filter(pk=author.pk).update(name="Octavia")
        author.delete()


def test_prepared_statement_is_remembered(recorder: Recorder) -> None:
    execute("PREPARE un_plan (text) AS INSERT INTO un.other VALUES ($1)")
    assert recorder.tables == set()

    execute("EXECUTE un_plan ('x')")

    assert recorder.tables == {"other"}


def test_function_that_is_replaced_by_one_that_writes(engine: GraphQLEngine) -> None:
    execute("SELECT un.label()")
    assert is_hit(engine, AUTHORS)
    execute(
        "CREATE OR REPLACE FUNCTION un.label() RETURNS text LANGUAGE sql AS "
        "$$ UPDATE bookshop_author SET name = 'Octavia' RETURNING name $$"
    )

    execute("SELECT un.label()")

    assert names(engine) == {"Octavia"}


# --- the driver's own cursors ---

INSERT = "INSERT INTO bookshop_author (name, bio, website, email) VALUES ('Joanna', '', '', '')"


def driver() -> Any:
    connection.ensure_connection()
    return connection.connection


def in_driver_transaction() -> None:
    with driver().transaction():
        driver().execute(INSERT)


def by_procedure() -> None:
    with connection.cursor() as cursor:
        cursor.callproc("un_hire")


def copied() -> None:
    into = "COPY bookshop_author (name, bio, website, email) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        copy.write_row(("Joanna", "", "", ""))


def many() -> None:
    with connection.cursor() as cursor:
        cursor.executemany(INSERT.replace("'Joanna'", "%s"), [("Joanna",), ("Joanna",)])


BY_DRIVER: dict[str, Callable[[], Any]] = {
    "copy": copied,
    "callproc": by_procedure,
    "cursor": lambda: driver().cursor().execute(INSERT),
    "execute": lambda: driver().execute(INSERT.encode()),
    "composed": lambda: driver().execute(sql.SQL(INSERT)),
    "executemany": lambda: driver().cursor().executemany(INSERT, [()]),
    "stream": lambda: list(driver().cursor().stream(INSERT + " RETURNING 1")),
    "transaction": in_driver_transaction,
    "executemany of Django": many,
    "server-side cursor": lambda: list(Author.objects.raw(INSERT + " RETURNING *").iterator()),
}


@pytest.mark.parametrize("way", BY_DRIVER)
@pytest.mark.parametrize("atomic", [True, False])
def test_cursors_of_the_driver_are_seen(engine: GraphQLEngine, way: str, atomic: bool) -> None:
    if atomic:
        with transaction.atomic():
            BY_DRIVER[way]()
    else:
        BY_DRIVER[way]()

    assert names(engine) == {"Ursula", "Joanna"}


@pytest.mark.parametrize("way", BY_DRIVER)
def test_cursors_of_the_driver_are_announced_before_they_write(
    engine: GraphQLEngine, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies after its commit has left marks."""
    transactions = of(connection)
    assert transactions is not None
    announce, seen = transactions.announce, []

    def announced(tables: frozenset[str]) -> Announced:
        # what others see
        seen.append(in_thread(Author.objects.count))
        return announce(tables)

    monkeypatch.setattr(transactions, "announce", announced)
    before = Author.objects.count()
    BY_DRIVER[way]()

    assert seen == [before]


def by_pipeline() -> None:
    with driver().pipeline():
        driver().execute(INSERT)


def committed() -> None:
    connection.set_autocommit(False)
    try:
        driver().execute(INSERT)
        driver().commit()
    finally:
        connection.set_autocommit(True)


def committed_in_a_block() -> None:
    with transaction.atomic():
        driver().execute(INSERT)
        driver().commit()
        transaction.set_rollback(True)


def in_a_transaction_in_a_block() -> None:
    with transaction.atomic():
        # nothing is sent for the block until now
        in_driver_transaction()
        transaction.set_rollback(True)


def in_two_phases() -> None:
    connection.set_autocommit(False)
    try:
        driver().tpc_begin("un")
        driver().execute(INSERT)
        driver().tpc_commit()
    finally:
        connection.set_autocommit(True)


ENDS = (by_pipeline, committed, committed_in_a_block, in_driver_transaction, in_a_transaction_in_a_block, in_two_phases)


@pytest.mark.parametrize("end", ENDS)
def test_ends_of_transactions_of_the_driver_are_seen_at_once(engine: GraphQLEngine, end: Callable[[], None]) -> None:
    end()

    # another thread has the cache, but not the connection
    assert in_thread(lambda: names(engine)) == {"Ursula", "Joanna"}


def test_transaction_that_the_driver_rolls_back(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        driver().execute(INSERT)
        driver().rollback()

    assert is_hit(engine, AUTHORS)


def test_rows_are_streamed_one_after_the_other() -> None:
    rows = driver().cursor().stream("SELECT n, 1 / (2 - n) FROM generate_series(0, 3) AS n")

    assert next(rows)[0] == 0
    with pytest.raises(psycopg.errors.DivisionByZero):
        list(rows)


# --- sessions of their own ---


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Reach this database over dblink and postgres_fdw as well."""
    with psycopg.connect(**connection.get_connection_params()) as own:
        at = {name: value for name, value in own.info.get_parameters().items() if name in ("host", "port", "dbname")}
        user = own.info.user
        password = own.info.password
    execute("CREATE EXTENSION IF NOT EXISTS dblink; CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    options = ", ".join(f"{name} '{value}'" for name, value in at.items())
    execute(f"CREATE SERVER un_same FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options})")
    execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER un_same OPTIONS (user '{user}', password '{password}')")
    execute(
        "CREATE FOREIGN TABLE un.far (name text, bio text, website text, email text)"
        " SERVER un_same OPTIONS (schema_name 'public', table_name 'bookshop_author')"
    )
    execute(
        """CREATE FUNCTION un.remote(text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN dblink_exec('un_same', $1); END $$"""
    )
    yield
    execute("DROP SERVER un_same CASCADE")


BY_SESSION: dict[str, Callable[[], Any]] = {
    "parameter": lambda: execute("SELECT dblink_exec('un_same', %s)", [INSERT]),
    "text": lambda: execute(sql.SQL("SELECT dblink_exec('un_same', {})").format(INSERT)),
    "function": lambda: execute("SELECT un.remote(%s)", [INSERT]),
    "rows": lambda: execute("SELECT * FROM dblink('un_same', %s) AS t(id int)", [INSERT + " RETURNING id"]),
    "block": lambda: [
        execute("SELECT dblink_connect('un_c', 'un_same')"),
        execute("SELECT dblink_exec('un_c', 'BEGIN')"),
        execute("SELECT dblink_exec('un_c', %s)", [INSERT]),
        execute("SELECT dblink_exec('un_c', 'COMMIT')"),
        execute("SELECT dblink_disconnect('un_c')"),
    ],
}


@pytest.mark.parametrize("way", BY_SESSION)
@pytest.mark.parametrize("rolled_back", [False, True])
@pytest.mark.extension("dblink")
def test_what_is_written_in_another_session(
    engine: GraphQLEngine, elsewhere: None, way: str, rolled_back: bool
) -> None:
    data(engine, AUTHORS)
    with transaction.atomic():
        Publisher.objects.create(name="Tor")
        BY_SESSION[way]()
        # it is committed already
        assert in_thread(lambda: names(engine)) == {"Ursula", "Joanna"}
        transaction.set_rollback(rolled_back)

    assert names(engine) == {"Ursula", "Joanna"}


@pytest.mark.parametrize("statement", ["INSERT INTO un.far", "DO $$ BEGIN EXECUTE 'INSERT INTO un.' || 'far"])
@pytest.mark.extension("postgres_fdw")
def test_foreign_table_of_a_table_here(engine: GraphQLEngine, elsewhere: None, statement: str) -> None:
    data(engine, AUTHORS)
    rest = " VALUES ('Joanna', '', '', '')"
    with transaction.atomic():
        execute(statement + (rest.replace("'", "''") + "'; END $$" if "DO" in statement else rest))

    assert names(engine) == {"Ursula", "Joanna"}


# --- strings in the old way ---


def test_strings_with_backslashes(engine: GraphQLEngine) -> None:
    execute("SET standard_conforming_strings = off")
    try:
        execute("SELECT '\\'; -- '; UPDATE bookshop_author SET name = 'Octavia'")
    finally:
        execute("RESET standard_conforming_strings")

    assert names(engine) == {"Octavia"}


# --- a process that has not read the catalogue ---


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM un.writing", "TABLE un.writing", "SELECT (o).un_row FROM un.other o"]
)
@pytest.mark.parametrize("atomic", [True, False])
def test_reading_that_writes_before_the_catalogue_is_read(engine: GraphQLEngine, statement: str, atomic: bool) -> None:
    execute("CREATE VIEW un.writing AS SELECT (un_hire() IS NULL) AS done")
    execute("CREATE FUNCTION public.un_row(un.other) RETURNS void LANGUAGE sql AS 'SELECT un_hire()'")
    data(engine, AUTHORS)
    catalog.forget()

    if atomic:
        with transaction.atomic():
            execute(statement)
    else:
        execute(statement)

    assert names(engine) == {"Ursula", "Joanna"}


def test_statements_of_the_orm_need_no_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError

    author = Author.objects.create(name="Ursula")
    catalog.forget()
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "_ask", refuse)
        list(Author.objects.filter(books__title__contains="x", books__publisher__name="y").order_by("-name")[:3])
        Author.objects.filter(name="Ursula").count()
        Author.objects.filter(pk__in=Author.objects.filter(name__in=["a", "b"]).values("pk")).exists()
        list(Author.objects.prefetch_related("books"))
        assert Author.objects.get(pk=author.pk) == author


# --- tables without a model ---


def registry_of(expression: str) -> Registry:
    registry = Registry()

    @fraiseql.type(Author, fields=["id"], registry=registry)
    class AuthorType:
        label: str | None = fraiseql.field(RawSQL(expression, [], output_field=models.TextField()))

    return registry


@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT max(label) FROM un.hidden)",
        '(SELECT max(label) FROM/* why */"un"."hidden")',
        "(SELECT max(label) FROM un.seen)",
        "un.label()",
    ],
)
def test_table_without_a_model_is_read(cache_alias: str, expression: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry_of(expression))
    query = "{ authors { label } }"
    assert data(engine, query) == {"authors": [{"label": "a"}]}
    assert is_hit(engine, query)

    execute("UPDATE un.hidden SET label = 'z'")

    assert data(engine, query) == {"authors": [{"label": "z"}]}


# --- definitions ---


def test_view_that_another_process_replaces(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry_of("(SELECT max(label) FROM un.seen)"))
    query = "{ authors { label } }"
    assert data(engine, query) == {"authors": [{"label": "a"}]}

    # another process has a catalogue of its own, and gives a new version to the one in the cache
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("CREATE OR REPLACE VIEW un.seen AS SELECT label FROM un.other")
    drop([CATALOGUE])

    assert data(engine, query) == {"authors": [{"label": "b"}]}
    assert data(engine, query) == {"authors": [{"label": "b"}]}
    assert is_hit(engine, query)
    execute("UPDATE un.other SET label = 'c'")
    assert data(engine, query) == {"authors": [{"label": "c"}]}


@pytest.mark.parametrize(
    "change", ["CREATE OR REPLACE VIEW un.seen AS SELECT label FROM un.other", "SELECT un.define()"]
)
@pytest.mark.parametrize("atomic", [True, False])
def test_view_that_this_process_replaces(cache_alias: str, change: str, atomic: bool) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry_of("(SELECT max(label) FROM un.seen)"))
    query = "{ authors { label } }"
    data(engine, query)

    if atomic:
        with transaction.atomic():
            execute(change)
    else:
        execute(change)

    assert data(engine, query) == {"authors": [{"label": "b"}]}
    # with a catalogue that was read before, the first answer is not kept
    data(engine, query)
    execute("UPDATE un.other SET label = 'c'")
    assert data(engine, query) == {"authors": [{"label": "c"}]}


def test_what_is_not_committed_is_known_to_its_connection_alone() -> None:
    read = "SELECT label FROM un.seen"
    before = ("hidden", "seen")
    assert tables_read(read, "default") == before

    with transaction.atomic():
        execute("CREATE OR REPLACE VIEW un.seen AS SELECT label FROM un.other")
        assert tables_read(read, "default") == ("other", "seen")
        assert in_thread(lambda: tables_read(read, "default")) == before
        transaction.set_rollback(True)

    assert tables_read(read, "default") == before


def test_plan_that_was_made_without_the_catalogue(cache_alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(cache_alias, registry=registry_of("(SELECT max(label) FROM un.seen)"))
    Author.objects.create(name="Ursula")
    query = "{ authors { label } }"
    catalog.forget()
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "_FINGERPRINT", "SELECT 1 / 0")
        assert data(engine, query) == {"authors": [{"label": "a"}]}
        assert not is_hit(engine, query)
    catalog.forget()

    data(engine, query)
    assert is_hit(engine, query)
    execute("UPDATE un.hidden SET label = 'z'")
    assert data(engine, query) == {"authors": [{"label": "z"}]}


def test_partition_that_is_dropped(cache_alias: str) -> None:
    execute("CREATE TABLE un.whole (label text) PARTITION BY LIST (label)")
    execute("CREATE TABLE un.part PARTITION OF un.whole FOR VALUES IN ('p'); INSERT INTO un.whole VALUES ('p')")
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry_of("(SELECT max(label) FROM un.whole)"))
    query = "{ authors { label } }"
    assert data(engine, query) == {"authors": [{"label": "p"}]}

    execute("DROP TABLE un.part")

    assert data(engine, query) == {"authors": [{"label": None}]}


# --- marks ---


def behind_its_back(name: str) -> None:
    """Write over a connection that nobody sees."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("UPDATE bookshop_author SET name = %s", [name])


@pytest.mark.parametrize("undone", [True, False])
def test_mark_as_the_first_thing_in_a_block(engine: GraphQLEngine, undone: bool) -> None:
    with transaction.atomic():
        mark_written(["bookshop_author"])
        assert in_thread(lambda: is_hit(engine, AUTHORS))
        transaction.set_rollback(undone)

    assert is_hit(engine, AUTHORS) == undone
    assert is_hit(engine, PUBLISHERS)


def test_mark_before_a_statement_in_a_block(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        mark_written(["bookshop_author"])
        Publisher.objects.update(name="Tor")
        Publisher.objects.count()
        assert in_thread(lambda: is_hit(engine, AUTHORS))

    assert not is_hit(engine, AUTHORS)


def test_mark_in_a_savepoint_that_is_rolled_back(engine: GraphQLEngine) -> None:
    with transaction.atomic():
        with suppress(ZeroDivisionError), transaction.atomic():
            mark_written(["bookshop_author"])
            _ = 1 / 0
        Publisher.objects.update(name="Tor")

    assert is_hit(engine, AUTHORS)


def test_mark_on_a_connection_that_is_not_open(engine: GraphQLEngine) -> None:
    connection.close()
    mark_written(["bookshop_author"])
    assert not is_hit(engine, AUTHORS)

    connection.close()
    data(engine, AUTHORS)
    with transaction.atomic():
        mark_written(["bookshop_author"])
        assert in_thread(lambda: is_hit(engine, AUTHORS))
    assert not is_hit(engine, AUTHORS)


def test_mark_in_a_mutation(cache_alias: str) -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["id", "name"], registry=registry)(type("Author", (), {}))

    @fraiseql.mutation(registry=registry)
    def rename(info: Any, name: str) -> bool:
        mark_written(["bookshop_author"])
        Publisher.objects.count()
        behind_its_back(name)
        return True

    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry)
    data(engine, AUTHORS)

    data(engine, 'mutation { rename(name: "Octavia") }')

    assert names(engine) == {"Octavia"}


# --- isolation ---


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", "RESET ALL"),
        ("SET default_transaction_isolation = 'serializable'", "RESET ALL"),
        ("SELECT set_config('default_transaction_isolation', 'repeatable read', false)", "RESET ALL"),
        ("SELECT un.isolate()", "RESET ALL"),
        ("BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; COMMIT", None),
    ],
)
def test_older_snapshot_is_never_kept_as_fresh(engine: GraphQLEngine, first: str, last: str | None) -> None:
    execute(
        "CREATE FUNCTION un.isolate() RETURNS text LANGUAGE sql AS "
        "$$ SELECT set_config('default_transaction_isolation', 'repeatable read', false) $$"
    )
    execute(first)
    with transaction.atomic():
        Publisher.objects.count()
        in_thread(lambda: Author.objects.update(name="Octavia"))
        assert names(engine) == ({"Octavia"} if last is None else {"Ursula"})
    if last:
        execute(last)

    assert names(engine) == {"Octavia"}
    assert in_thread(lambda: names(engine)) == {"Octavia"}


def test_isolation_that_the_role_has(engine: GraphQLEngine) -> None:
    execute("ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'repeatable read'")
    try:
        connection.close()
        data(engine, AUTHORS)
        with transaction.atomic():
            Publisher.objects.count()
            in_thread(lambda: Author.objects.update(name="Octavia"))
            assert names(engine) == {"Ursula"}
        assert names(engine) == {"Octavia"}
    finally:
        execute("ALTER ROLE CURRENT_USER RESET default_transaction_isolation")
        connection.close()


def test_isolation_of_a_raw_transaction(engine: GraphQLEngine) -> None:
    execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    Publisher.objects.count()
    in_thread(lambda: Author.objects.update(name="Octavia"))
    assert names(engine) == {"Ursula"}
    execute("COMMIT")

    assert names(engine) == {"Octavia"}


def test_clearing_the_cache_makes_processes_compare_their_catalogue(cache_alias: str, settings: Any) -> None:
    settings.FRAISEQL = {**getattr(settings, "FRAISEQL", {}), "CACHE": {"ALIAS": cache_alias}}
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, registry=registry_of("(SELECT max(label) FROM un.seen)"))
    query = "{ authors { label } }"
    data(engine, query)
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("CREATE OR REPLACE VIEW un.seen AS SELECT label FROM un.other")

    call_command("fraiseql_clear_cache", verbosity=0)

    data(engine, query)
    data(engine, query)
    execute("UPDATE un.other SET label = 'c'")
    assert data(engine, query) == {"authors": [{"label": "c"}]}
