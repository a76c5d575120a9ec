"""Collects what each connection's open transaction has written, and passes it on when that is committed.

Django's own commit hooks do not serve for two reasons: a project's hooks that were registered earlier would run
before the answers are dropped, and a project's tests that count their hooks would find ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import IntegrityError

from .._compat import PSYCOPG_3, IsolationLevel, TransactionStatus
from .._django import (
    add_first_wrapper,
    driver_connection,
    in_autocommit_mode,
    in_block_of_test,
    isolation_level,
    savepoints,
    wrap_transaction_end,
    wrappers,
)
from . import catalog
from .dependencies import ALL, CALL, REPORTED, Change
from .session_state import may_set, settings_in, settings_of_body, state_of
from .statements import as_text, changes, only_reads, redefines

Committed = Callable[[frozenset[str]], None]

_ROLLBACK_TO = re.compile(r'ROLLBACK\s+(?:(?:WORK|TRANSACTION)\s+)?TO\s+(?:SAVEPOINT\s+)?"?(\w+)', re.IGNORECASE)
_OPEN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR) if PSYCOPG_3 else ()
_DEALLOCATES = re.compile(r"\s*(?:DEALLOCATE\s+(?:PREPARE\s+)?ALL|DISCARD\s+ALL)\b", re.IGNORECASE)
_ISOLATION = re.compile(r"\s*(?:SET|BEGIN|START)\b.*(?:REPEATABLE\s+READ|SERIALIZABLE)", re.IGNORECASE | re.DOTALL)


class Transactions:
    """The writes of one connection: an execute wrapper sees its statements, and its commits and rollbacks are wrapped.

    When a write is committed, ``committed`` is called with the written tables: those that the SQL names, and those
    that these change by triggers, rules and keys, as the catalogue has them.
    """

    def __init__(self, connection: Any, committed: Committed) -> None:
        self.connection = connection
        self.committed = committed
        # each set of changes with the savepoints that were open
        self._written: list[tuple[frozenset[str | None], frozenset[Change]]] = []
        self._keeps_snapshot = False
        self._redefines = False
        # called when the session's prepared statements are gone
        self.deallocated: Callable[[], None] = lambda: None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and note what it changes (Django documentation, "Database instrumentation")."""
        text = as_text(sql)
        if only_reads(text) and not may_set(text):
            return execute(sql, params, many, context)
        try:
            result = execute(sql, params, many, context)
        except BaseException:
            # it may have written, too: the first half of an executemany, for instance
            self._note(text)
            raise
        if _DEALLOCATES.match(text):
            self.deallocated()
        self._note_settings(text, params)
        self._note(text)
        return result

    def commit(self, commit: Callable[[], None]) -> None:
        """Commit by the connection's own method, and pass the changes on."""
        try:
            commit()
        except IntegrityError:
            # a deferred constraint was violated: nothing was committed
            raise
        except Exception:
            # the connection was lost, and the commit may have been done
            self._settle()
            raise
        if (state := state_of(self.connection)) is not None:
            state.commit()
        self._settle()

    def rollback(self, rollback: Callable[[], None]) -> None:
        """Roll back by the connection's own method, and forget the changes."""
        rollback()
        if (state := state_of(self.connection)) is not None:
            state.rollback()
        self._forget()

    @property
    def sees_committed_only(self) -> bool:
        """Whether a statement now sees exactly the committed rows.

        It does not in a transaction that has written, or that keeps the snapshot of its first statement, and not in
        that of a test: what ``setUpTestData`` or a test writes is never committed, and another test has other rows.
        """
        connection = self.connection
        if in_block_of_test(connection):
            return False
        if not in_autocommit_mode(connection) and isolation_level(connection) != IsolationLevel.READ_COMMITTED:
            # later statements see the snapshot of the first one (PostgreSQL documentation, 13.2)
            return False
        return not (self._written or self._keeps_snapshot) or not self._open()

    def mark_written(self, tables: frozenset[str]) -> None:
        """Add tables that the project says it has written in a way that no statement shows."""
        self._written.append((savepoints(self.connection), frozenset(Change(table, ALL) for table in tables)))
        self.settle_if_ended()

    def replace_written(self, tables: frozenset[str]) -> None:
        """Replace the changes in the innermost block by the tables that PostgreSQL reports."""
        here = savepoints(self.connection)
        self._written = [entry for entry in self._written if not entry[0] >= here]
        if tables:
            self._written.append((here, frozenset(Change(table, REPORTED) for table in tables)))

    def settle_if_ended(self) -> None:
        """Pass on the changes where no transaction is open: they were committed without Django's methods."""
        if not self._open():
            self._settle()

    def _note_settings(self, text: str, params: Any) -> None:
        """Note what a statement has set in the session."""
        state = state_of(self.connection)
        if state is None or text[:6] in ("INSERT", "UPDATE", "DELETE"):
            return
        found = list(settings_in(text, params))
        called = {change.name for change in changes(text) if change.events == CALL or change.guess}
        known = catalog.dependencies(self.connection) if called else None
        if known is not None:
            for function in known.reached(called & known.functions.keys()) & known.functions.keys():
                found += settings_of_body(known.functions[function])
        is_open = self._open()
        for setting in found:
            state.add(setting, savepoints(self.connection), in_transaction=is_open)
        if back := _ROLLBACK_TO.match(text):
            state.rollback(back.group(1))
        elif not is_open and not found:
            state.ended()

    def _note(self, text: str) -> None:
        found = changes(text)
        if any(change.events == CALL for change in found):
            # a SELECT: most functions that are called in one write nothing
            known = catalog.dependencies(self.connection)
            found = frozenset(change for change in found if known is None or known.writes(change.name))
        if found:
            self._written.append((savepoints(self.connection), found))
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
        """Whether PostgreSQL has a transaction open; that of a lost connection has ended, perhaps by a commit."""
        driver = driver_connection(self.connection)
        return driver is not None and driver.info.transaction_status in _OPEN

    def _settle(self) -> None:
        """Pass on the tables that the transaction has written."""
        found = frozenset[Change]().union(*(found for _, found in self._written))
        self._forget()
        if found:
            self.committed(catalog.tables_written(self.connection, found))

    def _forget(self) -> None:
        self._written.clear()
        self._keeps_snapshot = False
        if self._redefines:
            # the catalogue that was read meanwhile, in this thread or another, is not the one that was committed
            self._redefines = False
            catalog.forget()


def watch(connection: Any, committed: Committed) -> None:
    """Collect a connection's writes from now on; a second call changes nothing."""
    if of(connection) is not None:
        return
    transactions = Transactions(connection, committed)
    add_first_wrapper(connection, transactions)
    wrap_transaction_end(connection, transactions.commit, transactions.rollback)


def of(connection: Any) -> Transactions | None:
    """Return the collected writes of a connection; None for one that is not watched."""
    for wrapper in wrappers(connection):
        if type(wrapper) is Transactions:
            return wrapper
    return None


def sees_committed_only(connection: Any) -> bool:
    """Whether a statement on the connection now sees exactly the committed rows."""
    transactions = of(connection)
    # a connection that is not open has written nothing
    return driver_connection(connection) is None or (transactions is not None and transactions.sees_committed_only)
