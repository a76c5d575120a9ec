"""Mutations that PostgreSQL functions answer: what they are given, and what becomes of what they return."""

import datetime as dt
import enum
import uuid
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from tests.support import data, make_shop

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name", "books"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["id", "name", "books"], registry=REGISTRY)
class PublisherType:
    pass


@fraiseql.type(Book, fields=["id", "title", "price", "publisher", "authors"], registry=REGISTRY)
class BookType:
    pass


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


@fraiseql.input
class Part:
    first_name: str
    weight: float | None = fraiseql.UNSET


@fraiseql.input
class EverythingInput:
    """One field of every kind."""

    full_text: str
    big_number: fraiseql.BigInt
    price: Decimal
    day: dt.date
    moment: dt.datetime
    span: dt.timedelta
    key: uuid.UUID
    raw: bytes
    mood: Mood
    extra: fraiseql.JSON
    part: Part
    parts: list[Part]
    left_out: str | None = fraiseql.UNSET
    null: str | None = fraiseql.UNSET


@fraiseql.success
class EchoSuccess:
    given: fraiseql.JSON


@fraiseql.error
class EchoError:
    """Why there is no echo."""


@fraiseql.mutation(function="fn_echo", registry=REGISTRY)
class Echo:
    """Answer with what was given."""

    input: EverythingInput
    success: EchoSuccess
    error: EchoError


@fraiseql.input
class RenameInput:
    id: fraiseql.ID
    name: str


@fraiseql.success
class RenameAuthorSuccess:
    author: AuthorType
    id: fraiseql.ID | None = None
    old_name: str | None = None


@fraiseql.error
class RenameAuthorError:
    author: AuthorType | None = None


@fraiseql.mutation(function="fn_rename_author", schema="shop api", enable_cascade=True, registry=REGISTRY)
class RenameAuthor:
    input: RenameInput
    success: RenameAuthorSuccess
    error: RenameAuthorError


FUNCTIONS = """
CREATE SCHEMA "shop api";
-- mutation_response is what a migration of the bookshop makes
CREATE TYPE mutation_result AS (
    id uuid, updated_fields text[], status text, message text, object_data jsonb, extra_metadata jsonb
);
CREATE FUNCTION fn_echo(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('given', input) $$;
CREATE FUNCTION "shop api".fn_rename_author(input jsonb) RETURNS mutation_response LANGUAGE plpgsql AS $$
DECLARE
    found bookshop_author;
    result mutation_response;
BEGIN
    UPDATE bookshop_author SET name = input ->> 'name' WHERE id = (input ->> 'id')::bigint RETURNING * INTO found;
    IF found.id IS NULL THEN
        RETURN ('not_found:author', 'There is no such author.', NULL, NULL, NULL, NULL, NULL, NULL)::mutation_response;
    ELSIF input ->> 'name' = 'raise' THEN
        RAISE EXCEPTION 'Nobody is called %.', input ->> 'name';
    ELSIF input ->> 'name' = 'break' THEN
        PERFORM 1 / 0;
    ELSIF input ->> 'name' = 'unique' THEN
        INSERT INTO bookshop_publisher (name, country) VALUES ('Ace', 'US'), ('Ace', 'US');
    ELSIF input ->> 'name' LIKE '%:%' THEN
        result.status := input ->> 'name';
        result.message := 'No.';
        result.entity := jsonb_build_object('id', found.id);
        result.metadata := input -> 'none';
        RETURN result;
    END IF;
    result.status := 'updated';
    result.message := 'Renamed.';
    result.entity_id := found.id;
    result.entity_type := 'Author';
    result.entity := to_jsonb(found);
    result.updated_fields := ARRAY['name', 'old_name'];
    result.metadata := '{"old_name": "Somebody"}';
    result.cascade := jsonb_build_object(
        'updated', jsonb_build_array(
            jsonb_build_object('__typename', 'Author', 'id', found.id, 'operation', 'UPDATED')
        ),
        'invalidations', '[{"queryName": "authors", "strategy": "INVALIDATE", "scope": "PREFIX"}]'::jsonb,
        'metadata', '{"affectedCount": 1}'::jsonb
    );
    RETURN result;
END $$;
"""


