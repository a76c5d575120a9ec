"""Trusted documents: by identifier or by text, in each mode, by POST and by GET; and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from example_project.bookshop.models import Author, Book
from fraiseql_django import ConfigurationError, get_engine
from fraiseql_django.documents.trusted import digest
from fraiseql_django.health import check_project
from tests.http.requests import URL, codes, message, post

TYPE = "query Type($name: String!) {\n  __type(name: $name) {\n    name\n  }\n}"
AUTHORS = "query Authors($name: String!) { authors(where: {name: {eq: $name}}) { name } }"
RENAME = 'mutation Rename($id: ID!) { renameBook(id: $id, title: "x") { title } }'
BOOK = {"data": {"__type": {"name": "Book"}}}


def sha256(text: str) -> str:
    return digest(text).removeprefix("sha256:")


def apollo(identifier: str) -> dict[str, Any]:
    """Return the extensions that Apollo's clients send."""
    return {"persistedQuery": {"version": 1, "sha256Hash": identifier}}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "trusted.json"
    file.write_text(json.dumps({sha256(TYPE): TYPE, "Authors~1": AUTHORS, sha256(RENAME): RENAME}))
    return file


@pytest.fixture
def optional(settings: Any, manifest: Path) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "optional", "PATH": manifest}}


@pytest.fixture
def required(settings: Any, manifest: Path) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": manifest}}


WAYS = [
    pytest.param({"documentId": digest(TYPE)}, id="documentId"),
    pytest.param({"documentId": sha256(TYPE)}, id="documentId without its prefix"),
    pytest.param({"documentId": sha256(TYPE).upper()}, id="documentId in capitals"),
    pytest.param({"extensions": apollo(sha256(TYPE))}, id="persistedQuery"),
    pytest.param({"documentId": digest(TYPE), "extensions": apollo(sha256(TYPE))}, id="both"),
    pytest.param({"documentId": digest(TYPE), "query": TYPE}, id="with its text"),
    pytest.param({"extensions": apollo(sha256(TYPE)), "query": ""}, id="with an empty text"),
]


@pytest.mark.parametrize("mode", ["optional", "required"])
@pytest.mark.parametrize("given", WAYS)
def test_trusted_document_is_executed_by_its_hash(
    client: Client, request: pytest.FixtureRequest, mode: str, given: dict[str, Any]
) -> None:
    request.getfixturevalue(mode)

    assert post(client, {**given, "variables": {"name": "Book"}}).json() == BOOK


@pytest.mark.parametrize("given", WAYS)
@pytest.mark.usefixtures("required")
def test_trusted_document_is_executed_by_get(client: Client, given: dict[str, Any]) -> None:
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}

    assert client.get(URL, {**parameters, "variables": '{"name": "Book"}'}).json() == BOOK


@pytest.mark.usefixtures("required", "db")
def test_trusted_document_is_executed_by_its_name_and_by_its_hash(client: Client) -> None:
    Author.objects.create(name="Ursula")

    for identifier in ("Authors~1", sha256(AUTHORS), digest(AUTHORS)):
        found = post(client, {"documentId": identifier, "variables": {"name": "Ursula"}}).json()
        assert found == {"data": {"authors": [{"name": "Ursula"}]}}


@pytest.mark.usefixtures("required")
def test_null_text_is_as_good_as_missing(client: Client) -> None:
    response = post(client, {"query": None, "documentId": digest(TYPE), "variables": {"name": "Book"}})

    assert response.json() == BOOK


@pytest.mark.usefixtures("required", "bookshop")
def test_mutation_is_executed_by_post_and_is_405_by_get(client: Client) -> None:
    book = Book.objects.earliest("pk")
    variables = {"id": str(book.pk)}

    refused = client.get(URL, {"documentId": digest(RENAME), "variables": json.dumps(variables)})
    assert (refused.status_code, codes(refused)) == (405, ["METHOD_NOT_ALLOWED"])
    assert Book.objects.get(pk=book.pk).title == book.title

    response = post(client, {"documentId": digest(RENAME), "variables": variables})
    assert response.json() == {"data": {"renameBook": {"title": "x"}}}


# --- what is not trusted ---


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ __typename }", id="other text"),
        pytest.param("{ __schema { types { name } } }", id="introspection"),
        pytest.param(TYPE + "\n", id="a blank more"),
        pytest.param(TYPE + " query Other { __typename }", id="an operation more"),
        pytest.param("nonsense {", id="nonsense"),
    ],
)
@pytest.mark.usefixtures("required")
def test_other_text_is_refused_where_trusted_documents_are_required(client: Client, query: str) -> None:
    for response in (post(client, {"query": query, "operationName": "Other"}), client.get(URL, {"query": query})):
        assert (response.status_code, codes(response)) == (400, ["DOCUMENT_NOT_TRUSTED"])
        assert message(response) == (
            "The document that was sent is not a trusted document; only trusted documents are executed here."
        )
        assert "no-store" in response["Cache-Control"].split(", ")


