"""Write the tables of docs/reference out of the code: ``python -m scripts.reference [--check]``.

A page names what belongs in a place, between two comments:

    <!-- reference: settings CACHE. -->
    …
    <!-- /reference -->

What stands between them is replaced. ``WRITERS`` has what can be named; the rest of a line are its arguments. With
``--check`` the command lists the pages that are not up to date, and exits with 1 if there are any.

A description is Markdown. In it names of settings become links, and so do paths of pages, ``docs/limits.md#memory``.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from posixpath import relpath
from typing import Any

import django
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.db import models

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
_BLOCK = re.compile(r"(<!-- reference: ([^>]*?) -->\n).*?(<!-- /reference -->)", re.DOTALL)
_WIDTH = 88


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/reference out of the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not up to date")
    check = parser.parse_args(arguments).check
    stale = []
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := written(text)) != text:
            stale.append(path.relative_to(ROOT).as_posix())
            if not check:
                path.write_text(new, encoding="utf-8")
    if check and stale:
        sys.exit(f"Not up to date: {', '.join(stale)}. Run: python -m scripts.reference")
    for name in stale:
        print(f"{name} is written.")


def written(text: str) -> str:
    """Return the text of a page with its blocks as they are now."""

    def block(match: re.Match[str]) -> str:
        kind, *arguments = match[2].split()
        return f"{match[1]}\n{WRITERS[kind](*arguments)}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


# --- Markdown ---


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in cells)} |".replace("|   |", "| |") for cells in lines)


def _code(text: str) -> str:
    # a bar ends a cell, in code as well
    return f"`{text}`".replace("|", r"\|")


def _prose(text: str) -> str:
    """Return a description with links to settings and pages."""

    def page(match: re.Match[str]) -> str:
        path, _, anchor = match[0].partition("#")
        title = (ROOT / path).read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        return f"[{title}]({relpath(path, 'docs/reference')}{'#' + anchor if anchor else ''})"

    def setting(match: re.Match[str]) -> str:
        section = _sections().get(match[1])
        return match[0] if section is None else f"[{match[0]}](settings.md#{section})"

    return re.sub(r"docs/[\w/-]+\.md(?:#[\w-]+)?", page, re.sub(r"`([A-Z][A-Z_.]+)`", setting, text))


@cache
def _sections() -> Mapping[str, str]:
    """Return the anchors of the sections of the page on settings, by the settings that they are about.

    Only what cannot be taken for something of Django's, as `DATABASE` could be for a word, has a dot or an underscore.
    """
    found: dict[str, str] = {}
    anchor = ""
    for line in (PAGES / "settings.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            anchor = re.sub(r"[^\w\- ]", "", line[3:].lower()).replace(" ", "-")
        elif line.startswith("<!-- reference: settings "):
            found |= {option.name: anchor for option in _options(*line.split()[3:-1])}
    return found


def _from_docstring(text: str) -> str:
    """Return a docstring as Markdown: its code in single backquotes, its indented blocks fenced."""
    # names with underscores around them would be bold
    text = re.sub(r"``([^`]+)``|__(\w+)__", lambda match: f"`{match[1]}`" if match[1] else rf"\_\_{match[2]}\_\_", text)
    text = re.sub(r"^>>> .*(?:\n.+)*", lambda match: f"```pycon\n{match[0]}\n```", text, flags=re.MULTILINE)
    text = re.sub(
        r"(?:(?<=\n\n)|\A)((?: {4}.*\n?|\n(?= {4}))+)",
        lambda match: f"```text\n{textwrap.dedent(match[0]).rstrip()}\n```\n",
        text,
    )
    return text.rstrip()


# --- settings ---


def _options(*names: str) -> list[Any]:
    from fraiseql_django.conf.settings import options

    known = list(options())
    return [
        option
        for name in names
        for option in known
        if option.name == name or (name.endswith(".") and option.name.startswith(name))
    ]


def settings(*names: str) -> str:
    """Write a table of settings; ``CACHE.`` stands for all that begin so."""
    rows = [
        (_code(option.name), in_words(option), _code(repr(option.default)), option.doc) for option in _options(*names)
    ]
    return _table(["key", "type", "default", ""], rows)


_TYPES = {
    "str": "string",
    "bool": "True or False",
    "dict[str, str]": "dictionary of strings",
    "dict[str, dict[str, typing.Any]]": "dictionary of dictionaries",
    "tuple[str, ...]": "list of strings",
    "str | None": "string or None",
    "bool | None": "True, False or None",
    "str | pathlib.Path | None": "string, path or None",
}


def in_words(option: Any) -> str:
    """Return the type of a setting as the reference has it."""
    if option.choices:
        *others, last = (_code(repr(choice)) for choice in option.choices)
        return f"{', '.join(others)} or {last}"
    text = str(option.type).removeprefix("<class '").removesuffix("'>").replace("_local.", "")
    if text.startswith("int"):
        return f"integer, {option.minimum} or more{', or None' if text.endswith('None') else ''}"
    return _TYPES[text]


# --- commands ---


def command(name: str) -> str:
    """Write what a command does, and a table of its arguments and options."""
    loaded = load_command_class("fraiseql_django", name)
    common = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    own = [action for action in loaded.create_parser("manage.py", name)._actions if action.dest not in common]
    # arguments by their places first, as in a call
    own.sort(key=lambda action: bool(action.option_strings))
    rows = [(_code(_call(action)), _sentence(action.help or "")) for action in own]
    return _table(["argument", ""], rows)


def _call(action: argparse.Action) -> str:
    metavar = str(action.metavar or "")
    if action.option_strings:
        return f"{action.option_strings[0]} {metavar}".strip()
    return f"{metavar} …" if action.nargs in ("*", "+") else metavar


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


# --- errors and checks ---


def errors() -> str:
    """Write the codes of errors in answers."""
    from fraiseql_django.codes import ERRORS

    rows = [(_code(name), _prose(item.when), item.extensions) for name, item in ERRORS.items()]
    return _table(["code", "when", "also in `extensions`"], rows)


def refusals() -> str:
    """Write the codes of requests that are refused."""
    from fraiseql_django.codes import REFUSED

    rows = [(_code(name), f"{item.status}", _prose(_sentence(item.when))) for name, item in REFUSED.items()]
    return _table(["code", "status", "when"], rows)


def checks() -> str:
    """Write the ids of system checks."""
    from fraiseql_django.codes import CHECKS

    return _table(["id", "problem"], [(_code(name), _prose(text)) for name, text in CHECKS.items()])


def exceptions() -> str:
    """Write the exceptions, each with the class that it extends."""
    from fraiseql_django import errors as module

    found = [item for item in vars(module).values() if inspect.isclass(item) and issubclass(item, module.FraiseQLError)]
    rows = [(_code(item.__name__), _code(item.__base__.__name__), _first_line(item)) for item in found if item.__base__]
    return _table(["exception", "extends", "when it is raised"], rows)


def _first_line(item: Any) -> str:
    text = re.sub(r"``([^`]+)``", r"`\1`", inspect.getdoc(item) or "")
    return re.split(r"\n\n", text)[0].replace("\n", " ")


# --- operators ---


def operators(*modules: str) -> str:
    """Write the operators that a module of ``schema/operators`` has in a tuple: ``comparison.ARRAYS``."""
    entries = [entry for name in modules for entry in _entries(name)]
    rows = [
        (_code(entry.name), _takes(entry), _on(entry), f"{entry.description}{_extension(entry)}", _sql(entry))
        for entry in entries
        if not hasattr(entry, "results")
    ]
    return _table(["operator", "takes", "on", "", "SQL"], rows)


def functions(*modules: str) -> str:
    """Write the functions of values that a module of ``schema/operators`` has in a tuple."""
    entries = [entry for name in modules for entry in _entries(name) if hasattr(entry, "results")]
    merged: dict[tuple[str, str], list[Any]] = {}
    for entry in entries:
        merged.setdefault((entry.name, f"{entry.description}{_extension(entry)}"), []).append(entry)
    rows = [
        (
            _code(name),
            ", ".join(dict.fromkeys(_on(entry) for entry in same)),
            _arguments(same[0]),
            _results(same[0]),
            description,
        )
        for (name, description), same in merged.items()
    ]
    return _table(["function", "of", "arguments", "result", ""], rows)


def _entries(name: str) -> Sequence[Any]:
    module, _, attribute = name.partition(".")
    found: Sequence[Any] = getattr(import_module(f"fraiseql_django.schema.operators.{module}"), attribute)
    return found


_ARTICLES = {"lquery": "an", "ltxtquery": "an"}


def _takes(entry: Any) -> str:
    if not hasattr(entry, "takes"):
        return "a filter of an item"
    if entry.named:
        return _code("{" + ", ".join(entry.named) + "}")
    null = " or null" if entry.null is not None else ""
    if entry.operand is None:
        return f"{entry.takes.value}{null}".replace("one value", "a value")
    # what it takes is of one type, whatever it is compared with; of a range it is a bound
    operand = next((entry.operand(scalar) for scalar, dimensions in _leaves() if entry.for_(scalar, dimensions)), None)
    assert operand is not None
    one = "a bound's value" if entry.whole is not None else f"{_ARTICLES.get(operand.cast, 'a')} {operand.cast}"
    return one if entry.takes.name == "ONE" else f"a list, each {one}"


@cache
def _leaves() -> Sequence[tuple[Any, int]]:
    from fraiseql_django.schema.django_fields import SCALARS
    from fraiseql_django.schema.scalars.composite import FILE_INPUT, RANGES

    single = [
        *dict.fromkeys(SCALARS.values()),
        *_identifiers(),
        FILE_INPUT,
        *(written for _, written in RANGES.values()),
    ]
    return [*((scalar, 0) for scalar in single), *((scalar, 1) for scalar in single if scalar is not FILE_INPUT)]


def _identifiers() -> Iterable[Any]:
    from fraiseql_django.schema.annotations import PLAIN_ID

    return [PLAIN_ID]


def _on(entry: Any) -> str:
    has = [(scalar, dimensions) for scalar, dimensions in _leaves() if entry.for_(scalar, dimensions)]
    if len(has) == len(_leaves()):
        return "every field"
    if all(dimensions for _, dimensions in has):
        return "arrays"
    ordered = [(scalar, dimensions) for scalar, dimensions in _leaves() if not dimensions and scalar.ordered]
    if has == ordered:
        return "types with an order"
    names = list(dict.fromkeys(scalar.name for scalar, _ in has))
    if all(
        name.startswith(("IntRange", "BigIntRange", "DecimalRange", "DateRange", "DateTimeRange")) for name in names
    ):
        return "ranges"
    return ", ".join(map(_code, names))


def _extension(entry: Any) -> str:
    return f" Needs the extension {_code(entry.extension)}." if entry.extension else ""


def _sql(entry: Any) -> str:
    if not hasattr(entry, "sql"):
        return _code("EXISTS (…)" if entry.exists else "NOT EXISTS (…)")
    parts = [entry.sql, entry.otherwise] if entry.otherwise else [entry.sql]
    if entry.null:
        parts.append(entry.null)
    return ", ".join(_code(_plain(part)) for part in parts)


def _plain(sql: str) -> str:
    """Return SQL as PostgreSQL gets it, for a column ``a`` and a value ``b``."""
    sql = sql.replace("({value})[1]", "b").replace("({value})[2]", "c").replace("{column}::text", "a")
    return sql.replace("{column}", "a").replace("{value}", "b").replace("%%", "%").replace("{", "").replace("}", "")


def _arguments(entry: Any) -> str:
    return ", ".join(map(_code, entry.named))


def _results(entry: Any) -> str:
    scalar = next(scalar for scalar, dimensions in _leaves() if entry.for_(scalar, dimensions))
    found = entry.results(scalar)
    if list(found) == ["value"]:
        (result,) = found.values()
        if "bound" in result.description:
            return "a bound"
        return _code(f"[{result.scalar.name}]" if result.dimensions else result.scalar.name)
    return ", ".join(_code(name) for name in found)


# --- types ---


def fields() -> str:
    """Write the GraphQL type of each of Django's field classes."""
    from fraiseql_django.schema.django_fields import SCALARS
    from fraiseql_django.schema.scalars.composite import RANGES

    grouped: dict[str, tuple[list[str], str]] = {}
    for cls, scalar in SCALARS.items():
        grouped.setdefault(scalar.name, ([], ""))[0].append(cls.__name__)
    rows = [(", ".join(map(_code, names)), _code(name)) for name, (names, _) in grouped.items()]
    rows += [(_code(cls.__name__), _code(value.name)) for cls, (value, _) in RANGES.items()]
    return _table(["class of the field", "type"], rows)


