"""The doubles that projects' tests use: what they count, how they fail, and that they are whole."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from fraiseql_django import GraphQLEngine, StorageError
from fraiseql_django import testing as module
from fraiseql_django.cache import circuit_breaker
from fraiseql_django.cache.base import Cache
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import version_key
from fraiseql_django.storage.base import Storage
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import (
    METHODS,
    CacheFailure,
    CountingStorage,
    FailingCache,
    FailingStorage,
    assert_one_statement,
)
from tests.support import data, make_shop

BOOKS = "{books {title}}"
RENAME = 'mutation {renameBook(id: "%s", title: "New") {title}}'


def members(protocol: type) -> list[str]:
    # the doubles' instances have a name, that of what they stand for
    return [name for name in vars(protocol) if not name.startswith("_") and name != "backend_name"]


def test_exported_names() -> None:
    assert module.__all__ == [
        "AsyncGraphQLClient",
        "CacheFailure",
        "CountingStorage",
        "FailingCache",
        "FailingStorage",
        "GraphQLClient",
        "GraphQLResult",
        "GraphQLResultError",
        "GraphQLTestCase",
        "GraphQLTransactionTestCase",
        "Operation",
        "assert_one_statement",
        "with_cache",
    ]
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("double", [CountingStorage, FailingStorage])
def test_storages_are_whole(double: type) -> None:
    assert [name for name in members(Storage) if not hasattr(double, name)] == []


def test_caches_are_whole_and_every_method_can_fail() -> None:
    assert [name for name in members(Cache) if not hasattr(FailingCache, name)] == []
    # what a cache is does not fail
    assert sorted(METHODS) == sorted({*members(Cache)} - {"server", "shards"})


# --- CountingStorage ---


@pytest.mark.django_db(transaction=True)
def test_queries_are_counted() -> None:
    storage = CountingStorage(DjangoStorage())
    engine = GraphQLEngine(storage=storage, cache=None)
    data(engine, BOOKS)
    data(engine, BOOKS)

    assert (storage.queries, storage.executions, storage.transactions) == (2, 0, 0)
    assert storage.statements == [engine.explain(BOOKS).sql] * 2
    assert storage.backend_name == "django-postgresql"
    assert storage.shared
    assert storage.health_check().healthy
    assert storage.queries == 2


@pytest.mark.django_db
def test_transactions_and_executions_are_counted() -> None:
    book = make_shop().books[0]
    storage = CountingStorage(DjangoStorage())
    data(GraphQLEngine(storage=storage, cache=None), RENAME % book.pk)
    assert (storage.queries, storage.executions, storage.transactions) == (1, 0, 1)

    storage.reset()
    assert storage.execute("UPDATE bookshop_book SET pages = %s", ["7"]).rows_affected == 3
    assert (storage.queries, storage.executions, storage.transactions) == (0, 1, 0)
    assert storage.statements == ["UPDATE bookshop_book SET pages = %s"]


@pytest.mark.django_db
def test_a_statement_that_fails_counts() -> None:
    storage = CountingStorage(DjangoStorage())
    with pytest.raises(StorageError):
        storage.query("SELECT nothing")

    assert storage.queries == 1


# --- FailingStorage ---


def test_a_storage_that_fails_is_an_error_of_the_operation() -> None:
    response = GraphQLEngine(storage=FailingStorage(), cache=None).execute(BOOKS)

    assert response.status == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "DATABASE_UNAVAILABLE"


def test_a_storage_fails_as_it_is_told() -> None:
    response = GraphQLEngine(storage=FailingStorage(sqlstate="57014"), cache=None).execute(BOOKS)

    assert response.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"


@pytest.mark.django_db
def test_a_storage_can_be_switched() -> None:
    storage = FailingStorage(DjangoStorage(), failing=False)
    engine = GraphQLEngine(storage=storage, cache=None)
    assert data(engine, BOOKS) == {"books": []}

    storage.failing = True
    assert engine.execute(BOOKS).status == 503

    storage.failing = False
    assert data(engine, BOOKS) == {"books": []}


@pytest.mark.parametrize(
    "call",
    [
        lambda storage: storage.query("SELECT 1"),
        lambda storage: storage.execute("SELECT 1"),
        lambda storage: storage.begin_transaction(),
    ],
)
def test_everything_of_a_storage_fails(call: Callable[[Storage], Any]) -> None:
    with pytest.raises(StorageError, match="the storage fails, as requested by the test"):
        call(FailingStorage(DjangoStorage()))


def test_a_storage_that_fails_is_unwell() -> None:
    storage = FailingStorage()

    assert not storage.health_check().healthy
    assert storage.shared
    assert storage.backend_name == "failing"


@pytest.mark.django_db
def test_a_storage_that_does_not_fail_is_the_other() -> None:
    storage = FailingStorage(DjangoStorage(), failing=False)

    assert storage.query("SELECT 1").rows == [(b"1",)]
    assert storage.execute("SET LOCAL work_mem = '5MB'").rows_affected == 0
    with storage.begin_transaction():
        assert connection.in_atomic_block
    assert storage.health_check().healthy
    assert storage.backend_name == "django-postgresql"


# --- FailingCache ---

CALLS: dict[str, Sequence[Any]] = {
    "get": ["a"],
    "get_many": [["a"]],
    "set": ["a", 1, 60],
    "add_many": [{"version:a": "1"}],
    "mark_many": [["version:a"], "token", 1],
    "replace_many": [{"version:a": "2"}, "token"],
    "add": ["a", 1, 60],
    "increment": ["a"],
    "delete": ["a"],
    "delete_many": [["a"]],
    "keys": [],
    "clear": [],
    "health_check": [],
}


def use(cache: Cache, method: str) -> Any:
    return cache.size if method == "size" else getattr(cache, method)(*CALLS[method])


@pytest.mark.parametrize("method", METHODS)
def test_everything_of_a_cache_fails(method: str) -> None:
    cache = FailingCache(DjangoCache("locmem"))

    with pytest.raises(CacheFailure, match=f"^the cache fails at {method}, as requested by the test$"):
        use(cache, method)
    assert cache.failures == 1


@pytest.mark.parametrize("method", METHODS)
def test_one_thing_of_a_cache_fails(method: str) -> None:
    cache = FailingCache(DjangoCache("locmem"), only=[method])
    for other in METHODS:
        if other != method:
            use(cache, other)
    assert cache.failures == 0

    with pytest.raises(CacheFailure):
        use(cache, method)


def test_a_cache_that_does_not_fail_is_the_other(cache_alias: str) -> None:
    cache = FailingCache(DjangoCache(cache_alias), failing=False)
    cache.set("a", 1, 60)
    cache.set("b", 2, 60)
    version = version_key("of a test of doubles")
    assert cache.add_many({version: "1"}) == cache.add_many({version: "2"}) == {version: "1"}
    cache.mark_many([version], "token", 60)
    cache.replace_many({version: "3"}, "token")
    assert cache.get(version) == "3"
    cache.delete(version)
    assert cache.server == cache.cache.server
    assert cache.shards == 1
    assert cache.add("c", 3, 60)
    assert not cache.add("c", 4, 60)
    assert (cache.increment("c"), cache.increment("d")) == (4, None)

    assert cache.get("a") == 1
    assert cache.get_many(["b", "c", "d"]) == {"b": 2, "c": 4}
    assert sorted(cache.keys() or ()) == ["a", "b", "c"]
    assert cache.size == 3
    cache.delete("a")
    cache.delete_many(["b"])
    assert cache.clear() == 1
    assert cache.health_check().healthy
    assert cache.backend_name == DjangoCache(cache_alias).backend_name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["get_many", "set", "add_many"])
def test_a_cache_that_fails_breaks_no_operation(method: str, cache_alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0)
    storage = CountingStorage(DjangoStorage())
    cache = FailingCache(DjangoCache(cache_alias), only=[method])
    engine = GraphQLEngine(storage=storage, cache=cache)
    cache.cache.delete(version_key("bookshop_book"))

    assert [data(engine, BOOKS), data(engine, BOOKS)] == [{"books": []}] * 2
    assert storage.queries == 2
    assert cache.failures >= 1

    cache.failing = False
    data(engine, BOOKS)
    data(engine, BOOKS)
    assert storage.queries == 3


def test_a_method_that_there_is_none_of_is_refused() -> None:
    allowed = ", ".join(METHODS)
    with pytest.raises(ValueError, match=f"^only is 'fetch, grab', must be a list of: {allowed}$"):
        FailingCache(DjangoCache("locmem"), only=["grab", "get", "fetch"])
    with pytest.raises(ValueError, match=r"^only is 'get', must be a list of: "):
        FailingCache(DjangoCache("locmem"), only="get")


# --- assert_one_statement ---


@pytest.mark.django_db
def test_one_statement() -> None:
    engine = GraphQLEngine(cache=None)
    with assert_one_statement() as captured:
        engine.execute("{books {title authors {name}} authors {books {reviews {stars}}}}")

    assert len(captured) == 1


@pytest.mark.django_db
def test_two_statements_are_listed() -> None:
    storage = DjangoStorage()
    with pytest.raises(AssertionError) as caught, assert_one_statement():
        [storage.query(sql) for sql in ("SELECT 1", "SELECT 2")]

    assert str(caught.value) == "2 statements were sent, not one:\n1. SELECT 1\n2. SELECT 2"


@pytest.mark.django_db
def test_no_statement_is_not_one() -> None:
    with pytest.raises(AssertionError, match=r"^0 statements were sent, not one$"), assert_one_statement():
        pass


@pytest.mark.django_db
def test_what_the_block_raises_is_not_hidden() -> None:
    with pytest.raises(KeyError), assert_one_statement():
        raise KeyError
