"""How large an operation may be: each limit kept exactly, passed by one, and cheap to refuse."""

import time
from dataclasses import replace
from typing import Any

import pytest
from graphql import get_introspection_query

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf import LimitSettings, get_settings
from fraiseql_django.parser import LONGEST_KEPT

pytestmark = pytest.mark.django_db


def engine_with(**limits: int | None) -> GraphQLEngine:
    """Make an engine with these limits and no others."""
    none = {name: None for name in LimitSettings.__slots__ if name not in ("body_bytes", "upload_bytes")}
    return GraphQLEngine(settings=replace(get_settings(), limits=LimitSettings(**{**none, **limits})), cache=None)


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return GraphQLEngine(cache=None)


def refused(engine: GraphQLEngine, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the one error of an operation that is refused before it begins."""
    response = engine.execute(query, variables)
    body = response.json()
    assert "data" not in body
    assert response.status == 400
    (error,) = body["errors"]
    return dict(error)


def put(template: str, *texts: str) -> str:
    """Put texts where the template has an @."""
    for text in texts:
        template = template.replace("@", text, 1)
    return template


FIELDS_OF_F = "fragment F on Book { a: id b: title }"
MERGED = "{ books { publisher { name } ...F } books { ...F publisher { a: name name } } }"
CONDITIONS = '{ books(where: {OR: [{title: {eq: "a"}}, {title: {eq: "b"}}]}, orderBy: [{title: ASC}, {id: ASC}]) {id} }'
WHAT = {
    "depth": "levels of fields",
    "aliases": "aliases",
    "fields": "fields",
    "root_fields": "root fields",
    "repeats": "mentions of one field in one place",
    "conditions": "conditions",
}
EXACT = [
    ("depth", 5, "{ books { authors { books { authors { id } } } } }"),
    ("depth", 3, "{ books { ...F } } fragment F on Book { publisher { id } }"),
    ("depth", 2, "{ books { ... { ... on Book { id } } } }"),
    ("aliases", 3, "{ a: books { b: id c: title id } }"),
    ("aliases", 4, "{ books { ...F publisher { books { ...F } } } } " + FIELDS_OF_F),
    ("fields", 6, "{ books { id title publisher { ... on Publisher @skip(if: true) { __typename } name } } }"),
    ("fields", 7, "{ books { ...F publisher { books { ...F } } } } " + FIELDS_OF_F),
    ("root_fields", 3, "{ books { id } authors { id } again: books { id } }"),
    ("root_fields", 2, "{ ...F } fragment F on Query { books { id } ... { authors { id } } }"),
    ("repeats", 3, "{ books { id id ... { id } title } }"),
    ("repeats", 4, MERGED + " fragment F on Book { publisher { name name } }"),
    ("conditions", 5, CONDITIONS),
]


@pytest.mark.parametrize(("name", "value", "query"), EXACT)
def test_limit_is_kept_exactly_and_passed_by_one(name: str, value: int, query: str) -> None:
    accepted = engine_with(**{name: value}).execute(query)
    assert "errors" not in accepted.json()

    error = refused(engine_with(**{name: value - 1}), query)

    assert error["message"] == f"The operation has {value} {WHAT[name]}; the limit is {value - 1}."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": value - 1,
        "value": value,
        "setting": f"LIMITS.{name.upper()}",
    }


def test_tokens() -> None:
    query = "{ books { id } }"
    assert "errors" not in engine_with(tokens=6).execute(query).json()

    error = refused(engine_with(tokens=5), query)

    assert error["message"] == "The operation has more than 5 tokens; the limit is 5."
    assert error["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": 5,
        "value": "more than 5",
        "setting": "LIMITS.TOKENS",
    }


def test_text_that_speaks_of_tokens_is_not_too_long() -> None:
    error = refused(engine_with(tokens=50), '{ books { id } } "50 tokens"')

    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


@pytest.mark.parametrize(
    "variables",
    [
        {"w": {"OR": [{"title": {"eq": "x"}}] * 10_000}},
        {"w": {"OR": [{}] * 10_000, "AND": [{"NOT": {"isbn": {"eq": str(number)}}} for number in range(400)]}},
        {"o": [{"title": "ASC"}] * 10_000},
    ],
)
def test_conditions_in_variables(engine: GraphQLEngine, variables: dict[str, Any]) -> None:
    started = time.perf_counter()

    error = refused(
        engine, "query($w: BookWhere, $o: [BookOrderBy!]) { books(where: $w, orderBy: $o) { id } }", variables
    )

    assert error["message"] == "The operation has 501 conditions; the limit is 500."
    assert error["locations"]
    assert time.perf_counter() - started < 2


def test_long_list_of_values_is_one_condition(engine: GraphQLEngine) -> None:
    query = "query($t: [String!]) { books(where: {title: {in: $t}}) { id } }"

    assert engine.execute(query, {"t": [str(number) for number in range(50_000)]}).json() == {"data": {"books": []}}


def test_limits_hold_for_each_operation_of_a_document(engine: GraphQLEngine) -> None:
    query = put("query Small { books { id } } query Large { @ }", " ".join(f"a{n}: books {{ id }}" for n in range(21)))

    assert engine.execute(query, operation_name="Small").json()["errors"][0]["extensions"]["limit"] == 20


def test_limits_hold_for_mutations(engine: GraphQLEngine) -> None:
    query = put("mutation { @ }", " ".join(f'a{n}: renameBook(id: 1, title: "") {{ id }}' for n in range(21)))

    assert refused(engine, query)["extensions"]["setting"] == "LIMITS.ROOT_FIELDS"


def test_limits_can_be_lifted() -> None:
    engine = engine_with()
    query = put("{ @ }", " ".join(f"a{n}: books {{ id }}" for n in range(200)))

    assert len(engine.execute(query).json()["data"]) == 200


# --- introspection ---


def test_introspection_is_not_measured_by_depth() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), limits=LimitSettings(depth=2)), cache=None)
    query = get_introspection_query(descriptions=True, specified_by_url=True, directive_is_repeatable=True)

    assert "errors" not in engine.execute(query).json()


@pytest.mark.parametrize(
    ("selection", "setting"),
    [
        (put("types { @ }", " ".join(f"a{number}: name" for number in range(51))), "ALIASES"),
        (put("types { @ }", "name " * 101), "REPEATS"),
        (put("types { @ }", put("fields { @ } ", "name " * 60) * 20), "FIELDS"),
    ],
)
def test_introspection_is_measured_by_all_else(engine: GraphQLEngine, selection: str, setting: str) -> None:
    error = refused(engine, f"{{ __schema {{ {selection} }} }}")

    assert error["extensions"]["setting"] == f"LIMITS.{setting}"


def test_introspection_that_goes_round_in_circles_is_refused(engine: GraphQLEngine) -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"

    assert "introspection depth" in refused(engine, query)["message"]


# --- what is made to be slow ---


def chain(number: int, body: str) -> str:
    """Return fragments F0, F1 … of which each spreads the NEXT one."""
    links = [put("fragment @ on Book { @ }", f"F{n}", body.replace("NEXT", f"F{n + 1}")) for n in range(number)]
    return " ".join(["{ books { ...F0 } }", *links, put("fragment @ on Book { id }", f"F{number}")])


def mesh(number: int, body: str, after: int) -> str:
    """Return fragments of which each spreads all, or all ``after`` itself."""
    spreads = [" ".join(f"...F{m}" for m in range(n + after if after else 0, number)) or "id" for n in range(number)]
    links = [put("fragment @ on Book { @ }", f"F{n}", put(body, spreads[n])) for n in range(number)]
    return " ".join(["{ books { ...F0 } }", *links])


HOSTILE = {
    "doubling at one level": chain(30, "...NEXT a: title ...NEXT"),
    "doubling at each level": chain(30, "publisher { books { ...NEXT } } category { books { ...NEXT } }"),
    "mesh": mesh(60, "@", after=1),
    "cycle": "{ books { ...F } } fragment F on Book { publisher { books { ...F } } }",
    "cycle of one": "{ books { ...F } } fragment F on Book { ...F }",
    "cycles everywhere": mesh(40, "publisher { books { @ } }", after=0),
    "fragment that nothing uses": put("{ books { id } } fragment X on Book { @ }", "title " * 4900),
    "duplicates": put("{ books { @ } }", "title " * 4900),
    "duplicates with duplicates": put("{ books { @ } }", "publisher { name id } " * 700),
    "duplicate roots": put("{ @ }", "books { id } " * 900),
    "aliases": put("{ books { @ } }", " ".join(f"a{n}: title" for n in range(1600))),
    "long name": put("{ books { @ } }", "a" * 900_000),
    "deep": put("{ books @ { id } @ }", "{ authors { books " * 800, "} }" * 800),
    "deep without fields": put("{ books { @ id @ } }", "... { " * 2000, "}" * 2000),
    "deep value": put("{ books(where: @{}@) { id } }", "{NOT: " * 1200, "}" * 1200),
    "deep list": put("{ books(where: {title: {in: @@}}) { id } }", "[" * 2000, "]" * 2000),
    "deep type": put("query($v: @Int@) { books { id } }", "[" * 2000, "]" * 2000),
    "open brackets": "{" * 4999,
    "variables": put("query(@) { books { id } }", " ".join(f"$v{n}: Int" for n in range(1200))),
    "directives": "{ books { id " + "@include(if: true) " * 700 + "} }",
    "operations": " ".join(put("query @ { books { @ } }", f"Q{n}", "title " * 240) for n in range(19)),
    "blank lines": "\n" * 900_000 + "{",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_refused_at_once(engine: GraphQLEngine, name: str) -> None:
    started = time.perf_counter()

    response = engine.execute(HOSTILE[name])

    assert time.perf_counter() - started < 1
    assert response.status == 400
    assert "data" not in response.json()
    assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {
        "LIMIT_EXCEEDED",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
        "BAD_USER_INPUT",
    }


ARGUMENTS = 'reviews(where: {stars: {eq: 1}, headline: {eq: "x"}}) { id } '
SLOWEST = {
    "arguments": put("{ books { @ @ } }", ARGUMENTS * 99, f"a: {ARGUMENTS}" * 49),
    "objects": put("{ books { @ } }", "publisher { name id country books { id } } " * 99),
    "leaves": put("{ books { @ } }", "title isbn price pages weight id format condition tags " * 99),
}


@pytest.mark.parametrize("name", SLOWEST)
def test_largest_documents_that_are_allowed_are_read_at_once(engine: GraphQLEngine, name: str) -> None:
    """The rule on overlapping fields compares every two mentions of a field."""
    started = time.perf_counter()

    assert "errors" not in engine.execute(SLOWEST[name]).json()

    assert time.perf_counter() - started < 1


def test_cycle_is_named(engine: GraphQLEngine) -> None:
    error = refused(engine, "{ books { ...F } } fragment F on Book { publisher { books { ...F } } }")

    assert error["message"] == "Cannot spread fragment 'F' within itself."
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_deep_variables(engine: GraphQLEngine) -> None:
    for levels in (150, 1_000, 100_000):
        value: dict[str, Any] = {}
        for _ in range(levels):
            value = {"NOT": value}
        error = refused(engine, "query($w: BookWhere) { books(where: $w) { id } }", {"w": value})
        assert "nested too deeply" in error["message"]


def test_long_alias_is_allowed(engine: GraphQLEngine) -> None:
    alias = "a" * 10_000

    assert engine.execute(put("{ @: books { id } }", alias)).json() == {"data": {alias: []}}


def test_long_texts_are_not_kept() -> None:
    engine = GraphQLEngine(cache=None)
    long = put('{ books(where: {title: {eq: "@"}}) { id } }', "x" * LONGEST_KEPT)

    for _ in range(2):
        assert engine.execute(long).json() == {"data": {"books": []}}

    assert (engine.statistics().documents.size, engine.statistics().plans.size) == (0, 0)
