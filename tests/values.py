"""What clients would write: the values that are in the database, and a few that are not."""

import base64
import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models.fields.files import FieldFile
from django.utils.duration import duration_iso_string
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)
from psycopg.types.range import Range

from fraiseql_django.kinds.connections import Connection
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import Aggregate, Groups
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import Column, Computed, Embedded, FieldDef, Reference
from fraiseql_django.schema.function_fields import PythonField
from tests.naive import shown, stored

FOREIGN: Mapping[str, list[Any]] = {
    "Int": [3, -7, 2**31 - 1],
    "BigInt": ["3", str(-(2**63))],
    "Float": [1.5, -1e-300, 40],
    "Decimal": ["10.5", "10.500", 1, "-0", "1e3"],
    "String": ["a", "%", "Le", "e_", "\U0001f98a", "'", "\\\\"],
    "Boolean": [True, False],
    "JSON": [[], {"a": [None, {"b": 1.0}]}],
    "UUID": ["123E4567E89B12D3A456426614174000"],
    "DateTime": ["2024-05-31T13:45:00.000500+02:00", "2024-05-31T11:45:00Z", "2000-01-01"],
    "Duration": ["-PT1H", "P1D"],
    "IPAddress": ["10.0.0.1", "::1"],
    "File": ["documents/hello.txt", ""],
}
# a bound that makes a range empty where it stands on both sides
EMPTY: Mapping[str, Any] = {
    "IntRange": 1,
    "BigIntRange": "1",
    "DecimalRange": "1",
    "DateRange": "2024-01-01",
    "DateTimeRange": "2024-01-01T00:00:00Z",
}


def pool(schema: Schema) -> dict[tuple[str, str], list[Any]]:
    """Return values for conditions on every field, by the names of type and field, as JSON has them."""
    found: dict[tuple[str, str], list[Any]] = {}
    for definition in schema.types.values():
        rows = list(definition.model._base_manager.all()[:12])
        for field in definition.fields.values():
            others = (Reference, Count, PythonField, Connection, Aggregate, Groups)
            if not isinstance(field, others) and getattr(field, "compared", True):
                values = [external(stored(row, field), field) for row in rows]
                values += [] if getattr(field, "dimensions", 0) else foreign(field)
                distinct = {json.dumps(value, sort_keys=True): value for value in values if value is not None}
                found[definition.name, field.name] = list(distinct.values())
    return found


def foreign(field: FieldDef) -> list[Any]:
    """Return values that may not be in the database."""
    assert isinstance(field, (Column, Computed, Embedded))
    name = field.value.name if isinstance(field, Embedded) else field.scalar.name
    return list(FOREIGN.get(name.replace("Image", "File"), ()))


def external(value: Any, field: FieldDef) -> Any:
    """Write a stored value as clients do."""
    if isinstance(value, list):
        return [external(item, field) for item in value]
    if isinstance(value, Range):
        if value.isempty:
            return {"lower": EMPTY[field.value.name], "upper": EMPTY[field.value.name]}  # type: ignore[union-attr]
        return {"lower": external(value.lower, field), "upper": external(value.upper, field), "bounds": value.bounds}
    if isinstance(value, FieldFile):
        return value.name
    if value is None or isinstance(field, Embedded):
        return value if isinstance(value, (int, type(None))) else str(shown(value))
    assert isinstance(field, (Column, Computed))
    graphql = field.scalar.graphql
    if isinstance(graphql, GraphQLEnumType):
        return next((name for name, item in graphql.values.items() if item.value == value), None)
    if isinstance(value, dt.timedelta):
        return duration_iso_string(value)
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, (Decimal, dt.date, dt.time)):
        return str(shown(value)) if isinstance(value, Decimal) else value.isoformat()
    return value if graphql.name in ("Int", "Float", "Boolean", "JSON") else str(value)


def literal(value: Any, type_: GraphQLInputType) -> str:
    """Write a value into a document."""
    if isinstance(type_, GraphQLNonNull):
        return literal(value, type_.of_type)
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return f"[{', '.join(literal(item, type_.of_type) for item in items)}]"
    if isinstance(type_, GraphQLInputObjectType):
        members = (f"{name}: {literal(item, type_.fields[name].type)}" for name, item in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(value, dict):
        # only for JSON: its keys must be names
        return f"{{{', '.join(f'{name}: {literal(item, type_)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(literal(item, type_) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def has_literal(value: Any) -> bool:
    """Whether a JSON value can be written into a document: keys are names there."""
    if isinstance(value, dict):
        return all(name.isascii() and name.isidentifier() and has_literal(item) for name, item in value.items())
    return all(map(has_literal, value)) if isinstance(value, list) else True
