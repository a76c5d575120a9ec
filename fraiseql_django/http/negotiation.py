"""Media types: which one the client wants to read, and whether it sent one that is read here.

Django's ``HttpRequest.get_preferred_type`` is not used: it takes ``application/json; charset=utf-8`` for a
type other than ``application/json``, and ``*/*, application/json;q=0`` for a wish to get JSON.
"""

from __future__ import annotations

import codecs
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
"""What operations are answered in; the first one where the client has no preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRange:
    """One element of an Accept header; ``position`` is its place in it, from the end."""

    kind: str
    quality: float
    position: int

    @property
    def specificity(self) -> int:
        """2 for a media type, 1 for ``text/*``, 0 for ``*/*``."""
        return 0 if self.kind == "*/*" else 1 if self.kind.endswith("/*") else 2

    def includes(self, media_type: str) -> bool:
        """Whether the range speaks of the media type."""
        return self.kind in (media_type, media_type.partition("/")[0] + "/*", "*/*")


# a client's header is the same in all of its requests
@lru_cache(maxsize=100)
def preferred(accept: str, offers: tuple[str, ...]) -> str | None:
    """Return the media type that an Accept header likes best among the offers, None where it likes none.

    An offer is as good as the most specific range that speaks of it (RFC 9110, 12.5.1). Of equally good
    ones, the one that the header names most exactly comes first, then the one that it names first, then
    the one that is offered first. An empty header takes anything.
    """
    ranges = list(_ranges(accept.strip() or "*/*"))
    best: tuple[tuple[float, int, int], str] | None = None
    for offer in offers:
        speaking = [item for item in ranges if item.includes(offer)]
        if not speaking:
            continue
        found = max(speaking, key=lambda item: (item.specificity, item.position))
        rank = (found.quality, found.specificity, found.position)
        if found.quality > 0 and (best is None or rank > best[0]):
            best = rank, offer
    return best[1] if best else None


def is_form(request: HttpRequest) -> bool:
    """Tell a body that is sent as a form with files, in UTF-8, from one that is sent as JSON in UTF-8.

    Nothing else is taken; raises Refused (415). A foreign page's form can send ``text/plain`` and
    ``application/x-www-form-urlencoded`` along with the user's cookies, but ``application/json`` not
    without asking first (GraphQL over HTTP, 3; WHATWG Fetch, "CORS protocol"). It can send
    ``multipart/form-data`` as well, which is why ``csrf.require_preflight`` is asked of that.
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
    # also what is no number at all: NaN is not between anything
    return value if 0 <= value <= 1 else 1.0


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False
