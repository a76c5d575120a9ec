"""What of the database the schema reads: its tables, and the columns of each.

The models' own columns are taken from the queries that Django's ORM makes of them, so that inherited
tables, the filters of default managers, default orders and computed fields are counted as they are read.
Of a source it is the column that holds the JSON, or those that are declared; what else a source may have is
looked up when it is needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models.expressions import Col
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.sql import Query

from ..schema.build import Schema
from ..schema.definition import Column, Computed, Embedded, Extracted, Key, Link, Nested, Relation, TypeDef
from .ordering import key_columns, ordered

Tables: TypeAlias = dict[str, set[str]]


def tables_read(schema: Schema, alias: str) -> Tables:
    """Return the columns that operations may read, by table; names are those of ``Meta.db_table``."""
    found: Tables = defaultdict(set)
    for definition in schema.types.values():
        if definition.source is not None:
            found[definition.source.table] |= _columns_of_source(definition)
        else:
            for queryset in _queries(definition, alias):
                _note_query(queryset, alias, found)
        for field in definition.fields.values():
            if isinstance(field, Relation):
                _note_relation(definition.model, field, found)
            elif isinstance(field, Link):
                _note_key(definition, field.here, found)
                _note_key(schema.types[field.target], field.there, found)
    return dict(found)


def _columns_of_source(definition: TypeDef) -> set[str]:
    if definition.source is not None and definition.source.json is not None:
        return {definition.source.json}
    return {field.key for field in definition.fields.values() if isinstance(field, (Extracted, Nested))}


def _note_key(definition: TypeDef, key: Key, found: Tables) -> None:
    """Note what a relation compares; a declared value of a source has been noted with the source."""
    if isinstance(key, Column):
        field: Any = definition.model._meta.get_field(key.column)
        found[field.model._meta.db_table].add(field.column)
    elif isinstance(key, str) and definition.source is not None:
        found[definition.source.table].add(key)


def _queries(definition: TypeDef, alias: str) -> Iterator[models.QuerySet[Any, Any]]:
    model = definition.model
    names = key_columns(model)
    for field in definition.fields.values():
        if isinstance(field, Column):
            names.append(field.column)
        elif isinstance(field, Embedded):
            names += [field.column, *(part.column for part in field.parts.values() if part.column)]
        elif isinstance(field, Computed):
            yield model._base_manager.using(alias).annotate(fraiseql_value=field.expression).values("fraiseql_value")
    yield ordered(model._default_manager.using(alias), [], alias).values(*dict.fromkeys(names))


def _note_query(queryset: models.QuerySet[Any, Any], alias: str, found: Tables) -> None:
    compiler = queryset.query.get_compiler(alias)
    try:
        # joins that an order takes are there only afterwards
        compiler.as_sql()
    except EmptyResultSet:
        return
    order = [expression for expression, _ in compiler.get_order_by()]
    _note(compiler.query, {}, [*(expression for expression, *_ in compiler.select), *order], found)


def _note(query: Query, outer: Mapping[str, str], expressions: Iterable[Any], found: Tables) -> None:
    tables: dict[str, str] = dict(outer)
    joins: list[Any] = [join for name, join in query.alias_map.items() if query.alias_refcount[name]]
    tables.update((join.table_alias, join.table_name) for join in joins)
    for join in joins:
        for left, right in getattr(join, "join_cols", None) or ():
            found[tables[join.parent_alias]].add(left)
            found[join.table_name].add(right)
    for expression in (*expressions, *query.annotations.values(), query.where):
        for node in _nodes(expression):
            if isinstance(node, Query):
                _note(node, tables, node.select, found)
            elif isinstance(node, Col) and node.alias in tables:
                target: Any = node.target
                found[tables[node.alias]].add(target.column)


def _nodes(expression: Any) -> Iterator[Any]:
    """Yield an expression and all that it is made of; a condition has no ``flatten``."""
    yield expression
    if hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            yield from _nodes(part)


def _note_relation(model: type[models.Model], relation: Relation, found: Tables) -> None:
    named: Any = model._meta.get_field(relation.path)
    field: Any = named.remote_field if isinstance(named, ForeignObjectRel) else named
    if field.many_to_many:
        found[field.m2m_db_table()] |= {field.m2m_column_name(), field.m2m_reverse_name()}
    else:
        found[field.model._meta.db_table].add(field.column)