@pytest.fixture
def functions(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)


@pytest.fixture
def engine(functions: None) -> Iterator[GraphQLEngine]:
    return GraphQLEngine(registry=REGISTRY, cache=None)


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


# --- what a function is given ---


def test_input_is_one_json_value_with_the_names_of_python(engine: GraphQLEngine) -> None:
    answer = data(
        engine,
        """
        mutation ($moment: DateTime!) {
          echo(input: {
            fullText: "a \\"b\\" % ü", bigNumber: "9007199254740993", price: "12.50", day: "2024-05-31",
            moment: $moment, span: "P1DT02H03M04S", key: "123E4567-E89B-12D3-A456-426614174000", raw: "aGVsbG8=",
            mood: GOOD, extra: {aKey: [1, null]}, part: {firstName: "x"}, parts: [{firstName: "y", weight: 1.5}],
            null: null
          }) { ... on EchoSuccess { given status } }
        }
        """,
        {"moment": "2024-05-31T13:45:00.123456+02:00"},
    )

    assert answer["echo"] == {
        "status": "success",
        "given": {
            "full_text": 'a "b" % ü',
            "big_number": 9007199254740993,
            "price": "12.50",
            "day": "2024-05-31",
            "moment": "2024-05-31T11:45:00.123456+00:00",
            "span": "P1DT02H03M04S",
            "key": "123e4567-e89b-12d3-a456-426614174000",
            "raw": "aGVsbG8=",
            "mood": "good",
            "extra": {"aKey": [1, None]},
            "part": {"first_name": "x"},
            "parts": [{"first_name": "y", "weight": 1.5}],
            "null": None,
        },
    }


def engine_of(registry: Registry, cls: type, sql: str = "", **options: Any) -> GraphQLEngine:
    """Make an engine with one function's mutation, and the function."""
    run(sql)
    fraiseql.mutation(registry=registry, **options)(cls)
    return GraphQLEngine(registry=registry, cache=None)


@pytest.fixture
def registry(db: None) -> Registry:
    return Registry(types=list(REGISTRY.types))


def test_named_arguments_have_the_types_of_the_function(registry: Registry) -> None:
    @fraiseql.input
    class AddInput:
        whole: int
        exact: Decimal
        names: list[str]
        extra: fraiseql.JSON
        day: dt.date | None = None
        left_out: str | None = fraiseql.UNSET

    class Add:
        input: AddInput
        success: str

    engine = engine_of(
        registry,
        Add,
        """CREATE FUNCTION "Add It"(whole smallint, exact numeric(9, 3), names varchar[], extra jsonb, day date,
           left_out text DEFAULT 'default') RETURNS text LANGUAGE sql AS
           $$ SELECT concat_ws('|', whole + 1, exact, names[2], extra ->> 'a', day, left_out) $$""",
        function="Add It",
        named_arguments=True,
    )

    assert data(engine, 'mutation { add(input: {whole: 1, exact: "1.5", names: ["a", "b,\\"c"], extra: {a: 7}}) }') == {
        "add": '2|1.5|b,"c|7|default'
    }


def test_context_comes_before_the_input(registry: Registry) -> None:
    @fraiseql.input
    class WhoInput:
        greeting: str

    class Who:
        input: WhoInput
        success: str

    engine = engine_of(
        registry,
        Who,
        """CREATE FUNCTION who(tenant uuid, user_id bigint, input jsonb) RETURNS text LANGUAGE sql AS
           $$ SELECT concat_ws(' ', input ->> 'greeting', tenant, user_id) $$""",
        context_params={"tenant_id": "tenant", "user_id": "user_id"},
    )
    request: Any = SimpleNamespace(user=SimpleNamespace(pk=7))
    query = 'mutation { who(input: {greeting: "Hello"}) }'

    known = engine.execute(query, request=request, context={"tenant_id": uuid.UUID(int=1)})
    unknown = engine.execute(query, request=request)

    assert known.json() == {"data": {"who": "Hello 00000000-0000-0000-0000-000000000001 7"}}
    assert unknown.json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_function_without_input(registry: Registry) -> None:
    class CountBooks:
        success: int

    sql = "CREATE FUNCTION count_books() RETURNS bigint LANGUAGE sql AS 'SELECT 3'"

    assert data(engine_of(registry, CountBooks, sql), "mutation { countBooks }") == {"countBooks": 3}


