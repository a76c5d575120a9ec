"""Writes Python source in the format of ``ruff format --line-length 120``."""

from __future__ import annotations

import inspect
import keyword
import re
import unicodedata
from collections.abc import Callable, Sequence

LINE_LENGTH = 120
_INDENT = "    "


def literal(text: str) -> str:
    """Return a string literal, in double quotes unless single quotes need fewer backslashes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{char}" if char in (quote, "\\") else _printable(char) for char in text) + quote


def docstring(text: str) -> list[str]:
    """Return the lines of a class's docstring, and the empty line after it."""
    lines = [line.rstrip() for line in inspect.cleandoc(text).splitlines()]
    escaped = [_in_docstring(line) for line in lines]
    if len(escaped) == 1:
        return [f'{_INDENT}"""{escaped[0]}"""', ""]
    body = [f"{_INDENT}{line}" if line else "" for line in escaped[1:]]
    return [f'{_INDENT}"""{escaped[0]}', *body, f'{_INDENT}"""', ""]


def _in_docstring(line: str) -> str:
    # a quote at the end would be read as one of the closing quotes
    quotes = re.sub(r'""+|"$', lambda run: '\\"' * len(run.group()), line.replace("\\", "\\\\"))
    return "".join(map(_printable, quotes))


def call(indent: str, head: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines of a call: on one line, or with all arguments on the next line, or with one argument a line."""
    inner = indent + _INDENT
    if fits(line := f"{indent}{head}({', '.join(arguments)})"):
        return [line]
    if len(arguments) == 1 or fits(inner + ", ".join(arguments)):
        return [f"{indent}{head}(", inner + ", ".join(arguments), f"{indent})"]
    return [f"{indent}{head}(", *(f"{inner}{argument}," for argument in arguments), f"{indent})"]


def comment(text: str) -> str:
    """Return a comment in the body of a class, on one line."""
    return f"{_INDENT}# {' '.join(''.join(map(_printable, text)).split())}"


def attribute(name: str) -> str:
    """Return a name that is valid for an attribute in Python and for a field in GraphQL (specification, 2.1.9)."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    identifier = re.sub(r"\W+", "_", ascii_name)
    # names with two leading underscores are reserved in GraphQL, and mangled in classes of Python
    identifier = re.sub(r"^__+", "", identifier) or "field"
    identifier = f"_{identifier}" if identifier[0].isdigit() else identifier
    return f"{identifier}_" if keyword.iskeyword(identifier) else identifier


def _itself(name: str) -> frozenset[str]:
    return frozenset((name,))


def unique(name: str, taken: set[str], names: Callable[[str], frozenset[str]] = _itself) -> str:
    """Return the name, with a number if what it ``names`` is in ``taken``, and add that to ``taken``."""
    candidate, number = name, 1
    while keyword.iskeyword(candidate) or not taken.isdisjoint(names(candidate)):
        number += 1
        candidate = f"{name}{number}"
    taken |= names(candidate)
    return candidate


def fits(line: str) -> bool:
    """Whether a line has at most LINE_LENGTH columns; wide characters count twice, as in ruff."""
    width = sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in line)
    return width <= LINE_LENGTH


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
