"""What a view's type is made of: one statement, only what is selected, the right types, and promises that hold."""

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Any, get_origin

import pytest
from django.apps import apps
from django.db import connection

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.health import run_checks
from fraiseql_django.planner.column_usage import readable_columns
from fraiseql_django.schema.build import build_schema
from fraiseql_django.schema.sdl import sdl
from tests.sources import sql
from tests.sources.types import VIEWS
from tests.support import data, forget_definitions, is_hit, make_engine, make_shop, statements, without_labels

pytestmark = pytest.mark.django_db


@pytest.fixture
def views() -> Any:
    """Make an engine over the views of a small shop."""
    make_shop()
    sql.create()
    yield GraphQLEngine(registry=VIEWS, cache=None)
    sql.forget()


def over(source: str, annotations: dict[str, Any], /, *statements: str, name: str = "Thing", **options: Any) -> Any:
    """Make an engine over one source, after these statements."""
    sql.forget()
    sql.run(*statements)
    registry = Registry()
    declared(source, annotations, registry, name, **options)
    return GraphQLEngine(registry=registry, cache=None)


def declared(
    source: Any,
    annotations: dict[str, Any],
    registry: Registry,
    name: str = "Thing",
    fields: Any = None,
    **options: Any,
) -> Any:
    """Declare a type over a source."""
    body = {"__annotations__": annotations, "__module__": __name__, **(fields or {})}
    return fraiseql.type(sql_source=source, registry=registry, **options)(type(name, (), body))


def refused(*args: Any, **options: Any) -> str:
    """Return why a declaration is refused, by the decorator or when the schema is built."""
    registry = Registry()
    try:
        declared(*args, registry=registry, **options)
        build_schema(registry, get_settings())
    except DeclarationError as error:
        return without_labels(str(error), "v")
    raise AssertionError("nothing is refused")


# --- one statement ----------------------------------------------------------------------------

BOTH_WAYS = """
query ($stars: Int!) {
  books(where: {card: {publisher: {name: {eq: "Ace"}}}, cards: {some: {reviews: {some: {stars: {gte: $stars}}}}}}
        orderBy: [{card: {publisher: {name: ASC}}}, {card: {title: DESC}}]) {
    title
    card { title book { title card { reviews { stars } } } }
    cards(where: {book: {title: {neq: "City"}}}, orderBy: {book: {title: DESC}}, limit: 5) { title house { name } }
    house { cards(limit: 1) { title } books(limit: 1) { title } }
  }
}
"""


def test_relations_both_ways_are_one_statement(views: GraphQLEngine) -> None:
    forget_definitions()
    with statements(1):
        books = data(views, BOTH_WAYS, {"stars": 4})["books"]
    # nothing is planned the second time, and other values are the same statement
    with statements(1):
        data(views, BOTH_WAYS, {"stars": 1})

    reviews = {"Rocannon": [{"stars": 5}, {"stars": 3}]}
    assert books == [
        {
            "title": title,
            "card": {"title": title, "book": {"title": title, "card": {"reviews": reviews.get(title, [])}}},
            "cards": [{"title": "Rocannon", "house": {"name": "Ace"}}, {"title": "Planet", "house": {"name": "Ace"}}],
            "house": {"cards": [{"title": "Rocannon"}], "books": [{"title": "City"}]},
        }
        for title in ("Rocannon", "Planet", "City")
    ]
    plans = views.statistics().plans
    assert (plans.hits, plans.misses) == (1, 1)


@pytest.mark.parametrize("field", ["card", "bare", "row"])
def test_models_are_filtered_and_sorted_by_what_a_view_says(views: GraphQLEngine, field: str) -> None:
    query = (
        "{ books(where: {FIELD: {price: {gt: 10}}}, orderBy: {FIELD: {price: DESC}}) { title FIELD { price } } "
        "b: books(where: {NOT: {FIELD: {price: {gt: 10}}}}) { title } "
        "c: books(where: {FIELD: {pages: {isnull: true}}}, orderBy: {id: ASC}) { title } }"
    ).replace("FIELD", field)

    assert data(views, query) == {
        "books": [{"title": "City", field: {"price": "12.00"}}, {"title": "Planet", field: {"price": "11.00"}}],
        "b": [{"title": "Rocannon"}],
        "c": [{"title": "Rocannon"}, {"title": "Planet"}, {"title": "City"}],
    }


def test_only_what_is_selected_is_read(views: GraphQLEngine) -> None:
    explained = views.explain("{ bookBares { title publisher { name } } }").sql

    assert set(re.findall(r"->>? '(\w+)'", explained)) == {"title", "publisher", "name", "id"}
    assert re.search(r'"document"(?! ->| #> \'{}\' AS value)', explained) is None


