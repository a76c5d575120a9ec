"""The GraphQL in a client's file: the whole of a ``.graphql`` file, templates and strings in code.

    JavaScript and its kin   gql`…`   graphql`…`   gql(`…`)   graphql(`…`)   /* GraphQL */ `…`
    Python                   gql("…")   gql(\"\"\"…\"\"\")   graphql("…")

Nothing is executed, so nothing can be known of an expression in a template. The one that is taken is a
fragment behind everything else, ``${BookFragment}``, as Apollo's clients put it: fragments are joined by
their names anyway.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A text that is GraphQL, and where it begins."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong in a client's file, and where."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def extract(file: Path) -> Iterator[Snippet | Mistake]:
    """Yield the GraphQL of a file, and what in it cannot be read; its suffix is one of ``SUFFIXES``."""
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        yield Mistake(place=Place(file=file, line=1), message=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield Mistake(place=Place(file=file, line=1), message=f"is not UTF-8: byte {error.start}")
    else:
        yield from _READERS[file.suffix](text, file)


def _graphql(text: str, file: Path) -> Iterator[Snippet | Mistake]:
    yield Snippet(text=text, place=Place(file=file, line=1))


# --- JavaScript ---

# what is in comments and strings is not code; a string that does not end in its line is an apostrophe in a text
_JAVASCRIPT = re.compile(
    r"""
      //[^\n]*  |  /\*(?!\s*GraphQL\s*\*/).*?\*/  |  <!--.*?-->
    | '(?:[^'\\\n]|\\.)*'  |  "(?:[^"\\\n]|\\.)*"
    | (?: \b(?:gql|graphql)\b \s* (?:<[^<>`()]*>\s*)? \(?\s* (?:/\*\s*GraphQL\s*\*/\s*)?  |  /\*\s*GraphQL\s*\*/\s* )
      (?P<open>`)
    """,
    re.VERBOSE | re.DOTALL,
)
_PART = re.compile(r"\\(?P<escaped>.)|(?P<end>`)|\$\{(?P<expression>[^`{}]*)\}|(?P<expressions>\$\{)", re.DOTALL)
_NAME = re.compile(r"\s*[\w$.]+\s*")
_ESCAPES: Mapping[str, str] = {
    **{character: character for character in "`$\\{}'\""},
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "\n": "",
}


def _javascript(text: str, file: Path) -> Iterator[Snippet | Mistake]:
    position = 0
    while (match := _JAVASCRIPT.search(text, position)) is not None:
        position = match.end()
        if match["open"] is not None:
            found, position = _template(text, position, file)
            yield found


def _template(text: str, start: int, file: Path) -> tuple[Snippet | Mistake, int]:
    """Read the template whose content begins at ``start``, as JavaScript reads it; return it and where to go on."""
    read, position, fragments_from = "", start, None

    def mistake(message: str) -> tuple[Mistake, int]:
        return Mistake(place=_place(text, position, file), message=message), position

    for part in _PART.finditer(text, start):
        plain, position = text[position : part.start()], part.start()
        read += plain
        if fragments_from is not None and read[fragments_from:].strip():
            return mistake("an expression in a template can only be a fragment behind everything else")
        if part["end"] is not None:
            return Snippet(text=read, place=_place(text, start, file)), part.end()
        if part["escaped"] is not None:
            if part["escaped"] not in _ESCAPES:
                return mistake(f"the escape \\{part['escaped']} cannot be read; write the character itself")
            read += _ESCAPES[part["escaped"]]
        elif part["expression"] is None or not _NAME.fullmatch(part["expression"]):
            return mistake("an expression in a template must be the name of a fragment")
        else:
            fragments_from = len(read) if fragments_from is None else fragments_from
        position = part.end()
    return mistake("the template does not end")


def _place(text: str, position: int, file: Path) -> Place:
    return Place(file=file, line=text.count("\n", 0, position) + 1)


# --- Python ---


def _python(text: str, file: Path) -> Iterator[Snippet | Mistake]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield Mistake(place=Place(file=file, line=error.lineno or 1), message=f"is not Python: {error.msg}")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _called(node.func) in ("gql", "graphql"):
            given = node.args[0]
            place = Place(file=file, line=given.lineno)
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield Snippet(text=given.value, place=place)
            elif isinstance(given, (ast.JoinedStr, ast.BinOp)):
                message = "an operation must be one plain string; fragments are joined by their names"
                yield Mistake(place=place, message=message)


def _called(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


_READERS: Mapping[str, Callable[[str, Path], Iterator[Snippet | Mistake]]] = {
    **dict.fromkeys((".graphql", ".gql"), _graphql),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"), _javascript),
    ".py": _python,
}

SUFFIXES = tuple(_READERS)
"""Suffixes of the files that GraphQL is read from."""
