"""The state of a connection and of its transaction; its ends; a second connection."""

from __future__ import annotations

from asyncio import _get_running_loop
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from typing import Any

from django.db import OperationalError, connections

from .._compat import TransactionStatus


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


def server_version(connection: Any) -> int:
    """Return PostgreSQL's version as libpq writes it, 160004 for 16.4; a closed connection is opened for it.

    Relies on the cached property ``pg_version``.
    """
    version: int = connection.pg_version
    return version


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


def uses_pool(connection: Any) -> bool:
    """Whether a connection is one of a pool while it is open. Relies on Django's option ``pool`` of a database."""
    return bool(connection.settings_dict.get("OPTIONS", {}).get("pool"))


def holds_pooled_connection(connection: Any) -> bool:
    """Whether a connection is open and belongs to a pool, in which it is one of a few. Relies on ``uses_pool``."""
    return uses_pool(connection) and driver_connection(connection) is not None
