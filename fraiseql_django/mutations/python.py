"""Mutations in Python: described by the function's signature, and run by calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..declare.names import check_name, pascal_case
from ..declare.registry import PythonMutation
from ..errors import DeclarationError
from ..schema.arguments import Arguments, MutationDef, describe_mutation
from ..schema.protection import call_permission
from ..schema.signatures import calling, describe_parameters
from .context import MutationContext


@describe_mutation.register(PythonMutation)
def describe_function(declaration: PythonMutation, arguments: Arguments) -> MutationDef:
    """Describe a mutation by its function; raise DeclarationError for annotations that GraphQL has no type for."""
    function = declaration.function
    where = f"mutation {function.__name__}"
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if not parameters:
        raise DeclarationError(f"{where} takes no parameter; its first one must be the Info")
    if signature.return_annotation is signature.empty:
        raise DeclarationError(f"{where} has no return annotation")
    described = describe_parameters(parameters[1:], function.__module__, where, arguments)
    name = check_name(declaration.name or arguments.conventions.name(function.__name__), where)
    output = arguments.outputs.read(
        signature.return_annotation, function.__module__, where, union=f"{pascal_case(name)}Result"
    )
    return MutationDef(
        name=name,
        description=declaration.description or inspect.getdoc(function),
        deprecation=declaration.deprecation,
        arguments=described.arguments,
        converts=described.converts,
        output=output,
        perform=_with_info(calling(function)),
        repeatable=lambda: declaration.repeatable,
        permission=call_permission(declaration, arguments.conventions, where),
        argument_rules=described.rules,
        cost=declaration.cost,
    )


def _with_info(call: Callable[..., Any]) -> Callable[[MutationContext, Mapping[str, Any]], Any]:
    """Return what calls a function with the Info of a mutation."""
    return lambda context, arguments: call(context.info, arguments)