def scalars() -> str:
    """Write the scalars, each with its description in the schema, and the Python types that stand for it."""
    from graphql import GraphQLScalarType, is_specified_scalar_type

    from fraiseql_django.schema.annotations import PYTHON_SCALARS
    from fraiseql_django.schema.scalars import graphql as module

    own = [item for item in vars(module).values() if isinstance(item, GraphQLScalarType)]
    python: dict[str, list[str]] = {}
    for annotation, scalar in PYTHON_SCALARS.items():
        python.setdefault(scalar.name, []).append(_annotation(annotation))
    others: dict[Any, None] = dict.fromkeys(item.graphql for item in PYTHON_SCALARS.values() if item.graphql not in own)
    rows = []
    leaf: Any
    for leaf in [*own, *others]:
        link = f" [Specification]({leaf.specified_by_url})." if leaf.specified_by_url else ""
        # those of the specification are described by graphql-core, each version of it in its own words
        own_words = "" if is_specified_scalar_type(leaf) else (leaf.description or "").replace("\n", " ")
        description = own_words or "A scalar of GraphQL's specification."
        rows.append((_code(leaf.name), ", ".join(map(_code, python.get(leaf.name, []))), f"{description}{link}"))
    return _table(["scalar", "annotation in Python", "what it is"], sorted(rows))


