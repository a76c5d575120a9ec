"""Cross-site request forgery: who carries a session shows Django's token; nobody else needs one."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from example_project.bookshop.models import Book
from fraiseql_django.http.csrf import require_token
from fraiseql_django.http.errors import Refused
from tests.http.requests import JSON, URL, codes, message, post

QUERY = {"query": "{ __typename }"}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def browser(settings: Any) -> Client:
    """A client that is held to the token as browsers are, with GraphiQL to get one from."""
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def logged_in(browser: Client, db: None) -> Client:
    browser.force_login(User.objects.create(username="ada"))
    return browser


def token(browser: Client) -> str:
    """Open the page as a browser does and return the token that it sends along."""
    context: Any = browser.get(URL, headers=PAGE).context
    return str(context["config"]["csrfToken"])


def refused(response: Any) -> bool:
    return response.status_code == 403 and codes(response) == ["CSRF_FAILED"]


def test_client_without_cookies_needs_no_token(browser: Client) -> None:
    assert post(browser, QUERY).status_code == 200
    assert post(browser, QUERY, Origin="https://elsewhere.example").status_code == 200


@pytest.mark.usefixtures("bookshop")
def test_mutation_with_a_session_and_no_token_is_403_and_changes_nothing(logged_in: Client) -> None:
    book = Book.objects.earliest("pk")
    query = f'mutation {{ renameBook(id: "{book.pk}", title: "x") {{ title }} }}'

    response = post(logged_in, {"query": query}, accept="application/graphql-response+json")

    assert refused(response)
    assert response["Content-Type"] == "application/graphql-response+json; charset=utf-8"
    assert message(response) == (
        "CSRF cookie not set. A request that carries a session must send Django's CSRF token in the header X-CSRFTOKEN."
    )
    assert Book.objects.get(pk=book.pk).title == book.title


@pytest.mark.usefixtures("bookshop")
def test_mutation_with_a_session_and_its_token_is_executed(logged_in: Client) -> None:
    book = Book.objects.earliest("pk")
    query = f'mutation {{ renameBook(id: "{book.pk}", title: "x") {{ title }} }}'

    response = post(logged_in, {"query": query}, **{"X-CSRFToken": token(logged_in)})

    assert response.json() == {"data": {"renameBook": {"title": "x"}}}


def test_token_of_the_cookie_counts(logged_in: Client) -> None:
    token(logged_in)

    assert post(logged_in, QUERY, **{"X-CSRFToken": logged_in.cookies["csrftoken"].value}).status_code == 200


def test_wrong_token_is_403(logged_in: Client) -> None:
    token(logged_in)

    assert refused(post(logged_in, QUERY))
    assert refused(post(logged_in, QUERY, **{"X-CSRFToken": "x" * 64}))
    assert refused(post(logged_in, QUERY, **{"X-CSRFToken": "short"}))


def test_token_in_a_form_does_not_count(logged_in: Client) -> None:
    form = {"csrfmiddlewaretoken": token(logged_in), "query": "{ __typename }"}

    assert refused(logged_in.post(URL, form))
    assert logged_in.post(URL, form, content_type="application/x-www-form-urlencoded").status_code == 415


def test_query_by_get_needs_no_token(logged_in: Client) -> None:
    assert logged_in.get(URL, QUERY).json() == {"data": {"__typename": "Query"}}


def test_foreign_origin_is_403_even_with_the_token(logged_in: Client, settings: Any) -> None:
    headers = {"X-CSRFToken": token(logged_in), "Origin": "https://elsewhere.example"}
    assert refused(post(logged_in, QUERY, **headers))

    settings.CSRF_TRUSTED_ORIGINS = ["https://elsewhere.example"]
    assert post(logged_in, QUERY, **headers).status_code == 200


def test_https_without_origin_or_referer_is_403(logged_in: Client) -> None:
    headers = {"X-CSRFToken": token(logged_in), "Content-Type": JSON}

    def send(**more: str) -> Any:
        return logged_in.generic("POST", URL, b'{"query": "{a}"}', JSON, secure=True, headers={**headers, **more})

    assert refused(send())
    assert refused(send(Referer="https://elsewhere.example/"))
    assert send(Referer="https://testserver/").status_code == 200


def test_cookie_of_an_anonymous_or_unknown_session_counts(browser: Client, db: None) -> None:
    browser.cookies["sessionid"] = "0" * 32

    assert refused(post(browser, QUERY))


def test_name_of_the_session_cookie_is_the_settings(browser: Client, db: None, settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "visit"
    browser.cookies["sessionid"] = "0" * 32
    assert post(browser, QUERY).status_code == 200

    browser.cookies["visit"] = "0" * 32
    assert refused(post(browser, QUERY))


def test_session_that_is_just_opened_counts(browser: Client, db: None, settings: Any) -> None:
    """The web server vouches for a user, by a certificate, say: a browser does as much on any page's behalf."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.RemoteUserMiddleware"]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]

    response = browser.generic("POST", URL, b'{"query": "{a}"}', JSON, REMOTE_USER="ada")

    assert refused(response)


def test_token_may_be_kept_in_the_session(logged_in: Client, settings: Any) -> None:
    settings.CSRF_USE_SESSIONS = True
    assert refused(post(logged_in, QUERY))

    assert post(logged_in, QUERY, **{"X-CSRFToken": token(logged_in)}).status_code == 200
    assert "csrftoken" not in logged_in.cookies


def test_name_of_the_header_is_the_settings(logged_in: Client, settings: Any) -> None:
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"

    assert message(post(logged_in, QUERY)).endswith("in the header X-XSRF-TOKEN.")
    assert post(logged_in, QUERY, **{"X-XSRF-Token": token(logged_in)}).status_code == 200


@pytest.mark.parametrize(
    "without",
    [
        pytest.param(["csrf"], id="csrf"),
        pytest.param(["AuthenticationMiddleware"], id="authentication"),
        pytest.param(["AuthenticationMiddleware", "SessionMiddleware"], id="sessions"),
        pytest.param([""], id="everything"),
    ],
)
def test_check_does_not_lean_on_middleware(browser: Client, db: None, settings: Any, without: list[str]) -> None:
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not any(name in path for name in without)]
    assert post(browser, QUERY).status_code == 200

    browser.cookies["sessionid"] = "0" * 32
    assert refused(post(browser, QUERY))
    assert post(browser, QUERY, **{"X-CSRFToken": token(browser)}).status_code == 200


def test_rejection_is_logged_as_django_does(browser: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    browser.cookies["sessionid"] = "0" * 32

    post(browser, QUERY)

    assert [record.getMessage() for record in caplog.records if record.name == "django.security.csrf"] == [
        "Forbidden (CSRF cookie not set.): /graphql/"
    ]


def test_path_with_a_line_feed_is_one_line_of_the_log(rf: RequestFactory, caplog: pytest.LogCaptureFixture) -> None:
    request = rf.post("/graphql/x%0A2026-01-01 CRITICAL forged%0D%1B/", content_type="application/json")
    request.COOKIES["sessionid"] = "0" * 32

    with pytest.raises(Refused):
        require_token(request)

    (line,) = [record.getMessage() for record in caplog.records if record.name == "django.security.csrf"]
    assert line == r"Forbidden (CSRF cookie not set.): /graphql/x\n2026-01-01 CRITICAL forged\r\x1b/"
