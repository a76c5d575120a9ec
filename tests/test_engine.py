"""The engine: its public methods, usable without HTTP, from any thread; what clients are told when it fails."""

import json
import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.db.models import Func, TextField, Value
from django.test import override_settings
from graphql import GraphQLError

import fraiseql_django
from example_project.bookshop.models import Author
from fraiseql_django import ConfigurationError, DeclarationError, GraphQLEngine, OperationError, Registry, get_engine
from fraiseql_django import engine as engine_module
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf import Settings, get_settings
from fraiseql_django.schema.build import build_schema
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import CountingStorage, FailingStorage
from tests.support import data, in_thread, make_shop, statements

pytestmark = pytest.mark.django_db

BOOKS = "{ books { title authors { name } } }"
RENAME = "mutation { moderateReview(id: 1, status: APPROVED) { ... on Review { stars } } }"


@pytest.fixture
def engine() -> GraphQLEngine:
    return GraphQLEngine(cache=None)


def error_of(engine: GraphQLEngine, query: str, variables: Any = None, name: str | None = None) -> dict[str, Any]:
    (error,) = engine.execute(query, variables, name).json()["errors"]
    return dict(error)


# --- what it does ---


def test_execute(engine: GraphQLEngine) -> None:
    make_shop()
    response = engine.execute("query($n: Int) { books(limit: $n) { title } }", {"n": 1})

    assert response.json() == {"data": {"books": [{"title": "City"}]}}
    assert response.body == b'{"data":{"books":[{"title":"City"}]}}'
    assert (response.data, response.errors, response.status) == (b'{"books":[{"title":"City"}]}', (), 200)


def test_operation_is_chosen_by_name(engine: GraphQLEngine) -> None:
    query = "query A { books { id } } query B { authors { id } }"

    assert engine.execute(query, operation_name="B").json() == {"data": {"authors": []}}
    assert error_of(engine, query) == {
        "message": "operationName is missing; the document has several operations: A, B.",
        "extensions": {"code": "OPERATION_RESOLUTION_FAILED"},
    }
    assert error_of(engine, query, None, "C")["message"] == "The document has no operation 'C'; it has: A, B."
    assert engine.execute("{ authors { id } }", operation_name="C").status == 400


def test_execute_query_refuses_mutations(engine: GraphQLEngine) -> None:
    shop = make_shop()
    query = f"mutation {{ moderateReview(id: {shop.reviews[0].pk}, status: APPROVED) {{ ... on Review {{ stars }} }} }}"

    response = engine.execute_query(query)

    assert response.json() == {
        "errors": [
            {
                "message": "This is a mutation; only a query can be executed here.",
                "extensions": {"code": "OPERATION_NOT_ALLOWED"},
            }
        ]
    }
    shop.reviews[0].refresh_from_db()
    assert shop.reviews[0].status == "pending"
    assert engine.execute_mutation(query).json() == {"data": {"moderateReview": {"stars": 3}}}


def test_execute_mutation_refuses_queries(engine: GraphQLEngine) -> None:
    with statements(0):
        response = engine.execute_mutation(BOOKS)

    assert response.json()["errors"][0]["message"] == "This is a query; only a mutation can be executed here."
    assert response.status == 400
    assert engine.execute_query(BOOKS).status == 200


def test_mutation_named_among_queries_is_refused(engine: GraphQLEngine) -> None:
    query = "query A { books { id } } mutation B { moderateReview(id: 1, status: APPROVED) { __typename } }"

    assert engine.execute_query(query, operation_name="A").status == 200
    assert engine.execute_query(query, operation_name="B").status == 400


def test_explain(engine: GraphQLEngine) -> None:
    query = "query($n: Int) { books(limit: $n) { title } }"
    engine.execute(query, {"n": 1})
    with statements(0):
        explained = engine.explain(query, {"n": 2})

    assert explained.sql.startswith("SELECT array_to_string(ARRAY(SELECT ")
    assert explained.params == ["2"]
    assert explained.tables == ("bookshop_book",)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + explained.sql, explained.params)


