"""Mutations that log in or out: their answers are for whoever is signed in by then, and plans keep nobody."""

import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, Value

import fraiseql_django as fraiseql
from example_project.bookshop.models import Customer
from fraiseql_django import GraphQLEngine, Registry
from tests.support import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions() -> Registry:
    """Make mutations that log in and out, and rows and fields that depend on who asks."""
    make_shop()
    registry = Registry()

    @fraiseql.type(
        Customer, fields=["id", "name"], rows=lambda viewer: viewer.is_staff or Q(user=viewer.id), registry=registry
    )
    class CustomerType:
        phone: str = fraiseql.field(Value("secret"), permission=lambda viewer: viewer.is_staff, mask=True)

    @fraiseql.mutation(registry=registry)
    def login_as(info: fraiseql.Info, name: str) -> list[Customer]:
        assert info.request is not None
        info.request.user = User.objects.get(username=name)
        return Customer.objects.order_by("name")  # type: ignore[return-value]

    @fraiseql.mutation(permission=fraiseql.requires_auth, registry=registry)
    def logout_now(info: fraiseql.Info) -> list[Customer]:
        assert info.request is not None
        info.request.user = AnonymousUser()
        return Customer.objects.order_by("name")  # type: ignore[return-value]

    @fraiseql.mutation(registry=registry)
    def all_customers(info: fraiseql.Info) -> list[Customer]:
        return Customer.objects.order_by("name")  # type: ignore[return-value]

    Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")
    User.objects.create(username="boss", is_staff=True)
    return registry


@pytest.mark.parametrize(
    ("begins", "mutation", "expected"),
    [
        (None, 'loginAs(name: "ann")', [{"name": "Ann", "phone": None}]),
        ("boss", 'loginAs(name: "ann")', [{"name": "Ann", "phone": None}]),
        ("ann", 'loginAs(name: "bob")', [{"name": "Bob", "phone": None}]),
        ("ann", 'loginAs(name: "boss")', [{"name": "Ann", "phone": "secret"}, {"name": "Bob", "phone": "secret"}]),
        ("boss", "logoutNow", []),
    ],
)
def test_answer_is_for_who_is_signed_in_by_then(
    sessions: Registry, begins: str | None, mutation: str, expected: Any
) -> None:
    engine = GraphQLEngine(registry=sessions, cache=None)
    for query in (f"mutation {{ {mutation} {{ name phone }} allCustomers {{ name phone }} }}",) * 2:
        user = User.objects.get(username=begins) if begins else AnonymousUser()
        request: Any = SimpleNamespace(user=user)
        answered = engine.execute(query, request=request).json()

        (key,) = {*answered["data"]} - {"allCustomers"}
        assert answered == {"data": {key: expected, "allCustomers": expected}}


def test_plans_keep_nobody(sessions: Registry) -> None:
    """A request may hold a large body, and a user much that is theirs."""
    engine = GraphQLEngine(registry=sessions, cache=None)

    class Request:
        def __init__(self) -> None:
            self.user = User.objects.get(username="ann")

    def ask(query: str) -> weakref.ref[Request]:
        request: Any = Request()
        assert "errors" not in engine.execute(query, {"n": 1}, request=request).json()
        return weakref.ref(request)

    left = [
        ask("query ($n: Int) { customers(limit: $n) { name phone } }"),
        ask("mutation { allCustomers { name phone } }"),
        ask('mutation { loginAs(name: "bob") { name } }'),
    ]
    gc.collect()
    assert [reference() for reference in left] == [None] * 3
