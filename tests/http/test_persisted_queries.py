"""Automatic persisted queries: the hash alone, the text with its hash, the hash alone; and what is not kept."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from example_project.bookshop.models import Author
from fraiseql_django import Viewer, get_engine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import MemorySettings, get_settings
from fraiseql_django.documents.persisted import PersistedQueries
from fraiseql_django.documents.trusted import digest
from fraiseql_django.testing import FailingCache
from tests.http.requests import URL, codes, message, post

AUTHORS = "query Authors($name: String!) { authors(where: {name: {eq: $name}}) { name } }"
TYPENAME = "{ __typename }"
DATA = {"data": {"__typename": "Query"}}


def by_hash(text: str) -> dict[str, Any]:
    identifier = digest(text).removeprefix("sha256:")
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": identifier}}}


def with_text(text: str) -> dict[str, Any]:
    return {"query": text, **by_hash(text)}


def is_known(client: Client, text: str) -> bool:
    response = post(client, by_hash(text))
    return "errors" not in response.json() or codes(response) != ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.fixture
def enabled(settings: Any, cache_alias: str) -> str:
    """Switch them on, on each of the tests' caches; return the cache's alias."""
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}, "PERSISTED_QUERIES": {"ENABLED": True, "TTL": 60}}
    return cache_alias


@pytest.fixture
def anew(settings: Any, enabled: str) -> Any:
    """Return what makes another engine on the same cache, as another process does."""

    def make() -> None:
        settings.FRAISEQL = dict(settings.FRAISEQL)

    return make


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.usefixtures("enabled")
def test_client_is_asked_for_the_text_once(client: Client, accept: str) -> None:
    response = post(client, by_hash(TYPENAME), accept=accept)
    assert response.status_code == 200
    assert response.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    assert response["Cache-Control"] == "no-store"

    assert post(client, with_text(TYPENAME), accept=accept).json() == DATA
    assert post(client, by_hash(TYPENAME), accept=accept).json() == DATA


@pytest.mark.usefixtures("enabled")
def test_hash_will_do_by_get_and_as_document_id(client: Client) -> None:
    extensions = json.dumps(by_hash(TYPENAME)["extensions"])
    assert message(client.get(URL, {"extensions": extensions})) == "PersistedQueryNotFound"
    post(client, with_text(TYPENAME))

    assert client.get(URL, {"extensions": extensions}).json() == DATA
    assert client.get(URL, {"documentId": digest(TYPENAME)}).json() == DATA


@pytest.mark.usefixtures("enabled")
def test_document_id_with_the_text_persists_as_well(client: Client) -> None:
    post(client, {"query": TYPENAME, "documentId": digest(TYPENAME)})

    assert is_known(client, TYPENAME)


def test_other_processes_know_it_too(client: Client, anew: Any) -> None:
    post(client, with_text(TYPENAME))
    before = get_engine()
    anew()

    assert get_engine() is not before
    assert post(client, by_hash(TYPENAME)).json() == DATA


@pytest.mark.parametrize("cache_alias", ["redis"], indirect=True)
def test_only_the_text_is_kept_and_for_as_long_as_the_settings_say(client: Client, enabled: str) -> None:
    post(client, with_text(TYPENAME))

    cache: Any = caches[enabled]
    assert [key for key in cache.iter_keys("*") if ":rate:" not in key] == [f"fraiseql:document:{digest(TYPENAME)}"]
    assert cache.get(f"fraiseql:document:{digest(TYPENAME)}") == TYPENAME
    assert 50 < cache.ttl(f"fraiseql:document:{digest(TYPENAME)}") <= 60


@pytest.mark.usefixtures("enabled", "db")
def test_answers_are_those_of_the_variables(client: Client) -> None:
    for name in ("Ursula", "Octavia"):
        Author.objects.create(name=name)
    post(client, {**with_text(AUTHORS), "variables": {"name": "Ursula"}})
    before = get_engine().statistics().plans

    for name in ("Octavia", "Ursula", "Nobody"):
        found = post(client, {**by_hash(AUTHORS), "variables": {"name": name}}).json()
        assert found == {"data": {"authors": [{"name": name}] if name != "Nobody" else []}}

    after = get_engine().statistics().plans
    assert (after.misses, after.hits) == (before.misses, before.hits + 3)


@pytest.mark.usefixtures("enabled")
def test_mutation_by_its_hash_is_405_by_get(client: Client, bookshop: Any) -> None:
    query = 'mutation { renameBook(id: "0", title: "x") { title } }'
    assert codes(post(client, with_text(query))) == ["NOT_FOUND"]

    response = client.get(URL, {"documentId": digest(query)})

    assert (response.status_code, codes(response)) == (405, ["METHOD_NOT_ALLOWED"])


# --- what is not kept ---


def persisted(alias: str) -> list[str]:
    keys = DjangoCache(alias).keys()
    assert keys is not None
    return [key for key in keys if key.startswith("document:")]


@pytest.mark.parametrize("other", [by_hash("{ books { id } }"), {"documentId": digest("{ books { id } }")}])
def test_text_with_the_hash_of_another_is_refused_and_not_kept(
    client: Client, enabled: str, other: dict[str, Any]
) -> None:
    response = post(client, {"query": TYPENAME, **other})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_MISMATCH"])
    assert persisted(enabled) == []
    assert not is_known(client, TYPENAME)
    assert not is_known(client, "{ books { id } }")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ __typename", id="syntax"),
        pytest.param("{ nonsense }", id="validation"),
        pytest.param("{ " + " ".join(f"a{number}: __typename" for number in range(51)) + " }", id="limits"),
        pytest.param("query A { __typename } query B { __typename }", id="no operation chosen"),
        pytest.param("query ($name: String!) { __type(name: $name) { name } }", id="variables"),
        pytest.param("{ __typename } #" + "x" * 100_000, id="length"),
    ],
)
def test_document_of_which_nothing_is_executed_or_that_is_too_long_is_not_kept(
    client: Client, enabled: str, query: str
) -> None:
    post(client, with_text(query))

    assert persisted(enabled) == []
    assert not is_known(client, query)


def test_text_without_its_hash_is_not_kept(client: Client, enabled: str) -> None:
    assert post(client, {"query": TYPENAME}).json() == DATA
    assert post(client, {"query": TYPENAME, "documentId": "a-name"}).json() == DATA

    assert persisted(enabled) == []
    assert not is_known(client, TYPENAME)


def test_nothing_is_kept_unless_enabled(client: Client, settings: Any, cache_alias: str) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}}

    assert post(client, with_text(TYPENAME)).json() == DATA

    assert persisted(cache_alias) == []
    assert codes(post(client, by_hash(TYPENAME))) == ["PERSISTED_QUERY_NOT_SUPPORTED"]


@pytest.mark.parametrize("value", ["{ books { id } }", 7, ["{ __typename }"]])
def test_what_others_put_into_the_cache_does_not_count(client: Client, enabled: str, value: Any) -> None:
    caches[enabled].set(f"fraiseql:document:{digest(TYPENAME)}", value)
    assert len(persisted(enabled)) == 1

    assert not is_known(client, TYPENAME)


# --- a cache that fails ---


class Broken(FailingCache):
    """A cache that a project may name, and that fails."""

    def __init__(self, alias: str, *, prefix: str) -> None:
        super().__init__(DjangoCache(alias, prefix=prefix))


@pytest.fixture
def failing(settings: Any, enabled: str) -> FailingCache:
    """Return the cache of the project's engine, which fails."""
    settings.FRAISEQL = {
        **settings.FRAISEQL,
        "CACHE": {"ALIAS": enabled, "BACKEND": f"{__name__}.Broken"},
    }
    cache = get_engine().cache
    assert isinstance(cache, FailingCache)
    return cache


