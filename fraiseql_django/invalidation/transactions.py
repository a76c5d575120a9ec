"""Collects what each connection's open transaction has written, and passes it on when that is committed.

Django's own commit hooks do not serve for two reasons: a project's hooks that were registered earlier would run
before the answers are dropped, and a project's tests that count their hooks would find ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

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


class Announced(Protocol):
    """Tables that were announced before they are written or committed (see ``versions.Announcement``)."""

    def decided(self) -> None:
        """The write is committed, or it never will be."""
        ...

    def unknown(self) -> None:
        """Nobody knows whether it is committed, or will be."""
        ...


Announce = Callable[[frozenset[str]], Announced]

_ROLLBACK_TO = re.compile(r'ROLLBACK\s+(?:(?:WORK|TRANSACTION)\s+)?TO\s+(?:SAVEPOINT\s+)?"?(\w+)', re.IGNORECASE)
_OPEN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR) if PSYCOPG_3 else ()
_LOST = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN, None) if PSYCOPG_3 else ()
# A statement that may commit the open transaction, alone or among others in a text
_COMMITS = re.compile(r"(?:^|;)(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:COMMIT|END)\b", re.IGNORECASE | re.DOTALL)
_BODIES = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_NOTHING: frozenset[Change] = frozenset()
_DEALLOCATES = re.compile(r"\s*(?:DEALLOCATE\s+(?:PREPARE\s+)?ALL|DISCARD\s+ALL)\b", re.IGNORECASE)
_ISOLATION = re.compile(r"\s*(?:SET|BEGIN|START)\b.*(?:REPEATABLE\s+READ|SERIALIZABLE)", re.IGNORECASE | re.DOTALL)


class Transactions:
    """The writes of one connection: an execute wrapper sees its statements, and its commits and rollbacks are wrapped.

    Before a write is committed, ``announce`` is called with the written tables: those that the SQL names, and those
    that these change by triggers, rules and keys, as the catalogue has them. What it returns is told of the outcome.
    """

    def __init__(self, connection: Any, announce: Announce) -> None:
        self.connection = connection
        self.announce = announce
        # each set of changes with the savepoints that were open
        self._written: list[tuple[frozenset[str | None], frozenset[Change]]] = []
        # what is announced, and the changes that it is of
        self._announced: list[Announced] = []
        self._covered = _NOTHING
        self._keeps_snapshot = False
        self._redefines = False
        # called when the session's prepared statements are gone
        self.deallocated: Callable[[], None] = lambda: None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and note what it changes (Django documentation, "Database instrumentation")."""
        text = as_text(sql)
        if only_reads(text) and not may_set(text):
            return execute(sql, params, many, context)
        # without autocommit psycopg begins a transaction with the statement
        alone = not self._open() and in_autocommit_mode(self.connection)
        if alone or _may_commit(text):
            self._announce(self._changes | self.changes_of(text))
        try:
            result = execute(sql, params, many, context)
        except BaseException:
            self._settle_failed(text, alone)
            raise
        if _DEALLOCATES.match(text):
            self.deallocated()
        self._note_settings(text, params)
        self._note(text)
        return result

    def _settle_failed(self, text: str, alone: bool) -> None:
        """Note what a statement may have changed before it failed: the first half of an executemany, for instance."""
        if self._is_lost and not self._open() and not alone and not _may_commit(text):
            # the connection is lost, and with it the transaction
            self._forget()
            return
        self._note(text)
        if alone and self._is_lost:
            self._settle()

    def commit(self, commit: Callable[[], None]) -> None:
        """Commit by the connection's own method, and pass the changes on."""
        if self._status != TransactionStatus.INERROR:
            # what has failed is rolled back
            self._announce(self._changes)
        try:
            commit()
        except BaseException:
            # An error, and nothing was committed; a lost connection; or a signal's exception at any moment. Where the
            # transaction is still open, nothing was committed, and it may be yet
            if not self._open() or self._is_lost:
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

    def changes_of(self, text: str) -> frozenset[Change]:
        """Return what a text changes, as far as that is known before it runs."""
        found = changes(text)
        if any(change.events == CALL for change in found):
            # a SELECT: most functions that are called in one write nothing
            known = catalog.dependencies(self.connection)
            found = frozenset(change for change in found if known is None or known.writes(change.name))
        return found

    def _note(self, text: str) -> None:
        found = self.changes_of(text)
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

    @property
    def _status(self) -> Any:
        driver = driver_connection(self.connection)
        return None if driver is None else driver.info.transaction_status

    def _open(self) -> bool:
        """Whether PostgreSQL has a transaction open; that of a lost connection has ended, perhaps by a commit."""
        return self._status in _OPEN

    @property
    def _is_lost(self) -> bool:
        """Whether nobody knows what has become of the last statement: the connection is lost, or still waits for it."""
        return self._status in _LOST

    @property
    def _changes(self) -> frozenset[Change]:
        return _NOTHING.union(*(found for _, found in self._written))

    def _announce(self, found: frozenset[Change]) -> None:
        """Announce changes that are not announced yet."""
        if not found <= self._covered:
            self._covered |= found
            self._announced.append(self.announce(catalog.tables_written(self.connection, found)))

    def _settle(self) -> None:
        """Pass on that the transaction has ended, and the tables that it has written."""
        lost = self._is_lost
        announced, covered, found = self._announced, self._covered, self._changes
        self._announced, self._covered = [], _NOTHING
        self._forget()
        if not found <= covered:
            # what nobody could announce
            announced.append(self.announce(catalog.tables_written(self.connection, found)))
        _tell(announced, lost)

    def _forget(self) -> None:
        announced, self._announced, self._covered = self._announced, [], _NOTHING
        self._written.clear()
        self._keeps_snapshot = False
        if self._redefines:
            # the catalogue that was read meanwhile, in this thread or another, is not the one that was committed
            self._redefines = False
            catalog.forget()
        _tell(announced, lost=False)


def _may_commit(text: str) -> bool:
    """Whether a text may end the open transaction; what stands in the body of a DO or a function cannot."""
    return _COMMITS.search(text) is not None and _COMMITS.search(_BODIES.sub("''", text)) is not None


def _tell(announced: list[Announced], lost: bool) -> None:
    """Pass on the outcome of what was announced, whatever happens meanwhile."""
    if not announced:
        return
    first, *others = announced
    try:
        first.unknown() if lost else first.decided()
    finally:
        _tell(others, lost)


def watch(connection: Any, announce: Announce) -> None:
    """Collect a connection's writes from now on; a second call changes nothing."""
    if of(connection) is not None:
        return
    transactions = Transactions(connection, announce)
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
