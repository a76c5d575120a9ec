"""The cursors of a connection: who sees their statements, and those of psycopg's own connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from operator import attrgetter
from types import FunctionType
from typing import Any
from weakref import ref

import django
from django.db.backends.utils import CursorWrapper

from .._compat import TransactionStatus
from .connections import driver_connection


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


def has_own_cursors(connection: Any) -> bool:
    """Whether the cursors of an open connection are those that Django makes by default, not a project's.

    Relies on the module that the PostgreSQL backend's cursor classes are defined in.
    """
    factory = getattr(driver_connection(connection), "cursor_factory", None)
    return getattr(factory, "__module__", "").startswith("django.db.backends.")
