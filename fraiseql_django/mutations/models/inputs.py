"""Input types of mutations from models, made of the fields that they write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from graphql import GraphQLBoolean, GraphQLID, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from ...declare.model_mutations import WAYS
from ...declare.names import pascal_case
from ...errors import DeclarationError
from ...schema.arguments import Arguments, InputMember
from ...schema.django_fields import field_description
from .fields import Fields, WrittenColumn, WrittenRelation

_NONE: Mapping[str, InputMember] = {}
# of an object that is nested, by way
_DESCRIPTIONS: Mapping[str, str] = {
    "create": "A new {0}.",
    "update": "Changes of a {0}.",
    "upsert": "A {0} that is changed, or created.",
    "replace": "A {0} as it should be.",
}


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
        graphql, described = _input_of_column(arguments, stem, column), field_description(column.field)
        members[column.name] = InputMember(type=graphql, required=needed, description=described)
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


def _input_of_column(arguments: Arguments, stem: str, column: WrittenColumn) -> Any:
    if column.changes is None:
        return column.graphql
    members = {name: InputMember(type=change.graphql) for name, change in column.changes.items()}
    description = f"Exactly one of: {', '.join(map(arguments.conventions.name, members))}."
    return arguments.input_object(f"{stem}{pascal_case(column.name)}Input", members, description)


def _input_of_relation(arguments: Arguments, stem: str, relation: WrittenRelation) -> Any:
    keys: Any = list_of(GraphQLID) if relation.many else GraphQLID
    if relation.ways is None:
        return keys
    name = f"{stem}{pascal_case(relation.name)}"
    flag: Any = keys if relation.many else GraphQLBoolean
    members: dict[str, InputMember] = {}
    for way in WAYS:
        if way not in relation.ways:
            continue
        if way in relation.written:
            written = _input_of_written(arguments, name, relation, way)
            members[way] = InputMember(type=list_of(written) if relation.many else written)
        elif way == "delete":
            members[way] = InputMember(type=_keys_to_delete(arguments, name, relation))
        else:
            members[way] = InputMember(type=flag if way == "disconnect" else keys)
    description = "What becomes of the list." if relation.many else f"Exactly one of: {', '.join(members)}."
    return arguments.input_object(f"{name}Input", members, description)


def _input_of_written(arguments: Arguments, name: str, relation: WrittenRelation, way: str) -> GraphQLInputObjectType:
    """Return the input of an object that is written in one way: with its key where it is found by that."""
    verbose = relation.model._meta.verbose_name
    before: dict[str, InputMember] = {}
    if relation.many and way != "create" and not (way != "update" and relation.unique):
        before = {part.name: InputMember(type=part.graphql, required=way == "update") for part in relation.parts}
    if relation.version is not None and way == "update":
        before[relation.version] = InputMember(type=relation.version_type, required=True)
    described = _DESCRIPTIONS[way].format(verbose)
    return input_of_fields(
        arguments, f"{name}{pascal_case(way)}Input", relation.written[way], described, before=before,
        required=frozenset(relation.unique if way in ("upsert", "replace") else ()),
    )  # fmt: skip


def _keys_to_delete(arguments: Arguments, name: str, relation: WrittenRelation) -> Any:
    if not relation.many:
        return GraphQLBoolean
    if relation.has_one_key:
        return list_of(GraphQLID)
    members = {part.name: InputMember(type=part.graphql, required=True) for part in relation.parts}
    verbose = relation.model._meta.verbose_name
    return list_of(arguments.input_object(f"{name}DeleteInput", members, f"Which {verbose}."))
