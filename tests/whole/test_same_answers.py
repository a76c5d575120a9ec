"""Every operation has the answer that graphql-core's own executor gives with naive resolvers."""

import pytest

from fraiseql_django import GraphQLEngine
from tests.naive import assert_same_answer
from tests.operations import SHOP, ZOO, Asked

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", SHOP.values(), ids=SHOP.keys())
def test_bookshop(books: GraphQLEngine, asked: Asked) -> None:
    for variables in asked.variables:
        assert_same_answer(books, asked.query, variables, asked.name)


@pytest.mark.parametrize("asked", ZOO.values(), ids=ZOO.keys())
def test_zoo(zoo: GraphQLEngine, asked: Asked) -> None:
    for variables in asked.variables:
        assert_same_answer(zoo, asked.query, variables, asked.name)
