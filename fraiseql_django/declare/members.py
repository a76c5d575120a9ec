"""The members of a class under a declaration: the fields that it annotates, their options, and what is neither.

Members of base classes count like the class's own, so fields that several types have in common can stand in a class
that all of them extend.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, get_origin


class Auto:
    """The type of ``auto``."""

    def __repr__(self) -> str:
        return "fraiseql_django.auto"


auto: Final[Any] = Auto()
"""Annotates a field whose type is that of the model's field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """The arguments of ``field(…)`` or ``relation(…)``."""

    expression: Any = None
    name: str | None = None
    column: str | None = None
    description: str | None = None
    deprecation: str | None = None
    # of relation(…)
    key: str | None = None
    to: str | None = None
    permission: Any = None
    mask: bool = False
    cost: float = 1
    # its arguments were wrong, which has been reported
    invalid: bool = False


def annotations_of(cls: type) -> dict[str, tuple[Any, str]]:
    """Return a class's annotations by name, each with the module in which it stands; those of class variables are none.

    Those of its bases come first, as in a dataclass.
    """
    return {
        name: (annotation, base.__module__)
        for base in _classes(cls)
        for name, annotation in inspect.get_annotations(base).items()
        if not _of_class_variable(annotation)
    }


def options_of(cls: type) -> dict[str, FieldOptions]:
    """Return the options of a class's fields, and of those of its bases, by name."""
    return {name: value for name, value in _values(cls).items() if isinstance(value, FieldOptions)}


def dropped_members(cls: type, where: str, *, methods: bool = True) -> list[str]:
    """Return a sentence for each member that looks like a field, but would not be in the schema.

    ``where`` is the type's name. Names that begin with an underscore are the project's own. Without ``methods``,
    methods that take arguments besides ``self`` are allowed, as on a class whose objects Python makes.
    """
    annotated, found = annotations_of(cls), []
    for name, value in _values(cls).items():
        if name.startswith("_") or isinstance(value, FieldOptions) or _declared_class_variable(cls, name):
            continue
        what = _dropped(name, value, annotated=name in annotated, methods=methods)
        if what is not None:
            found.append(f"{where}.{name} {what}")
    return found


def _dropped(name: str, value: Any, *, annotated: bool, methods: bool) -> str | None:
    underscore = f"or call it _{name} to keep it for Python"
    if isinstance(value, Auto):
        return f"is assigned fraiseql.auto, which is an annotation; write `{name}: fraiseql.auto`"
    if isinstance(value, (property, functools.cached_property)):
        return (
            f"is a property, which Python would compute for each row; compute it in SQL with "
            f"`{name}: str = fraiseql.field(<expression>)`, {underscore}"
        )
    if isinstance(value, (types.FunctionType, functools.partial, functools.partialmethod, classmethod, staticmethod)):
        if not methods and not _is_resolver(value):
            return None
        return (
            f"is a method, which Python would call for each row; compute it in SQL with "
            f"`{name}: str = fraiseql.field(<expression>)`, {underscore}"
        )
    if inspect.isclass(value):
        return f"is a class, which has no meaning in a type; give its settings to the decorator, {underscore}"
    if annotated:
        return (
            f"has the value {value!r}, but values come from the database; write `{name}: fraiseql.auto` or "
            f" `{name}: … = fraiseql.field(…)`"
        )
    return (
        f"is a value without an annotation, which is no field; write `{name}: fraiseql.auto`, compute it in SQL with "
        f"`{name}: str = fraiseql.field(<expression>)`, {underscore}"
    )


def _is_resolver(value: Any) -> bool:
    """Whether it is a function of the object alone: what other libraries call to get the value of a field."""
    return isinstance(value, types.FunctionType) and len(inspect.signature(value).parameters) == 1


def _classes(cls: type) -> Iterator[type]:
    for base in reversed(cls.__mro__):
        # object, Generic, Protocol, ABC
        if base.__module__ not in ("builtins", "typing", "abc"):
            yield base


def _values(cls: type) -> dict[str, Any]:
    return {name: value for base in _classes(cls) for name, value in vars(base).items()}


def _declared_class_variable(cls: type, name: str) -> bool:
    found = (inspect.get_annotations(base).get(name) for base in _classes(cls))
    return any(_of_class_variable(annotation) for annotation in found)


def _of_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        # not evaluated: the names in it may not be defined yet
        return annotation.partition("[")[0].rpartition(".")[2].strip() == "ClassVar"
    return annotation is ClassVar or get_origin(annotation) is ClassVar
