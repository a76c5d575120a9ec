"""What the engine needs of a database."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Row = tuple["bytes | None", ...]
# Names and values of PostgreSQL's settings, all as texts
Settings: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Rows as PostgreSQL wrote them: each value the bytes of its text form, None for null."""

    rows: Sequence[Row]
    row_count: int
    execution_time_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteResult:
    """What a statement changed."""

    rows_affected: int
    execution_time_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a part works, how long the check took, and what it found or what failed."""

    healthy: bool
    detail: str
    time_ms: float


class Transaction(Protocol):
    """An open transaction; left without a commit it is rolled back."""

    @property
    def outermost(self) -> bool:
        """Whether nothing was open before: with its end PostgreSQL's own transaction ends."""
        ...

    def commit(self) -> None:
        """Make what was done last."""
        ...

    def rollback(self) -> None:
        """Undo what was done."""
        ...


class Storage(Protocol):
    """A database that statements are sent to. ``%s`` in SQL stands for a parameter, ``%%`` for a percent sign.

    ``settings`` are given where the project has any (``FRAISEQL["SESSION"]``, ``LIMITS.STATEMENT_MS``).
    """

    @property
    def backend_name(self) -> str:
        """Name the kind of database, for people."""
        ...

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Run a statement that returns rows, for which settings hold; raise StorageError when it fails."""
        ...

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Run a statement that changes rows; raise StorageError when it fails."""
        ...

    def begin_transaction(self, settings: Settings = ()) -> AbstractContextManager[Transaction]:
        """Open a transaction in which settings hold, or a savepoint in an open one."""
        ...

    @property
    def shared(self) -> bool:
        """Whether a statement sees now what everybody sees: only then may its answer be kept for others."""
        ...

    def health_check(self) -> Health:
        """Reach the database and say which version it is."""
        ...
