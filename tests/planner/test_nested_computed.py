"""Computed fields that are subqueries or arrays: compared and sorted by wherever they are, they stay as declared."""

import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Subquery, Value

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.planner.ordering import sort_by
from tests.naive import assert_same_answer
from tests.zoo import models

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(populated: None) -> GraphQLEngine:
    """Make an engine over animals whose computed fields look at other rows."""
    registry = Registry()
    children = models.Animal.everything.filter(mother=OuterRef("pk"))
    keepers = models.Keeper.objects.filter(pk=OuterRef("mother__keeper_id"))

    @fraiseql.type(models.Animal, fields=["id", "name", "mother", "children", "foods", "feedings"], registry=registry)
    class AnimalType:
        registered: bool = fraiseql.field(Exists(models.Passport.objects.filter(animal=OuterRef("pk"))))
        youngest: str | None = fraiseql.field(Subquery(children.order_by("-pk").values("name")[:1]))
        mothers_keeper: str | None = fraiseql.field(Subquery(keepers.values("name")))
        child_names: list[str] = fraiseql.field(ArraySubquery(children.order_by("pk").values("name")))
        ranks: list[int | None] = fraiseql.field(ArrayAgg("children__species__rank", order_by="children__pk"))
        legs: int = fraiseql.field(Value(2))
        kingdom: str = fraiseql.field(Value("animals"))

    @fraiseql.type(models.Food, fields=["name", "eaters", "feedings"], registry=registry)
    class FoodType:
        pass

    @fraiseql.type(models.Feeding, fields=["grams", "animal", "food"], registry=registry)
    class FeedingType:
        pass

    return GraphQLEngine(registry=registry, cache=None)


ORDERS = ["{registered: DESC}", "{youngest: ASC}", "{mothersKeeper: DESC}", "{mother: {youngest: DESC}}"]


@pytest.mark.parametrize("order", ORDERS)
def test_nested_list_sorted_by_a_subquery(engine, order):
    assert_same_answer(engine, f"{{ foods {{ eaters(orderBy: {order}) {{ name }} }} }}")


@pytest.mark.parametrize("order", ORDERS)
def test_sorting_leaves_the_declared_expression_as_it_was(engine, order):
    engine.execute(f"{{ foods {{ eaters(orderBy: [{order}, {{id: ASC}}]) {{ name }} }} }}")
    assert_same_answer(engine, "{ animals { name registered youngest mothersKeeper } }")
    assert_same_answer(engine, "{ foods { eaters(limit: 2) { mother { registered youngest mothersKeeper } } } }")


@pytest.mark.parametrize("order", ORDERS)
def test_nested_lists_of_one_table_sorted_by_a_subquery(engine, order):
    assert_same_answer(
        engine,
        f"{{ animals(orderBy: {order}) {{ name children(orderBy: {order}) {{ name registered foods {{ "
        f"feedings(orderBy: {{animal: {order}}}) {{ grams animal {{ name }} }} }} }} }} }}",
    )


def test_sorting_leaves_an_order_of_the_project_s_own_as_it_was(populated):
    registered = Exists(models.Passport.objects.filter(animal=OuterRef("pk")))
    before = str(models.Animal.everything.order_by(registered).query)
    children = models.Animal.everything.filter(mother=OuterRef("pk")).order_by(registered)
    names = Subquery(sort_by(children, children.query.order_by, "default").values("name")[:1])
    assert models.Animal.everything.annotate(child=names).get(name="Koko").child == "Kiki"
    assert str(models.Animal.everything.order_by(registered).query) == before


@pytest.mark.parametrize("order", ["{legs: DESC}", "{kingdom: ASC}", "{mother: {legs: ASC}}"])
def test_lists_sorted_by_a_constant_are_sorted_by_the_key(engine, order):
    assert_same_answer(engine, f"{{ animals(orderBy: {order}) {{ name children(orderBy: {order}) {{ name }} }} }}")


@pytest.mark.parametrize(
    "where",
    [
        '{childNames: {eq: ["Kiki"]}}',
        '{childNames: {neq: ["Kiki"]}}',
        '{childNames: {in: [[], ["Zoë"]]}}',
        '{mother: {childNames: {nin: [["Zoë"], ["tweety"]]}}}',
        '{children: {some: {childNames: {eq: ["Zoë"]}}}}',
        "{ranks: {eq: [1]}}",
        "{ranks: {in: [[1], [3]]}}",
        "{mother: {ranks: {neq: [1]}}}",
    ],
)
def test_computed_arrays_are_compared_whatever_their_type_in_sql(engine, where):
    answer = assert_same_answer(engine, f"{{ animals(where: {where}) {{ name childNames ranks }} }}")
    assert 0 < len(answer["animals"]) < models.Animal.objects.count()
