"""What a mutation from a type writes: columns, and relations with the ways in which they may change.

Fields ── values ──> Value     a column, with what it takes from a client
          links  ──> Link      a relation; ``create`` are the Fields of the objects that it may make
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models

from ..errors import DeclarationError
from .relations import AnyModelField

WAYS = ("connect", "create", "disconnect", "set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """What ``nested(...)`` was given."""

    name: str
    ways: frozenset[str]
    create: tuple[str | Nested, ...]


def nested(
    name: str,
    *,
    connect: bool = False,
    create: Sequence[str | Nested] = (),
    disconnect: bool = False,
    set: bool = False,
) -> Nested:
    """Let clients write through a relation, in the ways that are named.

    ``connect`` refers to objects that exist, ``create`` makes them, from these fields, which may be nested in
    turn; ``disconnect`` lets go of some, ``set`` says which ones there are, and lets go of all others.

    Raises DeclarationError where no way is named, or ``create`` is no list.
    """
    if isinstance(create, str) or not all(isinstance(item, (str, Nested)) for item in create):
        raise DeclarationError(f"nested({name!r}): create is {create!r}, must be a list of names or nested(…)")
    given = {"connect": connect, "create": bool(create), "disconnect": disconnect, "set": set}
    ways = frozenset(way for way in WAYS if given[way])
    if not ways:
        raise DeclarationError(f"nested({name!r}) allows nothing: give it connect, create, disconnect or set")
    return Nested(name=name, ways=ways, create=tuple(create))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """A column that clients give.

    ``name`` is Python's, ``key`` GraphQL's; ``prepare`` turns what GraphQL coerced into what the model takes, and
    raises InvalidInput for what PostgreSQL cannot hold.
    """

    name: str
    key: str
    field: models.Field[Any, Any]
    annotation: Any
    required: bool
    nullable: bool
    prepare: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyPart:
    """A column of a key, and the argument that clients give it by.

    ``parse`` turns what they give into the stored value, None for what no key can be.
    """

    name: str
    column: str
    annotation: Any
    parse: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Link:
    """A relation that clients write.

    ``ways`` are those of an input object; None: the relation is named plainly, and takes keys. ``foreign`` is the
    key that leads from ``model`` to here, None where it is here, or in a table between. ``target`` is the key of
    ``model``.
    """

    name: str
    key: str
    relation: AnyModelField
    model: type[models.Model]
    target: KeyPart
    many: bool
    required: bool
    nullable: bool
    foreign: models.ForeignKey[Any, Any] | None
    ways: frozenset[str] | None
    create: Fields | None

    @property
    def forward(self) -> bool:
        """Whether the key that holds the relation is a column here."""
        return not self.many and self.foreign is None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fields:
    """What may be written of one object."""

    model: type[models.Model]
    values: Mapping[str, Value]
    links: Mapping[str, Link]

    @property
    def keys(self) -> dict[str, str]:
        """The names in the input by those of the model's fields."""
        named: Mapping[str, Value | Link] = {**self.values, **self.links}
        return {name: item.key for name, item in named.items()}
