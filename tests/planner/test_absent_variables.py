"""A condition or a sort key that a client forgot to fill in does not become none: the variable is refused by name."""

from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from tests.support import data

pytestmark = pytest.mark.django_db

# an operation, the variable that has no value, what needs one, and a value with which the operation is executed
REFUSED: dict[str, tuple[str, str, str, Any]] = {
    "operator": ("query ($v: String) { animals(where: {name: {eq: $v}}) { id } }", "v", "eq", "Rex"),
    "one of two operators": (
        'query ($v: String) { animals(where: {name: {gt: "A", lt: $v}}) { id } }', "v", "lt", "Z",
    ),
    "one of two fields": (
        'query ($w: ID) { animals(where: {name: {eq: "Rex"}, id: {gt: $w}}) { id } }', "w", "gt", "1",
    ),
    "list": ("query ($v: [String!]) { animals(where: {name: {in: $v}}) { id } }", "v", "in", []),
    "flag": ("query ($v: Boolean) { animals(where: {weight: {isnull: $v}}) { id } }", "v", "isnull", True),
    "all operators": ("query ($v: StringFilter) { animals(where: {name: $v}) { id } }", "v", "name", {}),
    "to-one relation": ("query ($v: AnimalWhere) { animals(where: {mother: $v}) { id } }", "v", "mother", {}),
    "behind a relation": (
        "query ($v: String) { animals(where: {mother: {name: {eq: $v}}}) { id } }", "v", "eq", None,
    ),
    "quantifiers": ("query ($v: AnimalListFilter) { animals(where: {children: $v}) { id } }", "v", "children", {}),
    "quantifier": ("query ($v: AnimalWhere) { animals(where: {children: {none: $v}}) { id } }", "v", "none", {}),
    "AND": ("query ($v: [AnimalWhere!]) { animals(where: {AND: $v}) { id } }", "v", "AND", [{}]),
    "OR": ("query ($v: [AnimalWhere!]) { animals(where: {OR: $v}) { id } }", "v", "OR", []),
    "NOT": ("query ($v: AnimalWhere) { animals(where: {NOT: $v}) { id } }", "v", "NOT", {"name": {"eq": "Rex"}}),
    "in AND": ("query ($v: Float) { animals(where: {AND: [{weight: {gt: $v}}]}) { id } }", "v", "gt", 1),
    "in OR": (
        'query ($v: Float) { animals(where: {OR: [{name: {eq: "Rex"}}, {weight: {gt: $v}}]}) { id } }', "v", "gt", 1,
    ),
    "in NOT": ("query ($v: Float) { animals(where: {NOT: {weight: {gt: $v}}}) { id } }", "v", "gt", 1),
    "item of an array": (
        "query ($v: Int) { specimens(where: {integers: {eq: [1, $v, 3]}}) { id } }", "v", "a list", None,
    ),
    "item of a list of arrays": (
        "query ($v: Int) { specimens(where: {integers: {in: [[1], [$v]]}}) { id } }", "v", "a list", 5,
    ),
    "value": ("query ($v: JSON) { specimens(where: {json: {eq: $v}}) { id } }", "v", "eq", {}),
    "part of JSON": ("query ($v: JSON) { specimens(where: {json: {eq: {a: $v}}}) { id } }", "v", "a", 1),
    "item of JSON": ("query ($v: JSON) { specimens(where: {json: {eq: {a: [1, $v]}}}) { id } }", "v", "a", 1),
    "range": ("query ($v: IntRangeInput) { specimens(where: {intRange: {eq: $v}}) { id } }", "v", "eq", {"lower": 1}),
    "all of a range": (
        "query ($v: Int, $u: Int) { specimens(where: {intRange: {eq: {lower: $v, upper: $u}}}) { id } }",
        "v", "lower", 1,
    ),
    "count": ("query ($v: String) { animalsCount(where: {name: {eq: $v}}) }", "v", "eq", "Rex"),
    "nested count": (
        "query ($v: String) { foods { eatersCount(where: {name: {eq: $v}}) } }", "v", "eq", "Rex",
    ),
    "nested list": ("query ($v: String) { foods { eaters(where: {name: {eq: $v}}) { id } } }", "v", "eq", "Rex"),
    "in a fragment": (
        "query ($v: String) { foods { ...F } } fragment F on Food { eaters(where: {name: {eq: $v}}) { id } }",
        "v", "eq", "Rex",
    ),
    "direction": ("query ($v: OrderDirection) { animals(orderBy: [{name: $v}]) { id } }", "v", "name", "DESC"),
    "only direction": ("query ($v: OrderDirection) { animals(orderBy: {name: $v}) { id } }", "v", "name", "ASC"),
    "one of two directions": (
        "query ($v: OrderDirection) { animals(orderBy: [{weight: DESC}, {name: $v}]) { id } }", "v", "name", "ASC",
    ),
    "path of a direction": (
        "query ($v: AnimalOrderBy) { animals(orderBy: [{mother: $v}]) { id } }", "v", "mother", {"name": "ASC"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_variable_without_a_value_is_refused(zoo: GraphQLEngine, name: str) -> None:
    query, variable, what, value = REFUSED[name]
    data(zoo, query, {variable: value})

    body = zoo.execute(query, {}).json()

    assert "data" not in body
    (error,) = body["errors"]
    assert error["message"] == (
        f"${variable} has no value where {what} needs one: without it, the condition or sort key would be left out. "
        f"Send a value for ${variable}, or give it a default; null asks for null. To leave it out, leave {what} out of "
        f"the operation, or make the whole argument a variable whose value has no such key."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    line = query.index(f"${variable}", query.index("{"))
    assert error["locations"] == [{"line": 1, "column": line + 1}]
    # and with a value again, though its plan is kept
    data(zoo, query, {variable: value})


def test_second_key_of_an_order_is_not_forgotten(zoo: GraphQLEngine) -> None:
    query = "query ($v: OrderDirection) { animals(orderBy: [{weight: ASC, name: $v}]) { id } }"
    (absent,), (given,) = zoo.execute(query, {}).errors, zoo.execute(query, {"v": "ASC"}).errors

    assert absent.message.startswith("$v has no value where name needs one")
    assert given.message.startswith("orderBy[0] has the keys weight, name, must have one")


@pytest.mark.parametrize(
    ("query", "variables", "found"),
    [
        ("query ($v: AnimalWhere) { animalsCount(where: $v) }", {}, 8),
        ("query ($v: AnimalWhere) { animalsCount(where: $v) }", {"v": {}}, 8),
        ("query ($v: AnimalWhere) { animalsCount(where: $v) }", {"v": {"name": {}, "mother": {"name": {}}}}, 4),
        ('query ($v: String = "Koko") { animalsCount(where: {name: {eq: $v}}) }', {}, 1),
        ("query ($v: Float = null) { animalsCount(where: {weight: {eq: $v}}) }", {}, 1),
        ("query ($v: Float = null) { animalsCount(where: {weight: {eq: $v}}) }", {"v": 40}, 2),
        ('query ($v: AnimalWhere! = {name: {eq: "Koko"}}) { animalsCount(where: {AND: [$v]}) }', {}, 1),
        ("query ($v: AnimalWhere! = {}) { animalsCount(where: {OR: [$v]}) }", {}, 8),
    ],
)
def test_what_may_be_left_out(zoo: GraphQLEngine, query: str, variables: dict[str, Any], found: int) -> None:
    assert data(zoo, query, variables) == {"animalsCount": found}


def test_absent_arguments_of_lists(zoo: GraphQLEngine) -> None:
    query = """query ($w: AnimalWhere, $o: [AnimalOrderBy!], $n: Int, $m: Int) {
        animals(where: $w, orderBy: $o, limit: $n, offset: $m) { id } }"""
    everything = data(zoo, "{ animals { id } }")

    assert data(zoo, query) == everything
    assert data(zoo, query, dict.fromkeys("wonm")) == everything


def test_bounds_of_a_range_may_be_left_out(zoo: GraphQLEngine) -> None:
    query = """query ($l: Int, $u: Int, $b: String) {
        specimensCount(where: {intRange: {eq: {lower: $l, upper: $u, bounds: $b}}}) }"""

    assert data(zoo, query, {"l": 1, "u": 5}) == {"specimensCount": 2}
    assert data(zoo, query, {"l": 1, "u": 4, "b": "[]"}) == {"specimensCount": 2}
    assert data(zoo, query, {"l": 10}) == data(zoo, "{ specimensCount(where: {intRange: {eq: {lower: 10}}}) }")
