"""What a client writes wrongly is refused in words that name it; it is never the server's fault."""

import json
from collections import Counter
from typing import Any

import pytest
from django.db import transaction
from graphql import GraphQLInputObjectType

from fraiseql_django import GraphQLEngine, Response
from fraiseql_django.kinds.counts import Count
from fraiseql_django.schema.definition import Embedded, Relation
from tests.naive import Naive

pytestmark = pytest.mark.django_db

DEEP: dict[str, Any] = {}
for _ in range(3000):
    DEEP = {"a": DEEP}

# JSON values that clients may send anywhere
ANYTHING: list[Any] = [
    True, -1, 10**10, -(10**19), 10**400, 1.5, 1e308, float("nan"), float("inf"),
    "", " ", "abc", "\0", "a\0b", "\ud800", "x\udfff", "1", "1e999999999", "NaN", "-Infinity", "9" * 5000, "infinity", "now", "2024-02-30",
    "10000-01-01", "2024-01-01T25:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "24:00:00", "P1Y", "P99999999999D", "-P", "PT",
    "00000000-0000-0000-0000-00000000000g", "{", "[1", "\\", "%\\", "*", "a{1,99999}", "(", "1.2.3.4/33", "::1%eth0", "=====", "YQ=", "'", "'a':0",
    [], [None], [[]], [[None]], [[1], [1, 2]], [["\0"]], {}, {"a": 1}, {"lower": 1}, {"lower": "2024-01-01", "upper": "2023-01-01"}, {"bounds": "x"},
    {"lower": "\0"}, {"a": "\ud800"}, {"\0": 1}, {"lower": 2147483647, "upper": 2147483647, "bounds": "[]"}, DEEP,
]  # fmt: skip


def executed(engine: GraphQLEngine, query: str, variables: dict[str, Any]) -> Response:
    """Execute an operation that PostgreSQL may refuse in a transaction of its own."""
    with transaction.atomic():
        response = engine.execute(query, variables)
        transaction.set_rollback(True)
    json.loads(response.body)
    return response


@pytest.mark.parametrize("type_name", ["Specimen", "Keeper", "House", "Cage", "AnimalCard", "PlainKey"])
def test_nothing_that_a_client_sends_is_an_internal_error(zoo: GraphQLEngine, type_name: str) -> None:
    definition = zoo.schema.types[type_name]
    where = zoo.schema.graphql.type_map[f"{type_name}Where"]
    assert isinstance(where, GraphQLInputObjectType)
    tried: Counter[tuple[str, str]] = Counter()
    for field in definition.fields.values():
        # some are only shown, and the forms of lists have no operators
        if isinstance(field, (Relation, Count)) or field.name not in where.fields:
            continue
        operators = where.fields[field.name].type
        assert isinstance(operators, GraphQLInputObjectType)
        for operator in ("eq", "in", "gt", "contains", "like", "matches", "isnull"):
            # fields of one kind read their operands alike
            tried[operators.name, operator] += 1
            if operator in operators.fields and tried[operators.name, operator] <= 2:
                refusable = operator == "matches" or isinstance(field, Embedded)
                query = (
                    f"query ($value: {operators.fields[operator].type}) "
                    f"{{ {definition.plural}(where: {{{field.name}: {{{operator}: $value}}}}) {{ __typename }} }}"
                )
                for value in ANYTHING:
                    # what PostgreSQL refuses, before version 17 an empty list in a list as well, would spoil the
                    # transaction around the test
                    execute = executed if refusable or value == [[]] else GraphQLEngine.execute
                    errors = execute(zoo, query, {"value": value}).errors
                    codes = {(error.extensions or {})["code"] for error in errors}
                    assert codes <= {"BAD_USER_INPUT"}, (field.name, operator, repr(value)[:80])


