"""What fraiseql_inspect writes for what the database has."""

import ast
import re
import subprocess
import sys
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import ConnectionHandler

from fraiseql_django.management.commands import fraiseql_inspect
from fraiseql_django.sql.samples import JSONShape, shape_of

HEAD = '"""Declarations over views and functions of the database: read them before they are used."""\n'


def sql(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text, None)


def run(*arguments: str) -> str:
    """Return what the command prints, which Python can compile and which is laid out as ruff lays it out."""
    out = StringIO()
    call_command("fraiseql_inspect", *arguments, stdout=out)
    text = out.getvalue()
    assert isinstance(compile(text, "printed", "exec", flags=ast.PyCF_ONLY_AST), ast.Module)
    for check in (["format", "--check", "--diff"], ["check", "--select", "F,E,I", "--ignore", "E501"]):
        command = [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length", "120", "-"]
        # as in another project, which has installed the package
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=sys.prefix)
        assert done.returncode == 0, done.stdout + done.stderr
    return text


def classes(*arguments: str) -> str:
    """Return what the command prints after the imports."""
    return run(*arguments).split("import fraiseql_django as fraiseql\n\n\n")[1]


@pytest.fixture
def shop(empty_schema: None) -> None:
    """Make a schema that holds nothing yet."""
    sql("CREATE SCHEMA shop")


EVERY_TYPE = {
    "id": ("uuid", "UUID", "id: UUID"),
    "a": ("int2", "int", "a: int | None"),
    "b": ("int4", "int", "b: int | None"),
    "c": ("int8", "fraiseql.BigInt", "c: fraiseql.BigInt | None"),
    "d": ("numeric(10, 2)", "Decimal", "d: Decimal | None"),
    "e": ("date", "date", "e: date | None"),
    "f": ("timestamp", "datetime", "f: datetime | None"),
    "g": ("timestamptz", "datetime", "g: datetime | None"),
    "h": ("text", "str", "h: str | None"),
    "i": ("varchar(3)", "str", "i: str | None"),
    "j": ("bool", "bool", "j: bool | None"),
    "k": ("float8", "float", "k: float | None"),
    "ll": ("jsonb", "fraiseql.JSON", "ll: fraiseql.JSON | None"),
    "m": ("text[]", "list[str]", "m: list[str] | None"),
    "n": ("bytea", "bytes", "n: bytes | None"),
    "o": ("interval", "timedelta", "o: timedelta | None"),
    "p": ("inet", "str", "# inet\n    p: str | None"),
    "q": ("point", None, "# q: there is no annotation for point"),
    "r": ("time", "time", "r: time | None"),
    "s": ("shop.price", "Decimal", "s: Decimal | None"),
    "t": ("shop.mood", "str", "# shop.mood\n    t: str | None"),
    "u": ("uuid[]", "list[UUID]", "u: list[UUID] | None"),
}


def test_every_type_of_column(shop: None) -> None:
    sql("CREATE DOMAIN shop.price AS numeric; CREATE TYPE shop.mood AS ENUM ('good')")
    columns = ", ".join(f"NULL::{type_} AS {name}" for name, (type_, _, _) in EVERY_TYPE.items())
    sql(f"CREATE VIEW shop.v_types AS SELECT {columns}")

    assert run("--schema", "shop") == (
        HEAD
        + "\nfrom __future__ import annotations\n\n"
        + "from datetime import date, datetime, time, timedelta\nfrom decimal import Decimal\nfrom uuid import UUID\n\n"
        + 'import fraiseql_django as fraiseql\n\n\n@fraiseql.type(sql_source="shop.v_types")\nclass Types:\n'
        + "".join(f"    {line}\n" for _, _, line in EVERY_TYPE.values())
    )


NAMES = '''\
@fraiseql.type(sql_source="v_odd%names")
class OddNames:
    """Odd \\\\ "names"; 100%

    and "more\\"\\"\\"
    """

    class_: int | None = fraiseql.field(column="class")
    class_2: int | None = fraiseql.field(column="class_")
    _1st: int | None = fraiseql.field(column="1st", description="The first")
    unit_price: int | None = fraiseql.field(column="unit price", description='In "euros"')
    gro_e: int | None = fraiseql.field(
        column="gro\\\\'e", description="A long description that says it all, in more words than one line has"
    )
    field: int | None = fraiseql.field(column="__")
'''


