"""Trees: the rows above and below a row, in one statement however deep they are.

The row rule of the type holds for each row that is shown. A row that it hides is left out, and does not cut the way:
the rows below it that the viewer can see are shown.

A foreign key is followed by a recursive query that comes to no row twice, so that a cycle ends; its rows are not among
their own ancestors and descendants. Where levels are counted, for ``depth`` and to sort ancestors, ``MOST_LEVELS`` are
followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import F, Func, QuerySet, TextField
from graphql import FieldNode, GraphQLArgument, GraphQLInt

from .._django import free_name, quote_name
from ..errors import InvalidInput
from ..planner.expressions import SQL, Param, bind, condition
from ..planner.kinds import ColumnUsage, TreeBuilder, TreeCompiler
from ..planner.locations import Location
from ..planner.tree import ColumnOperand, ExpressionOperand, OrderKey, RowSet, Through
from ..schema.definition import TypeDef
from ..schema.kinds import OutputTypes, register
from ..schema.trees import ANCESTORS, CHILDREN, DESCENDANTS, PARENT, Links, Paths, Sets, TreeRows
from .columns import column
from .rows import ORDER_BY, RowsKind, list_rows

DEPTH = "depth"
MOST_LEVELS = 1000
_PLACE = "fraiseql_place"


class TreeKind(RowsKind[TreeRows]):
    """Ancestors, descendants, children and parents."""

    def arguments(self, field: TreeRows, types: OutputTypes) -> dict[str, GraphQLArgument]:
        found = super().arguments(field, types)
        if field.axis in (ANCESTORS, DESCENDANTS):
            found[DEPTH] = GraphQLArgument(GraphQLInt, description="How many levels, from here; all by default.")
        return found

    def selected(
        self, build: TreeBuilder, owner: Any, field: TreeRows, target: TypeDef, nodes: Sequence[FieldNode]
    ) -> RowSet | None:
        if not field.many:
            return super().selected(build, owner, field, target, nodes)
        arguments = build.arguments(owner, nodes)
        source = Through(owner, replace(field, depth=arguments.get(DEPTH)))
        rows = list_rows(build, target, source, arguments)
        return rows if arguments.get(ORDER_BY) else replace(rows, order=_order(field, target) or rows.order)

    def relate(
        self, compiler: TreeCompiler, source: Through, rows: Any, target: TypeDef, location: Location
    ) -> QuerySet[Any]:
        field = source.field
        assert isinstance(field, TreeRows)
        levels = None if field.depth is None else Param(bind(field.depth, _levels, DEPTH), "bigint")
        if isinstance(field.layout, Paths):
            return _by_path(field.axis, field.layout, rows, location, levels)
        if isinstance(field.layout, Sets):
            return _by_sets(field.axis, field.layout, rows, location, levels)
        return _by_links(field.axis, field.layout, rows, location, levels)

    def note_columns(self, usage: ColumnUsage, owner: Any, field: TreeRows) -> None:
        for name in _columns(field):
            usage.column(owner.model, name)


def _columns(field: TreeRows) -> tuple[str, ...]:
    layout = field.layout
    if isinstance(layout, Paths):
        return (layout.path, layout.depth)
    if isinstance(layout, Sets):
        return (layout.tree, layout.left, layout.right, layout.level)
    return (layout.parent, layout.key)


def _order(field: TreeRows, target: TypeDef) -> tuple[OrderKey, ...]:
    """Return the order of a tree, from the root on; none where the rows themselves do not tell it."""
    layout = field.layout
    if isinstance(layout, Links):
        if field.axis != ANCESTORS:
            return ()
        place = ExpressionOperand(F(free_name(target.model, _PLACE)))
        return (OrderKey(operand=place, descending=True),)
    names = (layout.path,) if isinstance(layout, Paths) else (layout.tree, layout.left)
    return tuple(OrderKey(operand=ColumnOperand(name)) for name in names)


def _levels(value: int) -> str:
    if value < 0:
        raise InvalidInput(f"{value} is less than 0")
    return str(value)


def _here(location: Location, name: str) -> Any:
    return location.value(lambda local: column(local, name))


def _by_path(axis: str, layout: Paths, rows: Any, location: Location, levels: Param | None) -> QuerySet[Any]:
    path, depth = F(layout.path), F(layout.depth)
    here, level, step = _here(location, layout.path), _here(location, layout.depth), layout.step
    if axis == PARENT:
        found = rows.filter(condition(f"({{0}} = left({{1}}, length({{1}}) - {step}))", path, here))
    elif axis == ANCESTORS:
        paths = f"SELECT left({{1}}, n) FROM generate_series({step}, length({{1}}) - {step}, {step}) AS n"
        found = rows.filter(condition(f"({{0}} IN ({paths}))", path, here))
    else:
        # an index on the path serves the first two
        template = "({0} > {1} AND {2}starts_with({0}, {1}))"
        last = "" if layout.last is None else f"{{0}} <= {{1}} || repeat('{layout.last}', 255) AND "
        found = rows.filter(condition(template.replace("{2}", last), path, here))
    if axis == CHILDREN:
        found = found.filter(condition("({0} = {1} + 1)", depth, level))
    return _within(axis, found, depth, level, levels)


def _by_sets(axis: str, layout: Sets, rows: Any, location: Location, levels: Param | None) -> QuerySet[Any]:
    left, right, level = F(layout.left), F(layout.right), F(layout.level)
    here = [_here(location, name) for name in (layout.tree, layout.left, layout.right, layout.level)]
    found = rows.filter(condition("({0} = {1})", F(layout.tree), here[0]))
    if axis in (ANCESTORS, PARENT):
        found = found.filter(condition("({0} < {2} AND {1} > {3})", left, right, here[1], here[2]))
    else:
        found = found.filter(condition("({0} > {1} AND {0} < {2})", left, here[1], here[2]))
    if axis in (CHILDREN, PARENT):
        found = found.filter(condition(f"({{0}} = {{1}} {'+' if axis == CHILDREN else '-'} 1)", level, here[3]))
    return _within(axis, found, level, here[3], levels)


def _within(axis: str, rows: Any, level: Any, here: Any, levels: Param | None) -> QuerySet[Any]:
    """Leave of rows those that are at most so many levels away."""
    if levels is not None:
        template = "({1} - {0} <= {2})" if axis == ANCESTORS else "({0} - {1} <= {2})"
        rows = rows.filter(condition(template, level, here, levels))
    found: QuerySet[Any] = rows
    return found


def _by_links(axis: str, layout: Links, rows: Any, location: Location, levels: Param | None) -> QuerySet[Any]:
    key, here = F(layout.key), _here(location, layout.key)
    walk = Walk(rows.model, layout, here, levels, up=axis == ANCESTORS)
    found: QuerySet[Any] = rows.filter(condition("({0} = ANY({1}) AND {0} <> {2})", key, walk, here))
    if axis == ANCESTORS:
        place = SQL("array_position({0}, {1})", walk, key, output_field=TextField())
        found = found.alias(**{free_name(rows.model, _PLACE): place})
    return found


class Walk(Func):
    """An array of the keys that a foreign key leads to from a row, level by level: up, or down."""

    def __init__(self, model: Any, layout: Links, here: Any, levels: Param | None, *, up: bool) -> None:
        super().__init__(here, *([] if levels is None else [levels]), output_field=TextField())
        self.relation: Any = next(field for field in model._meta.concrete_fields if field.attname == layout.parent)
        self.up = up

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        (here, params), *rest = [compiler.compile(expression) for expression in self.get_source_expressions()]
        # a percent sign is a placeholder's in SQL that Django compiles
        names = (self.relation.model._meta.db_table, self.relation.column, self.relation.target_field.column)
        table, parent, key = (quote_name(name, connection).replace("%", "%%") for name in names)
        source, target = (key, parent) if self.up else (parent, key)
        first = f"SELECT t.{target} FROM {table} AS t WHERE t.{source} = {here}"
        if not rest and not self.up:
            # each row once, in no order
            more = f"SELECT t.{target} FROM {table} AS t INNER JOIN walk AS w ON t.{source} = w.id"
            return f"ARRAY(WITH RECURSIVE walk(id) AS ({first} UNION {more}) SELECT id FROM walk)", list(params)
        most, own = (f"least({rest[0][0]}, {MOST_LEVELS})", list(rest[0][1])) if rest else (str(MOST_LEVELS), [])
        first = (
            f"SELECT t.{target}, 1, ARRAY[t.{source}, t.{target}] FROM {table} AS t "
            f"WHERE t.{source} = {here} AND t.{target} <> t.{source} AND 1 <= {most}"
        )
        more = (
            f"SELECT t.{target}, w.level + 1, w.seen || t.{target} FROM walk AS w "
            f"INNER JOIN {table} AS t ON t.{source} = w.id "
            f"WHERE w.level < {most} AND t.{target} IS NOT NULL AND NOT t.{target} = ANY(w.seen)"
        )
        walk = f"WITH RECURSIVE walk(id, level, seen) AS ({first} UNION ALL {more})"
        return f"ARRAY({walk} SELECT id FROM walk ORDER BY level)", [*params, *own, *own]


register(TreeRows, TreeKind())
