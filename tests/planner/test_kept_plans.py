"""Plans are kept for others: what one client sent, and who it was, is not in them."""

import gc
import weakref
from typing import Any

import pytest
from django.db.models import Q
from django.http import HttpRequest

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.viewer import VIEWER, Viewer

pytestmark = pytest.mark.django_db


class Titles(list[str]):
    """A list that can be referred to weakly."""


def engine_with_a_mutation() -> GraphQLEngine:
    registry = Registry()

    @fraiseql.type(Author, fields=["name", "books"], rows=lambda viewer: viewer.is_staff or Q(), registry=registry)
    class AuthorType:
        pass

    @fraiseql.type(Book, fields=["title"], registry=registry)
    class BookType:
        pass

    @fraiseql.mutation(registry=registry)
    def rename(info: fraiseql.Info) -> AuthorType:
        raise AssertionError("only its plan is made")

    return GraphQLEngine(registry=registry, cache=None)


@pytest.mark.parametrize(
    "operation",
    [
        "query ($titles: [String!]) { authors { books(where: {title: {in: $titles}}) { title } } }",
        "query ($titles: [String!]) { booksCount(where: {NOT: {title: {in: $titles}}}) }",
        "mutation ($titles: [String!]) { rename { books(where: {title: {in: $titles}}) { title } } }",
    ],
)
def test_plan_keeps_neither_values_nor_the_viewer(operation: str) -> None:
    engine = engine_with_a_mutation()
    parsed = engine.parser.parse(operation).operation(None)
    titles, request = Titles(["City"]), HttpRequest()
    given: list[weakref.ref[Any]] = [weakref.ref(titles), weakref.ref(request)]
    viewer = Viewer(request)

    plan = engine.planner.plan(parsed, {"titles": titles, VIEWER: viewer}, viewer)

    assert engine.planner.plan(parsed, {"titles": titles, VIEWER: viewer}, viewer) is plan
    del titles, request, viewer
    gc.collect()
    assert [kept() for kept in given] == [None, None]
