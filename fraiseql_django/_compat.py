"""Every difference between the supported versions of Django, graphql-core and Python, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django
import graphql
from django.db import models
from django.db.models import deletion
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution import values as graphql_values

GRAPHQL_33 = graphql.version_info[:2] >= (3, 3)
DJANGO_61 = django.VERSION >= (6, 1)


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, inputs: Mapping[str, Any]
) -> tuple[dict[str, Any], Any] | list[GraphQLError]:
    """Coerce the request's variables (GraphQL specification, 6.1.2).

    Returns the values by name beside the object that ``argument_values`` wants, or the errors.
    """
    result: Any = graphql_values.get_variable_values(
        schema, operation.variable_definitions or (), dict(inputs), max_errors=20
    )
    if isinstance(result, list):
        return result
    # 3.3 wraps the values together with where each came from
    return (result.coerced if GRAPHQL_33 else result), result


def argument_values(field: GraphQLField, node: FieldNode, variables: Any) -> dict[str, Any]:
    """Coerce a field's arguments (GraphQL specification, 6.4.1), by their ``out_name``."""
    return graphql_values.get_argument_values(field, node, variables)


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
