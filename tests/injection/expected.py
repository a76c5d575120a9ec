"""What any answer has to be, whatever was asked: documented, well-formed, soon made, silent about what is inside."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.http import HttpResponse
from django.test import Client

from tests.injection.leaks import leaks, messages
from tests.injection.malformed import Request
from tests.support import calls

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"
_STATUSES = re.findall(r"^\| (\d.*?) \|", (DOCS / "http.md").read_text(), re.MULTILINE)
STATUSES = {int(text) for text in re.findall(r"\b[2-5]\d\d\b", " ".join(_STATUSES))}
_CODES = re.findall(r"^\| (`.*?) \|", (DOCS / "errors.md").read_text(), re.MULTILINE)
CODES = set(re.findall(r"`([A-Z_]+)`", " ".join(_CODES)))
# the server's own faults, of which there is to be none
FAULTS = {"INTERNAL_SERVER_ERROR", "DATABASE_UNAVAILABLE"}


def send(request: Request) -> HttpResponse:
    """Send a request with Django's test client; what the view raises is raised."""
    client = Client(enforce_csrf_checks=True)
    headers = dict(request.headers)
    # the client sets it last where it is no header
    length = {"CONTENT_LENGTH": headers.pop("Content-Length")} if "Content-Length" in headers else {}
    response: Any = client.generic(
        request.method, request.url, request.body, content_type=request.content_type, headers=headers, **length
    )
    return response


def check(request: Request) -> None:
    """Send a request and hold the answer to what the documentation says."""
    with calls():
        response = send(request)
    text = response.content.decode()
    if _is_djangos(request, response):
        return
    assert response.status_code in STATUSES - {500}, (response.status_code, text[:300])
    if request.method in ("HEAD", "OPTIONS") and not text:
        return
    if response["Content-Type"].startswith("text/html"):
        assert response.status_code == 200
        assert "graphiql" in text
        return
    assert response["Content-Type"].partition(";")[0] in ("application/json", "application/graphql-response+json")
    check_body(json.loads(text), _sent(request))


def check_body(body: Any, sent: str) -> None:
    """Hold a body of GraphQL's, or those of a batch, to their form; errors to their codes and to silence."""
    for answer in body if isinstance(body, list) else [body]:
        assert set(answer) in ({"data"}, {"errors"}, {"errors", "data"}), answer
        assert answer.get("errors", ["…"]), "errors are empty"
        for error in answer.get("errors", ()):
            assert set(error) <= {"message", "locations", "path", "extensions"}, error
            assert isinstance(error["message"], str)
            assert error["extensions"]["code"] in CODES - FAULTS, error
    found = leaks(messages(body), sent)
    assert not found, (found, messages(body)[:500])


def _is_djangos(request: Request, response: HttpResponse) -> bool:
    """Whether Django has refused a Host that it does not know, before anything of ours."""
    return (
        response.status_code == 400 and "Host" in request.headers and response["Content-Type"].startswith("text/html")
    )


def _sent(request: Request) -> str:
    """Return all that was sent, as an answer might show it."""
    body = request.body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        body += json.dumps(json.loads(body), ensure_ascii=False)
    return f"{unquote(request.url)} {body} {request.content_type} {request.headers}"
