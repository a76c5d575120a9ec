"""Fields that have a column in each language, as django-modeltranslation makes them.

``article.title`` is in Python the text in the active language, or else in those that it falls back to, or else what
stands for a missing one. So it is in SQL, wherever the field is read, compared or sorted by:

    COALESCE(NULLIF(title_de, ''), NULLIF(title_en, ''), '')

A row rule that names ``title`` names the active language's column alone, as modeltranslation's QuerySets have it. They
change the conditions and expressions that they are given in place; those that are declared once are copied first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from inspect import getattr_static
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Case, F, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.db.models.lookups import IsNull
from django.utils.module_loading import import_string

from .._django import key_fields


@dataclass(frozen=True, slots=True)
class Translation:
    """A field of a model that has a column in each language."""

    field: models.Field[Any, Any]
    descriptor: Any

    @property
    def columns(self) -> list[str]:
        """The attributes of an instance that have the values, in all languages."""
        return [self._attname(language) for language in _of_package("settings.AVAILABLE_LANGUAGES")]

    def value(self, column: Callable[[str], Any], *, joined: bool) -> Any:
        """Return the value in the active language; ``column`` makes an expression of an attribute's name.

        ``joined`` says that there may be no row, whose value is null.
        """
        order = _of_package("utils.resolution_order")(
            _of_package("utils.get_language")(), self.descriptor.fallback_languages
        )
        found = [column(self._attname(language)) for language in order]
        missing, default = self._missing()
        if missing is not None:
            found = [NullIf(value, Value(missing, self.field)) for value in found]
        if default is not None:
            found.append(Value(default, self.field))
        made = Coalesce(*found, output_field=self.field) if len(found) > 1 else found[0]
        if not joined or default is None:
            return made
        key = column(key_fields(self.field.model)[0].attname)
        return Case(When(IsNull(key, False), then=made), output_field=self.field)

    def _missing(self) -> tuple[Any, Any]:
        """Return the value that counts as none, and the one that stands where no language has another."""
        if self.field.is_relation:
            return None, None
        none, descriptor = _of_package("fields.NONE"), self.descriptor
        default = self.field.get_default()
        missing = default if descriptor.fallback_undefined is none else descriptor.fallback_undefined
        if isinstance(self.field, models.FileField):
            missing = missing or ""
        if descriptor.fallback_value is not none and _of_package("thread_context.fallbacks_enabled")():
            default = descriptor.fallback_value
        return missing, default

    def _attname(self, language: str) -> str:
        name = _of_package("utils.build_localized_fieldname")(self.field.name, language)
        found: Any = self.field.model._meta.get_field(name)
        return str(found.attname)


def translation_of(field: Any) -> Translation | None:
    """Return how a field of a model is translated; None where it is not."""
    if not is_installed() or not isinstance(field, models.Field):
        return None
    descriptor = getattr_static(field.model, field.name, None)
    known = isinstance(descriptor, _of_package("fields.TranslationFieldDescriptor"))
    # a list of rows has another descriptor
    several = isinstance(descriptor, _of_package("fields.TranslatedManyToManyDescriptor"))
    return Translation(field, descriptor) if known or several else None


def falls_back() -> bool:
    """Whether a text that is missing in the active language is looked for in others, which a context may turn off."""
    return is_installed() and bool(_of_package("thread_context.fallbacks_enabled")())


@cache
def queryset_methods(queryset: type) -> Mapping[str, Any]:
    """Return what a package's class of QuerySets overrides without deciding anything by itself.

    That of modeltranslation decides by the active language alone, that of django-polymorphic by the names of fields.
    """
    for cls in queryset.__mro__:
        if (cls.__module__, cls.__name__) == ("polymorphic.query", "PolymorphicQuerySet"):
            return vars(cls)
    return vars(_of_package("manager.MultilingualQuerySet")) if is_installed() else {}


@cache
def is_installed() -> bool:
    """Whether the project has django-modeltranslation."""
    return apps.is_installed("modeltranslation")


@cache
def _of_package(path: str) -> Any:
    return import_string(f"modeltranslation.{path}")


# --- conditions and expressions that a project has declared ---


def in_language(model: type[models.Model], condition: Q) -> Q:
    """Return a condition as modeltranslation's QuerySets understand it, which change it in place: a copy."""
    if not is_installed():
        return condition
    rewrite = _of_package("manager.rewrite_lookup_key")

    def copied(part: Any) -> Any:
        if isinstance(part, Q):
            return part.create([copied(child) for child in part.children], part.connector, part.negated)
        if isinstance(part, tuple):
            name, value = part
            return rewrite(model, name), _replaced(value, renamed)
        return _replaced(part, renamed)

    def renamed(reference: Any) -> Any:
        return F(rewrite(model, reference.name))

    found: Q = copied(condition)
    return found


def with_translations(model: type[models.Model], expression: Any) -> Any:
    """Return an expression over a model in which translated fields are values in the active language."""
    return _replaced(expression, lambda reference: _translated(model, reference)) if is_installed() else expression


def _translated(model: type[models.Model], reference: Any) -> Any:
    here: Any = model
    prefix, _, name = reference.name.rpartition("__")
    try:
        for step in filter(None, prefix.split("__")):
            here = here._meta.get_field(step).related_model
        found = translation_of(here._meta.get_field(name))
    # a transform, or the name of something computed
    except (AttributeError, FieldDoesNotExist):
        return reference
    start = f"{prefix}__" if prefix else ""
    return reference if found is None else found.value(lambda column: F(start + column), joined=bool(prefix))


def _replaced(part: Any, replace: Callable[[Any], Any]) -> Any:
    """Return an expression with other references; what has none is returned as it is."""
    if type(part) is F:
        return replace(part)
    if isinstance(part, Q):
        children = [
            (child[0], _replaced(child[1], replace)) if isinstance(child, tuple) else _replaced(child, replace)
            for child in part.children
        ]
        return part.create(children, part.connector, part.negated)
    if isinstance(part, Subquery) or not hasattr(part, "set_source_expressions"):
        return part
    made = copy(part)
    made.set_source_expressions([_replaced(inner, replace) for inner in part.get_source_expressions()])
    return made