def test_one_row_by_its_key(views: GraphQLEngine) -> None:
    book = Book.objects.get(title="City")
    for root in ("bookCard", "bookBare", "bookRow", "bookStored", "bookTable", "bookQuoted"):
        query = f"query ($id: ID!) {{ {root}(id: $id) {{ id title }} }}"
        assert data(views, query, {"id": str(book.pk)}) == {root: {"id": str(book.pk), "title": "City"}}
        assert data(views, query, {"id": "0"}) == {root: None}
    (error,) = views.execute('{ bookCard(id: "x") { id } }').errors
    assert error.message == "id: 'x' is not an ID of this kind."


def test_schema_is_printed(views: GraphQLEngine) -> None:
    printed = sdl(views.schema.graphql)

    assert '"""A book of v_book_json."""\ntype BookCard {\n  id: ID!\n' in printed
    assert "  reviews: [ReviewCard!]!\n" in printed
    assert "  bookCard(id: ID!): BookCard\n" in printed
    assert "input ReviewCardListFilter {" in printed
    assert "  publisher: PublisherCardOrderBy\n" in printed


# --- columns beside the JSON ------------------------------------------------------------------


def test_a_column_beside_the_json_is_compared_by_its_index() -> None:
    engine = over(
        "many",
        {"id": int, "code": str, "data_only": str},
        "CREATE TABLE many (id bigint PRIMARY KEY, code varchar(10), data jsonb)",
        "INSERT INTO many SELECT i, i, jsonb_build_object('id', i, 'code', i::text, 'data_only', i::text) "
        "FROM generate_series(1, 2000) i",
        "CREATE INDEX many_code ON many (code)",
        "ANALYZE many",
        jsonb_column="data",
    )

    for condition, index in (
        ("id: {eq: 7}", "many_pkey"),
        ('code: {eq: "7"}', "many_code"),
        ('dataOnly: {eq: "7"}', None),
    ):
        query = f"{{ things(where: {{{condition}}}) {{ id }} }}"
        plan = explain(engine, query)
        assert "Seq Scan" in plan if index is None else index in plan
        assert data(engine, query) == {"things": [{"id": 7}]}
    assert "many_pkey" in explain(engine, "{ things(orderBy: {id: DESC}, limit: 3) { code } }")


def explain(engine: GraphQLEngine, query: str) -> str:
    """Return PostgreSQL's plan."""
    explained = engine.explain(query)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + explained.sql, explained.params)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_column_whose_type_does_not_fit_is_left_aside() -> None:
    engine = over(
        "odd",
        {"id": int, "number": int, "day": dt.date | None},
        "CREATE TABLE odd (id int, number text, day text, data jsonb)",
        """INSERT INTO odd VALUES (1, 'x', '', '{"id": 1, "number": "10", "day": "2024-01-31"}'),"""
        """ (2, '9', '', '{"id": 2, "number": 9}')""",
        jsonb_column="data",
    )

    assert data(engine, "{ things(where: {number: {gt: 9}}) { id number day } }") == {
        "things": [{"id": 1, "number": 10, "day": "2024-01-31"}]
    }
    assert data(engine, '{ things(where: {day: {gte: "2024-01-31"}}, orderBy: {number: ASC}) { id } }') == {
        "things": [{"id": 1}]
    }


def test_numbers_are_compared_as_numbers_and_uuids_without_case() -> None:
    engine = over(
        "typed",
        {"id": uuid.UUID, "n": int},
        "CREATE TABLE typed (data jsonb)",
        """INSERT INTO typed VALUES ('{"id": "0A0A0A0A-0000-4000-8000-00000000000A", "n": 10}'),"""
        """ ('{"id": "0b0b0b0b-0000-4000-8000-00000000000b", "n": "9"}')""",
        jsonb_column="data",
    )

    assert data(engine, "{ things(orderBy: {n: ASC}) { n } }") == {"things": [{"n": 9}, {"n": 10}]}
    assert data(engine, "{ things(where: {n: {lt: 10}}) { n } }") == {"things": [{"n": 9}]}
    for written in ("0a0a0a0a-0000-4000-8000-00000000000a", "0A0A0A0A-0000-4000-8000-00000000000A"):
        assert data(engine, f'{{ thing(id: "{written}") {{ n id }} }}') == {
            "thing": {"n": 10, "id": "0a0a0a0a-0000-4000-8000-00000000000a"}
        }
        assert data(engine, f'{{ things(where: {{id: {{in: ["{written}"]}}}}) {{ n }} }}') == {"things": [{"n": 10}]}


# --- every scalar, in JSON and in columns -----------------------------------------------------

