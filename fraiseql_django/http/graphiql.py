"""The GraphiQL page: when it is shown, where its files come from, and its Content Security Policy.

The files are those of the distribution ``fraiseql_django_graphiql`` (the extra ``graphiql``), in this order:

    ``GRAPHIQL.ASSETS_URL``            a folder of the project's own, at a URL
    its package in INSTALLED_APPS      static files of Django
    its package in the environment     the endpoint itself serves them: ``/graphql/?graphiql=graphiql.js``
    not installed, ``GRAPHIQL.CDN``    a public CDN has modules of the same names
    otherwise                          the page says step by step how to get them

The script of the page imports modules by their npm names; an import map says where they are. Where all of them are in
one file, each name leads to that file.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.apps import apps
from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render, resolve_url
from django.templatetags.static import static
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.csrf import ensure_csrf_cookie

from .._compat import nonce_of_middleware
from ..conf.settings import GraphiQLSettings
from ..language.introspection import Introspection
from ..viewer import Viewer
from .csrf import header_name
from .examples import UnusableExamples, read_examples
from .negotiation import ANSWERS, HTML, preferred

TEMPLATE = "fraiseql_django/graphiql.html"
MESSAGE_TEMPLATE = "fraiseql_django/graphiql_message.html"
PACKAGE = "fraiseql_django_graphiql"
PARAMETER = "graphiql"

SCRIPT = "graphiql.js"
STYLE = "graphiql.css"
WORKERS = {"editor": "editor.worker.js", "graphql": "graphql.worker.js", "json": "json.worker.js"}
CONTENT_TYPES = {
    STYLE: "text/css; charset=utf-8",
    **dict.fromkeys((SCRIPT, *WORKERS.values()), "text/javascript; charset=utf-8"),
}
MODULES = ("@graphiql/plugin-explorer", "@graphiql/react", "@graphiql/toolkit", "graphiql", "react", "react-dom/client")

# The versions and the digests (Subresource Integrity) of GraphiQL's own example for this CDN, graphiql-cdn
CDN = "https://esm.sh"
CDN_STYLES = {
    f"{CDN}/graphiql@5.2.2/dist/style.css": "sha384-f6GHLfCwoa4MFYUMd3rieGOsIVAte/evKbJhMigNdzUf52U9bV2JQBMQLke0ua+2",
    f"{CDN}/@graphiql/plugin-explorer@5.1.1/dist/style.css": (
        "sha384-vTFGj0krVqwFXLB7kq/VHR0/j2+cCT/B63rge2mULaqnib2OX7DVLUVksTlqvMab"
    ),
}
_ON_CDN = {
    "react": f"{CDN}/react@19.2.5",
    "react-dom": f"{CDN}/react-dom@19.2.5",
    "graphiql": f"{CDN}/graphiql@5.2.2?standalone&external=react,react-dom,@graphiql/react,graphql",
    "@graphiql/plugin-explorer": (
        f"{CDN}/@graphiql/plugin-explorer@5.1.1?standalone&external=react,@graphiql/react,graphql"
    ),
    "@graphiql/react": (
        f"{CDN}/@graphiql/react@0.37.3"
        "?standalone&external=react,react-dom,graphql,@graphiql/toolkit,@emotion/is-prop-valid"
    ),
    "@graphiql/toolkit": f"{CDN}/@graphiql/toolkit@0.11.3?standalone&external=graphql",
    "graphql": f"{CDN}/graphql@16.13.2",
}
CDN_IMPORTS = {
    "imports": {
        **_ON_CDN,
        "react/": f"{CDN}/react@19.2.5/",
        "react-dom/": f"{CDN}/react-dom@19.2.5/",
        "graphiql/": f"{CDN}/graphiql@5.2.2/",
        # an optional dependency of a dependency
        "@emotion/is-prop-valid": "data:text/javascript,",
    },
    "integrity": {
        _ON_CDN["react"]: "sha384-ZNmUQ9QQgyl95nnD/FJTBQn2ZEPTbWtMuWCXTKWNuF6Si7nC+6bvSgk5LWu+ELHn",
        _ON_CDN["react-dom"]: "sha384-qtNxBzn9gBs3CmJItMuvIVyjW3VIU0/rzGhCm9MippVU1BpR/c4VgaFYDIg/FrY2",
        _ON_CDN["graphiql"]: "sha384-SzHBEbcQfhvmwqh5Vtat9k7b/kIzmdVO3KMzQiAYwcxCA9x7vZwFRUgjzN1AeV3q",
        _ON_CDN["@graphiql/react"]: "sha384-iZsbTy9B0VcX2BOTdqMuX0uJ9Hff5GbG2QeOt4OeMp0GHza76dwQaYQYNYkZkIVq",
        _ON_CDN["@graphiql/toolkit"]: "sha384-ZsnupyYmzpNjF1Z/81zwi4nV352n4P7vm0JOFKiYnAwVGOf9twnEMnnxmxabMBXe",
        _ON_CDN["graphql"]: "sha384-TQg9alwG3P9fzBErDW011vKuyTnrwpBZsl3SdMAh6DwBcv9ezFOl0djGI/68VOyy",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the page gets its files from.

    ``origin`` names the way ("url", "static", "endpoint", "cdn"), ``styles`` maps URLs to digests or None, ``workers``
    maps the names of Monaco's workers to URLs; it is empty where a module of the import map starts them.
    """

    origin: str
    imports: Mapping[str, Mapping[str, str]]
    styles: Mapping[str, str | None]
    workers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why GraphiQL cannot be used: what a user is told, the setting that says so, and whether signing in may help."""

    message: str
    setting: str
    login: bool


def is_for(request: HttpRequest, accept: str, settings: GraphiQLSettings) -> bool:
    """Whether GraphiQL is on, and a GET request prefers HTML."""
    return _enabled(settings) and preferred(accept, (*ANSWERS, HTML)) == HTML


def _enabled(settings: GraphiQLSettings) -> bool:
    return django_settings.DEBUG if settings.enabled is None else settings.enabled


def hindrance(request: HttpRequest, introspection: Introspection, trusted_only: bool) -> Hindrance | None:
    """Return why GraphiQL cannot be used for a request; None: it can.

    GraphiQL cannot work without introspection. This reads the viewer, so it is called for browsers only.
    """
    if trusted_only:
        setting = "FRAISEQL['TRUSTED_DOCUMENTS']['MODE'] is 'required'"
        return Hindrance(message="Only trusted documents are executed here.", setting=setting, login=False)
    message = introspection.refusal(Viewer(request))
    if message is None:
        return None
    setting = f"FRAISEQL['INTROSPECTION'] is {introspection.policy!r}"
    return Hindrance(message=message, setting=setting, login=introspection.policy != "disabled")


def explanation(request: HttpRequest, why: Hindrance) -> HttpResponse:
    """Return a page (403) that says why GraphiQL cannot be used, with a link to sign in where that may help."""
    context = {
        "message": why.message,
        "setting": why.setting if django_settings.DEBUG else "",
        "login": _login_url(request) if why.login else "",
    }
    return _finished(request, render(request, MESSAGE_TEMPLATE, context, status=403), _nonce(request), None)


def _login_url(request: HttpRequest) -> str:
    """Return where users sign in; empty if ``LOGIN_URL`` is an address that this site does not have."""
    try:
        url = resolve_url(django_settings.LOGIN_URL)
        parts = urlsplit(url)
        if not parts.netloc:
            resolve("/" + parts.path.removeprefix(get_script_prefix()))
    except (NoReverseMatch, Resolver404):
        return ""
    return f"{url}{'&' if parts.query else '?'}{urlencode({'next': request.get_full_path()})}"


@ensure_csrf_cookie
def page(request: HttpRequest, settings: GraphiQLSettings) -> HttpResponse:
    """Return the page, which sends operations to its own URL, with Django's CSRF token.

    The token is part of the page, because JavaScript cannot read the cookie in every project (CSRF_COOKIE_HTTPONLY,
    CSRF_USE_SESSIONS). Therefore the page must not be cached.
    """
    nonce, files = _nonce(request), files_of(request, settings)
    config = {
        "csrfHeader": header_name(),
        "csrfToken": get_token(request),
        "examples": _examples(settings),
        "headers": json.dumps(settings.headers, indent=2) if settings.headers else "",
        "links": [{"title": title, "url": url} for title, url in settings.links.items()],
        "workers": files.workers if files is not None else {},
    }
    context = {
        "config": config,
        "debug": django_settings.DEBUG,
        "files": files,
        "imports": _script_json(files.imports) if files is not None else "",
        "nonce": nonce,
        "origin": files.origin if files is not None else "none",
        "url": request.build_absolute_uri(request.path),
    }
    return _finished(request, render(request, TEMPLATE, context), nonce, files)


def _finished(request: HttpRequest, response: HttpResponse, nonce: str, files: Files | None) -> HttpResponse:
    response["Content-Security-Policy"] = content_security_policy(nonce, files)
    add_never_cache_headers(response)
    patch_vary_headers(response, ["Accept"])
    return response


def _script_json(value: Any) -> SafeString:
    """Return JSON that can stand in a script element, as Django's filter ``json_script`` escapes it."""
    escapes = {ord(character): f"\\u{ord(character):04X}" for character in "<>&"}
    return mark_safe(json.dumps(value).translate(escapes))


