"""Which caches may keep a response by GET, and for how long; and 304 for what a client has already.

A response says of itself what the policy of its operation allows (``planner/answer_policy.py``). Its ETag is made of
its bytes, which are computed for every request: a 304 saves sending them, never looking. Middleware that compresses the
bytes makes the tag a weak one, which is compared all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from ..planner.answer_policy import AnswerPolicy

NO_STORE = "no-store"
# of GET: Django's own cache middleware keeps what is not private
PRIVATE_NO_STORE = "private, no-store"


class Answer(HttpResponse):
    """A response that is for one viewer as soon as anything, for instance middleware, sets a cookie with it."""

    @property
    def headers(self) -> Any:
        """Return the headers: whoever reads them, middleware or Django's handlers, finds what the cookies make of them.

        A cookie may have been set by ``set_cookie``, among ``cookies``, or as a header.
        """
        found = self.__dict__["headers"]
        control = found.get("Cache-Control", "")
        # Django sets the cookies of a response after its headers
        if "public" in control and (self.__dict__.get("cookies") or "Set-Cookie" in found):
            # a shared cache would give the cookie to others
            found["Cache-Control"] = control.replace("public", "private")
        return found

    @headers.setter
    def headers(self, headers: Any) -> None:
        self.__dict__["headers"] = headers


def may_be_shared(request: HttpRequest) -> bool:
    """Whether a shared cache may give the answer to a request to others, as far as the request tells.

    Not where it carries credentials in a header (RFC 9111, section 3.5), or where something before the view has looked
    at the session: a decorator or middleware that lets only some users through.
    """
    session = getattr(request, "session", None)
    return "Authorization" not in request.headers and not getattr(session, "accessed", False)


def headers_of(policy: AnswerPolicy) -> Mapping[str, str]:
    """Return the headers by which caches may keep an answer by GET without errors."""
    if policy.never:
        return {"Cache-Control": PRIVATE_NO_STORE, "Vary": "Accept"}
    if policy.public and policy.max_age:
        return {"Cache-Control": f"public, max-age={policy.max_age}", "Vary": "Accept"}
    # a browser may ask again as another user
    vary = ["Accept", *(["Accept-Language"] if policy.by_language else []), "Cookie", "Authorization"]
    kept = f"max-age={policy.max_age}" if policy.max_age else "no-cache"
    return {"Cache-Control": f"private, {kept}", "Vary": ", ".join(vary)}


def conditional(request: HttpRequest, response: Answer, media_type: str) -> HttpResponseBase:
    """Give an answer its ETag, and leave its bytes out where the client has them; refuse where If-Match has another."""
    # the same text is another representation as another media type
    digest = blake2b(media_type.encode() + b"\0" + response.content, digest_size=16).hexdigest()
    response["ETag"] = f'"{digest}"'
    found: HttpResponseBase = get_conditional_response(request, etag=response["ETag"], response=response) or response
    if found.status_code != HTTPStatus.NOT_MODIFIED:
        return found
    # the same object, which knows what cookies mean
    response.status_code, response.content = HTTPStatus.NOT_MODIFIED, b""
    del response["Content-Type"]
    return response
