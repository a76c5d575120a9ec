"""The table of operators: the schema offers what is in it, the planner executes its SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from graphql import GraphQLBoolean, GraphQLInputType, GraphQLList, GraphQLNonNull

from ..errors import InvalidInput
from .definition import InputScalar
from .scalars.encoding import encode_array, encode_nested_array, encode_text
from .scalars.postgres import Scalar

Comparable: TypeAlias = Scalar | InputScalar
Encode: TypeAlias = Callable[[Any], str]


class Takes(Enum):
    """What is written behind an operator."""

    ONE = "one value"
    LIST = "a list of values"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True)
class Binding:
    """A comparison with a bound value: its SQL, the type that the parameter is cast to, and what writes its text."""

    sql: str
    cast: str
    encode: Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A comparison, with everything that is known of it: nothing else in the package names an operator.

    ``sql``        ``{column}`` and ``{value}`` stand in it; for a flag, that of true, and ``otherwise`` that of false
    ``null``       the SQL for a null value; None where null is refused
    ``each``       the SQL for types that PostgreSQL cannot compare with an array of them: ``{cast}`` is the type, the
                   value an array of texts
    ``pattern``    turns the text that is searched for into what PostgreSQL searches with; None for operators that
                   compare whole values
    ``for_``       whether a leaf type has the operator; ``arrays``: whether arrays have it as well
    ``strict``     whether it is true of no null column; ``null_is_strict``: the same with a null value
    ``equates``    whether it is true of no column but those that equal an operand
    ``may_fail``   whether evaluating it may be an error for some rows
    ``planning``   what planning it costs, in points of ``LIMITS.PLANNING`` before they are multiplied by the level
    """

    name: str
    sql: str
    description: str
    takes: Takes = Takes.ONE
    otherwise: str | None = None
    null: str | None = None
    each: str | None = None
    for_: Callable[[Comparable], bool] = lambda scalar: True
    arrays: bool = False
    pattern: Callable[[str], str] | None = None
    strict: bool = True
    null_is_strict: bool = False
    equates: bool = False
    may_fail: bool = False
    planning: int = 2

    def is_strict(self, operand: Any) -> bool:
        """Whether it is true of no null column, with this operand (None for null; of a flag the resolved argument)."""
        if operand is None:
            return self.null_is_strict
        if self.takes is Takes.FLAG:
            return operand.value is False
        return self.strict

    def is_certain(self, operand: Any) -> bool:
        """Whether it is true or false of every column, with this operand; other operators are unknown for null."""
        return operand is None or self.takes is Takes.FLAG

    def binding(self, scalar: Comparable, cast: str, dimensions: int) -> Binding:
        """Return how it compares a column of a type, in arrays of so many dimensions, with a bound value."""
        encode, pattern = scalar.encode, self.pattern
        if dimensions:
            encode = _array_encoder(scalar.encode, dimensions)
        elif pattern is not None:
            encode = lambda value: encode_text(pattern(value))  # noqa: E731 - it replaces another encoder
        if self.takes is Takes.ONE:
            # a pattern is a text, whatever the column's type
            return Binding(self.sql, cast if pattern is None else "text", encode)
        if dimensions or not scalar.equatable:
            assert self.each is not None
            return Binding(self.each.replace("{cast}", cast), "text[]", _array_encoder(encode, 1))
        return Binding(self.sql, f"{cast}[]", _array_encoder(encode, 1))

    def argument(self, value: GraphQLInputType) -> GraphQLInputType:
        """Return the type of its argument, for columns whose values are of this type."""
        if self.takes is Takes.LIST:
            return GraphQLList(GraphQLNonNull(value))
        return GraphQLBoolean if self.takes is Takes.FLAG else value


def _array_encoder(encode: Encode, dimensions: int) -> Encode:
    """Return what writes arrays of values that ``encode`` writes."""
    if dimensions == 1:
        return lambda items: encode_array([None if item is None else encode(item) for item in items])
    return lambda items: encode_nested_array(items, encode, dimensions)


def _ordered(scalar: Comparable) -> bool:
    return scalar.ordered


def _textual(scalar: Comparable) -> bool:
    return scalar.textual


