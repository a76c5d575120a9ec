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
from fraiseql_django.invalidation.volatility import clock_parameters
from tests.support import data, is_hit, make_shop

pytestmark = pytest.mark.django_db(transaction=True)

OBJECTS = """
CREATE VIEW of_chance AS SELECT id, random() AS value FROM bookshop_author;
CREATE VIEW of_clock AS SELECT id, CURRENT_DATE AS day FROM bookshop_author;
CREATE VIEW above AS SELECT * FROM of_chance;
CREATE VIEW still AS SELECT id, name, 'now() is random()' AS value FROM bookshop_author;
CREATE FUNCTION fn_clock(id bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN now(); END $$;
CREATE FUNCTION fn_above(id bigint) RETURNS timestamptz LANGUAGE sql AS $$ SELECT fn_clock(id) $$;
CREATE FUNCTION fn_still(id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT id + 1 $$;
CREATE FUNCTION fn_default(id bigint, at timestamptz DEFAULT now()) RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT at $$;
CREATE FUNCTION fn_liar(id bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT timeofday() || id $$;
CREATE FUNCTION fn_text(id bigint) RETURNS date LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN 'today'::text::date; END $$;
CREATE FUNCTION fn_executes(id bigint) RETURNS float LANGUAGE plpgsql AS
    $$ DECLARE found float; BEGIN EXECUTE 'SELECT random()' INTO found; RETURN found; END $$;
CREATE FUNCTION fn_step(state bigint, id bigint) RETURNS bigint LANGUAGE sql AS
    $$ SELECT state + extract(epoch FROM clock_timestamp())::bigint $$;
CREATE AGGREGATE fn_sum (bigint) (SFUNC = fn_step, STYPE = bigint, INITCOND = 0);
CREATE FUNCTION fn_later(a bigint, b bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT fn_clock(a) > 'epoch' $$;
CREATE OPERATOR ~~> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = fn_later);
CREATE FUNCTION fn_same(a bigint, b bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT a = b $$;
CREATE OPERATOR ~~= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = fn_same);
CREATE TYPE moment AS (at timestamptz);
CREATE FUNCTION fn_moment(a bigint) RETURNS moment LANGUAGE sql AS $$ SELECT ROW(fn_clock(a))::moment $$;
CREATE CAST (bigint AS moment) WITH FUNCTION fn_moment;
CREATE LANGUAGE other HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION fn_opaque(id bigint) RETURNS bigint LANGUAGE other AS $$ BEGIN RETURN id; END $$;
CREATE FUNCTION fn_declared(id bigint) RETURNS bigint LANGUAGE other STABLE AS $$ BEGIN RETURN id; END $$;
CREATE VIEW by_operator AS SELECT id, id ~~> 1 AS value FROM bookshop_author;
CREATE VIEW by_aggregate AS SELECT fn_sum(id) AS value, min(id) AS id FROM bookshop_author;
CREATE VIEW of_server AS SELECT pid AS id, query AS value FROM pg_stat_activity;
CREATE VIEW sampled AS SELECT id, name AS value FROM bookshop_author TABLESAMPLE bernoulli (50);
CREATE VIEW of_transaction AS SELECT id, txid_current() AS value FROM bookshop_author;
CREATE VIEW of_zone AS SELECT id, (current_timestamp AT TIME ZONE 'UTC')::date AS value FROM bookshop_author;
CREATE VIEW of_user AS SELECT id, current_user || current_database() || version() AS value FROM bookshop_author;
CREATE MATERIALIZED VIEW frozen AS SELECT id, now() AS value, fn_clock(id) AS other FROM bookshop_author;
CREATE VIEW above_frozen AS SELECT id, value FROM frozen
"""
DROPPED = """
DROP VIEW above_frozen, of_user, of_zone, of_transaction, sampled, of_server, by_aggregate, by_operator;
DROP MATERIALIZED VIEW frozen;
DROP VIEW above, of_chance, of_clock, still;
DROP OPERATOR ~~> (bigint, bigint); DROP OPERATOR ~~= (bigint, bigint);
DROP CAST (bigint AS moment);
DROP AGGREGATE fn_sum (bigint);
DROP FUNCTION fn_clock, fn_above, fn_still, fn_default, fn_liar, fn_text, fn_executes, fn_step, fn_later, fn_same,
    fn_moment, fn_opaque, fn_declared;
DROP LANGUAGE other;
DROP TYPE moment
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
        (RawSQL("localtimestamp", ()), dt.datetime),
        (RawSQL("age(date '2020-01-01')::text", ()), str),
        (RawSQL("timezone('UTC', now())", ()), dt.datetime),
        (RawSQL("'now'::text::timestamptz", ()), dt.datetime),
        (RawSQL("date 'today'", ()), dt.date),
        (RawSQL("CAST('tomorrow 12:00' AS timestamptz)", ()), dt.datetime),
        (RawSQL("%s::date", ("yesterday",)), dt.date),
        (RawSQL("txid_current()::text", ()), str),
        (RawSQL("pg_current_xact_id()::text", ()), str),
        (RawSQL("pg_postmaster_start_time()", ()), dt.datetime),
        (RawSQL("pg_backend_pid()", ()), int),
        (RawSQL("(SELECT count(*)::int FROM pg_stat_activity)", ()), int),
        (RawSQL("(SELECT reltuples FROM pg_class LIMIT 1)", ()), float),
        (RawSQL("(SELECT count(*)::int FROM information_schema.tables)", ()), int),
        (RawSQL("pg_stat_get_live_tuples('bookshop_author'::regclass)::text", ()), str),
        (RawSQL("pg_relation_size('bookshop_author')::text", ()), str),
        (RawSQL("(SELECT last_value::text FROM bookshop_author_id_seq)", ()), str),
        (Func(F("id"), function="fn_default"), dt.datetime),
        (Func(F("id"), function="fn_liar"), str),
        (Func(F("id"), function="fn_text"), dt.date),
        (Func(F("id"), function="fn_executes"), float),
        (Func(F("id"), function="fn_opaque"), fraiseql.BigInt),
        (RawSQL("(SELECT fn_sum(id)::text FROM bookshop_author)", ()), str),
        (RawSQL("(1::bigint ~~> 2::bigint)", ()), bool),
        (RawSQL("(1::bigint::moment)::text", ()), str),
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
        (RawSQL("date '2020-01-01' + 1", ()), dt.date),
        (RawSQL("'Today'", ()), str),
        (RawSQL("'now and then'", ()), str),
        (RawSQL("%s::text", ("now",)), str),
        (RawSQL("(current_user || current_database())::text", ()), str),
        (RawSQL("to_char(date '2020-01-01', 'YYYY')", ()), str),
        (RawSQL("(1::bigint ~~= 2::bigint)", ()), bool),
        (Func(F("id"), function="fn_declared"), fraiseql.BigInt),
    ],
)
def test_what_only_looks_like_it_is_kept(expression: Any, annotation: Any) -> None:
    assert is_kept(computed(expression, annotation), "{ authors { value } }")


def test_row_rule_by_the_clock_is_not_kept() -> None:
    engine = engine_of({}, rows=lambda viewer: Q(books__published__lt=Now()))

    assert not is_kept(engine, "{ authors { name } }")


@pytest.mark.parametrize(
    ("text", "kept"), [("today", False), (" TOMORROW 12:00 ", False), ("2020-01-01", True), ("infinity", True)]
)
def test_row_rule_with_a_text_that_is_read_by_the_clock(text: str, kept: bool) -> None:
    engine = engine_of({}, rows=lambda viewer: Q(books__published__lt=RawSQL("%s::date", (text,))) | Q(name__gt=""))

    assert is_kept(engine, "{ authors { name } }") is kept


@pytest.mark.parametrize(
    ("sql", "texts", "found"),
    [
        ("SELECT %s::date", ["today"], True),
        ("SELECT %s", ["now"], True),
        ("SELECT %s::text", ["now"], False),
        ("SELECT (%s::text)::date", ["now"], True),
        ("SELECT (%s::text)::varchar, %s::date", ["now", "2020-01-01"], False),
        ("SELECT '100 %%s', %s::int, %s::timestamptz", ["1", " now "], True),
        ("SELECT '100 %%s', %s::text, %s::timestamptz", ["now", None], False),
    ],
)
def test_parameters_that_are_read_by_the_clock(sql: str, texts: list[str | None], found: bool) -> None:
    assert clock_parameters(sql, texts) is found


@pytest.mark.parametrize(
    ("name", "annotation", "field", "kept"),
    [
        ("of_chance", float, "value", False),
        ("of_clock", dt.date, "day", False),
        ("above", float, "value", False),
        ("still", str, "value", True),
        ("by_operator", bool, "value", False),
        ("by_aggregate", fraiseql.BigInt, "value", False),
        ("of_server", str, "value", False),
        ("sampled", str, "value", False),
        ("of_transaction", fraiseql.BigInt, "value", False),
        ("of_zone", dt.date, "value", False),
        ("of_user", str, "value", True),
        ("frozen", dt.datetime, "value", True),
        ("above_frozen", dt.datetime, "value", True),
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


def test_parts_of_a_statement_that_are_volatile_are_named() -> None:
    def parts(sql: str) -> frozenset[str] | None:
        return catalog.volatile_parts(sql, "default")

    assert parts("SELECT name FROM bookshop_author") == frozenset()
    assert parts("SELECT value, now() FROM above, still") == {"above", "now"}
    assert parts("SELECT fn_above(id), CURRENT_DATE, 'now'::date FROM bookshop_author") == {
        "fn_above",
        "current_date",
        "now",
    }


def test_nothing_is_kept_where_the_catalogue_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_ask", lambda *args, **kwargs: None)
    catalog.forget()

    assert catalog.volatile_parts("SELECT 1", "default") is None
    assert catalog.is_volatile("SELECT 1", "default")


def test_client_that_asks_for_the_word_now_is_answered_from_the_cache() -> None:
    """What clients write is a date or a text before it reaches PostgreSQL."""
    engine = engine_of({})

    assert is_kept(engine, '{ authors(where: {name: {eq: "now"}}) { name } }')
    assert is_kept(engine, 'query { authors(where: {name: {in: ["today"]}}) { name } }')


def test_time_that_python_takes_is_a_part_of_the_key() -> None:
    """Each answer is right, and none is used again: rules should say Now(), or take the time less finely."""
    times = iter(dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=n) for n in range(1000))
    finely = engine_of({}, rows=lambda viewer: Q(books__created_at__lt=next(times)) | Q(name__gt=""))
    daily = engine_of({}, rows=lambda viewer: Q(books__published__lt=next(times).date()) | Q(name__gt=""))

    assert not is_kept(finely, "{ authors { name } }")
    assert is_kept(daily, "{ authors { name } }")
