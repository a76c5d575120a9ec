"""Python source, laid out as ``ruff format --line-length 120`` lays it out."""

from __future__ import annotations

import inspect
import keyword
import re
import unicodedata
from collections.abc import Sequence

LINE_LENGTH = 120
_INDENT = "    "


def literal(text: str) -> str:
    """Write a string: in double quotes unless single ones need fewer backslashes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{char}" if char in (quote, "\\") else _printable(char) for char in text) + quote


def docstring(text: str) -> list[str]:
    """Write a docstring, with the empty line that follows a class's."""
    lines = [line.rstrip() for line in inspect.cleandoc(text).splitlines()]
    escaped = [_in_docstring(line) for line in lines]
    if len(escaped) == 1:
        return [f'{_INDENT}"""{escaped[0]}"""', ""]
    body = [f"{_INDENT}{line}" if line else "" for line in escaped[1:]]
    return [f'{_INDENT}"""{escaped[0]}', *body, f'{_INDENT}"""', ""]


def _in_docstring(line: str) -> str:
    # a quote at the end would be one of those that close it
    quotes = re.sub(r'""+|"$', lambda run: '\\"' * len(run.group()), line.replace("\\", "\\\\"))
    return "".join(map(_printable, quotes))


def call(indent: str, head: str, arguments: Sequence[str]) -> list[str]:
    """Write a call on one line, its arguments on one line of their own, or on a line each."""
    inner = indent + _INDENT
    if fits(line := f"{indent}{head}({', '.join(arguments)})"):
        return [line]
    if len(arguments) == 1 or fits(inner + ", ".join(arguments)):
        return [f"{indent}{head}(", inner + ", ".join(arguments), f"{indent})"]
    return [f"{indent}{head}(", *(f"{inner}{argument}," for argument in arguments), f"{indent})"]


def comment(text: str) -> str:
    """Write a comment in a class, on one line."""
    return f"{_INDENT}# {' '.join(''.join(map(_printable, text)).split())}"


def attribute(name: str) -> str:
    """Return a name that Python and GraphQL allow an attribute to have (GraphQL specification, 2.1.9)."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    found = re.sub(r"\W+", "_", ascii_name)
    # two underscores are GraphQL's own, and Python would mangle them
    found = re.sub(r"^__+", "", found) or "field"
    found = f"_{found}" if found[0].isdigit() else found
    return f"{found}_" if keyword.iskeyword(found) else found


def unique(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, with a number if need be, and take it."""
    found, number = name, 1
    while found in taken or keyword.iskeyword(found):
        number += 1
        found = f"{name}{number}"
    taken.add(found)
    return found


def fits(line: str) -> bool:
    """Whether a line is short enough; wide characters count twice."""
    width = sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in line)
    return width <= LINE_LENGTH


def _printable(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