def test_cache_that_fails_asks_for_the_text_and_executes_it(client: Client, failing: FailingCache) -> None:
    response = post(client, by_hash(TYPENAME))
    assert (response.status_code, codes(response)) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
    assert post(client, with_text(TYPENAME)).json() == DATA


def test_cache_that_fails_does_not_matter_for_what_the_process_knows(client: Client, failing: FailingCache) -> None:
    post(client, with_text(TYPENAME))

    assert post(client, by_hash(TYPENAME)).json() == DATA


def test_cache_that_failed_is_left_alone_and_said_once(
    client: Client, failing: FailingCache, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        post(client, by_hash(TYPENAME))
    failing.failing = False
    assert not is_known(client, TYPENAME)

    assert failing.failures == 1
    assert [record.getMessage() for record in caplog.records if record.name == "fraiseql_django.cache"] == [
        "the cache failed, persisted queries must be sent anew (logged once a minute): "
        "CacheFailure: the cache fails at get, as requested by the test"
    ]


def test_engine_without_a_cache_keeps_them_in_its_process(settings: Any, client: Client) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}, "PERSISTED_QUERIES": {"ENABLED": True}}

    assert not is_known(client, TYPENAME)
    post(client, with_text(TYPENAME))
    assert post(client, by_hash(TYPENAME)).json() == DATA


