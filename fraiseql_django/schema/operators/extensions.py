"""Operators of types of extensions: ltree and vector (pgvector)."""

from __future__ import annotations

from dataclasses import replace

from ..scalars import postgres as scalars
from .base import Argument, Entry, Operator, Takes, Transform, choices, named, one

_is_ltree = named("LTree")
_is_vector = named("Vector")

LTREE: tuple[Entry, ...] = (
    Operator(
        name="descendantOf",
        sql="{column} <@ {value}",
        for_=_is_ltree,
        description="Is below this path, or this path.",
    ),
    Operator(
        name="ancestorOf",
        sql="{column} @> {value}",
        for_=_is_ltree,
        description="Is above this path, or this path.",
    ),
    Operator(
        name="matches",
        sql="{column} ~ {value}",
        operand=lambda scalar: replace(scalars.TEXT, cast="lquery"),
        for_=_is_ltree,
        may_fail=True,
        description="Matches an lquery: top.*{1,2}.news.",
    ),
    Operator(
        name="matchesAny",
        sql="{column} ? {value}",
        takes=Takes.LIST,
        operand=lambda scalar: replace(scalars.TEXT, cast="lquery"),
        for_=_is_ltree,
        may_fail=True,
        description="Matches one of these lqueries.",
    ),
    Operator(
        name="search",
        sql="{column} @ {value}",
        operand=lambda scalar: replace(scalars.TEXT, cast="ltxtquery"),
        for_=_is_ltree,
        may_fail=True,
        description="Matches an ltxtquery: Europe & Russia*@ & !Transportation.",
    ),
    Transform(
        name="depth",
        description="How many labels it has.",
        for_=_is_ltree,
        results=one("nlevel({column})", scalars.INT),
    ),
)

_ENUM, _METRICS = choices(
    "VectorMetric",
    "How the distance of two vectors is measured.",
    {
        "L2": ("<->", "Euclidean distance."),
        "COSINE": ("<=>", "Cosine distance."),
        "INNER_PRODUCT": ("<#>", "Negative inner product."),
        "L1": ("<+>", "Taxicab distance."),
    },
)
VECTORS: tuple[Entry, ...] = (
    Transform(
        name="distance",
        description="How far it is from a vector.",
        for_=_is_vector,
        named={
            "to": Argument(scalar=scalars.VECTOR, description="The vector; it has as many dimensions."),
            "metric": Argument(
                enum=_ENUM, choices=_METRICS, default="<->", description="How it is measured; L2 by default."
            ),
        },
        results=one("({column} {metric} {to})", scalars.FLOAT),
        may_fail=True,
    ),
    Transform(
        name="dimensions",
        description="How many numbers it has.",
        for_=_is_vector,
        results=one("vector_dims({column})", scalars.INT),
    ),
)
