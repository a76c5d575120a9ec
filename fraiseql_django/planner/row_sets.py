"""Row sets → QuerySets: the only place where rows of a type are selected.

So whatever reads rows, a list, a count, a condition or the answer of a mutation, reads those that the viewer can see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db.models import Exists, Q, QuerySet

from .._django import has_routers, overrides_building
from ..declare.lazy_code import manager_decides_nothing
from ..declare.rules import once
from ..declare.translations import queryset_methods
from ..errors import InvalidInput, LimitExceeded
from ..invalidation.catalog import rows_of
from ..schema.definition import TypeDef
from .arguments import Leaf
from .expressions import SQL, Bind, Param, bind, condition
from .filters import compile_condition
from .keysets import keyset_of
from .kinds import TreeCompiler, kind_of
from .locations import ROW, Location
from .ordering import reversed_order, sort
from .questions import Raised, RoutedHere, RowsOfManager, sql_of
from .source_values import visible
from .tree import AllRows, Given, Page, RowSet, Shown, Through, WithKeys

# From so many rows on it pays to prepare for them: to aggregate (see docs/architecture.md), to look up (``lookups``)
MANY_ROWS = 1000

# The rows of a slot of a mutation's answer are joined with their keys, k0, k1 …, by this name
KEYS_ALIAS = "fraiseql_keys"


def queryset_of(compiler: TreeCompiler, rows: RowSet, location: Location) -> QuerySet[Any]:
    """Return the query of a row set.

    ``location`` is the one that its rows are related to, as the query sees it.
    """
    if rows.distinct:
        return _first_of_each(compiler, rows, location)
    queryset = visible(rows.type, _all_rows(compiler, rows), rows.rule)
    source = rows.source
    if isinstance(source, Through):
        queryset = kind_of(source.field).relate(compiler, source, queryset, rows.type, location)
    elif isinstance(source, WithKeys):
        queryset = _with_keys(compiler, rows.type, queryset)
    if rows.shown is not None:
        queryset = queryset.filter(shown(compiler, rows.shown))
    if rows.where is not None:
        found = compile_condition(compiler, rows.where, ROW)
        queryset = queryset.filter(_after_rule(compiler, rows, found) if rows.where.may_fail else found)
    if rows.page.after is not None or rows.page.before is not None:
        queryset = _bounded(compiler, rows, queryset)
    order = reversed_order(rows.order) if rows.page.backward else rows.order
    return sort(compiler, queryset, order) if order else queryset.order_by()


def _first_of_each(compiler: TreeCompiler, rows: RowSet, location: Location) -> QuerySet[Any]:
    """Return the query of the first row of each value.

    The rows are chosen by their keys in a subquery: PostgreSQL would write the JSON of all of them first.
    """
    first = queryset_of(compiler, replace(rows, distinct=()), location.outer())
    chosen = first.distinct(*rows.distinct).values("pk")
    return sort(compiler, _all_rows(compiler, rows).filter(pk__in=chosen), rows.order)


def shown(compiler: TreeCompiler, given: Shown) -> Q:
    """Return the condition that a row of an interface is shown as one of its types."""
    template, parts = "CASE", list[Any]()
    for branch, rows in given.branches:
        parts.append(kind_of(branch).applies(compiler, branch, ROW))
        template += f" WHEN {{{len(parts) - 1}}} THEN "
        if isinstance(rows, bool):
            template += "TRUE" if rows else "FALSE"
        else:
            template += f"{{{len(parts)}}}"
            parts.append(Exists(compiler.queryset(rows, ROW.outer())))
    return condition(f"({template} ELSE FALSE END)", *parts)


def _all_rows(compiler: TreeCompiler, rows: RowSet) -> QuerySet[Any]:
    """Lists start from the default manager, to-one relations from all rows, as Django's own managers do.

    So does what a mutation returns: it is shown even where the default manager would hide it. What a function of the
    project's has chosen is where it starts.
    """
    model, source = rows.type.model, rows.source
    default = (
        isinstance(source, AllRows)
        or (isinstance(source, Through) and source.field.many)
        or (isinstance(source, WithKeys) and source.listed)
    )
    if has_routers() and rows.type.source is None:
        routed = RoutedHere(model, compiler.alias)
        compiler.asked[routed] = routed.answer()
    if isinstance(source, Given):
        assert source.start is not None
        given: QuerySet[Any] = source.start(compiler.alias)
        return given
    question = RowsOfManager(model, default, compiler.alias)
    found = question.rows()
    if not manager_decides_nothing(model._default_manager if default else model._base_manager):
        # a QuerySet that is made by code of the project may filter whenever another condition is added
        answer = Raised() if overrides_building(type(found), queryset_methods(type(found))) else sql_of(found)
        # one that decides otherwise within a moment has no answer to keep a plan by
        compiler.asked[question] = answer if compiler.asked.get(question, answer) == answer else Raised()
    return found


def expected_rows(rows: RowSet, around: int, alias: str) -> int:
    """Return how many rows a statement reads, where that is all rows of a table; 0 where it is not known.

    ``around`` is that number for the rows that these are related to.
    """
    is_all = rows.rule is True and rows.where is None and not rows.page.is_part and not rows.distinct
    if not is_all or not (around or isinstance(rows.source, AllRows)):
        return 0
    return rows_of(rows.type.model, alias)


def _after_rule(compiler: TreeCompiler, rows: RowSet, asked: Q) -> Q:
    """Let a condition be evaluated for those rows only that the viewer can see.

    PostgreSQL evaluates conditions in an order of its own, and one that fails for a hidden row would tell of it;
    CASE keeps to the order (PostgreSQL documentation, 4.2.14). It costs the use of an index.
    """
    if rows.shown is not None:
        asked = condition("CASE WHEN {1} THEN {0} ELSE FALSE END", asked, shown(compiler, rows.shown))
    if isinstance(rows.rule, bool):
        return asked
    rule = rows.rule if rows.type.source is not None else once(rows.type.model, rows.rule)
    return condition("CASE WHEN {1} THEN {0} ELSE FALSE END", asked, rule)


def _bounded(compiler: TreeCompiler, rows: RowSet, queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Leave of a query the rows between the boundaries of a page."""
    keyset = keyset_of(compiler, rows)
    for boundary, after in ((rows.page.after, True), (rows.page.before, False)):
        if boundary is not None:
            found = keyset.beyond(boundary, after=after)
            queryset = queryset.filter(_after_rule(compiler, rows, found) if keyset.may_fail else found)
    return queryset


