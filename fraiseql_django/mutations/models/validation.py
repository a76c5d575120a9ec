"""Django's validation of an object before it is saved, and its errors as data with paths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models, router
from django.db.models import Deferrable, F
from django.utils.translation import gettext as _

from ..._django import all_parents
from ...declare.results import Error
from ...errors import InvalidInput
from ..constraints import described
from .changes import changed
from .fields import WrittenColumn

Path: TypeAlias = tuple[str | int, ...]


def dotted(path: Path) -> str | None:
    """Return a path in an input as errors show it: ``parent.create.slug``."""
    return ".".join(map(str, path)) or None


def errors_from(
    raised: ValidationError, model: type[models.Model] | None, path: Path, keys: Mapping[str, str], code: int = 422
) -> Iterator[Error]:
    """Turn Django's errors into data; ``keys`` are the GraphQL names of the input's fields, by those of the model's."""
    if not raised.messages:
        yield Error(code=code, identifier="invalid", message=_("Enter a valid value."), field=dotted(path))
    fields = raised.error_dict if hasattr(raised, "error_dict") else {NON_FIELD_ERRORS: raised.error_list}
    for name, items in fields.items():
        for item in items:
            identifier, of_constraint = described(item, model)
            concerned = of_constraint or name if name == NON_FIELD_ERRORS else name
            field = dotted((*path, keys[concerned]) if concerned in keys else path)
            yield Error(code=code, identifier=identifier, message=item.messages[0], field=field)


def assign(instance: models.Model, column: WrittenColumn, value: Any) -> None:
    """Assign a client's value to an object's field; raise ValidationError for one that the field cannot take."""
    field = column.field
    if value is not None and column.changes is not None:
        before = getattr(instance, field.name)
        value = _stored(lambda: changed(column.changes or {}, field, before, value))
    elif value is not None:
        value = _of_client(column, value)
    if value is None and not column.nullable:
        raise ValidationError(field.error_messages["null"], code="null")
    setattr(instance, field.name, value)


def _of_client(column: WrittenColumn, value: Any) -> Any:
    field = column.field
    if isinstance(field, models.FileField):
        # the form field validates the file's content, which the model's field does not
        form_field: Any = field.formfield()
        return form_field.clean(value)
    return _stored(lambda: column.prepare(value))


def _stored(prepare: Callable[[], Any]) -> Any:
    """Return a value that PostgreSQL can store; raise ValidationError for others."""
    try:
        return prepare()
    except InvalidInput as error:
        if "U+0000" in error.message:
            null = ProhibitNullCharactersValidator
            raise ValidationError(null.message, code=null.code) from None
        raise ValidationError(_("Enter a valid value."), code="invalid") from None


def violations(instance: models.Model, written: Collection[str], wrong: Collection[str]) -> dict[str, list[Any]]:
    """Return the errors of Django's validation of an object, by field.

    ``written`` are the fields that the client has written, ``wrong`` those of them that have an error already. Other
    fields are not validated, whatever their values: rules over several fields are checked where one of them is
    written. A new object is validated whole (Django documentation, "Validating objects").
    """
    errors: dict[str, list[Any]] = {}
    _collect(errors, lambda: _clean(instance, _unchecked(instance, written, wrong), whole=not wrong))
    skipped = _skipped(instance, written, wrong)
    # Django queries the database that it reads from; where the object is written to another, PostgreSQL checks it
    if router.db_for_read(type(instance)) == instance._state.db:
        _collect(errors, lambda: instance.validate_unique(exclude=skipped | errors.keys()))
    if has_deferrable(type(instance)):
        _collect(errors, lambda: _validate_constraints(instance, skipped | errors.keys(), deferrable=False))
    else:
        _collect(errors, lambda: instance.validate_constraints(exclude=skipped | errors.keys()))
    return errors


def field_violations(instance: models.Model, written: Collection[str], wrong: Collection[str]) -> dict[str, list[Any]]:
    """Return the errors of the fields alone, each by its own validators."""
    errors: dict[str, list[Any]] = {}
    _collect(errors, lambda: _clean(instance, _unchecked(instance, written, wrong), whole=False))
    return errors


