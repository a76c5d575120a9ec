"""How a column is written and compared, by its type in PostgreSQL's catalogue.

The field class decides what clients see: the schema is the same on every database. But a ``CharField`` may lie over a
``uuid``, an enum or ``citext``, a ``DateTimeField`` over a ``timestamp`` without time zone, an ``IntegerField`` over
text. What is read there is cast to the type that the field class has, or to text for classes of text; what a client
sends is compared as the column's own type wherever PostgreSQL can compare it, as Django's lookups do, so that citext
ignores case, enums have their order, and indexes serve.

    field class      column                        is written         is compared
    text             text, varchar                 as it is           with text
                     citext, enum, uuid, int, …    as its text        as itself
                     xml, json, point, int[], …    as its text        as text: PostgreSQL has no order for it, or what
                                                                      a client sends may be no value of it
    DateTimeField    timestamp, date               as timestamptz     with timestamptz, in the connection's time zone
    any other        a type that compares with it  cast               as itself
                     any other type                cast               cast

Where the catalogue does not know the column, what the field class says holds.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connections, models

from ..errors import InvalidInput
from ..invalidation.catalog import ColumnInfo, TypeInfo, column_of
from ..schema.definition import Column, Embedded, InputScalar
from ..schema.scalars import encoding
from ..schema.scalars.postgres import TEXT, Scalar, is_whole

_TIMESTAMP = "timestamp without time zone"
_TIMESTAMPTZ = "timestamp with time zone"
# What PostgreSQL compares with text without a cast; a parameter of the shorter ones would be cut off
_LIKE_TEXT = frozenset({"text", "character varying", "name", '"char"'})
# What every text is a value of
_EVERY_TEXT = frozenset({"text", "character varying", "bpchar"})
_WHOLE = frozenset({"smallint", "integer", "bigint"})
# What every Int is a value of
_WIDE = frozenset({"integer", "bigint"})
_FLOATS = frozenset({"real", "double precision"})
_NUMBERS = _WHOLE | _FLOATS | {"numeric"}
# By the type of a field class, the other types that PostgreSQL compares with it, by an index as well
_COMPARED: Mapping[str, frozenset[str]] = {
    "bigint": _WHOLE | {"numeric"},
    "numeric": _WHOLE,
    "double precision": _WHOLE | {"numeric"},
    _TIMESTAMPTZ: frozenset({_TIMESTAMP, "date"}),
    "inet": frozenset({"cidr"}),
}
# The types between which PostgreSQL has a cast that loses nothing that clients could see; others are cast as text
_CASTS: Mapping[str, frozenset[str]] = {
    "bigint": _NUMBERS | {"oid"},
    "numeric": _WHOLE | {"numeric", "money"},
    "double precision": _NUMBERS - {"real"},
    "date": frozenset({_TIMESTAMP, _TIMESTAMPTZ}),
    _TIMESTAMPTZ: frozenset({_TIMESTAMP, "date"}),
    "time without time zone": frozenset({"time with time zone", _TIMESTAMP, _TIMESTAMPTZ, "interval"}),
    "interval": frozenset({"time without time zone"}),
    "inet": frozenset({"cidr"}),
    "jsonb": frozenset({"json"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """How a column is written and compared.

    ``scalar`` is the field's, for its column: ``json`` and ``column`` are templates over the column as it is, and
    ``cast`` and ``encode`` are those of a parameter. For arrays ``cast`` is the type of the whole array, and ``value``
    the template of the array that is written and compared; otherwise it is the column.

    ``source_is_text`` says that text is cast to a type that not every text is of: what cannot be cast is an error.
    """

    scalar: Scalar
    cast: str
    value: str = "{0}"
    source_is_text: bool = False


def column_info(model: type[models.Model], name: str, alias: str) -> ColumnInfo | None:
    """Return what the catalogue knows of a column, by the ORM's name; None where it is not known."""
    found: Any = model._meta.get_field(name)
    return column_of(found, alias)


def type_of_column(model: type[models.Model], field: Column, alias: str) -> ColumnType:
    """Return how a field of a model's type is written and compared."""
    info = column_info(model, field.column, alias)
    if info is None:
        return ColumnType(scalar=field.scalar, cast=field.cast)
    if field.dimensions:
        return _array(field, info)
    scalar = scalar_over(field.scalar, info)
    return ColumnType(scalar=scalar, cast=scalar.cast, source_is_text=_is_cast_from_text(field.scalar, info))


