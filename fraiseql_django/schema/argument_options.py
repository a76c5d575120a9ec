"""What a declaration says of an argument or an input's field beside its type: name, description, deprecation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import GraphQLArgument, GraphQLInputType, is_required_argument

from ..declare.arguments import ArgumentOptions
from ..declare.names import check_name
from ..errors import DeclarationError
from .conventions import Conventions


def options_in(extras: Iterable[Any]) -> ArgumentOptions:
    """Return the ``argument(…)`` of an annotation, of several the last."""
    found = [extra for extra in extras if isinstance(extra, ArgumentOptions)]
    return found[-1] if found else ArgumentOptions()


def described_argument(
    extras: Iterable[Any], python_name: str, graphql: GraphQLInputType, conventions: Conventions, where: str
) -> tuple[str, GraphQLArgument]:
    """Return the name and the argument for a parameter of this type, with what its annotation says beside the type.

    Raises DeclarationError for a name that GraphQL does not allow, and for an argument that is required and deprecated.
    """
    options = options_in(extras)
    name = check_name(options.name or conventions.name(python_name), f"an argument of {where}")
    made = GraphQLArgument(
        graphql,
        description=options.description,
        deprecation_reason=options.deprecation,
        out_name=python_name,
        extensions={"directives": options.directives},
    )
    if options.deprecation is not None and is_required_argument(made):
        raise DeclarationError(f"{where}: {required_and_deprecated(f'argument {python_name!r}')}")
    return name, made


def required_and_deprecated(what: str) -> str:
    """Return the sentence that refuses a deprecated argument or field that clients must write."""
    return f"{what} is deprecated, but clients must write it; give it a default, or let it be None"
