"""Counts beside lists: of the rows that the list would have, whoever asks, wherever it stands, in one statement."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, Q
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Customer, Order, OrderLine, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from tests.naive import assert_same_answer
from tests.sources import sql
from tests.sources.types import VIEWS
from tests.support import data, is_hit, limited, make_engine, make_shop, refused, statements

FILTERED = '(where: {title: {contains: "a"}, reviews: {some: {stars: {gte: 3}}}})'


# --- what is counted ---


@pytest.mark.parametrize(
    "query",
    [
        "{ booksCount }",
        f"{{ booksCount{FILTERED} books{FILTERED} {{ id }} }}",
        "{ none: booksCount(where: {OR: []}) all: booksCount(where: {}) null: booksCount(where: null) __typename }",
        "{ books { id reviewsCount authorsCount good: reviewsCount(where: {stars: {gte: 4}}) } }",
        "{ authors { name booksCount(where: {price: {lt: 20}}) books(limit: 1) { reviewsCount } } }",
        "{ reviews(limit: 5) { book { authorsCount publisher { booksCount } } } }",
        "{ book(id: 1) { reviewsCount } missing: book(id: 999999) { reviewsCount } }",
        "{ ...F } fragment F on Query { booksCount ... on Query { n: booksCount } }",
        "query ($where: BookWhere) { booksCount(where: $where) }",
        "query ($no: Boolean = false) { booksCount @include(if: $no) authorsCount @skip(if: $no) }",
    ],
)
def test_counts_what_the_list_has(books: GraphQLEngine, query: str) -> None:
    assert_same_answer(books, query, {"where": {"inPrint": {"eq": True}}} if "$where" in query else None)


def test_counts_over_default_managers_and_composite_keys(zoo: GraphQLEngine) -> None:
    for definition in zoo.schema.types.values():
        if definition.plural and not definition.source:
            nested = [name for name in definition.fields if name.endswith("Count")]
            inner = f" {definition.plural} {{ {' '.join(nested)} }}" if nested else ""
            assert_same_answer(zoo, f"{{ {definition.plural}Count{inner} }}")


class LinesOfReviewedBooks(models.Manager[Any]):
    """Has the lines of books with reviews, once each, though a join has one for each review."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(book__reviews__stars__gte=1).distinct()


@pytest.mark.django_db
@isolate_apps("tests.zoo")
def test_count_of_distinct_rows_with_a_composite_key() -> None:
    shop = make_shop()
    OrderLine.objects.create(order=shop.order, line_number=2, book=shop.books[0], unit_price=Decimal(10))

    class Shown(OrderLine):
        objects = LinesOfReviewedBooks()

        class Meta:
            proxy = True
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Shown, name="Line", fields=["line_number"], registry=registry)(type("Line", (), {}))

    answer = data(GraphQLEngine(registry=registry, cache=None), "{ linesCount lines { lineNumber } }")
    assert answer == {"linesCount": 2, "lines": [{"lineNumber": 1}, {"lineNumber": 2}]}


@pytest.mark.django_db
def test_page_of_a_list_does_not_change_its_count() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)

    assert data(engine, "{ books(limit: 1, offset: 1) { id } booksCount }")["booksCount"] == 3
    # nor does a limit of the settings
    assert data(limited(max_rows=1), "{ books { id } booksCount }")["booksCount"] == 3


@pytest.mark.django_db
def test_views_and_links_are_counted() -> None:
    make_shop()
    sql.create()
    engine = GraphQLEngine(registry=VIEWS, cache=None)
    name = next(item.plural for item in engine.schema.types.values() if item.source and "siblings" in item.fields)

    answer = data(engine, f"{{ {name}Count {name} {{ siblingsCount siblings {{ id }} }} }}")

    assert answer[f"{name}Count"] == 3
    assert [row["siblingsCount"] for row in answer[str(name)]] == [len(row["siblings"]) for row in answer[str(name)]]


def test_objects_in_json_are_not_counted() -> None:
    card = next(item for item in GraphQLEngine(registry=VIEWS).schema.types.values() if "reviews" in item.fields)

    assert "reviewsCount" not in card.fields


# --- for whom ---


