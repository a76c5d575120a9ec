"""
Pages of the documentation as steps that a program can follow: their files, commands, operations and answers.

    ```python        a block that begins with `# shop/models.py` is that file; `# shop/graphql.py, added to` adds to it:
                     imports go to the other imports, a definition takes the place of the one of the same name,
                     together with what is new above it, and everything else goes to the end
    ```console       lines that begin with `$ ` are commands, the lines below each are what it prints. Of a command
                     without such lines it is only required that it succeeds.
    ```pycon         a session in `python manage.py shell`: `>>> ` and what it prints
    ```sql           statements that are executed in psql, or the file that `-- shop/sql/v_book.sql` names
    ```graphql       an operation that is sent to /graphql/; a first line `# signed in as ann` says by whom
    ```json          the answer, if it has `data` or `errors`; otherwise variables, with which it is sent then

A block of another kind is a mistake, unless `<!-- not executed: the reason -->` stands in front of it. `…` stands for
any text in what is printed, and a line that has only this for any number of lines.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(<!-- not executed: [^>]+ -->\n\n?)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:#|--) ([\w./-]+\.(?:py|sql))(, added to)?\n")
SIGNED_IN = re.compile(r"# signed in as (\w+)\n")


class PageError(Exception):
    """A page does not say what happens: the message has the line of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that the page shows; ``added`` where it adds to one that exists."""

    line: int
    path: str
    text: str
    added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, and what it prints; None where the page does not say."""

    line: int
    text: str
    printed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session in Django's shell."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """Statements for psql."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation, by whom it is sent, and the answer."""

    line: int
    text: str
    user: str | None
    variables: dict[str, Any]
    answer: Any


Step = File | Command | Session | Sql | Operation


def steps_of(page: Path) -> list[Step]:
    """Return what a page lets its readers do, in order."""
    text = page.read_text(encoding="utf-8")
    blocks = [
        (text.count("\n", 0, found.start(2)) + 1, found[2], found[3]) for found in FENCE.finditer(text) if not found[1]
    ]
    return list(_steps(blocks))


def _steps(blocks: list[tuple[int, str, str]]) -> Iterator[Step]:
    operation: tuple[int, str] | None = None
    variables: dict[str, Any] = {}
    for line, language, text in blocks:
        match language:
            case "python":
                named = NAMED.match(text)
                if named is None:
                    raise PageError(f"line {line}: a block of Python begins with the name of its file.")
                yield File(line=line, path=named[1], text=text[named.end() :], added=bool(named[2]))
            case "console":
                yield from _commands(line, text)
            case "pycon":
                yield Session(line=line, text=text)
            case "sql":
                if named := NAMED.match(text):
                    yield File(line=line, path=named[1], text=text, added=False)
                else:
                    yield Sql(line=line, text=text)
            case "graphql":
                operation, variables = (line, text), {}
            case "json":
                value = json.loads(text)
                if operation is None:
                    raise PageError(f"line {line}: an answer stands behind its operation.")
                if not value.keys() & {"data", "errors"}:
                    variables = value
                    continue
                user = SIGNED_IN.match(operation[1])
                yield Operation(line=line, text=operation[1], user=user and user[1], variables=variables, answer=value)
            case _:
                raise PageError(f"line {line}: nothing executes {language!r}.")


def _commands(line: int, text: str) -> Iterator[Command]:
    command, printed = "", None
    at = line
    for number, content in enumerate(text.splitlines(), line + 1):
        if printed is None and _goes_on(command):
            command += "\n" + content
        elif content.startswith("$ "):
            if command:
                yield Command(line=at, text=command, printed=printed)
            command, printed, at = content[2:], None, number
        elif not command:
            raise PageError(f"line {number}: a console block begins with a command, after '$ '.")
        else:
            printed = (printed or "") + content + "\n"
    yield Command(line=at, text=command, printed=printed)


def _goes_on(command: str) -> bool:
    """Whether a command has not ended with its line: it ends with a backslash, or within quotes."""
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


# --- what is printed ---


def matches(expected: str, printed: str) -> bool:
    """Whether a page shows what was printed, with ``…`` for any text. Blanks at the ends of lines do not count."""
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part) for part in line.rstrip().split("…")) + r"\n"
    got = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    return re.fullmatch(pattern, got) is not None


def agrees(expected: Any, answer: Any) -> bool:
    """Whether an answer is the one of a page, in which the text "…" stands for any value, and ``…`` for any part."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        return expected.keys() == answer.keys() and all(agrees(expected[key], answer[key]) for key in expected)
    if isinstance(expected, list) and isinstance(answer, list):
        return len(expected) == len(answer) and all(map(agrees, expected, answer))
    if isinstance(expected, str) and "…" in expected:
        return expected == "…" or (isinstance(answer, str) and matches(expected, answer))
    return type(expected) is type(answer) and bool(expected == answer)


# --- files ---


def write(folder: Path, file: File) -> None:
    """Write a file of a page, or what it adds to one, into a project's folder."""
    path = folder / file.path
    if file.added:
        path.write_text(added(path.read_text(encoding="utf-8"), file.text), encoding="utf-8")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")


def added(source: str, addition: str) -> str:
    """Return a module with what a page adds to it."""
    imports: list[str] = []
    new: list[str] = []
    for node in ast.parse(addition).body:
        text, name = _text(addition, node), _name(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(text)
            continue
        new.append(text)
        before = next((old for old in ast.parse(source).body if name and _name(old) == name), None)
        if before is not None:
            # what is new and stands above it in the page stays above it
            first, last = _lines(before)
            lines = source.splitlines()
            source = "\n".join([*lines[: first - 1], "\n\n\n".join(new), *lines[last:]]) + "\n"
            new = []
    source = "\n\n\n".join([source.rstrip(), *new]) + "\n"
    return _with_imports(source, imports)


def _with_imports(source: str, imports: list[str]) -> str:
    for text in imports:
        (new,) = ast.parse(text).body
        old = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        same = next((node for node in old if isinstance(new, ast.ImportFrom) and _module(node) == _module(new)), None)
        lines = source.splitlines()
        if same is None:
            at = max((node.end_lineno or 0 for node in old), default=0)
            source = "\n".join([*lines[:at], text, *lines[at:]]) + "\n"
        elif isinstance(new, ast.ImportFrom):
            names = sorted({ast.unparse(alias) for alias in (*same.names, *new.names)})
            line = f"from {_module(new)} import {', '.join(names)}"
            source = "\n".join([*lines[: same.lineno - 1], line, *lines[same.end_lineno or 0 :]]) + "\n"
    return source


def _module(node: ast.Import | ast.ImportFrom) -> str | None:
    return "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else None


def _name(node: ast.stmt) -> str | None:
    """Return the name that a statement defines; None if it defines none, or does not tell it from others."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None


def _lines(node: ast.stmt) -> tuple[int, int]:
    decorators = node.decorator_list if isinstance(node, ast.ClassDef | ast.FunctionDef) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)]), node.end_lineno or node.lineno


def _text(source: str, node: ast.stmt) -> str:
    """Return the text of a statement with the comments in and right above it."""
    lines = source.splitlines()
    first, last = _lines(node)
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return "\n".join(lines[first - 1 : last])
