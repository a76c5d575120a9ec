"""What is relied on in Django without being documented: a failure here says which function of ``_django`` to change."""

import ast
import asyncio
import datetime as dt
import functools
import pickle
import re
import unittest
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from inspect import isfunction, unwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import login
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User, UserManager
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import InvalidCacheBackendError, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.signals import request_finished
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Count, Exists, F, OuterRef, Q, Value
from django.db.models.expressions import Func
from django.db.models.functions import Lower
from django.db.transaction import TransactionManagementError
from django.http import HttpResponse
from django.test import RequestFactory, TestCase, override_settings
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone, translation
from psycopg import IsolationLevel, RawCursor
from psycopg.pq import TransactionStatus

import fraiseql_django
from example_project.bookshop.models import Author, Book, OrderLine, Publisher
from fraiseql_django import _django as internals
from fraiseql_django.invalidation.transactions import Transactions
from tests.support import in_thread
from tests.zoo.models import Animal, Restaurant

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(fraiseql_django.__file__).parent
FUNCTIONS = [name for name in internals.__all__ if isfunction(unwrap(getattr(internals, name)))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_contract_and_says_what_it_relies_on(name: str) -> None:
    assert f"internals.{name}(" in Path(__file__).read_text()
    assert getattr(internals, name).__doc__


# What is private to Django
PRIVATE = re.compile(
    r"\.(?:needs_rollback|rollback_exc|savepoint_ids|in_atomic_block|execute_wrappers|wrap_database_errors|isolation_level"
    r"|close_if_\w+|get_compiler|compose_sql|standard_ordering|alias_map|alias_refcount|concrete_model|all_parents"
    r"|m2m_(?!changed)\w+|_expire_info|_ignore_exceptions|pk_fields)\b|\bcaches\.settings\b|\bconnection\.connection\b"
)


def test_nothing_private_is_used_elsewhere() -> None:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        # psycopg's connection has an isolation level as well
        if relative.parts[0] != "_django" and relative.name != "pipeline.py":
            code = ast.unparse(ast.parse(path.read_text()))
            if used := PRIVATE.findall(code):
                found[str(relative)] = used

    assert found == {}


# --- connections ---


def test_connection_is_opened_and_closed() -> None:
    connection.close()
    assert internals.driver_connection(connection) is None
    assert not internals.may_be_in_transaction(connection)

    internals.ensure_usable(connection)

    assert internals.driver_connection(connection).info.transaction_status == TransactionStatus.IDLE
    assert internals.in_autocommit_mode(connection)


def test_health_check_opens_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.close()
    connection.ensure_connection()
    before = internals.driver_connection(connection)
    before.close()
    connection.close_if_unusable_or_obsolete()

    internals.ensure_usable(connection)

    assert not internals.driver_connection(connection).closed


def test_broken_connection_is_closed() -> None:
    connection.ensure_connection()
    internals.driver_connection(connection).close()
    with pytest.raises(Exception, match="closed"):
        Author.objects.count()

    internals.close_if_broken(connection)

    assert internals.driver_connection(connection) is None
    assert Author.objects.count() == 0


def test_errors_of_the_driver_become_errors_of_django() -> None:
    connection.ensure_connection()
    with pytest.raises(OperationalError) as caught, internals.database_errors(connection):
        internals.driver_connection(connection).execute("DO $$BEGIN RAISE SQLSTATE '55P03'; END$$")

    assert getattr(caught.value.__cause__, "sqlstate", None) == "55P03"


def test_state_of_atomic_blocks() -> None:
    seen = []

    def note() -> None:
        seen.append(
            (
                internals.in_atomic_block(connection),
                internals.in_autocommit_mode(connection),
                internals.may_be_in_transaction(connection),
                len(internals.savepoints(connection)),
            )
        )

    connection.ensure_connection()
    note()
    with transaction.atomic():
        note()
        with transaction.atomic():
            note()
            with transaction.atomic(savepoint=False):
                assert None in internals.savepoints(connection)
    connection.set_autocommit(False)
    note()
    connection.set_autocommit(True)

    assert seen == [
        (False, True, False, 0),
        (True, False, True, 0),
        (True, False, True, 1),
        (False, False, True, 0),
    ]


class InTestCase(TestCase):
    """Not collected: the test below runs it as Django does."""

    __test__ = False
    seen: ClassVar[list[bool]] = []

    @classmethod
    def setUpTestData(cls) -> None:
        cls.seen.append(internals.in_block_of_test(connection))

    def runTest(self) -> None:  # noqa: N802
        self.seen.append(internals.in_block_of_test(connection))
        with transaction.atomic(durable=True):
            self.seen.append(internals.in_block_of_test(connection))


def test_block_of_a_test_is_known() -> None:
    with transaction.atomic():
        assert not internals.in_block_of_test(connection)

    result = unittest.TestResult()
    unittest.TestSuite([InTestCase()]).run(result)

    assert result.wasSuccessful()
    assert InTestCase.seen == [True] * 3
    assert not internals.in_block_of_test(connection)


def test_isolation_level_is_known_once_the_connection_is_open() -> None:
    connection.ensure_connection()
    assert internals.isolation_level(connection) == IsolationLevel.READ_COMMITTED


def test_block_that_is_broken_is_rolled_back_and_names_the_cause() -> None:
    error = ValueError("the cause")
    with transaction.atomic():
        Author.objects.create(name="Ursula")
        assert not internals.block_is_broken(connection)
        internals.break_block(connection, error)
        assert internals.block_is_broken(connection)
        with pytest.raises(transaction.TransactionManagementError) as caught:
            Author.objects.count()

    assert caught.value.__cause__ is error
    assert Author.objects.count() == 0


def test_first_wrapper_stays_and_sees_statements_before_others() -> None:
    seen: list[str] = []

    def outer(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append("first")
        return execute(sql, params, many, context)

    def inner(execute: Any, *args: Any) -> Any:
        seen.append("second")
        return execute(*args)

    internals.add_first_wrapper(connection, outer)
    try:
        with connection.execute_wrapper(inner):
            Author.objects.count()
        assert outer in internals.wrappers(connection)
        Author.objects.count()
    finally:
        internals.wrappers(connection).remove(outer)

    assert seen == ["first", "second", "first"]


@pytest.fixture
def second() -> Any:
    """Return a connection object that nothing has been done to."""
    found = internals.second_connection(connection)
    yield found
    found.close()


def test_commit_and_rollback_are_called_through_the_connection(second: Any) -> None:
    calls: list[str] = []

    def around(name: str) -> Any:
        def call(own: Any) -> None:
            calls.append(name)
            own()
            calls.append(f"{name} done")

        return call

    internals.wrap_transaction_end(second, around("commit"), around("rollback"))
    with internals.in_place({"default": second}):
        with transaction.atomic():
            transaction.on_commit(lambda: calls.append("hook"))
            Author.objects.create(name="Ursula")
        with transaction.atomic():
            transaction.set_rollback(True)
        transaction.set_autocommit(False)
        transaction.commit()
        transaction.rollback()
        transaction.set_autocommit(True)

    assert calls == [
        *("commit", "commit done", "hook", "rollback", "rollback done"),
        *("commit", "commit done", "rollback", "rollback done"),
    ]
    assert Author.objects.count() == 1


def test_failed_commit_is_an_error_of_the_wrapped_method(second: Any) -> None:
    seen: list[Exception] = []

    def commit(own: Any) -> None:
        try:
            own()
        except IntegrityError as error:
            seen.append(error)
            raise

    internals.wrap_transaction_end(second, commit, lambda own: own())
    with internals.in_place({"default": second}), pytest.raises(IntegrityError), transaction.atomic():
        OrderLine.objects.create(order_id=404, line_number=1, book_id=404, unit_price=1)

    assert len(seen) == 1


def test_close_is_called_through_the_connection() -> None:
    closed: list[str] = []

    def use() -> None:
        connection.ensure_connection()
        internals.wrap_close(connection, lambda: closed.append("closed"))
        connections.close_all()

    in_thread(use)

    assert closed[:1] == ["closed"]


def test_cursor_is_of_the_given_class_in_the_wrapper_of_django() -> None:
    connection.ensure_connection()
    assert internals.has_own_cursors(connection)

    with internals.cursor_of(connection, lambda own: RawCursor) as cursor:
        assert type(internals.inner_cursor(cursor)) is RawCursor
        assert type(cursor).__module__.startswith("django.")
    with connection.cursor() as cursor:
        assert type(internals.inner_cursor(cursor)) is not RawCursor


def test_cursor_class_of_the_project_is_noticed() -> None:
    connection.ensure_connection()
    driver: Any = internals.driver_connection(connection)
    usual = driver.cursor_factory
    driver.cursor_factory = RawCursor
    try:
        assert not internals.has_own_cursors(connection)
    finally:
        driver.cursor_factory = usual


class Observer:
    """Notes the statements that it is told of."""

    def __init__(self) -> None:
        self.connection: Any = connection
        self.told: list[Any] = []
        self.ends: list[str] = []
        self.is_running = False

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.told.append((sql, params, many))
        return execute(sql, params, many, context)

    @contextmanager
    def noting(self, sql: Any, params: Any) -> Iterator[None]:
        self.told.append((sql, params, False))
        yield

    def committing(self) -> None:
        driver = internals.driver_connection(connection)
        assert driver.info.transaction_status == TransactionStatus.INTRANS or not self.told
        self.ends.append("committing")

    def ended(self) -> None:
        self.ends.append("ended")

    def commit(self, own: Any) -> None:
        self.ends.append("commit")
        own()

    def rollback(self, own: Any) -> None:
        self.ends.append("rollback")
        own()

    @contextmanager
    def running(self) -> Iterator[None]:
        self.is_running = True
        yield
        self.is_running = False


def test_cursors_of_the_driver_tell_of_their_statements() -> None:
    connection.ensure_connection()
    driver: Any = internals.driver_connection(connection)
    observer = Observer()
    former = driver._fraiseql_observer
    try:
        internals.observe_driver(connection, observer)
        internals.observe_driver(connection, observer)
        driver.execute("SELECT %s", [1])
        driver.cursor().executemany("SELECT %s", [[2]])
        with driver.cursor("named", withhold=True) as cursor:
            assert cursor.execute("SELECT 3").fetchone() == (3,)
        with connection.cursor() as cursor, cursor.copy("COPY (SELECT 4) TO STDOUT") as copy:
            assert b"".join(map(bytes, copy)) == b"4\n"
        with driver.transaction():
            assert list(driver.cursor().stream("SELECT 5")) == [(5,)]
        with internals.unobserved(driver), driver.transaction():
            driver.execute("SELECT 6")
    finally:
        driver._fraiseql_observer = former

    texts = ["SELECT %s", "SELECT %s", "SELECT 3", "COPY (SELECT 4) TO STDOUT", "SELECT 5"]
    assert [sql for sql, _, _ in observer.told] == texts
    assert [many for _, _, many in observer.told] == [False, True, False, False, False]
    assert observer.ends == ["committing", "ended"]
    assert internals.has_own_cursors(connection)


def test_pipeline_mode_and_strings_of_a_session() -> None:
    connection.ensure_connection()
    driver: Any = internals.driver_connection(connection)
    assert not internals.in_pipeline(connection)
    with driver.pipeline():
        assert internals.in_pipeline(connection)
    assert not internals.reads_backslashes(connection)
    driver.execute("SET standard_conforming_strings = off")
    try:
        assert internals.reads_backslashes(connection)
    finally:
        driver.execute("RESET standard_conforming_strings")


def test_ends_of_transactions_of_the_driver_are_told() -> None:
    connection.ensure_connection()
    driver: Any = internals.driver_connection(connection)
    observer = Observer()
    former = driver._fraiseql_observer
    try:
        internals.observe_driver(connection, observer)
        with transaction.atomic():
            driver.commit()
            driver.rollback()
        # Django's own
        assert observer.ends == ["commit", "rollback", "commit"]
        with driver.pipeline():
            driver.execute("SELECT 1")
        with driver.transaction(), driver.transaction():
            driver.execute("SELECT 2")
        with pytest.raises(ZeroDivisionError), driver.transaction():
            raise ZeroDivisionError
        assert observer.ends[3:] == ["ended", "committing", "ended", "ended"]
        with internals.unobserved(driver):
            driver.commit()
        # given back to a pool
        observer.connection = SimpleNamespace(connection=None)
        driver.commit()
        assert observer.ends[7:] == []
    finally:
        driver._fraiseql_observer = former


def test_database_is_told_by_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = internals.database_of(connection)
    monkeypatch.setitem(connection.settings_dict, "NAME", "another")

    assert internals.database_of(connection) != before


def test_server_version() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        (expected,) = cursor.fetchone()

    assert internals.server_version(connection) == int(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (F("title"), "varchar(200)"),
        (F("publisher__name"), "varchar(120)"),
        (Count("reviews"), "integer"),
        (Value("a") + Value(1), None),
    ],
)
def test_output_type(expression: Any, expected: str | None) -> None:
    assert internals.output_type(Book, expression, "default") == expected


def test_connect_timeout_holds_for_a_connection_that_is_opened(second: Any) -> None:
    with internals.connect_timeout(second, 3):
        assert second.get_connection_params()["connect_timeout"] == 3
    assert "connect_timeout" not in second.get_connection_params()


def test_second_connection_takes_the_place_of_the_first(second: Any) -> None:
    assert connections["default"] in internals.open_connections()
    assert second.settings_dict["NAME"] == connection.settings_dict["NAME"]
    with internals.in_place({"default": second}):
        assert connections["default"] is second
        assert in_thread(lambda: connections["default"]) is not second
        with transaction.atomic():
            assert second.in_atomic_block
    assert connections["default"] is not second


def test_second_connection_is_not_of_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": True, "client_encoding": "UTF8"})

    second = internals.second_connection(connection)

    assert second.pool is None
    assert second.settings_dict["OPTIONS"] == {"client_encoding": "UTF8"}


def test_driver_connection_of_its_own_takes_more_parameters() -> None:
    found = internals.new_driver_connection("default", application_name="tests of it")
    try:
        assert found is not connection.connection
        assert found.info.dbname == connection.settings_dict["NAME"]
        assert found.execute("SHOW application_name").fetchone() == ("tests of it",)
    finally:
        found.close()


# --- caches ---


def test_caches_can_be_added() -> None:
    internals.cache_settings()["added"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    try:
        assert caches["added"].get("key") is None
    finally:
        del caches["added"], internals.cache_settings()["added"]


def test_tables_of_caches() -> None:
    backend = "django.core.cache.backends.db.DatabaseCache"
    with override_settings(CACHES={**caches.settings, "table": {"BACKEND": backend, "LOCATION": "answers"}}):
        assert internals.cache_tables() == {"answers"}
        assert internals.database_of_cache(caches["table"]) == "default"
    assert internals.is_database_cache(DatabaseCache)
    assert not internals.is_database_cache(type(caches["locmem"]))


def test_lock_of_a_cache_in_files(tmp_path: Path) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    with override_settings(CACHES={**caches.settings, "files": {"BACKEND": backend, "LOCATION": tmp_path / "new"}}):
        files = caches["files"]
        assert internals.is_file_cache(type(files))
        assert not internals.is_file_cache(type(caches["locmem"]))
        with internals.file_lock(files, lambda attempt: attempt()) as held:
            assert held
            files.set("key", 1)
            files.clear()
            with internals.file_lock(files, lambda attempt: attempt()) as again:
                assert not again
        with internals.file_lock(files, lambda attempt: attempt()) as held:
            assert held


@pytest.mark.django_db(transaction=True)
def test_transaction_that_sql_began_is_open() -> None:
    assert not internals.is_open_in_sql(connection)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        assert internals.is_open_in_sql(connection)
        cursor.execute("COMMIT")
    assert not internals.is_open_in_sql(connection)


@pytest.mark.parametrize("kind", ["locmem", "redis", "django_redis"])
def test_keys_of_caches(kind: str) -> None:
    redis = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": caches.settings["redis"]["LOCATION"],
        "KEY_PREFIX": caches.settings["redis"]["KEY_PREFIX"] + "-internals",
    }
    with override_settings(CACHES={**caches.settings, "django_redis": redis}):
        cache = caches[kind]
        cache.set_many({"pre[*]:one": 1, "pre[*]:two": 2, "prex:three": 3}, 60)
        found = internals.cache_keys(cache, "pre[*]:")
        assert found is not None
        assert sorted(found) == ["one", "two"]
        figures = internals.redis_figures(cache)
        # of the whole server, which other tests use as well
        assert set(figures) == (set() if kind == "locmem" else {"entries", "bytes", "max_bytes", "evicted"})
        assert not figures or (figures["entries"] >= 3 and figures["bytes"] > 100_000)
        cache.delete_many(["pre[*]:one", "pre[*]:two", "prex:three"])


def test_shared_view_of_a_cache_has_the_keys_that_it_is_given() -> None:
    other = {**caches.settings["locmem"], "KEY_PREFIX": "site", "VERSION": 3}
    with override_settings(CACHES={**caches.settings, "other": other}):
        view = internals.shared_view("other")
        assert view is internals.shared_view("other")
        assert view is not in_thread(lambda: internals.shared_view("other"))
        view.set("as_given", 1)
        assert internals.project_key(caches["other"])("key") == "site:3:key"
        caches["other"].set("key", 2)
        # one store, by its LOCATION
        assert view.get_many(["as_given", "site:3:key"]) == {"as_given": 1, "site:3:key": 2}
        caches["other"].clear()
        assert view.get("site:3:key") is None
    with pytest.raises(InvalidCacheBackendError, match="'other' is not in CACHES"):
        internals.shared_view("other")


def test_shared_views_are_closed_with_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[object] = []
    view = internals.shared_view("locmem")
    monkeypatch.setattr(view, "close", lambda: closed.append(view))

    internals.close_views()
    request_finished.send(sender=None)

    assert closed == [view, view]


def reversed_key(key: str, prefix: str, version: int) -> str:
    return f"{key}:{prefix}"


def test_project_key_of_a_function_of_the_project() -> None:
    own = {**caches.settings["locmem"], "KEY_PREFIX": "site", "KEY_FUNCTION": f"{__name__}.reversed_key"}
    with override_settings(CACHES={**caches.settings, "own": own}):
        assert internals.project_key(caches["own"])("key") == "key:site"


def test_kinds_of_caches() -> None:
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    own = {"of_django": redis, "dummy": dummy, "same": {**redis, "KEY_PREFIX": "x"}}
    with override_settings(CACHES={**caches.settings, **own}):
        # others may add aliases
        aliases = ["default", "redis", "locmem", *own]
        of_redis = [alias for alias in aliases if internals.is_redis_cache(type(caches[alias]))]
        private = [alias for alias in aliases if internals.is_private_cache(type(caches[alias]))]
        assert of_redis == ["redis", "of_django", "same"]
        assert private == ["default", "locmem", "dummy"]
        assert internals.is_same_cache("of_django", "same")
        assert not internals.is_same_cache("of_django", "redis")
        assert not internals.is_same_cache("dummy", "dummy")


def test_figures_of_a_cluster_are_those_of_all_nodes() -> None:
    class Client:
        def info(self) -> dict[str, Any]:
            node = {"used_memory": 10, "maxmemory": 100, "evicted_keys": 2, "db0": {"keys": 3, "expires": 1}}
            return {"10.0.0.1:6379": node, "10.0.0.2:6379": {**node, "db0": {"keys": 4, "expires": 0}}}

    class Store:
        class _cache:  # noqa: N801 - Django's name
            @staticmethod
            def get_client(key: None) -> Client:
                return Client()

    assert internals.redis_figures(Store()) == {"entries": 7, "bytes": 20, "max_bytes": 200, "evicted": 4}


def test_parts_of_a_local_cache() -> None:
    cache = caches["locmem"]
    cache.clear()
    parts = internals.local_parts(cache)

    cache.set_many({"a": 1, "b": 2}, 60)
    cache.get("a")
    # the value that was used last comes first
    assert list(parts.values) == [parts.full_key("a"), parts.full_key("b")]
    assert parts.expiries.keys() == parts.values.keys()

    with parts.lock:
        parts.put(parts.full_key("c"), pickle.dumps("of ours"), None)
        parts.remove(parts.full_key("a"))
        parts.remove("missing")
    assert cache.get_many("abc") == {"b": 2, "c": "of ours"}
    assert parts.expiries[parts.full_key("c")] is None
    cache.clear()
    assert not parts.values
    assert isinstance(parts, internals.LocalParts)
    assert internals.is_local_cache(cache)
    assert not internals.is_local_cache(caches["redis"])


def test_nothing_observes_a_connection_of_django() -> None:
    connection = connections["default"]

    assert not internals.is_observed(connection, Transactions)
    # a second time, when the methods are known
    assert not internals.is_observed(connection, Transactions)


def test_wrappers_and_the_log_of_queries_observe() -> None:
    connection = connections["default"]

    with connection.execute_wrapper(lambda execute, *args: execute(*args)):
        assert internals.is_observed(connection, Transactions)
    with CaptureQueriesContext(connection):
        assert internals.is_observed(connection, Transactions)
    with override_settings(DEBUG=True):
        assert internals.is_observed(connection, Transactions)
    assert internals.is_observed(connection, object)
    assert not internals.is_observed(connection, Transactions)


@pytest.mark.parametrize("method", ["cursor", "_cursor", "make_cursor"])
def test_methods_that_are_replaced_on_a_connection_observe(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connections["default"]
    monkeypatch.setattr(connection, method, getattr(connection, method))

    assert internals.is_observed(connection, Transactions)


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        *((BaseDatabaseWrapper, name) for name in ("cursor", "_cursor", "make_cursor", "_prepare_cursor")),
        *((CursorWrapper, name) for name in ("execute", "_execute", "_execute_with_wrappers", "__enter__")),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_methods_that_are_replaced_on_a_class_observe(
    owner: Any, method: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connections["default"]
    if known:
        assert not internals.is_observed(connection, Transactions)
    original = getattr(owner, method)

    @functools.wraps(original)
    def observed(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, method, observed)

    assert internals.is_observed(connection, Transactions)


def test_backend_that_makes_its_own_cursors_observes() -> None:
    connection = connections["default"]

    class Tenants(type(connection)):  # type: ignore[misc]
        def _cursor(self, name: Any = None) -> Any:
            return super()._cursor(name)

    class Plain(type(connection)):  # type: ignore[misc]
        """Nothing else."""

    for backend, expected in ((Tenants, True), (Plain, False)):
        other = backend(connection.settings_dict, "default")
        other.execute_wrappers += connection.execute_wrappers
        assert internals.is_observed(other, Transactions) is expected


def test_connection_is_ready() -> None:
    connection = connections["default"]

    assert internals.is_ready(connection)
    assert not in_thread(lambda: internals.is_ready(connection))
    with transaction.atomic():
        assert internals.is_ready(connection)
        transaction.set_rollback(True)
        assert not internals.is_ready(connection)

    async def in_event_loop() -> bool:
        return internals.is_ready(connection)

    assert not asyncio.run(in_event_loop())
    other = connection.copy("other")
    other.health_check_enabled = True
    assert not internals.is_ready(other)


def test_statements_that_must_not_be_run() -> None:
    connection = connections["default"]
    connection.ensure_connection()

    internals.check_usable(connection)
    with pytest.raises(DatabaseError, match="created in a thread"):
        in_thread(lambda: internals.check_usable(connection))
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError, match="until the end of the 'atomic' block"):
            internals.check_usable(connection)


def test_caches_in_the_memory_of_a_process() -> None:
    assert internals.is_private_cache(type(caches["locmem"]))
    assert not internals.is_private_cache(type(caches["redis"]))


def test_caches_that_compress(tmp_path: Path) -> None:
    own = {
        "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path},
        "zlib": {
            **caches.settings["redis"],
            "OPTIONS": {"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor"},
        },
    }
    with override_settings(CACHES={**caches.settings, **own}):
        found = {alias for alias in caches.settings if internals.compresses_values(caches[alias], alias)}

    assert found == {"file", "zlib"}


@pytest.mark.parametrize("backend", ["django_redis.cache.RedisCache", "django.core.cache.backends.redis.RedisCache"])
def test_memory_of_a_redis(backend: str) -> None:
    own = {"BACKEND": backend, "LOCATION": caches.settings["redis"]["LOCATION"]}
    with override_settings(CACHES={**caches.settings, "asked": own}):
        assert internals.redis_memory(caches["asked"]) == (0, "noeviction")
    assert internals.redis_memory(caches["locmem"]) is None


@pytest.mark.django_db(transaction=True)
def test_connections_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    assert not internals.holds_pooled_connection(connection)
    assert not internals.uses_pool(connection)
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "OPTIONS", {"pool": True})
        assert internals.holds_pooled_connection(connection)
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"pool": True})

    assert internals.uses_pool(connection)
    assert not internals.holds_pooled_connection(connection)


