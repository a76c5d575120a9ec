"""PostgreSQL functions of a row: what PostGraphile calls computed columns."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Func

from .._django import key_fields, quoted_alias
from ..declare.sources import quoted
from ..invalidation.catalog import columns_of
from ..invalidation.names import parts


def sql_name(function: str) -> str:
    """Return the name of a function as SQL writes it, quoted; ``"stock.free"`` has a schema."""
    return ".".join(quoted(part) for part in parts(function)).replace("%", "%%")


def quoted_table(model: Any) -> str:
    """Return the name of a model's table, quoted; one that is quoted already is as Django writes it."""
    name: str = model._meta.db_table
    return (name if name.startswith('"') else quoted(name)).replace("%", "%%")


class RowFunction(Func):
    """The value of a PostgreSQL function for a row of a model, which is its first argument; others are named."""

    def __init__(self, model: Any, function: str, output_field: Any, **given: Any) -> None:
        # a column that tells which table of the query is meant
        known = F(key_fields(model)[0].attname)
        super().__init__(known, *given.values(), output_field=output_field)
        self.model = model
        self.called = function
        self.given = tuple(given)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        known, *values = self.get_source_expressions()
        arguments, params = [self._row(quoted_alias(compiler, known), connection.alias)], []
        for name, value in zip(self.given, values, strict=True):
            sql, own = compiler.compile(value)
            arguments.append(f"{quoted(name)} => {sql}")
            params += own
        return f"{sql_name(self.called)}({', '.join(arguments)})", params

    def _row(self, alias: str, database: str) -> str:
        """Return the row as a value of the table's type.

        Where rows have been chosen by a function, other columns stand beside the table's in ``alias.*``.
        """
        columns = [f"{alias}.{quoted(name)}".replace("%", "%%") for name in columns_of(self.model, database)]
        if not columns:
            return f"{alias}.*"
        return f"ROW({', '.join(columns)})::{quoted_table(self.model)}"
