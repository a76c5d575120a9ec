"""``for_schema``: the declarations of one schema among several.

    public = fraiseql.for_schema("public")

    @public.type(Book, fields=["title"])
    class PublicBook: ...

``FRAISEQL["SCHEMAS"]`` has the schema's settings, ``GraphQLView.as_view(schema="public")`` serves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from . import bulk, model_mutations
from .abstract import interface, union
from .mutations import mutation
from .operators import operator
from .queries import query
from .registry import Registry, default_registry
from .scalars import scalar
from .types import type_

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "type": type_,
    "types": bulk.types,
    "interface": interface,
    "union": union,
    "query": query,
    "mutation": mutation,
    "create": model_mutations.create,
    "update": model_mutations.update,
    "delete": model_mutations.delete,
    "upsert": model_mutations.upsert,
    "scalar": scalar,
    "operator": operator,
}


class SchemaDeclarations:
    """The decorators and functions of the package that declare something in a schema, bound to one schema.

    ``registry`` has what is declared. What belongs to no schema, such as inputs and results of mutations, is declared
    by the package's own decorators, and is in every schema that uses it.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        if TYPE_CHECKING:
            # with the signatures of the package's own, which partial objects do not have for type checkers
            self.type, self.types, self.interface, self.union = type_, bulk.types, interface, union
            self.query, self.mutation = query, mutation
            self.create, self.update = model_mutations.create, model_mutations.update
            self.delete, self.upsert = model_mutations.delete, model_mutations.upsert
            self.scalar, self.operator = scalar, operator
        else:
            for name, function in _FUNCTIONS.items():
                setattr(self, name, partial(function, registry=registry))

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