def scalar_over(scalar: Scalar, info: ColumnInfo) -> Scalar:
    """Return a leaf type as it is written and compared over a column of another type."""
    if scalar.keeps_text:
        found = _text_over(scalar, info.base, info.kind)
    else:
        found = _typed_over(scalar, info.base, info.kind.name)
    if info.is_domain and info.kind.category in ("enum", "range", "multirange") and found.column == "{0}":
        return replace(found, column=f"{{0}}::{info.base}")
    return found


def _is_cast_from_text(scalar: Scalar, info: ColumnInfo) -> bool:
    return not scalar.keeps_text and info.kind.category == "text"


def fits(model: type[models.Model], field: Column | Embedded, alias: str) -> ColumnInfo | None:
    """Return what is known of a column whose type is not the one that its field's class stands for; None if it fits.

    A class of text fits every column, and an array of texts every array. Where a class converts, what is stored is its
    own affair.
    """
    info = column_info(model, field.column, alias)
    if info is None or (isinstance(field, Column) and field.conversion is not None):
        return None
    if isinstance(field, Column) and field.scalar.keeps_text:
        return None if not field.dimensions or info.kind.category == "array" else info
    base, name, wanted = info.base, info.kind.name, field.filter.cast if isinstance(field, Embedded) else ""
    if isinstance(field, Column):
        wanted = field.scalar.cast
        if field.dimensions:
            base, name = info.kind.element if info.kind.category == "array" else base, name.removeprefix("_")
    elif (wanted == "text" and info.kind.category == "text") or (wanted != "text" and info.kind.category == "range"):
        return None
    known = {wanted} | _COMPARED.get(wanted, frozenset()) | _CASTS.get(wanted, frozenset())
    is_array = isinstance(field, Column) and field.dimensions > 0
    # the offset of a time with time zone is lost
    misses = base == "time with time zone" or is_array != (info.kind.category == "array")
    return None if (base in known or name == wanted) and not misses else info


# --- field classes of text --------------------------------------------------------------------


def _text_over(scalar: Scalar, base: str, kind: TypeInfo) -> Scalar:
    if base in _LIKE_TEXT:
        return replace(scalar, cast="text")
    # a choice is written by its text, and the blanks of a char(n) are a part of it, which its text has not
    json = "to_json({0})::text" if kind.category == "text" and scalar.json == TEXT.json else scalar.json
    if kind.category in ("array", "composite") or not kind.sortable or kind.name.startswith("reg"):
        return replace(scalar, json=json, cast="text", column="{0}::text")
    return replace(scalar, json=json, cast=base, encode=_checked(scalar.encode, kind.name))


def _checked(encode: Callable[[Any], str], name: str) -> Callable[[Any], str]:
    """Refuse a text that is no value of the column's type, before PostgreSQL does."""
    if name not in _MALFORMED:
        return encode
    article, check = _MALFORMED[name]

    def checked(value: Any) -> str:
        text = encode(value)
        if not check(text):
            raise InvalidInput(f"{text[:80]!r} is not {article}")
        return text

    return checked


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _is_whole(bits: int) -> tuple[str, Callable[[str], bool]]:
    least = -(2 ** (bits - 1))

    def check(text: str) -> bool:
        digits = re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", text)
        return digits is not None and least <= int(text) < -least

    return f"a whole number of {bits} bits", check


_MALFORMED: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "uuid": ("a UUID", _is_uuid),
    "int2": _is_whole(16),
    "int4": _is_whole(32),
    "int8": _is_whole(64),
}


# --- all other field classes ------------------------------------------------------------------


def _typed_over(scalar: Scalar, base: str, name: str) -> Scalar:
    wanted = scalar.cast
    if base == wanted or (wanted == "bigint" and base in _WHOLE):
        return scalar
    # the type of an extension, in a schema that is not on the search path
    if name == wanted:
        return replace(scalar, cast=base)
    if base == "real" and wanted == "double precision":
        return replace(scalar, json=scalar.json.replace(f"::{wanted}", "::real"), cast=base, encode=_encode_real)
    if base == _TIMESTAMP and wanted == _TIMESTAMPTZ and not settings.USE_TZ:
        return replace(scalar, cast=base)
    cast = _cast(base, wanted)
    # compared as it is, or as what it is cast to
    compared = "{0}" if base in _COMPARED.get(wanted, ()) else cast
    return replace(
        scalar,
        json=scalar.json.replace("{0}", f"({cast})"),
        fits=scalar.fits and scalar.fits.replace("{0}", f"({cast})"),
        column=scalar.column.replace("{0}", f"({compared})") if compared != "{0}" else scalar.column,
    )


