"""Every type of PostgreSQL in a column, declared as inspectdb prints it and as a careful person would.

Each column has three rows: two different samples and null. What is read can be sent back in every operator that the
schema offers, sorted by, and written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.contrib.postgres import fields as postgres
from django.contrib.postgres.search import SearchVectorField
from django.contrib.postgres.signals import get_hstore_oids, register_type_handlers
from django.core.management.commands.inspectdb import Command
from django.db import NotSupportedError, connection, models, transaction
from django.test.utils import isolate_apps
from django.utils.module_loading import import_string
from graphql import get_named_type
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.invalidation import catalog
from tests.support import data

pytestmark = pytest.mark.django_db

# Two different values of every built-in type, as PostgreSQL reads them
SAMPLES: Mapping[str, tuple[str, str]] = {
    "bool": ("false", "true"),
    "date": ("2024-02-29", "2024-05-31"),
    "time": ("09:30:00", "13:45:00.5"),
    "timetz": ("09:30:00+02", "13:45:00.5-03:30"),
    "timestamp": ("2024-05-31 13:45:00", "2024-10-27 02:30:00.5"),
    "timestamptz": ("2024-05-31 13:45:00+02", "2024-10-27 02:30:00.5+02"),
    "interval": ("1 day 02:03:04", "-3 days"),
    "box": ("(2,2),(0,0)", "(3,3),(1,1)"),  # of the same area, which "=" compares
    "circle": ("<(0,0),1>", "<(5,5),1>"),
    "line": ("{1,-1,0}", "{2,-1,0}"),
    "lseg": ("[(0,0),(1,1)]", "[(0,0),(2,2)]"),
    "path": ("((0,0),(1,1))", "[(0,0),(2,2)]"),
    "point": ("(0,0)", "(1.5,2)"),
    "polygon": ("((0,0),(1,1),(1,0))", "((5,5),(6,6),(6,5))"),
    "cidr": ("10.1.0.0/16", "192.0.2.1/32"),
    "inet": ("10.1.2.3/16", "192.0.2.1"),
    "float4": ("0.1", "1e+20"),
    "float8": ("0.1", "1.7976931348623157e+308"),
    "int2": ("-5", "32767"),
    "int4": ("-5", "2147483647"),
    "int8": ("-5", "9223372036854775807"),
    "money": ("-$1.50", "$2,000.00"),
    "numeric": ("0.100000000000000000000000000001", "123456789012345678901234567890.5"),
    "oid": ("7", "4294967295"),
    "regclass": ("pg_class", "pg_type"),
    "regcollation": ('"C"', '"POSIX"'),
    "regconfig": ("english", "simple"),
    "regdictionary": ("english_stem", "simple"),
    "regnamespace": ("pg_catalog", "information_schema"),
    "regoper": ("||/", "|/"),
    "regoperator": ("+(integer,integer)", "-(integer,integer)"),
    "regproc": ("now", "pg_sleep"),
    "regprocedure": ("abs(integer)", "abs(bigint)"),
    "regrole": ("pg_monitor", "pg_read_all_stats"),
    "regtype": ("integer", "text"),
    "bpchar": ("ab", "ab  c"),
    "name": ("ab", "cd"),
    "text": ('it\'s "quoted" {0} %s \\', "ab"),
    "varchar": ("", "ab"),
    "aclitem": ("pg_monitor=r/pg_monitor", "=r/pg_monitor"),
    "bytea": (r"\x6162", r"\xdeadbeef"),
    "cid": ("1", "2"),
    "json": ('{"b": 1, "a": [1, null]}', '"x"'),
    "jsonb": ('{"b": 1, "a": [1, null]}', '"x"'),
    "jsonpath": ('$."a"', '$."b"[*]'),
    "macaddr": ("08:00:2b:01:02:03", "08:00:2b:01:02:04"),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"),
    "pg_lsn": ("0/1", "16/B374D848"),
    "pg_snapshot": ("10:20:10,14", "10:20:15"),
    "txid_snapshot": ("10:20:10,14", "10:20:15"),
    "refcursor": ("one", "two"),
    "tid": ("(0,1)", "(2,3)"),
    "tsquery": ("'cat' & 'rat'", "'dog'"),
    "tsvector": ("'cat':3 'rat':1A", "'dog'"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "fffe4567-e89b-12d3-a456-426614174000"),
    "xid": ("1", "2"),
    "xid8": ("1", "2"),
    "xml": ("<a>1</a>", "<b/>"),
    "bit": ("101", "011"),
    "varbit": ("1", "10110"),
    "char": ("a", "b"),
    "int4range": ("[1,5)", "empty"),
    "int8range": ("[1,5)", "[7,)"),
    "numrange": ("[1.5,5]", "(,7)"),
    "daterange": ("[2024-01-01,2024-02-01)", "[2024-03-01,)"),
    "tsrange": ('["2024-01-01 10:00:00","2024-02-01 00:00:00")', '["2024-05-31 13:45:00",)'),
    "tstzrange": ('["2024-01-01 10:00:00+00","2024-02-01 00:00:00+00")', '["2024-05-31 13:45:00+02",)'),
    "int4multirange": ("{[1,5),[7,9)}", "{}"),
    "int8multirange": ("{[1,5),[7,9)}", "{}"),
    "nummultirange": ("{[1.5,5]}", "{}"),
    "datemultirange": ("{[2024-01-01,2024-02-01)}", "{}"),
    "tsmultirange": ('{["2024-01-01 10:00:00","2024-02-01 00:00:00")}', "{}"),
    "tstzmultirange": ('{["2024-01-01 10:00:00+00","2024-02-01 00:00:00+00")}', "{}"),
    "int2vector": ("1 2", "3"),
    "oidvector": ("1 2", "3"),
}
# No column of these can be filled by a user: their input is refused
WITHOUT_INPUT = {
    "gtsvector", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "pg_dependencies", "pg_mcv_list",
    "pg_ndistinct", "pg_node_tree",
}  # fmt: skip
# Types of the tests' own, and of extensions
OWN = {
    "mood": "CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy')",
    "address": "CREATE TYPE address AS (street text, number int)",
    "floatrange": "CREATE TYPE floatrange AS RANGE (subtype = float8)",
    "d_int4": "CREATE DOMAIN d_int4 AS int CHECK (VALUE < 100)",
    "d_text": "CREATE DOMAIN d_text AS text",
    "d_d_mood": "CREATE DOMAIN d_mood AS mood; CREATE DOMAIN d_d_mood AS d_mood",
    "d_uuid": "CREATE DOMAIN d_uuid AS uuid",
    "d_jsonb": "CREATE DOMAIN d_jsonb AS jsonb",
    "d_timestamp": "CREATE DOMAIN d_timestamp AS timestamp",
    "d_ints": "CREATE DOMAIN d_ints AS int[]",
}
OWN_SAMPLES: Mapping[str, tuple[str, str]] = {
    "mood": ("sad", "it's ok"),
    "address": ("(Elm,3)", '("Oak Street",4)'),
    "floatrange": ("[0.1,5)", "[7,)"),
    "d_int4": ("-5", "7"),
    "d_text": ("ab", "cd"),
    "d_d_mood": ("sad", "it's ok"),
    "d_uuid": SAMPLES["uuid"],
    "d_jsonb": SAMPLES["jsonb"],
    "d_timestamp": SAMPLES["timestamp"],
    "d_ints": ("{1,2}", "{3}"),
}
EXTENSIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "citext": {"citext": ("Ann@x.org", "bob@x.org")},
    "hstore": {"hstore": ('"a"=>"1", "b"=>NULL', '"c"=>"x\\"y"')},
    "ltree": {
        "ltree": ("top.science", "top.hobbies"),
        "lquery": ("top.*", "*.science@*"),
        "ltxtquery": ("science", "science & !hobbies"),
    },
    "uuid-ossp": {},
    "pg_trgm": {},
}
# What extensions make for their indexes only
OF_INDEXES = {"ghstore", "gtrgm", "ltree_gist"}
DECLARED: Mapping[str, Any] = {
    "bool": models.BooleanField(null=True, blank=True),
    "date": models.DateField(null=True, blank=True),
    "time": models.TimeField(null=True, blank=True),
    "timestamp": models.DateTimeField(null=True, blank=True),
    "timestamptz": models.DateTimeField(null=True, blank=True),
    "interval": models.DurationField(null=True, blank=True),
    "cidr": models.GenericIPAddressField(null=True, blank=True),
    "inet": models.GenericIPAddressField(null=True, blank=True),
    "float4": models.FloatField(null=True, blank=True),
    "float8": models.FloatField(null=True, blank=True),
    "int2": models.SmallIntegerField(null=True, blank=True),
    "int4": models.IntegerField(null=True, blank=True),
    "int8": models.BigIntegerField(null=True, blank=True),
    "money": models.DecimalField(null=True, blank=True, max_digits=12, decimal_places=2),
    "numeric": models.DecimalField(null=True, blank=True, max_digits=60, decimal_places=30),
    "oid": models.BigIntegerField(null=True, blank=True),
    "bytea": models.BinaryField(null=True, blank=True, editable=True),
    "json": models.JSONField(null=True, blank=True),
    "jsonb": models.JSONField(null=True, blank=True),
    "tsvector": SearchVectorField(null=True, blank=True),
    "uuid": models.UUIDField(null=True, blank=True),
    "int4range": postgres.IntegerRangeField(null=True, blank=True),
    "int8range": postgres.BigIntegerRangeField(null=True, blank=True),
    "numrange": postgres.DecimalRangeField(null=True, blank=True),
    "daterange": postgres.DateRangeField(null=True, blank=True),
    "tstzrange": postgres.DateTimeRangeField(null=True, blank=True),
    "mood": models.CharField(
        null=True, blank=True, max_length=20, choices=[(m, m) for m in ("sad", "it's ok", "happy")]
    ),
    "d_int4": models.IntegerField(null=True, blank=True),
    "d_uuid": models.UUIDField(null=True, blank=True),
    "d_jsonb": models.JSONField(null=True, blank=True),
    "d_timestamp": models.DateTimeField(null=True, blank=True),
    "d_ints": postgres.ArrayField(models.IntegerField(), null=True, blank=True),
    "hstore": postgres.HStoreField(null=True, blank=True),
}


class OfType(models.CharField):  # type: ignore[type-arg]
    """Text in a column of another type: ArrayField casts what it writes to its elements' type."""

    def __init__(self, *args: Any, type_: str = "text", **kwargs: Any) -> None:
        self.type_ = type_
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "type_": self.type_}

    def db_type(self, connection: Any) -> str:
        return self.type_


