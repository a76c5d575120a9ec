"""GraphiQL: who is shown the page, where its files come from, and what it may do."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import set_script_prefix

from fraiseql_django._compat import nonce_of_middleware
from fraiseql_django.http import graphiql
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
            assert response.status_code == 403
            assert "GraphiQL cannot be used here" in response.content.decode()
            assert "no-store" in response["Cache-Control"]
            assert "script-src 'nonce-" in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("authenticated", "Introspection requires a user who is signed in."),
        ("staff", "Introspection requires a staff user."),
        ("disabled", "Introspection is disabled."),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_refused_browser_is_told_why(client: Client, settings: Any, policy: str, text: str, debug: bool) -> None:
    settings.DEBUG = debug
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, "INTROSPECTION": policy}

    page = open_page(client).content.decode()

    assert f"<p>{text}</p>" in page
    # names of settings are for developers
    assert (f"FRAISEQL[&#x27;INTROSPECTION&#x27;] is &#x27;{policy}&#x27;" in page) is debug


@pytest.mark.parametrize(
    ("login_url", "policy", "link"),
    [
        # the addresses that the tests' URLconf has
        ("fraiseql_django:health", "staff", "/graphql/health/?next=%2Fgraphql%2F%3Fquery%3D%257Ba%257D"),
        ("/graphql/?a=b", "staff", "/graphql/?a=b&amp;next=%2Fgraphql%2F%3Fquery%3D%257Ba%257D"),
        ("https://id.example/", "staff", "https://id.example/?next=%2Fgraphql%2F%3Fquery%3D%257Ba%257D"),
        # Django's default, which this site does not have
        ("/accounts/login/", "staff", None),
        ("admin:login", "staff", None),
        ("fraiseql_django:health", "disabled", None),
    ],
)
def test_refused_browser_gets_a_link_to_sign_in_where_that_may_help(
    client: Client, settings: Any, login_url: str, policy: str, link: str | None
) -> None:
    settings.LOGIN_URL = login_url
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, "INTROSPECTION": policy}

    response = open_page(client, query="{a}") if link else open_page(client)

    links = [tag["href"] for tag in Tags(response.content.decode()).all("a")]
    assert links == ([link.replace("&amp;", "&")] if link else [])


def test_link_to_sign_in_under_a_prefix(client: Client, settings: Any) -> None:
    settings.LOGIN_URL = "fraiseql_django:health"
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, "INTROSPECTION": "staff"}

    set_script_prefix("/shop/")
    try:
        page = client.get(URL, headers={"Accept": BROWSER}, SCRIPT_NAME="/shop").content.decode()
    finally:
        set_script_prefix("/")

    assert 'href="/shop/graphql/health/?next=%2Fshop%2Fgraphql%2F"' in page


def test_a_query_in_the_url_is_answered_where_nobody_can_use_graphiql(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({sha256(b"{ __typename }").hexdigest(): "{ __typename }"}))
    for options in (
        {"INTROSPECTION": "disabled"},
        {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": manifest}},
    ):
        settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}, **options}
        assert "json" in open_page(client, **QUERY)["Content-Type"]


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


# --- files ---


NAMES = ("graphiql.css", "graphiql.js", "editor.worker.js", "graphql.worker.js", "json.worker.js")


@pytest.fixture
def without_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look for the files under a name that no package has."""
    monkeypatch.setattr(graphiql, "PACKAGE", "no_files_of_graphiql")
    graphiql._folder.cache_clear()
    yield
    graphiql._folder.cache_clear()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Make a package with files, laid out as the distribution's is; return its name."""
    name = "files_of_graphiql"
    folder = tmp_path / name / "static" / name
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    for file in NAMES:
        (folder / file).write_text(f"content of {file}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(graphiql, "PACKAGE", name)
    graphiql._folder.cache_clear()
    graphiql._read.cache_clear()
    yield name
    graphiql._folder.cache_clear()
    graphiql._read.cache_clear()


def styles(response: Any) -> list[str | None]:
    return [tag["href"] for tag in Tags(response.content.decode()).all("link")[1:]]


def json_of(response: Any, script: str) -> Any:
    found = re.search(rf"<script {script}>(.*?)</script>", response.content.decode())
    assert found is not None
    return json.loads(found[1])


def imports(response: Any) -> Any:
    return json_of(response, 'type="importmap" nonce="[^"]+"')


def config(response: Any) -> Any:
    return json_of(response, 'id="config" type="application/json"')


def loaded(response: Any) -> set[str | None]:
    """Return all addresses that a page loads files from."""
    found = {*styles(response), *imports(response)["imports"].values(), *config(response)["workers"].values()}
    assert len(found) == len(NAMES)
    return found


@pytest.mark.usefixtures("enabled", "package")
def test_installed_files_are_served_by_the_endpoint(client: Client) -> None:
    for address in loaded(open_page(client)):
        assert address is not None
        response = client.get(address)
        name = re.search("graphiql=([a-z.]+)", address)
        assert name is not None
        assert response.content.decode() == f"content of {name[1]}"
        kind = "text/css" if name[1].endswith("css") else "text/javascript"
        assert response["Content-Type"] == f"{kind}; charset=utf-8"
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["X-Content-Type-Options"] == "nosniff"
        # an older page after an update
        assert client.get(re.sub("digest=.*", "digest=0", address))["Cache-Control"] == "no-cache"


@pytest.mark.usefixtures("package")
def test_endpoint_serves_nothing_else(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}
    for name in ("__init__.py", "../__init__.py", "LICENSES.txt", "", "graphiql.js/"):
        assert client.get(URL, {"graphiql": name}).status_code == 400
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": False}}
    assert client.get(URL, {"graphiql": "graphiql.js"}).status_code == 400


def test_files_are_static_files_if_their_package_is_an_app(client: Client, settings: Any, package: str) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, package]
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}
    for url, source in (("/static/", "'self'"), ("https://static.example/", "'self' https://static.example")):
        settings.STATIC_URL = url

        response = open_page(client)

        assert loaded(response) == {f"{url}{package}/{name}" for name in NAMES}
        assert f"style-src {source} 'unsafe-inline';" in response["Content-Security-Policy"]


