"""Reads queries from replicas, and never shows rows from before a write that has been answered.

``DATABASE_ROUTERS`` say from which replica the models of an operation are read. A write gives its tables new versions
in the cache, after its commit. The first statement of a process that sees a version is run on the primary, and with it
the position of the primary's log is read (``storage.positions``): what the version is of had been committed before, so
it is below that position. From then on a replica's rows are taken if it had replayed the positions of all versions
before its statement began; otherwise the primary is asked again. So it does not matter who has written: neither the
writer nor anybody else sees the rows from before.

A write thus costs the primary one statement more for each process and table, however many reads follow.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from threading import Lock
from typing import Any

from django.db import connections

from .._django import (
    connect_timeout,
    database_of_routers,
    driver_connection,
    in_atomic_block,
    in_autocommit_mode,
)
from ..cache.answers import parts_of
from ..cache.circuit_breaker import CircuitBreaker
from ..errors import StorageError
from ..memory import LRU
from ..planner.plan import Read
from ..storage.base import QueryResult, Settings
from ..storage.positions import Position
from .measured import MeasuredStorage
from .session import Session

logger = logging.getLogger("fraiseql_django.replicas")

# The longest that a request waits for a connection to a replica; libpq waits for two minutes
CONNECT_SECONDS = 2
# A replica that was found behind so long ago is not asked for the same writes again
RECENT_SECONDS = 0.05
# After so long a replica that is behind is worth a line in the log
LAG_SECONDS = 5
_OF_VERSION = 200

# PostgreSQL's error codes (its documentation, appendix A)
_CANCELED = "57014"
_READ_ONLY = "25006"
# a function that is not supported, does not exist, may not be called, or fails together with settings
_NO_POSITION = ("0A000", "42883", "42501", "XX000")
# a connection that cannot be made or is lost, too many of them, a server that shuts down or starts
_UNREACHABLE = ("08", "53", "57P")


class _Replica:
    """One replica: its storage, and what is known of it."""

    def __init__(self, alias: str, storage: MeasuredStorage) -> None:
        self.alias = alias
        self.storage = storage
        self.breaker = CircuitBreaker("the primary is read instead", what=f"replica {alias!r}", logger=logger)
        # where it was found behind, and when
        self._lagged: tuple[Position, float] | None = None
        self._behind_since: float | None = None

    def is_behind(self, positions: Sequence[Position]) -> bool:
        """Whether it had not replayed one of these positions a moment ago."""
        if (lagged := self._lagged) is None or time.monotonic() - lagged[1] > RECENT_SECONDS:
            return False
        return not all(lagged[0].covers(position) for position in positions)

    def has_replayed(self, now: Position | None, positions: Sequence[Position]) -> bool:
        """Whether it has replayed all of these positions, if it is at the position ``now``."""
        if now is not None and all(now.covers(position) for position in positions):
            self._lagged = self._behind_since = None
            return True
        moment = time.monotonic()
        self._lagged = None if now is None else (now, moment)
        self._behind_since = self._behind_since or moment
        if moment - self._behind_since > LAG_SECONDS:
            self._behind_since = moment
            logger.warning("replica %r has been behind for more than %d seconds", self.alias, LAG_SECONDS)
        return False

    def query_at(self, sql: str, params: Sequence[Any], settings: Settings) -> tuple[Position | None, QueryResult]:
        """Run a statement; see ``DjangoStorage.query_at``."""
        connection: Any = connections[self.alias]
        is_open = driver_connection(connection) is not None
        with nullcontext() if is_open else connect_timeout(connection, CONNECT_SECONDS):
            return self.storage.query_at(sql, params, settings)


class Replicas:
    """The replicas of one engine's database, by alias; ``primary`` answers what they cannot."""

    def __init__(
        self, alias: str, primary: MeasuredStorage, replicas: Mapping[str, MeasuredStorage], session: Session
    ) -> None:
        self._alias = alias
        self._primary = primary
        self._replicas = {name: _Replica(name, storage) for name, storage in replicas.items()}
        self._session = session
        # by version: a position of the primary that was read after the version was seen
        self._positions: LRU[Position] = LRU(20_000, 20_000_000)
        # digests of statements that a replica refuses, because they write
        self._writing: LRU[bool] = LRU(1_000, 1_000_000)
        self._lock = Lock()
        self._has_no_positions = False
        self.answered = self.passed_on = 0

    @property
    def storages(self) -> list[MeasuredStorage]:
        """The storages of the replicas."""
        return [replica.storage for replica in self._replicas.values()]

    def query(self, read: Read, params: Sequence[Any], settings: Settings, versions: str) -> QueryResult:
        """Run a statement on the replica that routers choose, or on the primary; raise StorageError on failure.

        ``versions`` are those that the tables had before.
        """
        assert read.sql is not None
        replica = self._chosen(read)
        if replica is None:
            return self._primary.query(read.sql, params, settings)
        positions = {version: self._positions.get(version) for version in parts_of(versions)}
        known = [position for position in positions.values() if position is not None]
        if len(known) == len(positions):
            result = self._from_replica(replica, read, params, settings, known)
            self._count(result is not None)
            if result is not None:
                return result
        now, result = self._from_primary(read.sql, params, settings)
        if now is not None:
            for version, position in positions.items():
                # after a failover the primary is of another history
                if position is None or position.history != now.history:
                    self._positions.set(version, now, _OF_VERSION)
        return result

    def _from_primary(self, sql: str, params: Sequence[Any], settings: Settings) -> tuple[Position | None, QueryResult]:
        """Return rows of the primary with a position; None for one that has no positions, as those of some clouds."""
        if not self._has_no_positions:
            try:
                return self._primary.query_at(sql, params, settings)
            except StorageError as error:
                if error.sqlstate not in _NO_POSITION:
                    raise
                position_error = error
            result = self._primary.query(sql, params, settings)
            # the statement itself was right
            self._has_no_positions = True
            logger.warning("replicas are not read, as the primary does not say its position: %s", position_error)
            return None, result
        return None, self._primary.query(sql, params, settings)

    def _chosen(self, read: Read) -> _Replica | None:
        """Return the replica for the models of a statement; None for the primary.

        Routers often choose at random, so that the first model decides, if all of them may be read from a replica.
        """
        connection = connections[self._alias]
        if in_atomic_block(connection) or (
            driver_connection(connection) is not None and not in_autocommit_mode(connection)
        ):
            return None
        found = [self._replicas.get(database_of_routers(model, "db_for_read") or "") for model in read.models]
        if not found or None in found or self._writing.get(read.digest):
            return None
        return found[0]

    def _from_replica(
        self,
        replica: _Replica,
        read: Read,
        params: Sequence[Any],
        settings: Settings,
        positions: Sequence[Position],
    ) -> QueryResult | None:
        """Return rows that are not older than these positions; None where the primary has to be asked."""
        assert read.sql is not None
        if replica.is_behind(positions) or not replica.breaker.allows():
            return None
        try:
            now, result = replica.query_at(read.sql, params, settings)
        except StorageError as error:
            self._failed(replica, read, error)
            return None
        replica.breaker.succeeded()
        if not replica.has_replayed(now, positions):
            return None
        # what the project sets in one session would change the answer of the other
        return result if self._session.is_alike_on(replica.alias) else None

    def _failed(self, replica: _Replica, read: Read, error: StorageError) -> None:
        """Decide what follows from the failure of a replica; raise it again where the primary would fail as well.

        Rows, tables and settings of a replica may be older, so that any other error may be its own: it is asked of the
        primary. Among them are conflicts of the statement with what is being replayed (40001).
        """
        code = error.sqlstate
        if code == _CANCELED:
            raise error
        if code is None or code.startswith(_UNREACHABLE):
            replica.breaker.failed(error)
            return
        replica.breaker.succeeded()
        if code == _READ_ONLY:
            self._writing.set(read.digest, True, len(read.digest))
        logger.info("replica %r failed, the primary is asked: %s", replica.alias, error)

    def _count(self, answered: bool) -> None:
        with self._lock:
            self.answered += answered
            self.passed_on += not answered
