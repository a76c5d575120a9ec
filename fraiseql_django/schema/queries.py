"""Root fields of Query that functions answer, described by their signatures."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from graphql import GraphQLArgument

from ..declare.names import check_name, pascal_case
from ..declare.registry import QueryDeclaration
from ..errors import DeclarationError
from ..invalidation.names import register
from .annotations import read
from .arguments import Arguments, CallDef
from .definition import FieldDef
from .object_types import Output
from .protection import call_permission
from .signatures import Parameters, calling, describe_parameters, waiting
from .source_types import Shapes
from .stand_ins import Argument, describe_arguments

# The arguments of a list of rows, which no argument of a function can have
OF_LISTS = ("where", "orderBy", "distinctOn", "limit", "offset")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowsAnswer:
    """What a function's rows are: of the type ``target``, one or ``many``."""

    target: str
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueryDef(CallDef):
    """A root field that a function in Python answers; ``rows`` is None where what it returns is written by Python.

    ``perform`` takes an ``Info``. ``waits`` is the same for a coroutine function, to be awaited.
    """

    rows: RowsAnswer | None
    waits: Callable[[Any, Mapping[str, Any]], Awaitable[Any]] | None = None
    word: ClassVar[str] = "query"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionDef(FieldDef):
    """A root field that a function of PostgreSQL answers.

    ``arguments`` are by GraphQL name, ``described`` the same, ``context_params`` others by names of values of the
    context. Its value is ``output``: rows, leaves, or objects in JSON of the type ``shape``.
    """

    function: str
    arguments: Mapping[str, Argument]
    described: Parameters
    context_params: Mapping[str, str]
    volatile: bool
    output: Output
    rows: RowsAnswer | None
    shape: str | None = None

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return self.output.item is not None

    @property
    def nullable(self) -> bool:
        """Whether it may be null."""
        return self.output.nullable


def describe_query(declaration: QueryDeclaration, arguments: Arguments, shapes: Shapes) -> QueryDef | FunctionDef:
    """Describe a declared query; raise DeclarationError. ``shapes`` are those of objects in JSON."""
    function = declaration.function
    where = f"query {function.__name__}"
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    in_python = declaration.database_function is None
    if in_python and not parameters:
        raise DeclarationError(f"{where} takes no parameter; its first one must be the Info")
    if signature.return_annotation is signature.empty:
        raise DeclarationError(f"{where} has no return annotation")
    described = describe_parameters(parameters[1:] if in_python else parameters, function.__module__, where, arguments)
    name = check_name(declaration.name or arguments.conventions.name(function.__name__), where)
    annotation = read(signature.return_annotation, function.__module__, arguments.registry, unions=in_python)
    output = arguments.outputs.of(annotation, where, f"{pascal_case(name)}Result" if in_python else None)
    rows = _rows(output, arguments, of_sources=not in_python)
    if rows is not None and rows.many:
        _check_names(described.arguments, where)
    about: dict[str, Any] = {
        "name": name,
        "description": declaration.description or inspect.getdoc(function),
        "deprecation": declaration.deprecation,
        "permission": call_permission(declaration, arguments.conventions, where),
        "cost": declaration.cost,
        "cache": declaration.cache,
        "output": output,
        "rows": rows,
    }
    if in_python:
        return QueryDef(
            arguments=described.arguments, converts=described.converts, argument_rules=described.rules,
            perform=calling(function), waits=waiting(function), **about,
        )  # fmt: skip
    return _of_database(declaration, described, where, arguments, shapes, about)


def _of_database(
    declaration: QueryDeclaration, described: Parameters, where: str, arguments: Arguments, shapes: Shapes, about: Any
) -> FunctionDef:
    output: Output = about["output"]
    value = output if output.item is None else output.item
    if value.item is not None or (value.leaf is not None and value.scalar is None):
        raise DeclarationError(f"{where} returns what a PostgreSQL function does not; annotate values, rows or objects")
    names = {parameter.name for parameter in described.found.values()}
    if both := sorted(names.intersection(declaration.context_params.values())):
        raise DeclarationError(f"{where} passes {', '.join(both)} from the context, so it must not be a parameter too")
    shape = shapes.target(value.types[0], where) if value.types and about["rows"] is None else None
    register(str(declaration.database_function), declaration.reads)
    return FunctionDef(
        function=str(declaration.database_function),
        arguments=describe_arguments(described, where, arguments, inputs=True),
        described=described,
        context_params=declaration.context_params,
        volatile=declaration.volatile,
        shape=shape,
        **about,
    )


def _rows(output: Output, arguments: Arguments, *, of_sources: bool) -> RowsAnswer | None:
    """Return the type of the rows that a function answers with; None where Python or JSON holds what it returns.

    No instances in Python stand for rows of sources.
    """
    value = output if output.item is None else output.item
    if len(value.types) != 1 or (output.item is not None and value.nullable):
        return None
    declared = next((item for item in arguments.registry.types if item.name == value.types[0]), None)
    if declared is None or (declared.source is not None and not of_sources):
        return None
    return RowsAnswer(target=declared.name, many=output.item is not None)


def _check_names(arguments: Mapping[str, GraphQLArgument], where: str) -> None:
    if taken := [name for name in arguments if name in OF_LISTS]:
        raise DeclarationError(
            f"{where} has an argument {', '.join(map(repr, taken))}, which every list of rows has of its own "
            f"({', '.join(OF_LISTS)}); give it another name"
        )
