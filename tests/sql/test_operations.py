"""Views and functions made by migrations: forwards, backwards, and what PostgreSQL then has."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import NotSupportedError, connection, connections
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.optimizer import MigrationOptimizer
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter
from django.db.utils import ConnectionHandler, InternalError, ProgrammingError

from fraiseql_django.operations import CreateFunction, CreateView, DropFunction, DropView

FN = "CREATE FUNCTION fn_double(value int) RETURNS int LANGUAGE sql AS $$ SELECT value * 2 $$"
TWO = """
CREATE OR REPLACE FUNCTION fn_size(value int) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
    RETURN 'it''s a number; 100% of it';
END;
$body$;

-- and another; of the same name
CREATE OR REPLACE FUNCTION fn_size(value text DEFAULT 'a,b', numeric(10, 2) = 1) RETURNS text
BEGIN ATOMIC
    SELECT CASE WHEN value = ';' THEN 'semicolon' ELSE value END;
END;
COMMENT ON FUNCTION fn_size(int) IS 'Says ; how large';
"""


def migration(*operations: Operation, atomic: bool = True) -> Migration:
    made = Migration("0001_test", "shop")
    made.operations = list(operations)
    made.atomic = atomic
    return made


def forwards(*operations: Operation, atomic: bool = True) -> None:
    with connection.schema_editor(atomic=atomic) as editor:
        migration(*operations, atomic=atomic).apply(ProjectState(), editor)


def backwards(*operations: Operation) -> None:
    with connection.schema_editor() as editor:
        migration(*operations).unapply(ProjectState(), editor)


def sql_of(*operations: Operation, back: bool = False) -> list[str]:
    """Return what sqlmigrate shows, without the comments."""
    with connection.schema_editor(collect_sql=True) as editor:
        run = migration(*operations).unapply if back else migration(*operations).apply
        run(ProjectState(), editor, collect_sql=True)
    return [line for line in editor.collected_sql if not line.startswith("--")]


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Run statements and return the rows of the last one."""
    with connection.cursor() as cursor:
        cursor.execute(sql, None)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def relations(schema: str = "public") -> list[tuple[str, str]]:
    """Return the views of a schema, each with its relkind."""
    return rows(
        f"SELECT relname, relkind FROM pg_class WHERE relnamespace = '{schema}'::regnamespace "
        f"AND relkind IN ('v', 'm') ORDER BY 1"
    )


def functions(name: str) -> list[str]:
    found = rows(f"SELECT oid::regprocedure::text FROM pg_proc WHERE proname = '{name}' ORDER BY 1")
    return [row[0] for row in found]


# --- views ---


