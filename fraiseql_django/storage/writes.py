"""Which tables a statement writes, read from its SQL: Django's own, and whatever goes through its cursors.

Signals would miss ``update()``, bulk operations, many-to-many tables and fast deletes; the SQL shows them all.
Where the SQL does not tell, as in ``DO`` or ``CALL``, every table that it names counts as written. What it
does not name is not seen: what triggers and functions write, and COPY by psycopg's own method, which passes
Django's cursors by.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .._compat import DATABASE_ON_DELETE
from ..tables import NAME, bare, hinted, models_by_table, referring, several

_BLANK = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)"
# What may stand before a statement's first word, and that word
_START = re.compile(rf"(?:{_BLANK}|\()*(CREATE\s+OR\s+REPLACE|\w*)", re.DOTALL | re.IGNORECASE)
_TARGET = re.compile(
    rf"\b(INSERT{_BLANK}+INTO|UPDATE|DELETE{_BLANK}+FROM|MERGE{_BLANK}+INTO)\b(?:{_BLANK}+ONLY\b)?(?:{_BLANK}|\()*"
    rf"((?:{NAME}\s*\.\s*)?{NAME})",
    re.DOTALL | re.IGNORECASE,
)
# What reads, or is about transactions and sessions
_HARMLESS = {
    "SELECT", "SHOW", "SET", "RESET", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT",
    "RELEASE", "FETCH", "MOVE", "DECLARE", "CLOSE", "LISTEN", "UNLISTEN", "NOTIFY", "ANALYZE", "VACUUM",
    "DEALLOCATE", "DISCARD", "LOCK", "CHECKPOINT", "VALUES", "TABLE", "COMMENT", "GRANT", "REVOKE", "CREATE",
}  # fmt: skip
_NONE: frozenset[str] = frozenset()


def as_text(sql: Any) -> str:
    """Return the text of what a cursor was given: text, bytes or a psycopg composition."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    return str(sql.as_string(None)) if hasattr(sql, "as_string") else str(sql)


def only_reads(text: str) -> bool:
    """Whether a glance tells that a text is one statement that reads, as nearly every one is."""
    return text[:6] == "SELECT" and ";" not in text


def tables_written_by(text: str) -> frozenset[str]:
    """Return the models' tables that a statement changes, or several statements in one text."""
    if only_reads(text):
        return _NONE
    start = _START.match(text)
    word = start.group(1).upper() if start else ""
    if not several(text):
        if word in _HARMLESS:
            return _NONE
        if word in ("WITH", "EXPLAIN", "PREPARE"):
            return _targets(_TARGET.findall(text))
        first = _TARGET.search(text) if word in ("INSERT", "UPDATE", "DELETE", "MERGE") else None
        if first is not None:
            return _targets([first.groups()])
    found = hinted(text)
    return referring(found) if "CASCADE" in text.upper() else found


def _targets(matches: list[Any]) -> frozenset[str]:
    found: set[str] = set()
    for verb, name in matches:
        table = bare(name)
        if table in models_by_table():
            found |= _with_cascades(table) if verb[0] in "Dd" else {table}
    return frozenset(found)


@cache
def _with_cascades(table: str) -> frozenset[str]:
    """Return the table, and those that the database itself changes with a deletion from it."""
    return referring([table], lambda relation: getattr(relation, "on_delete", None) in DATABASE_ON_DELETE)
