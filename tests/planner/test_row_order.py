"""When a list is sorted: always, except all rows behind a relation that nobody has an order for."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import LimitSettings, get_settings
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db


def engine(**limits: int) -> GraphQLEngine:
    """Return an engine over the zoo, whose houses and cages have no order."""
    settings = replace(get_settings(), limits=LimitSettings(**limits))
    return GraphQLEngine(registry=ZOO, settings=settings, cache=None)


def orders(query: str, variables: dict[str, Any] | None = None, **limits: int) -> list[str]:
    """Return what the statement of an operation sorts by, without the names of tables; inner lists first."""
    sql = engine(**limits).explain(query, variables).sql
    found = re.findall(r"ORDER BY (.*?)(?= LIMIT| OFFSET|\))", sql)
    return [re.sub(r'"?\w+"?\."(\w+)"', r"\1", order) for order in found]


def test_list_behind_a_relation_is_not_sorted_where_nobody_has_an_order():
    assert orders("{ houses(limit: 1) { cages { label } } }") == ["code ASC"]


def test_root_field_is_sorted_by_the_key():
    assert orders("{ keepers { name } }") == ["id ASC"]


@pytest.mark.parametrize("page", ["limit: 2", "offset: 1", "limit: $n", "offset: $n"])
def test_page_is_sorted_by_the_key(page: str):
    parameter = "($n: Int)" if "$" in page else ""
    query = f"query{parameter} {{ houses(limit: 1) {{ cages({page}) {{ label }} }} }}"
    assert len(orders(query, {"n": 2} if parameter else None)) == 2


def test_variable_without_a_value_is_no_page():
    query = "query($n: Int) { houses(limit: 1) { cages(limit: $n) { label } } }"
    assert len(orders(query)) == 1


@pytest.mark.parametrize("limit", ["max_rows", "default_rows"])
def test_page_of_the_settings_is_sorted_by_the_key(limit: str):
    assert len(orders("{ houses(limit: 1) { cages { label } } }", **{limit: 5})) == 2


def test_order_of_the_client_ends_in_the_key():
    query = "{ houses(limit: 1) { cages(orderBy: {width: DESC}) { width } } }"
    inner, _ = orders(query)
    assert inner.startswith("width DESC, ")


def test_empty_order_of_the_client_is_none():
    assert len(orders("{ houses(limit: 1) { cages(orderBy: []) { label } } }")) == 1


def test_order_of_the_model_stays():
    (inner, _) = orders("{ keepers(limit: 1) { animals { name } } }")
    assert "weight ASC NULLS FIRST" in inner


def plans(node: Any, kind: str) -> list[Any]:
    """Return the nodes of a kind in a plan of PostgreSQL's."""
    inner = [found for part in node.get("Plans", []) for found in plans(part, kind)]
    return [node, *inner] if node["Node Type"] == kind else inner


def test_rows_are_sorted_before_their_lists_are_written(books: GraphQLEngine):
    explained = books.explain("{ authors { name books { title reviews { stars } } } }")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN (VERBOSE, FORMAT JSON) " + explained.sql, explained.params)
        ((found,),) = cursor.fetchall()
    plan = json.loads(found) if isinstance(found, str) else found

    sorts = plans(plan[0]["Plan"], "Sort")

    assert len(sorts) == 3
    assert "SubPlan" not in str([node["Output"] for node in sorts])
