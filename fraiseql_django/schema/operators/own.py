"""Operators that a project declares: functions → operators of the table."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db.models import Value
from graphql import GraphQLSchema, Undefined, ast_from_value, is_leaf_type, value_from_ast

from ...declare.registry import OperatorDeclaration, Registry
from ...errors import DeclarationError
from ..annotations import Annotation, read, scalar
from ..django_fields import SCALARS
from ..scalars import postgres
from ..scalars.composite import RANGES
from .base import Argument, Comparable, Entry, Operator, Takes
from .table import NEGATION, OperatorTable

_BRACES = re.compile(r"\{(\w+)\}")


def own_operators(registry: Registry, built_in: OperatorTable, problems: list[str]) -> list[Entry]:
    """Return the operators of a registry; add what is wrong with them to the problems."""
    found: list[Entry] = []
    for declaration in registry.operators:
        try:
            found += _described(declaration, registry, built_in)
        except DeclarationError as error:
            problems.append(f"the operator {declaration.name!r}, {declaration.location}: {error}")
    return found


def check_types(registry: Registry, schema: GraphQLSchema) -> None:
    """Raise DeclarationError for operators of types that are neither in the schema nor built in."""
    known = {
        *(name for name, found in schema.type_map.items() if is_leaf_type(found) and not name.startswith("__")),
        *(found.name for found in vars(postgres).values() if isinstance(found, postgres.Scalar)),
        *(written.name for _, written in RANGES.values()),
    }
    problems = [
        f"the operator {declaration.name!r}, {declaration.location}: for_ names {name!r}, must be one of: "
        f"{', '.join(sorted(known))}"
        for declaration in registry.operators
        for name in declaration.for_
        if name.strip("[]") not in known
    ]
    if problems:
        raise DeclarationError("\n".join(problems))


def _described(declaration: OperatorDeclaration, registry: Registry, built_in: OperatorTable) -> Iterator[Operator]:
    parameters = list(inspect.signature(declaration.function).parameters.values())
    if len(parameters) < 2:
        raise DeclarationError("it takes no operand; give it two parameters at least, the column and the operand")
    column, *operands = parameters
    names = declaration.for_ or tuple(_types_of(_annotation(column, declaration, registry)))
    if declaration.name == NEGATION:
        raise DeclarationError(f"{NEGATION!r} is the negation of filters; give it another name with name=…")
    arguments = {parameter.name: _argument(parameter, declaration, registry) for parameter in operands}
    _try(declaration, arguments)
    taken = [entry.name for entry in built_in.entries if entry.name == declaration.name and _has_one(entry, names)]
    if taken:
        raise DeclarationError(
            f"{' and '.join(names)} has a built-in operator of this name; give it another name with name=…"
        )
    single = len(operands) == 1
    ((parameter, argument), *_) = arguments.items()
    assert argument.scalar is not None
    own = argument.scalar
    yield Operator(
        name=declaration.name,
        sql=declaration.function,
        description=declaration.description or "An operator of the project's own.",
        takes=(Takes.LIST if argument.items else Takes.ONE) if single else Takes.NAMED,
        named={} if single else arguments,
        operand=(lambda scalar: own) if single else None,
        parameter=parameter,
        for_=lambda scalar, dimensions: _written(scalar, dimensions) in names,
        strict=declaration.strict,
        may_fail=declaration.may_fail,
        extension=declaration.extension,
        cost=declaration.cost,
    )


def _written(scalar: Comparable, dimensions: int) -> str:
    return "[" * dimensions + scalar.name + "]" * dimensions


def _has_one(entry: Entry, names: tuple[str, ...]) -> bool:
    return any(entry.for_(known, dimensions) for known, dimensions in map(_probe, names) if known is not None)


def _probe(name: str) -> tuple[Any, int]:
    """Return a leaf type of this name, as far as it is one of Python's annotations."""
    bare = name.strip("[]")
    known = {item.name: item for item in SCALARS.values()}
    return known.get(bare), name.count("[")


def _annotation(parameter: inspect.Parameter, declaration: OperatorDeclaration, registry: Registry) -> Annotation:
    if parameter.annotation is inspect.Parameter.empty:
        raise DeclarationError(f"annotate its parameter {parameter.name!r}, or name the types of columns with for_=…")
    return read(parameter.annotation, declaration.function.__module__, registry, unions=True)


def _types_of(annotation: Annotation) -> Iterator[str]:
    for member in annotation.members or (annotation,):
        item, dimensions = member, 0
        while item.item is not None:
            item, dimensions = item.item, dimensions + 1
        known = scalar(item.base)
        if known is None:
            raise DeclarationError(f"{item.base!r} is no type of values; name the types of columns with for_=…")
        yield _written(known, dimensions)


def _argument(parameter: inspect.Parameter, declaration: OperatorDeclaration, registry: Registry) -> Argument:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise DeclarationError(f"its parameter {parameter.name!r} cannot be given by name")
    annotation = _annotation(parameter, declaration, registry)
    item = annotation.item or annotation
    known = None if annotation.members or item.item is not None else scalar(item.base)
    if known is None:
        raise DeclarationError(
            f"its parameter {parameter.name!r} is annotated {parameter.annotation!r}, which is no value"
        )
    argument = Argument(scalar=known, items=annotation.item is not None, description=f"The operand {parameter.name}.")
    if parameter.default is inspect.Parameter.empty:
        return argument
    return replace(argument, filled=_default(argument, parameter))


def _default(argument: Argument, parameter: inspect.Parameter) -> Any:
    """Return the default of an operand as clients would give it."""
    if parameter.default is None:
        return None
    graphql = argument.input().type.of_type  # type: ignore[union-attr]
    try:
        written = ast_from_value(parameter.default, graphql)
        value = Undefined if written is None else value_from_ast(written, graphql)
    # a type of values may raise anything for what is none of its own
    except Exception:
        value = Undefined
    if value is Undefined:
        raise DeclarationError(f"the default of {parameter.name!r} is {parameter.default!r}, which is no {graphql}")
    return value


def _try(declaration: OperatorDeclaration, arguments: dict[str, Argument]) -> None:
    """Call the function, to find what is wrong before a client does."""
    try:
        made = declaration.function(Value(None), **{name: Value(None) for name in arguments})
    # it is the project's, and may raise anything
    except Exception as error:
        raise DeclarationError(f"it raised {type(error).__name__}: {error}") from error
    if isinstance(made, str):
        unknown = {*_BRACES.findall(made)} - {"column", *arguments}
        if unknown:
            known = ", ".join(["{column}", *(f"{{{name}}}" for name in arguments)])
            raise DeclarationError(f"its SQL names {{{sorted(unknown)[0]}}}, which it has not; it has {known}")
    elif not hasattr(made, "resolve_expression"):
        raise DeclarationError(f"it returned {made!r}, must return SQL or an ORM expression")
