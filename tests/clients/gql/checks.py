"""gql against the served bookshop: pytest checks.py, in an environment of its own."""

import os
import re
from pathlib import Path

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError, TransportServerError
from gql.transport.requests import RequestsHTTPTransport
from graphql import GraphQLError, print_schema
from shop import all_books, connect, set_cover

URL = os.environ["GRAPHQL_URL"]


@pytest.fixture(scope="module")
def client() -> Client:
    return connect(URL)


def test_pages(client: Client) -> None:
    titles = [book["title"] for book in all_books(client)]
    count = client.execute(gql("{ booksCount }"))["booksCount"]
    assert len(titles) == count > 100


def test_files(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "Übersicht 日本.png"
    path.write_bytes(b"a picture")
    cover = set_cover(client, "5", path)
    assert re.fullmatch(r"covers/Übersicht_日本.*\.png", cover["name"])
    assert cover["size"] == "9"


def test_operations_are_validated_by_the_fetched_schema(client: Client) -> None:
    with pytest.raises(GraphQLError, match="Cannot query field 'nothing'"):
        client.execute(gql("{ nothing }"))
    # where introspection is off
    with_text = Client(transport=RequestsHTTPTransport(URL), schema=print_schema(client.schema))
    with pytest.raises(GraphQLError, match="Cannot query field 'nothing'"):
        with_text.execute(gql("{ nothing }"))
    assert with_text.execute(gql("{ booksCount }"))


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ books(limit: -1) { id } }", "BAD_USER_INPUT"),
        ('mutation { renameBook(id: "0", title: "x") { id } }', "NOT_FOUND"),
        ("subscription { books { id } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_errors_have_codes(operation: str, code: str) -> None:
    unchecked = Client(transport=RequestsHTTPTransport(URL))
    with pytest.raises(TransportQueryError) as raised:
        unchecked.execute(gql(operation))
    assert [error["extensions"]["code"] for error in raised.value.errors] == [code]


def test_what_is_no_answer_of_graphql_is_another_error() -> None:
    for url, error in ((f"{URL}x/", TransportServerError), ("http://127.0.0.1:9/", TransportConnectionFailed)):
        with pytest.raises(error):
            Client(transport=RequestsHTTPTransport(url)).execute(gql("{ booksCount }"))


def test_batches(client: Client) -> None:
    counts = client.execute_batch([gql("{ booksCount }"), gql("{ authorsCount }")])
    assert [list(answer) for answer in counts] == [["booksCount"], ["authorsCount"]]
