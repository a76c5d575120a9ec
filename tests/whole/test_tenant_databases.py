"""What docs/multi-tenancy.md shows of tenants by database: a router for the ORM, an engine for each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from django.db import connection, connections
from django.test import RequestFactory
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.views import GraphQLView

TENANTS = ("acme", "globex")
CURRENT: ContextVar[str] = ContextVar("tenant")


def run(*statements: str, alias: str = "default") -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


class TenantRouter:
    """Send what the ORM reads and writes to the database of the tenant."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return CURRENT.get(None)

    db_for_write = db_for_read


class TenantView(GraphQLView):
    """The endpoint, each tenant on their own database."""

    def get_engine(self) -> GraphQLEngine:
        return engine_of(self.request.headers["X-Tenant"])


@cache
def engine_of(alias: str) -> GraphQLEngine:
    return GraphQLEngine(settings=replace(get_settings(), database=alias), registry=BY_DATABASE)


BY_DATABASE = Registry()


@fraiseql.type(Author, fields=["id", "name"], registry=BY_DATABASE)
class AuthorType:
    """Someone who writes books."""


fraiseql.create(AuthorType, fields=["name"], registry=BY_DATABASE)


@fraiseql.mutation(registry=BY_DATABASE)
def add_author(info: fraiseql.Info, name: str) -> Author:
    """Add an author, by the ORM."""
    return Author.objects.create(name=name)


@pytest.fixture
def databases(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Make a database for each tenant."""
    with django_db_blocker.unblock():
        yield from _databases()


def _databases() -> Iterator[None]:
    engine_of.cache_clear()
    for tenant in TENANTS:
        name = f"{connection.settings_dict['NAME']}_{tenant}"
        run(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}"')
        connections.settings[tenant] = {**connection.settings_dict, "NAME": name}
        with connections[tenant].schema_editor() as editor:
            editor.create_model(Author)
    try:
        yield
    finally:
        for tenant in TENANTS:
            connections[tenant].close()
            del connections[tenant], connections.settings[tenant]
            run(f'DROP DATABASE "{connection.settings_dict["NAME"]}_{tenant}" WITH (FORCE)')
        engine_of.cache_clear()


@contextmanager
def tenant_of_request(tenant: str) -> Iterator[None]:
    """Do what a middleware does."""
    token = CURRENT.set(tenant)
    try:
        yield
    finally:
        CURRENT.reset(token)


def send(query: str, tenant: str) -> Any:
    request = RequestFactory().post(
        "/graphql/", {"query": query}, content_type="application/json", headers={"X-Tenant": tenant}
    )
    with tenant_of_request(tenant):
        body = json.loads(TenantView.as_view()(request).content)
    return body.get("errors") or body["data"]


def test_by_database(databases: None, settings: Any, cache_alias: str) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.TenantRouter"]
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}}
    for tenant in TENANTS:
        run(f"INSERT INTO bookshop_author (name, bio, website, email) VALUES ('of {tenant}', '', '', '')", alias=tenant)

    for _ in range(2):
        for tenant in TENANTS:
            assert send("{ authors { name } }", tenant) == {"authors": [{"name": f"of {tenant}"}]}
    made = send('mutation { createAuthor(input: {name: "a"}) { __typename } }', "acme")
    assert made == {"createAuthor": {"__typename": "CreateAuthorSuccess"}}
    assert send('mutation { addAuthor(name: "b") { name } }', "globex") == {"addAuthor": {"name": "b"}}
    assert send("{ authors { name } }", "acme") == {"authors": [{"name": "a"}, {"name": "of acme"}]}
    assert send("{ authors { name } }", "globex") == {"authors": [{"name": "b"}, {"name": "of globex"}]}
    assert Author.objects.using("default").count() == 0
