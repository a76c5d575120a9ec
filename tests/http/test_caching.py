"""What caches may keep of a response, and for how long: Cache-Control, ETag, Vary and 304."""

import gzip
import json
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.cache import FetchFromCacheMiddleware, UpdateCacheMiddleware
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.views import GraphQLView
from tests.http.requests import JSON, URL, post
from tests.http.test_persisted_queries import by_hash, with_text
from tests.planner.policies import catalogue
from tests.support import make_shop, statements

pytestmark = pytest.mark.django_db

GRAPHQL = "application/graphql-response+json"
AUTHORS = "{ authors { name } }"
ORDERS = "{ orders { number } }"
CATALOGUE = {"max-age=60", "public"}
ENGINE = GraphQLEngine(registry=catalogue())


@pytest.fixture(autouse=True)
def shop() -> None:
    make_shop()


def get(client: Any, query: str, accept: str = JSON, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(URL, {"query": query}, headers={"Accept": accept, **named})


def control(response: Any) -> set[str]:
    return set(response["Cache-Control"].split(", "))


def vary(response: Any) -> set[str]:
    return set(response["Vary"].split(", "))


# --- Cache-Control and Vary ---

KEPT = [
    (AUTHORS, CATALOGUE, {"Accept"}),
    ("{ books { title publisher { name } authors { name } } }", CATALOGUE, {"Accept"}),
    ("query @cacheControl(maxAge: 5) { authors { name } }", {"public", "max-age=5"}, {"Accept"}),
    ("query @cacheControl(scope: PRIVATE) { authors { name } }", {"private", "max-age=60"},
     {"Accept", "Cookie", "Authorization"}),
    ("query @cacheControl(maxAge: 0) { authors { name } }", {"private", "no-store"}, {"Accept"}),
    (ORDERS, {"private", "no-cache"}, {"Accept", "Cookie", "Authorization"}),
    ("{ orders { number lines { book { title } } } }", {"private", "no-cache"}, {"Accept", "Cookie", "Authorization"}),
    ("{ reviews { stars } }", {"private", "no-cache"}, {"Accept", "Cookie", "Authorization"}),
    ("{ __typename }", {"private", "no-cache"}, {"Accept", "Cookie", "Authorization"}),
    ("{ nonsense }", {"private", "no-store"}, {"Accept"}),
    ("{ authors(limit: -1) { name } }", {"private", "no-store"}, {"Accept"}),
    ("mutation { deleteBook(id: 1) { __typename } }", {"private", "no-store"}, {"Accept"}),
]  # fmt: skip


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(("query", "expected", "by"), KEPT, ids=[query for query, *_ in KEPT])
def test_response_says_who_may_keep_it_and_for_how_long(
    client: Client, method: str, query: str, expected: set[str], by: set[str]
) -> None:
    response = getattr(client, method)(URL, {"query": query}, headers={"Accept": JSON})

    assert (control(response), by <= vary(response)) == (expected, True)
    if "public" in expected:
        # nothing has looked at the session
        assert vary(response) == by
    assert ("ETag" in response) is ("no-store" not in expected)


def test_refused_request_is_kept_by_nobody(client: Client) -> None:
    accepts_nothing, empty = get(client, AUTHORS, accept="image/png"), client.get(URL, {"query": ""})
    for response in (client.get(URL), accepts_nothing, empty, client.put(URL)):
        assert "no-store" in control(response)
        assert "ETag" not in response


def test_post_is_kept_by_nobody(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"BATCHING": {"MAX_OPERATIONS": 2}}
    for body in ({"query": AUTHORS}, [{"query": AUTHORS}, {"query": AUTHORS}]):
        response = post(client, body)
        assert (response["Cache-Control"], "ETag" in response) == ("no-store", False)


def test_answers_of_signed_in_users_are_public_where_nothing_depends_on_them(client: Client) -> None:
    client.force_login(User.objects.get(username="ann"))
    response = get(client, AUTHORS)
    assert control(response) >= CATALOGUE


def test_request_with_credentials_is_not_answered_for_others(client: Client) -> None:
    private = {"private", "max-age=60"}
    assert control(get(client, AUTHORS, Authorization="Bearer a")) == private
    assert control(get(client, AUTHORS)) == CATALOGUE


def signed_in_only(request: HttpRequest) -> Any:
    return view_of(request) if "user" not in request.session else HttpResponse(status=403)


def test_view_that_lets_only_some_users_through_is_not_public() -> None:
    """By a decorator such as login_required, or by middleware: they look at the session first."""
    response = SessionMiddleware(signed_in_only)(
        RequestFactory().get(URL, {"query": AUTHORS}, headers={"Accept": JSON})
    )
    assert control(response) == {"private", "max-age=60"}


def test_login_that_middleware_requires_makes_it_private(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    client.force_login(User.objects.get(username="ann"))
    assert control(get(client, AUTHORS)) == {"private", "max-age=60"}


def test_limit_of_the_rate_leaves_it_public(client: Client, settings: Any) -> None:
    """It is counted by user, but answers are the same for all."""
    settings.FRAISEQL = {"LIMITS": {"RATE": "100/h"}}
    assert control(get(client, AUTHORS)) == CATALOGUE


class OfTenant(GraphQLView):
    """A view that chooses its engine by the request."""

    def get_engine(self) -> GraphQLEngine:
        return ENGINE


def test_view_that_chooses_the_engine_by_the_request_is_not_public() -> None:
    request = RequestFactory().get(URL, {"query": "{ books { title } }"}, headers={"Accept": JSON})
    assert control(OfTenant.as_view()(request)) == {"private", "max-age=60"}


def test_viewer_of_a_rule_makes_it_private() -> None:
    registry = catalogue(permission=lambda viewer: viewer.is_authenticated, queries=["plural"])
    view = GraphQLView.as_view(engine=GraphQLEngine(registry=registry))
    request = RequestFactory().get(URL, {"query": "{ books { title } }"}, headers={"Accept": JSON})
    request.user = User.objects.get(username="ann")
    assert control(view(request)) == {"private", "max-age=60"}


def test_default_of_the_settings_is_for_browsers_alone(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"MAX_AGE": 15}}
    assert control(get(client, "{ reviews { stars } }")) == {"private", "max-age=15"}
    assert control(get(client, AUTHORS)) == CATALOGUE


def test_type_that_is_never_kept_is_kept_by_nobody() -> None:
    view = GraphQLView.as_view(engine=GraphQLEngine(registry=catalogue()))
    request = RequestFactory().get(URL, {"query": "{ customers { name } }"}, headers={"Accept": JSON})
    response = view(request)
    assert (control(response), "ETag" in response) == ({"private", "no-store"}, False)


# --- ETag and 304 ---


def test_client_that_has_the_answer_is_told_so(client: Client) -> None:
    first = get(client, AUTHORS)
    second = get(client, AUTHORS, If_None_Match=first["ETag"])

    assert (second.status_code, second.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert second[name] == first[name]
    assert "Content-Type" not in second
    assert first["ETag"].startswith('"')


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ('"other",W/{etag} , "another"', 304),
        ("*", 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ("", 200),
        ("nonsense", 200),
    ],
)
def test_if_none_match_is_compared_weakly(client: Client, sent: str, status: int) -> None:
    etag = get(client, AUTHORS)["ETag"]
    assert get(client, AUTHORS, If_None_Match=sent.replace("{etag}", etag)).status_code == status


def test_write_makes_the_answer_another_one(client: Client) -> None:
    """The present answer is computed before a client is told that it has it."""
    before = get(client, AUTHORS)
    with CaptureQueriesContext(connection) as captured:
        assert get(client, AUTHORS, If_None_Match=before["ETag"]).status_code == 304

    Author.objects.update(name="Another")

    after = get(client, AUTHORS, If_None_Match=before["ETag"])
    assert (after.status_code, after.json()["data"]["authors"][0]) == (200, {"name": "Another"})
    assert after["ETag"] != before["ETag"]
    assert len(captured) <= 1


@pytest.mark.django_db(transaction=True)
def test_present_answer_comes_from_the_cache(client: Client) -> None:
    etag = get(client, AUTHORS)["ETag"]
    with statements(0):
        assert get(client, AUTHORS, If_None_Match=etag).status_code == 304


def test_private_answers_have_etags_as_well(client: Client) -> None:
    etag = get(client, ORDERS)["ETag"]
    response = get(client, ORDERS, If_None_Match=etag)
    assert (response.status_code, control(response)) == (304, {"private", "no-cache"})


def test_errors_are_never_what_a_client_has(client: Client) -> None:
    response = get(client, "{ nonsense }", If_None_Match="*")
    assert (response.status_code, "errors" in response.json()) == (200, True)


def test_each_media_type_has_etags_of_its_own(client: Client) -> None:
    first, second = get(client, AUTHORS), get(client, AUTHORS, accept=GRAPHQL)
    assert first.content == second.content
    assert first["ETag"] != second["ETag"]
    assert get(client, AUTHORS, accept=GRAPHQL, If_None_Match=first["ETag"]).status_code == 200


def test_same_answer_has_the_same_etag_in_another_process(client: Client) -> None:
    first = get(client, AUTHORS)["ETag"]
    caches["default"].clear()
    assert get(client, AUTHORS)["ETag"] == first


def test_head_has_the_headers_of_get(client: Client) -> None:
    got = get(client, AUTHORS)
    head = client.head(URL, {"query": AUTHORS}, headers={"Accept": JSON})
    names = ("ETag", "Cache-Control", "Vary", "Content-Type")
    assert [head[name] for name in names] == [got[name] for name in names]
    headers = {"Accept": JSON, "If-None-Match": got["ETag"]}
    assert client.head(URL, {"query": AUTHORS}, headers=headers).status_code == 304


def test_if_match_with_another_answer_is_refused(client: Client) -> None:
    assert get(client, AUTHORS, If_Match='"other"').status_code == 412
    assert get(client, AUTHORS, If_Match=get(client, AUTHORS)["ETag"]).status_code == 200


# --- cookies ---


def view_of(request: HttpRequest) -> Any:
    return GraphQLView.as_view()(request)


def touching(request: HttpRequest) -> Any:
    request.session["seen"] = True
    return view_of(request)


def with_token(request: HttpRequest) -> Any:
    get_token(request)
    return view_of(request)


def with_cookie(request: HttpRequest) -> Any:
    response = view_of(request)
    response.set_cookie("seen", "1")
    return response


def with_signed_cookie(request: HttpRequest) -> Any:
    response = view_of(request)
    response.set_signed_cookie("seen", "1")
    return response


def with_cookie_by_hand(request: HttpRequest) -> Any:
    response = view_of(request)
    response.cookies["seen"] = "1"
    return response


def with_header(request: HttpRequest) -> Any:
    response = view_of(request)
    response.headers["Set-Cookie"] = "seen=1"
    return response


def with_other_cookies(request: HttpRequest) -> Any:
    response = view_of(request)
    response.cookies = SimpleCookie({"seen": "1"})
    return response


def without_cookie(request: HttpRequest) -> Any:
    response = view_of(request)
    response.delete_cookie("seen")
    return response


SETTING = [
    touching, with_token, with_cookie, with_signed_cookie, with_cookie_by_hand, with_header, with_other_cookies,
    without_cookie,
]  # fmt: skip


@pytest.mark.parametrize("function", SETTING)
@pytest.mark.parametrize("conditional", [False, True])
def test_response_with_a_cookie_is_not_public(function: Any, conditional: bool) -> None:
    handler = SessionMiddleware(CsrfViewMiddleware(function))
    headers = {"Accept": JSON, "If-None-Match": "*"} if conditional else {"Accept": JSON}
    response = handler(RequestFactory().get(URL, {"query": AUTHORS}, headers=headers))

    assert response.cookies or response.headers["Set-Cookie"]
    assert response.status_code == (304 if conditional else 200)
    # as middleware reads it, and as Django's handlers send it
    for control_of in (response["Cache-Control"], dict(response.items())["Cache-Control"]):
        assert control_of == "private, max-age=60"


@pytest.mark.parametrize("function", [view_of, *SETTING])
def test_djangos_cache_of_responses_keeps_no_cookies(function: Any, settings: Any) -> None:
    settings.CACHE_MIDDLEWARE_ALIAS = "locmem"
    caches["locmem"].clear()
    request: Any = RequestFactory().get(URL, {"query": AUTHORS}, headers={"Accept": JSON})
    fetching = FetchFromCacheMiddleware(SessionMiddleware(CsrfViewMiddleware(function)))

    UpdateCacheMiddleware(fetching)(request)
    kept = fetching.process_request(request)

    assert (kept is not None) is (function is view_of)


def test_response_without_a_cookie_stays_public() -> None:
    handler = SessionMiddleware(CsrfViewMiddleware(view_of))
    response = handler(RequestFactory().get(URL, {"query": AUTHORS}, headers={"Accept": JSON}))
    assert (control(response), dict(response.cookies)) == (CATALOGUE, {})


# --- Django's middleware ---


def test_compressed_answers_have_weak_etags_that_are_compared(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    Author.objects.bulk_create([Author(name=f"Author {number}") for number in range(100)])

    plain = get(client, AUTHORS)
    packed = get(client, AUTHORS, Accept_Encoding="gzip")

    assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] == f"W/{plain['ETag']}"
    assert {"Accept", "Accept-Encoding"} <= vary(packed)
    for etag in (packed["ETag"], plain["ETag"]):
        response = get(client, AUTHORS, Accept_Encoding="gzip", If_None_Match=etag)
        assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize("first", [True, False])
def test_djangos_middleware_for_conditional_requests_agrees(client: Client, settings: Any, first: bool) -> None:
    both = ["django.middleware.http.ConditionalGetMiddleware", "django.middleware.gzip.GZipMiddleware"]
    settings.MIDDLEWARE = [*(both if first else reversed(both)), *settings.MIDDLEWARE]

    before = get(client, AUTHORS)
    assert get(client, AUTHORS, If_None_Match=before["ETag"]).status_code == 304
    Author.objects.update(name="Another")
    assert get(client, AUTHORS, If_None_Match=before["ETag"]).status_code == 200
    assert "ETag" not in get(client, "{ nonsense }")


@pytest.fixture
def site_cache(settings: Any) -> None:
    """Django's cache of whole responses around everything."""
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    settings.CACHE_MIDDLEWARE_SECONDS = 600
    settings.CACHE_MIDDLEWARE_ALIAS = "locmem"
    caches["locmem"].clear()


def executed(client: Client, query: str, **headers: str) -> tuple[bool, Any]:
    """Return whether a request was executed, and the response."""
    calls: list[str] = []
    execute = GraphQLEngine.execute

    def noting(self: GraphQLEngine, *args: Any, **kwargs: Any) -> Any:
        calls.append("")
        return execute(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GraphQLEngine, "execute", noting)
        response = get(client, query, **headers)
    return bool(calls), response


@pytest.mark.usefixtures("site_cache")
def test_djangos_cache_of_responses_keeps_what_is_public_as_long_as_it_says(client: Client) -> None:
    was_executed, first = executed(client, AUTHORS)
    assert was_executed
    assert "max-age=60" in control(first)
    was_executed, second = executed(client, AUTHORS)
    assert (was_executed, second.content) == (False, first.content)
    # another media type is another response
    assert executed(client, AUTHORS, accept=GRAPHQL)[0]


@pytest.mark.usefixtures("site_cache")
@pytest.mark.parametrize(
    "query", [ORDERS, "{ __typename }", "{ nonsense }", "query @cacheControl(maxAge: 0) { authors { name } }"]
)
def test_djangos_cache_of_responses_keeps_nothing_else(client: Client, query: str) -> None:
    for _ in range(2):
        assert executed(client, query)[0]


@pytest.mark.usefixtures("site_cache")
def test_djangos_cache_of_responses_does_not_keep_a_304(client: Client) -> None:
    etag = get(client, AUTHORS)["ETag"]
    caches["locmem"].clear()
    assert get(client, AUTHORS, If_None_Match=etag).status_code == 304
    response = get(client, AUTHORS)
    assert (response.status_code, "authors" in response.json()["data"]) == (200, True)


def test_language_middleware_adds_its_header(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    assert {"Accept", "Accept-Language"} <= vary(get(client, AUTHORS))


# --- persisted queries: what a CDN sees ---


def test_chain_of_persisted_queries_behind_a_cdn(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"PERSISTED_QUERIES": {"ENABLED": True}}
    known = {"extensions": json.dumps(by_hash(AUTHORS)["extensions"])}

    def fetch(parameters: dict[str, str], **headers: str) -> Any:
        return client.get(URL, parameters, headers={"Accept": JSON, **headers})

    # the hash alone is not known: no cache may keep that
    unknown = fetch(known)
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert (control(unknown), "ETag" in unknown) == ({"private", "no-store"}, False)
    # with the text, once
    first = fetch({**known, "query": with_text(AUTHORS)["query"]})
    assert control(first) == CATALOGUE
    # the hash alone from now on
    second = fetch(known)
    assert (second.content, control(second), second["ETag"]) == (first.content, CATALOGUE, first["ETag"])
    assert fetch(known, **{"If-None-Match": second["ETag"]}).status_code == 304
    Author.objects.update(name="Another")
    assert fetch(known, **{"If-None-Match": second["ETag"]}).json()["data"]["authors"][0] == {"name": "Another"}


# --- views of the project's own ---


class Own(GraphQLView):
    """A view of a project's own, which has an instance."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().get(request, *args, **kwargs)


def test_view_that_is_extended_answers_alike() -> None:
    engine = GraphQLEngine(registry=catalogue(), settings=replace(get_settings()))
    query = {"query": "{ books { title } }"}
    first = Own.as_view(engine=engine)(RequestFactory().get(URL, query, headers={"Accept": JSON}))
    assert control(first) == CATALOGUE
    again = RequestFactory().get(URL, query, headers={"Accept": JSON, "If-None-Match": first["ETag"]})
    assert Own.as_view(engine=engine)(again).status_code == 304
