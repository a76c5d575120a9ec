"""Health checks of the database, the cache and the schema, for ``manage.py fraiseql_health`` and the health view."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connections

from .conf.settings import on_reload, schema_names
from .engine import GraphQLEngine, __version__, get_engine
from .errors import ConfigurationError, DeclarationError
from .invalidation.names import NAME, bare
from .invalidation.watcher import tables_heard
from .planner.column_usage import Tables, readable_columns
from .storage.base import Health

logger = logging.getLogger("fraiseql_django.health")
# By GraphQL schema: what its declarations read does not change
_readable: WeakKeyDictionary[Any, Tables] = WeakKeyDictionary()

# The oldest version that Django 5.2 supports; later versions of Django check their own minimum
MINIMUM_POSTGRESQL = 14

# The health view, which anybody may call, reports results that are not older
FRESH_SECONDS = 1.0

_VERSION = "SELECT current_setting('server_version_num'), current_user"
# Which of the wanted tables and columns are missing, or may not be read. to_regclass() is not used, because it fails
# for a schema without the USAGE privilege.
_UNREADABLE = """
SELECT wanted.position,
       CASE WHEN c.oid IS NULL THEN 'table' WHEN a.attnum IS NULL THEN 'column' ELSE 'privilege' END
FROM json_to_recordset(%s::json) AS wanted(position int, schema_name name, table_name name, column_name name)
LEFT JOIN pg_class c
       ON c.relname = wanted.table_name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND CASE WHEN wanted.schema_name IS NULL THEN pg_table_is_visible(c.oid)
               ELSE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = wanted.schema_name) END
