"""The values under the key of a table's version: a version, or marks of writers that are about to commit.

A version is random text. A mark says that a transaction that has written the table may be committed at any moment: what
is read meanwhile may be from before or from after it. Each mark has the writer's token and the time at which its lease
ends, so that a writer that dies delays others no longer than that; several writers stand side by side:
``!token@milliseconds!token@milliseconds``. The functions here are pure; ``redis`` has their twins in Lua.
"""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

MARK = "!"
_MARK = re.compile(r"!([^@!]+)@(\d+)")


class Kept(NamedTuple):
    """A value, and the seconds for which it is kept; None: without a limit."""

    value: str
    seconds: int | None


def new_version() -> str:
    """Return a version that was never used before."""
    # 64 random bits: short, since each lookup reads one for every table
    return secrets.token_urlsafe(8)


def new_token() -> str:
    """Return what tells a writer from others."""
    return secrets.token_urlsafe(8)


def with_mark(value: object, token: str, now: float, lease: int) -> Kept:
    """Return the value of a table with one mark more, which ends ``lease`` seconds from now."""
    others = _others(value, token, now)
    others[token] = int((now + lease) * 1000)
    return _kept(others, now)


def without_mark(value: object, token: str, now: float, version: str) -> Kept | None:
    """Return the value of a table without a writer's mark: those of others, or else a new version.

    None where the value stays as it is: it has other writers' marks alone.
    """
    others = _others(value, token, now)
    if not others:
        return Kept(version, None)
    kept = _kept(others, now)
    return None if kept.value == value else kept


def _others(value: object, token: str, now: float) -> dict[str, int]:
    """Return the marks in a value that hold, without those of one writer."""
    if not isinstance(value, str):
        return {}
    found = {other: int(until) for other, until in _MARK.findall(value)}
    return {other: until for other, until in found.items() if until > now * 1000 and other != token}


def _kept(marks: dict[str, int], now: float) -> Kept:
    value = "".join(f"{MARK}{token}@{until}" for token, until in marks.items())
    # rounded up: a mark that ends too early is one too few
    return Kept(value, max(1, -int(-(max(marks.values()) - now * 1000) // 1000)))
