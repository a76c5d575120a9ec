"""The protocol of a database that the engine sends statements to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from .positions import Position

Row = tuple["bytes | None", ...]
# Names and values of PostgreSQL's settings, all as texts
Settings: TypeAlias = tuple[tuple[str, str], ...]
NO_JIT = ("jit", "off")


class QueryResult(NamedTuple):
    """The rows of a statement: each value is the bytes of PostgreSQL's text form, None for null."""

    rows: Sequence[Row]
    row_count: int
    execution_time_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteResult:
    """How many rows a statement has changed."""

    rows_affected: int
    execution_time_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a part works, a description of it or of the failure, and how long the check took."""

    healthy: bool
    detail: str
    time_ms: float


class Transaction(Protocol):
    """An open transaction; it is rolled back unless it is committed."""

    @property
    def outermost(self) -> bool:
        """Whether no transaction was open before; otherwise this is a savepoint."""
        ...

    def commit(self) -> None:
        """Commit the transaction, or release the savepoint."""
        ...

    def rollback(self) -> None:
        """Roll back the transaction, or to the savepoint."""
        ...


class Storage(Protocol):
    """A database that statements are sent to. In SQL ``%s`` is a placeholder and ``%%`` a percent sign.

    ``settings`` are passed only where the project has any (``FRAISEQL["SESSION"]``, ``LIMITS.STATEMENT_MS``).
    """

    @property
    def backend_name(self) -> str:
        """Return a name of the kind of database, for people."""
        ...

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Run a statement that returns rows, with settings that hold for it alone; raise StorageError on failure."""
        ...

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Run a statement that changes rows; raise StorageError on failure."""
        ...

    def begin_transaction(self, settings: Settings = ()) -> AbstractContextManager[Transaction]:
        """Open a transaction with settings that hold until its end, or a savepoint in an open transaction."""
        ...

    @property
    def shared(self) -> bool:
        """Whether a statement sees the same rows as other sessions; only then may its answer be cached."""
        ...

    def health_check(self) -> Health:
        """Connect to the database and return its version."""
        ...


class PositionedStorage(Storage, Protocol):
    """A storage that knows positions in PostgreSQL's log, as ``FRAISEQL["REPLICAS"]`` needs it."""

    def query_at(
        self, sql: str, params: Sequence[Any] = (), settings: Settings = ()
    ) -> tuple[Position | None, QueryResult]:
        """Run a statement that returns rows; return them with a position that they cover, None where it is not known.

        Raises StorageError on failure.
        """
        ...
