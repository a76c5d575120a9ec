"""What the arguments of a key make of its values: buckets of numbers, truncated dates, parts of dates, paths in JSON.

All of them are bind parameters: one statement serves every width, unit, time zone and path.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLFloat,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from ..errors import InvalidInput
from ..planner.expressions import SQL, Bind, Param, bind
from ..planner.source_values import Compared
from ..schema.aggregates import DatePartKey, GroupKey
from ..schema.scalars import graphql as leaves
from ..schema.scalars.encoding import encode_array, encode_text
from ..schema.scalars.postgres import is_whole

TRUNCATE, PART, TIME_ZONE = "truncate", "part", "timeZone"
WIDTH, ORIGIN, PATH = "width", "origin", "path"


def _enum(name: str, values: Mapping[str, str], description: str) -> GraphQLEnumType:
    members = {key: GraphQLEnumValue(value) for key, value in values.items()}
    return GraphQLEnumType(name, members, description=description)


# The names of PostgreSQL's units (documentation, 9.9)
_DAYS = {name: name.lower() for name in ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY")}
_HOURS = {name: name.lower() for name in ("HOUR", "MINUTE", "SECOND")}
_PARTS = {**_DAYS, "ISO_YEAR": "isoyear", "WEEKDAY": "isodow", "DAY_OF_YEAR": "doy"}
DATE_UNIT = _enum("DateTruncation", _DAYS, "What a date is cut off to; weeks begin on Monday.")
MOMENT_UNIT = _enum("DateTimeTruncation", _DAYS | _HOURS, "What a moment is cut off to; weeks begin on Monday.")
_OF_PARTS = "WEEK is that of ISO 8601 and of ISO_YEAR, WEEKDAY is 1 for Monday to 7."
DATE_PART = _enum("DatePart", _PARTS, f"A part of a date. {_OF_PARTS}")
MOMENT_PART = _enum("DateTimePart", _PARTS | _HOURS, f"A part of a moment. {_OF_PARTS}")

# the rest is exact, where a quotient of numerics would be rounded; that of a negative number is negative
_BUCKET = "({0} - mod(mod({0} - {origin}, {width}) + {width}, {width}))"
_BUCKET_OF_FLOATS = "(floor(({0} - {origin}) / {width}) * {width} + {origin})"


def _zone_argument() -> dict[str, GraphQLArgument]:
    if not settings.USE_TZ:
        return {}
    description = 'The time zone whose calendar counts, "Europe/Berlin"; the active one by default.'
    return {TIME_ZONE: GraphQLArgument(GraphQLString, description=description)}


def key_arguments(field: GroupKey) -> dict[str, GraphQLArgument]:
    """Return the arguments of a key."""
    graphql: Any = field.scalar.graphql
    if graphql is leaves.DATE:
        return {TRUNCATE: GraphQLArgument(DATE_UNIT, description="Group by years, months …")}
    if graphql is leaves.DATE_TIME:
        return {
            TRUNCATE: GraphQLArgument(MOMENT_UNIT, description="Group by years, months … of the time zone."),
            **_zone_argument(),
        }
    if is_whole(field.scalar) or graphql in (GraphQLFloat, leaves.DECIMAL):
        return {
            WIDTH: GraphQLArgument(graphql, description="Group by ranges of this width; the key is where one begins."),
            ORIGIN: GraphQLArgument(graphql, description="Where a range begins; 0 by default."),
        }
    if graphql is leaves.JSON:
        path = GraphQLList(GraphQLNonNull(GraphQLString))
        return {PATH: GraphQLArgument(path, description="Keys and indexes that lead to a value in the JSON.")}
    return {}


def part_arguments(field: DatePartKey) -> dict[str, GraphQLArgument]:
    """Return the arguments of a part of a date."""
    part = MOMENT_PART if field.moment else DATE_PART
    zone = _zone_argument() if field.moment else {}
    return {PART: GraphQLArgument(GraphQLNonNull(part), description="Which part."), **zone}


def check_given(name: str, given: Mapping[str, Any]) -> None:
    """Raise InvalidInput for an argument of a key that means nothing without another one."""
    for argument, needed in ((TIME_ZONE, TRUNCATE), (ORIGIN, WIDTH)):
        if given.get(argument) is not None and given.get(needed) is None:
            raise InvalidInput(f"{name} has {argument} without {needed}, where it means nothing.")


def bucketed(field: GroupKey, compared: Compared) -> Compared | None:
    """Return what the arguments of a key make of its value; None where they make nothing else of it."""
    given: Mapping[str, Any] = field.given or {}
    if given.get(TRUNCATE) is not None:
        return _truncated(field, compared, given)
    if given.get(WIDTH) is not None:
        return _in_ranges(field, compared, given)
    if given.get(PATH) is not None:
        path = _param(given[PATH], lambda items: encode_array([encode_text(item) for item in items]), PATH, "text[]")
        value = SQL("NULLIF(({0})::jsonb #> {path}, 'null'::jsonb)", compared.value, path=path)
        return Compared(value=value, scalar=field.scalar, cast="jsonb")
    return None


def date_part(field: DatePartKey, compared: Compared) -> Compared:
    """Return a part of a date, as a number; of an infinite one it is infinite, or null."""
    unit = _unit(field.given[PART], PART)
    value: Any = SQL("({0})::timestamp", compared.value)
    if field.moment and settings.USE_TZ:
        value = SQL("(({0})::timestamptz AT TIME ZONE {zone})", compared.value, zone=_zone(field.given.get(TIME_ZONE)))
    return Compared(value=SQL("floor(date_part({unit}, {0}))", value, unit=unit), scalar=field.scalar, cast="float8")


def _truncated(field: GroupKey, compared: Compared, given: Mapping[str, Any]) -> Compared:
    unit, cast = _unit(given[TRUNCATE], TRUNCATE), field.scalar.cast
    if field.scalar.graphql is leaves.DATE:
        value = SQL("date_trunc({unit}, ({0})::timestamp)::date", compared.value, unit=unit)
    elif settings.USE_TZ:
        zone = _zone(given.get(TIME_ZONE))
        value = SQL("date_trunc({unit}, ({0})::timestamptz, {zone})", compared.value, unit=unit, zone=zone)
    else:
        value, cast = SQL("date_trunc({unit}, ({0})::timestamp)", compared.value, unit=unit), "timestamp"
    return Compared(value=value, scalar=field.scalar, cast=cast)


def _in_ranges(field: GroupKey, compared: Compared, given: Mapping[str, Any]) -> Compared:
    is_float = field.scalar.graphql is GraphQLFloat
    cast, encode = "double precision" if is_float else "numeric", field.scalar.encode
    width = _param(given[WIDTH], lambda value: encode(_positive(value)), WIDTH, cast)
    start = given.get(ORIGIN)
    origin: Any = SQL("0") if start is None else _param(start, encode, ORIGIN, cast)
    operand = SQL(f"({{0}})::{cast}", compared.value)
    value = SQL(_BUCKET_OF_FLOATS if is_float else _BUCKET, operand, width=width, origin=origin)
    return Compared(value=value, scalar=replace(field.scalar, fitting=frozenset()), cast=cast)


def _positive(value: Any) -> Any:
    if not value > 0:
        raise InvalidInput(f"{value} is no width; it must be greater than 0")
    return value


def _unit(leaf: Any, label: str) -> Param:
    return _param(leaf, encode_text, label, "text")


def _zone(leaf: Any) -> Param:
    if leaf is not None:
        return _param(leaf, _checked_zone, TIME_ZONE, "text")
    # part of the plan's key, as all that is active is
    name = zone_name(timezone.get_current_timezone())
    return Param(Bind(lambda variables: name, str, TIME_ZONE, constant=True), "text")


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise InvalidInput(f"{name[:80]!r} is no time zone, as 'Europe/Berlin' is") from None
    return name


def zone_name(zone: dt.tzinfo) -> str:
    """Return the name of a time zone as PostgreSQL reads it; the sign of a plain offset is POSIX's."""
    offset = zone.utcoffset(None)
    if isinstance(zone, ZoneInfo) or offset is None:
        return str(zone)
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'+' if minutes < 0 else '-'}{hours:02}:{rest:02}"


def _param(leaf: Any, encode: Callable[[Any], str], label: str, cast: str) -> Param:
    return Param(bind(leaf, encode, label), cast)
