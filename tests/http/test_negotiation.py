"""Accept → the media type of the answer, and the status that goes with it (GraphQL over HTTP, 5.1 and 5.4)."""

import pytest
from django.test import Client

from fraiseql_django import get_engine
from fraiseql_django.errors import StorageError
from fraiseql_django.http.negotiation import GRAPHQL_RESPONSE, HTML, JSON, preferred
from tests.http.requests import URL, codes, post

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", JSON, id="missing or empty"),
        pytest.param("*/*", JSON, id="anything"),
        pytest.param("application/*", JSON, id="any application"),
        pytest.param(GRAPHQL_RESPONSE, GRAPHQL_RESPONSE, id="only the new type"),
        pytest.param(JSON, JSON, id="only the old type"),
        pytest.param("APPLICATION/JSON", JSON, id="capitals"),
        pytest.param(f"{GRAPHQL_RESPONSE}, {JSON};q=0.9", GRAPHQL_RESPONSE, id="both, as the specification asks"),
        pytest.param(f"{GRAPHQL_RESPONSE};q=0.5, {JSON}", JSON, id="the old type preferred"),
        pytest.param(f"{GRAPHQL_RESPONSE}, {JSON}", GRAPHQL_RESPONSE, id="equal, the new one named first"),
        pytest.param(f"{JSON}, {GRAPHQL_RESPONSE}", JSON, id="equal, the old one named first"),
        pytest.param(f"*/*, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE, id="named before wildcard"),
        pytest.param(f"*/*, {GRAPHQL_RESPONSE};q=0.5", JSON, id="wildcard better than what is named"),
        pytest.param(f"*/*, {JSON};q=0", GRAPHQL_RESPONSE, id="anything but the old type"),
        pytest.param(f"{JSON}; charset=utf-8", JSON, id="charset"),
        pytest.param(f'{GRAPHQL_RESPONSE};charset="UTF-8", {JSON};charset=utf8', GRAPHQL_RESPONSE, id="charsets"),
        pytest.param(f"{JSON};charset=latin-1", None, id="other charset"),
        pytest.param(f"{JSON};charset=latin-1, {GRAPHQL_RESPONSE};q=0.1", GRAPHQL_RESPONSE, id="one other charset"),
        pytest.param(f"{JSON};indent=4", JSON, id="unknown parameter"),
        pytest.param(f"{JSON};q=nonsense", JSON, id="unreadable quality"),
        pytest.param(f"{JSON};q=nan", JSON, id="quality that is no number"),
        pytest.param(f"{JSON};q=0.000", None, id="refused"),
        pytest.param("*/*;q=0", None, id="everything refused"),
        pytest.param("text/html", None, id="other type"),
        pytest.param("application/xml, image/*", None, id="other types"),
        pytest.param(", ;q=1,/,*", None, id="nonsense"),
        pytest.param(f"{JSON};charset=\x00", None, id="charset with a null character"),
        pytest.param(BROWSER, JSON, id="browser"),
    ],
)
def test_accept_chooses_the_media_type(accept: str, expected: str | None) -> None:
    assert preferred(accept, (JSON, GRAPHQL_RESPONSE)) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param(BROWSER, HTML, id="browser"),
        pytest.param("*/*", JSON, id="anything"),
        pytest.param("", JSON, id="missing"),
        pytest.param("text/html;q=0.9, application/json", JSON, id="page second best"),
    ],
)
def test_only_a_browser_prefers_a_page(accept: str, expected: str) -> None:
    assert preferred(accept, (JSON, GRAPHQL_RESPONSE, HTML)) == expected


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
def test_answer_says_its_media_type_and_encoding(client: Client, media_type: str) -> None:
    response = post(client, {"query": "{ __typename }"}, accept=media_type)

    assert response.status_code == 200
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"
    assert response.content == b'{"data":{"__typename":"Query"}}'


def test_unacceptable_answer_is_406(client: Client) -> None:
    response = post(client, {"query": "{ __typename }"}, accept="text/csv")

    assert response.status_code == 406
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.json() == {
        "errors": [
            {
                "message": "The Accept header accepts none of: application/json, application/graphql-response+json.",
                "extensions": {"code": "NOT_ACCEPTABLE"},
            }
        ]
    }


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({"query": "{"}, "GRAPHQL_PARSE_FAILED", id="syntax"),
        pytest.param({"query": "{ nonsense }"}, "GRAPHQL_VALIDATION_FAILED", id="validation"),
        pytest.param({"query": ""}, "GRAPHQL_PARSE_FAILED", id="empty document"),
        pytest.param(
            {"query": "query A { __typename } query B { __typename }"},
            "OPERATION_RESOLUTION_FAILED",
            id="operationName missing",
        ),
        pytest.param(
            {"query": "query A { __typename }", "operationName": "C"}, "OPERATION_RESOLUTION_FAILED", id="operationName"
        ),
        pytest.param(
            {"query": "query ($id: ID!) { book(id: $id) { title } }", "variables": {"id": None}},
            "BAD_USER_INPUT",
            id="variables",
        ),
        pytest.param({"query": "subscription { books }"}, "GRAPHQL_VALIDATION_FAILED", id="subscription"),
    ],
)
def test_refused_operation_is_400_or_in_json_200(client: Client, parameters: dict[str, object], code: str) -> None:
    new = post(client, parameters, accept=GRAPHQL_RESPONSE)
    old = post(client, parameters, accept=JSON)

    assert (new.status_code, old.status_code) == (400, 200)
    assert codes(new) == codes(old) == [code]
    assert "data" not in new.json()


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
def test_malformed_request_is_400_in_either_media_type(client: Client, media_type: str) -> None:
    response = post(client, b"NONSENSE", accept=media_type)

    assert response.status_code == 400
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
def test_unreachable_database_is_503_in_either_media_type(
    client: Client, media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*args: object, **kwargs: object) -> None:
        raise StorageError("connection refused")

    monkeypatch.setattr(get_engine().executor, "read", unreachable)
    response = post(client, {"query": "{ books { title } }"}, accept=media_type)

    assert response.status_code == 503
    assert codes(response) == ["DATABASE_UNAVAILABLE"]


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
@pytest.mark.django_db
def test_partial_answer_is_200(client: Client, media_type: str) -> None:
    """A mutation's failure is an error of a field: the response has data (GraphQL specification, 7.1)."""
    query = 'mutation { renameBook(id: "0", title: "x") { title } }'
    response = post(client, {"query": query}, accept=media_type)

    assert response.status_code == 200
    assert response.json()["data"] is None
    assert codes(response) == ["NOT_FOUND"]


def test_caches_are_told_that_answers_vary_with_accept(client: Client) -> None:
    for response in (
        post(client, {"query": "{ __typename }"}),
        post(client, b""),
        client.get(URL, {"query": "{ __typename }"}),
        client.get(URL, headers={"Accept": "text/csv"}),
        client.put(URL),
    ):
        assert "Accept" in response["Vary"].split(", ")


def test_errors_and_answers_to_post_are_not_stored(client: Client) -> None:
    assert post(client, {"query": "{ __typename }"})["Cache-Control"] == "no-store"
    assert client.get(URL, {"query": "{ nonsense }"})["Cache-Control"] == "no-store"
    assert client.get(URL)["Cache-Control"] == "no-store"
    # to be shared only where the project says so
    assert client.get(URL, {"query": "{ __typename }"})["Cache-Control"] == "private"
