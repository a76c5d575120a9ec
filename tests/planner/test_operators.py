"""Every operator on every field of every type, with the values that are in the database and some that are not."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from fraiseql_django import GraphQLEngine
from fraiseql_django.kinds.connections import Connection
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.aggregates import Aggregate, Groups
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import Relation
from tests.meaning import meant
from tests.naive import Naive, assert_same_answer
from tests.values import pool
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db

# values tried with each operator
FEW = 3


@pytest.fixture(scope="module")
def values(zoo: GraphQLEngine) -> dict[tuple[str, str], list[Any]]:
    """Gather what is in the database."""
    return pool(zoo.schema)


def conditions(schema: Schema, type_name: str, field_name: str) -> GraphQLInputObjectType:
    """Return the type of the conditions on a field."""
    where = schema.graphql.get_type(f"{type_name}Where")
    assert isinstance(where, GraphQLInputObjectType)
    found = where.fields[field_name].type
    assert isinstance(found, GraphQLInputObjectType)
    return found


@pytest.mark.parametrize("type_name", [declaration.name for declaration in ZOO.types])
def test_every_operator(zoo: GraphQLEngine, values: dict[tuple[str, str], list[Any]], type_name: str) -> None:
    definition, naive = zoo.schema.types[type_name], Naive(zoo.schema)
    naive.kept = {}
    shown = "id" if "id" in definition.fields else "__typename"
    for field in definition.fields.values():
        if isinstance(field, (Relation, Count, Connection, Aggregate, Groups)):
            continue
        filter_type = conditions(zoo.schema, type_name, field.name)
        for operator, item in filter_type.fields.items():
            # filters in filters are drawn by chance, in tests/whole/test_random_conditions.py
            if operator not in meant(field) or isinstance(item.type, GraphQLInputObjectType):
                continue
            where = f"{{{field.name}: {{{operator}: $value}}}}"
            query = f"query ($value: {item.type}) {{ {definition.plural}(where: {where}) {{ {shown} }} }}"
            for value in _given(operator, values[type_name, field.name]):
                assert_same_answer(zoo, query, {"value": value}, naive=naive)


def _given(operator: str, own: list[Any]) -> list[Any]:
    few = own[:: max(1, len(own) // FEW)]
    if operator == "isnull":
        return [True, False]
    if operator == "between":
        return [[few[0], few[-1]], [few[-1], few[0]]] if few else []
    if operator in ("in", "nin"):
        return [[], own[:1], few]
    if operator in ("eq", "neq"):
        return [None, *few]
    if operator in ("like", "ilike"):
        return [f"%{value[:3]}%".replace("\\", "") for value in few]
    if operator in ("matches", "imatches"):
        words = ["".join(filter(str.isalnum, value)) for value in few]
        return [word[:3] for word in words if word] + ["^$", "^[A-Z]"]
    if operator.endswith("contains"):
        return [value[1:3] for value in few]
    if operator.endswith("with"):
        return [value[:2] for value in few] + [value[-2:] for value in few]
    return few