def _annotation(annotation: Any) -> str:
    module, name = getattr(annotation, "__module__", ""), getattr(annotation, "__name__", str(annotation))
    if module.startswith("fraiseql_django") or name == "UploadedFile":
        return f"fraiseql.{name.replace('UploadedFile', 'Upload')}"
    return name if module in ("builtins", "typing", "decimal") else f"{module}.{name}"


# --- the public names of Python ---


def python(module: str, *names: str) -> str:
    """Write names that a module exports, each with its signature, its docstring and its public members."""
    loaded = import_module(module)
    prefix = "fraiseql" if module == "fraiseql_django" else module
    return "\n\n".join(_documented(f"{prefix}.{name}", name, getattr(loaded, name)) for name in names or loaded.__all__)


def _documented(title: str, name: str, item: Any) -> str:
    parts = [f"### `{title}`"]
    of_package = str(getattr(item, "__module__", "")).startswith("fraiseql_django")
    if of_package and (inspect.isclass(item) or inspect.isroutine(item)):
        if (call := _signature(title, item)) is not None:
            parts.append(f"```python\n{call}\n```")
        parts.append(_from_docstring(inspect.getdoc(item) or ""))
    else:
        parts.append(_from_docstring(_attribute_docstring(name)))
    if of_package and inspect.isclass(item) and (rows := list(_members(item))):
        parts.append(_table(["member", ""], rows))
    return "\n\n".join(part for part in parts if part)