# --- what it returns ---

RENAME = """
mutation ($id: ID!, $name: String!) {
  renameAuthor(input: {id: $id, name: $name}) {
    __typename
    ... on RenameAuthorSuccess {
      status message updatedFields id oldName
      author { name books(orderBy: [{title: DESC}], limit: 1) { title publisher { name } } }
    }
    ... on RenameAuthorError {
      status message code errors { code identifier message field details } known: author { name }
    }
  }
}
"""


def rename(engine: GraphQLEngine, name: str, id: Any = None) -> Any:
    author = Author.objects.order_by("pk").first()
    assert author is not None
    return data(engine, RENAME, {"id": str(id or author.pk), "name": name})["renameAuthor"]


def test_success_is_read_as_its_selection_asks(engine: GraphQLEngine) -> None:
    shop = make_shop()

    assert rename(engine, "Le Guin") == {
        "__typename": "RenameAuthorSuccess",
        "status": "updated",
        "message": "Renamed.",
        "updatedFields": ["name", "oldName"],
        "id": str(shop.authors[0].pk),
        "oldName": "Somebody",
        "author": {"name": "Le Guin", "books": [{"title": "Rocannon", "publisher": {"name": "Ace"}}]},
    }


def test_error_status_is_an_error_and_nothing_was_written(engine: GraphQLEngine) -> None:
    shop = make_shop()

    assert rename(engine, "Conflict:Duplicate_Name") == {
        "__typename": "RenameAuthorError",
        "status": "Conflict:Duplicate_Name",
        "message": "No.",
        "code": 409,
        "errors": [{"code": 409, "identifier": "duplicate_name", "message": "No.", "field": None, "details": None}],
        "known": {"name": "Conflict:Duplicate_Name"},
    }
    shop.authors[0].refresh_from_db()
    assert shop.authors[0].name == "Ursula"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("failed:database", 500),
        ("failed:validation_error", 422),
        ("validation:", 422),
        ("unauthorized:token_expired", 401),
        ("forbidden:admin_only", 403),
        ("NOT_FOUND:user", 404),
        ("timeout:external_api", 408),
    ],
)
def test_codes_of_statuses(engine: GraphQLEngine, status: str, code: int) -> None:
    make_shop()
    assert rename(engine, status)["code"] == code


def test_noop_is_a_success(engine: GraphQLEngine) -> None:
    make_shop()
    answer = rename(engine, "noop:unchanged")

    assert (answer["__typename"], answer["status"]) == ("RenameAuthorSuccess", "noop:unchanged")


def test_error_without_entity(engine: GraphQLEngine) -> None:
    make_shop()
    answer = rename(engine, "x", id=404)

    assert (answer["code"], answer["message"], answer["known"]) == (404, "There is no such author.", None)


def test_function_that_raises_says_what_its_author_wrote(engine: GraphQLEngine) -> None:
    shop = make_shop()

    assert rename(engine, "raise") == {
        "__typename": "RenameAuthorError",
        "status": "failed:raised",
        "message": "Nobody is called raise.",
        "code": 422,
        "errors": [
            {"code": 422, "identifier": "raised", "message": "Nobody is called raise.", "field": None, "details": None}
        ],
        "known": None,
    }
    shop.authors[0].refresh_from_db()
    assert shop.authors[0].name == "Ursula"


