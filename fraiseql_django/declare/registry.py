"""The declarations of types and mutations, kept until a schema is built from them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final, Literal, NewType, TypeVar

from django.db import models

from ..errors import DeclarationError
from .rules import RowRule
from .sources import Source

_C = TypeVar("_C", bound=type)

ID = NewType("ID", str)
"""Annotates an argument or a field that is a key."""
BigInt = NewType("BigInt", int)
"""Annotates a whole number of up to 64 bits."""
JSON = NewType("JSON", object)
"""Annotates any JSON value."""


class Auto:
    """The type of ``auto``."""

    def __repr__(self) -> str:
        return "fraiseql_django.auto"


auto: Final[Any] = Auto()
"""Annotates a field whose type is that of the model's field."""


class Unset:
    """The type of ``UNSET``."""

    def __repr__(self) -> str:
        return "fraiseql_django.UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final[Any] = Unset()
"""The value of an input's field that the client did not write, which null is not."""


def check_cost(cost: float) -> float:
    """Return the declared cost of a field, a row or a mutation; raise DeclarationError unless it is a number ≥ 0."""
    if isinstance(cost, bool) or not isinstance(cost, (int, float)) or not 0 <= cost < math.inf:
        raise DeclarationError(f"cost is {cost!r}, must be a number of 0 or more")
    return cost


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """The arguments of ``field(…)`` or ``relation(…)``."""

    expression: Any = None
    name: str | None = None
    column: str | None = None
    description: str | None = None
    deprecation: str | None = None
    # of relation(…)
    key: str | None = None
    to: str | None = None
    permission: Any = None
    mask: bool = False
    cost: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDeclaration:
    """The arguments of ``@type`` and the class under it; over a source, the model is one that stands for it."""

    cls: type
    model: type[models.Model]
    source: Source | None = None
    name: str
    description: str | None
    fields: Collection[str] | Literal["__all__"] | None
    exclude: Collection[str]
    queries: Collection[str] | Mapping[str, Any]
    single: str | None
    plural: str | None
    primary: bool
    rows: RowRule | None = None
    permission: Any = None
    mask: bool = False
    row_cost: float = 0

    @property
    def options(self) -> Mapping[str, FieldOptions]:
        """The options of fields, by Python name."""
        return {name: value for name, value in vars(self.cls).items() if isinstance(value, FieldOptions)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDeclaration:
    """A class of annotations that is an object type of its own, over no table.

    Its values are objects of the class in Python, or JSON objects. ``options`` are those of its fields, by Python
    name; ``failed`` says that a mutation that returns one has failed.
    """

    cls: type
    name: str
    description: str | None
    options: Mapping[str, FieldOptions]
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationDeclaration:
    """What all declared mutations have: name and description in GraphQL, who may run it, and what it costs.

    Each kind of mutation is a subclass, for which ``schema.arguments.describe_mutation`` is registered.
    """

    name: str | None = None
    description: str | None = None
    deprecation: str | None = None
    permission: Any = None
    cost: float = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonMutation(MutationDeclaration):
    """``@mutation`` over a Python function; where it is ``repeatable``, it may be called again after a deadlock."""

    function: Callable[..., Any]
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMutation(MutationDeclaration):
    """``@mutation(function=…)`` over a class: a PostgreSQL function, called with the class's input."""

    cls: type
    function: str
    schema: str | None
    context_params: Mapping[str, str]
    named_arguments: bool
    enable_cascade: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDeclaration:
    """The description of an input; dataclass replaces a missing docstring by one of its own."""

    description: str | None


@dataclass(slots=True)
class Registry:
    """All declarations, in order, and the errors of modules whose declarations could not be imported."""

    types: list[TypeDeclaration] = dataclass_field(default_factory=list)
    mutations: list[MutationDeclaration] = dataclass_field(default_factory=list)
    problems: list[str] = dataclass_field(default_factory=list)

    def named(self, name: str) -> TypeDeclaration | None:
        """Return the type with this name, its own or its class's."""
        for declaration in self.types:
            if name in (declaration.name, declaration.cls.__name__):
                return declaration
        return None


default_registry = Registry()


def declare_object(cls: _C, name: str | None = None, description: str | None = None, *, failed: bool = False) -> _C:
    """Make a class of annotations a dataclass with keyword arguments, and declare it as an object type."""
    described = description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None)
    options = {key: value for key, value in vars(cls).items() if isinstance(value, FieldOptions)}
    for key in options:
        # the options of a field are not its default value
        delattr(cls, key)
    made: Any = dataclass(kw_only=True)(cls)
    made.__fraiseql_object__ = ObjectDeclaration(
        cls=made, name=name or cls.__name__, description=described, options=options, failed=failed
    )
    return cls
