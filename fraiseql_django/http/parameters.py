"""The parameters of a GraphQL-over-HTTP request (GraphQL over HTTP, 4.1), from a body or from a URL.

Whatever is wrong with them is said before an operation is read: a message that names the parameter, what
it is and what it must be.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, UnreadablePostError

from .refused import Refused

NAMES = ("query", "variables", "operationName", "extensions")

# The only way into JSON for a character that UTF-8 does not have
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What is to be executed."""

    query: str
    variables: Mapping[str, Any] | None
    operation_name: str | None


def from_body(request: HttpRequest, limit: int | None) -> Parameters:
    """Read the parameters from a JSON body of at most ``limit`` bytes (GraphQL over HTTP, 4.4.1).

    Raises Refused: 413 for a larger body, 400 for one that is malformed.
    """
    body = _body(request, limit)
    if not body:
        raise _missing(request)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"The body is not UTF-8: byte {error.start} cannot be decoded.") from None
    given = _json(text, "The body")
    if not isinstance(given, dict):
        raise Refused(f"The body is {_kind(given)}; it must be a JSON object with a query.")
    if _SURROGATE.search(text):
        _refuse_surrogates(given)
    return _checked(given)


def from_url(request: HttpRequest, limit: int | None) -> Parameters:
    """Read the parameters from a URL of at most ``limit`` bytes (GraphQL over HTTP, 4.3).

    Raises Refused: 414 for a longer one, 400 for one that is malformed.
    """
    query_string = request.META.get("QUERY_STRING", "")
    if limit is not None and len(query_string) > limit:
        raise _too_large("URL", len(query_string), limit, "LIMITS.BODY_BYTES", HTTPStatus.REQUEST_URI_TOO_LONG)
    if isinstance(request, WSGIRequest):
        # bytes in disguise (PEP 3333); one that is not UTF-8 becomes half a surrogate pair
        query_string = query_string.encode("latin-1").decode("utf-8", "surrogateescape")
    given: dict[str, Any] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape"):
        if name not in NAMES:
            continue
        if name in given:
            raise Refused(f"The parameter {name} is in the URL more than once.")
        if not _is_text(value):
            raise Refused(f"The parameter {name} is not UTF-8.")
        given[name] = value
    return _checked(_decoded(given))


def _decoded(given: dict[str, Any]) -> dict[str, Any]:
    """Read JSON where a URL holds it; an optional parameter that is empty is as good as missing."""
    if given.get("query") == "":
        raise Refused("The parameter query is empty; it must be a GraphQL document.")
    given = {name: value for name, value in given.items() if value}
    for name in ("variables", "extensions"):
        if name in given:
            text = given[name]
            given[name] = _json(text, f"The parameter {name}")
            if _SURROGATE.search(text):
                _refuse_surrogates({name: given[name]})
    return given


def _checked(given: Mapping[str, Any]) -> Parameters:
    """Hold the parameters to their types; others are ignored (GraphQL over HTTP, 4.4.1)."""
    if "query" not in given:
        raise Refused("The parameter query is missing; it must be a string that holds a GraphQL document.")
    _require("query", given["query"], str, "a string")
    for name, kind, allowed in (
        ("variables", dict, "an object or null"),
        ("operationName", str, "a string or null"),
        ("extensions", dict, "an object or null"),
    ):
        if given.get(name) is not None:
            _require(name, given[name], kind, allowed)
    return Parameters(
        query=given["query"],
        variables=given.get("variables"),
        # no operation has an empty name: as in a URL, none is meant
        operation_name=given.get("operationName") or None,
    )


def _require(name: str, value: Any, kind: type, allowed: str) -> None:
    if not isinstance(value, kind):
        raise Refused(f"The parameter {name} is {_kind(value)}; it must be {allowed}.")


def _body(request: HttpRequest, limit: int | None) -> bytes:
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or "")
    except ValueError:
        declared = None  # sent in chunks
    if limit is not None and declared is not None and declared > limit:
        raise _too_large("body", declared, limit, "LIMITS.BODY_BYTES")
    try:
        body = request.body if limit is None or declared is not None else request.read(limit + 1)
    except RequestDataTooBig:
        allowed = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise _too_large("body", declared, allowed, "DATA_UPLOAD_MAX_MEMORY_SIZE") from None
    except UnreadablePostError:
        raise Refused("The body could not be read to its end.") from None
    if limit is not None and len(body) > limit:
        raise _too_large("body", None, limit, "LIMITS.BODY_BYTES")
    return body


def _missing(request: HttpRequest) -> Refused:
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        return Refused(
            "The body came in chunks, which Django does not read under WSGI; send it with a Content-Length.",
            status=HTTPStatus.LENGTH_REQUIRED,
            code="LENGTH_REQUIRED",
        )
    return Refused("The body is empty; it must be a JSON object with a query.")


def _too_large(
    what: str,
    size: int | None,
    limit: int | None,
    setting: str,
    status: HTTPStatus = HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
) -> Refused:
    value = f"more than {limit}" if size is None else size
    return Refused(
        f"The {what} has {value} bytes; the limit is {limit}.",
        status=status,
        code="REQUEST_TOO_LARGE",
        limit=limit,
        value=value,
        setting=setting,
    )


def _json(text: str, what: str) -> Any:
    try:
        return _JSON.decode(text)
    except RecursionError:
        raise Refused(f"{what} is nested too deeply to be read.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"{what} is not JSON: {error}.") from None
    except ValueError as error:
        raise Refused(f"{what} holds a number that cannot be read: {error}.") from None


def _no_number(constant: str) -> float:
    raise ValueError(f"JSON has no {constant}")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is out of range")
    return number


_JSON = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def _refuse_surrogates(given: Mapping[str, Any]) -> None:
    for name in NAMES:
        if name in given and not _is_text(json.dumps(given[name], ensure_ascii=False)):
            raise Refused(f"The parameter {name} holds half of a surrogate pair, which is not a character.")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    """Return the name that JSON has for a value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    for kind, name in ((str, "a string"), (dict, "an object"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "a number"
