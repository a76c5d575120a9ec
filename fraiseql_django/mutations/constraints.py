"""Violated constraints of PostgreSQL → errors as data, with Django's messages.

PostgreSQL's own messages are never shown: they name tables and values of other rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.postgres.constraints import ExclusionConstraint
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, models
from django.db.models import ProtectedError, RestrictedError
from django.forms import ModelChoiceField
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from .._django import all_parents
from ..declare.results import Error
from ..invalidation.names import table_of
from .context import MutationContext
from .models.rows import shows_all

# PostgreSQL documentation, appendix A, class 23
_RESTRICT, _NOT_NULL, _FOREIGN_KEY, _UNIQUE, _CHECK, _EXCLUSION = "23001", "23502", "23503", "23505", "23514", "23P01"

# The columns of a unique index, in order; none where it is over expressions
_COLUMNS = """
SELECT attribute.attname
FROM pg_index AS index
JOIN pg_class AS class ON class.oid = index.indexrelid
JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
CROSS JOIN unnest(index.indkey::smallint[]) WITH ORDINALITY AS key(number, place)
JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.number
WHERE class.relname = %s AND namespace.nspname = %s AND index.indexprs IS NULL AND key.place <= index.indnkeyatts
ORDER BY key.place
"""

# The columns of a foreign key, and the table that it leads to
_KEY = """
SELECT attribute.attname, target.relname
FROM pg_constraint AS found
JOIN pg_class AS owner ON owner.oid = found.conrelid
JOIN pg_namespace AS namespace ON namespace.oid = owner.relnamespace
JOIN pg_class AS target ON target.oid = found.confrelid
JOIN pg_attribute AS attribute ON attribute.attrelid = owner.oid AND attribute.attnum = ANY(found.conkey)
WHERE found.contype = 'f' AND found.conname = %s AND owner.relname = %s AND namespace.nspname = %s
"""


def errors_of(
    error: IntegrityError,
    context: MutationContext,
    names: Mapping[str, str] | None = None,
    whole: str | None = None,
) -> list[Error]:
    """Describe a violated constraint: the field, a code, Django's message.

    ``names`` are the paths of the input's fields by the names of the model's fields, ``whole`` is the path of the
    object; without ``names`` a field has its GraphQL name. Rows that the viewer does not see are neither named nor
    counted. PostgreSQL's catalogue is queried at most once, so the savepoint that the statement failed in must have
    been rolled back.
    """
    if isinstance(error, (ProtectedError, RestrictedError)):
        return [_protected(error, whole, context)]
    violation, fields, code = _violation(error, context)
    field = whole
    if len(fields) == 1:
        field = context.conventions.name(fields[0]) if names is None else names.get(fields[0], whole)
    return [Error(code=code, identifier=str(violation.code or "check"), message=violation.messages[0], field=field)]


def described(error: ValidationError, model: type[models.Model] | None) -> tuple[str, str | None]:
    """Return the code of one of Django's errors, and the field that it concerns where it is a constraint's over one.

    Django names neither the constraint nor, unless its code is "unique", the field, so the constraint is found by its
    message; the code of one that has none is its kind. ``model`` is None where it may be a constraint of any model.
    """
    owners = apps.get_models(include_auto_created=True) if model is None else [model]
    found = [
        constraint
        for owner in owners
        for constraint in _constraints(owner)
        if constraint.get_violation_error_message() == error.messages[0]
    ]
    fields = {_only_field(constraint) for constraint in found}
    field = fields.pop() if len(fields) == 1 else None
    return str(error.code or (_kind(found[0]) if found else "invalid")), field


def _of_constraint(constraint: Any, model: type[models.Model]) -> tuple[ValidationError, tuple[str, ...]]:
    """Return the error that Django's validation raises for a violated constraint, and the fields that it concerns."""
    message = constraint.get_violation_error_message()
    if (
        isinstance(constraint, models.UniqueConstraint)
        and constraint.fields
        and not constraint.condition
        and constraint.violation_error_message == constraint.default_violation_error_message
    ):
        # as UniqueConstraint.validate() has it
        return model().unique_error_message(model, constraint.fields), tuple(constraint.fields)
    code, field = described(ValidationError(message, code=constraint.violation_error_code), model)
    return ValidationError(message, code=code), (field,) if field else ()


def _violation(error: IntegrityError, context: MutationContext) -> tuple[ValidationError, tuple[str, ...], int]:
    """Return Django's error for a violation, the fields of the model that it concerns, and the HTTP status code."""
    diag = _diag(error)
    model = _model(diag) if diag is not None else None
    sqlstate = diag.sqlstate if diag is not None else None
    if sqlstate == _NOT_NULL:
        field = _field(model, diag.column_name)
        known: Any = field or models.Field
        messages = field.error_messages if field else known.default_error_messages
        return ValidationError(messages["null"], code="null"), (field.name,) if field else (), 422
    if sqlstate in (_FOREIGN_KEY, _RESTRICT):
        return _foreign(diag, model, context)
    constraint = next((c for c in _constraints(model) if c.name == diag.constraint_name), None) if model else None
    if model is not None and constraint is not None:
        return *_of_constraint(constraint, model), 422
    if sqlstate == _UNIQUE:
        return *_not_unique(diag, model, context.database), 422
    code = "exclusion" if sqlstate == _EXCLUSION else "check"
    return ValidationError(_("A rule of the database is violated."), code=code), (), 422


