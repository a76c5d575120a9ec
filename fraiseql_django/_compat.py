"""Every difference between the supported versions of Django, graphql-core and Python, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import django
import graphql
from django.db import models
from django.db.models import deletion
from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution import values as graphql_values

GRAPHQL_33 = graphql.version_info[:2] >= (3, 3)
DJANGO_61 = django.VERSION >= (6, 1)


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, inputs: Mapping[str, Any]
) -> dict[str, Any] | list[GraphQLError]:
    """Coerce the request's variables (GraphQL specification, 6.1.2); return them by name, or the errors."""
    result: Any = graphql_values.get_variable_values(
        schema, operation.variable_definitions or (), dict(inputs), max_errors=20
    )
    if isinstance(result, list):
        return result
    # 3.3 wraps the values together with where each came from
    values: dict[str, Any] = result.coerced if GRAPHQL_33 else result
    return values


def parse_input(type_: Any) -> Callable[[Any], Any]:
    """Return what coerces a scalar's or enum's value from a request; it raises for a wrong one."""
    parse: Callable[[Any], Any] = type_.coerce_input_value if GRAPHQL_33 else type_.parse_value
    return parse


def input_default(field: GraphQLInputField) -> Any:
    """Return the default of an input object's field, or Undefined."""
    return field.default_value


def database_cascades(model: type[models.Model]) -> list[type[models.Model]]:
    """Return the models whose rows the database itself changes when a row of ``model`` is deleted.

    ``DB_CASCADE``, ``DB_SET_NULL`` and ``DB_SET_DEFAULT`` came with Django 6.1; before it there are none.
    """
    if not DJANGO_61:
        return []
    in_database = {deletion.DB_CASCADE, deletion.DB_SET_NULL, deletion.DB_SET_DEFAULT}
    return [
        relation.related_model
        for relation in model._meta.related_objects
        if getattr(relation, "on_delete", None) in in_database
    ]
