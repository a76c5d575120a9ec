"""Sends statements over Django's database connection, where all of Django's instruments see them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import Error, connections, transaction

from .._compat import NO_PIPELINE, ClientCursor, PyFormat, RawCursor, TransactionStatus, Transformer
from .._django import (
    block_is_broken,
    break_block,
    check_usable,
    close_if_broken,
    connect_timeout,
    cursor_of,
    database_errors,
    driver_connection,
    ensure_usable,
    has_own_cursors,
    in_atomic_block,
    inner_cursor,
    is_observed,
    is_ready,
)
from ..errors import StorageError
from ..invalidation.catalog import only_reads
from ..invalidation.reported import REPORTED_TABLES
from ..invalidation.session_state import has_settings
from ..invalidation.transactions import Transactions, of, sees_committed_only
from .base import ExecuteResult, Health, QueryResult, Row, Settings
from .cursors import ConnectionCursors, check_texts, encode_text, rows_of
from .pipeline import Command, ConnectionPipeline, FormerSettings, missing_in
from .pipeline import rows_of as rows_of_result
from .positions import POSITION, Position, parse_position

logger = logging.getLogger("fraiseql_django.storage")

# The longest that a health check waits for a connection; libpq waits for two minutes
HEALTH_CONNECT_SECONDS = 3
# Tests turn this off to send statements through cursors everywhere
PIPELINE_ALLOWED = True

# PostgreSQL's error codes (its documentation, appendix A)
IN_FAILED_TRANSACTION = "25P02"
NO_ACTIVE_TRANSACTION = "25P01"

_PIPELINE, _CURSORS = "_fraiseql_pipeline", "_fraiseql_cursors"
_warned: set[str] = set()


def pipeline_of(connection: Any) -> ConnectionPipeline | None:
    """Return the pipeline of an open connection, None where statements have to go through cursors."""
    if not PIPELINE_ALLOWED:
        return None
    driver = driver_connection(connection)
    found: ConnectionPipeline | None = getattr(driver, _PIPELINE, None)
    if found is None and not hasattr(driver, _PIPELINE):
        reason = NO_PIPELINE or missing_in(driver)
        if reason is None and not has_own_cursors(connection):
            reason = f"the cursor class is the project's own, {driver.cursor_factory.__qualname__}"
        found = ConnectionPipeline(driver) if reason is None else None
        setattr(driver, _PIPELINE, found)
        if found is not None and (transactions := of(connection)) is not None:
            transactions.deallocated = found.forget_prepared
        if reason is not None and reason not in _warned:
            _warned.add(reason)
            logger.warning(
                "statements on database %r are sent through psycopg's cursors, which takes longer: %s",
                connection.alias,
                reason,
            )
    return found


def cursors_of(connection: Any) -> ConnectionCursors:
    """Return the way to set settings through the cursors of an open connection."""
    driver = driver_connection(connection)
    found: ConnectionCursors | None = getattr(driver, _CURSORS, None)
    if found is None:
        found = ConnectionCursors(driver)
        setattr(driver, _CURSORS, found)
    return found


def _channel(connection: Any) -> ConnectionPipeline | ConnectionCursors:
    return pipeline_of(connection) or cursors_of(connection)


class LoggedQuery:
    """A statement for Django's log of queries: the text with its parameters in place."""

    __slots__ = ("connection", "params", "sql")

    def __init__(self, connection: Any, sql: str, params: Sequence[Any]) -> None:
        self.connection, self.sql, self.params = connection, sql, params

    @property
    def query(self) -> bytes:
        """The text, for reading only: PostgreSQL was sent statement and parameters apart."""
        try:
            return ClientCursor(self.connection).mogrify(self.sql, self.params).encode()
        except Exception:
            # a log must not replace the error that it is about
            return self.sql.encode()


