"""``__schema`` and ``__type``: answered by graphql-core while a plan is made, and constants of it."""

from __future__ import annotations

import json
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
)

from ..language.parser import Operation
from .arguments import Variables


def introspect(
    schema: GraphQLSchema, operation: Operation, key: str, nodes: list[FieldNode], variables: Variables
) -> str:
    """Return the JSON text of an introspection field; its variables' values are part of the plan's key."""
    definitions = [
        definition
        for definition in operation.node.variable_definitions or ()
        if definition.variable.name.value in operation.read_while_planning
    ]
    document = DocumentNode(
        definitions=(
            OperationDefinitionNode(
                operation=OperationType.QUERY,
                name=None,
                variable_definitions=tuple(definitions),
                directives=(),
                selection_set=SelectionSetNode(selections=tuple(nodes)),
            ),
            *operation.fragments.values(),
        )
    )
    result: Any = execute(schema, document, variable_values=dict(variables))
    if result.errors:
        raise result.errors[0]
    return json.dumps(result.data[key], separators=(",", ":"), ensure_ascii=False)
