"""The checks of health: what is well, and what each thing that can be wrong is called."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections, models
from django.db.models import Count, F

from example_project.bookshop.models import Book
from fraiseql_django import GraphQLEngine, Registry, get_engine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.declare.types import field, type_
from fraiseql_django.health import Check, as_dict, run_checks
from fraiseql_django.invalidation.watcher import watchers
from fraiseql_django.planner.column_usage import readable_columns
from fraiseql_django.storage.base import QueryResult
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import CountingStorage, FailingCache, FailingStorage
from tests.support import data, role_name, wait_until
from tests.watching import install, uninstall
from tests.zoo.models import Elsewhere, Restaurant

pytestmark = pytest.mark.django_db

ROLE = role_name("health")


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(storage=CountingStorage(DjangoStorage()), cache=DjangoCache("locmem"))


def checked(engine: GraphQLEngine) -> dict[str, Check]:
    return {check.name: check for check in run_checks(engine)}


def said(engine: GraphQLEngine, name: str) -> tuple[bool, str]:
    check = checked(engine)[name]
    return check.healthy, check.detail


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def engine_of(model: type[models.Model], **fields: Any) -> GraphQLEngine:
    """Return an engine whose only type is over a model."""
    registry = Registry()
    type_(model, name="Only", fields="__all__", registry=registry)(type("Only", (), fields))
    return GraphQLEngine(registry=registry)


# --- well ---


def test_everything_is_well(engine: GraphQLEngine) -> None:
    database, cache, schema = run_checks(engine)
    version = engine.storage.health_check().detail

    assert (database.name, database.healthy) == ("database", True)
    assert database.detail == f"{version}, 11 tables may be read"
    assert (cache.name, cache.healthy, cache.detail) == ("cache", True, "LocMemCache")
    assert (schema.name, schema.healthy) == ("schema", True)
    assert schema.detail == "10 types, 11 tables, 64 columns"
    assert all(check.time_ms > 0 for check in (database, cache, schema))


def test_the_catalogue_is_asked_once(engine: GraphQLEngine) -> None:
    checked(engine)

    assert sum("pg_class" in sql for sql in engine.storage.statements) == 1


def test_report_is_plain_data(engine: GraphQLEngine) -> None:
    report = as_dict(run_checks(engine))

    assert report["healthy"] is True
    assert report["version"] == engine.version
    assert report["checks"][1] == {
        "name": "cache",
        "healthy": True,
        "detail": "LocMemCache",
        "time_ms": report["checks"][1]["time_ms"],
    }


# --- the database ---


def test_a_database_that_is_down_is_said_once_and_in_one_line(engine: GraphQLEngine) -> None:
    engine.storage = FailingStorage()

    assert said(engine, "database") == (False, "cannot be reached: the storage fails, as requested by the test")
    assert said(engine, "cache") == (True, "LocMemCache")
    assert said(engine, "schema") == (False, "10 types; not compared with the database, which cannot be reached")


class Old(CountingStorage):
    """A storage whose server says that it is PostgreSQL 13."""

    def query(self, sql: str, params: Any = ()) -> QueryResult:
        """Answer the question for the version."""
        if "server_version_num" in sql:
            return QueryResult(rows=[(b"130014", b"shop")], row_count=1, execution_time_ms=0)
        return super().query(sql, params)


def test_an_old_postgresql_is_unwell(engine: GraphQLEngine) -> None:
    engine.storage = Old(DjangoStorage())

    healthy, detail = said(engine, "database")
    assert not healthy
    assert detail.endswith("is too old, must be 14 or newer")


def test_tables_that_may_not_be_read_are_named(engine: GraphQLEngine) -> None:
    sql(
        f"CREATE ROLE {ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"REVOKE SELECT ON bookshop_order, bookshop_book_authors FROM {ROLE}",
        f"SET LOCAL ROLE {ROLE}",
    )

    healthy, detail = said(engine, "database")
    assert not healthy
    assert detail.endswith(f"; {ROLE} may not SELECT from: bookshop_book_authors, bookshop_order")
    assert said(engine, "schema")[0]


def test_columns_that_may_not_be_read_are_named(engine: GraphQLEngine) -> None:
    sql(
        f"CREATE ROLE {ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"REVOKE SELECT ON auth_user, bookshop_customer FROM {ROLE}",
        # what the schema does not read need not be granted: passwords, birthdays
        f"GRANT SELECT (id, username) ON auth_user TO {ROLE}",
        f"GRANT SELECT (id, user_id, uuid, newsletter) ON bookshop_customer TO {ROLE}",
        f"SET LOCAL ROLE {ROLE}",
    )

    healthy, detail = said(engine, "database")
    assert not healthy
    assert detail.endswith(" may not SELECT from: bookshop_customer.loyalty_points, bookshop_customer.name")

    sql("RESET ROLE", f"GRANT SELECT (loyalty_points, name) ON bookshop_customer TO {ROLE}")
    sql(f"SET LOCAL ROLE {ROLE}")
    assert said(engine, "database")[0]
    assert data(engine, "{customers {name loyaltyPoints user {username}}}") == {"customers": []}


def test_a_schema_that_may_not_be_used_is_unwell() -> None:
    engine = engine_of(Elsewhere)
    sql(
        f"CREATE ROLE {ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"REVOKE USAGE ON SCHEMA public FROM PUBLIC, {ROLE}",
        f"SET LOCAL ROLE {ROLE}",
    )

    assert said(engine, "database")[1].endswith(' may not SELECT from: public"."zoo elsewhere')


# --- the cache ---


def test_no_cache_is_well(engine: GraphQLEngine) -> None:
    engine.cache = None

    assert said(engine, "cache") == (True, "none, answers are not cached")


@pytest.mark.parametrize("method", ["get", "set", "delete"])
def test_a_cache_that_fails_at_anything_is_unwell(
    engine: GraphQLEngine, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = DjangoCache("locmem")
    monkeypatch.setattr(cache, method, getattr(FailingCache(cache), method))
    engine.cache = cache

    expected = f"LocMemCache: CacheFailure: the cache fails at {method}, as requested by the test"
    assert said(engine, "cache") == (False, expected)


def test_a_cache_that_keeps_nothing_is_unwell(engine: GraphQLEngine, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    engine.cache = DjangoCache("default")

    assert said(engine, "cache") == (False, "DummyCache does not keep what it is given")


def test_a_redis_that_is_down_is_unwell(engine: GraphQLEngine, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    engine.cache = DjangoCache("default")

    healthy, detail = said(engine, "cache")
    assert not healthy
    assert detail.startswith("RedisCache: ConnectionError: ")


def test_the_cache_is_left_as_it_was(cache_alias: str) -> None:
    engine = GraphQLEngine(cache=DjangoCache(cache_alias))
    caches[cache_alias].set("theirs", "untouched")

    assert said(engine, "cache")[0]
    assert engine.cache is not None
    assert engine.cache.size == 0
    assert caches[cache_alias].get("theirs") == "untouched"


def test_a_check_that_fails_itself_keeps_no_other_from_being_made(
    engine: GraphQLEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.cache = FailingCache(DjangoCache("locmem"))
    checks = run_checks(engine)

    assert [(check.name, check.healthy) for check in checks] == [("database", True), ("cache", False), ("schema", True)]
    assert checks[1].detail == "CacheFailure: the cache fails at health_check, as requested by the test"
    assert caplog.messages == ["the health check of the cache failed"]


# --- the schema ---


def test_missing_tables_and_columns_are_named(engine: GraphQLEngine) -> None:
    sql(
        "ALTER TABLE bookshop_book_authors RENAME TO elsewhere",
        "ALTER TABLE bookshop_book RENAME COLUMN pages TO leaves",
        "ALTER TABLE bookshop_author DROP COLUMN website",
    )

    assert said(engine, "schema") == (
        False,
        "10 types; the database has no table bookshop_book_authors, no column bookshop_author.website, "
        "no column bookshop_book.pages: are all migrations applied?",
    )
    assert said(engine, "database")[0]


def test_tables_outside_of_the_search_path_are_missing(engine: GraphQLEngine) -> None:
    sql("CREATE SCHEMA other", "ALTER TABLE bookshop_review SET SCHEMA other")
    assert "no table bookshop_review" in said(engine, "schema")[1]

    sql("SET LOCAL search_path TO other, public")
    assert said(engine, "schema")[0]


def test_tables_that_name_their_schema_need_no_search_path() -> None:
    engine = engine_of(Elsewhere)
    sql("CREATE SCHEMA other", "SET LOCAL search_path TO other")

    assert said(engine, "schema")[0]
    assert data(engine, "{onlies {id}}") == {"onlies": []}


def test_a_schema_that_does_not_build_says_all_that_is_wrong(engine: GraphQLEngine) -> None:
    registry = Registry()
    type_(Book, fields=["title", "no", "nope"], registry=registry)(type("BookType", (), {}))
    engine.registry = registry

    assert said(engine, "schema")[1].startswith(
        "does not build: bookshop.Book: Book.no: Book has no field 'no'; it has: "
    )
    assert " · bookshop.Book: Book.nope: Book has no field 'nope'" in said(engine, "schema")[1]
    healthy, detail = said(engine, "database")
    assert healthy
    assert detail.endswith("; privileges unknown, since the schema does not build")


# --- what the schema reads ---


def test_inherited_columns_are_those_of_the_parent_table() -> None:
    engine = engine_of(Restaurant)
    tables = readable_columns(engine.schema, "default")

    assert {"zoo_restaurant", "zoo_place"} <= tables.keys()
    assert "name" in tables["zoo_place"]
    assert said(engine, "schema")[0]


def test_default_orders_keys_and_computed_fields_are_read() -> None:
    registry = Registry()
    type_(Book, name="Only", fields=["isbn"], registry=registry)(
        type(
            "Only", (), {"reviewers": field(Count("reviews__customer__name")), "from_": field(F("publisher__country"))}
        )
    )

    assert readable_columns(GraphQLEngine(registry=registry).schema, "default") == {
        # ordered by title
        "bookshop_book": {"id", "isbn", "title", "publisher_id"},
        "bookshop_review": {"book_id", "customer_id"},
        "bookshop_customer": {"id", "name"},
        "bookshop_publisher": {"id", "country"},
    }


# --- watched tables ---


@pytest.mark.django_db(transaction=True)
def test_watching_is_a_part_where_it_is_on(settings: Any) -> None:
    assert "watch" not in checked(get_engine())
    settings.FRAISEQL = {"CACHE": {"ALIAS": "locmem", "WATCH": True}}
    install("bookshop_author", "bookshop_book")
    try:
        # by a connection that is opened for it
        assert said(get_engine(), "watch") == (True, "2 tables watched")
        assert watchers() == []

        get_engine().execute("{ __typename }")
        (watcher,) = watchers()
        wait_until(lambda: watcher.listens)
        assert said(get_engine(), "watch") == (True, "2 tables watched")

        watcher.listens, watcher.problem = False, "no route"
        assert said(get_engine(), "watch") == (False, "writes of other programs are not heard: no route")
    finally:
        settings.FRAISEQL = {}
        uninstall()


def test_watching_fails_where_the_database_cannot_be_reached(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["second"].settings_dict, "HOST", "/nowhere")
    settings.FRAISEQL = {"CACHE": {"WATCH": True, "WATCH_DATABASE": "second"}}

    healthy, detail = said(get_engine(), "watch")

    assert not healthy
    assert detail.startswith("writes of other programs are not heard: ")
    assert "/nowhere" in detail