@pytest.mark.usefixtures("empty_schema")
class TestViews:
    """CreateView and DropView."""

    def test_forwards_backwards_and_forwards_again(self) -> None:
        operation = CreateView("v_books", "SELECT id, title FROM bookshop_book;")

        for step in (forwards, backwards, forwards):
            step(operation)

            assert relations() == ([] if step is backwards else [("v_books", "v")])
        assert rows("SELECT count(*) FROM v_books") == [(0,)]

    def test_earlier_view_is_dropped_and_comes_back(self) -> None:
        first = CreateView("v_one", "SELECT 1 AS a, 2 AS b")
        second = CreateView("v_one", "SELECT 'x' AS c", reverse_sql="SELECT 1 AS a, 2 AS b")
        forwards(first)

        forwards(second)
        assert rows("SELECT * FROM v_one") == [("x",)]

        backwards(second)
        assert rows("SELECT * FROM v_one") == [(1, 2)]

    def test_view_made_by_hand_gives_way(self) -> None:
        rows("CREATE VIEW v_one AS SELECT 1 AS a")

        forwards(CreateView("v_one", "SELECT 'x' AS c"))

        assert rows("SELECT * FROM v_one") == [("x",)]

    def test_what_depends_on_a_view_is_named_and_stays(self) -> None:
        forwards(CreateView("v_a", "SELECT 1 AS a"), CreateView("v_b", "SELECT a FROM v_a"))

        with pytest.raises(InternalError, match="view v_b depends on view v_a"):
            forwards(CreateView("v_a", "SELECT 2 AS a"))

        assert relations() == [("v_a", "v"), ("v_b", "v")]

    def test_percent_signs_quotes_and_semicolons(self) -> None:
        forwards(CreateView("v_odd", "SELECT '100%s; it''s' AS a, 7 % 4 AS b, $$;'\"$$ AS \"%(c)s\" -- that; is all"))

        assert rows("SELECT * FROM v_odd") == [("100%s; it's", 3, ";'\"")]

    @pytest.mark.parametrize(
        ("name", "found"),
        [("shop.v_card", '"shop"."v_card"'), ("V_Card", '"V_Card"'), ('shop."a.b"', '"shop"."a.b"')],
    )
    def test_names_are_quoted_part_by_part(self, name: str, found: str) -> None:
        rows("CREATE SCHEMA shop")

        forwards(CreateView(name, "SELECT 1 AS a"))

        assert rows(f"SELECT a FROM {found}") == [(1,)]
        assert sql_of(CreateView(name, "SELECT 1 AS a"), back=True) == [f"DROP VIEW {found};"]

    def test_materialized_view_with_the_index_that_concurrent_refresh_needs(self) -> None:
        operation = CreateView("mv", 'SELECT 1 AS a, 2 AS "B"', materialized=True, unique=["a", "B"])

        forwards(operation)
        forwards(operation)

        assert relations() == [("mv", "m")]
        assert rows("REFRESH MATERIALIZED VIEW CONCURRENTLY mv; SELECT * FROM mv") == [(1, 2)]
        backwards(operation)
        assert relations() == []

    def test_view_becomes_materialized_and_back(self) -> None:
        whole = CreateView("v_one", "CREATE VIEW v_one AS SELECT 1 AS a")
        change = CreateView("v_one", "CREATE MATERIALIZED VIEW V_One AS SELECT 1 AS a", reverse_sql=whole.sql)
        forwards(whole)

        forwards(change)
        assert relations() == [("v_one", "m")]

        backwards(change)
        assert relations() == [("v_one", "v")]

    def test_whole_statements_with_comments_and_indexes(self) -> None:
        text = """
            /* what /* all */ sellers; see */
            CREATE MATERIALIZED VIEW mv_sales (id) AS SELECT 1;
            CREATE UNIQUE INDEX ON mv_sales (id);
            COMMENT ON MATERIALIZED VIEW mv_sales IS 'Sales; by day';
        """

        forwards(CreateView("mv_sales", text))

        assert rows("SELECT obj_description('mv_sales'::regclass)") == [("Sales; by day",)]
        assert rows("SELECT count(*) FROM pg_index WHERE indrelid = 'mv_sales'::regclass AND indisunique") == [(1,)]

    def test_security_invoker(self) -> None:
        forwards(CreateView("v_one", "SELECT 1 AS a", security_invoker=True))

        assert rows("SELECT reloptions FROM pg_class WHERE relname = 'v_one'") == [(["security_invoker=true"],)]

    def test_security_invoker_on_an_old_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(vars(connections["default"]), "pg_version", 140_012)

        with pytest.raises(NotSupportedError) as caught:
            forwards(CreateView("v_one", "SELECT 1 AS a", security_invoker=True))

        assert str(caught.value) == (
            "Create view v_one: security_invoker needs PostgreSQL 15 or later; the database 'default' is 14."
        )

    def test_drop_and_its_reverse(self) -> None:
        drop = DropView("mv", "SELECT 1 AS a", materialized=True, unique=["a"])
        forwards(CreateView("mv", "SELECT 1 AS a", materialized=True))

        forwards(drop)
        assert relations() == []

        backwards(drop)
        assert relations() == [("mv", "m")]

    def test_squashed_away_beginning(self) -> None:
        forwards(CreateView("v_one", "SELECT 'x' AS c", reverse_sql="SELECT 1 AS a"))

        assert rows("SELECT * FROM v_one") == [("x",)]


@pytest.mark.usefixtures("empty_schema")
def test_broken_sql_leaves_nothing_half_made() -> None:
    with pytest.raises(ProgrammingError, match='relation "nowhere" does not exist'):
        forwards(CreateView("v_a", "SELECT 1 AS a"), CreateView("v_b", "SELECT 1 FROM nowhere"))

    assert relations() == []


@pytest.mark.django_db(transaction=True)
def test_broken_sql_leaves_nothing_half_made_in_a_migration_that_is_not_atomic() -> None:
    with pytest.raises(ProgrammingError, match="no_such_column"):
        forwards(
            CreateView(
                "mv",
                "CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a; CREATE INDEX ON mv (no_such_column)",
            ),
            atomic=False,
        )

    assert rows("SELECT to_regclass('mv')") == [(None,)]


