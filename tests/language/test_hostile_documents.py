"""Documents that are made to be slow: refused, or answered, at once.

Work is bounded generously: only what grows exponentially, or with the square of a large document, exceeds it.
"""

from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from tests.support import calls, limited, put, refused

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def engine() -> GraphQLEngine:
    return GraphQLEngine(cache=None)


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
    "other directives": put("{ books { id @ } }", " ".join(f"@d{n}" for n in range(1200))),
    "spreads": put("{ books { @ } } fragment F on Book { id }", "...F " * 2400),
    "fragments that nothing uses": put(
        "{ books { id } } @", " ".join(f"fragment F{n} on Book {{id}}" for n in range(700))
    ),
    "operations over a chain": " ".join(
        [
            *(f"query Q{n} {{ ...F0 }}" for n in range(350)),
            *(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(300)),
            "fragment F300 on Query { books { nothing } }",
        ]
    ),
    "long text": put('{ books(where: {title: {eq: "@"}}) { id } }', "x" * 5_000_000),
    "operations": " ".join(put("query @ { books { @ } }", f"Q{n}", "title " * 240) for n in range(19)),
    "blank lines": "\n" * 900_000 + "{",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_refused_at_once(engine: GraphQLEngine, name: str) -> None:
    with calls():
        response = engine.execute(HOSTILE[name])

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
    "long block text": put('{ books(where: {title: {eq: """@"""}}) { id } }', "x\n" * 45_000 + "'"),
    "arguments": put("{ books { @ @ } }", ARGUMENTS * 99, f"a: {ARGUMENTS}" * 49),
    "objects": put("{ books { @ } }", "publisher { name id country books { id } } " * 99),
    # a place of the answer may be mentioned more often than a selection set is broad
    "leaves": put("{ @ }", put("books { @ } ", "title isbn price pages weight id format condition tags " * 20) * 5),
}


@pytest.mark.parametrize("name", SLOWEST)
def test_largest_documents_that_are_allowed_are_read_at_once(engine: GraphQLEngine, name: str) -> None:
    """The rule on overlapping fields compares every two mentions of a field."""
    with calls():
        response = engine.execute(SLOWEST[name])

    assert "errors" not in response.json()


def test_cycle_is_named(engine: GraphQLEngine) -> None:
    error = refused(engine, "{ books { ...F } } fragment F on Book { publisher { books { ...F } } }")

    assert error["message"] == "Cannot spread fragment 'F' within itself."
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_deep_variables(engine: GraphQLEngine) -> None:
    for levels in (11, 60, 150, 5_000, 10_000, 70_000):
        value: dict[str, Any] = {}
        for _ in range(levels):
            value = {"NOT": value}
        with calls():
            error = refused(engine, "query($w: BookWhere) { books(where: $w) { id } }", {"w": value})
        assert error["message"] == "The operation has more than 10 steps in one condition; the limit is 10."
        assert error["extensions"]["setting"] == "LIMITS.CONDITION_DEPTH"


def nested(levels: int, value: Any) -> Any:
    """Return a condition or sort key that leads from books to books, this number of levels of them."""
    for _ in range(levels):
        value = {"category": {"parent": value}} if levels % 2 else {"publisher": {"books": {"some": value}}}
    return value


WITH_VARIABLES = "query($w: BookWhere, $o: [BookOrderBy!]) { @ sorted: books(orderBy: $o, limit: 0) { id } }"
EACH = " ".join(f"a{n}: books(where: $w, orderBy: $o) {{ id }}" for n in range(9))
TITLE = {"title": {"eq": "x"}}
SETTINGS = {f"LIMITS.{name}" for name in ("CONDITION_DEPTH", "CONDITIONS", "PLANNING", "INTROSPECTION")}
SLOW_TO_PLAN: dict[str, tuple[str, dict[str, Any]]] = {
    "deep condition": (put(WITH_VARIABLES, "books(where: $w) { id }"), {"w": nested(26, TITLE)}),
    "deep condition under aliases": (put(WITH_VARIABLES, EACH), {"w": nested(6, TITLE)}),
    "many conditions": (put(WITH_VARIABLES, EACH), {"w": {"OR": [nested(4, TITLE)] * 24}}),
    "many sort keys": (put(WITH_VARIABLES, EACH), {"o": [{"publisher": {"name": "ASC"}}] * 60}),
    "empty conditions": (put(WITH_VARIABLES, EACH), {"w": {"OR": [{}] * 50_000}}),
    "doubling": (
        put("{ books(limit: 1) { ...F0 } } @", " ".join(
            f"fragment F{n} on Book {{ publisher {{ books(limit: 1) {{ ...F{n + 1} }} }} "
            f"category {{ books(limit: 1) {{ ...F{n + 1} }} }} }}"
            for n in range(6)
        ) + " fragment F6 on Book { id }"),
        {},
    ),
    "introspection": (put("{ __schema { types { inputFields { type { inputFields { @ } } } } } }", " ".join(
        f"a{n}: type {{ name kind ofType {{ name kind }} }}" for n in range(49)
    )), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW_TO_PLAN)
def test_operation_that_is_slow_to_plan_is_refused_at_once(engine: GraphQLEngine, name: str) -> None:
    query, variables = SLOW_TO_PLAN[name]

    with calls():
        error = refused(engine, query, variables)

    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["setting"] in SETTINGS


SLOWEST_TO_PLAN: dict[str, tuple[str, dict[str, Any]]] = {
    "conditions": (put(WITH_VARIABLES, "books(where: $w) { id }"), {"w": {"OR": [nested(4, TITLE)] * 18}}),
    "deepest": (
        put(WITH_VARIABLES, "books { publisher { " * 6 + "books(where: $w) { id }" + " } }" * 6),
        {"w": nested(4, {"NOT": {"NOT": {"reviewCount": {"eq": 1}}}})},
    ),
}


@pytest.mark.parametrize("name", SLOWEST_TO_PLAN)
def test_slowest_plans_that_are_allowed_take_a_moment(engine: GraphQLEngine, name: str) -> None:
    query, variables = SLOWEST_TO_PLAN[name]

    with calls():
        engine.explain(query, variables)


def test_long_alias_is_refused_unless_the_limit_is_lifted(engine: GraphQLEngine) -> None:
    alias = "a" * 10_000
    query = put("{ @: books { id } }", alias)

    assert refused(engine, query)["extensions"]["setting"] == "LIMITS.ALIAS_LENGTH"
    assert limited().execute(query).json() == {"data": {alias: []}}
    assert engine.execute(put("{ @: books { id } }", alias[:100])).json() == {"data": {alias[:100]: []}}
