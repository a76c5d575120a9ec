"""Figures of several processes, through a cache that they share."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.db import connection

from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, get_engine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.metrics import metrics as module
from fraiseql_django.metrics import sharing
from fraiseql_django.metrics.sharing import COUNTER, EPOCH, Board, Process, Reporter
from fraiseql_django.testing import FailingCache
from tests.support import data, make_shop, wait_until

BOOKS = "query Titles { books { title } }"
# A process that executes the operation some times and ends, on the database and the cache of the tests
OTHER = """
import sys, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.CACHES["redis"]["KEY_PREFIX"] = sys.argv[2]
settings.FRAISEQL = {"CACHE": {"ALIAS": "redis"}, "METRICS": {"INTERVAL": 60}}
from fraiseql_django import get_engine
for _ in range(int(sys.argv[3])):
    assert not get_engine().execute("query Titles { books { title } }").errors
"""


@pytest.fixture
def redis(settings: Any) -> Iterator[str]:
    """Name the shared cache in the settings; its keys are removed before and after."""
    caches["redis"].delete_pattern("*")
    settings.FRAISEQL = {"CACHE": {"ALIAS": "redis"}, "METRICS": {"INTERVAL": 60}}
    yield "redis"
    caches["redis"].delete_pattern("*")


def run_other(times: int) -> None:
    """Run another process."""
    arguments = [str(connection.settings_dict["NAME"]), caches["redis"].key_prefix, str(times)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", OTHER, *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def command(*arguments: str) -> tuple[str, str]:
    """Run the command and return what it writes to stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command("fraiseql_stats", *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


@pytest.mark.django_db(transaction=True)
class TestSeveralProcesses:
    """What another process has reported when it ended."""

    def test_figures_are_added_up(self, redis: str) -> None:
        make_shop()
        run_other(3)
        data(get_engine(), BOOKS)

        report = get_engine().metrics.report()
        written, warned = command("--json")
        (schema,) = json.loads(written)["schemas"].values()

        assert (report.total.operations, report.total.hits, report.total.misses) == (4, 3, 1)
        assert len(report.processes) == 2
        assert schema["total"]["hits"] == 3
        assert schema["root_fields"]["books"]["operations"] == 4
        assert sorted(process["operations"] for process in schema["processes"]) == [1, 3]
        assert warned == ""
        # the statement ran in the other process, the hits of this one have saved its time as well
        (operation,) = report.operations
        assert operation.saved == pytest.approx(3 * operation.read)

        lines = command()[0].splitlines()
        assert lines[0].startswith("2 processes have executed operations")
        assert max(map(len, lines)) <= 80
        assert ["books", "4", "75%", "1", "0"] in [line.split()[:5] for line in lines]
        assert [line for line in lines if line.startswith("missed")] == ["missed      absent 1"]

        written, _ = command("--reset")
        assert "counts from zero" in written
        assert get_engine().metrics.report().total.operations == 0


class TestCommand:
    """fraiseql_stats where there is little to show."""

    def test_a_cache_in_memory(self, settings: Any) -> None:
        settings.FRAISEQL = {"CACHE": {"ALIAS": "locmem"}}

        written, warned = command()

        assert "No operations were executed" in written
        assert "'locmem', which other processes cannot read" in warned

    def test_nothing_is_reported(self, settings: Any) -> None:
        settings.FRAISEQL = {"CACHE": {"ALIAS": "redis"}, "METRICS": {"INTERVAL": 0}}

        assert "FRAISEQL['METRICS']['INTERVAL'] is 0" in command()[1]

    def test_a_cache_that_fails(self, redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
        board = get_engine().metrics.board
        assert board is not None
        monkeypatch.setattr(board, "cache", FailingCache(board.cache))

        with pytest.raises(CommandError, match=r"the cache 'redis' failed: CacheFailure") as caught:
            command()

        assert caught.value.returncode == 1

    def test_unknown_schema(self) -> None:
        with pytest.raises(CommandError, match="there is no schema 'nowhere'"):
            command("--schema", "nowhere")


def snapshot(process: Process, epoch: str | None = None) -> dict[str, Any]:
    return {"process": {"id": process.id, "name": process.name, "started": process.started}, "epoch": epoch}


class TestBoard:
    """Numbers and snapshots of processes."""

    @pytest.fixture
    def cache(self, cache_alias: str) -> DjangoCache:
        return DjangoCache(cache_alias)

    def names(self, board: Board) -> list[str]:
        return sorted(found["process"]["id"] for found in board.snapshots())

    def test_each_process_has_its_own(self, cache: DjangoCache) -> None:
        processes, boards = [Process(), Process()], [Board(cache, 60), Board(cache, 60)]
        for _ in range(2):
            for process, board in zip(processes, boards, strict=True):
                assert board.publish(snapshot(process))

        assert self.names(boards[0]) == sorted(process.id for process in processes)
        assert cache.get(COUNTER) == 2

    def test_counter_that_the_cache_has_lost(self, cache: DjangoCache) -> None:
        processes, boards = [Process(), Process()], [Board(cache, 60), Board(cache, 60)]
        for process, board in zip(processes, boards, strict=True):
            board.publish(snapshot(process))
        cache.delete(COUNTER)
        for _ in range(3):
            for process, board in zip(processes, boards, strict=True):
                board.publish(snapshot(process))

        assert self.names(boards[0]) == sorted(process.id for process in processes)

    def test_reset(self, cache: DjangoCache) -> None:
        process, board = Process(), Board(cache, 60)
        board.publish(snapshot(process))
        epoch = board.reset()

        assert board.snapshots() == []
        assert not board.publish(snapshot(process))
        assert board.publish(snapshot(process, epoch))
        assert self.names(board) == [process.id]
        assert cache.get(EPOCH) == epoch

    def test_what_another_release_has_written_is_passed_over(self, cache: DjangoCache) -> None:
        board = Board(cache, 60)
        board.publish(snapshot(Process()))
        cache.increment(COUNTER)
        cache.set(f"{sharing.SNAPSHOT}2", b"something else", 60)

        assert len(board.snapshots()) == 1


class TestReporter:
    """The thread that reports."""

    def test_reports_until_nothing_happens_and_starts_again(self) -> None:
        source = Source([True, False, True, False, False, False])
        reporter = Reporter(source.report, 0.001)
        reporter.wake()
        wait_until(lambda: not reporter.active)
        assert source.called == 6

        source.left = [False, False, False]
        reporter.wake()
        reporter.wake()
        wait_until(lambda: not reporter.active)
        assert source.called == 9

    def test_failure_is_logged_and_tried_again(self, caplog: pytest.LogCaptureFixture) -> None:
        source = Source([OSError("gone"), False, False, False])
        reporter = Reporter(source.report, 0.001)
        reporter.wake()
        wait_until(lambda: not reporter.active)

        assert "figures of operations were not reported: OSError: gone" in caplog.text

    def test_ends_with_what_it_reports_of(self) -> None:
        sources = [Source([True] * 100_000)]
        reporter = Reporter(sources[0].report, 0.001)
        reporter.wake()
        wait_until(lambda: sources[0].called)
        sources.clear()
        wait_until(lambda: not reporter.active)

    def test_a_forked_process_counts_from_zero(self, settings: Any) -> None:
        engine = GraphQLEngine(cache=None)
        engine.execute("{ __typename }")
        before = engine.metrics.process.id
        # held by a thread of the parent, which the child does not have
        engine.metrics.counters._lock.acquire()
        module._forked()

        assert engine.metrics.process.id != before
        assert engine.metrics.report().total.operations == 0


class Source:
    """What a reporter reports of."""

    def __init__(self, left: list[Any]) -> None:
        self.left = left
        self.called = 0

    def report(self) -> bool:
        """Return the next result."""
        self.called += 1
        found = self.left.pop(0) if self.left else False
        if isinstance(found, Exception):
            raise found
        return bool(found)


@pytest.mark.django_db(transaction=True)
def test_only_engines_of_the_settings_report_and_no_request_waits(redis: str) -> None:
    make_shop()
    # those of engines of other tests
    before = threads()
    data(GraphQLEngine(), BOOKS)
    assert threads() == before
    data(get_engine(), BOOKS)
    data(get_engine(), BOOKS)
    assert len(threads() - before) == 1
    # the first report is yet to come
    assert caches["redis"].get("fraiseql:" + COUNTER) is None
    assert get_engine().metrics.publish()
    assert not get_engine().metrics.publish()
    assert caches["redis"].get("fraiseql:" + COUNTER) == 1


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "fraiseql-metrics"}