def test_violated_constraint_is_data(engine: GraphQLEngine) -> None:
    make_shop()
    answer = rename(engine, "unique")

    assert answer["errors"] == [
        {
            "code": 422,
            "identifier": "unique",
            "message": "Publisher with this Name already exists.",
            "field": "name",
            "details": None,
        }
    ]
    assert Publisher.objects.count() == 1


def test_function_that_breaks_is_masked(engine: GraphQLEngine) -> None:
    author = make_shop().authors[0]
    body = engine.execute(RENAME, {"id": str(author.pk), "name": "break"}).json()

    assert body["data"] is None
    assert "zero" not in str(body)
    author.refresh_from_db()
    assert author.name == "Ursula"


def test_cascade_where_it_is_selected(engine: GraphQLEngine) -> None:
    author = make_shop().authors[0]
    answer = data(
        engine,
        """mutation ($id: ID!) { renameAuthor(input: {id: $id, name: "x"}) { ... on RenameAuthorSuccess { cascade {
            updated { typename id operation entity } deleted { typename id }
            invalidations { queryName strategy scope } metadata { timestamp affectedCount } } } } }""",
        {"id": str(author.pk)},
    )

    assert answer["renameAuthor"]["cascade"] == {
        "updated": [{"typename": "Author", "id": str(author.pk), "operation": "UPDATED", "entity": None}],
        "deleted": [],
        "invalidations": [{"queryName": "authors", "strategy": "INVALIDATE", "scope": "PREFIX"}],
        "metadata": {"timestamp": None, "affectedCount": 1},
    }


def returning(registry: Registry, sql: str, success: Any, error: Any = None, returns: str = "jsonb") -> GraphQLEngine:
    """Make an engine with a mutation whose function returns the value of some SQL."""

    class Give:
        pass

    Give.__annotations__ = {"success": success, **({"error": error} if error else {})}
    return engine_of(registry, Give, f"CREATE FUNCTION give() RETURNS {returns} LANGUAGE sql AS $f$ {sql} $f$")


def test_older_generation(registry: Registry, functions: None) -> None:
    book = make_shop().books[0]
    engine = returning(
        registry,
        f"""SELECT (NULL, ARRAY['unit_price'], 'success', 'Done.', '{{"id": {book.pk}}}',
            '{{"_cascade": {{"deleted": [{{"__typename": "Book", "id": 9}}]}}}}')::mutation_result""",
        GiveSuccess,
        EchoError,
        "mutation_result",
    )

    assert data(engine, "mutation { give { ... on GiveSuccess { message book { title } updatedFields } } }") == {
        "give": {"message": "Done.", "book": {"title": "Rocannon"}, "updatedFields": ["unitPrice"]}
    }


@fraiseql.success
class GiveSuccess:
    book: BookType
    count: int = 1


@fraiseql.success
class ManySuccess:
    books: list[BookType]
    authors: list[AuthorType]


@fraiseql.type
class Point:
    x: int
    label: str | None = None


@fraiseql.success
class ShapeSuccess:
    points: list[Point]
    best: Point | None
    prices: list[Decimal]


@pytest.mark.parametrize(
    "given", ["jsonb_build_object('id', {pk})", "jsonb_build_object('book', {pk})", "to_jsonb({pk})"]
)
def test_plain_json_is_the_object(registry: Registry, given: str) -> None:
    book = make_shop().books[1]
    engine = returning(registry, "SELECT " + given.format(pk=book.pk), GiveSuccess)

    assert data(engine, "mutation { give { book { title } count status } }") == {
        "give": {"book": {"title": "Planet"}, "count": 1, "status": "success"}
    }


def test_several_lists_of_rows_are_one_statement(registry: Registry) -> None:
    shop = make_shop()
    books, authors = [book.pk for book in shop.books], [author.pk for author in shop.authors]
    engine = returning(
        registry,
        f"""SELECT jsonb_build_object('books', '[{books[2]}, {{"id": {books[0]}}}, {books[2]}]'::jsonb,
            'authors', '[{authors[1]}]'::jsonb)""",
        ManySuccess,
    )

    assert data(engine, "mutation { give { books { title } authors { name } } }") == {
        "give": {
            "books": [{"title": "City"}, {"title": "Rocannon"}, {"title": "City"}],
            "authors": [{"name": "Octavia"}],
        }
    }


