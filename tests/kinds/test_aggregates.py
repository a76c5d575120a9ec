"""Aggregates of lists: of the rows that the list would have, whoever asks, each row once, in one statement."""

import statistics
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q, Value
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Category, Customer, OrderLine, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import build_schema
from tests.naive import assert_same_answer
from tests.sources import sql
from tests.support import data, is_hit, limited, make_engine, make_shop, refused, statements

FORMS: Any = {
    "queries": ["single", "plural", "aggregate", "groups"],
    "lists": ["plural", "aggregate", "groups"],
}


# --- what functions make of values -------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "{ booksAggregate { count countDistinct { id title format price attributes coverless: inPrint } } }",
        "{ booksAggregate { sum { pages price readingTime } avg { pages price readingTime condition: pages } } }",
        "{ booksAggregate { stddev { pages price } stddevPop { pages } variance { pages } variancePop { price } } }",
        "{ booksAggregate { min { id title price published readingTime createdAt } max { id isbn weight pages } } }",
        "{ booksAggregate { boolAnd { inPrint } boolOr { inPrint } } }",
        "{ booksAggregate { sum { reviewCount publisher { founded } } max { averageStars category { name } } } }",
        "{ booksAggregate { array { title(limit: 3) format(limit: 2) published(limit: 2) id(limit: 1) } } }",
        "{ booksAggregate { array { title(orderBy: [{published: DESC}], limit: 4) category { id(distinct: true) }}}}",
        '{ booksAggregate { join { title(limit: 3, separator: " | ") publisher { country(distinct: true) } } } }',
        "{ booksAggregate(where: {id: {lt: 0}}) { count sum { price } avg { pages } array { title } join { title } } }",
        "{ books(limit: 5) { title reviewsAggregate(where: {stars: {gt: 2}}) { avg { stars } max { headline } } } }",
        "{ ...F } fragment F on Query { booksAggregate { ...A } } fragment A on BookAggregate { n: count }",
        "query ($no: Boolean = false) { booksAggregate { count @include(if: $no) sum @skip(if: $no) { pages } } }",
    ],
)
def test_aggregates_are_those_of_the_rows_in_python(books: GraphQLEngine, query: str) -> None:
    assert_same_answer(books, query)


def test_deviations_are_those_of_python(books: GraphQLEngine) -> None:
    answer = data(
        books,
        "{ booksAggregate { avg { weight pages } stddev { weight pages price } variancePop { weight } sum { weight }}}",
    )["booksAggregate"]
    weights = [book.weight for book in Book.objects.exclude(weight=None)]
    pages = [book.pages for book in Book.objects.exclude(pages=None)]
    prices = [book.price for book in Book.objects.all()]

    assert answer["avg"]["weight"] == pytest.approx(statistics.fmean(weights))
    assert answer["avg"]["pages"] == pytest.approx(statistics.fmean(pages))
    assert answer["sum"]["weight"] == pytest.approx(sum(weights))
    assert answer["stddev"]["weight"] == pytest.approx(statistics.stdev(weights))
    assert answer["stddev"]["pages"] == pytest.approx(statistics.stdev(pages))
    assert Decimal(answer["stddev"]["price"]) == pytest.approx(statistics.stdev(prices), rel=Decimal("1e-12"))
    assert answer["variancePop"]["weight"] == pytest.approx(statistics.pvariance(weights))