LEFT JOIN pg_attribute a
       ON a.attrelid = c.oid AND a.attname = wanted.column_name AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid IS NULL OR a.attnum IS NULL
   OR NOT (has_schema_privilege(c.relnamespace, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'))
ORDER BY wanted.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check; ``detail`` describes what was checked, or the problem."""

    name: str
    healthy: bool
    detail: str
    time_ms: float


class CheckFailed(Exception):
    """A check failed; the message is the detail of its result."""


def check_project() -> list[Check]:
    """Check the engines of the project's settings: that of its own schema, and of those in ``FRAISEQL["SCHEMAS"]``."""
    return [check for schema in (None, *schema_names()) for check in check_schema(schema)]


def check_schema(schema: str | None) -> list[Check]:
    """Check the engine of one schema; without valid settings, the only result is about these.

    The names of the results begin with the name of a schema in ``FRAISEQL["SCHEMAS"]``: ``public: database``.
    """
    started = time.perf_counter()
    try:
        engine = get_engine(schema)
        engine.documents.trusted  # noqa: B018 - read at first use
    except ConfigurationError as error:
        checks = [_result("settings", False, str(error), started)]
    else:
        checks = run_checks(engine)
    return checks if schema is None else [replace(check, name=f"{schema}: {check.name}") for check in checks]


class RecentChecks:
    """The results of the checks of the last second, for probes that come more often.

    While one thread runs the checks the others wait for its results.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[Callable[[], list[Check]], float, list[Check]] | None = None

    def results(self, check: Callable[[], list[Check]]) -> list[Check]:
        """Return the results of the checks, or run them where there are none, or none that are recent."""
        with self._lock:
            now = time.monotonic()
            if self._kept is None or self._kept[0] is not check or now - self._kept[1] > FRESH_SECONDS:
                found = check()
                # from now on: what takes longer than a second is asked no more often
                self._kept = check, time.monotonic(), found
            return self._kept[2]

    def forget(self) -> None:
        """Run the checks at the next call."""
        self._kept = None


recent = RecentChecks()
on_reload(recent.forget)


def run_checks(engine: GraphQLEngine) -> list[Check]:
    """Check database, cache and schema, and what ``CACHE.WATCH`` hears; all checks run, even if one of them fails."""
    checks = _EngineChecks(engine)
    steps = {"database": checks.database, "cache": checks.cache, "schema": checks.schema}
    if engine.watches is not None:
        steps["watch"] = checks.watch
    try:
        return [_run(name, step) for name, step in steps.items()]
    finally:
        engine.release()


def as_dict(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the results as values that can be written as JSON."""
    return {
        "healthy": all(check.healthy for check in checks),
        "version": __version__,
        "checks": [{**asdict(check), "time_ms": round(check.time_ms, 3)} for check in checks],
    }


def _run(name: str, step: Callable[[], str]) -> Check:
    started = time.perf_counter()
    try:
        return _result(name, True, step(), started)
    except CheckFailed as failed:
        return _result(name, False, str(failed), started)
    except Exception as error:
        logger.exception("the health check of the %s failed", name)
        return _result(name, False, f"{type(error).__name__}: {error}", started)


def _result(name: str, healthy: bool, detail: str, started: float) -> Check:
    elapsed = (time.perf_counter() - started) * 1000
    # in one line; messages of PostgreSQL have several
    return Check(name=name, healthy=healthy, detail=" ".join(detail.split()), time_ms=elapsed)


class _EngineChecks:
    """The checks of one engine; they share one query of PostgreSQL's catalogue."""

    def __init__(self, engine: GraphQLEngine) -> None:
        self.engine = engine

    def database(self) -> str:
        if not self._reached.healthy:
            raise CheckFailed(f"cannot be reached: {self._reached.detail}")
        number, user = (str(value, "utf-8") for value in self.engine.storage.query(_VERSION).rows[0] if value)
        if int(number) // 10_000 < MINIMUM_POSTGRESQL:
            raise CheckFailed(f"{self._reached.detail} is too old, must be {MINIMUM_POSTGRESQL} or newer")
        try:
            unreadable = self._problems["privilege"]
        except DeclarationError:
            return f"{self._reached.detail}; privileges unknown, since the schema does not build"
        if unreadable:
            raise CheckFailed(f"{self._reached.detail}; {user} may not SELECT from: {', '.join(unreadable)}")
        return f"{self._reached.detail}, {_count(len(self._tables), 'table')} may be read"

    def cache(self) -> str:
        if self.engine.cache is None:
            return "none, answers are not cached"
        health = self.engine.cache.health_check()
        if not health.healthy:
            raise CheckFailed(health.detail)
        return health.detail

    def schema(self) -> str:
        try:
            tables = self._tables
        except DeclarationError as error:
            raise CheckFailed("does not build: " + " · ".join(str(error).splitlines())) from error
        types = _count(len(self.engine.schema.types), "type")
        if not self._reached.healthy:
            raise CheckFailed(f"{types}; not compared with the database, which cannot be reached")
        missing = [f"{kind} {name}" for kind in ("table", "column") for name in self._problems[kind]]
        if missing:
            raise CheckFailed(f"{types}; the database has no {', no '.join(missing)}: are all migrations applied?")
        columns = sum(map(len, tables.values()))
        return f"{types}, {_count(len(tables), 'table')}, {_count(columns, 'column')}"

    def watch(self) -> str:
        assert self.engine.watches is not None
        try:
            return f"{_count(tables_heard(*self.engine.watches), 'table')} watched"
        except (ConnectionError, ConfigurationError) as error:
            raise CheckFailed(f"writes of other programs are not heard: {error}") from error

    @cached_property
    def _reached(self) -> Health:
        return self.engine.storage.health_check()

    @cached_property
    def _tables(self) -> Tables:
        schema = self.engine.schema
        found = _readable.get(schema.graphql)
        if found is None:
            found = _readable[schema.graphql] = readable_columns(schema, self.engine.settings.database)
        return found

    @cached_property
    def _problems(self) -> Mapping[str, list[str]]:
        """The names of missing tables and columns, and of those that may not be read ("privilege")."""
        wanted = [(table, column) for table, columns in sorted(self._tables.items()) for column in sorted(columns)]
        records = [
            {"position": position, **self._identifiers(table), "column_name": column}
            for position, (table, column) in enumerate(wanted)
        ]
        problems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for position, kind in self.engine.storage.query(_UNREADABLE, [json.dumps(records)]).rows:
            table, column = wanted[int(position or 0)]
            problems[str(kind or b"", "utf-8")][table].append(column)
        return {
            "table": list(problems["table"]),
            "column": [f"{table}.{column}" for table, columns in problems["column"].items() for column in columns],
            "privilege": [
                name for table, columns in problems["privilege"].items() for name in self._names(table, columns)
            ],
        }

    def _names(self, table: str, columns: list[str]) -> list[str]:
        if len(columns) == len(self._tables[table]):
            return [table]
        return [f"{table}.{column}" for column in columns]

    def _identifiers(self, db_table: str) -> dict[str, str | None]:
        quoted = connections[self.engine.settings.database].ops.quote_name(db_table)
        *schema, table = map(bare, re.findall(NAME, quoted))
        return {"schema_name": schema[-1] if schema else None, "table_name": table}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
