"""JSON documents → what they hold: keys, types, and which of them may be null or missing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# as PostgreSQL writes them in JSON
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
# GraphQL's Int (GraphQL specification, 3.5.1)
_INT = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What values have in common.

    ``type`` is the name of a Python type as declarations write it; "object" has ``keys``, "list" has ``item``.
    ``note`` says why it is JSON.
    """

    type: str
    nullable: bool = False
    keys: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None
    note: str = ""


def shape_of(values: Sequence[Any], *, missing: bool = False) -> Shape:
    """Return the shape of values; it is nullable where one is null, or where one is ``missing``."""
    present = [value for value in values if value is not None]
    nullable = missing or len(present) < len(values)
    if not present:
        return Shape(type="JSON", nullable=True, note="null in every row that was read")
    if all(isinstance(value, dict) for value in present):
        return _object(present, nullable)
    if all(isinstance(value, list) for value in present):
        items = [item for value in present for item in value]
        item = shape_of(items) if items else Shape(type="JSON", note="empty in every row that was read")
        return Shape(type="list", nullable=nullable, item=item, note=item.note)
    for name, is_one in _LEAVES:
        if all(is_one(value) for value in present):
            return Shape(type=name, nullable=nullable)
    return Shape(type="JSON", nullable=nullable, note="of several types")


def _object(values: Sequence[dict[str, Any]], nullable: bool) -> Shape:
    keys = dict.fromkeys(key for value in values for key in value)
    if not keys:
        return Shape(type="JSON", nullable=nullable, note="empty in every row that was read")
    found = []
    for key in keys:
        given = [value[key] for value in values if key in value]
        found.append((key, shape_of(given, missing=len(given) < len(values))))
    return Shape(type="object", nullable=nullable, keys=tuple(found))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _reads(pattern: re.Pattern[str], read: Callable[[str], Any]) -> Callable[[Any], bool]:
    def is_one(value: Any) -> bool:
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            return False
        try:
            read(value)
        except ValueError:
            return False
        return True

    return is_one


# The first that all values are
_LEAVES: Sequence[tuple[str, Callable[[Any], bool]]] = (
    ("bool", lambda value: isinstance(value, bool)),
    ("int", lambda value: _is_integer(value) and value in _INT),
    ("BigInt", _is_integer),
    ("Decimal", lambda value: isinstance(value, Decimal) or _is_integer(value)),
    ("UUID", _reads(_UUID, str)),
    ("date", _reads(_DATE, dt.date.fromisoformat)),
    ("datetime", _reads(_DATETIME, dt.datetime.fromisoformat)),
    ("str", lambda value: isinstance(value, str)),
)