SCALARS: dict[str, tuple[Any, str, Any, str]] = {
    # annotation, SQL of the column, what clients read, a condition that is true of it
    "text": (str, "'it''s \"é\" %s'::varchar(20)", 'it\'s "é" %s', '{icontains: "É"}'),
    "integer": (int, "7", 7, "{gt: 6}"),
    "big": (fraiseql.BigInt, "9007199254740993", "9007199254740993", '{eq: "9007199254740993"}'),
    "number": (Decimal, "10.50::numeric(6,2)", "10.50", '{gt: "9"}'),
    "double": (float, "0.1::float8", 0.1, "{lt: 0.2}"),
    "flag": (bool, "false", False, "{eq: false}"),
    "uuid": (uuid.UUID, "'123e4567-e89b-12d3-a456-42661417400A'::uuid", "123e4567-e89b-12d3-a456-42661417400a", '{eq: "123E4567-e89b-12d3-a456-42661417400a"}'),
    "day": (dt.date, "'2024-02-29'::date", "2024-02-29", '{lt: "2024-03-01"}'),
    "moment": (dt.datetime, "'2024-05-31 13:45:00.0005+02'::timestamptz", "2024-05-31T11:45:00.0005+00:00", '{eq: "2024-05-31T13:45:00.0005+02:00"}'),
    "clock": (dt.time, "'13:45:00.12'::time", "13:45:00.12", '{gte: "13:45"}'),
    "span": (dt.timedelta, "'3 days 04:05:06'::interval", "P3DT04H05M06S", '{gt: "P2D"}'),
    "raw": (bytes, r"'\x00ff'::bytea", "AP8=", '{eq: "AP8="}'),
    "json": (fraiseql.JSON, """'{"a": [1, null]}'::jsonb""", {"a": [1, None]}, "{eq: {a: [1, null]}}"),
    "key": (fraiseql.ID, "12", "12", '{eq: "12"}'),
    "texts": (list[str], "ARRAY['b', 'a,\"c', '']", ["b", 'a,"c', ""], '{eq: ["b", "a,\\"c", ""]}'),
    "numbers": (list[Decimal], "ARRAY[1.50, -2]::numeric[]", ["1.50", "-2"], '{in: [["1.5", -2]]}'),
    "doubles": (list[float | None], "ARRAY[0.5, null]::float8[]", [0.5, None], "{neq: [0.5]}"),
    "days": (list[dt.date], "'{}'::date[]", [], "{eq: []}"),
}  # fmt: skip


@pytest.mark.parametrize("column", [None, "data"])
@pytest.mark.parametrize("name", SCALARS)
def test_scalars(name: str, column: str | None) -> None:
    annotation, value, shown, condition = SCALARS[name]
    select = f"{value} AS v, NULL::text AS none"
    if column:
        select = f"jsonb_build_object('v', {value}, 'none', NULL) AS data"
    engine = over(
        "one", {"v": annotation, "none": annotation | None, "id": int | None},
        f"CREATE VIEW one AS SELECT {select}" + (", NULL::int AS id" if not column else ""), jsonb_column=column,
    )  # fmt: skip

    assert data(engine, "{ things { v none } }") == {"things": [{"v": shown, "none": None}]}
    query = f"{{ things(where: {{v: {condition}, none: {{isnull: true}}}}) {{ id }} b: things(where: {{NOT: {{v: {condition}}}}}) {{ id }} }}"
    assert data(engine, query) == {"things": [{"id": None}], "b": []}
    if get_origin(annotation) is not list and name not in ("json", "raw"):
        assert len(data(engine, "{ things(orderBy: [{v: DESC}, {none: ASC}]) { id } }")["things"]) == 1


def test_json_of_a_plain_view_may_hold_lists_and_objects(views: GraphQLEngine) -> None:
    engine = over(
        "v_mixed",
        {"tags": list[str], "sizes": list[int], "any": list[fraiseql.JSON | None]},
        """CREATE VIEW v_mixed AS SELECT '["a", "b"]'::jsonb AS tags, '[1, 2]'::json AS sizes, '[1, null, {"a": []}]'::jsonb AS any""",
    )

    assert data(engine, '{ things(where: {tags: {eq: ["a", "b"]}, sizes: {neq: [1]}}) { tags sizes any } }') == {
        "things": [{"tags": ["a", "b"], "sizes": [1, 2], "any": [1, None, {"a": []}]}]
    }


def test_a_column_that_holds_json_s_null_holds_null() -> None:
    engine = over("v_null", {"any": fraiseql.JSON | None}, "CREATE VIEW v_null AS SELECT 'null'::jsonb AS any")

    assert data(engine, "{ things(where: {any: {isnull: true}}) { any } }") == {"things": [{"any": None}]}
    assert data(engine, "{ things(where: {any: {neq: 1}}) { any } }") == {"things": []}


# --- what is not there ------------------------------------------------------------------------


@fraiseql.type
class Part:
    name: str
    part: "Part | None"
    parts: "list[Part] | None"