@pytest.mark.usefixtures("required")
def test_other_text_with_its_hash_is_refused_where_trusted_documents_are_required(client: Client) -> None:
    query = "{ __typename }"

    response = post(client, {"query": query, "extensions": apollo(sha256(query))})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_NOT_TRUSTED"])


@pytest.mark.usefixtures("required")
def test_text_of_a_trusted_document_is_executed_where_they_are_required(client: Client) -> None:
    assert post(client, {"query": TYPE, "variables": {"name": "Book"}}).json() == BOOK


@pytest.mark.usefixtures("optional")
def test_other_text_is_executed_where_trusted_documents_are_optional(client: Client) -> None:
    query = "{ __typename }"

    assert post(client, {"query": query}).json() == {"data": {"__typename": "Query"}}
    assert post(client, {"query": query, "extensions": apollo(sha256(query))}).json() == {
        "data": {"__typename": "Query"}
    }


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [("Books~1", "'Books~1'"), ("a" * 200, repr("a" * 100)), ("0" * 64, f"'sha256:{'0' * 64}'")],
)
@pytest.mark.usefixtures("required")
def test_unknown_identifier_is_refused_where_trusted_documents_are_required(
    client: Client, identifier: str, shown: str
) -> None:
    response = post(client, {"documentId": identifier})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_NOT_TRUSTED"])
    assert message(response) == f"{shown} is not a trusted document; only trusted documents are executed here."


@pytest.mark.usefixtures("optional")
def test_unknown_identifier_asks_for_the_text_where_trusted_documents_are_optional(client: Client) -> None:
    for given in ({"documentId": "Books~1"}, {"documentId": "sha256:zzz"}, {"extensions": apollo("0" * 64)}):
        for accept in ("application/json", "application/graphql-response+json"):
            response = post(client, given, accept=accept)
            assert (response.status_code, codes(response)) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
            assert message(response) == "PersistedQueryNotFound"
            assert response["Cache-Control"] == "no-store"


def test_identifiers_are_not_known_unless_something_is_switched_on(client: Client) -> None:
    for given in ({"documentId": digest(TYPE)}, {"extensions": apollo(sha256(TYPE))}):
        response = post(client, given)
        assert (response.status_code, codes(response)) == (200, ["PERSISTED_QUERY_NOT_SUPPORTED"])
        assert message(response) == "PersistedQueryNotSupported"


# --- an identifier of another document ---


@pytest.mark.parametrize("fixture", [None, "optional", "required"])
@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"query": RENAME, "documentId": digest(TYPE)}, id="documentId"),
        pytest.param({"query": RENAME, "extensions": apollo(sha256(TYPE))}, id="persistedQuery"),
        pytest.param({"query": RENAME, "documentId": "sha256:" + "0" * 64}, id="nobody's"),
        pytest.param({"query": RENAME, "documentId": "sha256:0"}, id="no hash at all"),
        pytest.param(
            {"query": RENAME, "documentId": digest(RENAME), "extensions": apollo(sha256(TYPE))}, id="one of two"
        ),
        pytest.param({"query": RENAME + " ", "documentId": digest(RENAME)}, id="a blank more"),
    ],
)
@pytest.mark.usefixtures("bookshop")
def test_hash_of_another_document_is_400_and_nothing_is_executed(
    client: Client, request: pytest.FixtureRequest, fixture: str | None, given: dict[str, Any]
) -> None:
    if fixture is not None:
        request.getfixturevalue(fixture)
    book = Book.objects.earliest("pk")

    response = post(client, {**given, "variables": {"id": str(book.pk)}})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_MISMATCH"])
    assert message(response).endswith(" does not identify the document that was sent.")
    assert Book.objects.get(pk=book.pk).title == book.title


@pytest.mark.usefixtures("optional")
def test_name_of_another_document_is_400(client: Client) -> None:
    response = post(client, {"query": TYPE, "documentId": "Authors~1", "variables": {"name": "Book"}})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_MISMATCH"])
    assert message(response) == "'Authors~1' does not identify the document that was sent."


@pytest.mark.usefixtures("optional")
def test_two_identifiers_of_two_documents_are_400(client: Client) -> None:
    response = post(client, {"documentId": "Authors~1", "extensions": apollo(sha256(TYPE))})

    assert (response.status_code, codes(response)) == (400, ["DOCUMENT_MISMATCH"])