@pytest.mark.usefixtures("empty_schema")
def test_names_and_comments() -> None:
    sql(
        """
        CREATE VIEW "v_odd%names" AS
        SELECT 1 AS "class", 2 AS class_, 3 AS "1st", 4 AS "unit price", 5 AS "gro\\'e", 6 AS "__";
        COMMENT ON VIEW "v_odd%names" IS E'Odd \\\\ "names"; 100%\\n\\nand "more\"""';
        COMMENT ON COLUMN "v_odd%names"."1st" IS 'The first';
        COMMENT ON COLUMN "v_odd%names"."unit price" IS 'In "euros"';
        COMMENT ON COLUMN "v_odd%names"."gro\\'e"
            IS 'A long description that says it all, in more words than one line has'
        """
    )

    assert classes("v_odd%names") == NAMES


@pytest.mark.usefixtures("empty_schema")
def test_long_descriptions_are_laid_out_as_ruff_does() -> None:
    lengths = [*range(35, 90), 130]
    columns = [f'1 AS "{start}{length}"' for length in lengths for start in ("title", "ti tle")]
    sql(f"CREATE VIEW v_long AS SELECT {', '.join(columns)}")
    for length in lengths:
        for start in ("title", "ti tle"):
            sql(f"""COMMENT ON COLUMN v_long."{start}{length}" IS '{"x" * length}字'""")

    printed = run("v_long")

    assert all(printed.count(f'description="{"x" * length}字"') == 2 for length in lengths)


@pytest.mark.usefixtures("empty_schema")
@pytest.mark.parametrize(
    "text", ["One line", 'Ends in "quotes"', "Back\\slash\\", " Two\n   lines \n", '"""', "\t\x1b[0m", " "]
)
def test_comments_survive_as_docstrings(text: str) -> None:
    sql("CREATE VIEW v_said AS SELECT 1 AS a")
    with connection.cursor() as cursor:
        cursor.execute("SELECT format('COMMENT ON VIEW v_said IS %%L', %s::text)", [text])
        cursor.execute(cursor.fetchone()[0])

    found = ast.get_docstring(ast.parse(run("v_said")).body[-1]) or ""

    assert [line.split() for line in found.splitlines()] == [line.split() for line in text.strip().splitlines()]


@pytest.mark.usefixtures("empty_schema")
def test_table_when_it_is_named() -> None:
    sql("CREATE TABLE tb_thing (id int PRIMARY KEY, name text NOT NULL, size int)")

    assert classes("tb_thing") == (
        '@fraiseql.type(sql_source="tb_thing")\nclass Thing:\n    id: int\n    name: str\n    size: int | None\n'
    )
    assert "tb_thing" not in run()


DOCUMENT = '''\
@fraiseql.type
class BookCardAuthor:
    born: date | None
    name: str


@fraiseql.type
class BookCardReviews:
    at: datetime
    stars: int


@fraiseql.type(sql_source="mv_book_card", jsonb_column="data")
class BookCard:
    """A book, as the shop window shows it."""

    id: UUID
    in_: bool = fraiseql.field(column="in")
    tags: list[str | None]
    pages: int | None
    price: Decimal | None = fraiseql.field(description="With tax")
    title: str
    views: fraiseql.BigInt
    author: BookCardAuthor | None
    # no_list: empty in every row that was read
    no_list: list[fraiseql.JSON]
    # nothing: null in every row that was read
    nothing: fraiseql.JSON | None
    reviews: list[BookCardReviews]
    # various: of several types
    various: fraiseql.JSON
    # no_object: empty in every row that was read
    no_object: fraiseql.JSON
'''


