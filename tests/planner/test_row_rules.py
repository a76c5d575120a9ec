"""Row rules and permissions: what a viewer may not see is not there, on no path."""

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer, Order, OrderLine, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.declare.rules import requires_auth
from tests.support import Shop, data, make_shop


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


def ask(engine: GraphQLEngine, query: str, user: Any = None, **variables: Any) -> Any:
    return engine.execute(query, variables, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


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


# --- mutations ---

CREATE = """
mutation ($number: String!, $customer: ID!) {
  createOrder(input: {number: $number, customer: $customer}) {
    ... on CreateOrderSuccess { order { number customer { name } } }
    ... on MutationError { errors { code field } }
  }
}
"""


@pytest.fixture
def writing(registry: Registry) -> GraphQLEngine:
    order, customer = (declared.cls for declared in registry.types if declared.name in ("Order", "Customer"))
    if order.__name__ != "OrderType":
        order, customer = customer, order
    fraiseql.create(order, fields=["number", "customer"], registry=registry)
    fraiseql.update(order, fields=["number"], permission="bookshop.change_order", registry=registry)
    fraiseql.delete(order, registry=registry)
    fraiseql.update(customer, fields=["name"], registry=registry)
    return GraphQLEngine(registry=registry, cache=None)


def code(body: Any) -> Any:
    return body["errors"][0]["extensions"]["code"]


def test_only_what_may_be_seen_is_connected(writing: GraphQLEngine, shop: Shop) -> None:
    ann, bob = shop.customer.user, User.objects.get(username="bob")
    order = {"number": "9", "customer": {"name": "Ann"}}

    assert ask(writing, CREATE, ann, number="9", customer=shop.customer.pk) == {
        "data": {"createOrder": {"order": order}}
    }
    assert ask(writing, CREATE, bob, number="8", customer=shop.customer.pk)["data"]["createOrder"]["errors"] == [
        {"code": 404, "field": "customer"}
    ]
    assert not Order.objects.filter(number="8").exists()


def test_only_what_may_be_seen_is_changed_and_deleted(writing: GraphQLEngine, shop: Shop) -> None:
    ann, bob = shop.customer.user, User.objects.get(username="bob")
    rename = """mutation ($id: ID!) { updateCustomer(id: $id, input: {name: "X"}) {
        ... on UpdateCustomerSuccess { customer { name } } ... on MutationError { code } } }"""
    delete = """mutation ($id: ID!) { deleteOrder(id: $id) {
        ... on DeleteOrderSuccess { order { number } } ... on MutationError { code } } }"""

    assert ask(writing, rename, bob, id=shop.customer.pk) == {"data": {"updateCustomer": {"code": 404}}}
    assert ask(writing, rename, ann, id=shop.customer.pk) == {"data": {"updateCustomer": {"customer": {"name": "X"}}}}
    assert ask(writing, delete, bob, id=shop.order.pk) == {"data": {"deleteOrder": {"code": 404}}}
    OrderLine.objects.all().delete()
    assert ask(writing, delete, ann, id=shop.order.pk) == {"data": {"deleteOrder": {"order": {"number": "1"}}}}


def test_mutation_that_is_not_for_the_viewer_is_not_begun(writing: GraphQLEngine, shop: Shop) -> None:
    rename = 'mutation ($id: ID!) { updateOrder(id: $id, input: {number: "7"}) { __typename } }'

    assert code(ask(writing, rename, id=shop.order.pk)) == "UNAUTHENTICATED"
    assert code(ask(writing, rename, shop.customer.user, id=shop.order.pk)) == "FORBIDDEN"
    shop.customer.user.user_permissions.add(Permission.objects.get(codename="change_order"))
    ann = User.objects.get(username="ann")
    assert ask(writing, rename, ann, id=shop.order.pk) == {
        "data": {"updateOrder": {"__typename": "UpdateOrderSuccess"}}
    }


@pytest.mark.parametrize(("default", "codes"), [("authenticated", [None]), ("model", ["FORBIDDEN"])])
def test_default_permission_goes_for_mutations(
    settings: Any, registry: Registry, shop: Shop, default: str, codes: list[str | None]
) -> None:
    settings.FRAISEQL = {"DEFAULT_PERMISSION": default}
    (customer,) = (declared.cls for declared in registry.types if declared.name == "Customer")
    fraiseql.update(customer, fields=["name"], registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    rename = 'mutation ($id: ID!) { updateCustomer(id: $id, input: {name: "X"}) { __typename } }'

    assert code(ask(engine, rename, id=shop.customer.pk)) == "UNAUTHENTICATED"
    found = ask(engine, rename, shop.customer.user, id=shop.customer.pk)
    assert [error["extensions"]["code"] for error in found.get("errors", [])] == [one for one in codes if one]


def test_argument_that_only_some_may_give(shop: Shop) -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["id"], registry=registry)(type("BookType", (), {}))

    @fraiseql.mutation(registry=registry)
    def order(
        info: fraiseql.Info, pieces: int, discount: Annotated[int, fraiseql.requires_role("managers")] = 0
    ) -> int:
        return pieces - discount

    engine = GraphQLEngine(registry=registry, cache=None)
    ann = shop.customer.user

    assert ask(engine, "mutation { order(pieces: 3) }", ann) == {"data": {"order": 3}}
    assert code(ask(engine, "mutation { order(pieces: 3, discount: 1) }", ann)) == "FORBIDDEN"
    ann.groups.create(name="managers")
    assert ask(engine, "mutation { order(pieces: 3, discount: 1) }", ann) == {"data": {"order": 2}}


def test_user_who_was_shut_out_is_nobody(registry: Registry, shop: Shop) -> None:
    engine, ann = GraphQLEngine(registry=registry, cache=None), shop.customer.user
    ann.is_active = False

    assert ask(engine, "{ customers { name } }", ann) == {"data": {"customers": []}}
    (error,) = ask(engine, "{ orders { number } }", ann)["errors"]
    assert error["message"] == "Sign in to use Order."


def test_value_of_the_viewer_that_does_not_fit_is_not_the_clients_fault(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry()
    fraiseql.type(Book, fields=["id"], rows=lambda viewer: Q(pages=viewer.value("pages", int)), registry=registry)(
        type("BookType", (), {})
    )
    engine = GraphQLEngine(registry=registry, cache=None)
    body = engine.execute("{ books { id } }", request=SimpleNamespace(user=None, pages=10**30)).json()  # type: ignore[arg-type]

    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert "pages" not in error["message"]
    assert "viewer.value('pages')" in caplog.text


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("{book: {inPrint: {isnull: true}}}", 0),
        ("{book: {inPrint: {isnull: false}}}", 0),
        ("{book: {}}", 0),
        ("{NOT: {book: {}}}", 3),
        ("{NOT: {book: {inPrint: {eq: true}}}}", 3),
        ("{NOT: {book: {inPrint: {eq: false}}}}", 3),
        ("{NOT: {book: {inPrint: {isnull: true}}}}", 3),
        ("{NOT: {NOT: {book: {inPrint: {isnull: true}}}}}", 0),
    ],
)
@pytest.mark.parametrize("rule", [False, Q(pk__in=[]), Q(title="")], ids=["False", "empty", "none matches"])
def test_no_condition_holds_for_a_hidden_row(shop: Shop, rule: Any, where: str, count: int) -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["title", "in_print"], rows=lambda viewer: rule, registry=registry)
    class BookType:
        pass

    @fraiseql.type(Review, fields=["stars", "book"], registry=registry)
    class ReviewType:
        pass

    engine = GraphQLEngine(registry=registry, cache=None)

    assert data(engine, f"{{ reviewsCount(where: {where}) }}") == {"reviewsCount": count}
