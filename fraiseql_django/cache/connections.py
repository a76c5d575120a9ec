"""Database connections of a cache's own, for caches that keep their values in a database.

Such a cache uses the thread's connections, which may be in a transaction: a rollback would take back the new version
of a table that another connection has written, a snapshot would show old versions, an error would break the
project's transaction, and in the middle of a commit no statement can be run at all. So while a transaction may be open
on a connection, the cache is given a second connection in its place. It is made at first use, costs nothing where the
cache uses no database, and is closed with the connection that it stands in for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from django.db import DatabaseError, transaction
from django.utils.functional import SimpleLazyObject

from .._django import (
    add_first_wrapper,
    in_atomic_block,
    in_place,
    is_open_in_sql,
    may_be_in_transaction,
    open_connections,
    second_connection,
    wrap_close,
)

# The project's open transaction may hold a lock that the second connection waits for. PostgreSQL does not see that both
# are used by one thread, so without a limit it would wait for ever
LOCK_WAIT_MS = 2000
_ATTRIBUTE = "_fraiseql_own_connection"
ATTEMPTS = 3
# A deadlock, a failed serialization, and what a statement gets after one that ``DatabaseCache`` has kept to itself
_CONTENTION = ("40P01", "40001", "25P02")

R = TypeVar("R")


class OwnConnection:
    """A second connection beside one of the thread's, which runs the statements of each block in one transaction."""

    def __init__(self, beside: Any) -> None:
        self.alias: str = beside.alias
        self._beside = beside
        # made when a cache uses it, which most do not
        self.connection: Any = SimpleLazyObject(self._make)
        self._block: ExitStack | None = None
        self._used = False

    @contextmanager
    def block(self) -> Iterator[None]:
        """Commit what a block does on the connection; close it where that fails."""
        self._used = False
        try:
            with ExitStack() as self._block:
                yield
        except Exception:
            if self._used:
                self.connection.close()
            raise
        finally:
            self._block = None

    def _make(self) -> Any:
        connection = second_connection(self._beside)
        add_first_wrapper(connection, self._execute)
        wrap_close(self._beside, connection.close)
        return connection

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not self._used:
            self._used = True
            if self._block is not None and not in_atomic_block(self.connection):
                self._block.enter_context(transaction.atomic(using=self.alias))
            if self.connection.vendor == "postgresql":
                execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}", None, False, context)
        return execute(sql, params, many, context)


def without_contention(call: Callable[[], R]) -> R:
    """Call what a cache in a database does, outside of the project's transactions; again after a deadlock.

    ``DatabaseCache`` removes several expired rows in one statement, which can meet a transaction that changes several.
    What has failed was rolled back, so it can be done again. Raises what the last attempt raises.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            with outside_transactions():
                return call()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _CONTENTION:
                raise
    with outside_transactions():
        return call()


@contextmanager
def outside_transactions() -> Iterator[None]:
    """Let a block use second connections instead of those on which a transaction may be open."""
    own = list(_own_connections())
    if not own:
        yield
        return
    with in_place({each.alias: each.connection for each in own}), ExitStack() as stack:
        for each in own:
            stack.enter_context(each.block())
        yield


def _own_connections() -> Iterator[OwnConnection]:
    for connection in open_connections():
        # in a block within a block the second connections are in place already
        if type(connection) is SimpleLazyObject:
            continue
        if may_be_in_transaction(connection) or is_open_in_sql(connection):
            found: OwnConnection | None = getattr(connection, _ATTRIBUTE, None)
            if found is None:
                found = OwnConnection(connection)
                setattr(connection, _ATTRIBUTE, found)
            yield found
