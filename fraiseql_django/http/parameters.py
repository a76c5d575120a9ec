"""The parameters of a GraphQL-over-HTTP request (GraphQL over HTTP, 4.1), from a body or from a URL.

A document may be named instead of sent: by ``documentId`` (appendix A, "Persisted Documents"), or by the hash in
``extensions.persistedQuery``, as Apollo's clients do. Which document that is, ``http.documents`` knows.

Whatever is wrong with them is said before an operation is read: a message that names the parameter, what
it is and what it must be.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, UnreadablePostError

from ..documents.trusted import is_hash, normalised
from .errors import Refused

NAMES = ("query", "documentId", "variables", "operationName", "extensions")

# The only way into JSON for a character that UTF-8 does not have
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What is to be executed: a document as text, by identifiers, or both; never neither.

    Identifiers are as ``trusted.documents.normalised`` writes them.
    """

    query: str | None
    identifiers: tuple[str, ...]
    variables: Mapping[str, Any] | None
    operation_name: str | None


def body_of(request: HttpRequest, limit: int | None) -> str:
    """Return the text of a body of at most ``limit`` bytes (GraphQL over HTTP, 4.4.1).

    Raises Refused: 413 for a larger body, 400 for one that is empty or not UTF-8.
    """
    body = _body(request, limit)
    if not body:
        raise _missing(request)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"The body is not UTF-8: byte {error.start} cannot be decoded.") from None


def from_text(text: str, what: str) -> Parameters:
    """Read the parameters from the text of a JSON object; ``what`` is what holds it, for messages.

    Raises Refused (400) for one that is malformed.
    """
    return from_value(read_json(text, what), text, what)


def from_value(given: Any, text: str, what: str) -> Parameters:
    """Read the parameters from a JSON object that was read from a text, of which it may be a part.

    Raises Refused (400) for one that is malformed, and for what is no object.
    """
    if not isinstance(given, dict):
        raise Refused(f"{what} is {kind_of(given)}; it must be a JSON object with a query.")
    if _SURROGATE.search(text):
        _refuse_surrogates(given)
    return _checked(given)


def from_url(request: HttpRequest, limit: int | None) -> Parameters:
    """Read the parameters from a URL of at most ``limit`` bytes (GraphQL over HTTP, 4.3).

    Raises Refused: 414 for a longer one, 400 for one that is malformed.
    """
    query_string = request.META.get("QUERY_STRING", "")
    if limit is not None and len(query_string) > limit:
        raise too_large("URL", len(query_string), limit, "LIMITS.BODY_BYTES", HTTPStatus.REQUEST_URI_TOO_LONG)
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
    if given.get("query") == "" and not given.get("documentId") and not given.get("extensions"):
        raise Refused("The parameter query is empty; it must be a GraphQL document.")
    given = {name: value for name, value in given.items() if value}
    for name in ("variables", "extensions"):
        if name in given:
            text = given[name]
            given[name] = read_json(text, f"The parameter {name}")
            if _SURROGATE.search(text):
                _refuse_surrogates({name: given[name]})
    return given


def _checked(given: Mapping[str, Any]) -> Parameters:
    """Hold the parameters to their types; others are ignored (GraphQL over HTTP, 4.4.1)."""
    for name, kind, allowed in (
        ("documentId", str, "a string or null"),
        ("variables", dict, "an object or null"),
        ("operationName", str, "a string or null"),
        ("extensions", dict, "an object or null"),
    ):
        if given.get(name) is not None:
            _require(name, given[name], kind, allowed)
    identifiers = tuple(_identifiers(given))
    return Parameters(
        query=_query(given, identifiers),
        identifiers=identifiers,
        variables=given.get("variables"),
        # no operation has an empty name: as in a URL, none is meant
        operation_name=given.get("operationName") or None,
    )


def _query(given: Mapping[str, Any], identifiers: tuple[str, ...]) -> str | None:
    # clients that name a document may write null or nothing where they would write its text
    if identifiers and given.get("query") in (None, ""):
        return None
    if "query" not in given:
        raise Refused("The parameter query is missing; it must be a string that holds a GraphQL document.")
    query = given["query"]
    _require("query", query, str, "a string")
    return str(query)


def _identifiers(given: Mapping[str, Any]) -> Iterator[str]:
    if given.get("documentId"):
        yield normalised(given["documentId"])
    persisted = (given.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return
    where = "extensions.persistedQuery"
    _require(where, persisted, dict, "an object or null")
    version, sha256 = persisted.get("version"), persisted.get("sha256Hash")
    if version != 1:
        raise Refused(f"The parameter {where}.version is {json.dumps(version)[:100]}; it must be 1.")
    _require(f"{where}.sha256Hash", sha256, str, "a string of 64 hexadecimal digits")
    if not is_hash(sha256):
        raise Refused(f"The parameter {where}.sha256Hash is {sha256[:100]!r}; it must be 64 hexadecimal digits.")
    yield normalised(sha256)


def _require(name: str, value: Any, kind: type, allowed: str) -> None:
    if not isinstance(value, kind):
        raise Refused(f"The parameter {name} is {kind_of(value)}; it must be {allowed}.")


def _body(request: HttpRequest, limit: int | None) -> bytes:
    declared = declared_length(request, limit, "LIMITS.BODY_BYTES")
    try:
        body = request.body if limit is None or declared is not None else request.read(limit + 1)
    except RequestDataTooBig:
        allowed = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raise too_large("body", declared, allowed, "DATA_UPLOAD_MAX_MEMORY_SIZE") from None
    except UnreadablePostError:
        raise Refused("The body could not be read to its end.") from None
    if limit is not None and len(body) > limit:
        raise too_large("body", None, limit, "LIMITS.BODY_BYTES")
    return body


def declared_length(request: HttpRequest, limit: int | None, setting: str) -> int | None:
    """Return how many bytes the body is said to have, None where nothing is said: it comes in chunks.

    Raises Refused (413) for more than ``limit``, before any is read.
    """
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or "")
    except ValueError:
        return None
    if limit is not None and declared > limit:
        raise too_large("body", declared, limit, setting)
    return declared


def _missing(request: HttpRequest) -> Refused:
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        return Refused(
            "The body came in chunks, which Django does not read under WSGI; send it with a Content-Length.",
            status=HTTPStatus.LENGTH_REQUIRED,
            code="LENGTH_REQUIRED",
        )
    return Refused("The body is empty; it must be a JSON object with a query.")


def too_large(
    what: str,
    size: int | None,
    limit: int | None,
    setting: str,
    status: HTTPStatus = HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
) -> Refused:
    """Return what to raise for so many bytes; None, if only that they are more than the limit is known."""
    value = f"more than {limit}" if size is None else size
    return Refused(
        f"The {what} has {value} bytes; the limit is {limit}.",
        status=status,
        code="REQUEST_TOO_LARGE",
        limit=limit,
        value=value,
        setting=setting,
    )


def read_json(text: str, what: str) -> Any:
    """Read JSON and nothing more: no NaN, no infinity; raise Refused (400), which names ``what`` held it."""
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


def kind_of(value: Any) -> str:
    """Return the name that JSON has for a value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    for kind, name in ((str, "a string"), (dict, "an object"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "a number"
