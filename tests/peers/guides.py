"""The guides for those who come from elsewhere, as tests read them: renames, declarations, operations."""

import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.test import override_settings

import fraiseql_django
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "coming-from"
HERE = "fraiseql_django"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its language, the package that its first line names, and its text without that line."""

    section: str
    language: str
    package: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """A guide's blocks in order, and its tables of renames by the headings above them."""

    name: str
    text: str
    blocks: list[Block]
    tables: dict[str, list[tuple[str, str]]]
    # of the rows of the tables: those that some operation has needed
    applied: set[tuple[str, str]] = field(default_factory=set)

    def not_applied(self) -> list[tuple[str, str]]:
        """Return the rows, by table and first cell, that no operation has needed."""
        rows = [(heading, before) for heading, table in self.tables.items() for before, _ in table]
        return [row for row in rows if row not in self.applied]

    def code(self, package: str) -> str:
        """Return the Python blocks of a package, with those for both, one after the other."""
        return "\n\n".join(
            block.text
            for block in self.blocks
            if block.language == "python"
            and block.package in (package, *(["forms.py"] if package != "urls.py" else []))
        )

    def operations(self, package: str) -> list[Block]:
        """Return the GraphQL blocks of a package."""
        return [block for block in self.blocks if block.language == "graphql" and block.package == package]

    def pairs(self, package: str) -> list[tuple[Block, Block]]:
        """Return each operation of a package with the operation of ours that follows it."""
        operations = [block for block in self.blocks if block.language == "graphql"]
        return [
            (before, after)
            for before, after in pairwise(operations)
            if before.package == package and after.package == HERE
        ]


def read(name: str) -> Guide:
    """Read the guide of this name."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return Guide(name=name, text=text, blocks=list(_blocks(text)), tables=_tables(text))


def _blocks(text: str) -> Any:
    section = ""
    for match in re.finditer(r"^#+ ([^\n]*)$|^ *```(\w+)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        heading, language, body = match.groups()
        if heading is not None:
            section = heading
            continue
        first, _, rest = dedent(body).partition("\n")
        named = re.fullmatch(r"(?:#|--) ([\w.-]+)", first)
        yield Block(
            section=section,
            language=language,
            package=named[1] if named else None,
            text=rest if named else dedent(body),
        )


def _tables(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return the first two cells of the tables below "Renames", by the heading of each."""
    renames = re.findall(r"^## Renames$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    tables = {}
    for part in re.split(r"^### ", "".join(renames), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        tables[heading] = [
            (before, after)
            for before, after in re.findall(r"^\| `([^`]*)` \| (?:`([^`]*)`|nothing) \|", body, re.MULTILINE)
        ]
    return tables


@contextmanager
def declaring(registry: Registry) -> Iterator[None]:
    """Let code that imports the package declare in this registry."""
    stand_in = types.ModuleType(HERE)
    for name in fraiseql_django.__all__:
        value = getattr(fraiseql_django, name)
        takes_registry = callable(value) and name.islower() and "registry" in signature(value).parameters
        setattr(stand_in, name, partial(value, registry=registry) if takes_registry else value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, HERE, stand_in)
        yield


def declared(guide: Guide) -> GraphQLEngine:
    """Return an engine over what the guide's blocks declare with this package, with the first settings that it has."""
    registry = Registry()
    with declaring(registry):
        execute(guide, HERE)
    names: dict[str, Any] = {"FRAISEQL": {}}
    for block in [block for block in guide.blocks if block.package == "settings.py"][:1]:
        exec(block.text, names)
    with override_settings(FRAISEQL=names["FRAISEQL"]):
        return GraphQLEngine(registry=registry, cache=None, settings=get_settings())


def execute(guide: Guide, package: str) -> types.ModuleType:
    """Execute the Python blocks of a package as one module, and return it."""
    module = types.ModuleType(f"tests.peers.of_{guide.name.replace('-', '_')}_{package.replace('-', '_')}")
    sys.modules[module.__name__] = module
    exec(compile(guide.code(package), f"{guide.name}.md, {package}", "exec", dont_inherit=True), vars(module))
    return module
