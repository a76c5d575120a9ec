"""The clients that projects' tests use: what they send, through middleware and views, and what they return."""

import datetime as dt
import inspect
from asyncio import gather
from decimal import Decimal
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, override_settings
from django.urls import clear_script_prefix, include, path, re_path, set_script_prefix

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.documents.trusted import digest
from fraiseql_django.testing import (
    AsyncGraphQLClient,
    GraphQLClient,
    GraphQLResult,
    GraphQLTestCase,
    Operation,
    assert_one_statement,
)
from fraiseql_django.views import GraphQLView

pytest_plugins = ["fraiseql_django.testing.fixtures"]

REGISTRY = Registry()
WHO = "{ who }"


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.input
class Parcel:
    files: list[fraiseql.Upload]


@fraiseql.mutation(registry=REGISTRY)
def receive(info: fraiseql.Info, first: fraiseql.Upload, parcels: list[Parcel], again: fraiseql.Upload) -> list[str]:
    received = [first, *(file for parcel in parcels for file in parcel.files), again]
    return [f"{file.name} {file.content_type} {file.read().decode()}" for file in received]


@fraiseql.query(registry=REGISTRY)
def who(info: fraiseql.Info) -> str:
    return str(info.user) if info.viewer.is_authenticated else "nobody"


@fraiseql.query(registry=REGISTRY)
def header(info: fraiseql.Info, name: str) -> str:
    assert info.request is not None
    return str(info.request.headers.get(name, ""))


@fraiseql.query(registry=REGISTRY)
def values(info: fraiseql.Info, day: dt.date, price: Decimal, key: UUID) -> list[str]:
    return [day.isoformat(), str(price), str(key)]


@fraiseql.query(registry=REGISTRY)
def moment(info: fraiseql.Info, at: dt.datetime, time: dt.time) -> list[str]:
    return [at.isoformat(), time.isoformat()]


@fraiseql.mutation(registry=REGISTRY)
def become(info: fraiseql.Info, name: str | None = None) -> str:
    """Log another user in, or nobody, as the login and the logout of a site do."""
    assert info.request is not None
    if name is None:
        logout(info.request)
    else:
        login(info.request, User.objects.get(username=name), settings.AUTHENTICATION_BACKENDS[0])
    return str(info.request.user)


@fraiseql.query(registry=REGISTRY)
def broken(info: fraiseql.Info) -> str:
    raise ZeroDivisionError("of the project")


@fraiseql.query(permission=fraiseql.requires_auth, registry=REGISTRY)
def secret(info: fraiseql.Info) -> str:
    return "42"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>Log in</h1>")


def answer(request: HttpRequest) -> HttpResponse:
    """Answer the JSON that the request names, as a middleware or an API of another kind might."""
    return HttpResponse(request.headers["X-Answer"], content_type="application/json", status=403)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse([b"{}"], content_type="application/json")


class Own(GraphQLView):
    """An endpoint whose engine is the class's own, whatever its schema is called."""

    def get_engine(self) -> GraphQLEngine:
        return GraphQLEngine(registry=REGISTRY)


SCHEMAS = {"SCHEMAS": {"public": {}, "partners": {}}}
with override_settings(FRAISEQL=SCHEMAS):
    urlpatterns = [
        path("engine/", GraphQLView.as_view(engine=GraphQLEngine(registry=REGISTRY, cache=None))),
        path("page/", page),
        path("answer/", answer),
        path("stream/", stream),
        path("own/<int:tenant>/", Own.as_view()),
        path("api/", include([re_path(r"^own/$", Own.as_view())])),
        path("<slug:tenant>/public/", Own.as_view(schema="public")),
        path("apis/", include([path("public/", Own.as_view(schema="public"))])),
        path("partners/<slug:tenant>/", Own.as_view(schema="partners")),
    ]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Synchronous:
    """The client under ASGI, with each coroutine run to its end, so that both pass the same tests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.wrapped = AsyncGraphQLClient(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.wrapped, name)
        return async_to_sync(found) if iscoroutinefunction(found) else found


@pytest.fixture(params=[GraphQLClient, Synchronous], ids=["WSGI", "ASGI"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Run the test once with each client; return its class."""
    return request.param


@pytest.fixture
def client(kind: Any) -> Any:
    return kind()


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann")


@pytest.fixture
def ben() -> User:
    return User.objects.create(username="ben")


def test_data_of_an_operation(client: Any) -> None:
    result = client.query(
        "query Typed($name: String!) { __type(name: $name) { name } } query Other { __typename }",
        {"name": "Author"},
        operation_name="Typed",
    )

    assert result.assert_no_errors() is result
    assert result.data == {"__type": {"name": "Author"}}
    assert (result.status, result.headers["cache-control"], result.extensions) == (200, "no-store", {})
    assert result.response.status_code == 200


