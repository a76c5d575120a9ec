"""Answers kept with the versions of the tables they were read from.

Each table has a version in the cache, a random text. An entry carries the versions of its tables as they
were *before* its statement ran; a hit reads the entry and the versions in one round trip and compares
them. A write gives its tables new versions, so whatever was read before it is a miss from then on, and so
is what a statement that ran across the write would leave behind. A version that the cache has lost is
replaced by a new one, never by one that was used before.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote

from ..invalidation.names import known
from .base import Cache

logger = logging.getLogger("fraiseql_django.cache")

ENTRY = "result:"
VERSION = "version:"
LOG_EVERY_SECONDS = 60
# for so long a cache that failed is left alone: where it times out, every request would wait for it
REST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache knows of a statement: its answer, or the versions to keep a fresh answer under.

    Both are None where the cache cannot be used.
    """

    answer: bytes | None = None
    versions: tuple[str | None, ...] | None = None


class Results:
    """The answers of one engine. A broken cache is logged once a minute and otherwise as if empty.

    After a failure it is left alone for a while; then one caller tries it for all, and tells it first of what
    was written meanwhile.
    """

    def __init__(self, cache: Cache | None, ttl: int) -> None:
        self.cache = cache
        self.ttl = ttl
        self.hits = self.misses = 0
        # tables whose new version the cache could not be told, each with a token of that failure
        self._owed: dict[str, object] = {}
        self._lock = Lock()
        self._works = True
        self._logged_at = self._rests_until = float("-inf")

    def lookup(self, key: str, tables: tuple[str, ...]) -> Lookup:
        """Ask for an answer that was read from these tables, in one round trip."""
        if self.cache is None or not self._may_ask() or (self._owed and not self._tell(())):
            return Lookup()
        names = [_version_key(table) for table in tables]
        try:
            found = self.cache.get_many([ENTRY + key, *names])
            entry = found.get(ENTRY + key)
            if any(name not in found for name in names):
                found = self._with_new_versions(names)
        except Exception as error:
            self._failed(error)
            return Lookup()
        self._works = True
        versions = tuple(found.get(name) for name in names)
        if None in versions:
            # a cache that keeps nothing, like Django's dummy
            return Lookup()
        if entry is not None and entry[:2] == (tables, versions):
            self._count(1, 0)
            return Lookup(entry[2], versions)
        self._count(0, 1)
        return Lookup(None, versions)

    def keep(self, key: str, tables: tuple[str, ...], versions: tuple[str | None, ...], answer: bytes) -> None:
        """Keep an answer under the versions that its tables had before it was read."""
        assert self.cache is not None
        try:
            self.cache.set(ENTRY + key, (tables, versions, answer), self.ttl)
        except Exception as error:
            self._log(error)

    def drop(self, tables: Iterable[str]) -> None:
        """Make every answer that was read from these tables a miss.

        When the cache cannot be told, it is told before it is next asked, and not asked until then.
        """
        if self.cache is None:
            return
        if self._may_ask():
            self._tell(tables)
        else:
            self._owe(tables)

    def settle(self) -> None:
        """Tell the cache what it is owed, where it can be told: this process ends."""
        if self._owed:
            self._tell(())

    def remove(self, table: str | None = None) -> int | None:
        """Remove the answers that were read from a table, or all.

        Say how many; None where the cache cannot list its keys: the answers are then misses from now on. Raises
        what a broken cache raises: who asks for this must know when it is not done.
        """
        if self.cache is None:
            return 0
        versions = self.cache.get_many(map(_version_key, known() if table is None else [table]))
        # what is being read at this moment must not come back; what has no version is not being read
        self.cache.set_many({name: _new_version() for name in versions}, None)
        keys = self.cache.keys()
        if keys is None:
            return None
        entries = [key for key in keys if key.startswith(ENTRY)]
        removed = 0
        for start in range(0, len(entries), 100):
            chosen = entries[start : start + 100]
            if table is not None:
                chosen = [key for key, entry in self.cache.get_many(chosen).items() if table in entry[0]]
            self.cache.delete_many(chosen)
            removed += len(chosen)
        return removed

    def _with_new_versions(self, names: list[str]) -> dict[str, str]:
        assert self.cache is not None
        for name in names:
            # only the first of several processes succeeds; all then read the same
            self.cache.add(name, _new_version(), None)
        return dict(self.cache.get_many(names))

    def _tell(self, tables: Iterable[str]) -> bool:
        """Give tables, and those that are owed one, a new version; owe it where that fails."""
        assert self.cache is not None
        with self._lock:
            owed = dict(self._owed)
        told = {*tables, *owed}
        if not told:
            return True
        try:
            self.cache.set_many({_version_key(table): _new_version() for table in told}, None)
        except Exception as error:
            self._owe(told)
            self._failed(error)
            return False
        self._works = True
        with self._lock:
            for table, token in owed.items():
                # a failure since then has put another token there
                if self._owed.get(table) is token:
                    del self._owed[table]
        return True

    def _owe(self, tables: Iterable[str]) -> None:
        with self._lock:
            self._owed.update(dict.fromkeys(tables, object()))

    def _count(self, hits: int, misses: int) -> None:
        with self._lock:
            self.hits += hits
            self.misses += misses

    def _may_ask(self) -> bool:
        if self._works:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._rests_until:
                return False
            self._rests_until = now + REST_SECONDS
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._rests_until = time.monotonic() + REST_SECONDS
            self._works = False
        self._log(error)

    def _log(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_SECONDS:
            self._logged_at = now
            logger.warning(
                "the cache failed, answers come from the database (said once a minute): %s: %s",
                type(error).__name__,
                error,
            )


def _new_version() -> str:
    return uuid.uuid4().hex


def _version_key(table: str) -> str:
    # some caches allow no spaces in keys, PostgreSQL allows them in names
    return VERSION + quote(table, safe="")