PARTS = {"id": int, "part": "Part | None", "parts": "list[Part | None]", "words": "list[str | None] | None"}
ROWS = """INSERT INTO tree VALUES ('{"id": 1}'), ('{"id": 2, "part": null, "parts": [], "words": null}'),
    ('{"id": 3, "part": {"name": "a", "part": {"name": "b", "parts": [{"name": "c", "parts": [{"name": "d"}]}]}},
       "parts": [null, {"name": "e", "parts": [{"name": "f"}, {"name": "g"}]}], "words": [null, "w"]}')"""


def test_missing_keys_and_nulls_of_json_are_null() -> None:
    engine = over("tree", PARTS, "CREATE TABLE tree (data jsonb)", ROWS, jsonb_column="data")

    assert data(engine, "{ things(where: {id: {gt: 1}}) { id part { name } parts { name } words } }") == {
        "things": [
            {"id": 2, "part": None, "parts": [], "words": None},
            {"id": 3, "part": {"name": "a"}, "parts": [None, {"name": "e"}], "words": [None, "w"]},
        ]
    }
    nested = (
        "{ part { part { name parts { name parts { name part { name } } } } } parts { parts { name parts { name } } } }"
    )
    assert data(engine, "{ thing(id: 3) " + nested + " }") == {
        "thing": {
            "part": {"part": {"name": "b", "parts": [{"name": "c", "parts": [{"name": "d", "part": None}]}]}},
            "parts": [None, {"parts": [{"name": "f", "parts": None}, {"name": "g", "parts": None}]}],
        }
    }


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ('{part: {name: {eq: "a"}}}', [3]),
        ("{part: {name: {isnull: true}}}", []),
        ("{part: {}}", [3]),
        ("{NOT: {part: {}}}", [1, 2]),
        ('{NOT: {part: {name: {eq: "b"}}}}', [1, 2, 3]),
        ('{NOT: {part: {name: {eq: "a"}}}}', [1, 2]),
        ('{part: {part: {parts: {some: {parts: {some: {name: {eq: "d"}}}}}}}}', [3]),
        ('{parts: {some: {parts: {every: {name: {gt: "e"}}}, name: {eq: "e"}}}}', [3]),
        ('{parts: {some: {parts: {some: {name: {eq: "x"}}}}}}', []),
        ("{parts: {none: {}}}", [1, 2]),
        ("{parts: {some: {name: {isnull: true}}}}", []),
        ("{parts: {every: {}}}", [1, 2]),
        ('{parts: {every: {name: {eq: "e"}}}}', [1, 2]),
        ("{words: {isnull: true}}", [1, 2]),
        ('{words: {eq: [null, "w"]}}', [3]),
    ],
)
def test_conditions_within_json(where: str, ids: list[int]) -> None:
    engine = over("tree", PARTS, "CREATE TABLE tree (data jsonb)", ROWS, jsonb_column="data")

    found = data(
        engine, f"{{ things(where: {where}, orderBy: [{{part: {{part: {{name: ASC}}}}}}, {{id: ASC}}]) {{ id }} }}"
    )
    assert sorted(row["id"] for row in found["things"]) == ids


