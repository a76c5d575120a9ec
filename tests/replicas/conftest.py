"""A primary and its standby under two aliases, with three tables of the bookshop."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections
from django.test import override_settings
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import CacheSettings, Settings
from tests.servers import Replicated, replicated
from tests.support import engines_forgotten

PRIMARY, REPLICA = "primary", "replica"


class Router:
    """Reads from the replica what is not in ``at_primary``, writes to the primary."""

    at_primary: frozenset[Any] = frozenset()
    replicas = (REPLICA,)

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return PRIMARY if model in self.at_primary else self.replicas[0]

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return PRIMARY


@dataclass
class Site:
    """The servers, and engines that read from them."""

    servers: Replicated
    engines: list[GraphQLEngine] = field(default_factory=list)

    def engine(self, *, cached: bool = True, registry: Registry | None = None, **options: Any) -> GraphQLEngine:
        """Make an engine that reads from the replica."""
        cache = CacheSettings(alias="redis") if cached else CacheSettings(alias=None)
        settings = replace(Settings(), database=PRIMARY, replicas=(REPLICA,), cache=cache, **options)
        made = GraphQLEngine(settings=settings, registry=registry or declared())
        self.engines.append(made)
        return made


def declared() -> Registry:
    """Declare types, and a mutation, over two of the tables."""
    registry = Registry()
    author = fraiseql.type(Author, fields=["id", "name"], registry=registry)(type("AuthorType", (), {}))
    fraiseql.type(Publisher, fields=["id", "name"], registry=registry)(type("PublisherType", (), {}))
    fraiseql.update(author, fields=["name"], registry=registry)
    return registry


@pytest.fixture(scope="module")
def started(django_db_blocker: DjangoDbBlocker) -> Iterator[Replicated]:
    """Start the servers once for a module."""
    with replicated() as servers, django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        own = {PRIMARY: servers.primary, REPLICA: servers.standby}
        usual = connections.settings["default"]
        for alias, server in own.items():
            patch.setitem(connections.settings, alias, {**usual, **servers.settings(server, "postgres")})
        try:
            with connections[PRIMARY].schema_editor() as editor:
                for model in (Author, Publisher):
                    editor.create_model(model)
            servers.catch_up()
            yield servers
        finally:
            for alias in own:
                connections[alias].close()
                del connections[alias]


@pytest.fixture
def site(started: Replicated) -> Iterator[Site]:
    """Empty the tables, and let the standby replay."""
    started.resume()
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("TRUNCATE bookshop_author, bookshop_publisher")
    started.catch_up()
    caches["redis"].delete_pattern("*")
    with engines_forgotten(), override_settings(DATABASE_ROUTERS=[f"{__name__}.Router"]):
        yield Site(started)
    caches["redis"].delete_pattern("*")
