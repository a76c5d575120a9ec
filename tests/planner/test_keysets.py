"""Walks over connections: page by page, forwards and backwards, each row once, in the order of the list."""

import os
import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import NotSupportedError, connection

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer, OrderLine
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.schema.aggregates import Aggregate, aggregate_name
from fraiseql_django.schema.definition import Shape, TypeDef
from fraiseql_django.schema.filter_inputs import DIRECTIONS, is_ordered
from tests.support import data, make_shop
from tests.zoo.models import Specimen
from tests.zoo.types import ZOO

ALL = bool(os.environ.get("FRAISEQL_ALL_ORDERS"))

pytestmark = pytest.mark.django_db


def keys_of(definition: TypeDef) -> str:
    """Return what tells rows apart among what a type shows."""
    names = list(definition.key)
    shown = all(name in definition.fields for name in names)
    return " ".join(names if shown else [name for name, field in definition.fields.items() if is_ordered(field)])


def arguments(order: str, where: str = "") -> str:
    return f"{f'orderBy: {order}' if order else ''} {f'where: {where}' if where else ''}"


def pages(engine: GraphQLEngine, name: str, selected: str, given: str, *, size: int, backward: bool) -> Iterator[Any]:
    """Yield the pages of a connection at the root, from one end to the other."""
    first, after, end, more = (
        ("last", "before", "startCursor", "hasPreviousPage")
        if backward
        else ("first", "after", "endCursor", "hasNextPage")
    )
    query = (
        f"query ($size: Int, $cursor: String) {{ {name}({first}: $size, {after}: $cursor {given}) "
        f"{{ nodes {{ {selected} }} edges {{ cursor }} pageInfo {{ {end} {more} hasNextPage hasPreviousPage "
        f"startCursor endCursor }} }} }}"
    )
    cursor = None
    while True:
        found = data(engine, query, {"size": size, "cursor": cursor})[name]
        info, edges = found["pageInfo"], found["edges"]
        assert [edges[0]["cursor"], edges[-1]["cursor"]] == [info["startCursor"], info["endCursor"]] if edges else True
        # what the walk has come from lies on the other side
        assert info["hasNextPage" if backward else "hasPreviousPage"] is (cursor is not None)
        yield found
        if not info[more]:
            return
        cursor = info[end]


def walked(engine: GraphQLEngine, name: str, selected: str, given: str, *, size: int, backward: bool) -> list[Any]:
    found: list[Any] = []
    for page in pages(engine, name, selected, given, size=size, backward=backward):
        assert len(page["nodes"]) <= size
        found = [*page["nodes"], *found] if backward else [*found, *page["nodes"]]
        # a page that is read twice would never end
        assert len(found) < 2000
    return found


def assert_walks(engine: GraphQLEngine, definition: TypeDef, order: str, where: str = "", size: int = 2) -> None:
    selected, name = keys_of(definition), definition.plural
    given = arguments(order, where)
    listed = f"({given})" if given.strip() else ""
    wanted = data(engine, f"{{ {name}{listed} {{ {selected} }} }}")[str(name)]
    for backward in (False, True):
        found = walked(engine, f"{name}Connection", selected, given, size=size, backward=backward)
        assert found == wanted, (order, backward)


def of_zoo(engine: GraphQLEngine) -> list[TypeDef]:
    return [item for item in engine.schema.types.values() if item.plural and not item.source]


def test_every_type_in_its_own_order(zoo: GraphQLEngine) -> None:
    for definition in of_zoo(zoo):
        assert_walks(zoo, definition, "")


def test_every_field_in_every_direction(zoo: GraphQLEngine) -> None:
    ordered = [
        (definition, field.name)
        for definition in of_zoo(zoo)
        for field in definition.fields.values()
        if is_ordered(field)
    ]
    assert len(ordered) > 100
    # FRAISEQL_ALL_ORDERS=1 takes two minutes
    for number, (definition, name) in enumerate(ordered):
        directions = list(DIRECTIONS)
        for direction in directions if ALL else [directions[number % len(directions)]]:
            assert_walks(zoo, definition, f"{{{name}: {direction}}}", size=5)


