"""What lies below views and functions: a write to it drops what was read through them."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F, Func

from example_project.bookshop.models import Author, Book, Review
from fraiseql_django import GraphQLEngine, Registry, field
from fraiseql_django import type as graphql_type
from fraiseql_django.invalidation import catalog
from fraiseql_django.invalidation.catalog import tables_read
from fraiseql_django.invalidation.dependencies import Change
from fraiseql_django.invalidation.names import known, register
from tests.invalidation.test_invalidation import check
from tests.operations import SHOP, ZOO
from tests.support import data, is_hit, make_engine, make_shop, statements
from tests.zoo.types import ZOO as ZOO_TYPES

pytestmark = pytest.mark.django_db
COMMITS = pytest.mark.django_db(transaction=True)


class Shelf(models.Model):
    """A view on a view, of which one calls a function."""

    title = models.TextField()
    amount = models.IntegerField(null=True)
    stamp = models.TextField(null=True)
    reviews = models.BigIntegerField()

    class Meta:
        managed = False
        app_label = "zoo"
        db_table = "depot_shelf"


class Summary(models.Model):
    """A materialised view."""

    books = models.BigIntegerField(primary_key=True)

    class Meta:
        managed = False
        app_label = "zoo"
        db_table = "depot_summary"


MAKE = """
CREATE SCHEMA depot;
CREATE TABLE depot.ledger (id serial PRIMARY KEY, book_id bigint, amount int) PARTITION BY RANGE (id);
CREATE TABLE depot.ledger_low PARTITION OF depot.ledger FOR VALUES FROM (0) TO (1000);
CREATE TABLE depot."Odd, hidden" (label varchar(20) DEFAULT 'x');
CREATE TABLE depot.untouched (id int);
CREATE FUNCTION depot.newest() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT max(label) FROM depot."Odd, hidden");
END $$;
CREATE FUNCTION depot.stamp() RETURNS text LANGUAGE sql STABLE AS 'SELECT upper(depot.newest())';
CREATE FUNCTION depot.reviews(bigint) RETURNS bigint LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT count(*) FROM public.bookshop_review WHERE book_id = $1;
END;
CREATE VIEW depot.inner_shelf AS
    SELECT b.id, b.title::text, l.amount FROM bookshop_book b LEFT JOIN depot.ledger l ON l.book_id = b.id;
CREATE VIEW depot_shelf AS SELECT id, title, amount, depot.stamp(), depot.reviews(id) FROM depot.inner_shelf;
CREATE MATERIALIZED VIEW depot_summary AS SELECT count(*) AS books FROM depot.inner_shelf;
CREATE VIEW depot_ledger_of_today AS SELECT * FROM depot.ledger;
CREATE TABLE depot_parent (id int);
CREATE TABLE depot_child () INHERITS (depot_parent);
CREATE VIEW depot_family AS SELECT * FROM depot_parent;
"""
DROP = "DROP SCHEMA depot CASCADE; DROP TABLE depot_parent CASCADE; DROP VIEW IF EXISTS depot_fleeting"

SHELVES = "{ shelves { title amount stamp reviews } }"
AUTHORS = "{ authors { name } }"
BELOW_SHELF = ("Odd, hidden", "bookshop_book", "bookshop_review", "depot_shelf", "inner_shelf", "ledger")


def execute(statement: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture(autouse=True)
def depot(db: None) -> Iterator[None]:
    execute(MAKE)
    yield
    execute(DROP)


def registry() -> Registry:
    found = Registry()
    graphql_type(Shelf, fields="__all__", name="Shelf", plural="shelves", registry=found)(type("Shelves", (), {}))
    graphql_type(Summary, fields="__all__", registry=found)(type("Summary", (), {}))
    graphql_type(Author, fields=["id", "name"], registry=found)(type("Author", (), {}))

    @graphql_type(Book, fields=["id", "title"], registry=found)
    class BookType:
        review_total: int = field(Func(F("id"), function="depot.reviews", output_field=models.BigIntegerField()))

    return found


@pytest.fixture
def engine(cache_alias: str) -> GraphQLEngine:
    return make_engine(cache_alias, registry=registry())


# --- answers ---

REPLACED = """
CREATE OR REPLACE VIEW depot_shelf AS
    SELECT id, 'Z' AS title, amount, depot.stamp(), depot.reviews(id) FROM depot.inner_shelf
