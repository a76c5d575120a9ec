"""What docs/reference/http.md says is what the endpoint does."""

import json
import re
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "http.md").read_text()
PACKAGE = Path(__file__).resolve().parents[2] / "fraiseql_django"

BLOCKS = re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL)
EXCHANGES = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


def parts(block: str) -> tuple[str, Message, str]:
    """Split a message of HTTP into its first line, its headers and its body."""
    first, _, rest = block.partition("\n")
    message = Parser().parsestr(rest, headersonly=True)
    return first, message, str(message.get_payload())


@pytest.mark.parametrize(("request_", "response"), EXCHANGES, ids=lambda block: block.partition("\n")[0])
@pytest.mark.usefixtures("bookshop")
def test_exchanges_are_as_shown(request_: str, response: str, settings: Any) -> None:
    (line, headers, body), (status, expected, answer) = parts(request_), parts(response)
    # the page says which exchange has it
    settings.FRAISEQL = {"REQUIRE_PREFLIGHT": "A query by GET must be sent with" in answer}
    method, _, rest = line.partition(" ")
    path, _, query_string = rest.removesuffix(" HTTP/1.1").partition("?")
    if "multipart" in (headers["Content-Type"] or ""):
        body = body.replace("\n", "\r\n")

    got = Client(enforce_csrf_checks=True).generic(
        method,
        path,
        body,
        headers["Content-Type"] or "",
        headers=dict(headers.items()),
        QUERY_STRING=quote(query_string, safe="=&"),
    )

    assert f"HTTP/1.1 {got.status_code} {got.reason_phrase}" == status
    assert {name: got[name] for name in expected} == dict(expected.items())
    assert got.json() == json.loads(answer)


def test_codes_are_listed() -> None:
    sources = [PACKAGE / "views.py", *(PACKAGE / "http").glob("*.py")]
    codes = {code for source in sources for code in re.findall(r'\bcode = ?"(\w+)"|\bcode="(\w+)"', source.read_text())}

    assert {one or other for one, other in codes} <= set(re.findall(r"`([A-Z_]+)`", PAGE))