def _cast(base: str, wanted: str) -> str:
    """Return the template of a cast; where PostgreSQL has none, and where it would round, through text."""
    if base in _CASTS.get(wanted, ()):
        return f"{{0}}::{wanted}"
    if base == "boolean" and wanted == "bigint":
        return "{0}::integer::bigint"
    if base in _WHOLE and wanted == "boolean":
        return "({0}::bigint <> 0)"
    return f"{{0}}::text::{wanted}"


def _encode_real(value: Any) -> str:
    """Return the nearest number of 32 bits, as PostgreSQL stores it: 0.1 is what a column of that type has as 0.1."""
    try:
        (nearest,) = struct.unpack("f", struct.pack("f", float(value)))
    except OverflowError:
        return "Infinity" if float(value) > 0 else "-Infinity"
    return str(nearest)


# --- arrays -----------------------------------------------------------------------------------


def _array(field: Column, info: ColumnInfo) -> ColumnType:
    """Return the type of an array, by that of the column's elements.

    It is compared as the column's own type only where every value that a client may send is one of it: of a list of
    arrays PostgreSQL casts each while it runs, and would report a wrong one as an error of the project's.
    """
    scalar, element, brackets = field.scalar, info.kind.element, "[]" * field.dimensions
    wanted = scalar.cast
    if info.kind.category != "array":
        # JSON or text, which only its text can be cast from
        return _cast_array(scalar, wanted, f"::text::{wanted}{brackets}", brackets, source_is_text=True)
    # of a domain, and of elements of one, what is below it is compared
    own = f"::{element}{brackets}" if info.is_domain or info.base != f"{element}[]" else ""
    if scalar.keeps_text:
        if element in _EVERY_TEXT or info.kind.name == "_citext":
            return _cast_array(scalar, element, own, brackets)
        return _cast_array(replace(scalar, cast="text"), "text", f"::text{brackets}", brackets)
    as_it_is = element == wanted or info.kind.name == f"_{wanted}" or (is_whole(scalar) and element in _WIDE)
    if as_it_is or (element == _TIMESTAMP and wanted == _TIMESTAMPTZ and not settings.USE_TZ):
        return _cast_array(scalar, element, own, brackets)
    if element == "real" and wanted == "double precision":
        return _cast_array(_typed_over(scalar, element, "float4"), element, own, brackets)
    through = "" if element in _CASTS.get(wanted, ()) or is_whole(scalar) else f"::text{brackets}"
    from_text = element in _LIKE_TEXT
    return _cast_array(scalar, wanted, f"{through}::{wanted}{brackets}", brackets, source_is_text=from_text)


def _cast_array(scalar: Scalar, element: str, casts: str, brackets: str, *, source_is_text: bool = False) -> ColumnType:
    return ColumnType(scalar=scalar, cast=element + brackets, value=f"{{0}}{casts}", source_is_text=source_is_text)


# --- columns with parts -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedType:
    """How a column with parts is written and compared: ``value`` is a template of the column, ``bound`` of a bound."""

    filter: InputScalar
    value: str = "{0}"
    bound: str = "{0}"
    source_is_text: bool = False


def type_of_embedded(model: type[models.Model], field: Embedded, alias: str) -> EmbeddedType:
    """Return how a file or a range of a model's type is written and compared."""
    info, own = column_info(model, field.column, alias), field.filter
    if info is None or (own.cast == "text" and info.kind.category == "text"):
        return EmbeddedType(filter=own)
    if info.kind.category == "range" and own.bound is not None:
        found = _range(own, own.bound, info, alias)
        return replace(found, value=f"{{0}}::{info.base}") if info.is_domain else found
    return EmbeddedType(
        filter=own, value=f"{{0}}::text::{own.cast}", source_is_text=own.cast != "text" and info.kind.category == "text"
    )


def _range(own: InputScalar, bound: Scalar, info: ColumnInfo, alias: str) -> EmbeddedType:
    """Return the type of a range, perhaps of other values: bounds are cast, and a parameter has the column's type."""
    if own.cast == info.base:
        return EmbeddedType(filter=own)
    element, encode = info.kind.element, bound.encode
    if element == _TIMESTAMP and bound.cast == _TIMESTAMPTZ:
        if not settings.USE_TZ:
            return EmbeddedType(filter=replace(own, cast=info.base))
        encode = partial(_clock_time, alias=alias)
    return EmbeddedType(
        filter=replace(own, cast=info.base, encode=lambda value: encoding.encode_range(value, encode)),
        bound="{0}" if element == bound.cast else f"({_cast(element, bound.cast)})",
    )


def _clock_time(moment: dt.datetime, alias: str) -> str:
    """Return the moment as a clock in the connection's time zone shows it, as Django stores it without a zone."""
    try:
        return moment.astimezone(connections[alias].timezone).replace(tzinfo=None).isoformat()
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is out of range") from None
