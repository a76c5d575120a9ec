"""Leaf values → pieces of JSON text."""

from __future__ import annotations

from typing import Any

from ..schema.scalars.postgres import Scalar
from .expressions import NULL, SQL, Piece

NULL_TEXT = f"'{NULL}'"
_QUOTE = "'\"'"


def leaf(scalar: Scalar, value: Any, dimensions: int, absent: str | None) -> list[Piece]:
    """Write a leaf value, or the array of them, as JSON text; ``absent`` is SQL for null, None where none can be."""
    if dimensions:
        json = scalar.json_array
        if json is not None:
            return [SQL(json if absent is None else f"coalesce({json}, {absent})", value)]
        json = _one_by_one(scalar)
        return [SQL(json if absent is None else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {json} END", value)]
    if scalar.keeps_null:
        by_itself = absent is None or absent == NULL_TEXT
        json = scalar.json if by_itself else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {scalar.json} END"
        return [SQL(json, value)]
    if absent is not None:
        return [SQL(f"coalesce({scalar.json}, {absent})", value)]
    inner = scalar.json.removeprefix(f"{_QUOTE} || ").removesuffix(f" || {_QUOTE}")
    if len(inner) < len(scalar.json):
        # the quotes become part of the constants around it
        return ['"', SQL(inner, value), '"']
    return [SQL(scalar.json, value)]


def null_error(owner: Any, field: Any) -> str:
    """Return SQL that fails when it is evaluated, as null stands where the annotation has promised that none does.

    GraphQL has no null there (specification, 6.4.4), and concatenated with it the row would vanish. PostgreSQL has
    no function that raises an error; this one does for want of such a setting, and the log then says its name.
    """
    return f"current_setting('{owner.name}.{field.name} is null')"


def _one_by_one(scalar: Scalar) -> str:
    item = scalar.json.replace("{0}", "item")
    return (
        f"'[' || array_to_string(ARRAY(SELECT coalesce({item}, '{NULL}') "
        "FROM unnest({0}) WITH ORDINALITY AS items(item, place) ORDER BY place), ',') || ']'"
    )