def _attribute_docstring(name: str) -> str:
    """Return the string below the assignment of a name that the package exports, in the module that assigns it."""
    package = import_module("fraiseql_django")
    for imported in ast.parse(inspect.getsource(package)).body:
        if not isinstance(imported, ast.ImportFrom) or name not in [
            item.asname or item.name for item in imported.names
        ]:
            continue
        body = ast.parse(inspect.getsource(import_module(f".{imported.module}", "fraiseql_django"))).body
        # a name may be assigned in both branches of an `if`
        for statement, following in pairwise(body):
            assigned = {
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            if name in assigned and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                return inspect.cleandoc(str(following.value.value))
    raise LookupError(f"{name} has no docstring: write one below its assignment")


def _signature(title: str, item: Any) -> str | None:
    """Return a call with the parameters as the source has them; None for a class that takes what its base takes."""
    if getattr(item, "_is_protocol", False):
        # nobody calls it
        return None
    if inspect.isclass(item):
        if dataclasses.is_dataclass(item):
            return _call_of(title, list(_dataclass_parameters(item)), None)
        if "__init__" not in vars(item):
            return None
        function: Any = vars(item)["__init__"]
    else:
        function = item
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    parameters = list(_parameters(node.args))
    if inspect.isclass(item) or parameters[:1] == ["self"]:
        parameters = parameters[1:]
    returns = ast.unparse(node.returns) if node.returns is not None and not inspect.isclass(item) else None
    return _call_of(title, parameters, returns)


def _parameters(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    for place, (argument, default) in enumerate(zip(positional, defaults, strict=True), start=1):
        yield _parameter(argument, default)
        if place == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg is not None:
        yield f"*{_parameter(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default)
    if arguments.kwarg is not None:
        yield f"**{_parameter(arguments.kwarg, None)}"


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg if argument.annotation is None else f"{argument.arg}: {ast.unparse(argument.annotation)}"
    if default is None:
        return text
    equals = "=" if argument.annotation is None else " = "
    return f"{text}{equals}{ast.unparse(default)}"


def _dataclass_parameters(cls: type) -> Iterator[str]:
    found = [item for item in dataclasses.fields(cls) if item.init and not item.name.startswith("_")]
    for item in found:
        if item.kw_only and item is next(other for other in found if other.kw_only):
            yield "*"
        kind = item.type if isinstance(item.type, str) else getattr(item.type, "__name__", str(item.type))
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        # a value without a text of its own is written with its address
        default = "…" if " at 0x" in repr(item.default) else repr(item.default)
        shown = "…" if item.default is dataclasses.MISSING else default
        yield f"{item.name}: {kind}" if required else f"{item.name}: {kind} = {shown}"


def _call_of(title: str, parameters: Sequence[str], returns: str | None) -> str:
    end = "" if returns in (None, "None") else f" -> {returns}"
    line = f"{title}({', '.join(parameters)}){end}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{title}(", *(f"    {parameter}," for parameter in parameters), f"){end}"])


