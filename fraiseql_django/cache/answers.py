"""Caches answers with the versions of the tables that they were read from.

Each table has a version in the cache, a random text. An entry holds the versions of its tables from *before* its
statement ran; a lookup reads the entry and the versions in one round trip and compares them. Which tables these are is
a part of the key. A write gives its tables new versions, so that everything read before it is a miss from then on,
including the answer of a statement that ran while the write was committed. A version that the cache has lost is
replaced by a new one, never by one that was used before. With the versions an entry holds the server that they were
read from: one that goes back in time, from a snapshot or by a failover, is another server from then on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ..invalidation.names import known
from .base import Cache
from .encoding import decoded, encoded
from .keys import ENTRY, VERSION, shard_of, version_key, version_keys
from .marks import MARK, new_version
from .outcomes import Outcome
from .table_versions import versions_in

__all__ = ["ENTRY", "VERSION", "Answers", "Lookup"]

# Between the versions of an entry; versions have none
_SEPARATOR = ","


class Lookup(NamedTuple):
    """The result of a lookup: an answer, or the versions to keep a fresh answer under; neither without a cache.

    ``marked`` says whether the answer has marks in it (see ``planner.marks``). ``former`` is an entry that is no longer
    valid: its versions, its answer as it is kept, and whether that has marks. ``lost`` says that the cache had lost the
    version of one of its tables, ``bypass`` why there are no versions.
    """

    answer: bytes | None = None
    marked: bool = False
    versions: str | None = None
    former: tuple[str, Any, bool] | None = None
    lost: bool = False
    bypass: Outcome = Outcome.FAILING

    @property
    def outcome(self) -> Outcome:
        """Return whether this is a hit, and if it is none, the reason."""
        if self.answer is not None:
            return Outcome.HIT
        if self.versions is None:
            return self.bypass
        if self.former is None or not isinstance(self.former[0], str):
            return Outcome.ABSENT
        if self.lost:
            return Outcome.LOST
        server, former_server = (parts_of(versions)[0] for versions in (self.versions, self.former[0]))
        return Outcome.WRITTEN if server == former_server else Outcome.SERVER

    def written(self, tables: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the entry's tables that were written since it was read."""
        if self.former is None or self.versions is None or not isinstance(self.former[0], str):
            return ()
        # behind the server
        former, versions = parts_of(self.former[0])[1:], parts_of(self.versions)[1:]
        return tuple(table for table, old, new in zip(tables, former, versions, strict=False) if old != new)


_NO_CACHE = Lookup()
_COMMITTING = Lookup(bypass=Outcome.MARKED)


