"""Drops the answers that were read from a table when a write to it is committed.

``transactions`` sees every statement on a Django connection; when a write is committed, its tables get new versions in
every cache that this process knows.
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
from .session_state import state_of
from .transactions import of
from .transactions import watch as watch_connection

logger = logging.getLogger("fraiseql_django.cache")


class VersionedAnswers(Protocol):
    """Answers that are cached with the versions of the tables that they were read from."""

    def drop(self, tables: Iterable[str]) -> None:
        """Make every answer that was read from these tables a miss."""
        ...

    def settle(self) -> None:
        """Write the versions that could not be written before."""
        ...


_A = TypeVar("_A", bound=VersionedAnswers)

_watched_answers: WeakSet[Any] = WeakSet()
_lock = Lock()
# a process that only writes has no engine, but must reach the cache of those that read
_default_answers: list[Callable[[], Iterable[Callable[[], VersionedAnswers]]]] = []


def watch(answers: _A) -> _A:
    """Drop answers of this engine as well when their tables are written."""
    with _lock:
        _watched_answers.add(answers)
    return answers


def unwatch(answers: VersionedAnswers) -> None:
    """Drop answers of this engine no more: nobody will read them, and their cache may be gone."""
    with _lock:
        _watched_answers.discard(answers)


def watch_default(makers: Callable[[], Iterable[Callable[[], VersionedAnswers]]]) -> None:
    """Set the function that returns, for each schema of the settings, a function that returns its engine's answers."""
    _default_answers[:] = [makers]


def drop(tables: Iterable[str]) -> None:
    """Drop every answer that was read from these tables; never raises, since the write is committed already."""
    for make in [make for makers in _default_answers for make in makers()]:
        try:
            watch(make())
        except Exception as error:
            logger.error("answers read from %s may be stale, as no engine can be made: %s", ", ".join(tables), error)
    for answers in _watched():
        answers.drop(tables)


def mark_written(tables: Iterable[str], using: str = DEFAULT_DB_ALIAS) -> None:
    """Drop every answer that was read from these tables, when the connection's open transaction is committed.

    For writes that no statement on a Django connection shows. Names are as SQL writes them; tables that triggers, rules
    and keys may have changed are included. Raises Django's OperationalError where the database cannot be reached.
    """
    connection = connections[using]
    connection.ensure_connection()
    transactions = of(connection)
    if transactions is not None:
        transactions.mark_written(frozenset(map(bare, tables)))


def _watched() -> list[VersionedAnswers]:
    with _lock:
        return list(_watched_answers)


def _install(connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "postgresql":
        watch_connection(connection, drop)
        # as the connection is opened
        state_of(connection)


def _settle() -> None:
    for answers in _watched():
        answers.settle()


def install() -> None:
    """Collect the writes of every connection, those that are open and those to come."""
    connection_created.connect(_install, dispatch_uid="fraiseql_django.invalidation")
    post_migrate.connect(catalog.forget, dispatch_uid="fraiseql_django.invalidation.catalog")
    atexit.register(_settle)
    for connection in connections.all(initialized_only=True):
        _install(connection)
