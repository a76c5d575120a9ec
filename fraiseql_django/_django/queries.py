"""Compiling to SQL and parameters; joins of ORDER BY; aliases; literals; the columns that are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from inspect import getattr_static
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models.expressions import Col, OrderBy
from django.db.models.query import ModelIterable
from django.db.models.sql import Query
from django.db.models.sql.datastructures import BaseTable
from django.db.models.sql.where import WhereNode

from .types import Compiled, Model


def compiler_of(rows: models.QuerySet[Any, Any] | Query, alias: str) -> Any:
    """Return the compiler of a query for a database. Relies on ``QuerySet.query`` and ``get_compiler()``."""
    query: Any = rows.query if isinstance(rows, models.QuerySet) else rows
    return query.get_compiler(alias)


def compile_query(rows: models.QuerySet[Any, Any] | Query, alias: str) -> Compiled | None:
    """Compile a query; None where Django knows that it finds no rows.

    Relies on ``as_sql()`` of the compiler and on EmptyResultSet.
    """
    return compile_with(compiler_of(rows, alias))


def all_rows(model: type[models.Model], alias: str) -> models.QuerySet[Any]:
    """Return all rows of a model, past its managers."""
    return models.QuerySet(model).using(alias)


def default_rows(model: type[models.Model], alias: str | None = None) -> models.QuerySet[Any]:
    """Return the rows of a model's default manager for checks and commands, where no request is being answered.

    A manager that refuses to be asked then, or needs the database, stands for all rows; so does one whose QuerySet
    refuses to be used, as that of django-scopes does.
    """
    try:
        found: models.QuerySet[Any] = model._default_manager.using(alias)
        found.values("pk")
    except Exception:
        found = models.QuerySet(model).using(alias)
    return found


def overrides_of(manager: Any) -> dict[str, Any] | None:
    """Return what a manager's own classes define, by name; None where its rows are made in a way of their own.

    Relies on ``get_queryset()`` of managers and on ``_queryset_class``.
    """
    if "get_queryset" in vars(manager) or overrides_building(manager._queryset_class):
        return None
    own = [cls for cls in type(manager).__mro__ if cls not in models.Manager.__mro__]
    return {name: member for cls in own for name, member in vars(cls).items() if not name.startswith("__")}


def overrides_building(queryset: type, known: Mapping[str, Any] | None = None) -> bool:
    """Whether a class of QuerySets has its own way to be made, copied or extended, rather than Django's.

    ``known`` has further methods that count as Django's, by name.

    Relies on the names of the methods and attributes of QuerySet, private ones included.
    """
    others = known or {}
    return any(getattr_static(queryset, name) not in (member, others.get(name)) for name, member in _BUILDING.items())


# What sends a statement takes no part in building one
_SENDING = {
    *("get", "get_or_create", "create", "bulk_create", "update", "update_or_create", "bulk_update", "delete", "count"),
    *("exists", "first", "last", "earliest", "latest", "in_bulk", "iterator", "aggregate", "explain", "contains"),
    *("_raw_delete", "_update", "_insert", "_batched_insert", "as_manager"),
}


_BUILDING = {
    name: member
    for name, member in vars(models.QuerySet).items()
    if hasattr(member, "__get__") and name not in {"__dict__", "__weakref__"} and not {name, name[1:]} & _SENDING
}


def managers_of(model: type[models.Model]) -> list[Any]:
    """Return the managers of a model. Relies on ``Meta.managers``."""
    return list(model._meta.managers)


def compile_with(compiler: Any) -> Compiled | None:
    """Compile the query of a compiler, which then compiles further expressions of it (``compile_expression``)."""
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    return sql, list(params)


def compile_expression(compiler: Any, expression: Any) -> Compiled:
    """Compile a resolved expression, as ``as_sql()`` of an expression does with its parts.

    Relies on ``compiler.compile()``. Raises EmptyResultSet where Django knows that a condition holds for no row, and
    FullResultSet where for all.
    """
    sql, params = compiler.compile(expression)
    return sql, list(params)


def selects_whole_rows(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query selects rows of its model, each once and as they are: its columns may then be replaced.

    It does not after ``union()``, ``distinct()``, ``values()`` or ``extra()``. Relies on ``combinator``, ``distinct``,
    ``values_select`` and ``extra`` of the query.
    """
    query: Any = rows.query
    return not (query.combinator or query.distinct or query.values_select or query.extra)


