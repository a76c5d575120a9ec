"""Sources: the views, materialised views and tables without a model that types are declared over.

A Django model of its own, hidden from the project, stands for each, so that the ORM compiles queries on it. The model
has one field, the anchor: any column that certainly exists. Other columns are written into the SQL by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.apps.registry import Apps
from django.db import models

from ..errors import DeclarationError
from ..invalidation.names import NAME, parts

ANCHOR = "anchor"
_QUALIFIED = re.compile(rf"{NAME}(?:\s*\.\s*{NAME})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The source of ``@type(sql_source=…)``.

    ``table``  the name as SQL writes it, quoted where it has a schema
    ``json``   the column that holds each row as a JSON object; None where each field is a column
    ``key``    the fields that identify a row, by Python name; None where they were not named
    ``reads``  the tables below it that the declaration names
    """

    table: str
    json: str | None = None
    key: tuple[str, ...] | None = None
    reads: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The name with quotes."""
        return self.table if self.table.startswith('"') else quoted(self.table)


def make_source(
    sql_source: Any, jsonb_column: Any = None, key: str | Collection[str] | None = None, reads: Any = ()
) -> Source:
    """Return the source of these arguments; raise DeclarationError for arguments that describe none."""
    if jsonb_column is not None and not (isinstance(jsonb_column, str) and jsonb_column):
        raise DeclarationError(f"jsonb_column is {jsonb_column!r}, must be a column's name, or None for plain columns")
    if isinstance(reads, str) or not all(isinstance(name, str) and re.search(NAME, name) for name in reads):
        raise DeclarationError(f"reads is {reads!r}, must be a list of tables' names")
    names = (key,) if isinstance(key, str) else key
    if names is not None and not (names and all(isinstance(name, str) for name in names)):
        raise DeclarationError(f"key is {key!r}, must be a field's name, or a list of them")
    return Source(
        table=_table(sql_source),
        json=jsonb_column,
        key=None if names is None else tuple(names),
        reads=tuple(reads),
    )


def _table(sql_source: Any) -> str:
    """Return the name as Django's ``db_table`` takes it: case stays as it is written."""
    if isinstance(sql_source, str) and "%s" not in sql_source:
        if '"' in sql_source:
            if _QUALIFIED.fullmatch(sql_source):
                return ".".join(map(quoted, parts(sql_source)))
        elif 1 <= len(names := sql_source.split(".")) <= 2 and all(names):
            return sql_source if len(names) == 1 else ".".join(map(quoted, names))
    raise DeclarationError(
        f"sql_source is {sql_source!r}, must be the name of a view or table: 'v_book', 'shop.v_book', "
        f"or quoted as in SQL where a part has a dot"
    )


def quoted(name: str) -> str:
    """Quote an identifier; Django does not quote one that has quotes in it."""
    return '"' + name.replace('"', '""') + '"'


def source_model(name: str, source: Source, anchor: str) -> type[models.Model]:
    """Make the model that stands for a source; ``anchor`` is a column that it has.

    A registry of its own keeps it out of migrations, content types and the admin.
    """
    meta = type(
        "Meta",
        (),
        {"managed": False, "db_table": source.table, "app_label": "fraiseql_django", "apps": Apps(())},
    )
    # Django needs a primary key; no query uses this one
    field: Any = models.Field(primary_key=True, db_column=anchor)
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, ANCHOR: field})