def ask(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


@pytest.fixture
def ruled(db: None) -> GraphQLEngine:
    """Make an engine in which customers see their own orders, and reviews are for those who are signed in."""
    make_shop()
    bob = Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")
    Order.objects.create(customer=bob, number="2")
    registry = Registry()

    @fraiseql.type(Customer, fields=["name", "orders"], registry=registry)
    class CustomerType:
        pass

    @fraiseql.type(Order, fields=["number"], rows=lambda viewer: Q(customer__user=viewer.id), registry=registry)
    class OrderType:
        pass

    @fraiseql.type(Review, fields=["stars"], permission=fraiseql.requires_auth, mask=True, registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title", "reviews"], queries={"plural": lambda viewer: True}, registry=registry)
    class BookType:
        pass

    @fraiseql.type(Author, queries={"plural": fraiseql.requires_auth}, registry=registry)
    class AuthorType:
        name: fraiseql.auto
        books: fraiseql.auto = fraiseql.field(permission=lambda viewer: viewer.is_staff)

    return GraphQLEngine(registry=registry, cache=None)


def test_hidden_rows_are_not_counted(ruled: GraphQLEngine) -> None:
    query = "{ ordersCount customers(orderBy: {name: ASC}) { name ordersCount } }"
    ann = User.objects.get(username="ann")

    assert ask(ruled, query, ann)["data"] == {
        "ordersCount": 1,
        "customers": [{"name": "Ann", "ordersCount": 1}, {"name": "Bob", "ordersCount": 0}],
    }
    assert ask(ruled, query)["data"]["ordersCount"] == 0


def test_condition_of_a_count_does_not_look_behind_rules(ruled: GraphQLEngine) -> None:
    query = '{ ordersCount(where: {number: {matches: "2"}}) customersCount(where: {orders: {some: {}}}) }'

    assert ask(ruled, query, User.objects.get(username="ann"))["data"] == {"ordersCount": 0, "customersCount": 1}


def test_masked_rows_count_as_none_and_others_are_refused(ruled: GraphQLEngine) -> None:
    assert ask(ruled, "{ reviewsCount books(limit: 1) { reviewsCount } }")["data"] == {
        "reviewsCount": 0,
        "books": [{"reviewsCount": 0}],
    }
    error = ask(ruled, "{ authorsCount }")["errors"][0]
    assert error["message"] == "Sign in to use authorsCount."
    ann = User.objects.get(username="ann")
    error = ask(ruled, "{ authors { booksCount } }", ann)["errors"][0]
    assert error["message"] == "You are not allowed to use Author.booksCount."
    assert ask(ruled, "{ reviewsCount }", ann)["data"] == {"reviewsCount": 2}


# --- how ---


@pytest.mark.django_db
def test_counts_take_one_statement_and_no_rows() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    engine.execute("{ __typename }")

    with statements(1):
        data(engine, "{ booksCount authorsCount books { reviewsCount } }")
    assert "to_json" not in engine.explain("{ booksCount }").sql


@pytest.mark.django_db(transaction=True)
def test_counts_are_kept_until_a_row_comes(cache_alias: str) -> None:
    shop = make_shop()
    engine = make_engine(cache_alias)
    query = "{ books(orderBy: {id: ASC}) { reviewsCount } }"

    assert data(engine, query)["books"][1]["reviewsCount"] == 0
    assert is_hit(engine, query)
    Review.objects.create(book=shop.books[1], customer=shop.customer, stars=1)
    assert data(engine, query)["books"][1]["reviewsCount"] == 1


@pytest.mark.django_db
def test_counts_in_what_mutations_return() -> None:
    shop = make_shop()
    engine = GraphQLEngine(cache=None)

    answer = data(engine, f'mutation {{ renameBook(id: {shop.books[0].pk}, title: "T") {{ title reviewsCount }} }}')

    assert answer == {"renameBook": {"title": "T", "reviewsCount": 2}}


@pytest.mark.django_db
def test_counts_cost_what_their_list_is_declared_to_cost() -> None:
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], cost=7, registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title"], registry=registry)
    class BookType:
        reviews: fraiseql.auto = fraiseql.field(cost=5)

    engine = GraphQLEngine(registry=registry, cache=None)
    explained = engine.explain("{ reviewsCount books(limit: 10) { reviewsCount } }")

    assert explained.complexity == 1 + 1 + 10 * 5


def test_conditions_of_counts_are_limited() -> None:
    error = refused(limited(conditions=1), "{ booksCount(where: {id: {eq: 1}, title: {eq: null}}) }")

    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_wrong_arguments_are_refused() -> None:
    engine = GraphQLEngine(cache=None)

    for query in ("{ booksCount(limit: 1) }", "{ booksCount(where: {nope: {eq: 1}}) }", "{ booksCount { id } }"):
        assert engine.execute(query).json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


# --- what they are called ---


def fields_of(engine: GraphQLEngine, type_name: str) -> Any:
    return engine.schema.graphql.type_map[type_name].fields  # type: ignore[attr-defined]


def test_declared_field_of_the_same_name_stays() -> None:
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title", "reviews"], registry=registry)
    class BookType:
        reviews_count: float | None = fraiseql.field(Count("reviews"), description="Mine.")

    fields = fields_of(GraphQLEngine(registry=registry, cache=None), "Book")

    assert (str(fields["reviewsCount"].type), fields["reviewsCount"].description) == ("Float", "Mine.")


def test_names_follow_the_engine_s_settings() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), camel_case=False), cache=None)

    assert {"books_count", "orderLinesCount"} <= fields_of(engine, "Query").keys()
    assert "reviews_count" in fields_of(engine, "Book")


def test_count_of_a_deprecated_list_is_deprecated() -> None:
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title"], registry=registry)
    class BookType:
        reviews: fraiseql.auto = fraiseql.field(name="opinions", deprecation="Use reviews.")

    field = fields_of(GraphQLEngine(registry=registry, cache=None), "Book")["opinionsCount"]

    assert field.deprecation_reason == "Use reviews."


def test_counts_can_be_turned_off() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), counts=False), cache=None)

    names = [name for type_ in ("Query", "Book", "Author") for name in fields_of(engine, type_)]
    assert [name for name in names if name.endswith("sCount")] == []


def test_counts_are_described_and_cannot_be_null() -> None:
    field = fields_of(GraphQLEngine(cache=None), "Query")["booksCount"]

    assert (str(field.type), list(field.args)) == ("Int!", ["where"])
    assert field.description == "How many Book rows there are; with `where`, how many match."


def test_without_a_list_nothing_is_counted() -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["title"], queries=["single"], registry=registry)
    class BookType:
        pass

    assert list(fields_of(GraphQLEngine(registry=registry, cache=None), "Query")) == ["book"]
