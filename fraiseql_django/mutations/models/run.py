"""What a mutation from a type does: rows found and locked, written or deleted, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ...declare.registry import UNSET
from ...declare.results import Error, MutationError
from ...declare.rules import RowRule
from ...errors import InvalidInput
from ..context import Info
from .fields import Fields, KeyPart
from .relations import not_found
from .rows import Key, lock, lock_where, parse_key, permitted
from .validation import Path
from .writer import Refused, Writer, attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object of an input: what is given of it, where it stands, and which row it is about."""

    given: Mapping[str, Any] = dataclass_field(default_factory=dict)
    path: Path = ()
    key: Mapping[str, Any] = dataclass_field(default_factory=dict)
    version: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How rows are found: the key's columns, and the field that tells one version of a row from another.

    ``type_name`` is the type over ``model`` that the mutation is about. ``only_key`` says that the input is a list of
    keys, and not of objects that have one. ``rule`` says which of the visible rows the mutation ``name`` may write.
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
        """Return the version field if it is a number, which counts; a moment sets itself."""
        if self.version is None or isinstance(self.model._meta.get_field(self.version), models.DateTimeField):
            return None
        return self.version

    def find(self, writer: Writer, items: Sequence[Item]) -> list[models.Model | None]:
        """Lock the rows that items are about; note those that there are not, and those that have changed."""
        keys = [parse_key(self.key, item.key) for item in items]
        rows = lock(self.model, writer.info, self.columns, keys)
        forbidden = self.forbidden(writer.info, list(rows))
        found: list[models.Model | None] = []
        for item, key in zip(items, keys, strict=True):
            row = rows.get(key) if key is not None else None
            if row is None:
                self._refuse(writer, item)
            elif key in forbidden:
                row = None
                writer.refuse(_forbidden(), item.path, 403)
            elif self.version is not None and getattr(row, self.version) != item.version:
                message = _("This object has been changed since you read it.")
                path = (*item.path, writer.info._conventions.name(self.version))
                writer.refuse(ValidationError(message, code="stale"), path, 409)
                row = None
            found.append(row)
        return found

    def forbidden(self, info: Info, keys: Sequence[Key]) -> set[Key]:
        """Return the keys of those locked rows that the viewer sees, and may not write."""
        if self.rule is None:
            return set()
        return set(keys) - permitted(self.model, info, self.columns, keys, self.rule, self.name)

    def _refuse(self, writer: Writer, item: Item) -> None:
        """Note that there is no such row, or none that clients may know of, which sounds the same."""
        shown = ", ".join(str(value) for value in item.key.values())
        # of several columns none is to blame alone; in a list of keys it is the item
        named = (writer.info._conventions.name(self.key[0].name),) if len(self.key) == 1 and not self.only_key else ()
        writer.refuse(not_found(self.model, shown), (*item.path, *named), 404)


def _forbidden() -> ValidationError:
    return ValidationError(_("You are not allowed to do this with this object."), code="forbidden")


def create(info: Info, fields: Fields, rows: Rows, items: Sequence[Item]) -> list[models.Model]:
    """Create an object for each item; raise Refused."""

    def write(writer: Writer) -> list[models.Model]:
        return [writer.own(writer.create(fields, item.given, item.path)) for item in items]

    return attempt(info, rows.type_name, write)


def update(info: Info, fields: Fields, rows: Rows, items: Sequence[Item]) -> list[models.Model]:
    """Change the row of each item; raise Refused."""

    def write(writer: Writer) -> list[models.Model]:
        return [
            writer.own(writer.write(row, fields, item.given, item.path, bumped=rows.bumped))
            for row, item in zip(rows.find(writer, items), items, strict=True)
            if row is not None
        ]

    return attempt(info, rows.type_name, write)


def delete(info: Info, rows: Rows, items: Sequence[Item], answer: Callable[[list[models.Model]], Any]) -> Any:
    """Delete the row of each item; return what ``answer`` makes of them before; raise Refused."""

    def write(writer: Writer) -> Any:
        found = rows.find(writer, items)
        if writer.errors:
            return None
        there = [row for row in found if row is not None]
        answered = answer(there)
        for row, item in {id(row): (row, item) for row, item in zip(there, items, strict=True)}.values():
            writer.path = item.path
            row.delete(using=info.database)
        return answered

    return attempt(info, rows.type_name, write)


def upsert(
    info: Info, fields: Fields, rows: Rows, unique: Sequence[str], items: Sequence[Item]
) -> tuple[list[models.Model], list[bool]]:
    """Change the row that has an item's unique values, or create it; return rows, and which were created.

    Raises Refused. Where another transaction creates one of the rows at the same moment, all is done once more.
    """
    missing: list[Q] = []

    def one(writer: Writer, item: Item) -> tuple[models.Model, bool]:
        wanted = _same(fields, unique, item.given)
        found = lock_where(rows.model, info, rows.columns, wanted) if wanted is not None else {}
        if found:
            key, row = next(iter(found.items()))
            if rows.forbidden(info, [key]):
                writer.refuse(_forbidden(), item.path, 403)
                return row, False
            return writer.own(writer.write(row, fields, item.given, item.path)), False
        if wanted is not None:
            missing.append(wanted)
        return writer.own(writer.create(fields, item.given, item.path)), True

    def write(writer: Writer) -> list[tuple[models.Model, bool]]:
        return [one(writer, item) for item in items]

    try:
        done = attempt(info, rows.type_name, write)
    except Refused:
        # one that the viewer does not see would be missing once more
        if not any(info.visible(rows.model).filter(wanted).exists() for wanted in missing):
            raise
        done = attempt(info, rows.type_name, write)
    return [row for row, _ in done], [created for _, created in done]


def _same(fields: Fields, unique: Sequence[str], given: Mapping[str, Any]) -> Q | None:
    """Return the condition of having the same unique values; None where one of them cannot be."""
    wanted = Q()
    for name in unique:
        link = fields.links.get(name)
        if link is not None:
            key = link.target.parse(given[name])
            if key is None:
                return None
            wanted &= Q(**{f"{name}__pk": key})
            continue
        try:
            wanted &= Q(**{name: fields.values[name].prepare(given[name])})
        except InvalidInput:
            return None
    return wanted


def as_error(errors: Sequence[Error]) -> MutationError:
    """Say as data why nothing was written."""
    first = errors[0]
    code = first.code if all(error.code == first.code for error in errors) else 422
    statuses = {403: "failed:forbidden", 404: "failed:not_found", 409: f"conflict:{first.identifier}"}
    status = statuses.get(code, "failed:validation")
    return MutationError(message=first.message, code=code, status=status, errors=list(errors))