def column_of(name: str, is_array: bool) -> str:
    """Return the name of the column of a type, which is the same in GraphQL."""
    return ("many" if is_array else "one") + name.replace("_", "")


@dataclass(frozen=True)
class Matrix:
    """Types over the table, one for each column, which is declared in one way; their names are those of the columns."""

    engine: GraphQLEngine
    models: Mapping[str, Any]

    def type(self, name: str) -> Any:
        """Return a type of the schema."""
        return self.engine.schema.graphql.get_type(name)

    def filter(self, column: str) -> Mapping[str, Any]:
        """Return the operators that the schema offers for a column."""
        where = self.type(f"{column}Where").fields
        return get_named_type(where[column].type).fields if column in where else {}

    def is_sorted(self, column: str) -> bool:
        """Whether the schema offers to sort by a column."""
        return column in self.type(f"{column}OrderBy").fields


def samples_of(name: str, is_array: bool) -> tuple[str, str]:
    values = {**SAMPLES, **OWN_SAMPLES, **{k: v for types in EXTENSIONS.values() for k, v in types.items()}}[name]
    first, second = values
    return (_array(first, name), _array(second, name)) if is_array else values


def _array(text: str, name: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{{"{escaped}"{";" if name == "box" else ","}NULL}}'


def has_array(name: str) -> bool:
    # of domains as well
    return name not in ("int2vector", "oidvector", "d_ints", "address")


def _types_here(cursor: Any) -> list[str]:
    cursor.execute("SELECT name FROM pg_available_extensions")
    available = {name for (name,) in cursor.fetchall()}
    names = [name for name in SAMPLES if name != "xml" or _has_xml(cursor)] + list(OWN_SAMPLES)
    for extension, types in EXTENSIONS.items():
        if extension in available:
            cursor.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}"')
            names += types
    # psycopg reads and writes hstore where Django has found it in the database
    get_hstore_oids.cache_clear()
    register_type_handlers(connection)
    return names


