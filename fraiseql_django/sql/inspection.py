"""Reads the views, tables and functions of a database from PostgreSQL's catalogue.

Objects of extensions and of PostgreSQL itself are left out, as are trigger functions, aggregates and procedures.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .script import Name, parse_name, quoted, written_name

# Number of rows of a view that are read to find the keys of its JSON documents
SAMPLE_ROWS = 100

# Objects of one schema, or those that a name without a schema finds; never those of PostgreSQL itself
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
class InspectedType:
    """The type of a column or an argument.

    ``base`` is its name in pg_type; for a domain the name of the base type, for an array that of the elements.
    ``shown`` is the type as SQL writes it.
    """

    base: str
    shown: str
    is_array: bool = False
    is_enum: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedColumn:
    """A column of a view or table, or an argument of a function.

    ``nullable`` is False for a NOT NULL column and for a column ``id``. An argument with a default is nullable.
    """

    name: str
    type: InspectedType
    nullable: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedRelation:
    """A view or table; ``documents`` are some values of its JSON column, None if it has no such column."""

    schema: str
    name: str
    comment: str | None
    columns: tuple[InspectedColumn, ...]
    documents: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedFunction:
    """A function with its input arguments."""

    schema: str
    name: str
    comment: str | None
    arguments: tuple[InspectedColumn, ...]

    @property
    def takes_document(self) -> bool:
        """Whether its only argument is a JSON value."""
        return len(self.arguments) == 1 and is_json(self.arguments[0].type)


def is_json(type_: InspectedType) -> bool:
    """Whether a type is json or jsonb, but not an array of these."""
    return type_.base in ("json", "jsonb") and not type_.is_array


def inspect(
    connection: Any, names: Sequence[str], schema: str | None, json_column: str
) -> tuple[list[InspectedRelation], list[InspectedFunction]]:
    """Return the views and functions of a schema, or of the search path if it is None, sorted by name.

    With ``names``, return the views, tables and functions with these names. Without, return all views, and the
    functions that take one JSON value or whose names begin with "fn_". Raises ValueError for a name that does not
    exist.
    """
    wanted = [parse_name(name) for name in names]
    schemas = dict.fromkeys(_schema_of(name, schema) for name in wanted) or {schema: None}
    catalog = _CatalogReader(connection)
    relations: list[InspectedRelation] = []
    functions: list[InspectedFunction] = []
    for current in schemas:
        bare = {name[-1] for name in wanted if _schema_of(name, schema) == current} if wanted else None
        relations += catalog.relations(current, bare, json_column)
        functions += catalog.functions(current, bare)
    existing = {(item.schema, item.name) for item in relations} | {(item.schema, item.name) for item in functions}
    for name in wanted:
        if not any(name in (pair, pair[1:]) for pair in existing):
            where = f"schema {schema!r}" if schema and len(name) == 1 else "the database"
            raise ValueError(f"{where} has no view, table or function {written_name(name)!r} to be declared")
    return relations, functions


def _schema_of(name: Name, default: str | None) -> str | None:
    return name[0] if len(name) > 1 else default


class _CatalogReader:
    """Reads the catalogue of one connection's database."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._types: Mapping[int, Sequence[Any]] = {row[0]: row[1:] for row in self._rows(_TYPES)}

    def relations(
        self, schema: str | None, names: Collection[str] | None, json_column: str
    ) -> Iterator[InspectedRelation]:
        """Yield the views of a schema; with ``names``, the views and tables of these names."""
        kinds = ["v", "m"] if names is None else ["v", "m", "r", "p", "f"]
        rows = [
            row
            for row in self._rows(_RELATIONS, {"schema": schema, "kinds": kinds})
            if names is None or row[2] in names
        ]
        columns: dict[int, list[InspectedColumn]] = {row[0]: [] for row in rows}
        for oid, name, type_, not_null, comment in self._rows(_COLUMNS, [list(columns)]):
            # PostgreSQL has no NOT NULL for columns of views, but "id" is a key
            nullable = not not_null and name != "id"
            columns[oid].append(InspectedColumn(name=name, type=self._type(type_), nullable=nullable, comment=comment))
        for oid, namespace, name, is_populated, comment in rows:
            has_json = any(column.name == json_column and is_json(column.type) for column in columns[oid])
            documents = self._documents((namespace, name), json_column) if has_json and is_populated else []
            yield InspectedRelation(
                schema=namespace,
                name=name,
                comment=comment,
                columns=tuple(columns[oid]),
                documents=tuple(documents) if has_json else None,
            )

    def functions(self, schema: str | None, names: Collection[str] | None) -> Iterator[InspectedFunction]:
        """Yield the functions of a schema that a mutation can call; with ``names``, those of these names."""
        for namespace, name, labels, modes, types, defaults, comment in self._rows(_FUNCTIONS, {"schema": schema}):
            arguments = self._arguments(labels or [], modes or ["i"] * len(types), types, defaults)
            function = InspectedFunction(schema=namespace, name=name, comment=comment, arguments=tuple(arguments))
            if name in names if names is not None else name.startswith("fn_") or function.takes_document:
                yield function

    def _arguments(
        self, labels: Sequence[str], modes: Sequence[str], types: Sequence[int], defaults: int
    ) -> list[InspectedColumn]:
        """Return the input arguments; defaults belong to the last ones (PostgreSQL documentation, pg_proc)."""
        all_names = [*labels, *[""] * (len(types) - len(labels))]
        inputs = [(name, type_) for name, mode, type_ in zip(all_names, modes, types, strict=True) if mode in "ibv"]
        return [
            InspectedColumn(name=name, type=self._type(type_), nullable=position >= len(inputs) - defaults)
            for position, (name, type_) in enumerate(inputs)
        ]

    def _documents(self, name: tuple[str, str], column: str) -> list[Any]:
        sql = f"SELECT {quoted((column,))}::text FROM {quoted(name)} LIMIT {SAMPLE_ROWS}"
        return [json.loads(row[0], parse_float=Decimal) for row in self._rows(sql) if row[0] is not None]

    def _type(self, oid: int) -> InspectedType:
        name, kind, base, element, category, shown = self._types[oid]
        if kind == "d":
            inner = self._type(base)
            return InspectedType(base=inner.base, shown=shown, is_array=inner.is_array, is_enum=inner.is_enum)
        if category == "A" and element:
            inner = self._type(element)
            return InspectedType(base=inner.base, shown=shown, is_array=True, is_enum=inner.is_enum)
        return InspectedType(base=name, shown=shown, is_enum=kind == "e")

    def _rows(self, sql: str, params: Any = None) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            rows: list[Any] = cursor.fetchall()
        return rows
