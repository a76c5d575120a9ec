"""An operation is one SQL statement, compiled once for all values, and Django's instruments see it."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import LimitSettings, get_settings
from fraiseql_django.planner import plan as planning
from tests.operations import SHOP, ZOO, Asked
from tests.support import data

pytestmark = pytest.mark.django_db

# these ask the database for nothing
NOTHING_TO_READ = {
    "typename alone",
    "everything skipped at the root",
    "introspection under aliases",
    "introspection with variables",
}


@pytest.fixture(autouse=True)
def sql(populated: None) -> Iterator[list[str]]:
    """Gather the statements of a test as the database is sent them, values apart."""
    seen: list[str] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield seen


@pytest.mark.parametrize("name", SHOP)
def test_operation_over_the_bookshop_is_one_statement(books: GraphQLEngine, sql: list[str], name: str) -> None:
    check_statements(books, sql, SHOP[name], 0 if name in NOTHING_TO_READ else 1)


@pytest.mark.parametrize("name", ZOO)
def test_operation_over_the_zoo_is_one_statement(zoo: GraphQLEngine, sql: list[str], name: str) -> None:
    check_statements(zoo, sql, ZOO[name], 1)


def check_statements(engine: GraphQLEngine, sql: list[str], asked: Asked, expected: int) -> None:
    """Execute an operation with each set of its variables and count the statements."""
    for variables in asked.variables:
        sql.clear()
        assert not engine.execute(asked.query, variables, asked.name).errors
        assert len(sql) == expected


@pytest.fixture
def fresh() -> Callable[[GraphQLEngine], GraphQLEngine]:
    """Return what makes an engine like another that has planned nothing yet."""

    def make(engine: GraphQLEngine) -> GraphQLEngine:
        return GraphQLEngine(registry=engine.registry, cache=None)

    return make


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Return what breaks Django's SQL compiler and the planner from then on."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was compiled")

    def break_them() -> None:
        monkeypatch.setattr(SQLCompiler, "as_sql", fail)
        monkeypatch.setattr(planning.Planner, "_make", fail)
        monkeypatch.setattr("fraiseql_django.language.parser.parse", fail)
        monkeypatch.setattr("fraiseql_django.language.parser.validate", fail)

    yield break_them
    monkeypatch.undo()


# operation → sets of variables that one plan serves
SAME_PLAN: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "values": (
        "query ($t: String, $p: Decimal!, $d: Date) { books(where: {title: {contains: $t}, price: {gt: $p}, published: {lt: $d}}) { id } }",
        [{"t": "a", "p": "1", "d": "2020-01-01"}, {"t": "%", "p": 2.5, "d": "1999-12-31"}],
    ),
    "keys": ("query ($id: ID!) { book(id: $id) { title } }", [{"id": "1"}, {"id": 2}, {"id": "3"}]),
    "pages": ("query ($n: Int, $m: Int) { books(limit: $n, offset: $m) { id reviews(limit: $m, offset: $n) { id } } }", [{"n": 1, "m": 2}, {"n": 0, "m": 10}]),
    "lists of any length": ("query ($ids: [ID!]) { books(where: {id: {in: $ids}}) { id } }", [{"ids": []}, {"ids": ["1"]}, {"ids": list(range(50))}]),
    "a whole where": (
        "query ($w: BookWhere) { books(where: $w) { id } }",
        [
            {"w": {"title": {"startswith": "A"}, "reviews": {"some": {"stars": {"gte": 4}}}}},
            {"w": {"title": {"startswith": "B"}, "reviews": {"some": {"stars": {"gte": 1}}}}},
            # the order of keys is no other plan
            {"w": {"reviews": {"some": {"stars": {"gte": 1}}}, "title": {"startswith": "B"}}},
        ],
    ),
    "enums": ("query ($f: BookFormat) { books(where: {format: {eq: $f}}) { id } }", [{"f": "E_BOOK"}, {"f": "AUDIO"}]),
    "defaults": ("query ($n: Int = 3) { books(limit: $n) { id } }", [{}, {"n": 5}]),
}  # fmt: skip

# operation → sets of variables that need a plan each
OTHER_PLANS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "null": ("query ($t: String) { books(where: {title: {eq: $t}}) { id } }", [{"t": "a"}, {"t": None}]),
    "null and absent": ("query ($n: Int) { books(limit: $n) { id } }", [{"n": 1}, {"n": None}, {}]),
    "directions": ("query ($d: OrderDirection!) { books(orderBy: [{title: $d}]) { id } }", [{"d": "ASC"}, {"d": "DESC"}, {"d": "DESC_NULLS_LAST"}]),
    "conditions": ("query ($yes: Boolean!) { books { id title @include(if: $yes) } }", [{"yes": True}, {"yes": False}]),
    "flags": ("query ($no: Boolean) { books(where: {pages: {isnull: $no}}) { id } }", [{"no": True}, {"no": False}]),
    "keys of a where": ("query ($w: BookWhere) { books(where: $w) { id } }", [{}, {"w": {}}, {"w": {"title": {}}}, {"w": {"title": {"eq": "a"}}}, {"w": {"title": {"neq": "a"}}}, {"w": {"title": {"eq": None}}}]),
    "keys of an order": ("query ($o: [BookOrderBy!]) { books(orderBy: $o) { id } }", [{"o": []}, {"o": [{"id": "ASC"}]}, {"o": [{"title": "ASC"}]}, {"o": [{"title": "DESC"}, {"id": "ASC"}]}]),
    "alternatives": ("query ($w: [BookWhere!]) { books(where: {OR: $w}) { id } }", [{"w": []}, {"w": [{}]}, {"w": [{"id": {"eq": 1}}]}, {"w": [{"id": {"eq": 1}}, {"id": {"eq": 2}}]}]),
}  # fmt: skip


@pytest.mark.parametrize(("query", "values"), SAME_PLAN.values(), ids=SAME_PLAN.keys())
def test_other_values_compile_nothing(
    books: GraphQLEngine,
    sql: list[str],
    fresh: Callable[[GraphQLEngine], GraphQLEngine],
    no_compiler: Callable[[], None],
    query: str,
    values: list[dict[str, Any]],
) -> None:
    engine = fresh(books)
    data(engine, query, values[0])
    no_compiler()
    for variables in values[1:]:
        data(engine, query, variables)

    plans, documents = engine.statistics().plans, engine.statistics().documents
    assert (plans.hits, plans.misses, plans.size) == (len(values) - 1, 1, 1)
    assert (documents.hits, documents.misses) == (len(values) - 1, 1)
    assert len(sql) == len(values)
    assert len(set(sql)) == 1


@pytest.mark.parametrize(("query", "values"), OTHER_PLANS.values(), ids=OTHER_PLANS.keys())
def test_other_shapes_are_other_plans(
    books: GraphQLEngine, fresh: Callable[[GraphQLEngine], GraphQLEngine], query: str, values: list[dict[str, Any]]
) -> None:
    engine = fresh(books)
    for variables in [*values, *values]:
        data(engine, query, variables)

    plans = engine.statistics().plans
    assert (plans.hits, plans.misses, plans.size) == (len(values), len(values), len(values))


def test_literals_are_parameters_as_well(books: GraphQLEngine) -> None:
    """So PostgreSQL sees one statement, whatever clients write into their documents."""
    explained = [
        books.explain(
            f'{{ books(where: {{title: {{contains: "{text}"}}, id: {{in: {ids}}}}}, limit: {limit}) {{ id }} }}'
        )
        for text, ids, limit in (("a", "[1]", 1), ("b", "[1, 2, 3]", 2), ("'; --", "[]", 0))
    ]

    assert len({one.sql for one in explained}) == 1
    assert [one.params for one in explained] == [
        ["%a%", '{"1"}', "1"],
        ["%b%", '{"1","2","3"}', "2"],
        ["%'; --%", "{}", "0"],
    ]


def test_statement_is_the_same_in_every_process(
    books: GraphQLEngine, fresh: Callable[[GraphQLEngine], GraphQLEngine]
) -> None:
    query = "{ books(limit: 1) { title authors { name } reviews(where: {customer: {name: {eq: 1}}}) { id } } }".replace(
        "eq: 1", 'eq: "Ada"'
    )

    assert books.explain(query) == fresh(books).explain(query)
    assert not re.search("0x|object at", books.explain(query).sql)


def test_plans_are_bounded(books: GraphQLEngine) -> None:
    settings = dataclasses.replace(get_settings(), plan_cache_size=3, document_cache_size=2)
    engine = GraphQLEngine(settings=settings, cache=None)
    for number in range(10):
        data(engine, f"{{ books(limit: {number}) {{ id }} }}")

    assert engine.statistics().plans.size == 3
    assert engine.statistics().documents.size == 2


def test_variables_of_ever_new_documents_are_not_kept(books: GraphQLEngine) -> None:
    """What tells the shapes of variables is kept by type; every document has its own types of lists."""
    from fraiseql_django.language import coercion
    from fraiseql_django.language import variable_shapes as variables

    for cached in (variables.shaper, coercion.coercer):
        assert cached.cache_info().maxsize is not None


def test_statement_is_prepared(books: GraphQLEngine) -> None:
    query = "query ($id: ID!, $n: Int) { book(id: $id) { id reviews(limit: $n) { stars } } }"
    planned = books.explain(query, {"id": 1, "n": 1}).sql
    for number in range(3):
        data(books, query, {"id": number, "n": number})

    beginning = planned.partition("%s")[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE starts_with(statement, %s)",
            [beginning],
        )
        assert cursor.fetchall() == [(3,)]


def test_django_sees_the_statement(books: GraphQLEngine) -> None:
    seen: list[tuple[str, Any]] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, list(params)))
        return execute(sql, params, many, context)

    with CaptureQueriesContext(connection) as captured, connection.execute_wrapper(wrapper):
        data(books, '{ books(where: {title: {startswith: "The %"}}, limit: 2) { id } }')

    ((sql, params),) = seen
    assert params == [r"The \%%", "2"]
    assert sql.count("%s") == 2
    assert "bookshop_book" in captured.captured_queries[0]["sql"]


def test_instruments_count_one(books: GraphQLEngine, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        books.execute("{ a: books { authors { books { id } } } b: authors { id } c: book(id: 1) { id } d: __typename }")


def test_answer_is_not_parsed_in_python(books: GraphQLEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("JSON was parsed")

    query = "{ books(limit: 3) { title price authors { name } } }"
    expected = books.execute(query).body
    monkeypatch.setattr("json.loads", fail)
    monkeypatch.setattr("json.dumps", fail)

    assert books.execute(query).body == expected


def test_limits_of_operations_hold_whatever_the_plan(books: GraphQLEngine) -> None:
    settings = dataclasses.replace(get_settings(), limits=LimitSettings(max_rows=10))
    engine = GraphQLEngine(settings=settings, cache=None)
    query = "query ($n: Int) { books(limit: $n) { id reviews { id } } }"

    assert len(data(engine, query, {"n": 10})["books"]) == 10
    (error,) = engine.execute(query, {"n": 11}).errors
    assert error.message == "The operation has 11 rows asked for in a list; the limit is 10."
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": 10, "value": 11, "setting": "LIMITS.MAX_ROWS"}
    assert len(data(engine, query, {})["books"]) == len(data(engine, query, {"n": None})["books"]) == 10
