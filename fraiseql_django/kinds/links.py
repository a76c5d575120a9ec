"""Other rows, one or many, found by a key that need not be a constraint of the database."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from ..planner.column_types import column_info
from ..planner.expressions import SQL, condition
from ..planner.kinds import ColumnUsage, TreeCompiler, kind_of
from ..planner.locations import ROW, JSONObject, Local, Location, innermost, member_text
from ..planner.source_values import TEXT, WHOLE, column_of, native_types
from ..planner.tree import Through
from ..schema.definition import Column, Key, Link, Shape, TypeDef
from ..schema.kinds import register
from .columns import column
from .rows import RowsKind

_NUMBER = WHOLE | {"numeric", "real", "double precision"}


class LinkKind(RowsKind[Link]):
    """Links."""

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        field = source.field
        assert isinstance(field, Link)
        there, kind = _key(compiler, target, field.there, ROW)
        here, own = _key(compiler, source.owner, field.here, location)
        if kind is not None and _family(kind) != _family(own):
            # an index over there serves
            here = SQL(f"({{0}})::{kind}", here)
        related: QuerySet[Any] = rows.filter(condition("({0} = {1})", there, here))
        return related

    def note_columns(self, usage: ColumnUsage, owner: Any, field: Link) -> None:
        for definition, key in ((owner, field.here), (usage.types[field.target], field.there)):
            # a declared value of a source is noted with the source
            if isinstance(key, Column):
                usage.column(definition.model, key.column)
            elif isinstance(key, str) and definition.source is not None:
                usage.of_source(definition, key)


def _key(compiler: TreeCompiler, definition: Shape, key: Key, location: Location) -> tuple[Any, str | None]:
    """Return what a link compares, and its type where that is known."""
    if isinstance(key, Column):
        name = key.column
        assert isinstance(definition, TypeDef)
        info = column_info(definition.model, name, compiler.alias)
        return location.value(lambda local: column(local, name)), key.cast if info is None else info.base
    if not isinstance(key, str):
        found = kind_of(key).operand(compiler, definition, key, location)
        return found.value, found.cast
    inside = isinstance(innermost(location), JSONObject)
    kind = "text" if inside else native_types(definition, compiler.alias).get(key)
    return location.value(lambda local: _undeclared(local, key)), kind


def _undeclared(here: Local, key: str) -> Any:
    return member_text(here.json(), key) if isinstance(here, JSONObject) else column_of(here, key)


def _family(kind: str | None) -> str | None:
    """Return what types that are compared as they are have in common."""
    return "number" if kind in _NUMBER else "text" if kind in TEXT else kind


register(Link, LinkKind())
