"""Counts and logs the statements of an engine."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import Any, cast

from ..metrics.measurement import current
from ..storage.base import ExecuteResult, Health, PositionedStorage, QueryResult, Settings, Storage, Transaction
from ..storage.positions import Position

logger = logging.getLogger("fraiseql_django.sql")


class MeasuredStorage:
    """A storage whose statements are counted, with the time that they took, and logged at level DEBUG."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.statements = 0
        self.total_ms = 0.0
        self._lock = Lock()

    @property
    def backend_name(self) -> str:
        """The name of the storage."""
        return self.storage.backend_name

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Run a query of the storage; settings are passed on only where there are any."""
        result = self.storage.query(sql, params, settings) if settings else self.storage.query(sql, params)
        self._note(sql, result.row_count, "read", result.execution_time_ms)
        return result

    def query_at(
        self, sql: str, params: Sequence[Any] = (), settings: Settings = ()
    ) -> tuple[Position | None, QueryResult]:
        """Run a query of the storage, and return with its rows a position that they cover."""
        storage = cast(PositionedStorage, self.storage)
        position, result = storage.query_at(sql, params, *([settings] if settings else []))
        self._note(sql, result.row_count, "read", result.execution_time_ms)
        return position, result

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Run a statement of the storage that changes rows."""
        result = self.storage.execute(sql, params)
        self._note(sql, result.rows_affected, "changed", result.execution_time_ms)
        return result

    def begin_transaction(self, settings: Settings = ()) -> AbstractContextManager[Transaction]:
        """Open a transaction of the storage."""
        return self.storage.begin_transaction(*([settings] if settings else []))

    @property
    def shared(self) -> bool:
        """Whether answers of the storage may be cached now."""
        return self.storage.shared

    def health_check(self) -> Health:
        """Check the storage; not counted."""
        return self.storage.health_check()

    def _note(self, sql: str, rows: int, verb: str, took: float) -> None:
        with self._lock:
            self.statements += 1
            self.total_ms += took
        current.measurement.ran(sql, rows, took / 1000)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%d rows %s in %.3f ms: %s", rows, verb, took, sql, extra={"rows": rows, "duration_ms": took})