def test_keys_of_other_caches_cannot_be_listed(tmp_path: Path) -> None:
    file = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path}
    with override_settings(CACHES={**caches.settings, "file": file}):
        assert internals.cache_keys(caches["file"], "pre") is None


@pytest.mark.parametrize(("option", "expected"), [({}, False), ({"IGNORE_EXCEPTIONS": True}, True)])
def test_caches_that_ignore_errors(option: dict[str, Any], expected: bool) -> None:
    redis = {**caches.settings["redis"], "OPTIONS": option}
    with override_settings(CACHES={**caches.settings, "silent": redis}):
        assert internals.ignores_errors(caches["silent"], "silent") is expected


# --- models ---


@isolate_apps("tests.zoo")
def test_keys_inheritance_and_many_to_many() -> None:
    proxy = type("Proxied", (Author,), {"__module__": "tests.zoo.models", "Meta": type("Meta", (), {"proxy": True})})
    authors = Book._meta.get_field("authors")

    assert [field.column for field in internals.key_fields(OrderLine)] == ["order_id", "line_number"]
    assert [field.column for field in internals.key_fields(Author)] == ["id"]
    assert internals.concrete_model(proxy) is Author
    assert [parent.__name__ for parent in internals.all_parents(Restaurant)] == ["Place"]
    assert internals.many_to_many_table(authors) == ("bookshop_book_authors", "book_id", "author_id")
    assert internals.many_to_many_fields(authors) == ("book", "author")


