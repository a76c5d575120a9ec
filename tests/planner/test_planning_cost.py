"""What making a plan takes: little for the documented operations, and no more than in proportion to the selection."""

import re
from pathlib import Path

import pytest
from graphql import OperationType

from fraiseql_django import FraiseQLError, GraphQLEngine, Viewer, get_engine
from fraiseql_django.viewer import VIEWER
from tests.support import counted_calls

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parents[2] / "docs"
VALUES = {
    "n": 5,
    "name": "Baking",
    "limit": 5,
    "text": "night",
    "price": "30",
    "first": 5,
    "min": 3,
    "depth": 2,
    "below": "30",
}
# Calls of functions that take 10 ms where nothing counts them: three million in a second, the statements' among them
TEN_MILLISECONDS = 30_000


def documented() -> list[tuple[str, str]]:
    """Return the operations of all pages that are valid over the bookshop, each with its page."""
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        for block in re.findall(r"```graphql\n(.*?)```", page.read_text(), re.DOTALL):
            if block.lstrip().startswith(("{", "query")):
                found.append((page.name, block))
    return found


def calls_of_planning(engine: GraphQLEngine, query: str, name: str | None = None) -> int:
    """Return how many calls of functions it takes to plan an operation of which nothing but the catalogue is known."""
    operation = engine.parser.parse(query).operation(name)
    values = {**engine.parser.variables(operation, VALUES), VIEWER: Viewer()}
    engine.planner.plan(operation, values)
    engine.planner.cache.clear()
    with counted_calls() as made:
        engine.planner.plan(operation, values)
    return made()


def test_documented_operations_are_planned_in_ten_milliseconds(bookshop: object) -> None:
    engine, planned = get_engine(), 0
    for page, query in documented():
        try:
            operation = engine.parser.parse(query).operation(None)
            engine.parser.variables(operation, VALUES)
        except FraiseQLError:
            # of another schema than the bookshop's, or with the cursor of another page
            continue
        if operation.kind is OperationType.QUERY:
            assert calls_of_planning(engine, query) < TEN_MILLISECONDS, (page, query)
            planned += 1
    assert planned > 15


WIDE = {
    "columns": "a{}: title",
    "relations": "a{}: publisher {{ name }}",
    "lists": "a{}: reviews(limit: 2) {{ stars customer {{ name }} }}",
    "counts": "a{}: reviewsCount(where: {{stars: {{gte: 3}}}})",
    "fragments": "...F ... on Book {{ a{}: isbn }}",
}


@pytest.mark.parametrize("member", WIDE.values(), ids=WIDE)
def test_planning_grows_with_the_width_of_a_selection(books: GraphQLEngine, member: str) -> None:
    fragment = " fragment F on Book { id }" if "...F" in member else ""

    def made(number: int) -> int:
        members = " ".join(map(member.format, range(number)))
        return calls_of_planning(books, f"{{ books {{ {members} }} }}{fragment}")

    assert made(20) < 2.2 * made(10)


def test_planning_grows_with_the_number_of_conditions(books: GraphQLEngine) -> None:
    def made(number: int) -> int:
        return calls_of_planning(books, f"{{ books(where: {{OR: [{'{pages: {gt: 1}}' * number}]}}) {{ id }} }}")

    assert made(20) < 2.2 * made(10)


def test_planning_grows_with_the_depth_of_to_one_relations(books: GraphQLEngine) -> None:
    def made(number: int) -> int:
        return calls_of_planning(books, f"{{ categories {{ {'parent { ' * number} id {'}' * number} }} }}")

    assert made(8) < 3 * made(4)
