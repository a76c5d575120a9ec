"""Python values → the text that PostgreSQL reads for a type, which a parameter is cast to where it stands."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import InvalidInput

INT8_MIN, INT8_MAX = -(2**63), 2**63 - 1


def encode_text(value: Any) -> str:
    """Return the text; refuse what PostgreSQL cannot store (NUL) or UTF-8 cannot write (half a surrogate)."""
    text = str(value)
    if "\0" in text:
        raise InvalidInput("a text must not hold the character U+0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("a text must not hold half of a surrogate pair") from None
    return text


def encode_int(value: Any) -> str:
    """Return the digits of a whole number that fits 64 bits, PostgreSQL's largest integer type."""
    number = int(value)
    if not INT8_MIN <= number <= INT8_MAX:
        raise InvalidInput(f"{number} is not between {INT8_MIN} and {INT8_MAX}")
    return str(number)


def encode_bool(value: Any) -> str:
    return "true" if value else "false"


def encode_date(value: dt.date | dt.time) -> str:
    return value.isoformat()


def encode_duration(value: dt.timedelta) -> str:
    return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"


def encode_bytes(value: bytes) -> str:
    return "\\x" + value.hex()


def encode_json(value: Any) -> str:
    """Return JSON that ``jsonb`` can store: no U+0000 in it (PostgreSQL documentation, 8.14)."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise InvalidInput("JSON must not hold NaN, infinity, or a number too large for the server to read") from None
    except RecursionError:
        raise InvalidInput("JSON is nested too deeply") from None
    encode_text(text)
    if "\\u0000" in text.replace("\\\\", ""):
        raise InvalidInput("JSON must not hold the character U+0000")
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def encode_array(items: Sequence[str | None]) -> str:
    """Write an array literal (PostgreSQL documentation, 8.15.6) from the texts of its elements."""
    return "{" + ",".join("NULL" if item is None else _quoted(item) for item in items) + "}"


def encode_nested_array(value: Sequence[Any], encode: Callable[[Any], str], dimensions: int) -> str:
    """Write an array literal of so many dimensions from values that ``encode`` knows."""
    if dimensions == 1:
        return encode_array([None if item is None else encode(item) for item in value])
    if any(item is None for item in value) or len({len(item) for item in value}) > 1:
        raise InvalidInput("the lists within a list must all have the same length, and none of them may be null")
    return "{" + ",".join(encode_nested_array(item, encode, dimensions - 1) for item in value) + "}"


def encode_hstore(value: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_quoted(encode_text(key))}=>{'NULL' if item is None else _quoted(encode_text(item))}"
        for key, item in value.items()
    )


def encode_vector(value: Sequence[float]) -> str:
    return "[" + ",".join(map(repr, value)) + "]"


def encode_range(value: Mapping[str, Any], encode: Callable[[Any], str]) -> str:
    """Write a range literal (PostgreSQL documentation, 8.17.5) from ``{lower, upper, bounds}``."""
    lower, upper = value.get("lower"), value.get("upper")
    bounds = value.get("bounds") or "[)"
    if bounds not in ("[)", "[]", "(]", "()"):
        raise InvalidInput(f"bounds are {bounds!r}, must be one of: '[)', '[]', '(]', '()'")
    if lower is not None and upper is not None and lower > upper:
        raise InvalidInput(f"the lower bound, {lower}, is greater than the upper one, {upper}")
    start, end = ("" if bound is None else _quoted(encode(bound)) for bound in (lower, upper))
    return f"{bounds[0]}{start},{end}{bounds[1]}"


def sql_literal(text: str) -> str:
    """Quote a constant of the schema (a name, a declared choice) for SQL that Django compiles."""
    quoted = text.replace("'", "''").replace("%", "%%")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def template_literal(text: str) -> str:
    """Quote a constant for a template, in which a brace would stand for an expression."""
    if "{" not in text:
        return sql_literal(text)
    return "E" + sql_literal(text).removeprefix("E").replace("{", r"\x7b")
