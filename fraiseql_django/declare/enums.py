"""``enum``: more of an enum than its members say; and the texts that clients read about enums and their values."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from django.db import models

from ..errors import DeclarationError
from .names import check_name
from .reporting import report

_C = TypeVar("_C", bound=type)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumDeclaration:
    """The arguments of ``enum``; texts are by the members' names."""

    name: str
    description: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)
    deprecations: Mapping[str, str] = field(default_factory=dict)
    directives: tuple[Any, ...] = ()


@overload
def enum_(cls: _C, /) -> _C: ...
@overload
def enum_(
    *,
    name: str | None = None,
    description: str | None = None,
    descriptions: Mapping[str, str] | None = None,
    deprecations: Mapping[str, str] | None = None,
    directives: Iterable[Any] = (),
) -> Callable[[_C], _C]: ...
def enum_(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    descriptions: Mapping[str, str] | None = None,
    deprecations: Mapping[str, str] | None = None,
    directives: Iterable[Any] = (),
) -> Any:
    """Say more of an enum: of Python's, or of Django's choices.

    It is called ``name`` in GraphQL, the class's name by default, also where a model's field has its choices.
    ``descriptions`` and ``deprecations`` are those of its values, by the names of members; without, labels describe the
    values, and the docstring the enum. ``directives`` are those of the schema's text (see ``directive``).
    """

    def declare(cls: Any) -> Any:
        if not (inspect.isclass(cls) and issubclass(cls, enum.Enum)):
            report(DeclarationError(f"@enum is for classes of enum.Enum and of Django's choices, not for {cls!r}"))
            return cls
        texts = {"descriptions": descriptions or {}, "deprecations": deprecations or {}}
        if wrong := {key: given for key, given in texts.items() if not isinstance(given, Mapping)}:
            message = ", ".join(
                f"{key} is {given!r}, must be texts by the names of members" for key, given in wrong.items()
            )
            report(DeclarationError(f"enum {cls.__name__}: {message}"))
            return cls
        own = name or cls.__name__
        unknown = [item for item in (*(descriptions or {}), *(deprecations or {})) if item not in cls.__members__]
        known = ", ".join(cls.__members__)
        problems = [f"{cls.__name__} has no member {item!r}; it has: {known}" for item in dict.fromkeys(unknown)]
        try:
            check_name(own, "an enum")
        except DeclarationError as error:
            problems.append(str(error))
        if problems:
            report(DeclarationError("\n".join(problems)))
            return cls
        declared: Any = cls
        declared.__fraiseql_enum__ = EnumDeclaration(
            name=own, description=description, descriptions=dict(descriptions or {}),
            deprecations=dict(deprecations or {}), directives=tuple(directives),
        )  # fmt: skip
        return cls

    return declare if cls is None else declare(cls)


def declaration_of(cls: type[enum.Enum]) -> EnumDeclaration | None:
    """Return what ``enum`` has said of a class; None where it has not been called."""
    found: EnumDeclaration | None = vars(cls).get("__fraiseql_enum__")
    return found


def description_of(cls: type[enum.Enum]) -> str | None:
    """Return the description of an enum: the given one, or the class's own docstring."""
    declared, doc = declaration_of(cls), vars(cls).get("__doc__")
    if declared is not None and declared.description:
        return declared.description
    # older versions of Python give every enum one
    return inspect.cleandoc(doc) if doc and doc != "An enumeration." else None


def choices_of(cls: type[enum.Enum]) -> tuple[tuple[Any, str], ...]:
    """Return the values of an enum, each with its label."""
    if issubclass(cls, models.Choices):
        return tuple((value, str(label)) for value, label in cls.choices)
    return tuple((member.value, member.name) for member in cls)


def value_texts(cls: type[enum.Enum]) -> dict[Any, tuple[str | None, str | None]]:
    """Return description and deprecation of the values of an enum for which something is said, by value.

    Without a description of its own, a member that has a docstring is described by it.
    """
    declared = declaration_of(cls) or EnumDeclaration(name=cls.__name__)
    found = {}
    for member_name, member in cls.__members__.items():
        own = vars(member).get("__doc__")
        description = declared.descriptions.get(member_name) or (inspect.cleandoc(own) if own else None)
        deprecation = declared.deprecations.get(member_name)
        if description or deprecation:
            found[member.value] = (description, deprecation)
    return found
