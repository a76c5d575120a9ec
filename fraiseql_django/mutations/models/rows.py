"""Rows that a client names by their keys: parsed, locked, and only those that the viewer sees."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from ..._django import key_fields
from ...declare.rules import RowRule, condition, restrict
from ..context import MutationContext
from .fields import KeyPart

# The values of a primary key, column by column
RowKey: TypeAlias = tuple[Any, ...]


def parse_key(parts: Sequence[KeyPart], values: Mapping[str, Any]) -> RowKey | None:
    """Turn a key as clients write it into stored values; None for one that no row can have."""
    found = tuple(part.parse(values[part.name]) for part in parts)
    return None if None in found else found


def lock(
    model: type[models.Model], context: MutationContext, columns: Sequence[str], keys: Iterable[RowKey | None],
    among: Q | None = None,
) -> dict[RowKey, models.Model]:  # fmt: skip
    """Lock the rows with these keys, and return by key those that the viewer sees.

    ``columns`` are those of the keys, ``among`` is a condition that the rows must fulfil.
    """
    wanted = with_keys(columns, [key for key in dict.fromkeys(keys) if key is not None])
    if wanted is None:
        return {}
    return lock_where(model, context, columns, wanted if among is None else wanted & among)


def same_keys(
    model: type[models.Model], context: MutationContext, columns: Sequence[str], keys: Iterable[RowKey | None],
    found: Collection[RowKey],
) -> dict[RowKey, RowKey]:  # fmt: skip
    """Return the keys of found rows by those that were asked for where PostgreSQL takes them for equal, not Python.

    The text of a uuid, a number in a CharField, citext in other letters: as the driver reads the key, it is another
    value than the client's.
    """
    missing = [
        key
        for key in dict.fromkeys(keys)
        if key is not None and key not in found and any(isinstance(part, str) for part in key)
    ]
    among = with_keys(columns, list(found))
    if not missing or among is None:
        return {}
    # only these: of a hidden row nothing is read, as of one that is missing
    rows = model._base_manager.using(context.database).filter(among)
    same: dict[RowKey, RowKey] = {}
    for key in missing:
        wanted = with_keys(columns, [key])
        assert wanted is not None
        other = rows.filter(wanted).values_list(*columns).first()
        if other is not None:
            same[key] = other
    return same


def lock_where(
    model: type[models.Model],
    context: MutationContext,
    columns: Sequence[str],
    wanted: Q,
    most: int | None = None,
) -> dict[RowKey, models.Model]:
    """Lock the rows that fulfil a condition, and return by key those that the viewer sees.

    They are locked in the order of their primary keys, so that two transactions that lock some of the same rows do not
    wait for each other. There are ``most`` of them, or fewer.
    """
    # not the default manager's own query: PostgreSQL does not lock rows of groups (documentation, SELECT, FOR UPDATE)
    primary = primary_key(model)
    rows = model._base_manager.using(context.database).select_for_update().filter(wanted).order_by(*primary)
    everything = shows_all(model, context)
    if not everything:
        # a hidden row is neither locked nor waited for, as if it did not exist
        rows = only_visible(rows, context)
    found = {key_of(row, columns): row for row in (rows if most is None else rows[:most])}
    if not found or everything:
        return found
    # checked again, now that the rows are locked: another transaction may have hidden one in the meantime
    locked = with_keys(primary, [key_of(row, primary) for row in found.values()])
    shown = set(context.visible(model).filter(locked).values_list(*primary))
    return {key: row for key, row in found.items() if key_of(row, primary) in shown}


def permitted(
    model: type[models.Model], context: MutationContext, keys: Sequence[RowKey], rule: RowRule, name: str
) -> set[RowKey]:
    """Return the primary keys of those rows that the viewer may write by the rule of the mutation ``name``."""
    columns = primary_key(model)
    wanted = with_keys(columns, keys)
    if wanted is None:
        return set()
    rows = model._base_manager.using(context.database).filter(wanted)
    return set(restrict(rows, condition(rule, context.viewer, name)).values_list(*columns))


def primary_key(model: type[models.Model]) -> list[str]:
    """Return the columns of a model's primary key."""
    return [field.attname for field in key_fields(model)]


def key_of(row: models.Model, columns: Sequence[str]) -> RowKey:
    """Return a row's values of these columns."""
    return tuple(getattr(row, column) for column in columns)


def only_visible(rows: QuerySet[Any], context: MutationContext) -> QuerySet[Any]:
    """Restrict a query to the rows that the viewer sees, whatever the default manager's query consists of."""
    return rows.filter(Exists(context.visible(rows.model).filter(pk=OuterRef("pk"))))


def shows_all(model: type[models.Model], context: MutationContext) -> bool:
    """Whether the default manager certainly shows every row, and no row rule hides one."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset and not context.rules(model)


def with_keys(columns: Sequence[str], keys: Sequence[RowKey]) -> Q | None:
    """Return the condition of having one of these keys; None where there are none."""
    if not keys:
        return None
    if len(columns) == 1:
        return Q(**{f"{columns[0]}__in": [key[0] for key in keys]})
    return reduce(or_, (Q(**dict(zip(columns, key, strict=True))) for key in keys))
