"""Values that Python returns → JSON text of a GraphQL type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from graphql import GraphQLEnumType, GraphQLError, GraphQLFloat

from .._compat import parse_input
from .object_types import Output
from .scalars.graphql import JSON

# What a leaf type raises for a value that it does not have
UNFIT = (GraphQLError, TypeError, ValueError, ArithmeticError)


def leaf_value(leaf: Any, value: Any, of_json: bool) -> Any:
    """Return the JSON value of a leaf type; ``of_json`` says that the value comes from JSON. Raises UNFIT."""
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


def listed_value(output: Output, value: Any) -> Any:
    """Return the JSON value of a leaf, or of a list of them; raise one of UNFIT for a value that it is not.

    Null is not looked at, but within a list.
    """
    if output.item is None:
        return leaf_value(output.leaf, value, False)
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise TypeError(f"{value!r} is no list")
    items = list(value)
    if None in items and not output.item.nullable:
        raise TypeError("an item is null, and must not be")
    return [None if item is None else listed_value(output.item, item) for item in items]


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
