"""What docs/multi-tenancy.md shows: tenants by row and by schema, none of whom sees another's."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Publisher
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import SessionSettings, get_settings
from fraiseql_django.invalidation import catalog
from fraiseql_django.viewer import Viewer
from tests.support import role_name

pytestmark = pytest.mark.django_db(transaction=True)

TENANTS = ("acme", "globex")
ROLE = role_name("tenants")
INSERT = "INSERT INTO {} (name, bio, website, email) VALUES ('of {}', '', '', '')"


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def as_tenant(tenant: str | None) -> Any:
    return SimpleNamespace(tenant=tenant, user=None)


def ask(engine: GraphQLEngine, query: str, tenant: str | None, **variables: Any) -> Any:
    response = engine.execute(query, variables, request=as_tenant(tenant)).json()
    return response.get("errors") or response["data"]


def tenant_of(viewer: Viewer) -> str | None:
    """Name the tenant of a viewer."""
    found: str | None = viewer.value("tenant")
    return found


def search_path_of(viewer: Viewer) -> str:
    """Name the schema of a viewer's tenant; one that nobody has where there is none."""
    tenant = viewer.value("tenant")
    return f'"tenant_{tenant}"' if tenant in TENANTS else '""'


@pytest.fixture
def registry() -> Registry:
    registry = Registry()

    @fraiseql.type(Author, fields=["id", "name"], registry=registry)
    class AuthorType:
        pass

    fraiseql.update(AuthorType, fields=["name"], registry=registry)
    fraiseql.create(AuthorType, fields=["name"], registry=registry)
    return registry


# --- by row ---


def test_by_row_rule(cache_alias: str) -> None:
    registry = Registry()

    @fraiseql.type(
        Publisher,
        fields=["id", "name"],
        rows=lambda viewer: Q(country=viewer.value("tenant")),
        registry=registry,
    )
    class PublisherType:
        pass

    for tenant in TENANTS:
        Publisher.objects.create(name=f"of {tenant}", country=tenant)
    engine = GraphQLEngine(registry=registry, cache=DjangoCache(cache_alias))

    for _ in range(2):
        for tenant in TENANTS:
            assert ask(engine, "{ publishers { name } }", tenant) == {"publishers": [{"name": f"of {tenant}"}]}
        assert ask(engine, "{ publishers { name } }", None) == {"publishers": []}


@pytest.fixture
def policies() -> Iterator[None]:
    """Let PostgreSQL hold the tenants apart, as docs/multi-tenancy.md has it."""
    run(
        f"CREATE ROLE {ROLE}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON bookshop_author TO {ROLE}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}",
        "ALTER TABLE bookshop_author ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY tenant ON bookshop_author USING (bio = current_setting('app.tenant', true))",
        "CREATE POLICY made ON bookshop_author FOR INSERT WITH CHECK (true)",
    )
    catalog.forget()
    try:
        yield
    finally:
        connection.close()
        run(
            "DROP POLICY tenant ON bookshop_author",
            "DROP POLICY made ON bookshop_author",
            "ALTER TABLE bookshop_author DISABLE ROW LEVEL SECURITY",
            f"DROP OWNED BY {ROLE}",
            f"DROP ROLE {ROLE}",
        )
        catalog.forget()


def role_of(viewer: Viewer) -> str:
    """Name the role that every viewer has: one that policies are held against."""
    return ROLE


def test_by_row_security(registry: Registry, policies: None, cache_alias: str) -> None:
    authors = {tenant: Author.objects.create(name=f"of {tenant}", bio=tenant) for tenant in TENANTS}
    session = SessionSettings(variables={"app.tenant": f"{__name__}.tenant_of"}, role=f"{__name__}.role_of")
    engine = GraphQLEngine(
        settings=replace(get_settings(), session=session), registry=registry, cache=DjangoCache(cache_alias)
    )
    change = 'mutation ($id: ID!) { updateAuthor(id: $id, input: {name: "changed"}) { __typename } }'

    for _ in range(2):
        for tenant in TENANTS:
            assert ask(engine, "{ authors { name } }", tenant) == {"authors": [{"name": f"of {tenant}"}]}
        assert ask(engine, "{ authors { name } }", None) == {"authors": []}
    hidden = ask(engine, change, "acme", id=str(authors["globex"].pk))
    assert hidden == {"updateAuthor": {"__typename": "MutationError"}}
    assert set(Author.objects.values_list("name", flat=True)) == {"of acme", "of globex"}
    own = ask(engine, change, "acme", id=str(authors["acme"].pk))
    assert own == {"updateAuthor": {"__typename": "UpdateAuthorSuccess"}}
    assert ask(engine, "{ authors { name } }", "acme") == {"authors": [{"name": "changed"}]}
    assert ask(engine, "{ authors { name } }", "globex") == {"authors": [{"name": "of globex"}]}


# --- by schema ---


@pytest.fixture
def schemas() -> Iterator[None]:
    """Give each tenant a schema with a table of its own."""
    for tenant in TENANTS:
        run(
            f"CREATE SCHEMA tenant_{tenant}",
            f"CREATE TABLE tenant_{tenant}.bookshop_author (LIKE public.bookshop_author INCLUDING ALL)",
            INSERT.format(f"tenant_{tenant}.bookshop_author", tenant),
        )
    catalog.forget()
    try:
        yield
    finally:
        connection.close()
        run(*(f"DROP SCHEMA tenant_{tenant} CASCADE" for tenant in TENANTS))
        catalog.forget()


def test_by_schema(registry: Registry, schemas: None, cache_alias: str) -> None:
    session = SessionSettings(variables={"search_path": f"{__name__}.search_path_of"})
    engine = GraphQLEngine(
        settings=replace(get_settings(), session=session), registry=registry, cache=DjangoCache(cache_alias)
    )
    Author.objects.create(name="of nobody")
    change = 'mutation { createAuthor(input: {name: "new"}) { __typename } }'

    # more often than PostgreSQL makes plans for: they are for one schema, too
    for _ in range(8):
        engine.clear_plans()
        for tenant in TENANTS:
            assert ask(engine, "{ authors { name } }", tenant) == {"authors": [{"name": f"of {tenant}"}]}
    assert ask(engine, change, "acme") == {"createAuthor": {"__typename": "CreateAuthorSuccess"}}
    assert ask(engine, "{ authors { name } }", "acme") == {"authors": [{"name": "new"}, {"name": "of acme"}]}
    assert ask(engine, "{ authors { name } }", "globex") == {"authors": [{"name": "of globex"}]}
    assert list(Author.objects.values_list("name", flat=True)) == ["of nobody"]


def test_tenant_that_is_none_has_no_schema(registry: Registry, schemas: None) -> None:
    session = SessionSettings(variables={"search_path": f"{__name__}.search_path_of"})
    engine = GraphQLEngine(settings=replace(get_settings(), session=session), registry=registry, cache=None)

    for tenant in (None, "initech", '", public, "'):
        (error,) = ask(engine, "{ authors { name } }", tenant)
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
