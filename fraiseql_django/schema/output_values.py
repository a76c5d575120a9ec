"""Values that Python returns → JSON text of a GraphQL type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from graphql import GraphQLEnumType, GraphQLFloat

from .._compat import parse_input
from .object_types import Output
from .scalars.graphql import JSON


class Unfit(Exception):
    """A value is not of its type."""


def leaf_value(leaf: Any, value: Any, of_json: bool) -> Any:
    """Return the JSON value of a leaf type; ``of_json`` says that the value comes from JSON.

    What a type raises for a value that it does not have may be anything.
    """
    value = value.value if isinstance(value, Enum) else value
    if of_json and not isinstance(leaf, GraphQLEnumType):
        if isinstance(value, Decimal) and leaf is not JSON:
            value = float(value) if leaf is GraphQLFloat else str(value)
        # what JSON holds has been through no type yet
        value = parse_input(leaf)(value)
    found = leaf.serialize(value)
    if found is None:
        raise TypeError(f"{leaf.name} makes null of a value")
    return found


def leaf_text(leaf: Any, value: Any, of_json: bool) -> bytes:
    """Write a Python value that is not None as JSON text, by its leaf type; raise Unfit for one that is not of it."""
    try:
        return json_text(leaf_value(leaf, value, of_json))
    # a scalar of the project's may raise anything, as may a value
    except Exception as error:
        raise Unfit(str(error)) from error


def listed_text(output: Output, value: Any) -> bytes:
    """Write a leaf, or a list of them, as JSON text; raise Unfit. Null is not looked at, but within a list."""
    if output.item is None:
        return leaf_text(output.leaf, value, False)
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise Unfit(f"{value!r} is no list")
    parts = []
    for item in value:
        if item is None and not output.item.nullable:
            raise Unfit("an item is null, and must not be")
        parts.append(b"null" if item is None else listed_text(output.item, item))
    return b"[%b]" % b",".join(parts)


def json_text(value: Any) -> bytes:
    """Write a JSON value."""
    # JSON has no NaN
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_as_json)
    return text.encode()


def _as_json(value: Any) -> Any:
    """Write a value that JSON does not have: a number of a function's JSON, a date of a mutation's."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return DjangoJSONEncoder().default(value)