REFUSED = {
    # --- ids ---
    "id that is no number": ('{ specimen(id: "abc") { id } }', {}, "id: 'abc' is not an ID of this kind."),
    "id with a fraction": ('{ specimen(id: "1.0") { id } }', {}, "id: '1.0' is not an ID of this kind."),
    "id with what only Python reads": ('{ specimen(id: "1_0") { id } }', {}, "id: '1_0' is not an ID of this kind."),
    "id with a blank": ('{ specimen(id: " 1") { id } }', {}, "id: ' 1' is not an ID of this kind."),
    "id that is empty": ('{ specimen(id: "") { id } }', {}, "id: '' is not an ID of this kind."),
    "id of another kind": (
        '{ keeper(id: "1") { id } }',
        {},
        "id: '1' is not an ID of this kind.",
    ),
    "id out of range": (
        "query ($id: ID!) { specimen(id: $id) { id } }",
        {"id": str(2**63)},
        "id: 9223372036854775808 is not between -9223372036854775808 and 9223372036854775807.",
    ),
    "id in a condition": ('{ animals(where: {id: {eq: "Koko"}}) { id } }', {}, "where.id.eq: 'Koko' is not an ID of this kind."),
    "ids in a condition": ('{ animals(where: {id: {in: [1, "Koko"]}}) { id } }', {}, "where.id.in: 'Koko' is not an ID of this kind."),
    "id of a relation": (
        "query ($id: ID) { animalCards(where: {mother: {keeperId: {eq: $id}}}) { name } }",
        {"id": "7"},
        "where.mother.keeperId.eq: '7' is not an ID of this kind.",
    ),
    "id that is null": (
        "query ($id: ID = 1) { specimen(id: $id) { id } }",
        {"id": None},
        "$id is null or absent where ID! is required.",
    ),
    # --- numbers ---
    "BigInt out of range": ("{ specimens(where: {big: {eq: 9223372036854775808}}) { id } }", {}, "BigInt cannot represent '9223372036854775808'; write it like \"9007199254740993\"."),
    "Decimal without end": ("{ specimens(where: {decimal: {eq: 1e9999}}) { id } }", {}, "Decimal cannot represent '1e9999'; write it like \"12.50\"."),
    "Decimal that is none": ('{ specimens(where: {decimal: {eq: "NaN"}}) { id } }', {}, "Decimal cannot represent 'NaN'; write it like \"12.50\"."),
    # --- texts ---
    "NUL": (
        "query ($t: String) { specimens(where: {char: {eq: $t}}) { id } }",
        {"t": "a\0b"},
        "where.char.eq: a text must not hold the character U+0000.",
    ),
    "NUL in a pattern": (
        "query ($t: String) { specimens(where: {OR: [{char: {icontains: $t}}]}) { id } }",
        {"t": "\0"},
        "where.OR.char.icontains: a text must not hold the character U+0000.",
    ),
    "NUL in a list": (
        "query ($t: [String!]) { specimens(where: {texts: {eq: $t}}) { id } }",
        {"t": ["ok", "\0"]},
        "where.texts.eq: a text must not hold the character U+0000.",
    ),
    "half of a surrogate pair": (
        "query ($t: String) { specimens(where: {char: {neq: $t}}) { id } }",
        {"t": "\ud83e"},
        "where.char.neq: a text must not hold half of a surrogate pair.",
    ),
    "NUL in JSON": (
        "query ($j: JSON) { specimens(where: {json: {eq: $j}}) { id } }",
        {"j": {"a": ["\0"]}},
        "where.json.eq: JSON must not hold the character U+0000.",
    ),
    "NaN in JSON": (
        "query ($j: JSON) { specimens(where: {json: {eq: $j}}) { id } }",
        {"j": [float("nan")]},
        "where.json.eq: JSON must not hold NaN, infinity, or a number too large for the server to read.",
    ),
    "pattern that ends too soon": (
        r'{ specimens(where: {char: {like: "100%\\"}}) { id } }',
        {},
        "where.char.like: a LIKE pattern must not end in a single backslash.",
    ),
    "regular expression that is none": (
        '{ specimens(where: {char: {matches: "("}}) { id } }',
        {},
        "where.char.matches: PostgreSQL refuses this regular expression.",
    ),
    # --- other values ---
    "date that is none": ('{ specimens(where: {date: {eq: "2023-02-29"}}) { id } }', {}, "Date cannot represent '2023-02-29'; write it like 2024-05-31."),
    "moment that is none": ('{ specimens(where: {dateTime: {gt: "now"}}) { id } }', {}, "DateTime cannot represent 'now'; write it like 2024-05-31T13:45:00+00:00."),
    "duration in months": ('{ specimens(where: {duration: {eq: "P1M"}}) { id } }', {}, "Duration cannot represent 'P1M'; write it like P3DT04H05M06S."),
    "UUID that is none": ('{ specimens(where: {uuid: {eq: "1"}}) { id } }', {}, "UUID cannot represent '1'; write it like 123e4567-e89b-12d3-a456-426614174000."),
    "address that is none": ('{ specimens(where: {ip: {eq: "1.2.3"}}) { id } }', {}, "IPAddress cannot represent '1.2.3'; write it like 192.0.2.1."),
    "bytes that are none": ('{ specimens(where: {binary: {eq: "YQ="}}) { id } }', {}, "Base64 cannot represent 'YQ='; write it like aGVsbG8=."),
    "range upside down": (
        "{ specimens(where: {intRange: {eq: {lower: 5, upper: 1}}}) { id } }",
        {},
        "where.intRange.eq: the lower bound, 5, is greater than the upper one, 1.",
    ),
    "range with other bounds": (
        '{ specimens(where: {dateRange: {eq: {lower: "2024-01-01", bounds: "]["}}}) { id } }',
        {},
        "where.dateRange.eq: bounds are '][', must be one of: '[)', '[]', '(]', '()'.",
    ),
    "lists of different lengths": (
        "{ specimens(where: {matrix: {eq: [[1, 2], [3]]}}) { id } }",
        {},
        "where.matrix.eq: the lists within a list must all have the same length, and none of them may be null.",
    ),
    "null among lists": (
        "{ specimens(where: {matrix: {eq: [[1, 2], null]}}) { id } }",
        {},
        "where.matrix.eq: the lists within a list must all have the same length, and none of them may be null.",
    ),
    # --- null ---
    "operator that takes no null": (
        "{ specimens(where: {integer: {gt: null}}) { id } }",
        {},
        "where.integer.gt is null; it takes one value. Ask for null with isnull.",
    ),
    "list that is null": (
        "query ($v: [Int!]) { specimens(where: {integer: {in: $v}}) { id } }",
        {"v": None},
        "where.integer.in is null; it takes a list of values. Ask for null with isnull.",
    ),
    "flag that is null": (
        "query ($v: Boolean) { specimens(where: {integer: {isnull: $v}}) { id } }",
        {"v": None},
        "where.integer.isnull is null; it takes true or false. Ask for null with isnull.",
    ),
    "null in a list, by a variable": (
        "query ($v: Int = 1) { specimens(where: {integer: {in: [1, $v]}}) { id } }",
        {"v": None},
        "A list holds a variable that is absent or null where no null may stand.",
    ),
    "filter that is null": (
        "{ specimens(where: {integer: null}) { id } }",
        {},
        "where.integer is null, which is no condition; leave it out. Ask for null with {isnull: true} on a field.",
    ),
    "relation that is null": (
        "query ($k: KeeperWhere) { animals(where: {OR: [{keeper: $k}]}) { id } }",
        {"k": None},
        "where.OR.keeper is null, which is no condition; leave it out. Ask for null with {isnull: true} on a field.",
    ),
    "quantifier that is null": (
        "{ animals(where: {foods: {some: null}}) { id } }",
        {},
        "where.foods.some is null, which is no condition; leave it out.",
    ),
    "null among alternatives, by a variable": (
        "query ($w: AnimalWhere = {}) { animals(where: {OR: [{}, $w]}) { id } }",
        {"w": None},
        "$w is null or absent where AnimalWhere! is required.",
    ),
    "condition that is null": (
        "query ($yes: Boolean = true) { animals { id @include(if: $yes) } }",
        {"yes": None},
        "$yes is null or absent where Boolean! is required.",
    ),
    # --- pages and orders ---
    "negative limit": ("{ animals(limit: -1) { id } }", {}, "limit: -1 is less than 0."),
    "negative limit, by a variable": ("query ($n: Int) { animals { children(limit: $n) { id } } }", {"n": -5}, "limit: -5 is less than 0."),
    "negative offset": ("query ($n: Int) { animals(offset: $n) { id } }", {"n": -5}, "offset: -5 is less than 0."),
    "several keys in one order": (
        "{ animals(orderBy: [{name: ASC, id: DESC}]) { id } }",
        {},
        "orderBy[0] has the keys name, id, must have one: write several keys as a list, the most important first.",
    ),
    "several keys further down": (
        "query ($o: [AnimalOrderBy!]) { animals(orderBy: $o) { id } }",
        {"o": [{"name": "ASC"}, {"keeper": {"name": "ASC", "id": "ASC"}}]},
        "orderBy[1].keeper has the keys id, name, must have one: write several keys as a list, the most important first.",
    ),
    "no key in an order": (
        "{ animals(orderBy: [{}]) { id } }",
        {},
        "orderBy[0] has no key, must have one: write several keys as a list, the most important first.",
    ),
    "direction that is null": (
        "{ animals(orderBy: {name: null}) { id } }",
        {},
        "orderBy[0].name is null. It must be one of: ASC, DESC, ASC_NULLS_FIRST, ASC_NULLS_LAST, DESC_NULLS_FIRST, DESC_NULLS_LAST.",
    ),
}  # fmt: skip


