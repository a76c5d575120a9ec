"""Which models a mutation writes, and whether it may run again after a deadlock.

It may where nothing but the database has noticed it: no code of the project has run, and no file was stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.db.models import signals

from ..._django import all_parents
from .fields import Fields, WrittenRelation

_SIGNALS = (
    signals.pre_init, signals.post_init, signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete,
    signals.m2m_changed,
)  # fmt: skip
_HOOKS = (
    "save",
    "save_base",
    "delete",
    "clean",
    "full_clean",
    "clean_fields",
    "validate_unique",
    "validate_constraints",
)


def touches_only_database(written: Iterable[type[models.Model]]) -> bool:
    """Whether nothing outside the database notices when rows of these models are written, as things stand now."""
    return not any(map(_is_noticed, written))


def models_written(fields: Fields) -> Iterator[type[models.Model]]:
    """Yield the models whose rows a create, an update or an upsert may write."""
    yield from (fields.model, *all_parents(fields.model))
    for relation in fields.relations.values():
        for inner in relation.written.values():
            yield from models_written(inner)
        if relation.ways is not None and not relation.ways.isdisjoint({"delete", "replace"}):
            yield from models_deleted(relation.model)
        yield from _models_of(relation)


def models_deleted(model: type[models.Model], seen: set[Any] | None = None) -> set[Any]:
    """Return the models whose rows a deletion may delete or change."""
    seen = set() if seen is None else seen
    if model not in seen:
        seen.add(model)
        for relation in model._meta.get_fields(include_hidden=True):
            # a table between counts as well, but not the model beyond it
            foreign = relation.auto_created and not relation.concrete and not relation.many_to_many
            generic = hasattr(relation, "bulk_related_objects")
            if (foreign or generic) and isinstance(relation.related_model, type):
                models_deleted(relation.related_model, seen)
        for parent in all_parents(model):
            models_deleted(parent, seen)
    return seen


def _models_of(relation: WrittenRelation) -> Iterator[type[models.Model]]:
    field: Any = relation.relation
    if field.many_to_many:
        through: Any = field.remote_field if isinstance(field, models.ManyToManyField) else field
        yield through.through
    if relation.foreign is not None:
        yield relation.model


def _is_noticed(model: type[models.Model]) -> bool:
    if any(signal.has_listeners(model) for signal in _SIGNALS):
        return True
    if any(isinstance(field, models.FileField) for field in model._meta.concrete_fields):
        return True
    return any(getattr(model, hook) is not getattr(models.Model, hook) for hook in _HOOKS)