def _examples(settings: GraphiQLSettings) -> list[dict[str, str]]:
    # a folder that cannot be read is reported by the checks
    try:
        found = [] if settings.examples is None else read_examples(Path(settings.examples))
    except UnusableExamples:
        return []
    return [asdict(example) for example in found]


# --- files ---


def files_of(request: HttpRequest, settings: GraphiQLSettings) -> Files | None:
    """Return where the page gets its files from; None: from nowhere, and the page says what to do."""
    if settings.assets_url is not None:
        folder = settings.assets_url.rstrip("/")
        return _own_files("url", {name: f"{folder}/{name}" for name in CONTENT_TYPES})
    if apps.is_installed(PACKAGE):
        # ManifestStaticFilesStorage knows no file before `collectstatic`: ValueError
        with suppress(ValueError):
            return _own_files("static", {name: static(f"{PACKAGE}/{name}") for name in CONTENT_TYPES})
    if _folder() is not None:
        return _own_files("endpoint", {name: _address(request, name) for name in CONTENT_TYPES})
    if settings.cdn:
        return Files(origin="cdn", imports=CDN_IMPORTS, styles=CDN_STYLES, workers={})
    return None


def _own_files(origin: str, urls: Mapping[str, str]) -> Files:
    return Files(
        origin=origin,
        imports={"imports": dict.fromkeys(MODULES, urls[SCRIPT])},
        styles={urls[STYLE]: None},
        workers={name: urls[file] for name, file in WORKERS.items()},
    )