"""


@COMMITS
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE bookshop_book SET title = 'X'", id="table of a model"),
        pytest.param("DELETE FROM bookshop_review", id="below a function whose body is parsed"),
        pytest.param("INSERT INTO depot.ledger SELECT 5, max(id), 3 FROM bookshop_book", id="table without a model"),
        pytest.param("INSERT INTO depot.ledger_low SELECT 5, max(id), 3 FROM bookshop_book", id="partition"),
        pytest.param("""INSERT INTO depot."Odd, hidden" VALUES ('new')""", id="below a function of a function"),
        pytest.param("DO $$ BEGIN DELETE FROM depot.ledger; END $$", id="DO"),
        pytest.param("TRUNCATE depot.ledger", id="TRUNCATE"),
        pytest.param("WITH w AS (DELETE FROM depot.ledger RETURNING 1) SELECT * FROM w", id="writable CTE"),
        pytest.param("UPDATE depot_ledger_of_today SET amount = 1", id="updatable view"),
    ],
)
def test_write_below_a_view_drops_what_was_read_through_it(engine: GraphQLEngine, change: str) -> None:
    make_shop()
    execute("INSERT INTO depot.ledger SELECT 1, min(id), 7 FROM bookshop_book")

    check(engine, SHELVES, AUTHORS, lambda: execute(change))


@COMMITS
def test_definition_drops_all_answers(engine: GraphQLEngine) -> None:
    """What depends on a type, a function or a policy is not known for each answer."""
    make_shop()
    execute("INSERT INTO depot.ledger SELECT 1, min(id), 7 FROM bookshop_book")
    assert data(engine, SHELVES) == data(engine, SHELVES)
    data(engine, AUTHORS)

    execute(REPLACED)

    assert not is_hit(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)
    assert {shelf["title"] for shelf in data(engine, SHELVES)["shelves"]} == {"Z"}


@COMMITS
def test_write_of_the_orm_below_a_view(engine: GraphQLEngine) -> None:
    shop = make_shop()

    check(engine, SHELVES, AUTHORS, lambda: shop.books[0].reviews.all().delete())


@COMMITS
@pytest.mark.parametrize("how", ["", "CONCURRENTLY"])
def test_refreshed_view(engine: GraphQLEngine, how: str) -> None:
    execute("CREATE UNIQUE INDEX ON depot_summary (books)")
    make_shop()
    # an index may call functions, so that the catalogue is read again
    data(engine, "{ summaries { books } }")

    check(engine, "{ summaries { books } }", AUTHORS, lambda: execute(f"REFRESH MATERIALIZED VIEW {how} depot_summary"))


@COMMITS
def test_function_in_a_computed_field(engine: GraphQLEngine) -> None:
    make_shop()

    check(engine, "{ books { title reviewTotal } }", AUTHORS, lambda: Review.objects.filter(stars=3).delete())


# --- what is read ---


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM depot_shelf", BELOW_SHELF),
        ("SELECT * FROM depot_summary", ("bookshop_book", "depot_summary", "inner_shelf", "ledger")),
        ("SELECT * FROM bookshop_author", ("bookshop_author",)),
        ("SELECT depot.reviews(id) FROM bookshop_author", ("bookshop_author", "bookshop_review")),
        ("SELECT lower(name), count(*) FROM bookshop_author", ("bookshop_author",)),
        ("SELECT 'depot.reviews(1)', 'depot_shelf' FROM bookshop_author", ("bookshop_author",)),
        ("SELECT 1", ()),
    ],
)
def test_tables_that_a_statement_reads(sql: str, tables: tuple[str, ...]) -> None:
    assert tables_read(sql, "default") == tables


def test_declared_source_and_what_its_declaration_says() -> None:
    register('depot."inner_shelf"', ["depot.elsewhere", '"Over There"'])
    register("depot.inner_shelf", ["depot.elsewhere"])

    assert tables_read("SELECT * FROM depot.inner_shelf", "default") == (
        "Over There",
        "bookshop_book",
        "elsewhere",
        "inner_shelf",
        "ledger",
    )
    assert "elsewhere" in tables_read("SELECT * FROM depot_shelf", "default")


def test_table_is_read_with_what_inherits_from_it() -> None:
    register("depot_family")

    assert tables_read("SELECT * FROM depot_family", "default") == ("depot_family", "depot_parent")
    # of which a write to a child is one, too: a list of partitions may be long
    assert catalog.tables_written(connection, [Change("depot_child", "I")]) == {"depot_child", "depot_parent"}


def test_answers_read_from_a_table_without_a_model_are_removed_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fraiseql_clear_cache", "--table", "ledger")

    assert capsys.readouterr().out == "answers read from ledger: 0 entries removed.\n"


# --- columns ---


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (
            "depot_shelf",
            {"id": "bigint", "title": "text", "amount": "integer", "stamp": "text", "reviews": "bigint"},
        ),
        ("public.depot_shelf", {"id", "title", "amount", "stamp", "reviews"}),
        ("DEPOT_SUMMARY", {"books": "bigint"}),
        ('depot."Odd, hidden"', {"label": "character varying(20)"}),
        ('"Odd, hidden"', None),
        ("depot.depot_shelf", None),
        ("nowhere.at_all", None),
        ("pg_catalog.pg_class", None),
    ],
)
def test_columns(source: str, found: Any) -> None:
    columns = catalog.columns(source, "default")

    types = None if columns is None else {name: column.type for name, column in columns.items()}
    assert (set(types) if isinstance(found, set) and types else types) == found


def test_what_postgresql_enforces_of_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE facts_parent (id int PRIMARY KEY, code text UNIQUE);
            CREATE DOMAIN facts_amount AS numeric(10, 2) CHECK (VALUE > 0);
            CREATE DOMAIN facts_price AS facts_amount;
            CREATE TABLE facts (
                id int PRIMARY KEY, parent_id int NOT NULL REFERENCES facts_parent, loose_id int,
                code text REFERENCES facts_parent (code), label varchar(20), price facts_price
            );
            ALTER TABLE facts ADD FOREIGN KEY (loose_id) REFERENCES facts_parent NOT VALID;
            CREATE VIEW facts_view AS SELECT id, parent_id FROM facts
            """
        )
    catalog.forget()

    columns, view = catalog.columns("facts", "default"), catalog.columns("facts_view", "default")

    parent = ("facts_parent", "id")
    assert {name: column[:5] for name, column in (columns or {}).items()} == {
        "id": ("integer", "integer", True, True, set()),
        "parent_id": ("integer", "integer", True, False, {parent}),
        "loose_id": ("integer", "integer", False, False, set()),
        "code": ("text", "text", False, False, {("facts_parent", "code")}),
        "label": ("character varying(20)", "character varying", False, False, set()),
        "price": ("facts_price", "numeric", False, False, set()),
    }
    assert {name: column[:5] for name, column in (view or {}).items()} == {
        "id": ("integer", "integer", False, False, set()),
        "parent_id": ("integer", "integer", False, False, set()),
    }
    with connection.cursor() as cursor:
        # its rows are read with the others, and no constraint of theirs is inherited
        cursor.execute("CREATE TABLE facts_child () INHERITS (facts)")
    catalog.forget()
    again = catalog.columns("facts", "default")
    assert again is not None
    assert {column[2:5] for column in again.values()} == {(False, False, frozenset())}
    assert columns is not None
    assert [name for name, column in columns.items() if column.is_domain] == ["price"]


