"""Mutations in Python: described by the function's signature, and run by calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from graphql import GraphQLArgument, GraphQLNonNull

from ..declare.names import check_name, pascal_case
from ..declare.registry import PythonMutation
from ..declare.rules import Rule
from ..errors import DeclarationError
from ..schema.argument_options import described_argument
from ..schema.arguments import Arguments, Convert, MutationDef, describe_mutation, not_null
from ..schema.protection import mutation_permission
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
    described: dict[str, GraphQLArgument] = {}
    converts: dict[str, Convert] = {}
    rules: dict[str, tuple[Rule, ...]] = {}
    for parameter in parameters[1:]:
        name, described_argument, converts[parameter.name] = _argument(parameter, function.__module__, where, arguments)
        described[name] = described_argument
        extras = arguments.read(parameter.annotation, function.__module__).extras
        rules[name] = tuple(extra for extra in extras if isinstance(extra, Rule))
    name = check_name(declaration.name or arguments.conventions.name(function.__name__), where)
    output = arguments.outputs.read(
        signature.return_annotation, function.__module__, where, union=f"{pascal_case(name)}Result"
    )
    return MutationDef(
        name=name,
        description=declaration.description or inspect.getdoc(function),
        deprecation=declaration.deprecation,
        arguments=described,
        converts=converts,
        output=output,
        perform=_calling(function),
        repeatable=lambda: declaration.repeatable,
        permission=mutation_permission(declaration, arguments.conventions, where),
        argument_rules=rules,
        cost=declaration.cost,
    )


def _argument(
    parameter: inspect.Parameter, module: str, where: str, arguments: Arguments
) -> tuple[str, GraphQLArgument, Convert]:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise DeclarationError(f"{where}: parameter {parameter} cannot be an argument")
    if parameter.annotation is parameter.empty:
        raise DeclarationError(f"{where}: parameter {parameter.name!r} has no annotation")
    annotation = arguments.read(parameter.annotation, module)
    graphql, convert = arguments.of(annotation, where)
    if parameter.default is not parameter.empty and isinstance(graphql, GraphQLNonNull):
        graphql, convert = graphql.of_type, not_null(convert, f"argument {parameter.name!r}")
    name, described = described_argument(annotation.extras, parameter.name, graphql, arguments.conventions, where)
    return name, described, convert


def _calling(function: Callable[..., Any]) -> Callable[[MutationContext, Mapping[str, Any]], Any]:
    """Return what calls a function, or runs a coroutine to its end; exceptions of it are raised."""

    def perform(context: MutationContext, arguments: Mapping[str, Any]) -> Any:
        called = async_to_sync(function) if iscoroutinefunction(function) else function
        return called(context.info, **arguments)

    return perform
