"""Mutations that Python functions answer: what they are called with."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from graphql import Undefined, VariableNode, value_from_ast

from ..errors import InvalidInput
from ..planner.arguments import Variables
from ..planner.plan import Write
from .context import Info


def call(write: Write, info: Info, variables: Variables) -> Any:
    """Call a mutation's function and return what it returns; whatever it raises is raised."""
    function = write.definition.function
    assert function is not None
    if iscoroutinefunction(function):
        function = async_to_sync(function)
    return function(info, **given_arguments(write, variables))


def given_arguments(write: Write, variables: Variables) -> dict[str, Any]:
    """Coerce the arguments that are given, by Python name (GraphQL specification, 6.4.1)."""
    found: dict[str, Any] = {}
    for node in write.node.arguments or ():
        argument = write.field.args[node.name.value]
        if isinstance(node.value, VariableNode) and node.value.name.value not in variables:
            continue
        value = value_from_ast(node.value, argument.type, dict(variables))
        if value is Undefined:
            raise InvalidInput(f"argument {node.name.value!r} must not be null", nodes=[node])
        name = argument.out_name or node.name.value
        found[name] = write.definition.converts[name](value)
    return found
