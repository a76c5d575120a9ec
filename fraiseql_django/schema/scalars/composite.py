"""Columns that clients see as objects with parts: files and ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib.postgres import fields as postgres
from django.db import models
from graphql import GraphQLInputField, GraphQLInputObjectType, GraphQLString

from ..definition import InputScalar, Part, ValueObject
from . import graphql as leaves
from . import postgres as scalars
from .encoding import encode_range, encode_text
from .postgres import Scalar

# --- files ------------------------------------------------------------------------------------

# Django stores "" for no file
_NO_FILE = "coalesce({0}, '') = ''"

FILE_INPUT = InputScalar(
    graphql=GraphQLString, cast="text", encode=encode_text, ordered=True, textual=True, column="NULLIF({0}, '')"
)


def _part(description: str, scalar: Scalar = scalars.TEXT, **kwargs: Any) -> Part:
    return Part(description=description, scalar=scalar, **{"graphql": scalar.graphql, **kwargs})


_FILE_PARTS: Mapping[str, Part] = {
    "name": _part("Path of the file in its storage.", nullable=False),
    "url": _part("Address that the file is served at; null where its storage serves none."),
    "size": _part("Bytes; null where the storage does not know.", graphql=leaves.BIG_INT),
}
_IMAGE_PARTS: Mapping[str, Part] = {
    **_FILE_PARTS,
    "width": _part("Pixels, where the model stores them.", scalars.INT, value=None),
    "height": _part("Pixels, where the model stores them.", scalars.INT, value=None),
}
FILES: Mapping[bool, ValueObject] = {
    False: ValueObject(name="File", description="A stored file.", parts=_FILE_PARTS, absent=_NO_FILE),
    True: ValueObject(name="Image", description="A stored image.", parts=_IMAGE_PARTS, absent=_NO_FILE),
}


def _known(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Return a function that returns None where the storage cannot answer: a missing file, a storage without URLs."""

    def live(name: Any) -> Any:
        try:
            return read(name)
        except (OSError, NotImplementedError, ValueError):
            return None

    return live


def file_parts(field: models.FileField) -> Mapping[str, Part]:
    """Return the parts of a file field: its own storage answers url and size."""
    parts = dict(_IMAGE_PARTS if isinstance(field, models.ImageField) else _FILE_PARTS)
    # a storage may be replaced while the process runs, as tests do it: its methods are looked up when they are needed
    url, size = _known(lambda name: field.storage.url(name)), _known(lambda name: field.storage.size(name))
    parts["url"] = replace(parts["url"], live=url)
    # BigInt is written as a string
    parts["size"] = replace(parts["size"], live=lambda name: None if (count := size(name)) is None else str(count))
    for dimension in ("width", "height") if isinstance(field, models.ImageField) else ():
        column = getattr(field, f"{dimension}_field")
        if column:
            parts[dimension] = replace(parts[dimension], value="{0}", column=column)
    return parts


# --- ranges -----------------------------------------------------------------------------------


def _bounds(bound: Scalar) -> dict[str, Part]:
    return {
        "lower": _part("Where it begins; null: nowhere.", bound, value="lower({0})", bound=True),
        "upper": _part("Where it ends; null: nowhere.", bound, value="upper({0})", bound=True),
    }


def range_parts(value: ValueObject) -> Mapping[str, Part]:
    """Return the parts of a range: bounds that are moments are written as USE_TZ has it now."""
    bound = value.parts["lower"].scalar
    return {**value.parts, **_bounds(scalars.localized(bound))}


def _range(name: str, bound: Scalar, cast: str) -> tuple[ValueObject, InputScalar]:
    flag = partial(_part, scalar=scalars.BOOLEAN, nullable=False)
    parts = {
        **_bounds(bound),
        "lowerInclusive": flag("Whether it holds its lower bound.", value="lower_inc({0})"),
        "upperInclusive": flag("Whether it holds its upper bound.", value="upper_inc({0})"),
        "isEmpty": flag("Whether nothing is in it.", value="isempty({0})"),
    }
    filter_input = GraphQLInputObjectType(
        f"{name}Input",
        {
            "lower": GraphQLInputField(bound.graphql, description="Null or absent: no beginning."),
            "upper": GraphQLInputField(bound.graphql, description="Null or absent: no end."),
            "bounds": GraphQLInputField(GraphQLString, description="'[)' (the default), '[]', '(]' or '()'."),
        },
        description=f"A range, as {name} is written in filters.",
        extensions={"leaf": True},
    )
    return (
        ValueObject(name=name, description="A range of values.", parts=parts),
        InputScalar(
            graphql=filter_input, cast=cast, encode=lambda value: encode_range(value, bound.encode), bound=bound
        ),
    )


RANGES: Mapping[type[models.Field[Any, Any]], tuple[ValueObject, InputScalar]] = {
    postgres.IntegerRangeField: _range("IntRange", scalars.INT, "int4range"),
    postgres.BigIntegerRangeField: _range("BigIntRange", scalars.BIGINT, "int8range"),
    postgres.DecimalRangeField: _range("DecimalRange", scalars.NUMERIC, "numrange"),
    postgres.DateTimeRangeField: _range("DateTimeRange", scalars.DATETIME, "tstzrange"),
    postgres.DateRangeField: _range("DateRange", scalars.DATES, "daterange"),
}
