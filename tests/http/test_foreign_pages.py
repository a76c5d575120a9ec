"""What a page of another site can have a browser do: send, without reading; and nothing that changes anything."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Book
from tests.http.requests import JSON, URL, codes, message, post

pytestmark = pytest.mark.usefixtures("bookshop")

FOREIGN = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
# what a page may send without asking first (WHATWG Fetch, "CORS-safelisted request-header")
SIMPLE = [
    "text/plain",
    "text/plain; charset=utf-8",
    "text/plain; application/json",
    "text/plain, application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=application/json",
    "",
]
BOUNDARY = "parts"


@pytest.fixture(params=["nobody", "session"])
def browser(request: Any, settings: Any, db: None) -> Client:
    """A browser, of somebody who is signed in or of nobody; it is held to the token as browsers are."""
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}
    client = Client(enforce_csrf_checks=True)
    if request.param == "session":
        client.force_login(User.objects.create(username="ada"))
    return client


@pytest.fixture
def signed_in(browser: Client) -> Client:
    if "sessionid" not in browser.cookies:
        browser.force_login(User.objects.create(username="eve"))
    return browser


@pytest.fixture
def book() -> Book:
    return Book.objects.earliest("pk")


def rename(book: Book) -> str:
    return f'mutation {{ renameBook(id: "{book.pk}", title: "by a foreign page") {{ title }} }}'


def is_unchanged(book: Book) -> bool:
    return Book.objects.get(pk=book.pk).title == book.title


def cors(response: Any) -> list[str]:
    return [name for name in response.headers if name.lower().startswith("access-control-")]


def form(**fields: str) -> bytes:
    """Write a form as browsers do."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


@pytest.mark.parametrize("content_type", SIMPLE)
def test_text_and_forms_execute_nothing(browser: Client, book: Book, content_type: str) -> None:
    body = json.dumps({"query": rename(book)}).encode()

    response = post(browser, body, content_type=content_type, **FOREIGN)

    assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])
    assert is_unchanged(book)
    assert cors(response) == []


def test_form_fields_execute_nothing(browser: Client, book: Book) -> None:
    response = browser.post(URL, {"query": rename(book)}, headers=FOREIGN)
    assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])
    response = browser.post(f"{URL}?query={rename(book)}", {"query": rename(book)}, headers=FOREIGN)
    assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])
    assert is_unchanged(book)


@pytest.mark.parametrize(
    "content_type",
    [
        f"multipart/form-data; boundary={BOUNDARY}",
        f"MULTIPART/form-data; boundary={BOUNDARY}",
        f"multipart/form-data; boundary={BOUNDARY}; charset=utf-8",
    ],
)
def test_form_with_files_executes_nothing(browser: Client, book: Book, content_type: str) -> None:
    body = form(operations=json.dumps({"query": rename(book)}), map="{}")

    response = post(browser, body, content_type=content_type, **FOREIGN)

    assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])
    assert is_unchanged(book)
    assert cors(response) == []


def test_json_with_a_session_and_no_token_executes_nothing(signed_in: Client, book: Book) -> None:
    """A browser asks first for this; a page that has found a way around that is refused all the same."""
    for headers in (FOREIGN, {}, {"Origin": "null"}, {"Origin": "http://testserver"}):
        response = post(signed_in, {"query": rename(book)}, **headers)

        assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])
        assert is_unchanged(book)
        assert cors(response) == []


def test_get_executes_no_mutation(browser: Client, book: Book) -> None:
    for accept in (JSON, "*/*", "application/graphql-response+json", "image/avif,image/webp,*/*;q=0.8"):
        response = browser.get(URL, {"query": rename(book)}, headers={**FOREIGN, "Accept": accept})

        assert (response.status_code, codes(response)) == (405, ["METHOD_NOT_ALLOWED"])
        assert is_unchanged(book)
        assert cors(response) == []


def test_link_to_a_mutation_shows_graphiql_and_executes_nothing(browser: Client, book: Book) -> None:
    response = browser.get(URL, {"query": rename(book)}, headers={**FOREIGN, "Accept": "text/html"})

    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert is_unchanged(book)


def test_answer_to_a_query_cannot_be_read_by_a_foreign_page(browser: Client) -> None:
    response = browser.get(URL, {"query": "{ books { title } }"}, headers=FOREIGN)

    assert response.status_code == 200
    assert cors(response) == []
    # nor run as a script, which needs no leave to be loaded
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content.startswith(b'{"data":')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("content_type", [*SIMPLE, "multipart/form-data", "multipart/form-data; boundary=x"])
def test_query_by_get_can_be_made_to_need_a_preflight(
    browser: Client, settings: Any, content_type: str, method: str
) -> None:
    settings.FRAISEQL = {"REQUIRE_PREFLIGHT": True, "GRAPHIQL": {"ENABLED": True}}
    headers = {**FOREIGN, "Content-Type": content_type, "Accept": "*/*"}

    with CaptureQueriesContext(connection) as captured:
        response = browser.generic(method, f"{URL}?query={{books{{title}}}}", headers=headers)

    assert response.status_code == 403
    assert "bookshop_book" not in str(captured.captured_queries)
    if method == "GET":
        assert (codes(response), message(response)) == (
            ["CSRF_FAILED"],
            "Cross-site requests are not allowed. A query by GET must be sent with one of the headers: X-CSRFTOKEN, "
            "GraphQL-Require-Preflight, Apollo-Require-Preflight, X-Apollo-Operation-Name, or with the Content-Type "
            "application/json.",
        )


@pytest.mark.parametrize(
    "header",
    [
        {"X-CSRFToken": "x"},
        {"GraphQL-Require-Preflight": "1"},
        {"Apollo-Require-Preflight": "true"},
        {"X-Apollo-Operation-Name": "Books"},
        {"Content-Type": "application/json"},
        {"Content-Type": "application/json; charset=utf-8"},
    ],
)
def test_header_that_needs_a_preflight_is_enough(browser: Client, settings: Any, header: dict[str, str]) -> None:
    settings.FRAISEQL = {"REQUIRE_PREFLIGHT": True}

    response = browser.get(URL, {"query": "{ __typename }"}, headers=header)

    assert response.json() == {"data": {"__typename": "Query"}}


def test_graphiql_needs_no_preflight(browser: Client, settings: Any) -> None:
    settings.FRAISEQL = {"REQUIRE_PREFLIGHT": True, "GRAPHIQL": {"ENABLED": True}}

    response = browser.get(URL, headers={"Accept": "text/html"})

    assert response["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("path", [URL, f"{URL}health/"])
def test_preflight_is_answered_without_leave(browser: Client, path: str, method: str) -> None:
    headers = {
        **FOREIGN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-csrftoken,graphql-require-preflight,authorization",
        "Access-Control-Request-Private-Network": "true",
    }

    response = browser.options(path, headers=headers)

    assert response.status_code == (200 if path == URL else 405)
    assert response.content == b""
    assert cors(response) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "HEAD"])
def test_other_methods_execute_nothing(browser: Client, book: Book, method: str) -> None:
    body = json.dumps({"query": rename(book)}).encode()
    query = "" if method != "HEAD" else f"?query={rename(book)}"

    response = browser.generic(method, URL + query, body, content_type=JSON, headers=FOREIGN)

    assert response.status_code == 405
    assert is_unchanged(book)
    assert cors(response) == []