class PreparedCursor(RawCursor[Any]):
    """A cursor that sends its statement through the pipeline, prepared, with ``settings`` that hold for it alone."""

    prepare = True
    settings: Settings = ()
    jit = True
    # whether the position of the server's log is read ahead of the statement, and what it was
    asks_position = False
    position: bytes | None = None

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> PreparedCursor:
        """Run ``%s``-style SQL; the result stays in the form that PostgreSQL sent."""
        driver: Any = self.connection
        self._query: Any = LoggedQuery(driver, query, params or ())
        self.pgresult = None
        texts, types, formats = _encode(driver, params or ())
        command = Command(query, texts, types, formats, self.prepare)
        pipeline: ConnectionPipeline = getattr(driver, _PIPELINE)
        if self.asks_position:
            self.position, self.pgresult = pipeline.run_at(self.settings, command, jit=self.jit)
        else:
            self.pgresult = pipeline.run_with(self.settings, command, jit=self.jit)
        return self

    @property
    def rowcount(self) -> int:
        """The number of rows that were read or changed; -1 where PostgreSQL does not say."""
        rows = None if self.pgresult is None else self.pgresult.command_tuples
        return -1 if rows is None else rows


class UnpreparedCursor(PreparedCursor):
    """The same without preparing, for a pooler that gives each statement another connection."""

    prepare = False


def _encode(driver: Any, params: Sequence[Any]) -> tuple[list[Any] | None, tuple[int, ...], list[int] | None]:
    """Return parameters as PostgreSQL reads them, with types and formats where not all of them are texts."""
    texts: list[Any] = []
    for param in params:
        if type(param) is str:
            texts.append(encode_text(param))
        elif param is None:
            texts.append(None)
        else:
            break
    else:
        return texts or None, (), None
    adapted = Transformer.from_context(driver)
    written = adapted.dump_sequence(params, [PyFormat.AUTO] * len(params))
    return list(written), tuple(adapted.types or ()), list(adapted.formats or ())


class DjangoTransaction:
    """An ``atomic`` block that is ended by ``commit()`` or ``rollback()``; without either it is rolled back."""

    def __init__(self, alias: str, settings: Settings = (), *, prepare: bool = True) -> None:
        self.alias = alias
        self._atomic = transaction.atomic(using=alias)
        self._open = False
        self.outermost = False
        self._settings = settings
        self._prepare = prepare
        self._former: FormerSettings | None = None

    def __enter__(self) -> DjangoTransaction:
        connection = connections[self.alias]
        try:
            # without autocommit the project has a transaction open, or will have, and this is a savepoint in it
            self.outermost = not in_atomic_block(connection) and connection.get_autocommit()
            self._atomic.__enter__()
        except Error as error:
            raise _storage_error(error) from error
        self._open = True
        if self._settings:
            try:
                self._set_settings()
            except Exception:
                self.rollback()
                raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._open:
            self.rollback()

    def commit(self) -> None:
        """Commit the transaction, or release the savepoint; raise StorageError where PostgreSQL refuses."""
        connection: Any = connections[self.alias]
        if self._open and (block_is_broken(connection) or _has_failed(connection)):
            # Django, or PostgreSQL, would roll back without an error
            message = "nothing was committed, since a statement of the transaction failed"
            raise StorageError(message, sqlstate=IN_FAILED_TRANSACTION)
        if self._open:
            self._note_reported_tables(connection)
        self._end(undo=False)

    def rollback(self) -> None:
        """Roll back the transaction, or to the savepoint."""
        self._end(undo=True)

    def _set_settings(self) -> None:
        connection: Any = connections[self.alias]
        try:
            with database_errors(connection):
                self._former = _channel(connection).set_locally(self._settings, prepare=self._prepare)
        except Error as error:
            raise _storage_error(error) from error

    def _restore_settings(self, *, undone: bool) -> None:
        """Restore the former settings, where PostgreSQL does not do it at the end of the transaction or savepoint."""
        connection: Any = connections[self.alias]
        if self._former is None or driver_connection(connection) is None:
            return
        channel = _channel(connection)
        if undone or self.outermost:
            channel.in_force = self._former.in_force
            return
        try:
            with database_errors(connection):
                channel.restore(self._former, prepare=self._prepare)
        except Error as error:
            raise _storage_error(error) from error

    def _note_reported_tables(self, connection: Any) -> None:
        """Replace the tables guessed from the SQL of the transaction by those that PostgreSQL reports as locked."""
        transactions, driver = of(connection), driver_connection(connection)
        if transactions is None or driver is None or driver.info.transaction_status != TransactionStatus.INTRANS:
            return
        try:
            # past Django's cursors, as a part of the commit
            with database_errors(connection):
                rows = _channel(connection).fetch(REPORTED_TABLES, prepare=self._prepare)
        except Error as error:
            raise _storage_error(error) from error
        transactions.replace_written(frozenset((table or b"").decode() for (table,) in rows))

    def _end(self, *, undo: bool) -> None:
        if not self._open:
            raise StorageError("the transaction has ended already", sqlstate=NO_ACTIVE_TRANSACTION)
        self._open = False
        if undo:
            transaction.set_rollback(True, using=self.alias)
        self._restore_settings(undone=undo)
        try:
            self._atomic.__exit__(None, None, None)
        except Error as error:
            raise _storage_error(error) from error


