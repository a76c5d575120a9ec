"""ariadne-codegen's client against the served bookshop: pytest checks.py, in an environment of its own."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from bookshop_client import BookWhere, Client, DecimalFilter, Upload
from bookshop_client.exceptions import GraphQLClientGraphQLMultiError, GraphQLClientHttpError
from shop import all_books, connect, set_price

URL = os.environ["GRAPHQL_URL"]


@pytest.fixture
def client() -> Iterator[Client]:
    with connect(URL) as client:
        yield client


def test_pages_are_of_typed_objects(client: Client) -> None:
    books = list(all_books(client, BookWhere(price=DecimalFilter(gte=Decimal(10)))))
    assert len({book.id for book in books}) == len(books) > 60
    for book in books:
        assert isinstance(book.price, Decimal)
        assert book.price >= 10
        assert isinstance(book.copies_sold, int)
    assert any(isinstance(book.reading_time, timedelta) for book in books)


def test_a_change_and_one_that_comes_too_late(client: Client) -> None:
    book = next(all_books(client))
    price = book.price + 1
    assert set_price(client, book, price) == price
    with pytest.raises(ValueError, match="changed"):
        set_price(client, book, price)


def test_files(client: Client) -> None:
    file = Upload(filename="Übersicht 日本.png", content=BytesIO(b"a picture"), content_type="image/png")
    cover = client.set_cover("6", file).set_cover.cover
    assert cover is not None
    assert re.fullmatch(r"covers/Übersicht_日本.*\.png", cover.name)


def test_errors_have_codes(client: Client) -> None:
    with pytest.raises(GraphQLClientGraphQLMultiError) as raised:
        client.books(after="no cursor")
    assert [error.extensions for error in raised.value.errors] == [{"code": "BAD_USER_INPUT"}]


def test_what_is_no_answer_of_graphql_is_another_error() -> None:
    with Client(f"{URL}x/") as client, pytest.raises(GraphQLClientHttpError):
        client.set_price("1", datetime.now(UTC), Decimal(1))
