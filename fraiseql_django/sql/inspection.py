"""What the database knows of views, tables and functions: its own catalogue, asked in a few statements.

What belongs to an extension or to PostgreSQL is left out, as are trigger functions, aggregates and procedures.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .script import parse_name, quoted, written_name

# How many rows of a view are read to learn what its JSON holds
SAMPLE_ROWS = 100

# What a name without its schema finds, or all of one schema
_SCOPE = """CASE WHEN %(schema)s::text IS NULL THEN {visible} ELSE n.nspname = %(schema)s END
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relispopulated, obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(%(kinds)s) AND {_SCOPE.format(visible="pg_table_is_visible(c.oid)")}
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname, n.nspname
"""
_COLUMNS = """
SELECT a.attrelid, a.attname, a.atttypid, a.attnotnull, col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_FUNCTIONS = f"""
SELECT n.nspname, p.proname, p.proargnames, p.proargmodes::text[], coalesce(p.proallargtypes, p.proargtypes::oid[]),
       p.pronargdefaults, obj_description(p.oid, 'pg_proc')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'f' AND {_SCOPE.format(visible="pg_function_is_visible(p.oid)")}
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname, n.nspname, pg_get_function_identity_arguments(p.oid)
"""
_TYPES = "SELECT oid, typname, typtype, typbasetype, typelem, typcategory, format_type(oid, NULL) FROM pg_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """``base`` is the name in pg_type, of a domain its base's, of an array its elements'; ``shown`` is SQL's."""

    base: str
    shown: str
    is_array: bool = False
    is_enum: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a view or table, or an argument of a function; ``nullable`` as far as PostgreSQL knows."""

    name: str
    type: Type
    nullable: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A view or table; ``documents`` is what some rows of its JSON column hold, None where it has none."""

    schema: str
    name: str
    comment: str | None
    columns: tuple[Column, ...]
    documents: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function, with the arguments that it takes."""

    schema: str
    name: str
    comment: str | None
    arguments: tuple[Column, ...]

    @property
    def takes_document(self) -> bool:
        """Whether one JSON value is all that it takes."""
        return len(self.arguments) == 1 and is_json(self.arguments[0].type)


def is_json(type_: Type) -> bool:
    """Whether values of a type are JSON."""
    return type_.base in ("json", "jsonb") and not type_.is_array


def inspect(
    connection: Any, names: Sequence[str], schema: str | None, json_column: str
) -> tuple[list[Relation], list[Function]]:
    """Return the views and functions of a schema, of the search path where it is None, each by name.

    ``names`` narrows them to those named, tables among them. Without, functions are those that take one JSON
    value or are called fn_…. Raises ValueError for a name that nothing has.
    """
    asked = [parse_name(name) for name in names]
    places = dict.fromkeys(name[0] if len(name) > 1 else schema for name in asked) or {schema: None}
    catalogue = _Catalogue(connection)
    relations: list[Relation] = []
    functions: list[Function] = []
    for place in places:
        bare = {name[-1] for name in asked if (name[0] if len(name) > 1 else schema) == place} if asked else None
        relations += catalogue.relations(place, bare, json_column)
        functions += catalogue.functions(place, bare)
    there = {(item.schema, item.name) for item in relations} | {(item.schema, item.name) for item in functions}
    for asked_for in asked:
        if not any(asked_for in (pair, pair[1:]) for pair in there):
            where = f"schema {schema!r}" if schema and len(asked_for) == 1 else "the database"
            raise ValueError(f"{where} has no view, table or function {written_name(asked_for)!r} to be declared")
    return relations, functions


class _Catalogue:
    """Asks one connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._types: Mapping[int, Sequence[Any]] = {row[0]: row[1:] for row in self._rows(_TYPES)}

    def relations(self, schema: str | None, names: Collection[str] | None, json_column: str) -> Iterator[Relation]:
        """Yield views, and of those named also tables."""
        kinds = ["v", "m"] if names is None else ["v", "m", "r", "p", "f"]
        found = [
            row
            for row in self._rows(_RELATIONS, {"schema": schema, "kinds": kinds})
            if names is None or row[2] in names
        ]
        columns: dict[int, list[Column]] = {row[0]: [] for row in found}
        for oid, name, type_, not_null, comment in self._rows(_COLUMNS, [list(columns)]):
            # a view's columns are never NOT NULL; a key is
            nullable = not not_null and name != "id"
            columns[oid].append(Column(name=name, type=self._type(type_), nullable=nullable, comment=comment))
        for oid, namespace, name, is_populated, comment in found:
            has_json = any(column.name == json_column and is_json(column.type) for column in columns[oid])
            documents = self._documents((namespace, name), json_column) if has_json and is_populated else []
            yield Relation(
                schema=namespace,
                name=name,
                comment=comment,
                columns=tuple(columns[oid]),
                documents=tuple(documents) if has_json else None,
            )

    def functions(self, schema: str | None, names: Collection[str] | None) -> Iterator[Function]:
        """Yield functions that a mutation can call."""
        for namespace, name, labels, modes, types, defaults, comment in self._rows(_FUNCTIONS, {"schema": schema}):
            arguments = self._arguments(labels or [], modes or ["i"] * len(types), types, defaults)
            function = Function(schema=namespace, name=name, comment=comment, arguments=tuple(arguments))
            if name in names if names is not None else name.startswith("fn_") or function.takes_document:
                yield function

    def _arguments(
        self, labels: Sequence[str], modes: Sequence[str], types: Sequence[int], defaults: int
    ) -> list[Column]:
        """Return those that are given values; the last of them have the defaults."""
        named = [*labels, *[""] * (len(types) - len(labels))]
        taken = [(name, type_) for name, mode, type_ in zip(named, modes, types, strict=True) if mode in "ibv"]
        return [
            Column(name=name, type=self._type(type_), nullable=place >= len(taken) - defaults)
            for place, (name, type_) in enumerate(taken)
        ]

    def _documents(self, name: tuple[str, str], column: str) -> list[Any]:
        sql = f"SELECT {quoted((column,))}::text FROM {quoted(name)} LIMIT {SAMPLE_ROWS}"
        return [json.loads(row[0], parse_float=Decimal) for row in self._rows(sql) if row[0] is not None]

    def _type(self, oid: int) -> Type:
        name, kind, base, element, category, shown = self._types[oid]
        if kind == "d":
            inner = self._type(base)
            return Type(base=inner.base, shown=shown, is_array=inner.is_array, is_enum=inner.is_enum)
        if category == "A" and element:
            inner = self._type(element)
            return Type(base=inner.base, shown=shown, is_array=True, is_enum=inner.is_enum)
        return Type(base=name, shown=shown, is_enum=kind == "e")

    def _rows(self, sql: str, params: Any = None) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[Any] = cursor.fetchall()
        return rows
