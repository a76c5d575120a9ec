"""The table of aggregate functions: the schema offers what is in it, the planner executes its SQL.

What a function makes of values is exact where PostgreSQL's is. Of whole numbers the sum is whole, and everything else a
Float, which is worked out as ``numeric`` and rounded at last; of a Decimal all is Decimal; a Float is worked out as
``double precision``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLBoolean, GraphQLEnumType, GraphQLFloat, GraphQLInt, GraphQLString

from .scalars import graphql as leaves
from .scalars.postgres import BIGINT, BOOLEAN, FLOAT, INT, INTERVAL, NUMERIC, TEXT, Scalar, is_whole

# A sum of whole numbers, which PostgreSQL makes a bigint or a numeric: one too large is no value of BigInt
WHOLE_SUM = replace(BIGINT, fits="{0} BETWEEN -9223372036854775808 AND 9223372036854775807")
# no table has so many rows that their number is no Int
COUNTED = replace(INT, fits=None)

# The types of which PostgreSQL has min and max itself; the smallest of others is the first of them all
_WITH_LEAST = frozenset({
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "text", "character varying", "character",
    "date", "timestamp without time zone", "timestamp with time zone", "time without time zone", "interval", "inet",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """An aggregate function, with everything that is known of it: nothing else in the package names one.

    ``name``      in Python's form; GraphQL's follows the settings
    ``sql``       SQL of the result; ``{0}`` is a column with the values, ``{values}`` the array of a listing function
    ``takes``     whether it has a result for a leaf type
    ``result``    the leaf type of the result
    ``keeps``     whether the result is one of the values, or is made of them as they are
    ``compared``  whether rows and groups can be compared and sorted by the result
    ``lists``     whether it takes an order, a limit and the choice of distinct values
    ``dimensions``  how many lists are around the result
    ``counts``    whether the result is a number where there is no value; others are null
    """

    name: str
    sql: str
    description: str
    takes: Callable[[Scalar], bool]
    result: Callable[[Scalar], Scalar] = lambda scalar: scalar
    keeps: bool = False
    compared: bool = True
    lists: bool = False
    dimensions: int = 0
    counts: bool = False

    def sql_for(self, result: Scalar, cast: str) -> str:
        """Return the SQL for values that PostgreSQL compares as the type ``cast``."""
        if self.keeps and not self.lists and cast not in _WITH_LEAST:
            direction = " DESC" if self.name == "max" else ""
            return f"(array_agg({{0}} ORDER BY {{0}}{direction}) FILTER (WHERE {{0}} IS NOT NULL))[1]"
        if result.graphql is GraphQLFloat and not self.keeps:
            operand = self.sql.replace("{0}", "{0}::double precision") if cast == "real" else self.sql
            return f"({operand})::double precision"
        return self.sql


def _is_number(scalar: Scalar) -> bool:
    return is_whole(scalar) or scalar.graphql in (GraphQLFloat, leaves.DECIMAL)


def _adds_up(scalar: Scalar) -> bool:
    return _is_number(scalar) or scalar.graphql is leaves.DURATION


def _is_ordered(scalar: Scalar) -> bool:
    return scalar.ordered and not isinstance(scalar.graphql, GraphQLEnumType)


def _sum(scalar: Scalar) -> Scalar:
    if scalar.graphql is GraphQLInt:
        return WHOLE_SUM
    return NUMERIC if scalar.graphql is leaves.BIG_INT else _mean(scalar)


def _mean(scalar: Scalar) -> Scalar:
    if scalar.graphql is leaves.DURATION:
        return INTERVAL
    return NUMERIC if scalar.graphql is leaves.DECIMAL else FLOAT


def _spread(name: str, sql: str, description: str) -> Function:
    return Function(name=name, sql=f"{sql}({{0}})", description=description, takes=_is_number, result=_mean)


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function(
            name="count_distinct",
            sql="count(DISTINCT {0})",
            description="How many different values there are; null is none.",
            takes=lambda scalar: True,
            result=lambda scalar: COUNTED,
            counts=True,
        ),
        Function(name="sum", sql="sum({0})", description="The sum.", takes=_adds_up, result=_sum),
        Function(name="avg", sql="avg({0})", description="The average.", takes=_adds_up, result=_mean),
        Function(name="min", sql="min({0})", description="The smallest value.", takes=_is_ordered, keeps=True),
        Function(name="max", sql="max({0})", description="The largest value.", takes=_is_ordered, keeps=True),
        _spread("stddev", "stddev_samp", "The standard deviation of a sample; null for fewer than two values."),
        _spread("stddev_pop", "stddev_pop", "The standard deviation of a population."),
        _spread("variance", "var_samp", "The variance of a sample; null for fewer than two values."),
        _spread("variance_pop", "var_pop", "The variance of a population."),
        Function(
            name="bool_and",
            sql="bool_and({0})",
            description="Whether all values are true.",
            takes=lambda scalar: scalar.graphql is GraphQLBoolean,
            result=lambda scalar: BOOLEAN,
        ),
        Function(
            name="bool_or",
            sql="bool_or({0})",
            description="Whether a value is true.",
            takes=lambda scalar: scalar.graphql is GraphQLBoolean,
            result=lambda scalar: BOOLEAN,
        ),
        Function(
            name="array",
            sql="coalesce({values}, '{}')",
            description="The values that are not null, in an order.",
            takes=lambda scalar: True,
            keeps=True,
            compared=False,
            lists=True,
            dimensions=1,
            counts=True,
        ),
        Function(
            name="join",
            sql="array_to_string({values}::text[], {separator})",
            description="The texts that are not null, in an order, as one text.",
            takes=lambda scalar: scalar.graphql is GraphQLString,
            result=lambda scalar: TEXT,
            keeps=True,
            compared=False,
            lists=True,
        ),
    )
}


def scalar_of(field: Any, compared: Any) -> Scalar | None:
    """Return the leaf type by which a field's values are aggregated; None where they cannot be.

    ``compared`` is the type that the field is compared as. Values that Python completes are not aggregated, lists and
    objects neither.
    """
    if getattr(field, "dimensions", 0) or getattr(field, "conversion", None) is not None:
        return None
    return compared if isinstance(compared, Scalar) else None