def filters_nothing(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query surely selects every row of its model's table once, whatever order and columns it names.

    Relies on ``where``, ``distinct``, ``combinator``, ``is_sliced``, ``group_by``, ``extra``, ``extra_tables`` and
    ``annotations`` of the query, on ``set_returning`` of expressions, and on ``alias_map``, which has no entry beside
    the model's own table while nothing is joined.
    """
    query: Any = rows.query
    changed = query.where or query.distinct or query.combinator or query.is_sliced or query.group_by is not None
    joined = query.alias_map.keys() - {query.model._meta.db_table}
    repeated = any(getattr(value, "set_returning", False) for value in query.annotations.values())
    return not (changed or joined or repeated or query.extra or query.extra_tables)


def many_valued_tables(query: Query) -> Mapping[str, str]:
    """Return the aliases of the tables that joins of a query repeat its rows for, each with its model's name.

    Relies on ``alias_map`` of the query, ``table_name``, ``join_field`` and ``parent_alias`` of its joins, which come
    after those that they hang on, and on ``one_to_many`` and ``many_to_many`` of relations; a generic relation's is
    that of its field, which leads the other way.
    """
    found: dict[str, str] = {}
    for alias, join in query.alias_map.items():
        relation: Any = getattr(join, "join_field", None)
        ends = [end for end in (relation, getattr(relation, "field", None)) if end is not None]
        many = any(end.many_to_many for end in ends) or (bool(ends) and (ends[0].one_to_many or ends[-1].one_to_many))
        if many or getattr(join, "parent_alias", None) in found:
            models_ = [getattr(relation, end) for end in ("related_model", "model")]
            found[alias] = next((end for end in models_ if end._meta.db_table == join.table_name), models_[0]).__name__
    return found


def declared_order(rows: models.QuerySet[Any, Any]) -> tuple[Any, ...]:
    """Return the order that a query was given by ``order_by()``, or else its model's ``Meta.ordering``.

    Relies on ``query.order_by``, and on ``default_ordering`` being unset by ``order_by()`` without arguments.
    """
    query: Any = rows.query
    return tuple(query.order_by or (rows.model._meta.ordering if query.default_ordering else ()))


def with_prefix(expression: Any, prefix: str) -> Any:
    """Return an expression of an order whose names stand behind a path, as Django has the order of a relation.

    Relies on ``prefix_references()``.
    """
    (found,) = OrderBy(expression).prefix_references(prefix).get_source_expressions()
    return found


def is_reversed(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether ``reverse()`` has turned a query's order round. Relies on ``standard_ordering``."""
    return not rows.query.standard_ordering


def join_for_order(rows: models.QuerySet[Any, Any], alias: str) -> None:
    """Make the joins that a query's ORDER BY needs now, as those of conditions are made.

    Django makes them when it compiles, under the tables' own names. In a subquery, where all else has been renamed,
    such a name would hide the outer query's table from the condition that leads there. Relies on ``setup_query()`` and
    ``get_order_by()`` adding the joins to the query itself, where they are found again. A term that refers to a query
    around this one cannot be compiled yet (``ResolvedOuterRef`` raises ValueError); it must be the last with a join.
    """
    compiler = compiler_of(rows, alias)
    compiler.setup_query()
    with suppress(ValueError):
        compiler.get_order_by()


def quoted_alias(compiler: Any, column: Any) -> str:
    """Return the quoted alias of the table that a resolved column belongs to, in the query that it is part of.

    Relies on a resolved F or OuterRef being a ``Col`` with ``alias``, which ``relabeled_clone()`` keeps right when a
    query's tables are renamed, and on the compiler's quoting of aliases, whose name changes in Django 6.1.
    """
    if not isinstance(column, Col):
        raise TypeError(f"{column!r} is a {type(column).__name__}, must be a resolved column of a model")
    quote = getattr(compiler, "quote_name", None) or compiler.quote_name_unless_alias
    return str(quote(column.alias))


def literal(value: Any, alias: str) -> str:
    """Quote a value as a literal of SQL, as Django's default cursor sends it; its percent signs are doubled.

    Relies on ``ops.compose_sql()`` of the PostgreSQL backend, which needs an open connection.
    """
    connection: Any = connections[alias]
    connection.ensure_connection()
    return str(connection.ops.compose_sql("%s", [value])).replace("%", "%%")


def quote_name(name: str, connection: Any) -> str:
    """Quote an identifier. Relies on ``ops.quote_name()``, which leaves alone what is quoted already."""
    return str(connection.ops.quote_name(name))


def models_read(query: Query) -> Iterator[Model]:
    """Yield the models of a query's tables, once for each table.

    Relies on ``model`` and ``alias_map`` of the query, and on ``join_field`` of its joins.
    """
    if query.model is not None:
        yield query.model
    for table in query.alias_map.values():
        related = getattr(getattr(table, "join_field", None), "related_model", None)
        if isinstance(related, type):
            yield related


def columns_read(rows: models.QuerySet[Any, Any], alias: str) -> Mapping[str, set[str]]:
    """Return the columns of tables that a query reads: selected, compared, sorted by, joined on, in subqueries too.

    Relies on ``alias_map`` and ``alias_refcount`` of the query, ``table_name``, ``table_alias``, ``parent_alias`` and
    ``join_cols`` of its joins, ``annotations``, ``where``, ``select``, and on ``get_source_expressions()``, which
    conditions have as well.
    """
    found: dict[str, set[str]] = defaultdict(set)
    compiler = compiler_of(rows, alias)
    # joins that an order needs are made when it is compiled
    if compile_with(compiler) is not None:
        order = [expression for expression, _ in compiler.get_order_by()]
        _note_columns(compiler.query, {}, [*(expression for expression, *_ in compiler.select), *order], found)
    return found


def _note_columns(query: Any, outer: Mapping[str, str], expressions: Iterable[Any], found: dict[str, set[str]]) -> None:
    joins: list[Any] = [join for name, join in query.alias_map.items() if query.alias_refcount[name]]
    tables = {**outer, **{join.table_alias: join.table_name for join in joins}}
    for join in joins:
        for left, right in getattr(join, "join_cols", None) or ():
            found[tables[join.parent_alias]].add(left)
            found[join.table_name].add(right)
    for expression in (*expressions, *query.annotations.values(), query.where):
        for node in _nodes(expression):
            if isinstance(node, Query):
                _note_columns(node, tables, node.select, found)
            elif isinstance(node, Col) and node.alias in tables:
                target: Any = node.target
                found[tables[node.alias]].add(target.column)


def _nodes(expression: Any) -> Iterator[Any]:
    """Yield an expression and all that it is made of; a condition has no ``flatten``."""
    yield expression
    if hasattr(expression, "get_source_expressions"):
        for part in expression.get_source_expressions():
            yield from _nodes(part)


class BoundWhere(WhereNode):
    """A condition whose parameters are replaced when it is compiled; ``bound`` is of the class of each one."""

    bound: Callable[[str, list[Any]], Compiled]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_sql(compiler, connection)
        return type(self).bound(sql, list(params))


def with_bound_where(
    rows: models.QuerySet[Any, Any], bound: Callable[[str, list[Any]], Compiled]
) -> models.QuerySet[Any, Any]:
    """Return a query whose condition's SQL and parameters pass through ``bound`` whenever it is compiled.

    What is added to the query's condition later does not. Relies on ``query.where`` and on ``WhereNode`` making its
    copies by ``create()``, of its own class.
    """
    found = rows.all()
    query: Any = found.query
    if query.where:
        kind: Any = type("BoundWhere", (BoundWhere,), {"bound": staticmethod(bound)})
        where = query.where
        own = kind.create(where.children, where.connector, where.negated)
        query.where = WhereNode.create([own])
    return found


def is_of_its_table(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query's rows are rows of its model's table, and conditions can be added to it, and an order.

    Not where it is sliced, distinct or combined, aggregates, locks rows, or has columns of its own. Relies on
    ``is_sliced``, ``combinator``, ``distinct``, ``group_by``, ``extra``, ``extra_tables``, ``select_for_update``,
    ``annotations`` and ``contains_aggregate`` of expressions.
    """
    query: Any = rows.query
    odd = query.is_sliced or query.combinator or query.distinct or query.group_by or query.extra or query.extra_tables
    parts = [*query.annotations.values(), query.where]
    return not (
        odd
        or query.select_for_update
        or any(
            getattr(part, "contains_aggregate", False) or getattr(part, "contains_over_clause", False) for part in parts
        )
    )


# What an expression is called that is computed of several rows of its query
_OF_SEVERAL_ROWS = ("contains_aggregate", "contains_over_clause")


def selects_values(rows: models.QuerySet[Any, Any]) -> bool:
    """Whether a query yields something else than instances. Relies on ``_iterable_class``."""
    kind: Any = rows._iterable_class
    return kind is not ModelIterable


class _SelectedTable(BaseTable):
    """SQL in the place of a model's table."""

    def __init__(self, source: Compiled, table_name: str, alias: str) -> None:
        super().__init__(table_name, alias)
        self.source = source

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = self.source
        quote = getattr(compiler, "quote_name", None) or compiler.quote_name_unless_alias
        return f"{sql} {quote(self.table_alias)}", list(params)

    def relabeled_clone(self, change_map: Any) -> _SelectedTable:
        return _SelectedTable(self.source, self.table_name, change_map.get(self.table_alias, self.table_alias))

    @property
    def identity(self) -> Any:
        return (*super().identity, self.source[0])


def rows_from(model: Model, source: Compiled, alias: str) -> models.QuerySet[Any, Any]:
    """Return the rows that SQL selects, which has the columns of a model's table.

    Relies on ``get_initial_alias()``, on ``alias_map`` holding the table that is selected from, and on that being
    compiled by its ``as_sql()``.
    """
    rows = all_rows(model, alias)
    query: Any = rows.query
    name = query.get_initial_alias()
    query.alias_map[name] = _SelectedTable(source, query.alias_map[name].table_name, name)
    return rows
