"""Finds the tables that a statement writes in its SQL: Django's own statements, and all others on its cursors.

Signals would miss ``update()``, bulk operations, many-to-many tables and fast deletes; the SQL shows them all. Where
it does not, as in ``DO`` or ``CALL``, every table and function that it names counts as written or called. The catalogue
adds what triggers, rules, keys and functions write in turn. COPY by psycopg's own method is not seen, since it does not
go through Django's cursors.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .._django import cache_tables
from .dependencies import CALL, ROWS, Change, target, targets
from .names import bare, is_ordinary, names_in, several

_BLANK = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)"
# What may stand before a statement's first word, and that word
_START = re.compile(rf"(?:{_BLANK}|\()*(CREATE\s+OR\s+REPLACE|CREATE\s+POLICY|\w*)", re.DOTALL | re.IGNORECASE)
# A function that a SELECT begins with; every one is looked at, so that nothing is tried twice (``++``)
_CALL = re.compile(
    r'\s+(?:\*\s+FROM\s+)?((?:(?:"[^"]++"|[\w$]++)\s*+\.\s*+)?(?:"[^"]++"|[\w$]++))\s*+\(', re.IGNORECASE
)
# What the catalogue says something else after
_REDEFINES = re.compile(
    rf"\b(?:CREATE|ALTER|DROP){_BLANK}+(?:OR{_BLANK}+REPLACE{_BLANK}+)?(?:CONSTRAINT{_BLANK}+|FOREIGN{_BLANK}+"
    rf"|UNLOGGED{_BLANK}+|RECURSIVE{_BLANK}+|MATERIALIZED{_BLANK}+)?"
    rf"(?:TABLE|VIEW|FUNCTION|PROCEDURE|ROUTINE|TRIGGER|RULE|POLICY|SCHEMA|EXTENSION)\b",
    re.DOTALL | re.IGNORECASE,
)
# What reads, or is about transactions and sessions
_HARMLESS = {
    "SELECT", "SHOW", "SET", "RESET", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT",
    "RELEASE", "FETCH", "MOVE", "DECLARE", "CLOSE", "LISTEN", "UNLISTEN", "NOTIFY", "ANALYZE", "VACUUM",
    "DEALLOCATE", "DISCARD", "LOCK", "CHECKPOINT", "VALUES", "TABLE", "COMMENT", "CREATE",
}  # fmt: skip
# What happens to the tables that such a statement names; to those of others anything
_EVENTS = {"TRUNCATE": "T", "COPY": "I", "REFRESH": ROWS}
_NONE: frozenset[Change] = frozenset()


def as_text(sql: Any) -> str:
    """Return the text of what a cursor was given: text, bytes or a psycopg composition."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    return str(sql.as_string(None)) if hasattr(sql, "as_string") else str(sql)


def only_reads(text: str) -> bool:
    """Whether a text is certainly one statement that only reads, by a quick look, as most are."""
    return text[:6] == "SELECT" and ";" not in text and not _function(text, 6)


def redefines(text: str) -> bool:
    """Whether a text may create, change or drop what is read from the catalogue."""
    if text[:6] in ("INSERT", "UPDATE", "DELETE") and ";" not in text:
        # some are long
        return False
    return _REDEFINES.search(text) is not None


def changes(text: str) -> frozenset[Change]:
    """Return the changes that a statement names itself, or several statements in one text.

    A SELECT that begins with a function may write, too: the change is then that the function is called.
    """
    if only_reads(text):
        return _NONE
    start = _START.match(text)
    word = start.group(1).upper() if start else ""
    if not several(text):
        if start and word == "SELECT":
            function = _function(text, start.end())
            return frozenset([Change(function, CALL)]) if function else _NONE
        if word in _HARMLESS:
            return _NONE
        if word in ("WITH", "EXPLAIN", "PREPARE"):
            return frozenset(targets(text))
        first = target(text) if word in ("INSERT", "UPDATE", "DELETE", "MERGE") else None
        if first is not None:
            # nothing is read from the tables of caches but by the caches themselves
            return _NONE if first.name in cache_tables() else frozenset([first])
    events = _EVENTS.get(word, f"{ROWS}T{CALL}") + ("C" if "CASCADE" in text.upper() else "")
    return frozenset(Change(name, events, guess=True) for name in names_in(text))


def _function(text: str, start: int) -> str | None:
    """Return the function that a SELECT begins with, if it may be the project's."""
    found = _CALL.match(text, start)
    return _of_project(found.group(1)) if found else None


@lru_cache(maxsize=1024)
def _of_project(name: str) -> str | None:
    return None if is_ordinary(bare(name)) else bare(name)