@pytest.mark.usefixtures("empty_schema")
def test_json_column() -> None:
    sql(
        """
        CREATE MATERIALIZED VIEW mv_book_card AS
        SELECT 1 AS id, NULL::numeric AS price, data::jsonb FROM (VALUES
            ('{"id": "8a1d2c1e-7f0b-4c1d-9d3a-0123456789ab", "title": "Kindred", "price": 12, "pages": 3, "in": true,
               "views": 3000000000, "author": {"name": "O", "born": null}, "various": 1, "no_list": [],
               "no_object": {}, "nothing": null, "tags": ["a", null],
               "reviews": [{"stars": 5, "at": "2024-02-29T10:00:00.5+00:00"}]}'),
            ('{"id": "8A1D2C1E-7f0b-4c1d-9d3a-0123456789ab", "title": "2024-13-41", "price": 9.90, "in": false,
               "views": 1, "author": null, "various": "1", "no_list": [], "no_object": {}, "nothing": null, "tags": [],
               "reviews": [{"stars": 1, "at": "2024-02-29T10:00:00"}]}'),
            ('{"id": "00000000-0000-0000-0000-000000000000", "title": "2024-01-01", "price": null, "in": false,
               "views": 1, "author": {"name": "P", "born": "1947-06-22"}, "various": [1], "no_list": [],
               "no_object": {}, "nothing": null, "tags": [], "reviews": []}'),
            (NULL)
        ) AS rows (data);
        COMMENT ON MATERIALIZED VIEW mv_book_card IS 'A book, as the shop window shows it.';
        COMMENT ON COLUMN mv_book_card.price IS 'With tax'
        """
    )

    assert classes("mv_book_card") == DOCUMENT


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("(NULL::jsonb)", "there was no row from which to find the keys of doc"),
        ("('[1]'::jsonb)", "doc contains values that are not objects, or only empty objects"),
        ("('{}'::jsonb)", "doc contains values that are not objects, or only empty objects"),
    ],
)
@pytest.mark.usefixtures("empty_schema")
def test_json_column_that_says_nothing(rows: str, said: str) -> None:
    sql(f"CREATE VIEW v_doc AS SELECT * FROM (VALUES {rows}) AS t (doc)")

    assert classes("v_doc", "--jsonb-column", "doc") == (
        f'@fraiseql.type(sql_source="v_doc")\nclass Doc:\n    # {said}\n    doc: fraiseql.JSON | None\n'
    )


@pytest.mark.usefixtures("empty_schema")
def test_materialized_view_that_was_never_filled() -> None:
    sql("CREATE MATERIALIZED VIEW mv_doc AS SELECT '{}'::jsonb AS data WITH NO DATA")

    said = "    # there was no row from which to find the keys of data\n    data: fraiseql.JSON | None\n"
    assert said in classes("mv_doc")


@pytest.mark.usefixtures("empty_schema")
def test_data_column_that_is_no_json() -> None:
    sql("CREATE VIEW v_doc AS SELECT 'x' AS data")

    assert classes("v_doc") == '@fraiseql.type(sql_source="v_doc")\nclass Doc:\n    data: str | None\n'


@pytest.mark.usefixtures("empty_schema")
def test_keys_that_are_no_names() -> None:
    long = "x" * 64
    sql(f"""CREATE VIEW v_doc AS SELECT '{{"": 1, "{long}": 1, "a b": 1}}'::json AS data""")

    assert classes("v_doc").splitlines()[2:] == [
        '    # the key "" is not a valid name',
        f'    # the key "{long[:-1]}" is not a valid name',
        '    a_b: int = fraiseql.field(column="a b")',
    ]


MUTATIONS = '''\
@fraiseql.input
class AddStockInput:
    book_id: UUID
    amount: fraiseql.BigInt
    # the argument "class" cannot be given: rename it
    # the argument "place" cannot be given: there is no annotation for point
    note: str | None = None


@fraiseql.success
class AddStockSuccess:
    message: str | None = None


@fraiseql.error
class AddStockError:
    message: str
    errors: list[fraiseql.Error]


@fraiseql.mutation(function="fn_add_stock", schema="shop", named_arguments=True)
class AddStock:
    input: AddStockInput
    success: AddStockSuccess
    error: AddStockError


@fraiseql.success
class NowSuccess:
    message: str | None = None


@fraiseql.error
class NowError:
    message: str
    errors: list[fraiseql.Error]


@fraiseql.mutation(function="fn_now", schema="shop")
class Now:
    success: NowSuccess
    error: NowError


@fraiseql.input
class PlaceOrderInput:
    # place_order takes jsonb payload; PostgreSQL does not know its keys: write them here
    pass


@fraiseql.success
class PlaceOrderSuccess:
    message: str | None = None


@fraiseql.error
class PlaceOrderError:
    message: str
    errors: list[fraiseql.Error]


@fraiseql.mutation(function="place_order", schema="shop")
class PlaceOrder:
    """Places an order."""

    input: PlaceOrderInput
    success: PlaceOrderSuccess
    error: PlaceOrderError
'''


