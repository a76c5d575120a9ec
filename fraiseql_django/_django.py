"""Every use of what is private or undocumented in Django, each behind a function that says what it relies on.

What Django documents is used where it is needed: QuerySets, expressions, ``Model._meta.get_field()`` and the options
of ``Meta``, ``_base_manager`` and ``_default_manager``, ``connection.vendor`` and ``connection.alias``,
``transaction``'s functions, ``execute_wrapper()``, the methods of caches. The rest is here, and
``tests/test_django_internals.py`` holds Django to it.

connections   state of a connection and its transaction; commit and rollback; a second connection; routers
caches        the settings of ``CACHES``; the keys that a cache holds
models        the columns of a key; inheritance; the tables of many-to-many fields; values that a field refuses
queries       compiling to SQL and parameters; joins of ORDER BY; aliases; literals; the columns that are read
instances     an instance of some columns; values as Django's connections read and send them
"""

from __future__ import annotations

import datetime as dt
import os
import re
from asyncio import _get_running_loop
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache, partial
from inspect import getattr_static
from operator import attrgetter
from threading import get_ident
from traceback import walk_tb
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

import django
from django.conf import settings
from django.core.cache import CacheHandler, InvalidCacheBackendError, caches
from django.core.cache.backends.base import default_key_func
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import EmptyResultSet, FieldError
from django.core.files import locks
from django.core.signals import request_finished
from django.db import OperationalError, connections, models, router
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import Col, OrderBy
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.db.models.sql.datastructures import BaseTable
from django.db.models.sql.where import WhereNode
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import trans_real

from ._compat import Format, PyFormat, TransactionStatus, Transformer, get_adapters_template

Model: TypeAlias = type[models.Model]
# SQL with %s for each parameter and %% for a percent sign, and the parameters
Compiled: TypeAlias = tuple[str, list[Any]]

# --- connections ---


def driver_connection(connection: Any) -> Any:
    """Return psycopg's connection, None where none is open.

    Relies on ``connection.connection``.
    """
    return connection.connection


def ensure_usable(connection: Any) -> None:
    """Open a connection where none is open, or where the health check of ``CONN_HEALTH_CHECKS`` fails.

    Raises OperationalError for one that is lost and was not replaced.

    Relies on ``close_if_health_check_failed()``, which ``connection.cursor()`` calls, and ``ensure_connection()``.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    if connection.connection.closed:
        connection.errors_occurred = True
        raise OperationalError("the connection is closed")


def close_if_broken(connection: Any) -> None:
    """Close a connection that is lost; the next statement opens another. One that still answers stays open.

    ``close_if_unusable_or_obsolete()`` would not do in the middle of a request: it closes every connection that has
    reached its ``CONN_MAX_AGE``, 0 by default, and one without autocommit. What the project has set in the session (a
    role, a search path), and its open transaction, would be gone, and nobody told. In a transaction whether the
    connection answers is not asked: a failed one refuses each statement.

    Relies on ``errors_occurred`` and ``is_usable()``.
    """
    driver = driver_connection(connection)
    if driver is None:
        return
    if driver.closed:
        connection.close()
    elif connection.errors_occurred and driver.info.transaction_status == TransactionStatus.IDLE:
        if connection.is_usable():
            connection.errors_occurred = False
        else:
            connection.close()


def database_errors(connection: Any) -> AbstractContextManager[None]:
    """Turn psycopg's errors into Django's, as Django's own cursors do.

    Relies on ``wrap_database_errors``, also for the cause that it sets.
    """
    errors: AbstractContextManager[None] = connection.wrap_database_errors
    return errors


def in_atomic_block(connection: Any) -> bool:
    """Whether an ``atomic`` block is open. Relies on ``in_atomic_block``."""
    return bool(connection.in_atomic_block)


def in_block_of_test(connection: Any) -> bool:
    """Whether an ``atomic`` block of a ``TestCase`` is open, which is rolled back whatever happens in it.

    Relies on ``atomic_blocks``, and on ``_from_testcase``, by which Django lets tests have durable blocks.
    """
    return any(block._from_testcase for block in connection.atomic_blocks)


def in_autocommit_mode(connection: Any) -> bool:
    """Whether each statement is its own transaction; False for a connection that is not open yet.

    Relies on ``autocommit``; ``get_autocommit()`` would open the connection.
    """
    return bool(connection.autocommit)


def may_be_in_transaction(connection: Any) -> bool:
    """Whether a statement would run inside a transaction that others may undo.

    Relies on ``commit()`` being called while the connection is not in autocommit mode.
    """
    return in_atomic_block(connection) or (
        driver_connection(connection) is not None and not in_autocommit_mode(connection)
    )


def is_open_in_sql(connection: Any) -> bool:
    """Whether psycopg's connection has a transaction open, perhaps by BEGIN as SQL, of which Django does not know.

    Relies on ``info.transaction_status`` of psycopg, whose IDLE is 0.
    """
    info = getattr(driver_connection(connection), "info", None)
    return info is not None and getattr(info, "transaction_status", 0) != 0


def in_pipeline(connection: Any) -> bool:
    """Whether psycopg's pipeline mode is used by hand: a statement is committed before anybody has its result.

    Relies on ``pgconn`` of psycopg's connection.
    """
    driver = driver_connection(connection)
    return driver is not None and bool(driver.pgconn.pipeline_status)


def reads_backslashes(connection: Any) -> bool:
    """Whether a backslash in an ordinary string of SQL escapes what follows it (``standard_conforming_strings``).

    PostgreSQL reports that with the answer to the statement that has changed it. Relies on ``pgconn``.
    """
    driver = driver_connection(connection)
    return driver is not None and driver.pgconn.parameter_status(b"standard_conforming_strings") == b"off"


def isolation_level(connection: Any) -> Any:
    """Return the isolation level of an open connection's transactions, as psycopg's enum.

    Relies on ``isolation_level`` of the PostgreSQL backend, which is set when the connection is opened.
    """
    return connection.isolation_level


def savepoints(connection: Any) -> frozenset[str | None]:
    """Return the savepoints of the open ``atomic`` blocks; a block without a savepoint is None.

    Relies on ``savepoint_ids``.
    """
    return frozenset(connection.savepoint_ids)


def block_is_broken(connection: Any) -> bool:
    """Whether the open ``atomic`` block will be rolled back. Relies on ``needs_rollback``."""
    return bool(connection.needs_rollback)


def break_block(connection: Any, error: Exception) -> None:
    """Let the open ``atomic`` block be rolled back, and later statements in it name ``error`` as the cause.

    Relies on ``needs_rollback`` and ``rollback_exc``, which Django sets itself in ``mark_for_rollback_on_error()``.
    """
    connection.needs_rollback, connection.rollback_exc = True, error


def add_first_wrapper(connection: Any, wrapper: Callable[..., Any]) -> None:
    """Call ``wrapper`` around each statement of a connection from now on.

    Relies on ``execute_wrappers``: that it is a list which lives as long as the connection object, and that
    ``execute_wrapper()`` appends to it and removes the last entry, so that the first one stays.
    """
    connection.execute_wrappers.insert(0, wrapper)


def wrappers(connection: Any) -> list[Any]:
    """Return what is called around each statement. Relies on ``execute_wrappers``."""
    found: list[Any] = connection.execute_wrappers
    return found


def wrap_transaction_end(
    connection: Any, commit: Callable[[Callable[[], None]], None], rollback: Callable[[Callable[[], None]], None]
) -> None:
    """Call ``commit`` and ``rollback`` in the place of a connection's own methods, which they are given.

    Relies on ``atomic`` and ``transaction.commit()`` calling both as attributes of the connection object, and on commit
    hooks being called after ``commit()`` has returned.
    """
    own_commit, own_rollback = connection.commit, connection.rollback
    connection.commit = lambda: commit(own_commit)
    connection.rollback = lambda: rollback(own_rollback)


def wrap_close(connection: Any, before: Callable[[], None]) -> None:
    """Call ``before`` whenever a connection is closed.

    Relies on ``close_old_connections()``, ``close_all()`` and the test runner calling ``close()`` as an attribute of
    the connection object.
    """
    own_close = connection.close

    def close() -> None:
        before()
        own_close()

    connection.close = close


def cursor_of(connection: Any, factory: Callable[[Any], Any]) -> Any:
    """Open a cursor of a class that ``factory`` makes of the connection's own cursor class, wrapped as Django does.

    Relies on ``cursor()`` making its cursor by ``cursor_factory`` of psycopg's connection, and on its wrapper keeping
    that cursor as ``cursor``.
    """
    driver = driver_connection(connection)
    own = driver.cursor_factory
    driver.cursor_factory = factory(own)
    try:
        return connection.cursor()
    finally:
        driver.cursor_factory = own


# The attribute of a driver's connection with what its cursors tell of their statements
_OBSERVER = "_fraiseql_observer"


def observe_driver(connection: Any, observer: Any) -> None:
    """Let the cursors that psycopg's connection makes tell ``observer`` of statements that Django does not see.

    It is called as an execute wrapper is, unless its ``is_running`` says that it has been called for the statement:
    for ``callproc()``, and for cursors of ``connection.connection``. Its ``noting`` is given the statements of
    ``copy()`` and ``stream()``, and returns what they are run in. The ends of its transactions are told as well, at
    once: its ``commit`` and ``rollback`` are called with the driver's own methods, its ``committing`` before
    ``connection.connection.transaction()`` commits, its ``ended`` after that and after ``pipeline()``. Relies on
    ``cursor_factory`` and ``server_cursor_factory`` of psycopg's connection, which Django sets or leaves when it opens
    one, and on Django calling ``commit()`` and ``rollback()`` as attributes of it.
    """
    driver = driver_connection(connection)
    try:
        setattr(driver, _OBSERVER, ref(observer))
        driver.cursor_factory = _observed(driver.cursor_factory)
        driver.server_cursor_factory = _observed(driver.server_cursor_factory)
        if "transaction" not in vars(driver):
            driver.transaction = _ObservedTransaction(driver)
            driver.pipeline = _ObservedPipeline(driver)
            driver.commit = _ObservedEnd(driver, "commit")
            driver.rollback = _ObservedEnd(driver, "rollback")
            driver.tpc_commit = _ObservedCommitOfPrepared(driver)
    except (AttributeError, TypeError):
        # a wrapper around psycopg's connection, or a factory that is no class: only Django's cursors are seen then
        return


def _observer_of(driver: Any) -> Any:
    """Return who is to be told of what a driver's connection does; None where what it does is noted by the caller.

    A pool may still use a connection that Django has given back to it.
    """
    observer: Any = getattr(driver, _OBSERVER, lambda: None)()
    if observer is None or observer.is_running or driver_connection(observer.connection) is not driver:
        return None
    return observer


class _ObservedMethod:
    """A method of a driver's connection, in the place of the one of its class."""

    def __init__(self, driver: Any) -> None:
        # no cycle: connections are closed when the last reference to them goes
        self._driver = ref(driver)

    @property
    def driver(self) -> Any:
        return self._driver()