@pytest.mark.parametrize("query", ["{ __typename }", "{ __schema { queryType { name } } }", RENAME])
def test_explain_of_what_has_no_statement(engine: GraphQLEngine, query: str) -> None:
    with pytest.raises(OperationError, match="reads nothing from the database in one statement"):
        engine.explain(query)


@pytest.mark.parametrize("query", ["{", "{ nothing }", "{ books(limit: -1) { id } }"])
def test_explain_of_what_is_refused(engine: GraphQLEngine, query: str) -> None:
    with pytest.raises(OperationError):
        engine.explain(query)


def test_the_same_query_gives_the_same_bytes(cache_alias: str) -> None:
    make_shop()
    engine = GraphQLEngine(cache=DjangoCache(cache_alias))
    query = "{ books { title price authors { name } reviews { stars createdAt } publisher { name } attributes tags } }"

    answers = {engine.execute(query).body for _ in range(3)}
    engine.clear_plans()
    answers.add(engine.execute(query).body)
    answers.add(GraphQLEngine(cache=None).execute(query).body)

    assert len(answers) == 1


def test_operation_that_reads_nothing_takes_no_statement(engine: GraphQLEngine) -> None:
    with statements(0):
        assert data(engine, "{ __typename a: __typename }") == {"__typename": "Query", "a": "Query"}
        assert data(engine, '{ __type(name: "Book") { name } }') == {"__type": {"name": "Book"}}


# --- how it is ---


def test_is_ready(engine: GraphQLEngine) -> None:
    assert engine.is_ready()
    assert not GraphQLEngine(storage=FailingStorage(), cache=None).is_ready()
    assert not GraphQLEngine(registry=Registry(), cache=None).is_ready()


def test_health_check() -> None:
    engine = GraphQLEngine(cache=DjangoCache("locmem"))

    health = engine.health_check()

    assert set(health) == {"database", "cache"}
    assert all(part.healthy and part.detail and part.time_ms > 0 for part in health.values())
    assert set(GraphQLEngine(cache=None).health_check()) == {"database"}
    assert not GraphQLEngine(storage=FailingStorage(), cache=None).health_check()["database"].healthy


def test_version(engine: GraphQLEngine) -> None:
    assert engine.version == fraiseql_django.__version__


def test_config_cannot_be_changed_from_outside(engine: GraphQLEngine) -> None:
    config = engine.config
    config["cache"]["ttl"] = 1
    config["database"] = "other"

    assert engine.config["cache"]["ttl"] == 3600
    assert engine.config["database"] == "default"


@pytest.mark.django_db(transaction=True)
def test_statistics_and_clear_plans() -> None:
    engine = GraphQLEngine(cache=DjangoCache("locmem"))
    engine.answers.remove()
    query = "query($n: Int, $w: BookWhere) { books(limit: $n, where: $w) { title } }"
    for variables in ({"n": 1}, {"n": 2}, {"n": 2}, {"n": 2, "w": {}}, {"w": {"title": {"eq": "a"}}}):
        data(engine, query, variables)

    statistics = engine.statistics()
    assert (statistics.documents.misses, statistics.documents.hits, statistics.documents.size) == (1, 4, 1)
    assert (statistics.plans.misses, statistics.plans.hits, statistics.plans.size) == (3, 2, 3)
    assert (statistics.result_misses, statistics.result_hits) == (3, 2)

    engine.clear_plans()
    statistics = engine.statistics()
    assert (statistics.documents.size, statistics.plans.size, statistics.plans.misses) == (0, 0, 0)


def test_caches_are_bounded() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), document_cache_size=3, plan_cache_size=5), cache=None)
    for number in range(20):
        data(engine, f"{{ books(limit: {number}) {{ title }} }}")

    assert (engine.statistics().documents.size, engine.statistics().documents.max_size) == (3, 3)
    assert (engine.statistics().plans.size, engine.statistics().plans.max_size) == (5, 5)
    data(engine, "{ books(limit: 19) { title } }")
    assert engine.statistics().documents.hits == 1


def test_refused_documents_are_not_kept(engine: GraphQLEngine) -> None:
    for _ in range(3):
        engine.execute("{ nothing }")

    assert engine.statistics().documents.size == 0


