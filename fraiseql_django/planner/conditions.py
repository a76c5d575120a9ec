"""Conditions as ORM expressions, written in SQL's own words."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models import BooleanField, Func, Q


class Compare(Func):
    """A comparison of the table of operators, as a condition of the ORM."""

    conditional = True

    def __init__(self, sql: str, *expressions: Any) -> None:
        super().__init__(*expressions, output_field=BooleanField())
        self.sql = sql

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        compiled = [compiler.compile(expression) for expression in self.get_source_expressions()]
        names = ("column", "value")
        sql = self.sql.format(**{name: sql for name, (sql, _) in zip(names, compiled, strict=False)})
        return f"({sql})", [param for _, own in compiled for param in own]


class Combined(Func):
    """A condition inside SQL: ``NOT ({0})`` as SQL has it, where ~Q would add conditions on nulls.

    ``{1}`` … stand for further expressions, each as often as it likes.
    """

    conditional = True

    def __init__(self, sql: str, condition: Q, *expressions: Any) -> None:
        super().__init__(condition, *expressions, output_field=BooleanField())
        self.sql = sql

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        condition, *others = self.get_source_expressions()
        try:
            compiled = [compiler.compile(condition)]
        except EmptyResultSet:
            compiled = [("FALSE", [])]
        except FullResultSet:
            compiled = [("TRUE", [])]
        compiled += [compiler.compile(expression) for expression in others]
        params: list[Any] = []

        def put(found: re.Match[str]) -> str:
            sql, own = compiled[int(found.group(1))]
            params.extend(own)
            return str(sql)

        return re.sub(r"\{(\d+)\}", put, self.sql), params
