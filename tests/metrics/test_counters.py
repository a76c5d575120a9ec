"""What is counted of operations: every figure by operations that cause it."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Random

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import CachePolicy, GraphQLEngine, Registry
from fraiseql_django.cache.answers import Lookup
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.outcomes import EXPLANATIONS, Outcome
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.invalidation.scan import CATALOGUE
from fraiseql_django.language.selected import Subject
from fraiseql_django.metrics import OperationEvent, operation_executed
from fraiseql_django.metrics.counters import BOUNDS, OTHER, Counters, Counts, quantile
from fraiseql_django.metrics.measurement import Measurement, current
from fraiseql_django.metrics.report import Report, figures
from fraiseql_django.testing import FailingCache
from tests.execution.test_flights import Gate, engine_of, waiting
from tests.support import Shop, data, make_engine, make_shop, wait_until

BOOKS = "query Titles { books { title } }"
SHELF = "query Shelf($n: Int) { books(limit: $n) { title authors { name } } publishers { name } }"
RENAME = 'mutation Name { renameBook(id: %d, title: "Orbit") { title } }'


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return make_shop()


@pytest.fixture
def locmem() -> Iterator[str]:
    """Return the alias of an empty cache, where the kind of cache changes nothing."""
    DjangoCache("locmem").clear()
    yield "locmem"
    DjangoCache("locmem").clear()


@pytest.fixture
def engine(shop: Shop, locmem: str) -> GraphQLEngine:
    return make_engine(locmem)


def engine_over(cache_alias: str, *, cache: Any) -> GraphQLEngine:
    """Return an engine whose only type has a policy."""
    registry = Registry()
    fraiseql.type(Book, fields=["title"], registry=registry, cache=cache)(type("Book", (), {}))
    return make_engine(cache_alias, registry=registry)


def report(engine: GraphQLEngine) -> Report:
    return engine.metrics.report()


def by_name(counts: Any) -> dict[str, Counts]:
    return {item.key if isinstance(item.key, str) else item.key[0]: item for item in counts}


class TestOutcomes:
    """Hits, misses and bypasses, with their reasons."""

    def test_three_hits_a_miss_by_a_write_and_a_bypass(self, shop: Shop, cache_alias: str) -> None:
        engine = make_engine(cache_alias)
        for _ in range(3):
            data(engine, BOOKS)
        Book.objects.update(title="other")
        data(engine, BOOKS)
        data(engine, BOOKS)
        with transaction.atomic():
            Book.objects.update(title="another")
            data(engine, BOOKS)

        found = figures(report(engine).total)

        assert (found["operations"], found["hits"], found["misses"], found["bypasses"]) == (6, 3, 2, 1)
        assert found["miss_reasons"] == {"absent": 1, "written": 1}
        assert found["bypass_reasons"] == {"transaction": 1}
        assert found["hit_rate"] == 3 / 5
        assert found["statements"] == 3
        assert report(engine).written == {"bookshop_book": 1}

    def test_only_the_table_that_was_written_is_named(self, engine: GraphQLEngine) -> None:
        data(engine, SHELF)
        Publisher.objects.update(name="Orbit")
        data(engine, SHELF)

        assert report(engine).written == {"bookshop_publisher": 1}

    def test_version_that_the_cache_has_lost(self, shop: Shop, cache_alias: str) -> None:
        engine = make_engine(cache_alias)
        data(engine, BOOKS)
        cache = engine.cache
        assert cache is not None
        cache.delete("version:bookshop_book")
        data(engine, BOOKS)

        assert figures(report(engine).total)["miss_reasons"] == {"absent": 1, "lost": 1}

    def test_without_a_cache(self, shop: Shop) -> None:
        engine = GraphQLEngine(cache=None)
        data(engine, BOOKS)

        assert figures(report(engine).total)["bypass_reasons"] == {"no_cache": 1}

    def test_cache_that_fails(self, shop: Shop) -> None:
        engine = GraphQLEngine(cache=FailingCache(DjangoCache("locmem")))
        data(engine, BOOKS)

        assert figures(report(engine).total)["bypass_reasons"] == {"failing": 1}

    def test_answers_that_depend_on_chance(self, shop: Shop, locmem: str) -> None:
        registry = Registry()

        @fraiseql.type(Author, fields=["name"], registry=registry)
        class AuthorType:
            """An author."""

            luck: float = fraiseql.field(Random())

        engine = make_engine(locmem, registry=registry)
        data(engine, "{ authors { luck } }")

        assert figures(report(engine).total)["bypass_reasons"] == {"volatile": 1}

    def test_session_whose_state_is_not_known(self, engine: GraphQLEngine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine.session, "outside", lambda: None)
        data(engine, BOOKS)

        assert figures(report(engine).total)["bypass_reasons"] == {"session": 1}

    def test_documentation_has_every_outcome(self) -> None:
        text = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (hit|miss|bypass|none) \| `(\w+)` \| (.*) \|$", text, re.MULTILINE)

        assert sorted(rows) == sorted((outcome.kind, outcome.reason, EXPLANATIONS[outcome]) for outcome in Outcome)

    def test_what_is_not_looked_up(self, engine: GraphQLEngine, shop: Shop) -> None:
        data(engine, "{ __typename }")
        data(engine, RENAME % shop.books[0].pk)
        assert engine.execute("{ nothing }").errors
        assert engine.execute("{").errors

        found = figures(report(engine).total)

        assert found["not_looked_up"] == {"constant": 1, "mutation": 1, "refused": 2}
        assert (found["failed"], found["hits"] + found["misses"] + found["bypasses"]) == (2, 0)

    def test_every_outcome_is_a_hit_a_miss_a_bypass_or_none(self) -> None:
        kinds = {kind: [o.reason for o in Outcome if o.kind == kind] for kind in ("hit", "miss", "bypass", "none")}

        assert kinds == {
            "hit": ["hit"],
            "miss": ["absent", "written", "lost", "server", "stale"],
            "bypass": [
                "no_cache", "transaction", "volatile", "session", "failing", "marked", "catalogue", "never",
            ],
            "none": ["constant", "mutation", "refused"],
        }  # fmt: skip

    def test_table_that_is_being_committed(self, shop: Shop, cache_alias: str) -> None:
        engine = make_engine(cache_alias)
        versions = engine.answers.versions
        assert versions is not None
        data(engine, BOOKS)
        assert versions.mark(["bookshop_book"], "a writer")
        data(engine, BOOKS)
        versions.renew(["bookshop_book"], "a writer")
        data(engine, BOOKS)

        found = figures(report(engine).total)

        assert (found["miss_reasons"], found["bypass_reasons"]) == ({"absent": 1, "written": 1}, {"marked": 1})
        assert report(engine).written == {"bookshop_book": 1}

    def test_definitions_that_another_process_has_changed(self, engine: GraphQLEngine) -> None:
        data(engine, BOOKS)
        assert engine.answers.versions is not None
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
            other.execute("CREATE VIEW metrics_view AS SELECT 1")
        try:
            engine.answers.versions.renew([CATALOGUE])
            for _ in range(3):
                data(engine, BOOKS)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP VIEW metrics_view")

        found = figures(report(engine).total)

        # it is planned again, and the entry from before is none for the new definitions
        assert (found["bypass_reasons"], found["miss_reasons"]) == ({"catalogue": 1}, {"absent": 1, "written": 1})
        assert found["hits"] == 1
        assert report(engine).written == {}

    def test_type_that_is_never_kept(self, shop: Shop, locmem: str) -> None:
        data(engine := engine_over(locmem, cache=False), BOOKS)

        assert figures(report(engine).total)["bypass_reasons"] == {"never": 1}

    @pytest.mark.parametrize(("server", "outcome"), [("one", Outcome.WRITTEN), ("another", Outcome.SERVER)])
    def test_tables_are_named_behind_the_part_of_the_server(self, server: str, outcome: Outcome) -> None:
        # that a server is another one is caused in tests/cache/test_redis_servers.py
        lookup = Lookup(versions=f"{server},a,c,d", former=("one,a,b,d", b"", False))

        assert lookup.outcome is outcome
        assert lookup.written(("bookshop_author", "bookshop_book")) == ("bookshop_book",)

    def test_stale_answer_and_its_refresh(self, shop: Shop, locmem: str) -> None:
        engine = engine_over(locmem, cache=CachePolicy(stale=60))
        size = len(engine.execute(BOOKS).body)
        Book.objects.update(title="other")
        data(engine, BOOKS)
        wait_until(lambda: report(engine).total.refreshes)
        data(engine, BOOKS)

        found = figures(report(engine).total)

        assert found["miss_reasons"] == {"absent": 1, "stale": 1}
        assert (found["operations"], found["hits"]) == (3, 1)
        assert report(engine).written == {"bookshop_book": 1}
        # the thread's statement and what it has kept, which are part of no operation
        assert (found["statements"], found["refreshes"], found["kept_bytes"] > size) == (2, 1, True)


class TestWaiting:
    """Operations that wait while another reads the same answer: lookups of their own, but no statements."""

    def test_in_the_same_process(self, shop: Shop, locmem: str) -> None:
        storage = Gate()
        engine = engine_of(storage, locmem)

        event = followed(engine, engine, storage, lambda: waiting(engine))

        assert (event.reason, event.statements, event.storage_ms > 0) == ("absent", 0, True)
        found = figures(report(engine).total)
        assert (found["miss_reasons"], found["statements"]) == ({"absent": 2}, 1)
        # what it waited is no time of a statement that hits save
        assert [counts.reads for counts in report(engine).operations] == [1]

    def test_in_another_process(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        storage = Gate()
        DjangoCache("redis").clear()
        # that have nothing in common but the cache
        leading, following = engine_of(storage, "redis"), engine_of(Gate(), "redis")
        claims, refused = following.executor.shared._claims, Event()
        take = claims.take

        def taken(key: str, versions: str) -> bool:
            got = take(key, versions)
            if not got:
                refused.set()
            return got

        monkeypatch.setattr(claims, "take", taken)

        event = followed(leading, following, storage, refused.is_set)

        assert (event.reason, event.statements, event.storage_ms > 0, event.cache_ms > 0) == ("absent", 0, True, True)


def followed(
    leading: GraphQLEngine, following: GraphQLEngine, storage: Gate, waits: Callable[[], object]
) -> OperationEvent:
    """Let an operation wait for another one's statement; return the event of the one that waited."""
    events: list[OperationEvent] = []

    def note(event: OperationEvent, **kwargs: Any) -> None:
        events.append(event)

    def execute(engine: GraphQLEngine) -> None:
        try:
            data(engine, "{ authors { name } }")
        finally:
            connections.close_all()

    storage.open.clear()
    operation_executed.connect(note)
    try:
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(execute, leading)]
            wait_until(storage.entered.is_set)
            futures.append(pool.submit(execute, following))
            wait_until(waits)
            storage.open.set()
            for future in futures:
                future.result(60)
    finally:
        operation_executed.disconnect(note)
    (found,) = [event for event in events if not event.statements]
    return found