def _unchecked(instance: models.Model, written: Collection[str], wrong: Collection[str]) -> set[str]:
    """Return the fields whose values are not checked: those that the client has not written, and wrong ones."""
    everything = {field.name for field in instance._meta.get_fields()}
    # blank is for forms: a null in a column that may be null is not checked for it
    checked = {
        field.name
        for field in instance._meta.fields
        if field.name in written and getattr(instance, field.attname) is not None
    }
    return everything - checked | set(wrong)


def violations_at_the_end(
    instance: models.Model, written: Collection[str], wrong: Collection[str]
) -> dict[str, list[Any]]:
    """Return the violations of deferrable constraints: two objects may have exchanged values that are unique."""
    errors: dict[str, list[Any]] = {}
    # its key is gone if it was deleted in the meantime
    if instance.pk is not None:
        skipped = _skipped(instance, written, wrong)
        _collect(errors, lambda: _validate_constraints(instance, skipped, deferrable=True))
    return errors


def has_deferrable(model: type[models.Model]) -> bool:
    """Whether a model has constraints that are checked at the end, by Django's own validation."""
    if model.validate_constraints is not models.Model.validate_constraints:
        return False
    return any(_is_deferrable(constraint) for owner in (model, *all_parents(model))
               for constraint in owner._meta.constraints)  # fmt: skip


def _is_deferrable(constraint: Any) -> bool:
    return getattr(constraint, "deferrable", None) is Deferrable.DEFERRED


def _validate_constraints(instance: models.Model, exclude: set[str], *, deferrable: bool) -> None:
    """Validate those constraints that are deferrable, or those that are not, as Django's method does with all."""
    errors: dict[str, list[Any]] = {}
    constraint: Any
    for model, constraints in instance.get_constraints():
        for constraint in constraints:
            if _is_deferrable(constraint) is not deferrable:
                continue
            try:
                constraint.validate(model, instance, exclude=exclude, using=instance._state.db)
            except ValidationError as error:
                if getattr(error, "code", None) == "unique" and len(constraint.fields) == 1:
                    errors.setdefault(constraint.fields[0], []).append(error)
                else:
                    error.update_error_dict(errors)
    if errors:
        raise ValidationError(errors)


def _skipped(instance: models.Model, written: Collection[str], wrong: Collection[str]) -> set[str]:
    """Return the fields whose rules are not checked."""
    if instance._state.adding:
        return set(wrong)
    everything = {field.name for field in instance._meta.get_fields()}
    return everything - _checked_with(type(instance), written) | set(wrong)


def _clean(instance: models.Model, exclude: set[str], *, whole: bool) -> None:
    if whole:
        instance.full_clean(exclude=exclude, validate_unique=False, validate_constraints=False)
    else:
        # clean() expects an object whose fields are right: it may use a relation that could not be set
        instance.clean_fields(exclude=exclude)


def _collect(errors: dict[str, list[Any]], check: Callable[[], None]) -> None:
    try:
        check()
    except ValidationError as error:
        error.update_error_dict(errors)


def _checked_with(model: type[models.Model], written: Collection[str]) -> set[str]:
    """Return the written fields, and all fields that share a rule with one of them."""
    fields = set(written)
    for rule in _rules(model):
        if not rule.isdisjoint(written):
            fields |= rule
    return fields


def _rules(model: type[models.Model]) -> Iterator[frozenset[str]]:
    """Yield the fields of each rule over several of them."""
    for owner in (model, *all_parents(model)):
        yield from map(frozenset, owner._meta.unique_together)
        field: Any
        for field in owner._meta.local_fields:
            dates = (field.unique_for_date, field.unique_for_month, field.unique_for_year)
            yield from (frozenset({field.name, str(date)}) for date in dates if date)
        for constraint in owner._meta.constraints:
            yield _fields_of(owner, constraint)


def _fields_of(model: type[models.Model], constraint: Any) -> frozenset[str]:
    """Return the fields of a constraint; all fields of the model where they cannot be determined."""
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
