"""Connections, aggregates, groups and global ids with each other, with interfaces, and with orders of every kind."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Publisher, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.global_ids import to_global_id
from tests.menagerie.data import populate
from tests.menagerie.models import Animal, Cat, Dog, Keeper, Visitor
from tests.naive import assert_same_answer
from tests.support import data, make_shop, refused

pytestmark = pytest.mark.django_db

FORMS = ("plural", "connection", "aggregate", "groups")


def named(name: str) -> Any:
    return type(name, (), {"__doc__": name, "__module__": __name__})


def declared(model: Any, registry: Registry, fields: list[str], **options: Any) -> None:
    given = {"queries": ("single", *FORMS), "lists": FORMS, **options}
    fraiseql.type(model, fields=fields, registry=registry, **given)(named(f"{model.__name__}Type"))


def walk(engine: GraphQLEngine, field: str, order: str, selected: str = "id", size: int = 1) -> list[Any]:
    """Return the nodes of all pages."""
    query = f"""query ($after: String) {{ {field}(first: {size}, after: $after, orderBy: {order}) {{
        nodes {{ {selected} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    found: list[Any] = []
    after = None
    while True:
        (page,) = data(engine, query, {"after": after}).values()
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


# --- interfaces --------------------------------------------------------------------------------


def of_animals(*, node: bool = False, **options: Any) -> GraphQLEngine:
    registry = Registry()
    fraiseql.interface(
        Animal, fields=["id", "name", "weight", "keeper"], queries=("single", *FORMS), lists=FORMS, registry=registry
    )(named("AnimalInterface"))
    declared(Dog, registry, ["breed"], **options)
    declared(Cat, registry, ["lives"])
    declared(Keeper, registry, ["id", "name", "animals"])
    declared(Visitor, registry, ["id", "name", "favourite", "favourite_id"])
    return GraphQLEngine(registry=registry, settings=replace(get_settings(), node=node), cache=None)


@pytest.fixture
def animals(db: None) -> Iterator[GraphQLEngine]:
    populate()
    return of_animals()


@pytest.mark.parametrize(
    "query",
    [
        "{ animalsConnection(first: 3) { totalCount nodes { __typename ... on Dog { breed } ... on Cat { lives } } "
        "pageInfo { hasNextPage hasPreviousPage } edges { node { ... on Cat { name } } } } }",
        "{ animalsConnection(last: 2, where: {onDog: {}}) { totalCount nodes { name weight } } }",
        "{ animalsConnection(orderBy: [{weight: DESC}, {name: ASC}]) { nodes { name } } }",
        "{ keepers { animalsConnection(first: 1) { totalCount nodes { __typename } } } }",
        "{ animalsAggregate { count sum { weight } max { name } } animalsCount }",
        "{ keepers { animalsAggregate(where: {ofType: {eq: Cat}}) { count max { weight } } } }",
        "{ animalsGroups { key { weight } count } }",
        "{ keepers(where: {animalsAggregate: {where: {onDog: {}}, count: {gt: 0}}}) { name } }",
        "{ keepers(orderBy: [{animalsCount: DESC}, {name: ASC}]) { name animalsCount } }",
        "{ keepersConnection(orderBy: [{animalsAggregate: {sum: {weight: ASC_NULLS_FIRST}}}]) { nodes { name } } }",
        "{ visitorsAggregate { sum { favourite { weight } } countDistinct { favourite { name } } } }",
    ],
)
def test_every_form_of_a_list_of_an_interface(animals: GraphQLEngine, query: str) -> None:
    assert_same_answer(animals, query)


def test_pages_of_an_interface_are_walked(animals: GraphQLEngine) -> None:
    whole = data(animals, "{ animals(orderBy: [{weight: DESC}]) { name ... on Dog { breed } } }")["animals"]

    selected = "name ... on Dog { breed }"
    assert walk(animals, "animalsConnection", "{weight: DESC}", selected, 2) == whole


def test_rows_of_an_interface_that_a_rule_hides_are_in_no_form() -> None:
    populate()
    engine = of_animals(rows=lambda viewer: Q(breed="pug"))
    shown = data(engine, "{ animals { __typename name weight } }")["animals"]
    assert len(shown) < len(data(of_animals(), "{ animals { __typename } }")["animals"])

    found = data(
        engine,
        "{ animalsConnection { totalCount nodes { name } } animalsAggregate { count sum { weight } } "
        "animalsGroups { key { weight } count } animalsCount }",
    )

    assert found["animalsConnection"]["totalCount"] == found["animalsAggregate"]["count"] == len(shown)
    assert sum(group["count"] for group in found["animalsGroups"]) == found["animalsCount"] == len(shown)
    assert found["animalsAggregate"]["sum"]["weight"] == str(sum(row["weight"] for row in shown))
    assert len(found["animalsConnection"]["nodes"]) == len(shown)


def test_rows_of_an_interface_have_the_ids_of_their_types() -> None:
    populate()
    engine = of_animals(node=True)
    dog = Dog.objects.first()
    visitor = Visitor.objects.exclude(favourite=None)[0]
    assert dog is not None
    own = to_global_id("Dog", dog.pk)
    selected = "__typename id ... on Animal { name } ... on Dog { breed }"

    found = data(engine, f"query ($id: ID!) {{ node(id: $id) {{ {selected} }} animal(id: $id) {{ id }} }}", {"id": own})
    listed = data(engine, "query ($id: ID!) { animals(where: {id: {eq: $id}}) { ... on Node { id } } }", {"id": own})
    base = to_global_id("Animal", visitor.favourite_id)
    other = data(engine, "query ($id: ID!) { node(id: $id) { __typename id ... on Animal { name } } }", {"id": base})

    assert found["node"] == {"__typename": "Dog", "id": own, "name": dog.name, "breed": dog.breed}
    assert found["animal"] == {"id": own}
    assert listed["animals"] == [{"id": own}]
    assert other["node"]["name"] == visitor.favourite.name  # type: ignore[union-attr]
    kinds = {item.name for item in engine.schema.graphql.type_map["Animal"].interfaces}  # type: ignore[union-attr]
    assert kinds == {"Node"}


# --- orders ------------------------------------------------------------------------------------


@pytest.fixture
def books(db: None) -> GraphQLEngine:
    make_shop()
    registry = Registry()
    declared(Book, registry, ["id", "title", "price", "published", "publisher_id", "reviews"], random=True)
    declared(Review, registry, ["id", "stars", "created_at"])
    declared(Publisher, registry, ["id", "name", "books"])
    return GraphQLEngine(registry=registry, cache=None)


@pytest.mark.parametrize(
    "order",
    [
        "{reviewsCount: DESC}",
        "{reviewsAggregate: {count: ASC}}",
        "{reviewsAggregate: {avg: {stars: DESC_NULLS_LAST}}}",
        "[{reviewsAggregate: {max: {stars: ASC}}}, {reviewsAggregate: {min: {createdAt: DESC}}}]",
        "{BY: {title: {length: DESC}}}",
        "[{BY: {published: {year: ASC}}}, {BY: {published: {month: DESC}}}]",
    ],
)
@pytest.mark.parametrize("size", [1, 2])
def test_cursors_of_orders_by_lists_and_by_what_is_made_of_values(books: GraphQLEngine, order: str, size: int) -> None:
    whole = data(books, f"{{ books(orderBy: {order}) {{ id }} }}")["books"]

    assert walk(books, "booksConnection", order, size=size) == whole


def test_a_cursor_of_one_aggregate_is_none_of_another(books: GraphQLEngine) -> None:
    query = """query ($after: String) { booksConnection(
        first: 1, after: $after, orderBy: {reviewsAggregate: {%s: {stars: ASC}}}) { pageInfo { endCursor } } }"""
    cursor = data(books, query % "max", {"after": None})["booksConnection"]["pageInfo"]["endCursor"]

    assert "after" in refused(books, query % "min", {"after": cursor})["message"]


def test_random_orders_have_no_cursors(books: GraphQLEngine) -> None:
    assert len(data(books, "{ books(orderBy: {RANDOM: true}) { id } }")["books"]) > 1

    error = refused(books, "{ booksConnection(orderBy: {RANDOM: true}) { nodes { id } } }")

    assert error["message"].startswith("orderBy: RANDOM is no order for a connection")


# --- global ids --------------------------------------------------------------------------------


def test_aggregates_and_groups_have_global_ids() -> None:
    shop = make_shop()
    registry = Registry()
    declared(Book, registry, ["id", "title", "publisher_id", "publisher"])
    declared(Publisher, registry, ["id", "name"])
    engine = GraphQLEngine(registry=registry, settings=replace(get_settings(), node=True), cache=None)
    ids = {to_global_id("Book", book.pk) for book in shop.books}

    found = data(
        engine,
        "{ booksAggregate { array { id } countDistinct { id } } "
        "booksGroups { key { publisherId publisher { id } } count } }",
    )

    assert set(found["booksAggregate"]["array"]["id"]) == ids
    assert found["booksAggregate"]["countDistinct"]["id"] == len(ids)
    for group in found["booksGroups"]:
        assert group["key"]["publisherId"] == group["key"]["publisher"]["id"]
        assert group["key"]["publisherId"] in {to_global_id("Publisher", book.publisher_id) for book in shop.books}


def test_what_is_derived_has_the_conditions_of_its_own_fields(books: GraphQLEngine) -> None:
    types = books.schema.graphql.type_map

    derived = [name for name in types if name.startswith(("BookAggregate", "BookGroup", "ReviewAggregate"))]

    assert derived
    keys = {key for name in derived for key in getattr(types[name], "fields", {})}
    assert keys.isdisjoint({"HAS", "COMPARE", "BY", "RANDOM"})