def test_variables_that_json_does_not_have(client: Any) -> None:
    query = "query ($day: Date!, $price: Decimal!, $key: UUID!) { values(day: $day, price: $price, key: $key) }"
    key = UUID(int=7)

    result = client.query(query, {"day": dt.date(2024, 2, 29), "price": Decimal("9.90"), "key": key})

    assert result.assert_no_errors().data == {"values": ["2024-02-29", "9.90", str(key)]}


def test_errors_have_code_path_and_place(client: Any) -> None:
    result = client.query("{ secret }")

    error = result.assert_error("UNAUTHENTICATED")
    assert error is result.assert_error(message="Sign in") is result.assert_error()
    assert (error.code, error.message) == ("UNAUTHENTICATED", "Sign in to use secret.")
    assert (result.data, result.status, result.codes) == (None, 400, ["UNAUTHENTICATED"])
    (wrong,) = client.query("{\n  nothing }").errors
    assert wrong.locations == ((2, 3),)


def test_assertion_lists_the_errors_and_shows_the_exception_behind_one(client: Any) -> None:
    result = client.query("{ broken }")

    with pytest.raises(AssertionError) as raised:
        result.assert_no_errors()

    first, second, third = str(raised.value).splitlines()
    assert first == "the operation was answered with errors (status 500):"
    assert second.startswith("  1. INTERNAL_SERVER_ERROR at broken (line 1, column 3): Something went wrong on the")
    assert third == "     ZeroDivisionError: of the project"
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert result.assert_error(path="broken") is result.assert_error(path=["broken"])


def test_assertion_of_an_error_that_is_another(client: Any) -> None:
    result = client.query("{ secret }")
    for kwargs in ({"code": "FORBIDDEN"}, {"path": "secret.0"}, {"message": "rain"}):
        ((name, value),) = kwargs.items()
        expected = rf"has no error with {name} '{value}' \(status 400\):\n  1\. UNAUTHENTICATED \(line 1, column 3\): "
        with pytest.raises(AssertionError, match=expected):
            result.assert_error(**kwargs)
    with pytest.raises(AssertionError, match=r"^the operation has no error \(status 200\)$"):
        client.query(WHO).assert_error()


# --- who sends it ---


def test_user_who_is_logged_in(client: Any, ann: User) -> None:
    client.force_login(ann)
    assert client.query(WHO).data == {"who": "ann"}
    assert client.query("{ secret }").assert_no_errors().data == {"secret": "42"}

    client.logout()
    assert client.query(WHO).data == {"who": "nobody"}


def test_user_of_one_request(client: Any, ann: User, ben: User) -> None:
    client.force_login(ann)

    for _ in range(2):
        assert client.query(WHO, user=ben).data == {"who": "ben"}
        assert client.query(WHO, user=None).data == {"who": "nobody"}
        assert client.query(WHO, user=AnonymousUser()).data == {"who": "nobody"}
        assert client.query(WHO).data == {"who": "ann"}
    assert client.mutate("mutation { __typename }", user=ben).data == {"__typename": "Mutation"}


def test_user_of_one_request_is_that_user_whatever_requests_before_have_done(client: Any, ann: User, ben: User) -> None:
    assert client.mutate('mutation { become(name: "ben") }', user=None).data == {"become": "ben"}
    assert client.query(WHO, user=None).data == {"who": "nobody"}
    assert client.mutate('mutation { become(name: "ben") }', user=ann).data == {"become": "ben"}
    assert client.query(WHO, user=ann).data == {"who": "ann"}
    assert client.mutate("mutation { become }", user=ann).data == {"become": "AnonymousUser"}
    assert client.query(WHO, user=ann).data == {"who": "ann"}
    # sessions end with the password
    ann.set_password("another")
    ann.save()
    assert client.query(WHO, user=ann).data == {"who": "ann"}
    assert client.query(WHO).data == {"who": "nobody"}


def test_user_of_many_requests_logs_in_once(client: Any, ann: User) -> None:
    client.query(WHO, user=ann)
    ann.refresh_from_db()
    before = ann.last_login

    client.query(WHO, user=ann)

    ann.refresh_from_db()
    assert before == ann.last_login is not None


def test_users_of_requests_at_the_same_time(ann: User, ben: User) -> None:
    client = AsyncGraphQLClient()

    async def main() -> list[Any]:
        return [each.data for each in await gather(*(client.query(WHO, user=user) for user in (ann, ben, ann, None)))]

    names = [found["who"] for found in async_to_sync(main)()]

    assert names == ["ann", "ben", "ann", "nobody"]


