"""The fenced blocks of the documentation, and what executes one of each language.

A page is executed in order: its declarations are made in a registry of the page's own, its operations are executed over
that, or over the bookshop. What a page takes for granted (imports, the models of the example project, types over them)
is in ``names_of_a_project``.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import re
import shlex
import sys
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from textwrap import dedent
from typing import Any
from unittest import mock

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, get_commands, load_command_class
from django.db import connection, transaction
from graphql import parse

import fraiseql_django
from example_project.bookshop import graphql
from example_project.bookshop import models as bookshop
from example_project.settings import BASE_DIR
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf.settings import load
from fraiseql_django.declare import schemas

DOCS = BASE_DIR / "docs"
PAGES = [BASE_DIR / "README.md", *sorted(DOCS.rglob("*.md"))]
_FENCE = re.compile(
    r"(?:^ *<!-- not executed: (?P<reason>[^>]*?) -->\n\n?)?^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_GENERATED = re.compile(r"<!-- reference: .*?<!-- /reference -->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: where it is, its language, its text, and why nothing executes it, where the page says so."""

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language or 'no language'})"


def name_of(page: Path) -> str:
    """Return the path of a page as the tables of the tests have it."""
    return page.relative_to(DOCS).as_posix() if page.is_relative_to(DOCS) else page.name


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in order, but those of its generated parts, which the code itself says."""
    text = _GENERATED.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))
    return [
        Block(
            page=name_of(page),
            line=text.count("\n", 0, match.start("text")),
            language=match["language"],
            text=dedent(match["text"]),
            reason=match["reason"],
        )
        for match in _FENCE.finditer(text)
    ]


class NotExecutable(Exception):
    """A block that nothing can execute: the message says what to do."""


@dataclass
class Project:
    """A project as a page describes it: its names, its declarations, and its engine."""

    registry: Registry = field(default_factory=Registry)
    names: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def engines(self) -> list[GraphQLEngine]:
        """The engines that operations of the page may be meant for: over what it declares, and over the bookshop."""
        found = [fraiseql_django.get_engine()]
        with contextlib.suppress(DeclarationError):
            fraiseql_django.types("bookshop", registry=self.registry)
            own = GraphQLEngine(registry=self.registry, cache=None)
            assert own.schema
            found.insert(0, own)
        return found

    def python(self, text: str) -> None:
        """Execute a block; settings in it are right."""
        self.names.pop("FRAISEQL", None)
        exec(compile(text, self.names["__name__"], "exec", dont_inherit=True), self.names)
        _, problems = load(self.names.get("FRAISEQL", {}))
        assert not problems, [problem.message for problem in problems]

    def graphql(self, text: str) -> None:
        """Execute the operation of a block without an error, or read the block as a part of a schema.

        Python blocks after it have its text by its name: that of ``query Shelf`` is ``SHELF``.
        """
        if re.match(r"(\"\"\"|type|input|enum|interface|union|scalar|directive|extend|schema)\b", text):
            parse(text)
            return
        if name := re.match(r"(?:query|mutation) (\w+)", text):
            self.names[name[1].upper()] = text
        answer = None
        for engine in self.engines:
            known = {name: value for name, value in variables().items() if re.search(rf"\${name}\b", text)}
            answer = engine.execute(text, known)
            if not any(error.extensions["code"] == "GRAPHQL_VALIDATION_FAILED" for error in answer.errors):
                break
        assert answer is not None
        assert not answer.errors, [error.message for error in answer.errors]

    def json(self, text: str) -> None:
        """Read a block as JSON."""
        json.loads(text)

    def sql(self, text: str) -> None:
        """Execute a block where the project's tables are called ``shop_…``."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA of_the_page")
            cursor.execute("SET LOCAL search_path TO of_the_page, public")
            cursor.execute("CREATE ROLE django")
            for model in apps.get_app_config("bookshop").get_models(include_auto_created=True):
                table = model._meta.db_table
                own = table.replace("bookshop", "shop")
                cursor.execute(f"CREATE TABLE {own} (LIKE {table} INCLUDING ALL, tenant_id bigint)")
            cursor.execute(text)

    def console(self, text: str) -> None:
        """Check that the commands of a block exist, with the options that they have there."""
        lines = text.replace("\\\n", " ").splitlines()
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in prompted or lines:
            words = shlex.split(line, comments=True)
            ends = [place for place, word in enumerate(words) if word in ("|", ">", "&&", "<", "&")]
            _check_command(words[: ends[0]] if ends else words)


