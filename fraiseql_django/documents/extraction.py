"""Source files of clients → GraphQL snippets: whole ``.graphql`` files, templates and strings in code.

    JavaScript, TypeScript   gql`…`   graphql`…`   gql(`…`)   graphql(`…`)   /* GraphQL */ `…`
    Python                   gql("…")   gql(\"\"\"…\"\"\")   graphql("…")

Code is not executed, so expressions in templates have no value. The only expressions allowed are names at the end of
a template, ``${BookFragment}``, which Apollo's clients use to add fragments; here fragments are found by their names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of a file."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """GraphQL in a file, and the line where it begins."""

    text: str
    location: SourceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An error in a file, and its line."""

    location: SourceLine
    message: str

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


def extract(file: Path) -> Iterator[Snippet | Mistake]:
    """Yield the GraphQL in a file and the errors in reading it; its suffix must be one of ``SUFFIXES``."""
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        yield Mistake(location=SourceLine(file=file, line=1), message=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield Mistake(location=SourceLine(file=file, line=1), message=f"is not UTF-8: byte {error.start}")
    else:
        yield from _READERS[file.suffix](text, file)


def _graphql(text: str, file: Path) -> Iterator[Snippet | Mistake]:
    yield Snippet(text=text, location=SourceLine(file=file, line=1))


# --- JavaScript ---

# Comments and strings are skipped. A quote without another one in its line is an apostrophe in JSX text.
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
            snippet, position = _template(text, position, file)
            yield snippet


def _template(text: str, start: int, file: Path) -> tuple[Snippet | Mistake, int]:
    """Read the template literal whose content begins at ``start``; return it and the offset behind it."""
    content, position, fragments_from = "", start, None

    def mistake(message: str) -> tuple[Mistake, int]:
        return Mistake(location=_line_at(text, position, file), message=message), position

    for part in _PART.finditer(text, start):
        plain, position = text[position : part.start()], part.start()
        content += plain
        if fragments_from is not None and content[fragments_from:].strip():
            return mistake("an expression in a template must be a fragment at its end")
        if part["end"] is not None:
            return Snippet(text=content, location=_line_at(text, start, file)), part.end()
        if part["escaped"] is not None:
            if part["escaped"] not in _ESCAPES:
                return mistake(f"the escape \\{part['escaped']} cannot be read; write the character itself")
            content += _ESCAPES[part["escaped"]]
        elif part["expression"] is None or not _NAME.fullmatch(part["expression"]):
            return mistake("an expression in a template must be the name of a fragment")
        else:
            fragments_from = len(content) if fragments_from is None else fragments_from
        position = part.end()
    return mistake("the template does not end")


def _line_at(text: str, position: int, file: Path) -> SourceLine:
    return SourceLine(file=file, line=text.count("\n", 0, position) + 1)


# --- Python ---


def _python(text: str, file: Path) -> Iterator[Snippet | Mistake]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield Mistake(location=SourceLine(file=file, line=error.lineno or 1), message=f"is not Python: {error.msg}")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _function_name(node.func) in ("gql", "graphql"):
            argument = node.args[0]
            location = SourceLine(file=file, line=argument.lineno)
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield Snippet(text=argument.value, location=location)
            elif isinstance(argument, (ast.JoinedStr, ast.BinOp)):
                message = "an operation must be a plain string; fragments are found by their names"
                yield Mistake(location=location, message=message)


def _function_name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


_READERS: Mapping[str, Callable[[str, Path], Iterator[Snippet | Mistake]]] = {
    **dict.fromkeys((".graphql", ".gql"), _graphql),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"), _javascript),
    ".py": _python,
}

SUFFIXES = tuple(_READERS)
"""Suffixes of the files that ``extract`` reads."""
