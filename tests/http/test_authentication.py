# mypy: disable-error-code="return-value"
"""Who the viewer is: nobody, a session's user, the owner of an API token or of a JSON Web Token.

The middleware is the one that docs/authentication.md shows.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from knox.models import AuthToken
from rest_framework_simplejwt.tokens import AccessToken

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.audit import operation_refused
from fraiseql_django.declare.rules import requires_auth
from fraiseql_django.views import GraphQLView
from tests.http.requests import JSON, URL, codes, post
from tests.test_docs import blocks

REGISTRY = Registry()
ANSWER_OF_NOBODY = {"data": {"users": []}}
WHO = {"query": "{ users { username } }"}
OPEN = {"query": "{ authors { name } }"}
CLOSED = {"query": "{ publishers { name } }"}
SIGN = {"query": "mutation { sign }"}


@fraiseql.type(User, fields=["id", "username"], rows=lambda viewer: Q(pk=viewer.id), registry=REGISTRY)
class UserType:
    pass


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["id", "name"], permission=requires_auth, registry=REGISTRY)
class PublisherType:
    pass


@fraiseql.mutation(registry=REGISTRY)
def sign(info: fraiseql.Info) -> str:
    """Say who signs."""
    return info.user.username if info.viewer.is_authenticated else "nobody"


urlpatterns = [path("graphql/", GraphQLView.as_view(engine=GraphQLEngine(registry=REGISTRY, cache=None)))]


@dataclass
class Scheme:
    """A way to show a token: a middleware of the documentation, and how tokens are issued."""

    middleware: str
    word: str
    issue: Callable[[User], str]
    expired: Callable[[User], str]


def knox_token(user: User) -> str:
    return str(AuthToken.objects.create(user)[1])


def expired_knox_token(user: User) -> str:
    return str(AuthToken.objects.create(user, expiry=timedelta(seconds=-1))[1])


def jwt(user: User) -> str:
    return str(AccessToken.for_user(user))


def expired_jwt(user: User) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(seconds=-1))
    return str(token)


SCHEMES = {
    "token": Scheme("shop.middleware.TokenMiddleware", "Token", knox_token, expired_knox_token),
    "jwt": Scheme("shop.middleware.JWTMiddleware", "Bearer", jwt, expired_jwt),
}


@pytest.fixture(autouse=True)
def _endpoint(settings: Any, db: None) -> None:
    settings.ROOT_URLCONF = __name__
    Author.objects.create(name="Ada")


@pytest.fixture(params=SCHEMES.values(), ids=SCHEMES.keys())
def scheme(request: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Scheme:
    """Install the middleware that docs/authentication.md shows."""
    module = ModuleType("shop.middleware")
    for block in blocks("authentication.md", "python"):
        if block.startswith("# shop/middleware.py"):
            exec(block, module.__dict__)
    monkeypatch.setitem(sys.modules, "shop.middleware", module)
    scheme: Scheme = request.param
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, scheme.middleware]
    return scheme


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann")


@pytest.fixture
def client() -> Client:
    """A client that is held to Django's CSRF token, as browsers are."""
    return Client(enforce_csrf_checks=True)


def of(user: User) -> Any:
    return {"data": {"users": [{"username": user.username}]}}


def statements_of(send: Callable[[], Any]) -> list[str]:
    """Return the statements that a request takes."""
    with CaptureQueriesContext(connection) as captured:
        assert "errors" not in send().json()
    return [sql["sql"] for sql in captured.captured_queries]


# --- nobody, and sessions ---


def test_nobody(client: Client) -> None:
    assert post(client, WHO).json() == ANSWER_OF_NOBODY
    assert post(client, OPEN).json() == {"data": {"authors": [{"name": "Ada"}]}}
    assert codes(post(client, CLOSED)) == ["UNAUTHENTICATED"]
    assert post(client, SIGN).json() == {"data": {"sign": "nobody"}}


def test_without_middleware_everybody_is_nobody(client: Client, ann: User, settings: Any) -> None:
    settings.MIDDLEWARE = []
    client.force_login(ann)

    assert client.get(URL, WHO).json() == ANSWER_OF_NOBODY
    assert codes(client.get(URL, CLOSED)) == ["UNAUTHENTICATED"]


