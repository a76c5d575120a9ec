"""Which expressions have one value for each row, from wherever the row is read.

A computed field is read in lists, behind relations, in conditions and orders: in queries with other rows, joins and
names of tables. An expression whose value depends on the query around it has another value in each of them, or repeats
rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Aggregate, FilteredRelation, Func, Subquery, Window
from django.db.models.expressions import Col, RawSQL
from django.db.models.sql import Query

from .._django import free_name, many_valued_tables
from ..errors import DeclarationError

# PostgreSQL documentation, 9.26, 9.16.1, 9.4, 9.7.3 and F.17: functions that return rows
_SET_RETURNING = re.compile(
    r"\b(?:unnest|generate_series|generate_subscripts|jsonb?_array_elements(?:_text)?|jsonb?_each(?:_text)?"
    r"|jsonb?_object_keys|jsonb?_populate_recordset|jsonb?_to_recordset|jsonb_path_query(?:_tz)?|regexp_matches"
    r"|regexp_split_to_table|string_to_table|each|skeys|svals)\s*\(",
    re.IGNORECASE,
)
_WINDOW = re.compile(r"\)\s*OVER\b", re.IGNORECASE)
_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)


def check_one_value(model: type[models.Model], expression: Any, where: str) -> Any:
    """Return the resolved expression of a computed field.

    Raises DeclarationError for one that does not fit the model, or has no one value for a row; ``where`` names it.
    """
    if isinstance(expression, FilteredRelation):
        raise DeclarationError(
            f"{where} is a FilteredRelation, which has no value; filter what is aggregated (Count(…, filter=Q(…))), or "
            f"use a Subquery"
        )
    try:
        name = free_name(model, "fraiseql_value")
        query = models.QuerySet(model).annotate(**{name: expression}).query
        resolved = query.annotations[name]
        output = resolved.output_field
    except Exception as error:
        raise DeclarationError(f"{where}: the expression does not fit {model.__name__}: {error}") from error
    many = many_valued_tables(query)
    for part in _parts(resolved):
        text = _own_sql(part)
        if isinstance(part, Window) or _WINDOW.search(text):
            raise DeclarationError(
                f"{where} is a window expression, whose value depends on the rows that are read with the row; compute "
                f"it in a view, or count by a Subquery over all rows"
            )
        if getattr(part, "set_returning", False) or _SET_RETURNING.search(text):
            raise DeclarationError(
                f"{where} returns rows, which would repeat the row; return an array instead, or aggregate in a Subquery"
            )
        if isinstance(part, Col) and part.alias in many:
            raise DeclarationError(
                f"{where} reads many rows of {many[part.alias]}, which would repeat the row; aggregate them "
                f"(Count, Max, ArrayAgg), or use a Subquery or Exists"
            )
    return output


def names_tables(expression: Any) -> bool:
    """Whether an expression has SQL of the project's own, which may name columns and tables as they are called."""
    return any(isinstance(part, RawSQL) for part in _parts(expression, everywhere=True))


def _parts(expression: Any, *, everywhere: bool = False) -> Iterator[Any]:
    """Yield an expression and its parts, except those that are read in a query of their own.

    Without ``everywhere`` what is aggregated is left out as well.
    """
    yield expression
    if isinstance(expression, Aggregate) and not everywhere:
        return
    for part in expression.get_source_expressions() if hasattr(expression, "get_source_expressions") else ():
        if part is not None and not isinstance(part, (Subquery, Query)):
            yield from _parts(part, everywhere=everywhere)


def _own_sql(part: Any) -> str:
    """Return SQL that the project has written into an expression, where it is no query."""
    if isinstance(part, RawSQL):
        text = part.sql
    elif isinstance(part, Func):
        function, template = (part.extra.get(name, getattr(part, name, None)) for name in ("function", "template"))
        text = str(template).replace("%(function)s", str(function))
    else:
        text = str(getattr(part, "template", ""))
    return "" if _SELECT.search(text) else text
