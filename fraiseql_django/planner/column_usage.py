"""Which tables and columns the schema can read.

The models' own columns are taken from the queries that Django's ORM makes of them, so that inherited tables, the
filters of default managers, default orders and computed fields are counted as they are read. Of a source it is the
column that holds the JSON, or those that are declared; what else a source may have is looked up when it is needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from django.db import models

from .._django import all_rows, columns_read, default_rows, free_name
from ..schema.build import Schema
from ..schema.definition import TypeDef
from .kinds import kind_of
from .ordering import key_columns

Tables: TypeAlias = dict[str, set[str]]


def readable_columns(schema: Schema, alias: str) -> Tables:
    """Return the columns that operations may read, by table; names are those of ``Meta.db_table``."""
    usage = _Usage(schema.types, alias)
    for definition in schema.types.values():
        if definition.source is not None and definition.source.json is not None:
            usage.found[definition.source.table].add(definition.source.json)
        for field in definition.fields.values():
            kind_of(field).note_columns(usage, definition, field)
        if definition.source is None:
            usage.rows(definition)
    return dict(usage.found)


class _Usage:
    """Gathers columns; it is the ColumnUsage that kinds of fields are given."""

    def __init__(self, types: Mapping[str, TypeDef], alias: str) -> None:
        self.types = types
        self.alias = alias
        self.found: Tables = defaultdict(set)
        self._names: dict[Any, list[str]] = defaultdict(list)

    def column(self, model: Any, name: str) -> None:
        """Note a column of a model, by the ORM's name: it may be in an inherited table."""
        field: Any = model._meta.get_field(name)
        self.found[field.model._meta.db_table].add(field.column)
        self._names[model].append(name)

    def expression(self, model: Any, expression: Any) -> None:
        """Note what an ORM expression over a model reads."""
        name = free_name(model, "fraiseql_value")
        self._query(all_rows(model, self.alias).annotate(**{name: expression}).values(name))

    def of_source(self, owner: TypeDef, name: str) -> None:
        """Note a column of a source; where it holds JSON, that is the column."""
        if owner.source is not None and owner.source.json is None:
            self.found[owner.source.table].add(name)

    def table(self, table: str, columns: Iterable[str]) -> None:
        """Note columns of a table by their names in the database."""
        self.found[table].update(columns)

    def rows(self, definition: TypeDef) -> None:
        """Note what a list of a model's rows reads: its filters, joins and order, and the columns noted until now."""
        model = definition.model
        names = dict.fromkeys([*key_columns(model), *self._names[model]])
        self._query(default_rows(model, self.alias).values(*names))

    def _query(self, queryset: models.QuerySet[Any, Any]) -> None:
        for table, columns in columns_read(queryset, self.alias).items():
            self.table(table, columns)
