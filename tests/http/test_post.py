"""Operations by POST: what the body may be, and what is said of one that may not (GraphQL over HTTP, 4.4)."""

import gzip
import json
import sys
from typing import Any, ClassVar

import pytest
from django.http import HttpRequest, UnreadablePostError
from django.test import Client, RequestFactory

from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine
from fraiseql_django.engine import get_engine
from fraiseql_django.views import GraphQLView
from tests.http.requests import JSON, URL, codes, message, post

TYPE = "query Type($name: String!) { __type(name: $name) { name } }"


def test_operation_is_executed_with_variables_and_name(client: Client) -> None:
    query = TYPE + " query Other { __typename }"

    response = post(client, {"query": query, "variables": {"name": "Book"}, "operationName": "Type"})

    assert response.json() == {"data": {"__type": {"name": "Book"}}}


@pytest.mark.django_db
def test_query_is_answered_from_the_database(client: Client) -> None:
    Author.objects.create(name="Łukasz 🏊")

    response = post(client, {"query": "{ authors { name } }"})

    assert response.content == '{"data":{"authors":[{"name":"Łukasz 🏊"}]}}'.encode()


@pytest.mark.usefixtures("bookshop")
def test_mutation_changes_the_database_and_knows_the_request(client: Client) -> None:
    book = Book.objects.earliest("pk")
    query = 'mutation ($id: ID!) { renameBook(id: $id, title: "Renamed") { title } }'

    response = post(client, {"query": query, "variables": {"id": book.pk}})

    assert response.json() == {"data": {"renameBook": {"title": "Renamed"}}}
    book.refresh_from_db()
    assert book.title == "Renamed"


def test_engine_is_given_the_request(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = GraphQLEngine()
    seen: list[Any] = []
    execute = engine.execute
    monkeypatch.setattr(
        engine, "execute", lambda *args, **kwargs: (seen.append(kwargs["request"]), execute(*args, **kwargs))[1]
    )
    request = rf.post(URL, {"query": "{ __typename }"}, content_type=JSON)

    assert GraphQLView.as_view(engine=engine)(request).status_code == 200
    assert seen == [request]


@pytest.mark.parametrize("name", ["variables", "operationName", "extensions"])
def test_null_is_as_good_as_missing(client: Client, name: str) -> None:
    assert post(client, {"query": "{ __typename }", name: None}).json() == {"data": {"__typename": "Query"}}


def test_empty_operation_name_is_as_good_as_missing(client: Client) -> None:
    response = post(client, {"query": "query A { __typename }", "operationName": ""})

    assert response.json() == {"data": {"__typename": "Query"}}


def test_unknown_properties_are_ignored(client: Client) -> None:
    response = post(client, {"query": "{ __typename }", "extensions": {"a": 1}, "other": 7})

    assert response.json() == {"data": {"__typename": "Query"}}


DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "The body is empty; it must be a JSON object with a query.", id="empty"),
        pytest.param(b"NONSENSE", "The body is not JSON: Expecting value: line 1 column 1 (char 0).", id="not JSON"),
        pytest.param(
            b"\xef\xbb\xbf{}",
            "The body is not JSON: Expecting value: line 1 column 1 (char 0).",
            id="byte order mark",
        ),
        pytest.param(b'{"query": "\xff"}', "The body is not UTF-8: byte 11 cannot be decoded.", id="not UTF-8"),
        pytest.param(b"null", "The body is null; it must be a JSON object with a query.", id="null"),
        pytest.param(
            b"[]",
            "The body is an array; it must be a JSON object with a query: batches are not enabled.",
            id="batch",
        ),
        pytest.param(b'"{ a }"', "The body is a string; it must be a JSON object with a query.", id="string"),
        pytest.param(
            b'{"qeury": ""}',
            "The parameter query is missing; it must be a string that contains a GraphQL document.",
            id="query missing",
        ),
        pytest.param(b'{"query": null}', "The parameter query is null; it must be a string.", id="query null"),
        pytest.param(b'{"query": 1.5}', "The parameter query is a number; it must be a string.", id="query number"),
        pytest.param(b'{"query": {}}', "The parameter query is an object; it must be a string.", id="query object"),
        pytest.param(b'{"query": []}', "The parameter query is an array; it must be a string.", id="query array"),
        pytest.param(b'{"query": true}', "The parameter query is true; it must be a string.", id="query boolean"),
        pytest.param(
            b'{"query": "{a}", "variables": []}',
            "The parameter variables is an array; it must be an object or null.",
            id="variables array",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": "{}"}',
            "The parameter variables is a string; it must be an object or null.",
            id="variables string",
        ),
        pytest.param(
            b'{"query": "{a}", "operationName": 0}',
            "The parameter operationName is a number; it must be a string or null.",
            id="operationName number",
        ),
        pytest.param(
            b'{"query": "{a}", "extensions": false}',
            "The parameter extensions is false; it must be an object or null.",
            id="extensions boolean",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": {"a": NaN}}',
            "The body contains a number that cannot be read: JSON has no NaN.",
            id="NaN",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": {"a": -Infinity}}',
            "The body contains a number that cannot be read: JSON has no -Infinity.",
            id="infinity",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": {"a": 1e999}}',
            "The body contains a number that cannot be read: 1e999 is out of range.",
            id="float out of range",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
            "The body is nested too deeply to be read.",
            id="nested objects",
        ),
        pytest.param(
            b'{"query": "{a}", "variables": {"a": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
            "The body is nested too deeply to be read.",
            id="nested arrays",
        ),
        pytest.param(
            rb'{"query": "\ud83c"}',
            "The parameter query contains half of a surrogate pair, which is not a character.",
            id="surrogate in query",
        ),
        pytest.param(
            rb'{"query": "{a}", "variables": {"a": [{"\uDEAD": 1}]}}',
            "The parameter variables contains half of a surrogate pair, which is not a character.",
            id="surrogate in variables",
        ),
        pytest.param(
            rb'{"query": "{a}", "operationName": "\udc00\ud800"}',
            "The parameter operationName contains half of a surrogate pair, which is not a character.",
            id="surrogates in operationName",
        ),
    ],
)
def test_malformed_body_is_400_and_says_why(client: Client, body: bytes, says: str) -> None:
    response = post(client, body)

    assert response.status_code == 400
    assert message(response) == says
    assert codes(response) == ["BAD_REQUEST"]


