"""A hundred operations that miss one answer at the same time run one statement, and each sees what it must."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections, transaction

from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.claims import CLAIM, Claims
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import CacheSettings, LimitSettings, get_settings
from fraiseql_django.errors import StorageError
from fraiseql_django.execution.flights import Flights, Waiter
from fraiseql_django.storage.base import QueryResult
from fraiseql_django.storage.django import DjangoStorage
from fraiseql_django.testing import FailingCache
from tests.support import data, in_thread, wait_until

AUTHORS = "{ authors { name } }"
FREE = Waiter()


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    """Begin with nothing kept or claimed."""
    for alias in ("locmem", "redis"):
        DjangoCache(alias).clear()
    yield
    for alias in ("locmem", "redis"):
        DjangoCache(alias).clear()


class Gate(DjangoStorage):
    """Counts the statements that read authors, and holds those back after they have read while it is shut."""

    def __init__(self, *, fails: int = 0) -> None:
        super().__init__()
        self.count, self.fails = 0, fails
        # how many statements are held back
        self.held = sys.maxsize
        self.lock, self.entered, self.open = Lock(), Event(), Event()
        self.open.set()

    def query(self, sql: str, params: Sequence[Any] = (), settings: Any = ()) -> QueryResult:
        with self.lock:
            self.count += 1
            fails, held = self.count <= self.fails, self.count <= self.held
        result = super().query(sql, params, settings)
        self.entered.set()
        assert not held or self.open.wait(60)
        if fails:
            raise StorageError("lost", sqlstate="08006")
        return result


def engine_of(storage: DjangoStorage, alias: str = "locmem", **options: Any) -> GraphQLEngine:
    # a bound that no busy machine reaches
    cache = replace(CacheSettings(alias=alias, claim_ms=0, wait_ms=120_000), **options)
    engine = GraphQLEngine(settings=replace(get_settings(), cache=cache), storage=storage, cache=DjangoCache(alias))
    # plan it: a hundred threads would each do so
    engine.explain(AUTHORS)
    return engine


@contextmanager
def requests(number: int) -> Iterator[Callable[[Callable[[], Any]], list[Future[Any]]]]:
    """Yield a function that calls another in so many threads at once."""

    def closing(function: Callable[[], Any]) -> Any:
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        yield lambda function: [pool.submit(closing, function) for _ in range(number)]


def waiting(engine: GraphQLEngine) -> int:
    """Return how many operations wait for another's statement."""
    flights = engine.executor.shared.flights._running.values()
    return sum(len(flight.landed._cond._waiters) for flight in flights)  # type: ignore[attr-defined]


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


# --- in a process ---


