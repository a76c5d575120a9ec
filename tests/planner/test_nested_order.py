"""Orders of nested lists by a table that the outer query reads as well: its name must not be taken for theirs."""

import pytest

from fraiseql_django import GraphQLEngine
from fraiseql_django.declare.registry import default_registry
from tests.naive import assert_same_answer
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "query",
    [
        "{ publishers { name books(orderBy: [{publisher: {name: DESC}}, {title: ASC}], limit: 2) { title } } }",
        "{ publishers { name books(orderBy: [{category: {name: ASC}}, {title: ASC}]) { title category { name } } } }",
        "{ categories { name children(orderBy: [{parent: {slug: ASC}}, {name: DESC}]) { name parent { name } } } }",
        "{ books(limit: 5) { id authors(orderBy: {bookCount: DESC}) { books(orderBy: {price: ASC}) { id } } } }",
    ],
)
def test_joined_order_of_a_nested_list(populated, query):
    assert_same_answer(GraphQLEngine(registry=default_registry, cache=None), query)


@pytest.mark.parametrize(
    "query",
    [
        "{ foods { eaters(orderBy: {species: {averageWeight: DESC}}) { name } } }",
        "{ foods { eaters(orderBy: {childCount: DESC}) { name species { averageWeight } } } }",
    ],
)
def test_computed_order_of_a_nested_list(populated, query):
    assert_same_answer(GraphQLEngine(registry=ZOO, cache=None), query)