def test_random_orders_and_conditions(zoo: GraphQLEngine, books: GraphQLEngine) -> None:
    draw = random.Random(5)

    def term(engine: GraphQLEngine, definition: Shape, depth: int = 0) -> str:
        order_by: Any = engine.schema.graphql.get_type(f"{definition.name}OrderBy")
        names = [name for name in order_by.fields if name in definition.fields]
        leaves = [name for name in names if is_ordered(definition.fields[name])]
        name = draw.choice(leaves if depth > 1 and leaves else names)
        field: Any = definition.fields[name]
        if is_ordered(field):
            return f"{{{name}: {draw.choice(list(DIRECTIONS))}}}"
        target = aggregate_name(field.of.target) if isinstance(field, Aggregate) else field.target
        there = engine.schema.types.get(target) or engine.schema.shapes[target]
        return f"{{{name}: {term(engine, there, depth + 1)}}}"

    for _ in range(200 if ALL else 24):
        engine = draw.choice([zoo, books])
        definition = draw.choice(
            [item for item in of_zoo(engine) if f"{item.plural}Connection" in engine.schema.query.fields]
        )
        terms = ", ".join(term(engine, definition) for _ in range(draw.randint(1, 4)))
        assert_walks(engine, definition, f"[{terms}]", size=draw.choice([1, 3, 7]))


def test_rows_that_are_written_between_pages_move_no_others() -> None:
    publisher = make_shop().publisher
    OrderLine.objects.all().delete()
    numbers = count(9_790_000_000_000)
    draw = random.Random(1)

    def add(number: int) -> None:
        price = Decimal(draw.randint(0, 3))
        Book.objects.create(title=f"T{number % 5}", isbn=next(numbers), publisher=publisher, price=price)

    for number in range(20):
        add(number)
    engine, own = GraphQLEngine(cache=None), Book.objects.filter(publisher=publisher)
    given = arguments("[{price: DESC}, {title: ASC}]", f'{{publisher: {{id: {{eq: "{publisher.pk}"}}}}}}')
    for backward in (False, True):
        before = list(own.values_list("pk", flat=True))
        stays = set(draw.sample(before, 12))
        seen: list[int] = []
        for number, page in enumerate(pages(engine, "booksConnection", "id", given, size=3, backward=backward)):
            ids = [int(row["id"]) for row in page["nodes"]]
            seen += reversed(ids) if backward else ids
            # the row of the next page's cursor, and one that may be still to come
            own.filter(pk__in={seen[-1], draw.choice(before)} - stays).delete()
            add(number)
        assert len(seen) == len(set(seen))
        assert stays <= set(seen)
        wanted = list(own.filter(pk__in=seen).order_by("-price", "title", "pk").values_list("pk", flat=True))
        left = [pk for pk in seen if pk in set(wanted)]
        assert left == (wanted[::-1] if backward else wanted)


def test_values_that_only_postgresql_has() -> None:
    engine = GraphQLEngine(registry=ZOO, cache=None)
    for number in range(8):
        Specimen.objects.create(name=f"s{number}")
    odd = {
        "double": ["NaN", "Infinity", "-Infinity", "-0", "0", "1e-300", "0.1"],
        "decimal": ["NaN", "0.10", "0.1", "-1", "1", "2", "3"],
        "date": ["infinity", "-infinity", "2024-02-29", "0044-03-15 BC", "2024-02-29", "9999-12-31", "0001-01-01"],
        "date_time": ["infinity", "-infinity", "2024-02-29 12:00:00.000001+14", "2024-02-29 12:00:00.000002+14",
                      "0044-03-15 12:00 BC", "2024-10-27 02:30:00+02", "2024-10-27 02:30:00+01"],
        "duration": ["1 mon", "30 days", "720:00:00", "-1 day 1 us", "1 mon -30 days", "0", "1 us"],
    }  # fmt: skip
    keys = list(Specimen.objects.order_by("pk").values_list("pk", flat=True))
    definition = engine.schema.types["Specimen"]
    for column, values in odd.items():
        with connection.cursor() as cursor:
            for key, value in zip(keys, values, strict=False):
                cursor.execute(f"UPDATE zoo_specimen SET {column} = %s WHERE id = %s", [value, key])
        name = next(name for name, field in definition.fields.items() if field.stored_as == column)
        for direction in ("ASC", "DESC", "ASC_NULLS_FIRST"):
            assert_walks(engine, definition, f"{{{name}: {direction}}}", size=1)


