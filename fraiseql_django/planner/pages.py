"""``limit`` and ``offset`` → LIMIT and OFFSET, as holes: one statement serves every page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..conf.settings import LimitSettings
from ..errors import InvalidInput, LimitExceeded
from .binds import Hole, Param, hole


class Pages:
    """Builds the pages of lists within the limits."""

    def __init__(self, limits: LimitSettings) -> None:
        self.limits = limits

    def page(self, given: Mapping[str, Any]) -> tuple[Param | None, Param | None]:
        """Return LIMIT and OFFSET of a list with these arguments; None where there is none."""
        limit, offset = given.get("limit"), given.get("offset")
        default = self.limits.default_rows or self.limits.max_rows
        if limit is not None:
            limit_param: Param | None = Param(hole(limit, self._limit, "limit"), "bigint")
        elif default is not None:
            limit_param = Param(Hole(lambda variables: default, str, "limit", constant=True), "bigint")
        else:
            limit_param = None
        return limit_param, None if offset is None else Param(hole(offset, _count, "offset"), "bigint")

    def _limit(self, value: int) -> str:
        maximum = self.limits.max_rows
        if maximum is not None and value > maximum:
            raise LimitExceeded("rows asked for in a list", limit=maximum, value=value, setting="LIMITS.MAX_ROWS")
        return _count(value)


def _count(value: int) -> str:
    if value < 0:
        raise InvalidInput(f"{value} is less than 0")
    return str(value)
