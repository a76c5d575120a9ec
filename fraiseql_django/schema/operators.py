"""The only table of operators: the schema offers what is in it, the planner executes its SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ..errors import InvalidInput
from .definition import InputScalar
from .scalars.postgres import Scalar

Comparable: TypeAlias = Scalar | InputScalar


class Takes(Enum):
    """What is written behind an operator."""

    ONE = "one value"
    LIST = "a list of values"
    FLAG = "true or false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A comparison: ``{column}`` and ``{value}`` stand in its SQL, ``null`` is its SQL for a null value.

    ``each`` is the SQL for types whose values PostgreSQL cannot compare with an array of them: ``{cast}``
    is the type, the value an array of texts. ``pattern`` makes of the text that is searched for what
    PostgreSQL searches with; operators that compare whole values have none.
    """

    name: str
    sql: str
    description: str
    takes: Takes = Takes.ONE
    null: str | None = None
    each: str | None = None
    for_: Callable[[Comparable], bool] = lambda scalar: True
    pattern: Callable[[str], str] | None = None


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
        Operator(name="eq", sql="{column} = {value}", null="{column} IS NULL", description="Equal; null: is null."),
        Operator(
            name="neq",
            sql="{column} <> {value}",
            null="{column} IS NOT NULL",
            description="Not equal (nulls do not match); null: is not null.",
        ),
        Operator(
            name="in",
            sql="{column} = ANY({value})",
            each="{column} IN (SELECT item::{cast} FROM unnest({value}) AS item)",
            takes=Takes.LIST,
            description="One of these.",
        ),
        Operator(
            name="nin",
            sql="{column} <> ALL({value})",
            each="{column} NOT IN (SELECT item::{cast} FROM unnest({value}) AS item)",
            takes=Takes.LIST,
            description="None of these (nulls do not match).",
        ),
        Operator(
            name="isnull",
            sql="{column} IS NULL",
            takes=Takes.FLAG,
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
            description="Matches a POSIX regular expression.",
        ),
        Operator(
            name="imatches",
            sql="{column}::text ~* {value}",
            pattern=str,
            for_=_textual,
            description="Matches a POSIX regular expression, in any case.",
        ),
    )
}


def operators_of(scalar: Comparable, dimensions: int) -> list[Operator]:
    """List the operators that a column of so many dimensions may be asked with."""
    whole = [OPERATORS[name] for name in ("eq", "neq", "in", "nin", "isnull")]
    return whole if dimensions else [operator for operator in OPERATORS.values() if operator.for_(scalar)]
