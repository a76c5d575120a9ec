"""``directive``: directives of a team's own, which annotate the schema's text.

@fraiseql.directive(locations=["OBJECT", "FIELD_DEFINITION"])
class Owner:
    \"\"\"The team to ask.\"\"\"

    team: str

@fraiseql.type(Book, directives=[Owner(team="shop")])
class BookType: ...
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

from graphql import specified_directives

from ..errors import DeclarationError
from .members import check_bases, made_dataclass
from .names import check_name, is_list, lower_first
from .reporting import report

_C = TypeVar("_C", bound=type)

# The parts of a schema that declarations make (GraphQL specification, 3.13)
LOCATIONS = (
    "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION", "SCALAR", "ENUM",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DirectiveDeclaration:
    """The arguments of ``directive`` and the class under it, whose fields are the directive's arguments."""

    cls: type
    name: str
    description: str | None
    locations: tuple[str, ...]
    repeatable: bool


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
def directive(
    cls: Any = None,
    /,
    *,
    locations: Collection[str] = (),
    name: str | None = None,
    description: str | None = None,
    repeatable: bool = False,
) -> Callable[[_C], _C]:
    """Declare a directive of the schema's text: a class of annotations, made a dataclass.

    Its instances are given to ``directives=[…]`` of ``type``, ``success``, ``error``, ``input``, ``scalar``, ``enum``,
    ``mutation``, ``field``, ``relation`` and ``argument``. ``manage.py fraiseql_schema`` writes them where they stand,
    and the directive's definition. ``locations`` are the parts of a schema that may have it, by their names in GraphQL;
    one that is ``repeatable`` may stand there more than once. The name is the class's own by default, ``costLimit`` for
    ``CostLimit``.
    """
    named = locations if is_list(locations, str) else ()
    wrong = [location for location in named if location not in LOCATIONS]

    def declare(cls: _C) -> _C:
        own = name or lower_first(cls.__name__)
        problems = [f"directive {own!r}: locations has {item!r}, must be of: {', '.join(LOCATIONS)}" for item in wrong]
        if not is_list(locations, str):
            problems.append(f"directive {own!r}: locations is {locations!r}, must be a list of: {', '.join(LOCATIONS)}")
        elif not locations:
            problems.append(f"directive {own!r} has no locations; name some of: {', '.join(LOCATIONS)}")
        if own in [known.name for known in specified_directives]:
            problems.append(f"a directive cannot be called {own!r}, the name of one of GraphQL's own; give it name=…")
        try:
            check_name(own, "a directive")
            check_bases(cls)
        except DeclarationError as error:
            problems.append(str(error))
        if problems:
            report(DeclarationError("\n".join(problems)))
        described = description or (inspect.cleandoc(cls.__doc__) if cls.__doc__ else None)
        declared: Any = made_dataclass(cls, frozen=True)
        declared.__fraiseql_directive__ = DirectiveDeclaration(
            cls=declared, name=own, description=described, locations=tuple(named), repeatable=repeatable
        )
        return cls

    # without its locations, which is reported
    return declare if cls is None else declare(cls)
