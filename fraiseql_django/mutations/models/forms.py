"""Mutations through a ModelForm: their input, how the form is filled in, and which rows may be chosen in it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist
from django.db import models
from django.utils.datastructures import MultiValueDict
from graphql import GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInputType, GraphQLInt, GraphQLString

from ..._django import many_to_many_fields
from ...declare.model_mutations import ModelMutation
from ...errors import DeclarationError
from ...schema.arguments import InputMember
from ...schema.django_fields import ColumnDescriber
from ...schema.scalars import graphql as leaves
from ..context import MutationContext
from .access import check_readable
from .fields import FieldsDescriber
from .finder import InputItem, RowFinder
from .inputs import list_of
from .rows import only_visible
from .validation import Path, errors_from
from .visibility import WrittenRows
from .writer import ObjectWriter, attempt


def restrict_choices(form: forms.BaseModelForm[Any], names: Collection[str], context: MutationContext) -> None:
    """Restrict choices to rows of the mutation's database and, in the named fields, to those that the viewer sees.

    Other fields keep the rows that are chosen in them, hidden ones, too.
    """
    for name, field in form.fields.items():
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            choices = field.queryset.using(context.database)
            ruled = name in names and bool(context.rules(choices.model))
            field.queryset = only_visible(choices, context) if ruled else choices


def keep_hidden(form: forms.BaseModelForm[Any], names: Collection[str], context: MutationContext) -> list[models.Model]:
    """Add to the chosen rows of lists those that were chosen before and are hidden.

    Return the visible rows that are or were chosen, of models with row rules.
    """
    written: list[models.Model] = []
    for name in names:
        field: Any = form.fields[name]
        if not isinstance(field, forms.ModelMultipleChoiceField) or not context.rules(model := model_of(field)):
            continue
        # the field's own initial value is not the object's
        initial = form.get_initial_for_field(field, name) if name in form.initial else None
        before = field.prepare_value(initial) or []
        rows = model._base_manager.using(context.database)
        there = {row.pk: row for row in rows.filter(**{f"{field.to_field_name or 'pk'}__in": before})}
        seen = set(context.visible(model).filter(pk__in=there).values_list("pk", flat=True))
        chosen = list(form.cleaned_data.get(name) or ())
        written += [*chosen, *(row for key, row in there.items() if key in seen)]
        if hidden := there.keys() - seen:
            form.cleaned_data[name] = rows.filter(pk__in=[*(row.pk for row in chosen), *hidden])
    return written


@contextmanager
def recording_links(instance: models.Model, names: Collection[str], written: WrittenRows) -> Iterator[None]:
    """Record the rows of tables between that are created meanwhile, where a row rule is about them."""
    fields: list[Any] = [field for field in type(instance)._meta.many_to_many if field.name in names]
    ruled = [field for field in fields if written.context.rules(field.remote_field.through)]

    def links() -> set[models.Model]:
        found: set[models.Model] = set()
        for field in ruled:
            through = field.remote_field.through
            to_instance: Any = through._meta.get_field(many_to_many_fields(field)[0])
            here, key = to_instance.attname, getattr(instance, to_instance.target_field.attname)
            found.update(through._base_manager.using(written.context.database).filter(**{here: key}))
        return found

    before = links() if instance.pk is not None else set()
    yield
    written.record(links() - before)


def model_of(field: Any) -> type[models.Model]:
    """Return the model whose rows are the choices of a field."""
    model: type[models.Model] = field.queryset.model
    return model


# The first class of a form field's ancestry that stands here decides.
_INPUTS: Mapping[type[forms.Field], Any] = {
    forms.ModelMultipleChoiceField: list_of(GraphQLID),
    forms.ModelChoiceField: GraphQLID,
    forms.MultipleChoiceField: list_of(GraphQLString),
    forms.FileField: leaves.UPLOAD,
    forms.JSONField: leaves.JSON,
    forms.BooleanField: GraphQLBoolean,
    forms.NullBooleanField: GraphQLBoolean,
    forms.FloatField: GraphQLFloat,
    forms.DecimalField: leaves.DECIMAL,
    forms.IntegerField: GraphQLInt,
    forms.DateTimeField: leaves.DATE_TIME,
    forms.DateField: leaves.DATE,
    forms.TimeField: leaves.TIME,
    forms.DurationField: leaves.DURATION,
    forms.UUIDField: leaves.GRAPHQL_UUID,
    forms.ChoiceField: GraphQLString,
    forms.CharField: GraphQLString,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FormMutation:
    """A ModelForm that a mutation fills in and saves; ``members`` are the fields of its input."""

    form: type[forms.BaseModelForm[Any]]
    model: type[models.Model]
    type_name: str
    members: Mapping[str, InputMember]

    def save(self, context: MutationContext, rows: RowFinder | None, items: Sequence[InputItem]) -> list[models.Model]:
        """Save a form for each item, over its row, which ``rows`` finds (None: over a new one); raise WriteRefused."""

        def write(writer: ObjectWriter) -> list[models.Model]:
            found = rows.find(writer, items) if rows is not None else [None] * len(items)
            made = []
            for item, row in zip(items, found, strict=True):
                if rows is None or row is not None:
                    bumped = rows.bumped if rows is not None else None
                    made.append(
                        self._save_one(writer, item, self._new(context.database) if row is None else row, bumped)
                    )
            return made

        return attempt(context, self.type_name, write)

    def check(self, context: MutationContext, item: InputItem) -> None:
        """Raise OperationError where an item chooses among rows that the viewer may not read."""
        for name, field in self.form.base_fields.items():  # type: ignore[attr-defined]
            if item.values.get(name) is not None and isinstance(field, forms.ModelChoiceField):
                check_readable(context, model_of(field))

    def _new(self, alias: str) -> models.Model:
        instance = self.model()
        instance._state.db = alias
        return instance

    def _save_one(
        self, writer: ObjectWriter, item: InputItem, instance: models.Model, bumped: str | None
    ) -> models.Model:
        if not item.values and not instance._state.adding:
            return instance
        form = self._bound(item, instance, writer.context)
        writer.path, writer.keys = item.path, {name: writer.context.conventions.name(name) for name in self.members}
        if not form.is_valid():
            for name, errors in form.errors.as_data().items():
                keys = writer.keys if name == NON_FIELD_ERRORS else {}
                for error in errors:
                    writer.errors += errors_from(error, self.model, self._path(writer, item.path, name), keys)
        if not writer.errors:
            if bumped is not None:
                setattr(instance, bumped, getattr(instance, bumped) + 1)
            changed = keep_hidden(form, item.values, writer.context)
            with recording_links(instance, item.values, writer.written):
                saved = form.save()
            writer.written.record([saved, *changed])
            return writer.own(saved)
        return instance

    def _path(self, writer: ObjectWriter, path: Path, name: str) -> Path:
        return (*path, writer.context.conventions.name(name)) if name in self.members else path

    def _bound(self, item: InputItem, instance: models.Model, context: MutationContext) -> forms.BaseModelForm[Any]:
        """Fill the form in with the item's values, and in other fields with what it would show."""
        shown = self.form(instance=instance)
        data = {
            name: _shown(shown, name) for name, field in shown.fields.items() if not isinstance(field, forms.FileField)
        }
        files: MultiValueDict[str, Any] = MultiValueDict()
        for name, value in item.values.items():
            field = shown.fields[name]
            if not isinstance(field, forms.FileField):
                data[name] = _written(field, value)
            elif value is None:
                # the checkbox of ClearableFileInput
                data[f"{name}-clear"] = "on"
            else:
                files[name] = value
        form = self.form(data=data, files=files, instance=instance)
        restrict_choices(form, item.values, context)
        return form


