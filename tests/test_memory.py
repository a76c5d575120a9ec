"""What a process keeps is bounded in bytes, whatever clients send: estimates are compared with Python's own figures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import MemorySettings, get_settings
from fraiseql_django.memory import LRU, size_of
from tests.support import measured

pytestmark = pytest.mark.django_db

Made = tuple[str, dict[str, Any]]


def many(pattern: str, times: int) -> str:
    """Repeat a pattern with the numbers from 0 on in place of each ``#``."""
    return " ".join(pattern.replace("#", str(number)) for number in range(times))


def small(number: int) -> Made:
    return f"{{ books(limit: {number}) {{ id title }} }}", {}


def named(number: int) -> Made:
    selection = "id title publisher { name } reviews(where: {stars: {gte: 4}}, limit: 2) { stars headline }"
    books = f"books(where: {{price: {{gte: {number}}}}}, orderBy: {{price: DESC}}, limit: $limit) {{ {selection} }}"
    query = (
        f"query Shelf($name: String!, $limit: Int) {{ categories(where: {{name: {{eq: $name}}}}) {{ name {books} }} }}"
    )
    return query, {"name": "x", "limit": 2}


def variables(number: int) -> Made:
    conditions = many("{title: {in: $a#}}", 100)
    return f"query A{number}({many('$a#: [String!]!', 100)}) {{ books(where: {{OR: [{conditions}]}}) {{ id }} }}", {
        f"a{index}": ["x"] for index in range(100)
    }


def numbers(number: int) -> Made:
    return f"{{ books(limit: {number}, where: {{id: {{in: [{'1,' * 4800}]}}}}) {{ id }} }}", {}


def conditions(number: int) -> Made:
    parts = '{title: {eq: "a"}}' * 240
    return f"{{ books(limit: {number}, where: {{OR: [{parts}]}}) {{ id }} }}", {}


def text(number: int) -> Made:
    return f'{{ books(limit: {number}, where: {{title: {{eq: "{"x" * 90_000}"}}}}) {{ id }} }}', {}


def wide_text(number: int) -> Made:
    return f'{{ books(limit: {number}, where: {{title: {{eq: "{"é€" * 15_000}"}}}}) {{ id }} }}', {}


def comments(number: int) -> Made:
    return f"{{ books(limit: {number}) {{ id\n" + "#\n" * 4000 + "} }", {}


def aliases(number: int) -> Made:
    return f"{{ books(limit: {number}) {{ publisher {{ books {{ {many('a#: title', 49)} }} }} }} }}", {}


def lists(number: int) -> Made:
    nested = many("r#: reviews(limit: #, where: {stars: {gte: 4}}) { id customer { name } book { title } }", 40)
    return f"{{ books(limit: {number}) {{ {nested} }} }}", {}


def fragments(number: int) -> Made:
    definitions = many(f"fragment F# on Book {{ a#: title r#: reviews(limit: {number}) {{ id }} }}", 20)
    return f"{{ books {{ {many('...F#', 20)} }} }} {definitions}", {}


def introspection(number: int) -> Made:
    return f"{{ a{number}: __schema {{ types {{ name description fields {{ name description }} }} }} }}", {}


def introspection_by_variable(number: int) -> Made:
    # the value is part of the plan's key
    return "query($n: String!) { __type(name: $n) { name } }", {"n": f"{number}" + "x" * 300_000}


def shapes(number: int) -> Made:
    # the keys of the objects are part of the plan's key
    items = [{"title": {"eq": "a"}} for _ in range(200 + number)]
    return "query($w: BookWhere) { books(where: $w) { id } }", {"w": {"OR": items}}


def operations(number: int) -> Made:
    # each has a plan of its own, and keeps the whole document
    return many(f"query Q# {{ books(limit: {number}) {{ id }} }}", 50), {}


def mutation(number: int) -> Made:
    selection = "id title publisher { name } reviews(limit: 3, where: {stars: {gte: 2}}) { stars customer { name } }"
    return f'mutation {{ renameBook(id: "0", title: "{number}") {{ {selection} }} }}', {}


def mutations(number: int) -> Made:
    selection = "id title publisher { name } reviews(limit: 3, where: {stars: {gte: 2}}) { stars customer { name } }"
    fields = many(f'm#: renameBook(id: "0", title: "{number}") {{ {selection} }}', 20)
    return f"mutation {{ {fields} }}", {}


KINDS = [
    small, named, variables, numbers, conditions, text, wide_text, comments, aliases, lists, fragments, introspection,
    introspection_by_variable, shapes, operations, mutation, mutations,
]  # fmt: skip


def engine_with(documents: int, plans: int) -> GraphQLEngine:
    memory = MemorySettings(documents=documents, plans=plans)
    return GraphQLEngine(settings=replace(get_settings(), memory=memory), cache=None)


@pytest.fixture(scope="module")
def roomy() -> GraphQLEngine:
    return engine_with(1_000_000_000, 1_000_000_000)


