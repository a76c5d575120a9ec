"""JSON documents → their shape: keys, types, and which values may be null or missing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# in the format in which PostgreSQL writes them to JSON
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
# GraphQL's Int (GraphQL specification, 3.5.1)
_INT = range(-(2**31), 2**31)
_BIGINT = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class JSONShape:
    """The type that several JSON values have in common.

    ``type`` is the name of a Python type in declarations, or "object" with the shapes of its ``keys``, or "list" with
    the shape of an ``item``. ``note`` tells why the type is only "JSON".
    """

    type: str
    nullable: bool = False
    keys: tuple[tuple[str, JSONShape], ...] = ()
    item: JSONShape | None = None
    note: str = ""


def shape_of(values: Sequence[Any], *, missing: bool = False) -> JSONShape:
    """Return the shape of values; it is nullable if one of them is null, or if one is ``missing``."""
    present = [value for value in values if value is not None]
    nullable = missing or len(present) < len(values)
    if not present:
        return JSONShape(type="JSON", nullable=True, note="null in every row that was read")
    if all(isinstance(value, dict) for value in present):
        return _object(present, nullable)
    if all(isinstance(value, list) for value in present):
        items = [item for value in present for item in value]
        item = shape_of(items) if items else JSONShape(type="JSON", note="empty in every row that was read")
        if item.item is not None:
            item = JSONShape(type="JSON", nullable=item.nullable, note="lists of lists")
        return JSONShape(type="list", nullable=nullable, item=item, note=item.note)
    for name, matches in _LEAVES:
        if all(matches(value) for value in present):
            return JSONShape(type=name, nullable=nullable)
    return JSONShape(type="JSON", nullable=nullable, note="of several types")


def _object(values: Sequence[dict[str, Any]], nullable: bool) -> JSONShape:
    keys = dict.fromkeys(key for value in values for key in value)
    if not keys:
        return JSONShape(type="JSON", nullable=nullable, note="empty in every row that was read")
    shapes = []
    for key in keys:
        present = [value[key] for value in values if key in value]
        shapes.append((key, shape_of(present, missing=len(present) < len(values))))
    return JSONShape(type="object", nullable=nullable, keys=tuple(shapes))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parses(pattern: re.Pattern[str], parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def matches(value: Any) -> bool:
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            return False
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return matches


# Types of leaves with their tests; the first type that all values have is used
_LEAVES: Sequence[tuple[str, Callable[[Any], bool]]] = (
    ("bool", lambda value: isinstance(value, bool)),
    ("int", lambda value: _is_integer(value) and value in _INT),
    ("BigInt", lambda value: _is_integer(value) and value in _BIGINT),
    ("Decimal", lambda value: isinstance(value, Decimal) or _is_integer(value)),
    ("UUID", _parses(_UUID, str)),
    ("date", _parses(_DATE, dt.date.fromisoformat)),
    ("datetime", _parses(_DATETIME, dt.datetime.fromisoformat)),
    ("str", lambda value: isinstance(value, str)),
)
