"""Planned operation → its statements, whether and how its answer is kept, and its figures beside the limits.

Nothing here runs a statement of the operation. The cache is asked as a request would ask it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from graphql import GraphQLError, OperationType

from ..cache.answers import parts_of
from ..cache.keys import ENTRY
from ..cache.outcomes import Outcome
from ..engine import GraphQLEngine
from ..execution.response import PlannedOperation
from ..language.limits import Measure
from ..planner.payload import KEYS
from ..planner.plan import Read
from ..storage.django import DjangoStorage
from ..viewer import VIEWER, Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement of an operation; ``purpose`` says what it reads."""

    purpose: str
    sql: str
    params: tuple[str | None, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """Whether the cache keeps the answer: for so many ``seconds``, under a ``key`` and the ``versions`` of its tables.

    ``outcome`` is what a request would find now, or why the cache is not asked. ``max_age`` and ``public`` are for
    caches of HTTP.
    """

    outcome: Outcome
    seconds: int
    max_age: int
    public: bool
    alias: str | None = None
    key: str | None = None
    versions: Mapping[str, str] | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the answer is kept."""
        return self.key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of the operation and the key of ``FRAISEQL["LIMITS"]`` that limits it; None: there is no limit."""

    setting: str
    value: float
    limit: int | None


def statements(planned: PlannedOperation) -> Iterator[Statement]:
    """Yield the statements of an operation: that of a query, or those around what a mutation writes.

    Raises InvalidInput for a value that cannot be a parameter.
    """
    plan, variables = planned.plan, planned.variables
    if plan.read is not None:
        yield from _statement("the answer", plan.read, variables)
    for call in plan.calls:
        if call.chosen is not None:
            yield from _statement(f"the rows that {call.key} writes", call.chosen, variables)
        if call.rows is not None:
            yield from _statement(f"the answer of {call.key}", call.rows, {**variables, KEYS: [[] for _ in call.slots]})


def _statement(purpose: str, read: Read, variables: Mapping[str, Any]) -> Iterator[Statement]:
    if read.sql is not None:
        params = read.params(dict(variables))
        yield Statement(purpose=purpose, sql=read.sql, params=tuple(params), tables=read.tables)


def kept_answer(planned: PlannedOperation, engine: GraphQLEngine) -> KeptAnswer:
    """Return whether the answer would be kept, and what the cache has for it now."""
    executor, read, viewer = engine.executor, planned.plan.read, planned.variables[VIEWER]
    policy = executor.policy_now(planned.plan.policy)

    def found(outcome: Outcome, **kept: Any) -> KeptAnswer:
        return KeptAnswer(outcome=outcome, seconds=policy.ttl, max_age=policy.max_age, public=policy.public, **kept)

    if planned.operation.kind is OperationType.MUTATION:
        return found(Outcome.MUTATION)
    if read is None or read.sql is None:
        return found(Outcome.CONSTANT)
    may_cache = engine.answers.cache is not None and executor.storage.shared
    outside = executor.session.outside() if may_cache and policy.ttl else None
    if outside is None:
        return found(executor.bypass(read))
    key = executor.key(read, read.params(planned.variables), viewer, outside)
    lookup = executor.look_up(read, key, perf_counter())
    if lookup.versions is None:
        return found(lookup.outcome)
    # the first part is the cache's server
    versions = dict(zip(read.versioned, parts_of(lookup.versions)[1:], strict=True))
    return found(lookup.outcome, alias=engine.settings.cache.alias, key=ENTRY + key, versions=versions)


def figures(planned: PlannedOperation, text: str, engine: GraphQLEngine) -> Iterator[Figure]:
    """Yield the figures of the operation that ``FRAISEQL["LIMITS"]`` limits."""
    limits, operation = engine.settings.limits, planned.operation
    size = Measure(operation.document).size(operation.node)
    cost = planned.plan.complexity
    yield Figure(setting="COMPLEXITY", value=cost.of(planned.variables), limit=limits.complexity)
    if cost.written:
        objects = sum(count(planned.variables) for count in cost.written)
        yield Figure(setting="OBJECTS", value=objects, limit=limits.objects)
    yield Figure(setting="DEPTH", value=size.depth, limit=limits.depth)
    yield Figure(setting="FIELDS", value=size.fields, limit=limits.fields)
    yield Figure(setting="BREADTH", value=size.breadth, limit=limits.breadth)
    yield Figure(setting="ROOT_FIELDS", value=size.top, limit=limits.root_fields)
    yield Figure(setting="ALIASES", value=size.aliases, limit=limits.aliases)
    yield Figure(
        setting="DOCUMENT_BYTES", value=len(text.encode("utf-8", "surrogatepass")), limit=limits.document_bytes
    )


def prepared_name(statement: Statement, engine: GraphQLEngine) -> str | None:
    """Return the name under which a connection keeps the statement prepared; None where it does not."""
    storage = engine.storage
    if not isinstance(storage, DjangoStorage):
        return None
    return storage.prepared_name(statement.sql)


def lines_of(error: GraphQLError) -> str:
    """Return an error of the operation with its line and column."""
    places = [f"{place.line}:{place.column}" for place in error.locations or ()]
    return f"{places[0]}: {error.message}" if places else error.message


def viewer_name(viewer: Viewer) -> str:
    """Return who an operation is explained for."""
    return str(viewer.user) if viewer.is_authenticated else "an anonymous viewer"
