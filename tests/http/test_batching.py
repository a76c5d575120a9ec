"""Batches: several operations in one request, each as if it had been sent alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client

from example_project.bookshop.models import Author, Book
from fraiseql_django.audit import RefusalEvent, operation_refused
from tests.http.requests import URL, codes, message, post

TYPENAME = {"query": "{ __typename }"}
QUERY = {"data": {"__typename": "Query"}}


@pytest.fixture(autouse=True)
def batching(settings: Any) -> None:
    """Take batches of three operations."""
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 3}}


def codes_of(response: HttpResponse) -> list[str | None]:
    """Return the code of each operation's first error, None where it has none."""
    answers = json.loads(response.content)
    return [answer["errors"][0]["extensions"]["code"] if "errors" in answer else None for answer in answers]


def test_answers_come_in_the_order_of_the_operations(client: Client) -> None:
    query = "query Type($name: String!) { __type(name: $name) { name } } query Other { __typename }"
    batch = [
        {"query": query, "operationName": "Type", "variables": {"name": "Book"}},
        TYPENAME,
        {"query": query, "operationName": "Type", "variables": {"name": "Author"}},
    ]

    response = post(client, batch)

    assert response.status_code == 200
    assert response.json() == [
        {"data": {"__type": {"name": "Book"}}},
        QUERY,
        {"data": {"__type": {"name": "Author"}}},
    ]


def test_one_operation_is_a_batch_as_well(client: Client) -> None:
    assert post(client, [TYPENAME]).json() == [QUERY]


def test_one_that_is_no_array_is_answered_as_ever(client: Client) -> None:
    assert post(client, TYPENAME).json() == QUERY


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json; charset=utf-8"),
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
    ],
)
def test_media_type_is_negotiated_as_for_one(client: Client, accept: str, content_type: str) -> None:
    response = post(client, [TYPENAME, {"query": "{ nothing }"}], accept=accept)

    assert response.status_code == 200
    assert response["Content-Type"] == content_type
    assert response["Cache-Control"] == "no-store"
    assert "Accept" in response["Vary"]
    assert "Retry-After" not in response


def test_media_type_that_there_is_not_is_refused_as_a_whole(client: Client) -> None:
    response = post(client, [TYPENAME], accept="text/plain")

    assert (response.status_code, codes(response)) == (406, ["NOT_ACCEPTABLE"])


# --- what is refused ---


@pytest.mark.parametrize("fraiseql", [{}, {"BATCHING": {"MAX_OPERATIONS": 0}}])
def test_batches_are_off_by_default(client: Client, settings: Any, fraiseql: dict[str, Any]) -> None:
    settings.FRAISEQL = fraiseql

    response = post(client, [TYPENAME])

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert message(response) == (
        "The body is an array; it must be a JSON object with a query: batches are not enabled."
    )


def test_empty_batch_is_refused(client: Client) -> None:
    response = post(client, [])

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert message(response) == "The body is an empty array; a batch must have at least one operation."


@pytest.mark.django_db
def test_too_many_operations_are_refused_before_any_is_executed(client: Client) -> None:
    heard: list[RefusalEvent] = []

    def receive(event: RefusalEvent, **kwargs: Any) -> None:
        heard.append(event)

    operation_refused.connect(receive)
    try:
        response = post(client, [{"query": 'mutation { renameBook(id: 1, title: "x") { title } }'}] * 4)
    finally:
        operation_refused.disconnect(receive)

    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "message": "The batch has 4 operations; the limit is 3.",
                "extensions": {
                    "code": "LIMIT_EXCEEDED",
                    "limit": 3,
                    "value": 4,
                    "setting": "BATCHING.MAX_OPERATIONS",
                },
            }
        ]
    }
    assert [(event.what, event.rule) for event in heard] == [("operations in a batch", "BATCHING.MAX_OPERATIONS")]


@pytest.mark.parametrize(
    ("element", "said"),
    [
        (None, "Element 1 of the batch is null; it must be a JSON object with a query."),
        ("{ a }", "Element 1 of the batch is a string; it must be a JSON object with a query."),
        ([TYPENAME], "Element 1 of the batch is an array; it must be a JSON object with a query."),
        ({}, "The parameter query is missing; it must be a string that contains a GraphQL document."),
        ({"query": 1}, "The parameter query is a number; it must be a string."),
        ({**TYPENAME, "variables": []}, "The parameter variables is an array; it must be an object or null."),
        ({"query": "\ud800"}, "The parameter query contains half of a surrogate pair, which is not a character."),
    ],
)
def test_malformed_element_has_its_own_error_and_hinders_no_other(client: Client, element: Any, said: str) -> None:
    response = post(client, [TYPENAME, element, TYPENAME])

    assert response.status_code == 200
    assert response.json() == [QUERY, {"errors": [{"message": said, "extensions": {"code": "BAD_REQUEST"}}]}, QUERY]


