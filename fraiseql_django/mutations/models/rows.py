"""Rows that a client names: found, locked, and only those that are there for the viewer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from ...declare.rules import RowRule, condition, restrict
from ..context import Info
from .fields import KeyPart

Key: TypeAlias = tuple[Any, ...]


def parse_key(parts: Sequence[KeyPart], values: Mapping[str, Any]) -> Key | None:
    """Turn a key as clients write it into stored values; None for what can be no key."""
    found = tuple(part.parse(values[part.name]) for part in parts)
    return None if None in found else found


def lock(
    model: type[models.Model], info: Info, columns: Sequence[str], keys: Iterable[Key | None]
) -> dict[Key, models.Model]:
    """Lock the rows with these keys, and return by key those that are there for the viewer."""
    wanted = _with_keys(columns, [key for key in dict.fromkeys(keys) if key is not None])
    return {} if wanted is None else lock_where(model, info, columns, wanted)


def lock_where(model: type[models.Model], info: Info, columns: Sequence[str], wanted: Q) -> dict[Key, models.Model]:
    """Lock the rows that a condition is true of, and return by key those that are there for the viewer.

    They are locked in the order of their keys, so that two who lock some of the same do not wait for each other.
    """
    # not the default manager's own query: PostgreSQL locks no rows of groups (documentation, SELECT, FOR UPDATE)
    rows = model._base_manager.using(info.database).select_for_update().filter(wanted).order_by(*columns)
    everything = shows_all(model, info)
    if not everything:
        # a hidden row is not locked, and its lock not waited for: it is as if it did not exist
        rows = only_visible(rows, info)
    found = {tuple(getattr(row, column) for column in columns): row for row in rows}
    if not found or everything:
        return found
    # asked once more, now that the rows are locked: another transaction may have hidden one in the meantime
    locked = _with_keys(columns, list(found))
    shown = set(info.visible(model).filter(locked).values_list(*columns))
    return {key: row for key, row in found.items() if key in shown}


def permitted(
    model: type[models.Model], info: Info, columns: Sequence[str], keys: Sequence[Key], rule: RowRule, name: str
) -> set[Key]:
    """Return which of the rows with these keys the rule of the mutation ``name`` lets the viewer write."""
    wanted = _with_keys(columns, keys)
    if wanted is None:
        return set()
    rows = model._base_manager.using(info.database).filter(wanted)
    return set(restrict(rows, condition(rule, info.viewer, name)).values_list(*columns))


def only_visible(rows: QuerySet[Any], info: Info) -> QuerySet[Any]:
    """Leave of a query the rows that are there for the viewer, whatever the default manager's own query is made of."""
    return rows.filter(Exists(info.visible(rows.model).filter(pk=OuterRef("pk"))))


def shows_all(model: type[models.Model], info: Info) -> bool:
    """Whether the default manager is sure to show every row, and no row rule hides one."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset and not info.has_rules(model)


def _with_keys(columns: Sequence[str], keys: Sequence[Key]) -> Q | None:
    if not keys:
        return None
    if len(columns) == 1:
        return Q(**{f"{columns[0]}__in": [key[0] for key in keys]})
    return reduce(or_, (Q(**dict(zip(columns, key, strict=True))) for key in keys))
