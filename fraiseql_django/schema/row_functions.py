"""PostgreSQL functions of a row: what PostGraphile calls computed columns."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Func

from .._django import key_fields, quoted_alias
from ..declare.sources import quoted
from ..invalidation.names import parts


def sql_name(function: str) -> str:
    """Return the name of a function as SQL writes it, quoted; ``"stock.free"`` has a schema."""
    return ".".join(quoted(part) for part in parts(function)).replace("%", "%%")


class RowFunction(Func):
    """The value of a PostgreSQL function for a row of a model, which is its first argument; others are named."""

    def __init__(self, model: Any, function: str, output_field: Any, **given: Any) -> None:
        # a column that tells which table of the query is meant
        known = F(key_fields(model)[0].attname)
        super().__init__(known, *given.values(), output_field=output_field)
        self.called = function
        self.given = tuple(given)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        known, *values = self.get_source_expressions()
        arguments, params = [f"{quoted_alias(compiler, known)}.*"], []
        for name, value in zip(self.given, values, strict=True):
            sql, own = compiler.compile(value)
            arguments.append(f"{quoted(name)} => {sql}")
            params += own
        return f"{sql_name(self.called)}({', '.join(arguments)})", params
