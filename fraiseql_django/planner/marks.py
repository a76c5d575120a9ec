"""Marks: what a statement writes in place of a value that cannot stand in the answer.

A mark is a control character, which JSON text cannot hold unescaped (RFC 8259, 7), and a number. The number leads to
the plan's ``Mark``, which says what is wrong and where null may stand instead. An example: for ``{ books { title } }``
the statement writes

    '{"title":' || coalesce(to_json("title")::text, chr(3) || '0') || '}'

with the Mark

    Mark(problem="Book.title is null, and must not be", nullable=(False, False, False))

since neither the field ``books``, nor an item of its list, nor ``title`` may be null. ``execution/field_errors.py``
replaces marks by nulls and errors.
"""

from __future__ import annotations

from dataclasses import dataclass

# chr(1) and chr(2) are around what Python finishes (see ``compile``)
MARK = b"\x03"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is wrong with a value, and which values around it may be null.

    ``nullable`` has an item for each key and index of the value's path in the answer. It may have more items than the
    path: those of the value's own list. ``error`` is what a project's function has raised in place of the value.
    """

    problem: str
    nullable: tuple[bool, ...]
    error: Exception | None = None


def mark_sql(number: int) -> str:
    """Return SQL whose value is the text of a mark."""
    return f"chr({MARK[0]}) || '{number}'"
