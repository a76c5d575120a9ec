"""Drops the answers that were read from a table when a write to it is committed.

``transactions`` sees every statement on a Django connection. Before a write is committed, its tables are marked in
every cache that this process knows; after it they get new versions.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from threading import Lock
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from .._django import driver_connection
from . import catalog, history
from .names import bare
from .session_state import state_of
from .transactions import of
from .transactions import watch as watch_connection

logger = logging.getLogger("fraiseql_django.cache")


class TableVersions(Protocol):
    """The versions of tables in one cache."""

    def mark(self, tables: Iterable[str], token: str) -> bool:
        """Mark tables before a commit; return whether that succeeded."""
        ...

    def renew(self, tables: Iterable[str], token: str = "") -> None:
        """Make every answer that was read from these tables a miss."""
        ...

    def leave(self, tables: Iterable[str], *, marked: bool) -> None:
        """Leave tables to the lease of their mark: whether the transaction was committed is not known."""
        ...


class VersionedAnswers(Protocol):
    """Answers that are cached with the versions of the tables that they were read from."""

    @property
    def versions(self) -> TableVersions | None:
        """The versions; None where no answers are kept."""
        ...


_A = TypeVar("_A", bound=VersionedAnswers)

_watched_answers: WeakSet[Any] = WeakSet()
_lock = Lock()
# a process that only writes has no engine, but must reach the cache of those that read
_default_versions: list[Callable[[], Iterable[Callable[[], TableVersions | None]]]] = []


def watch(answers: _A) -> _A:
    """Drop answers of this engine as well when their tables are written."""
    with _lock:
        _watched_answers.add(answers)
    return answers


def unwatch(answers: VersionedAnswers) -> None:
    """Drop answers of this engine no more: nobody will read them, and their cache may be gone."""
    with _lock:
        _watched_answers.discard(answers)


def watch_default(makers: Callable[[], Iterable[Callable[[], TableVersions | None]]]) -> None:
    """Set the function that returns, for each cache of the settings, a function that returns the versions in it."""
    _default_versions[:] = [makers]


class Announcement:
    """Tables that are about to be written: marked in every cache, until it is known whether they were."""

    def __init__(self, tables: frozenset[str]) -> None:
        self.tables = tables
        self._token = secrets.token_urlsafe(8)
        self._marked = {versions: versions.mark(tables, self._token) for versions in _versions(tables)}

    def decided(self) -> None:
        """The transaction has ended: what was read from the tables before is a miss."""
        with ExitStack() as each:
            # an exception of a signal at one cache keeps the others from nothing
            for versions in self._marked:
                each.callback(versions.renew, self.tables, self._token)

    def unknown(self) -> None:
        """Nobody knows whether the transaction was committed, or will be: the lease of the mark decides."""
        with ExitStack() as each:
            for versions, marked in self._marked.items():
                each.callback(versions.leave, self.tables, marked=marked)


def drop(tables: Iterable[str]) -> None:
    """Drop every answer that was read from these tables; never raises, since the write is committed already."""
    tables = frozenset(tables)
    with ExitStack() as each:
        for versions in _versions(tables):
            each.callback(versions.renew, tables)


def _versions(tables: Iterable[str]) -> list[TableVersions]:
    """Return the versions in each cache that this process knows, once."""
    found: dict[TableVersions, None] = {}
    unknown = "answers read from %s may be stale, as their cache is not known: %s"
    try:
        makers = [make for makers in _default_versions for make in makers()]
    except Exception as error:
        # of settings that are wrong
        makers = []
        logger.error(unknown, ", ".join(tables), error)
    for make in makers:
        try:
            made = make()
        except Exception as error:
            logger.error(unknown, ", ".join(tables), error)
        else:
            found.update(dict.fromkeys([made] if made is not None else []))
    found.update(dict.fromkeys(each.versions for each in _watched() if each.versions is not None))
    return [*found]


def mark_written(tables: Iterable[str], using: str = DEFAULT_DB_ALIAS) -> None:
    """Drop every answer that was read from these tables, when the connection's open transaction is committed.

    For writes that no statement on a Django connection shows. Names are as SQL writes them; tables that triggers, rules
    and keys may have changed are included. Raises Django's OperationalError where the database cannot be reached.
    """
    connection = connections[using]
    connection.ensure_connection()
    transactions = of(connection)
    if transactions is None:
        # nobody sees how its transaction ends: too early is better than never
        drop(map(bare, tables))
    else:
        transactions.mark_written(frozenset(map(bare, tables)))


def _watched() -> list[VersionedAnswers]:
    with _lock:
        return list(_watched_answers)


def _install(connection: Any, **kwargs: Any) -> None:
    if connection.vendor == "postgresql":
        watch_connection(connection, Announcement)
        # as the connection is opened
        state_of(connection)
        if driver_connection(connection) is not None:
            history.connected(connection)


def install() -> None:
    """Collect the writes of every connection, those that are open and those to come."""
    connection_created.connect(_install, dispatch_uid="fraiseql_django.invalidation")
    post_migrate.connect(catalog.forget, dispatch_uid="fraiseql_django.invalidation.catalog")
    for connection in connections.all(initialized_only=True):
        _install(connection)
