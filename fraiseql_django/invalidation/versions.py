"""Writes seen → versions of tables: what Django changes in the database drops what was read from it.

Every statement on a Django connection is seen (see storage/transactions.py); when what it wrote is
committed, the tables get new versions in every cache that this process knows of.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from . import catalog
from .names import bare
from .transactions import of
from .transactions import watch as watch_connection

logger = logging.getLogger("fraiseql_django.cache")


class Answers(Protocol):
    """Answers kept with the versions of the tables that they were read from."""

    def drop(self, tables: Iterable[str]) -> None:
        """Make every answer that was read from these tables a miss."""
        ...

    def settle(self) -> None:
        """Tell the cache what it could not be told before."""
        ...


_A = TypeVar("_A", bound=Answers)

_results: WeakSet[Any] = WeakSet()
_lock = Lock()
# a process that only writes has no engine, but must reach the cache of those that read
_default_results: list[Callable[[], Answers]] = []


def watch(results: _A) -> _A:
    """Drop answers from these results, too, when their tables are written."""
    with _lock:
        _results.add(results)
    return results


def watch_default(make: Callable[[], Answers]) -> None:
    """Name the function that returns the results of the engine that settings describe."""
    _default_results[:] = [make]


def drop(tables: Iterable[str]) -> None:
    """Drop every answer that was read from these tables; never raises, since a write is done by then."""
    for make in _default_results:
        try:
            watch(make())
        except Exception as error:
            logger.error("answers read from %s may be stale, as no engine can be made: %s", ", ".join(tables), error)
    for results in _watched():
        results.drop(tables)


def mark_written(tables: Iterable[str], using: str = DEFAULT_DB_ALIAS) -> None:
    """Drop every answer that was read from these tables, when what the connection has open is committed.

    For writes whose SQL is not seen. Names are as SQL writes them; what the tables' triggers, rules and keys may
    have changed counts as well. Raises Django's OperationalError where the database cannot be reached.
    """
    connection = connections[using]
    connection.ensure_connection()
    transactions = of(connection)
    if transactions is not None:
        transactions.mark_written(frozenset(map(bare, tables)))


def _watched() -> list[Answers]:
    with _lock:
        return list(_results)


def _install(connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "postgresql":
        watch_connection(connection, drop)


def _settle() -> None:
    for results in _watched():
        results.settle()


def install() -> None:
    """See the writes of every connection, open or still to be opened."""
    connection_created.connect(_install, dispatch_uid="fraiseql_django.invalidation")
    post_migrate.connect(catalog.forget, dispatch_uid="fraiseql_django.invalidation.catalog")
    atexit.register(_settle)
    for connection in connections.all(initialized_only=True):
        _install(connection)
