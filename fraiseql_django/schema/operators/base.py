"""What operators are: descriptions from which the schema makes filters, and the planner SQL.

    Operator    a comparison: ``{price: {gte: 10}}``
    Transform   an SQL function of a value, whose result is compared in its place, or sorted by:
                ``{publishedAt: {year: {gte: 2020}}}``; one with arguments may have several results:
                ``{data: {at: {path: ["size"], int: {gt: 3}}}}``
    Items       a condition on the items of an array: ``{tags: {any: {startswith: "a"}}}``

Templates of SQL name what stands in them: ``{column}`` the value that is compared, ``{value}`` the operand, and the
arguments by their names. A ``%`` is written twice, as in all SQL that Django compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
)

from ...errors import InvalidInput
from ..definition import InputScalar
from ..scalars.encoding import encode_array, encode_nested_array, encode_text
from ..scalars.postgres import Scalar

Comparable: TypeAlias = Scalar | InputScalar
Encode: TypeAlias = Callable[[Any], str]
# Whether a leaf type, in arrays of so many dimensions, has an operator
For: TypeAlias = Callable[[Comparable, int], bool]

# Marks the enums whose value is a part of the SQL, so that plans are kept by it (see ``language/variable_shapes``)
CHOOSES = {"chooses": True}


class Takes(Enum):
    """What is written behind an operator."""

    ONE = "one value"
    LIST = "a list of values"
    PAIR = "a list of two values"
    FLAG = "true or false"
    NAMED = "an object"


@dataclass(frozen=True, slots=True)
class Binding:
    """A comparison with a bound value: its SQL, the type that the parameter is cast to, and what writes its text."""

    sql: Any
    cast: str
    encode: Encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A value that an operator or a transform takes by name.

    It is bound as ``scalar``, a list of them where ``items`` says so; or it is one of ``choices``, whose SQL becomes a
    part of the statement, with the GraphQL type ``enum``. ``default`` is the SQL where it is not given; None where it
    must be. In its place ``filled`` may be a value that is bound, which clients see, and null is bound as null.
    """

    description: str
    scalar: Comparable | None = None
    items: bool = False
    enum: GraphQLEnumType | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    filled: Any = Undefined

    def input(self) -> GraphQLInputField:
        """Return its field of an input."""
        graphql: Any = self.enum if self.scalar is None else self.scalar.graphql
        if self.items:
            graphql = GraphQLList(GraphQLNonNull(graphql))
        if self.default is None and self.filled is Undefined:
            graphql = GraphQLNonNull(graphql)
        shown = Undefined if self.filled is None else self.filled
        return GraphQLInputField(graphql, default_value=shown, description=self.description)

    def binding(self) -> Binding:
        """Return how a value is bound; it is the SQL of no comparison."""
        assert self.scalar is not None
        if self.items:
            return Binding("", f"{self.scalar.cast}[]", array_encoder(self.scalar.encode, 1))
        return Binding("", self.scalar.cast, self.scalar.encode)