class TestBreakdown:
    """Counts by operation, root field and type."""

    def test_by_operation_root_field_and_type(self, engine: GraphQLEngine) -> None:
        for _ in range(2):
            data(engine, BOOKS)
        data(engine, SHELF, {"n": 1})
        data(engine, SHELF, {"n": 2})

        found = report(engine)

        assert {name: counts.operations for name, counts in by_name(found.operations).items()} == {
            "Titles": 2,
            "Shelf": 2,
        }
        assert {name: (c.operations, c.hits) for name, c in by_name(found.roots).items()} == {
            "books": (4, 1),
            "publishers": (2, 0),
        }
        assert {name: (c.operations, c.hits) for name, c in by_name(found.types).items()} == {
            "Book": (4, 1),
            "Author": (2, 0),
            "Publisher": (2, 0),
        }

    def test_types_in_fragments(self, engine: GraphQLEngine) -> None:
        data(engine, "{ ...R } fragment R on Query { books { ...B } } fragment B on Book { publisher { name } }")

        (counts,) = report(engine).operations

        assert counts.key == (None, "query", ("books",), ("Book", "Publisher"))

    def test_bytes_of_answers_and_of_what_is_kept(self, engine: GraphQLEngine) -> None:
        size = len(engine.execute(BOOKS).body)
        assert len(engine.execute(BOOKS).body) == size

        found = figures(report(engine).total)

        assert (found["bytes"], found["kept_bytes"], found["not_kept"]) == (2 * size, size, 0)

    def test_answers_that_are_too_large_to_be_kept(self, shop: Shop, locmem: str) -> None:
        settings = get_settings()
        settings = replace(settings, cache=replace(settings.cache, answer_bytes=10))
        engine = make_engine(locmem, settings=settings)
        data(engine, BOOKS)

        found = figures(report(engine).total)

        assert (found["not_kept"], found["kept_bytes"]) == (1, 0)


