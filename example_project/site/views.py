"""The page that the demo begins at, and signing in as one of its users."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from example_project.bookshop.showcase import QUERY, VARIABLES
from example_project.site.accounts import ACCOUNTS, accounts
from fraiseql_django import get_engine
from fraiseql_django.http.examples import read_examples

COVER = "mutation Cover($id: ID!, $file: Upload!) { setCover(id: $id, file: $file) { title cover { name url } } }"
PRICE = """mutation {
  updateBook(id: 1, input: {price: "1.00"}) { ... on UpdateBookSuccess { book { title price } } }
}"""
ORDERS = "{ ordersCount orders(limit: 3) { number customer { name } } }"


@ensure_csrf_cookie
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Show what there is to try."""
    graphql, members = reverse("fraiseql_django:graphql"), reverse("members")
    context = {
        "accounts": accounts(),
        "calls": _calls(graphql, members),
        "endpoint": request.build_absolute_uri(graphql),
        "next": request.GET.get("next", ""),
        "python": _python(),
        "operations": _links(graphql, settings.FRAISEQL["GRAPHIQL"]["EXAMPLES"]),
        "members_operations": _links(members, settings.FRAISEQL["SCHEMAS"]["members"]["GRAPHIQL"]["EXAMPLES"]),
        "statistics": get_engine().statistics(),
    }
    return render(request, "site/start.html", context)


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as a user of the demo, without a password, or sign out; then go to where the user came from."""
    name = request.POST.get("name", "")
    if name:
        user = User.objects.filter(username=name).first() if name in ACCOUNTS and settings.DEBUG else None
        if user is None:
            raise Http404(f"There is no user {name!r} to sign in as.")
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    else:
        logout(request)
    after = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(after, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(after if safe else reverse("start"))


def _python() -> str:
    """Return how another terminal, in the folder of the checkout, names the Python that runs the demo."""
    # not resolved: the program of an environment is a link to that of the system
    python = Path(sys.executable)
    return str(python.relative_to(settings.BASE_DIR) if python.is_relative_to(settings.BASE_DIR) else python)


def _calls(graphql: str, members: str) -> dict[str, dict[str, Any]]:
    """Return the requests that buttons of the page send, by name."""
    catalogue = (Path(settings.FRAISEQL["GRAPHIQL"]["EXAMPLES"]) / "18-catalogue.graphql").read_text(encoding="utf-8")
    return {
        "shelf": {"url": graphql, "method": "POST", "operation": {"query": QUERY, "variables": VARIABLES}},
        "catalogue": {"url": graphql, "method": "GET", "operation": {"query": catalogue}},
        "orders": {"url": members, "method": "POST", "operation": {"query": ORDERS}},
        "refused": {"url": members, "method": "POST", "operation": {"query": PRICE}},
        "cover": {"url": members, "method": "POST", "operation": {"query": COVER}},
    }


def _links(endpoint: str, folder: Path) -> list[tuple[str, str]]:
    """Return the titles of a folder's operations, and addresses that open GraphiQL with them."""
    return [
        (
            example.title,
            f"{endpoint}?{urlencode({'query': example.query, 'variables': example.variables})}",
        )
        for example in read_examples(folder)
    ]
