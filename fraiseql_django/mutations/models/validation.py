"""Values as a model takes them, and what the model's own rules say of an object before it is saved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models, router
from django.db.models import F
from django.utils.translation import gettext as _

from ...declare.results import Error
from ...errors import InvalidInput
from ..constraints import coded
from .fields import Value

Path = tuple[str | int, ...]


def dotted(path: Path) -> str | None:
    """Write a path in an input as errors have it."""
    return ".".join(map(str, path)) or None


def errors_from(
    raised: ValidationError, model: type[models.Model] | None, path: Path, keys: Mapping[str, str], code: int = 422
) -> Iterator[Error]:
    """Turn Django's errors into data; ``keys`` are the model's fields that the input has, by its names."""
    if not raised.messages:
        yield Error(code=code, identifier="invalid", message=_("Enter a valid value."), field=dotted(path))
    fields = raised.error_dict if hasattr(raised, "error_dict") else {NON_FIELD_ERRORS: raised.error_list}
    for name, items in fields.items():
        field = dotted((*path, keys[name]) if name in keys else path)
        for item in items:
            yield Error(code=code, identifier=coded(item, model), message=item.messages[0], field=field)


def assign(instance: models.Model, value: Value, given: Any) -> None:
    """Give an object's field what a client gave; raise ValidationError for what the field cannot take."""
    field = value.field
    if given is None:
        if not value.nullable:
            raise ValidationError(field.error_messages["null"], code="null")
    elif isinstance(field, models.FileField):
        # the form field looks into the file, which the model's does not
        form_field: Any = field.formfield()
        given = form_field.clean(given)
    else:
        try:
            given = value.prepare(given)
        except InvalidInput as error:
            if "U+0000" in error.message:
                null = ProhibitNullCharactersValidator
                raise ValidationError(null.message, code=null.code) from None
            raise ValidationError(_("Enter a valid value."), code="invalid") from None
    setattr(instance, field.name, given)


def violations(instance: models.Model, given: Collection[str], wrong: Collection[str]) -> dict[str, list[Any]]:
    """Return what the model's rules say of an object, by field; ``wrong`` are fields whose values are wrong already.

    Fields that were not given are left alone, be their values what they may: rules over several fields are
    checked where one of them was given. A new object is checked whole (Django documentation, "Validating objects").
    """
    meta = instance._meta
    everything = {field.name for field in meta.get_fields()}
    # what is null where it may be is not asked whether it is blank, which is about forms
    asked = {
        field.name for field in meta.fields if field.name in given and getattr(instance, field.attname) is not None
    }
    found: dict[str, list[Any]] = {}
    _note(found, lambda: _clean(instance, everything - asked | set(wrong), whole=not wrong))
    skipped = set(wrong) if instance._state.adding else everything - _checked_with(type(instance), given) | set(wrong)
    # Django asks where it would read, not where the object is going to; there it is PostgreSQL that tells
    if router.db_for_read(type(instance)) == instance._state.db:
        _note(found, lambda: instance.validate_unique(exclude=skipped | found.keys()))
    _note(found, lambda: instance.validate_constraints(exclude=skipped | found.keys()))
    return found


def _clean(instance: models.Model, exclude: set[str], *, whole: bool) -> None:
    if whole:
        instance.full_clean(exclude=exclude, validate_unique=False, validate_constraints=False)
    else:
        # clean() is written for objects that have what they must have: it would ask for a relation that is not there
        instance.clean_fields(exclude=exclude)


def _note(found: dict[str, list[Any]], check: Callable[[], None]) -> None:
    try:
        check()
    except ValidationError as error:
        error.update_error_dict(found)


def _checked_with(model: type[models.Model], given: Collection[str]) -> set[str]:
    """Return the given fields with all that share a rule with one of them."""
    found = set(given)
    for rule in _rules(model):
        if not rule.isdisjoint(given):
            found |= rule
    return found


def _rules(model: type[models.Model]) -> Iterator[frozenset[str]]:
    """Yield the fields of each rule over several of them."""
    for owner in (model, *model._meta.all_parents):
        yield from map(frozenset, owner._meta.unique_together)
        field: Any
        for field in owner._meta.local_fields:
            dates = (field.unique_for_date, field.unique_for_month, field.unique_for_year)
            yield from (frozenset({field.name, str(date)}) for date in dates if date)
        for constraint in owner._meta.constraints:
            yield _fields_of(owner, constraint)


def _fields_of(model: type[models.Model], constraint: Any) -> frozenset[str]:
    """Return the fields that a constraint speaks of; all where it does not say."""
    found = set(getattr(constraint, "fields", ()))
    expressions = [getattr(constraint, "condition", None), *getattr(constraint, "expressions", ())]
    for expression in expressions:
        part = expression[0] if isinstance(expression, (list, tuple)) else expression
        if isinstance(part, str):
            found.add(part)
        elif part is not None:
            found |= _names_in(part)
    names: Mapping[str, Any] = {name: field for field in model._meta.fields for name in (field.name, field.attname)}
    known = {names[name].name for name in found if name in names}
    return frozenset(known if len(known) == len(found) else {field.name for field in model._meta.fields})


def _names_in(expression: Any) -> set[str]:
    if isinstance(expression, models.Q):
        return set(expression.referenced_base_fields)
    parts: list[Any] = [expression] if isinstance(expression, F) else list(expression.flatten())
    return {str(part.name).split("__")[0] for part in parts if isinstance(part, F)}  # type: ignore[attr-defined]
