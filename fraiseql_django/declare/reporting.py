"""Errors of declarations while modules of declarations are imported: collected, so that all are said at once.

A decorator that raised would end the import of its module, and with it the search for other mistakes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..errors import DeclarationError


@dataclass(slots=True)
class _Collected:
    module: str
    problems: list[str] = field(default_factory=list)


_collected: list[_Collected] = []


@contextmanager
def collecting(module: str) -> Iterator[list[str]]:
    """Collect the errors of a module's declarations while it is imported, each with its line, in the yielded list."""
    collected = _Collected(module)
    _collected.append(collected)
    try:
        yield collected.problems
    finally:
        _collected.remove(collected)


def report(error: DeclarationError) -> None:
    """Collect an error while a module of declarations is imported; raise it at other times."""
    if not _collected:
        raise error
    module = _collected[-1].module
    _collected[-1].problems += [f"{module}{_line_of(module)}: {line}" for line in str(error).splitlines()]


def _line_of(module: str) -> str:
    """Return ", line …" with the line of the module that is being executed, or an empty string."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") == module:
            return f", line {frame.f_lineno}"
        frame = frame.f_back
    return ""
