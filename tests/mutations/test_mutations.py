# mypy: disable-error-code="return-value"
"""Mutations in Python: what they are given, what they may return, and that all of an operation is done or nothing."""

import asyncio
import datetime as dt
import enum
import logging
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy
from graphql import GraphQLError

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, BookFormat, Order, OrderLine, Publisher, Review
from fraiseql_django import GraphQLEngine, Registry
from tests.support import Shop, data, in_thread, is_hit, make_engine, make_shop, statements

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name", "books"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Book, fields=["id", "title", "isbn", "authors", "publisher", "reviews"], registry=REGISTRY)
class BookType:
    pass


@fraiseql.type(Publisher, fields=["id", "name", "books"], registry=REGISTRY)
class PublisherType:
    pass


@fraiseql.type(Review, fields=["id", "stars"], registry=REGISTRY)
class ReviewType:
    pass


@fraiseql.type(OrderLine, fields=["quantity", "book", "line_number"], registry=REGISTRY)
class OrderLineType:
    pass


class Mood(enum.Enum):
    GOOD = "good"
    BAD = 2


class Level(models.IntegerChoices):
    LOW = 1, "Low"
    HIGH = 2, "High"


@fraiseql.input
class Tag:
    """A tag."""

    name: str
    weight: float = 1.0


@fraiseql.input
class Draft:
    """A draft."""

    title: str
    format: BookFormat = BookFormat.PAPERBACK
    tags: list[Tag] = fraiseql.UNSET
    best: Tag | None = fraiseql.UNSET
    note: str | None = fraiseql.UNSET
    published: dt.date | None = None


GIVEN: dict[str, Any] = {}


@fraiseql.mutation(registry=REGISTRY)
def take(
    info: fraiseql.Info,
    text: str | None = None,
    number: int | None = None,
    big: fraiseql.BigInt | None = None,
    exact: Decimal | None = None,
    approximate: float | None = None,
    flag: bool | None = None,
    key: fraiseql.ID | None = None,
    unique: uuid.UUID | None = None,
    day: dt.date | None = None,
    moment: dt.datetime | None = None,
    clock: dt.time | None = None,
    span: dt.timedelta | None = None,
    raw: bytes | None = None,
    json: fraiseql.JSON | None = None,
    anything: dict[str, Any] | None = None,
    texts: list[str] | None = None,
    table: list[list[int | None]] | None = None,
    mood: Mood | None = None,
    level: Level | None = None,
    format: BookFormat | None = None,
    tag: Tag | None = None,
    drafts: list[Draft] | None = None,
    absent: str | None = fraiseql.UNSET,
    required_when_given: int = 7,
) -> bool:
    """Note what was given."""
    GIVEN.clear()
    GIVEN.update({name: value for name, value in locals().items() if name != "info"})
    GIVEN["info"] = info
    return True


@fraiseql.mutation(registry=REGISTRY)
def need(info: fraiseql.Info, id: fraiseql.ID, draft: Draft) -> str:
    return f"{id!r} {draft.title}"


def given(engine: GraphQLEngine, arguments: str, variables: dict[str, Any] | None = None, declared: str = "") -> Any:
    data(engine, f"mutation {declared} {{ take({arguments}) }}", variables)
    return GIVEN


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return GraphQLEngine(registry=REGISTRY, cache=None)


# --- what is given ---

