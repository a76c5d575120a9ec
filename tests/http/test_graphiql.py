"""GraphiQL: who is shown the page, where its files come from, and what it may do."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from fraiseql_django.http.graphiql import SCRIPTS, STYLE
from tests.http.requests import URL, message
from tests.http.test_negotiation import BROWSER

QUERY = {"query": "{ __typename }"}


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def open_page(client: Client, **parameters: str) -> Any:
    return client.get(URL, parameters, headers={"Accept": BROWSER})


def is_page(response: Any) -> bool:
    return response.status_code == 200 and response["Content-Type"] == "text/html; charset=utf-8"


@pytest.fixture
def enabled(settings: Any) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}


@pytest.mark.parametrize(
    ("debug", "option", "shown"),
    [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
)
def test_page_is_shown_in_debug_or_where_it_is_enabled(
    client: Client, settings: Any, debug: bool, option: bool | None, shown: bool
) -> None:
    settings.DEBUG = debug
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": option}}

    assert is_page(open_page(client)) is shown


def test_browser_is_told_what_is_missing_where_there_is_no_page(client: Client) -> None:
    response = open_page(client)

    assert response.status_code == 400
    assert message(response).startswith("The parameter query is missing;")
    assert client.get(URL, headers={"Accept": "text/html"}).status_code == 406


@pytest.mark.usefixtures("enabled")
def test_page_is_shown_for_an_address_with_a_query(client: Client) -> None:
    """It fills itself in from the address; nothing of that is executed."""
    assert is_page(open_page(client, **QUERY))
    assert is_page(open_page(client, query="mutation { nonsense }"))


@pytest.mark.parametrize(
    ("policy", "users"),
    [
        ("public", ["nobody", "user", "staff"]),
        ("authenticated", ["user", "staff"]),
        ("staff", ["staff"]),
        ("disabled", []),
    ],
)
@pytest.mark.django_db
def test_page_is_shown_to_those_who_may_introspect(settings: Any, policy: str, users: list[str]) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, "INTROSPECTION": policy}
    clients = {"nobody": Client(), "user": Client(), "staff": Client()}
    for name in ("user", "staff"):
        clients[name].force_login(User.objects.create(username=name, is_staff=name == "staff"))

    answers = {name: open_page(client) for name, client in clients.items()}

    assert [name for name, response in answers.items() if is_page(response)] == users
    for response in answers.values():
        if not is_page(response):
            # as where there is no page at all
            assert response.status_code == 400
            assert message(response).startswith("The parameter query is missing;")
            assert response["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
def test_session_is_read_for_browsers_alone(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, "INTROSPECTION": "staff"}

    # what is private depends on the cookie, whether the session is read or not
    assert client.get(URL, {"query": "{ authors { name } }"})["Vary"] == "Accept"
    assert {"Accept", "Cookie"} <= set(client.get(URL, headers={"Accept": BROWSER})["Vary"].split(", "))


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/graphql-response+json, text/html;q=0.5"])
@pytest.mark.usefixtures("enabled")
def test_other_clients_get_no_page(client: Client, accept: str) -> None:
    assert client.get(URL, QUERY, headers={"Accept": accept}).json() == {"data": {"__typename": "Query"}}
    assert client.get(URL, headers={"Accept": accept}).status_code == 400


@pytest.mark.usefixtures("enabled")
def test_post_gets_no_page(client: Client) -> None:
    response = client.post(URL, QUERY, content_type="application/json", headers={"Accept": BROWSER})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.usefixtures("enabled")
def test_files_come_from_a_cdn_with_their_digests(client: Client) -> None:
    tags = Tags(open_page(client).content.decode())
    loaded = [tag for tag in tags.all("script") if "src" in tag] + tags.all("link")[1:]

    assert [tag.get("src") or tag.get("href") for tag in loaded] == [
        "https://cdn.jsdelivr.net/npm/react@18.3.1/umd/react.production.min.js",
        "https://cdn.jsdelivr.net/npm/react-dom@18.3.1/umd/react-dom.production.min.js",
        "https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.js",
        "https://cdn.jsdelivr.net/npm/graphiql@3.9.0/graphiql.min.css",
    ]
    assert [tag["integrity"] for tag in loaded] == [file.integrity for file in (*SCRIPTS, STYLE)]
    assert {tag["crossorigin"] for tag in loaded} == {"anonymous"}


@pytest.mark.parametrize(
    ("assets_url", "source"),
    [
        ("/static/graphiql/", "'self'"),
        ("/static/graphiql", "'self'"),
        ("https://static.example/graphiql/", "https://static.example"),
        ("//static.example/graphiql/", "static.example"),
    ],
)
def test_files_come_from_the_folder_of_the_settings(
    client: Client, settings: Any, assets_url: str, source: str
) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, "ASSETS_URL": assets_url}}

    response = open_page(client)

    tags = Tags(response.content.decode())
    loaded = [tag for tag in tags.all("script") if "src" in tag] + tags.all("link")[1:]
    assert [tag.get("src") or tag.get("href") for tag in loaded] == [
        assets_url.rstrip("/") + "/" + name
        for name in ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "graphiql.min.css")
    ]
    assert not any("integrity" in tag or "crossorigin" in tag for tag in loaded)
    assert f"style-src {source} 'unsafe-inline';" in response["Content-Security-Policy"]
    assert "jsdelivr" not in response.content.decode() + response["Content-Security-Policy"]


@pytest.mark.usefixtures("enabled")
def test_only_the_scripts_of_this_answer_may_run(client: Client) -> None:
    first, second = open_page(client), open_page(client)

    found = re.search("script-src 'nonce-([^']+)';", first["Content-Security-Policy"])
    assert found is not None
    scripts = [tag for tag in Tags(first.content.decode()).all("script") if tag.get("type") != "application/json"]
    assert {tag["nonce"] for tag in scripts} == {found[1]}
    assert found[1] not in second["Content-Security-Policy"]


@pytest.mark.usefixtures("enabled")
def test_page_holds_the_token_and_is_not_kept(client: Client) -> None:
    response = open_page(client)

    found = re.search('<script id="config" type="application/json">(.*?)</script>', response.content.decode())
    assert found is not None
    config = json.loads(found[1])
    assert config["csrfHeader"] == "X-CSRFTOKEN"
    assert len(config["csrfToken"]) == 64
    assert "csrftoken" in response.cookies
    assert "no-store" in response["Cache-Control"]
    assert {"Accept", "Cookie"} <= set(response["Vary"].split(", "))


@pytest.mark.usefixtures("enabled")
def test_nothing_of_the_address_is_written_into_the_page(client: Client) -> None:
    response = open_page(client, query="</script><script>alert(1)</script>", variables="marked-variables")

    assert "alert(1)" not in response.content.decode()
    assert "marked-variables" not in response.content.decode()
