"""``for_schema``: the declarations of one schema among several.

    public = fraiseql.for_schema("public")

    @public.type(Book, fields=["title"])
    class PublicBook: ...

``FRAISEQL["SCHEMAS"]`` has the schema's settings, ``GraphQLView.as_view(schema="public")`` serves it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar, overload

from . import bulk, model_mutations
from .abstract import interface, union
from .mutations import mutation
from .registry import Registry, default_registry
from .scalars import scalar
from .types import type_

_C = TypeVar("_C", bound=type)
_D = TypeVar("_D", bound=Callable[..., Any])


class ClassDecorator(Protocol):
    """A decorator of classes with arguments."""

    def __call__(self, *arguments: Any, **options: Any) -> Callable[[_C], _C]: ...


class Decorator(Protocol):
    """A decorator of functions and classes, with arguments or without."""

    @overload
    def __call__(self, declared: _D, /) -> _D: ...
    @overload
    def __call__(self, **options: Any) -> Callable[[_D], _D]: ...


class SchemaDeclarations:
    """The decorators and functions of the package that declare something in a schema, bound to one schema.

    ``registry`` has what is declared. What belongs to no schema, such as inputs and results of mutations, is declared
    by the package's own decorators, and is in every schema that uses it.
    """

    type: ClassDecorator
    types: Callable[..., bulk.DeclaredTypes]
    interface: Callable[..., Any]
    union: Callable[..., Any]
    mutation: Decorator
    create: Callable[..., Any]
    update: Callable[..., Any]
    delete: Callable[..., Any]
    upsert: Callable[..., Any]
    scalar: Callable[..., Any]

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        bound: Any = lambda function: partial(function, registry=registry)  # noqa: E731
        self.type, self.types, self.mutation = bound(type_), bound(bulk.types), bound(mutation)
        self.interface, self.union = bound(interface), bound(union)
        self.create, self.update = bound(model_mutations.create), bound(model_mutations.update)
        self.scalar = bound(scalar)
        self.delete, self.upsert = bound(model_mutations.delete), bound(model_mutations.upsert)

    def __repr__(self) -> str:
        return f"<declarations of the schema {self.registry.name!r}>"


_registries: dict[str | None, Registry] = {None: default_registry}


def registry_of(name: str | None) -> Registry:
    """Return the registry of a schema in ``FRAISEQL["SCHEMAS"]``, or that of the project's own schema."""
    return _registries.setdefault(name, Registry(name=name))


def declared_schemas() -> list[str]:
    """Return the names of the schemas in which something is declared."""
    return [name for name, registry in _registries.items() if name is not None and not registry.is_empty]


def for_schema(name: str) -> SchemaDeclarations:
    """Return the decorators that declare types and mutations of a schema in ``FRAISEQL["SCHEMAS"]``.

    Several modules may call it with one name. A name that the setting does not have is reported by the system checks.
    """
    return SchemaDeclarations(registry_of(name))