DAY = dt.date(2024, 5, 31)
NESTED = {"a": [1, 2.5, "x", None, True]}
DRAFT = {
    "title": "t",
    "format": "AUDIO",
    "tags": [{"name": "a"}],
    "best": None,
    "note": None,
    "published": "2024-05-31",
}
DRAFT_LITERAL = '{title: "t", format: AUDIO, tags: [{name: "a"}], best: null, note: null, published: "2024-05-31"}'
VALUES = [
    ("text", '"ü \\n"', "String", "ü \n", "ü \n"),
    ("number", "-7", "Int", -7, -7),
    ("big", '"9007199254740993"', "BigInt", "9007199254740993", 9007199254740993),
    ("big", "9007199254740993", "BigInt", 9007199254740993, 9007199254740993),
    ("exact", '"1.10"', "Decimal", "1.10", Decimal("1.10")),
    ("exact", "1.10", "Decimal", "1.10", Decimal("1.10")),
    ("approximate", "1.5", "Float", 1.5, 1.5),
    ("approximate", "2", "Float", 2, 2.0),
    ("flag", "false", "Boolean", False, False),
    ("key", '"7"', "ID", "7", "7"),
    ("key", "7", "ID", 7, "7"),
    ("unique", f'"{uuid.UUID(int=7)}"', "UUID", str(uuid.UUID(int=7)).upper(), uuid.UUID(int=7)),
    ("day", '"2024-05-31"', "Date", "2024-05-31", dt.date(2024, 5, 31)),
    (
        "moment", '"2024-05-31T12:00:00+02:00"', "DateTime", "2024-05-31T10:00:00Z",
        dt.datetime(2024, 5, 31, 10, tzinfo=dt.UTC),
    ),
    ("clock", '"12:30:00"', "Time", "12:30:00", dt.time(12, 30)),
    ("span", '"P1DT2H"', "Duration", "P1DT2H", dt.timedelta(days=1, hours=2)),
    ("raw", '"aGVsbG8="', "Base64", "aGVsbG8=", b"hello"),
    ("json", '{a: [1, 2.5, "x", null, true]}', "JSON", NESTED, NESTED),
    ("json", '"x"', "JSON", "x", "x"),
    ("anything", "{b: {}}", "JSON", {"b": {}}, {"b": {}}),
    ("texts", '["a", "b"]', "[String!]", ["a", "b"], ["a", "b"]),
    ("texts", '"a"', "[String!]", "a", ["a"]),
    ("texts", "[]", "[String!]", [], []),
    ("table", "[[1, null], []]", "[[Int]!]", [[1, None], []], [[1, None], []]),
    ("mood", "GOOD", "Mood", "GOOD", Mood.GOOD),
    ("mood", "BAD", "Mood", "BAD", Mood.BAD),
    ("level", "HIGH", "Level", "HIGH", Level.HIGH),
    ("format", "E_BOOK", "BookFormat", "E_BOOK", BookFormat.EBOOK),
    ("tag", '{name: "a"}', "Tag", {"name": "a"}, Tag(name="a")),
    ("tag", '{name: "a", weight: 2}', "Tag", {"name": "a", "weight": 2}, Tag(name="a", weight=2.0)),
    (
        "drafts", f"[{DRAFT_LITERAL}]", "[Draft!]", [DRAFT],
        [Draft(title="t", format=BookFormat.AUDIO, tags=[Tag(name="a")], best=None, note=None, published=DAY)],
    ),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "literal", "type_name", "value", "expected"), VALUES)
def test_argument_of_every_type(
    engine: GraphQLEngine, name: str, literal: str, type_name: str, value: Any, expected: Any
) -> None:
    for found in (
        given(engine, f"{name}: {literal}")[name],
        given(engine, f"{name}: $v", {"v": value}, f"($v: {type_name})")[name],
        given(engine, f"{name}: $v", {}, f"($v: {type_name} = {literal})")[name],
    ):
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.django_db
def test_what_is_absent_takes_the_default_of_the_function(engine: GraphQLEngine) -> None:
    found = given(
        engine, "text: null, absent: $nowhere, number: $nothing", {"nothing": None}, "($nowhere: String, $nothing: Int)"
    )

    assert (found["text"], found["number"], found["absent"], found["required_when_given"]) == (
        None,
        None,
        fraiseql.UNSET,
        7,
    )
    assert not fraiseql.UNSET
    assert given(engine, "absent: null")["absent"] is None
    assert given(engine, 'absent: "x", requiredWhenGiven: 8')["required_when_given"] == 8