# --- functions ---


@pytest.mark.usefixtures("empty_schema")
class TestFunctions:
    """CreateFunction and DropFunction."""

    def test_forwards_backwards_and_forwards_again(self) -> None:
        operation = CreateFunction("fn_double", FN)

        for step in (forwards, backwards, forwards):
            step(operation)

            assert functions("fn_double") == ([] if step is backwards else ["fn_double(integer)"])
        assert rows("SELECT fn_double(4)") == [(8,)]

    def test_several_statements_with_quotes_and_semicolons(self) -> None:
        operation = CreateFunction("fn_size", TWO)

        forwards(operation)

        assert functions("fn_size") == ["fn_size(integer)", "fn_size(text,numeric)"]
        assert rows("SELECT fn_size(1), fn_size(';'::text), fn_size()") == [
            ("it's a number; 100% of it", "semicolon", "a,b")
        ]
        backwards(operation)
        assert functions("fn_size") == []

    def test_new_body_keeps_what_depends_on_the_function(self) -> None:
        forwards(CreateFunction("fn_double", FN), CreateView("v_one", "SELECT fn_double(2) AS a"))
        thrice = CreateFunction("fn_double", FN.replace("* 2", "* 3").replace("int)", " INT )"), reverse_sql=FN)

        forwards(thrice)
        assert rows("SELECT a FROM v_one") == [(6,)]

        backwards(thrice)
        assert rows("SELECT a FROM v_one") == [(4,)]

    @pytest.mark.parametrize(
        ("changed", "found"),
        [
            (FN.replace("RETURNS int", "RETURNS bigint"), "fn_double(integer)"),
            (FN.replace("value int", "value bigint").replace("S int", "S bigint"), "fn_double(bigint)"),
            (FN.replace("value", "other"), "fn_double(integer)"),
            (FN.replace("RETURNS int", "RETURNS SETOF int"), "fn_double(integer)"),
            (FN.replace("value int", "value int, more int = 3"), "fn_double(integer,integer)"),
        ],
        ids=["return type", "argument type", "argument name", "set", "another argument"],
    )
    def test_changed_header(self, changed: str, found: str) -> None:
        forwards(CreateFunction("fn_double", FN))
        change = CreateFunction("fn_double", changed, reverse_sql=FN)

        forwards(change)
        assert functions("fn_double") == [found]
        assert rows("SELECT fn_double(4)") == [(8,)]

        backwards(change)
        assert functions("fn_double") == ["fn_double(integer)"]

    def test_overloads_of_others_are_not_touched(self) -> None:
        text = "CREATE FUNCTION fn_double(value text) RETURNS text LANGUAGE sql AS 'SELECT value || value'"
        forwards(CreateFunction("fn_double", text))
        change = CreateFunction("fn_double", FN.replace("RETURNS int", "RETURNS bigint"), reverse_sql=FN)

        for step in (forwards, backwards, forwards):
            step(change)

            assert functions("fn_double") == ["fn_double(integer)", "fn_double(text)"]

    def test_one_overload_of_a_text_goes_and_the_others_stay(self) -> None:
        forwards(CreateFunction("fn_size", TWO))
        one = TWO.split("-- and another")[0]

        assert sql_of(CreateFunction("fn_size", one, reverse_sql=TWO))[0] == (
            'DROP FUNCTION IF EXISTS "fn_size"(value text, numeric(10, 2));'
        )
        forwards(CreateFunction("fn_size", one, reverse_sql=TWO))

        assert functions("fn_size") == ["fn_size(integer)"]

    def test_what_depends_on_a_function_that_must_go_is_named(self) -> None:
        forwards(CreateFunction("fn_double", FN), CreateView("v_one", "SELECT fn_double(2) AS a"))

        with pytest.raises(InternalError, match=r"view v_one depends on function fn_double\(integer\)"):
            forwards(CreateFunction("fn_double", FN.replace("RETURNS int", "RETURNS bigint"), reverse_sql=FN))

    def test_text_without_or_replace_does_not_take_the_place_of_an_unknown_function(self) -> None:
        forwards(CreateFunction("fn_double", FN))

        with pytest.raises(ProgrammingError, match="already exists with same argument types"):
            forwards(CreateFunction("fn_double", FN))

    def test_procedure_with_an_out_argument(self) -> None:
        text = """CREATE PROCEDURE "Shop"."Add"(IN a int, INOUT b int DEFAULT 2) LANGUAGE plpgsql
                  AS $$ BEGIN b := a + b; END $$"""
        rows('CREATE SCHEMA "Shop"')
        operation = CreateFunction("Shop.Add", text)

        forwards(operation)
        assert rows('CALL "Shop"."Add"(3)') == [(5,)]

        backwards(operation)
        assert functions("Add") == []

    def test_drop_and_its_reverse(self) -> None:
        forwards(CreateFunction("fn_size", TWO))
        drop = DropFunction("fn_size", TWO)

        forwards(drop)
        assert functions("fn_size") == []

        backwards(drop)
        assert functions("fn_size") == ["fn_size(integer)", "fn_size(text,numeric)"]


