"""The rows that items of an input are about: found by their keys, locked, and checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ...declare.registry import UNSET
from ...declare.rules import RowRule
from ...errors import InvalidInput
from ..context import MutationContext
from .fields import Fields, KeyPart
from .rows import RowKey, key_of, lock, parse_key, permitted, primary_key, same_keys
from .validation import Path


class Refuses(Protocol):
    """What records the errors of an input: an ObjectWriter."""

    context: MutationContext

    def refuse(self, error: ValidationError, path: Path, code: int = 422) -> None:
        """Record an error at a path."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InputItem:
    """One object of an input: the values that the client wrote, its path, and the key and version of its row."""

    values: Mapping[str, Any] = dataclass_field(default_factory=dict)
    path: Path = ()
    key: Mapping[str, Any] = dataclass_field(default_factory=dict)
    version: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinder:
    """Finds the rows that a mutation writes, by the columns of their key: the primary one, or another.

    ``type_name`` is the type over ``model`` that the mutation is over. ``version`` is a field that changes with each
    update. ``only_key`` says that the input is a list of keys, not of objects that have one. ``rule`` says which of the
    visible rows the mutation ``name`` may write. ``among`` is the condition under which the key tells rows apart.
    """

    model: type[models.Model]
    key: tuple[KeyPart, ...]
    type_name: str
    version: str | None = None
    only_key: bool = False
    rule: RowRule | None = None
    name: str = ""
    among: Q | None = None

    @property
    def columns(self) -> list[str]:
        """Return the names of the key's columns."""
        return [part.column for part in self.key]

    @property
    def bumped(self) -> str | None:
        """Return the version field if it is a number."""
        return bumped(self.model, self.version)

    def find(self, writer: Refuses, items: Sequence[InputItem], among: Q | None = None) -> list[models.Model | None]:
        """Lock the rows of items; record an error for each row that is not there, or that has changed.

        Rows that do not fulfil the condition ``among`` are not there.
        """
        keys = [parse_key(self.key, item.key) for item in items]
        conditions = [part for part in (self.among, among) if part is not None]
        rows = lock(self.model, writer.context, self.columns, keys, Q(*conditions))
        same = same_keys(self.model, writer.context, self.columns, keys, rows)
        keys = [key if key is None else same.get(key, key) for key in keys]
        forbidden = self.forbidden(writer.context, rows.values())
        found: list[models.Model | None] = []
        for item, key in zip(items, keys, strict=True):
            row = rows.get(key) if key is not None else None
            if row is None:
                self._refuse(writer, item)
            elif key_of(row, primary_key(self.model)) in forbidden:
                row = None
                writer.refuse(forbidden_row(), item.path, 403)
            elif is_stale(writer, row, self.version, item.version, item.path):
                row = None
            found.append(row)
        return found

    def forbidden(self, context: MutationContext, rows: Iterable[models.Model]) -> set[RowKey]:
        """Return the primary keys of those locked rows that the viewer may not write."""
        if self.rule is None:
            return set()
        keys = [key_of(row, primary_key(self.model)) for row in rows]
        return set(keys) - permitted(self.model, context, keys, self.rule, self.name)

    def _refuse(self, writer: Refuses, item: InputItem) -> None:
        """Record that there is no such row; a hidden one has the same message."""
        shown = ", ".join(str(value) for value in item.key.values())
        # of a key of several columns none is wrong alone; in a list of keys the item is
        named = (writer.context.conventions.name(self.key[0].name),) if len(self.key) == 1 and not self.only_key else ()
        field = ", ".join(part.name for part in self.key) if self.columns != primary_key(self.model) else None
        writer.refuse(not_found(self.model, shown, field), (*item.path, *named), 404)


def bumped(model: type[models.Model], version: str | None) -> str | None:
    """Return a version field if it is a number, which is incremented; a DateTimeField sets itself."""
    if version is None or isinstance(model._meta.get_field(version), models.DateTimeField):
        return None
    return version


def is_stale(writer: Refuses, row: models.Model, version: str | None, given: Any, path: Path) -> bool:
    """Whether a locked row has another version than the client has read; then an error is recorded."""
    if version is None or _is_same(getattr(row, version), given, writer.context):
        return False
    message = _("This object has been changed since you read it.")
    writer.refuse(ValidationError(message, code="stale"), (*path, writer.context.conventions.name(version)), 409)
    return True


def not_found(model: type[models.Model], key: Any, field: str | None = None) -> ValidationError:
    """Return the error for an object that does not exist, with Django's message for a foreign key without its row.

    ``field`` is what it was looked for by, the primary key where it is None.
    """
    meta: Any = model._meta
    params = {"model": meta.verbose_name, "pk": key, "field": field or meta.pk.name, "value": key}
    return ValidationError(models.ForeignKey.default_error_messages["invalid"], code="not_found", params=params)


def forbidden_row() -> ValidationError:
    """Return the error for a row that the viewer may not write."""
    return ValidationError(_("You are not allowed to do this with this object."), code="forbidden")


def same_values(fields: Fields, unique: Sequence[str], values: Mapping[str, Any]) -> Q | None:
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
