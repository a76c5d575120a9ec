"""Operators of JSON and of HStore.

What stands at a path is compared by its own type: ``int``, ``float`` and ``decimal`` are null where there is no number,
``text`` where there is no string, and so on, so that no document makes a comparison fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..scalars import postgres as scalars
from .base import Argument, Comparable, Entry, Operator, Result, Takes, Transform, named, one

_is_json = named("JSON")
_is_hstore = named("HStore")
_JSONPATH = replace(scalars.TEXT, cast="jsonpath")
_AT = "({column} #> {path})"
_TEXT_AT = "({column} #>> {path})"
_IS_DATE = "jsonb_path_exists(to_jsonb(left({text}, 10)), '$.datetime(\"YYYY-MM-DD\")', '{{}}', true)"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?"


def _typed(type_: str, value: str = _TEXT_AT) -> str:
    return f"CASE WHEN jsonb_typeof({_AT}) = '{type_}' THEN {value} END"


def _dated(pattern: str, cast: str) -> str:
    """Return what a string is that has the form of a date or a moment, and is one."""
    is_date = _IS_DATE.format(text=_TEXT_AT)
    return (
        f"CASE WHEN jsonb_typeof({_AT}) = 'string' AND {_TEXT_AT} ~ '^\\d{{4}}-\\d\\d-\\d\\d{pattern}$' "
        f"THEN CASE WHEN {is_date} THEN {_TEXT_AT}::{cast} END END"
    )


_PATH = {
    "path": Argument(
        scalar=scalars.TEXT, items=True, description='The keys on the way there; items of lists by number: ["a", "0"].'
    )
}


def _at_path(of: Comparable) -> Mapping[str, Result]:
    return {
        "text": Result(sql=_typed("string"), scalar=scalars.TEXT, description="A string."),
        "int": Result(
            sql=_typed("number", f"{_TEXT_AT}::numeric"), scalar=scalars.INT, description="A number, as Int."
        ),
        "float": Result(
            # JSON has numbers that are out of a float's range
            sql=_typed("number", f"{_TEXT_AT}::numeric"),
            scalar=replace(scalars.FLOAT, cast="numeric", shown=None),
            description="A number, as Float.",
        ),
        "decimal": Result(
            sql=_typed("number", f"{_TEXT_AT}::numeric"), scalar=scalars.NUMERIC, description="A number, as Decimal."
        ),
        "boolean": Result(
            sql=_typed("boolean", f"{_TEXT_AT}::boolean"), scalar=scalars.BOOLEAN, description="True or false."
        ),
        "date": Result(sql=_dated("", "date"), scalar=scalars.DATES, description="A date (ISO 8601)."),
        "dateTime": Result(
            sql=_dated(f"[T ]{_CLOCK}", "timestamptz"),
            scalar=scalars.localized(scalars.DATETIME),
            description="A date and time (ISO 8601).",
        ),
        "length": Result(
            sql=_typed("array", f"jsonb_array_length({_AT})"), scalar=scalars.INT, description="The length of a list."
        ),
        "json": Result(
            sql=f"NULLIF({_AT}, 'null'::jsonb)",
            # whatever stands in a column's own template is done by now
            scalar=replace(scalars.JSONB, column="{0}"),
            description="Any JSON; a JSON null is null.",
        ),
    }


_NAMES = (
    ("hasKey", "?", Takes.ONE, "Has this key."),
    ("hasAnyKeys", "?|", Takes.LIST, "Has one of these keys."),
    ("hasAllKeys", "?&", Takes.LIST, "Has all of these keys."),
)

DOCUMENTS: tuple[Entry, ...] = (
    Operator(
        name="contains",
        sql="{column} @> {value}",
        for_=named("JSON", "HStore"),
        bare=True,
        description="Contains this, at the top level: an object all of its keys and values.",
    ),
    Operator(
        name="containedBy",
        sql="{column} <@ {value}",
        for_=named("JSON", "HStore"),
        description="Has nothing that is not in this.",
    ),
    *(
        Operator(
            name=name,
            sql=f"{{column}} {sign} {{value}}",
            takes=takes,
            operand=lambda scalar: scalars.TEXT,
            for_=named("JSON", "HStore"),
            bare=True,
            description=text,
        )
        for name, sign, takes, text in _NAMES
    ),
    Operator(
        name="pathExists",
        sql="{column} @? {value}",
        operand=lambda scalar: _JSONPATH,
        for_=_is_json,
        bare=True,
        may_fail=True,
        description="Has something at this SQL/JSON path.",
    ),
    Operator(
        name="pathMatch",
        sql="{column} @@ {value}",
        operand=lambda scalar: _JSONPATH,
        for_=_is_json,
        bare=True,
        may_fail=True,
        description="This SQL/JSON path predicate is true of it: $.price > 10.",
    ),
    Transform(
        name="at",
        description="What stands at a path.",
        for_=_is_json,
        named=_PATH,
        results=_at_path,
    ),
    Transform(
        name="at",
        description="The text of a key.",
        for_=_is_hstore,
        named={"key": Argument(scalar=scalars.TEXT, description="The key.")},
        results=one("({column} -> {key})", scalars.TEXT),
    ),
    Transform(
        name="keys",
        description="Its keys.",
        for_=_is_hstore,
        results=one("akeys({column})", scalars.TEXT, dimensions=1),
    ),
)