# --- how it is made ---


def test_collaborators_are_arguments() -> None:
    storage, cache = CountingStorage(DjangoStorage()), DjangoCache("locmem")
    engine = GraphQLEngine(storage=storage, cache=cache, settings=get_settings(), registry=Registry())

    assert engine.storage is storage
    assert engine.cache is cache
    assert engine.answers.cache is cache
    with pytest.raises(DeclarationError, match="nothing to query"):
        engine.schema.graphql.query_type  # noqa: B018


class OwnStorage(DjangoStorage):
    """What a project names in its settings."""


class OwnCache(DjangoCache):
    """What a project names in its settings."""


def test_storage_and_cache_are_named_in_the_settings() -> None:
    settings = {
        "STORAGE": f"{__name__}.OwnStorage",
        "PREPARE_STATEMENTS": False,
        "CACHE": {"BACKEND": f"{__name__}.OwnCache", "ALIAS": "locmem", "KEY_PREFIX": "mine", "TTL": 7},
    }
    with override_settings(FRAISEQL=settings):
        engine = GraphQLEngine()

    assert isinstance(engine.storage, OwnStorage)
    assert not engine.storage.prepare_statements
    assert isinstance(engine.cache, OwnCache)
    assert (engine.cache.alias, engine.cache.prefix, engine.settings.cache.ttl) == ("locmem", "mine:", 7)


@pytest.mark.parametrize(
    "settings",
    [
        {"STORAGE": "nowhere.Storage"},
        {"CACHE": {"BACKEND": "fraiseql_django.cache.django.Nothing"}},
        {"CACHE": {"ALIAS": "nowhere"}},
        {"DATABASE": "nowhere"},
        {"NOTHING": 1},
        {"CACHE": {"TTL": "long"}},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with override_settings(FRAISEQL=settings), pytest.raises(ConfigurationError):
        GraphQLEngine()


def test_get_engine_is_one_until_settings_change() -> None:
    first = get_engine()
    assert get_engine() is first

    with override_settings(FRAISEQL={"LIMITS": {"DEPTH": 3}}):
        other = get_engine()
        assert other is not first
        assert other.settings.limits.depth == 3
    assert get_engine().settings.limits.depth == 15

    with override_settings(DEBUG=True):
        assert get_engine() is not first


def test_engines_do_not_disturb_each_other() -> None:
    make_shop()
    one = GraphQLEngine(cache=None)
    other = GraphQLEngine(settings=replace(get_settings(), limits=replace(get_settings().limits, depth=1)), cache=None)

    assert other.execute(BOOKS).status == 400
    assert one.execute(BOOKS).status == 200
    assert one.statistics().documents.size == 1
    assert other.statistics().documents.size == 0


# --- threads and processes ---


def test_lazily_built_parts_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []
    started = threading.Barrier(8)

    def slow(registry: Registry, settings: Settings) -> Any:
        built.append(registry)
        threading.Event().wait(0.2)
        return build_schema(registry, settings)

    monkeypatch.setattr(engine_module, "build_schema", slow)
    engine = GraphQLEngine(cache=None)

    def use(number: int) -> tuple[Any, ...]:
        started.wait(10)
        part = (engine.schema, engine.parser, engine.planner)
        return part if number % 2 else (part[0], engine.parser, engine.planner)

    with ThreadPoolExecutor(8) as pool:
        parts = set(pool.map(use, range(8)))

    assert len(parts) == 1
    assert len(built) == 1


def test_get_engine_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_engines", {})
    started = threading.Barrier(8)

    def get(_: int) -> GraphQLEngine:
        started.wait(10)
        return get_engine()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(get, range(8)))) == 1


@pytest.mark.django_db(transaction=True)
def test_many_threads_share_an_engine(cache_alias: str) -> None:
    make_shop()
    engine = GraphQLEngine(cache=DjangoCache(cache_alias))
    queries = [f"{{ books(limit: {number}) {{ title }} }}" for number in range(4)]
    expected = [GraphQLEngine(cache=None).execute(query).body for query in queries]

    def run() -> list[bytes]:
        found = []
        for _ in range(10):
            found = [engine.execute(query).body for query in queries]
            Author.objects.update(name="x")
        return found

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: in_thread(run), range(4)))

    assert answers == [expected] * 4
    statistics = engine.statistics()
    assert statistics.result_hits + statistics.result_misses == 160


