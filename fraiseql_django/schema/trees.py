"""Trees: how the rows of a model lead to those above and below them, and the fields that this makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import models

from ..errors import DeclarationError
from .conventions import Conventions
from .definition import Related

ANCESTORS, DESCENDANTS, CHILDREN, PARENT = "ancestors", "descendants", "children", "parent"
_DESCRIBED = {
    ANCESTORS: "The rows above this one, the root first.",
    DESCENDANTS: "All rows below this one.",
    CHILDREN: "The rows right below this one.",
    PARENT: "The row right above this one.",
}
# Of treebeard's paths: with these characters a path is sorted as its steps are in every collation
_SORTED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Paths:
    """Materialized paths (django-treebeard): each row's path begins with that of its parent, by steps of one length.

    ``last`` is the character that no other is sorted after; None where that depends on the collation.
    """

    path: str
    depth: str
    step: int
    last: str | None


@dataclass(frozen=True, slots=True)
class Sets:
    """Nested sets (django-treebeard, django-mptt): the numbers of a row enclose those of the rows below it."""

    tree: str
    left: str
    right: str
    level: str


@dataclass(frozen=True, slots=True)
class Links:
    """A foreign key of the model to itself: ``parent`` holds the parent's ``key``."""

    parent: str
    key: str


Layout: TypeAlias = Paths | Sets | Links


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRows(Related):
    """The rows above or below a row; ``depth`` is how many levels of them, an argument, None for all."""

    axis: str
    layout: Layout
    depth: Any = None


def tree_fields(model: Any, tree: bool | str, target: str, conventions: Conventions) -> Iterator[TreeRows]:
    """Yield the fields of a type over a tree: parents and children where no foreign key of the model leads to them.

    ``tree`` names the foreign key, or is True. Raises DeclarationError for a model that is no tree.
    """
    layout = layout_of(model, tree)
    followed = isinstance(layout, Links) or hasattr(model, "_mptt_meta")
    for axis in (ANCESTORS, DESCENDANTS) if followed else (ANCESTORS, DESCENDANTS, CHILDREN, PARENT):
        yield TreeRows(
            name=conventions.name(axis), description=_DESCRIBED[axis], target=target, many=axis != PARENT,
            nullable=axis == PARENT, axis=axis, layout=layout,
        )  # fmt: skip


def layout_of(model: Any, tree: bool | str) -> Layout:
    """Return how the rows of a model are a tree; raise DeclarationError where they are none."""
    if isinstance(tree, str):
        return _links(model, tree)
    mptt = getattr(model, "_mptt_meta", None)
    if mptt is not None:
        return Sets(mptt.tree_id_attr, mptt.left_attr, mptt.right_attr, mptt.level_attr)
    kind = getattr(model, "TREEBEARD_IDENTIFYING_FIELD", None)
    if kind == "path":
        alphabet = str(model.alphabet)
        last = max(alphabet) if set(alphabet) <= set(_SORTED) else None
        return Paths("path", "depth", int(model.steplen), last)
    if kind == "lft":
        return Sets("tree_id", "lft", "rgt", "depth")
    found = [name for name in (field.name for field in model._meta.get_fields()) if _is_own(model, name)]
    if len(found) != 1:
        which = f"several foreign keys to itself ({', '.join(found)})" if found else "no foreign key to itself"
        raise DeclarationError(f"tree=True: {model.__name__} has {which}; name the one to its parent, tree='parent'")
    return _links(model, found[0])


def _links(model: Any, name: str) -> Links:
    if not _is_own(model, name):
        raise DeclarationError(f"tree={name!r}: {model.__name__} has no foreign key {name!r} to itself")
    field = model._meta.get_field(name)
    return Links(field.attname, field.target_field.attname)


def _is_own(model: Any, name: str) -> bool:
    """Whether a foreign key leads to rows of the table that it is in."""
    field: Any = next((known for known in model._meta.get_fields() if known.name == name), None)
    if not isinstance(field, models.ForeignKey) or getattr(field.remote_field, "parent_link", False):
        return False
    return bool(field.target_field.model._meta.db_table == field.model._meta.db_table)