def test_objects_in_json(registry: Registry) -> None:
    engine = returning(
        registry,
        """SELECT '{"points": [{"x": 1}, {"x": 2, "label": "b"}], "best": null, "prices": [1.10, "2"]}'::jsonb""",
        ShapeSuccess,
    )

    assert data(engine, "mutation { give { points { x label } best { x } prices } }") == {
        "give": {"points": [{"x": 1, "label": None}, {"x": 2, "label": "b"}], "best": None, "prices": ["1.10", "2"]}
    }


def test_row(registry: Registry) -> None:
    make_shop()
    engine = returning(registry, "SELECT * FROM bookshop_book WHERE title = 'City'", BookType, returns="bookshop_book")

    assert data(engine, "mutation { give { title price } }") == {"give": {"title": "City", "price": "12.00"}}


def test_set_of_rows_keeps_its_order(registry: Registry) -> None:
    make_shop()
    sql = "SELECT * FROM bookshop_book ORDER BY title DESC"
    engine = returning(registry, sql, list[BookType], returns="SETOF bookshop_book")

    assert data(engine, "mutation { give { title } }") == {
        "give": [{"title": "Rocannon"}, {"title": "Planet"}, {"title": "City"}]
    }


@pytest.mark.parametrize(
    ("returns", "sql", "annotation", "value"),
    [
        ("numeric", "SELECT 12.50", Decimal, "12.50"),
        ("bigint", "SELECT 9007199254740993", fraiseql.BigInt, "9007199254740993"),
        ("date", "SELECT '2024-05-31'::date", dt.date, "2024-05-31"),
        ("SETOF text", "SELECT * FROM unnest(ARRAY['b', 'a'])", list[str], ["b", "a"]),
        ("text[]", "SELECT ARRAY['b', 'a']", list[str], ["b", "a"]),
        ("text", "SELECT NULL::text", str | None, None),
        ("text", "SELECT 'good'", Mood, "GOOD"),
        ("jsonb", "SELECT '{\"a\": 1.5}'::jsonb", fraiseql.JSON, {"a": 1.5}),
        ("double precision", "SELECT 0.1::float8", float, 0.1),
    ],
)
def test_scalar(registry: Registry, returns: str, sql: str, annotation: Any, value: Any) -> None:
    assert data(returning(registry, sql, annotation, returns=returns), "mutation { give }") == {"give": value}


def test_row_that_the_function_deleted_is_answered_from_what_it_returned(registry: Registry) -> None:
    make_shop()
    sql = "DELETE FROM bookshop_author WHERE name = 'Octavia' RETURNING *"
    engine = returning(registry, sql, AuthorType, returns="bookshop_author")

    assert data(engine, "mutation { give { __typename called: name } }") == {
        "give": {"__typename": "Author", "called": "Octavia"}
    }
    assert Author.objects.count() == 1


@pytest.mark.parametrize(
    ("sql", "success"),
    [
        ("SELECT '{}'::jsonb", GiveSuccess),
        ("SELECT '[1, 2]'::jsonb", BookType),
        ("SELECT '\"x\"'::jsonb", BookType),
        ("SELECT '{\"id\": null}'::jsonb", BookType),
        ("SELECT '{\"id\": 404}'::jsonb", GiveSuccess),
        ('SELECT \'{"points": 1, "prices": []}\'::jsonb', ShapeSuccess),
        ('SELECT \'{"points": [{"x": "y"}], "prices": []}\'::jsonb', ShapeSuccess),
        ('SELECT \'{"points": [], "prices": [null]}\'::jsonb', ShapeSuccess),
        ('SELECT \'{"status": 7, "message": "x"}\'::jsonb', GiveSuccess),
        ("SELECT NULL::jsonb", GiveSuccess),
        ("SELECT '7'::jsonb", str),
    ],
)
def test_garbage_is_a_fault_of_the_server(
    registry: Registry, sql: str, success: Any, caplog: pytest.LogCaptureFixture
) -> None:
    make_shop()
    selection = {
        GiveSuccess: "{ book { title } }",
        BookType: "{ title }",
        ShapeSuccess: "{ points { x } prices }",
        str: "",
    }
    engine = returning(registry, f"DELETE FROM bookshop_orderline; {sql}", success)
    body = engine.execute(f"mutation {{ give {selection[success]} }}").json()

    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "returned" in caplog.text
    assert "bookshop" not in str(body)