@pytest.mark.django_db
def test_absent_fields_of_inputs(engine: GraphQLEngine) -> None:
    (draft,) = given(engine, 'drafts: {title: "t", note: $n}', {}, "($n: String)")["drafts"]

    assert draft == Draft(title="t")
    assert draft.tags is draft.best is draft.note is fraiseql.UNSET
    assert draft.format is BookFormat.PAPERBACK
    (draft,) = given(engine, "drafts: $d", {"d": [{"title": "t", "best": {"name": "b"}}]}, "($d: [Draft!])")["drafts"]
    assert draft.best == Tag(name="b", weight=1.0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("requiredWhenGiven: null", "argument 'required_when_given' may be left out, but not null"),
        ('drafts: [{title: "t", format: null}]', "Draft.format may be left out, but not null"),
        ('drafts: [{title: "t", tags: null}]', "Draft.tags may be left out, but not null"),
    ],
)
def test_null_where_there_is_a_default_but_no_none(engine: GraphQLEngine, arguments: str, message: str) -> None:
    error = failing(engine, f"mutation {{ take({arguments}) }}")

    assert error["message"] == message
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["take"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "operation",
    [
        'mutation { need(id: "1") }',
        'mutation { need(draft: {title: "t"}) }',
        'mutation { need(id: null, draft: {title: "t"}) }',
        'mutation { need(id: "1", draft: {}) }',
        'mutation { need(id: "1", draft: {title: "t", nothing: 1}) }',
        'mutation { need(id: "1", draft: {title: "t"}, nothing: 1) }',
        "mutation { take(mood: WORSE) }",
        'mutation { take(level: "LOW") }',
        "mutation { take(number: 2147483648) }",
        'mutation { take(big: "9223372036854775808") }',
        'mutation { take(exact: "x") }',
        'mutation { take(day: "2024-02-30") }',
        'mutation { take(raw: "%") }',
    ],
)
def test_wrong_arguments_never_reach_the_function(engine: GraphQLEngine, operation: str) -> None:
    response = engine.execute(operation)

    assert response.status == 400
    assert response.data is None
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.django_db
def test_variable_that_is_null_where_none_may_be(engine: GraphQLEngine) -> None:
    """A default lets a variable stand where no null may (specification, "All Variable Usages Are Allowed")."""
    query = 'mutation($id: ID = "7") { need(id: $id, draft: {title: "t"}) }'

    assert data(engine, query) == {"need": "'7' t"}
    error = failing(engine, query, {"id": None})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.django_db
def test_info(engine: GraphQLEngine, rf: Any) -> None:
    request = rf.get("/")
    request.user = "ann"
    engine.execute("mutation Named { alias: take }", request=request, context={"a": 1})

    info = GIVEN["info"]
    assert (info.field_name, info.response_key, info.operation_name) == ("take", "alias", "Named")
    assert (info.request, info.user, info.context) == (request, "ann", {"a": 1})
    assert given(engine, "text: null")["info"].user is None


# --- what is returned ---


@fraiseql.mutation(registry=REGISTRY)
def add_author(info: fraiseql.Info, name: str) -> AuthorType:
    return Author.objects.create(name=name)


@fraiseql.mutation(registry=REGISTRY)
def find_author(info: fraiseql.Info, name: str) -> AuthorType | None:
    return Author.objects.filter(name=name).first()


@fraiseql.mutation(registry=REGISTRY)
def add_authors(info: fraiseql.Info, names: list[str]) -> list[AuthorType]:
    return [Author.objects.create(name=name) for name in names]


@fraiseql.mutation(registry=REGISTRY)
def matching(info: fraiseql.Info, start: str) -> list[AuthorType] | None:
    return Author.objects.filter(name__startswith=start).order_by("-name") if start else None


@fraiseql.mutation(registry=REGISTRY)
def change_line(info: fraiseql.Info, order: fraiseql.ID, line: int, quantity: int) -> OrderLineType:
    found = OrderLine.objects.get(pk=(order, line))
    found.quantity = quantity
    found.save(update_fields=["quantity"])
    return found


@fraiseql.mutation(registry=REGISTRY)
def lines(info: fraiseql.Info) -> list[OrderLineType]:
    return OrderLine.objects.order_by("-line_number")


@pytest.mark.django_db
def test_instance_is_read_as_its_selection_asks(engine: GraphQLEngine) -> None:
    make_shop()

    assert data(engine, 'mutation { addAuthor(name: "Joanna") { label: name books { title } __typename } }') == {
        "addAuthor": {"label": "Joanna", "books": [], "__typename": "Author"}
    }


@pytest.mark.django_db
def test_payload_is_one_statement_in_the_transaction(engine: GraphQLEngine) -> None:
    make_shop()
    query = (
        'mutation { addAuthor(name: "Joanna") { name books(limit: 2) { title publisher { name books { title } } } } }'
    )
    with CaptureQueriesContext(connection) as captured:
        data(engine, query)

    verbs = [entry["sql"].split()[0] for entry in captured.captured_queries]
    assert verbs == ["SAVEPOINT", "INSERT", "SELECT", "RELEASE"]


@pytest.mark.django_db
def test_none(engine: GraphQLEngine) -> None:
    assert data(engine, 'mutation { findAuthor(name: "nobody") { name } }') == {"findAuthor": None}
    assert data(engine, 'mutation { matching(start: "") { name } }') == {"matching": None}