@pytest.mark.parametrize("collation", ["C", "POSIX", "blind"])
def test_texts_are_compared_by_the_collation_of_their_column(collation: str) -> None:
    with connection.cursor() as cursor:
        if collation == "blind":
            try:
                options = "provider = icu, locale = 'und-u-ks-level1', deterministic = false"
                cursor.execute(f"CREATE COLLATION blind ({options})")
            except NotSupportedError:
                pytest.skip("this server is built without ICU")
        cursor.execute(f'ALTER TABLE bookshop_customer ALTER COLUMN name TYPE varchar(200) COLLATE "{collation}"')
    for number, name in enumerate(["Émile", "emile", "EMILE", "Zoo", "zoo", "_x", "x y", "xy", "", "ÿ", "\U0001f98a"]):
        Customer.objects.create(user=User.objects.create(username=str(number)), name=name)
    registry = Registry()
    fraiseql.type(Customer, fields=["id", "name"], queries=["plural", "connection"], registry=registry)(
        type("C", (), {})
    )
    engine = GraphQLEngine(registry=registry, cache=None)
    (definition,) = engine.schema.types.values()
    for order in ("{name: ASC}", "{name: DESC}", "[{name: DESC}, {id: DESC}]"):
        assert_walks(engine, definition, order)


def test_boundaries_on_both_sides(books: GraphQLEngine) -> None:
    page = "{ nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } }"
    query = f"query ($a: String, $b: String, $n: Int) {{ booksConnection(ARGS) {page} }}"
    whole = data(books, f"{{ booksConnection {page} }}")["booksConnection"]
    ids, cursors = [row["id"] for row in whole["nodes"]], [edge["cursor"] for edge in whole["edges"]]
    for start, end, size in [(3, 9, 3), (3, 9, 50), (0, 1, 5), (5, 5, 5), (9, 3, 5), (0, len(ids) - 1, 0)]:
        between = ids[start + 1 : end]
        given = {"a": cursors[start], "b": cursors[end], "n": size}
        forward = data(books, query.replace("ARGS", "after: $a, before: $b, first: $n"), given)["booksConnection"]
        backward = data(books, query.replace("ARGS", "after: $a, before: $b, last: $n"), given)["booksConnection"]
        assert [row["id"] for row in forward["nodes"]] == between[:size]
        assert [row["id"] for row in backward["nodes"]] == between[max(len(between) - size, 0) :]
        # the rows of both cursors are there, and outside of the page
        assert forward["pageInfo"] == backward["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": True}


def test_reviews_of_each_book_have_pages_of_their_own(books: GraphQLEngine) -> None:
    page = "{ nodes { id } pageInfo { endCursor hasNextPage } }"
    query = (
        "query ($a: String) { book(id: 1) { reviews(orderBy: {stars: ASC}) { id } "
        f"reviewsConnection(first: 2, after: $a, orderBy: {{stars: ASC}}) {page} }} }}"
    )
    found: list[Any] = []
    cursor = None
    while True:
        book = data(books, query, {"a": cursor})["book"]
        found += book["reviewsConnection"]["nodes"]
        cursor = book["reviewsConnection"]["pageInfo"]["endCursor"]
        if not book["reviewsConnection"]["pageInfo"]["hasNextPage"]:
            break
    assert found == book["reviews"]


def test_one_plan_and_one_statement_serve_all_pages(books: GraphQLEngine) -> None:
    query = "query ($n: Int, $a: String) { booksConnection(first: $n, after: $a) { edges { cursor } } }"
    engine = GraphQLEngine(cache=None)
    cursors = [edge["cursor"] for edge in data(engine, query, {"n": 9, "a": None})["booksConnection"]["edges"]]
    statements = {engine.explain(query, {"n": n, "a": cursor}).sql for n, cursor in enumerate(cursors)}
    assert len(statements) == 1
    data(engine, query, {"n": 1, "a": cursors[0]})
    plans = engine.statistics().plans.size
    for n, cursor in enumerate(cursors):
        data(engine, query, {"n": n, "a": cursor})
    assert engine.statistics().plans.size == plans