def test_integer_of_too_many_digits_is_400(client: Client) -> None:
    digits = "9" * (sys.get_int_max_str_digits() + 1)

    response = post(client, f'{{"query": "{{a}}", "variables": {{"a": {digits}}}}}'.encode())

    assert response.status_code == 400
    assert message(response).startswith("The body contains a number that cannot be read: Exceeds the limit")


@pytest.mark.parametrize("value", [2**31, 2**63, 10**4000, -(10**4000)])
def test_large_integer_is_an_error_of_the_variable(client: Client, value: int) -> None:
    query = "query ($limit: Int!) { books(limit: $limit) { title } }"

    response = post(client, {"query": query, "variables": {"limit": value}})

    assert response.status_code == 200
    assert codes(response) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("depth", [150, 300, 450, 900])
@pytest.mark.django_db
def test_deeply_nested_input_is_refused(client: Client, depth: int) -> None:
    """By the limit or as JSON depends on Python's recursion limit and on what else is on the stack."""
    where = '{"AND": [' * depth + "{}" + "]}" * depth
    query = "query ($where: BookWhere) { books(where: $where) { title } }"

    response = post(client, f'{{"query": "{query}", "variables": {{"where": {where}}}}}'.encode())

    assert response.status_code in (200, 400)
    assert codes(response)[0] in ("LIMIT_EXCEEDED", "BAD_USER_INPUT", "BAD_REQUEST")


def test_surrogate_pair_is_a_character(client: Client) -> None:
    body = json.dumps({"query": TYPE, "variables": {"name": "🏃"}}).encode()
    assert b"\\ud83c\\udfc3" in body

    assert post(client, body).json() == {"data": {"__type": None}}


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON; a=b"],
)
def test_json_is_read(client: Client, content_type: str) -> None:
    assert post(client, {"query": "{ __typename }"}, content_type=content_type).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "br", "deflate", "zstd", "identity, gzip", "gzip, gzip"])
def test_body_in_a_content_coding_is_415(client: Client, coding: str) -> None:
    body = gzip.compress(b'{"query": "{ __typename }"}')

    for sent in (body, b'{"query": "{ __typename }"}'):
        response = post(client, sent, **{"Content-Encoding": coding})

        assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])
        assert message(response) == f"The Content-Encoding of a POST must be identity; it is {coding}."
        assert response["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_body_without_a_coding_may_say_so(client: Client, coding: str) -> None:
    response = post(client, {"query": "{ __typename }"}, **{"Content-Encoding": coding})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/graphql-response+json",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=a; charset=latin-1",
        "multipart/mixed; boundary=a",
        "application/json; charset=nonsense",
        "",
    ],
)
def test_other_content_is_415(client: Client, content_type: str) -> None:
    """What a foreign page's form can send is among them."""
    response = post(client, {"query": "{ __typename }"}, content_type=content_type)

    assert response.status_code == 415
    assert codes(response) == ["UNSUPPORTED_MEDIA_TYPE"]
    assert message(response).endswith(f"in UTF-8; it is {content_type or 'missing'}.")


@pytest.fixture
def limit(settings: Any) -> int:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": 100}}
    return 100


def padded(size: int) -> bytes:
    body = b'{"query": "{ __typename }"}'
    return body + b" " * (size - len(body))


def test_body_of_the_largest_size_is_read(client: Client, limit: int) -> None:
    assert post(client, padded(limit)).status_code == 200


