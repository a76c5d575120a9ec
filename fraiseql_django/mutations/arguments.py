"""The arguments in a document → what a mutation is called with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, Undefined, VariableNode, value_from_ast

from ..errors import InvalidInput
from ..schema.arguments import CallDef
from .uploads import Files


def coerce_arguments(
    definition: CallDef, node: FieldNode, variables: Mapping[str, Any], files: Files
) -> dict[str, Any]:
    """Coerce the arguments that the client wrote, by Python name (GraphQL specification, 6.4.1).

    Those that a list of rows has of its own are left out.
    """
    coerced: dict[str, Any] = {}
    for written in node.arguments or ():
        argument = definition.arguments.get(written.name.value)
        if argument is None:
            # the condition that chooses rows, which is planned
            continue
        if isinstance(written.value, VariableNode) and written.value.name.value not in variables:
            continue
        value = value_from_ast(written.value, argument.type, dict(variables))
        if value is Undefined:
            raise InvalidInput(f"argument {written.name.value!r} must not be null", nodes=[written])
        name = argument.out_name or written.name.value
        coerced[name] = definition.converts[name](files.give(value))
    return coerced
