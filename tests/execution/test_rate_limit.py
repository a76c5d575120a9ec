"""``LIMITS.RATE``: how many operations a viewer may have executed, counted for all processes together."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connections
from django.http import HttpRequest
from django.test import Client, RequestFactory

from fraiseql_django import ConfigurationError, GraphQLEngine, Viewer
from fraiseql_django.audit import RefusalEvent, operation_refused
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.checks import check_project
from fraiseql_django.conf.settings import CacheSettings, LimitSettings, Settings
from fraiseql_django.execution import rate_limit as rate
from fraiseql_django.execution.rate_limit import by_user_or_address
from fraiseql_django.testing import FailingCache
from tests.http.requests import URL, codes, post
from tests.support import statements
from tests.test_docs import blocks

TYPENAME = "{ __typename }"
MESSAGE = "There were too many operations; 2/m may be executed."


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stand still in time; who wants it to pass adds to the one item."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(rate.time, "time", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"PERSISTED_QUERIES": {"ENABLED": True}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({}, "PERSISTED_QUERY_NOT_SUPPORTED"),
    ],
)
def test_unknown_identifiers_are_counted(clock: list[float], settings: Any, options: Any, code: str) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": "locmem"}, "LIMITS": {"RATE": "2/m"}, **options}
    caches["locmem"].clear()
    client = Client()

    def ask(number: int) -> Any:
        return post(client, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": f"{number:064x}"}}})

    assert [codes(ask(number)) for number in range(4)] == [[code], [code], ["RATE_LIMITED"], ["RATE_LIMITED"]]
    assert ask(5).status_code == 429
    assert int(ask(6)["Retry-After"]) > 0
    # what is executed is counted once
    clock[0] += 120
    assert [post(client, {"query": TYPENAME}).status_code for _time in range(3)] == [200, 200, 429]


def make(alias: str = "locmem", text: str = "2/m", **limits: Any) -> GraphQLEngine:
    settings = Settings(limits=LimitSettings(rate=text, **limits), cache=CacheSettings(alias=alias))
    return GraphQLEngine(settings=settings)


def request_of(user: Any = None, address: str = "192.0.2.1", **meta: str) -> HttpRequest:
    request = RequestFactory().post(URL, REMOTE_ADDR=address, **meta)
    if user is not None:
        request.user = user
    return request


def counted(engine: GraphQLEngine, times: int = 3, **asked: Any) -> list[str]:
    """Ask so many times and return what became of it: the type's name, or the error's code."""
    answers = [engine.execute(TYPENAME, request=request_of(**asked)) for _ in range(times)]
    return [answer.errors[0].extensions["code"] if answer.errors else "done" for answer in answers]  # type: ignore[index]


@pytest.mark.usefixtures("clock")
def test_operations_beyond_the_rate_are_refused(cache_alias: str) -> None:
    engine = make(cache_alias)
    assert counted(engine, 2) == ["done", "done"]

    response = engine.execute(TYPENAME, request=request_of())

    assert response.data is None
    assert response.status == 429
    assert response.retry_after is not None
    assert 1 <= response.retry_after <= 60
    assert response.json() == {
        "errors": [
            {"message": MESSAGE, "extensions": {"code": "RATE_LIMITED", "retryAfter": response.retry_after}},
        ]
    }


def test_viewer_is_served_again_after_the_seconds_that_were_told(cache_alias: str, clock: list[float]) -> None:
    engine = make(cache_alias)
    counted(engine)
    wait = engine.execute(TYPENAME, request=request_of()).retry_after
    assert wait is not None

    clock[0] += wait - 1.001
    assert counted(engine, 1) == ["RATE_LIMITED"]
    clock[0] += 1.001
    assert counted(engine) == ["done", "done", "RATE_LIMITED"]


@pytest.mark.parametrize(("text", "seconds"), [("1/s", 1), ("1/m", 60), ("1/h", 3600), ("1/d", 86_400)])
def test_units(text: str, seconds: int, cache_alias: str, clock: list[float]) -> None:
    engine = make(cache_alias, text)

    assert counted(engine, 2) == ["done", "RATE_LIMITED"]
    clock[0] += seconds
    assert counted(engine, 2) == ["done", "RATE_LIMITED"]


@pytest.mark.usefixtures("clock")
def test_addresses_are_counted_apart_and_headers_do_not_matter(cache_alias: str) -> None:
    engine = make(cache_alias)

    assert counted(engine, HTTP_X_FORWARDED_FOR="203.0.113.1") == ["done", "done", "RATE_LIMITED"]
    assert counted(engine, 1, HTTP_X_FORWARDED_FOR="203.0.113.2", HTTP_X_REAL_IP="203.0.113.3") == ["RATE_LIMITED"]
    assert counted(engine, address="192.0.2.2") == ["done", "done", "RATE_LIMITED"]
    assert counted(engine, address="2001:db8::1") == ["done", "done", "RATE_LIMITED"]


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_users_are_counted_wherever_they_come_from(cache_alias: str) -> None:
    engine = make(cache_alias)
    ann, bob = (User.objects.create(username=name) for name in ("ann", "bob"))

    assert counted(engine, 2, user=ann) == ["done", "done"]
    assert counted(engine, 1, user=ann, address="192.0.2.2") == ["RATE_LIMITED"]
    assert counted(engine, user=bob) == ["done", "done", "RATE_LIMITED"]
    assert counted(engine) == ["done", "done", "RATE_LIMITED"]


@pytest.mark.usefixtures("clock")
def test_all_processes_count_together(cache_alias: str) -> None:
    assert counted(make(cache_alias), 1) + counted(make(cache_alias), 2) == ["done", "done", "RATE_LIMITED"]


@pytest.mark.usefixtures("clock")
def test_none_is_lost_between_threads(cache_alias: str) -> None:
    engine = make(cache_alias, "50/h")

    def ask(_: int) -> list[str]:
        try:
            return counted(engine, 10)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        found = [word for words in pool.map(ask, range(8)) for word in words]

    assert (found.count("done"), found.count("RATE_LIMITED")) == (50, 30)


@pytest.mark.usefixtures("clock")
def test_without_a_request_nothing_is_counted(cache_alias: str) -> None:
    engine = make(cache_alias)

    assert [engine.execute(TYPENAME).status for _ in range(5)] == [200] * 5


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_what_is_refused_is_not_parsed_and_asks_no_database(cache_alias: str) -> None:
    engine = make(cache_alias)
    counted(engine, 2)
    before = engine.statistics().documents

    with statements(0):
        response = engine.execute("{ no such", request=request_of())

    assert response.status == 429
    assert engine.statistics().documents == before


@pytest.mark.usefixtures("clock")
def test_what_cannot_be_parsed_counts(cache_alias: str) -> None:
    engine = make(cache_alias)
    for _ in range(2):
        engine.execute("{", request=request_of())

    assert counted(engine, 1) == ["RATE_LIMITED"]


# --- a key of the project's own ---


def by_tenant(viewer: Viewer) -> Any:
    assert viewer.request is not None
    return viewer.request.headers.get("X-Tenant")


@pytest.mark.usefixtures("clock")
def test_project_says_what_is_counted_by_and_who_is_not(cache_alias: str) -> None:
    engine = make(cache_alias, rate_key=f"{__name__}.by_tenant")

    assert counted(engine, HTTP_X_TENANT="acme") == ["done", "done", "RATE_LIMITED"]
    assert counted(engine, HTTP_X_TENANT="a name of 300 letters" * 15) == ["done", "done", "RATE_LIMITED"]
    assert counted(engine) == ["done", "done", "done"]


def documented(beginning: str) -> dict[str, Any]:
    """Execute the block of docs/limits.md that begins so, and return its names."""
    (block,) = (text for text in blocks("limits.md", "python") if text.startswith(beginning))
    names: dict[str, Any] = {}
    exec(block, names)
    return names


@pytest.mark.django_db
def test_key_of_the_documentation(cache_alias: str, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "documented_key", documented("# shop/rates.py")["by_tenant"])
    engine = make(cache_alias, rate_key=f"{__name__}.documented_key")

    assert counted(engine, user=User(pk=1, is_staff=True)) == ["done", "done", "done"]
    assert counted(engine, HTTP_X_TENANT="acme") == ["done", "done", "RATE_LIMITED"]
    assert counted(engine) == ["done", "done", "RATE_LIMITED"]


@pytest.mark.usefixtures("clock")
def test_address_of_the_documentation_is_the_one_that_the_proxy_sets(cache_alias: str) -> None:
    def get_response(request: HttpRequest) -> str:
        return "refused" if engine.execute(TYPENAME, request=request).errors else "done"

    engine = make(cache_alias, "1/m")
    middleware = documented("# shop/middleware.py")["real_address"](get_response)
    visitors = [request_of(address="127.0.0.1", HTTP_X_REAL_IP=address) for address in ("192.0.2.1", "192.0.2.2")]

    assert [middleware(visitor) for visitor in visitors * 2] == ["done", "done", "refused", "refused"]


def broken(viewer: Viewer) -> Any:
    raise LookupError("no tenant")


def test_key_that_raises_lets_nobody_pass() -> None:
    assert counted(make(rate_key=f"{__name__}.broken"), 1) == ["INTERNAL_SERVER_ERROR"]


# --- a cache that fails ---


class Broken(FailingCache):
    """A cache that a project may name, and that fails."""

    def __init__(self, alias: str, *, prefix: str) -> None:
        super().__init__(DjangoCache(alias, prefix=prefix))


@pytest.mark.parametrize("method", ["increment", "add"])
def test_while_the_cache_fails_everybody_is_served(method: str, caplog: pytest.LogCaptureFixture) -> None:
    cache = FailingCache(DjangoCache("locmem", prefix="broken"), only=[method])
    engine = GraphQLEngine(settings=Settings(limits=LimitSettings(rate="2/m")), cache=cache)

    assert counted(engine, 5) == ["done"] * 5
    # left alone after the first failure
    assert cache.failures == 1
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "the cache failed, operations are not counted against LIMITS.RATE (logged once a minute): "
        f"CacheFailure: the cache fails at {method}, as requested by the test"
    ]


def test_cache_that_works_again_is_counted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraiseql_django.cache.circuit_breaker.REST_SECONDS", 0)
    cache = FailingCache(DjangoCache("locmem", prefix="recovering"))
    engine = GraphQLEngine(settings=Settings(limits=LimitSettings(rate="1/d")), cache=cache)
    assert counted(engine) == ["done"] * 3

    cache.failing = False
    try:
        assert counted(engine) == ["done", "RATE_LIMITED", "RATE_LIMITED"]
    finally:
        cache.clear()


# --- over HTTP ---


@pytest.fixture
def limited(settings: Any, cache_alias: str, clock: list[float]) -> None:
    """Let the project's endpoint execute two operations a minute."""
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}, "LIMITS": {"RATE": "2/m"}}


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_status_is_429_with_retry_after_in_both_media_types(client: Client, accept: str) -> None:
    for _ in range(2):
        response = post(client, {"query": TYPENAME}, accept=accept)
        assert response.status_code == 200
        assert "Retry-After" not in response

    response = post(client, {"query": TYPENAME}, accept=accept)

    assert response.status_code == 429
    assert codes(response) == ["RATE_LIMITED"]
    assert response["Retry-After"] == str(response.json()["errors"][0]["extensions"]["retryAfter"])
    assert response["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("limited")
def test_get_and_post_are_counted_together(client: Client) -> None:
    post(client, {"query": TYPENAME})
    client.get(URL, {"query": TYPENAME})

    response = client.get(URL, {"query": TYPENAME})

    assert (response.status_code, codes(response)) == (429, ["RATE_LIMITED"])


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize(
    "broken",
    [
        {"data": b"nonsense"},
        {"data": b"{}", "content_type": "text/plain"},
        {"data": b"{}", "HTTP_ACCEPT": "text/html"},
        {"data": b"{}", "HTTP_ACCEPT": "x" * 5000},
    ],
    ids=["body", "type", "accept", "long accept"],
)
def test_request_is_counted_before_anything_of_it_is_read(client: Client, broken: dict[str, Any]) -> None:
    options = {"content_type": "application/json", **broken}
    statuses = [client.post(URL, **options).status_code for _ in range(4)]

    assert statuses[0] in (400, 406, 415, 431)
    assert statuses == [statuses[0]] * 2 + [429] * 2
    assert post(client, {"query": TYPENAME}).status_code == 429


@pytest.mark.usefixtures("limited")
def test_method_is_looked_at_before_the_rate(client: Client) -> None:
    assert [client.put(URL).status_code for _ in range(5)] == [405] * 5
    assert [client.options(URL).status_code for _ in range(5)] == [200] * 5

    assert post(client, {"query": TYPENAME}).status_code == 200


@pytest.mark.usefixtures("limited")
def test_refusal_is_audited(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    events: list[RefusalEvent] = []

    def receive(event: RefusalEvent, **kwargs: Any) -> None:
        events.append(event)

    operation_refused.connect(receive)
    try:
        for _ in range(3):
            post(client, {"query": TYPENAME})
    finally:
        operation_refused.disconnect(receive)

    (event,) = events
    assert (event.what, event.rule, event.code) == ("the request", "LIMITS.RATE", "RATE_LIMITED")
    assert str(event) == "refused the request by nobody: RATE_LIMITED by LIMITS.RATE"


# --- settings that are wrong ---

NO_RATE = (
    "FRAISEQL['LIMITS']['RATE'] is {!r}, which is no rate. "
    "Write a number of operations, a slash and s, m, h or d (second, minute, hour, day): '600/m'."
)


def ids() -> list[str | None]:
    return [message.id for message in check_project()]


@pytest.mark.parametrize("text", ["", "600", "600/min", "0/m", "-5/m", "1.5/s", "600 / m", "600/m ", "/m", "600/m\n"])
def test_malformed_rate_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(text=text)

    assert str(caught.value) == NO_RATE.format(text)


def test_rate_without_a_cache_is_refused(settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"RATE": "600/m"}, "CACHE": {"ALIAS": None}}

    assert ids() == ["fraiseql.E018"]
    with pytest.raises(ConfigurationError) as caught:
        GraphQLEngine()

    assert str(caught.value) == (
        "FRAISEQL['LIMITS']['RATE'] is '600/m', but there is no cache to count in. "
        "Name one that all processes share in FRAISEQL['CACHE']['ALIAS']."
    )


def test_engine_counts_in_the_cache_that_it_is_given_and_in_no_other() -> None:
    settings = Settings(limits=LimitSettings(rate="1/d"), cache=CacheSettings(alias=None))
    cache = DjangoCache("locmem", prefix="given")

    assert counted(GraphQLEngine(settings=settings, cache=cache)) == ["done", "RATE_LIMITED", "RATE_LIMITED"]
    cache.clear()
    with pytest.raises(ConfigurationError, match="there is no cache to count in"):
        GraphQLEngine(settings=Settings(limits=LimitSettings(rate="1/d")), cache=None)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere", "cannot be imported: nowhere doesn't look like a module path"),
        (f"{__name__}.missing", f'cannot be imported: Module "{__name__}" does not define a "missing" attribute/class'),
        (f"{__name__}.MESSAGE", "is no function"),
    ],
)
def test_key_that_is_no_function_is_refused(path: str, why: str, settings: Any) -> None:
    settings.FRAISEQL = {"LIMITS": {"RATE": "600/m", "RATE_KEY": path}}

    assert ids() == ["fraiseql.E019"]
    with pytest.raises(ConfigurationError) as caught:
        GraphQLEngine()

    assert str(caught.value) == (
        f"FRAISEQL['LIMITS']['RATE_KEY'] is {path!r}, which {why}. "
        "Name a function that is given the viewer and returns what to count by, or None for who is not counted."
    )


def test_counts_are_of_the_engines_part_of_the_cache(clock: list[float]) -> None:
    caches["locmem"].clear()
    engine = make("locmem", "2/h")
    counted(engine, 1)

    assert engine.cache is not None
    (key,) = engine.cache.keys() or ()
    assert key.startswith("rate:3600:")
    assert engine.cache.get(key) == 1
    caches["locmem"].clear()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "unix:", False),
    ],
)
def test_an_address_of_version_6_counts_by_its_network(one: str, other: str, same: bool) -> None:
    viewers = [Viewer(RequestFactory().get("/", REMOTE_ADDR=address)) for address in (one, other)]

    assert (by_user_or_address(viewers[0]) == by_user_or_address(viewers[1])) is same