class TestTimes:
    """Times of stages, classes of durations, and the time that hits have saved."""

    def test_stages_are_parts_of_the_whole(self, engine: GraphQLEngine) -> None:
        for _ in range(3):
            data(engine, SHELF)

        total = report(engine).total
        parts = (total.parse, total.plan, total.cache, total.storage)

        assert all(part > 0 for part in parts)
        assert sum(parts) < total.seconds
        assert (sum(total.hits_by_time), sum(total.others_by_time)) == (2, 1)

    def test_hits_save_the_time_of_the_statements_that_ran_otherwise(self) -> None:
        counters, subject = Counters(10), Subject("Shelf", "query", ("books",), ("Book",))
        for outcome, storage in [(Outcome.ABSENT, 0.03), (Outcome.WRITTEN, 0.05), *[(Outcome.HIT, 0.0)] * 3]:
            counters.note(measured(subject, outcome, storage=storage))

        (counts,) = counters.operations()

        assert counts.estimate() == pytest.approx(3 * 0.04)

    def test_hits_of_an_operation_that_ran_no_statement_save_nothing(self) -> None:
        counters = Counters(10)
        counters.note(measured(Subject("Shelf", "query", (), ()), Outcome.HIT))

        assert counters.operations()[0].estimate() == 0

    def test_durations_are_counted_in_classes(self) -> None:
        counters, subject = Counters(10), Subject("Shelf", "query", (), ())
        for seconds in (0.00005, 0.0001, 0.0003, 20.0):
            counters.note(measured(subject, Outcome.ABSENT, seconds=seconds))

        by_time = counters.operations()[0].others_by_time

        assert {(*BOUNDS, None)[place]: number for place, number in enumerate(by_time) if number} == {
            0.0001: 2,
            0.0005: 1,
            None: 1,
        }

    @pytest.mark.parametrize(("share", "expected"), [(0.5, 0.0005), (0.75, 0.00075), (1.0, 0.001)])
    def test_quantile_within_a_class(self, share: float, expected: float) -> None:
        by_time = [0] * (len(BOUNDS) + 1)
        by_time[2], by_time[3] = 50, 50

        assert quantile(by_time, share) == pytest.approx(expected)

    def test_quantile_of_nothing(self) -> None:
        assert quantile([0] * (len(BOUNDS) + 1), 0.5) is None

    def test_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = Clock()
        monkeypatch.setattr("fraiseql_django.metrics.counters.time", clock)
        counters, subject = Counters(10), Subject("Shelf", "query", (), ())
        for at, outcome in [(0, Outcome.ABSENT), (5, Outcome.HIT), (70, Outcome.HIT), (200, Outcome.TRANSACTION)]:
            clock.now = at
            counters.note(measured(subject, outcome, started=at, seconds=0.001))
        clock.now = 201

        found = [(m.number, m.operations, m.hits, m.misses, m.bypasses) for m in counters.minutes()]

        assert found == [(0, 2, 1, 1, 0), (1, 1, 1, 0, 0), (3, 1, 0, 0, 1)]
        assert [m.number for m in counters.minutes()] == [0, 1, 3]