class Answers:
    """The answers of one engine. A cache that fails counts as empty, and the database answers.

    What is read while a transaction that has written its tables is being committed comes from the database and is not
    kept (see ``table_versions``); ``lease`` are the seconds after which a writer that has died is not waited for.
    Answers of more than ``max_bytes`` are not kept. Those of ``compress_bytes`` or more are compressed, unless the
    cache does so.
    """

    def __init__(
        self,
        cache: Cache | None,
        *,
        max_bytes: int | None = None,
        lease: int = 30,
        compress_bytes: int | None = None,
    ) -> None:
        self._lease = lease
        self.cache = cache
        self.max_bytes = max_bytes
        self._compress_bytes = compress_bytes

    @property
    def cache(self) -> Cache | None:
        """The cache; None keeps no answers."""
        return self._cache

    @cache.setter
    def cache(self, cache: Cache | None) -> None:
        self._cache = cache
        self.versions = None if cache is None else versions_in(cache, self._lease)

    @cached_property
    def _compressed_from(self) -> int | None:
        return None if getattr(self.cache, "compresses", False) else self._compress_bytes

    def lookup(self, key: str, tables: tuple[str, ...], began: float | None = None) -> Lookup:
        """Look up an answer that was read from these tables, in one round trip.

        ``began`` is now, by ``time.perf_counter``, where the caller has asked the clock.
        """
        cache, versions = self._cache, self.versions
        if cache is None or versions is None or versions.owes(tables) or not versions.breaker.allows():
            return _NO_CACHE
        entry_key = ENTRY + key
        if began is None:
            began = time.perf_counter()
        try:
            names = version_keys(tables, shard_of(entry_key, cache.shards))
            found = cache.get_many((entry_key, *names))
            current = _joined(cache.server, found, names)
            lost = current is None
            if current is None:
                current = _joined(cache.server, versions.missing(names), names)
        except Exception as error:
            versions.breaker.failed(error, time.perf_counter() - began)
            return _NO_CACHE
        versions.breaker.succeeded()
        if current is None:
            # a cache that keeps nothing, like Django's dummy
            return _NO_CACHE
        if MARK in current:
            return _COMMITTING
        entry = found.get(entry_key)
        if entry is not None and entry[0] == current and (answer := decoded(entry[1])) is not None:
            return Lookup(answer, entry[2], current)
        return Lookup(versions=current, former=entry, lost=lost)

    def keep(self, key: str, versions: str, answer: bytes, marked: bool, ttl: int, *, envelope: int = 0) -> bool:
        """Store an answer for ``ttl`` seconds under the versions that its tables had before it was read.

        One that is too large is not stored; so many bytes of it, the ``envelope``, do not count. Return whether it was
        stored.
        """
        assert self.cache is not None
        assert self.versions is not None
        if self.max_bytes is not None and len(answer) - envelope > self.max_bytes:
            return False
        try:
            self.cache.set(ENTRY + key, (versions, encoded(answer, self._compressed_from), marked), ttl)
        except Exception as error:
            self.versions.breaker.log(error)
            return False
        return True

    def drop(self, tables: Iterable[str]) -> None:
        """Make every answer that was read from these tables a miss, in all engines over this cache."""
        if self.versions is not None:
            self.versions.renew(tables)

    def remove(self, table: str | None = None) -> int | None:
        """Remove the answers that were read from a table, or all, and return their number.

        Answers that a write has made misses before count only where all are removed. None where the cache cannot list
        its keys: the answers are then misses from now on. Raises what the cache raises, since a caller has to know that
        nothing was removed.
        """
        cache = self.cache
        if cache is None:
            return 0
        tables = known() if table is None else [table]
        versions = {
            key: value
            for shard in range(cache.shards)
            for key, value in cache.get_many([version_key(each, shard) for each in tables]).items()
        }
        # an answer that is being read at this moment must not be stored; a table without a version is not being read
        cache.replace_many({name: new_version() for name in versions}, "")
        keys = cache.keys()
        if keys is None:
            return None
        entries = [key for key in keys if key.startswith(ENTRY)]
        removed = 0
        for chosen in _portions(entries, cache.shards):
            if table is not None:
                former = {*versions.values()}
                kept = cache.get_many(chosen)
                chosen = [key for key, entry in kept.items() if _may_have(entry, former)]
            cache.delete_many(chosen)
            removed += len(chosen)
        return removed


def parts_of(versions: str) -> list[str]:
    """Return what the versions of a lookup are made of: the same part is of the same state of a table."""
    return versions.split(_SEPARATOR)


def _may_have(entry: Any, versions: set[str]) -> bool:
    """Whether an entry was kept under one of these versions; True for one of another release, which tells otherwise."""
    return not isinstance(entry[0], str) or not versions.isdisjoint(entry[0].split(_SEPARATOR))


def _joined(server: str, found: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the server and the versions under these names as one text; None where one is missing."""
    try:
        return _SEPARATOR.join([server, *[found[name] for name in names]])
    except KeyError:
        return None


def _portions(entries: list[str], shards: int) -> Iterator[list[str]]:
    """Yield the keys of entries, some at a time, each time of one shard."""
    for shard in range(shards):
        chosen = [key for key in entries if shard_of(key, shards) == shard]
        for start in range(0, len(chosen), 100):
            yield chosen[start : start + 100]
