"""Input types of mutations from models, made of the fields that they write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from graphql import GraphQLBoolean, GraphQLID, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from ...declare.names import pascal_case
from ...errors import DeclarationError
from ...schema.arguments import Arguments, InputMember
from ...schema.django_fields import field_description
from .fields import Fields, WrittenRelation

_NONE: Mapping[str, InputMember] = {}


def input_of_fields(
    arguments: Arguments,
    name: str,
    fields: Fields,
    description: str,
    *,
    before: Mapping[str, InputMember] = _NONE,
    required: frozenset[str] = frozenset(),
) -> GraphQLInputObjectType:
    """Return the input type of an object's fields; ``before`` stand first, ``required`` must be present in any case.

    Raises DeclarationError where two fields have one name in GraphQL.
    """
    stem = name.removesuffix("Input")
    members = dict(before)
    for column in fields.columns.values():
        needed = column.required or column.name in required
        described = field_description(column.field)
        members[column.name] = InputMember(type=column.graphql, required=needed, description=described)
    for relation in fields.relations.values():
        needed = relation.required or relation.name in required
        field = relation.relation
        members[relation.name] = InputMember(
            type=_input_of_relation(arguments, stem, relation),
            required=needed,
            description=field_description(field) if isinstance(field, models.Field) else None,
        )
    if len(set(fields.keys.values())) < len(fields.keys):
        raise DeclarationError(f"{name} has two fields of one name in GraphQL; leave one out")
    return arguments.input_object(name, members, description)


def list_of(graphql: Any) -> GraphQLList[Any]:
    """Return the type of a list without nulls."""
    return GraphQLList(GraphQLNonNull(graphql))


def _input_of_relation(arguments: Arguments, stem: str, relation: WrittenRelation) -> Any:
    keys: Any = list_of(GraphQLID) if relation.many else GraphQLID
    if relation.ways is None:
        return keys
    name = f"{stem}{pascal_case(relation.name)}"
    members: dict[str, InputMember] = {}
    if "connect" in relation.ways:
        members["connect"] = InputMember(type=keys)
    if relation.create is not None:
        verbose = relation.model._meta.verbose_name
        created = input_of_fields(arguments, f"{name}CreateInput", relation.create, f"A new {verbose}.")
        members["create"] = InputMember(type=list_of(created) if relation.many else created)
    if "disconnect" in relation.ways:
        members["disconnect"] = InputMember(type=keys if relation.many else GraphQLBoolean)
    if "set" in relation.ways:
        members["set"] = InputMember(type=keys)
    description = "What becomes of the list." if relation.many else f"Exactly one of: {', '.join(members)}."
    return arguments.input_object(f"{name}Input", members, description)
