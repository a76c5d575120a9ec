"""What tells rows of a model apart beside the primary key, and what tells versions of one row apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Q

from ..._django import all_parents, key_fields
from ...declare.model_mutations import FieldNames
from ...declare.names import is_list
from ...errors import DeclarationError

# By the name of the constraint, or by the fields where there is none: the fields, and which rows these are unique among
Unique: TypeAlias = Mapping[Any, tuple[tuple[str, ...], Q | None]]


def unique_together(model: type[models.Model]) -> Unique:
    """Return the sets of fields that are unique together, and the condition of those that are for some rows only."""
    found: dict[Any, tuple[tuple[str, ...], Q | None]] = {}
    if isinstance(model._meta.pk, models.CompositePrimaryKey):
        names = tuple(field.name for field in key_fields(model))
        found[names] = names, None
    for owner in (model, *all_parents(model)):
        for field in owner._meta.local_concrete_fields:
            if field.unique and not isinstance(field, (models.AutoField, models.CompositePrimaryKey)):
                found[(field.name,)] = (field.name,), None
        for together in owner._meta.unique_together:
            found[tuple(together)] = tuple(together), None
        for constraint in owner._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
                found[constraint.name] = tuple(constraint.fields), constraint.condition
    return found


def named_unique(where: str, option: str, given: Any, model: type[models.Model]) -> tuple[tuple[str, ...], Q | None]:
    """Return the fields that a declaration names, or its constraint, and the condition under which they are unique.

    Raises DeclarationError where they are not unique together. Those that are for some rows only must be named by their
    constraint.
    """
    known = unique_together(model)
    if isinstance(given, str) and given in known:
        return known[given]
    names = (given,) if isinstance(given, str) else tuple(given) if is_list(given, str) else ()
    everywhere = [fields for fields, condition in known.values() if condition is None]
    if names and len(set(names)) == len(names) and set(names) in map(set, everywhere):
        return names, None
    listed = ", ".join(sorted({str(list(fields)) for fields in everywhere}))
    named = ", ".join(sorted(repr(key) for key in known if isinstance(key, str)))
    constraints = f"; its constraints: {named}" if named else ""
    raise DeclarationError(
        f"{where}: {option} is {given!r}, must be fields that are unique together, or the name of "
        f"a UniqueConstraint over fields alone; {model.__name__} has: {listed or 'none'}{constraints}"
    )


def check_version(where: str, model: type[models.Model], version: str, names: FieldNames) -> None:
    """Raise DeclarationError for a version that does not change with each update, or that clients write."""
    fields = {field.name: field for field in model._meta.concrete_fields}
    kinds = (models.IntegerField, models.DateTimeField)
    allowed = {name for name, field in fields.items() if isinstance(field, kinds) and _may_be_version(field)}
    if version not in allowed:
        raise DeclarationError(
            f"{where}: version is {version!r}, must be a field of whole numbers, or a DateTimeField "
            f"with auto_now; {model.__name__} has: {', '.join(sorted(allowed)) or 'none'}"
        )
    if version in (item if isinstance(item, str) else item.name for item in names):
        raise DeclarationError(f"{where}: {version} is the version, which clients do not write")


def _may_be_version(field: Any) -> bool:
    if isinstance(field, models.DateTimeField):
        return bool(field.auto_now)
    return not (field.primary_key or field.null or field.choices)
