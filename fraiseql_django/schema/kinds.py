"""Kinds of fields: for each class of FieldDef, what the schema shows of it.

A kind stands in one module of ``fraiseql_django.kinds``, which registers it here; what the planner does with its fields
is added there (``planner/kinds.py``). The schema and the planner ask the kind and know no class of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from graphql import GraphQLArgument, GraphQLInputType, GraphQLOutputType

from .conventions import Conventions
from .definition import FieldDef, Shape, TypeDef
from .operators import Comparable

F = TypeVar("F")
S = TypeVar("S", bound=Shape)


class OutputTypes(Protocol):
    """The output types of a schema that is being built."""

    types: Mapping[str, TypeDef]

    def object(self, name: str) -> Any:
        """Return the object type of this name."""
        ...

    def value(self, value: Any) -> Any:
        """Return the object type of a ValueObject."""
        ...

    def output(self, output: Any) -> GraphQLOutputType:
        """Return the type of what a Python function returns, an Output."""
        ...

    @property
    def inputs(self) -> InputTypes:
        """The input types of the same schema."""
        ...


class InputTypes(Protocol):
    """The input types of a schema that is being built."""

    where: Mapping[str, GraphQLInputType]
    order_by: Mapping[str, GraphQLInputType]

    def value_filter(self, scalar: Comparable, dimensions: int) -> GraphQLInputType:
        """Return the filter of values of a leaf type, in so many lists."""
        ...

    def list_filter(self, target: str) -> GraphQLInputType:
        """Return the filter of a list of objects of a type."""
        ...


class SchemaKind(Generic[F]):
    """What the schema shows of one kind of field."""

    def output(self, field: F, types: OutputTypes) -> GraphQLOutputType:
        """Return the GraphQL type of the field."""
        raise NotImplementedError

    def arguments(self, field: F, types: OutputTypes) -> dict[str, GraphQLArgument]:
        """Return the arguments of the field by name."""
        return {}

    def where_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        """Return the type of conditions on the field; None where there are none."""
        return None

    def order_input(self, field: F, inputs: InputTypes) -> GraphQLInputType | None:
        """Return the type of what is written to sort by the field; None where rows cannot be sorted by it."""
        return None

    def comparable(self, field: F) -> Comparable | None:
        """Return the type that the field is compared as; None where it leads to objects."""
        return None

    def is_ordered(self, field: F) -> bool:
        """Whether rows can be sorted by the field's own value."""
        return False

    def sorts_through(self, field: F) -> str | None:
        """Return the name of the type by whose fields rows can be sorted through this one."""
        return None


_kinds: dict[type, SchemaKind[Any]] = {}


def register(definition: type, kind: SchemaKind[Any]) -> None:
    """Let the fields of a class, and of its subclasses, be of a kind."""
    _kinds[definition] = kind


def kind_of(field: Any) -> Any:
    """Return the kind of a field."""
    for cls in type(field).__mro__:
        if cls in _kinds:
            return _kinds[cls]
    raise LookupError(f"no kind is registered for {type(field).__name__}")


Derivation: TypeAlias = Callable[[Shape, Conventions], Iterable[FieldDef]]
_derivations: list[Derivation] = []


def derive(fields: Derivation) -> None:
    """Let a type have the fields that this function makes from its own, where their names are free."""
    _derivations.append(fields)


def with_derived(definition: S, conventions: Conventions) -> S:
    """Return a type with the fields that it has beside its own."""
    derived = {field.name: field for fields in _derivations for field in fields(definition, conventions)}
    own = definition.fields
    added = {name: field for name, field in derived.items() if name not in own}
    return replace(definition, fields={**own, **added}) if added else definition