def test_files_that_nobody_has_collected_are_served_by_the_endpoint(
    client: Client, settings: Any, package: str, tmp_path: Path
) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, package]
    settings.STATIC_ROOT = tmp_path / "collected"
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": manifest}}
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}

    assert all(client.get(address).status_code == 200 for address in loaded(open_page(client)))


@pytest.mark.parametrize(
    ("assets_url", "source", "workers"),
    [
        ("/static/graphiql/", "'self'", "'self'"),
        ("/static/graphiql", "'self'", "'self'"),
        ("https://static.example/graphiql/", "'self' https://static.example", "'self' https://static.example blob:"),
        ("//static.example/graphiql/", "'self' static.example", "'self' static.example blob:"),
    ],
)
def test_files_come_from_the_folder_of_the_settings(
    client: Client, settings: Any, assets_url: str, source: str, workers: str
) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, "ASSETS_URL": assets_url}}

    response = open_page(client)

    assert loaded(response) == {f"{assets_url.rstrip('/')}/{name}" for name in NAMES}
    assert f"style-src {source} 'unsafe-inline';" in response["Content-Security-Policy"]
    assert f"worker-src {workers};" in response["Content-Security-Policy"]
    assert graphiql.CDN not in response.content.decode() + response["Content-Security-Policy"]


@pytest.mark.usefixtures("enabled", "without_files")
def test_files_that_are_not_installed_come_from_a_cdn_with_their_digests(client: Client) -> None:
    response = open_page(client)

    found = imports(response)
    assert {urlsplit(url).netloc for url in found["imports"].values()} == {"esm.sh", ""}
    # each version is pinned, and what has a digest is what is imported
    assert [url for url in found["imports"].values() if not re.search(r"@\d+\.\d+\.\d+([/?]|$)|^data:", url)] == []
    assert found["integrity"].keys() <= set(found["imports"].values())
    tags = Tags(response.content.decode()).all("link")[1:]
    assert [(tag["href"], tag["integrity"], tag["crossorigin"]) for tag in tags] == [
        (url, digest, "anonymous") for url, digest in graphiql.CDN_STYLES.items()
    ]
    assert "style-src 'self' https://esm.sh 'unsafe-inline';" in response["Content-Security-Policy"]
    assert "worker-src 'self' https://esm.sh blob:;" in response["Content-Security-Policy"]


