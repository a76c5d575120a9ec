"""Which tables a statement writes, read from its SQL: Django's own, and whatever goes through its cursors.

Signals would miss ``update()``, bulk operations, many-to-many tables and fast deletes; the SQL shows them all.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models

from .._compat import database_cascades

_COMMENTS = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_TARGET = re.compile(
    rf"\b(INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?|MERGE\s+INTO)\s+((?:{_NAME}\s*\.\s*)?{_NAME})",
    re.IGNORECASE,
)
# What reads, or is about transactions and sessions
_HARMLESS = {
    "SELECT", "SHOW", "SET", "RESET", "EXPLAIN", "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "SAVEPOINT",
    "RELEASE", "FETCH", "MOVE", "DECLARE", "CLOSE", "LISTEN", "UNLISTEN", "NOTIFY", "ANALYZE", "VACUUM",
    "PREPARE", "DEALLOCATE", "DISCARD", "LOCK", "CHECKPOINT", "VALUES", "TABLE", "COMMENT", "GRANT", "REVOKE",
    "CREATE",
}  # fmt: skip
_NONE: frozenset[str] = frozenset()


def tables_written_by(sql: Any) -> frozenset[str]:
    """Return the tables that a statement changes, by their names in the database.

    ``sql`` is what a cursor was given: text, bytes or a psycopg composition.
    """
    text = sql if isinstance(sql, str) else _as_text(sql)
    # nearly every statement is told by its first letters
    if text[:6] == "SELECT":
        return _NONE
    start = _COMMENTS.match(text)
    text = text[start.end() if start else 0 :]
    keyword = text[:10].split(None, 1)[0].upper().rstrip(";(") if text[:10].strip() else ""
    if keyword in ("INSERT", "UPDATE", "DELETE", "MERGE"):
        return _written(text, first_only=";" not in text.rstrip().rstrip(";"))
    if keyword == "WITH":
        return _written(text, first_only=False)
    if keyword in _HARMLESS:
        return _NONE if ";" not in text.rstrip().rstrip(";") else _written(text, first_only=False)
    return _mentioned(text, with_dependents="CASCADE" in text.upper())


def _as_text(sql: Any) -> str:
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    return str(sql.as_string(None)) if hasattr(sql, "as_string") else str(sql)


def _written(text: str, *, first_only: bool) -> frozenset[str]:
    found: set[str] = set()
    for match in _TARGET.finditer(text):
        table = re.split(r"\s*\.\s*(?=[^.]+$)", match.group(2))[-1].strip('"').replace('""', '"')
        found.add(table)
        if match.group(1)[0] in "Dd":
            found |= _cascaded(table)
        if first_only:
            break
    return frozenset(found)


@cache
def _models() -> dict[str, list[type[models.Model]]]:
    found: dict[str, list[type[models.Model]]] = {}
    for model in apps.get_models(include_auto_created=True):
        found.setdefault(model._meta.db_table.strip('"'), []).append(model)
    return found


@cache
def _cascaded(table: str) -> frozenset[str]:
    """Return the tables that the database itself changes with a deletion from this one."""
    found: set[str] = set()
    waiting = list(_models().get(table, ()))
    while waiting:
        for model in database_cascades(waiting.pop()):
            if model._meta.db_table not in found:
                found.add(model._meta.db_table)
                waiting.append(model)
    return frozenset(found)


def _mentioned(text: str, *, with_dependents: bool) -> frozenset[str]:
    """Return the models' tables that a statement names whose effect its text does not tell."""
    words = set(re.findall(r'"((?:[^"]|"")+)"', text)) | set(re.findall(r"[^\W\d][\w$]*", text))
    found = words & _models().keys()
    if with_dependents:
        waiting = list(found)
        while waiting:
            for model in _models()[waiting.pop()]:
                dependents = {relation.related_model._meta.db_table for relation in model._meta.related_objects}
                waiting += dependents - found
                found |= dependents
    return frozenset(found)
