"""Objects written as an input says: values, relations, and the objects that are nested in it.

Everything is checked before anything is given up: an object that has an error is not saved, nor is any that
comes after it, but what is wrong with those is found all the same, and told together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connections, models, transaction
from django.db.models.signals import pre_save
from django.utils.translation import gettext as _

from ...declare.results import Error
from ..constraints import errors_of
from ..context import Info
from .fields import Fields
from .relations import write_list, write_one
from .validation import Path, assign, dotted, errors_from, violations
from .visibility import Written

_T = TypeVar("_T")
_NOTHING: Mapping[str, Any] = {}


class Refused(Exception):
    """What was written is undone, since something is wrong with it."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__(errors)
        self.errors = errors


class Writer:
    """Writes objects of one mutation on a database, and gathers what is wrong with them.

    ``written`` knows the rows, which are asked for once all is done.
    """

    def __init__(self, info: Info, type_name: str) -> None:
        self.info = info
        self.written = Written(info, type_name)
        self.alias = info.database
        self.errors: list[Error] = []
        # where PostgreSQL may refuse what is being written, and how the input calls the model's fields there
        self.path: Path = ()
        self.keys: Mapping[str, str] = {}

    def refuse(self, error: ValidationError, path: Path, code: int = 422) -> None:
        """Note what is wrong at a path."""
        self.errors += errors_from(error, None, path, {}, code)

    def own(self, row: models.Model) -> models.Model:
        """Return a row, which is one that the mutation is about."""
        self.written.own(row)
        return row

    def create(
        self, fields: Fields, given: Mapping[str, Any], path: Path, preset: Mapping[str, Any] = _NOTHING
    ) -> models.Model:
        """Make an object; ``preset`` are relations that its place in the input says, by field.

        The object is not saved where anything was wrong.
        """
        instance = fields.model()
        # validation asks the database that the object is going to
        instance._state.db = self.alias
        return self.write(instance, fields, given, path, preset)

    def write(
        self,
        instance: models.Model,
        fields: Fields,
        given: Mapping[str, Any],
        path: Path,
        preset: Mapping[str, Any] = _NOTHING,
        bumped: str | None = None,
    ) -> models.Model:
        """Change an object as an input says, and save it; ``bumped`` is a field that counts its versions."""
        if not given and not preset and not instance._state.adding:
            return instance
        before = None if instance._state.adding else _snapshot(instance)
        wrong = self._relate(instance, fields, given, path, preset)
        wrong |= self._assign(instance, fields, given, path)
        if bumped is not None:
            setattr(instance, bumped, getattr(instance, bumped) + 1)
        written = {*given, *preset}
        problems = violations(instance, written, wrong)
        if problems:
            self.errors += errors_from(ValidationError(problems), type(instance), path, fields.keys)
        self.save(instance, fields, path, before, written)
        for name, link in fields.links.items():
            if name in given and not link.forward:
                write_list(self, instance, link, given[name], (*path, link.key), created=before is None)
        return instance

    def save(
        self,
        instance: models.Model,
        fields: Fields,
        path: Path,
        before: Mapping[str, Any] | None,
        written: set[str],
    ) -> None:
        """Save an object, unless something was wrong with it or with one before it."""
        if self.errors:
            return
        self.path, self.keys = path, fields.keys
        try:
            if before is None:
                # a row with this key, hidden from clients, is not theirs to overwrite
                force: Any = (models.Model,) if instance._meta.parents else True
                instance.save(using=self.alias, force_insert=force)
            elif _is_hooked(type(instance)):
                instance.save(using=self.alias)
            else:
                instance.save(using=self.alias, update_fields=_changed(instance, before, written))
            self.written.note([instance])
        except ValidationError as error:
            # of a save() or a receiver that checks by itself
            self.errors += errors_from(error, type(instance), path, fields.keys)

    def _relate(
        self,
        instance: models.Model,
        fields: Fields,
        given: Mapping[str, Any],
        path: Path,
        preset: Mapping[str, Any],
    ) -> set[str]:
        """Set the keys that are columns of the object; return those that could not be."""
        wrong: set[str] = set()
        for name, other in preset.items():
            if other is None or not other._state.adding:
                setattr(instance, name, other)
            else:
                wrong.add(name)
        for name, link in fields.links.items():
            if name in given and link.forward and not write_one(self, instance, link, given[name], (*path, link.key)):
                wrong.add(name)
        return wrong

    def _assign(self, instance: models.Model, fields: Fields, given: Mapping[str, Any], path: Path) -> set[str]:
        """Set the object's values; return the fields that could not take theirs."""
        wrong: set[str] = set()
        for name, value in fields.values.items():
            if name in given:
                try:
                    assign(instance, value, given[name])
                except ValidationError as error:
                    self.errors += errors_from(error, fields.model, (*path, value.key), {})
                    wrong.add(name)
        return wrong


def attempt(info: Info, type_name: str, write: Callable[[Writer], _T]) -> _T:
    """Call a function that writes for a mutation over the type, and return what it returns.

    Raises Refused with everything that was wrong, and OperationError where what was written is not there for the
    viewer; the database is then as it was. Deferred constraints are checked here, where what they refuse can still
    be told as data, and not at the commit.
    """
    alias = info.database
    writer = Writer(info, type_name)
    try:
        with transaction.atomic(using=alias):
            result = write(writer)
            if writer.errors:
                raise Refused(writer.errors)
            writer.path, writer.keys = (), {}
            connections[alias].check_constraints()
            writer.written.check()
            return result
    except ValidationError as error:
        raise Refused(list(errors_from(error, None, writer.path, writer.keys))) from error
    except IntegrityError as error:
        names = {name: str(dotted((*writer.path, key))) for name, key in writer.keys.items()}
        raise Refused(errors_of(error, alias, names, dotted(writer.path), info)) from error
    except DataError as error:
        # of a value that no validator looked at
        wrong = Error(code=422, identifier="invalid", message=_("Enter a valid value."), field=dotted(writer.path))
        raise Refused([wrong]) from error


def _snapshot(instance: models.Model) -> dict[str, Any]:
    """Keep an object's values; what could be changed in its place is copied."""
    values = {name: instance.__dict__.get(name) for name in (field.attname for field in instance._meta.concrete_fields)}
    return {name: deepcopy(value) if isinstance(value, (list, dict)) else value for name, value in values.items()}


def _changed(instance: models.Model, before: Mapping[str, Any], written: set[str]) -> list[str]:
    """Return the fields to save: those that were given, were changed by ``clean``, or set themselves, as auto_now.

    What was read is not written back: a null of JSON's own would become one of SQL.
    """
    return [
        field.name
        for field in instance._meta.concrete_fields
        if not (field in instance._meta.pk_fields or field.generated)
        and (
            field.name in written
            or _sets_itself(field)
            or instance.__dict__.get(field.attname) != before[field.attname]
        )
    ]


def _sets_itself(field: models.Field[Any, Any]) -> bool:
    owner = next(cls for cls in type(field).__mro__ if "pre_save" in vars(cls))
    return owner is not models.Field and not isinstance(field, models.FileField)


def _is_hooked(model: type[models.Model]) -> bool:
    """Whether the project may change an object while it is saved: then the whole of it is saved."""
    return model.save is not models.Model.save or pre_save.has_listeners(model)
