"""GraphQL scalars beyond those of the specification: how clients write them, and their values in Python."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_duration, parse_time
from django.utils.duration import duration_iso_string
from graphql import (
    FloatValueNode,
    GraphQLError,
    GraphQLScalarType,
    IntValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    value_from_ast_untyped,
)

from ...errors import InvalidInput
from .encoding import INT8_MAX, INT8_MIN
from .numbers import ExactFloat

# generic for type checkers alone
if TYPE_CHECKING:
    Upload: TypeAlias = UploadedFile[Any]
else:
    Upload = UploadedFile
"""Annotates an argument or an input's field that is a file, and is Django's ``UploadedFile`` in the function."""


# Where the types are specified that have a specification
_RFC = "https://www.rfc-editor.org/rfc/rfc"
_ISO_8601 = "https://www.iso.org/iso-8601-date-and-time-format.html"
_POSTGRESQL = "https://www.postgresql.org/docs/current"


def _refuse(name: str, value: Any, example: str) -> GraphQLError:
    return InvalidInput(f"{name} cannot represent {shown(value)}; write it like {example}.").as_graphql_error()


def shown(value: Any) -> str:
    """Return a value as messages show it: its beginning."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


# In ``extensions`` of a scalar: for which inputs its functions may ask for the active language or time zone
BY_PLACE = "by_place"


def _text_scalar(
    name: str,
    parse: Callable[[str], Any],
    example: str,
    description: str,
    kinds: tuple[type, ...],
    write: Callable[[Any], str] = str,
    specified_by: str | None = None,
) -> GraphQLScalarType:
    """Return a scalar that clients write as a string; ``write`` makes that of a Python value of one of ``kinds``.

    Without ``kinds``, values are texts, or of any class that ``str`` makes such a text of.
    """

    def parse_value(value: Any) -> Any:
        if isinstance(value, str):
            try:
                parsed = parse(value)
            except (ValueError, OverflowError):
                parsed = None
            if parsed is not None:
                return parsed
        raise _refuse(name, value, example)

    def serialize(value: Any) -> str:
        text = value if kinds else str(value)
        if isinstance(text, str):
            # it stays as it is written
            parse_value(text)
            return text
        # a datetime is a date, for Python alone
        if not isinstance(value, kinds) or (isinstance(value, dt.datetime) and dt.datetime not in kinds):
            value = parse_value(value)
        return write(value)

    return GraphQLScalarType(
        name, serialize=serialize, parse_value=parse_value, specified_by_url=specified_by,
        description=f"{description} Written like `{example}`.",
    )  # fmt: skip


def _number_scalar(
    name: str, parse: Callable[[Any], Any], serialize: Callable[[Any], str], description: str
) -> GraphQLScalarType:
    """Return a scalar that clients write as a number or a string; no digit of a literal is lost."""

    def parse_literal(node: Any, variables: Any = None) -> Any:
        if isinstance(node, (IntValueNode, FloatValueNode, StringValueNode)):
            return parse(node.value)
        return parse(value_from_ast_untyped(node, variables))

    return GraphQLScalarType(
        name, serialize=serialize, parse_value=parse, parse_literal=parse_literal, description=description
    )


def _parse_big_int(value: Any) -> int:
    # 19 digits and a sign: what 64 bits can hold
    if isinstance(value, (int, str)) and re.fullmatch(r"[+-]?[0-9]{1,19}", str(value)):
        number = int(value)
        if INT8_MIN <= number <= INT8_MAX:
            return number
    raise _refuse("BigInt", value, '"9007199254740993"')


def _big_int(value: Any) -> str:
    whole = isinstance(value, (Decimal, float)) and value == value // 1
    return str(_parse_big_int(int(value) if whole else value))


def _decimal(value: Any) -> str:
    # of any size, and with as many digits as it has
    if not (isinstance(value, Decimal) and value.is_finite()):
        parsed = _parse_decimal(value)
        value = value if isinstance(value, str) else parsed
    return str(value)


