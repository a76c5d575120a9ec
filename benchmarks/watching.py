"""What watched tables cost those who write them, and how long an answer outlives a write.

Run `python -m benchmarks.watching`.

Starts a PostgreSQL and a Redis of its own, with the settings that they have by default: a commit waits for the disk.
``--fast`` lets commits not wait (synchronous_commit=off), as where the disk is no limit. Prints tables.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from statistics import median, quantiles
from threading import Thread
from typing import Any

import dj_database_url
import django
import psycopg
from django.conf import settings

from example_project.servers import EmbeddedPostgres, EmbeddedRedis

ROUNDS, WRITERS, SECONDS, DELAYS = 15, 8, 2.0, 1000
INSERT = "INSERT INTO {} (text) VALUES ('a row of some length, as rows are')"
MANY = "INSERT INTO {} (text) SELECT 'row ' || i FROM generate_series(1, 1000) AS i"
# an option of the connection
QUIETLY = "&options=-c%20fraiseql.quiet%3Don"
NOTHING = "UPDATE {} SET text = '' WHERE id = 0"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching", description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="commits do not wait for the disk")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="watching-", dir="/var/tmp"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder / "postgres", {"synchronous_commit": "off"} if options.fast else {})
    redis = EmbeddedRedis(folder / "redis")
    postgres.start()
    redis.start()
    try:
        _configure(postgres.url, redis.url)
        _prepare(postgres.url)
        _writer(postgres.url)
        _writers(postgres.url)
        _delays(postgres.url)
    finally:
        postgres.stop()
        redis.stop()


def _configure(url: str, redis: str) -> None:
    settings.configure(
        DATABASES={"default": dj_database_url.parse(url)},
        INSTALLED_APPS=["fraiseql_django"],
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
            "redis": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis},
        },
    )
    django.setup()


def _prepare(url: str) -> None:
    from fraiseql_django.sql.triggers import watch_statements

    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("plain", "watched"):
            connection.execute(f"CREATE TABLE {table} (id bigserial PRIMARY KEY, text text)")  # type: ignore[arg-type]
        for statement in watch_statements([("watched",)]):
            connection.execute(statement)  # type: ignore[arg-type]


@contextmanager
def _watching(number: int) -> Iterator[list[Any]]:
    from fraiseql_django.invalidation.watcher import Watcher

    watchers = [Watcher("default", 5) for _ in range(number)]
    threads = [Thread(target=watcher.run) for watcher in watchers]
    for thread in threads:
        thread.start()
    while not all(watcher.listens for watcher in watchers):
        time.sleep(0.01)
    try:
        yield watchers
    finally:
        for watcher in watchers:
            watcher.stop()
        for thread in threads:
            thread.join()


def _timed(act: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - started) / times * 1e6


def _writer(url: str) -> None:
    print("\n| one writer, µs | no trigger | trigger | ratio |\n|---|---|---|---|")
    for label, sql, times, listening, address in (
        ("a row, its own transaction", INSERT, 100, 0, url),
        ("the same, one watcher listens", INSERT, 100, 1, url),
        ("the same, eight watchers listen", INSERT, 100, 8, url),
        ("the same, the session is quiet", INSERT, 100, 1, url + QUIETLY),
        ("an UPDATE that finds no row", NOTHING, 100, 1, url),
        ("1,000 rows in one statement", MANY, 5, 1, url),
    ):
        with psycopg.connect(address, autocommit=True) as connection, _watching(listening):
            found: dict[str, list[float]] = {"plain": [], "watched": []}
            for _ in range(ROUNDS):
                for table, times_of in found.items():
                    statement: Any = sql.format(table)
                    times_of.append(_timed(lambda statement=statement: connection.execute(statement), times))
        plain, watched = median(found["plain"]), median(found["watched"])
        ratio = median(two / one for one, two in zip(found["plain"], found["watched"], strict=True))
        print(f"| {label} | {plain:,.0f} | {watched:,.0f} | {ratio:.2f} |")


def _write_for(url: str, table: str, seconds: float, start: Any, done: Any) -> None:
    statement: Any = INSERT.format(table)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
        start.wait()
        end = time.perf_counter() + seconds
        count = 0
        while time.perf_counter() < end:
            connection.execute(statement)
            count += 1
    done.put(count)


def _throughput(url: str, table: str) -> float:
    context = multiprocessing.get_context("spawn")
    start, done = context.Barrier(WRITERS), context.Queue()
    processes = [context.Process(target=_write_for, args=(url, table, SECONDS, start, done)) for _ in range(WRITERS)]
    for process in processes:
        process.start()
    total = sum(done.get() for _ in processes)
    for process in processes:
        process.join()
    return total / SECONDS


def _writers(url: str) -> None:
    print(f"\n| {WRITERS} writers, rows a second | no trigger | trigger | ratio |\n|---|---|---|---|")
    for label, address in (("a row each, its own transaction", url), ("the same, quiet", url + QUIETLY)):
        found: dict[str, list[float]] = {"plain": [], "watched": []}
        for _ in range(5):
            for table, rates in found.items():
                rates.append(_throughput(address, table))
        ratio = median(two / one for one, two in zip(found["plain"], found["watched"], strict=True))
        print(f"| {label} | {median(found['plain']):,.0f} | {median(found['watched']):,.0f} | {ratio:.2f} |")


def _delays(url: str) -> None:
    from fraiseql_django import invalidation
    from fraiseql_django.cache.answers import Answers
    from fraiseql_django.cache.django import DjangoCache
    from fraiseql_django.invalidation import watcher as watching

    usual = watching.drop
    dropped: SimpleQueue[float] = SimpleQueue()

    def drop(tables: Any) -> None:
        usual(tables)
        if set(tables) == {"watched"}:
            dropped.put(time.perf_counter())

    watching.drop = drop
    statement: Any = INSERT.format("watched")
    print("\n| from the commit to the new version, ms | median | 99 % | longest |\n|---|---|---|---|")
    for label, alias in (("LocMemCache", "default"), ("Redis", "redis")):
        answers = invalidation.watch(Answers(DjangoCache(alias)))
        delays = []
        with psycopg.connect(url, autocommit=True) as connection, _watching(1):
            for _ in range(DELAYS):
                time.sleep(0.002)
                connection.execute(statement)
                committed = time.perf_counter()
                delays.append(max(0.0, dropped.get() - committed) * 1000)
        del answers
        print(f"| {label} | {median(delays):.2f} | {quantiles(delays, n=100)[98]:.2f} | {max(delays):.2f} |")


if __name__ == "__main__":
    main()
