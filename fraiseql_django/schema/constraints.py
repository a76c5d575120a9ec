"""Constraints in annotations: ``Annotated[int, MinValueValidator(1)]``, ``Annotated[str, MaxLen(20)]``.

A validator of Django's is a function that raises ValidationError. Objects of the package annotated-types, and of others
that follow it, are known by their attributes: ``ge``, ``max_length`` …
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError

from ..declare.rules import Rule
from ..errors import InvalidInput

Check: TypeAlias = Callable[[Any], object]

# By the attribute of an object that has the bound: what must be true, and how it is said
_BOUNDS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "gt": (operator.gt, "must be greater than {}"),
    "ge": (operator.ge, "must be {} or more"),
    "lt": (operator.lt, "must be less than {}"),
    "le": (operator.le, "must be {} or less"),
    "multiple_of": (lambda value, bound: value % bound == 0, "must be a multiple of {}"),
    "min_length": (lambda value, bound: len(value) >= bound, "must have a length of {} or more"),
    "max_length": (lambda value, bound: len(value) <= bound, "must have a length of {} or less"),
}


def constrained(convert: Callable[[Any], Any], extras: Sequence[Any], label: str) -> Callable[[Any], Any]:
    """Return what converts a value and checks it by what ``Annotated`` says besides its type.

    ``label`` names the value in the InvalidInput that a violated constraint raises. Null is not checked.
    """
    checks = [check for extra in extras for check in _checks_of(extra)]
    if not checks:
        return convert

    def converted(value: Any) -> Any:
        found = convert(value)
        if found is not None:
            for check in checks:
                _require(check, found, label)
        return found

    return converted


def _require(check: Check, value: Any, label: str) -> None:
    try:
        check(value)
    except ValidationError as error:
        raise InvalidInput(f"{label} is {_shown(value)}: {' '.join(error.messages)}", what=label) from None


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _checks_of(extra: Any) -> Iterator[Check]:
    if isinstance(extra, Rule) or inspect.isclass(extra):
        return
    if callable(extra):
        yield extra
        return
    for name in _BOUNDS:
        bound = getattr(extra, name, None)
        if bound is not None and not callable(bound):
            yield _bounded(name, bound)
    predicate = getattr(extra, "func", None)
    if callable(predicate):
        yield _predicate(predicate)


def _bounded(name: str, bound: Any) -> Check:
    holds, sentence = _BOUNDS[name]

    def check(value: Any) -> None:
        if not holds(value, bound):
            raise ValidationError(f"it {sentence.format(bound)}.")

    return check


def _predicate(holds: Callable[[Any], Any]) -> Check:
    def check(value: Any) -> None:
        if not holds(value):
            raise ValidationError("it is not allowed.")

    return check
