"""What a transaction has written, and what happens when it commits.

The written tables are kept where Django keeps a transaction's commit hooks, so that a rollback, of a
savepoint too, forgets them with the hooks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import IsolationLevel


class Written:
    """The commit hook of one table that a transaction has written."""

    __slots__ = ("notify", "table")

    def __init__(self, table: str, notify: Callable[[str], None]) -> None:
        self.table = table
        self.notify = notify

    def __call__(self) -> None:
        self.notify(self.table)


def tables_written(connection: Any) -> set[str]:
    """Return the tables that the connection's open transaction has written so far."""
    return {hook.table for _, hook, *_ in connection.run_on_commit if isinstance(hook, Written)}


def when_committed(connection: Any, tables: frozenset[str], notify: Callable[[str], None]) -> None:
    """Call ``notify`` with each table once what was written to it is committed: now, or with the transaction."""
    if connection.in_atomic_block:
        for table in tables - tables_written(connection):
            connection.on_commit(Written(table, notify))
    else:
        for table in tables:
            notify(table)


def sees_committed_only(connection: Any) -> bool:
    """Whether a statement on the connection sees now exactly what others see.

    It does not in a transaction that has written, or that keeps the snapshot of its first statement
    (PostgreSQL documentation, 13.2.2), or that Django does not manage.
    """
    if not connection.in_atomic_block:
        return bool(connection.autocommit or connection.connection is None)
    if connection.isolation_level not in (None, IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
        return False
    return not tables_written(connection)