class DjangoStorage:
    """The PostgreSQL database of an alias in ``DATABASES``.

    ``jit`` lets PostgreSQL compile statements. At most ``max_prepared`` statements stay prepared on each connection,
    which take at most ``prepared_bytes`` in PostgreSQL, as estimated.
    """

    backend_name = "django-postgresql"
    jit = False
    max_prepared = 500
    prepared_bytes = 64_000_000

    def __init__(self, alias: str = "default", *, prepare_statements: bool = True) -> None:
        self.alias = alias
        self.prepare_statements = prepare_statements

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Run a statement that returns rows; raise StorageError on failure.

        ``settings`` hold in PostgreSQL for this statement alone; the pipeline sends them in the same round trip.
        """
        started = time.perf_counter()
        connection: Any = connections[self.alias]
        rows = None if settings else self._rows_of_known(connection, sql, params)
        if rows is None:
            _, rows = self._rows(connection, sql, params, settings)
        elapsed = (time.perf_counter() - started) * 1000
        return QueryResult(rows, len(rows), elapsed)

    def query_at(
        self, sql: str, params: Sequence[Any] = (), settings: Settings = ()
    ) -> tuple[Position | None, QueryResult]:
        """Run a statement that returns rows; return them with a position that they cover, read in the same round trip.

        Everything that was committed on the primary up to this position shows in the rows. None where that is not
        known: in an open transaction. Raises StorageError on failure.
        """
        started = time.perf_counter()
        connection: Any = connections[self.alias]
        try:
            ensure_usable(connection)
            through_cursors = pipeline_of(connection) is None and not in_atomic_block(connection)
        except Error as error:
            raise self._failed(connection, error) from error
        if through_cursors:
            # in one transaction: a pooler could send the statement to another server than the question
            with self.begin_transaction(settings):
                ((position,),) = self._rows(connection, f"SELECT {POSITION.decode()}", (), ())[1]
                _, rows = self._rows(connection, sql, params, ())
        else:
            position, rows = self._rows(connection, sql, params, settings, at=True)
        return parse_position(position), QueryResult(rows, len(rows), (time.perf_counter() - started) * 1000)

    def _rows_of_known(self, connection: Any, sql: str, params: Sequence[Any]) -> list[Row] | None:
        """Run a statement that was run before, in as few steps as possible; None where it needs more of them."""
        pipeline: ConnectionPipeline | None = getattr(driver_connection(connection), _PIPELINE, None)
        if (
            pipeline is None
            or not PIPELINE_ALLOWED
            or not pipeline.is_plain
            or not is_ready(connection)
            or is_observed(connection, Transactions)
            # since it was prepared, a function may have been replaced by one that writes
            or not only_reads(connection, sql)
        ):
            return None
        try:
            with database_errors(connection):
                result = pipeline.run_known(sql, params, jit=self.jit)
        except Error as error:
            raise self._failed(connection, error) from error
        return None if result is None else rows_of_result(result)

    def _rows(
        self, connection: Any, sql: str, params: Sequence[Any], settings: Settings, *, at: bool = False
    ) -> tuple[bytes | None, list[Row]]:
        """Run a statement: straight through libpq where nobody sees the statements of Django's cursors.

        Return its rows and, if asked for (``at``), a position that they cover.
        """
        if not is_observed(connection, Transactions) and only_reads(connection, sql):
            try:
                ensure_usable(connection)
                pipeline = pipeline_of(connection)
                # a monitor may have put a wrapper around the driver's connection, which its own cursors pass
                if pipeline is not None and pipeline.is_plain:
                    check_usable(connection)
                    pipeline.bound(self.max_prepared, self.prepared_bytes)
                    with database_errors(connection):
                        texts, types, formats = _encode(pipeline.driver, params)
                        command = Command(sql, texts, types, formats, self.prepare_statements)
                        if at:
                            position, result = pipeline.run_at(settings, command, jit=self.jit)
                            return position, rows_of_result(result)
                        return None, rows_of_result(pipeline.run_with(settings, command, jit=self.jit))
            except Error as error:
                raise self._failed(connection, error) from error
        with self._cursor(settings, params) as cursor:
            inner = inner_cursor(cursor)
            if isinstance(inner, PreparedCursor):
                inner.asks_position = at
                cursor.execute(sql, params)
                return inner.position, rows_of(cursor)
            cursor.execute(sql, params)
            return None, rows_of(cursor)

    def prepared_name(self, sql: str) -> str | None:
        """Return the name that a statement with texts as parameters is prepared under; None where it is not prepared.

        The connection has to be open.
        """
        pipeline = pipeline_of(connections[self.alias]) if self.prepare_statements else None
        return None if pipeline is None else pipeline.prepared_name(sql)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Run a statement that changes rows; raise StorageError on failure."""
        started = time.perf_counter()
        with self._cursor((), params) as cursor:
            cursor.execute(sql, params)
            affected = max(cursor.rowcount, 0)
        elapsed = (time.perf_counter() - started) * 1000
        return ExecuteResult(rows_affected=affected, execution_time_ms=elapsed)

    def begin_transaction(self, settings: Settings = ()) -> DjangoTransaction:
        """Open a transaction, or a savepoint in an open one; it is rolled back unless committed.

        ``settings`` hold in it; afterwards their former values hold again.
        """
        return DjangoTransaction(self.alias, settings, prepare=self.prepare_statements)

    def health_check(self) -> Health:
        """Connect to the database and return its version."""
        started = time.perf_counter()
        try:
            with connect_timeout(connections[self.alias], HEALTH_CONNECT_SECONDS):
                version = self.query("SHOW server_version").rows[0][0] or b""
            healthy, detail = True, f"PostgreSQL {version.decode()}"
        except StorageError as error:
            healthy, detail = False, str(error)
        return Health(healthy=healthy, detail=detail, time_ms=(time.perf_counter() - started) * 1000)

    @property
    def shared(self) -> bool:
        """Whether a statement sees the same rows as other sessions: nothing uncommitted, no older snapshot."""
        return sees_committed_only(connections[self.alias])

    @contextmanager
    def _cursor(self, settings: Settings, params: Sequence[Any]) -> Iterator[Any]:
        """Open a cursor in the wrapper that Django, or the debug toolbar, puts around every cursor."""
        connection: Any = connections[self.alias]
        try:
            ensure_usable(connection)
            if (pipeline := pipeline_of(connection)) is not None:
                pipeline.bound(self.max_prepared, self.prepared_bytes)
                made = PreparedCursor if self.prepare_statements else UnpreparedCursor
                cursor = cursor_of(connection, lambda own: made)
                inner = inner_cursor(cursor)
                # a wrapper around the driver's connection may make cursors of another class
                is_prepared = isinstance(inner, PreparedCursor)
            else:
                is_prepared = False
            if is_prepared:
                inner.settings, inner.jit = settings, self.jit
                with cursor:
                    yield cursor
            else:
                with database_errors(connection):
                    check_texts(params)
                    with cursors_of(connection).setting(settings, jit=self.jit), connection.cursor() as cursor:
                        yield cursor
                if (transactions := of(connection)) is not None:
                    # the settings' own transaction was ended without Django
                    transactions.settle_if_ended()
        except Error as error:
            raise self._failed(connection, error) from error

    def _failed(self, connection: Any, error: Error) -> StorageError:
        if in_atomic_block(connection):
            # whoever opened the block does not see this error, and must not believe that it commits
            break_block(connection, error)
        elif not has_settings(connection):
            # what the project has set, a role for instance, would not hold on another connection; Django replaces a
            # lost one at the end of the request
            close_if_broken(connection)
        return _storage_error(error)


def _storage_error(error: Error) -> StorageError:
    if isinstance(error, transaction.TransactionManagementError):
        # Django knows that PostgreSQL would refuse the statement, and asks it no more
        return StorageError(str(error).strip(), sqlstate=IN_FAILED_TRANSACTION)
    return StorageError(str(error).strip(), sqlstate=getattr(error.__cause__, "sqlstate", None))


def _has_failed(connection: Any) -> bool:
    driver = driver_connection(connection)
    return driver is not None and driver.info.transaction_status == TransactionStatus.INERROR