@pytest.mark.django_db(transaction=True)
def test_hundred_misses_run_one_statement(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine = engine_of(storage, cache_alias)
    # fewer connections than the server allows: each of these threads would open one
    start = Barrier(40)

    def request() -> list[str]:
        start.wait(30)
        return [names(engine), names(engine), names(engine)][0]

    with requests(40) as send:
        answers = [future.result(60) for future in send(request)]

    assert answers == [["Ursula"]] * 40
    assert storage.count == 1


@pytest.mark.django_db(transaction=True)
def test_those_that_wait_have_the_answer_of_the_one_that_reads(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine = engine_of(storage, cache_alias)
    storage.open.clear()
    with requests(100) as send:
        futures = send(lambda: names(engine))
        wait_until(lambda: waiting(engine) == 99)
        storage.open.set()
        assert [future.result(60) for future in futures] == [["Ursula"]] * 100

    assert storage.count == 1
    assert engine.executor.shared.flights.shared == 99


@pytest.mark.django_db(transaction=True)
def test_request_that_begins_after_a_write_does_not_wait_for_a_statement_before_it(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine = engine_of(storage, cache_alias)
    storage.open.clear()
    with requests(1) as send:
        (before,) = send(lambda: names(engine))
        assert storage.entered.wait(30)
        in_thread(lambda: Author.objects.update(name="Octavia"))
        storage.entered.clear()
        with requests(2) as send_later:
            later = send_later(lambda: names(engine))
            assert storage.entered.wait(30)
            storage.open.set()
            assert [future.result(60) for future in later] == [["Octavia"]] * 2
        assert before.result(60) == ["Ursula"]

    assert storage.count == 2
    assert names(engine) == ["Octavia"]


@pytest.mark.django_db(transaction=True)
def test_no_request_sees_less_than_was_answered_before_it_began(cache_alias: str) -> None:
    """Readers and a writer at random: what was written before a request began is in its answer."""
    author = Author.objects.create(name="0")
    engine = engine_of(DjangoStorage(), cache_alias)
    written, stop = [0], Event()
    stale: list[tuple[int, int]] = []

    def write() -> None:
        pause = random.Random(7)
        for number in range(1, 60):
            Author.objects.filter(pk=author.pk).update(name=str(number))
            written[0] = number
            time.sleep(pause.random() / 500)
        stop.set()

    def read() -> int:
        reads = 0
        while not stop.is_set():
            known = written[0]
            seen = int(names(engine)[0])
            reads += 1
            if seen < known:
                stale.append((known, seen))
        return reads

    with requests(3) as send, ThreadPoolExecutor(1) as pool:
        futures = send(read)
        pool.submit(in_thread, write).result(120)
        reads = sum(future.result(60) for future in futures)

    assert not stale
    assert reads > 59
    assert names(engine) == ["59"]


@pytest.mark.django_db(transaction=True)
def test_failure_is_nobodys_answer_but_the_leaders_own() -> None:
    Author.objects.create(name="Ursula")
    storage = Gate(fails=1)
    engine = engine_of(storage)
    storage.open.clear()
    with requests(10) as send:
        futures = send(lambda: engine.execute(AUTHORS).json())
        wait_until(lambda: waiting(engine) == 9)
        storage.open.set()
        answers = [future.result(60) for future in futures]

    failed = [answer for answer in answers if "errors" in answer]
    assert len(failed) == 1
    assert [answer["data"]["authors"] for answer in answers if "errors" not in answer] == [[{"name": "Ursula"}]] * 9
    # the one that failed, and one of the others for all of them
    assert storage.count == 2


@pytest.mark.django_db(transaction=True)
def test_after_two_failures_each_runs_its_own_statement() -> None:
    Author.objects.create(name="Ursula")
    storage = Gate(fails=2)
    engine = engine_of(storage)
    storage.open.clear()
    with requests(10) as send:
        futures = send(lambda: engine.execute(AUTHORS).json())
        wait_until(lambda: waiting(engine) == 9)
        storage.open.set()
        answers = [future.result(60) for future in futures]

    assert sum("errors" in answer for answer in answers) == 2
    assert 3 <= storage.count <= 10


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_longer_than_the_bound() -> None:
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine = engine_of(storage, wait_ms=50)
    storage.open.clear()
    with requests(3) as send:
        futures = send(lambda: names(engine))
        # while the first is still held back
        wait_until(lambda: storage.count == 3)
        storage.open.set()
        assert [future.result(60) for future in futures] == [["Ursula"]] * 3


@pytest.mark.django_db(transaction=True)
def test_each_runs_its_own_statement_where_none_waits() -> None:
    storage = Gate()
    engine = engine_of(storage, wait_ms=0)
    storage.open.clear()
    with requests(3) as send:
        futures = send(lambda: names(engine))
        wait_until(lambda: storage.count == 3)
        storage.open.set()
        assert [future.result(60) for future in futures] == [[]] * 3


@pytest.mark.django_db(transaction=True)
def test_thread_in_a_transaction_waits_for_nobody() -> None:
    """What it has locked may be what the other statement waits for."""
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine = engine_of(storage)
    storage.open.clear()
    storage.held = 1
    with requests(1) as send:
        (other,) = send(lambda: names(engine))
        assert storage.entered.wait(30)
        with transaction.atomic():
            assert names(engine) == ["Ursula"]
        storage.open.set()
        assert other.result(60) == ["Ursula"]

    assert storage.count == 2


@pytest.mark.django_db(transaction=True)
def test_those_that_wait_hold_no_slot() -> None:
    """With one slot, the one that reads has it; a thread that held it would not wait."""
    Author.objects.create(name="Ursula")
    storage = Gate()
    settings = replace(
        get_settings(),
        cache=CacheSettings(alias="locmem", wait_ms=120_000),
        limits=LimitSettings(concurrent_statements=1, wait_ms=100),
    )
    engine = GraphQLEngine(settings=settings, storage=storage, cache=DjangoCache("locmem"))
    engine.explain(AUTHORS)
    storage.open.clear()
    storage.held = 1
    with requests(20) as send:
        futures = send(lambda: names(engine))
        wait_until(lambda: waiting(engine) == 19)
        # a thread that holds a slot, which the one that reads might wait for, reads by itself
        engine.executor.concurrency._thread.holds_slot = True
        try:
            assert names(engine) == ["Ursula"]
        finally:
            engine.executor.concurrency._thread.holds_slot = False
        storage.open.set()
        assert [future.result(60) for future in futures] == [["Ursula"]] * 20

    assert storage.count == 2


@pytest.mark.django_db(transaction=True)
def test_answer_that_is_too_large_is_refused_to_all() -> None:
    Author.objects.create(name="U" * 100)
    storage = Gate()
    settings = replace(
        get_settings(), cache=CacheSettings(alias="locmem", wait_ms=120_000), limits=LimitSettings(response_bytes=50)
    )
    engine = GraphQLEngine(settings=settings, storage=storage, cache=DjangoCache("locmem"))
    engine.explain(AUTHORS)
    storage.open.clear()
    with requests(5) as send:
        futures = send(lambda: engine.execute(AUTHORS).json()["errors"][0]["extensions"]["code"])
        wait_until(lambda: waiting(engine) == 4)
        storage.open.set()
        assert {future.result(60) for future in futures} == {"LIMIT_EXCEEDED"}

    assert storage.count == 1


# --- flights alone ---


def fly(flights: Flights[str], statement: Callable[[], str], holding: Waiter = FREE) -> str:
    return flights.run("key", statement, holding=holding, since=flights.landings, again=lambda: None)


def test_statement_that_asks_for_its_own_answer_does_not_wait_for_itself() -> None:
    flights: Flights[str] = Flights(60_000)

    assert fly(flights, lambda: "outer " + fly(flights, lambda: "inner")) == "outer inner"


@pytest.mark.parametrize(
    ("waiter", "leader", "waits"),
    [
        (Waiter(), Waiter(), True),
        (Waiter(locks=True), Waiter(), False),
        (Waiter(), Waiter(locks=True), True),
        (Waiter(connection=True), Waiter(), False),
        (Waiter(connection=True), Waiter(connection=True), True),
    ],
)
def test_nobody_waits_who_holds_what_the_leader_may_wait_for(waiter: Waiter, leader: Waiter, waits: bool) -> None:
    flights: Flights[str] = Flights(60_000)
    running, end = Event(), Event()

    def lead() -> str:
        running.set()
        assert end.wait(30)
        return "leader's"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fly, flights, lead, leader)
        assert running.wait(30)
        second = pool.submit(fly, flights, lambda: "own", waiter)
        if not waits:
            assert second.result(30) == "own"
        end.set()
        assert first.result(30) == "leader's"
        assert second.result(30) == ("leader's" if waits else "own")


def test_leader_that_is_gone_holds_nobody_up_twice() -> None:
    """A process that was forked has flights whose threads it does not have."""
    flights: Flights[str] = Flights(20)
    flights._join("key", FREE)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(fly, flights, lambda: "own").result(30) == "own"

    assert flights._running == {}


def test_answer_that_came_between_lookup_and_miss_is_looked_up_again() -> None:
    flights: Flights[str] = Flights(1000)
    since = flights.landings
    fly(flights, lambda: "first")

    assert flights.run("key", lambda: "second", holding=FREE, since=since, again=lambda: "kept") == "kept"
    assert flights.run("other", lambda: "second", holding=FREE, since=since, again=lambda: "kept") == "second"
    assert flights.run("key", lambda: "third", holding=FREE, since=flights.landings, again=lambda: "kept") == "third"


def test_landings_are_bounded() -> None:
    flights: Flights[int] = Flights(1000)
    for number in range(3000):
        flights.run(number, lambda: 1, holding=FREE, since=0, again=lambda: None)

    assert len(flights._landed) == 1000
    assert flights._running == {}


# --- across processes: each engine has flights of its own, as a process has ---


@pytest.mark.django_db(transaction=True)
def test_hundred_misses_in_four_processes_run_one_statement() -> None:
    Author.objects.create(name="Ursula")
    storage = Gate()
    engines = [engine_of(storage, "redis") for _ in range(4)]
    storage.open.clear()
    turn = iter(engines * 25)
    lock = Lock()

    def request() -> list[str]:
        with lock:
            engine = next(turn)
        return names(engine)

    with requests(100) as send:
        futures = send(request)
        wait_until(lambda: sum(map(waiting, engines)) == 96)
        storage.open.set()
        assert [future.result(60) for future in futures] == [["Ursula"]] * 100

    assert storage.count == 1


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the versions of the answers that are claimed in the test."""
    found: list[str] = []
    take = Claims.take
    monkeypatch.setattr(
        Claims, "take", lambda self, key, versions: (found.append(versions), take(self, key, versions))[1]
    )
    return found


@pytest.mark.django_db(transaction=True)
def test_claims_are_for_statements_that_take_long(taken: list[str]) -> None:
    engine = engine_of(Gate(), "redis", claim_ms=1000)
    shared = engine.executor.shared

    # one that was not run yet may take long
    assert names(engine) == []
    assert len(taken) == 1
    Author.objects.create(name="Ursula")
    assert names(engine) == ["Ursula"]
    assert len(taken) == 1

    (digest,) = shared._times._times
    shared._times._times[digest] = 5000
    Author.objects.update(name="Octavia")
    assert names(engine) == ["Octavia"]
    assert len({*taken}) == len(taken) == 2
    assert claimed() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("alias", "options"), [("locmem", {}), ("redis", {"claim_ms": None}), ("redis", {"wait_ms": 0})]
)
def test_nothing_is_claimed_where_no_process_could_see_it_or_none_waits(
    alias: str, options: dict[str, Any], taken: list[str]
) -> None:
    names(engine_of(Gate(), alias, **options))

    assert taken == []


@pytest.mark.django_db(transaction=True)
def test_answer_that_was_kept_before_the_claim_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has read it, and released its claim, since it was looked up."""
    Author.objects.create(name="Ursula")
    storage = Gate()
    engine, other = engine_of(storage, "redis"), engine_of(Gate(), "redis")
    take = Claims.take

    def late(self: Claims, key: str, versions: str) -> bool:
        monkeypatch.setattr(Claims, "take", take)
        assert in_thread(lambda: names(other)) == ["Ursula"]
        return take(self, key, versions)

    monkeypatch.setattr(Claims, "take", late)

    assert names(engine) == ["Ursula"]
    assert storage.count == 0
    assert claimed() == []


def claimed(alias: str = "redis") -> list[str]:
    return [key for key in DjangoCache(alias).keys() or () if key.startswith(CLAIM)]


@pytest.mark.django_db(transaction=True)
def test_claim_of_an_answer_that_was_not_kept_is_released() -> None:
    Author.objects.create(name="Ursula")
    failing = engine_of(Gate(fails=1), "redis")
    assert "errors" in failing.execute(AUTHORS).json()
    assert claimed() == []

    too_large = engine_of(Gate(), "redis", answer_bytes=1)
    names(too_large)
    assert claimed() == []


@pytest.mark.django_db(transaction=True)
def test_write_ends_the_wait_for_a_claim() -> None:
    """The claim is of the answer before the write."""
    Author.objects.create(name="Ursula")
    slow, fast = Gate(), Gate()
    first, second = engine_of(slow, "redis", wait_ms=60_000), engine_of(fast, "redis", wait_ms=60_000)
    slow.open.clear()
    with requests(1) as send:
        (before,) = send(lambda: names(first))
        assert slow.entered.wait(30)
        (after,) = [ThreadPoolExecutor(1).submit(in_thread, lambda: names(second))]
        in_thread(lambda: Author.objects.update(name="Octavia"))
        assert after.result(60) == ["Octavia"]
        assert fast.count == 1
        slow.open.set()
        assert before.result(60) == ["Ursula"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["add", "delete"])
def test_cache_that_fails_at_a_claim_costs_no_answer(method: str) -> None:
    cache = FailingCache(DjangoCache("redis"), only=[method])
    cache.failing = False
    settings = replace(get_settings(), cache=CacheSettings(claim_ms=0, answer_bytes=1))
    engine = GraphQLEngine(settings=settings, cache=cache)
    names(engine)
    cache.failing = True

    Author.objects.create(name="Ursula")

    assert names(engine) == ["Ursula"]
    assert cache.failures == 1


KILLED = """
import sys, time
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.storage.django import DjangoStorage

class Hangs(DjangoStorage):
    def query(self, *args):
        print("reading", flush=True)
        time.sleep(60)

GraphQLEngine(storage=Hangs(), cache=DjangoCache("redis")).execute("{ authors { name } }")
"""


@pytest.mark.django_db(transaction=True)
def test_process_that_is_killed_delays_nobody_past_its_lease(other_settings: dict[str, str]) -> None:
    Author.objects.create(name="Ursula")
    command = [sys.executable, str(BASE_DIR / "manage.py"), "shell", "-c", KILLED]
    with subprocess.Popen(command, env=other_settings, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "reading\n" in iter(process.stdout.readline, "")
        process.send_signal(signal.SIGKILL)
    (key,) = claimed()
    redis: Any = caches["redis"]
    # a half of CACHE.WAIT_MS, in whole seconds
    assert redis.ttl(f"fraiseql:{key}") <= 3
    storage = Gate()
    engine = engine_of(storage, "redis", wait_ms=200)

    assert names(engine) == ["Ursula"]

    assert storage.count == 1
    assert names(engine) == ["Ursula"]
    assert storage.count == 1


@pytest.fixture
def other_settings(tmp_path: Any) -> dict[str, str]:
    """Return the environment of a process that uses the tests' own database and Redis."""
    database = {**connection.settings_dict, "TEST": {}}
    redis: Any = caches["redis"]
    cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis._server, "KEY_PREFIX": redis.key_prefix}
    (tmp_path / "claiming_settings.py").write_text(
        "from example_project.settings import *\n"
        "from psycopg import IsolationLevel\n"
        f"DATABASES = {{'default': {database!r}}}\nCACHES = {{'default': {cache!r}, 'redis': {cache!r}}}\n"
    )
    path = f"{tmp_path}{os.pathsep}{BASE_DIR}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "claiming_settings", "PYTHONPATH": path}


def test_claim_is_one_processs() -> None:
    first, second = Claims(DjangoCache("redis"), 5), Claims(DjangoCache("redis"), 5)

    assert first.take("key", "versions")
    assert not second.take("key", "versions")
    assert second.take("key", "other versions")
    first.release("key", "versions")
    assert second.take("key", "versions")
