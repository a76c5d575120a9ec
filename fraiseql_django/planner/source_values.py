"""Values of sources, cast from a column or from a JSON object; and the columns that a source has beside its JSON."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import ExpressionWrapper, Field, Q, QuerySet

from ..declare.rules import restrict
from ..declare.sources import ANCHOR, Source
from ..errors import DeclarationError
from ..invalidation.catalog import columns
from ..schema.annotations import PLAIN_ID
from ..schema.definition import Extracted, Shape, TypeDef
from ..schema.operators import Comparable
from ..schema.scalars import postgres as scalars
from ..schema.scalars.postgres import Scalar
from .column_types import scalar_over
from .expressions import SQL
from .json_values import JSON, TEXTUAL, Stored
from .locations import ONCE, ROW, JSONObject, Local, Row, SiblingColumn, evaluated_once, member, member_text
from .tree import Member, Selection

WHOLE = frozenset({"smallint", "integer", "bigint"})
TEXT = frozenset({"text", "character varying"})
# By the annotated type, the types of a source's own columns that are compared without a cast: every operator means
# the same as for the cast value, and an index on the column can be used
_FITTING: Mapping[str, frozenset[str]] = {
    "text": TEXT,
    "bigint": WHOLE,
    "numeric": WHOLE | {"numeric"},
    "double precision": WHOLE | {"double precision"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What conditions and orders compare, and how a parameter is compared with it.

    ``bare`` is the value as it is stored, where ``value`` is null for one that is not.
    """

    value: Any
    scalar: Comparable
    cast: str
    bare: Any = None


def native_types(definition: Shape, alias: str) -> Mapping[str, str]:
    """Return the types of a source's columns, those of domains below them; none where they cannot be read."""
    source = definition.source if isinstance(definition, TypeDef) else None
    found = columns(source.sql, alias) if source else None
    return {name: column.base for name, column in (found or {}).items()}


def json_of(definition: Shape, key: str, here: Local) -> Any:
    """Return the value under a key, or in a column of that name, as jsonb."""
    if isinstance(here, JSONObject):
        return member(here.json(), key)
    whole = _object_of(definition, here)
    return SQL("({0})::jsonb", column_of(here, key)) if whole is None else member(whole, key)


def is_costly(definition: Shape, column: str, alias: str) -> bool:
    """Whether a column of a source is JSON that takes long to read each time."""
    source = definition.source if isinstance(definition, TypeDef) else None
    info = (columns(source.sql, alias) or {}).get(column) if source else None
    return info is not None and info.costly


def object_of_row(selection: Selection, alias: str, write: Callable[[Row], Any]) -> Any:
    """Return what ``write`` makes of a row of the selection's type, with its JSON column evaluated once if that pays.

    It does not for one value; an object or a list is read more than once.
    """
    definition = selection.definition
    column = definition.source.json if isinstance(definition, TypeDef) and definition.source else None
    members = [member for _, member in selection if isinstance(member, Member)]
    several = len(members) > 1 or any(member.selections for member in members)
    if column is None or not several or not is_costly(definition, column, alias):
        return write(ROW)
    return evaluated_once(column_of(ROW, column), write(replace(ROW, once=True)))


def column_of(here: Row, name: str) -> Any:
    """Return a column of a source by its name in the database."""
    return SiblingColumn(here.column(ANCHOR), name)


def stored(definition: Shape, field: Extracted, here: Local, alias: str) -> Stored:
    """Return the value that clients see: not that of a column beside the JSON, which may differ."""
    plain = isinstance(here, Row) and _source(definition).json is None
    native = native_types(definition, alias).get(field.key) if plain else None
    if field.scalar.is_json and not field.dimensions:
        return Stored(value=SQL("NULLIF({0}, 'null'::jsonb)", json_of(definition, field.key, here)), base="jsonb")
    if field.dimensions and (not plain or native in ("json", JSON)):
        return Stored(value=json_of(definition, field.key, here), base=JSON, textual=True)
    if isinstance(here, Row) and plain:
        textual = native is None or native.removesuffix("[]") in TEXTUAL
        return Stored(value=column_of(here, field.key), base=native, textual=textual)
    text = member_text(here.json() if isinstance(here, JSONObject) else _object_of(definition, here), field.key)
    return Stored(value=text, base="text", textual=True)


def _cast(definition: Shape, field: Extracted, here: Local, alias: str) -> Any:
    """Return the value as it is compared."""
    found = stored(definition, field, here, alias)
    if field.dimensions and found.base == JSON:
        return SQL(_array(field), found.value)
    if field.scalar.is_json and not field.dimensions:
        return found.value
    cast = field.scalar.cast + "[]" * field.dimensions
    return found.value if found.base == cast == "text" else SQL(f"({{0}})::{cast}", found.value)