@pytest.mark.django_db
def test_list_keeps_its_order(engine: GraphQLEngine) -> None:
    query = 'mutation { addAuthors(names: ["b", "c", "a"]) { name } }'

    assert data(engine, query) == {"addAuthors": [{"name": "b"}, {"name": "c"}, {"name": "a"}]}
    assert data(engine, "mutation { addAuthors(names: []) { name } }") == {"addAuthors": []}


@pytest.mark.django_db
def test_queryset(engine: GraphQLEngine) -> None:
    data(engine, 'mutation { addAuthors(names: ["ab", "ac", "b"]) { name } }')

    assert data(engine, 'mutation { matching(start: "a") { name } }') == {"matching": [{"name": "ac"}, {"name": "ab"}]}


@pytest.mark.django_db
def test_composite_key(engine: GraphQLEngine) -> None:
    shop = make_shop()
    OrderLine.objects.create(order=shop.order, line_number=2, book=shop.books[1], unit_price=1)
    query = "mutation($o: ID!) { changeLine(order: $o, line: 2, quantity: 9) { quantity book { title } } }"

    assert data(engine, query, {"o": shop.order.pk}) == {"changeLine": {"quantity": 9, "book": {"title": "Planet"}}}
    assert data(engine, "mutation { lines { lineNumber } }") == {"lines": [{"lineNumber": 2}, {"lineNumber": 1}]}


PLAIN: dict[str, Any] = {
    "a_text": (str, "ü \"quoted\" \u2028", "ü \"quoted\" \u2028"),
    "a_number": (int, 7, 7),
    "a_big": (fraiseql.BigInt, 2**60, str(2**60)),
    "a_float": (float, 1.5, 1.5),
    "a_flag": (bool, True, True),
    "a_decimal": (Decimal, Decimal("1.10"), "1.10"),
    "an_id": (fraiseql.ID, 7, "7"),
    "a_uuid": (uuid.UUID, uuid.UUID(int=7), str(uuid.UUID(int=7))),
    "a_date": (dt.date, dt.date(2024, 5, 31), "2024-05-31"),
    "a_time": (dt.time, dt.time(12, 30), "12:30:00"),
    "a_span": (dt.timedelta, dt.timedelta(days=1), "P1DT00H00M00S"),
    "some_bytes": (bytes, b"hello", "aGVsbG8="),
    "some_json": (dict, {"a": [1, None, {"b": "ü"}]}, {"a": [1, None, {"b": "ü"}]}),
    "any_json": (fraiseql.JSON, [1, "x"], [1, "x"]),
    "a_mood": (Mood, Mood.BAD, "BAD"),
    "a_mood_by_value": (Mood, "good", "GOOD"),
    "a_level": (Level, Level.HIGH, "HIGH"),
    "a_format": (BookFormat, "e-book", "E_BOOK"),
    "texts": (list[str], ("a", "b"), ["a", "b"]),
    "a_generator": (list[int], (number for number in (1, 2)), [1, 2]),
    "moods": (list[Mood], [Mood.GOOD, Mood.BAD], ["GOOD", "BAD"]),
    "nothing": (str | None, None, None),
    "no_list": (list[str] | None, None, None),
    "empty": (list[str], [], []),
    "some_missing": (list[str | None], ["a", None], ["a", None]),
}  # fmt: skip

WRONG: dict[str, Any] = {
    "not_a_number": (int, "x"),
    "too_large": (int, 2**31),
    "not_finite": (float, float("nan")),
    "nan_in_json": (fraiseql.JSON, {"a": float("inf")}),
    "no_json": (fraiseql.JSON, object()),
    "no_mood": (Mood, "worse"),
    "no_text": (str, None),
    "text_for_a_list": (list[str], "abc"),
    "one_for_a_list": (list[int], 7),
    "none_in_a_list": (list[str], ["a", None]),
    "another_model": (AuthorType, Publisher(pk=1)),
    "no_instance": (AuthorType, "Ursula"),
    "not_saved": (AuthorType, Author(name="x")),
    "not_there": (AuthorType, Author(pk=404)),
    "none_for_an_instance": (AuthorType, None),
    "instance_for_a_list": (list[AuthorType], Author(pk=1)),
    "none_among_instances": (list[AuthorType], [None]),
}


