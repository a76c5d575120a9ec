"""What pages of the documentation use and take as given: models, values and functions of a reader's project."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import models

import fraiseql_django as fraiseql

SHELF = "query Shelf($n: Int) { categories(limit: $n) { name } }"
LARGEST = {"n": 100}
user = User()
# of django-cors-headers
default_headers = ("accept", "content-type")


class Tenant(models.Model):
    """Who the rows of others are hidden from."""

    host = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"


class Document(models.Model):
    """What object permissions are granted for."""

    title = models.CharField(max_length=100)

    class Meta:
        app_label = "library"


class Product(models.Model):
    """What is sold, and may be a little old."""

    class Meta:
        app_label = "shop"


class Report(models.Model):
    """What few may read."""

    title = models.CharField(max_length=100)

    class Meta:
        app_label = "shop"


class Offer(models.Model):
    """What is sold until a time."""

    price = models.DecimalField(max_digits=8, decimal_places=2)
    until = models.DateTimeField()

    class Meta:
        app_label = "shop"


@fraiseql.type
class Edition:
    """A book as it was printed at one time."""

    year: int


@fraiseql.type(sql_source="v_sale", registry=fraiseql.Registry())
class SaleType:
    """A copy that was sold."""

    id: int


def load_books_by_another_program() -> None:
    """Write behind Django's back."""


@contextmanager
def scope(**scopes: Any) -> Iterator[None]:
    """Enter a scope, as django-scopes does."""
    yield


@fraiseql.input
class PlaceOrderInput:
    """What a customer orders."""

    customer_id: fraiseql.ID


@fraiseql.success
class PlaceOrderSuccess:
    """The order as it was placed."""

    number: str


@fraiseql.error
class PlaceOrderError(fraiseql.MutationError):
    """Why there is no order."""
