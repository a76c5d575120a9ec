"""The versions of tables in one cache: marked before a commit, new after it, and what is owed until it is told.

    token = new_token()
    marked = versions.mark(tables, token)     # before the commit: readers go past the cache, and fill nothing
    versions.renew(tables, token)             # after it: what was read before is a miss
    versions.leave(tables, marked=marked)     # or: nobody knows whether it was committed; the mark's lease decides

A version that cannot be written is *owed*: a thread writes it as soon as the cache can be reached (see ``debts``), and
until then this process answers from the database what is read from the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

from . import debts
from .base import Cache
from .circuit_breaker import SLOW_SECONDS, CircuitBreaker
from .django import DjangoCache
from .keys import version_key
from .marks import new_version


@dataclass(eq=False, slots=True)
class _Debt:
    """When a version may be written."""

    at: float


class TableVersions:
    """The versions in one cache; ``lease`` are the seconds that a mark lasts."""

    def __init__(self, cache: Cache, lease: int) -> None:
        self.cache = cache
        self.lease = lease
        self.breaker = CircuitBreaker("answers come from the database")
        # by table, the token of a mark that may be there, and whether it is a second version, for later
        self._owed: dict[tuple[str, str, bool], _Debt] = {}
        self._lock = Lock()

    def mark(self, tables: Iterable[str], token: str) -> bool:
        """Mark tables that a transaction has written, before it is committed; return whether that succeeded.

        Where it does not, the commit goes on: the new versions are what counts unless this process dies.
        """
        if self.breaker.hangs:
            return False
        keys: list[str] = []
        started = time.perf_counter()
        try:
            keys = self._keys(tables)
            self.cache.mark_many(keys, token, self.lease)
        except Exception as error:
            self._deleted(keys, error, time.perf_counter() - started)
            return False
        self.breaker.succeeded()
        return True

    def renew(self, tables: Iterable[str], token: str = "") -> None:
        """Make every answer that was read from these tables a miss; what cannot be written is owed. Never raises."""
        tables = frozenset(tables)
        if not tables:
            return
        if self.breaker.hangs:
            self._owe(tables, token)
            return
        done = False
        try:
            done = self._written(tables, token)
        finally:
            # not in an except: a signal's exception ends the request, and the debt must be there nevertheless
            if not done:
                self._owe(tables, token)

    def leave(self, tables: Iterable[str], *, marked: bool) -> None:
        """Leave tables to their mark: whether their transaction was committed is not known, or when it will be.

        A new version now may be too early. Where there is no mark, one is written now and another when the lease of the
        mark would have ended.
        """
        if not marked:
            self._owe(tables, "")
            self._owe(tables, "", later=True)

    def owes(self, tables: Iterable[str]) -> bool:
        """Whether the cache does not know yet of a write of this process to one of these tables."""
        if not self._owed:
            return False
        # its thread does not survive a fork
        debts.ensure()
        with self._lock:
            return not {table for table, _, _ in self._owed}.isdisjoint(tables)

    def pay(self, *, now: bool = False) -> float | None:
        """Write what is owed; return the seconds until there may be more of it to write, None where nothing is left.

        ``now`` writes what is to be written later as well: the process ends. Raises OSError where the cache fails.
        """
        with self._lock:
            owed = dict(self._owed)
        moment = time.monotonic()
        due = {key: debt for key, debt in owed.items() if now or debt.at <= moment}
        for token in {token for _, token, _ in due}:
            if not self._written(frozenset(table for table, other, _ in due if other == token), token):
                raise OSError("the cache takes no versions, the breaker has logged why")
        with self._lock:
            for key, debt in due.items():
                # a failure since then has put another debt there
                if self._owed.get(key) is debt:
                    del self._owed[key]
            return max(0.0, min(debt.at for debt in self._owed.values()) - moment) if self._owed else None

    def _written(self, tables: frozenset[str], token: str) -> bool:
        keys: list[str] = []
        started = time.perf_counter()
        try:
            keys = self._keys(tables)
            self.cache.replace_many({key: new_version() for key in keys}, token)
        except Exception as error:
            return self._deleted(keys, error, time.perf_counter() - started)
        self.breaker.succeeded()
        return True

    def _deleted(self, keys: list[str], error: Exception, seconds: float) -> bool:
        """Delete versions that cannot be written, so that the next reader makes new ones: a full Redis takes that.

        Return whether nothing is owed any more.
        """
        if isinstance(self.cache, DjangoCache) and not self.cache.is_configured:
            # nobody can read it any more
            self.breaker.log(error)
            return True
        if keys and seconds < SLOW_SECONDS:
            try:
                self.cache.delete_many(keys)
            except Exception as another:
                error = another
            else:
                self.breaker.log(error)
                return True
        self.breaker.failed(error, seconds)
        return False

    def _owe(self, tables: Iterable[str], token: str, *, later: bool = False) -> None:
        debt = _Debt(time.monotonic() + later * self.lease)
        with self._lock:
            self._owed.update({(table, token, later): debt for table in tables})
        debts.collect(self)

    def _keys(self, tables: Iterable[str]) -> list[str]:
        return [version_key(table, shard) for shard in range(self.cache.shards) for table in sorted(tables)]

    def missing(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Write those of these versions that the cache has lost; return all of them as they are then."""
        return self.cache.add_many({key: new_version() for key in keys})


_shared: WeakValueDictionary[str, TableVersions] = WeakValueDictionary()
_lock = Lock()


def versions_in(cache: Cache, lease: int) -> TableVersions:
    """Return the versions in a cache: one object for all engines of this process over one alias of ``CACHES``.

    A write reaches the shards of all of them, also where their ``CACHE.SHARDS`` differ.
    """
    if type(cache) is not DjangoCache:
        return TableVersions(cache, lease)
    with _lock:
        found = _shared.get(cache.alias)
        if found is None:
            found = _shared[cache.alias] = TableVersions(cache, lease)
        # a longer lease is safe for all, and so are more shards: each has the ones of smaller numbers
        found.lease = max(found.lease, lease)
        if isinstance(found.cache, DjangoCache) and found.cache.spread < cache.spread:
            found.cache = cache
        return found
