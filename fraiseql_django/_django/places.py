"""The active language and time zone, and whether code asks for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import trans_real


class _Noting:
    """Stands for the active catalogue of translations, or for the active time zone, and notes that it was asked."""

    def __init__(self, real: Any, asked: list[str]) -> None:
        self._real, self._asked = real, asked

    def __getattr__(self, name: str) -> Any:
        self._asked.append(name)
        return getattr(self._real, name)


class _NotingZone(_Noting, dt.tzinfo):
    """The same of a time zone, whose methods ``tzinfo`` has."""

    def tzname(self, at: dt.datetime | None) -> str | None:
        self._asked.append("tzname")
        return self._real.tzname(at)  # type: ignore[no-any-return]

    def utcoffset(self, at: dt.datetime | None) -> dt.timedelta | None:
        self._asked.append("utcoffset")
        return self._real.utcoffset(at)  # type: ignore[no-any-return]

    def dst(self, at: dt.datetime | None) -> dt.timedelta | None:
        self._asked.append("dst")
        return self._real.dst(at)  # type: ignore[no-any-return]

    def fromutc(self, at: dt.datetime) -> dt.datetime:
        self._asked.append("fromutc")
        return self._real.fromutc(at.replace(tzinfo=self._real)).replace(tzinfo=self)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        self._asked.append("name")
        return str(self._real)


@contextmanager
def noting_place() -> Iterator[list[str]]:
    """Yield a list that is not empty after a block which has asked for the active language, a translation or time zone.

    Relies on ``trans_real`` finding the active catalogue in ``_active.value``.
    """
    asked: list[str] = []
    active: Any = vars(trans_real)["_active"]
    before = getattr(active, "value", None)
    active.value = _Noting(before or trans_real.translation(settings.LANGUAGE_CODE), asked)
    try:
        with timezone.override(_NotingZone(timezone.get_current_timezone(), asked)):
            yield asked
    finally:
        if before is None:
            del active.value
        else:
            active.value = before