def test_user_who_was_not_saved_is_not_nobody(client: Any) -> None:
    with pytest.raises(ValueError, match=r"user is <User: eve>, which was not saved"):
        client.query(WHO, user=User(username="eve"))


def test_headers_of_all_requests_and_of_one(kind: Any) -> None:
    client = kind(headers={"X-Tenant": "a", "Accept-Language": "de"})
    query = 'query { tenant: header(name: "X-Tenant") language: header(name: "Accept-Language") }'

    assert client.query(query).data == {"tenant": "a", "language": "de"}
    assert client.query(query, headers={"X-Tenant": "b"}).data == {"tenant": "b", "language": "de"}


@pytest.mark.parametrize("in_session", [False, True])
def test_csrf_is_checked_where_that_is_wanted(kind: Any, ann: User, settings: Any, in_session: bool) -> None:
    settings.CSRF_USE_SESSIONS = in_session
    settings.CSRF_HEADER_NAME = "HTTP_X_TOKEN"
    unchecked, checked = kind(), kind(enforce_csrf_checks=True)
    with_token = kind(enforce_csrf_checks=True, csrf_token=True)

    assert unchecked.query(WHO, user=ann).data == {"who": "ann"}
    assert checked.query(WHO, user=ann).assert_error("CSRF_FAILED")
    assert with_token.query(WHO, user=ann).assert_no_errors().data == {"who": "ann"}
    with_token.force_login(ann)
    assert with_token.query(WHO).assert_no_errors().data == {"who": "ann"}


# --- what is sent ---


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_moments_have_their_microseconds(client: Any, method: str) -> None:
    at = dt.datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=dt.UTC)
    query = "query ($at: DateTime!, $time: Time!) { moment(at: $at, time: $time) }"

    result = client.query(query, {"at": at, "time": at.time()}, method=method)

    assert result.assert_no_errors().data == {"moment": [at.isoformat(), at.time().isoformat()]}


def test_files_at_any_depth(client: Any) -> None:
    letter = SimpleUploadedFile("letter.txt", b"Dear", "text/plain")
    parcels = [{"files": [ContentFile(b"1", "one.bin")]}, {"files": (ContentFile(b"2", "two.png"), letter)}]
    mutation = """mutation ($first: Upload!, $parcels: [Parcel!]!, $again: Upload!) {
        receive(first: $first, parcels: $parcels, again: $again)
    }"""

    for _ in range(2):
        result = client.mutate(mutation, {"first": letter, "parcels": parcels, "again": letter})

        assert result.assert_no_errors().data["receive"] == [
            "letter.txt text/plain Dear",
            "one.bin application/octet-stream 1",
            "two.png image/png 2",
            "letter.txt text/plain Dear",
            "letter.txt text/plain Dear",
        ]


def test_get_puts_the_parameters_into_the_url(client: Any) -> None:
    query = "query ($name: String!) { header(name: $name) }"

    result = client.query(query, {"name": "Content-Type"}, method="GET")

    assert result.assert_no_errors().data == {"header": ""}
    assert "no-store" not in result.headers["Cache-Control"]
    client.query("mutation { __typename }", method="GET").assert_error("METHOD_NOT_ALLOWED")


def test_batch(client: Any, ann: User, settings: Any) -> None:
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 2}}
    named = Operation(query="query ($name: String!) { header(name: $name) }", variables={"name": "X-A"})

    who_is, one = client.batch(WHO, named, user=ann, headers={"X-A": "b"})

    assert (who_is.data, one.data) == ({"who": "ann"}, {"header": "b"})
    assert client.batch("{ nothing }")[0].codes == ["GRAPHQL_VALIDATION_FAILED"]
    with pytest.raises(AssertionError, match=r"the batch was refused as a whole \(status 400\):\n  LIMIT_EXCEEDED: "):
        client.batch(WHO, WHO, WHO)


