"""What executing an operation takes, as text for people and as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..cache.outcomes import EXPLANATIONS, Outcome
from ..sql.readable import readable
from .candidates import Candidate, Hints
from .operation import Figure, KeptAnswer, Statement
from .plans import Plan
from .trials import Trial

TRIED = ("These are hints: each index also costs the writes of its table.",)
UNTRIED = (
    *TRIED,
    "--try-indexes makes each in a transaction that is rolled back, and shows whether PostgreSQL uses it.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStatement:
    """A statement with its plan and the indexes that might help it; no ``trials`` if these were not tried."""

    statement: Statement
    plan: Plan
    prepared: str | None
    hints: Hints
    trials: Sequence[Trial] = ()

    def tried(self) -> Iterator[tuple[Candidate, Trial | None]]:
        """Yield each candidate with its trial."""
        for place, candidate in enumerate(self.hints.candidates):
            yield candidate, self.trials[place] if self.trials else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is known of an operation."""

    name: str | None
    kind: str
    viewer: str
    server: str
    statements: Sequence[ExplainedStatement]
    kept: KeptAnswer
    figures: Sequence[Figure]
    notes: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as values that JSON has."""
        kept = self.kept
        return {
            "operation": self.name,
            "kind": self.kind,
            "viewer": self.viewer,
            "postgresql": self.server,
            "statements": [_statement(explained) for explained in self.statements],
            "cache": {
                "kept": kept.is_kept,
                "outcome": kept.outcome.reason,
                "explanation": EXPLANATIONS[kept.outcome],
                "seconds": kept.seconds if kept.is_kept else 0,
                "alias": kept.alias,
                "key": kept.key,
                "versions": dict(kept.versions or {}),
                "http": {"max_age": kept.max_age, "public": kept.public},
            },
            "limits": {
                figure.setting: {"value": _number(figure.value), "limit": figure.limit} for figure in self.figures
            },
            "notes": list(self.notes),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of the text, each with its style: "heading", "warning" or none."""
        yield f"{self.kind} {self.name or 'without a name'}, for {self.viewer}", "heading"
        for note in self.notes:
            yield note, "warning"
        for number, explained in enumerate(self.statements, start=1):
            yield from self._statement_lines(number, explained)
        if not self.statements:
            yield from _section("Statements", ["none: nothing is read from the database"])
        yield from _section("Cache", _cache_lines(self.kept))
        yield from _section("Limits", _limit_lines(self.figures))
        yield from _index_lines(self.statements)

    def _statement_lines(self, number: int, explained: ExplainedStatement) -> Iterator[tuple[str, str]]:
        statement, plan = explained.statement, explained.plan
        which = f" {number} of {len(self.statements)}" if len(self.statements) > 1 else ""
        yield from _section(f"Statement{which}: {statement.purpose}", readable(statement.sql).splitlines())
        if statement.params:
            params = [f"{place}  {_literal(param)}" for place, param in enumerate(statement.params, start=1)]
            yield from _section("Parameters", params)
        name = explained.prepared
        prepared = "not prepared" if name is None else f"once on each connection, as {name}"
        yield from _section("Prepared", [prepared])
        yield from _section("Tables", [", ".join(statement.tables) or "none"])
        yield from _section(f"Plan of PostgreSQL {self.server}", (plan.text or "").splitlines())


def _statement(explained: ExplainedStatement) -> dict[str, Any]:
    statement, plan = explained.statement, explained.plan
    return {
        "purpose": statement.purpose,
        "sql": statement.sql,
        "params": list(statement.params),
        "tables": list(statement.tables),
        "prepared": explained.prepared,
        "plan": plan.root,
        "planning_ms": plan.planning_ms,
        "execution_ms": plan.execution_ms,
        "indexes": [_index(candidate, trial) for candidate, trial in explained.tried()],
        "without_index": list(explained.hints.others),
    }


def _index(candidate: Candidate, trial: Trial | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "table": candidate.table,
        "reason": candidate.reason,
        "django": candidate.django,
        "sql": candidate.create,
        "tried": None,
    }
    if trial is not None:
        costs = {"cost_before": trial.before, "cost_after": trial.after, "used": trial.uses}
        found["tried"] = {"failure": trial.failure} if trial.failure is not None else costs
    return found


def _section(title: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield "", ""
    yield title, "heading"
    for line in lines:
        yield f"  {line}" if line else "", ""


def _cache_lines(kept: KeptAnswer) -> Iterator[str]:
    if not kept.is_kept:
        yield f"not kept: {EXPLANATIONS[kept.outcome]}"
    else:
        yield f"kept for {kept.seconds:,} s in CACHES[{kept.alias!r}], until one of its tables is written"
        state = "a hit" if kept.outcome is Outcome.HIT else "a miss"
        yield f"now {state}: {EXPLANATIONS[kept.outcome]}"
        yield f"key {kept.key}"
        width = max(map(len, kept.versions or ()), default=0)
        for table, version in (kept.versions or {}).items():
            yield f"version of {table:<{width}}  {version}"
    scope = "by all caches" if kept.public else "for its viewer alone"
    yield f"HTTP: {scope}, for {kept.max_age:,} s" if kept.max_age else "HTTP: not kept without asking again"


def _limit_lines(figures: Sequence[Figure]) -> Iterator[str]:
    width = max(len(figure.setting) for figure in figures)
    for figure in figures:
        limit = "no limit" if figure.limit is None else f"of {figure.limit:,}"
        yield f"{figure.setting:<{width}}  {_number(figure.value):>12,}  {limit}"


def _index_lines(statements: Sequence[ExplainedStatement]) -> Iterator[tuple[str, str]]:
    lines: list[str] = []
    reason = None
    for explained in statements:
        for candidate, trial in explained.tried():
            if candidate.reason != reason:
                lines += [*([""] if lines else []), candidate.reason]
                reason = candidate.reason
            lines += _candidate_lines(candidate, trial)
        for other in explained.hints.others:
            lines += [*([""] if lines else []), other]
    if any(explained.hints.candidates for explained in statements):
        lines += ["", *(TRIED if any(explained.trials for explained in statements) else UNTRIED)]
    yield from _section("Indexes", lines or ["no candidate: no scan of many rows keeps few of them"])


def _candidate_lines(candidate: Candidate, trial: Trial | None) -> Iterator[str]:
    if candidate.django is not None and candidate.model is not None:
        yield f"    {candidate.model._meta.label}: {candidate.django}"
    yield f"    {candidate.create}"
    if any(key.opclass == "gin_trgm_ops" for key in candidate.keys):
        yield "    It needs the extension pg_trgm."
    if trial is None:
        return
    if trial.failure is not None:
        yield f"    could not be tried: {trial.failure}"
    elif trial.uses:
        yield f"    tried: it is used, estimated cost {trial.before:,.0f} -> {trial.after:,.0f}"
    else:
        yield "    tried: it is not used"


def _literal(param: str | None) -> str:
    return "null" if param is None else repr(param)


def _number(value: float) -> float:
    # the factors of an estimate may be fractions
    return int(value) if value == int(value) else math.ceil(value * 100) / 100