class TestBounds:
    """Clients choose names of operations; what is kept of them is bounded."""

    def test_operations_used_last_are_kept_by_name(self) -> None:
        counters = Counters(4)
        subjects = [Subject(f"Op{number}", "query", ("books",), ("Book",)) for number in range(100)]
        for at, subject in enumerate(subjects):
            counters.note(measured(subject, Outcome.ABSENT, started=at, storage=0.01))
            counters.note(measured(subjects[0], Outcome.HIT, started=at + 0.5))

        kept = {counts.key[0] for counts in counters.operations()}

        assert len(kept) <= 4
        assert {"Op0", "Op99"} <= kept
        total = counters.rest().total.operations + sum(counts.operations for counts in counters.operations())
        assert total == 200
        rest = counters.rest()
        assert rest.roots["books"].operations == rest.types["Book"].operations == rest.total.operations

    def test_estimate_survives_the_end_of_a_name(self) -> None:
        counters = Counters(1)
        first = Subject("First", "query", ("books",), ())
        for outcome, storage in [(Outcome.ABSENT, 0.5), (Outcome.HIT, 0.0)]:
            counters.note(measured(first, outcome, storage=storage))
        counters.note(measured(Subject("Second", "query", ("books",), ()), Outcome.ABSENT))

        assert counters.rest().roots["books"].saved == pytest.approx(0.5)

    def test_long_names_are_one(self, engine: GraphQLEngine) -> None:
        for letter in "ab":
            data(engine, "query %s { books { title } }" % (letter * 101))

        assert {counts.key[0]: counts.operations for counts in report(engine).operations} == {OTHER: 2}

    def test_code_outside_of_operations_adds_to_nothing_that_grows(self, engine: GraphQLEngine) -> None:
        before = current.measurement
        data(engine, BOOKS)

        assert current.measurement is before
        assert before.outcome is Outcome.REFUSED
        assert before.steps is None


class Clock:
    """The module ``time`` as the counters use it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def perf_counter(self) -> float:
        return self.now


def measured(
    subject: Subject, outcome: Outcome, *, started: float = 1.0, seconds: float = 0.1, storage: float = 0.0
) -> Measurement:
    made = Measurement()
    made.subject, made.outcome = subject, outcome
    made.started = made.parsed = made.planned = started
    made.ended = started + seconds
    made.storage, made.statements = storage, int(outcome is not Outcome.HIT)
    return made
