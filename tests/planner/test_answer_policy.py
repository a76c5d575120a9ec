"""How long, and for whom, an answer may be kept: the strictest of all that the operation reads."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Count, Q
from django.db.models.functions import Length

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Order
from fraiseql_django import CachePolicy, GraphQLEngine, Registry, requires_auth
from fraiseql_django.conf.settings import get_settings
from tests.planner.policies import PUBLIC, catalogue, policy_of, shown, type_over

pytestmark = pytest.mark.django_db

# --- the strictest of all that is read ---

STRICTEST = [
    ("{ books { title } }", (60, "public")),
    ("{ book(id: 1) { title } }", (60, "public")),
    ("{ booksConnection(first: 1) { nodes { title } totalCount } }", (60, "public")),
    ("{ booksAggregate { count } }", (60, "public")),
    ("{ booksCount }", (60, "public")),
    ("{ booksGroups { key { title } count } }", (60, "public")),
    ("{ __typename books { title } }", (60, "public")),
    ("{ books { publisher { name } } }", (30, "public")),
    ('{ books(where: {publisher: {name: {eq: "Ace"}}}) { title } }', (30, "public")),
    ("{ books(where: {HAS: {publisher: true}}) { title } }", (30, "public")),
    ("{ books(orderBy: [{publisher: {name: ASC}}]) { title } }", (30, "public")),
    ("{ books { title } publishers { name } }", (30, "public")),
    ("{ ...A } fragment A on Query { books { ...B } } fragment B on Book { publisher { name } }", (30, "public")),
    ("{ books { authors { name } } }", (0, "private")),
    ("{ books { authorsCount } }", (0, "private")),
    ("{ books { authorsAggregate { count } } }", (0, "private")),
    ('{ books(where: {authors: {some: {name: {eq: "Ann"}}}}) { title } }', (0, "private")),
    ("{ books(where: {HAS: {authors: true}}) { title } }", (0, "private")),
    ("{ booksCount(where: {authors: {none: {}}}) }", (0, "private")),
    ("{ books(orderBy: [{authorsCount: ASC}]) { title } }", (0, "private")),
    ('{ books(where: {NOT: {OR: [{authors: {every: {name: {eq: "Ann"}}}}]}}) { title } }', (0, "private")),
    ("{ books { reviews { stars } } }", (60, "private")),
    ("{ books(where: {reviews: {some: {stars: {eq: 1}}}}) { title } }", (60, "private")),
    ("{ books(where: {reviewsAggregate: {count: {gt: 1}}}) { title } }", (60, "private")),
    ('{ books(where: {reviews: {some: {customer: {name: {eq: "Ann"}}}}}) { title } }', (0, "never")),
    ("{ books { reviews { customer { name } } } }", (0, "never")),
    ("{ customers { name } }", (0, "never")),
    ("{ books { title @skip(if: true) id } }", (60, "public")),
    ("{ books { authors @skip(if: true) { name } title } }", (60, "public")),
    ("{ __typename }", (0, "private")),
    ("{ __schema { queryType { name } } }", (0, "private")),
    ("{ books { title } __schema { queryType { name } } }", (0, "private")),
]


@pytest.mark.parametrize(("query", "expected"), STRICTEST, ids=[query for query, _ in STRICTEST])
def test_policy_is_the_strictest_of_all_that_is_read(query: str, expected: tuple[int, str]) -> None:
    assert shown(policy_of(GraphQLEngine(registry=catalogue()), query)) == expected


def test_every_field_that_leads_to_a_type_that_is_never_kept_makes_the_answer_one() -> None:
    """By the schema, so that no kind of field is left out: a new one has a form here as well."""
    registry = catalogue(book=PUBLIC)
    type_over(registry, Order, ["id", "number", "customer"], cache=PUBLIC)
    engine = GraphQLEngine(registry=registry)
    operations = [
        "{ customer(id: 1) { id } }",
        "{ customers { id } }",
        "{ customersCount }",
        '{ customers(where: {name: {eq: "Ann"}}) { __typename } }',
        "{ orders { customer { id } } }",
        "{ orders { customer { __typename } } }",
        "{ orders(where: {customer: {}}) { id } }",
        "{ orders(where: {HAS: {customer: false}}) { id } }",
        "{ orders(where: {NOT: {customer: {id: {eq: 1}}}}) { id } }",
        "{ orders(orderBy: [{customer: {name: DESC}}]) { id } }",
        "{ ordersCount(where: {customer: {id: {eq: 1}}}) }",
    ]
    for operation in operations:
        assert shown(policy_of(engine, operation)) == (0, "never"), operation


def test_type_that_has_no_policy_has_what_the_settings_say() -> None:
    settings = get_settings()
    engine = GraphQLEngine(
        registry=catalogue(), settings=replace(settings, cache=replace(settings.cache, max_age=40, ttl=50))
    )

    policy = policy_of(engine, "{ authors { name } }")
    assert (policy.max_age, policy.ttl, policy.public) == (40, 50, False)
    policy = policy_of(engine, "{ books { authors { name } } }")
    assert (policy.max_age, policy.ttl, policy.public) == (40, 50, False)
    policy = policy_of(engine, "{ books { title } }")
    assert (policy.max_age, policy.ttl, policy.public) == (60, 60, True)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, (0, 3600, "private")),
        (False, (0, 0, "never")),
        (CachePolicy(max_age=0), (0, 0, "never")),
        (CachePolicy(ttl=0), (0, 0, "never")),
        (CachePolicy(max_age=20), (20, 3600, "private")),
        (CachePolicy(ttl=7), (0, 7, "private")),
        (CachePolicy(ttl=7200), (0, 7200, "private")),
        (CachePolicy(max_age=20, ttl=7), (20, 7, "private")),
        (CachePolicy(max_age=20, ttl=0), (20, 0, "private")),
        (CachePolicy(max_age=0, ttl=7), (0, 7, "private")),
        (CachePolicy(scope="public"), (0, 3600, "public")),
        (CachePolicy(max_age=20, scope="public"), (20, 3600, "public")),
        (CachePolicy(max_age=20, scope="private"), (20, 3600, "private")),
        (CachePolicy(inherit=True), (0, 3600, "private")),
        (CachePolicy(inherit=True, scope="public"), (0, 3600, "public")),
    ],
    ids=repr,
)
def test_what_a_policy_means(policy: Any, expected: tuple[int, int, str]) -> None:
    found = policy_of(GraphQLEngine(registry=catalogue(book=policy)), "{ books { title } }")

    max_age, scope = shown(found)
    assert (max_age, found.ttl, scope) == expected


def test_policy_of_a_field_counts_where_it_is_selected_compared_or_sorted_by() -> None:
    body = {
        "length": fraiseql.field(Length("title"), cache=CachePolicy(max_age=5)),
        "secret": fraiseql.field(Length("title"), cache=CachePolicy(scope="private")),
        "__annotations__": {"length": int, "secret": int},
    }
    engine = GraphQLEngine(registry=catalogue(body))

    assert shown(policy_of(engine, "{ books { title } }")) == (60, "public")
    for operation in (
        "{ books { length } }",
        "{ books(where: {length: {gt: 1}}) { title } }",
        "{ books(where: {COMPARE: {length: {gt: length}}}) { title } }",
        "{ books(orderBy: [{length: ASC}]) { title } }",
    ):
        assert shown(policy_of(engine, operation)) == (5, "public"), operation
    assert shown(policy_of(engine, "{ books { secret } }")) == (60, "private")
    assert shown(policy_of(engine, "{ publishers { books { secret } } }")) == (30, "private")


def test_policy_of_a_field_speaks_for_the_type_that_it_leads_to_where_that_has_none() -> None:
    body = {
        "authors": fraiseql.field(cache=CachePolicy(max_age=10, scope="public")),
        "reviews": fraiseql.field(cache=CachePolicy(max_age=100, scope="public")),
    }
    engine = GraphQLEngine(registry=catalogue(body))

    for operation in (
        "{ books { authors { name } } }",
        '{ books { authors(where: {name: {eq: "Ann"}}) { name } } }',
        "{ books { authorsCount } }",
        "{ books { authorsAggregate { count } } }",
    ):
        assert shown(policy_of(engine, operation)) == (10, "public"), operation
    # a type's own policy stands
    assert shown(policy_of(engine, "{ books { reviews { stars } } }")) == (60, "private")
    # and no other field's
    assert shown(policy_of(engine, "{ authors { name } books { authors { name } } }")) == (0, "private")


def test_root_fields_have_policies_of_their_own() -> None:
    queries = {
        "single": CachePolicy(max_age=20),
        "plural": CachePolicy(max_age=10, scope="public"),
        "aggregate": (None, False),
        "connection": (requires_auth, CachePolicy(max_age=5)),
        "groups": None,
    }
    engine = GraphQLEngine(registry=catalogue(queries=queries))
    user = SimpleNamespace(user=User(username="ann", pk=1))

    assert shown(policy_of(engine, "{ book(id: 1) { title } }")) == (20, "public")
    assert shown(policy_of(engine, "{ books { title } }")) == (10, "public")
    assert shown(policy_of(engine, "{ booksCount }")) == (10, "public")
    assert shown(policy_of(engine, "{ booksAggregate { count } }")) == (0, "never")
    assert shown(policy_of(engine, "{ booksGroups { key { title } count } }")) == (60, "public")
    connection = "{ booksConnection(first: 1) { totalCount } }"
    assert shown(policy_of(engine, connection, request=user)) == (5, "private")
    assert [error.extensions["code"] for error in engine.execute(connection).errors] == ["UNAUTHENTICATED"]
    # of a type without a policy, the root field's speaks
    engine = GraphQLEngine(registry=catalogue(book=None, queries=queries))
    assert shown(policy_of(engine, "{ books { title } }")) == (10, "public")
    assert shown(policy_of(engine, "{ book(id: 1) { title } }")) == (20, "private")
    assert shown(policy_of(engine, "{ booksGroups { key { title } count } }")) == (0, "private")


def test_type_that_inherits_is_kept_as_long_as_what_leads_to_it() -> None:
    registry = catalogue()
    registry.types = [declared for declared in registry.types if declared.model is not Author]
    type_over(registry, Author, ["id", "name"], cache=CachePolicy(inherit=True))
    engine = GraphQLEngine(registry=registry)

    assert shown(policy_of(engine, "{ books { authors { name } } }")) == (60, "public")
    assert shown(policy_of(engine, "{ publishers { books { authors { name } } } }")) == (30, "public")
    assert shown(policy_of(engine, "{ authors { name } }")) == (0, "private")


def test_tables_that_are_read_for_no_type_make_it_stricter() -> None:
    body = {
        "review_count": fraiseql.field(Count("reviews")),
        "author_count": fraiseql.field(Count("authors__name")),
        "buyers": fraiseql.field(Count("reviews__customer__name")),
        "__annotations__": dict.fromkeys(["review_count", "author_count", "buyers"], int),
    }
    engine = GraphQLEngine(registry=catalogue(body))

    # what is declared of reviews and customers
    assert shown(policy_of(engine, "{ books { reviewCount } }")) == (60, "private")
    assert shown(policy_of(engine, "{ books { buyers } }")) == (0, "never")
    # nothing is of authors: the field is a value of the book's
    assert shown(policy_of(engine, "{ books { authorCount } }")) == (60, "public")


def test_interface_is_as_strict_as_its_types() -> None:
    def policies(first: Any, second: Any, of_all: Any = None) -> tuple[int, str]:
        registry = Registry()
        cheap = Q(price__lt=10)
        fraiseql.interface(Book, fields=["id"], cache=of_all, registry=registry)(type("BookInterface", (), {}))
        for name, when, policy in (("Cheap", cheap, first), ("Dear", ~cheap, second)):
            fraiseql.type(Book, fields=["id"], when=when, queries=[], cache=policy, registry=registry)(
                type(name, (), {})
            )
        return shown(policy_of(GraphQLEngine(registry=registry), "{ books { id } }"))

    assert policies(PUBLIC, CachePolicy(max_age=20, scope="public")) == (20, "public")
    assert policies(PUBLIC, None) == (0, "private")
    assert policies(PUBLIC, False) == (0, "never")
    assert policies(PUBLIC, PUBLIC, CachePolicy(max_age=1, scope="public")) == (1, "public")
