"""Cross-site request forgery: whoever is recognised by a session has to show Django's token.

As in Django REST framework's SessionAuthentication: what a browser adds to a request by itself proves
nothing, so a request that carries a session is checked as Django's CsrfViewMiddleware checks a form. A
client that carries none (a token in a header, or nothing) could not be made to act for somebody else, and
needs no token. Queries by GET are not checked: they change nothing, and another site cannot read the answer.

A form with files must be one that no page of another site could have sent, whoever asks: see
``require_preflight``.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from .errors import Refused

logger = logging.getLogger("django.security.csrf")

PREFLIGHT_HEADERS = ("GraphQL-Require-Preflight", "Apollo-Require-Preflight")
"""Headers that say nothing but that JavaScript has set them; Apollo's clients are told to send theirs."""


class _Check(CsrfViewMiddleware):
    """Django's own check, which says why it rejects instead of making a page of it.

    The token counts in the header alone. Of a POST Django would look into the form first: all its files
    would be read before anybody knows whether they may be sent.
    """

    def process_view(self, request: HttpRequest, *args: Any) -> Any:
        method, request.method = request.method, "PUT"
        try:
            return super().process_view(request, *args)
        finally:
            request.method = method

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def _view(request: HttpRequest) -> HttpResponse:
    """Stand for a view that is not exempt: the middleware wants one."""
    return HttpResponse()


def require_token(request: HttpRequest) -> None:
    """Raise Refused (403) for a request that carries a session without the token that belongs to it."""
    if not carries_session(request):
        return
    check = _Check(_view)
    check.process_request(request)
    reason: Any = check.process_view(request, _view, (), {})
    if reason is not None:
        needs = f"A request that carries a session must send Django's CSRF token in the header {header_name()}."
        raise _rejected(request, reason, needs)


def require_preflight(request: HttpRequest) -> None:
    """Raise Refused (403) for a form that a page of another site could have sent.

    Browsers send ``multipart/form-data`` for any page, but not with a header that is none of the usual
    ones, unless this site has agreed to that before (WHATWG Fetch, "CORS-safelisted request-header"). So
    any such header will do, the token's as well. What a client without a session may do to a site is not
    nothing: it may be the only one that can reach it.
    """
    # set by Django's test client, unless it is told to enforce
    if getattr(request, "_dont_enforce_csrf_checks", False):
        return
    headers = (header_name(), *PREFLIGHT_HEADERS)
    if not any(request.headers.get(name) for name in headers):
        needs = f"A form with files must be sent with one of the headers: {', '.join(headers)}."
        raise _rejected(request, "Cross-site forms are not allowed.", needs)


def _rejected(request: HttpRequest, reason: str, needs: str) -> Refused:
    logger.warning("Forbidden (%s): %s", reason, request.path, extra={"status_code": 403, "request": request})
    return Refused(f"{reason} {needs}", status=HTTPStatus.FORBIDDEN, code="CSRF_FAILED")


def carries_session(request: HttpRequest) -> bool:
    """Whether the request has a session cookie, or a session that somebody is logged in to.

    The cookie alone counts, be there a SessionMiddleware or not, be the session anonymous or not; so does
    a session that was just opened for a user whom the web server vouches for (RemoteUserMiddleware).
    """
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return True
    session = getattr(request, "session", None)
    return session is not None and SESSION_KEY in session


def header_name() -> str:
    """Return the header that the token is sent in, as HTTP spells it."""
    return settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
