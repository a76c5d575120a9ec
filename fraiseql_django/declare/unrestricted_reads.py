"""Declarations that read rows past the rules of their types: computed fields, and the default orders of models.

Both are the project's own and read all rows for every viewer; clients cannot write them. The project decides whether
they may reveal something of rows that a viewer does not see, so a system check (W007) lists them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet
from django.db.models.sql import Query

from .._django import concrete_model, declared_order, default_rows, models_read
from .registry import Registry, TypeDeclaration

Model: TypeAlias = type[models.Model]


def past_rules(registry: Registry) -> list[str]:
    """Return a sentence for each computed field, and each order, that reads rows of a type with a rule.

    A field with a permission of its own is not listed.
    """
    ruled = {
        concrete_model(declaration.model): declaration.name
        for declaration in registry.types
        if declaration.source is None and (declaration.rows is not None or declaration.permission is not None)
    }
    return [line for declaration in registry.types for line in _of_type(declaration, ruled)]


def _of_type(declaration: TypeDeclaration, ruled: Mapping[Any, str]) -> Iterator[str]:
    model = declaration.model
    for python_name, options in declaration.options.items():
        if options.expression is not None and options.permission is None:
            for name in _named(_read(model, options.expression), ruled):
                yield f"{declaration.name}.{python_name} is computed from all rows of {name}, past the rules of {name}."
    if declaration.source is None:
        orders = declared_order(default_rows(model))
        for name in _named((found for order in orders for found in _sorted_by(model, order)), ruled):
            who = declaration.name
            yield f"{who} is sorted, if clients do not say how, by rows of {name}, past the rules of {name}."


def _named(found: Iterator[Model], ruled: Mapping[Any, str]) -> list[str]:
    concrete = [concrete_model(model) for model in found]
    return list(dict.fromkeys(ruled[model] for model in concrete if model in ruled))


def _sorted_by(model: Model, order: Any) -> Iterator[Model]:
    if isinstance(order, str):
        # sorting by a relation sorts by the default order of its model
        return _along(model, order.lstrip("-"), whole=True)
    return _read(model, order)


def _read(model: Model, part: Any) -> Iterator[Model]:
    """Yield the models whose rows an expression over a model reads."""
    if isinstance(part, QuerySet):
        part = part.query
    if isinstance(part, Query):
        yield from models_read(part)
        model = part.model or model
    elif isinstance(part, OuterRef):
        # a column of the row that the expression is computed for
        return
    elif isinstance(part, F):
        named: Any = part
        yield from _along(model, named.name)
    elif isinstance(part, Q):
        for child in part.children:
            if isinstance(child, tuple):
                yield from _along(model, child[0])
                child = child[1]
            yield from _read(model, child)
        return
    for inner in getattr(part, "get_source_expressions", list)():
        yield from _read(model, inner)


def _along(model: Model, path: str, *, whole: bool = False) -> Iterator[Model]:
    """Yield the models whose rows a lookup reads; a key at its end is a column of the row before it."""
    parts = path.split("__")
    here: Any = model
    for place, part in enumerate(parts, 1):
        try:
            field: Any = here._meta.get_field(part)
        except FieldDoesNotExist:
            return
        here = field.related_model
        if not isinstance(here, type) or getattr(field, "attname", None) == part != field.name:
            return
        if whole or place < len(parts) or not field.concrete or field.many_to_many:
            yield here
