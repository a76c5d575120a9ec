"""Check types with mypy --strict and pyright: the package, the bookshop, the typed project, and the documentation.

    python -m scripts.check_types [PAGE ...]

Every Python block of the README and of the pages of ``docs`` becomes a module of its own in ``build/types``, in which
the code stands in the lines that it has in the page, so that errors name the page. Names that a block uses and does not
define are those of the page's other blocks, the nearest one before it first, then those of ``CONTEXT``: what a reader
of the page takes as given. Imports of a project's own modules (``from shop.models import Book``) are resolved likewise.
An indented block stands in a class. A block that is no Python is left out if it has an ellipsis, "…", for what it does
not show; otherwise it is an error. Models that a page defines are those of an app, for mypy's plugin.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# git ignores it; checkers do not read folders whose names begin with a dot
FOLDER = ROOT / "build" / "types"
# beside mypy's own, in which nothing depends on pages
CACHE = ROOT / ".mypy_cache" / "pages"
# the package of the modules made of pages
PACKAGE = "documentation"
PACKAGES = ("fraiseql_django", "scripts", "example_project", "tests.typed")
PYRIGHT = "pyright@1.1.414"

CONTEXT = """
import dataclasses
import datetime as dt
import os
import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NewType

import fraiseql_django as fraiseql
from django import forms
from django.apps import AppConfig
from django.contrib.auth.models import Group, User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.contrib.postgres.search import SearchVector
from django.db import connection, models, transaction
from django.db.models import Avg, Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Left, Lower, Mod, Now
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path
from example_project.bookshop.graphql import (
    AuthorType, BookCard, BookType, CategoryType, CustomerType, OrderLineType, OrderType, PublisherType, ReviewType,
)
from example_project.bookshop.models import (
    Author, Book, BookFormat, Category, Customer, Order, OrderLine, Publisher, Review, ReviewStatus,
)
from example_project.settings import BASE_DIR, DEBUG, INSTALLED_APPS, MIDDLEWARE
from fraiseql_django import CachePolicy, get_engine
from fraiseql_django.views import GraphQLView
from tests.menagerie.models import Animal, Badge, Bike, Car, Cat, Crate, Dog, Note, Place, Vehicle
from tests.typed.given import (
    LARGEST, SHELF, Document, Edition, Offer, PlaceOrderError, PlaceOrderInput, PlaceOrderSuccess, Product, Report,
    SaleType, Tenant, default_headers, load_books_by_another_program, scope, user,
)
"""
# pages that show code of other packages, which are not installed here, and one of signatures
LEFT_OUT = ("docs/coming-from/", "docs/clients.md", "docs/reference/python.md")


@dataclass(frozen=True, slots=True)
class Block:
    """A Python block of a page: which one it is, the line that its fence begins in, and the text."""

    page: str
    number: int
    line: int
    text: str

    @property
    def package(self) -> str:
        """The module of the page: ``docs_reference_types``."""
        return re.sub(r"\W", "_", self.page.removesuffix(".md")).lower()

    @property
    def module(self) -> str:
        """The dotted name of the block's module."""
        return f"{PACKAGE}.{self.package}.block_{self.number}"

    @property
    def path(self) -> Path:
        """Where the block's module is written."""
        return FOLDER.joinpath(*self.module.split(".")).with_suffix(".py")

    @property
    def code(self) -> str:
        """The block as a module: what is indented stands in a class, in the line of the fence."""
        return f"class Fragment:\n{self.text}" if self.text[:1].isspace() else f"\n{self.text}"


