"""Statements over Django's database connection, where all of Django's instruments see them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import Error, connections, transaction

from .._compat import CharacterNotInRepertoire, ClientCursor, PyFormat, RawCursor, TransactionStatus, Transformer
from ..errors import StorageError
from ..invalidation.reported import written_in_transaction
from ..invalidation.transactions import of, sees_committed_only
from .base import ExecuteResult, Health, QueryResult, Row, Settings
from .pipeline import Command, Former, wire_of

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
    """A cursor whose statement PostgreSQL prepares at first sight; it sends ``settings`` with it, for it alone."""

    prepare = True
    settings: Settings = ()

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> PreparedCursor:
        """Run ``%s``-style SQL; the results stay in the form that PostgreSQL sent them."""
        raw: Any = self.connection
        self._query: Any = Sent(raw, query, params or ())
        self.pgresult = None
        texts, types, formats = _written(raw, params or ())
        command = Command(numbered(query), texts, types, formats, self.prepare)
        self.pgresult = wire_of(raw).run_with(self.settings, command)
        return self

    @property
    def rowcount(self) -> int:
        """How many rows were read or changed; -1 where there is no telling."""
        rows = None if self.pgresult is None else self.pgresult.command_tuples
        return -1 if rows is None else rows


class UnpreparedCursor(PreparedCursor):
    """The same without preparing, for a pooler that gives each statement another connection."""

    prepare = False


def _written(raw: Any, params: Sequence[Any]) -> tuple[list[Any] | None, tuple[int, ...], list[int] | None]:
    """Write parameters as PostgreSQL reads them, with their types and formats where they are not just texts."""
    if all(param is None or type(param) is str for param in params):
        return [None if param is None else _text(param) for param in params] or None, (), None
    adapted = Transformer.from_context(raw)
    texts = adapted.dump_sequence(params, [PyFormat.AUTO] * len(params))
    return list(texts), tuple(adapted.types or ()), list(adapted.formats or ())


def _text(value: str) -> bytes:
    if "\0" in value:
        # the end of the text for libpq
        raise CharacterNotInRepertoire("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode("utf-8", "surrogatepass")  # half of a surrogate pair is PostgreSQL's to refuse


class DjangoTransaction:
    """An ``atomic`` block that ends with commit or rollback; left without either it is rolled back."""

    def __init__(self, alias: str, settings: Settings = (), *, prepare: bool = True) -> None:
        self.alias = alias
        self._atomic = transaction.atomic(using=alias)
        self._open = False
        self.outermost = False
        self._settings = settings
        self._prepare = prepare
        self._former: Former | None = None

    def __enter__(self) -> DjangoTransaction:
        connection = connections[self.alias]
        try:
            # without autocommit there is a transaction of the project's, or there will be, and this is a savepoint
            self.outermost = not connection.in_atomic_block and connection.get_autocommit()
            self._atomic.__enter__()
        except Error as error:
            raise _storage_error(error) from error
        self._open = True
        if self._settings:
            try:
                self._put_in_force()
            except Exception:
                self.rollback()
                raise
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

    def _put_in_force(self) -> None:
        connection: Any = connections[self.alias]
        try:
            with connection.wrap_database_errors:
                self._former = wire_of(connection.connection).put_in_force(self._settings, prepare=self._prepare)
        except Error as error:
            raise _storage_error(error) from error

    def _put_back(self, *, undone: bool) -> None:
        """Let settings be what they were, where PostgreSQL does not do it by itself."""
        connection: Any = connections[self.alias]
        if self._former is None or connection.connection is None:
            return
        wire = wire_of(connection.connection)
        if undone or self.outermost:
            wire.in_force = self._former.in_force
            return
        try:
            with connection.wrap_database_errors:
                wire.put_back(self._former, prepare=self._prepare)
        except Error as error:
            raise _storage_error(error) from error

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
        self._put_back(undone=undo)
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

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Run a statement that returns rows; raise StorageError when it fails.

        ``settings`` hold in PostgreSQL for this statement alone; they are sent in the same round trip.
        """
        started = time.perf_counter()
        with self._cursor() as cursor:
            cursor.cursor.settings = settings
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

    def begin_transaction(self, settings: Settings = ()) -> DjangoTransaction:
        """Open a transaction, or a savepoint in an open one; it is rolled back unless committed.

        ``settings`` hold in it, and are what they were when it has ended.
        """
        return DjangoTransaction(self.alias, settings, prepare=self.prepare_statements)

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
