"""Locations: where values are read from, as the query that reads them sees it.

    Row           a row of the query, or one that its joins lead to
    JSONObject    an object in JSON, in a column of such a row or in a list
    SubqueryRow   the one row that a relation leads to which no join may follow: each value of it is a subquery

A location's ``value`` is what a function makes of the row or object there. An example: books are listed and sorted by
the name of their publisher. Without a row rule the publisher is read by a join,

    Row(prefix="publisher__")                               F("publisher__name")

and with one by a subquery, in which the book is one query further out, so that its columns are OuterRefs:

    SubqueryRow(around=Row(level=1), rows=…)                (SELECT name … WHERE id = OuterRef("publisher_id"))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from django.db.models import F, Func, OuterRef, QuerySet, Subquery

from .._django import free_name, quoted_alias
from ..declare.sources import quoted
from ..schema.scalars.encoding import template_literal
from .expressions import SQL


@dataclass(frozen=True, slots=True)
class Row:
    """A row behind the to-one path ``prefix``, of the query that is ``level`` queries further out.

    ``once`` says that its JSON column has the name ``ONCE`` in SQL, since it was evaluated by ``evaluated_once``.
    """

    prefix: str = ""
    level: int = 0
    once: bool = False

    def column(self, name: str) -> Any:
        """Return a column of the row, by the ORM's name."""
        if self.level == 0:
            return F(self.prefix + name)
        found: Any = self.prefix + name
        for _ in range(self.level):
            found = OuterRef(found)
        return found

    def outer(self) -> Row:
        """Return the location as a subquery sees it."""
        return replace(self, level=self.level + 1)

    def join(self, path: str) -> Row:
        """Return the row that a relation of the model leads to."""
        return replace(self, prefix=f"{self.prefix}{path}__")

    def within(self, write: Callable[[Local], Any]) -> JSONObject:
        """Return the object in JSON that ``write`` makes an expression of."""
        return JSONObject(self, write)

    def value(self, make: Callable[[Local], Any]) -> Any:
        """Return what is made of the row."""
        return make(self)


# a row of the query itself
ROW = Row()


@dataclass(frozen=True, slots=True)
class JSONObject:
    """An object in JSON, that ``write`` makes an expression of; ``depth`` counts the lists around it."""

    around: Local
    write: Callable[[Local], Any]
    depth: int = 0

    def json(self) -> Any:
        """Return the object, as jsonb."""
        return self.write(self.around)

    def outer(self) -> JSONObject:
        """Return the location as a subquery sees it."""
        return replace(self, around=self.around.outer())

    def join(self, path: str) -> Row:
        """JSON has no relations of a model."""
        raise AssertionError(path)

    def within(self, write: Callable[[Local], Any]) -> JSONObject:
        """Return the object in this one that ``write`` makes an expression of."""
        return JSONObject(self, write, self.depth)

    def value(self, make: Callable[[Local], Any]) -> Any:
        """Return what is made of the object."""
        return make(self)


@dataclass(frozen=True, slots=True)
class SubqueryRow:
    """A location in the row that ``rows`` select, which see ``around``; its values are null where there is no row."""

    around: Location
    rows: Callable[[Location], QuerySet[Any]]
    inner: Location = ROW

    def outer(self) -> SubqueryRow:
        """Return the location as a subquery sees it."""
        return replace(self, around=self.around.outer())

    def join(self, path: str) -> SubqueryRow:
        """Return the row that a relation of the found row's model leads to."""
        return replace(self, inner=self.inner.join(path))

    def within(self, write: Callable[[Local], Any]) -> SubqueryRow:
        """Return the object in the found row's JSON that ``write`` makes an expression of."""
        return replace(self, inner=self.inner.within(write))

    def value(self, make: Callable[[Local], Any]) -> Any:
        """Return a subquery of what is made of the found row."""
        rows = self.rows(self.around.outer())
        name = free_name(rows.model, "fraiseql_value")
        found = rows.annotate(**{name: self.inner.value(make)}).values(name)
        # as an expression: Django's lookups of relations take a query for a list
        return SQL("{0}", Subquery(found.order_by()))


Local: TypeAlias = Row | JSONObject
Location: TypeAlias = Row | JSONObject | SubqueryRow


class Item:
    """The elements of a list in JSON, in SQL's words; ``depth`` tells lists in lists apart."""

    def __init__(self, depth: int) -> None:
        self.alias = f'"fraiseql_item_{depth}"'
        self.location = JSONObject(ROW, lambda _: SQL(f"{self.alias}.value"), depth + 1)

    def elements(self, sql: str) -> str:
        """Return SQL for the elements of a list and their places."""
        return f"jsonb_array_elements({sql}) WITH ORDINALITY AS {self.alias}(value, place)"


def depth_of(location: Location) -> int:
    """Return how many lists in JSON are around a location in its own query."""
    if isinstance(location, SubqueryRow):
        return depth_of(location.inner)
    return location.depth if isinstance(location, JSONObject) else 0


def innermost(location: Location) -> Local:
    """Return the row or object in which a location's values are."""
    return innermost(location.inner) if isinstance(location, SubqueryRow) else location


class SiblingColumn(Func):
    """A column of the row that a known column belongs to, by its name in the database."""

    def __init__(self, known: Any, column: str) -> None:
        super().__init__(known)
        self.column = column

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        # a percent sign is a placeholder's in SQL that Django compiles
        column = quoted(self.column).replace("%", "%%")
        return _alias(self, compiler) + column, []


class RowText(Func):
    """The text of the row that a known column belongs to."""

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return f"ROW({_alias(self, compiler)}*)::text", []


def _alias(expression: Func, compiler: Any) -> str:
    """Return what stands before the name of the known column: its table's alias and a dot, quoted by Django."""
    (known,) = expression.get_source_expressions()
    return f"{quoted_alias(compiler, known)}."


# SQL for the JSON that a text of ``evaluated_once`` is made of; within a text in that text it is the inner one's
ONCE = "fraiseql_object.value"


def evaluated_once(json: Any, text: Any) -> SQL:
    """Return a text that is made of JSON, which is evaluated, and fetched if it is long, once for all values in it.

    OFFSET 0 keeps PostgreSQL from putting the expression of a view's column wherever ``ONCE`` stands. ``#> '{}'`` is
    the JSON itself; without it a long value would be fetched and decompressed for each key that is taken.
    """
    source = "(SELECT {json} #> '{}' AS value OFFSET 0) AS fraiseql_object"
    return SQL(f"(SELECT {{text}} FROM {source})", text=text, json=json)


def member(json: Any, key: str) -> SQL:
    """Return what stands under a key of a JSON object, as jsonb."""
    return SQL(f"({{0}} -> {template_literal(key)})", json)


def member_text(json: Any, key: str) -> SQL:
    """Return what stands under a key of a JSON object, as text; JSON's null is null."""
    return SQL(f"({{0}} ->> {template_literal(key)})", json)
