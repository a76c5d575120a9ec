"""``LIMITS.CONCURRENT_STATEMENTS``: how many operations keep the database busy at once, and what becomes of others."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BoundedSemaphore, Event
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponseBase
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry, Response
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import LimitSettings, Settings
from fraiseql_django.execution import concurrency
from fraiseql_django.views import GraphQLView
from tests.http.requests import codes, post
from tests.support import wait_until

REGISTRY = Registry()
# a lock of PostgreSQL's that a test holds for as long as slow statements are to run
GATE = 4711
SLOW = "{ authors { pause } }"
QUICK = "{ authors { name } }"
ANSWER = {"data": {"authors": [{"name": "Ursula"}]}}

# what a mutation under test does between its first write and its end
MEANWHILE: list[Callable[[], Any]] = []
BEGUN = Event()


@fraiseql.type(Author, fields=["name"], registry=REGISTRY)
class AuthorType:
    pause: int = fraiseql.field(
        RawSQL(f"(SELECT 1 FROM pg_advisory_xact_lock_shared({GATE}))", (), output_field=IntegerField())
    )
    broken: int = fraiseql.field(RawSQL("1 / 0", (), output_field=IntegerField()))


@fraiseql.mutation(registry=REGISTRY)
def add(info: fraiseql.Info, name: str) -> AuthorType:
    author = Author.objects.create(name=name)
    BEGUN.set()
    for step in MEANWHILE:
        step()
    return author  # type: ignore[return-value]


def make(number: int | None = 1, wait_ms: int = 0, **options: Any) -> GraphQLEngine:
    limits = LimitSettings(concurrent_statements=number, wait_ms=wait_ms)
    return GraphQLEngine(settings=Settings(limits=limits, **options), registry=REGISTRY, cache=None)


ENGINE = make()


@csrf_exempt
def endpoint(request: HttpRequest) -> HttpResponseBase:
    return GraphQLView.as_view(engine=ENGINE)(request)


urlpatterns = [path("graphql/", endpoint)]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def ursula(transactional_db: None) -> Iterator[None]:
    Author.objects.create(name="Ursula")
    BEGUN.clear()
    yield
    MEANWHILE.clear()


class Semaphore(BoundedSemaphore):
    """Remembers how long was to be waited for it at most, and how many wait."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.timeouts: list[float | None] = []
        self.waiting = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        self.timeouts.append(timeout)
        self.waiting += 1
        try:
            return super().acquire(blocking, timeout)
        finally:
            self.waiting -= 1


@pytest.fixture
def semaphores(monkeypatch: pytest.MonkeyPatch) -> list[Semaphore]:
    """Return the semaphores of the engines that are made from now on."""
    made: list[Semaphore] = []

    def make_semaphore(value: int) -> Semaphore:
        made.append(Semaphore(value))
        return made[-1]

    monkeypatch.setattr(concurrency, "BoundedSemaphore", make_semaphore)
    return made


def running() -> int:
    """Return how many slow statements the database runs now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        )
        return int(cursor.fetchone()[0])


@contextmanager
def gate() -> Iterator[None]:
    """Keep slow statements from ending for as long as a block runs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [GATE])


@contextmanager
def in_threads(number: int, function: Callable[[], Response]) -> Iterator[list[Future[Response]]]:
    """Call a function in so many threads at once, each on a connection of its own.

    Slow statements end when the block does.
    """

    def call() -> Response:
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool, gate():
        yield [pool.submit(call) for _ in range(number)]


def test_operation_without_a_place_in_time_is_told_when_to_come_back(semaphores: list[Semaphore]) -> None:
    engine = make(wait_ms=50)

    with in_threads(1, lambda: engine.execute(SLOW)) as (slow,):
        wait_until(running)
        response = engine.execute(QUICK)

    assert response.json() == {
        "errors": [
            {
                "message": "The server is busy; the same operation may be sent again.",
                "extensions": {"code": "OVERLOADED", "retryAfter": 1},
            }
        ]
    }
    assert (response.data, response.status, response.retry_after) == (None, 503, 1)
    assert [semaphore.timeouts for semaphore in semaphores] == [[0.05, 0.05]]
    assert slow.result().json() == {"data": {"authors": [{"pause": 1}]}}
    assert engine.execute(QUICK).json() == ANSWER


def test_no_more_statements_run_at_once_and_the_others_wait(semaphores: list[Semaphore]) -> None:
    engine = make(2, wait_ms=60_000)

    with in_threads(4, lambda: engine.execute(SLOW)) as asked:
        wait_until(lambda: running() == 2 and semaphores[0].waiting == 2)
        assert not any(future.done() for future in asked)

    assert [future.result().status for future in asked] == [200] * 4


def test_without_the_limit_all_run_at_once() -> None:
    engine = make(None)

    with in_threads(4, lambda: engine.execute(SLOW)) as asked:
        wait_until(lambda: running() == 4)

    assert [future.result().status for future in asked] == [200] * 4


def test_engines_have_places_of_their_own() -> None:
    engine, other = make(), make()

    with in_threads(1, lambda: engine.execute(SLOW)):
        wait_until(running)
        assert other.execute(QUICK).json() == ANSWER