def _not_unique(diag: Any, model: type[models.Model] | None, alias: str) -> tuple[ValidationError, tuple[str, ...]]:
    """Describe a violated unique index that no constraint of a model has the name of."""
    fields = _unique_fields(diag, model, alias) if model is not None else None
    if model is None or not fields:
        return ValidationError(_("Such an object already exists."), code="unique"), ()
    return model().unique_error_message(model, fields), fields


def _unique_fields(diag: Any, model: type[models.Model], alias: str) -> tuple[str, ...] | None:
    with connections[alias].cursor() as cursor:
        cursor.execute(_COLUMNS, [diag.constraint_name, diag.schema_name])
        fields = [_field(model, column) for (column,) in cursor.fetchall()]
    return tuple(field.name for field in fields if field) if fields and all(fields) else None


def _foreign(
    diag: Any, model: type[models.Model] | None, context: MutationContext
) -> tuple[ValidationError, tuple[str, ...], int]:
    """Distinguish a key without its row from a row that others still refer to.

    Both are reported under the table that has the key. PostgreSQL's message, in whatever language, names that
    table alone in the one case, and both tables in the other.
    """
    with connections[context.database].cursor() as cursor:
        cursor.execute(_KEY, [diag.constraint_name, diag.table_name, diag.schema_name])
        rows = cursor.fetchall()
    rest = (diag.message_primary or "").replace(diag.constraint_name or "", "")
    tables = {diag.table_name, *(table for _, table in rows)}
    mentioned = sum(len(re.findall(rf"(?<!\w){re.escape(table)}(?!\w)", rest)) for table in tables if table)
    if mentioned > 1 or diag.sqlstate == _RESTRICT:
        if model is not None and (context.may_hide(model) or not shows_all(model, context)):
            # PostgreSQL does not report which of its rows refer to it: they may be hidden
            return ValidationError(_still_referred_to(), code="protected"), (), 409
        others = model._meta.verbose_name_plural if model else _("others")
        return ValidationError(_still_referred_to(str(others)), code="protected"), (), 409
    fields = [_field(model, column) for column, _ in rows] if model else []
    message = ModelChoiceField.default_error_messages["invalid_choice"]
    names = tuple(field.name for field in fields if field)
    return ValidationError(message, code="not_found"), names if len(names) == len(rows) else (), 404


def _protected(error: Any, whole: str | None, context: MutationContext) -> Error:
    """Name and count the objects that keep a row from being deleted, unless some of them are hidden."""
    objects = list(error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects)
    if not _all_visible(objects, context):
        return Error(code=409, identifier="protected", message=_still_referred_to(), field=whole)
    counts: Counter[Any] = Counter(type(item) for item in objects)
    others = [
        f"{count} {meta.verbose_name if count == 1 else meta.verbose_name_plural}"
        for meta, count in ((model._meta, count) for model, count in counts.items())
    ]
    message = _still_referred_to(get_text_list(sorted(others), _("and")))
    return Error(code=409, identifier="protected", message=message, field=whole)


def _all_visible(objects: Sequence[models.Model], context: MutationContext) -> bool:
    """Whether the viewer sees all objects; models of which all rows are visible are not queried."""
    keys: dict[Any, set[Any]] = {}
    for item in objects:
        if not shows_all(type(item), context):
            keys.setdefault(type(item), set()).add(item.pk)
    return all(context.visible(model).filter(pk__in=found).count() == len(found) for model, found in keys.items())


def _still_referred_to(others: str | None = None) -> str:
    if others is None:
        return _("This cannot be deleted, since it is still referred to.")
    return _("This cannot be deleted, since it is still referred to by: %(others)s.") % {"others": others}


# --- constraints and fields as Django knows them ---


def _diag(error: IntegrityError) -> Any:
    """Return the fields of PostgreSQL's error report (psycopg documentation, Diagnostic)."""
    return getattr(error.__cause__, "diag", None)


def _model(diag: Any) -> type[models.Model] | None:
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and table_of(model) == diag.table_name:
            return model
    return None


def _field(model: type[models.Model] | None, column: str) -> models.Field[Any, Any] | None:
    fields = model._meta.local_concrete_fields if model is not None else []
    return next((field for field in fields if field.column == column), None)


def _constraints(model: type[models.Model]) -> list[Any]:
    return [item for owner in (model, *all_parents(model)) for item in owner._meta.constraints]


def _only_field(constraint: Any) -> str | None:
    """Return the field of a unique constraint over one field, with or without a condition; None for others."""
    fields = constraint.fields if isinstance(constraint, models.UniqueConstraint) else ()
    return str(fields[0]) if len(fields) == 1 else None


def _kind(constraint: Any) -> str:
    if isinstance(constraint, models.UniqueConstraint):
        return "unique"
    return "exclusion" if isinstance(constraint, ExclusionConstraint) else "check"