def test_larger_body_is_413_and_says_the_limit(client: Client, limit: int) -> None:
    response = post(client, padded(limit + 1))

    assert response.status_code == 413
    assert response.json()["errors"] == [
        {
            "message": "The body has 101 bytes; the limit is 100.",
            "extensions": {"code": "REQUEST_TOO_LARGE", "limit": 100, "value": 101, "setting": "LIMITS.BODY_BYTES"},
        }
    ]


def test_larger_body_is_not_read(rf: RequestFactory, limit: int) -> None:
    request = rf.post(URL, padded(limit + 1), content_type=JSON)

    assert GraphQLView.as_view()(request).status_code == 413
    assert not request._read_started


def test_limit_can_be_lifted(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"BODY_BYTES": None}}

    assert post(client, padded(2_000_000)).status_code == 200


def test_limit_of_django_is_413_and_says_its_name(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    response = post(client, padded(60))

    assert response.status_code == 413
    assert message(response) == "The body has 60 bytes; the limit is 50."
    assert response.json()["errors"][0]["extensions"]["setting"] == "DATA_UPLOAD_MAX_MEMORY_SIZE"


def test_body_in_chunks_is_411_under_wsgi(rf: RequestFactory) -> None:
    """Django reads as many bytes as Content-Length says, which is none."""
    request = rf.generic("POST", URL, content_type=JSON, headers={"Content-Type": JSON, "Transfer-Encoding": "chunked"})

    response = GraphQLView.as_view()(request)

    assert response.status_code == 411
    assert codes(response) == ["LENGTH_REQUIRED"]


def test_client_that_hangs_up_is_400(rf: RequestFactory) -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("connection reset")

    request = rf.post(URL, padded(60), content_type=JSON)
    request._stream = Broken()
    request._stream.close = lambda: None
    request._stream.seekable = lambda: False

    response = GraphQLView.as_view()(request)

    assert response.status_code == 400
    assert message(response) == "The body could not be read to its end."
    assert UnreadablePostError.__name__ not in response.content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_405_and_told_which_are_allowed(client: Client, method: str) -> None:
    response = getattr(client, method)(URL)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert message(response) == f"The method {method.upper()} is not one of: GET, HEAD, POST, OPTIONS."
    assert codes(response) == ["METHOD_NOT_ALLOWED"]


def test_options_are_told(client: Client) -> None:
    response = client.options(URL)

    assert response.status_code == 200
    assert response["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_view_serves_the_engine_that_it_is_given(rf: RequestFactory) -> None:
    engine = GraphQLEngine({})
    view = GraphQLView.as_view(engine=engine)
    before = get_engine().statistics().documents

    view(rf.post(URL, {"query": "{ __typename }"}, content_type=JSON))

    assert engine.statistics().documents.misses == 1
    assert get_engine().statistics().documents == before


# --- the view and its subclasses ---


class Overridden(GraphQLView):
    """A view of a project's, with everything that Django documents overridden."""

    seen: ClassVar[list[str]] = []

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.seen.append("setup")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.seen.append("dispatch")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.seen.append("post")
        return super().post(request, *args, **kwargs)


def request_of(query: str, method: str = "post") -> HttpRequest:
    factory = RequestFactory()
    if method == "post":
        return factory.post("/graphql/", json.dumps({"query": query}), content_type=JSON)
    found: HttpRequest = getattr(factory, method)("/graphql/", {"query": query})
    return found


def test_view_of_the_package_makes_no_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    view = GraphQLView.as_view()
    monkeypatch.setattr(GraphQLView, "__init__", lambda *args, **kwargs: pytest.fail("an instance was made"))

    assert json.loads(view(request_of("{ __typename }")).content) == {"data": {"__typename": "Query"}}
    assert json.loads(view(request_of("{ __typename }", "get")).content) == {"data": {"__typename": "Query"}}
    # what Django's tools look for
    assert view.view_class is GraphQLView  # type: ignore[attr-defined]
    assert view.csrf_exempt  # type: ignore[attr-defined]


def test_methods_of_a_subclass_are_called() -> None:
    Overridden.seen.clear()

    response = Overridden.as_view()(request_of("{ __typename }"))

    assert json.loads(response.content) == {"data": {"__typename": "Query"}}
    assert Overridden.seen == ["setup", "dispatch", "post"]


def test_methods_can_be_left_out() -> None:
    view = GraphQLView.as_view(http_method_names=["post"])

    assert view(request_of("{ __typename }")).status_code == 200
    response = view(request_of("{ __typename }", "get"))
    assert response.status_code == 405
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("view", [GraphQLView.as_view(), Overridden.as_view()])
@pytest.mark.parametrize("method", ["post", "get", "head", "options", "put"])
def test_every_response_depends_on_the_accept_header(view: Any, method: str) -> None:
    assert "Accept" in view(request_of("{ __typename }", method))["Vary"].split(", ")
