"""Fields of types over rows that functions compute: described by their signatures.

Computed       an expression that a function makes of the arguments, or a PostgreSQL function of the row
PythonField    a function, or a property of the model, that Python calls for the rows of an answer
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import models

from ..declare.members import FieldOptions
from ..errors import DeclarationError
from ..invalidation.names import register
from .annotations import Annotation
from .arguments import Arguments
from .definition import Computed, Extracted, FieldDef
from .object_types import Output
from .one_value import check_one_value
from .row_functions import RowFunction
from .scalars.postgres import Scalar
from .signatures import Parameters, describe_parameters, parameters_of
from .stand_ins import Making, describe_making, output_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """What a field in Python reads of a row, by the name that Python knows it by.

    It is the model field ``column``, or a field of the type.
    """

    name: str
    column: models.Field[Any, Any] | None = None
    field: Computed | Extracted | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PythonField(FieldDef):
    """A value that Python computes of what it ``requires`` of a row.

    ``resolver`` is called with a row, or with the list of all rows (``of_all``), and the arguments by Python name.
    Where it is None, the value is the ``attribute`` of an instance of the model, which is called if it is a method.
    """

    requires: tuple[Required, ...]
    output: Output
    nullable: bool
    resolver: Callable[..., Any] | None
    of_all: bool = False
    attribute: str = ""
    parameters: Parameters

    @property
    def origin(self) -> Any:
        """The function, or the attribute."""
        return type(self), self.attribute if self.resolver is None else self.resolver


def return_annotation(options: FieldOptions) -> tuple[Any, str] | None:
    """Return the annotation of what a field's function returns, and its module; None where there is none."""
    function = options.resolver
    if function is None:
        return None
    found = inspect.signature(function).return_annotation
    return None if found is inspect.Signature.empty else (found, function.__module__)


# --- expressions ---


def describe_function(
    model: type[models.Model], options: FieldOptions, scalar: Scalar, where: str, arguments: Arguments
) -> Computed:
    """Describe a field whose expression a function makes, or a PostgreSQL function of the row.

    The result has no name yet, and says of its type the leaf alone. Raises DeclarationError.
    """
    if options.function is not None:
        register(options.function, options.reads)
        function: Any = partial(RowFunction, model, options.function, output_field(scalar))
        parameters, module = parameters_of(options.arguments), "builtins"
    else:
        assert options.resolver is not None
        function, module = options.resolver, options.resolver.__module__
        parameters = [_annotated(item, options) for item in inspect.signature(function).parameters.values()]
        if unknown := options.arguments.keys() - {item.name for item in parameters}:
            raise DeclarationError(f"{where}: the function has no parameters {', '.join(sorted(unknown))}")
    described = describe_parameters(parameters, module, where, arguments)
    making = describe_making(function, described, where, arguments)
    if options.function is not None:
        # PostgreSQL knows the defaults
        left_out = {name: replace(argument, is_filled=False) for name, argument in making.arguments.items()}
        making = replace(making, arguments=left_out)
    needs = any(argument.required for argument in making.arguments.values())
    return Computed(
        name="", expression=_sample(model, making, where), scalar=scalar, nullable=True, compared=not needs,
        making=making if making.arguments else None, function=options.function,
    )  # fmt: skip


def _annotated(parameter: inspect.Parameter, options: FieldOptions) -> inspect.Parameter:
    return parameter.replace(annotation=options.arguments.get(parameter.name, parameter.annotation))


def _sample(model: type[models.Model], making: Making, where: str) -> Any:
    """Return the expression for which is given what must be; raise DeclarationError for one that has no one value."""
    try:
        whole = making.call({argument.name: argument.stand_in() for argument in making.arguments.values()})
        expression = making.sample()
    except DeclarationError as error:
        raise DeclarationError(f"{where}: {error}") from error
    except Exception as error:
        raise DeclarationError(
            f"{where}: the function cannot be called for an expression: {type(error).__name__}: {error}"
        ) from error
    for found in (whole, expression):
        check_one_value(model, found, where)
    return expression


# --- Python ---


def describe_python(
    name: str,
    python_name: str,
    options: FieldOptions,
    annotation: Annotation | None,
    requires: Sequence[Required],
    where: str,
    arguments: Arguments,
    model: type[models.Model] | None,
) -> PythonField:
    """Describe a field that Python computes; raise DeclarationError. ``model`` has the property where no function is.

    ``annotation`` is that of the field, or of what the function returns.
    """
    if annotation is None:
        raise DeclarationError(f"{where} has no annotation: Python does not tell the type of its values")
    resolver, of_all, parameters = options.resolver, False, Parameters()
    if resolver is not None:
        signature = [*inspect.signature(resolver).parameters.values()]
        if not signature:
            raise DeclarationError(f"{where} takes no parameter; its first one must be the row, or the list of rows")
        first, *others = signature
        of_all = arguments.read(first.annotation, resolver.__module__).item is not None
        parameters = describe_parameters(others, resolver.__module__, where, arguments)
        if of_all and annotation.item is None:
            raise DeclarationError(f"{where} takes all rows, so it must return a list with a value for each")
        if of_all and annotation.item is not None:
            annotation = annotation.item
    elif not hasattr(model, python_name):
        owner = "the row" if model is None else model.__name__
        raise DeclarationError(
            f"{where} requires columns, but {owner} has no property {python_name!r}; write a function under "
            f"@fraiseql.field(requires=[…])"
        )
    output = arguments.outputs.of(annotation, where)
    if _innermost(output).leaf is None:
        raise DeclarationError(f"{where} returns objects; a field in Python returns values, or lists of them")
    return PythonField(
        name=name, requires=tuple(requires), output=output, nullable=output.nullable, resolver=resolver, of_all=of_all,
        attribute=python_name, parameters=parameters,
    )  # fmt: skip


def _innermost(output: Output) -> Output:
    return output if output.item is None else _innermost(output.item)
