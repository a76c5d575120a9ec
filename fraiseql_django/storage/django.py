"""Statements over Django's database connection, where all of Django's instruments see them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import Error, connections, transaction

from .._compat import ClientCursor, RawCursor, TransactionStatus
from ..errors import StorageError
from .base import ExecuteResult, Health, QueryResult, Row
from .transactions import of, sees_committed_only
from .written import written_in_transaction

# What a load balancer waits for at most to be told that the database is not there
HEALTH_CONNECT_SECONDS = 3

# What PostgreSQL would say (its documentation, appendix A)
IN_FAILED_TRANSACTION = "25P02"
NO_ACTIVE_TRANSACTION = "25P01"


@lru_cache(maxsize=1024)
def numbered(sql: str) -> bytes:
    """Turn ``%s`` into ``$1``, ``$2`` … and ``%%`` into ``%``.

    psycopg does the same, but anew at each execution of a statement of more than 4 kB.
    """
    head, *rest = sql.replace("%%", "\0").split("%s")
    text = head + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
    return text.replace("\0", "%").encode()


class Sent:
    """What Django's log of queries asks a cursor for: the statement with its parameters in place."""

    __slots__ = ("connection", "params", "sql")

    def __init__(self, connection: Any, sql: str, params: Sequence[Any]) -> None:
        self.connection, self.sql, self.params = connection, sql, params

    @property
    def query(self) -> bytes:
        """The text, for reading: PostgreSQL was sent the two apart."""
        try:
            return ClientCursor(self.connection).mogrify(self.sql, self.params).encode()
        except Exception:
            # a log must not replace the error that it is about
            return self.sql.encode()


class PreparedCursor(RawCursor[Any]):
    """A cursor that binds parameters in PostgreSQL and has it prepare the statement at first sight."""

    prepare = True

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> PreparedCursor:
        """Run ``%s``-style SQL; the results stay in the form that PostgreSQL sent them."""
        params = params or ()
        try:
            return super().execute(numbered(query), params, prepare=self.prepare)
        finally:
            # psycopg leaves it empty when a statement is prepared
            self._query: Any = Sent(self.connection, query, params)


class UnpreparedCursor(PreparedCursor):
    """The same without preparing, for a pooler that gives each statement another connection."""

    prepare = False


