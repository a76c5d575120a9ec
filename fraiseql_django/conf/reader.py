"""Reads a dictionary of settings into frozen dataclasses, or reports what is wrong with its values.

The allowed values are declared with each setting, in ``settings``: by the type of the dataclass's field, and in the
field's metadata ``doc``, ``minimum`` and ``choices``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from django.utils.module_loading import import_string

from ..errors import ConfigurationError

_WORDS: Mapping[Any, tuple[str, ...]] = {
    str: ("a string",),
    int: ("an integer",),
    bool: ("True", "False"),
    Path: ("a path",),
    NoneType: ("None",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the settings: the id of its system check, the message, and a hint."""

    id: str
    message: str
    hint: str


def refuse(problems: Iterable[Problem]) -> None:
    """Raise ConfigurationError that lists the problems, one on each line, if there are any."""
    if lines := [f"{problem.message} {problem.hint}" for problem in problems]:
        raise ConfigurationError("\n".join(lines))


def read(cls: type, raw: Any, where: str, problems: list[Problem]) -> Any:
    """Read a dictionary into a class of settings; a wrong key keeps its default and is added to the problems."""
    if not isinstance(raw, Mapping):
        message, hint = f"{where} is {raw!r}, not a dictionary.", f"Write {where} as {{'KEY': value}}."
        problems.append(Problem(id="fraiseql.E001", message=message, hint=hint))
        return cls()
    hints = get_type_hints(cls)
    fields = {item.name.upper(): item for item in dataclasses.fields(cls)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        item = fields.get(key)
        if item is None:
            message, hint = f"{where} has an unknown key {key!r}.", f"Must be one of: {', '.join(sorted(fields))}."
            problems.append(Problem(id="fraiseql.E002", message=message, hint=hint))
        elif dataclasses.is_dataclass(hints[item.name]):
            values[item.name] = read(hints[item.name], value, f"{where}[{key!r}]", problems)
        elif problem := _wrong_value(value, hints[item.name], item.metadata, f"{where}[{key!r}]"):
            problems.append(problem)
        else:
            values[item.name] = tuple(value) if get_origin(hints[item.name]) is tuple else value
    return cls(**values)


def import_path(where: str, path: str, *, id: str, hint: str) -> tuple[Any, Problem | None]:
    """Import a dotted path that the setting ``where`` has; return the object, or None and the problem."""
    try:
        return import_string(path), None
    # an ImportError for most paths, but ".x" is a ValueError, and a module may raise anything
    except Exception as error:
        return None, Problem(id=id, message=f"{where} is {path!r}, which cannot be imported: {error}.", hint=hint)


def function_problems(where: str, path: str, *, id: str, hint: str) -> Iterator[Problem]:
    """Return what is wrong with a dotted path that has to lead to a function."""
    found, problem = import_path(where, path, id=id, hint=hint)
    if problem is not None:
        yield problem
    elif not callable(found):
        yield Problem(id=id, message=f"{where} is {path!r}, which is no function.", hint=hint)


def _wrong_value(value: Any, hint: Any, metadata: Mapping[str, Any], where: str) -> Problem | None:
    if get_origin(hint) is dict:
        right, wanted = _is_dictionary_of(value, get_args(hint)[1])
    elif get_origin(hint) is tuple:
        right = isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
        wanted = "a list of strings"
    else:
        types: tuple[Any, ...] = get_args(hint) or (hint,)
        # bool is an int in Python, but TTL=True is a mistake
        right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        *others, last = (word for item in types for word in _WORDS[item])
        wanted = f"{', '.join(others)} or {last}" if others else last
    if not right:
        return Problem(id="fraiseql.E003", message=f"{where} is {value!r}, not {wanted}.", hint=metadata["doc"])
    if metadata["choices"] and value not in metadata["choices"]:
        allowed = f"Must be one of: {', '.join(map(repr, metadata['choices']))}."
        return Problem(id="fraiseql.E014", message=f"{where} is {value!r}, which is no choice.", hint=allowed)
    minimum = metadata["minimum"]
    if minimum is not None and value is not None and value < minimum:
        message = f"{where} is {value}, less than {minimum}."
        return Problem(id="fraiseql.E004", message=message, hint=metadata["doc"])
    return None


def _is_dictionary_of(value: Any, hint: Any) -> tuple[bool, str]:
    """Whether a value is a dictionary of strings, or of dictionaries, as ``hint`` says; and what is wanted."""
    kind, wanted = (str, "strings") if hint is str else (Mapping, "dictionaries")
    right = isinstance(value, dict) and all(isinstance(key, str) and isinstance(value[key], kind) for key in value)
    return right, f"a dictionary of {wanted}"