class _ObservedTransaction(_ObservedMethod):
    """The method ``transaction`` of a driver's connection."""

    @contextmanager
    def __call__(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        driver = self.driver
        is_outermost = driver.info.transaction_status == TransactionStatus.IDLE
        try:
            with type(driver).transaction(driver, *args, **kwargs) as block:
                yield block
                if is_outermost and (observer := _observer_of(driver)) is not None:
                    observer.committing()
        finally:
            if is_outermost and (observer := _observer_of(driver)) is not None:
                observer.ended()


class _ObservedPipeline(_ObservedMethod):
    """The method ``pipeline`` of a driver's connection."""

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        driver = self.driver
        try:
            with type(driver).pipeline(driver) as pipeline:
                yield pipeline
        finally:
            if (observer := _observer_of(driver)) is not None:
                observer.ended()


class _ObservedEnd(_ObservedMethod):
    """The method ``commit`` or ``rollback`` of a driver's connection."""

    def __init__(self, driver: Any, name: str) -> None:
        super().__init__(driver)
        self._name = name

    def __call__(self) -> None:
        driver = self.driver
        own = partial(getattr(type(driver), self._name), driver)
        observer = _observer_of(driver)
        if observer is None:
            own()
        else:
            getattr(observer, self._name)(own)


class _ObservedCommitOfPrepared(_ObservedMethod):
    """The method ``tpc_commit`` of a driver's connection, which is told as the statement that it sends."""

    def __call__(self, *args: Any) -> None:
        driver = self.driver
        own = partial(type(driver).tpc_commit, driver, *args)
        observer = _observer_of(driver)
        if observer is None:
            own()
        else:
            observer(lambda *_: own(), "COMMIT PREPARED ''", None, False, {})


@cache
def _observed(own: Any) -> Any:
    """Return a class of cursors that tells the observer of its connection of each statement."""
    if hasattr(own, _OBSERVER):
        return own

    def tell(cursor: Any, execute: Callable[..., Any], query: Any, params: Any, many: bool = False) -> Any:
        observer = getattr(cursor.connection, _OBSERVER, lambda: None)()
        if observer is None or observer.is_running:
            return execute(query, params, many, {})
        return observer(execute, query, params, many, {})

    def noting(cursor: Any, query: Any, params: Any) -> AbstractContextManager[None]:
        observer = getattr(cursor.connection, _OBSERVER, lambda: None)()
        if observer is None or observer.is_running:
            return nullcontext()
        found: AbstractContextManager[None] = observer.noting(query, params)
        return found

    class Observed(own):  # type: ignore[misc]
        def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
            method = super().execute
            return tell(self, lambda sql, params, *_: method(sql, params, **kwargs), query, params)

        def executemany(self, query: Any, params_seq: Any, **kwargs: Any) -> Any:
            method = super().executemany
            return tell(self, lambda sql, params, *_: method(sql, params, **kwargs), query, params_seq, True)

        def stream(self, query: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
            with noting(self, query, params):
                yield from super().stream(query, params, **kwargs)

        @contextmanager
        def copy(self, statement: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
            with noting(self, statement, params), super().copy(statement, params, **kwargs) as copy:
                yield copy

    setattr(Observed, _OBSERVER, True)
    # of Django's own or of the project's, as that was (see has_own_cursors)
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(Observed, name, getattr(own, name))
    return Observed


@contextmanager
def unobserved(driver: Any) -> Iterator[None]:
    """Let nobody be told of the statements that this package runs through a driver's cursors itself."""
    observer = getattr(driver, _OBSERVER, lambda: None)()
    if observer is None:
        yield
    else:
        with observer.running():
            yield


def inner_cursor(cursor: Any) -> Any:
    """Return psycopg's cursor inside Django's wrapper. Relies on its ``cursor``."""
    return cursor.cursor


# What a statement passes on its way through Django's cursors
_OF_CONNECTION = attrgetter("cursor", "_cursor", "create_cursor", "make_cursor", "_prepare_cursor")
_OF_CURSOR = attrgetter("__init__", "__enter__", "execute", "_execute", "_execute_with_wrappers")
# The methods of each class of connections when they were last found to be Django's own
_plain_methods: dict[type, tuple[Any, ...]] = {}


def is_observed(connection: Any, own: type) -> bool:
    """Whether anything sees the statements of a connection's cursors, or takes a part in them.

    That is a wrapper beside one of the class ``own``, the log of queries, and a method of the connection or of Django's
    cursor that is not Django's, as backends for tenants, debug_toolbar and monitors replace them. Relies on
    ``execute_wrappers``, ``queries_logged`` and the methods that ``cursor()`` and ``CursorWrapper.execute()`` call.
    """
    wrappers = connection.execute_wrappers
    if len(wrappers) != 1 or type(wrappers[0]) is not own or connection.queries_logged:
        return True
    backend = type(connection)
    methods = (*_OF_CONNECTION(backend), *_OF_CURSOR(CursorWrapper))
    if methods != _plain_methods.get(backend):
        if not all(map(_is_of_django, methods)):
            return True
        _plain_methods[backend] = methods
    attributes = connection.__dict__
    return "cursor" in attributes or "_cursor" in attributes or "make_cursor" in attributes


def _is_of_django(method: Any) -> bool:
    """Whether a method is Django's own, also behind a decorator of Django's."""
    while type(method) is FunctionType and method.__code__.co_filename.startswith(_DJANGO):
        if not hasattr(method, "__wrapped__"):
            return True
        method = method.__wrapped__
    return False


_DJANGO = os.path.dirname(django.__file__) + os.sep


def is_ready(connection: Any) -> bool:
    """Whether nothing stands against a statement on an open connection, and nothing need be done before it.

    False may be wrong: ``ensure_usable`` and ``check_usable`` then say more. Relies on ``health_check_enabled``,
    ``needs_rollback`` and ``_thread_ident``, and on ``asyncio`` having the running loop of the thread.
    """
    return (
        not connection.health_check_enabled
        and not connection.needs_rollback
        and connection._thread_ident == get_ident()
        and _get_running_loop() is None
    )


def check_usable(connection: Any) -> None:
    """Raise Django's error where a statement must not be run: by another thread, or in a block that is broken.

    Relies on ``validate_thread_sharing()`` and ``validate_no_broken_transaction()``, which Django's cursors call.
    """
    connection.validate_thread_sharing()
    connection.validate_no_broken_transaction()


def has_own_cursors(connection: Any) -> bool:
    """Whether the cursors of an open connection are those that Django makes by default, not a project's.

    Relies on the module that the PostgreSQL backend's cursor classes are defined in.
    """
    factory = getattr(driver_connection(connection), "cursor_factory", None)
    return getattr(factory, "__module__", "").startswith("django.db.backends.")


def server_version(connection: Any) -> int:
    """Return PostgreSQL's version as libpq writes it, 160004 for 16.4; a closed connection is opened for it.

    Relies on the cached property ``pg_version``.
    """
    version: int = connection.pg_version
    return version


def active_zone(alias: str) -> str:
    """Return the name of the active time zone as PostgreSQL reads it: of offsets, POSIX has the opposite sign."""
    operations: Any = connections[alias].ops
    return str(operations._prepare_tzname_delta(timezone.get_current_timezone_name()))


def output_type(model: Model, expression: Any, alias: str, rows: models.QuerySet[Any, Any] | None = None) -> str | None:
    """Return the column type that an expression over a model has by its ``output_field``; None where it has none.

    ``rows`` are a query of the model whose annotations the expression may name. Relies on ``Query.annotations`` holding
    the resolved expression.
    """
    name = free_name(model, "fraiseql_value")
    queryset = models.QuerySet(model, using=alias) if rows is None else rows.using(alias)
    resolved = queryset.annotate(**{name: expression}).query.annotations[name]
    try:
        found: str | None = resolved.output_field.db_type(connections[alias])
    except FieldError:
        return None
    return found


def database_of(connection: Any) -> tuple[Any, ...]:
    """Return what tells a database from others: the alias is not enough, tests use a database of their own under it.

    Relies on ``settings_dict`` and on tests changing its ``NAME``.
    """
    return (connection.alias, *(connection.settings_dict[key] for key in ("HOST", "PORT", "NAME")))


def has_routers() -> bool:
    """Whether ``DATABASE_ROUTERS`` has any. Relies on ``router.routers``."""
    return bool(router.routers)


def database_of_routers(model: Model, action: str) -> str | None:
    """Return the database that routers give a model for ``db_for_read`` or ``db_for_write``; None for no opinion.

    Unlike the methods of ``router``, which give the default database then. Relies on ``router.routers``.
    """
    for item in router.routers:
        chosen: str | None = getattr(item, action)(model) if hasattr(item, action) else None
        if chosen:
            return chosen
    return None


def database_of_manager(model: Model) -> str | None:
    """Return the database that a model's default manager is bound to; None for none, and where it cannot be asked.

    Relies on ``_db`` of QuerySets.
    """
    try:
        rows: Any = model._default_manager.get_queryset()
    except Exception:
        return None
    found: str | None = rows._db
    return found


def is_same_database(alias: str, other: str) -> bool:
    """Whether two aliases lead to the same rows: they are one, have one address, or one mirrors the other in tests.

    Relies on ``connections.settings`` having all defaults. An alias that is not in DATABASES is only like itself.
    """
    if alias == other or alias not in connections or other not in connections:
        return alias == other
    one, two = connections.settings[alias], connections.settings[other]
    mirrors = {one["TEST"]["MIRROR"], two["TEST"]["MIRROR"]}
    # libpq's options may set another search path
    options = one["OPTIONS"].get("options") == two["OPTIONS"].get("options")
    same = options and all(one[key] == two[key] for key in ("HOST", "PORT", "NAME"))
    return same or not mirrors.isdisjoint((alias, other))


@contextmanager
def connect_timeout(connection: Any, seconds: int) -> Iterator[None]:
    """Give up after some seconds if a connection has to be opened meanwhile, unless the project or a pool says when.

    Relies on ``settings_dict["OPTIONS"]`` being read when a connection is opened.
    """
    usual = connection.settings_dict
    if not usual["OPTIONS"].get("pool"):
        connection.settings_dict = {**usual, "OPTIONS": {"connect_timeout": seconds, **usual["OPTIONS"]}}
    try:
        yield
    finally:
        connection.settings_dict = usual


def open_connections() -> list[Any]:
    """Return the connection objects that this thread has. Relies on ``connections.all(initialized_only=True)``."""
    return list(connections.all(initialized_only=True))


def second_connection(connection: Any) -> Any:
    """Return a closed connection to the same database, which no pool counts.

    Relies on ``copy()`` taking the settings as they are now, and on the backend reading ``OPTIONS["pool"]``.
    """
    second = connection.copy()
    second.settings_dict["OPTIONS"] = {
        name: value for name, value in second.settings_dict["OPTIONS"].items() if name != "pool"
    }
    return second


def new_driver_connection(alias: str, **parameters: Any) -> Any:
    """Open a connection of psycopg's own to the database of an alias, with more or other parameters for libpq.

    Nobody else uses it, and no pool counts it. Relies on ``get_connection_params()`` and ``get_new_connection()``.
    """
    connection = second_connection(connections[alias])
    return connection.get_new_connection({**connection.get_connection_params(), **parameters})


@contextmanager
def in_place(replacements: Mapping[str, Any]) -> Iterator[None]:
    """Let ``connections[alias]`` be another connection in this thread, for some aliases.

    Relies on ``connections`` being assignable, and on the assignment holding for one thread, as its own are.
    """
    usual = {alias: connections[alias] for alias in replacements}
    for alias, connection in replacements.items():
        connections[alias] = connection
    try:
        yield
    finally:
        for alias, connection in usual.items():
            connections[alias] = connection


# --- caches ---


def cache_settings() -> dict[str, dict[str, Any]]:
    """Return ``CACHES``; an alias that is added here can be used from then on. Relies on ``caches.settings``."""
    found: dict[str, dict[str, Any]] = caches.settings
    return found


# By alias: the settings that it was made for, and the handler that makes one cache for each thread
_views: dict[str, tuple[Any, CacheHandler]] = {}


def shared_view(alias: str) -> Any:
    """Return a cache of our own over the server, table or memory of an alias, under the keys that it is given.

    Nothing is put before keys, whatever ``KEY_PREFIX``, ``VERSION`` and ``KEY_FUNCTION`` the project has. There is one
    object for each thread, as there is in ``caches``. Relies on ``CacheHandler`` taking settings, and on
    ``LocMemCache`` sharing its values by ``LOCATION``.
    """
    config = cache_settings().get(alias)
    made_for, handler = _views.get(alias, (None, None))
    if handler is None or made_for is not config:
        if config is None:
            raise InvalidCacheBackendError(f"the cache {alias!r} is not in CACHES")
        own = {"KEY_FUNCTION": _as_it_is, "REVERSE_KEY_FUNCTION": _as_it_was, "KEY_PREFIX": "", "VERSION": 1}
        handler = CacheHandler({alias: {**config, **own}})
        _views[alias] = config, handler
    return handler[alias]


def _as_it_is(key: str, prefix: str, version: int) -> str:
    return key


def _as_it_was(key: str) -> str:
    return key


def close_views(**kwargs: Any) -> None:
    """Close this thread's caches of our own, as Django closes its own ones at the end of a request.

    Relies on ``all(initialized_only=True)`` of handlers.
    """
    for _, handler in list(_views.values()):
        for store in handler.all(initialized_only=True):
            store.close()


request_finished.connect(close_views, dispatch_uid="fraiseql_django.caches")


def project_key(store: Any) -> Callable[[str], str]:
    """Return what makes the whole key of a key as the project's cache does: ``KEY_PREFIX``, ``VERSION`` and the key.

    Relies on ``default_key_func`` putting the key behind a fixed prefix.
    """
    if store.key_func is default_key_func:
        found: Callable[[str], str] = str(store.make_key("")).__add__
        return found
    return lambda key: str(store.make_key(key))


def is_database_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in a database table. Relies on ``BaseDatabaseCache``."""
    return issubclass(backend, BaseDatabaseCache)


def database_of_cache(store: Any) -> str:
    """Return the alias of the database that a ``DatabaseCache`` writes to. Relies on its ``cache_model_class``."""
    return router.db_for_write(store.cache_model_class)


def is_file_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in files, by Django's backend or one that extends it."""
    return issubclass(backend, FileBasedCache)


@contextmanager
def file_lock(store: Any, until: Callable[[Callable[[], bool]], bool]) -> Iterator[bool]:
    """Hold the lock of a ``FileBasedCache``'s folder while a block runs, or yield False.

    ``until`` tries to take it, for a while. Relies on ``_createdir()`` and ``_dir``, and on ``clear()`` leaving files
    that have another suffix than its own.
    """
    store._createdir()
    with open(os.path.join(store._dir, "fraiseql.lock"), "a") as file:
        yield until(lambda: locks.lock(file, locks.LOCK_EX | locks.LOCK_NB))


def is_redis_cache(backend: type) -> bool:
    """Whether a cache class is a Redis of Django's or django-redis's, or extends one.

    Relies on the modules that these classes are defined in, since neither redis-py nor django-redis need be installed.
    """
    return any(base.__module__ in _REDIS for base in backend.__mro__)


_REDIS = ("django.core.cache.backends.redis", "django_redis.cache")


def uses_no_database(backend: type) -> bool:
    """Whether a cache class surely uses no database connection: one of Django's own or of django-redis, no subclass.

    Relies on the modules that these classes are defined in.
    """
    return backend.__module__ in _CACHES_WITHOUT_DATABASE


_CACHES_WITHOUT_DATABASE = {
    *(f"django.core.cache.backends.{name}" for name in ("dummy", "filebased", "locmem", "memcached", "redis")),
    "django_redis.cache",
}


def cache_tables() -> frozenset[str]:
    """Return the tables that the caches of ``CACHES`` keep their values in."""
    return frozenset(
        config["LOCATION"] for config in cache_settings().values() if _is_database_backend(config["BACKEND"])
    )


@cache
def _is_database_backend(path: str) -> bool:
    try:
        return is_database_cache(import_string(path))
    except ImportError:
        return False


def cache_keys(store: Any, prefix: str) -> Iterator[str] | None:
    """Iterate over the keys of a cache that begin with a prefix, without it; None where the cache cannot list them.

    Relies on ``iter_keys()`` of django-redis, which gives keys as they were asked for; on ``_cache``,
    ``_expire_info`` and ``_has_expired()`` of ``LocMemCache``; on ``_cache.get_client()`` of ``RedisCache``; and on
    ``make_key()``.
    """
    start = store.make_key(prefix)
    if hasattr(store, "iter_keys"):
        return (key[len(prefix) :] for key in store.iter_keys(_redis_pattern(prefix)))
    if hasattr(store, "_expire_info"):
        kept = [key for key in list(store._cache) if not store._has_expired(key)]
        return (key[len(start) :] for key in kept if key.startswith(start))
    if hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None)
        return (key.decode()[len(start) :] for key in client.scan_iter(match=_redis_pattern(start)))
    return None


def redis_figures(store: Any) -> dict[str, int]:
    """Return what Redis tells of its memory, over all nodes of a cluster; nothing for a cache that is no Redis.

    Relies on ``client.get_client()`` of django-redis, on ``_cache.get_client()`` of ``RedisCache``, on ``info()`` of
    redis-py and on the names in Redis's INFO.
    """
    if hasattr(store, "iter_keys") and hasattr(store, "client"):
        client = store.client.get_client(write=True)
    elif hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None)
    else:
        return {}
    info = client.info()
    nodes = list(info.values()) if all(isinstance(value, dict) for value in info.values()) else [info]
    databases = (value for node in nodes for key, value in node.items() if re.fullmatch(r"db\d+", key))
    return {
        "entries": sum(database["keys"] for database in databases),
        "bytes": sum(node["used_memory"] for node in nodes),
        "max_bytes": sum(node.get("maxmemory", 0) for node in nodes),
        "evicted": sum(node["evicted_keys"] for node in nodes),
    }


class LocalParts(NamedTuple):
    """The parts of a ``LocMemCache``: pickled values by full key, the one used last first, and when each expires.

    ``put`` stores a value for some seconds (None: without a limit) and ``remove`` removes one; both want the lock held.
    ``full_key`` is that of Django's ``make_key``. See ``local_parts`` for what it relies on.
    """

    lock: AbstractContextManager[Any]
    values: OrderedDict[str, bytes]
    expiries: dict[str, float | None]
    put: Callable[[str, bytes, int | None], None]
    remove: Callable[[str], Any]
    full_key: Callable[[str], str]


def is_local_cache(store: Any) -> bool:
    """Whether a cache is Django's ``LocMemCache`` itself; a subclass may do something else."""
    return type(store) is LocMemCache


def is_private_cache(backend: type) -> bool:
    """Whether a cache class keeps its values in the memory of a process, or keeps none."""
    return issubclass(backend, (LocMemCache, DummyCache))


def is_same_cache(alias: str, other: str) -> bool:
    """Whether two aliases lead to the same server, table or folder. Relies on ``CACHES`` having ``LOCATION``."""
    one, two = (cache_settings().get(name, {}) for name in (alias, other))
    return bool(one.get("LOCATION")) and one.get("LOCATION") == two.get("LOCATION")


def local_parts(store: Any) -> LocalParts:
    """Return the parts of a ``LocMemCache``.

    Relies on ``_lock``, ``_cache``, ``_expire_info``, ``_set()`` and ``_delete()``, on reads passing whatever
    bytes are in ``_cache`` to ``pickle.loads``, and on ``default_key_func`` putting the key behind a fixed prefix.
    """
    full_key = store.make_key
    if store.key_func is default_key_func:
        full_key = store.make_key("").__add__
    return LocalParts(store._lock, store._cache, store._expire_info, store._set, store._delete, full_key)


def _redis_pattern(start: str) -> str:
    """Match the keys that begin with a text, whatever characters it holds."""
    return "".join("\\" + character if character in "*?[]\\^" else character for character in start) + "*"


def ignores_errors(cache: Any, alias: str) -> bool:
    """Whether a cache of ``CACHES`` keeps its errors to itself.

    Relies on ``_ignore_exceptions`` of django-redis and the option ``ignore_exc`` of pymemcache.
    """
    options = cache_settings()[alias].get("OPTIONS", {})
    return bool(getattr(cache, "_ignore_exceptions", False) or options.get("ignore_exc"))


def redis_memory(store: Any) -> tuple[int, str] | None:
    """Return how many bytes the Redis of a cache may take (0: no limit), and what it removes when it is full.

    None for a cache that is in no Redis. Raises what the client raises, where Redis cannot be reached or does not tell.
    Relies on ``client.get_client()`` of django-redis, and on ``_cache.get_client()`` of ``RedisCache``.
    """
    if hasattr(getattr(store, "client", None), "get_client"):
        client = store.client.get_client(write=True)
    elif hasattr(getattr(store, "_cache", None), "get_client"):
        client = store._cache.get_client(None, write=True)
    else:
        return None
    found = client.config_get("maxmemory*")
    return int(found["maxmemory"]), str(found["maxmemory-policy"])


def compresses_values(store: Any, alias: str) -> bool:
    """Whether a cache of ``CACHES`` compresses what it keeps.

    Relies on ``FileBasedCache``, which uses zlib, and on the option ``COMPRESSOR`` of django-redis, whose default
    compresses nothing.
    """
    compressor = cache_settings()[alias].get("OPTIONS", {}).get("COMPRESSOR")
    compresses = compressor is not None and not str(compressor).endswith(".IdentityCompressor")
    return compresses or isinstance(store, FileBasedCache)


def holds_pooled_connection(connection: Any) -> bool:
    """Whether a connection is open and belongs to a pool, in which it is one of a few.

    Relies on Django's option ``pool`` of a database.
    """
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool")) and driver_connection(connection) is not None


# --- models ---


def key_fields(model: Model) -> list[Any]:
    """Return the fields of a model's primary key, several for a composite key. Relies on ``_meta.pk_fields``."""
    return list(model._meta.pk_fields)


def concrete_model(model: Model) -> Model:
    """Return the model whose table a model uses: itself, unless it is a proxy. Relies on ``_meta.concrete_model``."""
    found = model._meta.concrete_model
    assert found is not None
    return found


def free_name(model: Any, name: str) -> str:
    """Return a name for an annotation on rows of the model: Django refuses that of a field."""
    taken = {used for field in model._meta.get_fields() for used in (field.name, getattr(field, "attname", None))}
    while name in taken:
        name += "_"
    return name


def all_parents(model: Model) -> tuple[Model, ...]:
    """Return the models that a model inherits tables from. Relies on ``_meta.all_parents``."""
    return tuple(model._meta.all_parents)


def raised_by_field(error: Exception) -> bool:
    """Whether a model field refused a value while a query was made, as in ``get(pk="x")``.

    Relies on where the error was raised: in ``get_prep_value()`` or ``to_python()`` of a class in
    ``django.db.models.fields``. Nothing else about these errors tells them from those of a project's own code.
    """
    if not isinstance(error, (ValueError, TypeError)) or error.__traceback__ is None:
        return False
    *_, (frame, _) = walk_tb(error.__traceback__)
    where = frame.f_globals.get("__name__", "")
    return where.startswith("django.db.models.fields") and frame.f_code.co_name in ("get_prep_value", "to_python")


def called_from(error: Exception) -> str:
    """Return where the project's code called what has raised an error: the innermost ``shop/graphql.py:12``.

    Relies on the names of the modules of Django and psycopg.
    """
    others = ("django.", "psycopg", __name__.partition(".")[0] + ".")
    place = "an unknown place"
    for frame, line in walk_tb(error.__traceback__):
        if not f"{frame.f_globals.get('__name__', '')}.".startswith(others):
            place = f"{frame.f_code.co_filename}:{line}"
    return place


def many_to_many_table(field: Any) -> tuple[str, str, str]:
    """Return the table of a many-to-many field, the column of its own model and the one of the other.

    Relies on ``m2m_db_table()``, ``m2m_column_name()`` and ``m2m_reverse_name()``.
    """
    return field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name()


def many_to_many_fields(field: Any) -> tuple[str, str]:
    """Return the names of the two foreign keys of a many-to-many field's table, that to its own model first.

    Relies on ``m2m_field_name()`` and ``m2m_reverse_field_name()``.
    """
    return field.m2m_field_name(), field.m2m_reverse_field_name()


# --- queries ---


def compiler_of(rows: models.QuerySet[Any, Any] | Query, alias: str) -> Any:
    """Return the compiler of a query for a database. Relies on ``QuerySet.query`` and ``get_compiler()``."""
    query: Any = rows.query if isinstance(rows, models.QuerySet) else rows
    return query.get_compiler(alias)


def compile_query(rows: models.QuerySet[Any, Any] | Query, alias: str) -> Compiled | None:
    """Compile a query; None where Django knows that it finds no rows.

    Relies on ``as_sql()`` of the compiler and on EmptyResultSet.
    """
    return compile_with(compiler_of(rows, alias))


def all_rows(model: type[models.Model], alias: str) -> models.QuerySet[Any]:
    """Return all rows of a model, past its managers."""
    return models.QuerySet(model).using(alias)


def default_rows(model: type[models.Model], alias: str | None = None) -> models.QuerySet[Any]:
    """Return the rows of a model's default manager for checks and commands, where no request is being answered.

    A manager that refuses to be asked then, or needs the database, stands for all rows; so does one whose QuerySet
    refuses to be used, as that of django-scopes does.
    """
    try:
        found: models.QuerySet[Any] = model._default_manager.using(alias)
        found.values("pk")
    except Exception:
        found = models.QuerySet(model).using(alias)
    return found


def overrides_of(manager: Any) -> dict[str, Any] | None:
    """Return what a manager's own classes define, by name; None where its rows are made in a way of their own.

    Relies on ``get_queryset()`` of managers and on ``_queryset_class``.
    """
    if "get_queryset" in vars(manager) or overrides_building(manager._queryset_class):
        return None
    own = [cls for cls in type(manager).__mro__ if cls not in models.Manager.__mro__]
    return {name: member for cls in own for name, member in vars(cls).items() if not name.startswith("__")}


def overrides_building(queryset: type, known: Mapping[str, Any] | None = None) -> bool:
    """Whether a class of QuerySets has its own way to be made, copied or extended, rather than Django's.

    ``known`` has further methods that count as Django's, by name.

    Relies on the names of the methods and attributes of QuerySet, private ones included.
    """
    others = known or {}
    return any(getattr_static(queryset, name) not in (member, others.get(name)) for name, member in _BUILDING.items())


# What sends a statement takes no part in building one
_SENDING = {
    *("get", "get_or_create", "create", "bulk_create", "update", "update_or_create", "bulk_update", "delete", "count"),
    *("exists", "first", "last", "earliest", "latest", "in_bulk", "iterator", "aggregate", "explain", "contains"),
    *("_raw_delete", "_update", "_insert", "_batched_insert", "as_manager"),
}
_BUILDING = {
    name: member
    for name, member in vars(models.QuerySet).items()
    if hasattr(member, "__get__") and name not in {"__dict__", "__weakref__"} and not {name, name[1:]} & _SENDING
}


def managers_of(model: type[models.Model]) -> list[Any]:
    """Return the managers of a model. Relies on ``Meta.managers``."""
    return list(model._meta.managers)


def compile_with(compiler: Any) -> Compiled | None:
    """Compile the query of a compiler, which then compiles further expressions of it (``compile_expression``)."""
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    return sql, list(params)


def compile_expression(compiler: Any, expression: Any) -> Compiled:
    """Compile a resolved expression, as ``as_sql()`` of an expression does with its parts.

    Relies on ``compiler.compile()``. Raises EmptyResultSet where Django knows that a condition holds for no row, and
    FullResultSet where for all.
    """
    sql, params = compiler.compile(expression)
    return sql, list(params)


def selects_whole_rows(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query selects rows of its model, each once and as they are: its columns may then be replaced.

    It does not after ``union()``, ``distinct()``, ``values()`` or ``extra()``. Relies on ``combinator``, ``distinct``,
    ``values_select`` and ``extra`` of the query.
    """
    query: Any = rows.query
    return not (query.combinator or query.distinct or query.values_select or query.extra)


def filters_nothing(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query surely selects every row of its model's table once, whatever order and columns it names.

    Relies on ``where``, ``distinct``, ``combinator``, ``is_sliced``, ``group_by``, ``extra``, ``extra_tables`` and
    ``annotations`` of the query, on ``set_returning`` of expressions, and on ``alias_map``, which has no entry beside
    the model's own table while nothing is joined.
    """
    query: Any = rows.query
    changed = query.where or query.distinct or query.combinator or query.is_sliced or query.group_by is not None
    joined = query.alias_map.keys() - {query.model._meta.db_table}
    repeated = any(getattr(value, "set_returning", False) for value in query.annotations.values())
    return not (changed or joined or repeated or query.extra or query.extra_tables)


def many_valued_tables(query: Query) -> Mapping[str, str]:
    """Return the aliases of the tables that joins of a query repeat its rows for, each with its model's name.

    Relies on ``alias_map`` of the query, ``table_name``, ``join_field`` and ``parent_alias`` of its joins, which come
    after those that they hang on, and on ``one_to_many`` and ``many_to_many`` of relations; a generic relation's is
    that of its field, which leads the other way.
    """
    found: dict[str, str] = {}
    for alias, join in query.alias_map.items():
        relation: Any = getattr(join, "join_field", None)
        ends = [end for end in (relation, getattr(relation, "field", None)) if end is not None]
        many = any(end.many_to_many for end in ends) or (bool(ends) and (ends[0].one_to_many or ends[-1].one_to_many))
        if many or getattr(join, "parent_alias", None) in found:
            models_ = [getattr(relation, end) for end in ("related_model", "model")]
            found[alias] = next((end for end in models_ if end._meta.db_table == join.table_name), models_[0]).__name__
    return found


def declared_order(rows: models.QuerySet[Any, Any]) -> tuple[Any, ...]:
    """Return the order that a query was given by ``order_by()``, or else its model's ``Meta.ordering``.

    Relies on ``query.order_by``, and on ``default_ordering`` being unset by ``order_by()`` without arguments.
    """
    query: Any = rows.query
    return tuple(query.order_by or (rows.model._meta.ordering if query.default_ordering else ()))


def with_prefix(expression: Any, prefix: str) -> Any:
    """Return an expression of an order whose names stand behind a path, as Django has the order of a relation.

    Relies on ``prefix_references()``.
    """
    (found,) = OrderBy(expression).prefix_references(prefix).get_source_expressions()
    return found


def is_reversed(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether ``reverse()`` has turned a query's order round. Relies on ``standard_ordering``."""
    return not rows.query.standard_ordering


def join_for_order(rows: models.QuerySet[Any, Any], alias: str) -> None:
    """Make the joins that a query's ORDER BY needs now, as those of conditions are made.

    Django makes them when it compiles, under the tables' own names. In a subquery, where all else has been renamed,
    such a name would hide the outer query's table from the condition that leads there. Relies on ``setup_query()`` and
    ``get_order_by()`` adding the joins to the query itself, where they are found again. A term that refers to a query
    around this one cannot be compiled yet (``ResolvedOuterRef`` raises ValueError); it must be the last with a join.
    """
    compiler = compiler_of(rows, alias)
    compiler.setup_query()
    with suppress(ValueError):
        compiler.get_order_by()


def quoted_alias(compiler: Any, column: Any) -> str:
    """Return the quoted alias of the table that a resolved column belongs to, in the query that it is part of.

    Relies on a resolved F or OuterRef being a ``Col`` with ``alias``, which ``relabeled_clone()`` keeps right when a
    query's tables are renamed, and on the compiler's quoting of aliases, whose name changes in Django 6.1.
    """
    if not isinstance(column, Col):
        raise TypeError(f"{column!r} is a {type(column).__name__}, must be a resolved column of a model")
    quote = getattr(compiler, "quote_name", None) or compiler.quote_name_unless_alias
    return str(quote(column.alias))


def literal(value: Any, alias: str) -> str:
    """Quote a value as a literal of SQL, as Django's default cursor sends it; its percent signs are doubled.

    Relies on ``ops.compose_sql()`` of the PostgreSQL backend, which needs an open connection.
    """
    connection: Any = connections[alias]
    connection.ensure_connection()
    return str(connection.ops.compose_sql("%s", [value])).replace("%", "%%")


def quote_name(name: str, connection: Any) -> str:
    """Quote an identifier. Relies on ``ops.quote_name()``, which leaves alone what is quoted already."""
    return str(connection.ops.quote_name(name))


def models_read(query: Query) -> Iterator[Model]:
    """Yield the models of a query's tables, once for each table.

    Relies on ``model`` and ``alias_map`` of the query, and on ``join_field`` of its joins.
    """
    if query.model is not None:
        yield query.model
    for table in query.alias_map.values():
        related = getattr(getattr(table, "join_field", None), "related_model", None)
        if isinstance(related, type):
            yield related


def columns_read(rows: models.QuerySet[Any, Any], alias: str) -> Mapping[str, set[str]]:
    """Return the columns of tables that a query reads: selected, compared, sorted by, joined on, in subqueries too.

    Relies on ``alias_map`` and ``alias_refcount`` of the query, ``table_name``, ``table_alias``, ``parent_alias`` and
    ``join_cols`` of its joins, ``annotations``, ``where``, ``select``, and on ``get_source_expressions()``, which
    conditions have as well.
    """
    found: dict[str, set[str]] = defaultdict(set)
    compiler = compiler_of(rows, alias)
    # joins that an order needs are made when it is compiled
    if compile_with(compiler) is not None:
        order = [expression for expression, _ in compiler.get_order_by()]
        _note_columns(compiler.query, {}, [*(expression for expression, *_ in compiler.select), *order], found)
    return found


def _note_columns(query: Any, outer: Mapping[str, str], expressions: Iterable[Any], found: dict[str, set[str]]) -> None:
    joins: list[Any] = [join for name, join in query.alias_map.items() if query.alias_refcount[name]]
    tables = {**outer, **{join.table_alias: join.table_name for join in joins}}
    for join in joins:
        for left, right in getattr(join, "join_cols", None) or ():
            found[tables[join.parent_alias]].add(left)
            found[join.table_name].add(right)
    for expression in (*expressions, *query.annotations.values(), query.where):
        for node in _nodes(expression):
            if isinstance(node, Query):
                _note_columns(node, tables, node.select, found)
            elif isinstance(node, Col) and node.alias in tables:
                target: Any = node.target
                found[tables[node.alias]].add(target.column)


def _nodes(expression: Any) -> Iterator[Any]:
    """Yield an expression and all that it is made of; a condition has no ``flatten``."""
    yield expression
    if hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            yield from _nodes(part)


class BoundWhere(WhereNode):
    """A condition whose parameters are replaced when it is compiled; ``bound`` is of the class of each one."""

    bound: Callable[[str, list[Any]], Compiled]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_sql(compiler, connection)
        return type(self).bound(sql, list(params))


def with_bound_where(
    rows: models.QuerySet[Any, Any], bound: Callable[[str, list[Any]], Compiled]
) -> models.QuerySet[Any, Any]:
    """Return a query whose condition's SQL and parameters pass through ``bound`` whenever it is compiled.

    What is added to the query's condition later does not. Relies on ``query.where`` and on ``WhereNode`` making its
    copies by ``create()``, of its own class.
    """
    found = rows.all()
    query: Any = found.query
    if query.where:
        kind: Any = type("BoundWhere", (BoundWhere,), {"bound": staticmethod(bound)})
        where = query.where
        own = kind.create(where.children, where.connector, where.negated)
        query.where = WhereNode.create([own])
    return found


def is_of_its_table(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query's rows are rows of its model's table, and conditions can be added to it, and an order.

    Not where it is sliced, distinct or combined, aggregates, locks rows, or has columns of its own. Relies on
    ``is_sliced``, ``combinator``, ``distinct``, ``group_by``, ``extra``, ``extra_tables``, ``select_for_update``,
    ``annotations`` and ``contains_aggregate`` of expressions.
    """
    query: Any = rows.query
    odd = query.is_sliced or query.combinator or query.distinct or query.group_by or query.extra or query.extra_tables
    parts = [*query.annotations.values(), query.where]
    return not (
        odd
        or query.select_for_update
        or any(
            getattr(part, "contains_aggregate", False) or getattr(part, "contains_over_clause", False) for part in parts
        )
    )


# What an expression is called that is computed of several rows of its query
_OF_SEVERAL_ROWS = ("contains_aggregate", "contains_over_clause")


def selects_values(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query yields something else than instances. Relies on ``_iterable_class``."""
    kind: Any = rows._iterable_class
    return kind is not ModelIterable


def own_database(rows: models.QuerySet[Any, Any]) -> str | None:
    """Return the database that ``using()`` has given a query, None for none. Relies on ``_db``."""
    found: str | None = getattr(rows, "_db", None)
    return found


class _SelectedTable(BaseTable):
    """SQL in the place of a model's table."""

    def __init__(self, source: Compiled, table_name: str, alias: str) -> None:
        super().__init__(table_name, alias)
        self.source = source

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = self.source
        quote = getattr(compiler, "quote_name", None) or compiler.quote_name_unless_alias
        return f"{sql} {quote(self.table_alias)}", list(params)

    def relabeled_clone(self, change_map: Any) -> _SelectedTable:
        return _SelectedTable(self.source, self.table_name, change_map.get(self.table_alias, self.table_alias))

    @property
    def identity(self) -> Any:
        return (*super().identity, self.source[0])


def rows_from(model: Model, source: Compiled, alias: str) -> models.QuerySet[Any, Any]:
    """Return the rows that SQL selects, which has the columns of a model's table.

    Relies on ``get_initial_alias()``, on ``alias_map`` holding the table that is selected from, and on that being
    compiled by its ``as_sql()``.
    """
    rows = all_rows(model, alias)
    query: Any = rows.query
    name = query.get_initial_alias()
    query.alias_map[name] = _SelectedTable(source, query.alias_map[name].table_name, name)
    return rows


# --- instances and values ---


def sent_as(value: Any, alias: str) -> tuple[str | None, str] | None:
    """Return a parameter's text and the name of its type, "" where PostgreSQL finds that out; None for others.

    It is what a connection with ``server_side_binding`` sends. Relies on ``get_adapters_template()``.
    """
    if value is None:
        return None, ""
    adapters = get_adapters_template(settings.USE_TZ, connections[alias].timezone)
    try:
        dumper = Transformer(adapters).get_dumper(value, PyFormat.TEXT)
        data = dumper.dump(value)
    except Exception:
        # psycopg raises errors of its own, and those of the value's class
        return None
    if data is None:
        return None, ""
    known = adapters.types.get(dumper.oid)
    if dumper.oid and known is None:
        return None
    kind = "" if known is None else known.regtype + "[]" * (known.oid != dumper.oid)
    return bytes(data).decode(), kind


class _NoDatabase(str):
    """Stands for the database of an instance whose rows must not be read; a query names it as one that is not there."""


def instance_of(model: Model, values: Mapping[str, Any], refuse: Callable[..., Any]) -> Any:
    """Make an instance that has these values of columns, and other attributes; whatever else it reads is refused.

    ``refuse`` raises an error; it is called with the names of columns that the instance does not have. A query that
    starts from the instance, for a relation, ends in an error of Django's.

    Relies on ``from_db()`` taking the values of some concrete fields in the order of ``concrete_fields``, on deferred
    columns being read by ``refresh_from_db(fields=…)``, and on related managers using ``_state.db``.
    """
    names = [field.attname for field in model._meta.concrete_fields if field.attname in values]
    instance: Any = model.from_db(
        _NoDatabase("of rows that were read for a field of GraphQL: name what it reads in requires=[…]"),
        names,
        [values[name] for name in names],
    )
    instance.refresh_from_db = lambda using=None, fields=None, **options: refuse(*(fields or ()))
    for name in values.keys() - set(names):
        setattr(instance, name, values[name])
    return instance


# By the name of a type, what reads values that psycopg would read in a way of its own
_READ_AS_DJANGO: Mapping[str, Callable[[str], Any]] = {"bytea": lambda text: bytes.fromhex(text.removeprefix("\\x"))}


def text_loader(type_name: str, alias: str) -> Callable[[str], Any]:
    """Return what makes of the text of a value what Django's connections read for its type in PostgreSQL.

    A type that psycopg does not know stays a text. Relies on ``get_adapters_template()`` of the PostgreSQL backend, and
    on moments being read in ``connection.timezone`` if ``USE_TZ`` is on.
    """
    if type_name in _READ_AS_DJANGO:
        return _READ_AS_DJANGO[type_name]
    connection = connections[alias]
    if type_name == "timestamp with time zone":
        zone = connection.timezone if settings.USE_TZ else None
        return lambda text: _moment(text, zone)
    adapters = get_adapters_template(settings.USE_TZ, connection.timezone)
    try:
        oid = adapters.types.get_oid(type_name)
    except KeyError:
        return str
    loader = Transformer(adapters).get_loader(oid, Format.TEXT)
    return lambda text: loader.load(text.encode())


def _moment(text: str, zone: Any) -> Any:
    found = dt.datetime.fromisoformat(text)
    return found.astimezone(zone) if zone is not None else found.replace(tzinfo=None)


# --- language and time zone ---


class _Noting:
    """Stands for the active catalogue of translations, or for the active time zone, and notes that it was asked."""

    def __init__(self, real: Any, asked: list[str]) -> None:
        self._real, self._asked = real, asked

    def __getattr__(self, name: str) -> Any:
        self._asked.append(name)
        return getattr(self._real, name)


class _NotingZone(_Noting, dt.tzinfo):
    """The same of a time zone, whose methods ``tzinfo`` has."""

    def tzname(self, at: dt.datetime | None) -> str | None:
        self._asked.append("tzname")
        return self._real.tzname(at)  # type: ignore[no-any-return]

    def utcoffset(self, at: dt.datetime | None) -> dt.timedelta | None:
        self._asked.append("utcoffset")
        return self._real.utcoffset(at)  # type: ignore[no-any-return]

    def dst(self, at: dt.datetime | None) -> dt.timedelta | None:
        self._asked.append("dst")
        return self._real.dst(at)  # type: ignore[no-any-return]

    def fromutc(self, at: dt.datetime) -> dt.datetime:
        self._asked.append("fromutc")
        return self._real.fromutc(at.replace(tzinfo=self._real)).replace(tzinfo=self)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        self._asked.append("name")
        return str(self._real)


@contextmanager
def noting_place() -> Iterator[list[str]]:
    """Yield a list that is not empty after a block which has asked for the active language, a translation or time zone.

    Relies on ``trans_real`` finding the active catalogue in ``_active.value``.
    """
    asked: list[str] = []
    active: Any = vars(trans_real)["_active"]
    before = getattr(active, "value", None)
    active.value = _Noting(before or trans_real.translation(settings.LANGUAGE_CODE), asked)
    try:
        with timezone.override(_NotingZone(timezone.get_current_timezone(), asked)):
            yield asked
    finally:
        if before is None:
            del active.value
        else:
            active.value = before
