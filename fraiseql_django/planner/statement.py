"""ORM queries → one SQL statement with holes.

Django compiles each root field's query; they stand side by side in one SELECT, so all of an operation is
read from one snapshot. What a project's own expressions hold is quoted into the text as Django's default
cursor does it; what a client sends is always a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from .binds import Hole
from .json_text import NULL, JSONList, page_sql

Compiled = tuple[str, list[Any]]


def compile_list(rows: JSONList, alias: str) -> Compiled:
    """Compile a list to SQL whose value is its JSON text."""
    compiler = rows.query.get_compiler(alias)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return "'[]'", []
    page, page_params = page_sql(compiler, rows.limit, rows.offset)
    return f"'[' || array_to_string(ARRAY({sql}{page}), ',') || ']'", [*params, *page_params]


def compile_one(rows: QuerySet[Any], alias: str, *, missing: str = NULL) -> Compiled:
    """Compile a query of at most one row to SQL whose value is its JSON text; ``missing`` where there is no row."""
    try:
        sql, params = rows.query.get_compiler(alias).as_sql()
    except EmptyResultSet:
        return f"'{missing}'", []
    return f"coalesce(({sql}), '{missing}')", list(params)


def compile_keys(rows: QuerySet[Any], alias: str) -> Compiled | None:
    """Compile a query to SQL that selects the rows' keys in their order; None for one that cannot be made to."""
    query: Any = rows.query
    if rows.db != alias or query.combinator or query.distinct or query.values_select or query.extra:
        return None
    try:
        sql, params = rows.values_list("pk").query.get_compiler(alias).as_sql()
    except EmptyResultSet:
        return None
    return sql, list(params)


def statement(columns: Iterable[Compiled], alias: str) -> tuple[str, tuple[Hole, ...]]:
    """Put columns into one SELECT; return it with its holes in order."""
    compiled = list(columns)
    sql = "SELECT " + ", ".join(sql for sql, _ in compiled)
    return _with_constants(sql, [param for _, params in compiled for param in params], alias)


def _with_constants(sql: str, params: Sequence[Any], alias: str) -> tuple[str, tuple[Hole, ...]]:
    """Quote every parameter that is no Hole into the text."""
    remaining = iter(params)
    holes: list[Hole] = []
    parts: list[str] = []
    for part in re.split(r"(%%|%s)", sql):
        if part == "%s":
            param = next(remaining)
            if isinstance(param, Hole):
                holes.append(param)
            else:
                part = _literal(param, alias)
        parts.append(part)
    return "".join(parts), tuple(holes)


def _literal(value: Any, alias: str) -> str:
    connection: Any = connections[alias]
    connection.ensure_connection()
    return str(connection.ops.compose_sql("%s", [value])).replace("%", "%%")


def joined(segments: Sequence[bytes | int]) -> tuple[bytes | int, ...]:
    """Put neighbouring constants of an answer together."""
    found: list[bytes | int] = []
    for segment in segments:
        if isinstance(segment, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += segment
        else:
            found.append(segment)
    return tuple(found)