def test_what_needs_no_statement_needs_no_place(cache_alias: str) -> None:
    settings = Settings(limits=LimitSettings(concurrent_statements=1, wait_ms=0))
    engine = GraphQLEngine(settings=settings, registry=REGISTRY, cache=DjangoCache(cache_alias))
    engine.execute(QUICK)

    with in_threads(1, lambda: engine.execute(SLOW)):
        wait_until(running)
        assert engine.execute(QUICK).json() == ANSWER
        assert engine.execute("{ __typename }").json() == {"data": {"__typename": "Query"}}
        assert engine.execute("{ nothing }").json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize("query", ["{ authors { broken } }", 'mutation { add(name: "x") { broken } }'])
def test_operation_that_fails_gives_its_place_back(query: str) -> None:
    engine = make()

    for _ in range(3):
        assert "errors" in engine.execute(query).json()
    assert engine.execute(QUICK).json() == ANSWER


# --- mutations ---

ADD = 'mutation { add(name: "Octavia") { name } }'
ADDED = {"data": {"add": {"name": "Octavia"}}}


@pytest.mark.parametrize("atomic", [True, False])
def test_mutation_holds_a_place_to_its_end_and_reads_its_payload_without_another(atomic: bool) -> None:
    engine, end = make(atomic_mutations=atomic), Event()
    MEANWHILE.append(lambda: end.wait(60))

    with in_threads(1, lambda: engine.execute(ADD)) as (mutation,):
        assert BEGUN.wait(60)
        assert engine.execute(QUICK).status == 503
        end.set()

    assert mutation.result().json() == ADDED
    assert engine.execute(QUICK).status == 200


def test_as_many_mutations_as_places_do_not_wait_for_one_another() -> None:
    engine = make(4, wait_ms=60_000)

    with in_threads(8, lambda: engine.execute(ADD)) as asked:
        pass

    # one that had waited for another until the time was over would be refused
    assert [future.result().json() for future in asked] == [ADDED] * 8


def test_operations_within_a_mutation_need_no_place() -> None:
    engine = make()
    found: list[Any] = []
    MEANWHILE.append(lambda: found.append(engine.execute(QUICK).json()["data"]["authors"]))

    assert engine.execute(ADD).json() == ADDED
    assert found == [[{"name": "Octavia"}, {"name": "Ursula"}]]


def test_mutation_without_a_place_is_not_begun() -> None:
    engine = make()

    with in_threads(1, lambda: engine.execute(SLOW)):
        wait_until(running)
        response = engine.execute(ADD)

    assert (response.data, response.status) == (None, 503)
    assert [author.name for author in Author.objects.all()] == ["Ursula"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_status_is_503_with_retry_after_in_both_media_types(client: Client, accept: str) -> None:
    with in_threads(1, lambda: ENGINE.execute(SLOW)):
        wait_until(running)
        response = post(client, {"query": QUICK}, accept=accept)

    assert (response.status_code, codes(response)) == (503, ["OVERLOADED"])
    assert (response["Retry-After"], response["Cache-Control"]) == ("1", "no-store")


# --- a pool of connections ---


@pytest.fixture
def pool_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, float], None]]:
    """Return what gives the threads that begin from now on connections of a pool, with so many and a timeout."""

    def start(size: int, timeout: float) -> None:
        own = connections.settings["default"]
        options = {**own["OPTIONS"], "pool": {"min_size": 1, "max_size": size, "timeout": timeout}}
        monkeypatch.setitem(connections.settings, "default", {**own, "CONN_MAX_AGE": 0, "OPTIONS": options})

    yield start
    pool: Any = DatabaseWrapper._connection_pools.pop("default", None)  # type: ignore[attr-defined]
    if pool is not None:
        pool.close()


OPERATIONS = [QUICK, 'mutation { add(name: "Octavia") { name } }']


@pytest.mark.parametrize("query", OPERATIONS, ids=["query", "mutation"])
def test_who_has_a_slot_waits_for_no_connection(pool_of: Callable[[int, float], None], query: str) -> None:
    """Those that have the connections of a pool, from reading a session for instance, would wait for its slot."""
    engine = make(wait_ms=2_000)
    engine.execute(QUICK)
    pool_of(2, 10)
    connected, waiting = Barrier(3, timeout=30), Event()

    def with_connection() -> Response:
        connections["default"].ensure_connection()
        connected.wait()
        waiting.wait(30)
        try:
            return engine.execute(query)
        finally:
            connections["default"].close()

    def without() -> Response:
        try:
            return engine.execute(query)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(3) as pool:
        before = [pool.submit(with_connection) for _ in range(2)]
        connected.wait()
        another = pool.submit(without)
        # it is at the pool by now, whose connections are taken
        wait_until(lambda: DatabaseWrapper._connection_pools["default"].get_stats()["requests_waiting"])  # type: ignore[attr-defined]
        waiting.set()
        found = [future.result() for future in [*before, another]]

    assert [response.status for response in found] == [200, 200, 200]


@pytest.mark.parametrize("query", OPERATIONS, ids=["query", "mutation"])
def test_pool_without_a_free_connection_is_an_unavailable_database(
    pool_of: Callable[[int, float], None], query: str
) -> None:
    engine = make(wait_ms=2_000)
    engine.execute(QUICK)
    pool_of(1, 0.2)
    taken, asked = Event(), Event()

    def take() -> None:
        connections["default"].ensure_connection()
        taken.set()
        asked.wait(30)
        connections["default"].close()

    with ThreadPoolExecutor(2) as pool:
        pool.submit(take)
        taken.wait(30)
        response = pool.submit(engine.execute, query).result()
        asked.set()

    assert response.status == 503
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["DATABASE_UNAVAILABLE"]
