"""Rows in two tables, of a model and of its parent, by conditions, keys and changes."""

from typing import Any

import pytest

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, changes
from tests.library.support import make_engine, run
from tests.zoo.animals import Pizzeria

pytestmark = pytest.mark.django_db

REGISTRY = Registry()


@fraiseql.type(Pizzeria, fields=["id", "name", "stars", "oven"], registry=REGISTRY)
class PizzeriaType:
    pass


FIELDS: Any = [changes("name", append=True), changes("stars", inc=True), "oven"]
fraiseql.update(PizzeriaType, fields=FIELDS, registry=REGISTRY)
fraiseql.update(PizzeriaType, fields=FIELDS, where=True, registry=REGISTRY)
fraiseql.update(PizzeriaType, fields=FIELDS, where=["name"], save=False, name="quickly", registry=REGISTRY)
fraiseql.delete(PizzeriaType, where=["stars"], registry=REGISTRY)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return make_engine(REGISTRY)


@pytest.fixture
def pizzerias() -> list[Pizzeria]:
    return [
        Pizzeria.objects.create(name=name, address=name, stars=stars, oven="wood") for stars, name in enumerate("abc")
    ]


def rows() -> list[Any]:
    return list(Pizzeria.objects.order_by("pk").values_list("name", "stars", "oven"))


@pytest.mark.parametrize("name", ["updatePizzerias", "quickly"])
def test_both_tables_are_changed(engine: GraphQLEngine, pizzerias: list[Pizzeria], name: str) -> None:
    call = (
        f'{name}(where: {{name: {{in: ["a", "b"]}}}}, set: {{name: {{append: "!"}}, stars: {{inc: 2}}, oven: "gas"}})'
    )

    assert run(engine, call, "affected pizzerias { name stars }") == {
        "affected": 2,
        "pizzerias": [{"name": "a!", "stars": 2}, {"name": "b!", "stars": 3}],
    }
    assert rows() == [("a!", 2, "gas"), ("b!", 3, "gas"), ("c", 2, "wood")]


def test_one_row(engine: GraphQLEngine, pizzerias: list[Pizzeria]) -> None:
    call = f'updatePizzeria(id: {pizzerias[0].pk}, input: {{name: {{append: "!"}}}})'

    assert run(engine, call, "pizzeria { name }") == {"pizzeria": {"name": "a!"}}


def test_both_tables_lose_their_rows(engine: GraphQLEngine, pizzerias: list[Pizzeria]) -> None:
    assert run(engine, "deletePizzerias(where: {stars: {lt: 2}})", "affected") == {"affected": 2}
    assert rows() == [("c", 2, "wood")]
