"""Statements over Django's database connection, where all of Django's instruments see them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from django.db import Error, connections, transaction

from ..errors import StorageError
from .base import ExecuteResult, Health, QueryResult, Row
from .transactions import sees_committed_only


@lru_cache(maxsize=4096)
def numbered(sql: str) -> bytes:
    """Turn ``%s`` into ``$1``, ``$2`` … and ``%%`` into ``%``.

    psycopg does the same, but anew at each execution of a statement of more than 4 kB.
    """
    head, *rest = sql.replace("%%", "\0").split("%s")
    text = head + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
    return text.replace("\0", "%").encode()


class PreparedCursor(psycopg.RawCursor[Any]):
    """A cursor that binds parameters in PostgreSQL and has it prepare the statement at first sight."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> PreparedCursor:
        """Run ``%s``-style SQL; the results stay in the form that PostgreSQL sent them."""
        return super().execute(numbered(query), params or (), prepare=True)


class UnpreparedCursor(psycopg.RawCursor[Any]):
    """The same without preparing, for a pooler that gives each statement another connection."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> UnpreparedCursor:
        """Run ``%s``-style SQL; the results stay in the form that PostgreSQL sent them."""
        return super().execute(numbered(query), params or (), prepare=False)


class DjangoTransaction:
    """An ``atomic`` block that is rolled back unless committed."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.committed = False

    def commit(self) -> None:
        """Make what was done last, at the end of the block."""
        self.committed = True

    def rollback(self) -> None:
        """Undo what was done, at the end of the block."""
        self.committed = False


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

    @contextmanager
    def begin_transaction(self) -> Iterator[DjangoTransaction]:
        """Open a transaction, or a savepoint in an open one; it is rolled back unless committed."""
        opened = DjangoTransaction(self.alias)
        with transaction.atomic(using=self.alias):
            yield opened
            if not opened.committed:
                transaction.set_rollback(True, using=self.alias)

    def health_check(self) -> Health:
        """Reach the database and say which version it is."""
        started = time.perf_counter()
        try:
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
            connection.ensure_connection()
            with self._wrapped(connection) as cursor:
                yield cursor
        except Error as error:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            raise StorageError(str(error).strip(), sqlstate=getattr(error.__cause__, "sqlstate", None)) from error

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