# what the schema refuses, in graphql-core's words: these stand in them
REFUSED_BY_THE_SCHEMA = {
    'half of a composite key': ('{ cage(houseId: "APE") { number } }', {}, ['number', 'Int!']),
    'Int out of range': ("{ specimens(where: {integer: {eq: 2147483648}}) { id } }", {}, ['2147483648', '32-bit']),
    'BigInt with a fraction': ("query ($n: BigInt) { specimens(where: {big: {eq: $n}}) { id } }", {"n": 1.5}, ['$n', 'BigInt cannot represent 1.5', '9007199254740993']),
    'long value': ("query ($d: Date) { specimens(where: {date: {eq: $d}}) { id } }", {"d": "x" * 100}, ['$d', "Date cannot represent 'xxx", '…; write it like 2024-05-31.']),
    'choice that is none': ("{ specimens(where: {level: {eq: NEVER}}) { id } }", {}, ["'NEVER'", "'SpecimenLevel'"]),
    'choice by its stored value': ("query ($l: SpecimenLevel) { specimens(where: {level: {eq: $l}}) { id } }", {"l": "1"}, ['$l', "'1'", "'SpecimenLevel'"]),
    'null in a list': ("{ specimens(where: {integer: {in: [1, null]}}) { id } }", {}, ['Int!']),
    'null among alternatives': ("{ animals(where: {OR: [null]}) { id } }", {}, ['AnimalWhere!']),
    'direction that is none': ("{ animals(orderBy: {name: UP}) { id } }", {}, ["'UP'", "'OrderDirection'"]),
    'unknown key': ('{ animals(where: {nam: {eq: "x"}}) { id } }', {}, ["'nam'", "'AnimalWhere'", "Did you mean 'name'"]),
    'unknown key, by a variable': ("query ($w: AnimalWhere) { animals(where: $w) { id } }", {"w": {"name": {"equals": "x"}}}, ['$w', 'name', "'equals'", "'StringFilter'"]),
    'unknown order': ("{ animals(orderBy: {nam: ASC}) { id } }", {}, ["'nam'", "'AnimalOrderBy'"]),
    'unknown argument': ("{ animals(first: 1) { id } }", {}, ["'first'", "'Query.animals'"]),
    'operator of another type': ("{ specimens(where: {uuid: {contains: 1}}) { id } }", {}, ["'contains'", "'UUIDFilter'"]),
    'order of what has none': ("{ specimens(orderBy: {json: ASC}) { id } }", {}, ["'json'", "'SpecimenOrderBy'"]),
    'comparison of what has no order': ("{ specimens(where: {odd: {gt: A}}) { id } }", {}, ["'gt'", "'SpecimenOddFilter'"]),
    'variable that is missing': ("query ($id: ID!) { specimen(id: $id) { id } }", {}, ['$id', 'ID!']),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_error_names_what_is_wrong(zoo: GraphQLEngine, case: tuple[str, dict[str, Any], str]) -> None:
    query, variables, message = case

    response = executed(zoo, query, variables)

    (error,) = response.errors
    assert error.message == message
    assert (error.extensions or {})["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
    assert response.data in (None, b"null")


@pytest.mark.parametrize("case", REFUSED_BY_THE_SCHEMA.values(), ids=REFUSED_BY_THE_SCHEMA.keys())
def test_schema_names_what_it_refuses(zoo: GraphQLEngine, case: tuple[str, dict[str, Any], list[str]]) -> None:
    query, variables, words = case

    response = executed(zoo, query, variables)

    (error,) = response.errors
    assert [word for word in words if word not in error.message] == []
    assert (error.extensions or {})["code"] in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
    assert (response.data, response.status) == (None, 400)


def test_error_says_where_in_the_document(zoo: GraphQLEngine) -> None:
    query = """query ($n: Int, $t: String) {
  animals(limit: 1) { id }
  keepers {
    animals(where: {name: {eq: $t}}, limit: $n) { id }
  }
}"""

    (limit,) = zoo.execute(query, {"n": -1, "t": ""}).errors
    (text,) = zoo.execute(query, {"t": "\0"}).errors
    (order,) = zoo.execute("{ keepers { animals(orderBy: [{}]) { id } } }").errors

    assert limit.formatted["locations"] == [{"line": 4, "column": 45}]
    assert text.formatted["locations"] == [{"line": 4, "column": 32}]
    assert order.formatted["locations"] == [{"line": 1, "column": 13}]


@pytest.mark.parametrize("depth", [200, 3000])
def test_nesting_without_end_is_refused(zoo: GraphQLEngine, depth: int) -> None:
    where: dict[str, Any] = {}
    for _ in range(depth):
        where = {"NOT": where}

    (error,) = zoo.execute("query ($w: AnimalWhere) { animals(where: $w) { id } }", {"w": where}).errors

    assert (error.extensions or {})["code"] == "LIMIT_EXCEEDED"
    assert error.message == "The operation has more than 10 steps in one condition; the limit is 10."


def test_wrong_values_are_not_remembered(zoo: GraphQLEngine) -> None:
    query = "query ($id: ID!) { specimen(id: $id) { id } }"

    assert zoo.execute(query, {"id": "x"}).errors
    assert zoo.execute(query, {"id": "1"}).json() == {"data": {"specimen": {"id": "1"}}}
    assert zoo.execute(query, {"id": "x"}).errors


def test_graphql_core_refuses_what_we_refuse(zoo: GraphQLEngine) -> None:
    """Where null stands in the way, both ways refuse it, each in its own words."""
    for query, variables in (
        ("query ($id: ID = 1) { specimen(id: $id) { id } }", {"id": None}),
        ("query ($w: AnimalWhere = {}) { animals(where: {OR: [{}, $w]}) { id } }", {"w": None}),
        ("query ($yes: Boolean = true) { animals { id @include(if: $yes) } }", {"yes": None}),
    ):
        assert zoo.execute(query, variables).errors
        assert Naive(zoo.schema).execute(query, variables).errors


@pytest.mark.parametrize("query", ["{}", "query Q {}", "{ books {} }", "{ books { ... {} } }"])
def test_selection_set_without_a_field_is_no_document(query: str) -> None:
    (error,) = GraphQLEngine(cache=None).execute(query).json()["errors"]

    assert error["message"] == "Syntax Error: Expected Name, found '}'."
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
