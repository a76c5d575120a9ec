"""The same endpoint under ASGI, through Django's real handler, and what only ASGI brings with it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.test import AsyncClient

from example_project.bookshop.models import Author, Book
from tests.http.requests import JSON, URL, codes, message

OPERATION = json.dumps({"query": "{ __typename }"}).encode()


async def _ask(method: str, chunks: Sequence[bytes], query_string: bytes, headers: dict[str, str]) -> Any:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": URL,
        "query_string": query_string,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    communicator = ApplicationCommunicator(get_asgi_application(), scope)
    for chunk in chunks:
        await communicator.send_input({"type": "http.request", "body": chunk, "more_body": True})
    await communicator.send_input({"type": "http.request", "body": b""})
    start = await communicator.receive_output(timeout=10)
    body = await communicator.receive_output(timeout=10)
    await communicator.wait(timeout=10)
    return start["status"], json.loads(body["body"])


def ask(
    *chunks: bytes, method: str = "POST", query_string: bytes = b"", content_type: str = JSON, **headers: str
) -> tuple[int, Any]:
    """Send a request as an ASGI server does, the body in chunks; return the status and the answer."""
    headers = {"Host": "testserver", "Content-Type": content_type, **headers}
    status, answer = async_to_sync(_ask)(method, chunks, query_string, headers)
    return status, answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("bookshop")
def test_operations_are_executed() -> None:
    key = Book.objects.earliest("pk").pk
    query = f'mutation {{ renameBook(id: "{key}", title: "New") {{ title }} }}'

    assert ask(json.dumps({"query": query}).encode()) == (200, {"data": {"renameBook": {"title": "New"}}})
    query_string = f'query={{book(id:"{key}"){{title}}}}'.encode()
    assert ask(method="GET", query_string=query_string) == (200, {"data": {"book": {"title": "New"}}})


@pytest.mark.django_db
def test_asynchronous_client_of_django_is_served() -> None:
    Author.objects.create(name="Ada")

    response = async_to_sync(AsyncClient().post)(URL, {"query": "{ authors { name } }"}, content_type=JSON)

    assert response.json() == {"data": {"authors": [{"name": "Ada"}]}}


def test_mutation_by_get_is_405() -> None:
    status, answer = ask(method="GET", query_string=b"query=mutation{__typename}")

    assert (status, answer["errors"][0]["extensions"]["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_characters_of_a_url_may_come_unescaped() -> None:
    query_string = 'query={__type(name:"Łódź"){name}}'.encode()

    assert ask(method="GET", query_string=query_string) == (200, {"data": {"__type": None}})


def test_url_that_is_not_utf8_is_400() -> None:
    status, answer = ask(method="GET", query_string=b"query=%FF")

    assert (status, answer["errors"][0]["message"]) == (400, "The parameter query is not UTF-8.")


def test_body_in_chunks_is_read() -> None:
    assert ask(OPERATION[:5], OPERATION[5:]) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize("limit_of_django", [2_621_440, None])
def test_larger_body_in_chunks_is_413(settings: Any, limit_of_django: int | None) -> None:
    """Nobody has said its length beforehand; it is not read further than the limit."""
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 1000}}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = limit_of_django

    assert ask(OPERATION, b" " * (1000 - len(OPERATION)))[0] == 200
    status, answer = ask(OPERATION, b" " * (1001 - len(OPERATION)))

    assert status == 413
    assert answer["errors"] == [
        {
            "message": "The body has more than 1000 bytes; the limit is 1000.",
            "extensions": {
                "code": "REQUEST_TOO_LARGE",
                "limit": 1000,
                "value": "more than 1000",
                "setting": "LIMITS.BODY_BYTES",
            },
        }
    ]


def test_length_that_is_no_number_is_not_believed() -> None:
    assert ask(OPERATION, **{"Content-Length": "many"})[0] == 200


@pytest.mark.django_db
def test_session_without_token_is_403() -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    client.cookies["sessionid"] = "0" * 32

    response = async_to_sync(client.post)(URL, {"query": "{ __typename }"}, content_type=JSON)

    assert response.status_code == 403
    assert codes(response) == ["CSRF_FAILED"]
    assert message(response).startswith("CSRF cookie not set.")
