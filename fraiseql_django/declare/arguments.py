"""``argument``: more of an argument, or of the field of an input, than its annotation says.

@fraiseql.mutation
def rename(info: Info, id: ID, title: Annotated[str | None, fraiseql.argument(deprecation="Use name.")] = None): ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from ..errors import DeclarationError
from .members import FieldOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentOptions:
    """The arguments of ``argument``."""

    name: str | None = None
    description: str | None = None
    deprecation: str | None = None
    directives: tuple[Any, ...] = ()


def argument(
    *,
    name: str | None = None,
    description: str | None = None,
    deprecation: str | None = None,
    directives: Iterable[Any] = (),
) -> Any:
    """Say more of an argument or an input's field, in ``Annotated[…]``.

    ``name`` is its name in GraphQL, as it is; ``deprecation`` is why clients should not use it, which they must be able
    to: it cannot be required. ``directives`` are those of the schema's text (see ``directive``).
    """
    return ArgumentOptions(name=name, description=description, deprecation=deprecation, directives=tuple(directives))


_KNOWN = ("name", "description", "deprecation", "directives")
_NONE = FieldOptions()


def of_input_field(options: FieldOptions, where: str) -> ArgumentOptions:
    """Return what ``field(…)`` says of an input's field; raise DeclarationError for what only answers have."""
    names = [item.name for item in fields(options) if getattr(options, item.name) != getattr(_NONE, item.name)]
    if others := [name for name in names if name not in _KNOWN]:
        raise DeclarationError(
            f"{where} is the field of an input, for which field({others[0]}=…) means nothing; it takes "
            f"{', '.join(_KNOWN)}"
        )
    return ArgumentOptions(**{name: getattr(options, name) for name in _KNOWN if hasattr(options, name)})
