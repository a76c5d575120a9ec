"""Orders: typed keys that end in what tells all rows apart, so that pages are stable; and their ORM terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import models
from django.db.models import F, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast, Random

from .._django import declared_order, free_name, is_reversed, join_for_order, key_fields
from ..declare.sources import ANCHOR
from ..schema.definition import TypeDef
from .expressions import SQL
from .kinds import TreeCompiler, dimensions_of, kind_of
from .locations import ROW, Location, RowText, SubqueryRow
from .source_values import Compared
from .transforms import transformed
from .tree import Applied, AtRandom, ColumnOperand, ExpressionOperand, FieldOperand, Operand, OrderKey, WholeRow

# --- the order of a row set ---


def total_order(
    definition: TypeDef, terms: Sequence[OrderKey], *, by_key: bool, own: Sequence[OrderKey] | None = None
) -> tuple[OrderKey, ...]:
    """Return these terms, or else the order of the type's model or manager; then the key, unless a term decides.

    ``by_key`` says whether rows are sorted by the key alone where there is no term; ``own`` is the whole order of rows
    that do not start from the manager.
    """
    if terms:
        return (*terms, *_key(definition, terms))
    if own is not None:
        return tuple(own)
    rows = definition.model._default_manager.all()
    return order_of(definition, rows, by_key=by_key)


def order_of(definition: TypeDef, rows: QuerySet[Any], *, by_key: bool) -> tuple[OrderKey, ...]:
    """Return the order of a query, or else of its model; then the key, unless a term decides."""
    own = [order_key(term) for term in declared_order(rows)]
    if not own and not by_key:
        return ()
    keys = (*own, *_key(definition, own))
    # of a manager that reverses its order, what breaks ties is reversed as well
    return reversed_order(keys) if is_reversed(rows) else keys


def led_by(columns: Sequence[str], keys: Sequence[OrderKey]) -> tuple[OrderKey, ...]:
    """Return an order that begins with these columns, as ``DISTINCT ON`` needs it; they keep their directions."""
    by_column = {_column_of(key.operand): key for key in reversed(keys)}
    first = [
        replace(by_column.get(name, OrderKey(operand=WholeRow())), operand=ColumnOperand(name)) for name in columns
    ]
    return (*first, *(key for key in keys if _column_of(key.operand) not in columns))


def _column_of(operand: Operand) -> str | None:
    """Return the column of the model that an operand is, by the ORM's name."""
    if isinstance(operand, ColumnOperand):
        return operand.name
    if isinstance(operand, FieldOperand) and not operand.path.steps and not operand.transforms:
        return operand.field.stored_as if kind_of(operand.field).distinct_column(operand.field) else None
    return None


def reversed_order(keys: Sequence[OrderKey]) -> tuple[OrderKey, ...]:
    """Return an order turned round."""
    return tuple(map(_reversed, keys))


def order_key(term: Any) -> OrderKey:
    """Return the key of one term of Django's, as ``order_by`` and ``Meta.ordering`` have them."""
    if term == "?":
        # as text it cannot be reversed: Django takes "-?" for the name of a field
        return OrderKey(operand=ExpressionOperand(Random()))
    if isinstance(term, str):
        return OrderKey(operand=ColumnOperand(term.lstrip("-+")), descending=term.startswith("-"))
    if not isinstance(term, OrderBy):
        return OrderKey(operand=ExpressionOperand(term))
    nulls_first = True if term.nulls_first else False if term.nulls_last else None
    return OrderKey(
        operand=ExpressionOperand(term.expression), descending=bool(term.descending), nulls_first=nulls_first
    )


def _reversed(key: OrderKey) -> OrderKey:
    nulls_first = None if key.nulls_first is None else not key.nulls_first
    return replace(key, descending=not key.descending, nulls_first=nulls_first)


def _key(definition: TypeDef, terms: Sequence[OrderKey]) -> list[OrderKey]:
    """Return what tells the rows of a type apart: nothing where one of the terms does."""
    if definition.source is not None:
        fields = [FieldOperand(definition, field) for field in definition.key.values()]
        return [OrderKey(operand=operand) for operand in fields] or [OrderKey(operand=WholeRow())]
    if any(_decides(definition.model, term.operand) for term in terms):
        return []
    return [OrderKey(operand=ColumnOperand(name)) for name in key_columns(definition.model)]


def key_columns(model: type[models.Model]) -> list[str]:
    """Return the names of the columns of the model's key."""
    return [field.attname for field in key_fields(model)]