def plan(engine: GraphQLEngine, made: Made) -> None:
    query, values = made
    for operation in engine.parser.parse(query).operations.values():
        engine.planner.plan(operation, engine.parser.variables(operation, values))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_estimate_is_not_less_than_what_python_keeps(roomy: GraphQLEngine, kind: Callable[[int], Made]) -> None:
    # what is made once: the schema, and what compiling a first operation of its kind imports
    for number in (100, 101):
        plan(roomy, kind(number))

    def kept_by_four() -> int:
        roomy.clear_plans()
        with measured() as grown:
            for number in range(4):
                plan(roomy, kind(number))
            return grown()

    # whatever else the process allocates meanwhile only adds to it
    kept = min(kept_by_four() for _ in range(2))

    statistics = roomy.statistics()
    assert statistics.plans.size >= 4
    assert kept <= statistics.documents.bytes + statistics.plans.bytes
    # and it is no wild guess: a document counts twice, beside its plans as well, and a comment as much as a field
    own = statistics.documents.bytes if kind is operations else statistics.documents.bytes + statistics.plans.bytes
    assert own <= 6 * kept


def test_flood_of_documents_stays_within_the_bounds() -> None:
    engine = engine_with(3_000_000, 3_000_000)
    for kind in KINDS:
        plan(engine, kind(100))
    engine.clear_plans()
    unbounded = 0

    with measured() as grown:
        for number in range(3):
            for kind in KINDS:
                plan(engine, kind(number))
                unbounded += engine.parser.parse(kind(number)[0]).weight
        for number in range(200):
            plan(engine, small(number))
        kept = grown()

    statistics = engine.statistics()
    assert unbounded > 4 * 3_000_000
    assert statistics.documents.bytes <= 3_000_000
    assert statistics.plans.bytes <= 3_000_000
    assert kept <= 6_000_000


def test_document_that_is_larger_than_a_share_is_executed_but_not_kept() -> None:
    engine = engine_with(800_000, 2_000_000)

    for _ in range(2):
        plan(engine, named(1))
        plan(engine, numbers(1))

    statistics = engine.statistics()
    assert (statistics.documents.size, statistics.plans.size) == (1, 1)
    assert (statistics.documents.hits, statistics.plans.hits) == (1, 1)


def test_nothing_is_kept_where_there_is_no_room() -> None:
    engine = engine_with(0, 0)

    for _ in range(2):
        assert engine.execute("{ books { id } }").json() == {"data": {"books": []}}

    assert (engine.statistics().documents.size, engine.statistics().plans.size) == (0, 0)


def test_plan_larger_than_a_share_is_not_kept_though_its_document_is() -> None:
    engine = engine_with(10_000_000, 100_000)

    for _ in range(2):
        plan(engine, lists(1))

    assert (engine.statistics().documents.size, engine.statistics().plans.size) == (1, 0)


# --- the cache itself ---


def test_least_recently_used_goes_first_by_bytes() -> None:
    cache: LRU[str] = LRU(100, 16_000)
    for key in "abcdefgh":
        assert cache.set(key, key.upper(), 1600)
    assert cache.get("a") == "A"

    cache.set("i", "I", 1600)

    assert [key for key in "abcdefghi" if cache.get(key)] == ["a", "c", "d", "e", "f", "g", "h", "i"]
    counts = cache.counts()
    assert (counts.size, counts.bytes, counts.max_bytes) == (8, 16_000, 16_000)


def test_entry_that_is_set_again_counts_once_and_one_too_large_goes() -> None:
    cache: LRU[str] = LRU(100, 16_000)
    for weight in (100, 900, 200):
        cache.set("a", str(weight), weight)
    assert (cache.get("a"), cache.counts().bytes) == ("200", 600)

    assert not cache.set("a", "large", 1601)

    assert (cache.get("a"), cache.counts().bytes, cache.counts().size) == (None, 0, 0)


def test_surplus_is_what_goes_when_there_is_too_much() -> None:
    cache: LRU[str] = LRU(3, 16_000)
    for key in "abc":
        cache.set(key, key.upper(), 1600)
    assert list(cache.surplus([100])) == ["a"]
    cache.max_size = 100
    assert cache.surplus([1600]) == {}
    cache.max_bytes = 6_000
    assert list(cache.surplus([1_300, 1_300])) == ["a", "b"]

    cache.remove("a")
    cache.remove("a")

    assert (cache.counts().size, cache.counts().bytes) == (2, 4_000)


def test_size_of_nested_values() -> None:
    text = "x" * 1000
    assert size_of(text) > 1000
    assert size_of(((text, 1), frozenset([(text, None)]))) > 2000
    assert size_of(object()) < 200


def test_evictions_are_counted() -> None:
    cache: LRU[int] = LRU(3, 1_000_000)
    for number in range(5):
        cache.set(number, number, 10)

    assert (cache.counts().size, cache.counts().evicted) == (3, 2)
    cache.clear()
    assert cache.counts().evicted == 0
