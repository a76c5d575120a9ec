"""Counts and conditions on a many-to-many relation read the table between where nothing of the rows behind is asked."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine
from fraiseql_django.declare.registry import Registry
from fraiseql_django.invalidation import catalog
from tests.naive import assert_same_answer
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db

AUTHORS = '"bookshop_author"'
ALONE = [
    "{ books(limit: 5) { id authorsCount } }",
    "{ authors(limit: 5) { id booksCount } }",
    "{ books(where: {authors: {some: {}}}) { id } }",
    "{ books(where: {authors: {none: {}}}) { id } }",
    "{ books(where: {authors: {some: {id: {eq: 3}}}}) { id } }",
    "{ books(where: {authors: {some: {OR: [{id: {eq: 3}}, {NOT: {id: {lt: 9}}}]}}}) { id } }",
    "{ books(where: {authors: {every: {id: {in: [1, 2, 3, 4]}}}}) { id } }",
    "{ books(where: {NOT: {authors: {some: {id: {isnull: true}}}}}) { id } }",
    "{ books(limit: 5) { id authorsCount(where: {id: {gt: 5}}) } }",
]
JOINED = [
    '{ books(where: {authors: {some: {name: {startswith: "L"}}}}) { id } }',
    '{ books(where: {authors: {some: {id: {gt: 3}, name: {startswith: "L"}}}}) { id } }',
    "{ books(limit: 5) { id authorsCount(where: {books: {some: {}}}) } }",
]


@pytest.mark.parametrize("query", ALONE)
def test_only_the_table_between_is_read(books: GraphQLEngine, query: str):
    assert ("JOIN " in books.explain(query).sql) is False
    assert_same_answer(books, query)


@pytest.mark.parametrize("query", JOINED)
def test_rows_that_are_asked_for_more_are_joined(books: GraphQLEngine, query: str):
    assert "JOIN " in books.explain(query).sql
    assert_same_answer(books, query)


def engine(**options: Any) -> GraphQLEngine:
    registry = Registry()
    fraiseql.type(Book, fields=["id", "authors"], registry=registry)(type("Book", (), {}))
    fraiseql.type(Author, fields=["id", "name"], registry=registry, **options)(type("Author", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


def joins(tried: GraphQLEngine) -> bool:
    return "JOIN " in tried.explain("{ books { authorsCount } }").sql


def test_row_rule_is_kept():
    assert not joins(engine())
    assert joins(engine(rows=lambda viewer: Q(name="Ann")))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE bookshop_author ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE bookshop_book_authors ALTER author_id DROP NOT NULL",
        "DROP CONSTRAINT",
    ],
)
def test_what_postgresql_may_hide_or_lose_is_joined(statement: str):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if statement == "DROP CONSTRAINT":
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'bookshop_book_authors'::regclass "
                "AND confrelid = 'bookshop_author'::regclass"
            )
            ((name,),) = cursor.fetchall()
            statement = f'ALTER TABLE bookshop_book_authors DROP CONSTRAINT "{name}"'
        cursor.execute(statement)
    catalog.forget()
    try:
        assert joins(engine())
    finally:
        catalog.forget()


def test_manager_that_hides_rows_is_kept():
    sql = GraphQLEngine(registry=ZOO, cache=None).explain("{ foods { eatersCount } }").sql
    assert '"zoo_animal"' in sql
