"""Transforms and arguments of operators → ORM expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db.models import Value
from graphql import Undefined

from .._django import active_zone
from ..schema.operators import Argument, Operator, Takes
from .arguments import Leaf
from .expressions import SQL, Param, bind, constant
from .source_values import Compared
from .tree import Applied, OfItem, Transforms

# The alias of the items of an array, in a condition on them
ITEM = "fraiseql_item"


def transformed(compared: Compared, dimensions: int, transforms: Transforms, alias: str) -> tuple[Compared, int]:
    """Return what transforms make of a value, and how many lists are around it."""
    for step in transforms:
        if isinstance(step, OfItem):
            scalar = compared.scalar
            compared, dimensions = Compared(value=SQL(f"{ITEM}.value"), scalar=scalar, cast=scalar.cast), 0
        else:
            made = _applied(step, with_nulls(compared, dimensions).value, alias)
            scalar, dimensions = step.result.scalar, step.result.dimensions
            cast = scalar.cast + "[]" * dimensions
            value = made if scalar.column == "{0}" else SQL(scalar.column, made)
            compared = Compared(value=value, scalar=scalar, cast=cast)
    return compared, dimensions


def with_nulls(compared: Compared, dimensions: int) -> Compared:
    """Return a value that is null where its type does not have what is stored."""
    shown = compared.scalar.shown
    if dimensions or shown is None:
        return compared
    shown = shown.replace("{0}", "{column}")
    value = SQL(f"CASE WHEN {shown} THEN {{column}} END", column=compared.value)
    return replace(compared, value=value)


def operand_of(operator: Operator, param: Any, transforms: Transforms, alias: str) -> Any:
    """Return the operand of an operator, transformed as what it is compared with is."""
    for step in transforms:
        if isinstance(step, Applied) and step.transform.both:
            if operator.takes is Takes.ONE:
                param = _applied(step, param, alias)
            else:
                sql = step.result.sql.replace("{column}", "item")
                param = SQL(f"ARRAY(SELECT {sql} FROM unnest({{value}}) AS item)", value=param)
    return param


def _applied(step: Applied, value: Any, alias: str) -> SQL:
    sql, params = bound(step.transform.named, step.arguments, step.result.sql, step.label, step.transform.is_fallible)
    if "{local}" in sql:
        # without USE_TZ a moment is a local time in the connection's zone
        local = "(({column})::timestamptz AT TIME ZONE {zone})" if settings.USE_TZ else "({column})::timestamp"
        sql = sql.replace("{local}", local)
        if settings.USE_TZ:
            params["zone"] = Value(active_zone(alias))
    return SQL(sql, column=value, **params)


def bound(
    named: Mapping[str, Argument], given: Mapping[str, Leaf | None], sql: Any, label: str, fallible: bool
) -> tuple[Any, dict[str, Any]]:
    """Return SQL with the choices in it, and the parameters of the other arguments by name."""
    params: dict[str, Any] = {}
    for name, argument in named.items():
        leaf = given.get(name)
        if argument.scalar is not None and (leaf is not None or argument.filled is not Undefined):
            binding, where = argument.binding(), f"{label}.{name}"
            if leaf is None:
                value = None if name in given else argument.filled
                source = constant(None if value is None else binding.encode(value), where)
            else:
                source = bind(leaf, binding.encode, where, fallible=fallible)
            params[name] = Param(source, binding.cast)
        elif isinstance(sql, str):
            chosen = argument.default if leaf is None else argument.choices[leaf.value]
            assert chosen is not None
            sql = sql.replace(f"{{{name}}}", chosen)
    return sql, params