def choices(
    name: str, description: str, values: Mapping[str, tuple[str, str]]
) -> tuple[GraphQLEnumType, dict[str, str]]:
    """Return the enum of an argument that chooses SQL: ``values`` have the SQL and a description by name."""
    members = {key: GraphQLEnumValue(key, description=text) for key, (_, text) in values.items()}
    enum = GraphQLEnumType(name, members, description=description, extensions=CHOOSES)
    return enum, {key: sql for key, (sql, _) in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A comparison, with everything that is known of it: nothing else in the package names an operator.

    ``sql``        for a flag, that of true, and ``otherwise`` that of false. A function of a project is called with the
                   ORM expressions of the column and the operands, and returns SQL or an ORM expression
    ``null``       the SQL for a null value; None where null is refused
    ``each``       the SQL for types that PostgreSQL cannot compare with an array of them: ``{cast}`` is the type, the
                   value an array of texts
    ``pattern``    turns the text that is searched for into what PostgreSQL searches with; None for operators that
                   compare whole values
    ``for_``       whether a leaf type has the operator, in arrays of so many dimensions
    ``operand``    the type of the operand where it is not that of the column
    ``whole``      turns such an operand into a value of the column's type, as which it is bound
    ``named``      the arguments of an operator that takes an object
    ``parameter``  the name of the operand in ``sql``
    ``strict``     whether it is true of no null column; ``null_is_strict``: the same with a null value
    ``bare``       whether it is true of no JSON null, so that it may compare a JSON column as it is, with its index
    ``equates``    whether it is true of no column but those that equal an operand
    ``may_fail``   whether evaluating it may be an error for some rows, or for some operands
    ``extension``  the extension of PostgreSQL that it needs, if a project has to name it (``EXTENSIONS``)
    ``planning``   what planning it costs, in points of ``LIMITS.PLANNING`` before they are multiplied by the level
    ``cost``       what it adds to the complexity of an operation each time that a list is read
    """

    name: str
    sql: Any
    description: str
    takes: Takes = Takes.ONE
    otherwise: str | None = None
    null: str | None = None
    each: str | None = None
    for_: For = lambda scalar, dimensions: not dimensions
    pattern: Callable[[str], str] | None = None
    operand: Callable[[Comparable], Comparable] | None = None
    whole: Callable[[Any], Any] | None = None
    named: Mapping[str, Argument] = field(default_factory=dict)
    parameter: str = "value"
    strict: bool = True
    null_is_strict: bool = False
    bare: bool = False
    equates: bool = False
    may_fail: bool = False
    extension: str | None = None
    planning: int = 2
    cost: float = 0

    @property
    def is_fallible(self) -> bool:
        """Whether PostgreSQL may refuse it while it runs: for some operands, or where its extension is missing."""
        return self.may_fail or self.extension is not None

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
        if self.operand is not None and self.whole is None:
            scalar = self.operand(scalar)
            cast, dimensions = scalar.cast, 0
        encode, pattern, whole = scalar.encode, self.pattern, self.whole
        if whole is not None:
            encode = lambda value: scalar.encode(whole(value))  # noqa: E731 - it replaces another encoder
        elif dimensions:
            encode = array_encoder(scalar.encode, dimensions)
        elif pattern is not None:
            encode = lambda value: encode_text(pattern(value))  # noqa: E731 - it replaces another encoder
        if self.takes is Takes.ONE:
            # a pattern is a text, whatever the column's type
            return Binding(self.sql, cast if pattern is None else "text", encode)
        if self.takes is Takes.PAIR:
            return Binding(self.sql, f"{cast}[]", _pair_encoder(encode))
        if self.each is not None and (dimensions or not scalar.equatable):
            return Binding(self.each.replace("{cast}", cast), "text[]", array_encoder(encode, 1))
        return Binding(self.sql, f"{cast}[]", array_encoder(encode, 1))

    def argument(self, value: GraphQLInputType, scalar: Comparable) -> GraphQLInputType:
        """Return the type of its argument, for columns whose values are of this type; not of one that takes an object.

        ``value`` is the type of the column with its lists.
        """
        if self.operand is not None:
            value = self.operand(scalar).graphql
        if self.takes in (Takes.LIST, Takes.PAIR):
            return GraphQLList(GraphQLNonNull(value))
        return GraphQLBoolean if self.takes is Takes.FLAG else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A value that a transform makes: its SQL, and the leaf type as which it is compared, in so many lists."""

    sql: str
    scalar: Comparable
    description: str
    dimensions: int = 0
    may_fail: bool = False


# The name of the result of a transform that has one
VALUE = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """An SQL function of a value; it is null where the value is.

    ``results``    what it makes of values of a type, by name
    ``named``      its arguments; without any, its only result is compared where the transform is written
    ``both``       whether an operand that its result is compared with is transformed as well

    In the SQL of moments ``{local}`` stands for the time in the active time zone.
    """

    name: str
    description: str
    for_: For
    results: Callable[[Comparable], Mapping[str, Result]]
    named: Mapping[str, Argument] = field(default_factory=dict)
    both: bool = False
    may_fail: bool = False
    extension: str | None = None
    planning: int = 2
    cost: float = 0

    @property
    def is_fallible(self) -> bool:
        """Whether PostgreSQL may refuse it while it runs: for some arguments, or where its extension is missing."""
        return self.may_fail or self.extension is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Whether a condition is true of an item of an array (``exists``), or not true of none."""

    name: str
    description: str
    exists: bool
    for_: For = lambda scalar, dimensions: dimensions > 0
    extension: str | None = None
    planning: int = 20


Entry: TypeAlias = Operator | Transform | Items


def one(sql: str, scalar: Comparable, **other: Any) -> Callable[[Comparable], Mapping[str, Result]]:
    """Return the only result of a transform, whatever type of values it is made of."""
    found = {VALUE: Result(sql=sql, scalar=scalar, description="What it is.", **other)}
    return lambda of: found


def array_encoder(encode: Encode, dimensions: int) -> Encode:
    """Return what writes arrays of values that ``encode`` writes."""
    if dimensions == 1:
        return lambda items: encode_array([None if item is None else encode(item) for item in items])
    return lambda items: encode_nested_array(items, encode, dimensions)


def _pair_encoder(encode: Encode) -> Encode:
    def write(items: Any) -> str:
        if len(items) != 2:
            raise InvalidInput(f"{len(items)} values are given, must be two: the least and the greatest")
        return encode_array([encode(item) for item in items])

    return write


def is_ordered(scalar: Comparable, dimensions: int) -> bool:
    """Whether values are single, and have an order."""
    return not dimensions and scalar.ordered


def is_textual(scalar: Comparable, dimensions: int) -> bool:
    """Whether values are single texts."""
    return not dimensions and scalar.textual


def is_array(scalar: Comparable, dimensions: int) -> bool:
    """Whether values are arrays."""
    return dimensions > 0


def named(*names: str) -> For:
    """Return what says whether values are single and of one of these GraphQL types."""
    return lambda scalar, dimensions: not dimensions and scalar.name in names
