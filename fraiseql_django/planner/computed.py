"""What is computed or compared: expressions over a type's model, wherever the type is reached."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OuterRef, Subquery

from ..schema.definition import Column, Computed, Embedded, TypeDef
from ..schema.inputs import comparable
from .json import Template


def computed_value(definition: TypeDef, field: Computed, prefix: str) -> Any:
    """Return the expression that stands for the field on rows reached through the to-one path ``prefix``.

    What aggregates, and what stands behind a path, is a subquery of its own: two counts in one query
    would inflate each other, and an expression's names mean its own model's columns.
    """
    expression = field.expression
    if not prefix and not _aggregates(expression):
        return expression
    rows = definition.model._base_manager.filter(pk=OuterRef(f"{prefix}pk"))
    return Subquery(rows.annotate(fraiseql_value=expression).values("fraiseql_value").order_by())


def compared_value(definition: TypeDef, field: Column | Computed | Embedded, prefix: str) -> Any:
    """Return what conditions and orders compare: the value that clients see, so that null is null."""
    value: Any
    if isinstance(field, Computed):
        value = computed_value(definition, field, prefix)
    else:
        value = F(prefix + field.column)
    scalar = comparable(field)
    if scalar is None or scalar.column == "{0}" or (isinstance(field, Column) and field.dimensions):
        return value
    return Template(scalar.column, value)


def _aggregates(expression: Any) -> bool:
    if getattr(expression, "contains_aggregate", False):
        return True
    parts = expression.get_source_expressions() if hasattr(expression, "get_source_expressions") else ()
    return any(_aggregates(part) for part in parts if part is not None)
