"""What is chosen in a form among rows of models, of which the viewer sees some."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.db import models

from .info import Info
from .models_rows import only_visible
from .models_written import Written


def restrict_choices(form: forms.BaseModelForm[Any], names: Collection[str], info: Info) -> None:
    """Let those rows be chosen that are on the mutation's database and, in the named fields, there for the viewer.

    What was chosen before in other fields may be hidden, and stays.
    """
    for name, field in form.fields.items():
        if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
            choices = field.queryset.using(info.database)
            ruled = name in names and info.has_rules(choices.model)
            field.queryset = only_visible(choices, info) if ruled else choices


def keep_hidden(form: forms.BaseModelForm[Any], names: Collection[str], info: Info) -> list[models.Model]:
    """Add to what is chosen in lists those rows that were chosen before and are hidden.

    Return the visible rows that are or were chosen, of models with rules.
    """
    written: list[models.Model] = []
    for name in names:
        field: Any = form.fields[name]
        if not isinstance(field, forms.ModelMultipleChoiceField) or not info.has_rules(model := model_of(field)):
            continue
        # what the field itself begins with was chosen by nobody
        initial = form.get_initial_for_field(field, name) if name in form.initial else None
        before = field.prepare_value(initial) or []
        rows = model._base_manager.using(info.database)
        there = {row.pk: row for row in rows.filter(**{f"{field.to_field_name or 'pk'}__in": before})}
        seen = set(info.visible(model).filter(pk__in=there).values_list("pk", flat=True))
        chosen = list(form.cleaned_data.get(name) or ())
        written += [*chosen, *(row for key, row in there.items() if key in seen)]
        if hidden := there.keys() - seen:
            form.cleaned_data[name] = rows.filter(pk__in=[*(row.pk for row in chosen), *hidden])
    return written


@contextmanager
def noting_links(instance: models.Model, names: Collection[str], written: Written) -> Iterator[None]:
    """Note the rows of tables between that are made meanwhile, where a rule is about them."""
    fields: list[Any] = [field for field in type(instance)._meta.many_to_many if field.name in names]
    ruled = [field for field in fields if written.info.has_rules(field.remote_field.through)]

    def links() -> set[models.Model]:
        found: set[models.Model] = set()
        for field in ruled:
            through = field.remote_field.through
            here = through._meta.get_field(field.m2m_field_name()).attname
            key = getattr(instance, field.m2m_target_field_name())
            found.update(through._base_manager.using(written.info.database).filter(**{here: key}))
        return found

    before = links() if instance.pk is not None else set()
    yield
    written.note(links() - before)


def model_of(field: Any) -> type[models.Model]:
    """Return the model of whose rows a field lets some be chosen."""
    model: type[models.Model] = field.queryset.model
    return model