def test_kinds_of_types() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TYPE kinds_mood AS ENUM ('sad', 'happy')")
        cursor.execute("CREATE TYPE kinds_pair AS (a int, b int)")
        cursor.execute("CREATE DOMAIN kinds_word AS text")
        cursor.execute(
            "CREATE TABLE kinds (mood kinds_mood, pair kinds_pair, words kinds_word[], span tsrange, "
            "spans nummultirange, code char(3), flags bit(3), document json, place point, key uuid, class regclass)"
        )
    catalog.forget()

    found = catalog.columns("kinds", "default") or {}

    assert {name: (column.base, *column.kind) for name, column in found.items()} == {
        "mood": ("kinds_mood", "kinds_mood", "enum", "", True),
        "pair": ("kinds_pair", "kinds_pair", "composite", "", False),
        "words": ("kinds_word[]", "_kinds_word", "array", "text", False),
        "span": ("tsrange", "tsrange", "range", "timestamp without time zone", True),
        "spans": ("nummultirange", "nummultirange", "multirange", "", True),
        "code": ("bpchar", "bpchar", "text", "", True),
        "flags": ('"bit"', "bit", "", "", True),
        "document": ("json", "json", "", "", False),
        "place": ("point", "point", "", "", False),
        "key": ("uuid", "uuid", "", "", True),
        "class": ("regclass", "regclass", "", "", True),
    }


# --- when it is read ---


