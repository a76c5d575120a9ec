"""Media types: the type of the response (Accept) and that of the request's body (Content-Type).

Django's ``HttpRequest.get_preferred_type`` is not used: for it ``application/json; charset=utf-8`` does not match
``application/json``, and ``*/*, application/json;q=0`` accepts JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from django.http import HttpRequest

from .errors import Refused

JSON = "application/json"
FORM = "multipart/form-data"
GRAPHQL_RESPONSE = "application/graphql-response+json"
HTML = "text/html"

ANSWERS = (JSON, GRAPHQL_RESPONSE)
"""Media types of responses to operations; the first one is used if the client has no preference."""


STREAMS = ("text/event-stream", "multipart/mixed")
"""Media types in which other servers send subscriptions and what ``@defer`` and ``@stream`` leave for later."""

# Browsers send less than 300 characters
MAX_ACCEPT = 1000


def accept_of(request: HttpRequest) -> str:
    """Return the Accept header; raise Refused (431) for one that is too long."""
    accept: str = request.META.get("HTTP_ACCEPT", "")
    if len(accept) > MAX_ACCEPT:
        raise Refused(
            f"The Accept header has {len(accept)} characters; the limit is {MAX_ACCEPT}.",
            status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            code="REQUEST_TOO_LARGE",
            limit=MAX_ACCEPT,
            value=len(accept),
        )
    return accept


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRange:
    """One element of an Accept header; ``position`` counts from the end, the last element having 1."""

    kind: str
    quality: float
    position: int

    @property
    def specificity(self) -> int:
        """2 for a media type, 1 for ``text/*``, 0 for ``*/*``."""
        return 0 if self.kind == "*/*" else 1 if self.kind.endswith("/*") else 2

    def includes(self, media_type: str) -> bool:
        """Whether the range matches the media type."""
        return self.kind in (media_type, media_type.partition("/")[0] + "/*", "*/*")


# cached, because a client sends the same header with every request; ``accept_of`` limits its length
@lru_cache(maxsize=100)
def preferred(accept: str, offers: tuple[str, ...]) -> str | None:
    """Return the offered media type that an Accept header prefers; None if it accepts none of them.

    The quality of an offer is that of the most specific range that matches it (RFC 9110, 12.5.1). Of offers with the
    same quality, the one with the most specific range wins, then the one whose range comes first in the header, then
    the one that is offered first. An empty header accepts everything.
    """
    ranges = list(_ranges(accept.strip() or "*/*"))
    best: tuple[tuple[float, int, int], str] | None = None
    for offer in offers:
        matching = [item for item in ranges if item.includes(offer)]
        if not matching:
            continue
        range_ = max(matching, key=lambda item: (item.specificity, item.position))
        rank = (range_.quality, range_.specificity, range_.position)
        if range_.quality > 0 and (best is None or rank > best[0]):
            best = rank, offer
    return best[1] if best else None


def not_acceptable(accept: str) -> Refused:
    """Return the refusal (406) of a request that accepts none of the media types of responses."""
    message = f"The Accept header accepts none of: {', '.join(ANSWERS)}."
    if any(range_.kind in STREAMS for range_ in _ranges(accept)):
        message += " There are no subscriptions here, and responses are sent whole."
    return Refused(message, status=HTTPStatus.NOT_ACCEPTABLE, code="NOT_ACCEPTABLE")


def is_form(request: HttpRequest) -> bool:
    """Return True for a multipart form, False for a JSON body; raise Refused (415) for anything else.

    Both must be in UTF-8. A form on another site can send ``text/plain`` and ``application/x-www-form-urlencoded``
    with the user's cookies, but ``application/json`` only after a preflight request (GraphQL over HTTP, 3; WHATWG
    Fetch, "CORS protocol"). It can send ``multipart/form-data`` as well, which ``csrf.require_preflight`` checks.
    """
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type in (JSON, FORM) and _is_utf8(charset):
        return request.content_type == FORM
    sent = request.META.get("CONTENT_TYPE") or "missing"
    raise Refused(
        f"The Content-Type of a POST must be {JSON}, or {FORM} with files, in UTF-8; it is {sent[:100]}.",
        status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        code="UNSUPPORTED_MEDIA_TYPE",
    )


def require_no_coding(request: HttpRequest) -> None:
    """Raise Refused (415) for a body in a content coding such as gzip (RFC 9110, 8.4), which Django does not decode.

    A middleware or server that decodes bodies must remove the header.
    """
    sent = request.META.get("HTTP_CONTENT_ENCODING", "")
    if sent and any(coding.strip().lower() not in ("", "identity") for coding in sent.split(",")):
        raise Refused(
            f"The Content-Encoding of a POST must be identity; it is {sent[:100]}.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            code="UNSUPPORTED_MEDIA_TYPE",
            # RFC 9110, 15.5.16
            headers={"Accept-Encoding": "identity"},
        )


def _ranges(accept: str) -> Iterator[MediaRange]:
    elements = accept.lower().split(",")
    for position, element in zip(range(len(elements), 0, -1), elements, strict=True):
        kind, *rest = (part.strip() for part in element.split(";"))
        parameters = dict(_parameter(part) for part in rest)
        if _is_utf8(parameters.get("charset", "utf-8")):
            yield MediaRange(kind=kind, quality=_quality(parameters.get("q", "1")), position=position)


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip(' \t"')


def _quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 1.0
    # the comparison is false for NaN, too
    return value if 0 <= value <= 1 else 1.0


def _is_utf8(charset: str) -> bool:
    # Python's registry of codecs is not asked: it remembers every name that it has not found
    return charset.strip().lower().replace("_", "-") in ("utf-8", "utf8")
