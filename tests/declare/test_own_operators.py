"""Operators that a project declares: typed, in the schema where they can be executed, costed, refused with a reason."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Value
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from graphql import GraphQLInputObjectType, print_type

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Review
from example_project.bookshop.seed import Sizes
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.schema.build import build_schema
from tests.support import data, make_shop, refused

pytestmark = pytest.mark.django_db


def registry() -> Registry:
    found = Registry()

    @fraiseql.operator(strict=True, registry=found)
    def has_words(column: str, value: int) -> str:
        """Has so many words."""
        return "array_length(regexp_split_to_array({column}, ' +'), 1) = {value}"

    @fraiseql.operator(registry=found)
    def longer(column: str, value: int) -> Any:
        return GreaterThan(Length(column), value)

    @fraiseql.operator(name="near", for_="Decimal", cost=50, registry=found)
    def is_near(column: Any, to: float, by: float = 1.0) -> str:
        """Is near a number."""
        return "abs({column} - {to}) <= " + ("{by}" if not isinstance(by, float) else "1.0")

    @fraiseql.operator(registry=found)
    def ends(column: str, value: list[str]) -> str:
        return "right({column}, 1) = ANY({value})"

    @fraiseql.operator(registry=found)
    def percent(column: int, value: int) -> str:
        return "{column} % {value} = 0"

    @fraiseql.operator(registry=found)
    def spans(column: str, low: int, high: int = 6, over: int | None = None) -> str:
        """Has a length in between."""
        return "length({column}) BETWEEN {low} AND {high} AND length({column}) > coalesce({over}, 0)"

    @fraiseql.operator(extension="no_such_extension", registry=found)
    def soundslike(column: str, value: str) -> str:
        return "no_such_function({column}) = no_such_function({value})"

    fraiseql.type(Book, fields=["id", "title", "price", "reviews"], registry=found)(type("Book", (), {}))
    fraiseql.type(Review, fields=["id", "stars", "headline"], registry=found)(type("Review", (), {}))
    return found


def keys(engine: GraphQLEngine, where: str) -> set[str]:
    return {row["id"] for row in data(engine, f"{{ books(where: {where}) {{ id }} }}")["books"]}


def expected(condition: Any) -> set[str]:
    return {str(book.pk) for book in Book.objects.all() if condition(book)}


def engine_with(**settings: Any) -> GraphQLEngine:
    return GraphQLEngine(registry=registry(), settings=replace(get_settings(), **settings), cache=None)


def filter_of(engine: GraphQLEngine, name: str) -> GraphQLInputObjectType:
    found = engine.schema.graphql.type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def test_they_are_in_the_schema_where_they_can_be_executed() -> None:
    engine = engine_with()
    texts, numbers = filter_of(engine, "StringFilter"), filter_of(engine, "IntFilter")

    assert str(texts.fields["hasWords"].type) == "Int"
    assert texts.fields["hasWords"].description == "Has so many words."
    assert str(texts.fields["ends"].type) == "[String!]"
    assert "hasWords" not in numbers.fields
    assert "percent" in numbers.fields
    near: Any = filter_of(engine, "DecimalFilter").fields["near"].type
    assert {name: str(field.type) for name, field in near.fields.items()} == {"to": "Float!", "by": "Float"}
    assert "soundslike" not in texts.fields
    assert "soundslike" in filter_of(engine_with(extensions=("no_such_extension",)), "StringFilter").fields


def test_they_are_executed(bookshop: Sizes) -> None:
    engine = engine_with()

    assert keys(engine, "{title: {hasWords: 3}}") == expected(lambda book: len(book.title.split(" ")) == 3) != set()
    assert keys(engine, "{title: {longer: 20}}") == expected(lambda book: len(book.title) > 20) != set()
    assert keys(engine, '{title: {ends: ["s", "t"]}}') == expected(lambda book: book.title[-1] in "st") != set()
    assert keys(engine, "{price: {near: {to: 20, by: 5}}}") == expected(lambda book: abs(book.price - 20) <= 5)
    assert keys(engine, "{price: {near: {to: 20}}}") == expected(lambda book: abs(book.price - 20) <= 1)
    assert keys(engine, "{title: {not: {longer: 20}}}") == expected(lambda book: len(book.title) <= 20)
    assert keys(engine, "{reviews: {some: {stars: {percent: 5}}}}") == expected(
        lambda book: any(review.stars % 5 == 0 for review in book.reviews.all())
    )
    assert keys(engine, "{title: {length: {percent: 2}}}") == expected(lambda book: len(book.title) % 2 == 0)


def test_values_are_bound() -> None:
    engine = engine_with()
    explained = engine.explain("query ($n: Int) { books(where: {title: {hasWords: $n}}) { id } }", {"n": 3})

    assert "= %s::bigint" in explained.sql
    assert explained.params == ["3"]


def test_optional_operands_have_their_defaults() -> None:
    shop = make_shop()
    engine = engine_with()
    longest = max(len(book.title) for book in shop.books)

    operand: Any = filter_of(engine, "StringFilter").fields["spans"].type
    assert print_type(operand) == (
        '"""Has a length in between."""\ninput SpansOperand {\n  """The operand low."""\n  low: Int!\n\n'
        '  """The operand high."""\n  high: Int = 6\n\n  """The operand over."""\n  over: Int\n}'
    )
    short = expected(lambda book: len(book.title) <= 6)
    assert keys(engine, "{title: {spans: {low: 1}}}") == short != set()
    assert keys(engine, f"{{title: {{spans: {{low: 1, high: {longest}}}}}}}") == expected(lambda book: True)
    assert keys(engine, "{title: {spans: {low: 1, high: null}}}") == set()
    assert keys(engine, "{title: {spans: {low: 1, over: 5}}}") == expected(lambda book: 5 < len(book.title) <= 6)
    query = "query ($w: BookWhere) { books(where: $w) { id } }"
    for operand in ({"low": 1}, {"low": 1, "over": None}):
        found = data(engine, query, {"w": {"title": {"spans": operand}}})["books"]
        assert {row["id"] for row in found} == short


def sql_of_now(column: dt.datetime, days: int) -> str:
    return "{column} > '" + timezone.now().isoformat() + "'::timestamptz - {days} * interval '1 day'"


def expression_of_now(column: dt.datetime, days: int) -> Any:
    return GreaterThan(column, Value(timezone.now()) - days * Value(dt.timedelta(days=1)))


@pytest.mark.parametrize("function", [sql_of_now, expression_of_now])
def test_what_python_decides_is_decided_at_each_execution(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shop()
    found = Registry()
    fraiseql.operator(name="newer", registry=found)(function)
    fraiseql.type(Book, fields=["id", "created_at", "reviews"], registry=found)(type("Book", (), {}))
    fraiseql.type(Review, fields=["id", "book"], registry=found)(type("Review", (), {}))
    engine = GraphQLEngine(registry=found, cache=None)
    queries = [
        "{ booksCount(where: {createdAt: {newer: 1}}) }",
        "{ booksCount(where: {reviews: {some: {book: {createdAt: {newer: 1}}}}}) }",
    ]

    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    before = [data(engine, query)["booksCount"] for query in queries]
    plans = engine.statistics().plans
    assert [data(engine, query)["booksCount"] for query in queries] == before
    assert engine.statistics().plans.misses == plans.misses
    monkeypatch.setattr(timezone, "now", lambda: now + dt.timedelta(days=1000))
    after = [data(engine, query)["booksCount"] for query in queries]

    assert all(before)
    assert after == [0, 0]


def test_functions_that_ask_nothing_have_one_plan() -> None:
    engine = engine_with()
    query = "query ($n: Int) { books(where: {OR: [{title: {longer: $n}}, {title: {length: {percent: $n}}}]}) { id } }"
    for n in range(1, 5):
        data(engine, query, {"n": n})

    assert engine.statistics().plans.misses == 1


def test_they_cost_what_is_declared() -> None:
    engine = engine_with()

    def complexity(where: str) -> float:
        return engine.explain(f"{{ books(limit: 2, where: {where}) {{ id }} }}").complexity

    assert complexity("{price: {near: {to: 1}}}") == complexity("{price: {gt: 1}}") + 50
    assert complexity("{OR: [{NOT: {price: {near: {to: 1}}}}, {price: {near: {to: 2}}}]}") == complexity("{}") + 100
    # a nested list is filtered for each row around it
    listed = "{ books(limit: 10) { reviews(limit: 1, where: {stars: {%s: 1}}) { id } } }"
    assert engine.explain(listed % "gt").complexity == engine.explain(listed % "percent").complexity
    limited = engine_with(limits=replace(LimitSettings(), complexity=20))
    assert refused(limited, "{ books(limit: 2, where: {price: {near: {to: 1}}}) { id } }")["extensions"]["code"] == (
        "LIMIT_EXCEEDED"
    )


def test_what_postgres_does_not_know_is_an_error_with_a_place(bookshop: Sizes) -> None:
    engine = engine_with(extensions=("no_such_extension",))
    answer = engine.execute('{ books(where: {title: {soundslike: "a"}}) { id } }').json()

    (error,) = answer["errors"]
    assert error == {
        "message": "where.title.soundslike: PostgreSQL has no such operator for this value.",
        "locations": [{"line": 1, "column": 37}],
        "extensions": {"code": "BAD_USER_INPUT"},
    }


def no_operand(column: str) -> str:
    return "TRUE"


def no_annotation(column, value: str) -> str:  # type: ignore[no-untyped-def]
    return "TRUE"


def no_value(column: str, value: Book) -> str:
    return "TRUE"


def unknown_name(column: str, value: str) -> str:
    return "{column} = {valeu}"


def raises(column: str, value: str) -> str:
    raise ValueError("not yet")


def returns_none(column: str, value: str) -> Any:
    return None


def wrong_default(column: str, value: str, times: int = "x") -> str:  # type: ignore[assignment]
    return "TRUE"


def contains(column: str, value: str) -> str:
    return "{column} = {value}"


WRONG = {
    no_operand: "it takes no operand; give it two parameters at least, the column and the operand",
    no_annotation: "annotate its parameter 'column', or name the types of columns with for_=…",
    no_value: "its parameter 'value' is annotated <class 'example_project.bookshop.models.Book'>, which is no value",
    unknown_name: "its SQL names {valeu}, which it has not; it has {column}, {value}",
    raises: "it raised ValueError: not yet",
    returns_none: "it returned None, must return SQL or an ORM expression",
    wrong_default: "the default of 'times' is 'x', which is no Int",
    contains: "String has a built-in operator of this name; give it another name with name=…",
}


def test_wrong_declarations_are_all_reported() -> None:
    found = registry()
    for function in WRONG:
        fraiseql.operator(registry=found)(function)

    with pytest.raises(DeclarationError) as raised:
        build_schema(found, get_settings())

    lines = str(raised.value).splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == list(WRONG.values())
    assert lines[0].startswith(f"the operator 'noOperand', no_operand in {__name__}: ")


def test_wrong_options_are_refused() -> None:
    declare: Any = fraiseql.operator
    with pytest.raises(DeclarationError, match="near: for_ is 3, must be the name of a GraphQL type, or a list"):
        declare(name="near", for_=3, registry=Registry())(contains)
    with pytest.raises(DeclarationError, match="near: strict is 'no', must be True or False"):
        declare(name="near", strict="no", registry=Registry())(contains)


def test_types_that_do_not_exist_are_refused() -> None:
    found = registry()
    fraiseql.operator(name="x", for_=["SearchVector", "[String]", "DateRange"], registry=found)(contains)
    build_schema(found, get_settings())
    fraiseql.operator(name="near2", for_="Nope", registry=found)(contains)

    with pytest.raises(DeclarationError, match=r"'near2', contains in .*: for_ names 'Nope', must be one of: .*String"):
        build_schema(found, get_settings())


def test_names_that_graphql_does_not_allow_are_refused() -> None:
    with pytest.raises(DeclarationError, match="cannot be called '__x'"):
        fraiseql.operator(name="__x", registry=Registry())(contains)
    with pytest.raises(DeclarationError, match="cost is -1"):
        fraiseql.operator(cost=-1, registry=Registry())(contains)
