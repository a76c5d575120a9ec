"""The figures of all processes added up, for ``fraiseql_stats``, the page in the admin and monitoring systems.

*Time saved* is an estimate: a hit saves the time that the statements of the same operation took on average when it was
not answered from the cache. Hits of an operation that never ran a statement since counting began save nothing.

An operation with several root fields or types counts at each of them, with its whole time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cache.outcomes import Outcome
from . import counters, slowest
from .counters import BOUNDS, Counts, Minute, Sums, quantile
from .sharing import Snapshot
from .slowest import Slow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """One process: its name (host and number), when it began and when it last reported (seconds since 1970)."""

    name: str
    started: float
    at: float
    sums: Sums

    def is_silent(self, seconds: float) -> bool:
        """Whether the process has not reported for so long: it has ended or executes no operations."""
        return time.time() - self.at > seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of all processes that are known.

    ``operations`` are those counted by name, the most frequent first; ``rest`` has all others. ``roots`` and ``types``
    have everything. ``written`` has the number of misses that writes to each table caused.
    """

    processes: Sequence[ProcessFigures]
    total: Counts
    operations: Sequence[Counts]
    rest: Counts
    roots: Sequence[Counts]
    types: Sequence[Counts]
    written: Mapping[str, int]
    minutes: Sequence[Minute]
    slowest: Sequence[Slow]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as values that JSON has; times in milliseconds."""
        return {
            "processes": [
                {
                    "name": process.name,
                    "started": process.started,
                    "reported": process.at,
                    "operations": process.sums.total.operations,
                }
                for process in self.processes
            ],
            "total": figures(self.total),
            "operations": [
                {
                    "name": counts.key[0],
                    "kind": counts.key[1],
                    "roots": list(counts.key[2]),
                    "types": list(counts.key[3]),
                    **figures(counts),
                }
                for counts in self.operations
            ],
            "other_operations": figures(self.rest),
            "root_fields": {counts.key: figures(counts) for counts in self.roots},
            "types": {counts.key: figures(counts) for counts in self.types},
            "written_tables": dict(self.written),
            "minutes": [
                {
                    "at": minute.number * 60,
                    "operations": minute.operations,
                    "hits": minute.hits,
                    "misses": minute.misses,
                    "bypasses": minute.bypasses,
                    "statements": minute.statements,
                    "p50_ms": _ms(minute.quantile(0.5)),
                    "p95_ms": _ms(minute.quantile(0.95)),
                }
                for minute in self.minutes
            ],
            "slowest": [entry.as_dict() for entry in self.slowest],
        }


def report_of(snapshots: Sequence[Snapshot], size: int) -> Report:
    """Return the report of some processes' snapshots, with ``size`` slowest operations."""
    every = counters.merged(
        Counts.from_list(values, (name, kind, tuple(roots), tuple(types)))
        for snapshot in snapshots
        for name, kind, roots, types, values in snapshot["operations"]
    )
    rest, sums = Sums(), Sums()
    for snapshot in snapshots:
        rest.merge(Sums.from_dict(snapshot["rest"]))
    for counts in every:
        sums.add(counts)
    sums.merge(rest)
    return Report(
        processes=[_process(snapshot) for snapshot in snapshots],
        total=sums.total,
        operations=_by_frequency([_with_estimate(counts) for counts in every]),
        rest=rest.total,
        roots=_by_frequency(list(sums.roots.values())),
        types=_by_frequency(list(sums.types.values())),
        written=_written(snapshots),
        minutes=_minutes(snapshots),
        slowest=slowest.merged(
            (slowest.from_dict(entry) for snapshot in snapshots for entry in snapshot["slowest"]), size
        ),
    )


def figures(counts: Counts) -> dict[str, Any]:
    """Return counts as values that JSON has; times in milliseconds, "saved_ms" as estimated."""
    outcomes = {outcome: counts.outcomes[outcome] for outcome in Outcome}
    by_kind = {
        kind: {outcome.reason: number for outcome, number in outcomes.items() if outcome.kind == kind and number}
        for kind in ("miss", "bypass", "none")
    }
    return {
        "operations": counts.operations,
        "hits": counts.hits,
        "misses": counts.misses,
        "miss_reasons": by_kind["miss"],
        "bypasses": counts.bypasses,
        "bypass_reasons": by_kind["bypass"],
        "not_looked_up": by_kind["none"],
        "hit_rate": counts.hit_rate,
        "failed": counts.failed,
        "bytes": counts.bytes,
        "kept_bytes": counts.kept,
        "not_kept": counts.unkept,
        "statements": counts.statements,
        "refreshes": counts.refreshes,
        "total_ms": _ms(counts.seconds),
        "parse_ms": _ms(counts.parse),
        "plan_ms": _ms(counts.plan),
        "cache_ms": _ms(counts.cache),
        "storage_ms": _ms(counts.storage),
        "saved_ms": _ms(counts.saved),
        "p50_ms": _ms(quantile(counts.by_time, 0.5)),
        "p95_ms": _ms(quantile(counts.by_time, 0.95)),
        "p50_hit_ms": _ms(quantile(counts.hits_by_time, 0.5)),
        "p50_other_ms": _ms(quantile(counts.others_by_time, 0.5)),
        "durations": {"bounds_ms": [bound * 1000 for bound in BOUNDS], "operations": counts.by_time},
    }


def _with_estimate(counts: Counts) -> Counts:
    return counts.settled()


def _process(snapshot: Snapshot) -> ProcessFigures:
    sums = Sums.from_dict(snapshot["rest"])
    for name, kind, roots, types, values in snapshot["operations"]:
        sums.add(Counts.from_list(values, (name, kind, tuple(roots), tuple(types))))
    process = snapshot["process"]
    return ProcessFigures(name=process["name"], started=process["started"], at=snapshot["at"], sums=sums)


def _by_frequency(every: list[Counts]) -> list[Counts]:
    return sorted(every, key=lambda counts: (-counts.operations, str(counts.key)))


def _written(snapshots: Sequence[Snapshot]) -> dict[str, int]:
    found: dict[str, int] = {}
    for snapshot in snapshots:
        for table, number in snapshot["written"].items():
            found[table] = found.get(table, 0) + number
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _minutes(snapshots: Sequence[Snapshot]) -> list[Minute]:
    found: dict[int, Minute] = {}
    for snapshot in snapshots:
        for number, values in snapshot["minutes"]:
            found.setdefault(number, Minute(number)).add(values)
    newest = sorted(found)[-counters.MINUTES :]
    return [found[number] for number in newest]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
