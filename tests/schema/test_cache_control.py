"""``@cacheControl`` in the schema's text: where policies stand, by the names of Apollo's servers."""

import enum
from typing import Any

import pytest
from graphql import build_schema, print_ast

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import CachePolicy, DeclarationError, GraphQLEngine, Info, Registry
from fraiseql_django.conf.settings import CacheSettings, Settings
from fraiseql_django.schema.sdl import sdl
from tests.planner.policies import catalogue, type_over

pytestmark = pytest.mark.django_db

DEFINITION = '''\
"""
How long, in seconds, and for whom an answer may be kept. A query can shorten this, not lengthen it.
"""
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on OBJECT | FIELD_DEFINITION | \
INTERFACE | UNION | QUERY'''


def text(registry: Registry, **cache: Any) -> str:
    settings = Settings(cache=CacheSettings(**cache)) if cache else None
    found = sdl(GraphQLEngine(registry=registry, settings=settings).schema.graphql)
    # it is the text of a schema
    build_schema(found)
    return found


def applied(found: str, type_name: str, field: str | None = None) -> str:
    """Return the directives of a type or a field in a schema's text."""
    described: Any = build_schema(found).type_map[type_name]
    node = described.ast_node if field is None else described.fields[field].ast_node
    return " ".join(map(print_ast, node.directives or ()))


def test_directive_is_defined_as_apollos_servers_know_it() -> None:
    found = text(catalogue())
    assert DEFINITION in found
    assert "enum CacheControlScope {" in found
    names = [item.strip() for item in found[found.index("enum CacheControlScope") :].splitlines()]
    assert names.index("PUBLIC") < names.index("PRIVATE") < names.index("}")


def test_policies_stand_behind_types_and_fields() -> None:
    body = {
        "authors": fraiseql.field(cache=CachePolicy(inherit=True)),
        "category": fraiseql.field(cache=CachePolicy(scope="private")),
        "price": fraiseql.field(cache=CachePolicy(ttl=7, volatile_ttl=3)),
    }
    queries = {"plural": CachePolicy(max_age=10, scope="public"), "aggregate": False}
    registry = catalogue(body, book=CachePolicy(max_age=60), queries=queries)
    fraiseql.query(cache=CachePolicy(max_age=5, scope="public"), registry=registry)(answer)
    found = text(registry)

    # an age without a scope is private, which other servers would not know
    assert applied(found, "Book") == "@cacheControl(maxAge: 60, scope: PRIVATE)"
    assert applied(found, "Publisher") == "@cacheControl(maxAge: 30, scope: PUBLIC)"
    assert applied(found, "Author") == ""
    assert applied(found, "Customer") == "@cacheControl(maxAge: 0, scope: PRIVATE)"
    assert applied(found, "Book", "authors") == "@cacheControl(inheritMaxAge: true)"
    assert applied(found, "Book", "authorsCount") == "@cacheControl(inheritMaxAge: true)"
    assert applied(found, "Book", "category") == "@cacheControl(scope: PRIVATE)"
    # which the directive cannot tell
    assert applied(found, "Book", "price") == ""
    assert applied(found, "Query", "answer") == "@cacheControl(maxAge: 5, scope: PUBLIC)"
    assert applied(found, "Query", "books") == "@cacheControl(maxAge: 10, scope: PUBLIC)"
    assert applied(found, "Query", "booksAggregate") == "@cacheControl(maxAge: 0, scope: PRIVATE)"


def answer(info: Info) -> str:
    return ""


def test_interface_over_a_model_has_its_policy() -> None:
    registry = Registry()
    policy = CachePolicy(max_age=1, scope="public")
    fraiseql.interface(Book, fields=["id"], cache=policy, registry=registry)(type("BookInterface", (), {}))
    fraiseql.type(Book, name="Any", fields=["id"], queries=[], registry=registry)(type("Any", (), {}))
    assert applied(text(registry), "Book") == "@cacheControl(maxAge: 1, scope: PUBLIC)"


def test_names_are_apollos_whatever_the_conventions() -> None:
    registry = Registry()
    type_over(registry, Book, ["id"], cache=CachePolicy(max_age=1))
    found = sdl(GraphQLEngine(registry=registry, settings=Settings(camel_case=False)).schema.graphql)
    assert "@cacheControl(maxAge: 1, scope: PRIVATE)" in found


def test_schema_without_policies_has_no_directive() -> None:
    registry = Registry()
    type_over(registry, Book, ["id"])
    assert "acheControl" not in text(registry)
    type_over(registry, fraiseql_model(), ["id"], cache=CachePolicy(ttl=9))
    assert "acheControl" not in text(registry)


def fraiseql_model() -> Any:
    from example_project.bookshop.models import Author

    return Author


def test_default_of_the_settings_brings_the_directive() -> None:
    registry = Registry()
    type_over(registry, Book, ["id"])
    assert DEFINITION in text(registry, max_age=5)


def test_queries_cannot_have_it_where_that_is_turned_off() -> None:
    assert "INTERFACE | UNION\n" in text(catalogue(), client_control=False)


def test_directives_of_a_projects_own_stand_beside_it() -> None:
    @fraiseql.directive(locations=["OBJECT"])
    class Owner:
        team: str

    registry = Registry()
    type_over(registry, Book, ["id"], cache=CachePolicy(max_age=1), directives=[Owner(team="shop")])
    assert applied(text(registry), "Book") == '@owner(team: "shop") @cacheControl(maxAge: 1, scope: PRIVATE)'


def test_names_that_are_taken_are_told() -> None:
    class CacheControlScope(enum.Enum):
        A = "a"

    registry = catalogue()

    def scope(info: Info) -> CacheControlScope:
        return CacheControlScope.A

    scope.__annotations__["return"] = CacheControlScope
    fraiseql.query(registry=registry)(scope)
    with pytest.raises(DeclarationError) as error:
        _ = GraphQLEngine(registry=registry).schema
    assert str(error.value) == (
        "a type is called 'CacheControlScope', the name of an enum that @cacheControl has; give it another one with "
        "name=…"
    )


def test_directive_of_a_projects_own_with_its_name_is_refused_beside_it() -> None:
    @fraiseql.directive(locations=["OBJECT"], name="cacheControl")
    class Mine:
        pass

    registry = Registry()
    type_over(registry, Book, ["id"], directives=[Mine()])
    assert "directive @cacheControl on OBJECT" in text(registry)
    type_over(registry, fraiseql_model(), ["id"], cache=CachePolicy(max_age=1))
    with pytest.raises(DeclarationError, match="two directives are called 'cacheControl'"):
        _ = GraphQLEngine(registry=registry).schema