def error_of(function: Any) -> Exception:
    with pytest.raises((ValueError, TypeError)) as caught:
        function()
    return caught.value


def test_annotations_cannot_have_the_names_of_fields() -> None:
    for name in ("title", "publisher", "publisher_id", "reviews"):
        with pytest.raises(ValueError, match=f"The annotation '{name}' conflicts with a field on the model."):
            Book.objects.annotate(**{name: Value(1)})
        free = internals.free_name(Book, name)
        assert free == f"{name}_"
        assert Book.objects.annotate(**{free: Value(1)}).values(free).query.annotations.keys() == {free}
    assert internals.free_name(Book, "fraiseql_json") == "fraiseql_json"


def test_values_that_a_field_refuses() -> None:
    assert internals.raised_by_field(error_of(lambda: Author.objects.get(pk="x")))
    assert internals.raised_by_field(error_of(lambda: Author.objects.filter(pk=[]).count()))
    assert not internals.raised_by_field(error_of(lambda: int("x")))


def test_place_that_an_error_was_raised_below() -> None:
    error = error_of(lambda: Author.objects.get(pk="x"))
    file, _, line = internals.called_from(error).rpartition(":")

    assert (file, Path(file).read_text().splitlines()[int(line) - 1].strip()) == (
        __file__,
        'error = error_of(lambda: Author.objects.get(pk="x"))',
    )
    assert internals.called_from(ValueError("never raised")) == "an unknown place"