def describe_form(
    form: Any, model: type[models.Model], mutation: ModelMutation, columns: ColumnDescriber
) -> FormMutation:
    """Describe the input of a form's mutation.

    Raises DeclarationError where ``form`` is no ModelForm of the model, and for a field without a known input type.
    """
    if not (isinstance(form, type) and issubclass(form, forms.BaseModelForm)):
        raise DeclarationError(f"{mutation.where}: form is {form!r}, must be a ModelForm")
    over = form._meta.model
    if over is not model:
        raise DeclarationError(
            f"{mutation.where}: {form.__name__} is a form of {getattr(over, '__name__', None)}, not of {model.__name__}"
        )
    members = {}
    for name, field in form.base_fields.items():  # type: ignore[attr-defined]
        if not field.disabled:
            # null is one of a NullBooleanField's values
            needed = field.required and not isinstance(field, forms.NullBooleanField)
            required = needed and mutation.kind == "create" and field.initial is None
            graphql = _input_of(form, model, name, field, mutation.where, columns)
            members[name] = InputMember(type=graphql, required=required)
    return FormMutation(form=form, model=model, type_name=mutation.type_declaration.name, members=members)


def _input_of(
    form: Any, model: type[models.Model], name: str, field: forms.Field, where: str, columns: ColumnDescriber
) -> GraphQLInputType:
    known: GraphQLInputType | None = next((_INPUTS[base] for base in type(field).__mro__ if base in _INPUTS), None)
    try:
        column: Any = model._meta.get_field(name) if name not in form.declared_fields else None
    except FieldDoesNotExist:
        column = None
    if column is not None and not column.is_relation and not isinstance(field, forms.MultiValueField):
        described = FieldsDescriber(where, columns, creates=True, updates=False).describe(model, [name])
        return described.columns[name].graphql
    if known is None or isinstance(field, forms.MultiValueField):
        raise DeclarationError(
            f"{where}: {form.__name__}.{name} is a {type(field).__name__}, whose input is not known; "
            f"it may be one of: {', '.join(base.__name__ for base in _INPUTS)}"
        )
    return known


def _shown(form: forms.BaseModelForm[Any], name: str) -> Any:
    """Return what a field would show; not its widget's value, which lacks microseconds."""
    field = form.fields[name]
    value = form.initial.get(name, field.initial)
    value = value() if callable(value) else value
    return field.prepare_value(value) if isinstance(field, forms.ModelChoiceField) else _written(field, value)


def _written(field: forms.Field, value: Any) -> Any:
    """Write a value as a browser would send it, where the form field reads nothing else."""
    if isinstance(field, forms.JSONField) and value is not None:
        return json.dumps(value, cls=field.encoder)
    if isinstance(field, forms.GenericIPAddressField) and value is not None:
        return str(value)
    return value
