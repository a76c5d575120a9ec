"""The GraphiQL page: when it is shown, where its files come from, and its Content Security Policy."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.views.decorators.csrf import ensure_csrf_cookie

from ..conf.settings import GraphiQLSettings
from ..language.introspection import Introspection
from ..viewer import Viewer
from .csrf import header_name
from .examples import UnusableExamples, read_examples
from .negotiation import ANSWERS, HTML, preferred

TEMPLATE = "fraiseql_django/graphiql.html"
CDN = "https://cdn.jsdelivr.net"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the page: its name below ``ASSETS_URL``, its path on the CDN and its digest (Subresource Integrity)."""

    name: str
    path: str
    integrity: str


# The digests are those of the files in their npm packages, which the CDN serves unchanged.
STYLE = File(
    name="graphiql.min.css",
    path="/npm/graphiql@3.9.0/graphiql.min.css",
    integrity="sha384-QMux00XgRtwRLSYIY3kw2rj1ovk5AuuliAchk+HSQbqdbGFnz9GYuqIlOqxhwCE2",
)
SCRIPTS = (
    File(
        name="react.production.min.js",
        path="/npm/react@18.3.1/umd/react.production.min.js",
        integrity="sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    ),
    File(
        name="react-dom.production.min.js",
        path="/npm/react-dom@18.3.1/umd/react-dom.production.min.js",
        integrity="sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    ),
    File(
        name="graphiql.min.js",
        path="/npm/graphiql@3.9.0/graphiql.min.js",
        integrity="sha384-8NGfVj4CVlqHajlZj+bPJT4thxPMHMJYn7DWK2CvtopLd02E7qsPHazniBYvVjOO",
    ),
)


def is_for(request: HttpRequest, accept: str, settings: GraphiQLSettings, introspection: Introspection) -> bool:
    """Whether to answer a GET request by the page: it prefers HTML, and its viewer may query the schema.

    GraphiQL cannot work without introspection. The viewer is checked last, so that a session is read for browsers only.
    """
    enabled = django_settings.DEBUG if settings.enabled is None else settings.enabled
    return enabled and preferred(accept, (*ANSWERS, HTML)) == HTML and introspection.allows(Viewer(request))


@ensure_csrf_cookie
def page(request: HttpRequest, settings: GraphiQLSettings) -> HttpResponse:
    """Return the page, which sends operations to its own URL, with Django's CSRF token.

    The token is part of the page, because JavaScript cannot read the cookie in every project (CSRF_COOKIE_HTTPONLY,
    CSRF_USE_SESSIONS). Therefore the page must not be cached.
    """
    nonce = secrets.token_urlsafe(16)
    context = {
        "config": {"csrfHeader": header_name(), "csrfToken": get_token(request), "examples": _examples(settings)},
        "from_cdn": settings.assets_url is None,
        "nonce": nonce,
        "scripts": [(address(file, settings), file.integrity) for file in SCRIPTS],
        "style": (address(STYLE, settings), STYLE.integrity),
    }
    response = render(request, TEMPLATE, context)
    response["Content-Security-Policy"] = content_security_policy(nonce, settings)
    add_never_cache_headers(response)
    patch_vary_headers(response, ["Accept"])
    return response


def _examples(settings: GraphiQLSettings) -> list[dict[str, str]]:
    # a folder that cannot be read is reported by the checks
    try:
        found = [] if settings.examples is None else read_examples(Path(settings.examples))
    except UnusableExamples:
        return []
    return [asdict(example) for example in found]


def address(file: File, settings: GraphiQLSettings) -> str:
    """Return the URL of a file of the page."""
    if settings.assets_url is None:
        return CDN + file.path
    return f"{settings.assets_url.rstrip('/')}/{file.name}"


def content_security_policy(nonce: str, settings: GraphiQLSettings) -> str:
    """Return a policy that allows the page its own scripts and requests to its own site only.

    Inline styles are allowed, because GraphiQL's editor writes style attributes.
    """
    url = urlsplit(settings.assets_url or CDN)
    source = f"{url.scheme}://{url.netloc}" if url.scheme else url.netloc or "'self'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src {source} 'unsafe-inline'",
            f"font-src {source} data:",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