# --- queries ---


def test_compiling_queries() -> None:
    compiled = internals.compile_query(Author.objects.filter(name="%").values("id"), "default")
    assert compiled is not None
    sql, params = compiled

    assert sql.count("%s") == 1
    assert params == ["%"]
    assert internals.compile_query(Author.objects.none(), "default") is None


def test_compiling_expressions_with_the_compiler_of_their_query() -> None:
    rows = Author.objects.annotate(label=Func(F("name"), Value("x"), function="concat"))
    compiler = internals.compiler_of(rows, "default")
    assert internals.compile_with(compiler) is not None
    (expression,) = (expression for expression, _, alias in compiler.select if alias == "label")

    assert internals.compile_expression(compiler, expression) == ('concat("bookshop_author"."name", %s)', ["x"])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (lambda: Author.objects.filter(name="x").order_by("name"), True),
        (lambda: Author.objects.all().union(Author.objects.all()), False),
        (lambda: Author.objects.distinct(), False),
        (lambda: Author.objects.values("name"), False),
        (lambda: Author.objects.extra(select={"one": "1"}), False),
    ],
)
def test_queries_that_select_whole_rows(rows: Any, expected: bool) -> None:
    assert internals.selects_whole_rows(rows()) is expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (lambda: Book.objects.annotate(x=F("publisher__name")), []),
        (lambda: Book.objects.annotate(x=F("reviews__stars")), ["Review"]),
        (lambda: Book.objects.annotate(x=F("reviews__customer__name")), ["Review", "Customer"]),
        (lambda: Book.objects.annotate(x=F("authors__name")), ["Book_authors", "Author"]),
        (lambda: Author.objects.annotate(x=F("books__title")), ["Book_authors", "Book"]),
        (lambda: Animal.everything.annotate(x=F("passport__number")), []),
        (lambda: Animal.everything.annotate(x=F("mother__children__name")), ["Animal"]),
        (lambda: Restaurant.objects.annotate(x=F("name")), []),
        (lambda: Book.objects.annotate(x=Count("reviews")), ["Review"]),
    ],
)
def test_tables_that_repeat_rows(rows: Any, expected: list[str]) -> None:
    assert list(internals.many_valued_tables(rows().query).values()) == expected


