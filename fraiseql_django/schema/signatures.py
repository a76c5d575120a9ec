"""Parameters of a project's functions → arguments of a GraphQL field."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from graphql import GraphQLArgument, GraphQLNonNull

from ..declare.rules import Rule
from ..errors import DeclarationError
from .annotations import Annotation
from .argument_options import described_argument
from .arguments import Arguments, Convert, not_null


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that clients give: its Python name, its annotation, and whether it must be given.

    ``has_default`` says that the function has a value for it where it is left out: ``default``.
    """

    name: str
    annotation: Annotation
    required: bool
    has_default: bool
    default: Any = None


@dataclass(slots=True)
class Parameters:
    """The arguments of a field that a function answers.

    ``arguments`` and ``rules`` (who may give an argument) are by GraphQL name, ``converts`` (coerced value → value that
    the function takes) by Python name. ``found`` are the parameters by GraphQL name.
    """

    arguments: dict[str, GraphQLArgument] = field(default_factory=dict)
    converts: dict[str, Convert] = field(default_factory=dict)
    rules: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    found: dict[str, Parameter] = field(default_factory=dict)


def describe_parameters(
    parameters: Iterable[inspect.Parameter], module: str, where: str, arguments: Arguments
) -> Parameters:
    """Describe parameters as arguments; raise DeclarationError for those that cannot be one."""
    described = Parameters()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DeclarationError(f"{where}: parameter {parameter} cannot be an argument")
        if parameter.annotation is parameter.empty:
            raise DeclarationError(f"{where}: parameter {parameter.name!r} has no annotation")
        annotation = arguments.read(parameter.annotation, module)
        label = f"argument {parameter.name!r}"
        graphql, convert = arguments.of(annotation, where, label)
        optional = parameter.default is not parameter.empty
        if optional and isinstance(graphql, GraphQLNonNull):
            graphql, convert = graphql.of_type, not_null(convert, label)
        name, argument = described_argument(annotation.extras, parameter.name, graphql, arguments.conventions, where)
        described.arguments[name] = argument
        described.converts[parameter.name] = convert
        described.rules[name] = tuple(extra for extra in annotation.extras if isinstance(extra, Rule))
        required = not (optional or annotation.nullable)
        described.found[name] = Parameter(
            name=parameter.name, annotation=annotation, required=required, has_default=optional,
            default=parameter.default if optional else None,
        )  # fmt: skip
    return described


def parameters_of(annotations: Mapping[str, Any]) -> list[inspect.Parameter]:
    """Return required parameters of these names and annotations, for a function that does not annotate its own."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(name, kind, annotation=annotation) for name, annotation in annotations.items()]


def calling(function: Callable[..., Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    """Return what calls a function with an Info and arguments, or runs a coroutine to its end.

    What a client may leave out, and the function has no default for, is None.
    """
    _, *others = inspect.signature(function).parameters.values()
    absent = {item.name: None for item in others if item.default is item.empty}

    def call(info: Any, arguments: Mapping[str, Any]) -> Any:
        called = async_to_sync(function) if inspect.iscoroutinefunction(function) else function
        return called(info, **{**absent, **arguments})

    return call