def test_operation_that_is_refused_has_its_own_errors(client: Client) -> None:
    batch = [{"query": "{"}, {"query": "{ nothing }"}, TYPENAME]

    response = post(client, batch)

    assert response.status_code == 200
    assert codes_of(response) == ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", None]


def test_body_is_held_to_its_size_as_a_whole(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 3}, "LIMITS": {"BODY_BYTES": 60}}

    assert post(client, [TYPENAME, TYPENAME]).status_code == 200
    assert codes(post(client, [TYPENAME] * 3)) == ["REQUEST_TOO_LARGE"]


def test_get_takes_no_batches(client: Client) -> None:
    response = client.get(URL, {"query": json.dumps([TYPENAME])})

    assert codes(response) == ["GRAPHQL_PARSE_FAILED"]


def test_forms_with_files_take_no_batches(client: Client) -> None:
    response = client.post(URL, {"operations": json.dumps([TYPENAME]), "map": "{}"})

    assert response.status_code == 400
    assert message(response) == "The form field operations is an array; it must be a JSON object with a query."


@pytest.mark.django_db
def test_session_needs_its_token(settings: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create(username="ann"))

    assert codes(post(client, [TYPENAME])) == ["CSRF_FAILED"]


# --- documents by identifier ---


def test_documents_are_found_and_missed_one_by_one(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 3}, "PERSISTED_QUERIES": {"ENABLED": True}}
    unknown = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}

    response = post(client, [unknown, TYPENAME])

    assert response.status_code == 200
    assert codes_of(response) == ["PERSISTED_QUERY_NOT_FOUND", None]


# --- mutations ---

RENAME = "mutation ($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { title } }"


@pytest.mark.usefixtures("bookshop")
def test_each_mutation_is_a_transaction_of_its_own_and_later_ones_see_it(client: Client) -> None:
    first, second = Book.objects.order_by("pk")[:2]
    batch = [
        {"query": RENAME, "variables": {"id": first.pk, "title": "Renamed"}},
        # longer than the column
        {"query": RENAME, "variables": {"id": second.pk, "title": "x" * 5000}},
        {"query": "query ($id: ID!) { book(id: $id) { title } }", "variables": {"id": first.pk}},
    ]

    response = post(client, batch)

    renamed, failed, read = response.json()
    assert response.status_code == 200
    assert renamed == {"data": {"renameBook": {"title": "Renamed"}}}
    assert failed["errors"][0]["path"] == ["renameBook"]
    assert read == {"data": {"book": {"title": "Renamed"}}}
    second.refresh_from_db()
    assert second.title != "x" * 5000


# --- other limits ---


@pytest.fixture
def rated(settings: Any) -> Iterator[None]:
    """Let a viewer have two operations executed in a day."""
    caches["locmem"].clear()
    settings.FRAISEQL = {
        "CACHE": {"ALIAS": "locmem"},
        "BATCHING": {"MAX_OPERATIONS": 3},
        "LIMITS": {"RATE": "2/d"},
    }
    yield
    caches["locmem"].clear()


@pytest.mark.usefixtures("rated")
def test_each_operation_counts_against_the_rate(client: Client) -> None:
    response = post(client, [TYPENAME] * 3)

    assert response.status_code == 200
    assert codes_of(response) == [None, None, "RATE_LIMITED"]
    assert response["Retry-After"] == str(response.json()[2]["errors"][0]["extensions"]["retryAfter"])


@pytest.mark.usefixtures("rated")
def test_batch_of_which_nothing_may_be_executed_has_status_429(client: Client) -> None:
    post(client, [TYPENAME] * 2)

    response = post(client, [TYPENAME] * 3)

    assert response.status_code == 429
    # it was not read how many there are
    assert codes(response) == ["RATE_LIMITED"]
    assert int(response["Retry-After"]) >= 1


@pytest.mark.django_db
def test_each_answer_is_held_to_its_size(client: Client, settings: Any) -> None:
    Author.objects.create(name="Ursula")
    limit = len('{"authors":[{"name":"Ursula"}]}')
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 3}, "LIMITS": {"RESPONSE_BYTES": limit}}

    response = post(client, [{"query": "{ authors { name } }"}] * 2 + [{"query": "{ authors { name name2: name } }"}])

    assert codes_of(response) == [None, None, "LIMIT_EXCEEDED"]