@isolate_apps("tests.zoo", "django.contrib.contenttypes")
def test_generic_relation_repeats_rows() -> None:
    class Mark(models.Model):
        label = models.TextField()
        content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
        object_id = models.BigIntegerField()
        marked = GenericForeignKey()

        class Meta:
            app_label = "zoo"

    class Marked(models.Model):
        marks = GenericRelation(Mark)

        class Meta:
            app_label = "zoo"

    query = Marked.objects.annotate(x=F("marks__label")).query
    assert list(internals.many_valued_tables(query).values()) == ["Mark"]


class Unnest(Func):
    """An array as rows."""

    function = "unnest"
    set_returning = True


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (lambda: Book.objects.all(), True),
        (lambda: Book.objects.order_by("title").only("title").select_related("publisher"), True),
        (lambda: Book.objects.annotate(half=F("price") / 2), True),
        (lambda: Restaurant.objects.all(), True),
        (lambda: Book.objects.filter(), True),
        (lambda: Book.objects.filter(price=1), False),
        (lambda: Book.objects.exclude(price=1), False),
        (lambda: Book.objects.none(), False),
        (lambda: Book.objects.filter(pk__in=[]), False),
        (lambda: Book.objects.all()[:1], False),
        (lambda: Book.objects.distinct(), False),
        (lambda: Book.objects.union(Book.objects.all()), False),
        (lambda: Book.objects.annotate(stars=F("reviews__stars")), False),
        (lambda: Book.objects.annotate(count=Count("reviews")), False),
        (lambda: Book.objects.annotate(tag=Unnest("tags")), False),
        (lambda: Book.objects.extra(where=["price > 1"]), False),
        (lambda: Book.objects.extra(tables=["bookshop_review"]), False),
    ],
)
def test_queries_that_filter_nothing(rows: Any, expected: bool) -> None:
    # a QuerySet in the message of an assertion would be evaluated
    found = internals.filters_nothing(rows())
    assert found is expected


