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
# Names of what there is that an error lists
MAX_NAMES = 50

_VIEWS, _TABLES = ("v", "m"), ("r", "p", "f")
# What has rows of its own: tables, and those with partitions
_OF_ROWS = ("r", "p")
# Objects of one schema, or those that a name without a schema finds; never those of PostgreSQL itself
_SCOPE = """CASE WHEN %(schema)s::text IS NULL THEN {visible} ELSE n.nspname = %(schema)s END
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_RELATIONS = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispopulated, c.relispartition,
       obj_description(c.oid, 'pg_class')
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
# Of a key on expressions, or on a part of the rows, no row can be found by columns alone
_KEYS = """
SELECT i.indrelid, i.indisprimary,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indrelid, i.indkey::text, c.relname
"""
_FOREIGN_KEYS = """
SELECT f.conrelid, n.nspname, c.relname,
       ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k(number, place)
             JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number ORDER BY k.place),
       ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k(number, place)
             JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE f.conrelid = ANY(%s) AND f.contype = 'f' AND f.conparentid = 0
ORDER BY f.conrelid, f.conkey, f.conname
"""
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
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
class ForeignKey:
    """The columns of a table that refer to those of another one, its ``target`` (schema and name)."""

    columns: tuple[str, ...]
    target: tuple[str, str]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedRelation:
    """A view or table; ``documents`` are some values of its JSON column, None if its columns are to be declared.

    ``primary`` is the primary key, ``unique`` are its other keys; views have none.
    """

    schema: str
    name: str
    comment: str | None
    columns: tuple[InspectedColumn, ...]
    documents: tuple[Any, ...] | None
    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign: tuple[ForeignKey, ...] = ()


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
    connection: Any, names: Sequence[str], schema: str | None, json_column: str, *, tables: bool = False
) -> tuple[list[InspectedRelation], list[InspectedFunction]]:
    """Return the views and functions of a schema, or of the search path if it is None, sorted by name.

    With ``names``, return the views, tables and functions with these names. Without, return all views, and the
    functions that take one JSON value or whose names begin with "fn_"; with ``tables`` all tables as well, except
    partitions. Raises ValueError for a schema or a name that does not exist.
    """
    wanted = [parse_name(name) for name in names]
    schemas = dict.fromkeys(_schema_of(name, schema) for name in wanted) or {schema: None}
    catalog = _CatalogReader(connection)
    existing_schemas = catalog.schemas()
    for current in schemas:
        if current is not None and current not in existing_schemas:
            raise ValueError(f"there is no schema {current!r}; must be one of: {', '.join(existing_schemas)}")
    relations: list[InspectedRelation] = []
    functions: list[InspectedFunction] = []
    for current in schemas:
        bare = {name[-1] for name in wanted if _schema_of(name, schema) == current} if wanted else None
        relations += catalog.relations(current, bare, json_column, tables=tables)
        functions += catalog.functions(current, bare)
    existing = {(item.schema, item.name) for item in relations} | {(item.schema, item.name) for item in functions}
    for name in wanted:
        if not any(name in (pair, pair[1:]) for pair in existing):
            where = f"schema {_schema_of(name, schema)!r}" if schema and len(name) == 1 else "the database"
            known = catalog.names(_schema_of(name, schema))
            raise ValueError(
                f"{where} has no view, table or function {written_name(name)!r} to be declared; {_listed(known)}"
            )
    return relations, functions


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "it has none at all"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"must be one of: {', '.join(names[:MAX_NAMES])}{more}"


def _schema_of(name: Name, default: str | None) -> str | None:
    return name[0] if len(name) > 1 else default


class _CatalogReader:
    """Reads the catalogue of one connection's database."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._types: Mapping[int, Sequence[Any]] = {row[0]: row[1:] for row in self._rows(_TYPES)}

    def schemas(self) -> list[str]:
        """Return the names of all schemas, except PostgreSQL's own."""
        return [name for (name,) in self._rows(_SCHEMAS)]

    def names(self, schema: str | None) -> list[str]:
        """Return the names of the views, tables and functions of a schema that can be declared, sorted."""
        relations = self._rows(_RELATIONS, {"schema": schema, "kinds": [*_VIEWS, *_TABLES]})
        functions = self._rows(_FUNCTIONS, {"schema": schema})
        return sorted({row[2] for row in relations if not row[5]} | {row[1] for row in functions})

    def relations(
        self, schema: str | None, names: Collection[str] | None, json_column: str, *, tables: bool
    ) -> Iterator[InspectedRelation]:
        """Yield the views of a schema, with ``tables`` its tables; with ``names``, the views and tables of these."""
        kinds = [*_VIEWS, *(_TABLES if tables or names is not None else ())]
        rows = [
            row
            for row in self._rows(_RELATIONS, {"schema": schema, "kinds": kinds})
            if (row[2] in names if names is not None else not row[5])
        ]
        columns: dict[int, list[InspectedColumn]] = {row[0]: [] for row in rows}
        for oid, name, type_, not_null, comment in self._rows(_COLUMNS, [list(columns)]):
            # PostgreSQL has no NOT NULL for columns of views, but "id" is a key
            nullable = not not_null and name != "id"
            columns[oid].append(InspectedColumn(name=name, type=self._type(type_), nullable=nullable, comment=comment))
        keys = self._rows(_KEYS, [list(columns)])
        foreign = self._rows(_FOREIGN_KEYS, [list(columns)])
        for oid, namespace, name, kind, is_populated, _, comment in rows:
            has_json = any(column.name == json_column and is_json(column.type) for column in columns[oid])
            # rows of a table are its columns; tables like tv_book have what a view would, as documents
            has_json = has_json and (kind not in _OF_ROWS or name.startswith("tv_"))
            documents = self._documents((namespace, name), json_column) if has_json and is_populated else []
            yield InspectedRelation(
                schema=namespace,
                name=name,
                comment=comment,
                columns=tuple(columns[oid]),
                documents=tuple(documents) if has_json else None,
                primary=next((tuple(key) for of, is_primary, key in keys if of == oid and is_primary), ()),
                unique=tuple(dict.fromkeys(tuple(key) for of, is_primary, key in keys if of == oid and not is_primary)),
                foreign=tuple(
                    ForeignKey(columns=tuple(own), target=(where, table), to=tuple(to))
                    for of, where, table, own, to in foreign
                    if of == oid
                ),
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
