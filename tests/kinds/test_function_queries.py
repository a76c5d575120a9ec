"""Root fields that functions answer, in Python and in PostgreSQL: planned into the one statement, under the rules."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from django.contrib.auth.models import User
from django.core.validators import MinValueValidator
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, OrderLine, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.conf.settings import SessionSettings
from fraiseql_django.schema.build import build_schema
from tests.support import Shop, data, forget_definitions, is_hit, limited, make_engine, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@dataclass
class Summary:
    """What there is."""

    title: str
    count: int
    best: Book | None
    books: list[Book]
    inner: "Summary | None" = None


@fraiseql.input
class Range:
    """Prices."""

    least: Annotated[Decimal, MinValueValidator(0)] = Decimal(0)
    most: Decimal | None = None


calls: list[Any] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


def declare(*functions: Callable[..., Any], rows: Any = None, permission: Any = None, **options: Any) -> Registry:
    registry = Registry()
    fraiseql.type(
        Book, fields=["id", "title", "price", "publisher", "reviews", "authors"], rows=rows, permission=permission,
        registry=registry,
    )(type("BookType", (), {}))  # fmt: skip
    fraiseql.type(Publisher, fields=["id", "name"], registry=registry)(type("PublisherType", (), {}))
    fraiseql.type(Author, fields=["id", "name", "books"], registry=registry)(type("AuthorType", (), {}))
    fraiseql.type(Review, fields=["id", "stars", "book"], registry=registry)(type("ReviewType", (), {}))
    fraiseql.type(OrderLine, fields=["line_number", "quantity", "book"], registry=registry)(type("LineType", (), {}))
    for function in functions:
        fraiseql.query(registry=registry, **options)(function)
    return registry


def engine_of(*functions: Callable[..., Any], **options: Any) -> GraphQLEngine:
    return GraphQLEngine(registry=declare(*functions, **options), cache=None)


# --- QuerySets ---


def found(info: fraiseql.Info, term: str = "", least: Decimal = Decimal(0)) -> "QuerySet[Book]":
    """Search."""
    calls.append(term)
    return Book.objects.filter(title__icontains=term, price__gte=least).order_by("-price")


async def found_async(info: fraiseql.Info, term: str = "", least: Decimal = Decimal(0)) -> list[Book]:
    calls.append(term)
    return Book.objects.filter(title__icontains=term, price__gte=least).order_by("-price")  # type: ignore[return-value]


@pytest.mark.parametrize("function", [found, found_async])
def test_queryset_is_planned_into_the_one_statement(shop: Shop, function: Any) -> None:
    engine = engine_of(function)
    name = "found" if function is found else "foundAsync"

    with CaptureQueriesContext(connection) as captured:
        answer = data(
            engine,
            f"""query ($t: String) {{
                a: {name}(term: $t) {{ title publisher {{ name }} reviews {{ stars }} }}
                books(limit: 1) {{ title }}
                b: {name}(term: "t", where: {{price: {{lt: "12"}}}}, orderBy: {{title: DESC}}, limit: 1, offset: 0)
                {{ title }}
            }}""",
            {"t": "C"},
        )

    assert len(captured) == 1
    assert calls == ["C", "t"]
    assert answer == {
        "a": [
            {"title": "City", "publisher": {"name": "Ace"}, "reviews": []},
            {"title": "Rocannon", "publisher": {"name": "Ace"}, "reviews": [{"stars": 5}, {"stars": 3}]},
        ],
        "books": [{"title": "City"}],
        "b": [{"title": "Planet"}],
    }


def test_one_plan_and_one_statement_for_all_values(shop: Shop) -> None:
    engine = engine_of(found)
    query = "query ($t: String, $l: Decimal) { found(term: $t, least: $l) { title } }"

    with CaptureQueriesContext(connection) as captured:
        answers = [data(engine, query, {"t": t, "l": least}) for t, least in (("c", 0), ("y", "1.5"), ("%", "12"))]

    assert answers == [
        {"found": [{"title": "City"}, {"title": "Rocannon"}]},
        {"found": [{"title": "City"}]},
        {"found": []},
    ]
    assert len(captured) == 3
    # the calls, and the statement
    assert engine.statistics().plans.misses == 2
    assert len({engine.explain(query, {"t": t}).sql for t in ("a", "b'")}) == 1


QUERYSETS: dict[str, Callable[[], Any]] = {
    "all": lambda: Book.objects.all(),
    "none": lambda: Book.objects.none(),
    "filtered through a list": lambda: Book.objects.filter(reviews__stars__gte=1),
    "distinct": lambda: Book.objects.filter(reviews__stars__gte=1).distinct().order_by("-title"),
    "distinct on": lambda: Book.objects.order_by("publisher_id", "-price").distinct("publisher_id"),
    "sliced": lambda: Book.objects.order_by("-price")[1:3],
    "union": lambda: Book.objects.filter(title="City").union(Book.objects.filter(title="Planet")).order_by("-title"),
    "excluded": lambda: Book.objects.exclude(reviews__stars=3),
    "annotated": lambda: Book.objects.annotate(twice=F("price") * 2).filter(twice__gt=21).order_by("-twice"),
    "aggregated": lambda: Book.objects.annotate(n=Count("reviews")).filter(n__gte=0).order_by("-n", "title"),
    "subquery": lambda: Book.objects.filter(Exists(Review.objects.filter(book=OuterRef("pk"), stars__gt=4))),
    "in": lambda: Book.objects.filter(title__in=["City", "Planet"], pk__in=Book.objects.filter(price__gt=11)),
    "ordered through a relation": lambda: Book.objects.order_by("publisher__name", "-title"),
    "reversed": lambda: Book.objects.order_by("title").reverse(),
    "only": lambda: Book.objects.only("title").prefetch_related("reviews"),
    "or": lambda: Book.objects.filter(Q(title="City") | Q(price__lt=11)).exclude(Q(pk=None)),
    "dates": lambda: Book.objects.filter(created_at__gte=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    "list": lambda: list(Book.objects.order_by("-title")),
    "list with one twice": lambda: [*Book.objects.filter(title="City"), *Book.objects.order_by("title")],
    "empty list": list,
    "generator": lambda: iter(Book.objects.order_by("-title")),
}


@pytest.mark.parametrize("name", QUERYSETS)
def test_answers_are_the_rows_that_the_function_returns(shop: Shop, name: str) -> None:
    def chosen(info: fraiseql.Info) -> list[Book]:
        return QUERYSETS[name]()  # type: ignore[no-any-return]

    engine = engine_of(chosen)
    expected = [{"title": book.title, "publisher": {"name": book.publisher.name}} for book in QUERYSETS[name]()]

    assert data(engine, "{ chosen { title publisher { name } } }") == {"chosen": expected}
    assert data(engine, "{ chosen(limit: 1) { title publisher { name } } }") == {"chosen": expected[:1]}
    by_title = data(engine, '{ chosen(orderBy: {title: ASC}, where: {title: {neq: "City"}}) { title } }')["chosen"]
    assert [book["title"] for book in by_title] == sorted(b["title"] for b in expected if b["title"] != "City")


def test_instance(shop: Shop) -> None:
    def newest(info: fraiseql.Info, title: str) -> Book | None:
        return Book.objects.filter(title=title).first()

    async def first(info: fraiseql.Info) -> Book:
        return await Book.objects.order_by("title").afirst()  # type: ignore[return-value]

    with CaptureQueriesContext(connection):
        answer = data(
            engine_of(newest, first),
            '{ a: newest(title: "City") { title publisher { name } } b: newest(title: "") { id } first { title } }',
        )

    assert answer == {"a": {"title": "City", "publisher": {"name": "Ace"}}, "b": None, "first": {"title": "City"}}


def test_row_of_a_composite_key(shop: Shop) -> None:
    def some_lines(info: fraiseql.Info) -> list[OrderLine]:
        return list(OrderLine.objects.all())

    def lines_of_query(info: fraiseql.Info) -> list[OrderLine]:
        return OrderLine.objects.distinct()  # type: ignore[return-value]

    engine = engine_of(some_lines, lines_of_query)

    assert data(engine, "{ someLines { lineNumber book { title } } linesOfQuery { lineNumber } }") == {
        "someLines": [{"lineNumber": 1, "book": {"title": "Rocannon"}}],
        "linesOfQuery": [{"lineNumber": 1}],
    }


# --- rules ---


@pytest.mark.parametrize("name", [name for name in QUERYSETS if name != "none"])
def test_row_rule_holds_for_whatever_is_returned(shop: Shop, name: str) -> None:
    def chosen(info: fraiseql.Info) -> list[Book]:
        return QUERYSETS[name]()  # type: ignore[no-any-return]

    def one(info: fraiseql.Info) -> Book | None:
        return Book.objects.get(title="City")

    engine = engine_of(chosen, one, rows=lambda viewer: ~Q(title="City"))

    answer = data(engine, "{ chosen { title } one { title } }")

    assert answer["one"] is None
    assert "City" not in str(answer)
    expected = [book.title for book in QUERYSETS[name]() if book.title != "City"]
    assert [book["title"] for book in answer["chosen"]] == expected


def test_permissions_are_asked_before_a_function_is_called(shop: Shop) -> None:
    def secret(info: fraiseql.Info) -> int:
        calls.append(1)
        return 1

    hidden = engine_of(secret, permission=None, name="secret")
    assert data(hidden, "{ secret }") == {"secret": 1}
    registry = declare()
    fraiseql.query(registry=registry, permission=fraiseql.requires_auth)(secret)
    fraiseql.query(registry=registry)(found)
    calls.clear()

    engine = GraphQLEngine(registry=registry, cache=None)
    (error,) = engine.execute("{ found { id } secret }").errors
    assert error.message == "Sign in to use secret."
    assert calls == []
    request: Any = SimpleNamespace(user=User(pk=1, is_active=True))
    assert engine.execute("{ secret }", request=request).json() == {"data": {"secret": 1}}


def test_permission_of_the_type_is_asked_before_a_function_is_called(shop: Shop) -> None:
    engine = engine_of(found, permission=fraiseql.requires_auth)

    (error,) = engine.execute("{ found { id } }").errors

    assert error.message == "Sign in to use Book."
    assert calls == []


def test_argument_with_a_permission(shop: Shop) -> None:
    def number(info: fraiseql.Info, secret: Annotated[bool, fraiseql.requires_auth] = False) -> int:
        return 1

    engine = engine_of(number)

    assert data(engine, "{ number }") == {"number": 1}
    (error,) = engine.execute("{ number(secret: true) }").errors
    assert error.message == "Sign in to use number(secret:)."


def test_complexity_is_checked_before_a_function_is_called(shop: Shop) -> None:
    registry = declare(found)
    engine = limited(complexity=100)
    engine = GraphQLEngine(registry=registry, cache=None, settings=engine.settings)

    (error,) = engine.execute("{ found(limit: 1000) { id } }").errors

    assert error.extensions is not None
    assert error.extensions["code"] == "LIMIT_EXCEEDED"
    assert calls == []
    assert data(engine, "{ found(limit: 10) { id } }")


def test_costs_as_a_list_and_as_declared(shop: Shop) -> None:
    engine = engine_of(found, cost=7)

    assert engine.explain("{ found(limit: 10) { id title } }").complexity == 7 + 10 * 2


def test_no_page_evades_max_rows(shop: Shop) -> None:
    limits = limited(max_rows=2).settings
    engine = GraphQLEngine(registry=declare(found), cache=None, settings=limits)

    assert len(data(engine, "{ found { id } }")["found"]) == 2
    (error,) = engine.execute("query ($n: Int) { found(limit: $n) { id } }", {"n": 3}).errors
    assert "limit is 2" in error.message


def test_masked_type(shop: Shop) -> None:
    def one(info: fraiseql.Info) -> Book | None:
        calls.append(1)
        return None

    registry = Registry()
    rule = fraiseql.requires_auth
    fraiseql.type(Book, fields=["id"], permission=rule, mask=True, registry=registry)(type("BookType", (), {}))
    for function in (found, one):
        fraiseql.query(registry=registry)(function)

    answer = data(GraphQLEngine(registry=registry, cache=None), "{ found { id } one { id } }")

    assert answer == {"found": [], "one": None}
    assert calls == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('{ ...F } fragment F on Query { found(term: "City") { title } }', ["City"]),
        ('query ($no: Boolean = false) { found(term: "City") @include(if: $no) { title } __typename }', None),
        ('{ found(term: "City") { title } found(term: "City") { id title } }', ["City"]),
        ('{ ... on Query { x: found(term: "City") @skip(if: true) { id } found(term: "City") { title } } }', ["City"]),
    ],
)
def test_fragments_and_directives(shop: Shop, query: str, expected: list[str] | None) -> None:
    answer = data(engine_of(found), query)

    assert calls == ["City"] * (expected is not None)
    assert [book["title"] for book in answer.get("found", ())] == (expected or [])


def test_names_without_camel_case(shop: Shop) -> None:
    def found_books(info: fraiseql.Info, least_price: Decimal = Decimal(0)) -> list[Book]:
        return Book.objects.filter(price__gte=least_price)  # type: ignore[return-value]

    settings = replace(get_settings(), camel_case=False)
    engine = GraphQLEngine(registry=declare(found_books), cache=None, settings=settings)

    assert data(engine, '{ found_books(least_price: "12") { title } }') == {"found_books": [{"title": "City"}]}


def test_manager_of_a_class_that_filters_later_is_not_frozen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(QuerySet[Any]):
        hidden = "City"

        def _filter_or_exclude(self, negate: bool, args: Any, kwargs: Any) -> Any:
            rows = super()._filter_or_exclude(negate, args, kwargs)  # type: ignore[misc]
            return super(Odd, rows)._filter_or_exclude(True, (), {"title": Odd.hidden})  # type: ignore[misc]

    def chosen(info: fraiseql.Info) -> list[Book]:
        return Odd(Book).all()  # type: ignore[return-value]

    engine = engine_of(chosen)
    query = '{ chosen(where: {price: {gt: "0"}}) { title } }'

    first = data(engine, query)["chosen"]
    Odd.hidden = "Planet"

    assert [book["title"] for book in first] == ["Planet", "Rocannon"]
    assert [book["title"] for book in data(engine, query)["chosen"]] == ["City", "Rocannon"]


# --- what Python writes ---


def summary(info: fraiseql.Info, title: str, range: Range | None = None) -> Summary:
    """Sum up."""
    rows = Book.objects.order_by("title")
    if range is not None:
        rows = rows.filter(price__gte=range.least)
    inner = Summary("inner", 0, None, list(rows[:1]))
    return Summary(title, rows.count(), rows.last(), rows, inner)  # type: ignore[arg-type]


def test_dataclass_with_rows_in_one_statement(shop: Shop) -> None:
    engine = engine_of(summary, found)
    query = """query ($r: Range) {
        s: summary(title: "x", range: $r) {
            __typename title count best { title } books { title reviews { stars } } inner { title books { id } }
        }
        books(limit: 1) { title }
        found(term: "City") { title }
    }"""

    with CaptureQueriesContext(connection) as captured:
        answer = data(engine, query, {"r": {"least": "11"}})

    # two of the function, and the statement; its list of one book as well
    assert len(captured) == 4
    assert answer == {
        "s": {
            "__typename": "Summary", "title": "x", "count": 2, "best": {"title": "Planet"},
            "books": [{"title": "City", "reviews": []}, {"title": "Planet", "reviews": []}],
            "inner": {"title": "inner", "books": [{"id": str(shop.books[2].pk)}]},
        },
        "books": [{"title": "City"}],
        "found": [{"title": "City"}],
    }  # fmt: skip


def test_scalars_and_plain_data(shop: Shop) -> None:
    def number(info: fraiseql.Info, a: int, b: int = 2) -> int:
        return a * b

    async def words(info: fraiseql.Info) -> list[str]:
        return ["a", "b"]

    def anything(info: fraiseql.Info) -> fraiseql.JSON:
        return {"a": [1, None]}

    def nothing(info: fraiseql.Info) -> dt.date | None:
        return None

    engine = engine_of(number, words, anything, nothing)

    with CaptureQueriesContext(connection) as captured:
        answer = data(engine, "{ number(a: 3) x: number(a: 3, b: 3) words anything nothing __typename }")

    assert len(captured) == 0
    assert answer == {
        "number": 6, "x": 9, "words": ["a", "b"], "anything": {"a": [1, None]}, "nothing": None, "__typename": "Query",
    }  # fmt: skip


def test_union_of_rows_and_objects(shop: Shop) -> None:
    def either(info: fraiseql.Info, book: bool) -> Book | Summary:
        return Book.objects.first() if book else Summary("s", 1, None, [])  # type: ignore[return-value]

    query = "query ($b: Boolean!) { either(book: $b) { __typename ... on Book { title } ... on Summary { count } } }"
    engine = engine_of(either)

    assert data(engine, query, {"b": True})["either"] == {"__typename": "Book", "title": "City"}
    assert data(engine, query, {"b": False})["either"] == {"__typename": "Summary", "count": 1}


# --- errors ---


def fails(info: fraiseql.Info, how: str) -> int | None:
    match how:
        case "user":
            raise fraiseql.UserError("No.", code="NO")
        case "missing":
            return Book.objects.get(pk=0).pk
        case "type":
            return "x"  # type: ignore[return-value]
        case "none":
            return None
    raise ValueError("secret")


@pytest.mark.parametrize(
    ("how", "message", "code"),
    [
        ("user", "No.", "NO"),
        ("missing", "Book matching query does not exist.", "NOT_FOUND"),
        ("type", "query fails returned a value that its type does not have.", "INVALID_VALUE"),
        ("else", "Something went wrong on the server.", "INTERNAL_SERVER_ERROR"),
    ],
)
def test_errors_cost_their_field(shop: Shop, how: str, message: str, code: str) -> None:
    answer = engine_of(fails, found).execute(f'{{ a: fails(how: "{how}") books(limit: 1) {{ title }} found {{ id }} }}')

    found_ = answer.json()
    assert found_["data"]["a"] is None
    assert found_["data"]["books"] == [{"title": "City"}]
    assert len(found_["data"]["found"]) == 3
    (error,) = found_["errors"]
    assert error["path"] == ["a"]
    assert error["locations"] == [{"line": 1, "column": 3}]
    assert error["message"].startswith(message)
    assert error["extensions"]["code"] == code
    assert "secret" not in str(found_)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda: None, "returned None, which its declaration does not allow"),
        (lambda: 5, "returned 5, which is no list"),
        (lambda: [Author()], "was returned, not a Book"),
        (lambda: [Book()], "which was not saved or was deleted"),
        (lambda: Author.objects.all(), "a QuerySet of Author was returned, not of Book"),
        (lambda: Book.objects.values("id"), "a QuerySet of values was returned, not of instances"),
        (lambda: Book.objects.using("other"), "a QuerySet over the database 'other' was returned"),
        (lambda: Book.objects.filter(nonsense=1), "Cannot resolve keyword"),
    ],
)
def test_results_that_are_not_what_is_declared(shop: Shop, settings: Any, result: Any, message: str) -> None:
    settings.DEBUG = True

    def chosen(info: fraiseql.Info) -> list[Book]:
        return result()  # type: ignore[no-any-return]

    answer = engine_of(chosen).execute("{ books { id } chosen { id } }").json()

    assert answer["data"] is None
    (error,) = answer["errors"]
    assert message in error["message"]
    assert error["path"] == ["chosen"]


@dataclass
class Measure:
    """What was measured."""

    size: int
    day: dt.date | None


@pytest.mark.parametrize(
    ("annotation", "selection", "value", "data_", "path"),
    [
        (int, "", 2**40, None, ["value"]),
        (float, "", float("inf"), None, ["value"]),
        (str, "", "\ud800", None, ["value"]),
        (dt.date, "", dt.datetime(2024, 5, 31), None, ["value"]),
        (list[int], "", [1, None], None, ["value", 1]),
        (list[int | None], "", [1, "x"], {"value": [1, None]}, ["value", 1]),
        (list[int] | None, "", [1, None], {"value": None}, ["value", 1]),
        (Measure, "{ size day }", Measure(1, "x"), {"value": {"size": 1, "day": None}}, ["value", "day"]),  # type: ignore[arg-type]
        (Measure | None, "{ size }", Measure("x", None), {"value": None}, ["value", "size"]),  # type: ignore[arg-type]
    ],
)
def test_values_of_another_type_are_errors_at_their_path(
    shop: Shop, annotation: Any, selection: str, value: Any, data_: Any, path: list[Any]
) -> None:
    def returns(info: fraiseql.Info) -> Any:
        return value

    returns.__annotations__["return"] = annotation
    answer = engine_of(returns, name="value").execute(f"{{ value {selection} }}").json()

    assert answer["data"] == data_
    ((error),) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (path, "INVALID_VALUE")


def test_text_of_a_client_that_is_none(shop: Shop) -> None:
    def echo(info: fraiseql.Info, text: str) -> str:
        return text

    (error,) = engine_of(echo).execute("query ($t: String!) { echo(text: $t) }", {"t": "\ud800"}).json()["errors"]

    assert error["extensions"]["code"] == "INVALID_VALUE"


def test_constraints_of_arguments(shop: Shop) -> None:
    def number(info: fraiseql.Info, a: Annotated[int, MinValueValidator(1)], of: Range | None = None) -> int:
        return a

    engine = engine_of(number)

    for given, message in (
        ("a: 0", "argument 'a' is 0: Ensure this value is greater than or equal to 1."),
        ('a: 1, of: {least: "-1"}', "Range.least is -1: Ensure this value is greater than or equal to 0."),
    ):
        (error,) = engine.execute(f"{{ number({given}) }}").errors
        assert error.message == message
        assert error.path == ["number"]
        assert error.locations
        assert error.extensions is not None
        assert error.extensions["code"] == "BAD_USER_INPUT"


def test_an_error_of_the_statement_costs_its_root_field(transactional_db: None) -> None:
    make_shop()

    def broken(info: fraiseql.Info) -> list[Book]:
        return Book.objects.annotate(no=Value(1) / (F("price") - F("price"))).filter(no__gt=1)  # type: ignore[return-value]

    registry = declare(broken, found, summary)
    engine = GraphQLEngine(registry=registry, cache=None)

    answer = engine.execute('{ broken { id } found { id } summary(title: "s") { books { title } } }').json()

    assert answer["data"] is None
    assert [error["path"] for error in answer["errors"]] == [["broken"]]


# --- caching ---


def test_answers_of_querysets_are_kept_and_dropped(transactional_db: None) -> None:
    shop = make_shop()
    engine = make_engine("locmem", registry=declare(found))
    query = "query ($t: String) { found(term: $t) { title reviews { stars } } }"

    first = data(engine, query, {"t": "Roc"})

    assert is_hit(engine, query, {"t": "Roc"})
    assert not is_hit(engine, query, {"t": "Cit"})
    shop.reviews[0].delete()
    assert data(engine, query, {"t": "Roc"}) != first


def test_python_data_is_never_kept(shop: Shop) -> None:
    values = iter(range(10))

    def number(info: fraiseql.Info) -> int:
        return next(values)

    engine = make_engine("locmem", registry=declare(number))

    assert [data(engine, "{ number }") for _ in range(3)] == [{"number": n} for n in range(3)]


def test_a_function_that_decides_otherwise_has_another_plan(shop: Shop) -> None:
    titles = iter(["City", None, "Planet"])

    def chosen(info: fraiseql.Info) -> list[Book]:
        title = next(titles)
        return Book.objects.order_by("title") if title is None else Book.objects.filter(title=title)  # type: ignore[return-value]

    engine = engine_of(chosen)

    answers = [[book["title"] for book in data(engine, "{ chosen { title } }")["chosen"]] for _ in range(3)]
    assert answers == [["City"], ["City", "Planet", "Rocannon"], ["Planet"]]


# --- info and declarations ---


def test_info(shop: Shop) -> None:
    def about(info: fraiseql.Info) -> list[str]:
        return [info.field_name, info.response_key, str(info.operation_name), str(info.context), str(info.user)]

    answer = engine_of(about).execute("query Named { x: about }", context={"a": 1}).json()

    assert answer == {"data": {"x": ["about", "x", "Named", "{'a': 1}", "None"]}}


def test_statements_of_functions_have_the_viewers_session_values(shop: Shop) -> None:
    def tenant(info: fraiseql.Info) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.tenant', true)")
            return str((cursor.fetchone() or [None])[0])

    settings = replace(get_settings(), session=SessionSettings(variables={"app.tenant": "tenant"}))
    engine = GraphQLEngine(registry=declare(tenant, found), cache=None, settings=settings)

    answers = [engine.execute("{ tenant found { id } }", context={"tenant": name}).json()["data"] for name in "ab"]

    assert [answer["tenant"] for answer in answers] == ["a", "b"]
    assert len(answers[0]["found"]) == 3


def test_description_deprecation_and_name(shop: Shop) -> None:
    registry = declare()
    fraiseql.query(registry=registry, name="search", deprecation="Use books.")(found)

    field: Any = build_schema(registry, get_settings()).graphql.query_type.fields["search"]  # type: ignore[union-attr]

    assert str(field.type) == "[Book!]!"
    assert (field.description, field.deprecation_reason) == ("Search.", "Use books.")
    assert {name: str(argument.type) for name, argument in field.args.items()} == {
        "term": "String", "least": "Decimal", "where": "BookWhere", "orderBy": "[BookOrderBy!]", "limit": "Int",
        "offset": "Int",
    }  # fmt: skip


def no_info() -> int:
    return 1


def no_return(info: fraiseql.Info):  # type: ignore[no-untyped-def]
    return 1


def no_annotation(info: fraiseql.Info, a) -> int:  # type: ignore[no-untyped-def]
    return 1


def with_limit(info: fraiseql.Info, limit: int) -> list[Book]:
    return []


def bare_queryset(info: fraiseql.Info) -> QuerySet:  # type: ignore[type-arg]
    return Book.objects.all()


def unknown(info: fraiseql.Info) -> object:
    return 1


def books(info: fraiseql.Info) -> int:
    return 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_info, "query no_info takes no parameter; its first one must be the Info"),
        (no_return, "query no_return has no return annotation"),
        (no_annotation, "query no_annotation: parameter 'a' has no annotation"),
        (with_limit, "query with_limit has an argument 'limit', which every list of rows has of its own"),
        (bare_queryset, "is a QuerySet, which does not tell Python of what"),
        (unknown, "query unknown: <class 'object'> is neither a declared type"),
        (books, "two root fields are called 'books': the root field of Book and books in tests.kinds"),
    ],
)
def test_declarations_that_are_refused(function: Any, message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        build_schema(declare(function), get_settings())

    assert message in str(raised.value)


def test_options_of_postgresql_functions_are_for_these() -> None:
    with pytest.raises(DeclarationError, match="which takes a function"):
        fraiseql.query(5)  # type: ignore[call-overload]
    with pytest.raises(DeclarationError, match="name it with function='…'"):
        fraiseql.query(volatile=True)(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": ""}, "function='' must be the name of a PostgreSQL function"),
        ({"function": 3}, "function=3 must be the name of a PostgreSQL function"),
        ({"function": "a.", "reads": ["b"]}, "function='a.' must be the name"),
        ({"function": "a", "context_params": 3}, "context_params=3 must be names of values of the context"),
        ({"function": "a", "context_params": {"b": 3}}, "must be names of values of the context"),
        ({"function": "a", "reads": [3]}, r"reads=\[3\] must be a list of tables"),
        ({"function": "a", "reads": "b"}, "reads='b' must be a list of tables"),
        ({"name": 3}, "name=3 must be a text"),
        ({"description": 3}, "description=3 must be a text"),
    ],
)
def test_options_of_queries_that_are_refused(options: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        fraiseql.query(registry=Registry(), **options)(no_info)


@pytest.mark.parametrize(
    ("annotation", "default", "message"),
    [
        (Annotated[int, MinValueValidator(5)], 3, "the default of 'x' is 3: argument 'x' is 3"),
        (dt.date, "nope", "the default of 'x' is 'nope': Date cannot represent 'nope'"),
        (dt.date, "2024-05-31", "it is a str, not a date"),
        (int, "x", "the default of 'x' is 'x': Int cannot represent"),
        (list[int], 1, "it is no list"),
        (list[int], [None], "the default of 'x' is"),
    ],
)
def test_defaults_that_are_refused(annotation: Any, default: Any, message: str) -> None:
    def number(info: fraiseql.Info, x: Any = default) -> int:
        return 1

    number.__annotations__["x"] = annotation

    with pytest.raises(DeclarationError) as raised:
        build_schema(declare(number), get_settings())

    assert message in str(raised.value)


def test_argument_is_given_by_the_client_or_by_the_context() -> None:
    def number(x: int) -> int:
        return 1

    with pytest.raises(DeclarationError, match="passes x from the context, so it must not be a parameter too"):
        build_schema(declare(number, function="f", context_params={"user_id": "x"}), get_settings())


# --- PostgreSQL ---

SQL = """
CREATE FUNCTION search_books(term varchar, above numeric DEFAULT 0) RETURNS SETOF bookshop_book STABLE LANGUAGE sql AS
$$ SELECT * FROM bookshop_book WHERE title ILIKE '%' || term || '%' AND price >= above ORDER BY price DESC $$;
CREATE FUNCTION dearest_book(below numeric DEFAULT NULL) RETURNS bookshop_book STABLE LANGUAGE sql AS
$$ SELECT * FROM bookshop_book WHERE below IS NULL OR price < below ORDER BY price DESC LIMIT 1 $$;
CREATE FUNCTION count_books(tenant text DEFAULT NULL) RETURNS bigint STABLE LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT count(*) FROM bookshop_book) + coalesce(length(tenant), 0); END $$;
CREATE FUNCTION titles() RETURNS SETOF text STABLE LANGUAGE sql AS $$ SELECT title FROM bookshop_book ORDER BY 1 $$;
CREATE FUNCTION prices() RETURNS numeric[] STABLE LANGUAGE sql AS
$$ SELECT array_agg(price ORDER BY price) FROM bookshop_book $$;
CREATE FUNCTION report(given jsonb DEFAULT '{}') RETURNS jsonb STABLE LANGUAGE sql AS
$$ SELECT jsonb_build_object('title', 'all', 'count', count(*), 'given', given) FROM bookshop_book $$;
CREATE FUNCTION reports() RETURNS TABLE(title text, count bigint) STABLE LANGUAGE sql AS
$$ SELECT title::text, 1::bigint FROM bookshop_book ORDER BY title $$;
CREATE FUNCTION ticking() RETURNS int VOLATILE LANGUAGE sql AS $$ SELECT 1 $$;
"""
DROP = """
DROP FUNCTION search_books, dearest_book, count_books, titles, prices, report, reports, ticking;
"""


@pytest.fixture
def functions(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL)


@fraiseql.type
class Report:
    """What there is."""

    title: str
    count: int
    given: fraiseql.JSON | None = None


def search_books(term: str, above: Decimal = Decimal(0)) -> list[Book]: ...  # type: ignore[empty-body]
def dearest_book(below: Decimal | None = None) -> Book | None: ...
def count_books() -> fraiseql.BigInt: ...  # type: ignore[empty-body]
def titles() -> list[str]: ...  # type: ignore[empty-body]
def prices() -> list[Decimal]: ...  # type: ignore[empty-body]
def report(given: Range | None = None) -> Report: ...  # type: ignore[empty-body]
def reports() -> list[Report]: ...  # type: ignore[empty-body]
def ticking() -> int: ...  # type: ignore[empty-body]


def database(*stubs: Any, **options: Any) -> Registry:
    registry = declare(rows=options.pop("rows", None))
    for stub in stubs:
        fraiseql.query(function=stub.__name__, registry=registry, **options)(stub)
    return registry


def test_rows_of_a_function(functions: None) -> None:
    engine = GraphQLEngine(registry=database(search_books), cache=None)
    query = """query ($t: String!, $l: Decimal) {
        a: searchBooks(term: $t, above: $l) { title publisher { name } reviews { stars } }
        b: searchBooks(term: $t, orderBy: {title: ASC}, where: {price: {lt: "12"}}, limit: 1) { title }
        c: searchBooks(term: "o", limit: 1, offset: 1) { title }
        books(limit: 1) { title }
    }"""
    forget_definitions()

    with CaptureQueriesContext(connection) as captured:
        answers = [data(engine, query, {"t": term, "l": "11"}) for term in ("", "C")]

    assert len(captured) == 2
    assert engine.statistics().plans.misses == 1
    assert [book["title"] for book in answers[0]["a"]] == ["City", "Planet"]
    assert answers[0]["b"] == [{"title": "Planet"}]
    assert answers[0]["c"] == []
    assert answers[1]["a"] == [{"title": "City", "publisher": {"name": "Ace"}, "reviews": []}]
    assert answers[1]["b"] == [{"title": "Rocannon"}]


def test_one_row_of_a_function(functions: None) -> None:
    engine = GraphQLEngine(registry=database(dearest_book), cache=None)

    answer = data(engine, '{ a: dearestBook { title } b: dearestBook(below: "12") { title reviews { stars } } '
                          'c: dearestBook(below: "0") { title } }')  # fmt: skip

    assert answer == {"a": {"title": "City"}, "b": {"title": "Planet", "reviews": []}, "c": None}


def test_values_and_objects_of_functions(functions: None) -> None:
    engine = GraphQLEngine(registry=database(count_books, titles, prices, report, reports), cache=None)

    with CaptureQueriesContext(connection) as captured:
        answer = data(
            engine,
            '{ countBooks titles prices a: report { title count } b: report(given: {least: "1.50"}) { given } '
            "reports { count title } }",
        )

    assert len(captured) == 1
    assert answer == {
        "countBooks": "3",
        "titles": ["City", "Planet", "Rocannon"],
        "prices": ["10.00", "11.00", "12.00"],
        "a": {"title": "all", "count": 3},
        "b": {"given": {"least": "1.50", "most": None}},
        "reports": [{"count": 1, "title": title} for title in ("City", "Planet", "Rocannon")],
    }


def test_row_rule_holds_for_rows_of_functions(functions: None) -> None:
    registry = database(search_books, dearest_book, rows=lambda viewer: ~Q(title="City"))

    answer = data(
        GraphQLEngine(registry=registry, cache=None), '{ searchBooks(term: "") { title } dearestBook { title } }'
    )

    assert answer == {"searchBooks": [{"title": "Planet"}, {"title": "Rocannon"}], "dearestBook": None}


def test_context_params(functions: None) -> None:
    registry = database(count_books, context_params={"tenant_name": "tenant"})
    engine = GraphQLEngine(registry=registry, cache=None)

    answers = [engine.execute("{ countBooks }", context={"tenant_name": name}).json() for name in ("ab", "abc")]

    assert answers == [{"data": {"countBooks": "5"}}, {"data": {"countBooks": "6"}}]
    assert engine.execute("{ countBooks }").json()["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_volatile_functions(functions: None, settings: Any) -> None:
    settings.DEBUG = True
    refused = GraphQLEngine(registry=database(ticking), cache=None).execute("{ ticking }")
    assert "is volatile; create it as STABLE" in refused.errors[0].message

    engine = make_engine("locmem", registry=database(ticking, volatile=True))
    data(engine, "{ ticking }")
    assert not is_hit(engine, "{ ticking }")


def test_answers_of_functions_are_kept_and_dropped_by_what_they_read(transactional_db: None) -> None:
    make_shop()
    with connection.cursor() as cursor:
        cursor.execute(SQL)
    try:
        engine = make_engine("locmem", registry=database(count_books, search_books))
        for query, before in (
            ("{ countBooks }", {"countBooks": "3"}),
            ('{ searchBooks(term: "Cit") { title } }', {"searchBooks": [{"title": "City"}]}),
        ):
            assert data(engine, query) == before
            assert is_hit(engine, query)
        Book.objects.filter(title="City").delete()
        assert data(engine, "{ countBooks }") == {"countBooks": "2"}
        assert data(engine, '{ searchBooks(term: "Cit") { title } }') == {"searchBooks": []}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(DROP)
