"""Leaf types: their GraphQL scalar, how PostgreSQL writes them as JSON text, how input reaches PostgreSQL.

Output is a template of SQL in which ``{0}`` stands for the column and whose value is the text of a JSON
value. Input is the text that PostgreSQL reads for the type, cast where it stands (``%s::date``): a value
has one form whatever Python type it came from, and a prepared statement one type for each parameter.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from django.utils.duration import duration_iso_string
from graphql import (
    FloatValueNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    IntValueNode,
    StringValueNode,
    value_from_ast_untyped,
)

from ..errors import InvalidInput
from . import encoding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scalar:
    """A leaf type in both directions.

    ``graphql``    what clients see, for output and input
    ``json``       SQL template that writes a value that is not null as JSON text
    ``json_array`` the same for a whole array of values; None where elements are written one by one
    ``keeps_null`` whether ``json`` writes ``null`` for null by itself
    ``cast``       the PostgreSQL type that parameters are cast to
    ``encode``     turns a coerced GraphQL value into the text that PostgreSQL reads as ``cast``
    ``ordered``    whether clients may compare and sort
    ``textual``    whether clients may search in it
    ``equatable``  whether ``= ANY(array)`` does for ``in``; arrays, ranges and JSON are compared one by one
    """

    graphql: GraphQLScalarType | GraphQLEnumType
    json: str = "to_json({0})::text"
    json_array: str | None = "to_json({0})::text"
    keeps_null: bool = False
    cast: str
    encode: Callable[[Any], str]
    ordered: bool = True
    textual: bool = False
    equatable: bool = True

    @property
    def name(self) -> str:
        """The GraphQL name."""
        return self.graphql.name


# --- GraphQL scalars that the specification does not have -------------------------------------


def _refuse(name: str, value: Any, example: str) -> GraphQLError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    return InvalidInput(f"{name} cannot represent {shown}; write it like {example}.").as_graphql_error()


def _text_scalar(
    name: str, parse: Callable[[str], Any], example: str, description: str, serialize: Callable[[Any], Any] = str
) -> GraphQLScalarType:
    """Make a scalar that clients write as a string."""

    def parse_value(value: Any) -> Any:
        if isinstance(value, str):
            try:
                parsed = parse(value)
            except (ValueError, OverflowError):
                parsed = None
            if parsed is not None:
                return parsed
        raise _refuse(name, value, example)

    return GraphQLScalarType(
        name, serialize=serialize, parse_value=parse_value, description=f"{description} Written like `{example}`."
    )


def _number_scalar(name: str, parse: Callable[[Any], Any], description: str) -> GraphQLScalarType:
    """Make a scalar that clients write as a number or a string; a literal's digits are kept as written."""

    def parse_literal(node: Any, variables: Any = None) -> Any:
        if isinstance(node, (IntValueNode, FloatValueNode, StringValueNode)):
            return parse(node.value)
        return parse(value_from_ast_untyped(node, variables))

    return GraphQLScalarType(
        name, serialize=str, parse_value=parse, parse_literal=parse_literal, description=description
    )


def _parse_big_int(value: Any) -> int:
    # 19 digits and a sign: what 64 bits can hold
    if isinstance(value, (int, str)) and re.fullmatch(r"[+-]?[0-9]{1,19}", str(value)):
        number = int(value)
        if encoding.INT8_MIN <= number <= encoding.INT8_MAX:
            return number
    raise _refuse("BigInt", value, '"9007199254740993"')


def _parse_decimal(value: Any) -> Decimal:
    # the shortest text of a float is what the client wrote
    text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    if isinstance(text, str) and len(text) <= 1000:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        # numeric holds far more (PostgreSQL documentation, 8.1.2), but 1e99999 would be written out
        if number.is_finite() and abs(number.adjusted()) <= 1000:
            return number
    raise _refuse("Decimal", value, '"12.50"')


def _parse_datetime(text: str) -> dt.datetime | None:
    value = parse_datetime(text)
    if value is None:
        return None
    if settings.USE_TZ:
        return timezone.make_aware(value) if timezone.is_naive(value) else value
    return timezone.make_naive(value) if timezone.is_aware(value) else value


def _parse_date(text: str) -> dt.date | None:
    return parse_date(text) if len(text) == len("2024-05-31") else None


def _parse_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _parse_duration(text: str) -> dt.timedelta | None:
    return parse_duration(text) if re.fullmatch(r"[+-]?P[0-9].*|[+-]?PT[0-9].*", text) else None


def _isoformat(value: Any) -> Any:
    return value if isinstance(value, str) else value.isoformat()


BIG_INT = _number_scalar("BigInt", _parse_big_int, "A whole number of up to 64 bits, as a string: no digit is lost.")
DECIMAL = _number_scalar("Decimal", _parse_decimal, "An exact decimal number, as a string: no digit is lost.")
GRAPHQL_UUID = _text_scalar("UUID", uuid.UUID, "123e4567-e89b-12d3-a456-426614174000", "A UUID.")
DATE = _text_scalar("Date", _parse_date, "2024-05-31", "A calendar date (ISO 8601).", _isoformat)
DATE_TIME = _text_scalar(
    "DateTime", _parse_datetime, "2024-05-31T13:45:00+00:00", "A date and time (ISO 8601).", _isoformat
)
TIME = _text_scalar("Time", parse_time, "13:45:00", "A time of day (ISO 8601).", _isoformat)
DURATION = _text_scalar(
    "Duration",
    _parse_duration,
    "P3DT04H05M06S",
    "A length of time (ISO 8601).",
    lambda value: value if isinstance(value, str) else duration_iso_string(value),
)
BASE64 = _text_scalar(
    "Base64",
    _parse_bytes,
    "aGVsbG8=",
    "Bytes, in base64 (RFC 4648).",
    lambda value: base64.b64encode(bytes(value)).decode(),
)
IP_ADDRESS = _text_scalar("IPAddress", ipaddress.ip_address, "192.0.2.1", "An IPv4 or IPv6 address.")
JSON = GraphQLScalarType("JSON", description="Any JSON value.")