def _address(request: HttpRequest, name: str) -> str:
    return f"{request.path}?{urlencode({PARAMETER: name, 'digest': _read(name)[1]})}"


def file(request: HttpRequest, settings: GraphiQLSettings) -> HttpResponse | None:
    """Return the file of the page that a GET request is for; None: it is for none, or GraphiQL is off.

    The page has the file's digest in the URL, so browsers may keep it for good.
    """
    if not request.META.get("QUERY_STRING", "").startswith(f"{PARAMETER}="):
        return None
    name = request.GET[PARAMETER]
    if name not in CONTENT_TYPES or not _enabled(settings) or _folder() is None:
        return None
    content, digest = _read(name)
    response = HttpResponse(content, content_type=CONTENT_TYPES[name])
    fresh = request.GET.get("digest") == digest
    response["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
    # of a worker: it loads nothing
    response["Content-Security-Policy"] = "default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@cache
def _folder() -> Path | None:
    """Return the folder of the installed files, if they are installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "static" / PACKAGE
    return folder if (folder / SCRIPT).is_file() else None


@cache
def _read(name: str) -> tuple[bytes, str]:
    """Return a file and its digest."""
    folder = _folder()
    assert folder is not None
    content = (folder / name).read_bytes()
    return content, sha256(content).hexdigest()[:16]


# --- Content Security Policy ---


def _nonce(request: HttpRequest) -> str:
    """Return the nonce of a request: that of a middleware, or one that further middleware will find.

    ``request.csp_nonce`` is django-csp's attribute, which other packages read as well, such as django-debug-toolbar.
    """
    given = getattr(request, "csp_nonce", None)
    if given is None:
        given = nonce_of_middleware(request)
    if given is None:
        given = secrets.token_urlsafe(16)
        request.csp_nonce = given  # type: ignore[attr-defined]
    return str(given)


def content_security_policy(nonce: str, files: Files | None) -> str:
    """Return a policy that allows the page its own scripts, what these load, and requests to its own site only.

    Inline styles are allowed, because GraphiQL's editor writes style attributes. Static files of the site are allowed
    as styles, fonts and images for what middleware adds to pages, such as django-debug-toolbar.
    """
    urls = [django_settings.STATIC_URL or ""]
    if files is not None:
        urls += [*files.styles, *files.workers.values()]
    sources = " ".join(dict.fromkeys(["'self'", *filter(None, map(_source, urls))]))
    workers = sources
    if files is not None and (files.origin == "cdn" or workers != "'self'"):
        # browsers start workers of the page's own origin only; the page wraps those of others
        workers += " blob:"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            f"style-src {sources} 'unsafe-inline'",
            f"font-src {sources} data:",
            f"img-src {sources} data:",
            f"worker-src {workers}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _source(url: str) -> str:
    """Return the source in a policy that has a URL; empty for the page's own origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme else parts.netloc
