"""Protection against cross-site request forgery: a request with a session must send Django's CSRF token.

The rule is that of Django REST framework's SessionAuthentication: browsers add session cookies to every request, so a
request with a session is checked as Django's CsrfViewMiddleware checks a form. A request without one (with a token in
a header, or anonymous) does not use a browser's credentials and is not checked. Queries by GET are not checked either:
they change nothing, and another site cannot read the response.

A form with files must have a header that a page of another site cannot send, with or without a session: see
``require_preflight``. With ``REQUIRE_PREFLIGHT``, a query by GET must have one, too.
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
from .negotiation import JSON

logger = logging.getLogger("django.security.csrf")

PREFLIGHT_HEADERS = ("GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Apollo-Operation-Name")
"""Headers that only show that JavaScript sent the request; Apollo's clients send the last one, or can be configured to
send the second one."""


class _Check(CsrfViewMiddleware):
    """Django's check, which returns the reason of a rejection instead of a response.

    The token is read from the header only. For a POST Django would look for it in the form first, and read all
    uploaded files before the request is checked.
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
    """The view that the middleware takes as an argument; it is not exempt from the check."""
    return HttpResponse()


def require_token(request: HttpRequest) -> None:
    """Raise Refused (403) if the request has a session but not its CSRF token."""
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

    Browsers send ``multipart/form-data`` to other sites without asking, but a header that is not on their list only
    after a preflight request (WHATWG Fetch, "CORS-safelisted request-header"). Therefore any such header is
    sufficient, including the CSRF token's. Requests without a session are checked as well, because the browser may be
    in a network from which alone the site can be reached.
    """
    headers = _required_headers(request)
    if headers:
        needs = f"A form with files must be sent with one of the headers: {headers}."
        raise _rejected(request, "Cross-site forms are not allowed.", needs)


def require_preflight_of_get(request: HttpRequest) -> None:
    """Raise Refused (403) for a query by GET that a page of another site could have sent.

    The Content-Type application/json is such a header as well: browsers send three other types without asking.
    """
    headers = _required_headers(request)
    if headers and request.content_type != JSON:
        needs = f"A query by GET must be sent with one of the headers: {headers}, or with the Content-Type {JSON}."
        raise _rejected(request, "Cross-site requests are not allowed.", needs)


def _required_headers(request: HttpRequest) -> str:
    """Return the headers of which a request should have one; empty where it has."""
    # set by Django's test client, unless enforce_csrf_checks is True
    if getattr(request, "_dont_enforce_csrf_checks", False):
        return ""
    headers = (header_name(), *PREFLIGHT_HEADERS)
    return "" if any(request.headers.get(name) for name in headers) else ", ".join(headers)


def _rejected(request: HttpRequest, reason: str, needs: str) -> Refused:
    # a path may have line feeds, which would look like entries of the log; Django escapes it in the same way
    path = request.path.encode("unicode_escape").decode("ascii")
    logger.warning("Forbidden (%s): %s", reason, path, extra={"status_code": 403, "request": request})
    return Refused(f"{reason} {needs}", status=HTTPStatus.FORBIDDEN, code="CSRF_FAILED")


def carries_session(request: HttpRequest) -> bool:
    """Whether the request has a session cookie, or a session with a user who is logged in.

    The cookie is sufficient, even without SessionMiddleware or for an anonymous session. A session without a cookie
    exists when it was opened in this request, as RemoteUserMiddleware does.
    """
    # the header is parsed at the first access
    has_cookies = request.META.get("HTTP_COOKIE") or "COOKIES" in request.__dict__
    if has_cookies and settings.SESSION_COOKIE_NAME in request.COOKIES:
        return True
    session = getattr(request, "session", None)
    return session is not None and SESSION_KEY in session


def header_name() -> str:
    """Return the name of the header for the CSRF token, in the spelling of HTTP."""
    return settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