def _check_command(words: list[str]) -> None:
    """Raise NotExecutable, or an error, for a command line that would not work."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match words:
        case []:
            return
        case ["python", "manage.py", name, *arguments]:
            assert name in get_commands(), f"there is no command {name}"
            app = get_commands()[name]
            command = load_command_class(app, name) if isinstance(app, str) else app
            try:
                command.create_parser("manage.py", name).parse_args(arguments)
            except (CommandError, argparse.ArgumentError, SystemExit) as error:
                raise AssertionError(f"{' '.join(words)}: {error}") from error
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
        case ["make", *targets]:
            makefile = (BASE_DIR / "Makefile").read_text(encoding="utf-8")
            for target in targets:
                name, assigned, _ = target.partition("=")
                found = re.search(rf"\$\({name}\)" if assigned else rf"^{name}:", makefile, re.MULTILINE)
                assert found, f"the Makefile has no {target}"
        case ["pip", "install", *requirements]:
            extras = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            for named in re.findall(r"fraiseql[_-]django\[([\w,]+)\]", " ".join(requirements)):
                assert set(named.split(",")) <= set(extras), f"the package has no extras {named}"
        case _:
            raise NotExecutable(f"nothing executes {words[0]!r}")


# --- what a page takes for granted ---


def variables() -> dict[str, Any]:
    """Return values for the variables that operations of the documentation have, by their names."""
    book = bookshop.Book.objects.order_by("pk").first()
    order = bookshop.Order.objects.order_by("pk").first()
    assert book is not None
    assert order is not None
    new = {"title": "A new one", "isbn": "9780306406157", "price": "12.50", "format": "PAPERBACK"}
    return {
        "name": "Baking",
        "text": "the",
        "price": "30",
        "limit": 3,
        "n": 5,
        "depth": 2,
        "zone": "Europe/Berlin",
        "where": {"inPrint": {"eq": True}},
        "orderBy": [{"title": "ASC"}],
        "id": str(book.pk),
        "book": str(book.pk),
        "read": book.updated_at.isoformat(),
        "publisher": str(book.publisher_id),
        "order": str(order.pk),
        "number": order.number,
        "uuid": str(order.customer.uuid),
        "input": {**new, "publisher": str(book.publisher_id)},
    }


@contextlib.contextmanager
def project(more: dict[str, Any]) -> Iterator[Project]:
    """Return the project that a page is about; what it declares is forgotten afterwards."""
    made = Project()
    stand_in = _package(made.registry)
    shop = types.ModuleType("shop")
    shop.__path__ = []  # type: ignore[attr-defined]
    shop_models = types.ModuleType("shop.models")
    vars(shop_models).update({name: value for name, value in vars(bookshop).items() if not name.startswith("__")})
    vars(shop_models).update(more)
    modules = {fraiseql_django.__name__: stand_in, "shop": shop, "shop.models": shop_models}
    registries = {None: schemas.default_registry}
    with (
        mock.patch.dict(sys.modules, modules),
        mock.patch.dict(os.environ, METRICS_TOKEN="a secret"),
        mock.patch.object(schemas, "_registries", registries),
    ):
        made.names = {**names_of_a_project(stand_in), **more, "__name__": "shop.graphql", "__package__": "shop"}
        sys.modules["shop.graphql"] = types.ModuleType("shop.graphql")
        yield made


def _package(registry: Registry) -> types.ModuleType:
    """Return the package as a page uses it, declaring in a registry of the page's own."""
    stand_in = types.ModuleType(fraiseql_django.__name__)
    stand_in.__path__ = fraiseql_django.__path__
    for name in fraiseql_django.__all__:
        value = getattr(fraiseql_django, name)
        declares = isinstance(value, types.FunctionType) and "registry" in (value.__kwdefaults__ or {})
        setattr(stand_in, name, partial(value, registry=registry) if declares else value)
    # pages call the app "shop", and declare it anew in each of their examples
    stand_in.types = lambda *what, **options: fraiseql_django.types(  # type: ignore[attr-defined]
        *("bookshop" if item == "shop" else item for item in what), **options, registry=Registry()
    )
    return stand_in


PRELUDE = """
import dataclasses, datetime as dt, enum, os, re, uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from django import forms
from django.apps import AppConfig
from django.contrib.postgres.search import SearchVector
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Left, Mod, Now
from django.db.models.lookups import Exact
from django.urls import include, path

import fraiseql_django as fraiseql
from fraiseql_django import CachePolicy

BASE_DIR, DEBUG = Path("."), False
"""


def names_of_a_project(package: types.ModuleType) -> dict[str, Any]:
    """Return what blocks take for granted: imports, the models of the bookshop, and types over them."""
    names: dict[str, Any] = {}
    exec(PRELUDE, names)
    # inputs and results of its mutations, and enums of its models
    for module in (graphql, bookshop):
        names |= {name: value for name, value in vars(module).items() if isinstance(value, type)}
    found = fraiseql_django.types("bookshop", registry=Registry())
    names["user"] = User.objects.order_by("pk").first()
    for model in apps.get_app_config("bookshop").get_models():
        names[model.__name__] = model
        names[f"{model.__name__}Type"] = found[model]
    return names


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Undo what a block has written to the database, whether it fails or not."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