def _parse_decimal(value: Any) -> Decimal:
    text = value
    if isinstance(value, ExactFloat):
        text = value.text
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        # the shortest text of a float is what the client wrote
        text = str(value)
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
        # in UTC: PostgreSQL accepts fewer offsets than Python, and one moment has one key in the cache
        return (timezone.make_aware(value) if timezone.is_naive(value) else value).astimezone(dt.UTC)
    return timezone.make_naive(value) if timezone.is_aware(value) else value


def _is_converted(text: str) -> bool:
    """Whether the active time zone is that of a moment, which has no offset of its own, or is written in."""
    value = parse_datetime(text)
    return value is not None and timezone.is_naive(value) is bool(settings.USE_TZ)


def _parse_date(text: str) -> dt.date | None:
    return parse_date(text) if len(text) == len("2024-05-31") else None


def _parse_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _parse_duration(text: str) -> dt.timedelta | None:
    return parse_duration(text) if re.fullmatch(r"[+-]?P[0-9].*|[+-]?PT[0-9].*", text) else None


def _parse_address(text: str) -> Any:
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)


def _isoformat(value: Any) -> str:
    return str(value.isoformat())


BIG_INT = _number_scalar(
    "BigInt", _parse_big_int, _big_int, "A whole number of up to 64 bits, as a string: no digit is lost."
)
DECIMAL = _number_scalar("Decimal", _parse_decimal, _decimal, "An exact decimal number, as a string: no digit is lost.")
GRAPHQL_UUID = _text_scalar(
    "UUID",
    uuid.UUID,
    "123e4567-e89b-12d3-a456-426614174000",
    "A UUID.",
    kinds=(uuid.UUID,),
    specified_by=f"{_RFC}9562",
)
DATE = _text_scalar("Date", _parse_date, "2024-05-31", "A calendar date (ISO 8601).", (dt.date,), _isoformat, _ISO_8601)
DATE_TIME = _text_scalar(
    "DateTime",
    _parse_datetime,
    "2024-05-31T13:45:00+00:00",
    "A date and time (ISO 8601).",
    (dt.datetime,),
    _isoformat,
    _ISO_8601,
)
DATE_TIME.extensions[BY_PLACE] = _is_converted
TIME = _text_scalar("Time", parse_time, "13:45:00", "A time of day (ISO 8601).", (dt.time,), _isoformat, _ISO_8601)
DURATION = _text_scalar(
    "Duration",
    _parse_duration,
    "P3DT04H05M06S",
    "A length of time (ISO 8601).",
    (dt.timedelta,),
    duration_iso_string,
    _ISO_8601,
)
BASE64 = _text_scalar(
    "Base64",
    _parse_bytes,
    "aGVsbG8=",
    "Bytes, in base64 (RFC 4648).",
    (bytes, bytearray, memoryview),
    lambda value: base64.b64encode(bytes(value)).decode(),
    f"{_RFC}4648",
)
IP_ADDRESS = _text_scalar(
    # PostgreSQL stores no zone of an IPv6 address
    "IPAddress",
    lambda text: None if "%" in text else _parse_address(text),
    "192.0.2.1",
    "An IPv4 or IPv6 address; that of a network has the length of its mask behind a slash.",
    (),
)


def _parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return _parse_json(_defined(value_from_ast_untyped(node, variables)))


def _defined(value: Any) -> Any:
    """Leave absent variables out of objects, and replace them by null in lists, as GraphQL does in input values."""
    if isinstance(value, dict):
        return {key: _defined(item) for key, item in value.items() if item is not Undefined}
    if isinstance(value, list):
        return [None if item is Undefined else _defined(item) for item in value]
    return value