def test_types_of_results_say_how_exact_they_are(books: GraphQLEngine) -> None:
    types: Any = books.schema.graphql.type_map  # type: ignore[attr-defined]
    shown = {
        name: {key: str(field.type) for key, field in types[f"BookAggregate{name}"].fields.items() if key in WANTED}
        for name in ("Sum", "Avg", "Max", "Stddev", "CountDistinct", "Array", "BoolOr")
    }

    assert shown == {
        "Sum": {"pages": "BigInt", "price": "Decimal", "weight": "Float", "readingTime": "Duration"},
        "Avg": {"pages": "Float", "price": "Decimal", "weight": "Float", "readingTime": "Duration"},
        "Max": {
            "title": "String", "pages": "Int", "price": "Decimal", "weight": "Float", "readingTime": "Duration",
            "createdAt": "DateTime",
        },
        "Stddev": {"pages": "Float", "price": "Decimal", "weight": "Float"},
        "CountDistinct": dict.fromkeys(WANTED, "Int!"),
        "Array": {
            "title": "[String!]!", "pages": "[Int!]!", "price": "[Decimal!]!", "weight": "[Float!]!",
            "readingTime": "[Duration!]!", "createdAt": "[DateTime!]!", "format": "[BookFormat!]!",
            "inPrint": "[Boolean!]!",
        },
        "BoolOr": {"inPrint": "Boolean"},
    }  # fmt: skip
    assert str(types["Query"].fields["booksAggregate"].type) == "BookAggregate!"
    assert "tags" not in types["BookAggregateCountDistinct"].fields
    assert "title" not in types["BookAggregateSum"].fields


WANTED = ("title", "pages", "price", "weight", "readingTime", "createdAt", "format", "inPrint")


@pytest.mark.django_db
def test_two_aggregates_never_inflate_each_other() -> None:
    shop = make_shop()
    shop.books[0].authors.add(shop.authors[1])

    answer = data(
        GraphQLEngine(cache=None),
        "{ booksAggregate { count sum { price reviewCount } array { title } } "
        "publishers { booksAggregate { count sum { price reviewCount } } } "
        "books(limit: 1, orderBy: [{id: ASC}]) { reviewsAggregate { count sum { stars } } authorsCount } }",
    )

    own = {"count": 3, "sum": {"price": "33.00", "reviewCount": "2"}}
    assert answer["booksAggregate"] == {**own, "array": {"title": ["City", "Planet", "Rocannon"]}}
    assert answer["publishers"] == [{"booksAggregate": own}]
    assert answer["books"] == [{"reviewsAggregate": {"count": 2, "sum": {"stars": "8"}}, "authorsCount": 2}]


@pytest.mark.django_db
def test_sums_are_exact_beyond_64_bits_and_2_53() -> None:
    shop = make_shop()
    Publisher.objects.update(founded=None)
    Review.objects.filter(pk=shop.reviews[0].pk).delete()
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], registry=registry, **FORMS)
    class ReviewType:
        huge: fraiseql.BigInt = fraiseql.field(Value(2**62) + F("stars"))
        exact: int = fraiseql.field(F("stars") + 0)

    Review.objects.create(book=shop.books[1], customer=shop.customer, stars=4)
    Review.objects.create(book=shop.books[2], customer=shop.customer, stars=4)
    engine = GraphQLEngine(registry=registry, cache=None)

    assert data(engine, "{ reviewsAggregate { sum { huge exact } } }") == {
        "reviewsAggregate": {"sum": {"huge": str(3 * 2**62 + 13), "exact": "13"}}
    }


@pytest.mark.django_db
def test_value_that_is_no_number_of_json_is_an_error_of_its_field() -> None:
    shop = make_shop()
    Book.objects.filter(pk=shop.books[0].pk).update(weight=float("nan"))

    answer = GraphQLEngine(cache=None).execute("{ booksAggregate { count sum { weight } max { price } } }").json()

    assert answer["data"] == {"booksAggregate": {"count": 3, "sum": {"weight": None}, "max": {"price": "12.00"}}}
    (error,) = answer["errors"]
    assert error["path"] == ["booksAggregate", "sum", "weight"]
    assert error["extensions"]["code"] == "INVALID_VALUE"