def test_functions(shop: None) -> None:
    sql(
        """
        CREATE FUNCTION shop.place_order(payload jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT payload';
        COMMENT ON FUNCTION shop.place_order IS 'Places an order.';
        CREATE FUNCTION shop.fn_add_stock(
            book_id uuid, INOUT amount bigint, "class" int, place point, note text DEFAULT NULL, OUT total int
        ) LANGUAGE sql AS 'SELECT 1::bigint, 2';
        CREATE FUNCTION shop.fn_now() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
        CREATE FUNCTION shop.fn_touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE FUNCTION shop.double(value int) RETURNS int LANGUAGE sql AS 'SELECT value * 2';
        CREATE AGGREGATE shop.fn_all(int) (SFUNC = int4pl, STYPE = int);
        CREATE PROCEDURE shop.fn_do(payload jsonb) LANGUAGE sql AS 'SELECT 1'
        """
    )

    assert classes("--schema", "shop") == MUTATIONS


@pytest.mark.usefixtures("empty_schema")
def test_documentation_shows_what_is_printed() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md").read_text()
    shown = page.split("fraiseql_inspect v_sales fn_place_order\n")[1].split("\n…")[0]
    sql(
        """
        CREATE VIEW v_sales AS SELECT current_date AS day, 1::numeric AS total, 'a' AS class;
        COMMENT ON VIEW v_sales IS 'What was sold, by day.';
        COMMENT ON COLUMN v_sales.total IS 'Without tax';
        CREATE FUNCTION fn_place_order(input jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT input'
        """
    )

    assert run("v_sales", "fn_place_order").startswith(shown)


def test_functions_whose_arguments_have_no_usable_names_are_left_out(shop: None) -> None:
    for arguments in ("fn_add(int, date)", "fn_now()"):
        sql(f"CREATE FUNCTION shop.{arguments} RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'")

    said = (
        "# fn_add is left out: none of its arguments can be given\n"
        '# the argument "" cannot be given: rename it\n# the argument "" cannot be given: rename it\n'
    )
    assert classes("--schema", "shop").endswith(f"\n    error: NowError\n\n\n{said}")
    assert run("shop.fn_add") == f"{HEAD}\n{said}"


def test_arguments_that_would_have_one_name_in_graphql(shop: None) -> None:
    sql(
        """CREATE FUNCTION shop.fn_add(user_name text, "userName" text) RETURNS jsonb
           LANGUAGE sql AS 'SELECT NULL::jsonb'"""
    )

    assert classes("shop.fn_add").startswith(
        "@fraiseql.input\nclass AddInput:\n    user_name: str\n"
        '    # the argument "userName" cannot be given: rename it\n'
    )


def test_function_that_is_named_is_declared_whatever_it_takes(shop: None) -> None:
    sql("CREATE FUNCTION shop.double(value int) RETURNS int LANGUAGE sql AS 'SELECT value * 2'")

    printed = classes("shop.double")

    assert printed.startswith("@fraiseql.input\nclass DoubleInput:\n    value: int\n")
    assert classes("double", "--schema", "shop") == printed


def test_names_with_dots_are_quoted(shop: None) -> None:
    sql('CREATE VIEW "v_a.b" AS SELECT 1 AS a; CREATE VIEW shop."V_a.b" AS SELECT 1 AS a')

    printed = classes('"v_a.b"', 'shop."V_a.b"')

    assert re.findall("sql_source=(.*)\\)", printed) == ["'\"v_a.b\"'", '\'"shop"."V_a.b"\'']


def test_names_that_would_be_taken_twice(shop: None) -> None:
    sql("CREATE VIEW v_card AS SELECT 1 a; CREATE VIEW shop.v_card AS SELECT 1 a; CREATE VIEW v_none AS SELECT 1 a")
    sql("""CREATE FUNCTION fn_card(input jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT input'""")

    printed = run("v_card", "shop.v_card", "v_none", "fn_card")

    found = [node.name for node in ast.parse(printed).body if isinstance(node, ast.ClassDef)]
    assert found == ["Card", "None2", "Card2", "Card3Input", "Card3Success", "Card3Error", "Card3"]


def test_what_belongs_to_extensions_and_the_system_is_left_out(shop: None) -> None:
    sql(
        """
        CREATE VIEW shop.v_theirs AS SELECT 1 AS a;
        CREATE FUNCTION shop.fn_theirs() RETURNS int LANGUAGE sql AS 'SELECT 1';
        SET LOCAL search_path = shop, pg_catalog
        """
    )
    assert ("Theirs" in run(), "fn_theirs" in run()) == (True, True)

    sql("ALTER EXTENSION plpgsql ADD VIEW shop.v_theirs; ALTER EXTENSION plpgsql ADD FUNCTION shop.fn_theirs()")

    assert run() == HEAD


