"""The columns of a key; inheritance; the tables of many-to-many fields; values that a field refuses."""

from __future__ import annotations

from traceback import walk_tb
from typing import Any

from .types import Model


def key_fields(model: Model) -> list[Any]:
    """Return the fields of a model's primary key, several for a composite key. Relies on ``_meta.pk_fields``."""
    return list(model._meta.pk_fields)


def concrete_model(model: Model) -> Model:
    """Return the model whose table a model uses: itself, unless it is a proxy. Relies on ``_meta.concrete_model``."""
    found = model._meta.concrete_model
    assert found is not None
    return found


def free_name(model: Any, name: str) -> str:
    """Return a name for an annotation on rows of the model: Django refuses that of a field."""
    taken = {used for field in model._meta.get_fields() for used in (field.name, getattr(field, "attname", None))}
    while name in taken:
        name += "_"
    return name


def all_parents(model: Model) -> tuple[Model, ...]:
    """Return the models that a model inherits tables from. Relies on ``_meta.all_parents``."""
    return tuple(model._meta.all_parents)


def raised_by_field(error: Exception) -> bool:
    """Whether a model field refused a value while a query was made, as in ``get(pk="x")``.

    Relies on where the error was raised: in ``get_prep_value()`` or ``to_python()`` of a class in
    ``django.db.models.fields``. Nothing else about these errors tells them from those of a project's own code.
    """
    if not isinstance(error, (ValueError, TypeError)) or error.__traceback__ is None:
        return False
    *_, (frame, _) = walk_tb(error.__traceback__)
    where = frame.f_globals.get("__name__", "")
    return where.startswith("django.db.models.fields") and frame.f_code.co_name in ("get_prep_value", "to_python")


def called_from(error: Exception) -> str:
    """Return where the project's code called what has raised an error: the innermost ``shop/graphql.py:12``.

    Relies on the names of the modules of Django and psycopg.
    """
    others = ("django.", "psycopg", __name__.partition(".")[0] + ".")
    place = "an unknown place"
    for frame, line in walk_tb(error.__traceback__):
        if not f"{frame.f_globals.get('__name__', '')}.".startswith(others):
            place = f"{frame.f_code.co_filename}:{line}"
    return place


def many_to_many_table(field: Any) -> tuple[str, str, str]:
    """Return the table of a many-to-many field, the column of its own model and the one of the other.

    Relies on ``m2m_db_table()``, ``m2m_column_name()`` and ``m2m_reverse_name()``.
    """
    return field.m2m_db_table(), field.m2m_column_name(), field.m2m_reverse_name()


def many_to_many_fields(field: Any) -> tuple[str, str]:
    """Return the names of the two foreign keys of a many-to-many field's table, that to its own model first.

    Relies on ``m2m_field_name()`` and ``m2m_reverse_field_name()``.
    """
    return field.m2m_field_name(), field.m2m_reverse_field_name()
