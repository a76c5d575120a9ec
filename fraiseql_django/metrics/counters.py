"""Counts the operations of an engine in this process: by operation, root field and type, and by minute.

An operation adds to the counts of its subject (``language.selected``), which is one object; the sums by root field and
type are made when somebody asks. Names of operations are chosen by clients, so only those that were used last are
counted apart. All others are added to the counts of their root fields and types, which the schema bounds, under the
name ``OTHER``.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any

from ..cache.outcomes import BYPASSES, HIT, MISSES, Outcome
from ..language.selected import Subject
from .measurement import UNKNOWN, Measurement

OTHER = "(other)"
# Upper bounds in seconds of the classes that durations are counted in; the last class has no bound
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Minutes that are remembered
MINUTES = 180
# Of an operation's name, for what is shown
NAME_LENGTH = 100
_CLASSES = len(BOUNDS) + 1
_FLOATS = ("parse", "plan", "cache", "storage", "read", "saved")
_INTS = ("statements", "bytes", "kept", "unkept", "failed", "reads", "refreshes")
_LISTS = ("outcomes", "hits_by_time", "others_by_time")
_SECONDS = ("hit_seconds", "other_seconds")


class Counts:
    """Counts of operations; times are sums in seconds.

    ``outcomes`` has a number for each Outcome. ``hits_by_time`` and ``others_by_time`` have one for each class of
    ``BOUNDS``: hits, and all other operations. ``kept`` are the bytes put into the cache, ``unkept`` the answers that
    were too large for it or that it did not take. ``reads`` are queries that ran statements, ``read`` is their time in
    the storage; with the ``refreshes`` of stale answers, which are part of no operation's duration. ``saved`` is the
    estimate for hits that are no longer counted by operation.
    """

    __slots__ = ("forgotten", "key", "used", *_FLOATS, *_INTS, *_LISTS, *_SECONDS)

    def __init__(self, key: Any = None) -> None:
        self.key = key
        self.used = 0.0
        self.forgotten = False
        self.parse = self.plan = self.cache = self.storage = self.read = self.saved = 0.0
        self.hit_seconds = self.other_seconds = 0.0
        self.statements = self.bytes = self.kept = self.unkept = self.failed = self.reads = 0
        self.refreshes = 0
        self.outcomes = [0] * len(Outcome)
        self.hits_by_time = [0] * _CLASSES
        self.others_by_time = [0] * _CLASSES

    def note(self, measured: Measurement, seconds: float) -> None:
        """Add an operation that was not answered from the cache."""
        outcome = measured.outcome
        self.outcomes[outcome] += 1
        self.bytes += measured.bytes
        self.cache += measured.cache
        self.parse += measured.parse
        self.plan += measured.plan
        self.other_seconds += seconds
        self.others_by_time[bisect_left(BOUNDS, seconds)] += 1
        self.storage += measured.storage
        self.statements += measured.statements
        self.kept += measured.kept
        self.unkept += measured.unkept
        self.failed += measured.failed
        if measured.statements and outcome.kind in ("miss", "bypass"):
            self.reads += 1
            self.read += measured.storage

    def note_refresh(self, measured: Measurement) -> None:
        """Add the reading of an answer in the background."""
        self.refreshes += 1
        self.reads += 1
        self.read += measured.storage
        self.storage += measured.storage
        self.statements += measured.statements
        self.cache += measured.cache
        self.kept += measured.kept
        self.unkept += measured.unkept

    # --- what follows from them ---

    @property
    def operations(self) -> int:
        """All operations."""
        return sum(self.outcomes)

    @property
    def hits(self) -> int:
        """Operations that were answered from the cache."""
        return self.outcomes[Outcome.HIT]

    @property
    def misses(self) -> int:
        """Operations that the cache had no valid entry for."""
        return sum(self.outcomes[outcome] for outcome in MISSES)

    @property
    def bypasses(self) -> int:
        """Queries that were executed without the cache."""
        return sum(self.outcomes[outcome] for outcome in BYPASSES)

    @property
    def hit_rate(self) -> float | None:
        """The share of hits in the queries that were looked up; None where there were none."""
        looked_up = self.hits + self.misses
        return self.hits / looked_up if looked_up else None

    @property
    def seconds(self) -> float:
        """The time of all operations."""
        return self.hit_seconds + self.other_seconds

    @property
    def by_time(self) -> list[int]:
        """All operations by the classes of ``BOUNDS``."""
        return [hits + others for hits, others in zip(self.hits_by_time, self.others_by_time, strict=True)]

    def estimate(self) -> float:
        """Return the time that hits of one operation have saved: as long as its statements took otherwise."""
        return self.saved + (self.hits * self.read / self.reads if self.reads else 0.0)

    # --- sums and texts ---

    def add(self, other: Counts) -> None:
        """Add other counts; ``saved`` is added as it is, see ``settle``."""
        for name in (*_FLOATS, *_INTS, *_SECONDS):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _LISTS:
            mine: list[int] = getattr(self, name)
            for place, number in enumerate(getattr(other, name)):
                mine[place] += number

    def settled(self) -> Counts:
        """Return a copy whose ``saved`` is the estimate, as sums over several operations need it."""
        copy = Counts(self.key)
        copy.add(self)
        copy.saved = self.estimate()
        return copy

    def as_list(self) -> list[Any]:
        """Return the counts for JSON."""
        numbers = [getattr(self, name) for name in (*_FLOATS, *_SECONDS)]
        return [*(round(number, 7) for number in numbers), *(getattr(self, name) for name in (*_INTS, *_LISTS))]

    @classmethod
    def from_list(cls, values: Sequence[Any], key: Any = None) -> Counts:
        """Return the counts of ``as_list``; numbers of outcomes that another release has not are 0."""
        made = cls(key)
        for name, value in zip((*_FLOATS, *_SECONDS, *_INTS), values, strict=False):
            setattr(made, name, value)
        for name, value in zip(_LISTS, values[-len(_LISTS) :], strict=True):
            own = getattr(made, name)
            own[: len(value)] = value[: len(own)]
        return made


class Sums:
    """The counts of many operations: in total, by operation, by root field and by type."""

    def __init__(self) -> None:
        self.total = Counts()
        self.roots: dict[str, Counts] = {}
        self.types: dict[str, Counts] = {}

    def add(self, counts: Counts) -> None:
        """Add the counts of one operation, whose key is its name, kind, root fields and types."""
        settled = counts.settled()
        _, _, roots, types = counts.key
        self.total.add(settled)
        for name in roots:
            self.roots.setdefault(name, Counts(name)).add(settled)
        for name in types:
            self.types.setdefault(name, Counts(name)).add(settled)

    def merge(self, other: Sums) -> None:
        """Add other sums."""
        self.total.add(other.total)
        for mine, others in ((self.roots, other.roots), (self.types, other.types)):
            for name, counts in others.items():
                mine.setdefault(name, Counts(name)).add(counts)

    def as_dict(self) -> dict[str, Any]:
        """Return the sums for JSON."""
        return {
            "total": self.total.as_list(),
            "roots": {name: counts.as_list() for name, counts in self.roots.items()},
            "types": {name: counts.as_list() for name, counts in self.types.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Sums:
        """Return the sums of ``as_dict``."""
        made = cls()
        made.total = Counts.from_list(values["total"])
        made.roots = {name: Counts.from_list(counts, name) for name, counts in values["roots"].items()}
        made.types = {name: Counts.from_list(counts, name) for name, counts in values["types"].items()}
        return made


class Minute:
    """What happened in one minute: its number since 1970, and counts without the times of stages."""

    __slots__ = ("by_time", "bypasses", "hits", "misses", "number", "operations", "statements")

    def __init__(self, number: int) -> None:
        self.number = number
        self.operations = self.hits = self.misses = self.bypasses = self.statements = 0
        self.by_time = [0] * _CLASSES

    def add(self, values: Sequence[Any], sign: int = 1) -> None:
        """Add the values of ``values_of``, or take them away."""
        operations, hits, misses, bypasses, statements, by_time = values
        self.operations += sign * operations
        self.hits += sign * hits
        self.misses += sign * misses
        self.bypasses += sign * bypasses
        self.statements += sign * statements
        for place, number in enumerate(by_time[: len(self.by_time)]):
            self.by_time[place] += sign * number

    def values(self) -> list[Any]:
        """Return the counts for JSON."""
        return [self.operations, self.hits, self.misses, self.bypasses, self.statements, self.by_time]

    def quantile(self, share: float) -> float | None:
        """Return an upper bound in seconds of this share of the durations; None without operations."""
        return quantile(self.by_time, share)


def quantile(by_time: Sequence[int], share: float) -> float | None:
    """Return the duration that this share of operations stayed within, to the accuracy of ``BOUNDS``."""
    total = sum(by_time)
    if not total:
        return None
    wanted, below = share * total, 0
    for place, number in enumerate(by_time):
        if number and below + number >= wanted:
            lower = BOUNDS[place - 1] if place else 0.0
            upper = BOUNDS[min(place, len(BOUNDS) - 1)]
            return lower + (upper - lower) * max(0.0, wanted - below) / number
        below += number
    return BOUNDS[-1]


class Counters:
    """The counts of one engine in this process; at most ``max_operations`` are counted by name."""

    def __init__(self, max_operations: int) -> None:
        self.max_operations = max_operations
        self._lock = Lock()
        self._start()

    def _start(self) -> None:
        self._kept: dict[Any, Counts] = {}
        self._rest = Sums()
        self._written: dict[str, int] = {}
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._at_last_mark = Minute(0)
        self._minute = int(time.time() // 60)
        self._minute_ends = time.perf_counter() + 60 - time.time() % 60

    def note(self, measured: Measurement) -> None:
        """Count an operation that has ended."""
        ended = measured.ended
        subject = measured.subject
        counts = subject.counted
        with self._lock:
            if ended >= self._minute_ends:
                self._mark()
            if counts is None or counts.forgotten:
                counts = self._counts_of(subject)
                if subject is not UNKNOWN:
                    # that one is of all engines
                    subject.counted = counts
            counts.used = ended
            started = measured.started
            seconds = ended - started
            if measured.outcome is not HIT:
                counts.note(measured, seconds)
            else:
                # here and not in a method, because this is the case that has to be cheap
                parsed = measured.parsed
                counts.outcomes[0] += 1
                counts.hit_seconds += seconds
                counts.hits_by_time[bisect_left(BOUNDS, seconds)] += 1
                counts.bytes += measured.bytes
                counts.cache += measured.cache
                counts.parse += parsed - started
                counts.plan += measured.planned - parsed
                return
            for table in measured.written:
                self._written[table] = self._written.get(table, 0) + 1

    def note_refresh(self, measured: Measurement) -> None:
        """Count what a thread has read for a stale answer; nothing where another was reading it already."""
        if measured.statements:
            with self._lock:
                counts = self._counts_of(measured.subject)
                counts.used = measured.ended
                counts.note_refresh(measured)

    def reset(self) -> None:
        """Count from zero."""
        with self._lock:
            for counts in self._kept.values():
                counts.forgotten = True
            self._start()

    def forked(self) -> None:
        """Count from zero in a process that was forked, where a thread of the parent may hold the lock."""
        self._lock = Lock()
        self.reset()

    def operations(self) -> list[Counts]:
        """Return the counts of the operations that are counted by name; the key is name, kind, root fields, types."""
        with self._lock:
            return [_copied(counts) for counts in self._kept.values()]

    def rest(self) -> Sums:
        """Return the sums of all other operations."""
        with self._lock:
            made = Sums()
            made.merge(self._rest)
            return made

    def looked_up(self) -> tuple[int, int]:
        """Return how many operations were hits, and how many misses."""
        with self._lock:
            every = [*self._kept.values(), self._rest.total]
            return sum(counts.hits for counts in every), sum(counts.misses for counts in every)

    def written(self) -> dict[str, int]:
        """Return how many misses were caused by writes to each table."""
        with self._lock:
            return dict(self._written)

    def minutes(self) -> list[Minute]:
        """Return the minutes in which operations have ended, the last one up to now."""
        with self._lock:
            self._mark()
            return list(self._minutes)

    def _counts_of(self, subject: Subject) -> Counts:
        name = subject.name if subject.name is None or len(subject.name) <= NAME_LENGTH else OTHER
        key = (name, subject.kind, subject.roots, subject.types)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= self.max_operations:
                self._make_room()
            found = self._kept[key] = Counts(key)
        return found

    def _make_room(self) -> None:
        """Add the half that was not used for longest to the rest, so that this is done seldom."""
        oldest = sorted(self._kept.values(), key=lambda counts: counts.used)
        for counts in oldest[: max(1, len(oldest) // 2)]:
            counts.forgotten = True
            del self._kept[counts.key]
            self._rest.add(counts)

    def _mark(self) -> None:
        """Put what was counted since the last mark into its minute."""
        total = Minute(0)
        for counts in (*self._kept.values(), self._rest.total):
            total.add(values_of(counts))
        minute = Minute(self._minute)
        minute.add(total.values())
        minute.add(self._at_last_mark.values(), -1)
        if minute.operations:
            if self._minutes and self._minutes[-1].number == self._minute:
                self._minutes[-1].add(minute.values())
            else:
                self._minutes.append(minute)
        self._at_last_mark = total
        now = time.time()
        self._minute = int(now // 60)
        self._minute_ends = time.perf_counter() + 60 - now % 60


def values_of(counts: Counts) -> list[Any]:
    """Return what a Minute has of some counts."""
    return [
        counts.operations,
        counts.hits,
        counts.misses,
        counts.bypasses,
        counts.statements,
        counts.by_time,
    ]


def merged(many: Iterable[Counts]) -> list[Counts]:
    """Return counts by their keys, those with the same key added up."""
    found: dict[Any, Counts] = {}
    for counts in many:
        found.setdefault(counts.key, Counts(counts.key)).add(counts)
    return list(found.values())


def _copied(counts: Counts) -> Counts:
    copy = Counts(counts.key)
    copy.add(counts)
    return copy