# --- as Django's machinery sees them ---


def test_sqlmigrate_shows_every_statement(django_db_setup: None, django_db_blocker: Any) -> None:
    operations = [
        CreateView("shop.v", "SELECT 7 % 4 AS a", security_invoker=True, reverse_sql="SELECT '%s' AS b;"),
        CreateFunction("fn_double", FN, reverse_sql=FN.replace("* 2", "* 3")),
    ]
    with django_db_blocker.unblock():
        shown, back = sql_of(*operations), sql_of(*operations, back=True)

    assert shown == [
        'DROP VIEW IF EXISTS "shop"."v";',
        'CREATE VIEW "shop"."v" WITH (security_invoker = true) AS\nSELECT 7 % 4 AS a;',
        f"{FN.replace('CREATE', 'CREATE OR REPLACE')};",
    ]
    assert back == [
        f"{FN.replace('CREATE', 'CREATE OR REPLACE').replace('* 2', '* 3')};",
        'DROP VIEW "shop"."v";',
        'CREATE VIEW "shop"."v" WITH (security_invoker = true) AS\nSELECT \'%s\' AS b;',
    ]


WRITTEN = """\
fraiseql_django.operations.CreateView(
    name='v_one',
    sql=(
        'CREATE VIEW v_one AS\\n'
        "SELECT '100%s' AS a"
    ),
    file='sql/v_one.sql',
    reverse_sql='CREATE VIEW v_one AS SELECT 1',
    elidable=True,
),"""


def test_migrations_show_text_line_by_line() -> None:
    operation = CreateView(
        "v_one",
        "CREATE VIEW v_one AS\nSELECT '100%s' AS a",
        file="sql/v_one.sql",
        reverse_sql="CREATE VIEW v_one AS SELECT 1",
        elidable=True,
    )

    assert OperationWriter(operation, indentation=0).serialize() == (WRITTEN, {"import fraiseql_django.operations"})


ONE = "CREATE VIEW v_one AS SELECT 1"
OPERATIONS: Sequence[tuple[Operation, str, str, str]] = [
    (CreateView("v_one", ONE, file="sql/a.sql"), "+ Create view v_one from sql/a.sql", "v_one", "CreateView"),
    (
        CreateView("Shop.V", "SELECT 1", materialized=True, unique=["a"], reverse_sql="SELECT 2"),
        "~ Replace materialized view Shop.V",
        "replace_shop_v",
        "CreateView",
    ),
    (DropView("v_one", ONE, file="sql/a.sql"), "- Drop view v_one", "drop_v_one", "DropView"),
    (CreateFunction("fn_double", FN), "+ Create function fn_double", "fn_double", "CreateFunction"),
    (DropFunction("fn_double", FN), "- Drop function fn_double", "drop_fn_double", "DropFunction"),
]


@pytest.mark.parametrize(("operation", "description", "fragment", "name"), OPERATIONS)
def test_operations_describe_and_deconstruct_themselves(
    operation: Operation, description: str, fragment: str, name: str
) -> None:
    cls, arguments, keywords = operation.deconstruct()

    assert (operation.formatted_description(), operation.migration_name_fragment, cls) == (description, fragment, name)
    again = type(operation)(*arguments, **keywords)
    assert again.deconstruct() == operation.deconstruct()
    assert again.reversible
    assert again.reduces_to_sql