@pytest.mark.django_db
def test_sum_that_is_out_of_range_is_an_error_of_the_root_field() -> None:
    make_shop()
    Book.objects.update(weight=1.7e308)

    answer = GraphQLEngine(cache=None).execute("{ all: booksAggregate { sum { weight } } }").json()

    (error,) = answer["errors"]
    assert error["path"] == ["all"]
    assert error["locations"] == [{"line": 1, "column": 3}]
    assert error["message"] == "An aggregate of these values is out of range."
    assert error["extensions"]["code"] == "INVALID_VALUE"


@pytest.mark.django_db
def test_undeclared_choice_is_an_error_where_it_is_listed_and_counts_elsewhere() -> None:
    shop = make_shop()
    Book.objects.filter(pk=shop.books[0].pk).update(format="papyrus")

    answer = (
        GraphQLEngine(cache=None)
        .execute("{ booksAggregate { countDistinct { format } array { format } count } }")
        .json()
    )

    assert answer["errors"][0]["path"] == ["booksAggregate", "array", "format", 2]
    answer = data(GraphQLEngine(cache=None), "{ booksAggregate { countDistinct { format } } }")
    assert answer == {"booksAggregate": {"countDistinct": {"format": 2}}}


@pytest.mark.django_db
def test_durations_add_up() -> None:
    shop = make_shop()
    for hours, book in enumerate(shop.books, 1):
        Book.objects.filter(pk=book.pk).update(reading_time=timedelta(hours=hours))

    answer = data(GraphQLEngine(cache=None), "{ booksAggregate { sum { readingTime } avg { readingTime } } }")

    assert answer == {
        "booksAggregate": {"sum": {"readingTime": "P0DT06H00M00S"}, "avg": {"readingTime": "P0DT02H00M00S"}}
    }


# --- of which rows -----------------------------------------------------------------------------