def declare(name: str, annotation: Any, value: Any) -> None:
    def function(info: fraiseql.Info) -> Any:
        return value

    function.__name__ = name
    function.__annotations__["return"] = annotation
    fraiseql.mutation(registry=REGISTRY)(function)


for _name, (_annotation, _value, *_) in {**PLAIN, **WRONG}.items():
    declare(_name, _annotation, _value)


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


@pytest.mark.django_db
@pytest.mark.parametrize("name", PLAIN)
def test_plain_value(engine: GraphQLEngine, name: str) -> None:
    assert data(engine, f"mutation {{ {camel(name)} }}") == {camel(name): PLAIN[name][2]}


@pytest.mark.django_db
@pytest.mark.parametrize("name", WRONG)
def test_wrong_result_is_a_fault_of_the_server(
    engine: GraphQLEngine, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    selection = "{ name }" if WRONG[name][0] in (AuthorType, list[AuthorType]) else ""
    error = failing(engine, f"mutation {{ {camel(name)} {selection} }}")

    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"] == f"Something went wrong on the server. (error {error['extensions']['id']})"
    assert f"mutation {camel(name)} returned" in caplog.text


# --- failures ---


def failing(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the one error of a mutation that fails."""
    body = engine.execute(query, variables).json()
    assert "data" in body
    (error,) = body["errors"]
    assert error["locations"]
    return dict(error)


RAISED: dict[str, tuple[Exception, str, dict[str, Any]]] = {
    "user": (fraiseql.UserError("Sold out."), "Sold out.", {"code": "USER_ERROR"}),
    "coded": (
        fraiseql.UserError("Sold out.", code="SOLD_OUT", left=0, until=dt.date(2024, 5, 31), price=Decimal("1.10")),
        "Sold out.",
        {"code": "SOLD_OUT", "left": 0, "until": "2024-05-31", "price": "1.10"},
    ),
    "lazy": (fraiseql.UserError(gettext_lazy("Yes")), "Yes", {"code": "USER_ERROR"}),
    "graphql": (GraphQLError("Sold out.", extensions={"left": 0}), "Sold out.", {"code": "USER_ERROR", "left": 0}),
    "invalid": (
        ValidationError("Too long."),
        "Too long.",
        {"code": "VALIDATION_FAILED", "fields": {"__all__": ["Too long."]}},
    ),
    "invalid_fields": (
        ValidationError({"title": ["Too long.", "Too dull."], "isbn": "Wrong."}),
        "Too long. Too dull. Wrong.",
        {"code": "VALIDATION_FAILED", "fields": {"title": ["Too long.", "Too dull."], "isbn": ["Wrong."]}},
    ),
    "forbidden": (PermissionDenied(), "You are not allowed to do this.", {"code": "FORBIDDEN"}),
    "forbidden_why": (PermissionDenied("Not you."), "Not you.", {"code": "FORBIDDEN"}),
    "missing": (Book.DoesNotExist("No such book."), "No such book.", {"code": "NOT_FOUND"}),
    "gone": (Http404(), "There is no such object.", {"code": "NOT_FOUND"}),
    "bad": (fraiseql.InvalidInput("No."), "No.", {"code": "BAD_USER_INPUT"}),
}  # fmt: skip

MASKED: dict[str, BaseException] = {
    "any": RuntimeError("the password is hunter2"),
    "integrity": IntegrityError('duplicate key in "bookshop_book"'),
    "recursion": RecursionError("too deep in bookshop_book"),
    "assertion": AssertionError(),
}


def declare_raising(name: str, error: BaseException) -> None:
    def function(info: fraiseql.Info) -> bool:
        Author.objects.create(name="left behind")
        raise error

    function.__name__ = f"raise_{name}"
    fraiseql.mutation(registry=REGISTRY)(function)


for _name, _error in {**{name: raised for name, (raised, *_) in RAISED.items()}, **MASKED}.items():
    declare_raising(_name, _error)


@pytest.mark.django_db
@pytest.mark.parametrize("name", RAISED)
def test_exception_that_clients_may_read(engine: GraphQLEngine, name: str) -> None:
    _, message, extensions = RAISED[name]
    key = camel(f"raise_{name}")

    assert failing(engine, f"mutation {{ {key} }}") == {
        "message": message,
        "locations": [{"line": 1, "column": 12}],
        "path": [key],
        "extensions": extensions,
    }
    assert not Author.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", MASKED)
def test_other_exceptions_are_masked(engine: GraphQLEngine, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "fraiseql_django.engine"):
        error = failing(engine, f"mutation {{ {camel(f'raise_{name}')} }}")

    number = error["extensions"]["id"]
    assert error["message"] == f"Something went wrong on the server. (error {number})"
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "id": number}
    (record,) = caplog.records
    assert number in record.getMessage()
    assert record.exc_info
    assert record.exc_info[1] is MASKED[name]
    assert not Author.objects.exists()


@fraiseql.mutation(registry=REGISTRY)
def add_twice(info: fraiseql.Info) -> PublisherType:
    Publisher.objects.create(name="Ace")
    return Publisher.objects.create(name="Ace")


@fraiseql.mutation(registry=REGISTRY)
def swallow(info: fraiseql.Info) -> bool | None:
    """Catch an error that has undone the transaction, and go on as if nothing were."""
    Author.objects.create(name="lost")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
    except Exception:
        return None
    return True


@fraiseql.mutation(registry=REGISTRY)
def recover(info: fraiseql.Info) -> PublisherType:
    """Catch an error that a savepoint holds."""
    try:
        with transaction.atomic():
            Publisher.objects.create(name="Ace")
            Publisher.objects.create(name="Ace")
    except IntegrityError:
        return Publisher.objects.create(name="Tor")
    raise AssertionError


@fraiseql.mutation(registry=REGISTRY)
def dangle(info: fraiseql.Info) -> bool:
    """Write what PostgreSQL refuses at commit."""
    Review.objects.create(book_id=404, stars=1, headline="?")
    return True


@pytest.mark.django_db(transaction=True)
def test_error_of_the_database_says_nothing_of_it(engine: GraphQLEngine) -> None:
    error = failing(engine, "mutation { addTwice { name } }")

    assert error["message"] == "Publisher with this Name already exists."
    assert error["extensions"]["code"] == "CONSTRAINT_VIOLATED"
    assert "bookshop" not in str(error)
    assert not Publisher.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_error_that_is_caught_cannot_pass_for_success(engine: GraphQLEngine) -> None:
    body = engine.execute("mutation { swallow }").json()

    assert body["data"] == {"swallow": None}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert not Author.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_error_that_is_caught_in_a_savepoint(engine: GraphQLEngine) -> None:
    assert data(engine, "mutation { recover { name } }") == {"recover": {"name": "Tor"}}


@pytest.mark.django_db(transaction=True)
def test_constraint_that_fails_at_commit(engine: GraphQLEngine) -> None:
    body = engine.execute('mutation { addAuthor(name: "Joanna") { name } dangle }').json()

    assert body["data"] is None
    assert body["errors"][0]["path"] == ["dangle"]
    assert body["errors"][0]["extensions"]["code"] == "CONSTRAINT_VIOLATED"
    assert not Author.objects.exists()
    assert not connection.in_atomic_block


@pytest.mark.django_db
def test_errors_are_shown_where_nothing_is_masked(settings: Any) -> None:
    settings.FRAISEQL = {"MASK_ERRORS": False}
    engine = GraphQLEngine(registry=REGISTRY, cache=None)

    assert "RuntimeError: the password is hunter2" in failing(engine, "mutation { raiseAny }")["message"]


# --- several in one operation ---

SEVERAL = 'mutation { a: addAuthor(name: "a") { name } b: addAuthor(name: "b") { name } }'


@pytest.mark.django_db
def test_several_are_run_in_order(engine: GraphQLEngine) -> None:
    answer = engine.execute('mutation { x: addAuthor(name: "1") { id } __typename a: addAuthor(name: "2") { id } }')

    assert list(answer.json()["data"]) == ["x", "__typename", "a"]
    assert list(Author.objects.order_by("pk").values_list("name", flat=True)) == ["1", "2"]
    assert answer.json()["data"]["__typename"] == "Mutation"


@pytest.mark.django_db
def test_later_ones_see_what_earlier_ones_wrote(engine: GraphQLEngine) -> None:
    query = 'mutation { addAuthor(name: "a") { id } findAuthor(name: "a") { name } }'

    assert data(engine, query)["findAuthor"] == {"name": "a"}


@pytest.mark.django_db(transaction=True)
def test_several_are_one_transaction(engine: GraphQLEngine) -> None:
    with CaptureQueriesContext(connection) as captured:
        data(engine, SEVERAL)

    verbs = [entry["sql"].split()[0] for entry in captured.captured_queries]
    # after each, what is checked late
    assert verbs == ["BEGIN", *["INSERT", "SELECT", "SET", "SET"] * 2, "COMMIT"]


@pytest.mark.django_db(transaction=True)
def test_failure_undoes_all_and_the_answer_says_so(engine: GraphQLEngine) -> None:
    query = """mutation {
        first: findAuthor(name: "x") { name }
        __typename
        second: swallow
        third: matching(start: "a") { name }
    }"""
    GIVEN.clear()
    body = engine.execute(query).json()

    assert body["data"] == {"first": None, "__typename": "Mutation", "second": None, "third": None}

    body = engine.execute(
        'mutation { a: addAuthor(name: "a") { name } raiseUser take b: addAuthor(name: "b") { name } }'
    )
    assert body.json()["data"] is None
    assert [(e["path"], e["extensions"]["code"]) for e in body.json()["errors"]] == [
        (["raiseUser"], "USER_ERROR"),
        (["a"], "MUTATION_ABORTED"),
        (["take"], "MUTATION_ABORTED"),
        (["b"], "MUTATION_ABORTED"),
    ]
    assert all(error["locations"] for error in body.json()["errors"])
    assert GIVEN == {}
    assert not Author.objects.exists()


@pytest.mark.django_db
def test_conditions_and_fragments(engine: GraphQLEngine) -> None:
    query = """mutation M($yes: Boolean!, $no: Boolean!, $name: String!) {
        kept: addAuthor(name: $name) @include(if: $yes) { ...A }
        skipped: addAuthor(name: "s") @skip(if: $yes) { name }
        ... @include(if: $no) { left: addAuthor(name: "l") { name } }
        ...F
    }
    fragment F on Mutation { last: addAuthor(name: $name) { name @skip(if: $yes) id @include(if: $no) __typename } }
    fragment A on Author { name }
    """
    variables = {"yes": True, "no": False, "name": "n"}

    assert data(engine, query, variables) == {"kept": {"name": "n"}, "last": {"__typename": "Author"}}
    assert Author.objects.count() == 2
    assert data(engine, 'mutation($no: Boolean!) { addAuthor(name: "") @include(if: $no) { id } }', {"no": False}) == {}


@pytest.mark.django_db
def test_mutation_that_is_mentioned_twice_is_run_once(engine: GraphQLEngine) -> None:
    query = 'mutation { addAuthor(name: "a") { name } addAuthor(name: "a") { again: name } }'

    assert data(engine, query) == {"addAuthor": {"name": "a", "again": "a"}}
    assert Author.objects.count() == 1


# --- the cache ---


@pytest.fixture
def shop() -> Shop:
    return make_shop()


@pytest.mark.django_db(transaction=True)
def test_answers_are_dropped_when_the_mutation_is_committed(cache_alias: str, shop: Shop) -> None:
    engine = make_engine(cache_alias, registry=REGISTRY)
    authors, publishers = "{ authors { name } }", "{ publishers { name } }"
    data(engine, authors)
    data(engine, publishers)

    data(engine, 'mutation { addAuthor(name: "Joanna") { name books { title } } }')

    assert is_hit(engine, publishers)
    assert {"name": "Joanna"} in data(engine, authors)["authors"]


@pytest.mark.django_db(transaction=True)
def test_mutation_that_fails_drops_nothing(cache_alias: str, shop: Shop) -> None:
    engine = make_engine(cache_alias, registry=REGISTRY)
    data(engine, "{ authors { name } }")

    engine.execute("mutation { raiseUser }")

    assert is_hit(engine, "{ authors { name } }")


@pytest.mark.django_db(transaction=True)
def test_mutations_are_never_answered_from_the_cache(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=REGISTRY)
    engine.answers.remove()
    query = 'mutation { findAuthor(name: "Ursula") { name } }'
    assert data(engine, query) == {"findAuthor": None}
    Author.objects.create(name="Ursula")

    for _ in range(2):
        with statements(4):
            assert data(engine, query) == {"findAuthor": {"name": "Ursula"}}
    assert engine.cache is not None
    assert not [key for key in engine.cache.keys() or () if key.startswith("result:")]


@pytest.mark.django_db(transaction=True)
def test_mutation_in_a_block_of_the_project_is_committed_with_it(cache_alias: str) -> None:
    engine = make_engine(cache_alias, registry=REGISTRY)
    data(engine, "{ authors { name } }")

    with transaction.atomic():
        data(engine, 'mutation { addAuthor(name: "a") { name } }')
        assert "errors" in engine.execute("mutation { raiseUser }").json()
        assert data(engine, "{ authors { name } }") == {"authors": [{"name": "a"}]}
        assert in_thread(lambda: data(engine, "{ authors { name } }")) == {"authors": []}

    assert in_thread(lambda: data(engine, "{ authors { name } }")) == {"authors": [{"name": "a"}]}
    with transaction.atomic():
        data(engine, 'mutation { addAuthor(name: "b") { name } }')
        transaction.set_rollback(True)
    assert data(engine, "{ authors { name } }") == {"authors": [{"name": "a"}]}


# --- coroutines ---


@fraiseql.mutation(registry=REGISTRY)
async def add_later(info: fraiseql.Info, name: str) -> AuthorType:
    await asyncio.sleep(0)
    author = await Author.objects.acreate(name=name)
    if name == "fail":
        raise fraiseql.UserError("later")
    return author


@pytest.mark.django_db(transaction=True)
def test_coroutine(engine: GraphQLEngine) -> None:
    assert data(engine, 'mutation { addLater(name: "a") { name } }') == {"addLater": {"name": "a"}}
    assert failing(engine, 'mutation { addLater(name: "fail") { name } }')["message"] == "later"
    assert Author.objects.count() == 1


@pytest.fixture
def closed_threads() -> Iterator[None]:
    yield
    # what ran in another thread has left its connection there
    asyncio.run(sync_to_async(connection.close)())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_coroutine_under_an_event_loop(engine: GraphQLEngine, thread_sensitive: bool) -> None:
    def execute(query: str) -> Any:
        try:
            return engine.execute(query).json()
        finally:
            connection.close()

    async def main() -> list[Any]:
        run = sync_to_async(execute, thread_sensitive=thread_sensitive)
        return [
            await run('mutation { addLater(name: "a") { name } }'),
            await run('mutation { addLater(name: "fail") { name } }'),
        ]

    done, failed = asyncio.run(main())

    assert done == {"data": {"addLater": {"name": "a"}}}
    assert failed["errors"][0]["message"] == "later"
    assert in_thread(lambda: list(Author.objects.values_list("name", flat=True))) == ["a"]


@pytest.mark.django_db(transaction=True)
def test_engine_in_an_event_loop_says_why_it_cannot(engine: GraphQLEngine, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> Any:
        return engine.execute("{ authors { name } }").json()

    error = asyncio.run(main())["errors"][0]

    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "sync_to_async" in caplog.text
    assert Order.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["get", "filter", "save"])
def test_value_that_no_field_takes_is_the_clients_fault(
    shop: Shop, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """A key comes as a text, and the ORM raises ValueError where it is no number."""
    registry = Registry()
    fraiseql.type(Book, fields=["id"], registry=registry)(type("BookType", (), {}))

    @fraiseql.mutation(registry=registry)
    def get(info: fraiseql.Info, id: fraiseql.ID) -> Book:
        return Book.objects.get(pk=id)

    @fraiseql.mutation(registry=registry)
    def filter(info: fraiseql.Info, id: fraiseql.ID) -> list[Book]:
        return Book.objects.filter(pages__gt=id)

    @fraiseql.mutation(registry=registry)
    def save(info: fraiseql.Info, id: fraiseql.ID) -> Book:
        book = Book(pk=shop.books[0].pk, pages=id)
        book.save(update_fields=["pages"])
        return book

    (error,) = (
        GraphQLEngine(registry=registry, cache=None)
        .execute(f'mutation {{ {name}(id: "x") {{ id }} }}')
        .json()["errors"]
    )
    assert (error["message"], error["extensions"]) == (
        "A value in the operation is malformed or out of range for its column.",
        {"code": "BAD_USER_INPUT"},
    )
    assert "a field of a model was given what it does not take: Field 'id' expected a number" in caplog.text or (
        "Field 'pages' expected a number" in caplog.text
    )


@pytest.mark.django_db
def test_value_error_of_the_projects_own_is_the_servers_fault(shop: Shop) -> None:
    registry = Registry()

    @fraiseql.mutation(registry=registry)
    def fail(info: fraiseql.Info) -> int:
        return int("x")

    (error,) = GraphQLEngine(registry=registry, cache=None).execute("mutation { fail }").json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
