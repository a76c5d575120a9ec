"""Row rules and permissions: what a viewer may not see is not there, on no path."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer, Order, OrderLine, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.schema.rules import requires_auth
from tests.support import Shop, make_shop


@pytest.fixture
def registry() -> Registry:
    registry = Registry()

    @fraiseql.type(Book, fields=["id", "title", "reviews"], registry=registry)
    class BookType:
        pass

    @fraiseql.type(
        Customer,
        fields=["id", "name", "orders", "reviews"],
        rows=lambda viewer: viewer.is_staff or Q(user=viewer.id),
        registry=registry,
    )
    class CustomerType:
        pass

    @fraiseql.type(
        Order,
        fields=["id", "number", "customer"],
        rows=lambda viewer: viewer.is_staff or Q(customer__user=viewer.id),
        permission=requires_auth,
        registry=registry,
    )
    class OrderType:
        pass

    @fraiseql.type(Review, fields=["id", "stars", "customer", "book"], registry=registry)
    class ReviewType:
        headline: str = fraiseql.field(permission=lambda viewer: viewer.is_staff, mask=True)

    return registry


@pytest.fixture
def shop(db: None) -> Shop:
    shop = make_shop()
    other = Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")
    Order.objects.create(customer=other, number="2")
    Review.objects.create(book=shop.books[1], customer=other, stars=1, headline="?")
    return shop


def ask(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def test_rows(registry: Registry, shop: Shop) -> None:
    engine = GraphQLEngine(registry=registry, cache=None)
    ann, bob = shop.customer.user, User.objects.get(username="bob")
    staff = User.objects.create(username="boss", is_staff=True)

    assert ask(engine, "{ customers { name } }") == {"data": {"customers": []}}
    assert ask(engine, "{ customers { name } }", ann) == {"data": {"customers": [{"name": "Ann"}]}}
    assert ask(engine, "{ customers { name orders { number } } }", bob) == {
        "data": {"customers": [{"name": "Bob", "orders": [{"number": "2"}]}]}
    }
    assert len(ask(engine, "{ customers { name } }", staff)["data"]["customers"]) == 2
    assert ask(engine, "{ orders { number } }")["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert ask(engine, "{ reviews(orderBy: {id: ASC}) { stars customer { name } headline } }", bob) == {
        "data": {
            "reviews": [
                {"stars": 3, "customer": None, "headline": None},
                {"stars": 5, "customer": None, "headline": None},
                {"stars": 1, "customer": {"name": "Bob"}, "headline": None},
            ]
        }
    }
    assert ask(engine, '{ reviews(where: {customer: {name: {eq: "Ann"}}}) { stars } }', bob) == {
        "data": {"reviews": []}
    }
    hidden = ask(engine, '{ reviews(where: {headline: {eq: "!"}}) { stars } }', bob)
    assert hidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    plans = engine.statistics().plans
    ask(engine, "{ customers { name } }", ann)
    assert engine.statistics().plans.misses == plans.misses
