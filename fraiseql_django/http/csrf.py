"""Cross-site request forgery: whoever is recognised by a session has to show Django's token.

As in Django REST framework's SessionAuthentication: what a browser adds to a request by itself proves
nothing, so a request that carries a session is checked as Django's CsrfViewMiddleware checks a form. A
client that carries none (a token in a header, or nothing) could not be made to act for somebody else, and
needs no token. Queries by GET are not checked: they change nothing, and another site cannot read the answer.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from .refused import Refused

logger = logging.getLogger("django.security.csrf")


class _Check(CsrfViewMiddleware):
    """Django's own check, which says why it rejects instead of making a page of it."""

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
    # of the body nothing is read, since it is no form
    reason: Any = check.process_view(request, _view, (), {})
    if reason is not None:
        logger.warning("Forbidden (%s): %s", reason, request.path, extra={"status_code": 403, "request": request})
        raise Refused(
            f"{reason} A request that carries a session must send Django's CSRF token in the header {header_name()}.",
            status=HTTPStatus.FORBIDDEN,
            code="CSRF_FAILED",
        )


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