SCRIPT = """
import django
django.setup()
from fraiseql_django import get_engine
print(get_engine().execute("{ __typename books(limit: 0) { title } }").body.decode())
"""


@pytest.mark.django_db(transaction=True)
def test_engine_in_a_script(tmp_path: Any) -> None:
    database = {key: connection.settings_dict[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")}
    lines = ["from example_project.settings import *", f"DATABASES = {{'default': {database!r}}}"]
    (tmp_path / "script_settings.py").write_text("\n".join(lines))
    environment = {"DJANGO_SETTINGS_MODULE": "script_settings", "PYTHONPATH": f"{tmp_path}:."}

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True, text=True, timeout=60
    )

    assert json.loads(done.stdout) == {"data": {"__typename": "Query", "books": []}}


# --- errors ---


@pytest.mark.parametrize(
    ("query", "code", "location"),
    [
        ("{", "GRAPHQL_PARSE_FAILED", {"line": 1, "column": 2}),
        ("", "GRAPHQL_PARSE_FAILED", {"line": 1, "column": 1}),
        ("{\n  books { nothing } }", "GRAPHQL_VALIDATION_FAILED", {"line": 2, "column": 11}),
        ("subscription { books { id } }", "GRAPHQL_VALIDATION_FAILED", {"line": 1, "column": 1}),
        ("{ books(limit: -1) { id } }", "BAD_USER_INPUT", {"line": 1, "column": 16}),
        ("{ books(where: {title: null}) { id } }", "BAD_USER_INPUT", {"line": 1, "column": 3}),
    ],
)
def test_error_says_what_and_where(engine: GraphQLEngine, query: str, code: str, location: dict[str, int]) -> None:
    response = engine.execute(query)

    (error,) = response.json()["errors"]
    assert set(response.json()) == {"errors"}
    assert set(error) == {"message", "locations", "extensions"}
    assert error["extensions"] == {"code": code}
    assert error["locations"] == [location]
    assert response.status == 400


def test_every_error_of_a_document_is_told(engine: GraphQLEngine) -> None:
    errors = engine.execute("{ books { a b } nothing }").json()["errors"]

    assert [error["message"] for error in errors] == [
        "Cannot query field 'a' on type 'Book'.",
        "Cannot query field 'b' on type 'Book'.",
        "Cannot query field 'nothing' on type 'Query'.",
    ]
    assert all(error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"} for error in errors)


def test_there_are_not_too_many_errors(engine: GraphQLEngine) -> None:
    fields = " ".join(f"a{number}" for number in range(500))

    assert len(engine.execute(f"{{ books {{ {fields} }} }}").json()["errors"]) <= 21


def test_errors_of_variables(engine: GraphQLEngine) -> None:
    query = "query($n: Int!, $w: BookWhere) { books(limit: $n, where: $w) { id } }"

    errors = engine.execute(query, {"n": "x", "w": {"nothing": 1}}).json()["errors"]

    assert len(errors) == 2
    assert all(error["extensions"] == {"code": "BAD_USER_INPUT"} and error["locations"] for error in errors)


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ('{ books(where: {title: {matches: "("}}) { id } }', "where.title.matches"),
        ('{ books(where: {title: {imatches: "*"}}) { id } }', "where.title.imatches"),
    ],
)
def test_error_that_the_client_causes_in_the_database(engine: GraphQLEngine, query: str, where: str) -> None:
    response = engine.execute(query)

    assert response.json() == {
        "errors": [
            {
                "message": f"{where}: PostgreSQL refuses this regular expression.",
                "locations": [{"line": 1, "column": query.index('"') + 1}],
                "extensions": {"code": "BAD_USER_INPUT"},
            }
        ],
        "data": None,
    }
    assert response.status == 200


