"""Unique keys that a declaration names, beside the key of its rows: by which "single" finds a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models

from ..declare.registry import TypeDeclaration
from ..errors import DeclarationError
from .conventions import Conventions
from .definition import Column, Extracted

UniqueKey = Mapping[str, Column | Extracted]


def describe_unique(
    declaration: TypeDeclaration, key_of: Callable[[str, str], Any], conventions: Conventions
) -> tuple[UniqueKey, ...]:
    """Return the keys of ``unique``, each by the names of the arguments that ask for it.

    ``key_of`` describes a value that can be compared, by its Python name. Raises DeclarationError with a line for each
    key that is none.
    """
    found: list[UniqueKey] = []
    problems: list[str] = []
    for names in declaration.unique:
        try:
            own = names if declaration.source is not None else _fields(declaration.model, names, declaration.name)
            where = f"{declaration.name}, unique={list(names)!r},"
            found.append({conventions.name(name): _value(key_of(name, where), name, where) for name in own})
        except DeclarationError as error:
            problems.append(str(error))
    if problems:
        raise DeclarationError("\n".join(problems))
    return tuple(found)


def _value(described: Any, name: str, where: str) -> Column | Extracted:
    # of a source, only a declared field tells the type of its values
    if not isinstance(described, (Column, Extracted)):
        raise DeclarationError(f"{where} names {name!r}, which is no field; annotate it")
    return described


def _fields(model: type[models.Model], names: Sequence[str], where: str) -> Sequence[str]:
    """Return the names of the columns of a key: of a constraint by its name, or of the fields that are named."""
    keys = dict(_unique_keys(model))
    if len(names) == 1 and names[0] in keys:
        return keys[names[0]]
    columns = [_column(model, name) for name in names]
    if any(sorted(columns) == sorted(key) for key in keys.values()):
        return columns
    known = "; ".join(sorted({" and ".join(key) for key in keys.values()})) or "none"
    raise DeclarationError(
        f"{where}: unique names {' and '.join(names)}, which no unique field or constraint of {model.__name__} is "
        f"without a condition; it has: {known}"
    )


def _column(model: type[models.Model], name: str) -> str:
    """Return the name of a field's column; a foreign key has that of its column (``shop_id``)."""
    fields = (field for field in model._meta.concrete_fields if name in (field.name, field.attname))
    return next((field.attname for field in fields), name)


def _unique_keys(model: type[models.Model]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the unique keys of a model beside its primary key, each with a name and the names of its columns."""
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield field.attname, (field.attname,)
    # with its parents over tables of their own; what abstract ones have is the model's
    owners = (base for base in model.__mro__ if issubclass(base, models.Model) and base is not models.Model)
    for owner in (base for base in owners if not base._meta.abstract):
        for constraint in owner._meta.total_unique_constraints:
            yield constraint.name, tuple(_column(model, name) for name in constraint.fields)
        for names in owner._meta.unique_together:
            yield " and ".join(names), tuple(_column(model, name) for name in names)
