"""``__schema`` and ``__type``: answered by graphql-core while a plan is made, and constants of it.

Their bytes are counted meanwhile, so that an answer that is too large is not made first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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

from ..errors import LimitExceeded
from ..language.limits import too_many
from ..language.parser import Operation
from .arguments import Variables


class AnswerSize:
    """Counts the bytes of the answers to an operation's introspection fields; None sets no limit."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._bytes = 0

    def resolve(self, resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
        """Resolve a field, as graphql-core calls middleware; raise LimitExceeded where the answer becomes too large."""
        value = resolve(source, info, **arguments)
        # "key":"value",
        self._bytes += len(info.path.key) + (len(value) + 6 if isinstance(value, str) else 8)
        if self._limit is not None and self._bytes > self._limit:
            raise too_many("bytes in its answer", self._limit, "RESPONSE_BYTES")
        return value


def introspect(
    schema: GraphQLSchema,
    operation: Operation,
    key: str,
    nodes: list[FieldNode],
    variables: Variables,
    size: AnswerSize,
) -> str:
    """Return the JSON text of an introspection field; its variables' values are part of the plan's key.

    Raises LimitExceeded for an answer that is too large.
    """
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
    result: Any = execute(schema, document, variable_values=dict(variables), middleware=[size])
    if result.errors:
        original = result.errors[0].original_error
        raise original if isinstance(original, LimitExceeded) else result.errors[0]
    return json.dumps(result.data[key], separators=(",", ":"), ensure_ascii=False)