def _decides(model: type[models.Model], operand: Operand) -> bool:
    """Whether no two rows are equal in an operand: it is a unique column of the model that is never null."""
    name: Any = None
    if isinstance(operand, ColumnOperand):
        name = operand.name
    elif isinstance(operand, ExpressionOperand):
        name = getattr(operand.expression, "name", operand.expression)
    elif isinstance(operand, FieldOperand) and not operand.path.steps and not operand.transforms:
        # rows that are unique in each language may be equal where one falls back to another
        name = None if getattr(operand.field, "translation", None) else operand.field.stored_as
    if not isinstance(name, str):
        return False
    if name == "pk":
        return not isinstance(model._meta.pk, models.CompositePrimaryKey)
    return any(
        field.concrete and name in (field.name, field.attname) and field.unique and not field.null
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and not (field.is_relation and name == field.name)
    )


# --- its ORM terms ---


def sort(compiler: TreeCompiler, queryset: QuerySet[Any], keys: Sequence[OrderKey]) -> QuerySet[Any]:
    """Sort a query's rows by an order."""
    return sort_by(queryset, [_compiled(compiler, key) for key in keys], compiler.alias)


def sort_by(queryset: QuerySet[Any], terms: Sequence[Any], alias: str) -> QuerySet[Any]:
    """Sort a query's rows by terms of Django's, whatever order its manager has."""
    if is_reversed(queryset):
        queryset = queryset.reverse()
    queryset, named = _named(queryset, terms)
    queryset = queryset.order_by(*named)
    # a renamed subquery would otherwise hide the outer query's table behind the joins of its order
    join_for_order(queryset, alias)
    return queryset


def _compiled(compiler: TreeCompiler, key: OrderKey) -> Any:
    operand, nulls = key.operand, key.nulls_first
    if isinstance(operand, ColumnOperand) and nulls is None:
        return f"{'-' if key.descending else ''}{operand.name}"
    # Django takes None for PostgreSQL's default, and refuses False
    first, last = nulls or None, nulls is False or None
    return OrderBy(value_of(compiler, operand), descending=key.descending, nulls_first=first, nulls_last=last)


def value_of(compiler: TreeCompiler, operand: Operand, start: Location = ROW) -> Any:
    """Return what rows are sorted by; a path leads there from a location."""
    if isinstance(operand, ColumnOperand):
        return F(operand.name)
    if isinstance(operand, ExpressionOperand):
        return operand.expression
    if isinstance(operand, AtRandom):
        return Random()
    if isinstance(operand, WholeRow):
        return RowText(ROW.column(ANCHOR))
    return compared_by(compiler, operand, start).value


def compared_by(compiler: TreeCompiler, operand: FieldOperand, start: Any = ROW) -> Compared:
    """Return the value of a field that is sorted by, at the end of a path from a location."""
    location: Any = start
    for step in operand.path.steps:
        location = compiler.follow(step, location)
    compared = kind_of(operand.field).operand(compiler, operand.owner, operand.field, location)
    found = transformed(compared, dimensions_of(operand.field), operand.transforms, compiler.alias)[0]
    # a bare null, where no row is there for anybody, is none that PostgreSQL sorts by
    return replace(found, value=SQL("coalesce({0}, NULL)", found.value)) if isinstance(location, SubqueryRow) else found


def label_of(operand: FieldOperand) -> str:
    """Return what tells what is sorted by from all other values of a row: paths, transforms, aggregates."""
    path = [step.field.name for step in operand.path.steps]
    applied = (f"{step.transform.name}:{step.result.sql}" for step in operand.transforms if isinstance(step, Applied))
    return ".".join([*path, kind_of(operand.field).order_label(operand.field), *applied])


def _named(queryset: QuerySet[Any], order: Iterable[Any]) -> tuple[QuerySet[Any], list[Any]]:
    """Give what is computed for an order a name in the query, and sort by the name: it is resolved now.

    Django resolves ORDER BY when it compiles. Within a subquery, where the tables have been renamed, that would
    write the renamed tables into the conditions that a subquery shares with the expression that it was made from
    (WhereNode.resolve_expression() changes lookups in place): the declared field itself, for all later statements.
    """
    values: dict[str, Any] = {}
    named: list[Any] = []
    for term in order:
        value = term.expression if isinstance(term, OrderBy) else term
        if not isinstance(value, (str, F)):
            name = free_name(queryset.model, f"fraiseql_order_{len(values)}")
            # PostgreSQL takes a bare constant for a column's number, or for an error (its documentation, SELECT)
            values[name] = Cast(value, value.output_field) if isinstance(value, Value) else value
            term = term.copy() if isinstance(term, OrderBy) else OrderBy(value)
            term.set_source_expressions([F(name)])
        named.append(term)
    return queryset.alias(**values), named
