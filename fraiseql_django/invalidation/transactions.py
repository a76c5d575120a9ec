"""What each connection's open transaction has written, and what happens when it commits.

Django's own commit hooks would do, but for two things: a project's hooks that were registered earlier would
run before the tables are known to have changed, and a project's tests that count their hooks would find ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError

from .._compat import IsolationLevel, TransactionStatus
from . import catalog
from .dependencies import ALL, CALL, SAID, Change
from .statements import as_text, changes, only_reads, redefines

Committed = Callable[[frozenset[str]], None]

_ROLLBACK_TO = re.compile(r'ROLLBACK\s+(?:(?:WORK|TRANSACTION)\s+)?TO\s+(?:SAVEPOINT\s+)?"?(\w+)', re.IGNORECASE)
_ISOLATION = re.compile(r"\s*(?:SET|BEGIN|START)\b.*(?:REPEATABLE\s+READ|SERIALIZABLE)", re.IGNORECASE | re.DOTALL)


class Transactions:
    """Sees the statements of one connection, as one of its ``execute_wrappers``, and how its transactions end.

    ``committed`` is called with the written tables once what was written is committed: those that the SQL names,
    and those that these change by triggers, rules and keys of the database, of which its catalogue knows.
    """

    def __init__(self, connection: Any, committed: Committed) -> None:
        self.connection = connection
        self.committed = committed
        # what was changed, each set with the savepoints that it was changed under
        self._written: list[tuple[frozenset[str | None], frozenset[Change]]] = []
        self._keeps_snapshot = False
        self._redefines = False

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and note what it does (Django documentation, "Database instrumentation")."""
        text = as_text(sql)
        if only_reads(text):
            return execute(sql, params, many, context)
        try:
            return execute(sql, params, many, context)
        finally:
            # a statement that failed may have written, too: the first half of an executemany, for instance
            self._note(text)

    def commit(self, commit: Callable[[], None]) -> None:
        """Commit, in the way that Django's connection does."""
        try:
            commit()
        except IntegrityError:
            # a deferred constraint: rolled back
            raise
        except Exception:
            # the connection was lost, perhaps after the commit
            self._settle()
            raise
        self._settle()

    def rollback(self, rollback: Callable[[], None]) -> None:
        """Roll back, in the way that Django's connection does."""
        rollback()
        self._forget()

    @property
    def sees_committed_only(self) -> bool:
        """Whether a statement now sees exactly what others see.

        It does not in a transaction that has written, or that keeps the snapshot of its first statement.
        """
        connection = self.connection
        if not connection.autocommit and connection.isolation_level != IsolationLevel.READ_COMMITTED:
            # later statements see what the first one saw (PostgreSQL documentation, 13.2)
            return False
        return not self._open() or not (self._written or self._keeps_snapshot)

    def mark_written(self, tables: frozenset[str]) -> None:
        """Take a project's word for what it has written unseen."""
        self._written.append((frozenset(self.connection.savepoint_ids), frozenset(Change(t, ALL) for t in tables)))
        if not self._open():
            self._settle()

    def say_written(self, tables: frozenset[str]) -> None:
        """Take PostgreSQL's word for what the innermost block has written, in the place of what its SQL says."""
        here = frozenset(self.connection.savepoint_ids)
        self._written = [entry for entry in self._written if not entry[0] >= here]
        if tables:
            self._written.append((here, frozenset(Change(table, SAID) for table in tables)))

    def _note(self, text: str) -> None:
        found = changes(text)
        if any(change.events == CALL for change in found):
            # a SELECT, which most often calls what writes nothing
            known = catalog.dependencies(self.connection)
            found = frozenset(change for change in found if known is None or known.writes(change.name))
        if found:
            self._written.append((frozenset(self.connection.savepoint_ids), found))
        if redefines(text):
            self._redefines = True
            catalog.forget()
        if not self._open():
            self._settle()
        elif back := _ROLLBACK_TO.match(text):
            self._written = [entry for entry in self._written if back.group(1) not in entry[0]]
            if self._redefines:
                catalog.forget()
        elif _ISOLATION.match(text):
            self._keeps_snapshot = True

    def _open(self) -> bool:
        """Whether a transaction has begun; one of a lost connection has not, and may have been committed."""
        raw = self.connection.connection
        return raw is not None and raw.pgconn.transaction_status in (
            TransactionStatus.ACTIVE,
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    def _settle(self) -> None:
        """Pass on what the transaction has written."""
        found = frozenset[Change]().union(*(found for _, found in self._written))
        self._forget()
        if found:
            self.committed(catalog.tables_written(self.connection, found))

    def _forget(self) -> None:
        self._written.clear()
        self._keeps_snapshot = False
        if self._redefines:
            # what was read of the catalogue meanwhile, here or in another thread, was not yet so, or is no more
            self._redefines = False
            catalog.forget()


def watch(connection: Any, committed: Committed) -> None:
    """See a connection's writes from now on; once is enough."""
    if of(connection) is not None:
        return
    transactions = Transactions(connection, committed)
    # first, since a `with connection.execute_wrapper(…)` takes the last one away at its end
    connection.execute_wrappers.insert(0, transactions)
    commit, rollback = connection.commit, connection.rollback
    connection.commit = lambda: transactions.commit(commit)
    connection.rollback = lambda: transactions.rollback(rollback)


def of(connection: Any) -> Transactions | None:
    """Return what is known of a connection's transactions; None for one that is not watched."""
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, Transactions):
            return wrapper
    return None


def sees_committed_only(connection: Any) -> bool:
    """Whether a statement on the connection now sees exactly what others see."""
    transactions = of(connection)
    # one that is not open has written nothing
    return connection.connection is None or (transactions is not None and transactions.sees_committed_only)
