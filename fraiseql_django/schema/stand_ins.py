"""What a function that makes an ORM expression is called with: expressions that stand for the values of arguments.

It is called while an operation is planned, and the plan serves all values of the arguments, which are bind parameters.
So the function can compute with them, and cannot decide by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.expressions import BaseExpression

from ..errors import DeclarationError, InvalidInput
from .arguments import Arguments, Convert
from .scalars.encoding import encode_array
from .scalars.postgres import INT, Scalar
from .sent_values import json_of
from .signatures import Parameter, Parameters

# The class of the model field whose values a PostgreSQL type has
_FIELDS: Mapping[str, Callable[[], models.Field[Any, Any]]] = {
    "integer": models.IntegerField,
    "bigint": models.BigIntegerField,
    "numeric": lambda: models.DecimalField(max_digits=1000, decimal_places=500),
    "double precision": models.FloatField,
    "boolean": models.BooleanField,
    "date": models.DateField,
    "timestamp with time zone": models.DateTimeField,
    "time without time zone": models.TimeField,
    "interval": models.DurationField,
    "uuid": models.UUIDField,
    "jsonb": models.JSONField,
    "bytea": models.BinaryField,
    # as that of Value("…")
    "text": models.CharField,
}

# Whether a project's function is being called
_MAKING: ContextVar[bool] = ContextVar("making", default=False)


@contextmanager
def _making() -> Iterator[None]:
    token = _MAKING.set(True)
    try:
        yield
    finally:
        _MAKING.reset(token)


class StandIn(models.Expression):
    """The value of an argument, as a part of an expression; ``source`` is put among the parameters of the SQL."""

    def __init__(self, name: str, cast: str, output_field: Any, source: Any = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name
        self.cast = cast
        self.source = source

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return f"%s::{self.cast}", [self.source]

    def _refuse(self, *args: Any) -> NoReturn:
        raise DeclarationError(
            f"the function decided by the value of the argument {self.name!r}, but it is called once for all values; "
            f"compute with it, and decide in SQL: Case(When(…))"
        )

    def __bool__(self) -> bool:
        # Django asks for it when it compiles
        return self._refuse() if _MAKING.get() else True

    def __eq__(self, other: object) -> bool:
        if _MAKING.get() and not isinstance(other, BaseExpression):
            self._refuse()
        return super().__eq__(other)

    __hash__ = models.Expression.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __int__ = __float__ = __index__ = __len__ = __contains__ = _refuse
    __iter__ = __str__ = __format__ = _refuse


def output_field(scalar: Scalar) -> models.Field[Any, Any]:
    """Return a model field whose values are those of a leaf type."""
    return _FIELDS.get(scalar.cast, models.CharField)()


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of an expression: its Python name, its type, and what checks its value.

    ``is_filled`` says that null stands for it where a client leaves it out, since the function has no default.
    ``default`` is the text of the default that the function has (``has_default``), which stands for it otherwise.
    """

    name: str
    cast: str
    encode: Callable[[Any], str]
    convert: Convert
    output_field: Callable[[], Any]
    required: bool
    is_filled: bool = False
    has_default: bool = False
    default: str | None = None

    @property
    def stands_in(self) -> bool:
        """Whether an expression stands for the value where a client leaves it out."""
        return self.is_filled or self.has_default

    def text(self, value: Any) -> str | None:
        """Return a coerced value as PostgreSQL reads it; raise InvalidInput for one that is not allowed."""
        self.convert(value)
        return None if value is None else self.encode(value)

    def stand_in(self, source: Any = None) -> StandIn:
        """Return what stands for the value."""
        return StandIn(self.name, self.cast, self.output_field(), source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A function that makes an expression, and its ``arguments`` by GraphQL name; ``described`` are the same."""

    function: Callable[..., Any]
    described: Parameters
    arguments: Mapping[str, Argument]

    def call(self, given: Mapping[str, Any]) -> Any:
        """Return the expression for stand-ins, by Python name; raise DeclarationError where there is none."""
        with _making():
            made = self.function(**given)
        if not hasattr(made, "resolve_expression"):
            raise DeclarationError(f"the function returned {made!r}, must be an expression of Django's")
        return made

    def sample(self) -> Any:
        """Return the expression for the arguments that clients must give."""
        return self.call(
            {
                argument.name: argument.stand_in(argument.default)
                for argument in self.arguments.values()
                if argument.required or argument.stands_in
            }
        )


def describe_making(function: Callable[..., Any], described: Parameters, where: str, arguments: Arguments) -> Making:
    """Describe a function that makes an expression; raise DeclarationError for arguments that SQL has no type for."""
    return Making(function=function, described=described, arguments=describe_arguments(described, where, arguments))


def describe_arguments(
    described: Parameters, where: str, arguments: Arguments, *, inputs: bool = False
) -> dict[str, Argument]:
    """Describe arguments, by GraphQL name, as SQL takes them; with ``inputs``, input objects are taken as JSON.

    Raises DeclarationError for those that SQL has no type for.
    """
    return {
        name: _input_argument(parameter, described)
        if inputs and hasattr(parameter.annotation.base, "__fraiseql_input__")
        else _argument(parameter, described, where, arguments)
        for name, parameter in described.found.items()
    }


def _input_argument(parameter: Parameter, described: Parameters) -> Argument:
    convert = described.converts[parameter.name]
    return Argument(
        name=parameter.name, cast="jsonb", encode=lambda value: json_of(convert(value)), convert=convert,
        output_field=models.JSONField, required=parameter.required,
    )  # fmt: skip


def _argument(parameter: Parameter, described: Parameters, where: str, arguments: Arguments) -> Argument:
    name, annotation = parameter.name, parameter.annotation
    item = annotation if annotation.item is None else annotation.item
    known: Scalar | None = None
    if item.item is None and not hasattr(item.base, "__fraiseql_input__"):
        _, known = arguments.outputs.leaf(item.base, where)
    if known is None:
        raise DeclarationError(f"{where}: the argument {name!r} must have a type that SQL has, or be a list of such")
    # what functions of PostgreSQL take
    cast = "integer" if known.graphql is INT.graphql else known.cast
    field = _FIELDS.get(cast, models.CharField)
    if annotation.item is None:
        encode, output = known.encode, field
    else:
        encode, output = _list(known.encode), lambda: ArrayField(field())
        cast += "[]"
    return Argument(
        name=name, cast=cast, encode=encode, convert=described.converts[name], output_field=output,
        required=parameter.required,
        is_filled=not (parameter.required or parameter.has_default),
        **_default(parameter, encode, where),
    )  # fmt: skip


def _default(parameter: Parameter, encode: Callable[[Any], str], where: str) -> dict[str, Any]:
    """Return what stands for an argument that has a default; a default that is an expression stands for itself."""
    value = parameter.default
    if not parameter.has_default or hasattr(value, "resolve_expression"):
        return {}
    items = [_value(item) for item in value] if isinstance(value, (list, tuple)) else _value(value)
    try:
        text = None if value is None else encode(items)
    # whatever the type makes of a value that it does not have
    except (InvalidInput, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DeclarationError(f"{where}: the default of {parameter.name!r} is {value!r}: {error}") from error
    return {"has_default": True, "default": text}


def _value(item: Any) -> Any:
    return item.value if isinstance(item, Enum) else item


def _list(encode: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda values: encode_array([None if value is None else encode(value) for value in values])
