"""ORM expressions that write JSON text.

Concatenated text is the fastest way that PostgreSQL has to write JSON (see docs/architecture.md), so an
object is ``'{"title":' || to_json(title)::text || '}'`` and a list ``'[' || array_to_string(ARRAY(…), ',') || ']'``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db.models import Func, QuerySet, Subquery, TextField

from ..schema.scalars.encoding import sql_literal
from .binds import Param

# Text that stands as it is, or an expression whose value is text
Piece: TypeAlias = "str | Func | Subquery"

NULL = "null"


class Template(Func):
    """SQL in which ``{0}``, ``{1}`` … stand for expressions, each as often as it likes."""

    def __init__(self, template: str, *expressions: Any, output_field: Any = None) -> None:
        super().__init__(*expressions, output_field=output_field or TextField())
        self.sql_template = template

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [_or_null(compiler, expression) for expression in self.get_source_expressions()]
        params: list[Any] = []

        def put(found: re.Match[str]) -> str:
            sql, own = compiled[int(found.group(1))]
            params.extend(own)
            return str(sql)

        return re.sub(r"\{(\d+)\}", put, self.sql_template), params


def _or_null(compiler: Any, expression: Any) -> tuple[str, Any]:
    """Compile an expression; null where Django knows that its subquery finds nothing, as for a rule that is false."""
    try:
        sql, params = compiler.compile(expression)
    except EmptyResultSet:
        return "NULL", []
    return sql, params


class Concat(Func):
    """Pieces of text one after the other; neighbouring constants become one."""

    def __init__(self, *pieces: Piece) -> None:
        super().__init__(*(piece for piece in pieces if not isinstance(piece, str)), output_field=TextField())
        # where the expressions stand among the constants
        self.layout = tuple(piece if isinstance(piece, str) else None for piece in pieces)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        expressions = iter(self.get_source_expressions())
        parts: list[str] = []
        params: list[Any] = []
        constant = ""
        for text in self.layout:
            if text is not None:
                constant += text
                continue
            if constant:
                parts.append(sql_literal(constant))
                constant = ""
            sql, own = compiler.compile(next(expressions))
            parts.append(sql)
            params.extend(own)
        if constant or not parts:
            parts.append(sql_literal(constant))
        return f"({' || '.join(parts)})", params


class JSONList(Subquery):
    """The rows of a query as a JSON array; the query selects one column, the JSON text of a row."""

    template = "('[' || array_to_string(ARRAY(%(subquery)s%(page)s), ',') || ']')"

    def __init__(self, queryset: QuerySet[Any], limit: Param | None, offset: Param | None) -> None:
        super().__init__(queryset, output_field=TextField())
        self.limit = limit
        self.offset = offset

    def as_sql(self, compiler: Any, connection: Any, template: Any = None, **extra: Any) -> tuple[str, Any]:
        page, page_params = page_sql(compiler, self.limit, self.offset)
        try:
            sql, params = super().as_sql(compiler, connection, template, page=page, **extra)
        except EmptyResultSet:
            # Django knows that nothing matches; the list is empty, not the row that it stands in
            return "'[]'", []
        return sql, [*params, *page_params]


def page_sql(compiler: Any, limit: Param | None, offset: Param | None) -> tuple[str, list[Any]]:
    """Write LIMIT and OFFSET with holes, which a sliced QuerySet cannot have."""
    sql, params = "", []
    for word, value in ((" LIMIT ", limit), (" OFFSET ", offset)):
        if value is not None:
            value_sql, own = compiler.compile(value)
            sql += word + value_sql
            params += own
    return sql, params


def json_object(members: Iterable[tuple[str, list[Piece]]]) -> Concat:
    """Make an object of names and the pieces of their values."""
    pieces: list[Piece] = []
    for name, value in members:
        # names are GraphQL names: nothing in them needs escaping
        pieces += [f'{"," if pieces else "{"}"{name}":', *value]
    return Concat(*pieces, "}") if pieces else Concat("{}")
