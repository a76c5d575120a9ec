"""Leaf values → SQL that writes them as JSON text, and marks in place of values that cannot stand in the answer.

Null where GraphQL's type has none, NaN, an integer of more than 32 bits, a stored text that is no declared choice: such
a value is a field error (GraphQL specification, 6.4.4). The statement writes a mark in its place (see
``planner/marks.py``), so that it costs the field, not the answer. What PostgreSQL itself enforces, by NOT NULL or
by the column's type, is not checked again.

A value that PostgreSQL cannot cast ends the statement. Whether it can is asked only where the compiler is ``careful``:
in the statement that is run after one has failed so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.db.models import F

from ..schema.scalars.encoding import template_literal
from ..schema.scalars.postgres import TEXT, Scalar
from .expressions import NULL, SQL, Name, Piece
from .locations import SiblingColumn

NULL_TEXT = f"'{NULL}'"
# What to_json() writes as a string, as it is: a cast to text cuts the blanks off a character(n)
JSON = "jsonb"
TEXTUAL = frozenset({"text", "character varying", "character", "bpchar", "citext", "name"})
_AS_IT_IS = "to_json({0})::text"
_QUOTE = "'\"'"
_VALUE = "fraiseql_once.value"

# Regular expressions for what PostgreSQL casts, where it cannot be asked: pg_input_is_valid() is new in 16. Types of
# dates are not among them: no expression tells that there is no 30th of February.
_NUMBER = r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)"
_CASTABLE = {
    "boolean": r"^\s*(t(r(ue?)?)?|y(es?)?|on|1|f(a(l(se?)?)?)?|no?|off?|0)\s*$",
    "bigint": r"^\s*[-+]?[0-9]{1,18}\s*$",
    "numeric": rf"^\s*{_NUMBER}([e][-+]?[0-9]{{1,3}})?\s*$",
    "double precision": rf"^\s*{_NUMBER}([e][-+]?([0-9]{{1,2}}|[12][0-9][0-9]|30[0-7]))?\s*$",
    "uuid": r"^\s*[{]?([0-9a-f]{4,4}-?){7,7}[0-9a-f]{4,4}[}]?\s*$",
}
# The first PostgreSQL that has pg_input_is_valid(), as its driver writes versions
_VALIDATES = 160000


class Marker(Protocol):
    """Writes marks; it is the compiler."""

    careful: bool
    uncertain: bool

    @property
    def server_version(self) -> int:
        """The version of PostgreSQL, as its driver writes it."""
        ...

    def mark(self, problem: str) -> str:
        """Return SQL for the mark of a field error at the place that is being written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is known of a value beside its GraphQL type.

    ``value``    the ORM's expression
    ``base``     its type in PostgreSQL, where that is known
    ``textual``  whether it is a text, or may be one, whatever type the field has
    ``present``  whether PostgreSQL enforces that it is not null
    ``row``      the key of the row that it is computed for: it may be another one for each, by chance
    """

    value: Any
    base: str | None = None
    textual: bool = False
    present: bool = False
    row: Any = None


def leaf(marker: Marker, where: str, field: Any, stored: Stored) -> list[Piece]:
    """Write the value of a field, or the array of them, as JSON text; ``where`` names the field in errors."""
    scalar: Scalar = field.scalar
    absent = None if stored.present else absent_of(marker, where, nullable=field.nullable)
    if field.dimensions:
        return [_once(stored, _array(marker, where, field, stored, absent))]
    template = value_template(marker, where, scalar, stored, absent)
    inner = template.removeprefix(f"{_QUOTE} || ").removesuffix(f" || {_QUOTE}")
    if len(inner) < len(template):
        # the quotes become part of the constants around it
        return ['"', SQL(inner, stored.value), '"']
    return [_once(stored, template)]


def value_template(marker: Marker, where: str, scalar: Scalar, stored: Stored, absent: str | None) -> str:
    """Return the template that writes one value; ``absent`` is SQL for null, None where there can be none."""
    cast = stored.textual and scalar.cast != "text" and not scalar.names
    json = _AS_IT_IS if scalar.json == TEXT.json and stored.base in TEXTUAL else scalar.json
    marker.uncertain = marker.uncertain or cast
    castable = _castable(marker, scalar.cast) if cast and marker.careful else None
    fits = scalar.fits if stored.base not in scalar.fitting else None
    if fits is not None and cast and "::" not in fits:
        fits = fits.replace("{0}", f"{{0}}::{scalar.cast}")
    if castable is None and fits is None and not scalar.names:
        return json if absent is None else f"coalesce({json}, {absent})"
    bad = marker.mark(f"{where} holds a value that {scalar.name} cannot represent")
    rest = bad if absent is None else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {bad} END"
    template = json
    if scalar.names:
        names = (f"WHEN {template_literal(text)} THEN '\"{name}\"'" for text, name in scalar.names)
        template = f"CASE {{0}}::text {' '.join(names)} ELSE {rest} END"
    if fits is not None:
        template = f"CASE WHEN {fits} THEN {template} ELSE {rest} END"
    if castable is not None:
        template = f"CASE WHEN {castable} THEN {template} ELSE {rest} END"
    return template


def _array(marker: Marker, where: str, field: Any, stored: Stored, absent: str | None) -> str:
    """Return the template of an array of values, of as many dimensions as the field has."""
    scalar: Scalar = field.scalar
    item = replace(stored, base=stored.base and stored.base.removesuffix("[]"))
    shown = "[" * field.dimensions + scalar.name + "]" * field.dimensions
    bad = marker.mark(f"{where} holds a value that {shown} cannot represent")
    one_by_one = bad if field.dimensions > 1 else listed(marker, where, field, item, "unnest({0})")
    template = one_by_one
    is_array = stored.base is not None and stored.base.endswith("[]")
    of_text = is_array and item.textual and scalar.cast != "text"
    if scalar.json_array is not None and not of_text:
        wrong = [] if field.nullable_items else ["item IS NULL"]
        if scalar.fits is not None and item.base not in scalar.fitting:
            wrong.append(f"NOT ({scalar.fits.replace('{0}', f'item::{scalar.cast}' if item.textual else 'item')})")
        template = _AS_IT_IS if scalar.json_array == TEXT.json_array and item.base in TEXTUAL else scalar.json_array
        if wrong:
            some = f"EXISTS (SELECT FROM unnest({{0}}) AS items(item) WHERE {' OR '.join(wrong)})"
            template = f"CASE WHEN {some} THEN {one_by_one} ELSE {template} END"
    template = f"CASE WHEN array_ndims({{0}}) <> {field.dimensions} THEN {bad} ELSE {template} END"
    if not is_array:
        template = template.replace("{0}", f"({{0}})::{scalar.cast}[]")
        castable = _castable(marker, f"{scalar.cast}[]") if stored.textual and marker.careful else None
        marker.uncertain = marker.uncertain or stored.textual
        if castable is not None:
            template = f"CASE WHEN {castable} THEN {template} ELSE {bad} END"
    return template if absent is None else f"CASE WHEN {{0}} IS NULL THEN {absent} ELSE {template} END"


def json_list(marker: Marker, where: str, field: Any, stored: Stored) -> Piece:
    """Write a list of leaf values that stands in JSON; ``stored`` is the list, as jsonb."""
    bad = marker.mark(f"{where} holds a value that [{field.scalar.name}] cannot represent")
    as_json = field.scalar.is_json
    elements = "jsonb_array_elements" if as_json else "jsonb_array_elements_text"
    item = Stored(value=None, base=JSON if as_json else "text", textual=not as_json)
    shown = "NULLIF(item, 'null'::jsonb)" if as_json else "item"
    items = listed(marker, where, field, item, f"{elements}({{0}})", shown)
    absent = absent_of(marker, where, nullable=field.nullable)
    return _once(stored, json_kind("array", items, absent, bad))


def json_kind(kind: str, template: str, absent: str, bad: str) -> str:
    """Return a template for a jsonb value that must be an array or an object; JSON's null counts as null."""
    return (
        f"CASE coalesce(jsonb_typeof({{0}}), '{NULL}') WHEN '{kind}' THEN {template} "
        f"WHEN '{NULL}' THEN {absent} ELSE {bad} END"
    )


