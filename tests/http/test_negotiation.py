"""Accept → the media type of the answer, and the status that goes with it (GraphQL over HTTP, 5.1 and 5.4)."""

import encodings

import pytest
from django.test import Client

from fraiseql_django import _compat, get_engine
from fraiseql_django.errors import StorageError
from fraiseql_django.http.negotiation import GRAPHQL_RESPONSE, HTML, JSON, MAX_ACCEPT, preferred
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


@pytest.mark.parametrize("accept", ["text/event-stream", "text/html, multipart/mixed;boundary=graphql"])
def test_client_that_waits_for_a_stream_is_refused_with_the_reason(client: Client, accept: str) -> None:
    """As urql's subscriptions by HTTP, and those of graphql-sse."""
    response = client.post(URL, {"query": "subscription { books { id } }"}, "application/json", HTTP_ACCEPT=accept)

    assert response.status_code == 406
    (error,) = response.json()["errors"]
    assert error["message"] == (
        "The Accept header accepts none of: application/json, application/graphql-response+json. "
        "There are no subscriptions here, and responses are sent whole."
    )


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

    monkeypatch.setattr(get_engine().executor, "answer", unreachable)
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
    # Django's own cache middleware keeps what is not private
    assert client.get(URL, {"query": "{ nonsense }"})["Cache-Control"] == "private, no-store"
    assert client.get(URL)["Cache-Control"] == "private, no-store"
    # to be shared only where the project says so
    assert client.get(URL, {"query": "{ __typename }"})["Cache-Control"] == "private, no-cache"


# --- what a header may cost ---


def known_codecs() -> dict[str, object]:
    """Return what Python remembers of codecs, also of those that it does not have."""
    return dict(encodings._cache)  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_charsets_in_accept_are_not_remembered(client: Client, method: str) -> None:
    before = known_codecs()

    for number in range(5):
        accept = ",".join(f"a/b;charset=x{number}_{index}" for index in range(40))
        assert getattr(client, method)(URL, HTTP_ACCEPT=accept).status_code in (400, 405, 406, 415)

    assert known_codecs() == before


def test_charsets_that_django_looks_up_are_forgotten(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "MAX_UNKNOWN_CODECS", len(known_codecs()) + 20)

    for number in range(60):
        response = client.generic("POST", URL, b"{}", f"application/json; charset=unknown-{number}")
        assert response.status_code == 415
        assert len(known_codecs()) <= _compat.MAX_UNKNOWN_CODECS + 1

    assert b"".decode("utf-8") == ""
    assert b"\xe9".decode("latin-1") == "é"


def test_accept_that_is_too_long_is_refused(client: Client) -> None:
    accept = f"{JSON}," + "a/b," * 300
    for response in (client.post(URL, "{}", JSON, HTTP_ACCEPT=accept), client.get(URL, HTTP_ACCEPT=accept)):
        assert (response.status_code, response["Content-Type"]) == (431, f"{JSON}; charset=utf-8")
        (error,) = response.json()["errors"]
        assert error["message"] == f"The Accept header has {len(accept)} characters; the limit is {MAX_ACCEPT}."
        assert error["extensions"]["code"] == "REQUEST_TOO_LARGE"
    fits = f"{JSON},".ljust(MAX_ACCEPT, "x")
    assert post(client, {"query": "{ __typename }"}, accept=fits).status_code == 200


def test_method_is_looked_at_before_the_header(client: Client) -> None:
    assert client.put(URL, HTTP_ACCEPT="text/html").status_code == 405
    assert client.put(URL, HTTP_ACCEPT="x" * 5000).status_code == 405