def compared(definition: Shape, field: Extracted, here: Local, alias: str) -> Compared:
    """Return what conditions and orders compare.

    A column that a source has under the field's key, beside its JSON, stands for the value if its type fits.
    """
    if isinstance(here, Row) and not field.dimensions:
        fitting = _fitting(field.scalar, native_types(definition, alias).get(field.key))
        if fitting is not None:
            return Compared(value=column_of(here, field.key), scalar=fitting, cast=fitting.cast)
        own = _own_text(definition, field, alias)
        if own is not None:
            return Compared(value=SQL(own.column, column_of(here, field.key)), scalar=own, cast=own.cast)
    cast = field.scalar.cast + "[]" * field.dimensions
    return Compared(value=_cast(definition, field, here, alias), scalar=field.scalar, cast=cast)


def _own_text(definition: Shape, field: Extracted, alias: str) -> Scalar | None:
    """Return how a column of citext or of an enum is compared, where it is the value itself; None for others."""
    source = _source(definition)
    info = None if source.json is not None else (columns(source.sql, alias) or {}).get(field.key)
    if info is None or not field.scalar.textual or not (info.kind.name == "citext" or info.kind.category == "enum"):
        return None
    return scalar_over(field.scalar, info)


def named_values(definition: TypeDef, condition: Q, alias: str) -> dict[str, Any]:
    """Return the names that a row rule's condition may use, as annotations of a source's query.

    These are the type's fields, by column or by key in the JSON, and columns of the source that no field shows. Raises
    DeclarationError for any other name.
    """
    fields = {item.key: item for item in definition.fields.values() if isinstance(item, Extracted)}
    names = {name for name, item in fields.items() if name.isidentifier() and not item.dimensions}
    known = native_types(definition, alias)
    found: dict[str, Any] = {}
    for name in names | set(_names(condition)):
        if name in fields:
            value = compared(definition, fields[name], ROW, alias).value
        elif not known or name in known:
            value = column_of(ROW, name)
        else:
            raise DeclarationError(
                f"the row rule of {definition.name} asks for {name!r}, which {definition.name} has not"
            )
        # every lookup of Django's that suits columns of all types
        found[name] = ExpressionWrapper(value, output_field=Field())
    return found


def _names(condition: Any) -> Iterator[str]:
    for child in condition.children:
        if isinstance(child, Q):
            yield from _names(child)
        elif isinstance(child, tuple):
            yield child[0].split("__")[0]


def _object_of(definition: Shape, here: Row) -> Any:
    """Return the column that holds the row as a JSON object; None where there is none."""
    column = _source(definition).json
    if column is None:
        return None
    return SQL(ONCE) if here.once else column_of(here, column)


def _source(definition: Shape) -> Source:
    assert isinstance(definition, TypeDef)
    assert definition.source is not None
    return definition.source


def _array(field: Extracted) -> str:
    """SQL of a list in JSON as an array; null where there is none."""
    elements, item = "jsonb_array_elements_text", "item"
    if field.scalar.is_json:
        elements, item = "jsonb_array_elements", "NULLIF(item, 'null'::jsonb)"
    return (
        f"(SELECT CASE WHEN value IS NOT NULL THEN ARRAY(SELECT ({item})::{field.scalar.cast} FROM {elements}(value) "
        "WITH ORDINALITY AS items(item, place) ORDER BY place) END "
        "FROM NULLIF({0}, 'null'::jsonb) AS fraiseql_list(value))"
    )


def _fitting(scalar: Scalar, kind: str | None) -> Scalar | None:
    """Return how a value of this annotation is compared with a column of this type; None where it does not fit."""
    if scalar is PLAIN_ID:
        if kind in WHOLE:
            return scalars.identifier(scalars.BIGINT, int)
        if kind == "uuid":
            return scalars.identifier(scalars.UUID, uuid.UUID)
    if scalar.column != "{0}":
        # JSON's null counts as null, which a column beside the JSON does not show
        return None
    return scalar if kind in _FITTING.get(scalar.cast, {scalar.cast}) else None


def visible(definition: TypeDef, queryset: QuerySet[Any], rule: Q | bool) -> QuerySet[Any]:
    """Leave of a query of a type's rows those that a row rule's condition is true of."""
    if definition.when is not None:
        queryset = restrict(queryset, definition.when)
    if definition.source is None or isinstance(rule, bool):
        return restrict(queryset, rule)
    rows: QuerySet[Any] = queryset.alias(**named_values(definition, rule, queryset.db)).filter(rule)
    return rows
