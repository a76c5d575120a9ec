"""The names of tables, views and functions in SQL.

A table goes by its bare name here: without quotes and without its schema, so that however a statement
spells it, it is the same. Tables of one name in two schemas count as one; an answer may then be dropped
once too often, never once too seldom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Func

from .lexer import NAME as UNQUOTED
from .lexer import QUOTED, STRING, Token, tokens, tokens_kept

# An identifier (PostgreSQL documentation, 4.1.1), quoted or not
NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_WORDS = re.compile(r"[^\W\d][\w$]*")
# What stands before a parenthesis in ordinary statements, beside the functions that Django has classes for
_ORDINARY = {
    "all", "and", "any", "array", "array_agg", "array_length", "array_ndims", "array_to_string", "as", "between",
    "bit", "bool_and", "bool_or", "by", "case", "cast", "char", "check", "chr", "concat", "concat_ws", "conflict",
    "copy", "cube", "current_database", "current_schema", "current_setting", "date_part", "date_trunc", "decimal",
    "distinct", "else", "end", "every", "except", "exists", "extract", "filter", "float", "format", "format_type",
    "from", "generate_series", "group", "grouping", "having", "if", "in", "interval", "intersect", "into", "is",
    "json_agg", "json_array_elements", "json_build_array", "json_build_object", "json_object_agg", "jsonb_agg",
    "jsonb_array_elements", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_object_agg", "jsonb_set",
    "key", "lateral", "like", "limit", "make_interval", "materialized", "mode", "nextval", "not", "now", "nullif",
    "numeric", "octet_length", "offset", "on", "only", "or", "over", "overlay", "partition", "percentile_cont",
    "percentile_disc", "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_xact_lock", "pg_backend_pid",
    "pg_get_serial_sequence", "pg_notify", "pg_sleep", "pg_table_is_visible", "pg_try_advisory_lock", "pg_typeof",
    "plainto_tsquery", "position", "quote_ident", "quote_literal", "regexp_matches", "regexp_replace", "regexp_split",
    "returning", "rollup", "row", "row_to_json", "select", "set", "set_config", "sets", "setval", "setweight", "some",
    "split_part", "string_agg", "string_to_array", "substring", "then", "time", "timestamp", "timestamptz", "to_char",
    "to_date", "to_json", "to_jsonb", "to_timestamp", "to_tsquery", "to_tsvector", "trim", "ts_headline", "ts_rank",
    "union", "unnest", "using", "values", "varchar", "version", "websearch_to_tsquery", "when", "where", "with",
    "within",
}  # fmt: skip

Model = type[models.Model]

_lock = Lock()
_registered: dict[str, frozenset[str]] = {}
_known: set[str] = set()


@lru_cache(maxsize=8192)
def parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name as SQL writes it: ``PUBLIC."Book"`` is public and Book."""
    return tuple(token.value for token in tokens(name) if token.is_name)


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


def are_of_models(names: frozenset[str], attributes: frozenset[str]) -> bool:
    """Whether names are certainly of nothing but tables that Django has made, and of their columns.

    ``names`` stand alone or before a point: they are tables, aliases as the ORM makes them, and keywords that no
    relation can have as a name without quotes. ``attributes`` stand after a point. False may be wrong.
    """
    tables, columns = _tables_and_columns()
    others = names - tables - _KEYWORDS
    return attributes <= columns and not any(_ALIAS.fullmatch(name) is None for name in others)


# As ``Query.alias_prefix`` and ``table_alias()`` make them: T3, U0
_ALIAS = re.compile(r"[a-z]{1,2}\d+")
# The words of the ORM's statements without a parenthesis: reserved ones, and a few that nothing is called like
_KEYWORDS = frozenset(
    {
        *("all", "and", "as", "asc", "between", "by", "case", "collate", "cross", "current_row", "desc", "distinct"),
        *("else", "end", "escape", "except", "exists", "explain", "false", "first", "following", "for", "from", "full"),
        *("group", "having", "ilike", "in", "inner", "intersect", "is", "isnull", "join", "lateral", "last", "left"),
        *("like", "limit", "no", "not", "notnull", "null", "nulls", "of", "offset", "on", "or", "order", "outer"),
        *("over", "partition", "preceding", "right", "row", "rows", "select", "set", "similar", "then", "to", "true"),
        *("unbounded", "union", "update", "using", "values", "when", "where", "with"),
    }
)


@cache
def _tables_and_columns() -> tuple[frozenset[str], frozenset[str]]:
    tables = frozenset(name for name in models_by_table() if not may_be_view(name))
    models = [model for name in tables for model in models_by_table()[name]]
    return tables, frozenset(field.column or "" for model in models for field in model._meta.local_concrete_fields)


_NAMES = (UNQUOTED, QUOTED)


def mentioned(sql: str) -> frozenset[str]:
    """Return the known tables that a statement names outside of its string literals.

    A name that only looks like a table's counts too.
    """
    found = {token.value for token in tokens_kept(sql) if token.kind in _NAMES}
    return frozenset(name for name in found if name in _known or name in models_by_table())


# one text is asked for several times while it is planned
@lru_cache(maxsize=8)
def names_in(text: str) -> frozenset[str]:
    """Return everything that may be a name in a text, also in literals, which may hold SQL to be executed."""
    found: set[str] = set()
    for token in _with_literals(text):
        if token.kind in _NAMES:
            found.add(token.value)
        elif token.kind == STRING:
            # a name may also stand there as it is, for format() or quote_ident()
            found.update(_WORDS.findall(token.value), [token.value])
    return frozenset(found)


def called_anywhere(text: str) -> frozenset[str]:
    """Return all words of a text that may be a function's name, before a parenthesis, also in literals."""
    found = list(_with_literals(text))
    return frozenset(one.value for one, other in pairwise(found) if one.is_name and other.value == "(")


def _with_literals(text: str) -> Iterator[Token]:
    """Yield the tokens of a text, and those of its literals."""
    waiting = [text]
    while waiting:
        inner = waiting.pop()
        for token in tokens_kept(inner):
            yield token
            if token.kind == STRING and len(token.value) < len(inner):
                waiting.append(token.value)


def is_ordinary(function: str) -> bool:
    """Whether a word before a parenthesis is a keyword, or a function that comes with PostgreSQL.

    False may be wrong, and costs a look into the database's catalogue.
    """
    return function in _ORDINARY or function in _functions_of_django()


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
