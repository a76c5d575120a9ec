"""Holes in the SQL, and what fills them.

A Param stands in an ORM expression like a value; compiled, it is ``%s::type`` with a Hole among the
parameters. At execution each Hole is asked for its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Expression, Field, TextField
from graphql import Node

from ..errors import InvalidInput, LimitExceeded
from .arguments import Leaf, Variables


class Hole:
    """One parameter of a plan: where its value comes from, and how PostgreSQL reads it.

    ``where`` names it in errors, ``where.price.gte``, and ``node`` is where it stands in the document.
    """

    __slots__ = ("encode", "fetch", "node", "text", "where")

    def __init__(
        self,
        fetch: Callable[[Variables], Any],
        encode: Callable[[Any], str | None],
        where: str,
        *,
        constant: bool = False,
        node: Node | None = None,
    ) -> None:
        self.fetch = fetch
        self.encode = encode
        self.where = where
        self.node = node
        # a literal of the document is the same at every execution
        self.text: str | None = self.fill({}) if constant else None
        if constant:
            text = self.text
            self.fetch, self.encode = (lambda variables: text), (lambda value: value)

    def fill(self, variables: Variables) -> str | None:
        """Return the text of the parameter; raise InvalidInput that names it where there is none."""
        try:
            return self.encode(self.fetch(variables))
        except InvalidInput as error:
            raise InvalidInput(f"{self.where}: {error.message}.", nodes=self._nodes, code=error.code) from None
        except LimitExceeded as error:
            error.nodes = self._nodes
            raise

    @property
    def _nodes(self) -> list[Node]:
        return [] if self.node is None else [self.node]


def hole(leaf: Leaf, encode: Callable[[Any], str | None], where: str) -> Hole:
    """Make the hole that a resolved argument fills."""
    return Hole(leaf.fetch, encode, where, constant=leaf.constant, node=leaf.node)


class Param(Expression):
    """A value that is bound at execution, as a part of an ORM expression."""

    def __init__(self, source: Hole, cast: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field or TextField())
        self.source = source
        self.cast = cast

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return f"%s::{self.cast}", [self.source]