def pages() -> list[Path]:
    """Return the pages of the documentation."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if not str(page.relative_to(ROOT)).startswith(LEFT_OUT)]


def blocks_of(page: Path) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^( *)```python\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    return [
        # what stands in an item of a list is indented by the item
        Block(
            str(page.relative_to(ROOT)),
            number,
            text.count("\n", 0, match.start()) + 1,
            re.sub(f"^{match[1]}", "", match[2], flags=re.MULTILINE),
        )
        for number, match in enumerate(found, start=1)
    ]


def bound_names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines for others: those of its top level."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif not isinstance(node, ast.AugAssign):
            found |= {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and not _is_read(item)}
    return found


def given_names(block: Block) -> dict[str, str]:
    """Return what other blocks of the page can take from a block: the statement that imports each name."""
    tree = ast.parse(block.code)
    found = {name: f"from {block.module} import {name}" for name in bound_names(tree)}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                found.pop(alias.asname or alias.name, None)
                if not of_project(node):
                    found |= _imports(node, alias)
    return found


def model_names(tree: ast.Module) -> set[str]:
    """Return the names of the models that a module defines."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name for node in classes if any(ast.unparse(base) == "models.Model" for base in node.bases)}


def unbound_names(tree: ast.Module) -> set[str]:
    """Return the names that a module reads and defines nowhere, those in quoted annotations among them."""
    read: set[str] = set()
    bound = bound_names(tree) | set(vars(builtins))
    # INSTALLED_APPS += ["shop"] takes the name as given
    augmented = {id(node.target) for node in ast.walk(tree) if isinstance(node, ast.AugAssign)}
    for node in ast.walk(tree):
        if id(node) in augmented and isinstance(node, ast.Name):
            read.add(node.id)
        elif isinstance(node, ast.Name):
            (read if _is_read(node) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            read |= set(_quoted_names(annotation))
    return read - bound


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _quoted_names(annotation: ast.AST | None) -> Iterator[str]:
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                quoted = ast.parse(node.value, mode="eval")
            except SyntaxError:
                continue
            yield from (item.id for item in ast.walk(quoted) if isinstance(item, ast.Name))


def of_project(node: ast.stmt) -> bool:
    """Whether a statement imports from a module that only the reader's project has."""
    if not isinstance(node, ast.ImportFrom):
        return False
    return node.level > 0 or find_spec(str(node.module).partition(".")[0]) is None


def statements_of(context: str) -> dict[str, str]:
    """Return the statement that imports each name, by name."""
    found: dict[str, str] = {}
    for node in ast.parse(context).body:
        assert isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names:
            found |= _imports(node, alias)
    return found


def _imports(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> dict[str, str]:
    single = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
    return {alias.asname or alias.name: ast.unparse(single)}


def module_of(block: Block, others: Sequence[Block], context: dict[str, str]) -> str:
    """Return the module of a block, with imports of what it takes as given in the page's first line."""
    tree = ast.parse(block.code)
    imported: dict[str, str] = {}
    lines = block.code.split("\n")
    future = ""
    for node in [node for node in tree.body if of_project(node)]:
        assert isinstance(node, ast.ImportFrom)
        imported |= {alias.asname or alias.name: alias.name for alias in node.names}
        _remove(node, lines)
        tree.body.remove(node)
    for nested in ast.walk(tree):
        if isinstance(nested, ast.stmt) and of_project(nested):
            # imported for what the import does
            _remove(nested, lines)
            lines[nested.lineno - 1] = f"{' ' * nested.col_offset}pass"
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            future = f"{ast.unparse(node)}; "
            _remove(node, lines)
    names = {name: name for name in unbound_names(tree)} | imported
    before = [other for other in reversed(others) if other.line < block.line]
    after = [other for other in others if other.line > block.line]
    given = {other.line: given_names(other) for other in others}
    needed = []
    for own, name in sorted(names.items()):
        renamed = "" if own == name else f" as {own}"
        places = [*(given[other.line] for other in before), context, *(given[other.line] for other in after)]
        statement = next((place[name] for place in places if name in place), None)
        if statement is not None:
            needed.append(f"{statement}{renamed}")
    first = f"{future}{'; '.join(needed)}"
    return first + "\n" * (block.line - 1) + "\n".join(lines)


def _remove(node: ast.stmt, lines: list[str]) -> None:
    for number in range(node.lineno - 1, node.end_lineno or node.lineno):
        lines[number] = ""


def extract(chosen: Sequence[str] = ()) -> tuple[dict[Path, str], list[str]]:
    """Write the modules of all blocks; return the page of each by its path, and an error for each that is no Python."""
    context = statements_of(CONTEXT)
    written: dict[Path, str] = {FOLDER / PACKAGE / "__init__.py": ""}
    of_pages: dict[Path, str] = {}
    problems: list[str] = []
    for page in pages():
        name = str(page.relative_to(ROOT))
        if chosen and name not in chosen:
            continue
        readable = []
        for block in blocks_of(page):
            try:
                ast.parse(block.code)
            except SyntaxError as error:
                if "…" in block.text:
                    continue
                problems.append(f"{name}:{block.line + (error.lineno or 1) - 1}: error: {error.msg}")
            else:
                readable.append(block)
        for block in readable:
            written[block.path.parent / "__init__.py"] = ""
            written[block.path] = module_of(block, readable, context)
            of_pages[block.path] = name
        models = models_module(readable)
        if models:
            written[readable[0].path.parent / "models.py"] = models
    found = {path: path.read_text(encoding="utf-8") for path in (FOLDER / PACKAGE).rglob("*.py")}
    changed = [path for path in {*found, *written} if found.get(path) != written.get(path)]
    if any(path.name == "models.py" for path in changed):
        # mypy's plugin remembers in which modules models are
        shutil.rmtree(CACHE, ignore_errors=True)
    for path in changed:
        if path in written:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written[path], encoding="utf-8")
        else:
            path.unlink()
    return of_pages, problems


def models_module(blocks: Sequence[Block]) -> str:
    """Return the module ``models`` of a page's app: it imports each model, as its first block defines it."""
    found: dict[str, str] = {}
    for block in blocks:
        for name in sorted(model_names(ast.parse(block.code))):
            found.setdefault(name, f"from {block.module} import {name} as {name}\n")
    return "".join(found.values())


def in_pages(output: str, of_pages: dict[Path, str]) -> str:
    """Return what a checker has printed, with the pages in place of the modules that are made of them."""
    for path, page in of_pages.items():
        output = output.replace(str(path), page).replace(str(path.relative_to(ROOT)), page)
    return output


def pyright() -> Path | None:
    """Return the folder in which pyright is installed from npm; None without node, which CI has."""
    folder = ROOT / ".local" / "npm" / PYRIGHT
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    if not (folder / "node_modules" / "pyright").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, PYRIGHT], check=True)
    return folder / "node_modules" / "pyright"


def main(chosen: Sequence[str]) -> int:
    """Run both checkers and print what they have found; return how many of them have found something."""
    of_pages, problems = extract(chosen)
    failed = bool(problems)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    packages = [option for package in (*PACKAGES, PACKAGE) for option in ("-p", package)]
    commands = {"mypy": [sys.executable, "-m", "mypy", "--cache-dir", str(CACHE), *packages]}
    if (folder := pyright()) is not None:
        commands["pyright"] = ["node", str(folder / "index.js"), "--project", str(ROOT / "pyproject.toml")]
        commands["pyright"] += ["--pythonpath", sys.executable]
    elif os.environ.get("CI"):
        raise SystemExit("pyright needs node and npm, which are not installed")
    else:
        print("node and npm are not installed: types are not checked with pyright")
    environment = {
        **os.environ,
        "FRAISEQL_CHECKED_PAGES": str(FOLDER),
        "MYPYPATH": str(FOLDER),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(FOLDER)]),
    }
    # at the same time: each has a processor of its own
    running = {
        name: subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for name, command in commands.items()
    }
    for name, process in running.items():
        output = in_pages(process.communicate()[0], of_pages)
        failed = failed or process.returncode != 0
        print(f"{name}: {textwrap.dedent(output).strip()}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
