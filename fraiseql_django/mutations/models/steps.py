"""Create, update, delete and upsert: rows are found, locked, and written, all of them or none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ...declare.registry import UNSET
from ...declare.rules import RowRule
from ...errors import InvalidInput
from ..context import MutationContext
from .fields import Fields, KeyPart
from .relations import not_found
from .rows import RowKey, lock, lock_where, parse_key, permitted, same_keys
from .validation import Path
from .writer import ObjectWriter, WriteRefused, attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class InputItem:
    """One object of an input: the values that the client wrote, its path, and the key and version of its row."""

    values: Mapping[str, Any] = dataclass_field(default_factory=dict)
    path: Path = ()
    key: Mapping[str, Any] = dataclass_field(default_factory=dict)
    version: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinder:
    """Finds the rows that a mutation writes, by the columns of their key.

    ``type_name`` is the type over ``model`` that the mutation is over. ``version`` is a field that changes with each
    update. ``only_key`` says that the input is a list of keys, not of objects that have one. ``rule`` says which of the
    visible rows the mutation ``name`` may write.
    """

    model: type[models.Model]
    key: tuple[KeyPart, ...]
    type_name: str
    version: str | None = None
    only_key: bool = False
    rule: RowRule | None = None
    name: str = ""

    @property
    def columns(self) -> list[str]:
        """Return the names of the key's columns."""
        return [part.column for part in self.key]

    @property
    def bumped(self) -> str | None:
        """Return the version field if it is a number, which is incremented; a DateTimeField sets itself."""
        if self.version is None or isinstance(self.model._meta.get_field(self.version), models.DateTimeField):
            return None
        return self.version

    def find(self, writer: ObjectWriter, items: Sequence[InputItem]) -> list[models.Model | None]:
        """Lock the rows of items; record an error for each row that is not there, or that has changed."""
        keys = [parse_key(self.key, item.key) for item in items]
        rows = lock(self.model, writer.context, self.columns, keys)
        same = same_keys(self.model, writer.context, self.columns, keys, rows)
        keys = [key if key is None else same.get(key, key) for key in keys]
        forbidden = self.forbidden(writer.context, list(rows))
        found: list[models.Model | None] = []
        for item, key in zip(items, keys, strict=True):
            row = rows.get(key) if key is not None else None
            if row is None:
                self._refuse(writer, item)
            elif key in forbidden:
                row = None
                writer.refuse(_forbidden(), item.path, 403)
            elif self.version is not None and not _is_same(getattr(row, self.version), item.version, writer.context):
                message = _("This object has been changed since you read it.")
                path = (*item.path, writer.context.conventions.name(self.version))
                writer.refuse(ValidationError(message, code="stale"), path, 409)
                row = None
            found.append(row)
        return found

    def forbidden(self, context: MutationContext, keys: Sequence[RowKey]) -> set[RowKey]:
        """Return the keys of those locked rows that the viewer may not write."""
        if self.rule is None:
            return set()
        return set(keys) - permitted(self.model, context, self.columns, keys, self.rule, self.name)

    def _refuse(self, writer: ObjectWriter, item: InputItem) -> None:
        """Record that there is no such row; a hidden one has the same message."""
        shown = ", ".join(str(value) for value in item.key.values())
        # of a key of several columns none is wrong alone; in a list of keys the item is
        named = (writer.context.conventions.name(self.key[0].name),) if len(self.key) == 1 and not self.only_key else ()
        writer.refuse(not_found(self.model, shown), (*item.path, *named), 404)


def _forbidden() -> ValidationError:
    return ValidationError(_("You are not allowed to do this with this object."), code="forbidden")


def create(context: MutationContext, fields: Fields, rows: RowFinder, items: Sequence[InputItem]) -> list[models.Model]:
    """Create an object for each item; raise WriteRefused."""

    def write(writer: ObjectWriter) -> list[models.Model]:
        return [writer.own(writer.create(fields, item.values, item.path)) for item in items]

    return attempt(context, rows.type_name, write)


def update(context: MutationContext, fields: Fields, rows: RowFinder, items: Sequence[InputItem]) -> list[models.Model]:
    """Change the row of each item; raise WriteRefused."""

    def write(writer: ObjectWriter) -> list[models.Model]:
        return [
            writer.own(writer.write(row, fields, item.values, item.path, bumped=rows.bumped))
            for row, item in zip(rows.find(writer, items), items, strict=True)
            if row is not None
        ]

    return attempt(context, rows.type_name, write)


def delete(
    context: MutationContext, rows: RowFinder, items: Sequence[InputItem], answer: Callable[[list[models.Model]], Any]
) -> Any:
    """Delete the row of each item; return the ``answer`` to them, read before; raise WriteRefused."""

    def write(writer: ObjectWriter) -> Any:
        found = rows.find(writer, items)
        if writer.errors:
            return None
        there = [row for row in found if row is not None]
        answered = answer(there)
        for row, item in {id(row): (row, item) for row, item in zip(there, items, strict=True)}.values():
            writer.path = item.path
            row.delete(using=context.database)
        return answered

    return attempt(context, rows.type_name, write)


def upsert(
    context: MutationContext, fields: Fields, rows: RowFinder, unique: Sequence[str], items: Sequence[InputItem]
) -> tuple[list[models.Model], list[bool]]:
    """Change the row that has an item's unique values, or create it; return the rows, and which were created.

    Raises WriteRefused. Where another transaction creates one of the rows at the same moment, all of it runs again.
    """
    missing: list[Q] = []

    def one(writer: ObjectWriter, item: InputItem) -> tuple[models.Model, bool]:
        wanted = _same(fields, unique, item.values)
        found = lock_where(rows.model, context, rows.columns, wanted) if wanted is not None else {}
        if found:
            key, row = next(iter(found.items()))
            if rows.forbidden(context, [key]):
                writer.refuse(_forbidden(), item.path, 403)
                return row, False
            return writer.own(writer.write(row, fields, item.values, item.path)), False
        if wanted is not None:
            missing.append(wanted)
        return writer.own(writer.create(fields, item.values, item.path)), True

    def write(writer: ObjectWriter) -> list[tuple[models.Model, bool]]:
        return [one(writer, item) for item in items]

    try:
        done = attempt(context, rows.type_name, write)
    except WriteRefused:
        # one that the viewer does not see would be missing again
        if not any(context.visible(rows.model).filter(wanted).exists() for wanted in missing):
            raise
        done = attempt(context, rows.type_name, write)
    return [row for row, _ in done], [created for _, created in done]


def _same(fields: Fields, unique: Sequence[str], values: Mapping[str, Any]) -> Q | None:
    """Return the condition of having the same unique values; None where no row can have one of them."""
    wanted = Q()
    for name in unique:
        relation = fields.relations.get(name)
        if relation is not None:
            key = relation.target.parse(values[name])
            if key is None:
                return None
            wanted &= Q(**{f"{name}__pk": key})
            continue
        try:
            wanted &= Q(**{name: fields.columns[name].prepare(values[name])})
        except InvalidInput:
            return None
    return wanted


def _is_same(stored: Any, given: Any, context: MutationContext) -> bool:
    """Whether a version is the one that was read; a moment without time zone is one in the connection's."""
    if isinstance(stored, dt.datetime) and isinstance(given, dt.datetime) and stored.tzinfo is None and given.tzinfo:
        stored = stored.replace(tzinfo=connections[context.database].timezone)
    return bool(stored == given)
