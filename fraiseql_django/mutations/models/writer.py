"""Objects written by their input: columns, relations, and the objects that are nested in it.

All errors are reported together: after an object with an error no object is saved, but those that follow are still
validated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connections, models, transaction
from django.db.models.signals import pre_save
from django.utils.translation import gettext as _

from ..._django import concrete_model, has_routers, key_fields
from ...declare.results import Error
from ...schema.routing import require_here
from ..constraints import errors_of
from ..context import MutationContext
from .fields import Fields
from .relations import write_list, write_one
from .rows import RowKey, key_of, primary_key
from .validation import (
    Path,
    assign,
    dotted,
    errors_from,
    field_violations,
    has_deferrable,
    violations,
    violations_at_the_end,
)
from .visibility import WrittenRows

_T = TypeVar("_T")
_NOTHING: Mapping[str, Any] = {}


class WriteRefused(Exception):
    """A mutation is undone because its input has these errors."""

    def __init__(self, errors: list[Error]) -> None:
        super().__init__(errors)
        self.errors = errors


class ObjectWriter:
    """Writes the objects of one mutation, and collects their errors; ``written`` records their rows."""

    def __init__(self, context: MutationContext, type_name: str) -> None:
        self.context = context
        self.written = WrittenRows(context, type_name)
        self.alias = context.database
        self.errors: list[Error] = []
        # the path of the object whose statement PostgreSQL may refuse, and the GraphQL names of its fields
        self.path: Path = ()
        self.keys: Mapping[str, str] = {}
        # what is checked when all is written
        self._at_the_end: list[Callable[[], Iterator[Error]]] = []
        # the rows that are read already, and not yet written with all that is nested in their input
        self._held: dict[tuple[type[models.Model], RowKey], models.Model] = {}

    def refuse(self, error: ValidationError, path: Path, code: int = 422) -> None:
        """Record an error at a path."""
        self.errors += errors_from(error, None, path, {}, code)

    def own(self, row: models.Model) -> models.Model:
        """Return a row, recorded as one of the mutation's own."""
        self.written.own(row)
        return row

    @contextmanager
    def holding(self, rows: Iterable[models.Model]) -> Iterator[None]:
        """Keep rows that are about to be written from what is nested in their inputs, which would read them again.

        One of the two writes would be lost.
        """
        held = {key: row for row in rows for key in _row_keys(row) if key not in self._held}
        self._held |= held
        try:
            yield
        finally:
            for key in held:
                del self._held[key]

    def _is_held(self, instance: models.Model, path: Path) -> bool:
        """Whether a row is being written further out in the input; then an error is recorded."""
        if all(self._held.get(key, instance) is instance for key in _row_keys(instance)):
            return False
        message = _("This object is already being written by this mutation.")
        self.refuse(ValidationError(message, code="invalid"), path)
        return True

    def create(
        self, fields: Fields, values: Mapping[str, Any], path: Path, preset: Mapping[str, Any] = _NOTHING
    ) -> models.Model:
        """Create an object; ``preset`` are objects that its foreign keys refer to because of its place in the input.

        The object is not saved where there are errors.
        """
        instance = fields.model()
        # validation queries the database that the object is written to
        instance._state.db = self.alias
        return self.write(instance, fields, values, path, preset)

    def write(
        self,
        instance: models.Model,
        fields: Fields,
        values: Mapping[str, Any],
        path: Path,
        preset: Mapping[str, Any] = _NOTHING,
        bumped: str | None = None,
    ) -> models.Model:
        """Change an object by its input, and save it; ``bumped`` is a field that counts its versions."""
        if not values and not preset and not instance._state.adding:
            return instance
        if instance._state.adding:
            return self._write(instance, fields, values, path, preset, bumped)
        if not self._is_held(instance, path):
            with self.holding([instance]):
                self._write(instance, fields, values, path, preset, bumped)
        return instance

    def _write(
        self,
        instance: models.Model,
        fields: Fields,
        values: Mapping[str, Any],
        path: Path,
        preset: Mapping[str, Any],
        bumped: str | None,
    ) -> models.Model:
        before = None if instance._state.adding else _snapshot(instance)
        wrong = self._relate(instance, fields, values, path, preset)
        wrong |= self._assign(instance, fields, values, path)
        if bumped is not None:
            setattr(instance, bumped, getattr(instance, bumped) + 1)
        written = {*values, *preset}
        self._validate(instance, fields, path, written, wrong)
        self.save(instance, fields, path, before, written)
        for name, relation in fields.relations.items():
            if name in values and not relation.forward:
                write_list(self, instance, relation, values[name], (*path, relation.key), created=before is None)
        return instance

    def delete(self, instance: models.Model, path: Path) -> None:
        """Delete an object."""
        if self._is_held(instance, path):
            return
        self.path, self.keys = path, {}
        instance.delete(using=self.alias)

    def _validate(self, instance: models.Model, fields: Fields, path: Path, written: set[str], wrong: set[str]) -> None:
        """Record the errors of an object; deferrable constraints are checked at the end, as PostgreSQL checks them."""

        def errors(problems: dict[str, list[Any]]) -> Iterator[Error]:
            if problems:
                yield from errors_from(ValidationError(problems), type(instance), path, fields.keys)

        self.errors += errors(violations(instance, written, wrong))
        if has_deferrable(type(instance)):
            self._at_the_end.append(lambda: errors(violations_at_the_end(instance, written, wrong)))

    def check_at_the_end(self) -> None:
        """Record errors of what depends on all that is written."""
        if not self.errors:
            self.errors += [error for check in self._at_the_end for error in check()]

    def assign(self, instance: models.Model, fields: Fields, values: Mapping[str, Any], path: Path) -> None:
        """Set the fields of an object by its input, and validate them each for itself; it is not saved."""
        wrong = self._relate(instance, fields, values, path, {}) | self._assign(instance, fields, values, path)
        problems = field_violations(instance, values, wrong)
        if problems:
            self.errors += errors_from(ValidationError(problems), type(instance), path, fields.keys)

    def save(
        self,
        instance: models.Model,
        fields: Fields,
        path: Path,
        before: Mapping[str, Any] | None,
        written: set[str],
    ) -> None:
        """Save an object, unless it or one before it has errors."""
        if self.errors:
            return
        self.path, self.keys = path, fields.keys
        try:
            if before is None:
                # a hidden row with this key must not be overwritten
                force: Any = (models.Model,) if instance._meta.parents else True
                instance.save(using=self.alias, force_insert=force)
            elif _is_hooked(type(instance)):
                instance.save(using=self.alias)
            else:
                instance.save(using=self.alias, update_fields=_changed(instance, before, written))
            self.written.record([instance])
        except ValidationError as error:
            # from a save() or a signal receiver that validates
            self.errors += errors_from(error, type(instance), path, fields.keys)

    def _relate(
        self,
        instance: models.Model,
        fields: Fields,
        values: Mapping[str, Any],
        path: Path,
        preset: Mapping[str, Any],
    ) -> set[str]:
        """Set the foreign keys of the object; return those that could not be set."""
        wrong: set[str] = set()
        for name, other in preset.items():
            if not isinstance(other, models.Model):
                # a value that was copied; null, or that of a foreign key
                setattr(instance, instance._meta.get_field(name).attname, other)  # type: ignore[union-attr]
            elif not other._state.adding:
                setattr(instance, name, other)
            else:
                wrong.add(name)
        for name, relation in fields.relations.items():
            if not (name in values and relation.forward):
                continue
            if not write_one(self, instance, relation, values[name], (*path, relation.key)):
                wrong.add(name)
        return wrong

    def _assign(self, instance: models.Model, fields: Fields, values: Mapping[str, Any], path: Path) -> set[str]:
        """Set the columns of the object; return the fields that could not take their values."""
        wrong: set[str] = set()
        for name, column in fields.columns.items():
            if name in values:
                try:
                    assign(instance, column, values[name])
                except ValidationError as error:
                    self.errors += errors_from(error, fields.model, (*path, column.key), {})
                    wrong.add(name)
        return wrong


