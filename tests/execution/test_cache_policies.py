"""For how long the project's own cache keeps an answer: by the policies of what it reads, and by @cacheControl."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now, Random

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import CachePolicy, GraphQLEngine, Info, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import get_settings
from tests.planner.policies import PUBLIC, catalogue, policy_of, type_over
from tests.support import data, is_hit, make_shop, statements

pytestmark = pytest.mark.django_db(transaction=True)


class NotingCache(DjangoCache):
    """Notes for how long answers are kept."""

    def __init__(self) -> None:
        super().__init__("locmem")
        self.kept: list[int | None] = []

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        if key.startswith("result:"):
            self.kept.append(ttl_seconds)
        super().set(key, value, ttl_seconds)


@pytest.fixture(autouse=True)
def shop() -> None:
    make_shop()


def engine_of(registry: Registry, **cache: Any) -> tuple[GraphQLEngine, list[int | None]]:
    noting = NotingCache()
    noting.clear()
    settings = get_settings()
    settings = replace(settings, cache=replace(settings.cache, **cache))
    return GraphQLEngine(registry=registry, cache=noting, settings=settings), noting.kept


@pytest.mark.parametrize(
    ("operation", "seconds"),
    [
        ("{ books { title } }", 60),
        ("{ books { publisher { name } } }", 30),
        ("{ books { authors { name } } }", 60),
        ("{ authors { name } }", 3600),
        ('{ books(where: {publisher: {name: {eq: "Ace"}}}) { title } }', 30),
    ],
)
def test_answer_is_kept_for_the_shortest_time_of_what_it_reads(operation: str, seconds: int) -> None:
    engine, kept = engine_of(catalogue())

    assert not is_hit(engine, operation)
    assert is_hit(engine, operation)
    assert kept == [seconds]


@pytest.mark.parametrize(
    "operation",
    ["{ customers { name } }", "{ books { reviews { customer { name } } } }", "{ customersCount books { title } }"],
)
def test_answer_with_a_type_that_is_never_kept_is_read_each_time(operation: str) -> None:
    engine, kept = engine_of(catalogue())

    for _ in range(3):
        with statements(1):
            data(engine, operation)
    assert kept == []
    # nor is the cache asked
    assert (engine.statistics().result_hits, engine.statistics().result_misses) == (0, 0)


def test_policy_may_keep_answers_longer_than_the_settings() -> None:
    engine, kept = engine_of(catalogue(book=CachePolicy(ttl=7200, max_age=10)), ttl=5)

    data(engine, "{ books { title } }")
    data(engine, "{ authors { name } }")
    assert kept == [7200, 5]


def test_rows_in_what_a_function_returns_are_kept_by_its_policy() -> None:
    registry = catalogue()

    def chosen(info: Info) -> list[Book]:
        return list(Book.objects.all())

    fraiseql.query(cache=CachePolicy(ttl=9), registry=registry)(chosen)
    fraiseql.query(cache=False, name="fresh", registry=registry)(chosen)
    engine, kept = engine_of(registry)

    data(engine, "{ chosen { title } }")
    data(engine, "{ fresh { title } }")
    assert kept == [9]


def test_viewers_share_an_entry_unless_something_depends_on_them() -> None:
    registry = Registry()
    type_over(registry, Book, ["title"], rows=lambda viewer: Q(title="Planet") | Q(id=viewer.id))
    type_over(registry, Author, ["name"], rows=lambda viewer: Q(name="Ursula"))
    engine, kept = engine_of(registry)
    viewers = [SimpleNamespace(user=User(pk=key)) for key in (1, 2)]

    for operation, entries in (("{ books { title } }", 2), ("{ authors { name } }", 1)):
        kept.clear()
        for viewer in (*viewers, *viewers):
            engine.execute(operation, request=viewer)  # type: ignore[arg-type]
        assert len(kept) == entries


# --- what depends on the clock or on chance ---


def volatile(of_type: Any = None, of_field: Any = None, *, rows: Any = None, of_author: Any = None) -> Registry:
    registry = Registry()
    body = {
        "chance": fraiseql.field(Random(), cache=of_field),
        "moment": fraiseql.field(Now()),
        "__annotations__": {"chance": float, "moment": dt.datetime},
    }
    type_over(registry, Book, ["id", "title", "authors"], body, cache=of_type, rows=rows)
    type_over(registry, Author, ["id", "name"], cache=of_author)
    return registry


TEN, SEVEN = CachePolicy(volatile_ttl=10), CachePolicy(volatile_ttl=7)


@pytest.mark.parametrize(
    ("registry", "operation", "seconds"),
    [
        # nothing is declared
        (lambda: volatile(), "{ books { chance } }", 0),
        (lambda: volatile(), "{ books { title } }", 3600),
        # of a type: all that its rows have, and its row rule
        (lambda: volatile(TEN), "{ books { chance } }", 10),
        (lambda: volatile(TEN), "{ books { chance moment } }", 10),
        (lambda: volatile(TEN), "{ books { title } }", 3600),
        (lambda: volatile(TEN, rows=lambda viewer: Q(published__lt=Now())), "{ books { title } }", 10),
        (lambda: volatile(TEN, rows=lambda viewer: Q(published__lt=Now())), "{ books { authors { name } } }", 0),
        (lambda: volatile(TEN, of_author=SEVEN, rows=lambda viewer: Q(published__lt=Now())),
         "{ books { authors { name } } }", 7),
        # of a field: that field
        (lambda: volatile(None, TEN), "{ books { chance } }", 10),
        (lambda: volatile(None, TEN), "{ books { chance authors { name } } }", 10),
        (lambda: volatile(None, TEN), "{ books { title } }", 3600),
        (lambda: volatile(None, TEN), "{ books { moment } }", 0),
        (lambda: volatile(None, TEN), "{ books { chance moment } }", 0),
        (lambda: volatile(None, TEN, rows=lambda viewer: Q(published__lt=Now())), "{ books { chance } }", 0),
        # both: the shorter time
        (lambda: volatile(TEN, SEVEN), "{ books { chance moment } }", 7),
        # beside another time
        (lambda: volatile(CachePolicy(volatile_ttl=10, ttl=4)), "{ books { chance } }", 4),
        (lambda: volatile(CachePolicy(volatile_ttl=10, max_age=60)), "{ books { chance } }", 10),
        (lambda: volatile(CachePolicy(volatile_ttl=0)), "{ books { chance } }", 0),
    ],
)  # fmt: skip
def test_what_depends_on_the_clock_is_kept_as_long_as_it_is_declared(
    registry: Any, operation: str, seconds: int
) -> None:
    engine, kept = engine_of(registry())

    data(engine, operation)
    assert kept == ([seconds] if seconds else [])
    assert policy_of(engine, operation).ttl == seconds
    assert not policy_of(engine, operation).never


def test_declared_time_takes_the_place_of_the_settings() -> None:
    engine, kept = engine_of(volatile(None, SEVEN), volatile_ttl=30)

    for operation in ("{ books { chance } }", "{ books { moment } }", "{ books { chance moment } }"):
        data(engine, operation)
    assert kept == [7, 30, 7]


def test_max_age_of_what_depends_on_the_clock_is_as_short() -> None:
    engine, _ = engine_of(volatile(CachePolicy(max_age=60, scope="public")))
    assert policy_of(engine, "{ books { title } }").max_age == 60
    assert policy_of(engine, "{ books { chance } }").max_age == 0


# --- @cacheControl on a query ---


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        ("", (60, 60, True)),
        ("@cacheControl(maxAge: 20)", (20, 20, True)),
        ("@cacheControl(maxAge: 0)", (0, 0, True)),
        ("@cacheControl(maxAge: 61)", (60, 60, True)),
        ("@cacheControl(maxAge: null)", (60, 60, True)),
        ("@cacheControl", (60, 60, True)),
        ("@cacheControl(scope: PRIVATE)", (60, 60, False)),
        ("@cacheControl(scope: PUBLIC)", (60, 60, True)),
        ("@cacheControl(maxAge: 5, scope: PRIVATE)", (5, 5, False)),
        ("@cacheControl(inheritMaxAge: false)", (60, 60, True)),
    ],
)
def test_query_may_shorten_how_long_its_answer_is_kept(directive: str, expected: tuple[int, int, bool]) -> None:
    engine, kept = engine_of(catalogue())

    policy = policy_of(engine, f"query {directive} {{ books {{ title }} }}")

    assert (policy.max_age, policy.ttl, policy.public) == expected
    assert policy.never is (expected[1] == 0)
    assert kept == ([expected[1]] if expected[1] else [])


def test_query_cannot_lengthen_it_or_make_it_public() -> None:
    engine, kept = engine_of(catalogue())

    for operation, seconds in (("{ authors { name } }", 0), ("{ books { reviews { stars } } }", 60)):
        policy = policy_of(engine, f"query @cacheControl(maxAge: 9000, scope: PUBLIC) {operation}")
        assert (policy.max_age, policy.public) == (seconds, False)
    policy = policy_of(engine, "query @cacheControl(maxAge: 9000, scope: PUBLIC) { customers { name } }")
    assert (policy.never, policy.public) == (True, False)
    assert kept == [3600, 60]


def test_answer_that_is_kept_for_a_shorter_time_has_an_entry_of_its_own() -> None:
    """Otherwise it could be as old as one that others have kept for longer."""
    engine, kept = engine_of(catalogue())
    whole, short = "{ books { title } }", "query @cacheControl(maxAge: 20) { books { title } }"

    assert [is_hit(engine, operation) for operation in (whole, short, whole, short)] == [False, False, True, True]
    assert kept == [60, 20]
    # what shortens nothing is the same answer
    assert is_hit(engine, "query @cacheControl(maxAge: 60) { books { title } }")


def test_arguments_may_be_variables() -> None:
    engine, kept = engine_of(catalogue())
    operation = """
    query($age: Int, $scope: CacheControlScope) @cacheControl(maxAge: $age, scope: $scope) { books { title } }
    """

    for variables, expected in (
        ({"age": 20}, (20, True)),
        ({"age": 30, "scope": "PRIVATE"}, (30, False)),
        ({"age": 20, "scope": "PUBLIC"}, (20, True)),
        ({}, (60, True)),
        ({"age": None}, (60, True)),
    ):
        policy = policy_of(engine, operation, variables)
        assert (policy.max_age, policy.public) == expected
    assert kept == [20, 30, 60]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("maxAge: -1", "@cacheControl: maxAge is -1, must be a number of seconds, 0 or more."),
        ("inheritMaxAge: true", "@cacheControl: inheritMaxAge means nothing on a query; leave it out."),
    ],
)
def test_what_means_nothing_on_a_query_is_refused(arguments: str, message: str) -> None:
    engine, _ = engine_of(catalogue())
    response = engine.execute(f"query @cacheControl({arguments}) {{ books {{ title }} }}")

    assert [error.message for error in response.errors] == [message]
    assert (response.status, response.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert response.json()["errors"][0]["locations"] == [{"line": 1, "column": 7}]


@pytest.mark.parametrize(
    ("registry", "options", "operation"),
    [
        (catalogue, {"client_control": False}, "query @cacheControl(maxAge: 1) { books { title } }"),
        (catalogue, {}, "{ books @cacheControl(maxAge: 1) { title } }"),
        (lambda: volatile(), {}, "query @cacheControl(maxAge: 1) { books { title } }"),
    ],
    ids=["turned off", "on a field", "nothing is declared"],
)
def test_directive_is_refused_elsewhere(registry: Any, options: Any, operation: str) -> None:
    engine, _ = engine_of(registry(), **options)
    (error,) = engine.execute(operation).errors
    assert error.extensions["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "cacheControl" in error.message


def test_mutation_cannot_have_it() -> None:
    registry = catalogue()
    fraiseql.mutation(registry=registry)(rename)
    engine, _ = engine_of(registry)
    (error,) = engine.execute("mutation @cacheControl(maxAge: 1) { rename }").errors
    assert error.message == "Directive '@cacheControl' may not be used on mutation."


def rename(info: Info) -> str:
    return ""


def test_default_of_the_settings_can_be_shortened_where_nothing_is_declared() -> None:
    engine, kept = engine_of(volatile(), max_age=40)
    policy = policy_of(engine, "query @cacheControl(maxAge: 10) { books { title } }")
    assert (policy.max_age, policy.public, kept) == (10, False, [10])


def test_write_drops_an_answer_whatever_its_policy() -> None:
    engine, _ = engine_of(catalogue(book=PUBLIC))
    operation = "{ books { title } }"
    assert not is_hit(engine, operation)
    assert is_hit(engine, operation)

    with connection.cursor() as cursor:
        cursor.execute("UPDATE bookshop_book SET title = 'Another'")
    assert not is_hit(engine, operation)
