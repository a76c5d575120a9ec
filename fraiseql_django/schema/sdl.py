"""The schema as text, in GraphQL's schema definition language."""

from __future__ import annotations

from graphql import (
    GraphQLSchema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
    print_type,
)
from graphql.utilities.print_schema import print_directive


def sdl(schema: GraphQLSchema) -> str:
    """Return the schema's text, the same for the same schema: types by name, their fields as declared."""
    directives = [directive for directive in schema.directives if not is_specified_directive(directive)]
    types = [
        type_
        for _, type_ in sorted(schema.type_map.items())
        if not (is_specified_scalar_type(type_) or is_introspection_type(type_))
    ]
    return "\n\n".join([*map(print_directive, directives), *map(print_type, types)]) + "\n"
