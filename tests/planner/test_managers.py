"""A model's default manager says which rows there are, however it says it."""

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from tests.support import data
from tests.zoo.models import Animal, Food

pytestmark = pytest.mark.django_db


class NoneManager(models.Manager[Any]):
    """Has no rows, which Django knows without asking the database."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(pk__in=[])


class AllManager(models.Manager[Any]):
    """Has a condition that Django knows to hold always."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().exclude(pk__in=[])


def engine_over(manager: models.Manager[Any]) -> GraphQLEngine:
    """Make an engine over animals and their foods; what foods there are the manager says."""

    class Shown(Food):
        objects = manager

        class Meta:
            proxy = True
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Shown, name="Food", fields=["name"], registry=registry)(type("Food", (), {}))
    fraiseql.type(Animal, name="Animal", fields=["name", "foods"], registry=registry)(type("Animal", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


@isolate_apps("tests.zoo")
def test_list_of_what_has_no_rows_is_empty_and_its_parent_stays(populated: None) -> None:
    engine = engine_over(NoneManager())

    assert data(engine, "{ foods { name } food(id: 1) { name } }") == {"foods": [], "food": None}
    assert data(engine, "{ animals(limit: 2) { name foods { name } } }")["animals"] == [
        {"name": "Rex", "foods": []},
        {"name": "Tweety", "foods": []},
    ]


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("{foods: {some: {}}}", 0),
        ("{NOT: {foods: {some: {}}}}", 8),
        ("{foods: {none: {}}}", 8),
        ('{foods: {every: {name: {eq: "Bone"}}}}', 8),
        ('{NOT: {foods: {every: {name: {eq: "Bone"}}}}}', 0),
        ('{OR: [{foods: {some: {}}}, {name: {eq: "Rex"}}]}', 2),
        ('{NOT: {OR: [{foods: {some: {}}}, {name: {eq: "Rex"}}]}}', 6),
    ],
)
def test_conditions_on_what_has_no_rows(populated: None, where: str, count: int) -> None:
    engine = engine_over(NoneManager())

    assert len(data(engine, f"{{ animals(where: {where}) {{ name }} }}")["animals"]) == count


@isolate_apps("tests.zoo")
def test_condition_that_always_holds(populated: None) -> None:
    engine = engine_over(AllManager())

    assert len(data(engine, "{ foods { name } }")["foods"]) == 4
    assert (
        len(data(engine, '{ animals(where: {NOT: {foods: {some: {name: {eq: "Bone"}}}}}) { name } }')["animals"]) == 7
    )
    assert len(data(engine, "{ animals(where: {foods: {some: {}}}) { foods { name } } }")["animals"]) == 5