def _has_xml(cursor: Any) -> bool:
    """Whether the server was built with XML, as the embedded one was not."""
    try:
        with transaction.atomic():
            cursor.execute("SELECT '<a/>'::xml")
    except NotSupportedError:
        return False
    return True


def _sql_of(name: str) -> str:
    return {"char": '"char"', "bit": "bit(3)", "numeric": "numeric(60, 30)", "bpchar": "char(5)"}.get(name, name)


def _create_table(cursor: Any, names: list[str]) -> None:
    for sql in OWN.values():
        cursor.execute(sql)
    columns = [(column_of(name, False), _sql_of(name), samples_of(name, False)) for name in names]
    columns += [
        (column_of(name, True), f"{_sql_of(name)}[]", samples_of(name, True)) for name in names if has_array(name)
    ]
    declared = ", ".join(f"{column} {type_}" for column, type_, _ in columns)
    cursor.execute(f"CREATE TABLE matrix (id int PRIMARY KEY, {declared})")
    for index in (0, 1):
        marks = ", ".join(["%s"] * len(columns))
        cursor.execute(f"INSERT INTO matrix VALUES ({index + 1}, {marks})", [values[index] for *_, values in columns])
    cursor.execute("INSERT INTO matrix (id) VALUES (3)")


def _inspected(cursor: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for row in connection.introspection.get_table_description(cursor, "matrix"):
        path, params, _ = Command().get_field_type(connection, "matrix", row)
        if row.name != "id":
            cls = import_string(path) if "." in path else getattr(models, path)
            fields[row.name] = cls(null=True, blank=True, **params)
    return fields


def _declared(names: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    # DateTimeRangeField writes NULL::tstzrange, so no row of a model with a tsrange behind it could be written
    for name in (name for name in names if name != "tsrange"):
        found = DECLARED.get(name)
        field = found.clone() if found is not None else models.CharField(null=True, blank=True, max_length=200)
        fields[column_of(name, False)] = field
        if isinstance(field, models.CharField):
            field = OfType(null=True, blank=True, max_length=200, choices=field.choices, type_=_sql_of(name))
        if has_array(name) and not isinstance(field, (postgres.RangeField, postgres.ArrayField, SearchVectorField)):
            fields[column_of(name, True)] = postgres.ArrayField(field.clone(), null=True, blank=True)
    return fields


def _matrix(prefix: str, fields: Mapping[str, Any]) -> Matrix:
    registry = Registry()
    found = {column: _model(prefix + column, column, field, registry) for column, field in fields.items()}
    settings = get_settings()
    settings = replace(settings, limits=replace(settings.limits, root_fields=None))
    return Matrix(GraphQLEngine(registry=registry, cache=None, settings=settings), found)


def _model(name: str, column: str, field: Any, registry: Registry) -> Any:
    body = {
        "id": models.IntegerField(primary_key=True),
        column: field,
        "__module__": __name__,
        "Meta": type("Meta", (), {"app_label": "zoo", "db_table": "matrix", "managed": False}),
    }
    model = type(name, (models.Model,), body)
    type_ = fraiseql.type(
        model, name=column, fields=["id", column], single=f"{column}Row", plural=f"{column}Rows", registry=registry
    )(type(column, (), {"__annotations__": {}}))
    # as inspectdb prints a BinaryField, it is not editable
    written = ["id", column] if field.editable else ["id"]
    fraiseql.create(type_, fields=written, name=f"{column}Add", registry=registry)
    return model


@pytest.fixture(scope="module")
def matrices(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Matrix]]:
    """Make the table, and an engine over it for each way to declare it."""
    with django_db_blocker.unblock(), transaction.atomic(), isolate_apps("tests.zoo"), connection.cursor() as cursor:
        # compiling such wide statements takes longer than running them
        cursor.execute("SET LOCAL jit = off")
        names = _types_here(cursor)
        _create_table(cursor, names)
        catalog.forget()
        yield {
            "inspectdb": _matrix("Inspected", _inspected(cursor)),
            "careful": _matrix("Declared", _declared(names)),
        }
        transaction.set_rollback(True)
    catalog.forget()
    get_hstore_oids.cache_clear()


# inspectdb prints a TextField for every array: some stand for all
INSPECTED_ARRAYS = {
    "bool",
    "int4",
    "text",
    "timestamptz",
    "jsonb",
    "box",
    "bytea",
    "mood",
    "d_text",
    "int4range",
    "citext",
}
CASES = [
    pytest.param(declared, name, is_array, id=f"{declared}-{name}{'[]' * is_array}")
    for declared in ("inspectdb", "careful")
    for name in [*SAMPLES, *OWN_SAMPLES, *(name for types in EXTENSIONS.values() for name in types)]
    for is_array in (False, True)
    if not is_array or (has_array(name) and (declared == "careful" or name in INSPECTED_ARRAYS))
]


@pytest.mark.parametrize(("declared", "name", "is_array"), CASES)
def test_column(matrices: dict[str, Matrix], declared: str, name: str, is_array: bool) -> None:
    matrix, column = matrices[declared], column_of(name, is_array)
    if column not in matrix.models:
        pytest.skip("no class of Django's is for such a column, or this server lacks the extension")

    rows, up, down = _read(matrix, column)
    first, second, third = (row[column] for row in rows)

    assert third is None
    assert None not in (first, second)
    assert first != second
    # nulls are the greatest
    assert (up, up[2:]) == (down[::-1], [3] if up else [])
    _check_operators(matrix, column, first, second, up)
    _check_writing(matrix, column, first, second)


def _read(matrix: Matrix, column: str) -> tuple[list[dict[str, Any]], list[int], list[int]]:
    """Return the rows, and the keys of the rows in both orders by the column, if there are."""
    orders = {"up": "ASC", "down": "DESC"} if matrix.is_sorted(column) else {}
    sorted_ = [f"{name}: {column}Rows(orderBy: {{{column}: {order}}}) {{ id }}" for name, order in orders.items()]
    rows = f"rows: {column}Rows(orderBy: {{id: ASC}}) {{ {_selection(matrix, column)} }}"
    found = data(matrix.engine, f"{{ {rows} {' '.join(sorted_)} }}")
    up, down = ([int(row["id"]) for row in found.get(name, [])] for name in ("up", "down"))
    return found["rows"], up, down


def _selection(matrix: Matrix, column: str) -> str:
    parts = getattr(get_named_type(matrix.type(column).fields[column].type), "fields", None)
    return column if parts is None else f"{column} {{ {' '.join(parts)} }}"


def _sent(value: Any) -> Any:
    """Return a value that was read as it is sent back: of a range the input."""
    if isinstance(value, dict) and "lowerInclusive" in value:
        if value["isEmpty"]:
            return {"lower": 1, "upper": 1}
        bounds = "[" if value["lowerInclusive"] else "("
        bounds += "]" if value["upperInclusive"] else ")"
        return {"lower": value["lower"], "upper": value["upper"], "bounds": bounds}
    return value


def _check_operators(matrix: Matrix, column: str, first: Any, second: Any, order: list[int]) -> None:
    first, second = _sent(first), _sent(second)
    operators = matrix.filter(column)
    one, both = [1], [1, 2]
    expected: list[tuple[str, Any, Any]] = [
        ("eq", first, one), ("neq", first, [2]), ("in", [first, second], both), ("in", [second], [2]),
        ("nin", [first], [2]), ("eq", None, [3]), ("neq", None, both), ("isnull", True, [3]), ("isnull", False, both),
    ]  # fmt: skip
    if "gt" in operators:
        # how they are sorted, only PostgreSQL knows
        least, greatest = order[:2]
        lower, upper = ((first, second)[key - 1] for key in (least, greatest))
        expected += [
            ("gt", lower, [greatest]), ("gte", lower, both), ("lt", upper, [least]), ("lte", upper, both),
            ("gt", upper, []), ("lt", lower, []), ("between", [lower, upper], both), ("between", [upper, lower], []),
        ]  # fmt: skip
    if "like" in operators:
        expected += _patterns(first, second)
    # others are tried with the values that they are for, in tests/planner/test_value_filters.py
    assert {operator for operator, _, _ in expected} <= set(operators) or not operators
    if not operators:
        return
    names = [f"v{index}" for index in range(len(expected))]
    variables = ", ".join(f"${n}: {operators[op].type}" for n, (op, _, _) in zip(names, expected, strict=True))
    fields = " ".join(
        f"{n}: {column}Rows(where: {{{column}: {{{op}: ${n}}}}}, orderBy: {{id: ASC}}) {{ id }}"
        for n, (op, _, _) in zip(names, expected, strict=True)
    )
    sent = {n: value for n, (_, value, _) in zip(names, expected, strict=True)}
    found = data(matrix.engine, f"query ({variables}) {{ {fields} }}", sent)
    for n, (operator, value, ids) in zip(names, expected, strict=True):
        assert (operator, value, [int(row["id"]) for row in found[n]]) == (operator, value, ids)


def _patterns(first: str, second: str) -> list[tuple[str, Any, Any]]:
    """Return conditions on texts that the first value fulfils, and those of them that the second does as well."""
    whole = first.rstrip(" ")
    other = second.rstrip(" ")
    like = whole.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found: list[tuple[str, Any, Any]] = []
    tests: list[tuple[str, str, Any]] = [
        ("iexact", whole.lower(), other.lower() == whole.lower()),
        ("contains", whole, whole in other), ("icontains", whole.upper(), whole.upper() in other.upper()),
        ("startswith", whole, other.startswith(whole)),
        ("istartswith", whole.lower(), other.lower().startswith(whole.lower())),
        ("endswith", whole, other.endswith(whole)), ("iendswith", whole.upper(), other.upper().endswith(whole.upper())),
        ("like", like, other == whole), ("ilike", like.upper(), other.upper() == whole.upper()),
        ("matches", f"^{re.escape(whole)}$", other == whole), ("imatches", f"^{re.escape(whole)}$", other == whole),
    ]  # fmt: skip
    for operator, pattern, also in tests:
        found.append((operator, pattern, [1, 2] if also else [1]))
    return found


def _check_writing(matrix: Matrix, column: str, first: Any, second: Any) -> None:
    field = matrix.models[column]._meta.get_field(column)
    field = field.base_field if isinstance(field, postgres.ArrayField) else field
    # no mutation writes the first, Django's validator takes no network for an address, Django cannot write an array of
    # hstore with a null in it, and psycopg none of boxes, which another character separates
    if not field.editable or isinstance(field, models.GenericIPAddressField) or column in ("manyhstore", "manybox"):
        return
    success = matrix.type(f"{column[0].upper()}{column[1:]}AddSuccess").fields
    payload = next(name for name, field in success.items() if get_named_type(field.type).name == column)
    add = f"{column[0].upper()}{column[1:]}Add"
    document = f"""mutation ($first: {add}Input!, $second: {add}Input!) {{
        one: {column}Add(input: $first) {{ ...written }} two: {column}Add(input: $second) {{ ...written }}
    }}
    fragment written on {add}Result {{
        ... on {add}Success {{ row: {payload} {{ {_selection(matrix, column)} }} }}
        ... on MutationError {{ errors {{ message }} }}
    }}"""
    values = {"one": first, "two": second}
    keys = {"one": 10, "two": 11}
    inputs = {name: {"id": keys[name], column: _sent(value)} for name, value in values.items()}
    answer = data(matrix.engine, document, {"first": inputs["one"], "second": inputs["two"]})

    for name, value in values.items():
        assert answer[name] == {"row": {column: value}}


def test_every_type_has_a_sample(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace "
            "AND typtype IN ('b', 'r', 'm') AND typname NOT LIKE '\\_%%'"
        )
        found = {name for (name,) in cursor.fetchall()}

    assert found - WITHOUT_INPUT - SAMPLES.keys() == set()