def _with_keys(compiler: TreeCompiler, definition: TypeDef, queryset: QuerySet[Any]) -> QuerySet[Any]:
    for index, field in enumerate(definition.key.values()):
        key = kind_of(field).operand(compiler, definition, field, ROW).value
        queryset = queryset.filter(condition("({0} = {1})", key, SQL(f"{KEYS_ALIAS}.k{index}")))
    return queryset


# --- pages: LIMIT and OFFSET are bound, so that one statement serves every page ---


def page_params(page: Page) -> tuple[Param | None, Param | None]:
    """Return LIMIT and OFFSET; None where there is none. Of a connection's page, LIMIT is one row more."""
    return _limit(page, 1 if page.keyed else 0), _param(page.offset, _count, "offset")


def rows_shown(page: Page) -> Param | None:
    """Return how many rows of a page are shown at most; None where all are."""
    return _limit(page, 0)


def _limit(page: Page, more: int) -> Param | None:
    def limit(value: int) -> str:
        if page.maximum is not None and value > page.maximum:
            raise LimitExceeded("rows asked for in a list", limit=page.maximum, value=value, setting="LIMITS.MAX_ROWS")
        _count(value)
        return str(value + more)

    return _param(page.limit, limit, page.label)


def _param(value: Leaf | int | None, encode: Any, label: str) -> Param | None:
    if value is None:
        return None
    if isinstance(value, int):
        return Param(Bind(lambda variables: value, encode, label, constant=True), "bigint")
    return Param(bind(value, encode, label), "bigint")


def _count(value: int) -> str:
    if value < 0:
        raise InvalidInput(f"{value} is less than 0")
    return str(value)