@pytest.mark.parametrize(
    ("annotation", "value", "selected"),
    [
        ("str", "null", "v"), ("list[str]", "null", "v"), ("list[str]", '["a", null]', "v"), ("float", "null", "v"),
        ("fraiseql.JSON", "null", "v"), ("Part", "null", "v { __typename }"), ("list[Part]", "{}", "v { __typename }"),
        ("list[Part]", "[null]", "v { __typename }"), ("Part", "{}", "v { name }"),
    ],
)  # fmt: skip
def test_null_where_none_was_promised_is_an_error_of_the_server(
    annotation: str, value: str, selected: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = over(
        "bad", {"v": annotation}, f"CREATE VIEW bad AS SELECT '{{\"v\": {value}}}'::jsonb AS data", jsonb_column="data"
    )
    assert data(engine, "{ things { __typename } }") == {"things": [{"__typename": "Thing"}]}
    response = engine.execute(f"{{ things {{ {selected} }} }}")

    assert response.data == b"null"
    (error,) = response.errors
    assert (error.extensions or {})["code"] == "INVALID_VALUE"
    name = "Part.name" if selected.endswith("{ name }") else "Thing.v"
    assert f"{name} is " in error.message
    assert error.message.removesuffix(".") in caplog.text


def test_text_that_cannot_be_cast_is_an_error_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    engine = over("bad", {"v": int}, """CREATE VIEW bad AS SELECT '{"v": "ten"}'::jsonb AS data""", jsonb_column="data")
    (selected,) = engine.execute("{ things { v } }").errors
    (compared,) = engine.execute("{ things(where: {v: {gt: 1}}) { __typename } }").errors

    assert (selected.path, selected.message) == (["things", 0, "v"], "Thing.v holds a value that Int cannot represent.")
    assert (compared.path, (compared.extensions or {})["code"]) == (["things"], "INTERNAL_SERVER_ERROR")
    assert 'invalid input syntax for type bigint: "ten"' in caplog.text


def test_a_row_that_must_be_there_is_an_error_where_it_is_not(views: GraphQLEngine) -> None:
    Book.objects.filter(title="City").delete()
    sql.run("UPDATE book_table SET data = jsonb_set(data, '{id}', '0'), id = 0 WHERE title = 'Planet'")

    assert data(views, "{ bookTables { isbnBook { title } } }") == {
        "bookTables": [{"isbnBook": {"title": "Planet"}}, {"isbnBook": {"title": "Rocannon"}}, {"isbnBook": None}]
    }
    (error,) = views.execute("{ bookTables { book { title } } }").errors
    assert (error.extensions or {})["code"] == "INVALID_VALUE"


# --- JSON that takes long to read -------------------------------------------------------------

# PostgreSQL puts the call wherever a query has the column, as the function is not volatile
COUNTED = [
    "CREATE SEQUENCE calls",
    """CREATE FUNCTION counted(id int) RETURNS jsonb STABLE LANGUAGE plpgsql AS $$ BEGIN
        PERFORM nextval('calls');
        RETURN jsonb_build_object('id', id, 'name', 'n' || id, 'words', '["w", null]'::jsonb, 'part',
            '{"name": "a", "part": {"name": "b"}}'::jsonb, 'parts', '[null, {"name": "c", "part": null}]'::jsonb);
    END $$""",
    "CREATE VIEW counting AS SELECT id, counted(id) AS data FROM generate_series(1, 9) AS id",
    "CREATE VIEW counting_plain AS SELECT id, counted(id) -> 'part' AS part, counted(id) -> 'parts' AS parts, "
    "counted(id) -> 'words' AS words FROM generate_series(1, 9) AS id",
]
NAMED = {"id": int, "name": str, **PARTS}
TWIN = {"fields": {"twin": fraiseql.relation("id", to="id"), "twins": fraiseql.relation("id", to="id")}}
PART, PARTS_OF_2 = {"name": "a", "part": {"name": "b"}}, [None, {"name": "c", "part": None}]


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("{ things { name } }", 9),
        ("{ things { id name words } }", 9),
        ("{ things { id name part { name part { name } } parts { name part { name } } } }", 9),
        ("{ things { parts { name } } }", 9),
        # PostgreSQL computes the rows that are passed over as well
        ("{ things(orderBy: {id: DESC}, limit: 2, offset: 1) { id name words } }", 3),
        ("{ things(where: {id: {lt: 4}}, limit: 2) { id name } }", 2),
        ("{ thing(id: 2) { id name } }", 1),
        ("{ things(limit: 2) { id name twin { id name twin { id name } } twins(limit: 1) { id name } } }", 2 * 4),
        ("{ things(limit: 2) { id } thingsCount }", 2),
    ],
)
def test_a_view_computes_the_json_of_a_row_once(query: str, calls: int) -> None:
    annotations = {**NAMED, "twin": "Thing | None", "twins": "list[Thing]"}
    engine = over("counting", annotations, *COUNTED, jsonb_column="data", **TWIN)

    answer = data(engine, query)

    assert sql.run("SELECT nextval('calls') - 1") == [(calls,)]
    assert next(iter(answer.values()))


def test_what_is_made_of_json_that_is_computed_once_is_the_same() -> None:
    annotations = {**NAMED, "twin": "Thing | None", "twins": "list[Thing]"}
    engine = over("counting", annotations, *COUNTED, jsonb_column="data", **TWIN)
    all_of_it = "id name words part { name part { name } } parts { name part { name } }"

    found = {"name": "n2", "words": ["w", None], "part": PART, "parts": PARTS_OF_2, "id": 2}
    assert data(engine, f"{{ thing(id: 2) {{ {all_of_it} twin {{ {all_of_it} }} twins {{ {all_of_it} }} }} }}") == {
        "thing": {**found, "twin": found, "twins": [found]}
    }


@pytest.mark.parametrize(
    ("query", "answer", "calls"),
    [
        ("{ thing(id: 2) { part { name part { name } } } }", {"part": PART}, 1),
        ("{ thing(id: 2) { parts { name part { name } } } }", {"parts": PARTS_OF_2}, 1),
        ("{ thing(id: 2) { id words } }", {"id": 2, "words": ["w", None]}, 1),
    ],
)
def test_a_view_computes_json_in_a_column_once(query: str, answer: Any, calls: int) -> None:
    engine = over("counting_plain", PARTS, *COUNTED)

    assert data(engine, query) == {"thing": answer}
    assert sql.run("SELECT nextval('calls') - 1") == [(calls,)]


