"""Answers that depend on the clock or on chance are not kept."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import connection
from django.db.models import F, FloatField, Func, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now, Random

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.invalidation import catalog
from tests.support import data, is_hit, make_shop

pytestmark = pytest.mark.django_db(transaction=True)

OBJECTS = """
CREATE VIEW of_chance AS SELECT id, random() AS value FROM bookshop_author;
CREATE VIEW of_clock AS SELECT id, CURRENT_DATE AS day FROM bookshop_author;
CREATE VIEW above AS SELECT * FROM of_chance;
CREATE VIEW still AS SELECT id, name, 'now() is random()' AS value FROM bookshop_author;
CREATE FUNCTION fn_clock(id bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN now(); END $$;
CREATE FUNCTION fn_above(id bigint) RETURNS timestamptz LANGUAGE sql AS $$ SELECT fn_clock(id) $$;
CREATE FUNCTION fn_still(id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT id + 1 $$
"""
DROPPED = """
DROP VIEW above, of_chance, of_clock, still;
DROP FUNCTION fn_clock, fn_above, fn_still
"""


@pytest.fixture(autouse=True)
def objects() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(OBJECTS)
        catalog.forget()
        try:
            make_shop()
            yield
        finally:
            cursor.execute(DROPPED)
            catalog.forget()


def engine_of(body: dict[str, Any], **options: Any) -> GraphQLEngine:
    """Make an engine over authors with one more field, or with a row rule."""
    registry = Registry()
    fraiseql.type(Author, name="Author", fields=["name"], registry=registry, **options)(type("Author", (), body))
    return GraphQLEngine(registry=registry)


def computed(expression: Any, annotation: Any) -> GraphQLEngine:
    """Make an engine with a computed field ``value``."""
    return engine_of({"value": fraiseql.field(expression), "__annotations__": {"value": annotation}})


def source(name: str, annotation: Any, field: str) -> GraphQLEngine:
    """Make an engine over a view."""
    registry = Registry()
    body = {"__annotations__": {"id": int, field: annotation}}
    fraiseql.type(sql_source=name, name="Author", registry=registry)(type("Author", (), body))
    return GraphQLEngine(registry=registry)


def is_kept(engine: GraphQLEngine, query: str) -> bool:
    """Whether the answer of an operation is kept."""
    data(engine, query)
    return is_hit(engine, query)


@pytest.mark.parametrize(
    ("expression", "annotation"),
    [
        (Random(), float),
        (Now(), dt.datetime),
        (TransactionNow(), dt.datetime),
        (RawSQL("CLOCK_TIMESTAMP()", ()), dt.datetime),
        (RawSQL("current_date", ()), dt.date),
        (Func(F("id"), function="fn_clock"), dt.datetime),
        (Func(F("id"), function="fn_above"), dt.datetime),
        (RawSQL("(SELECT value FROM above LIMIT 1)", ()), float),
    ],
)
def test_computed_field_of_clock_or_chance_is_not_kept(expression: Any, annotation: Any) -> None:
    engine = computed(expression, annotation)

    assert not is_kept(engine, "{ authors { value } }")
    assert is_kept(engine, "{ authors { name } }")


@pytest.mark.parametrize(
    ("expression", "annotation"),
    [
        (Func(F("id"), function="fn_still"), fraiseql.BigInt),
        (RawSQL("'random()'", ()), str),
        (RawSQL('(SELECT "now()" FROM (SELECT name AS "now()" FROM bookshop_author LIMIT 1) AS random)', ()), str),
        (Func(F("id"), function="sqrt", output_field=FloatField()), float),
    ],
)
def test_what_only_looks_like_it_is_kept(expression: Any, annotation: Any) -> None:
    assert is_kept(computed(expression, annotation), "{ authors { value } }")


def test_row_rule_by_the_clock_is_not_kept() -> None:
    engine = engine_of({}, rows=lambda viewer: Q(books__published__lt=Now()))

    assert not is_kept(engine, "{ authors { name } }")


@pytest.mark.parametrize(
    ("name", "annotation", "field", "kept"),
    [
        ("of_chance", float, "value", False),
        ("of_clock", dt.date, "day", False),
        ("above", float, "value", False),
        ("still", str, "value", True),
    ],
)
def test_views_of_clock_or_chance_are_not_kept(name: str, annotation: Any, field: str, kept: bool) -> None:
    assert is_kept(source(name, annotation, field), f"{{ authors {{ {field} }} }}") is kept


def test_policy_by_the_clock_is_not_kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE POLICY due ON bookshop_book USING (published < now());"
            "ALTER TABLE bookshop_book ENABLE ROW LEVEL SECURITY"
        )
        try:
            registry = Registry()
            fraiseql.type(Book, name="Book", fields=["title"], registry=registry)(type("Book", (), {}))

            assert not is_kept(GraphQLEngine(registry=registry), "{ books { title } }")
        finally:
            cursor.execute("ALTER TABLE bookshop_book DISABLE ROW LEVEL SECURITY; DROP POLICY due ON bookshop_book")


def test_project_can_keep_them_for_a_time() -> None:
    settings = get_settings()
    engine = GraphQLEngine(
        registry=computed(Random(), float).registry,
        settings=replace(settings, cache=replace(settings.cache, volatile_ttl=30)),
    )

    assert is_kept(engine, "{ authors { value } }")
