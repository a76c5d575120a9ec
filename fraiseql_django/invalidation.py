"""Writes seen → versions of tables: what Django changes in the database drops what was read from it.

Every statement on a Django connection passes a wrapper that reads from its SQL which tables it writes;
when the write is committed, these tables get new versions in every cache that this process knows of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from django.db import connections
from django.db.backends.signals import connection_created

from .cache.results import Results
from .errors import FraiseQLError
from .storage.transactions import when_committed
from .storage.writes import tables_written_by

logger = logging.getLogger("fraiseql_django.cache")

_results: WeakSet[Results] = WeakSet()
# a process that only writes has no engine, but must reach the cache of those that read
_default_results: list[Callable[[], Results]] = []


def watch(results: Results) -> Results:
    """Drop answers from these results, too, when their tables are written."""
    _results.add(results)
    return results


def watch_default(make: Callable[[], Results]) -> None:
    """Name the function that returns the results of the engine that settings describe."""
    _default_results[:] = [make]


def drop(table: str) -> None:
    """Drop every answer that was read from a table; never raises."""
    for make in _default_results:
        try:
            watch(make())
        except FraiseQLError as error:
            logger.error("answers read from %s may be stale, since FRAISEQL cannot be read: %s", table, error)
    for results in tuple(_results):
        results.drop([table])


def see(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement and note the tables that it wrote (Django's database instrumentation)."""
    result = execute(sql, params, many, context)
    tables = tables_written_by(sql)
    if tables:
        when_committed(context["connection"], tables, drop)
    return result


def _install(connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "postgresql" and see not in connection.execute_wrappers:
        # first, since a `with connection.execute_wrapper(…)` takes the last one away at its end
        connection.execute_wrappers.insert(0, see)


def install() -> None:
    """See the writes of every connection, open or still to be opened."""
    connection_created.connect(_install, dispatch_uid="fraiseql_django.invalidation")
    for connection in connections.all(initialized_only=True):
        _install(connection)