def test_conditions_and_orders_use_indexes_below_a_view_whose_json_is_computed_once() -> None:
    engine = over(
        "v_many",
        {"id": int, "code": str},
        "CREATE TABLE many (id int PRIMARY KEY)",
        "INSERT INTO many SELECT generate_series(1, 2000)",
        "CREATE VIEW v_many AS SELECT id, jsonb_build_object('id', id, 'code', 'c' || id) AS data FROM many",
        "ANALYZE many",
        jsonb_column="data",
    )

    for arguments in ("where: {id: {eq: 7}}", "orderBy: {id: DESC}, limit: 3"):
        plan = explain(engine, f"{{ things({arguments}) {{ id code }} }}")
        assert "fraiseql_object" in plan
        assert "many_pkey" in plan
        assert "Sort" not in plan


def test_long_json_of_a_table_is_fetched_once_and_short_json_is_read_from_its_row() -> None:
    create = [
        "CREATE TABLE tree (id int, data jsonb) PARTITION BY RANGE (id)",
        "CREATE TABLE tree_part PARTITION OF tree DEFAULT",
        """INSERT INTO tree VALUES (1, '{"id": 1, "part": {"name": "a"}}'), (2, 'null'), (3, NULL)""",
    ]
    # as VACUUM does after long values were written
    vacuumed = (
        "UPDATE pg_class SET relpages = 1 WHERE oid = (SELECT reltoastrelid FROM pg_class WHERE relname = 'tree_part')"
    )
    query = "{ things(orderBy: {id: ASC}) { id part { name } } }"
    annotations = {"id": int | None, "part": "Part | None"}

    short = over("tree", annotations, *create, jsonb_column="data")
    assert "fraiseql_object" not in short.explain(query).sql
    answer = data(short, query)
    sql.run(vacuumed)
    sql.forget()
    long = GraphQLEngine(registry=short.registry, cache=None)
    assert "fraiseql_object" in long.explain(query).sql
    assert "fraiseql_object" not in long.explain("{ things { id } }").sql

    assert data(long, query) == answer
    assert {"id": 1, "part": {"name": "a"}} in answer["things"]


# --- keys and order ---------------------------------------------------------------------------


def test_without_a_key_rows_are_asked_for_in_lists_alone() -> None:
    engine = over(
        "pairs", {"a": int, "b": str}, "CREATE TABLE pairs (a int, b text, c text)",
        "INSERT INTO pairs VALUES (1, 'x', 'q'), (2, 'x', 'p'), (1, 'x', 'p'), (1, 'y', 'p')",
    )  # fmt: skip

    assert set(engine.schema.graphql.query_type.fields) == {"things", "thingsCount"}  # type: ignore[union-attr]
    # what is not shown decides as well: pages are stable
    for number in range(4):
        (row,) = data(engine, f"{{ things(limit: 1, offset: {number}, orderBy: {{b: ASC}}) {{ a b }} }}")["things"]
        assert row == [{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 1, "b": "y"}][number]


def test_a_key_of_several_fields() -> None:
    engine = over(
        "shelf", {"shop_id": fraiseql.ID, "number": int, "label": str},
        "CREATE TABLE shelf (shop_id bigint, number int, label text)",
        "INSERT INTO shelf VALUES (10, 2, 'c'), (9, 10, 'b'), (9, 9, 'a')", key=["shop_id", "number"],
    )  # fmt: skip

    assert data(engine, '{ thing(shopId: "9", number: 10) { label } things { label } }') == {
        "thing": {"label": "b"},
        "things": [{"label": "a"}, {"label": "b"}, {"label": "c"}],
    }


NESTED = """
{
  pairs(
    where: {first: {book: {title: {eq: "City"}}}, all: {some: {book: {reviews: {some: {stars: {eq: 5}}}}}}}
    orderBy: {first: {book: {title: ASC}}}
  ) {
    first { title book { title } house { name } siblings(orderBy: {title: DESC}, limit: 1) { title } }
    all { title book { reviews { stars } } house { cards(limit: 1) { title reviews { stars } } } }
  }
  a: pairs(where: {NOT: {first: {book: {title: {eq: "City"}}}}}) { __typename }
  b: pairs(where: {all: {every: {NOT: {book: {pages: {gt: 3}}}}}}) { __typename }
  c: pairs(where: {all: {every: {book: {pages: {isnull: true}}, house: {cards: {some: {reviews: {some: {}}}}}}}}) { n }
}
"""