def _escaped(text: str) -> str:
    """Let LIKE take every character for itself (PostgreSQL documentation, 9.7.1)."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _complete(pattern: str) -> str:
    """Refuse what PostgreSQL refuses only when it comes to a text that the pattern fits so far."""
    if re.search(r"(?<!\\)(\\\\)*\\\Z", pattern):
        raise InvalidInput("a LIKE pattern must not end in a single backslash")
    return pattern


# UPPER on both sides, as Django compiles icontains: the same indexes serve both
_LIKE = "{column}::text LIKE {value}"
_ILIKE = "UPPER({column}::text) LIKE UPPER({value})"

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator(
            name="eq",
            sql="{column} = {value}",
            null="{column} IS NULL",
            equates=True,
            arrays=True,
            description="Equal; null: is null.",
        ),
        Operator(
            name="neq",
            sql="{column} <> {value}",
            null="{column} IS NOT NULL",
            null_is_strict=True,
            arrays=True,
            description="Not equal (nulls do not match); null: is not null.",
        ),
        Operator(
            name="in",
            sql="{column} = ANY({value})",
            each="{column} IN (SELECT item::{cast} FROM unnest({value}) AS item)",
            takes=Takes.LIST,
            equates=True,
            arrays=True,
            description="One of these.",
        ),
        Operator(
            name="nin",
            sql="{column} <> ALL({value})",
            each="{column} NOT IN (SELECT item::{cast} FROM unnest({value}) AS item)",
            takes=Takes.LIST,
            arrays=True,
            # true of null where the list is empty
            strict=False,
            description="None of these (nulls do not match).",
        ),
        Operator(
            name="isnull",
            sql="{column} IS NULL",
            otherwise="{column} IS NOT NULL",
            takes=Takes.FLAG,
            arrays=True,
            description="True: is null; false: is not null.",
        ),
        Operator(name="gt", sql="{column} > {value}", for_=_ordered, description="Greater."),
        Operator(name="gte", sql="{column} >= {value}", for_=_ordered, description="Greater or equal."),
        Operator(name="lt", sql="{column} < {value}", for_=_ordered, description="Less."),
        Operator(name="lte", sql="{column} <= {value}", for_=_ordered, description="Less or equal."),
        Operator(
            name="contains",
            sql=_LIKE,
            pattern=lambda text: f"%{_escaped(text)}%",
            for_=_textual,
            description="Contains this text.",
        ),
        Operator(
            name="icontains",
            sql=_ILIKE,
            pattern=lambda text: f"%{_escaped(text)}%",
            for_=_textual,
            description="Contains this text, in any case.",
        ),
        Operator(
            name="startswith",
            sql=_LIKE,
            pattern=lambda text: f"{_escaped(text)}%",
            for_=_textual,
            description="Starts with this text.",
        ),
        Operator(
            name="istartswith",
            sql=_ILIKE,
            pattern=lambda text: f"{_escaped(text)}%",
            for_=_textual,
            description="Starts with this text, in any case.",
        ),
        Operator(
            name="endswith",
            sql=_LIKE,
            pattern=lambda text: f"%{_escaped(text)}",
            for_=_textual,
            description="Ends with this text.",
        ),
        Operator(
            name="iendswith",
            sql=_ILIKE,
            pattern=lambda text: f"%{_escaped(text)}",
            for_=_textual,
            description="Ends with this text, in any case.",
        ),
        Operator(
            name="like",
            sql=_LIKE,
            pattern=_complete,
            for_=_textual,
            description="Matches a LIKE pattern: % is any text, _ any character.",
        ),
        Operator(
            name="ilike",
            sql="{column}::text ILIKE {value}",
            pattern=_complete,
            for_=_textual,
            description="Matches a LIKE pattern, in any case.",
        ),
        Operator(
            name="matches",
            sql="{column}::text ~ {value}",
            pattern=str,
            for_=_textual,
            may_fail=True,
            description="Matches a POSIX regular expression.",
        ),
        Operator(
            name="imatches",
            sql="{column}::text ~* {value}",
            pattern=str,
            for_=_textual,
            may_fail=True,
            description="Matches a POSIX regular expression, in any case.",
        ),
    )
}


# what keys are compared by
EQUAL = OPERATORS["eq"]


def operators_of(scalar: Comparable, dimensions: int) -> list[Operator]:
    """List the operators of a column whose values are of this type, in arrays of so many dimensions."""
    return [op for op in OPERATORS.values() if (op.arrays if dimensions else op.for_(scalar))]