def attempt(context: MutationContext, type_name: str, write: Callable[[ObjectWriter], _T]) -> _T:
    """Call a function that writes for a mutation over the type ``type_name``, and return its result.

    Raises WriteRefused with all errors of the input, and OperationError where the viewer does not see what was written;
    the database is then as it was. Deferred constraints are checked here and not at the commit, so that their
    violations are errors of the input, too.
    """
    if has_routers():
        require_here(context.types[type_name].model, context.database, to_write=True)
    writer = ObjectWriter(context, type_name)
    try:
        with transaction.atomic(using=context.database):
            result = write(writer)
            writer.check_at_the_end()
            if writer.errors:
                raise WriteRefused(_each_once(writer.errors))
            writer.path, writer.keys = (), {}
            connections[context.database].check_constraints()
            writer.written.check()
            return result
    except ValidationError as error:
        raise WriteRefused(list(errors_from(error, None, writer.path, writer.keys))) from error
    except IntegrityError as error:
        names = {name: str(dotted((*writer.path, key))) for name, key in writer.keys.items()}
        raise WriteRefused(errors_of(error, context, names, dotted(writer.path))) from error
    except DataError as error:
        # PostgreSQL refused a value that no validator has checked
        wrong = Error(code=422, identifier="invalid", message=_("Enter a valid value."), field=dotted(writer.path))
        raise WriteRefused([wrong]) from error


def _each_once(errors: Sequence[Error]) -> list[Error]:
    """Return errors without repetitions: many rows may have the same."""
    return list({(error.field, error.identifier, error.message): error for error in errors}.values())


def _row_keys(instance: models.Model) -> list[tuple[type[models.Model], RowKey]]:
    """Return what tells the row of an object from others, and its rows in the tables of the models it extends."""
    owners = [type(instance), *instance._meta.get_parent_list()]
    return [(concrete_model(owner), key_of(instance, primary_key(owner))) for owner in owners]


def _snapshot(instance: models.Model) -> dict[str, Any]:
    """Return an object's values; mutable ones are copied."""
    values = {name: instance.__dict__.get(name) for name in (field.attname for field in instance._meta.concrete_fields)}
    return {name: deepcopy(value) if isinstance(value, (list, dict)) else value for name, value in values.items()}


def _changed(instance: models.Model, before: Mapping[str, Any], written: set[str]) -> list[str]:
    """Return the fields to save: those that the client wrote, that ``clean`` changed, or that set themselves.

    Other values are not written back: JSON's null would become that of SQL.
    """
    return [
        field.name
        for field in instance._meta.concrete_fields
        if not (field in key_fields(type(instance)) or field.generated)
        and (
            field.name in written or sets_itself(field) or instance.__dict__.get(field.attname) != before[field.attname]
        )
    ]


def sets_itself(field: models.Field[Any, Any]) -> bool:
    """Whether a field makes its value when the object is saved, as with ``auto_now``."""
    owner = next(cls for cls in type(field).__mro__ if "pre_save" in vars(cls))
    if owner in (models.DateField, models.DateTimeField, models.TimeField):
        return bool(field.auto_now)  # type: ignore[attr-defined]
    return owner is not models.Field and not isinstance(field, models.FileField)


def _is_hooked(model: type[models.Model]) -> bool:
    """Whether the project's code may change an object while it is saved: then all of its fields are saved."""
    return model.save is not models.Model.save or pre_save.has_listeners(model)
