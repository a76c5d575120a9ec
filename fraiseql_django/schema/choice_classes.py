"""The enum behind a field's choices: Django keeps their values and labels, but not the class that they come from."""

from __future__ import annotations

import enum
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from django.db import models

from ..declare.enums import choices_of, declaration_of, description_of, value_texts
from .definition import EnumSource


def enum_source(cls: type[enum.Enum], name: str) -> EnumSource:
    """Return the choices of an enum, which is called ``name`` unless ``fraiseql.enum`` says otherwise."""
    declared = declaration_of(cls)
    return EnumSource(
        name=name if declared is None else declared.name,
        choices=choices_of(cls),
        description=description_of(cls),
        texts=value_texts(cls),
        directives=() if declared is None else declared.directives,
        chosen=declared is not None,
    )


def class_of_choices(field: models.Field[Any, Any], choices: tuple[tuple[Any, str], ...]) -> type[enum.Enum] | None:
    """Return the class of Django's choices that a model's field has; None where none is found.

    It is the class of the field's default, or one in the model or in the model's module, with the same values and
    labels.
    """
    for cls in _candidates(field):
        if (
            issubclass(cls, models.Choices)
            and tuple(pair for pair in choices_of(cls) if pair[0] is not None) == choices
        ):
            return cls
    return None


def _candidates(field: models.Field[Any, Any]) -> Iterator[type[models.Choices]]:
    if isinstance(field.default, models.Choices):
        yield type(field.default)
    model = getattr(field, "model", None)
    places = [] if model is None else [*map(vars, model.__mro__), vars(sys.modules.get(model.__module__, object))]
    for found in [found for names in places for found in list(names.values())]:
        if inspect.isclass(found) and issubclass(found, models.Choices):
            yield found