class LinesOfReviewedBooks(models.Manager[Any]):
    """Has the lines of books with reviews, once each, though a join has one for each review."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(book__reviews__stars__gte=1).distinct()


@pytest.mark.django_db
@isolate_apps("tests.zoo")
def test_rows_with_equal_values_are_all_aggregated_where_a_manager_has_distinct_rows() -> None:
    shop = make_shop()
    OrderLine.objects.create(order=shop.order, line_number=2, book=shop.books[0], unit_price=Decimal(10))

    class Shown(OrderLine):
        objects = LinesOfReviewedBooks()

        class Meta:
            proxy = True
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Shown, name="Line", fields=["unit_price"], registry=registry, **FORMS)(type("Line", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    answer = data(engine, "{ linesAggregate { count sum { unitPrice } } linesGroups { key { unitPrice } count } }")
    assert answer == {
        "linesAggregate": {"count": 2, "sum": {"unitPrice": "20.00"}},
        "linesGroups": [{"key": {"unitPrice": "10.00"}, "count": 2}],
    }


def ask(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def shown_to_staff(viewer: Any) -> bool:
    return bool(viewer.is_staff)


@pytest.fixture
def ruled(db: None) -> GraphQLEngine:
    """Make an engine: books under 12 are shown, stars and publishers to staff, reviews to the signed in."""
    make_shop()
    registry = Registry()

    @fraiseql.type(Book, fields=["title", "reviews"], rows=lambda viewer: Q(price__lt=12), registry=registry, **FORMS)
    class BookType:
        price: fraiseql.auto = fraiseql.field(permission=shown_to_staff, mask=True)
        isbn: fraiseql.auto = fraiseql.field(permission=shown_to_staff)
        publisher: fraiseql.auto

    @fraiseql.type(
        Publisher, fields=["name", "books"], permission=shown_to_staff, mask=True, registry=registry, **FORMS
    )
    class PublisherType:
        pass

    @fraiseql.type(
        Review, fields=["stars", "book"], permission=fraiseql.requires_auth, mask=True, registry=registry, **FORMS
    )
    class ReviewType:
        pass

    @fraiseql.type(Category, fields=["name", "books"], registry=registry, **FORMS)
    class CategoryType:
        pass

    return GraphQLEngine(registry=registry, cache=None)


def test_hidden_rows_are_not_aggregated(ruled: GraphQLEngine) -> None:
    query = "{ booksAggregate { count max { title } } categories { booksAggregate { count array { title } } } }"

    assert ask(ruled, query)["data"] == {
        "booksAggregate": {"count": 2, "max": {"title": "Rocannon"}},
        "categories": [{"booksAggregate": {"count": 2, "array": {"title": ["Planet", "Rocannon"]}}}],
    }


def test_masked_values_are_null_and_refused_ones_refused(ruled: GraphQLEngine) -> None:
    query = "{ booksAggregate { count sum { price } countDistinct { price publisher { name } } array { price } } }"
    staff = User.objects.create(username="staff", is_staff=True)

    assert ask(ruled, query)["data"]["booksAggregate"] == {
        "count": 2,
        "sum": {"price": None},
        "countDistinct": {"price": None, "publisher": None},
        "array": {"price": None},
    }
    assert ask(ruled, query, staff)["data"]["booksAggregate"]["countDistinct"] == {"price": 2, "publisher": {"name": 1}}
    error = ask(ruled, "{ booksAggregate { max { isbn } } }")["errors"][0]
    assert error["message"] == "Sign in to use BookAggregateMax.isbn."


def test_aggregates_of_masked_rows_are_those_of_none(ruled: GraphQLEngine) -> None:
    query = "{ reviewsAggregate { count sum { stars } array { stars } } books(limit: 1) { reviewsAggregate { count }}}"

    assert ask(ruled, query)["data"] == {
        "reviewsAggregate": {"count": 0, "sum": {"stars": None}, "array": {"stars": []}},
        "books": [{"reviewsAggregate": {"count": 0}}],
    }
    ann = User.objects.get(username="ann")
    assert ask(ruled, "{ reviewsAggregate { count sum { stars } } }", ann)["data"] == {
        "reviewsAggregate": {"count": 2, "sum": {"stars": "8"}}
    }


def test_values_behind_hidden_rows_are_not_aggregated(ruled: GraphQLEngine) -> None:
    ann = User.objects.get(username="ann")
    Book.objects.update(price=50)

    answer = ask(ruled, "{ reviewsAggregate { count countDistinct { book { title } } join { book { title } } } }", ann)

    assert answer["data"]["reviewsAggregate"] == {
        "count": 2, "countDistinct": {"book": {"title": 0}}, "join": {"book": {"title": None}},
    }  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        "booksAggregate(where: {price: {gt: 1}}) { count }",
        "categories(where: {booksAggregate: {sum: {price: {gt: 1}}}}) { name }",
        "categories(where: {booksAggregate: {where: {isbn: {eq: null}}, count: {eq: 1}}}) { name }",
        "categories(orderBy: [{booksAggregate: {avg: {price: DESC}}}]) { name }",
        "categories(where: {booksAggregate: {countDistinct: {publisher: {name: {gt: 1}}}}}) { name }",
        "categories(orderBy: [{booksAggregate: {max: {publisher: {name: ASC}}}}]) { name }",
        "books(where: {reviewsCount: {gt: 1}}) { title }",
        "books(where: {reviewsAggregate: {count: {gt: 1}}}) { title }",
        "books(orderBy: [{reviewsCount: ASC}]) { title }",
        "booksGroups(having: {max: {price: {gt: 1}}}) { key { title } }",
        "booksGroups(orderBy: [{max: {price: ASC}}]) { key { title } }",
        "booksGroups(orderBy: [{key: {publisher: {name: ASC}}}]) { key { publisher { name } } }",
    ],
)
def test_masked_values_are_not_searched_or_sorted_by(ruled: GraphQLEngine, condition: str) -> None:
    error = ask(ruled, f"{{ {condition} }}")["errors"][0]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert error["locations"]


def test_conditions_on_aggregates_do_not_look_behind_rules(ruled: GraphQLEngine) -> None:
    query = """{
        two: categories(where: {booksCount: {eq: 2}}) { name }
        three: categories(where: {booksCount: {eq: 3}}) { name }
        city: categories(where: {booksAggregate: {min: {title: {eq: "City"}}}}) { name }
    }"""

    assert ask(ruled, query)["data"] == {"two": [{"name": "Novels"}], "three": [], "city": []}


@pytest.mark.django_db
def test_rows_behind_which_nothing_can_be_seen_are_aggregated() -> None:
    make_shop()
    registry = Registry()
    fraiseql.type(Book, fields=["pages", "price"], rows=lambda viewer: False, registry=registry)(
        type("BookType", (), {})
    )
    fraiseql.type(Review, fields=["book"], registry=registry, **FORMS)(type("ReviewType", (), {}))
    engine = GraphQLEngine(registry=registry, cache=None)

    answer = data(
        engine,
        "{ reviewsAggregate { count sum { book { pages price } } array { book { price } } } "
        "reviewsGroups(having: {sum: {book: {pages: {eq: null}}}}) { key { book { price(width: 5) pages } } count } }",
    )

    assert answer == {
        "reviewsAggregate": {
            "count": 2, "sum": {"book": {"pages": None, "price": None}}, "array": {"book": {"price": []}},
        },
        "reviewsGroups": [{"key": {"book": None}, "count": 2}],
    }  # fmt: skip


# --- how ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_values_of_variables_share_a_plan_and_a_statement() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    query = """query ($stars: Float!, $rows: Int, $separator: String, $width: Decimal) {
        books(where: {reviewsAggregate: {avg: {stars: {gte: $stars}}}}) { title }
        booksAggregate { array { title(limit: $rows) } join { title(separator: $separator) } }
        booksGroups(having: {count: {gte: $rows}}) { key { price(width: $width) } count }
    }"""
    first: dict[str, Any] = {"stars": 4, "rows": 1, "separator": "-", "width": "5"}
    second: dict[str, Any] = {"stars": 4.5, "rows": 2, "separator": "+", "width": "100"}

    assert data(engine, query, first)["booksAggregate"] == {
        "array": {"title": ["City"]}, "join": {"title": "City-Planet-Rocannon"},
    }  # fmt: skip
    plans = engine.statistics().plans.size
    assert data(engine, query, second) == {
        "books": [],
        "booksAggregate": {"array": {"title": ["City", "Planet"]}, "join": {"title": "City+Planet+Rocannon"}},
        "booksGroups": [{"key": {"price": "0.00"}, "count": 3}],
    }
    assert engine.statistics().plans.size == plans
    assert engine.explain(query, first).sql == engine.explain(query, second).sql


@pytest.mark.django_db
def test_aggregates_take_one_statement_and_no_rows() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    engine.execute("{ __typename }")

    with statements(1):
        data(
            engine,
            "{ booksAggregate { count } books { reviewsAggregate { count } } booksGroups { key { id } } }",
        )
    assert "FROM" not in engine.explain("{ booksAggregate { __typename } }").sql


@pytest.mark.django_db(transaction=True)
def test_answers_are_kept_until_a_row_comes(cache_alias: str) -> None:
    shop = make_shop()
    engine = make_engine(cache_alias)
    query = "{ booksGroups { key { publisher { name } } count } reviewsAggregate { sum { stars } } }"

    data(engine, query)
    assert is_hit(engine, query)
    Review.objects.create(book=shop.books[1], customer=shop.customer, stars=1)
    assert data(engine, query)["reviewsAggregate"] == {"sum": {"stars": "9"}}
    Publisher.objects.update(name="Base")
    assert data(engine, query)["booksGroups"] == [{"key": {"publisher": {"name": "Base"}}, "count": 3}]


@pytest.mark.django_db
def test_aggregates_in_what_mutations_return() -> None:
    shop = make_shop()
    mutation = (
        f'mutation {{ renameBook(id: {shop.books[0].pk}, title: "T") {{ reviewsAggregate {{ max {{ stars }} }} }} }}'
    )

    answer = data(GraphQLEngine(cache=None), mutation)

    assert answer == {"renameBook": {"reviewsAggregate": {"max": {"stars": 5}}}}


@pytest.mark.django_db
def test_values_of_views_and_of_their_json_are_aggregated() -> None:
    make_shop()
    Book.objects.update(pages=F("id") * 0 + 100)
    sql.create()
    registry = Registry()

    @fraiseql.type
    class Publisher2:
        name: str

    fraiseql.type(name="PublisherInCard")(Publisher2)
    for name, source, column in (("Card", "v_book_json", "data"), ("Row", "v_book_row", None)):
        body = {
            "__annotations__": {
                "id": fraiseql.ID, "title": str, "price": Decimal, "pages": int | None, "publisher": Publisher2,
            },
            "__module__": __name__,
        }  # fmt: skip
        fraiseql.type(sql_source=source, jsonb_column=column, reads=["bookshop_book"], registry=registry, **FORMS)(
            type(name, (), body)
        )
    engine = GraphQLEngine(registry=registry, cache=None)

    for name in ("cards", "rows"):
        answer = data(
            engine,
            f"{{ {name}Aggregate {{ count sum {{ price pages }} max {{ title publisher {{ name }} }} }} "
            f"{name}Groups {{ key {{ publisher {{ name }} pages }} count avg {{ price }} }} }}",
        )
        assert answer[f"{name}Aggregate"] == {
            "count": 3, "sum": {"price": "33.00", "pages": "300"},
            "max": {"title": "Rocannon", "publisher": {"name": "Ace"}},
        }  # fmt: skip
        (group,) = answer[f"{name}Groups"]
        assert group["key"] == {"publisher": {"name": "Ace"}, "pages": 100}
        assert (group["count"], Decimal(group["avg"]["price"])) == (3, 11)


# --- filters and orders ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        "where: {reviewsCount: {gte: 3}}",
        "where: {NOT: {reviewsCount: {gte: 3}}}",
        "where: {reviewsCount: {eq: 0}}",
        "where: {reviewsCount: {isnull: true}}",
        "where: {reviewsAggregate: {avg: {stars: {gte: 4}}}}",
        "where: {NOT: {reviewsAggregate: {avg: {stars: {gte: 4}}}}}",
        "where: {reviewsAggregate: {NOT: {avg: {stars: {gte: 4}}}}}",
        "where: {NOT: {reviewsAggregate: {NOT: {avg: {stars: {gte: 4}}}}}}",
        "where: {reviewsAggregate: {avg: {stars: {eq: null}}}}",
        "where: {reviewsAggregate: {where: {stars: {lt: 3}}, count: {gte: 1}}}",
        "where: {reviewsAggregate: {OR: [{count: {eq: 0}}, {max: {stars: {eq: 5}}}]}}",
        "where: {reviewsAggregate: {max: {customer: {name: {gt: \"M\"}}}, countDistinct: {stars: {in: [1, 2]}}}}",
        "where: {category: {booksCount: {eq: 0}}}",
        "where: {NOT: {category: {booksCount: {gt: 2}}}}",
        "where: {category: {parent: {booksAggregate: {count: {lt: 5}}}}}",
        "where: {OR: [{reviewsCount: {lt: 1}}, {authorsCount: {gt: 1}}]}",
        "where: {reviewsAggregate: {}}",
        "where: {reviewsAggregate: {where: {stars: {gt: 3}}}}",
        "orderBy: [{reviewsCount: DESC}]",
        "orderBy: [{reviewsAggregate: {avg: {stars: DESC}}}]",
        "orderBy: [{reviewsAggregate: {avg: {stars: DESC_NULLS_LAST}}}, {authorsCount: ASC}]",
        "orderBy: [{category: {booksCount: ASC}}]",
        "orderBy: [{category: {parent: {booksAggregate: {max: {price: DESC}}}}}]",
        "orderBy: [{reviewsAggregate: {max: {customer: {name: ASC}}}}]",
    ],
)  # fmt: skip
def test_lists_are_filtered_and_sorted_by_aggregates(books: GraphQLEngine, arguments: str) -> None:
    assert_same_answer(books, f"{{ books({arguments}) {{ id }} }}")


def test_nested_lists_are_filtered_and_sorted_by_aggregates(books: GraphQLEngine) -> None:
    assert_same_answer(
        books,
        "{ publishers { books(where: {reviewsCount: {gt: 2}}, orderBy: [{reviewsAggregate: {sum: {stars: ASC}}}])"
        " { id reviewsCount } } }",
    )


def test_what_is_missing_has_no_count_to_sort_by(books: GraphQLEngine) -> None:
    Book.objects.filter(pk__in=Book.objects.order_by("pk").values("pk")[:5]).update(category=None)

    answer = assert_same_answer(books, "{ books(orderBy: [{category: {booksCount: ASC}}]) { category { booksCount }}}")

    assert [book["category"] for book in answer["books"]][-5:] == [None] * 5


# --- limits ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_aggregate_costs_as_much_as_reading_a_list() -> None:
    engine = limited(assumed_rows=20)

    def cost(query: str) -> float:
        return engine.explain(query).complexity

    assert cost("{ booksAggregate { count } }") == 1 + 20 + 1
    assert cost("{ booksAggregate { count sum { price pages } } }") == 1 + 20 + 3
    assert cost("{ books(limit: 10) { reviewsAggregate { count } } }") == 1 + 10 * (1 + 20 + 1)
    # each listed value counts
    assert cost("{ booksAggregate { array { title(limit: 7) } } }") == 1 + 20 + 1 + 7
    assert cost("{ booksAggregate { array { title } } }") == 1 + 20 + 1 + 20


@pytest.mark.django_db
def test_listed_values_are_bounded_like_rows() -> None:
    make_shop()
    engine = limited(max_rows=2)

    assert data(engine, "{ booksAggregate { count array { title } join { title } } }")["booksAggregate"] == {
        "count": 3, "array": {"title": ["City", "Planet"]}, "join": {"title": "City, Planet"},
    }  # fmt: skip
    assert data(limited(max_rows=3, default_rows=1), "{ booksAggregate { array { title } } }") == {
        "booksAggregate": {"array": {"title": ["City"]}}
    }
    error = refused(engine, "{ booksAggregate { array { title(limit: 3) } } }")
    assert error["extensions"]["setting"] == "LIMITS.MAX_ROWS"
    error = refused(GraphQLEngine(cache=None), "{ booksAggregate { array { title(limit: -1) } } }")
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "query",
    [
        "{ books(where: {reviewsCount: {gt: 1}, reviewsAggregate: {avg: {stars: {gt: 1}}}}) { id } }",
        "{ booksAggregate(where: {id: {eq: 1}, title: {eq: null}}) { count } }",
        "{ booksGroups(having: {count: {gt: 1}, min: {price: {gt: 1}}}) { key { id } } }",
        "{ booksGroups(orderBy: [{count: ASC}, {key: {id: ASC}}]) { key { id } } }",
    ],
)
def test_conditions_and_orders_are_counted(query: str) -> None:
    assert refused(limited(conditions=1), query)["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "query",
    [
        "{ booksAggregate { sum { publisher { founded } } max { publisher { name } } } }",
        "{ books(where: {publisher: {booksAggregate: {max: {publisher: {name: {gt: \"\"}}}}}}) { id } }",
        "{ books(orderBy: [{publisher: {booksAggregate: {max: {publisher: {name: ASC}}}}}]) { id } }",
        "{ booksGroups { key { publisher { name } category { parent { name } } } } }",
    ],
)  # fmt: skip
def test_planning_is_charged(query: str) -> None:
    error = refused(limited(planning=100), query)
    assert error["extensions"]["setting"] == "LIMITS.PLANNING"


# --- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ booksAggregate(limit: 1) { count } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ booksAggregate { sum { title } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ booksAggregate { sum { tags } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ booksAggregate { boolAnd { price } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ booksAggregate { sum { authors { id } } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ books(where: {reviewsAggregate: {avg: {headline: {gt: 1}}}}) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ books(where: {reviewsAggregate: {where: null, count: {gt: 1}}}) { id } }", "BAD_USER_INPUT"),
        ("{ books(where: {reviewsCount: null}) { id } }", "BAD_USER_INPUT"),
        ("{ books(orderBy: [{reviewsAggregate: {count: ASC, avg: {stars: ASC}}}]) { id } }", "BAD_USER_INPUT"),
        ("{ books(orderBy: [{reviewsAggregate: {}}]) { id } }", "BAD_USER_INPUT"),
        ("{ booksAggregate { array { title(distinct: true, orderBy: [{id: ASC}]) } } }", "BAD_USER_INPUT"),
    ],
)
@pytest.mark.django_db
def test_bad_input_is_refused_with_its_location(query: str, code: str) -> None:
    error = refused(GraphQLEngine(cache=None), query)
    assert error["extensions"]["code"] == code
    assert error["locations"]
    assert "SELECT" not in str(error)


# --- declarations ------------------------------------------------------------------------------


def test_aggregates_are_there_only_where_a_declaration_asks_for_them() -> None:
    registry = Registry()
    fraiseql.type(Review, fields=["stars"], lists=["aggregate"], registry=registry)(type("ReviewType", (), {}))
    fraiseql.type(Book, fields=["title", "reviews"], queries=["aggregate"], registry=registry)(type("BookType", (), {}))
    types: Any = build_schema(registry, get_settings()).graphql.type_map

    assert set(types["Query"].fields) == {"review", "reviews", "reviewsCount", "booksAggregate"}
    assert list(types["Book"].fields) == ["title", "reviewsAggregate"]
    assert "BookGroup" not in types
    assert "reviewsAggregate" in types["BookWhere"].fields


def test_type_that_has_the_name_of_a_derived_one_is_refused() -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["title"], queries=["aggregate"], registry=registry)(type("BookType", (), {}))
    fraiseql.type(Author, name="BookAggregate", fields=["name"], registry=registry)(type("Other", (), {}))

    with pytest.raises(DeclarationError, match=r"Query\.booksAggregate needs a type called 'BookAggregate'"):
        build_schema(registry, get_settings())


def test_field_that_has_the_name_of_an_aggregate_is_refused() -> None:
    registry = Registry()
    fraiseql.type(Review, fields=["stars"], registry=registry, **FORMS)(type("ReviewType", (), {}))
    annotations = {"reviews": fraiseql.auto, "reviews_aggregate": int}
    body = {"__annotations__": annotations, "reviews_aggregate": fraiseql.field(F("pages"))}
    fraiseql.type(Book, registry=registry)(type("BookType", (), body))

    with pytest.raises(DeclarationError, match="Book has two fields called 'reviewsAggregate'"):
        build_schema(registry, get_settings())


def test_names_follow_the_settings() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), camel_case=False), cache=None)
    types: Any = engine.schema.graphql.type_map  # type: ignore[attr-defined]

    assert {"count_distinct", "bool_and", "stddev_pop"} <= types["BookAggregate"].fields.keys()
    assert "reviews_aggregate" in types["Book"].fields
    assert "created_at_part" in types["BookGroupKey"].fields


@pytest.mark.django_db
def test_customers_without_orders_are_found_by_their_count() -> None:
    make_shop()
    Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")

    answer = data(GraphQLEngine(cache=None), "{ customers(where: {ordersCount: {eq: 0}}) { name } }")

    assert answer == {"customers": [{"name": "Bob"}]}
