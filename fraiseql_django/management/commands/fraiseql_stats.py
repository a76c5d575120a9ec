"""``manage.py fraiseql_stats``: what operations took and what the cache did for them, in all processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...cache.outcomes import Outcome
from ...conf.settings import schema_names
from ...engine import GraphQLEngine, get_engine
from ...errors import ConfigurationError
from ...metrics.counters import Counts, quantile
from ...metrics.report import Report
from ..schema_option import add_schema_option, checked

# Rows of each table
ROWS = 15
_NAME = 26


class Command(BaseCommand):
    """Shows the figures that processes have reported to the cache; with ``--reset`` they begin from zero."""

    help = "Show hits, misses and times of operations, of all processes that share the cache."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --schema, --json and --reset."""
        add_schema_option(parser, "all schemas")
        parser.add_argument("--json", action="store_true", help="write all figures as JSON, with the history by minute")
        parser.add_argument(
            "--reset",
            action="store_true",
            help="let all processes count from zero, as soon as each reports again; show nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Show or reset the figures."""
        schema = checked(options["schema"])
        names = [schema] if schema is not None else [None, *schema_names()]
        reports = {}
        for name in names:
            engine = self._engine(name)
            self._warn(engine)
            try:
                if options["reset"]:
                    engine.metrics.reset()
                else:
                    reports[name] = engine.metrics.report()
            except Exception as error:
                alias = engine.settings.cache.alias
                raise CommandError(f"the cache {alias!r} failed: {type(error).__name__}: {error}") from error
        if options["reset"]:
            self.stdout.write("Each process counts from zero as soon as it reports again.")
        elif options["json"]:
            found = {name or "": report.as_dict() for name, report in reports.items()}
            self.stdout.write(json.dumps({"schemas": found}, ensure_ascii=False, indent=2))
        else:
            for name, report in reports.items():
                if len(reports) > 1:
                    self.stdout.write(self.style.MIGRATE_HEADING(f"schema {name}" if name else "the project's schema"))
                for line in lines(report, self._engine(name).metrics.silent_after):
                    self.stdout.write(line)

    def _engine(self, name: str | None) -> GraphQLEngine:
        try:
            return get_engine(name)
        except ConfigurationError as error:
            raise CommandError(str(error)) from error

    def _warn(self, engine: GraphQLEngine) -> None:
        if not engine.metrics.is_shared:
            alias = engine.settings.cache.alias
            why = (
                "FRAISEQL['METRICS']['INTERVAL'] is 0"
                if engine.metrics.board is not None
                else f"FRAISEQL['CACHE']['ALIAS'] is {alias!r}, which other processes cannot read"
            )
            self.stderr.write(
                self.style.WARNING(
                    f"{why}: these figures are those of this command's own process. The page in the admin shows "
                    "those of the process that answers."
                )
            )


def lines(report: Report, silent_after: float) -> Iterator[str]:
    """Yield the lines of a report, of 80 columns at most."""
    total = report.total
    silent = sum(process.is_silent(silent_after) for process in report.processes)
    counted = [process for process in report.processes if process.sums.total.operations]
    yield f"{len(counted)} processes have executed operations, {max(0, len(report.processes) - silent)} report now."
    if not total.operations:
        yield "No operations were executed, or none was reported yet."
        return
    yield ""
    yield from _grid(
        [
            ("operations", f"{total.operations:,}"),
            ("failed", f"{total.failed:,}"),
            ("statements", f"{total.statements:,}"),
            ("hits", f"{total.hits:,}"),
            ("misses", f"{total.misses:,}"),
            ("bypasses", f"{total.bypasses:,}"),
            ("hit rate", _share(total.hit_rate)),
            ("answered", _bytes(total.bytes)),
            ("kept", _bytes(total.kept)),
            ("saved", _seconds(total.saved)),
            ("storage", _seconds(total.storage)),
            ("cache", _seconds(total.cache)),
            ("parse", _seconds(total.parse)),
            ("plan", _seconds(total.plan)),
            ("not kept", f"{total.unkept:,}"),
            ("refreshes", f"{total.refreshes:,}"),
        ]
    )
    yield from _reasons(total)
    yield from _table("root field", report.roots)
    yield from _table("type", report.types)
    yield from _table("operation", report.operations)
    if report.written:
        yield ""
        yield "misses by written table"
        for table, number in list(report.written.items())[:ROWS]:
            yield f"  {_cut(table, 60):<60} {number:>12,}"
    if report.slowest:
        yield ""
        yield f"{'slowest':<{_NAME}} {'ms':>9} {'storage':>9} {'times':>7}  root fields"
        for slow in report.slowest[:ROWS]:
            name = _cut(slow.operation or f"({slow.kind})", _NAME)
            roots = _cut(", ".join(slow.roots), 24)
            yield f"{name:<{_NAME}} {slow.duration_ms:>9.1f} {slow.storage_ms:>9.1f} {slow.count:>7,}  {roots}"


def _grid(cells: Sequence[tuple[str, str]]) -> Iterator[str]:
    for start in range(0, len(cells), 3):
        yield "   ".join(f"{name:<11}{value:>12}" for name, value in cells[start : start + 3])


def _reasons(total: Counts) -> Iterator[str]:
    for kind in ("miss", "bypass", "none"):
        found = [(outcome, total.outcomes[outcome]) for outcome in Outcome if outcome.kind == kind]
        shown = [f"{outcome.reason} {number:,}" for outcome, number in found if number]
        if shown:
            label = {"miss": "missed", "bypass": "bypassed", "none": "no lookup"}[kind]
            yield f"{label:<12}{', '.join(shown)}"


def _table(title: str, every: Sequence[Counts]) -> Iterator[str]:
    if not every:
        return
    yield ""
    yield f"{title:<{_NAME}} {'times':>8} {'hits':>6} {'misses':>7} {'bypass':>7} {'p50 ms':>7} {'p95 ms':>7} saved"
    for counts in every[:ROWS]:
        name = counts.key if isinstance(counts.key, str) else counts.key[0] or f"({counts.key[1]})"
        rate = "-" if counts.hit_rate is None else f"{counts.hit_rate:.0%}"
        p50, p95 = (_ms(quantile(counts.by_time, share)) for share in (0.5, 0.95))
        yield (
            f"{_cut(name, _NAME):<{_NAME}} {counts.operations:>8,} {rate:>6} {counts.misses:>7,} {counts.bypasses:>7,} "
            f"{p50:>7} {p95:>7} {_short(counts.saved):>5}"
        )
    if len(every) > ROWS:
        yield f"  and {len(every) - ROWS} more; --json has all"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 1 else f"{value * 1000:,.1f} ms"


def _short(value: float) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if value >= 10 * size:
            return f"{value / size:.0f}{unit}"
    return f"{value:.0f}s" if value >= 1 else f"{value * 1000:.0f}ms"


def _bytes(value: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value} B"


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:,.1f}"