def test_name_of_which_nothing_is_known_does_no_harm_to_a_text(client: Client) -> None:
    response = post(client, {"query": "{ __typename }", "documentId": "Books~1"})

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"documentId": 7}, "The parameter documentId is a number; it must be a string or null."),
        (
            {"extensions": {"persistedQuery": "abc"}},
            "The parameter extensions.persistedQuery is a string; it must be an object or null.",
        ),
        (
            {"extensions": {"persistedQuery": {"sha256Hash": "0" * 64}}},
            "The parameter extensions.persistedQuery.version is null; it must be 1.",
        ),
        (
            {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "0" * 64}}},
            "The parameter extensions.persistedQuery.version is 2; it must be 1.",
        ),
        (
            {"extensions": {"persistedQuery": {"version": 1}}},
            "The parameter extensions.persistedQuery.sha256Hash is null; it must be a string of 64 hexadecimal digits.",
        ),
        (
            {"query": "{ __typename }", "extensions": apollo("abc")},
            "The parameter extensions.persistedQuery.sha256Hash is 'abc'; it must be 64 hexadecimal digits.",
        ),
        (
            {"query": 0, "documentId": "a"},
            "The parameter query is a number; it must be a string.",
        ),
    ],
)
def test_malformed_identifier_is_400_and_says_why(client: Client, given: dict[str, Any], says: str) -> None:
    response = post(client, given)

    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert message(response) == says


@pytest.mark.parametrize("name", ["documentId", "extensions"])
def test_null_identifier_is_as_good_as_missing(client: Client, name: str) -> None:
    given = {"documentId": None, "extensions": {"persistedQuery": None}}

    assert post(client, {name: given[name], "query": "{ __typename }"}).status_code == 200
    assert message(post(client, {name: given[name]})) == (
        "The parameter query is missing; it must be a string that contains a GraphQL document."
    )


# --- around it ---


@pytest.mark.usefixtures("required")
def test_hash_is_answered_apart_for_other_variables_and_shares_the_plan_with_the_text(
    client: Client, db: None, settings: Any, manifest: Path
) -> None:
    for name in ("Ursula", "Octavia"):
        Author.objects.create(name=name)

    def names(given: dict[str, Any], name: str) -> Any:
        found = post(client, {**given, "variables": {"name": name}}).json()
        return [author["name"] for author in found["data"]["authors"]]

    assert names({"documentId": "Authors~1"}, "Ursula") == ["Ursula"]
    before = get_engine().statistics()
    assert names({"documentId": "Authors~1"}, "Octavia") == ["Octavia"]
    assert names({"extensions": apollo(sha256(AUTHORS))}, "Ursula") == ["Ursula"]
    assert names({"query": AUTHORS}, "Octavia") == ["Octavia"]

    after = get_engine().statistics()
    assert (after.plans.misses, after.plans.hits) == (before.plans.misses, before.plans.hits + 3)
    assert (after.documents.misses, after.documents.hits) == (before.documents.misses, before.documents.hits + 3)


@pytest.mark.usefixtures("required")
def test_engine_itself_takes_any_text() -> None:
    assert get_engine().execute("{ __typename }").json() == {"data": {"__typename": "Query"}}


def test_graphiql_is_not_shown_where_trusted_documents_are_required(
    client: Client, settings: Any, manifest: Path
) -> None:
    page = {"Accept": "text/html,application/json;q=0.5"}
    for mode, shown in (("optional", True), ("required", False)):
        settings.FRAISEQL = {
            "GRAPHIQL": {"ENABLED": True},
            "TRUSTED_DOCUMENTS": {"MODE": mode, "PATH": manifest},
        }
        response = client.get(URL, headers=page)
        assert response.status_code == (200 if shown else 403)
        assert ("Only trusted documents are executed here." in response.content.decode()) is not shown


@pytest.mark.usefixtures("required")
def test_session_needs_its_token_for_a_trusted_document_too() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["sessionid"] = "0" * 32

    response = post(browser, {"documentId": digest(TYPE), "variables": {"name": "Book"}})

    assert (response.status_code, codes(response)) == (403, ["CSRF_FAILED"])
    parameters = {"documentId": digest(TYPE), "variables": '{"name": "Book"}'}
    assert browser.get(URL, parameters).json() == BOOK


@pytest.mark.usefixtures("required")
def test_answer_by_get_is_private_unless_its_types_say_otherwise(client: Client) -> None:
    private = client.get(URL, {"documentId": digest(TYPE), "variables": '{"name": "Book"}'})
    assert (private.json(), private["Cache-Control"]) == (BOOK, "private, no-cache")
    assert client.get(URL, {"documentId": "a"})["Cache-Control"] == "private, no-store"


@pytest.mark.usefixtures("required")
def test_answer_by_get_is_not_kept_by_djangos_own_cache_middleware(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    parameters = {"documentId": digest(TYPE), "variables": '{"name": "Book"}'}
    before = get_engine().statistics().plans.hits + get_engine().statistics().plans.misses

    for _ in range(2):
        assert client.get(URL, parameters)["Cache-Control"] == "private, no-cache"

    assert get_engine().statistics().plans.hits + get_engine().statistics().plans.misses == before + 2


def test_documents_that_cannot_be_used_are_unwell(settings: Any, tmp_path: Path, client: Client) -> None:
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": str(tmp_path / "none.json")}}

    (check,) = check_project()
    assert (check.name, check.healthy) == ("settings", False)
    with pytest.raises(ConfigurationError, match=r"none\.json', which does not exist"):
        post(client, {"query": TYPE})