@COMMITS
def test_reading_needs_the_catalogue_once(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.forget()
    asked: list[str] = []
    ask = catalog._ask

    def counted(connection: Any, sql: str, *, connect: bool) -> Any:
        asked.append(sql)
        return ask(connection, sql, connect=connect)

    monkeypatch.setattr(catalog, "_ask", counted)
    for engine, operations in ((GraphQLEngine(), SHOP), (GraphQLEngine(registry=ZOO_TYPES), ZOO)):
        for operation in operations.values():
            engine.execute(operation.query, operation.variables[0], operation.name)

    # a policy may read another table, whatever the model says of its own
    # whether it has changed is asked once for each version of it in a cache
    assert len(asked) - asked.count(catalog._FINGERPRINT) == len({*asked} - {catalog._FINGERPRINT})
    assert is_read()


def is_read() -> bool:
    """Whether the catalogue is known without a connection."""
    connection.close()
    return catalog.dependencies(connection) is not None


@COMMITS
def test_reads_of_the_orm_do_not_ask_the_catalogue() -> None:
    catalog.forget()

    with transaction.atomic():
        assert not Author.objects.filter(name="Ursula").exists()
    Author.objects.count()

    assert not is_read()


@pytest.mark.parametrize("in_transaction", [True, False])
def test_catalogue_is_read_without_compiling(in_transaction: bool) -> None:
    ask = "SELECT current_setting('jit')"
    with transaction.atomic() if in_transaction else nullcontext(), connection.cursor() as cursor:
        assert catalog._ask(connection, ask, connect=True) == [("off",)]
        cursor.execute(ask)
        assert cursor.fetchall() == [("on",)]


@COMMITS
def test_catalogue_is_not_among_the_statements(engine: GraphQLEngine) -> None:
    catalog.forget()

    with statements(1):
        data(engine, SHELVES)
    catalog.forget()
    with statements(1):
        Author.objects.update(name="")
    with transaction.atomic(), statements(1):
        catalog.forget()
        data(engine, "{ shelves { title } }")

    assert is_read()


@COMMITS
@pytest.mark.parametrize(
    "forget",
    [
        pytest.param(catalog.forget, id="forget()"),
        pytest.param(lambda: call_command("migrate", verbosity=0), id="migrate"),
        pytest.param(lambda: execute("CREATE VIEW depot.another AS SELECT 1 AS one"), id="CREATE"),
        pytest.param(lambda: execute("SELECT 1; ALTER TABLE depot.untouched ADD b int"), id="ALTER"),
        pytest.param(lambda: execute("drop table if exists depot.absent"), id="DROP"),
    ],
)
def test_catalogue_is_read_again(forget: Callable[[], object]) -> None:
    before = catalog.dependencies(connection)
    assert before is catalog.dependencies(connection) is not None

    forget()

    assert catalog.dependencies(connection) is not before


def test_what_is_made_in_a_transaction_is_known_in_it_and_forgotten_with_it() -> None:
    with transaction.atomic():
        execute("CREATE TABLE depot.fleeting (id int); CREATE VIEW depot_fleeting AS SELECT * FROM depot.fleeting")
        register("depot_fleeting")
        assert tables_read("SELECT * FROM depot_fleeting", "default") == ("depot_fleeting", "fleeting")
        transaction.set_rollback(True)

    assert tables_read("SELECT * FROM depot_fleeting", "default") == ("depot_fleeting",)


# --- when it cannot be read ---


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    catalog.forget()
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "_DEPENDENCIES", "SELECT 1 / 0")
        yield
    catalog.forget()


@COMMITS
@pytest.mark.usefixtures("broken")
def test_failure_breaks_nothing_and_drops_more(engine: GraphQLEngine, caplog: pytest.LogCaptureFixture) -> None:
    Author.objects.create(name="Ursula")

    with transaction.atomic():
        assert data(engine, SHELVES) == {"shelves": []}
        assert data(engine, AUTHORS) == {"authors": [{"name": "Ursula"}]}
    # what is read may change by the clock
    assert not is_hit(engine, SHELVES)
    assert not is_hit(engine, AUTHORS)
    assert known() <= set(tables_read("SELECT * FROM depot_shelf", "default"))
    assert known() <= catalog.tables_written(connection, [Change("bookshop_publisher", "I")])
    assert "the catalogue of database 'default' cannot be read: division by zero" in caplog.text
    assert caplog.text.count("cannot be read") == 1


@COMMITS
def test_it_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.forget()
    monkeypatch.setattr(catalog, "_DEPENDENCIES", "SELECT 1 / 0")
    assert catalog.dependencies(connection) is None
    monkeypatch.undo()
    assert catalog.dependencies(connection) is None

    monkeypatch.setattr(catalog, "RETRY_SECONDS", 0)

    assert catalog.dependencies(connection) is not None


def test_failed_transaction_is_left_alone() -> None:
    catalog.forget()

    with transaction.atomic():
        with pytest.raises(DatabaseError), transaction.atomic():
            execute("SELECT 1 / 0")
        with pytest.raises(DatabaseError):
            execute("SELECT 1 / 0")
        assert catalog.dependencies(connection) is None
        transaction.set_rollback(True)

    assert catalog.dependencies(connection) is not None


@pytest.mark.django_db
def test_rows_are_counted_as_postgresql_last_did():
    model: Any = SimpleNamespace(_meta=SimpleNamespace(db_table="counted rows"))
    with connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "counted rows" AS SELECT generate_series(1, 7) AS id')
    catalog.forget()
    assert catalog.rows_of(model, "default") == 0
    with connection.cursor() as cursor:
        cursor.execute('ANALYZE "counted rows"')
    catalog.forget()
    assert catalog.rows_of(model, "default") == 7
    model._meta.db_table = '"public"."counted rows"'
    assert catalog.rows_of(model, "default") == 7
    model._meta.db_table = "of nobody"
    assert catalog.rows_of(model, "default") == 0
    catalog.forget()
