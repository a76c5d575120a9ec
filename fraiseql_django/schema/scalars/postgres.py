"""Leaf types: their GraphQL scalar, how PostgreSQL writes them as JSON text, how input reaches PostgreSQL.

Output is a template of SQL in which ``{0}`` stands for the column, and whose value is the text of a JSON value. The
value is cast first: a column or an expression may hold text, whatever type its field has, and no text may reach the
answer unquoted. What PostgreSQL's type holds and GraphQL's does not, NaN or a large integer, fails ``fits``.

Input is the text that PostgreSQL reads for the type, cast in the statement (``%s::date``): a value has one form for all
Python types, and a parameter of a prepared statement one type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
)

from ...declare.scalars import ScalarDeclaration
from ...errors import InvalidInput
from . import encoding
from . import graphql as leaves


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scalar:
    """A leaf type in both directions.

    ``graphql``    what clients see, for output and input
    ``json``       SQL template that writes a value that is not null as JSON text
    ``json_array`` the same for an array of values; None where its elements are written one by one
    ``fits``       SQL condition that GraphQL's type holds a value; None where it holds every value
    ``fits_sized`` the same for a column with a size, such as ``numeric(8,2)``; None where that tells nothing
    ``fitting``    PostgreSQL types all of whose values fit
    ``names``      the texts of values with the names that are written for them; no other value fits
    ``cast``       the PostgreSQL type that parameters are cast to
    ``encode``     turns a coerced GraphQL value into the text that PostgreSQL reads as ``cast``
    ``ordered``    whether clients may compare and sort
    ``textual``    whether clients may search in it as in a text
    ``equatable``  whether ``in`` is ``= ANY(array)``; otherwise values are compared one by one
    ``column``     SQL template that replaces the column in comparisons
    ``shown``      SQL template that is true of a stored value which the type has; in conditions, others are null. None
                   where the type has all values
    ``of_text``    whether the field class keeps texts, for what clients do not search in: IDs and choices
    ``comparable`` whether clients may compare and sort at all
    ``declared``   the declaration of a scalar of the project's own
    """

    graphql: GraphQLScalarType | GraphQLEnumType
    json: str = "to_json({0})::text"
    json_array: str | None = "to_json({0})::text"
    fits: str | None = None
    fits_sized: str | None = None
    fitting: frozenset[str] = frozenset()
    names: tuple[tuple[str, str], ...] = ()
    cast: str
    encode: Callable[[Any], str]
    ordered: bool = True
    textual: bool = False
    equatable: bool = True
    column: str = "{0}"
    shown: str | None = None
    of_text: bool = False
    comparable: bool = True
    declared: ScalarDeclaration | None = None

    @property
    def name(self) -> str:
        """The GraphQL name."""
        return self.graphql.name

    @property
    def keeps_text(self) -> bool:
        """Whether the field class keeps texts."""
        return self.textual or self.of_text

    @property
    def is_json(self) -> bool:
        """Whether values are any JSON, which has a null of its own."""
        return self.cast == "jsonb"


def _quoted(cast: str) -> str:
    """Return the template of a value whose text needs no escaping."""
    return f"'\"' || {{0}}::{cast}::text || '\"'"


_TEXTS = "to_json({0}::text[])::text"
_SMALL = frozenset({"smallint", "integer"})
# What Python's datetime has: no infinity (PostgreSQL documentation, 8.5), no years before Christ, none of five digits
_IN_YEARS = "{{0}}::{cast} >= '0001-01-01' AND {{0}}::{cast} < '10000-01-01'"
# The form of django.utils.duration.duration_iso_string; months count 30 days, as extract(epoch) has it
_DURATION = (
    "(SELECT CASE WHEN s < 0 THEN '-' ELSE '' END || 'P' || div(abs(s), 86400) || 'DT' || "
    "to_char(make_interval(secs => mod(abs(s), 86400)::float8), "
    'CASE WHEN s = trunc(s) THEN \'HH24"H"MI"M"SS"S"\' ELSE \'HH24"H"MI"M"SS.US"S"\' END) '
    "FROM extract(epoch from {0}::interval) AS s)"
)

BOOLEAN = Scalar(
    graphql=GraphQLBoolean, json="{0}::boolean::text", cast="boolean", encode=encoding.encode_bool, ordered=False
)
INT = Scalar(
    graphql=GraphQLInt,
    json="{0}::bigint::text",
    fits=f"{{0}} BETWEEN {GRAPHQL_MIN_INT} AND {GRAPHQL_MAX_INT}",
    fitting=_SMALL,
    cast="bigint",
    encode=encoding.encode_int,
)
BIGINT = Scalar(
    graphql=leaves.BIG_INT, json=_quoted("bigint"), json_array=_TEXTS, cast="bigint", encode=encoding.encode_int
)
# JSON has no NaN and no infinity (PostgreSQL documentation, 8.1.3); a difference of either is NaN
FLOAT = Scalar(
    graphql=GraphQLFloat,
    json="{0}::double precision::text",
    json_array="to_json({0}::double precision[])::text",
    fits="{0}::double precision - {0}::double precision = 0",
    fitting=_SMALL | {"bigint"},
    cast="double precision",
    encode=str,
    # NaN is larger than infinity (PostgreSQL documentation, 8.1.3)
    shown="abs({0}) < 'Infinity'",
)
# NaN is the largest value, and the only special one of a column with a size (8.1.2)
NUMERIC = Scalar(
    graphql=leaves.DECIMAL,
    json=_quoted("numeric"),
    json_array=_TEXTS,
    fits="({0}::numeric < 'Infinity'::numeric AND {0}::numeric > '-Infinity'::numeric)",
    fits_sized="{0}::numeric <> 'NaN'",
    fitting=_SMALL | {"bigint"},
    cast="numeric",
    encode=str,
)
TEXT = Scalar(
    graphql=GraphQLString,
    json="to_json({0}::text)::text",
    json_array=_TEXTS,
    cast="text",
    encode=encoding.encode_text,
    textual=True,
)
UUID = Scalar(graphql=leaves.GRAPHQL_UUID, json=_quoted("uuid"), cast="uuid", encode=str)
DATES = Scalar(
    graphql=leaves.DATE,
    json="to_json({0}::date)::text",
    json_array="to_json({0}::date[])::text",
    fits=_IN_YEARS.format(cast="date"),
    cast="date",
    encode=encoding.encode_date,
)


def _moments(type_: str) -> Scalar:
    return Scalar(
        graphql=leaves.DATE_TIME,
        json=f"to_json({{0}}::{type_})::text",
        json_array=f"to_json({{0}}::{type_}[])::text",
        fits=_IN_YEARS.format(cast=type_),
        cast="timestamp with time zone",
        encode=encoding.encode_date,
    )


DATETIME = _moments("timestamp with time zone")
# without USE_TZ a moment is a local time in TIME_ZONE, which is the connection's zone as well
LOCAL_DATETIME = _moments("timestamp")
# PostgreSQL has 24:00, too (8.5)
TIMES = Scalar(
    graphql=leaves.TIME,
    json="to_json({0}::time)::text",
    json_array="to_json({0}::time[])::text",
    fits="{0}::time < '24:00'",
    cast="time without time zone",
    encode=encoding.encode_date,
)
INTERVAL = Scalar(
    graphql=leaves.DURATION,
    json="'\"' || " + _DURATION + " || '\"'",
    json_array=None,
    fits="isfinite({0}::interval)",
    cast="interval",
    encode=encoding.encode_duration,
)
BYTES = Scalar(
    graphql=leaves.BASE64,
    # encode() breaks lines after 76 characters (PostgreSQL documentation, 9.5)
    json="'\"' || replace(encode({0}::bytea, 'base64'), chr(10), '') || '\"'",
    json_array=None,
    cast="bytea",
    encode=encoding.encode_bytes,
    ordered=False,
)
# the length of the mask is a part of the value, but not shown where it is that of one address
INET = Scalar(
    graphql=leaves.IP_ADDRESS, json="'\"' || abbrev({0}::inet) || '\"'", json_array=None, cast="inet", encode=str
)
JSONB = Scalar(
    graphql=leaves.JSON,
    json="{0}::jsonb::text",
    cast="jsonb",
    encode=encoding.encode_json,
    ordered=False,
    equatable=False,
    # clients cannot distinguish JSON's null from SQL's
    column="NULLIF({0}, 'null'::jsonb)",
)
LEXEMES = Scalar(
    graphql=leaves.SEARCH_VECTOR,
    json="to_json({0}::text)::text",
    json_array=_TEXTS,
    cast="tsvector",
    encode=encoding.encode_text,
    ordered=False,
)
LTREES = Scalar(
    graphql=leaves.LTREE, json="to_json({0}::text)::text", json_array=_TEXTS, cast="ltree", encode=encoding.encode_text
)
# pgvector writes the numbers as JSON does
VECTOR = Scalar(
    graphql=leaves.VECTOR,
    json="{0}::vector::text",
    json_array=None,
    cast="vector",
    encode=encoding.encode_vector,
    ordered=False,
)
HSTORES = Scalar(graphql=leaves.HSTORE, cast="hstore", encode=encoding.encode_hstore, ordered=False, equatable=False)


# The extensions of PostgreSQL's that the types of columns are of, by the GraphQL names
EXTENSIONS = {"HStore": "hstore", "LTree": "ltree", "Vector": "vector"}


def localized(scalar: Scalar) -> Scalar:
    """Return the type as USE_TZ has it now: it is read when a schema is built, not when this module is imported."""
    return LOCAL_DATETIME if scalar is DATETIME and not settings.USE_TZ else scalar


def is_whole(scalar: Scalar) -> bool:
    """Whether the type is of whole numbers, of whatever size."""
    return scalar.graphql in (GraphQLInt, leaves.BIG_INT)


def prepared(stored: Scalar, prepare: Callable[[Any], Any], what: str = "a value") -> Scalar:
    """Return the type of a column whose values are prepared before they are compared."""

    def encode(value: Any) -> str:
        try:
            if (ready := prepare(value)) is not None:
                return stored.encode(ready)
        except InvalidInput:
            raise
        except Exception:  # a field's class may raise anything: the client sees one error for all
            pass
        raise InvalidInput(f"{str(value)[:80]!r} is not {what} of this kind")

    return replace(stored, encode=encode)


def identifier(stored: Scalar, parse: Callable[[str], Any], *, is_shown: bool = True) -> Scalar:
    """Return the ID type of a key whose column is ``stored``; ``parse`` turns its text into the stored value.

    ``is_shown`` says whether clients see what is stored: of a number its digits.
    """
    whole = is_whole(stored) and is_shown
    has_digits = re.compile(r"[+-]?[0-9]+").fullmatch

    def read(value: Any) -> Any:
        # int() accepts more than digits, and two spellings of a key would be two entries of the cache
        return None if whole and not has_digits(str(value)) else parse(str(value))

    # the type of the column may be any: only of whole numbers is it known that nothing needs escaping
    json = stored.json if stored.textual else _quoted("bigint") if whole else "to_json({0}::text)::text"
    encode = prepared(stored, read, "an ID").encode
    return Scalar(
        graphql=GraphQLID, json=json, json_array=_TEXTS, cast=stored.cast, encode=encode, of_text=stored.keeps_text
    )


def choice(enum: GraphQLEnumType, stored: Scalar) -> Scalar:
    """Return the type of a column with declared choices."""
    values = ", ".join(encoding.template_literal(str(item.value)) for item in enum.values.values())
    return Scalar(
        graphql=enum,
        json_array=None,
        names=tuple((str(item.value), name) for name, item in enum.values.items()),
        cast=stored.cast,
        encode=stored.encode,
        ordered=False,
        shown=f"{{0}}::text IN ({values})",
        of_text=stored.keeps_text,
    )