def _parse_json(value: Any) -> Any:
    """Refuse what variables may hold besides JSON: a file, or its lines, which graphql-core reads as a list."""
    rest, exact = [value], False
    while rest:
        item = rest.pop()
        if isinstance(item, (File, bytes)):
            raise InvalidInput("JSON cannot represent a file.").as_graphql_error()
        if isinstance(item, (dict, list)):
            rest.extend(item.values() if isinstance(item, dict) else item)
        exact = exact or isinstance(item, ExactFloat)
    return _plain(value) if exact else value


def _plain(value: Any) -> Any:
    """Return a value with floats of Python's own class, which is all that some encoders know."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, ExactFloat) else value


JSON = GraphQLScalarType(
    "JSON",
    parse_value=_parse_json,
    parse_literal=_parse_json_literal,
    specified_by_url=f"{_RFC}8259",
    description="Any JSON value.",
)


def _parse_upload(value: Any) -> Upload:
    if isinstance(value, UploadedFile):
        return value
    raise InvalidInput(
        f"Upload cannot represent {shown(value)}; it is a file, which only a multipart request can send."
    ).as_graphql_error()


UPLOAD = GraphQLScalarType(
    "Upload",
    parse_value=_parse_upload,
    specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
    description="A file, sent by a multipart request: null in the variables, its place named in the form.",
)


def _parse_hstore(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(item, str) or item is None for item in value.values()):
        return value
    raise _refuse("HStore", value, '{key: "value"}')


# a tsvector's own spelling (PostgreSQL documentation, 8.11.1): lexemes, each with its positions and weights
_LEXEME = r"('(?:[^'\\]|''|\\.)+'|[^\s':\\]+)(?::[1-9][0-9]{0,4}[A-Da-d]?(?:,[1-9][0-9]{0,4}[A-Da-d]?)*)?(?=\s|$)"
_LEXEME_BYTES = 2046


def _parse_search_vector(text: str) -> str | None:
    words = [match[1] for match in re.finditer(_LEXEME, text, re.DOTALL)]
    rest = re.sub(_LEXEME, "", text, flags=re.DOTALL)
    too_long = any(len(word.encode(errors="replace")) > _LEXEME_BYTES for word in words)
    return None if rest.strip() or too_long else text


SEARCH_VECTOR = _text_scalar(
    "SearchVector",
    _parse_search_vector,
    "'cat':3 'rat':1A",
    "A document's lexemes and their places.",
    (),
    specified_by=f"{_POSTGRESQL}/datatype-textsearch.html",
)
LTREE = _text_scalar(
    # labels may have 1000 characters, and since PostgreSQL 16 hyphens
    "LTree",
    lambda text: text if re.fullmatch(r"(\w|-){1,1000}(\.(\w|-){1,1000}){0,65534}|", text) else None,
    "top.science.astronomy",
    "The path of labels to a node of a tree.",
    (),
)


def _parse_vector(value: Any) -> list[float]:
    # pgvector stores 16,000 numbers at most, of four bytes each
    items = value if isinstance(value, list) else []
    is_vector = all(
        isinstance(item, (int, float)) and not isinstance(item, bool) and abs(item) <= 3.4028234663852886e38
        for item in items
    )
    if 0 < len(items) <= 16_000 and is_vector:
        return [float(item) for item in items]
    raise _refuse("Vector", value, "[0.25, -1, 3]")


def _parse_vector_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> list[float]:
    return _parse_vector(value_from_ast_untyped(node, variables))


VECTOR = GraphQLScalarType(
    "Vector",
    serialize=lambda value: _parse_vector([float(item) for item in value]),
    parse_value=_parse_vector,
    parse_literal=_parse_vector_literal,
    description="Numbers in a fixed order, such as an embedding. Written like `[0.25, -1, 3]`.",
)
HSTORE = GraphQLScalarType(
    "HStore", serialize=_parse_hstore, parse_value=_parse_hstore, specified_by_url=f"{_POSTGRESQL}/hstore.html",
    description="Names with a text or null each.",
)  # fmt: skip