def _parse_hstore(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(item, str) or item is None for item in value.values()):
        return value
    raise _refuse("HStore", value, '{key: "value"}')


HSTORE = GraphQLScalarType("HStore", parse_value=_parse_hstore, description="Names with a text or null each.")

# --- the leaf types ---------------------------------------------------------------------------

_QUOTED = "'\"' || {0}::text || '\"'"
_TEXTS = "to_json({0}::text[])::text"
# The form of django.utils.duration.duration_iso_string; months count 30 days, as extract(epoch) has it
_DURATION = (
    "(SELECT CASE WHEN s < 0 THEN '-' ELSE '' END || 'P' || div(abs(s), 86400) || 'DT' || "
    "to_char(make_interval(secs => mod(abs(s), 86400)::float8), "
    'CASE WHEN s = trunc(s) THEN \'HH24"H"MI"M"SS"S"\' ELSE \'HH24"H"MI"M"SS.US"S"\' END) '
    "FROM extract(epoch from {0}) AS s)"
)

BOOLEAN = Scalar(graphql=GraphQLBoolean, json="{0}::text", cast="boolean", encode=encoding.encode_bool, ordered=False)
INT = Scalar(graphql=GraphQLInt, json="{0}::text", cast="bigint", encode=encoding.encode_int)
BIGINT = Scalar(graphql=BIG_INT, json=_QUOTED, json_array=_TEXTS, cast="bigint", encode=encoding.encode_int)
# JSON has no NaN and no infinity; NaN is above infinity to PostgreSQL (8.1.3), so one comparison does
FLOAT = Scalar(
    graphql=GraphQLFloat,
    json="CASE WHEN abs({0}) < 'infinity' THEN {0}::text ELSE 'null' END",
    json_array=None,
    keeps_null=True,
    cast="double precision",
    encode=str,
)
NUMERIC = Scalar(graphql=DECIMAL, json=_QUOTED, json_array=_TEXTS, cast="numeric", encode=str)
TEXT = Scalar(graphql=GraphQLString, cast="text", encode=encoding.encode_text, textual=True)
UUID = Scalar(graphql=GRAPHQL_UUID, json=_QUOTED, cast="uuid", encode=str)
DATES = Scalar(graphql=DATE, cast="date", encode=encoding.encode_date)
DATETIME = Scalar(graphql=DATE_TIME, cast="timestamp with time zone", encode=encoding.encode_date)
NAIVE_DATETIME = Scalar(graphql=DATE_TIME, cast="timestamp without time zone", encode=encoding.encode_date)
TIMES = Scalar(graphql=TIME, cast="time without time zone", encode=encoding.encode_date)
INTERVAL = Scalar(
    graphql=DURATION,
    json="'\"' || " + _DURATION + " || '\"'",
    json_array=None,
    cast="interval",
    encode=encoding.encode_duration,
)
BYTES = Scalar(
    graphql=BASE64,
    # encode() breaks lines after 76 characters (PostgreSQL documentation, 9.5)
    json="'\"' || replace(encode({0}, 'base64'), chr(10), '') || '\"'",
    json_array=None,
    cast="bytea",
    encode=encoding.encode_bytes,
    ordered=False,
)
INET = Scalar(graphql=IP_ADDRESS, json="'\"' || host({0}) || '\"'", json_array=None, cast="inet", encode=str)
JSONB = Scalar(
    graphql=JSON, json="{0}::text", cast="jsonb", encode=encoding.encode_json, ordered=False, equatable=False
)
HSTORES = Scalar(graphql=HSTORE, cast="hstore", encode=encoding.encode_hstore, ordered=False, equatable=False)


def identifier(stored: Scalar, parse: Callable[[Any], Any]) -> Scalar:
    """Make the ID type of a key whose column is ``stored``; ``parse`` turns its text into the stored value."""

    def encode(value: Any) -> str:
        try:
            return stored.encode(parse(str(value)))
        except InvalidInput:
            raise
        except Exception:
            raise InvalidInput(f"{str(value)[:80]!r} is not an ID of this kind") from None

    json = stored.json if stored.textual or stored.json.startswith("'\"'") else _QUOTED
    return Scalar(graphql=GraphQLID, json=json, json_array=_TEXTS, cast=stored.cast, encode=encode)


def choice(enum: GraphQLEnumType, stored: Scalar) -> Scalar:
    """Make the type of a column with declared choices; a stored value that is none of them reads as null."""
    names = " ".join(
        f"WHEN {encoding.sql_literal(str(item.value))} THEN {encoding.sql_literal(chr(34) + name + chr(34))}"
        for name, item in enum.values.items()
    )
    return Scalar(
        graphql=enum,
        json=f"CASE {{0}}::text {names} ELSE 'null' END",
        json_array=None,
        keeps_null=True,
        cast=stored.cast,
        encode=stored.encode,
        ordered=False,
    )
