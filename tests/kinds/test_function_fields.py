"""Fields that functions compute: expressions with arguments, PostgreSQL functions of a row, functions in Python."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any

import pytest
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection
from django.db.models import Count, F, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat, Left
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import build_schema
from tests.support import Shop, data, is_hit, make_engine, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


def engine_of(registry: Registry, **options: Any) -> GraphQLEngine:
    return GraphQLEngine(registry=registry, cache=None, **options)


def book_type(**members: Any) -> Registry:
    """Declare a type of books with these members, and those that lead to it."""
    registry = Registry()
    annotations = members.pop("annotations", {})
    body = {"__annotations__": {"id": fraiseql.auto, "title": fraiseql.auto, "price": fraiseql.auto, **annotations}}
    fraiseql.type(Book, registry=registry)(type("BookType", (), {**body, **members}))
    fraiseql.type(Author, fields=["id", "name", "books"], registry=registry)(type("AuthorType", (), {}))
    fraiseql.type(Review, fields=["id", "stars", "book"], registry=registry)(type("ReviewType", (), {}))
    return registry


def problem(registry: Registry) -> str:
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    return str(raised.value)


# --- expressions with arguments ---


def discounted(
    percent: Annotated[int, MinValueValidator(0), MaxValueValidator(100)], less: Decimal = Decimal(0)
) -> Decimal:
    """What it costs at a discount."""
    return F("price") * (100 - percent) / 100 - less  # type: ignore[no-any-return,operator]


def test_expression_of_arguments(shop: Shop) -> None:
    engine = engine_of(book_type(discounted=fraiseql.field(discounted)))

    found = data(
        engine,
        "query ($p: Int!, $l: Decimal) { books { a: discounted(percent: 50) b: discounted(percent: $p, less: $l) } }",
        {"p": 10, "l": "1.5"},
    )

    assert [{name: Decimal(value) for name, value in book.items()} for book in found["books"]] == [
        {"a": book.price * 50 / 100, "b": book.price * 90 / 100 - Decimal("1.5")}
        for book in Book.objects.order_by("title")
    ]
    field: Any = engine.schema.graphql.type_map["Book"].fields["discounted"]  # type: ignore[union-attr]
    assert str(field.type) == "Decimal!"
    assert field.description == "What it costs at a discount."
    assert {name: str(argument.type) for name, argument in field.args.items()} == {"percent": "Int!", "less": "Decimal"}


def test_one_plan_and_one_statement_for_all_values(shop: Shop) -> None:
    engine = engine_of(book_type(discounted=fraiseql.field(discounted)))
    query = "query ($p: Int!) { books { a: discounted(percent: $p) } reviews { book { discounted(percent: $p) } } }"

    with CaptureQueriesContext(connection) as captured:
        answers = [data(engine, query, {"p": percent}) for percent in (10, 20, 30)]

    assert len(captured) == 3
    assert answers[0] != answers[1] != answers[2]
    assert engine.statistics().plans.misses == 1
    assert len({engine.explain(query, {"p": percent}).sql for percent in (10, 99)}) == 1


def test_lambda_with_annotations_of_arguments(shop: Shop) -> None:
    registry = book_type(
        beginning=fraiseql.field(lambda length: Left("title", length), arguments={"length": int}),
        annotations={"beginning": str},
    )

    found = data(engine_of(registry), "{ books { beginning(length: 3) } }")

    assert found == {"books": [{"beginning": title[:3]} for title in ("City", "Planet", "Rocannon")]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("percent: -1", "percent: argument 'percent' is -1: Ensure this value is greater than or equal to 0."),
        ("percent: 101", "percent: argument 'percent' is 101: Ensure this value is less than or equal to 100."),
        ("percent: 1, less: null", "argument 'less' may be left out, but not null"),
        ("percent: null", "Expected value of "),
        ('percent: "1"', 'Int cannot represent non-integer value: "1"'),
        ("", "of type 'Int!' is required, but it was not provided."),
    ],
)
def test_arguments_that_are_not_allowed(shop: Shop, arguments: str, message: str) -> None:
    engine = engine_of(book_type(discounted=fraiseql.field(discounted)))

    (error,) = engine.execute(f"{{ books {{ discounted{f'({arguments})' if arguments else ''} }} }}").errors

    assert message in error.message
    assert error.locations


def test_field_whose_arguments_are_optional_is_filtered_and_sorted_by(shop: Shop) -> None:
    def marked(mark: str = "!", *, times: int = 1) -> str:
        return Concat("title", mark)  # type: ignore[return-value]

    engine = engine_of(book_type(marked=fraiseql.field(marked), discounted=fraiseql.field(discounted)))

    found = data(
        engine, '{ books(where: {marked: {eq: "City!"}}, orderBy: {marked: DESC}) { marked x: marked(mark: "?") } }'
    )

    assert found == {"books": [{"marked": "City!", "x": "City?"}]}
    where: Any = engine.schema.graphql.type_map["BookWhere"]
    assert "marked" in where.fields
    assert "discounted" not in where.fields


class Mark(Enum):
    """How it ends."""

    LOUD = "!"


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (str, "isbn", "City/isbn"),
        (str, " ", "City/ "),
        (str, "it's 5%", "City/it's 5%"),
        (str | None, None, "City/none"),
        (str, None, "City/none"),
        (Mark, Mark.LOUD, "City/!"),
        (Decimal, Decimal("1.50"), "City/1.50"),
        (str, F("isbn"), "City/9780000000002"),
    ],
)
def test_default_of_an_argument_is_a_value_as_one_that_is_given(
    shop: Shop, annotation: Any, default: Any, expected: str
) -> None:
    def marked(mark: Any = default) -> str:
        text = Coalesce(Cast(mark, TextField()), Value("none"), output_field=TextField())
        return Concat("title", Value("/"), text, output_field=TextField())  # type: ignore[return-value]

    engine = engine_of(book_type(marked=fraiseql.field(marked, arguments={"mark": annotation})))
    query = 'query ($m: %s) { books(where: {title: {eq: "City"}}) { a: marked b: marked(mark: $m) } }'
    type_ = {Mark: "Mark", Decimal: "Decimal"}.get(annotation, "String")

    assert data(engine, query % type_) == {"books": [{"a": expected, "b": expected}]}
    assert data(engine, f'{{ books(where: {{marked: {{eq: "{expected}"}}}}) {{ title }} }}') == {
        "books": [{"title": "City"}]
    }


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (lambda percent: F("price") if percent else F("id"), "decided by the value of the argument 'percent'"),
        (lambda percent: F("price") if percent == 5 else F("id"), "decided by the value of the argument 'percent'"),
        (lambda percent: F("price") if percent > 5 else F("id"), "decided by the value of the argument 'percent'"),
        (lambda percent: 5, "the function returned 5, must be an expression of Django's"),
        (lambda percent: F("prize"), "the expression does not fit Book"),
        (lambda: F("price"), "the function has no parameters percent"),
        (lambda percent: F("reviews__stars") + percent, "reads many rows of Review"),
    ],
)
def test_functions_that_make_no_expression(declared: Any, message: str) -> None:
    registry = book_type(less=fraiseql.field(declared, arguments={"percent": int}), annotations={"less": Decimal})

    assert message in problem(registry)


# --- PostgreSQL functions of a row ---


@pytest.fixture
def functions(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION book_label(bookshop_book, mark text DEFAULT '!') RETURNS text STABLE LANGUAGE sql "
            "AS $$ SELECT $1.title || mark || (SELECT count(*) FROM bookshop_review WHERE book_id = $1.id) $$"
        )


def test_function_of_a_row(shop: Shop, functions: None) -> None:
    registry = book_type(label=fraiseql.field(function="book_label"), annotations={"label": str})

    found = data(
        engine_of(registry),
        '{ books(where: {label: {startswith: "R"}}, orderBy: {label: DESC}) { label } reviews { book { label } } '
        "authors { books { label } } }",
    )

    assert found["books"] == [{"label": "Rocannon!2"}]
    assert found["reviews"] == [{"book": {"label": "Rocannon!2"}}] * 2
    assert {book["label"] for book in found["authors"][1]["books"]} == {"City!0", "Planet!0", "Rocannon!2"}


def test_function_of_a_row_with_arguments(shop: Shop, functions: None) -> None:
    registry = book_type(
        label=fraiseql.field(function="public.book_label", arguments={"mark": str}), annotations={"label": str}
    )

    query = "query ($m: String!) { books { label(mark: $m) } }"
    assert [data(engine_of(registry), query, {"m": mark})["books"][0] for mark in "?'"] == [
        {"label": "City?0"},
        {"label": "City'0"},
    ]


def test_answers_of_functions_are_dropped_with_what_they_read(transactional_db: None) -> None:
    shop = make_shop()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION book_label(bookshop_book) RETURNS text STABLE LANGUAGE sql "
            "AS $$ SELECT $1.title || (SELECT count(*) FROM bookshop_review WHERE book_id = $1.id) $$"
        )
    registry = book_type(label=fraiseql.field(function="book_label"), annotations={"label": str})
    engine = make_engine("locmem", registry=registry)
    try:
        assert data(engine, "{ books { label } }")["books"][2] == {"label": "Rocannon2"}
        assert is_hit(engine, "{ books { label } }")
        shop.reviews[0].delete()
        assert data(engine, "{ books { label } }")["books"][2] == {"label": "Rocannon1"}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION book_label(bookshop_book)")


# --- Python ---


calls: list[int] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


def each(self: Any, mark: str = "!") -> str:
    """Say it."""
    calls.append(1)
    return f"{self.title}{mark}{self.price}"


async def each_async(self: Any, mark: str = "!") -> str:
    calls.append(1)
    return f"{self.title}{mark}{self.price}"


def all_rows(rows: list[Any], mark: str = "!") -> list[str]:
    calls.append(len(rows))
    return [f"{row.title}{mark}{row.price}" for row in rows]


async def all_rows_async(rows: Sequence[Any], mark: str = "!") -> list[str]:
    calls.append(len(rows))
    return [f"{row.title}{mark}{row.price}" for row in rows]


@pytest.mark.parametrize("function", [each, each_async, all_rows, all_rows_async])
def test_function_of_rows(shop: Shop, function: Callable[..., Any]) -> None:
    engine = engine_of(book_type(said=fraiseql.field(requires=["title", "price"])(function)))
    query = (
        "query ($m: String) { books { said q: said(mark: $m) } reviews { book { said } } authors { books { said } } }"
    )

    with CaptureQueriesContext(connection) as captured:
        found = data(engine, query, {"m": "?"})

    assert len(captured) == 1
    assert found["books"] == [
        {"said": f"{title}!{price}.00", "q": f"{title}?{price}.00"}
        for title, price in (("City", 12), ("Planet", 11), ("Rocannon", 10))
    ]
    assert found["reviews"] == [{"book": {"said": "Rocannon!10.00"}}] * 2
    assert len(found["authors"][1]["books"]) == 3
    if "rows" in function.__name__:
        # one call for all rows of the answer with the same arguments
        assert sorted(calls) == [3, 8]


def test_costs_nothing_where_it_is_not_selected(shop: Shop) -> None:
    engine = engine_of(book_type(said=fraiseql.field(requires=["title", "price"])(all_rows)))

    data(engine, "{ books { id } }")

    assert calls == []
    assert "json_build_array" not in engine.explain("{ books { id } }").sql


def test_is_computed_anew_from_a_kept_answer(shop: Shop) -> None:
    engine = make_engine("locmem", registry=book_type(said=fraiseql.field(requires=["title", "price"])(all_rows)))
    query = "query ($m: String) { books { said(mark: $m) } }"

    data(engine, query, {"m": "."})
    assert data(engine, query, {"m": ","})["books"][0] == {"said": "City,12.00"}
    assert len(calls) == 2


class Shout:
    """What a model may have."""

    @property
    def shout(self) -> str:
        return self.title.upper()  # type: ignore[attr-defined,no-any-return]

    def year(self) -> int | None:
        return self.published.year if self.published else None  # type: ignore[attr-defined]


def test_property_and_method_of_the_model(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Book, "shout", Shout.shout, raising=False)
    monkeypatch.setattr(Book, "year", Shout.year, raising=False)
    registry = book_type(
        shout=fraiseql.field(requires=["title"]),
        year=fraiseql.field(requires=["published"]),
        annotations={"shout": str, "year": int | None},
    )

    found = data(engine_of(registry), "{ books(limit: 1) { shout year } }")

    assert found == {"books": [{"shout": "CITY", "year": None}]}


def test_values_are_those_that_an_instance_has(bookshop: Any) -> None:
    names = [field.attname for field in Book._meta.concrete_fields]
    seen: dict[Any, Any] = {}

    def look(rows: list[Any]) -> list[bool]:
        seen.update({row.pk: {name: getattr(row, name) for name in names} for row in rows})
        return [True] * len(rows)

    data(engine_of(book_type(looked=fraiseql.field(requires=names)(look))), "{ books { looked } }")

    assert seen == {book.pk: {name: getattr(book, name) for name in names} for book in Book.objects.all()}


def test_requires_a_computed_field(shop: Shop) -> None:
    def stars(self: Any) -> str:
        return "*" * self.review_count

    registry = book_type(
        review_count=fraiseql.field(Count("reviews")),
        stars=fraiseql.field(requires=["review_count"])(stars),
        annotations={"review_count": int},
    )

    assert data(engine_of(registry), "{ books { stars } }")["books"] == [{"stars": ""}, {"stars": ""}, {"stars": "**"}]


def broken(self: Any) -> int:
    match self.title:
        case "City":
            return "a"  # type: ignore[return-value]
        case "Planet":
            raise fraiseql.UserError("Not this one.", code="NOPE")
    return None  # type: ignore[return-value]


def test_wrong_values_and_exceptions_are_field_errors(shop: Shop) -> None:
    engine = engine_of(book_type(number=fraiseql.field(requires=["title"])(broken)))

    found = engine.execute("{ books { id } authors { books(orderBy: {title: ASC}) { number } } }").json()

    assert found["data"] is None
    errors = {tuple(error["path"]): (error["message"], error["extensions"]["code"]) for error in found["errors"]}
    assert errors[("authors", 1, "books", 0, "number")] == (
        "Book.number has a value that its type does not have.",
        "INVALID_VALUE",
    )


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (dt.date, "foo"),
        (dt.date, 3),
        (dt.date, dt.datetime(2024, 5, 31)),
        (dt.datetime, dt.date(2024, 5, 31)),
        (dt.time, "x"),
        (dt.timedelta, "x"),
        (Decimal, "abc"),
        (Decimal, Decimal("NaN")),
        (fraiseql.BigInt, "x"),
        (fraiseql.BigInt, 2**63),
        (fraiseql.BigInt, True),
        (uuid.UUID, "x"),
        (bytes, 3),
        (str, "\ud800"),
        (fraiseql.JSON, {"a": float("inf")}),
        (fraiseql.JSON, {"a": {1}}),
        (list[dt.date], [dt.date(2024, 5, 31), "foo"]),
    ],
)
def test_values_of_another_type(shop: Shop, annotation: Any, value: Any) -> None:
    def valued(self: Any) -> Any:
        return value

    registry = book_type(value=fraiseql.field(requires=["title"])(valued), annotations={"value": annotation | None})

    answer = engine_of(registry).execute("{ books(limit: 1) { value title } }").json()

    assert answer["data"] == {"books": [{"value": None, "title": "City"}]}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["books", 0, "value"], "INVALID_VALUE")


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (dt.date, "2024-05-31", "2024-05-31"),
        (dt.timedelta, dt.timedelta(days=1), "P1DT00H00M00S"),
        (Decimal, Decimal("1.50"), "1.50"),
        (Decimal, 1.1, "1.1"),
        (fraiseql.BigInt, Decimal(7), "7"),
        (uuid.UUID, uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (bytes, b"\xff", "/w=="),
        (list[Decimal], (Decimal(1), 2), ["1", "2"]),
    ],
)
def test_values_of_their_type(shop: Shop, annotation: Any, value: Any, expected: Any) -> None:
    def valued(self: Any) -> Any:
        return value

    registry = book_type(value=fraiseql.field(requires=["title"])(valued), annotations={"value": annotation})

    assert data(engine_of(registry), "{ books(limit: 1) { value } }") == {"books": [{"value": expected}]}


def test_requires_the_column_that_has_its_name(shop: Shop) -> None:
    def title(self: Any) -> str:
        return self.title.upper()  # type: ignore[no-any-return]

    registry = book_type(title=fraiseql.field(requires=["title"])(title), annotations={"title": str})

    assert data(engine_of(registry), "{ books(limit: 1) { title } }") == {"books": [{"title": "CITY"}]}


def test_fields_that_require_each_other_are_refused() -> None:
    registry = book_type(one=fraiseql.field(requires=["two"])(each), two=fraiseql.field(requires=["one"])(each))

    @fraiseql.type(sql_source="bookshop_publisher", registry=registry)
    class House:
        id: fraiseql.ID
        name: str = fraiseql.field(requires=["name"])

    found = problem(registry)

    assert "Book.one requires 'two', which is no column of Book, nor a computed field without arguments" in found
    assert "Book.two requires 'one'" in found
    assert "House.name requires 'name', which is no value that House has" in found


@pytest.mark.parametrize("values", [{1: 2, 2: 3, 3: 4}, {1, 2, 3}, "abc", None])
def test_values_of_all_rows_are_a_list(shop: Shop, settings: Any, values: Any) -> None:
    settings.DEBUG = True

    def said(rows: list[Book]) -> list[str]:
        return values  # type: ignore[no-any-return]

    (error, *_) = (
        engine_of(book_type(said=fraiseql.field(requires=["title"])(said))).execute("{ books { said } }").errors
    )

    assert f"Book.said returned a {type(values).__name__}, must be a list or a tuple" in error.message


def test_each_failing_row_has_its_error(shop: Shop) -> None:
    def nullable(self: Any) -> int | None:
        return broken(self)

    engine = engine_of(book_type(number=fraiseql.field(requires=["title"])(nullable)))

    found = engine.execute("{ books { number title } }").json()

    assert found["data"] == {"books": [{"number": None, "title": title} for title in ("City", "Planet", "Rocannon")]}
    assert [(error["path"], error["message"], error["extensions"]["code"]) for error in found["errors"]] == [
        (["books", 0, "number"], "Book.number has a value that its type does not have.", "INVALID_VALUE"),
        (["books", 1, "number"], "Not this one.", "NOPE"),
    ]


def test_unexpected_exceptions_are_masked(shop: Shop) -> None:
    def fails(rows: list[Any]) -> list[str | None]:
        raise ValueError("secret")

    engine = engine_of(book_type(said=fraiseql.field(requires=["title"])(fails)))

    found = engine.execute("{ books { id said } }").json()

    assert [book["said"] for book in found["data"]["books"]] == [None] * 3
    assert len(found["errors"]) == 3
    assert len({error["message"] for error in found["errors"]}) == 1
    assert "secret" not in str(found)
    assert found["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_wrong_number_of_values(shop: Shop, settings: Any) -> None:
    settings.DEBUG = True

    def fails(rows: list[Any]) -> list[str | None]:
        return []

    engine = engine_of(book_type(said=fraiseql.field(requires=["title"])(fails)))

    assert "Book.said returned 0 values for 3 rows" in str(engine.execute("{ books { said } }").json())


@pytest.mark.parametrize("reads", ["price", "publisher", "reviews", "category_id"])
def test_what_is_not_required_is_not_read(shop: Shop, settings: Any, reads: str) -> None:
    settings.DEBUG = True

    def look(self: Any) -> str | None:
        found = getattr(self, reads)
        return str(list(found.all()) if reads == "reviews" else found)

    engine = engine_of(book_type(looked=fraiseql.field(requires=["id"])(look)))

    with CaptureQueriesContext(connection) as captured:
        (first, *_) = engine.execute("{ books { looked } }").errors

    assert len(captured) == 1
    assert "requires=[…]" in first.message


def test_permission_and_mask(shop: Shop) -> None:
    declared = fraiseql.field(requires=["title"], permission=fraiseql.requires_auth)(each)
    masked = fraiseql.field(requires=["title", "price"], permission=fraiseql.requires_auth, mask=True)(each)
    engine = engine_of(book_type(said=declared, masked=masked))

    (error,) = engine.execute("{ books { said } }").errors
    assert error.extensions is not None
    assert error.extensions["code"] == "UNAUTHENTICATED"
    assert data(engine, "{ books(limit: 1) { masked } }") == {"books": [{"masked": None}]}
    assert calls == []


def test_reads_columns_that_the_viewer_may_not_see(shop: Shop) -> None:
    registry = Registry()

    @fraiseql.type(Book, registry=registry)
    class BookType:
        id: fraiseql.auto
        price: fraiseql.auto = fraiseql.field(permission=fraiseql.requires_auth)

        @fraiseql.field(requires=["price"])
        def is_dear(self) -> bool:
            return self.price > 11  # type: ignore[no-any-return,attr-defined]

    assert data(engine_of(registry), "{ books { isDear } }")["books"] == [{"isDear": True}] + [{"isDear": False}] * 2


def test_costs_as_declared(shop: Shop) -> None:
    registry = book_type(said=fraiseql.field(requires=["title"], cost=10)(each))
    engine = engine_of(registry)

    assert engine.explain("{ books(limit: 2) { said } }").complexity == 1 + 2 * 10


def test_function_of_a_source_and_of_rows_in_mutations(shop: Shop) -> None:
    registry = book_type(said=fraiseql.field(requires=["title", "price"])(all_rows))

    @fraiseql.type(sql_source="bookshop_publisher", registry=registry)
    class House:
        id: fraiseql.ID
        name: str

        @fraiseql.field(requires=["id", "name"])
        def both(self) -> str:
            return f"{self.id} {self.name}"

    def touch(info: fraiseql.Info) -> list[Book]:
        return list(Book.objects.order_by("title"))

    fraiseql.mutation(registry=registry)(touch)
    engine = engine_of(registry)

    assert data(engine, "{ houses { both } }") == {"houses": [{"both": f"{shop.publisher.pk} Ace"}]}
    assert data(engine, "mutation { touch { said } }")["touch"][0] == {"said": "City!12.00"}
    assert calls == [3]


@pytest.mark.parametrize(
    ("declared", "annotations", "message"),
    [
        (lambda: fraiseql.field(requires=["titel"])(each), {}, "Book.said requires 'titel', which is no column of"),
        (lambda: fraiseql.field(requires=["said"])(each), {}, "Book.said requires 'said', which is no column of"),
        (lambda: fraiseql.field(requires=["title"]), {"said": str}, "Book.said requires columns, but Book has no"),
        (lambda: fraiseql.field(requires=["title"])(lambda self: ""), {}, "Book.said has no annotation"),
        (lambda: fraiseql.field(requires=["title"])(lambda: ""), {"said": str}, "Book.said takes no parameter"),
        (lambda: fraiseql.field(requires="title"), {"said": str}, "field(requires='title') must be a list of names"),
        (lambda: fraiseql.field(each), {}, "each is a method under @fraiseql.field that does not say"),
        (lambda: fraiseql.field(property(each)), {}, "a property is under @fraiseql.field"),
        (lambda: fraiseql.field(F("id"), requires=["title"]), {"said": str}, "is given an expression and requires"),
        (lambda: fraiseql.field(function=""), {"said": str}, "field(function='') must be the name"),
        (lambda: fraiseql.field(arguments={"a": int}), {"said": str}, "field(arguments=…) goes with a function"),
        (lambda: fraiseql.field(reads=["a"]), {"said": str}, "field(reads=['a']) must be a list of tables"),
    ],
)  # fmt: skip
def test_declarations_that_are_refused(
    monkeypatch: pytest.MonkeyPatch, declared: Any, annotations: Any, message: str
) -> None:
    with pytest.raises(DeclarationError) as raised:
        build_schema(book_type(said=declared(), annotations=annotations), get_settings())

    assert message in str(raised.value)
