"""A model's default manager says which rows there are, however it says it."""

from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models import Subquery
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from tests.naive import assert_same_answer
from tests.support import data
from tests.zoo.models import Animal, Contract, Food, Place, Sponsor

pytestmark = pytest.mark.django_db


class NoneManager(models.Manager[Any]):
    """Has no rows, which Django knows without asking the database."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(pk__in=[])


class AllManager(models.Manager[Any]):
    """Has a condition that Django knows to hold always."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().exclude(pk__in=[])


class ShuffledManager(models.Manager[Any]):
    """Has its rows in a random order, which is turned round."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().order_by("?").reverse()


class UnorderedManager(models.Manager[Any]):
    """Has taken the order of the model away."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().order_by()


def engine_over(manager: models.Manager[Any]) -> GraphQLEngine:
    """Make an engine over animals and their foods; what foods there are the manager says."""

    class Shown(Food):
        objects = manager

        class Meta:
            proxy = True
            app_label = "zoo"
            ordering = ("-name",)

    registry = Registry()
    fraiseql.type(Shown, name="Food", fields=["name"], registry=registry)(type("Food", (), {}))
    fraiseql.type(Animal, name="Animal", fields=["name", "foods"], registry=registry)(type("Animal", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


# --- what the base manager hides is hidden from to-one relations, as from ``contract.sponsor`` in Django ---

BASE = {
    "selections": """{ contracts {
        id gone sponsor { name parent { name } contract { id } } witness { name contract { amount } }
        guests { name parent { name } contract { id } } } }""",
    "lists start from the default manager": (
        "{ sponsors { name gone branches { name } witnessed { id gone } invitations { id } } }"
    ),
    "by key": "{ a: sponsor(id: 2) { name contract { id } } b: contract(id: 3) { sponsor { name contract { id } } } }",
    "counts": "{ contractsCount sponsorsCount contracts { guestsCount } sponsors { branchesCount witnessedCount } }",
    "there is one": "{ contracts(where: {witness: {}}) { id } sponsors(where: {contract: {}}) { id } }",
    "there is none": "{ contracts(where: {NOT: {witness: {}}}) { id } sponsors(where: {NOT: {contract: {}}}) { id } }",
    "conditions": """{
        a: contracts(where: {witness: {name: {eq: "Gone"}}}) { id }
        b: contracts(where: {NOT: {witness: {name: {eq: "Here"}}}}) { id }
        c: contracts(where: {OR: [{witness: {gone: {eq: true}}}, {amount: {eq: 4}}]}) { id }
        d: sponsors(where: {parent: {name: {isnull: false}}}) { id }
        e: sponsors(where: {parent: {parent: {}}}) { id }
        f: contracts(where: {guests: {some: {name: {eq: "Gone"}}}}) { id }
        g: contracts(where: {guests: {every: {parent: {}}}}) { id }
        h: contractsCount(where: {witness: {gone: {neq: true}}}) }""",
    "orders": """{
        a: contracts(orderBy: [{witness: {name: DESC}}, {id: ASC}]) { id }
        b: sponsors(orderBy: {parent: {name: ASC_NULLS_FIRST}}) { id }
        c: sponsors(orderBy: [{contract: {amount: DESC_NULLS_LAST}}]) { id }
        d: sponsors(orderBy: [{parent: {parent: {name: ASC}}}]) { id } }""",
}


@pytest.mark.parametrize("query", BASE.values(), ids=BASE.keys())
def test_base_manager_hides_from_to_one_relations(zoo: GraphQLEngine, query: str) -> None:
    assert_same_answer(zoo, query)


def test_base_manager_hides_as_django_does(zoo: GraphQLEngine) -> None:
    found = data(zoo, "{ contracts { witness { name } } sponsors { contract { amount } } }")
    contracts = Contract.objects.order_by("pk")
    sponsors = Sponsor.objects.order_by("pk")

    assert found["contracts"] == [{"witness": shown(contract, "witness", "name")} for contract in contracts]
    assert found["sponsors"] == [{"contract": shown(sponsor, "contract", "amount")} for sponsor in sponsors]
    assert [contract["witness"] for contract in found["contracts"]] == [None, {"name": "Here"}, None, {"name": ""}]


def shown(row: Any, relation: str, name: str) -> Any:
    """Read a value behind a relation as Django gives it."""
    try:
        return (found := getattr(row, relation)) and {name: getattr(found, name)}
    except ObjectDoesNotExist:
        return None


def test_base_manager_that_hides_nothing_is_joined(zoo: GraphQLEngine) -> None:
    joined = zoo.explain("{ animals { keeper { name } } }").sql
    read = zoo.explain("{ contracts { witness { name } } }").sql

    assert "JOIN" in joined
    assert "JOIN" not in read


def test_parent_of_a_row_is_shown_whatever_its_base_manager_hides(zoo: GraphQLEngine) -> None:
    """Django makes ``restaurant.place_ptr`` from the restaurant."""
    with pytest.MonkeyPatch.context() as patch:
        hiding = NoneManager()
        hiding.model = Place
        patch.setitem(Place._meta.__dict__, "base_manager", hiding)
        found = data(zoo, '{ restaurants(where: {placePtr: {name: {eq: "Grill"}}}) { name placePtr { name } } }')

    assert found == {"restaurants": [{"name": "Grill", "placePtr": {"name": "Grill"}}]}


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


@isolate_apps("tests.zoo")
def test_random_order_that_is_reversed(populated: None) -> None:
    foods = data(engine_over(ShuffledManager()), "{ foods { name } }")["foods"]

    assert sorted(food["name"] for food in foods) == ["Banana", "Bone", "Nothing", "Seeds"]


@isolate_apps("tests.zoo")
def test_without_the_order_of_the_model_the_key_decides(populated: None) -> None:
    by_key = [{"name": name} for name in Food.objects.order_by("pk").values_list("name", flat=True)]

    assert data(engine_over(UnorderedManager()), "{ foods { name } }")["foods"] == by_key


@isolate_apps("tests.zoo")
def test_manager_keeps_the_order_of_the_model(populated: None) -> None:
    by_name = [{"name": name} for name in ("Seeds", "Nothing", "Bone", "Banana")]

    assert data(engine_over(AllManager()), "{ foods { name } }")["foods"] == by_name


@isolate_apps("tests.zoo")
def test_computed_boolean_without_rows_is_null(populated: None) -> None:
    registry = Registry()

    @fraiseql.type(Food, name="Food", fields=["name"], registry=registry)
    class FoodType:
        good: bool | None = fraiseql.field(Subquery(Animal.objects.none().values("gone")))

    engine = GraphQLEngine(registry=registry, cache=None)

    assert data(engine, "{ foods(limit: 1) { good } }") == {"foods": [{"good": None}]}
    assert data(engine, "{ all: foodsCount(where: {good: {isnull: true}}) }") == {"all": 4}
    assert data(engine, "{ none: foodsCount(where: {NOT: {good: {eq: true}}}) }") == {"none": 0}
