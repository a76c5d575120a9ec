"""Operators of all types: equality, order, null."""

from __future__ import annotations

from ..scalars import postgres as scalars
from .base import Entry, Items, Operator, Takes, Transform, is_array, is_ordered, one

EQUAL = Operator(
    name="eq",
    sql="{column} = {value}",
    null="{column} IS NULL",
    equates=True,
    for_=lambda scalar, dimensions: True,
    description="Equal; null: is null.",
)

COMPARISON: tuple[Entry, ...] = (
    EQUAL,
    Operator(
        name="neq",
        sql="{column} <> {value}",
        null="{column} IS NOT NULL",
        null_is_strict=True,
        for_=lambda scalar, dimensions: True,
        description="Not equal (nulls do not match); null: is not null.",
    ),
    Operator(
        name="in",
        sql="{column} = ANY({value})",
        each="{column} IN (SELECT item::{cast} FROM unnest({value}) AS item)",
        takes=Takes.LIST,
        equates=True,
        for_=lambda scalar, dimensions: True,
        description="One of these.",
    ),
    Operator(
        name="nin",
        sql="{column} <> ALL({value})",
        each="{column} NOT IN (SELECT item::{cast} FROM unnest({value}) AS item)",
        takes=Takes.LIST,
        for_=lambda scalar, dimensions: True,
        # true of null where the list is empty
        strict=False,
        description="None of these (nulls do not match).",
    ),
    Operator(
        name="isnull",
        sql="{column} IS NULL",
        otherwise="{column} IS NOT NULL",
        takes=Takes.FLAG,
        for_=lambda scalar, dimensions: True,
        description="True: is null; false: is not null.",
    ),
    Operator(name="gt", sql="{column} > {value}", for_=is_ordered, description="Greater."),
    Operator(name="gte", sql="{column} >= {value}", for_=is_ordered, description="Greater or equal."),
    Operator(name="lt", sql="{column} < {value}", for_=is_ordered, description="Less."),
    Operator(name="lte", sql="{column} <= {value}", for_=is_ordered, description="Less or equal."),
    Operator(
        name="between",
        sql="{column} BETWEEN ({value})[1] AND ({value})[2]",
        takes=Takes.PAIR,
        for_=is_ordered,
        description="At least the first, at most the second of these two.",
    ),
)

ARRAYS: tuple[Entry, ...] = (
    Operator(
        name="contains",
        sql="{column} @> {value}",
        for_=is_array,
        description="Has all of these items.",
    ),
    Operator(
        name="containedBy",
        sql="{column} <@ {value}",
        for_=is_array,
        description="Has no items but these.",
    ),
    Operator(
        name="overlaps",
        sql="{column} && {value}",
        for_=is_array,
        description="Has one of these items.",
    ),
    Transform(
        name="length",
        description="How many items it has.",
        for_=is_array,
        results=one("cardinality({column})", scalars.INT),
    ),
    Items(name="any", exists=True, description="At least one item matches."),
    Items(name="all", exists=False, description="All items match; true for an array without items."),
)
