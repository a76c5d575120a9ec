"""Reads the parameters of a request from its body or URL (GraphQL over HTTP, 4.1).

A request may have an identifier in place of the document's text: ``documentId`` (appendix A, "Persisted Documents"),
or the hash in ``extensions.persistedQuery``, which Apollo's clients send. ``document_ids`` looks the document up.

Error messages name the parameter, its value or JSON type, and what it must be.
"""

from __future__ import annotations

import json
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
from ..schema.scalars.numbers import parse_number
from .errors import Refused

NAMES = ("query", "documentId", "variables", "operationName", "extensions")

# Lone surrogates have no UTF-8 encoding, so that only an escape sequence of JSON can produce one
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of one operation. At least one of ``query`` and ``identifiers`` is present.

    Identifiers are in the form of ``documents.trusted.normalised``. The variables are part of a JSON text of
    ``sent_bytes`` bytes.
    """

    query: str | None
    identifiers: tuple[str, ...]
    variables: Mapping[str, Any] | None
    operation_name: str | None
    sent_bytes: int


def body_of(request: HttpRequest, limit: int | None) -> str:
    """Return the text of the request's body (GraphQL over HTTP, 4.4.1).

    Raises Refused: 413 for more than ``limit`` bytes, 400 for an empty body or one that is not UTF-8, 411 for a body
    of unknown length that Django cannot read.
    """
    body = _body(request, limit)
    if not body:
        raise _missing(request)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"The body is not UTF-8: byte {error.start} cannot be decoded.") from None


def from_text(text: str, what: str) -> Parameters:
    """Read the parameters from the text of a JSON object; messages call it ``what``.

    Raises Refused (400) for malformed JSON or parameters.
    """
    return from_value(read_json(text, what), text, what)


def from_value(value: Any, text: str, what: str) -> Parameters:
    """Read the parameters from a decoded JSON object; ``text`` is the JSON text that it was part of.

    Raises Refused (400) for malformed parameters, and for a value that is not an object.
    """
    if not isinstance(value, dict):
        raise Refused(f"{what} is {kind_of(value)}; it must be a JSON object with a query.")
    if "\\u" in text and _SURROGATE.search(text):
        _refuse_surrogates(value)
    return _checked(value, len(text) if text.isascii() else 4 * len(text))


def from_url(request: HttpRequest, limit: int | None) -> Parameters:
    """Read the parameters from the query string of a URL (GraphQL over HTTP, 4.3).

    Raises Refused: 414 for more than ``limit`` bytes, 400 for malformed parameters.
    """
    query_string = request.META.get("QUERY_STRING", "")
    if limit is not None and len(query_string) > limit:
        raise too_large("URL", len(query_string), limit, "LIMITS.BODY_BYTES", HTTPStatus.REQUEST_URI_TOO_LONG)
    if isinstance(request, WSGIRequest):
        # WSGI decodes the bytes as Latin-1 (PEP 3333); bytes that are not UTF-8 become lone surrogates
        query_string = query_string.encode("latin-1").decode("utf-8", "surrogateescape")
    texts: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape"):
        if name not in NAMES:
            continue
        if name in texts:
            raise Refused(f"The parameter {name} is in the URL more than once.")
        if not _is_text(value):
            raise Refused(f"The parameter {name} is not UTF-8.")
        texts[name] = value
    return _checked(_decoded(texts), len(query_string))


def _decoded(texts: Mapping[str, str]) -> dict[str, Any]:
    """Decode the parameters of a URL that are JSON; optional parameters that are empty count as missing."""
    if texts.get("query") == "" and not texts.get("documentId") and not texts.get("extensions"):
        raise Refused("The parameter query is empty; it must be a GraphQL document.")
    values: dict[str, Any] = {name: text for name, text in texts.items() if text}
    for name in ("variables", "extensions"):
        if name in values:
            values[name] = read_json(texts[name], f"The parameter {name}")
            if _SURROGATE.search(texts[name]):
                _refuse_surrogates({name: values[name]})
    return values


def _checked(values: Mapping[str, Any], sent_bytes: int) -> Parameters:
    """Check the types of the parameters; unknown parameters are ignored (GraphQL over HTTP, 4.4.1)."""
    variables, operation_name = values.get("variables"), values.get("operationName")
    identifiers: tuple[str, ...] = ()
    if "documentId" in values or "extensions" in values:
        _require("documentId", values.get("documentId"), str, "a string or null")
        _require("extensions", values.get("extensions"), dict, "an object or null")
        identifiers = tuple(_identifiers(values))
    _require("variables", variables, dict, "an object or null")
    _require("operationName", operation_name, str, "a string or null")
    return Parameters(
        query=_query(values, identifiers),
        identifiers=identifiers,
        variables=variables,
        # an empty name counts as missing, as it does in a URL
        operation_name=operation_name or None,
        sent_bytes=sent_bytes,
    )


def _query(values: Mapping[str, Any], identifiers: tuple[str, ...]) -> str | None:
    # with an identifier, clients may send null or an empty string as the text
    if identifiers and values.get("query") in (None, ""):
        return None
    if "query" not in values:
        raise Refused("The parameter query is missing; it must be a string that contains a GraphQL document.")
    query = values["query"]
    if not isinstance(query, str):
        raise _of_another_type("query", query, "a string")
    return query


def _identifiers(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("documentId"):
        yield normalised(values["documentId"])
    persisted = (values.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return
    where = "extensions.persistedQuery"
    _require(where, persisted, dict, "an object or null")
    version, sha256 = persisted.get("version"), persisted.get("sha256Hash")
    if version != 1:
        raise Refused(f"The parameter {where}.version is {json.dumps(version)[:100]}; it must be 1.")
    if not isinstance(sha256, str):
        raise _of_another_type(f"{where}.sha256Hash", sha256, "a string of 64 hexadecimal digits")
    if not is_hash(sha256):
        raise Refused(f"The parameter {where}.sha256Hash is {sha256[:100]!r}; it must be 64 hexadecimal digits.")
    yield normalised(sha256)


def _require(name: str, value: Any, kind: type, allowed: str) -> None:
    """Raise Refused for a value of another type; null counts as missing."""
    if value is not None and not isinstance(value, kind):
        raise _of_another_type(name, value, allowed)


def _of_another_type(name: str, value: Any, allowed: str) -> Refused:
    return Refused(f"The parameter {name} is {kind_of(value)}; it must be {allowed}.")


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
    """Return the Content-Length of the request; None without one, when the body is sent in chunks.

    Raises Refused (413) for more than ``limit`` bytes, before any of them is read.
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
    """Return the error for more than ``limit`` bytes; ``size`` is None if the exact number is not known."""
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
    """Decode JSON; NaN, Infinity and numbers out of range are errors.

    Raises Refused (400) with a message that calls the text ``what``.
    """
    try:
        return _JSON.decode(text)
    except RecursionError:
        raise Refused(f"{what} is nested too deeply to be read.") from None
    except json.JSONDecodeError as error:
        raise Refused(f"{what} is not JSON: {error}.") from None
    except ValueError as error:
        raise Refused(f"{what} contains a number that cannot be read: {error}.") from None


def _no_number(constant: str) -> float:
    raise ValueError(f"JSON has no {constant}")


_JSON = json.JSONDecoder(parse_constant=_no_number, parse_float=parse_number)


def _refuse_surrogates(values: Mapping[str, Any]) -> None:
    for name in NAMES:
        if name in values and not _is_text(json.dumps(values[name], ensure_ascii=False)):
            raise Refused(f"The parameter {name} contains half of a surrogate pair, which is not a character.")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def kind_of(value: Any) -> str:
    """Return the JSON type of a decoded value, for messages."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    for kind, name in ((str, "a string"), (dict, "an object"), (list, "an array")):
        if isinstance(value, kind):
            return name
    return "a number"
