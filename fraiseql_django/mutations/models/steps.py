"""Create, update, delete and upsert: rows are found, locked, and written, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import models
from django.db.models import Q

from ..context import MutationContext
from .fields import Fields
from .finder import InputItem, RowFinder, forbidden_row, same_values
from .rows import lock_where, primary_key
from .writer import ObjectWriter, WriteRefused, attempt


def create(context: MutationContext, fields: Fields, rows: RowFinder, items: Sequence[InputItem]) -> list[models.Model]:
    """Create an object for each item; raise WriteRefused."""

    def write(writer: ObjectWriter) -> list[models.Model]:
        return [writer.own(writer.create(fields, item.values, item.path)) for item in items]

    return attempt(context, rows.type_name, write)


def update(context: MutationContext, fields: Fields, rows: RowFinder, items: Sequence[InputItem]) -> list[models.Model]:
    """Change the row of each item; raise WriteRefused."""

    def write(writer: ObjectWriter) -> list[models.Model]:
        found = rows.find(writer, items)
        with writer.holding(row for row in found if row is not None):
            return [
                writer.own(writer.write(row, fields, item.values, item.path, bumped=rows.bumped))
                for row, item in zip(found, items, strict=True)
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
        wanted = same_values(fields, unique, item.values)
        if wanted is not None and rows.among is not None:
            wanted &= rows.among
        found = lock_where(rows.model, context, primary_key(rows.model), wanted) if wanted is not None else {}
        if found:
            row = next(iter(found.values()))
            if rows.forbidden(context, [row]):
                writer.refuse(forbidden_row(), item.path, 403)
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
