"""Parts of dates, times and durations. Parts of a moment are those in the active time zone, or in one that is named."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ...errors import InvalidInput
from ..scalars import postgres as scalars
from ..scalars.encoding import encode_text
from .base import Argument, Comparable, Entry, Result, Transform, named, one

# By the name of the part, PostgreSQL's field and the description (PostgreSQL documentation, 9.9.1)
_OF_DATES: Mapping[str, tuple[str, str]] = {
    "year": ("year", "The year."),
    "quarter": ("quarter", "The quarter of the year, from 1 to 4."),
    "month": ("month", "The month, from 1 to 12."),
    "day": ("day", "The day of the month."),
    "dayOfYear": ("doy", "The day of the year."),
    "isoYear": ("isoyear", "The year that the ISO 8601 week is of."),
    "week": ("week", "The ISO 8601 week of the year."),
    "weekday": ("isodow", "The day of the week, from 1 for Monday to 7 for Sunday (ISO 8601)."),
}
_OF_TIMES: Mapping[str, tuple[str, str]] = {
    "hour": ("hour", "The hour."),
    "minute": ("minute", "The minute."),
    "second": ("second", "The second, without its fraction."),
}
_is_moment = named("DateTime")


def _extracted(field: str, value: str) -> str:
    return f"floor(extract({field} FROM {value}))::integer"


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _encode_zone(value: Any) -> str:
    text = encode_text(value)
    if text not in _zones():
        raise InvalidInput(f"{text[:80]!r} is not the name of a time zone, such as 'Europe/Berlin'")
    return text


_ZONE = replace(scalars.TEXT, encode=_encode_zone)


def _parts_of_moment(local: str) -> Mapping[str, Result]:
    numbers = {
        name: Result(sql=_extracted(field, local), scalar=scalars.INT, description=text)
        for name, (field, text) in {**_OF_DATES, **_OF_TIMES}.items()
    }
    return {
        **numbers,
        "date": Result(sql=f"({local})::date", scalar=scalars.DATES, description="The calendar date."),
        "time": Result(sql=f"({local})::time", scalar=scalars.TIMES, description="The time of day."),
    }


_IN_ZONE = _parts_of_moment("({column})::timestamptz AT TIME ZONE {name}")


def _transforms() -> Iterator[Transform]:
    for names, of, value in ((_OF_DATES, "Date", "({column})::date"), (_OF_TIMES, "Time", "({column})::time")):
        for name, (field, text) in names.items():
            yield Transform(
                name=name, description=text, for_=named(of), results=one(_extracted(field, value), scalars.INT)
            )
    for name, result in _parts_of_moment("{local}").items():
        yield Transform(
            name=name, description=result.description, for_=_is_moment, results=one(result.sql, result.scalar)
        )
    yield Transform(
        name="zone",
        description="Its parts in a time zone that is named, not in the active one.",
        for_=_is_moment,
        named={"name": Argument(scalar=_ZONE, description="An IANA time zone, such as Europe/Berlin.")},
        results=_in_zone,
    )
    yield Transform(
        name="seconds",
        description="How many seconds it lasts.",
        for_=named("Duration"),
        results=one("extract(epoch FROM {column})::double precision", scalars.FLOAT),
    )


def _in_zone(of: Comparable) -> Mapping[str, Result]:
    return _IN_ZONE


MOMENTS: tuple[Entry, ...] = tuple(_transforms())