def test_relations_of_a_type_that_lies_in_json(views: GraphQLEngine) -> None:
    sql.run(
        "CREATE VIEW pair AS SELECT jsonb_build_object('n', 1, 'first', (SELECT data FROM v_book_json WHERE title = 'City'), "
        "'all', (SELECT jsonb_agg(data ORDER BY id) FROM v_book_json)) AS data"
    )
    registry = Registry(types=[*VIEWS.types])
    card = next(declaration.cls for declaration in VIEWS.types if declaration.name == "BookCard")
    declared("pair", {"n": int, "first": card, "all": list[card]}, registry, "Pair", jsonb_column="data", key="n")  # type: ignore[valid-type]

    with statements(1):
        found = data(GraphQLEngine(registry=registry, cache=None), NESTED)
    house = {"cards": [{"title": "Rocannon", "reviews": [{"stars": 5}, {"stars": 3}]}]}
    reviews = {"Rocannon": [{"stars": 5}, {"stars": 3}]}
    assert found == {
        "pairs": [
            {
                "first": {
                    "title": "City", "book": {"title": "City"}, "house": {"name": "Ace"}, "siblings": [{"title": "Rocannon"}],
                },
                "all": [
                    {"title": title, "book": {"reviews": reviews.get(title, [])}, "house": house}
                    for title in ("Rocannon", "Planet", "City")
                ],
            }
        ],
        "a": [],
        # of pages that are not known it is not known whether they are few
        "b": [],
        "c": [{"n": 1}],
    }  # fmt: skip


def test_relations_compare_undeclared_columns_and_keys_of_other_types() -> None:
    sql.forget()
    sql.run(
        "CREATE TABLE a (id int, b_id text, data jsonb)", "CREATE TABLE b (id bigint, hidden uuid)",
        "INSERT INTO a VALUES (1, '10', '{\"u\": \"0A0A0A0A-0000-4000-8000-00000000000A\"}'), (2, '9', '{}')",
        "INSERT INTO b VALUES (10, '0a0a0a0a-0000-4000-8000-00000000000a'), (9, null)",
    )  # fmt: skip
    registry = Registry()
    lone = {"b": fraiseql.relation("b_id", to="id"), "same": fraiseql.relation("u", to="hidden")}
    declared("a", {"id": int, "b": "B"}, registry, "A", {"b": lone["b"]})
    declared(
        "a", {"u": "str | None", "same": "list[B]"}, registry, "AJson", {"same": lone["same"]}, jsonb_column="data"
    )
    declared("b", {"id": int, "of": "list[A]"}, registry, "B", {"of": fraiseql.relation("id", to="b_id")})
    engine = GraphQLEngine(registry=registry, cache=None)

    assert data(
        engine, "{ as { id b { id of { id } } } aJsons { same { id } } bs(where: {of: {some: {id: {eq: 1}}}}) { id } }"
    ) == {
        "as": [{"id": 1, "b": {"id": 10, "of": [{"id": 1}]}}, {"id": 2, "b": {"id": 9, "of": [{"id": 2}]}}],
        "aJsons": [{"same": [{"id": 10}]}, {"same": []}],
        "bs": [{"id": 10}],
    }
    assert readable_columns(engine.schema, "default") == {"a": {"id", "b_id", "data"}, "b": {"id", "hidden"}}


# --- the cache, and what is missing -----------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_answers_are_dropped_when_a_base_table_is_written(cache_alias: str) -> None:
    shop = make_shop()
    sql.create()
    try:
        engine = make_engine(cache_alias, registry=VIEWS)
        query = "{ bookCards(orderBy: {id: ASC}, limit: 1) { title publisher { name } reviews { stars } } }"
        for write in (
            lambda: Book.objects.filter(pk=shop.books[0].pk).update(title="New"),
            lambda: shop.reviews[0].delete(),
            lambda: Customer.objects.update(name="Eve"),
        ):
            is_hit(engine, query)
            assert is_hit(engine, query)
            write()
            assert not is_hit(engine, query)
        assert data(engine, query)["bookCards"][0]["title"] == "New"
    finally:
        sql.drop()


def test_tables_that_only_the_declaration_knows_of_are_read() -> None:
    engine = over(
        "v_told", {"id": int}, "CREATE VIEW v_told AS SELECT 1 AS id", reads=["bookshop_order", "public.told"]
    )

    assert engine.explain("{ things { id } }").tables == ("bookshop_order", "told", "v_told")


def test_what_is_missing_is_named() -> None:
    registry = Registry()
    declared("nowhere", {"id": int}, registry, "A", jsonb_column="data")
    declared("bookshop_book", {"id": int, "titel": str}, registry, "B")
    declared(
        "public.bookshop_author", {"id": int, "b": "list[B]"}, registry, "C", {"b": fraiseql.relation("bok", to="id")}
    )
    engine = GraphQLEngine(registry=registry, cache=None)

    (schema,) = (check for check in run_checks(engine) if check.name == "schema")
    assert schema.detail == (
        "3 types; the database has no table nowhere, "
        'no column "public"."bookshop_author".bok, no column bookshop_book.titel: are all migrations applied?'
    )


