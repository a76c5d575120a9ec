"""Rows of small tables are written once and looked up, and long lists are aggregated: the same answers, another way."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Category, Publisher, Review
from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.declare.registry import Registry, default_registry
from fraiseql_django.invalidation import catalog
from tests.naive import assert_same_answer

pytestmark = pytest.mark.django_db

BOOKS = 1200
TEXTS, LONG = "jsonb_object_agg", "string_agg"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let the catalogue say how many rows tables have: PostgreSQL's own numbers would outlive the test."""

    def say(**rows: int) -> None:
        monkeypatch.setattr(catalog, "_counts", lambda _: {(f"bookshop_{name}",): rows[name] for name in rows})
        catalog.forget()

    yield say
    monkeypatch.undo()
    catalog.forget()


@pytest.fixture
def shelves(db: None, counted: Callable[..., None]) -> list[Publisher]:
    """1,200 books of four publishers, most in one of three categories, of which two are in the third."""
    publishers = [Publisher.objects.create(name=f'Pub "{n}"', country="IE", founded=n or None) for n in range(4)]
    top = Category.objects.create(name="Top", slug="top")
    categories = [top, *(Category.objects.create(name=f"C{n}", slug=f"c{n}", parent=top) for n in range(2)), None]
    Book.objects.bulk_create(
        Book(title=f"Book {n}", isbn=str(n), price=n, publisher=publishers[n % 4], category=categories[n % 4])
        for n in range(BOOKS)
    )
    counted(book=BOOKS, publisher=4, category=3)
    return publishers


def engine(**limits: int) -> GraphQLEngine:
    settings = replace(get_settings(), limits=LimitSettings(**limits))
    return GraphQLEngine(registry=default_registry, settings=settings, cache=None)


ALL = """{ books { title publisher { name founded } category { name parent { name parent { slug } } } } }"""


def test_small_rows_are_looked_up_in_a_list_of_all_rows(shelves: Any):
    sql = engine().explain(ALL).sql

    assert sql.count(TEXTS) == 2
    assert 'INNER JOIN "bookshop_publisher"' not in sql
    assert sql.count(LONG) == 1
    assert_same_answer(engine(), ALL)


@pytest.mark.parametrize(
    "query",
    [
        "{ books(limit: 3) { publisher { name } } }",
        "{ books(offset: 1) { publisher { name } } }",
        '{ books(where: {title: {eq: "Book 1"}}) { publisher { name } } }',
        "{ book(id: 1) { publisher { name } } }",
        "{ publishers { books(limit: 9) { category { name } } } }",
        "{ publishers(limit: 9) { books { category { name } } } }",
    ],
)
def test_part_of_the_rows_is_joined_and_an_array(shelves: Any, query: str):
    sql = engine().explain(query).sql
    assert TEXTS not in sql
    assert LONG not in sql


def test_small_rows_are_looked_up_in_lists_that_have_all_rows_together(shelves: Any):
    query = "{ publishers { books { title category { name } } } }"
    sql = engine().explain(query).sql
    assert TEXTS in sql
    # each of them may be short
    assert LONG not in sql
    assert_same_answer(engine(), query)


def test_page_of_the_settings_is_joined(shelves: Any):
    assert TEXTS not in engine(max_rows=5000).explain(ALL).sql


@pytest.mark.parametrize(
    "selection",
    ["publisher { name books { title } }", "publisher { booksCount }", "card { title }", "publisher { __typename }"],
)
def test_only_columns_are_written_once(shelves: Any, selection: str):
    query = f"{{ books {{ {selection} }} }}"
    assert (TEXTS in engine().explain(query).sql) == (selection == "publisher { __typename }")


def test_tables_that_were_not_analysed_are_joined(shelves: Any, counted: Callable[..., None]):
    counted(book=0, publisher=0, category=0)
    sql = engine().explain(ALL).sql
    assert TEXTS not in sql
    assert LONG not in sql


def test_table_that_is_not_small_is_joined(shelves: Any, counted: Callable[..., None]):
    counted(book=BOOKS, publisher=200, category=3)
    assert engine().explain(ALL).sql.count(TEXTS) == 1


def test_rows_that_came_later_are_found(shelves: Any):
    """The texts are of 1,000 rows at most: any other row is read by its key."""
    tried = engine()
    assert TEXTS in tried.explain(ALL).sql
    Publisher.objects.bulk_create(Publisher(name=f"P{n}", country="FR") for n in range(1500))
    for book, publisher in zip(Book.objects.all()[:50], Publisher.objects.order_by("-pk"), strict=False):
        Book.objects.filter(pk=book.pk).update(publisher=publisher)

    assert TEXTS in tried.explain(ALL).sql
    assert_same_answer(tried, ALL)


def test_long_texts_are_found(shelves: Any, counted: Callable[..., None]):
    counted(review=12_000, book=400)
    long, short = Book.objects.all()[:2]
    Book.objects.filter(pk=long.pk).update(attributes={"text": "é" * 5000})
    for book in (long, short, long):
        Review.objects.create(book=book, stars=3, headline="!")
    query = "{ reviews { book { title attributes } } }"

    assert TEXTS in engine().explain(query).sql
    assert_same_answer(engine(), query)


def test_keys_of_nothing_are_not_in_an_empty_table(shelves: Any):
    tried = engine()
    query = "{ books { category { name } } }"
    assert TEXTS in tried.explain(query).sql
    Book.objects.update(category=None)
    Category.objects.all().delete()
    assert_same_answer(tried, query)
    Book.objects.all().delete()
    assert json.loads(tried.execute(query).data) == {"books": []}


def test_row_rule_on_the_small_table_is_kept(shelves: Any):
    registry = Registry()
    fraiseql.type(Book, fields=["title", "category"], registry=registry)(type("Book", (), {}))
    fraiseql.type(Category, fields=["name"], rows=lambda viewer: Q(name="C0"), registry=registry)(
        type("Category", (), {})
    )
    tried = GraphQLEngine(registry=registry, cache=None)
    query = "{ books { category { name } } }"

    assert TEXTS not in tried.explain(query).sql
    names = {book["category"] and book["category"]["name"] for book in json.loads(tried.execute(query).data)["books"]}
    assert names == {None, "C0"}


def test_row_rule_on_the_list_is_joined(shelves: Any):
    registry = Registry()
    fraiseql.type(Book, fields=["publisher"], rows=lambda viewer: Q(price__gt=1), registry=registry)(
        type("Book", (), {})
    )
    fraiseql.type(Publisher, fields=["name"], registry=registry)(type("Publisher", (), {}))
    sql = GraphQLEngine(registry=registry, cache=None).explain("{ books { publisher { name } } }").sql
    assert TEXTS not in sql


def test_wrong_value_of_a_shared_row_is_an_error_at_each_of_its_places(shelves: Any):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE bookshop_publisher ALTER country DROP NOT NULL")
        cursor.execute("UPDATE bookshop_publisher SET country = NULL WHERE id = %s", [shelves[1].pk])
    catalog.forget()
    tried = engine()
    query = "{ books { publisher { country } } }"
    assert TEXTS in tried.explain(query).sql

    answer = tried.execute(query)

    assert answer.errors[0].message == "Publisher.country is null, and must not be."
    assert answer.errors[0].path == ["books", 1, "publisher", "country"]


def test_written_tables_drop_the_answer(shelves: Any):
    assert "bookshop_publisher" in engine().explain(ALL).tables
