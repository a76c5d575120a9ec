"""The models' tables, as SQL names them.

A table goes by its bare name here: without quotes and without its schema, so that however a statement
spells it, it is the same. Tables of one name in two schemas count as one; an answer may then be dropped
once too often, never once too seldom.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.fields.reverse_related import ManyToOneRel

# An identifier (PostgreSQL documentation, 4.1.1), quoted or not
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# What hides names, quotes and semicolons: strings (4.1.2) and comments
_HIDDEN = r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/"
_TOKENS = re.compile(rf"{_HIDDEN}|({NAME})", re.DOTALL)
_HIDDEN_OR_NAME = re.compile(rf'{_HIDDEN}|"(?:[^"]|"")+"', re.DOTALL)
_WORDS = re.compile(r"[^\W\d][\w$]*")

Model = type[models.Model]


def bare(name: str) -> str:
    """Return the last part of a name as SQL writes it: ``public."Book"`` is Book, ``BOOK`` is book."""
    last: str = re.findall(NAME, name)[-1]
    return last[1:-1].replace('""', '"') if last[0] == '"' else last.lower()


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


def several(sql: str) -> bool:
    """Whether a text holds more than one statement."""
    return ";" in sql.rstrip("; \n\t") and ";" in _HIDDEN_OR_NAME.sub("", sql).rstrip("; \n\t")


def mentioned(sql: str) -> frozenset[str]:
    """Return the tables that a statement names outside of its string literals.

    A name that only looks like a table's counts too.
    """
    return _known(bare(name) for name in _TOKENS.findall(sql) if name)


def hinted(sql: str) -> frozenset[str]:
    """Return the tables that a statement names anywhere: in a literal it may be SQL to be executed."""
    return mentioned(sql) | _known(word.lower() for word in _WORDS.findall(sql)) | _known(_WORDS.findall(sql))


def _known(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names) & models_by_table().keys()


def referring(tables: Iterable[str], follow: Callable[[Any], bool] = lambda relation: True) -> frozenset[str]:
    """Return the tables, and those whose keys refer to them, step by step, by relations to ``follow``."""
    found = set(tables)
    waiting = list(found)
    while waiting:
        for model in models_by_table().get(waiting.pop(), ()):
            # with those that Django hides: a many-to-many table refers to both sides by such
            for relation in model._meta.get_fields(include_hidden=True):
                if isinstance(relation, ManyToOneRel) and follow(relation):
                    table = table_of(relation.related_model)
                    if table not in found:
                        found.add(table)
                        waiting.append(table)
    return frozenset(found)
