"""The schema as text, in GraphQL's schema definition language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLSchema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
    parse,
    print_type,
)
from graphql.utilities.print_schema import print_directive

from .arguments import ONE_OF
from .directives import applied, parts, written


def sdl(schema: GraphQLSchema) -> str:
    """Return the schema's text, the same for the same schema: types by name, their fields as declared."""
    directives = [directive for directive in schema.directives if not is_specified_directive(directive)]
    types = [
        type_
        for _, type_ in sorted(schema.type_map.items())
        if not (is_specified_scalar_type(type_) or is_introspection_type(type_))
    ]
    return "\n\n".join([*map(print_directive, directives), *(_print(type_, schema) for type_ in types)]) + "\n"


def _print(type_: Any, schema: GraphQLSchema) -> str:
    """Print a type with its directives, which graphql-core leaves out."""
    text = print_type(type_)
    found = [part for _, _, part in parts(type_)]
    # older versions of graphql-core do not print it
    one_of = type_.extensions.get(ONE_OF) and f"input {type_.name} @oneOf" not in text
    if not one_of and not any(map(applied, found)):
        return text
    (node,) = parse(text).definitions
    ends = list(_ends(node))
    assert len(ends) == len(found)
    inserted = {end: written(part, schema) for end, part in zip(ends, found, strict=True)}
    if one_of:
        inserted[ends[0]] = " @oneOf" + inserted[ends[0]]
    for end, added in sorted(inserted.items(), reverse=True):
        text = text[:end] + added + text[end:]
    return text


def _ends(node: Any) -> Iterator[int]:
    """Yield where the directives of a type stand, and of its parts, in the order of ``parts``."""
    # behind what comes before the braces
    heads: list[Any] = [node.name, *_of(node, "interfaces"), *_of(node, "directives")]
    yield heads[-1].loc.end
    for item in (*_of(node, "fields"), *_of(node, "values")):
        yield item.loc.end
        for argument in _of(item, "arguments"):
            yield argument.loc.end


def _of(node: Any, name: str) -> tuple[Any, ...]:
    return tuple(getattr(node, name, None) or ())