def test_session(client: Client, ann: User) -> None:
    client.force_login(ann)

    assert client.get(URL, WHO).json() == of(ann)
    assert client.get(URL, CLOSED).json() == {"data": {"publishers": []}}
    client.logout()
    assert client.get(URL, WHO).json() == ANSWER_OF_NOBODY


def test_session_is_read_only_where_a_rule_asks(client: Client, ann: User) -> None:
    client.force_login(ann)

    (sql,) = statements_of(lambda: client.get(URL, OPEN))
    assert "bookshop_author" in sql
    asked = statements_of(lambda: client.get(URL, WHO))
    tables = [[name for name in ("django_session", "auth_user") if name in sql] for sql in asked]
    assert tables == [["django_session"], ["auth_user"], ["auth_user"]]


# --- tokens ---


def authorization(scheme: Scheme, token: str) -> dict[str, str]:
    return {"Authorization": f"{scheme.word} {token}"}


def test_token(client: Client, ann: User, scheme: Scheme) -> None:
    User.objects.create(username="bob")
    headers = authorization(scheme, scheme.issue(ann))

    assert post(client, WHO, **headers).json() == of(ann)
    assert client.get(URL, CLOSED, headers=headers).json() == {"data": {"publishers": []}}
    assert post(client, WHO).json() == ANSWER_OF_NOBODY


def test_token_under_asgi(ann: User, scheme: Scheme) -> None:
    headers = authorization(scheme, scheme.issue(ann))

    response = async_to_sync(AsyncClient(enforce_csrf_checks=True).post)(URL, WHO, content_type=JSON, headers=headers)

    assert response.json() == of(ann)


@pytest.mark.parametrize("wrong", ["expired", "unknown", "tampered", "missing", "bytes", "too many"])
def test_wrong_token_is_401(client: Client, ann: User, scheme: Scheme, wrong: str) -> None:
    good = scheme.issue(ann)
    token = {
        "expired": scheme.expired(ann),
        "unknown": "x" * 64,
        "tampered": good[:-4] + good[:4],
        "missing": "",
        "bytes": "\xff\xfe",
        "too many": f"{good} {good}",
    }[wrong]

    response = post(client, OPEN, **authorization(scheme, token))

    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])
    assert response["WWW-Authenticate"].startswith(scheme.word)
    assert good not in response.content.decode()


def test_user_who_was_shut_out_is_401(client: Client, ann: User, scheme: Scheme) -> None:
    headers = authorization(scheme, scheme.issue(ann))
    User.objects.update(is_active=False)

    assert post(client, OPEN, **headers).status_code == 401


def test_other_scheme_is_nobody(client: Client, ann: User, scheme: Scheme) -> None:
    headers = {"Authorization": "Basic YW5uOnNlY3JldA=="}

    assert post(client, WHO, **headers).json() == ANSWER_OF_NOBODY


def test_token_comes_before_the_session(client: Client, ann: User, scheme: Scheme) -> None:
    client.force_login(User.objects.create(username="bob"))

    response = client.get(URL, WHO, headers=authorization(scheme, scheme.issue(ann)))

    assert response.json() == of(ann)


def test_token_needs_no_csrf_token_and_excuses_no_session_from_it(client: Client, ann: User, scheme: Scheme) -> None:
    headers = {**authorization(scheme, scheme.issue(ann)), "Origin": "https://elsewhere.example"}
    assert post(client, SIGN, **headers).json() == {"data": {"sign": "ann"}}

    client.force_login(ann)
    response = post(client, SIGN, **headers)

    assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])


@pytest.fixture
def refused() -> Iterator[list[Any]]:
    found: list[Any] = []

    def note(event: Any, **kwargs: object) -> None:
        found.append(event)

    operation_refused.connect(note)
    yield found
    operation_refused.disconnect(note)


def test_audit_knows_the_owner_of_a_token_and_not_the_token(
    client: Client, ann: User, scheme: Scheme, refused: list[Any]
) -> None:
    token = scheme.issue(ann)
    post(client, {"query": "{ " + "a: __typename " * 101 + "}"}, **authorization(scheme, token))

    (event,) = refused
    assert (event.user_id, event.code) == (ann.pk, "LIMIT_EXCEEDED")
    assert token not in repr(event) + str(event) + str(event.as_dict())
