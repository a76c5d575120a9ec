"""The names of tables, views and functions in SQL.

A table goes by its bare name here: without quotes and without its schema, so that however a statement
spells it, it is the same. Tables of one name in two schemas count as one; an answer may then be dropped
once too often, never once too seldom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Func

# An identifier (PostgreSQL documentation, 4.1.1), quoted or not
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# What hides names, quotes and semicolons: strings (4.1.2) and comments
_HIDDEN = r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"
_TOKENS = re.compile(rf"{_HIDDEN}|({NAME})", re.DOTALL)
# A name before a parenthesis is a function's, unless it is an alias or a type
_CALLS = re.compile(rf"{_HIDDEN}|\bAS\s+{NAME}|::\s*{NAME}|({NAME})(\s*\()?", re.DOTALL | re.IGNORECASE)
_HIDDEN_OR_NAME = re.compile(rf'{_HIDDEN}|"(?:[^"]|"")+"', re.DOTALL)
_CALLED_ANYWHERE = re.compile(r'([^\W\d][\w$]*)"?\s*\(')
_WORDS = re.compile(r"[^\W\d][\w$]*")
# What stands before a parenthesis in ordinary statements, beside the functions that Django has classes for
_ORDINARY = {
    "all", "and", "any", "array", "array_ndims", "array_to_string", "by", "case", "chr", "concat", "current_database",
    "current_setting", "distinct", "else", "except", "exists", "filter", "from", "having", "in", "intersect",
    "json_agg", "json_build_object", "jsonb_agg", "jsonb_build_object", "jsonb_object_agg", "lateral", "like", "limit",
    "nextval", "not", "now", "octet_length", "offset", "on", "or", "over", "row", "row_to_json", "select", "set_config",
    "setval", "some", "string_agg", "then", "to_json", "to_jsonb", "union", "unnest", "using", "values", "version",
    "when", "where", "with",
}  # fmt: skip

Model = type[models.Model]

_lock = Lock()
_registered: dict[str, frozenset[str]] = {}
_known: set[str] = set()


@lru_cache(maxsize=8192)
def parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name as SQL writes it: ``PUBLIC."Book"`` is public and Book."""
    found: list[str] = re.findall(NAME, name)
    return tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part.lower() for part in found)


def bare(name: str) -> str:
    """Return the last part of a name as SQL writes it: ``public."Book"`` is Book, ``BOOK`` is book."""
    return parts(name)[-1]


def table_of(model: Model) -> str:
    """Return the name of a model's table."""
    name = model._meta.db_table
    # Django leaves a name alone that is quoted already
    return bare(name if name.startswith('"') and name.endswith('"') else f'"{name}"')


@cache
def models_by_table() -> Mapping[str, tuple[Model, ...]]:
    """Return every model, proxies too, by its table."""
    found: dict[str, tuple[Model, ...]] = {}
    for model in apps.get_models(include_auto_created=True):
        found[table_of(model)] = (*found.get(table_of(model), ()), model)
    return found


def register(source: str, reads: Iterable[str] = ()) -> None:
    """Register a view, table or function that a declaration reads, and the tables below it that the declaration names.

    Names are as SQL writes them, with or without a schema. Saying it again changes nothing.
    """
    name, below = bare(source), {bare(table) for table in reads}
    with _lock:
        _registered[name] = _registered.get(name, frozenset()) | below
        _known.update(below, [name])


def declared_below(name: str) -> frozenset[str]:
    """Return the tables below a view or function that declarations name."""
    return _registered.get(name, frozenset())


def known() -> frozenset[str]:
    """Return the names of all models' tables and of what declarations read."""
    return frozenset(_known) | models_by_table().keys()


def may_be_view(name: str) -> bool:
    """Whether a known name may be something other than a table that Django created."""
    return name in _registered or any(not model._meta.managed for model in models_by_table().get(name, ()))


def several(sql: str) -> bool:
    """Whether a text holds more than one statement."""
    return ";" in sql.rstrip("; \n\t") and ";" in _HIDDEN_OR_NAME.sub("", sql).rstrip("; \n\t")


def mentioned(sql: str) -> frozenset[str]:
    """Return the known tables that a statement names outside of its string literals.

    A name that only looks like a table's counts too.
    """
    found = {bare(name) for name in _TOKENS.findall(sql) if name}
    return frozenset(name for name in found if name in _known or name in models_by_table())


def names_in(sql: str) -> frozenset[str]:
    """Return everything that may be a name in a text, also in literals, which may hold SQL to be executed."""
    words = _WORDS.findall(sql)
    return frozenset({bare(name) for name in _TOKENS.findall(sql) if name}.union(words, map(str.lower, words)))


def called(sql: str) -> frozenset[str]:
    """Return the functions that a statement calls, except for those that are certainly PostgreSQL's own."""
    return frozenset(name for name in all_called(sql) if not is_ordinary(name))


def all_called(sql: str) -> frozenset[str]:
    """Return all words of a statement that may be a function's name: before a parenthesis."""
    return frozenset(bare(name) for name, parenthesis in _CALLS.findall(sql) if parenthesis)


def called_anywhere(text: str) -> frozenset[str]:
    """Return all words of a text that may be a function's name, also in strings, in lower case."""
    return frozenset(map(str.lower, _CALLED_ANYWHERE.findall(text)))


def bare_words(sql: str) -> frozenset[str]:
    """Return the words of a statement that are not quoted, in lower case: keywords among them."""
    return frozenset(name.lower() for name in _TOKENS.findall(sql) if name and name[0] != '"')


def is_ordinary(function: str) -> bool:
    """Whether a word before a parenthesis is a keyword, or a function that comes with PostgreSQL.

    False may be wrong, and costs a look into the database's catalogue.
    """
    return function in _ORDINARY or function in _functions_of_django() or function.startswith("pg_")


@cache
def _functions_of_django() -> frozenset[str]:
    found: set[str] = set()
    waiting: list[Any] = [Func]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.function and kind.__module__.startswith("django."):
            found.add(kind.function.lower())
    return frozenset(found)
