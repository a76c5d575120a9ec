"""The site of the demo: its users, and what customers may read and change; test_demo has the page."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from example_project.bookshop.models import Book, Customer, Order, Review, ReviewStatus
from example_project.bookshop.seed import Sizes
from example_project.settings import BASE_DIR
from example_project.site import members
from example_project.site.accounts import ACCOUNTS, accounts, make_accounts
from fraiseql_django import GraphQLEngine
from fraiseql_django.declare import schemas
from fraiseql_django.http.examples import Example, read_examples
from tests.processes import run_manage

# the settings of the tests have no such schema, which the checks of all other tests would say
schemas._registries.pop("members")

EXAMPLES = read_examples(BASE_DIR / "example_project" / "site" / "operations")
PNG = b"\x89PNG\r\n\x1a\n and what follows"


@pytest.fixture
def shop(bookshop: Sizes) -> Sizes:
    """Fill a small bookshop, with the users of the demo."""
    make_accounts()
    return bookshop


@pytest.fixture
def engine() -> GraphQLEngine:
    """Return an engine of the schema for customers."""
    return GraphQLEngine(registry=members.members.registry, cache=None)


def ask(engine: GraphQLEngine, name: str, query: str, **variables: Any) -> Any:
    """Return what a user of the demo is answered."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(username=name)
    return engine.execute(query, variables, request=request).json()


# --- users ---


def test_users_are_made_once(shop: Sizes) -> None:
    before = list(User.objects.order_by("pk").values_list())

    make_accounts()

    assert list(User.objects.order_by("pk").values_list()) == before
    assert [account.name for account in accounts()] == list(ACCOUNTS)
    assert all(User.objects.get(username=name).check_password(name) for name in ACCOUNTS)


def test_users_may_what_the_page_says(shop: Sizes) -> None:
    admin, clerk, ann, bob = (User.objects.get(username=name) for name in ACCOUNTS)

    assert admin.is_superuser
    assert clerk.is_staff
    assert clerk.has_perm("bookshop.change_book")
    assert not clerk.has_perm("bookshop.change_order")
    for user in (ann, bob):
        assert not user.is_staff
        orders = Order.objects.filter(customer__user=user).count()
        assert orders > 0
        may = next(account.may for account in accounts() if account.name == user.username)
        assert may == f"is the customer {Customer.objects.get(user=user).name}, with {orders} orders"


# --- what customers may do ---


def test_customers_see_their_own_orders_and_the_staff_all(shop: Sizes, engine: GraphQLEngine) -> None:
    query = "{ ordersCount orders { customer { name } lines { quantity } } customers { name } }"

    for name in ("ann", "bob"):
        customer = Customer.objects.get(user__username=name)
        data = ask(engine, name, query)["data"]
        assert data["ordersCount"] == len(data["orders"]) == customer.orders.count()
        assert {order["customer"]["name"] for order in data["orders"]} == {customer.name}
        assert data["customers"] == [{"name": customer.name}]
    assert ask(engine, "clerk", query)["data"]["ordersCount"] == shop.orders


def test_reviews_are_seen_once_they_are_approved(shop: Sizes, engine: GraphQLEngine) -> None:
    Review.objects.all().delete()
    write = 'mutation { reviewBook(bookId: 1, stars: 4, headline: "Good") { status } }'
    read = "{ reviews { headline } }"

    assert ask(engine, "ann", write) == {"data": {"reviewBook": {"status": "PENDING"}}}
    assert [len(ask(engine, name, read)["data"]["reviews"]) for name in ("ann", "bob", "clerk")] == [1, 0, 1]
    Review.objects.update(status=ReviewStatus.APPROVED)
    assert len(ask(engine, "bob", read)["data"]["reviews"]) == 1
    (error,) = ask(engine, "clerk", write)["errors"]
    assert error["extensions"]["code"] == "NO_CUSTOMER"


def test_notes_are_written_for_own_orders_only(shop: Sizes, engine: GraphQLEngine) -> None:
    write = next(example for example in EXAMPLES if "updateOrder" in example.query)
    number = Order.objects.filter(customer__user__username="ann").values_list("number", flat=True)[0]

    assert ask(engine, "ann", write.query, number=number)["data"]["updateOrder"]["order"]["number"] == number
    (error,) = ask(engine, "bob", write.query, number=number)["data"]["updateOrder"]["errors"]
    assert error["identifier"] == "not_found"


def test_covers_are_set_by_those_who_may_change_books(
    shop: Sizes, engine: GraphQLEngine, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    query = "mutation ($file: Upload!) { setCover(id: 1, file: $file) { cover { url } } }"

    def send(name: str, content: bytes) -> Any:
        return ask(engine, name, query, file=SimpleUploadedFile("../cover.exe", content))

    (error,) = send("ann", PNG)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    (error,) = send("clerk", b"<svg onload='alert(1)'/>")["errors"]
    assert error["message"] == "A cover is a PNG, JPEG or GIF of at most 1,000,000 bytes."
    book = Book.objects.get(pk=1)
    assert send("clerk", PNG) == {"data": {"setCover": {"cover": {"url": f"/media/covers/{book.isbn}.png"}}}}
    assert (tmp_path / "covers" / f"{book.isbn}.png").read_bytes() == PNG


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_example_is_answered(shop: Sizes, engine: GraphQLEngine, example: Example) -> None:
    variables = json.loads(example.variables) if example.variables else {}

    assert "errors" not in ask(engine, "ann", example.query, **variables)


# --- settings ---


def test_settings_of_the_site_have_no_problems(tmp_path: Path) -> None:
    done = run_manage(
        tmp_path, "check", "--fail-level", "WARNING", DJANGO_SETTINGS_MODULE="example_project.site.settings"
    )

    assert done.returncode == 0, done.stderr
