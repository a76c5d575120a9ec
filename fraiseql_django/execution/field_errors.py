"""Marks in an answer → nulls, and errors with paths (GraphQL specification, 6.4.4 "Handling Execution Errors").

A null that stands where none may be becomes null further out, until a place is reached that may be null; what is there
has one error. Numbers and texts of the answer are copied as PostgreSQL has written them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..planner.marks import MARK, Mark

Path: TypeAlias = tuple[str | int, ...]

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|' + MARK + rb"([0-9]+)", re.DOTALL)
_NULL = b"null"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a value, and its path in the answer; ``error`` was raised in place of the value."""

    problem: str
    path: Path
    error: Exception | None = None


@dataclass(slots=True)
class _Container:
    """An object or a list that is being read.

    ``key`` is the key or the index of the member that is being read, ``written`` how many parts stood before it;
    ``lost`` says that null will stand for the whole.
    """

    key: str | int
    written: int
    lost: bool = False


def without_marks(text: bytes, marks: Sequence[Mark], prefix: Path = ()) -> tuple[bytes | None, list[FieldError]]:
    """Return JSON text with nulls in place of marks, and the errors; None where null must stand for the whole text.

    ``prefix`` is the path of the text in the answer.
    """
    parts: list[bytes] = []
    errors: list[FieldError] = []
    stack: list[_Container] = []
    copied = 0
    expects_key = False
    for token in _TOKEN.finditer(text):
        found = token.group()
        first = found[:1]
        if first == MARK:
            if any(container.lost for container in stack):
                continue
            mark = marks[int(token.group(1))]
            path = tuple(container.key for container in stack)
            errors.append(FieldError(mark.problem, (*prefix, *path), mark.error))
            keeper = _keeper(mark.nullable[len(prefix) :], len(path))
            if keeper is None:
                return None, errors
            if keeper == len(path):
                parts += [text[copied : token.start()], _NULL]
                copied = token.end()
            else:
                # the value that the path up to there leads to is a container
                stack[keeper].lost = True
        elif first == b'"':
            if expects_key:
                stack[-1].key, expects_key = json.loads(found), False
        elif first in b"{[":
            parts.append(text[copied : token.start()])
            copied = token.start()
            expects_key = first == b"{"
            stack.append(_Container("" if expects_key else 0, len(parts)))
        elif first in b"}]":
            container = stack.pop()
            expects_key = False
            if container.lost:
                parts[container.written :] = [_NULL]
                copied = token.end()
        elif first == b",":
            if isinstance(stack[-1].key, int):
                stack[-1].key += 1
            else:
                expects_key = True
    parts.append(text[copied:])
    return b"".join(parts), errors


def _keeper(nullable: Sequence[bool], depth: int) -> int | None:
    """Return the length of the longest path, up to ``depth``, whose value may be null; None where none may be."""
    return next((length for length in range(depth, 0, -1) if nullable[length - 1]), None)
