"""Updates and deletions of all rows that match a condition, and copies: chosen, locked, chosen again, and written.

The planner makes the statement that reads the keys of the rows that match, so that its conditions mean what they mean
in queries, and no rule is forgotten. Between it and the locks another transaction may change a row; so the statement is
sent again when the rows are locked, and those that do not match any longer are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Cast
from django.forms import ModelChoiceField

from ..._django import key_fields
from ...schema.django_fields import concrete
from ..context import MutationContext
from .fields import Fields
from .finder import InputItem, RowFinder
from .relations import too_many
from .rows import RowKey, lock, primary_key, same_keys
from .validation import Path
from .writer import ObjectWriter, attempt, sets_itself


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChooser:
    """Chooses the rows of a mutation, ``most`` of them or fewer; ``rows`` knows their key."""

    rows: RowFinder
    most: int

    def choose(self, writer: ObjectWriter) -> list[models.Model]:
        """Lock and return the rows that match; record an error where there are too many."""
        model, context = self.rows.model, writer.context
        columns = primary_key(model)
        found = context.chosen()
        if len(found) > self.most:
            writer.refuse(too_many(self.most), ("where",))
            return []
        if not found:
            return []
        locked = lock(model, context, columns, [_key(model, values, context.database) for values in found])
        again = context.chosen()
        if again == found:
            return list(locked.values())
        keys = [_key(model, values, context.database) for values in again]
        same = same_keys(model, context, columns, keys, locked)
        matching = {same.get(key, key) for key in keys}
        return [row for key, row in locked.items() if key in matching]


def _key(model: type[models.Model], values: Sequence[Any], alias: str) -> RowKey:
    """Return a key as instances have it, from the values that JSON has of it."""
    return tuple(
        _from_json(concrete(field), value, alias) for field, value in zip(key_fields(model), values, strict=True)
    )


def _from_json(field: Any, value: Any, alias: str) -> Any:
    if hasattr(field, "from_db_value"):
        return field.from_db_value(value, field.cached_col, connections[alias])
    return field.to_python(value)


def update(context: MutationContext, fields: Fields, chooser: RowChooser, item: InputItem) -> list[models.Model]:
    """Change the chosen rows one by one, by ``save()``; raise WriteRefused."""

    def write(writer: ObjectWriter) -> list[models.Model]:
        found = chooser.choose(writer)
        with writer.holding(found):
            return [
                writer.own(writer.write(row, fields, item.values, item.path, bumped=chooser.rows.bumped))
                for row in found
            ]

    return attempt(context, chooser.rows.type_name, write)


def create(
    context: MutationContext,
    fields: Fields,
    chooser: RowChooser,
    item: InputItem,
    copied: Mapping[str, str],
    type_name: str,
) -> list[models.Model]:
    """Create an object of the type ``type_name`` from each chosen row; raise WriteRefused.

    ``copied`` are the fields that take their values from the row, with its fields, or ``self`` for the row itself.
    """

    def write(writer: ObjectWriter) -> list[models.Model]:
        found = chooser.choose(writer)
        copies = [_copies(row, copied) for row in found]
        if not all(_is_shown(writer, fields.model, name, copies, item.path) for name in copied):
            return []
        return [writer.own(writer.create(fields, item.values, item.path, of_row)) for of_row in copies]

    return attempt(context, type_name, write)


def _copies(row: models.Model, copied: Mapping[str, str]) -> dict[str, Any]:
    return {
        # of a foreign key its value
        name: row if of == "self" else getattr(row, row._meta.get_field(of).attname)  # type: ignore[union-attr]
        for name, of in copied.items()
    }


def _is_shown(
    writer: ObjectWriter, model: type[models.Model], name: str, copies: Sequence[Mapping[str, Any]], path: Path
) -> bool:
    """Whether the viewer sees all rows that copies of a foreign key refer to; otherwise an error is recorded."""
    field: Any = model._meta.get_field(name)
    if field.related_model is None:
        return True
    to = field.target_field.attname
    given = (copy[name] for copy in copies)
    keys = {getattr(value, to) if isinstance(value, models.Model) else value for value in given} - {None}
    shown = writer.context.visible(field.related_model).filter(**{f"{to}__in": keys})
    if not keys or shown.order_by().values(to).distinct().count() == len(keys):
        return True
    # the message has no key: the client has not sent it, and may not see it
    message = ModelChoiceField.default_error_messages["invalid_choice"]
    writer.refuse(ValidationError(message, code="not_found"), path, 404)
    return False


def delete(context: MutationContext, chooser: RowChooser, answer: Callable[[list[models.Model]], Any]) -> Any:
    """Delete the chosen rows; return the ``answer`` to them, read before; raise WriteRefused."""

    def write(writer: ObjectWriter) -> Any:
        found = chooser.choose(writer)
        if writer.errors:
            return None
        answered = answer(found)
        for row in found:
            writer.delete(row, ())
        return answered

    return attempt(context, chooser.rows.type_name, write)


def update_without_save(
    context: MutationContext, fields: Fields, chooser: RowChooser, item: InputItem
) -> list[models.Model]:
    """Change the chosen rows by one statement; raise WriteRefused.

    The values are validated like those of a form: by the validators of their fields, without ``clean()`` of the model.
    """

    def write(writer: ObjectWriter) -> list[models.Model]:
        found = chooser.choose(writer)
        changed = {name: value for name, value in item.values.items() if _starts_from_value(fields, name)}
        for index, row in enumerate(found):
            # what is the same for all is validated once
            values = changed if index else item.values
            if values:
                writer.assign(row, fields, values, item.path)
            writer.own(row)
        if found and item.values and not writer.errors:
            _update_all(writer, fields, found, item, chooser.rows.bumped)
        return found

    return attempt(context, chooser.rows.type_name, write)


def _update_all(
    writer: ObjectWriter, fields: Fields, rows: Sequence[models.Model], item: InputItem, bumped: str | None
) -> None:
    writer.path, writer.keys = item.path, fields.keys
    values = {name: getattr(rows[0], name) for name in item.values}
    for name in item.values:
        if _starts_from_value(fields, name):
            values[name] = _each(rows, fields.columns[name].field)
    for field in rows[0]._meta.concrete_fields:
        if field.name not in values and not field.primary_key and not field.generated and sets_itself(field):
            # auto_now: the same moment for all
            values[field.name] = field.pre_save(rows[0], False)
    if bumped is not None:
        values[bumped] = F(bumped) + 1
    model = type(rows[0])
    model._base_manager.using(writer.alias).filter(pk__in=[row.pk for row in rows]).update(**values)
    writer.written.record(rows)


def _starts_from_value(fields: Fields, name: str) -> bool:
    return name in fields.columns and fields.columns[name].changes is not None


def _each(rows: Sequence[models.Model], field: models.Field[Any, Any]) -> Any:
    """Return an expression for the value that each row has in Python."""
    found = {row.pk: getattr(row, field.attname) for row in rows}
    # SQL's null is not that of JSON
    cases = [
        When(pk=key, then=Value(None) if value is None else Value(value, output_field=field))
        for key, value in found.items()
    ]
    return Cast(Case(*cases, output_field=field), output_field=field)