def test_elidable_operations_are_squashed_away() -> None:
    kept, elided = CreateView("v_one", "SELECT 1"), CreateView("v_two", "SELECT 1", elidable=True)

    assert MigrationOptimizer().optimize([elided, kept], "shop") == [kept]
    assert MigrationOptimizer().optimize([kept, kept], "shop") == [kept, kept]


@pytest.mark.usefixtures("empty_schema")
def test_other_databases_are_refused(tmp_path: Path) -> None:
    # a file: Django does not close a database in memory
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "shop.sqlite3"}
    sqlite = ConnectionHandler({"default": settings})["default"]

    with sqlite.schema_editor() as editor, pytest.raises(NotSupportedError) as caught:
        migration(CreateView("v_one", "SELECT 1")).apply(ProjectState(), editor)

    sqlite.close()
    assert str(caught.value) == "Create view v_one: the database 'default' is SQLite, must be PostgreSQL."


class Elsewhere:
    """A router that lets nothing of shop be migrated."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Say no to one app."""
        return app_label != "shop"


@pytest.mark.usefixtures("empty_schema")
def test_routers_are_asked(settings: Any) -> None:
    operation = CreateView("v_one", "SELECT 1 AS a")
    settings.DATABASE_ROUTERS = [Elsewhere()]

    forwards(operation)
    backwards(operation)

    assert relations() == []


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: CreateView("v_b", "CREATE VIEW v_a AS SELECT 1"),
            "CreateView('v_b') has the text of view 'v_a'; write CreateView('v_a', …)",
        ),
        (
            lambda: DropView("fn_double", FN),
            "DropView('fn_double') has the text of function 'fn_double'; write DropFunction('fn_double', …)",
        ),
        (
            lambda: CreateView('"v', "SELECT 1"),
            "'\"v' is not a name; write 'name' or 'schema.name', without the quotes",
        ),
        (lambda: CreateView("v", "SELECT 1; SELECT 2"), "the query of 'v' is 2 statements, must be one"),
        (lambda: CreateView("v", "SELECT 'x"), "the quote ' in line 1 is not closed"),
        (lambda: CreateView("v", "SELECT 1 /* /* */\n"), "the comment in line 1 is not closed"),
        (lambda: CreateFunction("f", "\n\nCREATE FUNCTION f() AS $x$ $y$"), "the quote $x$ in line 3 is not closed"),
        (lambda: CreateFunction("f", "CREATE FUNCTION f(a int"), "the arguments of a function are not closed"),
        (
            lambda: CreateView("v", ""),
            "the text creates no view or function; its statements must be among: CREATE VIEW",
        ),
        (
            lambda: CreateView("v", "CREATE VIEW"),
            "expected a name or schema.name, not: the end",
        ),
        (
            lambda: CreateView("v", "CREATE VIEW a.b.c AS SELECT 1"),
            "expected a name or schema.name, not: a . b . c",
        ),
        (
            lambda: CreateFunction("f", "CREATE FUNCTION f RETURNS int"),
            "the name of a function is not followed by its arguments in parentheses",
        ),
        (
            lambda: CreateView("v", "SELECT 1", file="sql/v.sql"),
            "file='sql/v.sql' needs the text of a file, which begins with CREATE; this text is a query",
        ),
        (
            lambda: CreateView("v", "CREATE VIEW v AS SELECT 1; INSERT INTO books (id) VALUES (1)"),
            "the statement 'INSERT INTO books (id) …' is not allowed; must be among: CREATE VIEW",
        ),
        (
            lambda: CreateView("v", "CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 1"),
            "IF NOT EXISTS would keep an existing object; write CREATE without it",
        ),
        (
            lambda: CreateView("v", "CREATE VIEW v AS SELECT 1", security_invoker=True),
            "materialized, security_invoker and unique need a query; this text has its own CREATE",
        ),
        (
            lambda: CreateView("v", "SELECT 1", materialized=True, security_invoker=True),
            "security_invoker cannot be used with materialized, whose rows are read when the view is refreshed",
        ),
        (
            lambda: CreateView("v", "SELECT 1", unique=["a"]),
            "unique=['a'] needs materialized=True; other views have no index",
        ),
        (
            lambda: CreateView("v", "SELECT 1", materialized=True, unique="a"),
            "unique is 'a', must be a list of columns",
        ),
    ],
)
def test_what_cannot_be_read_is_said(make: Callable[[], Operation], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        make()

    assert str(caught.value).startswith(message)
