"""``distinctOn``: one row for each value; ``RANDOM``: another order each time, where a declaration allows it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Category, Order, OrderLine, Review
from example_project.bookshop.seed import Sizes
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import LimitSettings, get_settings
from tests.support import data, make_engine, refused

pytestmark = pytest.mark.django_db


def registry(**options: Any) -> Registry:
    found = Registry()
    book = ["id", "title", "price", "format", "published", "category_id", "category", "reviews"]
    both = {"distinct_on": True, "random": True, "registry": found}
    fraiseql.type(Book, fields=book, **both, **options)(type("Book", (), {}))
    fraiseql.type(Review, fields=["id", "stars", "headline", "created_at", "book_id"], **both)(type("Review", (), {}))
    fraiseql.type(Category, fields=["id", "name", "books"], registry=found)(type("Category", (), {}))
    return found


def engine(**options: Any) -> GraphQLEngine:
    return GraphQLEngine(registry=registry(**options), cache=None)


def first_of_each(rows: Iterable[Any], *names: str) -> list[str]:
    found: dict[Any, str] = {}
    for row in rows:
        found.setdefault(tuple(getattr(row, name) for name in names), str(row.pk))
    return list(found.values())


def ids(rows: list[dict[str, str]]) -> list[str]:
    return [row["id"] for row in rows]


def listed(query: str, variables: dict[str, Any] | None = None) -> list[str]:
    return ids(data(engine(), query, variables)["books"])


def test_one_row_for_each_value(bookshop: Sizes) -> None:
    by_category = Book.objects.order_by("category_id", "title", "pk")
    expected = first_of_each(by_category, "category_id")
    assert 1 < len(expected) < Book.objects.count()

    assert listed("{ books(distinctOn: [categoryId]) { id } }") == expected
    assert listed("{ books(distinctOn: categoryId, limit: 2, offset: 1) { id } }") == expected[1:3]


def test_the_first_row_is_that_of_the_order(bookshop: Sizes) -> None:
    dearest = first_of_each(Book.objects.order_by("-category_id", "-price", "pk"), "category_id")

    assert listed("{ books(distinctOn: [categoryId], orderBy: [{price: DESC}, {categoryId: DESC}]) { id } }") == dearest
    query = "query ($on: [BookDistinctField!], $by: [BookOrderBy!]) { books(distinctOn: $on, orderBy: $by) { id } }"
    assert listed(query, {"on": ["categoryId"], "by": [{"categoryId": "DESC"}, {"price": "DESC"}]}) == dearest
    two = first_of_each(Book.objects.order_by("category_id", "format", "-price", "pk"), "category_id", "format")
    assert listed(query, {"on": ["categoryId", "format"], "by": [{"price": "DESC"}]}) == two
    assert listed(query, {"on": None}) == ids(data(engine(), "{ books { id } }")["books"])
    assert listed(query, {"on": []}) == ids(data(engine(), "{ books { id } }")["books"])


def test_columns_are_a_part_of_the_plan(bookshop: Sizes) -> None:
    query = "query ($on: [BookDistinctField!]) { books(distinctOn: $on) { id } }"
    one = engine()
    for _ in range(2):
        for name in ("format", "categoryId"):
            assert (
                len(data(one, query, {"on": [name]})["books"])
                == Book.objects.values({"categoryId": "category_id"}.get(name, name)).distinct().count()
            )
    assert one.statistics().plans.size == 2


def test_nested_lists_have_one_row_for_each_value(bookshop: Sizes) -> None:
    found = data(engine(), "{ books { id reviews(distinctOn: [stars], orderBy: [{createdAt: ASC}]) { id } } }")["books"]
    for row in found:
        reviews = Review.objects.filter(book_id=row["id"]).order_by("stars", "created_at", "pk")
        assert ids(row["reviews"]) == first_of_each(reviews, "stars")


def test_rows_are_filtered_before_one_is_taken(bookshop: Sizes) -> None:
    dear = Book.objects.filter(price__gte=20).order_by("category_id", "title", "pk")
    query = "{ books(distinctOn: [categoryId], where: {price: {gte: 20}}) { id } }"
    assert listed(query) == first_of_each(dear, "category_id")
    ruled = engine(rows=lambda viewer: Q(price__gte=20))
    assert ids(data(ruled, "{ books(distinctOn: [categoryId]) { id } }")["books"]) == first_of_each(dear, "category_id")


def test_what_may_not_be_seen_tells_nothing_apart() -> None:
    found = registry()
    hidden = Registry()
    cls = type("Book", (), {"__annotations__": {"price": fraiseql.auto}, "price": fraiseql.field(
        permission=lambda viewer: False, mask=True)})  # fmt: skip
    fraiseql.type(Book, fields=["id", "format"], distinct_on=True, registry=hidden)(cls)
    for known, code in ((found, None), (hidden, "UNAUTHENTICATED")):
        answer = GraphQLEngine(registry=known, cache=None).execute("{ books(distinctOn: [price]) { id } }").json()
        codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
        assert codes == ([] if code is None else [code])


def test_without_a_declaration_there_is_neither() -> None:
    schema = engine().schema.graphql
    categories: Any = schema.query_type and schema.query_type.fields["categories"]
    assert "distinctOn" not in categories.args
    order: Any = schema.type_map["CategoryOrderBy"]
    assert "RANDOM" not in order.fields
    distinct: Any = schema.type_map["BookDistinctField"]
    assert set(distinct.values) == {"id", "title", "price", "format", "published", "categoryId", "category"}


def test_limits_hold() -> None:
    settings = replace(get_settings(), limits=replace(LimitSettings(), conditions=1))
    limited = GraphQLEngine(registry=registry(), settings=settings, cache=None)
    error = refused(limited, "{ books(distinctOn: [format, title]) { id } }")
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"


# --- at random ---------------------------------------------------------------------------------


def test_rows_at_random_are_in_another_order_each_time(bookshop: Sizes) -> None:
    query = "{ books(orderBy: [{RANDOM: true}]) { id } }"
    cached = make_engine("locmem", registry=registry())
    orders = [ids(data(cached, query)["books"]) for _ in range(4)]

    assert len({tuple(order) for order in orders}) > 1
    assert {frozenset(order) for order in orders} == {frozenset(listed("{ books { id } }"))}
    some = "{ books(orderBy: [{format: ASC}, {RANDOM: true}], limit: 9) { id format } }"
    formats = [row["format"] for row in data(cached, some)["books"]]
    assert formats == sorted(formats)
    in_categories = "{ categories { books(orderBy: {RANDOM: true}, limit: 2) { id } } }"
    assert all(len(row["books"]) <= 2 for row in data(cached, in_categories)["categories"])


@pytest.mark.parametrize("value", ["false", "null"])
def test_chance_is_asked_for_or_left_out(value: str) -> None:
    error = refused(engine(), f"{{ books(orderBy: [{{RANDOM: {value}}}]) {{ id }} }}")
    assert error["message"].startswith("orderBy[0].RANDOM is not true; leave it out.")


def test_one_row_for_each_row_that_a_key_leads_to(bookshop: Sizes) -> None:
    by_category = first_of_each(Book.objects.order_by("category_id", "title", "pk"), "category_id")
    assert listed("{ books(distinctOn: [category]) { id } }") == by_category

    # a key tells more of a row than a viewer may see of it
    found = Registry()
    fraiseql.type(Book, fields=["id", "category"], distinct_on=True, registry=found)(type("Book", (), {}))
    fraiseql.type(Category, fields=["id"], rows=lambda viewer: Q(name="x"), registry=found)(type("Category", (), {}))
    distinct: Any = GraphQLEngine(registry=found).schema.graphql.type_map["BookDistinctField"]
    assert set(distinct.values) == {"id"}


def test_rows_with_composite_keys_and_their_lists(bookshop: Sizes) -> None:
    found = Registry()
    lines = ["line_number", "order_id", "quantity", "book"]
    fraiseql.type(OrderLine, fields=lines, distinct_on=True, registry=found)(type("OrderLine", (), {}))
    fraiseql.type(Order, fields=["id", "lines"], registry=found)(type("Order", (), {}))
    fraiseql.type(Book, fields=["id"], registry=found)(type("Book", (), {}))
    one = GraphQLEngine(registry=found, cache=None)

    def expected(rows: Any) -> list[dict[str, Any]]:
        keys: dict[int, Any] = {}
        for line in rows.order_by("quantity", "-book_id", "order_id", "line_number"):
            keys.setdefault(line.quantity, line)
        return [{"lineNumber": line.line_number, "orderId": str(line.order_id)} for line in keys.values()]

    rest = "(distinctOn: [quantity], orderBy: [{book: {id: DESC}}]) { lineNumber orderId }"
    assert data(one, f"{{ orderLines{rest} }}")["orderLines"] == expected(OrderLine.objects.all())
    for row in data(one, f"{{ orders {{ id lines{rest} }} }}")["orders"]:
        assert row["lines"] == expected(OrderLine.objects.filter(order_id=row["id"]))


def test_json_is_written_of_the_chosen_rows_alone(bookshop: Sizes) -> None:
    sql = engine().explain("{ books(distinctOn: [format]) { id reviews { id } } }").sql
    before, _, chosen = sql.partition("DISTINCT ON")
    assert "bookshop_review" in before
    assert "bookshop_review" not in chosen
