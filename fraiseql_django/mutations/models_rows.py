"""Rows that a client names: found, locked, and only those that the model's default manager shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Q

from ..schema.model_mutations import KeyPart

Key: TypeAlias = tuple[Any, ...]


def visible(model: type[models.Model], alias: str) -> models.QuerySet[Any]:
    """Return the rows that clients may know of."""
    return model._default_manager.using(alias)


def parse_key(parts: Sequence[KeyPart], values: Mapping[str, Any]) -> Key | None:
    """Turn a key as clients write it into stored values; None for what can be no key."""
    found = tuple(part.parse(values[part.name]) for part in parts)
    return None if None in found else found


def lock(
    model: type[models.Model], alias: str, columns: Sequence[str], keys: Iterable[Key | None]
) -> dict[Key, models.Model]:
    """Lock the rows with these keys, and return by key those that the default manager shows."""
    wanted = _with_keys(columns, [key for key in dict.fromkeys(keys) if key is not None])
    return {} if wanted is None else lock_where(model, alias, columns, wanted)


def lock_where(model: type[models.Model], alias: str, columns: Sequence[str], wanted: Q) -> dict[Key, models.Model]:
    """Lock the rows that a condition is true of, and return by key those that the default manager shows.

    They are locked in the order of their keys, so that two who lock some of the same do not wait for each other.
    """
    # not the default manager's own query: PostgreSQL locks no rows of groups (documentation, SELECT, FOR UPDATE)
    rows = model._base_manager.using(alias).select_for_update().filter(wanted).order_by(*columns)
    found = {tuple(getattr(row, column) for column in columns): row for row in rows}
    if not found or shows_all(model):
        return found
    # asked once the rows are locked: another transaction may have hidden one in the meantime
    locked = _with_keys(columns, list(found))
    shown = set(visible(model, alias).filter(locked).values_list(*columns))
    return {key: row for key, row in found.items() if key in shown}


def shows_all(model: type[models.Model]) -> bool:
    """Whether the default manager is sure to show every row."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset


def _with_keys(columns: Sequence[str], keys: Sequence[Key]) -> Q | None:
    if not keys:
        return None
    if len(columns) == 1:
        return Q(**{f"{columns[0]}__in": [key[0] for key in keys]})
    return reduce(or_, (Q(**dict(zip(columns, key, strict=True))) for key in keys))
