"""``@cacheControl`` as Apollo's servers and clients know it: policies in the schema's text, and on queries.

A declared policy stands behind its type or field. On a query the directive shortens how long its answer may be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInt,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    value_from_ast,
)

from ..declare.cache_policy import PRIVATE, PUBLIC, CachePolicy
from ..declare.directives import DirectiveDeclaration
from ..errors import InvalidInput

NAME = "cacheControl"
SCOPE = "CacheControlScope"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheControl:
    """The directive of a type or a field, as ``directives`` writes it."""

    __fraiseql_directive__: ClassVar[DirectiveDeclaration]

    max_age: int | None
    scope: str | None
    inherit: bool | None


CacheControl.__fraiseql_directive__ = DirectiveDeclaration(
    cls=CacheControl,
    name=NAME,
    description=None,
    locations=("OBJECT", "FIELD_DEFINITION", "INTERFACE", "UNION"),
    repeatable=False,
)


def applied_policy(definition: Any) -> tuple[CacheControl, ...]:
    """Return the directive of a type or field that has a policy, as far as Apollo's directive can tell that."""
    policy: CachePolicy | None = getattr(definition, "cache", None)
    if policy is None:
        return ()
    # what has an age, but no scope, is private, though Apollo's readers would take it for public
    scope = policy.scope or (None if policy.max_age is None else PRIVATE)
    if scope is None and policy.max_age is None and not policy.inherit:
        return ()
    return (CacheControl(max_age=policy.max_age, scope=scope, inherit=policy.inherit or None),)


def definition_of(*, on_queries: bool) -> GraphQLDirective:
    """Return the definition of the directive; ``on_queries`` says whether clients may use it."""
    scope = GraphQLEnumType(
        SCOPE,
        {
            "PUBLIC": GraphQLEnumValue(PUBLIC, "The answer is the same for everybody."),
            "PRIVATE": GraphQLEnumValue(PRIVATE, "The answer is for one viewer."),
        },
        description="Who may be given a kept answer.",
    )
    locations = [DirectiveLocation[name] for name in CacheControl.__fraiseql_directive__.locations]
    described = "How long, in seconds, and for whom an answer may be kept."
    if on_queries:
        locations.append(DirectiveLocation.QUERY)
        described += " A query can shorten this, not lengthen it."
    return GraphQLDirective(
        NAME,
        locations,
        args={
            "maxAge": GraphQLArgument(GraphQLInt, out_name="max_age"),
            "scope": GraphQLArgument(scope, out_name="scope"),
            "inheritMaxAge": GraphQLArgument(GraphQLBoolean, out_name="inherit"),
        },
        description=described,
    )


def asked_of(schema: GraphQLSchema, node: OperationDefinitionNode, variables: Mapping[str, Any]) -> CachePolicy | None:
    """Return what an operation asks for by the directive; None where it has none.

    Raises InvalidInput for a number that is less than 0, and for what means nothing on an operation.
    """
    applied = next((found for found in node.directives or () if found.name.value == NAME), None)
    definition = schema.get_directive(NAME)
    if applied is None or definition is None:
        return None
    values = {
        argument.name.value: value_from_ast(argument.value, definition.args[argument.name.value].type, dict(variables))
        for argument in applied.arguments or ()
    }
    given = {name: value for name, value in values.items() if value is not Undefined and value is not None}
    max_age = given.get("maxAge")
    if max_age is not None and max_age < 0:
        raise InvalidInput(f"@{NAME}: maxAge is {max_age}, must be a number of seconds, 0 or more.", nodes=[applied])
    if given.get("inheritMaxAge"):
        raise InvalidInput(f"@{NAME}: inheritMaxAge means nothing on a query; leave it out.", nodes=[applied])
    return CachePolicy(max_age=max_age, scope=given.get("scope"))