def test_sources_are_no_models_of_the_project() -> None:
    assert not [model for model in apps.get_models() if model._meta.app_label == "fraiseql_django"]


# --- declarations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "annotations", "options", "message"),
    [
        ("", {"id": int}, {}, "sql_source is '', must be the name of a view or table: 'v_book', 'shop.v_book', or quoted as in SQL where a part has a dot"),
        ("a.b.c", {"id": int}, {}, "sql_source is 'a.b.c', must be the name of a view or table: 'v_book', 'shop.v_book', or quoted as in SQL where a part has a dot"),
        ("v", {"id": int}, {"jsonb_column": ""}, "jsonb_column is '', must be a column's name, or None for plain columns"),
        ("v", {"id": int}, {"reads": "shop_book"}, "reads is 'shop_book', must be a list of tables' names"),
        ("v", {"id": int}, {"reads": [Book]}, "reads is [<class 'example_project.bookshop.models.Book'>], must be a list of tables' names"),
        ("v", {"id": int}, {"key": []}, "key is [], must be a field's name, or a list of them"),
        ("v", {"id": int}, {"key": "isbn"}, "Thing: the key 'isbn' is no single value, must be one of: id"),
        ("v", {"id": int}, {"fields": {"x": fraiseql.field()}}, "Thing.x has no annotation; a source does not tell the type of its values"),
        ("v", {"id": fraiseql.auto}, {}, "Thing.id is fraiseql.auto, which needs a model; annotate its type"),
        ("v", {"id": int}, {"fields": {"id": fraiseql.field(1)}}, "Thing.id is an expression, which needs a model; let v compute it, in a column"),
        ("v", {"id": object}, {}, "Thing.id: <class 'object'> is neither a declared type, nor an Enum, nor a Python type that has a scalar"),
        ("v", {"id": "str | int"}, {}, "annotation str | int in tests.schema.test_sources is a union; only 'X | None' can be read"),
        ("v", {"id": list[list[int]]}, {}, "Thing.id is a list of lists, which cannot be read from it; annotate it fraiseql.JSON"),
        ("v", {"n": int, "id": "Thing"}, {"fields": {"id": fraiseql.relation("id", to="n")}}, "Thing.id compares Thing.id, which is no single value"),
        ("v", {"id": int}, {"fields": {"id": fraiseql.relation("a", to="b")}}, "Thing has no fields of its own: annotate some, `title: str`"),
        ("v", {"n": int, "id": int}, {"fields": {"id": fraiseql.relation("a", to="b")}}, "Thing.id is a relation to no declared type; annotate it with one: `BookType`, `BookType | None` or `list[BookType]`"),
        ("v", {"a_b": int, "aB": int}, {}, "Thing has two fields called 'aB' ('aB' is one): give one another name with fraiseql.field(name=…)"),
    ],
)  # fmt: skip
def test_declarations_that_are_refused(source: str, annotations: Any, options: Any, message: str) -> None:
    assert refused(source, annotations, **options) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": Book, "sql_source": "v"}, "sql_source='v' goes with annotated fields, not with a model, fields, exclude or primary"),
        ({"sql_source": "v", "exclude": ["a"]}, "sql_source='v' goes with annotated fields, not with a model, fields, exclude or primary"),
        ({"jsonb_column": "data"}, "jsonb_column, key and reads say more of a source; name it with sql_source='…'"),
        ({"model": Book, "reads": ["a"]}, "jsonb_column, key and reads say more of a source; name it with sql_source='…'"),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other(arguments: Any, message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        fraiseql.type(**arguments)
    assert str(raised.value) == message


def test_relation_names_two_fields() -> None:
    with pytest.raises(DeclarationError) as raised:
        fraiseql.relation("", to="id")
    assert str(raised.value) == "relation('', to='id') must name a field or column here, and one over there"


def test_models_in_json_and_keys_of_models_are_checked() -> None:
    registry = Registry()

    shown = declared("v", {"id": int}, registry, "Card")

    @fraiseql.type(Book, fields=["id", "tags"], registry=registry)
    class BookType:
        card: list[shown] = fraiseql.relation("nothing", to="id")  # type: ignore[valid-type]
        tagged: list[shown] = fraiseql.relation("tags", to="id")  # type: ignore[valid-type]

    declared("v", {"id": int, "book": BookType}, registry, "Nested")
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    nested, first, second = str(raised.value).splitlines()
    assert nested == (
        "v: Nested.book is annotated BookType, a type over Book, which JSON does not hold; "
        "say how its rows are found with fraiseql.relation(key, to=…)"
    )
    assert first.startswith("bookshop.Book: Book.card compares Book.nothing: Book has no field 'nothing'; it has: ")
    assert second == "bookshop.Book: Book.tagged compares Book.tags, which is no single value"