def test_orders_of_queries() -> None:
    assert internals.declared_order(Author.objects.order_by("-name", "id")) == ("-name", "id")
    assert internals.declared_order(Author.objects.all()) == tuple(Author._meta.ordering)
    assert internals.declared_order(Author.objects.order_by()) == ()
    assert not internals.is_reversed(Author.objects.order_by("name"))
    assert internals.is_reversed(Author.objects.order_by("name").reverse())


def test_order_of_a_relation_stands_behind_its_path() -> None:
    assert internals.with_prefix(F("name"), "publisher__") == F("publisher__name")
    rows = Book.objects.annotate(value=internals.with_prefix(Lower("name"), "publisher__"))
    assert 'LOWER("bookshop_publisher"."name")' in str(rows.query)


def test_types_of_expressions_over_a_query_s_annotations() -> None:
    rows = Book.objects.annotate(reviewed=Count("reviews"))
    assert internals.output_type(Book, F("reviewed"), "default", rows) == "integer"


def test_joins_of_an_order_are_made_in_the_query_itself() -> None:
    rows = Book.objects.order_by("publisher__name")
    assert "bookshop_publisher" not in rows.query.alias_map

    internals.join_for_order(rows, "default")
    internals.join_for_order(rows, "default")

    assert [alias for alias, count in rows.query.alias_refcount.items() if count] == [
        "bookshop_book",
        "bookshop_publisher",
    ]
    compiled = internals.compile_query(rows, "default")
    assert compiled is not None
    assert compiled[0].count("JOIN") == 1


class AliasOf(Func):
    """The alias of the table of a column, as text."""

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        (column,) = self.get_source_expressions()
        return f"'{internals.quoted_alias(compiler, column)}'", []


def test_alias_of_a_column_follows_the_query_into_subqueries() -> None:
    text = models.TextField()
    inner = Book.objects.filter(publisher=OuterRef("pk")).annotate(
        own=AliasOf(F("title"), output_field=text),
        joined=AliasOf(F("category__name"), output_field=text),
        outer=AliasOf(OuterRef("name"), output_field=text),
    )
    rows = Publisher.objects.filter(Exists(inner.filter(joined="", outer="", own="")))

    compiled = internals.compile_query(rows, "default")

    assert compiled is not None
    assert sorted(re.findall(r"""'"?(\w+)"?'""", compiled[0])) == ["U0", "U2", "bookshop_publisher"]
    assert Publisher.objects.filter(Exists(inner)).count() == 0


def test_alias_of_what_is_no_column_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a resolved column"):
        internals.quoted_alias(internals.compiler_of(Author.objects.all(), "default"), Value(1))


