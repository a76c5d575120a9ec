"""Source files of clients → GraphQL snippets: whole ``.graphql`` files, templates and strings in code.

JavaScript, TypeScript   see ``javascript``
Python                   gql("…")   gql(\"\"\"…\"\"\")   graphql("…")
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from .javascript import HAS_PARSER, read_component, read_javascript
from .snippets import Mistake, Skipped, Snippet, SourceLine

Found: TypeAlias = Iterator[Snippet | Mistake | Skipped]

NEEDS_PARSER = (
    "reading JavaScript needs the extra javascript: pip install 'fraiseql_django[javascript]'; or give the manifest "
    "that the client's own tool writes"
)


def extract(file: Path) -> Found:
    """Yield the GraphQL in a file, the errors in reading it and what is skipped.

    Its suffix must be one of ``SUFFIXES``.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        yield Mistake(location=SourceLine(file, 1), message=f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        yield Mistake(location=SourceLine(file, 1), message=f"is not UTF-8: byte {error.start}")
    else:
        yield from _READERS[file.suffix](text, file)


def _graphql(text: str, file: Path) -> Found:
    yield Snippet(text=text, location=SourceLine(file, 1))


# --- Python ---


def _python(text: str, file: Path) -> Found:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield Mistake(location=SourceLine(file, error.lineno or 1), message=f"is not Python: {error.msg}")
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _function_name(node.func) in ("gql", "graphql"):
            argument = node.args[0]
            location = SourceLine(file, argument.lineno)
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield Snippet(text=argument.value, location=location)
            elif isinstance(argument, (ast.JoinedStr, ast.BinOp)):
                message = "an operation must be a plain string; fragments are found by their names"
                yield Mistake(location=location, message=message)
            else:
                message = f"{_function_name(node.func)}({ast.unparse(argument)[:40]}) is not a string"
                yield Skipped(location=location, message=message)


def _function_name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _with_parser(read: Callable[[str, Path], Found]) -> Callable[[str, Path], Found]:
    """Return a reader of JavaScript that says what is missing where the parser is not installed."""

    def reader(text: str, file: Path) -> Found:
        if HAS_PARSER:
            yield from read(text, file)
        elif "gql" in text or "graphql" in text.lower():
            yield Mistake(location=SourceLine(file, 1), message=NEEDS_PARSER)

    return reader


_READERS: Mapping[str, Callable[[str, Path], Found]] = {
    **dict.fromkeys((".graphql", ".gql"), _graphql),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"), _with_parser(read_javascript)),
    **dict.fromkeys((".vue", ".svelte"), _with_parser(read_component)),
    ".py": _python,
}

SUFFIXES = tuple(_READERS)
"""Suffixes of the files that ``extract`` reads."""