FAILURES = [
    (None, "DATABASE_UNAVAILABLE", "The database cannot be reached. (error ", 503),
    ("08006", "DATABASE_UNAVAILABLE", "The database cannot be reached. (error ", 503),
    ("57P01", "DATABASE_UNAVAILABLE", "The database cannot be reached. (error ", 503),
    ("53300", "DATABASE_UNAVAILABLE", "The database cannot be reached. (error ", 503),
    ("42P01", "INTERNAL_SERVER_ERROR", "Something went wrong on the server. (error ", 500),
    ("XX000", "INTERNAL_SERVER_ERROR", "Something went wrong on the server. (error ", 500),
    ("57014", "TIMEOUT", "The database took longer than is allowed.", 200),
    ("54001", "BAD_USER_INPUT", "The operation is too complex for the database.", 200),
    ("22003", "BAD_USER_INPUT", "A value in the operation is malformed or out of range for its column.", 200),
]


@pytest.mark.parametrize(("sqlstate", "code", "message", "status"), FAILURES)
def test_failing_storage(sqlstate: str | None, code: str, message: str, status: int) -> None:
    engine = GraphQLEngine(storage=FailingStorage(sqlstate=sqlstate), cache=None)

    response = engine.execute(BOOKS)

    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].startswith(message)
    assert response.json()["data"] is None
    assert response.status == status


def test_storage_that_fails_at_a_mutation() -> None:
    response = GraphQLEngine(storage=FailingStorage(), cache=None).execute(RENAME)

    assert response.json()["data"] is None
    assert response.json()["errors"][0]["extensions"]["code"] == "DATABASE_UNAVAILABLE"
    assert response.status == 503


def test_masked_error_is_in_the_log(engine: GraphQLEngine, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE bookshop_book RENAME TO elsewhere")
    with caplog.at_level(logging.ERROR, "fraiseql_django.engine"):
        response = engine.execute(BOOKS)

    (error,) = response.json()["errors"]
    number = error["extensions"]["id"]
    assert error["message"] == f"Something went wrong on the server. (error {number})"
    assert "bookshop" not in response.body.decode()
    (record,) = caplog.records
    assert number in record.getMessage()
    assert 'relation "bookshop_book" does not exist' in caplog.text
    assert response.status == 500


def test_masking_follows_debug() -> None:
    with override_settings(DEBUG=True):
        engine = GraphQLEngine(storage=FailingStorage(sqlstate="XX000"), cache=None)
        assert "as requested by the test" in error_of(engine, BOOKS)["message"]
    with override_settings(DEBUG=True, FRAISEQL={"MASK_ERRORS": True}):
        engine = GraphQLEngine(storage=FailingStorage(sqlstate="XX000"), cache=None)
        assert "as requested by the test" not in error_of(engine, BOOKS)["message"]


def test_statement_timeout() -> None:
    registry = Registry()

    @fraiseql_django.type(Author, registry=registry)
    class Sleeper:
        slept: str = fraiseql_django.field(Func(Value(5.0), function="pg_sleep", output_field=TextField()))

    Author.objects.create(name="Ursula")
    engine = GraphQLEngine(registry=registry, cache=None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")

    assert engine.execute("{ sleepers { slept } }").json() == {
        "errors": [{"message": "The database took longer than is allowed.", "extensions": {"code": "TIMEOUT"}}],
        "data": None,
    }


def test_error_of_graphql_core_has_a_code() -> None:
    class Odd(DjangoStorage):
        def query(self, *args: Any) -> Any:
            raise GraphQLError("odd")

    assert error_of(GraphQLEngine(storage=Odd(), cache=None), BOOKS)["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("variables", [{"n": float("nan")}, {"n": "\ud800"}, {"n": object()}, {"n": b"x"}, {1: 2}])
def test_variables_that_no_json_holds(engine: GraphQLEngine, variables: Any) -> None:
    response = engine.execute("query($n: Int) { books(limit: $n) { id } }", variables)

    assert isinstance(response.body, bytes)
    assert response.status == (400 if "n" in variables else 200)


def test_lone_surrogate_in_a_document(engine: GraphQLEngine) -> None:
    response = engine.execute('{ books(where: {title: {eq: "\ud800"}}) { id } }')

    assert response.status == 400
    json.loads(response.body)
