"""Interfaces over models: rows of several types in one list, in one statement."""

from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from tests.menagerie.models import Animal, Cat, Dog, Keeper, Puppy, Vehicle
from tests.menagerie.types import MENAGERIE
from tests.support import data

pytestmark = pytest.mark.django_db


@pytest.fixture
def animals(db: None) -> GraphQLEngine:
    """Make an engine over a menagerie."""
    ann = Keeper.objects.create(name="Ann")
    rex = Dog.objects.create(name="Rex", breed="pug", weight=9, keeper=ann)
    tom = Cat.objects.create(name="Tom", breed=7, weight=5, keeper=ann)
    Puppy.objects.create(name="Bit", breed="pug", weeks=3, weight=2)
    Animal.objects.create(name="Emu", weight=40)
    Cat.objects.create(name="Kit", weight=1)
    rex.friends.add(Dog.objects.create(name="Fox", breed="fox"))
    Keeper.objects.create(name="Bob", favourite=tom)
    for kind, wheels in (("car", 4), ("bike", 2), ("boat", None), ("car", 3)):
        Vehicle.objects.create(kind=kind, wheels=wheels)
    return GraphQLEngine(registry=MENAGERIE, cache=None)


def test_rows_are_of_their_types(animals: GraphQLEngine) -> None:
    query = """{ animals(orderBy: {name: ASC}) { __typename id name
      ... on Dog { breed friends { name } } ... on Puppy { weeks breed } ... on Cat { lives number: breed } } }"""
    response = animals.explain(query)
    print(response.sql)
    answer: Any = data(animals, query)
    print(answer)
    assert 0
