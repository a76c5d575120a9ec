"""Whether everything that operations need is there: the database, the cache, the schema.

``manage.py fraiseql_health`` and the health view show the same checks.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from django.db import connections

from .engine import GraphQLEngine, __version__, get_engine
from .errors import ConfigurationError, DeclarationError
from .invalidation.names import NAME, bare
from .planner.column_usage import Tables, tables_read
from .storage.base import Health

logger = logging.getLogger("fraiseql_django.health")

# The oldest that Django 5.2 works with; a later Django refuses older ones by itself
MINIMUM_POSTGRESQL = 14

_VERSION = "SELECT current_setting('server_version_num'), current_user"
# What is wrong with which of the columns asked for. Not by to_regclass(), which fails for a schema that
# may not be used.
_LACKING = """
SELECT wanted.place,
       CASE WHEN c.oid IS NULL THEN 'table' WHEN a.attnum IS NULL THEN 'column' ELSE 'privilege' END
FROM json_to_recordset(%s::json) AS wanted(place int, schema_name name, table_name name, column_name name)
LEFT JOIN pg_class c
       ON c.relname = wanted.table_name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND CASE WHEN wanted.schema_name IS NULL THEN pg_table_is_visible(c.oid)
               ELSE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = wanted.schema_name) END
LEFT JOIN pg_attribute a
       ON a.attrelid = c.oid AND a.attname = wanted.column_name AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.oid IS NULL OR a.attnum IS NULL
   OR NOT (has_schema_privilege(c.relnamespace, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'))
ORDER BY wanted.place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part: whether it works, what was found or what is wrong, and how long it took to find out."""

    name: str
    healthy: bool
    detail: str
    time_ms: float


class Unwell(Exception):
    """Something is wrong; the message says what."""


def check_project() -> list[Check]:
    """Check the engine of the project's settings, or say why it cannot be built."""
    started = time.perf_counter()
    try:
        engine = get_engine()
        engine.documents.trusted  # noqa: B018 - read at first need
    except ConfigurationError as error:
        return [_check("settings", False, str(error), started)]
    return run_checks(engine)


def run_checks(engine: GraphQLEngine) -> list[Check]:
    """Check database, cache and schema; a check that fails keeps none of the others from being made."""
    checks = _Checks(engine)
    steps = {"database": checks.database, "cache": checks.cache, "schema": checks.schema}
    try:
        return [_run(name, step) for name, step in steps.items()]
    finally:
        engine.release()


def as_dict(checks: Sequence[Check]) -> dict[str, Any]:
    """Return what JSON shows of checks."""
    return {
        "healthy": all(check.healthy for check in checks),
        "version": __version__,
        "checks": [{**asdict(check), "time_ms": round(check.time_ms, 3)} for check in checks],
    }


def _run(name: str, step: Callable[[], str]) -> Check:
    started = time.perf_counter()
    try:
        return _check(name, True, step(), started)
    except Unwell as unwell:
        return _check(name, False, str(unwell), started)
    except Exception as error:
        logger.exception("the health check of the %s failed", name)
        return _check(name, False, f"{type(error).__name__}: {error}", started)


def _check(name: str, healthy: bool, detail: str, started: float) -> Check:
    elapsed = (time.perf_counter() - started) * 1000
    # errors of the database have several lines
    return Check(name=name, healthy=healthy, detail=" ".join(detail.split()), time_ms=elapsed)


class _Checks:
    """The checks of one engine; the database's catalogue is asked once for all of them."""

    def __init__(self, engine: GraphQLEngine) -> None:
        self.engine = engine

    def database(self) -> str:
        if not self._reached.healthy:
            raise Unwell(f"cannot be reached: {self._reached.detail}")
        number, user = (str(value, "utf-8") for value in self.engine.storage.query(_VERSION).rows[0] if value)
        if int(number) // 10_000 < MINIMUM_POSTGRESQL:
            raise Unwell(f"{self._reached.detail} is too old, must be {MINIMUM_POSTGRESQL} or newer")
        try:
            refused = self._lacking["privilege"]
        except DeclarationError:
            return f"{self._reached.detail}; privileges unknown, since the schema does not build"
        if refused:
            raise Unwell(f"{self._reached.detail}; {user} may not SELECT from: {', '.join(refused)}")
        return f"{self._reached.detail}, {_count(len(self._tables), 'table')} may be read"

    def cache(self) -> str:
        if self.engine.cache is None:
            return "none, answers are not kept"
        health = self.engine.cache.health_check()
        if not health.healthy:
            raise Unwell(health.detail)
        return health.detail

    def schema(self) -> str:
        try:
            tables = self._tables
        except DeclarationError as error:
            raise Unwell("does not build: " + " · ".join(str(error).splitlines())) from error
        types = _count(len(self.engine.schema.types), "type")
        if not self._reached.healthy:
            raise Unwell(f"{types}; not compared with the database, which cannot be reached")
        missing = [f"{kind} {name}" for kind in ("table", "column") for name in self._lacking[kind]]
        if missing:
            raise Unwell(f"{types}; the database has no {', no '.join(missing)}: are all migrations applied?")
        columns = sum(map(len, tables.values()))
        return f"{types}, {_count(len(tables), 'table')}, {_count(columns, 'column')}"

    @cached_property
    def _reached(self) -> Health:
        return self.engine.storage.health_check()

    @cached_property
    def _tables(self) -> Tables:
        return tables_read(self.engine.schema, self.engine.settings.database)

    @cached_property
    def _lacking(self) -> Mapping[str, list[str]]:
        """The names of what is missing ("table", "column") or may not be read ("privilege")."""
        wanted = [(table, column) for table, columns in sorted(self._tables.items()) for column in sorted(columns)]
        asked = [
            {"place": place, **self._identifiers(table), "column_name": column}
            for place, (table, column) in enumerate(wanted)
        ]
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for place, kind in self.engine.storage.query(_LACKING, [json.dumps(asked)]).rows:
            table, column = wanted[int(place or 0)]
            found[str(kind or b"", "utf-8")][table].append(column)
        return {
            "table": list(found["table"]),
            "column": [f"{table}.{column}" for table, columns in found["column"].items() for column in columns],
            "privilege": [
                name for table, columns in found["privilege"].items() for name in self._names(table, columns)
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
