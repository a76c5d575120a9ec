"""Parameters of a project's functions → arguments of a GraphQL field."""

from __future__ import annotations

import enum
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLArgument, GraphQLID, GraphQLNonNull

from .._compat import parse_input
from ..coroutines import is_coroutine_function, synchronous
from ..declare.registry import UNSET
from ..declare.rules import Rule
from ..errors import DeclarationError
from .annotations import Annotation
from .argument_options import described_argument
from .arguments import Arguments, Convert, not_null
from .output_values import leaf_text
from .scalars.graphql import JSON, UPLOAD


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
        if optional and parameter.default is not None:
            _check_default(parameter, annotation, convert, where, arguments)
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


def _check_default(
    parameter: inspect.Parameter, annotation: Annotation, convert: Convert, where: str, arguments: Arguments
) -> None:
    """Raise DeclarationError for a default that is not of the annotated type, or violates its constraints."""
    value = parameter.default
    if value is UNSET or hasattr(value, "resolve_expression") or _is_input(annotation):
        return
    try:
        _check_type(value, annotation, where, arguments)
        convert(value)
    # whatever a type or a validator makes of it
    except Exception as error:
        raise DeclarationError(f"{where}: the default of {parameter.name!r} is {value!r}: {error}") from error


def _is_input(annotation: Annotation) -> bool:
    return hasattr(annotation.base, "__fraiseql_input__") if annotation.item is None else _is_input(annotation.item)


def _check_type(value: Any, annotation: Annotation, where: str, arguments: Arguments) -> None:
    if value is None and annotation.nullable:
        return
    if annotation.item is not None:
        if not isinstance(value, (list, tuple)):
            raise TypeError("it is no list")
        for item in value:
            _check_type(item, annotation.item, where, arguments)
        return
    leaf, known = arguments.outputs.leaf(annotation.base, where)
    is_enum = inspect.isclass(annotation.base) and issubclass(annotation.base, enum.Enum)
    if leaf is UPLOAD or is_enum or (known is not None and known.declared is not None):
        return
    text = leaf_text(leaf, value, False)
    if leaf in (JSON, GraphQLID):
        return
    # what clients would write for it has the class that the function expects
    parsed = parse_input(leaf)(json.loads(text))
    if not isinstance(value, type(parsed)) and parsed != value:
        raise TypeError(f"it is a {type(value).__name__}, not a {type(parsed).__name__}")


def parameters_of(annotations: Mapping[str, Any]) -> list[inspect.Parameter]:
    """Return required parameters of these names and annotations, for a function that does not annotate its own."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(name, kind, annotation=annotation) for name, annotation in annotations.items()]


def calling(function: Callable[..., Any]) -> Callable[[Any, Mapping[str, Any]], Any]:
    """Return what calls a function with an Info and arguments, or runs a coroutine to its end.

    What a client may leave out, and the function has no default for, is None.
    """
    absent, called = _absent(function), synchronous(function)

    def call(info: Any, arguments: Mapping[str, Any]) -> Any:
        return called(info, **{**absent, **arguments})

    return call


def waiting(function: Callable[..., Any]) -> Callable[[Any, Mapping[str, Any]], Awaitable[Any]] | None:
    """Return what calls a coroutine function with an Info and arguments, to be awaited; None for other functions."""
    if not is_coroutine_function(function):
        return None
    absent = _absent(function)

    def call(info: Any, arguments: Mapping[str, Any]) -> Awaitable[Any]:
        awaited: Awaitable[Any] = function(info, **{**absent, **arguments})
        return awaited

    return call


def _absent(function: Callable[..., Any]) -> dict[str, None]:
    """Return what a function is given for parameters without a default that a client may leave out."""
    _, *others = inspect.signature(function).parameters.values()
    return {item.name: None for item in others if item.default is item.empty}
