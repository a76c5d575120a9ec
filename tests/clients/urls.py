"""The demo's endpoint, under the settings that a page's cookie names."""

from functools import cache
from typing import Any

from django.conf import settings
from django.urls import path

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import load
from fraiseql_django.views import GraphQLView

# what the recipes of one client need and others do not; the manifests are those that the clients' tools write
SETTINGS: dict[str, dict[str, Any]] = {
    "node": {"NODE": True},
    "limited": {"LIMITS": {"RATE": "1/h"}},
    "strict": {"REQUIRE_PREFLIGHT": True},
    **{
        name: {
            "NODE": name == "relay",
            "INTROSPECTION": "disabled",
            "PERSISTED_QUERIES": {"ENABLED": False},
            "TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": settings.FOLDER / f"{name}.json"},
        }
        for name in ("relay", "apollo", "fraiseql-trust", "codegen")
    },
}


@cache
def engine(name: str) -> GraphQLEngine:
    """Make the bookshop's engine under other settings, when the first request is for it."""
    found, problems = load({**settings.FRAISEQL, **SETTINGS[name]})
    assert not problems, problems
    return GraphQLEngine(settings=found)


class BookshopView(GraphQLView):
    """The endpoint."""

    def get_engine(self) -> GraphQLEngine:
        """Choose the engine by the cookie ``settings``."""
        name = self.request.COOKIES.get("settings")
        return engine(name) if name else super().get_engine()


urlpatterns = [
    path("graphql/", BookshopView.as_view()),
]
