"""Caches answers with the versions of the tables that they were read from.

Each table has a version in the cache, a random text. An entry holds the versions of its tables from *before* its
statement ran; a lookup reads the entry and the versions in one round trip and compares them. Which tables these are is
a part of the key. A write gives its tables
new versions, so that everything read before it is a miss from then on, including the answer of a statement that ran
while the write was committed. A version that the cache has lost is replaced by a new one, never by one that was used
before.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote

from ..invalidation.names import known
from .base import Cache
from .circuit_breaker import CircuitBreaker
from .outcomes import Outcome

ENTRY = "result:"
VERSION = "version:"


# Between the versions of an entry; versions have none
_SEPARATOR = ","


class Lookup(NamedTuple):
    """The result of a lookup: an answer, or the versions to keep a fresh answer under; neither without a cache.

    ``marked`` says whether the answer has marks in it (see ``planner.marks``). ``former`` is an entry that is no longer
    valid, and ``lost`` says that the cache had lost the version of one of its tables.
    """

    answer: bytes | None = None
    marked: bool = False
    versions: str | None = None
    former: tuple[Any, ...] | None = None
    lost: bool = False

    @property
    def outcome(self) -> Outcome:
        """Return whether this is a hit, and if it is none, the reason."""
        if self.answer is not None:
            return Outcome.HIT
        if self.versions is None:
            return Outcome.FAILING
        if self.former is None:
            return Outcome.ABSENT
        return Outcome.LOST if self.lost else Outcome.WRITTEN

    def written(self, tables: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the entry's tables that were written since it was read."""
        if self.former is None or self.versions is None or not isinstance(self.former[0], str):
            return ()
        former, versions = self.former[0].split(_SEPARATOR), self.versions.split(_SEPARATOR)
        return tuple(table for table, old, new in zip(tables, former, versions, strict=False) if old != new)


_NO_CACHE = Lookup()


class Answers:
    """The answers of one engine. A cache that fails counts as empty, and the database answers.

    Versions that could not be written while the cache failed are written before it is next read. Answers of more than
    ``max_bytes`` are not kept.
    """

    def __init__(self, cache: Cache | None, ttl: int, *, volatile_ttl: int = 0, max_bytes: int | None = None) -> None:
        self.cache = cache
        # seconds for which an answer is kept, and one that depends on the clock or on chance
        self.ttl = ttl
        self.volatile_ttl = volatile_ttl
        self.max_bytes = max_bytes
        self.hits = self.misses = 0
        # tables whose new version could not be written, each with a token of that failure
        self._pending: dict[str, object] = {}
        self._lock = Lock()
        self._breaker = CircuitBreaker("answers come from the database")

    def lookup(self, key: str, tables: tuple[str, ...]) -> Lookup:
        """Look up an answer that was read from these tables, in one round trip."""
        if self.cache is None or not self._breaker.allows() or (self._pending and not self._renew(())):
            return _NO_CACHE
        names = _version_keys(tables)
        entry_key = ENTRY + key
        try:
            found = self.cache.get_many((entry_key, *names))
            versions = _joined(found, names)
            lost = versions is None
            if versions is None:
                versions = _joined(self._with_new_versions(names), names)
        except Exception as error:
            self._breaker.failed(error)
            return _NO_CACHE
        self._breaker.succeeded()
        if versions is None:
            # a cache that keeps nothing, like Django's dummy
            return _NO_CACHE
        entry = found.get(entry_key)
        if entry is not None and entry[0] == versions:
            self._count(1, 0)
            return Lookup(entry[1], entry[2], versions)
        self._count(0, 1)
        return Lookup(versions=versions, former=entry, lost=lost)

    def keep(self, key: str, versions: str, answer: bytes, marked: bool, ttl: int, *, envelope: int = 0) -> bool:
        """Store an answer for ``ttl`` seconds under the versions that its tables had before it was read.

        One that is too large is not stored; so many bytes of it, the ``envelope``, do not count. Return whether it was
        stored.
        """
        assert self.cache is not None
        if self.max_bytes is not None and len(answer) - envelope > self.max_bytes:
            return False
        try:
            self.cache.set(ENTRY + key, (versions, answer, marked), ttl)
        except Exception as error:
            self._breaker.log(error)
            return False
        return True

    def drop(self, tables: Iterable[str]) -> None:
        """Make every answer that was read from these tables a miss.

        Where the cache cannot be written, it is not read until this has been made up for.
        """
        if self.cache is None:
            return
        if self._breaker.allows():
            self._renew(tables)
        else:
            self._defer(tables)

    def settle(self) -> None:
        """Write the versions that could not be written before: this process ends."""
        if self._pending:
            self._renew(())

    def remove(self, table: str | None = None) -> int | None:
        """Remove the answers that were read from a table, or all, and return their number.

        Answers that a write has made misses before count only where all are removed. None where the cache cannot list
        its keys: the answers are then misses from now on. Raises what the cache raises, since a caller has to know that
        nothing was removed.
        """
        if self.cache is None:
            return 0
        versions = self.cache.get_many(map(_version_key, known() if table is None else [table]))
        # an answer that is being read at this moment must not be stored; a table without a version is not being read
        self.cache.set_many({name: _new_version() for name in versions}, None)
        keys = self.cache.keys()
        if keys is None:
            return None
        entries = [key for key in keys if key.startswith(ENTRY)]
        removed = 0
        for start in range(0, len(entries), 100):
            chosen = entries[start : start + 100]
            if table is not None:
                former = {*versions.values()}
                kept = self.cache.get_many(chosen)
                chosen = [key for key, entry in kept.items() if _may_have(entry, former)]
            self.cache.delete_many(chosen)
            removed += len(chosen)
        return removed

    def _with_new_versions(self, names: tuple[str, ...]) -> dict[str, str]:
        assert self.cache is not None
        for name in names:
            # of several processes the first succeeds; all then read its version
            self.cache.add(name, _new_version(), None)
        return dict(self.cache.get_many(names))

    def _renew(self, tables: Iterable[str]) -> bool:
        """Write new versions of tables, and those that are pending; return whether that succeeded."""
        assert self.cache is not None
        with self._lock:
            pending = dict(self._pending)
        renewed = {*tables, *pending}
        if not renewed:
            return True
        try:
            self.cache.set_many({_version_key(table): _new_version() for table in renewed}, None)
        except Exception as error:
            self._defer(renewed)
            self._breaker.failed(error)
            return False
        self._breaker.succeeded()
        with self._lock:
            for table, token in pending.items():
                # a failure since then has put another token there
                if self._pending.get(table) is token:
                    del self._pending[table]
        return True

    def _defer(self, tables: Iterable[str]) -> None:
        with self._lock:
            self._pending.update(dict.fromkeys(tables, object()))

    def _count(self, hits: int, misses: int) -> None:
        with self._lock:
            self.hits += hits
            self.misses += misses


def _new_version() -> str:
    # 64 random bits: short, since each lookup reads one for every table
    return secrets.token_urlsafe(8)


def _may_have(entry: Any, versions: set[str]) -> bool:
    """Whether an entry was kept under one of these versions; True for one of another release, which tells otherwise."""
    return not isinstance(entry[0], str) or not versions.isdisjoint(entry[0].split(_SEPARATOR))


def _joined(found: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the versions under these names as one text; None where one is missing."""
    try:
        return _SEPARATOR.join([found[name] for name in names])
    except KeyError:
        return None


@lru_cache(maxsize=4096)
def _version_keys(tables: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_version_key, tables))


def _version_key(table: str) -> str:
    # some caches allow no spaces in keys, PostgreSQL allows them in names
    return VERSION + quote(table, safe="")