@pytest.mark.usefixtures("without_files")
@pytest.mark.parametrize("debug", [True, False])
def test_page_without_files_says_what_to_do(client: Client, settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, "CDN": False}}

    response = open_page(client)

    page = Tags(response.content.decode())
    assert page.all("script") == []
    assert "hidden" not in page.all("section")[0]
    text = unescape(response.content.decode())
    assert 'pip install "fraiseql_django[graphiql]"' in text
    assert "curl http://testserver/graphql/ " in text
    assert ("manage.py fraiseql_schema" in text) is debug
    assert "esm.sh" not in text + response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("options", "step"),
    [({}, "pip install --force-reinstall"), ({"ASSETS_URL": "/files/"}, 'FRAISEQL["GRAPHIQL"]["ASSETS_URL"]')],
)
@pytest.mark.usefixtures("package")
def test_steps_are_those_for_where_the_files_should_be(
    client: Client, settings: Any, options: dict[str, Any], step: str
) -> None:
    """The page's script shows them if the browser cannot load the files."""
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, **options}}

    response = open_page(client)

    assert "hidden" in Tags(response.content.decode()).all("section")[0]
    assert step in unescape(response.content.decode())


def test_steps_for_static_files(client: Client, settings: Any, package: str) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, package]
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}

    assert "manage.py collectstatic" in open_page(client).content.decode()


@pytest.mark.usefixtures("package")
def test_page_begins_with_headers_and_links_of_the_settings(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {
        "GRAPHIQL": {
            "ENABLED": True,
            "HEADERS": {"Authorization": "Bearer </script>"},
            "LINKS": {"Handbook": "https://docs.example/"},
        }
    }

    found = config(open_page(client))

    assert json.loads(found["headers"]) == {"Authorization": "Bearer </script>"}
    assert found["links"] == [{"title": "Handbook", "url": "https://docs.example/"}]


# --- Content Security Policy ---


def nonce(response: Any) -> str:
    found = re.search("script-src 'nonce-([^']+)'", response["Content-Security-Policy"])
    assert found is not None
    return found[1]


CSP_MIDDLEWARE = [
    name
    for name in ("csp.middleware.CSPMiddleware", "django.middleware.csp.ContentSecurityPolicyMiddleware")
    if find_spec(name.rpartition(".")[0].partition(".")[0]) and find_spec(name.rpartition(".")[0])
]


@pytest.mark.usefixtures("enabled", "package")
@pytest.mark.parametrize("middleware", [None, *CSP_MIDDLEWARE])
def test_nonce_is_that_of_a_middleware_and_found_by_others(
    client: Client, settings: Any, middleware: str | None
) -> None:
    """``request.csp_nonce`` is read by middleware that adds scripts to pages, such as django-debug-toolbar."""
    settings.MIDDLEWARE = [*([middleware] if middleware else []), *settings.MIDDLEWARE]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"script-src": ["'none'"]}}
    settings.SECURE_CSP = {"script-src": ["'none'"]}

    response = open_page(client)

    # the page's own policy holds
    assert "'none'" not in response["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    request = response.wsgi_request
    seen = getattr(request, "csp_nonce", None) or nonce_of_middleware(request)
    assert str(seen) == nonce(response)


@pytest.mark.usefixtures("enabled")
def test_only_the_scripts_of_this_answer_may_run(client: Client) -> None:
    first, second = open_page(client), open_page(client)

    scripts = [tag for tag in Tags(first.content.decode()).all("script") if tag.get("type") != "application/json"]
    assert [tag["nonce"] for tag in scripts] == [nonce(first)] * 2
    assert nonce(first) != nonce(second)


@pytest.mark.usefixtures("enabled")
def test_page_holds_the_token_and_is_not_kept(client: Client) -> None:
    response = open_page(client)

    found = config(response)
    assert found["csrfHeader"] == "X-CSRFTOKEN"
    assert len(found["csrfToken"]) == 64
    assert "csrftoken" in response.cookies
    assert "no-store" in response["Cache-Control"]
    assert {"Accept", "Cookie"} <= set(response["Vary"].split(", "))


@pytest.mark.usefixtures("enabled")
def test_nothing_of_the_address_is_written_into_the_page(client: Client) -> None:
    response = open_page(client, query="</script><script>alert(1)</script>", variables="marked-variables")

    assert "alert(1)" not in response.content.decode()
    assert "marked-variables" not in response.content.decode()
