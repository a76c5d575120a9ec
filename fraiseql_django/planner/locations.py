"""Places: where values are read from, as seen by the query that reads them.

    Row     a row of the query, or one that its joins lead to
    Inside  an object in JSON, in a column of such a row or in a list
    Found   the one row that a Link leads to: each value of it is a subquery

A place's ``value`` is what a function makes of the row or object that is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from django.db.models import F, Func, OuterRef, QuerySet, Subquery

from ..declare.sources import quoted
from ..schema.scalars.encoding import template_literal
from .json_text import Template


@dataclass(frozen=True, slots=True)
class Row:
    """A row behind the to-one path ``prefix``, of the query that is ``level`` queries further out."""

    prefix: str = ""
    level: int = 0

    def column(self, name: str) -> Any:
        """Return a column of the row, by the ORM's name."""
        if self.level == 0:
            return F(self.prefix + name)
        found: Any = self.prefix + name
        for _ in range(self.level):
            found = OuterRef(found)
        return found

    def outer(self) -> Row:
        """Return the place as a subquery sees it."""
        return replace(self, level=self.level + 1)

    def join(self, path: str) -> Row:
        """Return the row that a relation of the model leads to."""
        return replace(self, prefix=f"{self.prefix}{path}__")

    def within(self, write: Callable[[Here], Any]) -> Inside:
        """Return the object in JSON that ``write`` makes an expression of."""
        return Inside(self, write)

    def value(self, make: Callable[[Here], Any]) -> Any:
        """Return what is made of the row."""
        return make(self)


# a row of the query itself
ROW = Row()


@dataclass(frozen=True, slots=True)
class Inside:
    """An object in JSON, that ``write`` makes an expression of; ``depth`` counts the lists around it."""

    around: Here
    write: Callable[[Here], Any]
    depth: int = 0

    def json(self) -> Any:
        """Return the object, as jsonb."""
        return self.write(self.around)

    def outer(self) -> Inside:
        """Return the place as a subquery sees it."""
        return replace(self, around=self.around.outer())

    def join(self, path: str) -> Row:
        """JSON has no relations of a model."""
        raise AssertionError(path)

    def within(self, write: Callable[[Here], Any]) -> Inside:
        """Return the object in this one that ``write`` makes an expression of."""
        return Inside(self, write, self.depth)

    def value(self, make: Callable[[Here], Any]) -> Any:
        """Return what is made of the object."""
        return make(self)


@dataclass(frozen=True, slots=True)
class Found:
    """A place in the row that ``rows`` select, given ``around`` as they see it; everything is null without a row."""

    around: Place
    rows: Callable[[Place], QuerySet[Any]]
    inner: Place = ROW

    def outer(self) -> Found:
        """Return the place as a subquery sees it."""
        return replace(self, around=self.around.outer())

    def join(self, path: str) -> Found:
        """Return the row that a relation of the found row's model leads to."""
        return replace(self, inner=self.inner.join(path))

    def within(self, write: Callable[[Here], Any]) -> Found:
        """Return the object in the found row's JSON that ``write`` makes an expression of."""
        return replace(self, inner=self.inner.within(write))

    def value(self, make: Callable[[Here], Any]) -> Any:
        """Return a subquery of what is made of the found row."""
        rows = self.rows(self.around.outer()).annotate(fraiseql_value=self.inner.value(make))
        # as an expression: Django's lookups of relations take a query for a list
        return Template("{0}", Subquery(rows.values("fraiseql_value").order_by()))


Here: TypeAlias = Row | Inside
Place: TypeAlias = Row | Inside | Found


class Item:
    """The elements of a list in JSON, in SQL's words; ``depth`` tells lists in lists apart."""

    def __init__(self, depth: int) -> None:
        self.alias = f'"fraiseql_item_{depth}"'
        self.place = Inside(ROW, lambda _: Template(f"{self.alias}.value"), depth + 1)

    def elements(self, sql: str) -> str:
        """Return SQL for the elements of a list and their places."""
        return f"jsonb_array_elements({sql}) WITH ORDINALITY AS {self.alias}(value, place)"


def depth_of(place: Place) -> int:
    """Return how many lists in JSON are around a place in its own query."""
    if isinstance(place, Found):
        return depth_of(place.inner)
    return place.depth if isinstance(place, Inside) else 0


class Beside(Func):
    """A column of the row that a known column belongs to, by its name in the database."""

    def __init__(self, known: Any, column: str, output_field: Any = None) -> None:
        super().__init__(known, output_field=output_field)
        self.column = column

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        # a percent sign is a placeholder's in SQL that Django compiles
        column = quoted(self.column).replace("%", "%%")
        return _alias(self, compiler, connection) + column, []


class WholeRow(Func):
    """The text of the row that a known column belongs to."""

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return f"ROW({_alias(self, compiler, connection)}*)::text", []


def _alias(expression: Func, compiler: Any, connection: Any) -> str:
    """Return what stands before the name of the known column: its table's alias and a dot, quoted by Django."""
    (known,) = expression.get_source_expressions()
    sql: str = compiler.compile(known)[0]
    return sql.removesuffix(connection.ops.quote_name(known.target.column))


def member(json: Any, key: str) -> Template:
    """Return what stands under a key of a JSON object, as jsonb."""
    return Template(f"({{0}} -> {template_literal(key)})", json)


def member_text(json: Any, key: str) -> Template:
    """Return what stands under a key of a JSON object, as text; JSON's null is null."""
    return Template(f"({{0}} ->> {template_literal(key)})", json)
