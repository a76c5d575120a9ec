"""What fields have in common whose values are leaves, or lists of them."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType

from ..planner.kinds import ValueKind
from ..schema.kinds import OutputTypes
from ..schema.operators import Comparable
from ..schema.scalars.postgres import Scalar


class ScalarField(Protocol):
    """A field with a leaf type; ``dimensions`` counts the lists around it."""

    @property
    def scalar(self) -> Scalar:
        """The leaf type."""
        ...

    @property
    def dimensions(self) -> int:
        """How many lists are around a value."""
        ...

    @property
    def nullable(self) -> bool:
        """Whether the field may be null."""
        ...

    @property
    def nullable_items(self) -> bool:
        """Whether an item of the innermost list may be null."""
        ...


F = TypeVar("F", bound=ScalarField)


class ScalarKind(ValueKind[F]):
    """Fields with a leaf type."""

    def output(self, field: F, types: OutputTypes) -> GraphQLOutputType:
        graphql: Any = field.scalar.graphql
        for level in range(field.dimensions):
            nullable = field.nullable_items if level == 0 else False
            graphql = GraphQLList(graphql if nullable else GraphQLNonNull(graphql))
        return graphql if field.nullable else GraphQLNonNull(graphql)

    def comparable(self, field: F) -> Comparable | None:
        return field.scalar if field.scalar.comparable else None