def test_process_keeps_a_bounded_number() -> None:
    queries = PersistedQueries(replace(get_settings(), document_cache_size=2), None)
    for text in ("a", "b", "c"):
        queries.set(text, Viewer())

    assert [queries.get(digest(text)) for text in ("a", "b", "c")] == [None, "b", "c"]


def test_process_keeps_a_bounded_number_of_bytes() -> None:
    queries = PersistedQueries(replace(get_settings(), memory=MemorySettings(persisted_queries=100_000)), None)
    texts = [f"{number} " + "x" * 10_000 for number in range(20)]
    for text in texts:
        queries.set(text, Viewer())

    assert [queries.get(digest(text)) is not None for text in texts] == [False] * 11 + [True] * 9
    queries.set("y" * 13_000, Viewer())
    assert queries.get(digest("y" * 13_000)) is None


# --- how many documents are kept ---


def documents(number: int) -> str:
    return f"{{ a{number}: __typename }}"


def send(numbers: range, address: str) -> None:
    client = Client(REMOTE_ADDR=address)
    for number in numbers:
        response = post(client, with_text(documents(number)))
        # whether it is kept or not
        assert response.json() == {"data": {f"a{number}": "Query"}}


def test_new_documents_of_all_viewers_are_limited(client: Client, enabled: str, settings: Any) -> None:
    settings.FRAISEQL["PERSISTED_QUERIES"].update(MAX_DOCUMENTS=3, RATE=None)
    settings.FRAISEQL = dict(settings.FRAISEQL)

    for address in ("192.0.2.1", "192.0.2.2"):
        send(range(5), address)

    assert len(persisted(enabled)) == 3
    assert [is_known(client, documents(number)) for number in range(5)] == [True] * 3 + [False] * 2


def test_new_documents_of_each_viewer_are_limited(client: Client, enabled: str, settings: Any) -> None:
    settings.FRAISEQL["PERSISTED_QUERIES"].update(RATE="2/h")
    settings.FRAISEQL = dict(settings.FRAISEQL)

    send(range(4), "192.0.2.1")
    send(range(10, 14), "192.0.2.2")

    found = [is_known(client, documents(number)) for number in (0, 1, 2, 3, 10, 11, 12, 13)]
    assert found == [True, True, False, False] * 2
    # what is there already is not counted again
    send(range(2), "192.0.2.3")
    send(range(20, 22), "192.0.2.3")
    assert len(persisted(enabled)) == 6


def test_document_that_is_too_large_is_executed_but_not_kept(client: Client, enabled: str, settings: Any) -> None:
    settings.FRAISEQL["PERSISTED_QUERIES"].update(DOCUMENT_BYTES=20)
    settings.FRAISEQL = dict(settings.FRAISEQL)
    fits, large = "{ __typename } #1234", "{ __typename } #é123"

    for text in (fits, large):
        assert post(client, with_text(text)).json() == DATA

    assert (is_known(client, fits), is_known(client, large)) == (True, False)


@pytest.mark.parametrize("cache_alias", ["redis"], indirect=True)
def test_use_does_not_let_a_document_live_longer(client: Client, enabled: str) -> None:
    """So the documents in the cache are those of one window of time and the one before it."""
    cache: Any = caches[enabled]
    key = f"fraiseql:document:{digest(TYPENAME)}"
    post(client, with_text(TYPENAME))
    cache.expire(key, 20)

    post(client, with_text(TYPENAME))
    post(client, by_hash(TYPENAME))

    assert cache.ttl(key) <= 20