@pytest.mark.parametrize("value", ["it's 100%", 7, None, True, [1, 2]])
def test_literals_are_those_of_the_cursor(value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {internals.literal(value, 'default')}::text, '%%'", [])
        written, percent = cursor.fetchone()
        cursor.execute("SELECT %s::text", [value])
        assert (written,) == cursor.fetchone()
    assert percent == "%"


def test_identifiers_are_quoted_once() -> None:
    assert internals.quote_name("Order", connection) == '"Order"'
    assert internals.quote_name('"Order"', connection) == '"Order"'


def test_columns_that_a_query_reads() -> None:
    rows = (
        Book.objects.filter(Q(publisher__country="US") | Exists(Author.objects.filter(books=OuterRef("pk"), bio="x")))
        .annotate(reviewed=Count("reviews__stars"))
        .order_by("category__name")
        .values("title")
    )

    found = internals.columns_read(rows, "default")

    assert {table: sorted(columns) for table, columns in found.items()} == {
        "bookshop_book": ["category_id", "id", "publisher_id", "title"],
        "bookshop_publisher": ["country", "id"],
        "bookshop_category": ["id", "name"],
        "bookshop_review": ["book_id", "stars"],
        "bookshop_author": ["bio", "id"],
        "bookshop_book_authors": ["author_id", "book_id"],
    }
    assert internals.columns_read(Author.objects.none(), "default") == {}


def test_caches_that_use_no_database_are_known() -> None:
    assert all(internals.uses_no_database(type(caches[alias])) for alias in ("locmem", "redis"))
    assert not internals.uses_no_database(DatabaseCache)

    class Own(type(caches["locmem"])):  # type: ignore[misc]
        """A class of the project may do anything."""

    assert not internals.uses_no_database(Own)


def test_models_of_a_querys_tables_are_known() -> None:
    rows = Book.objects.filter(publisher__name="Ace", authors__name="Ursula")

    assert {Book, Publisher, Author} <= set(internals.models_read(rows.query))


def test_managers_that_decide_rows_are_known() -> None:
    class Filtered(models.Manager[Any]):
        def get_queryset(self) -> Any:
            return super().get_queryset().filter(pk=1)

    class Made(models.QuerySet[Any]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)

    class Named(models.QuerySet[Any]):
        def first_two(self) -> Any:
            return self[:2]

    patched: Any = models.Manager()
    patched.get_queryset = lambda: models.QuerySet(User).none()

    assert internals.overrides_of(Filtered()) == {"get_queryset": Filtered.get_queryset}
    assert internals.overrides_of(models.Manager.from_queryset(Made)()) is None
    assert internals.overrides_of(patched) is None
    for plain in (models.Manager(), models.Manager.from_queryset(Named)(), Named.as_manager(), UserManager()):
        found = internals.overrides_of(plain)
        assert found is not None
        assert "get_queryset" not in found
    assert internals.overrides_building(Made)
    assert not internals.overrides_building(Named)
    assert not internals.overrides_building(Made, {"__init__": Made.__init__})
    assert internals.managers_of(Animal) == [Animal.objects, Animal.everything]


def test_rows_of_a_manager_that_refuses_are_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create(username="ann")

    def refuse(self: Any) -> Any:
        raise RuntimeError("no tenant")

    assert list(internals.default_rows(User)) == list(internals.all_rows(User, "default")) == [user]
    monkeypatch.setattr(UserManager, "get_queryset", refuse, raising=False)
    assert list(internals.default_rows(User)) == list(internals.all_rows(User, "default")) == [user]
    assert internals.default_rows(User, "other").db == internals.all_rows(User, "other").db == "other"


class Router:
    """Has an opinion on reading alone."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "second" if model is Author else None


def test_routers_are_asked_for_their_opinions(settings: Any) -> None:
    assert not internals.has_routers()
    settings.DATABASE_ROUTERS = [f"{__name__}.Router"]

    assert internals.has_routers()
    assert internals.database_of_routers(Author, "db_for_read") == "second"
    assert internals.database_of_routers(Author, "db_for_write") is None
    assert internals.database_of_routers(User, "db_for_read") is None


def test_manager_may_be_bound_to_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    assert internals.database_of_manager(Author) is None
    monkeypatch.setattr(Author._default_manager, "_db", "second")
    assert internals.database_of_manager(Author) == "second"


def test_aliases_of_one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    assert internals.is_same_database("default", "second")
    assert not internals.is_same_database("default", "nowhere")
    monkeypatch.setitem(connections.settings["second"], "NAME", "another")
    # still its mirror in tests
    assert internals.is_same_database("default", "second")
    monkeypatch.setitem(connections.settings["second"], "TEST", {"MIRROR": None})
    assert not internals.is_same_database("default", "second")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "name"),
    [(ZoneInfo("Europe/Berlin"), "Europe/Berlin"), (dt.timezone(dt.timedelta(hours=2)), "UTC-02:00"), (dt.UTC, "UTC")],
    ids=str,
)
def test_active_time_zone_is_named_as_postgres_reads_it(zone: dt.tzinfo, name: str) -> None:
    moment = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
    with timezone.override(zone), connection.cursor() as cursor:
        assert internals.active_zone("default") == name
        cursor.execute("SELECT %s AT TIME ZONE %s", [moment, internals.active_zone("default")])
        assert cursor.fetchone()[0] == moment.astimezone(zone).replace(tzinfo=None)


# --- rows that others have chosen, instances, values ---


def test_a_condition_has_its_parameters_replaced() -> None:
    seen: list[Any] = []

    def bound(sql: str, params: list[Any]) -> Any:
        seen.append((sql, params))
        return sql, ["x" for _ in params]

    rows = internals.with_bound_where(Book.objects.filter(title="a", reviews__stars__gt=3).exclude(title="b"), bound)
    compiled = internals.compile_query(rows.filter(isbn="c"), "default")

    assert compiled is not None
    assert compiled[1] == ["x", "x", "x", "c"]
    nested = Book.objects.filter(pk__in=rows.values("pk"), isbn="c")
    again = internals.compile_query(nested, "default")
    assert again is not None
    assert sorted(again[1]) == ["c", "x", "x", "x"]
    assert all(len(params) == 3 for _, params in seen)


def test_rows_to_which_conditions_and_an_order_can_be_added() -> None:
    rows = Book.objects.filter(title="a").order_by("price")

    assert internals.is_of_its_table(rows)
    assert internals.is_of_its_table(rows.annotate(twice=F("price") * 2))
    for odd in (
        rows[:3], rows.distinct(), rows.union(rows), rows.annotate(n=Count("reviews")), rows.select_for_update(),
        rows.annotate(n=Count("reviews")).filter(n__gt=1), rows.extra(where=["1 = 1"], tables=["bookshop_review"]),
    ):  # fmt: skip
        assert not internals.is_of_its_table(odd)
    assert internals.selects_values(rows.values("id"))
    assert internals.selects_values(rows.values_list("id"))
    assert not internals.selects_values(rows)
    assert internals.own_database(rows) is None
    assert internals.own_database(rows.using("second")) == "second"


def test_rows_are_selected_from_sql() -> None:
    publisher = Publisher.objects.create(name="Ace", country="US")
    source = ("(SELECT *, 7 AS place FROM bookshop_publisher WHERE name = %s)", ["Ace"])

    rows = internals.rows_from(Publisher, source, "default")

    assert list(rows.filter(country="US")) == [publisher]
    assert list(rows.filter(country="FR")) == []
    assert list(Book.objects.filter(publisher__in=rows)) == []
    assert list(rows.filter(pk__in=Publisher.objects.filter(pk=OuterRef("pk")))) == [publisher]


def test_an_instance_reads_no_more_than_it_was_given() -> None:
    refused: list[Any] = []

    def refuse(*names: str) -> None:
        refused.append(names)
        raise LookupError

    book = internals.instance_of(Book, {"id": 1, "title": "a", "publisher_id": 3, "extra": 5}, refuse)

    assert (book.title, book.publisher_id, book.extra) == ("a", 3, 5)
    with pytest.raises(LookupError):
        _ = book.price
    for read in (lambda: book.publisher, lambda: list(book.reviews.all()), lambda: list(book.authors.all())):
        with pytest.raises(Exception, match="requires="):
            read()
    assert refused[0] == ("price",)


@pytest.mark.parametrize(
    ("type_name", "sql"),
    [
        ("integer", "7"), ("numeric", "1.50"), ("text", "'a'''"), ("character varying", "'é'"), ("boolean", "true"),
        ("date", "'2024-05-31'"), ("timestamp with time zone", "'2024-05-31 13:45:00.5+02'"), ("bytea", "'\\x00ff'"),
        ("time without time zone", "'13:45'"), ("interval", "'1 day 2 hours'"), ("uuid", "gen_random_uuid()"),
        ("integer[]", "'{1,NULL}'"), ("text[]", "'{a,\"b c\"}'"), ("int4range", "'[1,5)'"), ("jsonb", "'{\"a\": 1}'"),
        ("double precision", "1.5"), ("inet", "'10.0.0.0/8'"), ("citext_or_unknown", "'a'"),
    ],
)  # fmt: skip
def test_texts_are_read_as_django_reads_values(type_name: str, sql: str) -> None:
    cast = "text" if "unknown" in type_name else type_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT v, v::text FROM (SELECT {sql}::{cast} AS v) AS found")
        (value, text) = cursor.fetchone() or (None, None)

    read = internals.text_loader(type_name, "default")(text)

    assert read == (bytes(value) if isinstance(value, memoryview) else value)


@pytest.mark.parametrize(
    "value",
    [
        *("a'", 7, 2**40, Decimal("1.5"), True, 1.5, None, [1, 2], uuid.UUID(int=1)),
        *(dt.date(2024, 5, 31), dt.datetime(2024, 5, 31, tzinfo=dt.UTC), dt.timedelta(1)),
    ],
)
def test_values_are_sent_with_their_types(value: Any) -> None:
    sent = internals.sent_as(value, "default")

    assert sent is not None
    text, kind = sent
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s{f'::{kind}' if kind else ''}", [text])
        assert cursor.fetchone() == (value,)
    assert internals.sent_as(object(), "default") is None


def _texts() -> list[str]:
    return [
        translation.gettext("Monday"),
        translation.pgettext("abbrev. month", "Jan."),
        translation.ngettext("%d day", "%d days", 2),
        str(translation.gettext_lazy("Monday")),
        f"{timezone.localtime(dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC))}",
        timezone.get_current_timezone_name(),
        str(translation.get_language()),
    ]


@pytest.mark.parametrize("language", ["de", "en", None])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", dt.timezone(dt.timedelta(hours=2), "two")])
def test_language_and_time_zone_are_noted_and_stay_as_they_are(language: str | None, zone: Any) -> None:
    zone = ZoneInfo(zone) if isinstance(zone, str) else zone
    with translation.override(language), timezone.override(zone):
        before = _texts()
        with internals.noting_place() as asked:
            assert asked == []
            assert _texts() == before
            assert asked
        assert _texts() == before
        assert timezone.get_current_timezone() is zone


@pytest.mark.parametrize("ask", [
    lambda: translation.gettext("Monday"), lambda: translation.npgettext("a", "b", "c", 1),
    lambda: str(translation.gettext_lazy("Monday")), translation.get_language, timezone.get_current_timezone_name,
    lambda: timezone.localtime(timezone.now()), lambda: timezone.make_aware(dt.datetime(2024, 1, 1)).isoformat(),
])  # fmt: skip
def test_each_way_to_ask_for_them_is_noted(ask: Any) -> None:
    translation.deactivate()
    with internals.noting_place() as asked:
        timezone.now()
        assert asked == []
        ask()
    assert asked


def test_user_that_auser_has_read_is_that_of_the_request() -> None:
    ann, ben = User.objects.create(username="ann"), User.objects.create(username="ben")
    middleware = AuthenticationMiddleware(lambda request: HttpResponse())
    request: Any = RequestFactory().get("/")
    request.session = SessionStore()
    middleware.process_request(request)
    login(request, ann, backend="django.contrib.auth.backends.ModelBackend")
    # as that of the next request does
    middleware.process_request(request)
    async_to_sync(request.auser)()

    internals.share_user(request)

    with CaptureQueriesContext(connection) as captured:
        assert request.user == ann
    assert len(captured) == 0
    # a token's owner
    request.user = ben
    internals.share_user(request)
    assert request.user is ben
