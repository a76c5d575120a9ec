"""The rows of a list in groups: by what is selected as their key, never by what the viewer cannot see."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Q
from django.utils import timezone

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Category, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.kinds.group_keys import zone_name
from fraiseql_django.schema.build import build_schema
from tests.naive import assert_same_answer
from tests.support import data, limited, make_shop, refused

FORMS: Any = {"queries": ["plural", "aggregate", "groups"], "lists": ["plural", "aggregate", "groups"]}


@pytest.mark.parametrize(
    "query",
    [
        "{ booksGroups { key { format } count } }",
        "{ booksGroups { key { format inPrint condition } count avg { price } max { title } } }",
        "{ booksGroups { key { publisher { country } } count sum { pages } } }",
        "{ booksGroups { key { category { slug parent { name } } } count } }",
        "{ booksGroups { key { category { parent { name } } } count } }",
        "{ booksGroups { key { reviewCount } count join { title(limit: 2) } } }",
        "{ booksGroups { key { published(truncate: YEAR) } count } }",
        "{ booksGroups { key { y: publishedPart(part: YEAR) q: publishedPart(part: QUARTER) } count } }",
        "{ booksGroups { key { publishedPart(part: WEEKDAY) } count } }",
        "{ booksGroups { key { y: publishedPart(part: ISO_YEAR) w: publishedPart(part: WEEK) } count } }",
        "{ booksGroups { key { day: createdAt(truncate: DAY) } count } }",
        '{ booksGroups { key { createdAt(truncate: MONTH, timeZone: "America/New_York") } count } }',
        '{ booksGroups { key { h: createdAtPart(part: HOUR, timeZone: "Asia/Kathmandu") } count } }',
        "{ booksGroups { key { price(width: 10) } count } }",
        "{ booksGroups { key { low: price(width: 10, origin: -3) pages(width: 200, origin: 50) } count } }",
        '{ booksGroups { key { attributes(path: ["language"]) } count } }',
        '{ booksGroups { key { attributes(path: ["no", "such"]) } count } }',
        "{ booksGroups { a: key { format } b: key { inPrint format } count } }",
        "{ booksGroups(where: {price: {lt: 0}}) { key { format } count } }",
        "{ booksGroups(where: {reviewsCount: {gt: 3}}) { key { format } count } }",
        "{ booksGroups(having: {count: {gt: 3}}) { key { publisher { id } } count } }",
        "{ booksGroups(having: {OR: [{count: {eq: 1}}, {avg: {price: {gt: 30}}}]}) { key { category { id } } count } }",
        "{ booksGroups(having: {NOT: {max: {pages: {gt: 500}}}}) { key { category { id } } max { pages } } }",
        "{ booksGroups(orderBy: [{count: DESC}]) { key { category { slug } } count } }",
        "{ booksGroups(orderBy: [{avg: {pages: DESC_NULLS_LAST}}]) { key { category { slug } } avg { pages } } }",
        "{ booksGroups(orderBy: [{key: {published: DESC}}]) { key { published(truncate: YEAR) } count } }",
        "{ booksGroups(orderBy: [{key: {publisher: {country: DESC}}}, {count: ASC}]) "
        "{ key { format publisher { country } } count } }",
        "{ booksGroups(orderBy: [{key: {price: DESC}}]) { key { a: price(width: 5) b: price(width: 20) } count } }",
        "{ booksGroups(orderBy: [{max: {publisher: {name: DESC}}}], limit: 2, offset: 1) { key { format } count } }",
        "{ publishers { name books(limit: 1) { id } reviews: booksAggregate { count } } }",
        "{ books(limit: 5) { reviewsGroups(orderBy: [{key: {stars: DESC}}]) { key { stars } count } } }",
        "{ books(limit: 5) { reviewsGroups(limit: 1) { key { customer { name } } count } } }",
        "{ booksGroups { ...G } } fragment G on BookGroup { key { ...K } count } fragment K on BookGroupKey { format }",
        "query ($no: Boolean = false) { booksGroups { key { format inPrint @include(if: $no) } count @skip(if: $no) }}",
        "{ booksGroups { key { format __typename } __typename count } }",
    ],
)
def test_groups_are_those_of_the_rows_in_python(books: GraphQLEngine, query: str) -> None:
    assert_same_answer(books, query)


@pytest.mark.django_db
def test_null_is_a_key_and_a_missing_row_is_another_than_one_with_null() -> None:
    shop = make_shop()
    root = Category.objects.create(name="All", slug="all")
    Book.objects.filter(pk=shop.books[0].pk).update(category=None)
    Category.objects.filter(pk=shop.category.pk).update(parent=root)
    Book.objects.filter(pk=shop.books[1].pk).update(category=root)

    answer = data(GraphQLEngine(cache=None), "{ booksGroups { key { category { parent { name } } pages } count } }")

    assert answer["booksGroups"] == [
        {"key": {"category": {"parent": {"name": "All"}}, "pages": None}, "count": 1},
        {"key": {"category": {"parent": None}, "pages": None}, "count": 1},
        {"key": {"category": None, "pages": None}, "count": 1},
    ]


@pytest.mark.django_db
def test_dates_are_cut_off_in_a_time_zone() -> None:
    shop = make_shop()
    Review.objects.filter(pk=shop.reviews[0].pk).update(created_at=dt.datetime(2024, 3, 31, 22, 30, tzinfo=dt.UTC))
    Review.objects.filter(pk=shop.reviews[1].pk).update(created_at=dt.datetime(2024, 3, 31, 21, 30, tzinfo=dt.UTC))
    engine = GraphQLEngine(cache=None)
    query = """query ($zone: String) {
        reviewsGroups { key { createdAt(truncate: MONTH, timeZone: $zone) createdAtPart(part: DAY, timeZone: $zone) } }
    }"""

    def keys(variables: dict[str, Any]) -> list[Any]:
        return [tuple(group["key"].values()) for group in data(engine, query, variables)["reviewsGroups"]]

    berlin = [("2024-02-29T23:00:00+00:00", 31), ("2024-03-31T22:00:00+00:00", 1)]
    assert keys({"zone": "Europe/Berlin"}) == berlin
    assert keys({"zone": "UTC"}) == [("2024-03-01T00:00:00+00:00", 31)]
    assert keys({}) == keys({"zone": None}) == [("2024-03-01T00:00:00+00:00", 31)]
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert keys({}) == berlin
    with timezone.override(dt.timezone(dt.timedelta(hours=2))):
        assert keys({}) == [("2024-02-29T22:00:00+00:00", 31), ("2024-03-31T22:00:00+00:00", 1)]
    assert keys({}) == [("2024-03-01T00:00:00+00:00", 31)]


def test_offsets_are_written_as_postgresql_reads_them() -> None:
    assert zone_name(ZoneInfo("Asia/Kathmandu")) == "Asia/Kathmandu"
    assert zone_name(dt.timezone(dt.timedelta(hours=5, minutes=45))) == "-05:45"
    assert zone_name(dt.timezone(dt.timedelta(hours=-3, minutes=-30))) == "+03:30"
    assert zone_name(dt.UTC) == "-00:00"


@pytest.mark.django_db
def test_ranges_of_numbers_are_exact_below_zero_as_well() -> None:
    shop = make_shop()
    for book, weight in zip(shop.books, (-0.5, -10.0, 9.9), strict=True):
        Book.objects.filter(pk=book.pk).update(weight=weight, tax_rate=Decimal("0.299"))
    registry = Registry()

    @fraiseql.type(Book, fields=["weight", "tax_rate"], registry=registry, **FORMS)
    class BookType:
        below: int = fraiseql.field(F("id") - F("id") - 1)

    engine = GraphQLEngine(registry=registry, cache=None)

    answer = data(engine, '{ booksGroups { key { weight(width: 10) taxRate(width: "0.1") below(width: 10) } count } }')

    assert [tuple(group["key"].values()) for group in answer["booksGroups"]] == [(-10, "0.200", -10), (0, "0.200", -10)]


# --- for whom ----------------------------------------------------------------------------------


def ask(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def is_staff(viewer: Any) -> bool:
    return bool(viewer.is_staff)


@pytest.fixture
def ruled(db: None) -> GraphQLEngine:
    """Make an engine: books under 12 are shown, publishers of the US not; prices and categories are masked."""
    shop = make_shop()
    other = Publisher.objects.create(name="Éditions", country="FR")
    Book.objects.filter(pk=shop.books[1].pk).update(publisher=other)
    registry = Registry()

    @fraiseql.type(Book, fields=["title", "publisher", "category"], rows=_cheap, registry=registry, **FORMS)
    class BookType:
        price: fraiseql.auto = fraiseql.field(permission=is_staff, mask=True)
        isbn: fraiseql.auto = fraiseql.field(permission=is_staff)

    @fraiseql.type(Publisher, fields=["name"], rows=lambda viewer: Q(country="FR"), registry=registry)
    class PublisherType:
        pass

    @fraiseql.type(Category, fields=["name"], permission=is_staff, mask=True, registry=registry)
    class CategoryType:
        pass

    return GraphQLEngine(registry=registry, cache=None)


def _cheap(viewer: Any) -> Q:
    return Q(price__lt=12)


def test_hidden_rows_are_in_no_group_and_a_hidden_relation_is_null(ruled: GraphQLEngine) -> None:
    answer = ask(ruled, "{ booksGroups { key { publisher { name } } count array { title } } }")

    assert answer["data"]["booksGroups"] == [
        {"key": {"publisher": {"name": "Éditions"}}, "count": 1, "array": {"title": ["Planet"]}},
        {"key": {"publisher": None}, "count": 1, "array": {"title": ["Rocannon"]}},
    ]


def test_masked_keys_are_not_grouped_by(ruled: GraphQLEngine) -> None:
    for key, shown in (("price", None), ("category { name }", None)):
        name = key.split()[0]
        none = f"none: booksGroups(where: {{title: {{eq: null}}}}) {{ key {{ {key} }} }}"
        query = f"{{ booksGroups {{ key {{ {key} }} count }} {none} }}"
        assert ask(ruled, query)["data"] == {"booksGroups": [{"key": {name: shown}, "count": 2}], "none": []}
    staff = User.objects.create(username="staff", is_staff=True)
    answer = ask(ruled, "{ booksGroups { key { price category { name } } count } }", staff)["data"]["booksGroups"]
    assert [group["key"]["price"] for group in answer] == ["10.00", "11.00"]
    error = ask(ruled, "{ booksGroups { key { isbn } count } }")["errors"][0]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.django_db
def test_undeclared_choice_is_an_error_of_its_key() -> None:
    shop = make_shop()
    Book.objects.filter(pk=shop.books[0].pk).update(format="papyrus")

    answer = GraphQLEngine(cache=None).execute("{ booksGroups { key { format } count } }").json()

    assert answer["errors"][0]["path"] == ["booksGroups", 1, "key", "format"]
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_VALUE"


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_groups_are_bounded_like_rows() -> None:
    make_shop()
    engine = limited(max_rows=2, default_rows=1)

    assert len(data(engine, "{ booksGroups { key { id } } }")["booksGroups"]) == 1
    assert len(data(engine, "{ booksGroups(limit: 2) { key { id } } }")["booksGroups"]) == 2
    error = refused(engine, "query ($n: Int = 3) { booksGroups(limit: $n) { key { id } } }")
    assert error["extensions"]["setting"] == "LIMITS.MAX_ROWS"
    assert refused(engine, "{ booksGroups(limit: -1) { key { id } } }")["extensions"]["code"] == "BAD_USER_INPUT"
    assert refused(engine, "{ booksGroups(offset: -1) { key { id } } }")["extensions"]["code"] == "BAD_USER_INPUT"


def test_each_group_costs_its_members_and_the_rows_are_read() -> None:
    engine = limited(assumed_rows=20)

    def cost(query: str) -> float:
        return engine.explain(query).complexity

    assert cost("{ booksGroups(limit: 5) { key { format } count } }") == 1 + 20 + 5 * 2
    assert cost("{ booksGroups { key { format } count avg { price pages } } }") == 1 + 20 + 20 * 4
    assert cost("{ booksGroups(limit: 5) { key { format } array { title(limit: 10) } } }") == 1 + 20 + 5 * (1 + 1 + 10)
    assert cost("{ books(limit: 3) { reviewsGroups(limit: 2) { key { stars } } } }") == 1 + 3 * (1 + 20 + 2)
    # a group whose members cost nothing costs 1
    assert cost("{ booksGroups(limit: 5) { __typename key { format } } }") == 1 + 20 + 5


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ booksGroups { count } }", "booksGroups selects no field of key to group by."),
        ("{ booksGroups { key { __typename } } }", "booksGroups selects no field of key to group by."),
        ("{ booksGroups { key { publisher { __typename } } } }", "booksGroups selects no field of key to group by."),
        (
            "{ booksGroups(orderBy: [{key: {title: ASC}}]) { key { format } } }",
            "orderBy[0].key.title is no key of these groups.",
        ),
        (
            "{ booksGroups(orderBy: [{count: ASC}, {key: {publisher: {name: ASC}}}]) { key { publisher { id } } } }",
            "orderBy[1].key.publisher.name is no key of these groups.",
        ),
        (
            '{ booksGroups { key { createdAt(truncate: DAY, timeZone: "Mars/Olympus") } } }',
            "timeZone: 'Mars/Olympus' is no time zone",
        ),
        (
            '{ booksGroups { key { createdAt(truncate: DAY, timeZone: "../etc/passwd") } } }',
            "timeZone: '../etc/passwd' is no time zone",
        ),
        ('{ booksGroups { key { createdAt(truncate: DAY, timeZone: "") } } }', "timeZone: '' is no time zone"),
        (
            '{ booksGroups { key { createdAt(timeZone: "UTC") } } }',
            "createdAt has timeZone without truncate, where it means nothing.",
        ),
        ("{ booksGroups { key { price(origin: 1) } } }", "price has origin without width, where it means nothing."),
        ("{ booksGroups { key { price(width: 0) } } }", "width: 0 is no width; it must be greater than 0."),
        (
            "query ($w: Int = -5) { booksGroups { key { pages(width: $w) } } }",
            "width: -5 is no width; it must be greater than 0.",
        ),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_bad_input_is_told_with_its_location(query: str, message: str) -> None:
    error = refused(GraphQLEngine(cache=None), query)
    assert error["message"].startswith(message)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["locations"]


@pytest.mark.parametrize(
    "query",
    [
        "{ booksGroups { key { tags } } }",
        "{ booksGroups { key { cover } } }",
        "{ booksGroups { key { authors { name } } } }",
        "{ booksGroups { key { nope } } }",
        "{ booksGroups { key { published(truncate: HOUR) } } }",
        "{ booksGroups { key { publishedPart } } }",
        "{ booksGroups { key { title(width: 1) } } }",
        "{ booksGroups(having: {key: {title: {eq: 1}}}) { key { title } } }",
        "{ booksGroups(orderBy: [{array: {title: ASC}}]) { key { title } } }",
    ],
)
def test_what_cannot_be_grouped_by_is_not_in_the_schema(query: str) -> None:
    error = refused(GraphQLEngine(cache=None), query)
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


# --- declarations ------------------------------------------------------------------------------


def test_groups_are_there_only_where_a_declaration_asks_for_them() -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["title"], queries=["groups"], registry=registry)(type("BookType", (), {}))
    types: Any = build_schema(registry, get_settings()).graphql.type_map

    assert list(types["Query"].fields) == ["booksGroups"]
    assert str(types["Query"].fields["booksGroups"].type) == "[BookGroup!]!"
    assert list(types["BookGroupKey"].fields) == ["title"]
    assert "BookAggregateSum" not in types


def test_type_without_anything_to_group_by_is_refused() -> None:
    registry = Registry()
    fraiseql.type(Review, fields=["stars"], registry=registry)(type("ReviewType", (), {}))
    fraiseql.type(Book, fields=["tags", "reviews"], queries=["groups"], registry=registry)(type("BookType", (), {}))

    with pytest.raises(DeclarationError, match=r"booksGroups: Book has no field that rows can be grouped by"):
        build_schema(registry, get_settings())


def test_part_of_a_date_gives_way_to_a_field_of_its_name() -> None:
    registry = Registry()
    annotations = {"published": fraiseql.auto, "published_part": int}
    body = {"__annotations__": annotations, "published_part": fraiseql.field(F("pages"))}
    fraiseql.type(Book, queries=["groups"], registry=registry)(type("BookType", (), body))
    types: Any = build_schema(registry, get_settings()).graphql.type_map

    assert list(types["BookGroupKey"].fields["publishedPart"].args) == ["width", "origin"]