def test_document_by_its_identifier(client: Any, settings: Any, tmp_path: Any) -> None:
    (tmp_path / "who.graphql").write_text(WHO)
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": str(tmp_path)}}

    assert client.query(document_id=digest(WHO)).assert_no_errors().data == {"who": "nobody"}
    client.query("{ who again: who }").assert_error("DOCUMENT_NOT_TRUSTED")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_persisted_query_is_sent_by_its_hash_and_once_with_its_text(settings: Any, method: Any) -> None:
    settings.FRAISEQL = {**SCHEMAS, "PERSISTED_QUERIES": {"ENABLED": True}}
    sent: list[HttpRequest] = []

    class Noting(Client):
        def request(self, **request: Any) -> Any:
            response = super().request(**request)
            sent.append(response.wsgi_request)
            return response

    client = GraphQLClient("public", client=Noting())
    # a text that no other test has persisted
    query = f"query P{method} {{ __typename }}"

    for _ in range(2):
        assert client.query(query, persisted=True, method=method).assert_no_errors().data == {"__typename": "Query"}

    texts = [request.GET.get("query", "") or request.body.decode() for request in sent]
    assert [query in text for text in texts] == [False, True, False]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "an operation needs a query or a document_id"),
        ({"query": WHO, "method": "PUT"}, "method is 'PUT', must be one of: 'GET', 'POST'"),
        ({"query": WHO, "method": "GET", "variables": {"a": ContentFile(b"")}}, "a GET cannot send files"),
        ({"document_id": "a", "persisted": True}, "persisted=True needs a query"),
    ],
)
def test_what_cannot_be_sent(client: Any, arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        client.query(**arguments)


def test_batch_cannot_have_files(client: Any) -> None:
    operation = Operation(query=WHO, variables={"a": [ContentFile(b"")]})

    with pytest.raises(ValueError, match=r"a batch cannot send files, but there is one in variables\.a\.0"):
        client.batch(WHO, operation)


# --- where it is sent ---


def test_path_of_a_schema(kind: Any, settings: Any) -> None:
    settings.FRAISEQL = SCHEMAS

    assert kind().path == "/api/own/"
    assert kind("public").path == "/apis/public/"
    assert kind("public").query("{ __typename }").data == {"__typename": "Query"}
    with pytest.raises(LookupError, match="have an endpoint with parameters in its path for the schema 'partners'"):
        kind("partners").query(WHO)
    with pytest.raises(LookupError, match="the URLs have no endpoint for the schema 'other'"):
        kind("other").query(WHO)
    assert kind("partners", path="/partners/a/").query("{ __typename }").data == {"__typename": "Query"}


@pytest.mark.urls("example_project.urls")
def test_path_of_the_projects_endpoint(kind: Any) -> None:
    client = kind()

    assert client.path == "/graphql/"
    set_script_prefix("/shop/")
    try:
        assert client.path == "/shop/graphql/"
    finally:
        clear_script_prefix()


def test_response_of_something_else(kind: Any) -> None:
    with pytest.raises(AssertionError, match=r"no answer of a GraphQL endpoint: status 200, text/html.*<h1>Log in"):
        kind(path="/page/").query(WHO)
    with pytest.raises(AssertionError, match="status 404"):
        kind(path="/nowhere/").query(WHO)
    with pytest.raises(AssertionError, match="status 301 to /page/"):
        kind(path="/page").query(WHO)
    with pytest.raises(AssertionError, match=r"status 200, application/json$"):
        kind(path="/stream/").query(WHO)


@pytest.mark.parametrize(
    "text",
    ['{"detail": "Forbidden"}', '{"errors": ["no"]}', '{"errors": {"name": "no"}}', '{"errors": []}', "3", "[3]", "{"],
)
def test_json_that_is_no_answer_is_no_success(kind: Any, text: str) -> None:
    client = kind(path="/answer/", headers={"X-Answer": text})

    for send in (client.query, client.batch):
        with pytest.raises(AssertionError, match=r"no answer of a GraphQL endpoint: status 403, application/json: "):
            send(WHO)


# --- in test cases and fixtures ---


class Cases(GraphQLTestCase):
    """Both clients, which are logged in by Django's own."""

    def setUp(self) -> None:
        self.ann = User.objects.create(username="ann")

    def test_client(self) -> None:
        self.client.force_login(self.ann)
        assert self.graphql.query(WHO).data == {"who": "ann"}

    def test_one_statement(self) -> None:
        with self.assertOneStatement():
            self.graphql.query("{ authors { name } }").assert_no_errors()

    async def test_async_client(self) -> None:
        await self.async_client.aforce_login(self.ann)
        await Author.objects.acreate(name="Ada")
        result = await self.async_graphql.query("{ who authors { name } }")
        assert result.data == {"who": "ann", "authors": [{"name": "Ada"}]}


@pytest.mark.urls("example_project.urls")
def test_fixtures(graphql_client: Any, async_graphql_client: Any) -> None:
    Author.objects.create(name="Ada")
    expected = {"authors": [{"name": "Ada"}]}

    with assert_one_statement():
        assert graphql_client.query("{ authors { name } }").data == expected
    assert async_to_sync(async_graphql_client.query)("{ authors { name } }").data == expected


def test_clients_have_the_same_arguments() -> None:
    for name in ("__init__", "force_login", "logout", "query", "mutate", "batch"):
        one, other = getattr(GraphQLClient, name), getattr(AsyncGraphQLClient, name)
        clients = [str(inspect.signature(method)).replace("AsyncClient", "Client") for method in (one, other)]
        assert clients[0] == clients[1]
    assert get_type_hints(GraphQLClient.batch, localns={"User": User})["return"] == list[GraphQLResult]
