"""ORM expressions → one SQL statement with bind parameters.

The expressions of all root fields stand side by side in one SELECT, so an operation reads one snapshot. What a
project's own expressions hold is quoted into the text as Django's default cursor does it; what a client sends is
always a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.sql import Query

from .._django import Compiled, compile_expression, compile_query, compiler_of, literal, selects_whole_rows
from .expressions import Bind, Concat, Piece


def split(pieces: Sequence[Piece]) -> tuple[str, Sequence[Piece], str]:
    """Return the constants before and after what must be read of what a root field writes, and this.

    PostgreSQL would copy all of the answer to put them around it.
    """
    start, end = 0, len(pieces)
    while start < end and isinstance(pieces[start], str):
        start += 1
    while end > start and isinstance(pieces[end - 1], str):
        end -= 1
    before, after = ("".join(map(str, constants)) for constants in (pieces[:start], pieces[end:]))
    return before, pieces[start:end], after


def compile_pieces(pieces: Sequence[Piece], alias: str) -> Compiled:
    """Compile what a root field writes to SQL whose value is its JSON text."""
    expression: Any = Concat(*pieces) if len(pieces) != 1 or isinstance(pieces[0], str) else pieces[0]
    # it refers to no row of a query around it
    return compile_expression(compiler_of(Query(None), alias), expression)


def compile_keys(rows: QuerySet[Any], alias: str) -> Compiled | None:
    """Compile a query to SQL that selects the rows' keys in their order; None for one that cannot be made to."""
    if rows.db != alias or not selects_whole_rows(rows):
        return None
    return compile_query(rows.values_list("pk"), alias)


def compile_keys_as_json(rows: QuerySet[Any], columns: Sequence[str], most: int, alias: str) -> Compiled | None:
    """Compile a query to SQL for the keys of its first rows, as a JSON array of arrays of values; None for no rows."""
    compiled = compile_query(rows.values_list(*columns), alias)
    if compiled is None:
        return None
    names = ", ".join(f"k{index}" for index in range(len(columns)))
    sql = (
        f"(SELECT coalesce(json_agg(json_build_array({names}))::text, '[]') "
        f"FROM ({compiled[0]} LIMIT {most}) AS fraiseql_keys({names}))"
    )
    return sql, compiled[1]


@dataclass(frozen=True, slots=True)
class Part:
    """Where a column stands in a statement's text, and which of its parameters are the column's."""

    text: slice
    binds: slice


def statement(columns: Iterable[Compiled], alias: str) -> tuple[str, tuple[Bind, ...], tuple[Part, ...]]:
    """Put columns into one SELECT; return it with its parameters in order, and where each column stands."""
    text = "SELECT "
    binds: list[Bind] = []
    parts: list[Part] = []
    for column in columns:
        sql, own = _with_constants(*column, alias)
        text += ", " if parts else ""
        parts.append(Part(slice(len(text), len(text) + len(sql)), slice(len(binds), len(binds) + len(own))))
        text += sql
        binds += own
    return text, tuple(binds), tuple(parts)


def _with_constants(sql: str, params: Sequence[Any], alias: str) -> tuple[str, tuple[Bind, ...]]:
    """Quote every parameter that is no Bind into the text."""
    remaining = iter(params)
    binds: list[Bind] = []
    parts: list[str] = []
    for part in re.split(r"(%%|%s)", sql):
        if part == "%s":
            param = next(remaining)
            if isinstance(param, Bind):
                binds.append(param)
            else:
                part = literal(param, alias)
        parts.append(part)
    return "".join(parts), tuple(binds)


def joined(segments: Sequence[bytes | int]) -> tuple[bytes | int, ...]:
    """Join neighbouring constants of an answer."""
    found: list[bytes | int] = []
    for segment in segments:
        if isinstance(segment, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += segment
        else:
            found.append(segment)
    return tuple(found)
