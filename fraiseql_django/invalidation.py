"""Writes seen → versions of tables: what Django changes in the database drops what was read from it.

Every statement on a Django connection is seen (see storage/transactions.py); when what it wrote is
committed, the tables get new versions in every cache that this process knows of.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any
from weakref import WeakSet

from django.db import connections
from django.db.backends.signals import connection_created

from .cache.results import Results
from .storage.transactions import watch as watch_connection

logger = logging.getLogger("fraiseql_django.cache")

_results: WeakSet[Results] = WeakSet()
_lock = Lock()
# a process that only writes has no engine, but must reach the cache of those that read
_default_results: list[Callable[[], Results]] = []


def watch(results: Results) -> Results:
    """Drop answers from these results, too, when their tables are written."""
    with _lock:
        _results.add(results)
    return results


def watch_default(make: Callable[[], Results]) -> None:
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


def _watched() -> list[Results]:
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
    atexit.register(_settle)
    for connection in connections.all(initialized_only=True):
        _install(connection)