def test_search_path_is_where_it_looks(shop: None) -> None:
    sql("CREATE VIEW shop.v_there AS SELECT 1 AS a; CREATE VIEW v_here AS SELECT 1 AS a")

    assert ("Here" in run(), "There" in run()) == (True, False)
    # one of the same name is hidden by the other
    sql("CREATE VIEW v_there AS SELECT 1 AS a; SET LOCAL search_path = public, shop")
    assert 'sql_source="v_there"' in run()
    assert "shop" not in run()
    assert ("Here" in run("--schema", "shop"), "There" in run("--schema", "shop")) == (False, True)


@pytest.mark.usefixtures("empty_schema")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "the database has no view, table or function 'nothing' to be declared; must be one of: "),
        (
            ["nothing", "--schema", "shop"],
            "schema 'shop' has no view, table or function 'nothing' to be declared; must be one of: f_x, tb_x, v_x",
        ),
        (
            ["shop.nothing"],
            "the database has no view, table or function 'shop.nothing' to be declared; must be one of: f_x, tb_x, v_x",
        ),
        (["--schema", "nix"], "there is no schema 'nix'; must be one of: public, shop, with_tables"),
        (["nix.v_x"], "there is no schema 'nix'; must be one of: public, shop, with_tables"),
        (["--app", "nix"], "there is no app 'nix'; must be one of: "),
        (["--app", "staticfiles"], "there are no models in: staticfiles"),
        (["--app", "auth", "v_x"], "names of tables and --app exclude each other"),
        (["--app", "auth", "--schema", "shop"], "--schema and --app exclude each other"),
        (["--tables", "v_x"], "--tables goes without names: tables that are named are declared in any case"),
        (["a.b.c"], "'a.b.c' is not a name; write 'name' or 'schema.name', without the quotes of SQL"),
        (["--database", "nowhere"], "there is no database 'nowhere'; must be one of: "),
    ],
)
def test_what_it_refuses(arguments: list[str], said: str) -> None:
    sql(
        "CREATE SCHEMA shop; CREATE TABLE shop.tb_x (a int); CREATE VIEW shop.v_x AS SELECT 1 AS a;"
        "CREATE FUNCTION shop.f_x() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    with pytest.raises(CommandError) as caught:
        run(*arguments)

    assert str(caught.value) == said or (said.endswith(": ") and str(caught.value).startswith(said))


@pytest.mark.usefixtures("empty_schema")
def test_view_that_fails(shop: None) -> None:
    sql("""CREATE VIEW v_bad AS SELECT format('{"a": %s}', 1 / (a - 1))::jsonb AS data FROM (VALUES (1)) AS t (a)""")

    with pytest.raises(CommandError, match="division by zero"):
        run("v_bad")


def test_other_databases_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # a file: Django does not close a database in memory
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "shop.sqlite3"}
    handler = ConnectionHandler({"default": settings})
    monkeypatch.setattr(fraiseql_inspect, "connections", handler)

    with pytest.raises(CommandError, match=r"^the database 'default' is SQLite, must be PostgreSQL$"):
        run()
    handler.close_all()


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ([True, None], JSONShape(type="bool", nullable=True)),
        ([1, 2**31 - 1], JSONShape(type="int")),
        ([1, 2**31], JSONShape(type="BigInt")),
        ([1, Decimal("1.5")], JSONShape(type="Decimal")),
        ([1, True], JSONShape(type="JSON", note="of several types")),
        (["2024-02-29"], JSONShape(type="date")),
        (["2024-02-30"], JSONShape(type="str")),
        (["2024-02-29", "2024-02-29T10:00:00"], JSONShape(type="str")),
        (["2024-02-29T10:00:00Z"], JSONShape(type="datetime")),
        ([[1], [None]], JSONShape(type="list", item=JSONShape(type="int", nullable=True))),
        (
            [[], []],
            JSONShape(type="list", item=JSONShape(type="JSON", note=(e := "empty in every row that was read")), note=e),
        ),
        ([{"a": 1}, {}], JSONShape(type="object", keys=(("a", JSONShape(type="int", nullable=True)),))),
    ],
)
def test_shapes(values: list[Any], shape: JSONShape) -> None:
    assert shape_of(values) == shape