class DjangoTransaction:
    """An ``atomic`` block that ends with commit or rollback; left without either it is rolled back."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._atomic = transaction.atomic(using=alias)
        self._open = False
        self.outermost = False

    def __enter__(self) -> DjangoTransaction:
        self.outermost = not connections[self.alias].in_atomic_block
        try:
            self._atomic.__enter__()
        except Error as error:
            raise _storage_error(error) from error
        self._open = True
        return self

    def __exit__(self, *exception: object) -> None:
        if self._open:
            self.rollback()

    def commit(self) -> None:
        """Make what was done last; raise StorageError where PostgreSQL refuses."""
        connection: Any = connections[self.alias]
        if self._open and (connection.needs_rollback or _has_failed(connection)):
            # Django, or PostgreSQL, would roll back and say nothing
            message = "nothing was committed, since a statement of the transaction failed"
            raise StorageError(message, sqlstate=IN_FAILED_TRANSACTION)
        if self._open:
            self._ask_what_was_written(connection)
        self._end(undo=False)

    def rollback(self) -> None:
        """Undo what was done."""
        self._end(undo=True)

    def _ask_what_was_written(self, connection: Any) -> None:
        transactions = of(connection)
        if transactions is None:
            return
        try:
            tables = written_in_transaction(connection)
        except Error as error:
            raise _storage_error(error) from error
        if tables is not None:
            transactions.say_written(tables)

    def _end(self, *, undo: bool) -> None:
        if not self._open:
            raise StorageError("the transaction has ended already", sqlstate=NO_ACTIVE_TRANSACTION)
        self._open = False
        if undo:
            transaction.set_rollback(True, using=self.alias)
        try:
            self._atomic.__exit__(None, None, None)
        except Error as error:
            raise _storage_error(error) from error


class DjangoStorage:
    """The PostgreSQL database of an alias in ``DATABASES``."""

    backend_name = "django-postgresql"

    def __init__(self, alias: str = "default", *, prepare_statements: bool = True) -> None:
        self.alias = alias
        self.prepare_statements = prepare_statements

    def query(self, sql: str, params: Sequence[Any] = ()) -> QueryResult:
        """Run a statement that returns rows; raise StorageError when it fails."""
        started = time.perf_counter()
        with self._cursor() as cursor:
            cursor.execute(sql, params)
            result: Any = cursor.cursor.pgresult
            value = result.get_value
            columns = range(result.nfields)
            rows: list[Row] = [tuple([value(row, column) for column in columns]) for row in range(result.ntuples)]
        elapsed = (time.perf_counter() - started) * 1000
        return QueryResult(rows=rows, row_count=len(rows), execution_time_ms=elapsed)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Run a statement that changes rows; raise StorageError when it fails."""
        started = time.perf_counter()
        with self._cursor() as cursor:
            cursor.execute(sql, params)
            affected = max(cursor.rowcount, 0)
        elapsed = (time.perf_counter() - started) * 1000
        return ExecuteResult(rows_affected=affected, execution_time_ms=elapsed)

    def begin_transaction(self) -> DjangoTransaction:
        """Open a transaction, or a savepoint in an open one; it is rolled back unless committed."""
        return DjangoTransaction(self.alias)

    def health_check(self) -> Health:
        """Reach the database and say which version it is."""
        started = time.perf_counter()
        try:
            with _impatient(connections[self.alias]):
                version = self.query("SHOW server_version").rows[0][0] or b""
            healthy, detail = True, f"PostgreSQL {version.decode()}"
        except StorageError as error:
            healthy, detail = False, str(error)
        return Health(healthy=healthy, detail=detail, time_ms=(time.perf_counter() - started) * 1000)

    @property
    def shared(self) -> bool:
        """Whether a statement sees now what everybody sees: nothing uncommitted, no older snapshot."""
        return sees_committed_only(connections[self.alias])

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        connection: Any = connections[self.alias]
        try:
            connection.close_if_health_check_failed()
            connection.ensure_connection()
            with self._wrapped(connection) as cursor:
                yield cursor
        except Error as error:
            if connection.in_atomic_block:
                # whoever opened the block does not see this error, and must not believe that it commits
                connection.needs_rollback, connection.rollback_exc = True, error
            else:
                connection.close_if_unusable_or_obsolete()
            raise _storage_error(error) from error

    def _wrapped(self, connection: Any) -> Any:
        """Open a cursor of ours in the wrapper that Django, or the debug toolbar, puts around every cursor."""
        raw = connection.connection
        if self.prepare_statements and raw.prepare_threshold is None:
            # Django's connections never prepare, not even when told to; with a threshold that no count
            # reaches, what is told to is prepared and all else is as before
            raw.prepare_threshold = sys.maxsize
        factory = raw.cursor_factory
        raw.cursor_factory = PreparedCursor if self.prepare_statements else UnpreparedCursor
        try:
            return connection.cursor()
        finally:
            raw.cursor_factory = factory


def _storage_error(error: Error) -> StorageError:
    return StorageError(str(error).strip(), sqlstate=getattr(error.__cause__, "sqlstate", None))


def _has_failed(connection: Any) -> bool:
    raw = connection.connection
    return raw is not None and raw.pgconn.transaction_status == TransactionStatus.INERROR


@contextmanager
def _impatient(connection: Any) -> Iterator[None]:
    """Let a connection that is still to be opened be given up soon: libpq waits for two minutes."""
    usual = connection.settings_dict
    if not usual["OPTIONS"].get("pool"):
        options = {"connect_timeout": HEALTH_CONNECT_SECONDS, **usual["OPTIONS"]}
        connection.settings_dict = {**usual, "OPTIONS": options}
    try:
        yield
    finally:
        connection.settings_dict = usual
