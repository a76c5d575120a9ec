"""Collects what each connection's open transaction has written, and passes it on when that is committed.

Django's own commit hooks do not serve for two reasons: a project's hooks that were registered earlier would run
before the answers are dropped, and a project's tests that count their hooks would find ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import ref

from .._compat import PSYCOPG_3, IsolationLevel, TransactionStatus
from .._django import (
    add_first_wrapper,
    driver_connection,
    in_autocommit_mode,
    in_block_of_test,
    in_pipeline,
    isolation_level,
    may_be_in_transaction,
    observe_driver,
    reads_backslashes,
    savepoints,
    wrap_transaction_end,
    wrappers,
)
from . import catalog
from .reported import REPORTED_TABLES
from .scan import ALL, CALL, DEFINITION, REPORTED, UNKNOWN, Change
from .session_state import HIDES, Setting, settings_in, settings_of_body, state_of
from .session_state import UNKNOWN as UNKNOWN_SETTING
from .statements import ANY_STATEMENT, Analysis, analyse, as_text, joined


class Announced(Protocol):
    """Tables that were announced before they are written or committed (see ``versions.Announcement``)."""

    def decided(self) -> None:
        """The write is committed, or it never will be."""
        ...

    def unknown(self) -> None:
        """Nobody knows whether it is committed, or will be."""
        ...


Announce = Callable[[frozenset[str]], Announced]

_OPEN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR) if PSYCOPG_3 else ()
_LOST = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN, None) if PSYCOPG_3 else ()
_NOTHING: frozenset[Change] = frozenset()
_CHANGES_ROWS = ("insert", "update", "delete", "merge")
# By what a statement that changes rows sets something in the session, and by what others make a temporary relation
_SETS = frozenset({"set_config", "pg_settings"})
_TEMPORARY = frozenset({"temp", "temporary", "pg_temp"})
# Prepared statements of a session whose effects are kept; executing another may change anything
_MAX_PREPARED = 200


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
        # ... and the tables that the project says it has written
        self._marked: list[tuple[frozenset[str | None], frozenset[Change]]] = []
        # while a cache is told, which may keep its values over this very connection
        self._tells = False
        self._redefines = False
        # how the open transaction is isolated from others; None until that is asked
        self._isolation: str | None = None
        # what PREPARE has prepared in the session of a driver's connection
        self._prepared: dict[str, Analysis] = {}
        self._prepared_in: Callable[[], Any] = lambda: None
        self._runs = False
        # called when the session's prepared statements are gone
        self.deallocated: Callable[[], None] = lambda: None

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and note what it changes (Django documentation, "Database instrumentation")."""
        text = as_text(sql)
        if self._tells:
            return self._run(execute, sql, params, many, context)
        analysis = self._analyse(text)
        if self._is_plain(analysis):
            return self._run(execute, sql, params, many, context)
        with self._noted(text, params, analysis):
            return self._run(execute, sql, params, many, context)

    @contextmanager
    def noting(self, sql: Any, params: Any) -> Iterator[None]:
        """Note what a statement changes that is run in a block, by ``copy()`` or ``stream()`` of the driver."""
        text = as_text(sql)
        if self._tells or self._is_plain(analysis := self._analyse(text)):
            yield
        else:
            with self._noted(text, params, analysis):
                yield

    @contextmanager
    def _noted(self, text: str, params: Any, analysis: Analysis) -> Iterator[None]:
        """Announce what a statement changes before the block that runs it, where it may be committed in it."""
        if analysis.commits:
            self.confirm()
        # without autocommit psycopg begins a transaction with the statement
        alone = in_autocommit_mode(self.connection) and (not self._open() or in_pipeline(self.connection))
        if alone or analysis.commits:
            self._announce(self._changes | self._changes_of(analysis))
        try:
            with self._written_elsewhere(analysis):
                yield
        except BaseException:
            self._settle_failed(analysis, alone)
            raise
        if analysis.deallocates:
            self.deallocated()
            self._prepared.clear()
        self._note_settings(text, params, analysis)
        self._note(analysis)

    def _analyse(self, text: str) -> Analysis:
        """Return what a text does; where PostgreSQL reads strings in its old way, that cannot be told from it."""
        if "\\" in text and (reads_backslashes(self.connection) or "standard_conforming_strings" in text.lower()):
            return ANY_STATEMENT
        return analyse(text)

    @contextmanager
    def _written_elsewhere(self, analysis: Analysis) -> Iterator[None]:
        """Pass on what a statement writes in a session of its own, whatever becomes of the open transaction."""
        if not self._open() or not (found := catalog.elsewhere(self.connection, self._changes_of(analysis))):
            # what is alone is passed on in any case
            yield
            return
        announced = self._announced_to_caches(found)
        try:
            yield
        finally:
            with self._telling():
                announced.decided()

    def _settle_failed(self, analysis: Analysis, alone: bool) -> None:
        """Note what a statement may have changed before it failed: the first half of an executemany, for instance."""
        if self._is_lost and not self._open() and not alone and not analysis.commits:
            # the connection is lost, and with it the transaction
            self._forget()
            return
        self._note(analysis)
        if alone and self._is_lost:
            self._settle()

    def _run(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement, whose way through the driver's cursors is not to be noted once more."""
        with self.running():
            return execute(sql, params, many, context)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run statements of a block that are noted by the caller, or need not be."""
        outer, self._runs = self._runs, True
        try:
            yield
        finally:
            self._runs = outer

    def _is_plain(self, analysis: Analysis) -> bool:
        """Whether a statement certainly only reads and sets nothing, as most do."""
        return (
            analysis.certain
            and not analysis.sets
            and _TEMPORARY.isdisjoint(analysis.found.names)
            and not catalog.acts(self.connection, analysis)
        )

    @property
    def is_running(self) -> bool:
        """Whether a statement that was noted is being run."""
        return self._runs

    def commit(self, commit: Callable[[], None]) -> None:
        """Commit by the connection's own method, and pass the changes on."""
        if self._tells:
            commit()
            return
        self.committing()
        try:
            with self.running():
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

    def committing(self) -> None:
        """Announce what the open transaction has written: it is about to be committed."""
        if self._status != TransactionStatus.INERROR:
            # what has failed is rolled back
            self.confirm()
            self._announce(self._changes)

    def rollback(self, rollback: Callable[[], None]) -> None:
        """Roll back by the connection's own method, and forget the changes."""
        with self.running():
            rollback()
        if self._tells:
            return
        if (state := state_of(self.connection)) is not None:
            state.rollback()
        self._forget()

    @property
    def sees_committed_only(self) -> bool:
        """Whether a statement now sees exactly the committed rows.

        It does not in a transaction that has written, or that keeps the snapshot of its first statement. Where one is
        open, PostgreSQL is asked once how it is isolated from others: whoever has set it, and wherever. Nor does it in
        the transaction of a test: what ``setUpTestData`` or a test writes is never committed, and another test has
        other rows.
        """
        connection = self.connection
        if in_block_of_test(connection):
            return False
        if not in_autocommit_mode(connection) and isolation_level(connection) != IsolationLevel.READ_COMMITTED:
            # later statements see the snapshot of the first one (PostgreSQL documentation, 13.2)
            return False
        if self._marked:
            # perhaps before the first statement of a block
            return False
        if not self._open():
            self._isolation = None
            if self._written and not may_be_in_transaction(connection):
                # a transaction was ended past Django, by the driver's own methods
                self._settle()
            return True
        if self._written:
            return False
        if self._isolation is None:
            self._isolation = catalog.isolation_of(connection)
        return self._isolation == "read committed"

    def mark_written(self, tables: frozenset[str]) -> None:
        """Add tables that the project says it has written in a way that no statement shows."""
        self._marked.append((savepoints(self.connection), frozenset(Change(table, ALL) for table in tables)))
        self.settle_if_ended()

    def confirm(self) -> None:
        """Take PostgreSQL's word for what the open transaction has written, where its statements do not tell.

        It is asked before the commit. Where it cannot be, what was found in the statements counts.
        """
        every = _joined(self._written)
        if not every or catalog.is_certain(self.connection, every):
            return
        tables = catalog.reported_tables(self.connection, REPORTED_TABLES)
        if tables is not None:
            self._written = []
            self._add(frozenset(), self._reported(every, tables))

    def replace_written(self, tables: frozenset[str]) -> None:
        """Replace the changes in the innermost block by the tables that PostgreSQL reports."""
        here = savepoints(self.connection)
        replaced = _joined([entry for entry in self._written if entry[0] >= here])
        self._written = [entry for entry in self._written if not entry[0] >= here]
        self._add(here, self._reported(replaced, tables))

    def _reported(self, replaced: frozenset[Change], tables: frozenset[str]) -> set[Change]:
        found = {Change(table, REPORTED) for table in tables}
        # of what was written over other connections PostgreSQL says nothing
        found |= catalog.elsewhere(self.connection, replaced)
        # what is in the catalogue itself is not among the tables
        return found | {DEFINITION} if catalog.may_define(self.connection, replaced) else found

    def ended(self) -> None:
        """Pass on the changes where a transaction was ended past Django, also inside a block of its own."""
        if not self._open():
            self._settle(in_block=may_be_in_transaction(self.connection))

    def settle_if_ended(self) -> None:
        """Pass on the changes where no transaction is open: they were committed without Django's methods."""
        if not self._open() and not may_be_in_transaction(self.connection):
            self._settle()

    def _note_settings(self, text: str, params: Any, analysis: Analysis) -> None:
        """Note what a statement has set in the session."""
        state = state_of(self.connection)
        if state is None or (analysis.command in _CHANGES_ROWS and _SETS.isdisjoint(analysis.found.names)):
            return
        found = [UNKNOWN_SETTING] if analysis is ANY_STATEMENT else list(settings_in(text, params))
        called = analysis.found.calls | {change.name for change in analysis.changes if CALL in change.events}
        known = catalog.dependencies(self.connection) if called else None
        if known is not None:
            for function in known.reached(called & known.functions.keys()) & known.functions.keys():
                found += settings_of_body(known.functions[function])
        is_open = self._open()
        for setting in map(self._of_hidden, found):
            state.add(setting, savepoints(self.connection), in_transaction=is_open)
        if analysis.savepoint is not None:
            state.rollback(analysis.savepoint)
        elif (analysis.ends or not is_open) and not found:
            state.ended()

    def _of_hidden(self, setting: Setting) -> Setting:
        """Return what a temporary relation makes of the session: unknown where it hides what answers may read."""
        if setting.name != HIDES:
            return setting
        hides = setting.value is None or catalog.may_be_read(self.connection, setting.value)
        return UNKNOWN_SETTING._replace(local=setting.local) if hides else setting._replace(value=None)

    def changes_of(self, text: str) -> frozenset[Change]:
        """Return the changes that a statement may make, as its text and the catalogue tell; none where it only reads.

        The statement need not have run. The catalogue is read for it where that is needed.
        """
        return self._changes_of(analyse(text))

    def _changes_of(self, analysis: Analysis) -> frozenset[Change]:
        found = catalog.changes_in(self.connection, analysis)
        if analysis.executes:
            known = self._prepared_here()
            if analysis.executes <= known.keys():
                return found.union(*(self._changes_of(known[name]) for name in analysis.executes))
            return found | {UNKNOWN}
        return found

    def _prepared_here(self) -> dict[str, Analysis]:
        """Return what is prepared in the session of the open connection."""
        driver = driver_connection(self.connection)
        if driver is None or self._prepared_in() is not driver:
            self._prepared = {}
            self._prepared_in = ref(driver) if driver is not None else lambda: None
        return self._prepared

    def _note(self, analysis: Analysis) -> None:
        if analysis.prepares is not None and len(known := self._prepared_here()) < _MAX_PREPARED:
            name, prepared = analysis.prepares
            # where it failed, there is another statement of this name
            known[name] = joined([prepared, *([known[name]] if name in known else [])])
        self._add(savepoints(self.connection), self._changes_of(analysis))
        if analysis.defines:
            self._redefines = True
            catalog.defining(self.connection, open_transaction=self._open())
        if analysis.ends or not self._open():
            self._settle(in_block=may_be_in_transaction(self.connection))
        elif analysis.savepoint is not None:
            for entries in (self._written, self._marked):
                entries[:] = [entry for entry in entries if analysis.savepoint not in entry[0]]
            if self._redefines:
                catalog.forget()

    def _add(self, here: frozenset[str | None], found: Iterable[Change]) -> None:
        if changes := frozenset(found):
            self._written.append((here, changes))

    @property
    def _changes(self) -> frozenset[Change]:
        return _joined(self._written) | _joined(self._marked)

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

    def _announce(self, found: frozenset[Change]) -> None:
        """Announce changes that are not announced yet."""
        if not found <= self._covered:
            self._covered |= found
            self._announced.append(self._announced_to_caches(found))

    def _settle(self, *, in_block: bool = False) -> None:
        """Pass on that the transaction has ended, by a COMMIT as SQL where that is in a block of Django's."""
        lost = self._is_lost
        announced, covered, found = self._announced, self._covered, self._changes
        self._announced, self._covered = [], _NOTHING
        # what is marked may be written after it
        marked = self._marked.copy() if in_block else []
        self._forget()
        self._marked = marked
        if not found <= covered:
            # what nobody could announce
            announced.append(self._announced_to_caches(found))
        with self._telling():
            _tell(announced, lost)

    def _announced_to_caches(self, found: frozenset[Change]) -> Announced:
        tables = catalog.tables_written(self.connection, found)
        with self._telling():
            return self.announce(tables)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Let what a cache does over this connection be no write of the project's."""
        self._tells = True
        try:
            yield
        finally:
            self._tells = False

    def _forget(self) -> None:
        announced, self._announced, self._covered = self._announced, [], _NOTHING
        self._written.clear()
        self._marked.clear()
        self._isolation = None
        if self._redefines:
            # the catalogue that was read meanwhile is not the one that was committed
            self._redefines = False
            catalog.defining(self.connection, open_transaction=False)
        with self._telling():
            _tell(announced, lost=False)


def _joined(entries: Iterable[tuple[frozenset[str | None], frozenset[Change]]]) -> frozenset[Change]:
    return _NOTHING.union(*(found for _, found in entries))


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
    """Collect a connection's writes from now on; a second call is for a connection that was opened anew."""
    transactions = of(connection)
    if transactions is None:
        transactions = Transactions(connection, announce)
        add_first_wrapper(connection, transactions)
        wrap_transaction_end(connection, transactions.commit, transactions.rollback)
    if driver_connection(connection) is not None:
        observe_driver(connection, transactions)


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
