"""Queries by GET: parameters in the URL, and never a mutation (GraphQL over HTTP, 4.3)."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from example_project.bookshop.models import Book
from tests.http.requests import URL, codes, message

TYPE = "query Type($name: String!) { __type(name: $name) { name } }"


def test_query_is_executed_with_variables_and_name(client: Client) -> None:
    parameters = {
        "query": TYPE + " query Other { __typename }",
        "variables": json.dumps({"name": "Book"}),
        "operationName": "Type",
        "extensions": "{}",
        "utm_source": "ignored",
    }

    assert client.get(URL, parameters).json() == {"data": {"__type": {"name": "Book"}}}


def test_head_is_a_get_without_the_body(client: Client) -> None:
    response = client.head(URL, {"query": "{ __typename }"})

    assert (response.status_code, response.content) == (200, b"")
    assert client.head(URL).status_code == 400


@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
def test_empty_parameter_is_as_good_as_missing(client: Client, name: str) -> None:
    assert client.get(URL, {"query": "{ __typename }", name: ""}).json() == {"data": {"__typename": "Query"}}


def test_null_variables_are_as_good_as_missing(client: Client) -> None:
    response = client.get(URL, {"query": "{ __typename }", "variables": "null"})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("media_type", ["application/json", "application/graphql-response+json"])
@pytest.mark.usefixtures("bookshop")
def test_mutation_is_405_and_changes_nothing(client: Client, media_type: str) -> None:
    book = Book.objects.earliest("pk")
    query = f'query Read {{ __typename }} mutation Write {{ renameBook(id: "{book.pk}", title: "x") {{ title }} }}'

    response = client.get(URL, {"query": query, "operationName": "Write"}, headers={"Accept": media_type})

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"
    assert codes(response) == ["METHOD_NOT_ALLOWED"]
    assert message(response) == "This is a mutation; only a query can be executed here. Send it by POST."
    assert Book.objects.get(pk=book.pk).title == book.title


@pytest.mark.usefixtures("bookshop")
def test_query_beside_a_mutation_is_executed(client: Client) -> None:
    query = 'query Read { __typename } mutation Write { renameBook(id: "1", title: "x") { title } }'

    response = client.get(URL, {"query": query, "operationName": "Read"})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("query_string", "says"),
    [
        pytest.param(
            "", "The parameter query is missing; it must be a string that contains a GraphQL document.", id="nothing"
        ),
        pytest.param("query=", "The parameter query is empty; it must be a GraphQL document.", id="query empty"),
        pytest.param("query=%7Ba%7D&query=", "The parameter query is in the URL more than once.", id="query twice"),
        pytest.param(
            "query=%7Ba%7D&variables=%7B%7D&variables=%7B%7D",
            "The parameter variables is in the URL more than once.",
            id="variables twice",
        ),
        pytest.param("query=%FF", "The parameter query is not UTF-8.", id="query not UTF-8"),
        pytest.param(
            "query=%7Ba%7D&operationName=%ED%A0%80", "The parameter operationName is not UTF-8.", id="surrogate"
        ),
        pytest.param(
            "query=%7Ba%7D&variables=%7B",
            "The parameter variables is not JSON: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1).",
            id="variables not JSON",
        ),
        pytest.param(
            "query=%7Ba%7D&variables=[]",
            "The parameter variables is an array; it must be an object or null.",
            id="variables array",
        ),
        pytest.param(
            "query=%7Ba%7D&variables=" + quote('{"a": NaN}'),
            "The parameter variables contains a number that cannot be read: JSON has no NaN.",
            id="variables NaN",
        ),
        pytest.param(
            "query=%7Ba%7D&variables=" + quote(r'{"a": "\udfff"}'),
            "The parameter variables contains half of a surrogate pair, which is not a character.",
            id="surrogate in variables",
        ),
        pytest.param(
            "query=%7Ba%7D&variables=" + "[" * 100_000,
            "The parameter variables is nested too deeply to be read.",
            id="variables nested",
        ),
        pytest.param(
            "query=%7Ba%7D&extensions=7",
            "The parameter extensions is a number; it must be an object or null.",
            id="extensions number",
        ),
    ],
)
def test_malformed_url_is_400_and_says_why(client: Client, query_string: str, says: str) -> None:
    response = client.get(URL, QUERY_STRING=query_string)

    assert response.status_code == 400
    assert message(response) == says
    assert codes(response) == ["BAD_REQUEST"]


def test_characters_may_come_unescaped(client: Client) -> None:
    """As curl sends them; WSGI shows their bytes as latin-1 (PEP 3333)."""
    query_string = 'query={__type(name:"Łódź"){name}}'.encode().decode("latin-1")

    assert client.get(URL, QUERY_STRING=query_string).json() == {"data": {"__type": None}}
    assert client.get(URL, QUERY_STRING=query_string + "\xff").status_code == 400


def test_encoding_of_a_body_says_nothing_of_the_url(client: Client) -> None:
    query_string = "query=" + quote('{__type(name:"é"){name}}')

    response = client.get(URL, QUERY_STRING=query_string, headers={"Content-Type": "text/plain; charset=utf-16"})

    assert response.json() == {"data": {"__type": None}}


def test_longer_url_is_414_and_says_the_limit(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 30}}
    fits, longer = "query={__typename}".ljust(30, "+"), "query={__typename}".ljust(31, "+")

    assert client.get(URL, QUERY_STRING=fits).status_code == 200
    response = client.get(URL, QUERY_STRING=longer)

    assert response.status_code == 414
    assert message(response) == "The URL has 31 bytes; the limit is 30."
    assert codes(response) == ["REQUEST_TOO_LARGE"]


def test_many_other_parameters_do_no_harm(client: Client) -> None:
    query_string = "&".join(f"a{number}=" for number in range(5000)) + "&query={__typename}"

    assert client.get(URL, QUERY_STRING=query_string).status_code == 200