def _members(cls: type) -> Iterator[tuple[str, str]]:
    """Yield the public methods and properties that a class of the package defines or inherits from one.

    What overrides a member of Django's class, or is a hook of Django's fields, is not for projects to call.
    """
    if issubclass(cls, models.Field):
        return
    others = {name for base in cls.__mro__ if not base.__module__.startswith("fraiseql_django") for name in vars(base)}
    names = dict.fromkeys(
        name
        for base in reversed(cls.__mro__)
        if base.__module__.startswith("fraiseql_django")
        for name in vars(base)
        if not name.startswith("_") and name not in others
    )
    for name in names:
        member = inspect.getattr_static(cls, name)
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if isinstance(member, property) or type(member).__name__ == "cached_property":
            yield _code(name), _first_line(member)
        elif inspect.isfunction(member) and member.__doc__:
            node = ast.parse(textwrap.dedent(inspect.getsource(member))).body[0]
            assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            names_only = [re.split(r"[:=]", text)[0].strip() for text in _parameters(node.args)]
            shown = [text for text in names_only[1:] if text not in ("*", "/")]
            yield _code(f"{name}({', '.join(shown)})"), _first_line(member)


WRITERS: Mapping[str, Callable[..., str]] = {
    writer.__name__: writer
    for writer in (
        settings,
        command,
        errors,
        refusals,
        checks,
        exceptions,
        operators,
        functions,
        fields,
        scalars,
        python,
    )
}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    main()