def test_error_status_without_a_class_of_errors_is_an_error(registry: Registry) -> None:
    engine = returning(
        registry,
        """SELECT '{"status": "forbidden:admin_only", "message": "Only for admins.", "entity": null}'::jsonb""",
        int | None,
    )
    body = engine.execute("mutation { give }").json()

    assert body["data"] == {"give": None}
    assert body["errors"][0]["message"] == "Only for admins."
    assert body["errors"][0]["extensions"] == {
        "code": "FORBIDDEN",
        "status": "forbidden:admin_only",
        "errors": [{"code": 403, "identifier": "admin_only", "message": "Only for admins."}],
    }


def test_errors_in_the_metadata_are_those_of_the_answer(registry: Registry) -> None:
    engine = returning(
        registry,
        """SELECT '{"status": "validation:", "message": "Wrong.", "metadata": {"errors": [
            {"code": 422, "identifier": "too_long", "message": "Too long.", "details": {"max": 3}},
            {"field": "email", "code": "duplicate", "message": "There is one."}]}}'::jsonb""",
        GiveSuccess,
        EchoError,
    )

    answer = data(engine, "mutation { give { ... on EchoError { errors { code identifier message field details } } } }")
    assert answer["give"]["errors"] == [
        {"code": 422, "identifier": "too_long", "message": "Too long.", "field": None, "details": {"max": 3}},
        {"code": 422, "identifier": "duplicate", "message": "There is one.", "field": "email", "details": None},
    ]


def test_function_that_is_not_there(registry: Registry) -> None:
    class Gone:
        success: int

    body = engine_of(registry, Gone).execute("mutation { gone }").json()

    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "function" not in body["errors"][0]["message"]


# --- declarations ---


def declared(annotations: dict[str, Any], **options: Any) -> str:
    registry = Registry(types=list(REGISTRY.types))
    fraiseql.mutation(registry=registry, **options)(type("Act", (), {"__annotations__": annotations}))
    with pytest.raises(DeclarationError) as raised:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    return str(raised.value)


def test_declarations_that_cannot_be() -> None:
    assert declared({"error": EchoError}) == ("mutation Act has no success: annotate it with what the function returns")
    assert declared({"success": GiveSuccess, "error": GiveSuccess}) == (
        "mutation Act.error must be a class declared with @fraiseql.error"
    )
    assert declared({"success": list[BookType], "error": EchoError}) == (
        "mutation Act.success is no object, so it cannot be in a union with EchoError; leave out error, or make "
        "success a class declared with @fraiseql.success"
    )
    assert declared({"success": int, "output": int}) == (
        "mutation Act is annotated with output; a function's class has input, success and error"
    )
    assert declared({"success": int}, enable_cascade=True) == (
        "mutation Act: enable_cascade needs a success that is declared with @fraiseql.success"
    )


def test_python_function_is_no_function_of_postgresql() -> None:
    with pytest.raises(DeclarationError, match=r"^act is a Python function, but @mutation names a PostgreSQL"):

        @fraiseql.mutation(function="fn_act", registry=Registry())
        def act(info: fraiseql.Info) -> bool:
            return True


def test_failure_is_the_upstreams_older_name_of_error(registry: Registry) -> None:
    class Old:
        success: GiveSuccess
        failure: EchoError

    engine = engine_of(registry, Old)

    assert str(engine.schema.graphql.get_type("OldResult")) == "OldResult"
    assert engine.schema.unions["OldResult"] == ("GiveSuccess", "EchoError")