def listed(marker: Marker, where: str, field: Any, stored: Stored, items: str, item: str = "item") -> str:
    """Return the template of a list whose values are written one by one; ``items`` is SQL for a set of them."""
    absent = absent_of(marker, f"an item of {where}", nullable=field.nullable_items)
    template = value_template(marker, where, field.scalar, stored, absent)
    return (
        f"'[' || array_to_string(ARRAY(SELECT {template.replace('{0}', item)} FROM {items} "
        "WITH ORDINALITY AS items(item, place) ORDER BY place), ',') || ']'"
    )


def absent_of(marker: Marker, where: str, *, nullable: bool) -> str:
    """Return SQL for what is written in place of null: ``null``, or a mark where it must not be."""
    return NULL_TEXT if nullable else marker.mark(null_problem(where))


def null_problem(where: str) -> str:
    """Return what is wrong with null in a type without null."""
    return f"{where} is null, and must not be"


def _castable(marker: Marker, cast: str) -> str | None:
    """Return SQL that tells whether a text can be cast to a type; None where nothing tells."""
    if marker.server_version >= _VALIDATES:
        return f"pg_input_is_valid({{0}}::text, '{cast}')"
    expression = _CASTABLE.get(cast)
    return None if expression is None else f"{{0}}::text ~* {template_literal(expression)}"


def _once(stored: Stored, template: str) -> Piece:
    """Fill a template whose value is evaluated once for a row, however often it stands there."""
    value = stored.value
    if template.count("{0}") <= 1 or isinstance(value, (F, Name, SiblingColumn)):
        return SQL(template, value)
    # OFFSET 0 keeps PostgreSQL from putting the expression where the column stands; the row's key, which is never null,
    # keeps it from evaluating once for all rows what refers to none
    inner = template.replace("{0}", _VALUE)
    if stored.row is None:
        return SQL(f"(SELECT {inner} FROM (SELECT {{0}} AS value OFFSET 0) AS fraiseql_once)", value)
    source = "(SELECT {0} AS value, {1} AS key OFFSET 0) AS fraiseql_once WHERE fraiseql_once.key IS NOT NULL"
    return SQL(f"(SELECT {inner} FROM {source})", value, stored.row)
