"""Declarations: what a project says of its types and mutations, kept until the schema is built from them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final, Literal, NewType, TypeVar, dataclass_transform, overload

from django.db import models

from ..errors import DeclarationError

_C = TypeVar("_C", bound=type)
_F = TypeVar("_F", bound=Callable[..., Any])

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
"""Annotates a field whose type the model knows."""


class Unset:
    """The type of ``UNSET``."""

    def __repr__(self) -> str:
        return "fraiseql_django.UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final[Any] = Unset()
"""The value of an input's field that the client did not write, which null is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """What ``field(...)`` was given."""

    expression: Any = None
    name: str | None = None
    description: str | None = None
    deprecation: str | None = None


def field(
    expression: Any = None,
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
) -> Any:
    """Say more of a field than its annotation does.

    ``expression`` is an ORM expression over the type's model: the field's value is computed in SQL.
    ``name`` is the field's name in GraphQL, as it is; ``deprecation`` is why clients should leave it.
    """
    return FieldOptions(expression=expression, name=name, description=description, deprecation=deprecation)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDeclaration:
    """What ``@type`` was given, with the class under it."""

    cls: type
    model: type[models.Model]
    name: str
    description: str | None
    fields: Collection[str] | Literal["__all__"] | None
    exclude: Collection[str]
    queries: Collection[str]
    single: str | None
    plural: str | None
    primary: bool

    @property
    def options(self) -> Mapping[str, FieldOptions]:
        """What ``field(...)`` says of each field, by Python name."""
        return {name: value for name, value in vars(self.cls).items() if isinstance(value, FieldOptions)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationDeclaration:
    """What ``@mutation`` was given, with the function under it."""

    function: Callable[..., Any]
    name: str | None
    description: str | None
    deprecation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDeclaration:
    """What ``@input`` found; dataclass replaces a missing docstring by one of its own."""

    description: str | None


@dataclass(slots=True)
class Registry:
    """Everything that was declared, in order, and what kept a module's declarations from being read."""

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

QUERIES = ("single", "plural")


def type_(
    model: type[models.Model],
    *,
    name: str | None = None,
    description: str | None = None,
    fields: Collection[str] | Literal["__all__"] | None = None,
    exclude: Collection[str] = (),
    queries: Collection[str] = QUERIES,
    single: str | None = None,
    plural: str | None = None,
    primary: bool = False,
    registry: Registry = default_registry,
) -> Callable[[_C], _C]:
    """Declare a GraphQL type over a model.

    Which fields it has is said by annotations in the class, by ``fields`` (names, or ``"__all__"``), or by
    ``exclude`` (all but these). ``name`` is the class's name without a trailing "Type" by default.
    ``queries`` are the root fields that it gets: "single" (one row by its key) and "plural" (a list);
    ``single`` and ``plural`` name them. Of several types over one model, the ``primary`` one is what
    relations lead to that name no type.

    Raises DeclarationError where the arguments contradict each other.
    """
    # Model itself has no _meta
    meta = getattr(model, "_meta", None) if inspect.isclass(model) and issubclass(model, models.Model) else None
    if meta is None or meta.abstract:
        raise DeclarationError(f"@type takes a Django model that has a table, not {model!r}")
    if isinstance(fields, str) and fields != "__all__":
        raise DeclarationError(f"fields is {fields!r}, must be a list of names or '__all__'")
    if isinstance(exclude, str):
        raise DeclarationError(f"exclude is {exclude!r}, must be a list of names")
    if exclude and fields not in (None, "__all__"):
        raise DeclarationError(f"exclude={exclude!r} goes with all fields, not with fields={fields!r}; give one")
    unknown = set(queries) - set(QUERIES)
    if isinstance(queries, str) or unknown:
        raise DeclarationError(f"queries is {queries!r}, must be a list of: {', '.join(map(repr, QUERIES))}")

    def declare(cls: _C) -> _C:
        declaration = TypeDeclaration(
            cls=cls,
            model=model,
            name=name or cls.__name__.removesuffix("Type") or cls.__name__,
            description=description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None),
            fields=fields,
            exclude=exclude,
            queries=queries,
            single=single,
            plural=plural,
            primary=primary,
        )
        if fields is None and not exclude and not inspect.get_annotations(cls):
            raise DeclarationError(
                f"{cls.__name__} has no fields: annotate some (`title: fraiseql.auto`), "
                f"or give @type fields=[…], fields='__all__' or exclude=[…]"
            )
        registry.types.append(declaration)
        cls.__fraiseql_type__ = declaration  # type: ignore[attr-defined]
        return cls

    return declare


@overload
def mutation(function: _F, /) -> _F: ...
@overload
def mutation(
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    registry: Registry = default_registry,
) -> Callable[[_F], _F]: ...
def mutation(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    registry: Registry = default_registry,
) -> Any:
    """Declare a root field of Mutation that a Python function answers.

    The function's first parameter is given an ``Info``; the others are the field's arguments, typed by
    their annotations. It returns what its own annotation says: an instance of a declared type's model
    (its selection is then read in one statement), a list of them, or a plain value.
    """

    def declare(function: _F) -> _F:
        registry.mutations.append(
            MutationDeclaration(function=function, name=name, description=description, deprecation=deprecation)
        )
        return function

    return declare if function is None else declare(function)


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def input_(cls: _C) -> _C:
    """Declare an input type: a class of annotations, made a dataclass whose instances mutations are given.

    A field with a default may be left out by clients; ``UNSET`` as the default tells left out from null.
    """
    description = inspect.cleandoc(cls.__doc__) if cls.__doc__ else None
    declared: Any = dataclass(kw_only=True)(cls)
    declared.__fraiseql_input__ = InputDeclaration(description=description)
    return cls
