"""What the example declares: its types, its mutations, and the operation that the demo shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from example_project.bookshop import showcase
from example_project.bookshop.models import Book, Review, ReviewStatus
from example_project.bookshop.readable import readable
from example_project.bookshop.seed import Sizes
from fraiseql_django import GraphQLEngine, get_engine


@pytest.fixture
def engine() -> Iterator[GraphQLEngine]:
    """Return the project's engine, its cache of answers empty."""
    engine = get_engine()
    assert engine.cache is not None
    engine.cache.clear()
    yield engine
    engine.cache.clear()


def ask(engine: GraphQLEngine, query: str, **variables: Any) -> Any:
    """Return the data of an answer that has no errors."""
    response = engine.execute(query, variables)
    assert not response.errors
    return response.json()["data"]


def test_every_type_of_the_shop_can_be_read_in_one_operation(bookshop: Sizes, engine: GraphQLEngine) -> None:
    query = """{
        authors(limit: 1) { name born bookCount books { id } }
        publishers(limit: 1) { name country founded books(limit: 1) { title } }
        categories(limit: 1) { name slug parent { name } children { name } }
        books(limit: 1) {
            id title isbn format condition price taxRate priceWithTax published inPrint pages weight
            readingTime attributes tags cover { name url } createdAt updatedAt reviewCount averageStars
            authors { name } publisher { name } category { name } reviews { stars }
            orderLines { quantity }
        }
        customers(limit: 1) { uuid name newsletter loyaltyPoints user { username } orders { number } }
        reviews(limit: 1) { stars headline text status createdAt book { title } customer { name } }
        orders(limit: 1) { number status placedAt shippedAt note lines { lineNumber unitPrice book { title } } }
    }"""

    with CaptureQueriesContext(connection) as statements:
        data = ask(engine, query)

    assert len(statements) == 1
    assert all(len(rows) == 1 for rows in data.values())


def test_users_show_their_name_only(engine: GraphQLEngine) -> None:
    data = ask(engine, '{ __type(name: "User") { fields { name } } }')

    assert [field["name"] for field in data["__type"]["fields"]] == ["id", "username"]


def test_customers_do_not_show_their_birthday(engine: GraphQLEngine) -> None:
    data = ask(engine, '{ __type(name: "Customer") { fields { name } } }')

    assert "birthday" not in [field["name"] for field in data["__type"]["fields"]]


def test_users_can_be_reached_through_customers_only(engine: GraphQLEngine) -> None:
    data = ask(engine, "{ __schema { queryType { fields { name } } } }")

    names = {field["name"] for field in data["__schema"]["queryType"]["fields"]}
    assert {"book", "books", "customer", "customers"} <= names
    assert not {"user", "users"} & names


def test_rename_book_renames_the_book(bookshop: Sizes, engine: GraphQLEngine) -> None:
    query = "mutation($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { id title } }"

    data = ask(engine, query, id="7", title="The Renamed")

    assert data == {"renameBook": {"id": "7", "title": "The Renamed"}}
    assert Book.objects.get(pk=7).title == "The Renamed"


@pytest.mark.parametrize(("id", "title"), [("7", ""), ("7", "x" * 201), ("0", "No such book")])
def test_rename_book_refuses_what_the_model_refuses(
    bookshop: Sizes, engine: GraphQLEngine, id: str, title: str
) -> None:
    query = "mutation($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { title } }"
    before = set(Book.objects.values_list("pk", "title"))

    response = engine.execute(query, {"id": id, "title": title})

    assert response.errors
    assert set(Book.objects.values_list("pk", "title")) == before


def test_moderate_review_sets_the_status(bookshop: Sizes, engine: GraphQLEngine) -> None:
    query = """mutation($id: ID!, $status: ReviewStatus!) {
        moderateReview(id: $id, status: $status) { status book { title } }
    }"""
    review = Review.objects.exclude(status=ReviewStatus.REJECTED).order_by("pk")[0]

    data = ask(engine, query, id=str(review.pk), status="REJECTED")

    assert data == {"moderateReview": {"status": "REJECTED", "book": {"title": review.book.title}}}
    review.refresh_from_db()
    assert review.status == ReviewStatus.REJECTED


@pytest.mark.django_db
def test_showcase_asks_for_three_levels_in_one_statement(bookshop: Sizes, engine: GraphQLEngine) -> None:
    with CaptureQueriesContext(connection) as statements:
        body = showcase.answer(engine)

    assert len(statements) == 1
    assert body.startswith(b'{"data":{"books":[{"title":')


def test_readable_sql_is_the_same_sql(engine: GraphQLEngine) -> None:
    sql = engine.explain(showcase.QUERY, showcase.VARIABLES).sql

    assert "".join(readable(sql).split()) == "".join(sql.split())


def test_readable_sql_leaves_quoted_text_alone() -> None:
    sql = """SELECT 'a FROM (SELECT b', "x FROM y" FROM "t" WHERE "n" = 'it''s || '',"'"""

    assert readable(sql) == ("""SELECT 'a FROM (SELECT b', "x FROM y"\nFROM "t"\nWHERE "n" = 'it''s || '',"'""")


def test_readable_sql_indents_what_is_nested() -> None:
    sql = "SELECT '{\"a\":' || x || ',\"b\":' || ARRAY(SELECT trim(y FROM z) FROM t ORDER BY (1)) FROM u LIMIT %s"

    assert readable(sql).splitlines() == [
        "SELECT '{\"a\":' || x",
        "    || ',\"b\":' || ARRAY(",
        "        SELECT trim(y FROM z)",
        "        FROM t",
        "        ORDER BY (1)",
        "    )",
        "FROM u",
        "LIMIT %s",
    ]


def test_long_answers_are_shortened() -> None:
    shortened = showcase.shortened(b'{"a": [1, 2, 3, 4], "b": "\xc3\xa9"}', lines=3)

    assert shortened == '{\n  "a": [\n    1,\n… and 6 lines more'


def test_short_answers_are_shown_whole() -> None:
    assert showcase.shortened('{"a": "é"}'.encode()) == '{\n  "a": "é"\n}'
