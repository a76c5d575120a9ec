"""Measure the endpoint behind servers of WSGI and ASGI, one process each, and what a call in an event loop costs.

    python -m benchmarks.asgi           # three minutes; prints tables
    python -m benchmarks.asgi --take    # and puts them into docs/async.md

Each server runs alone, since connections are counted. A figure is the median of its rounds. What a request costs is the
processor time of the server's process, which depends less than the requests in a second on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
import psutil
import psycopg

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "async.md"
WRK = Path(__file__).resolve().parent.parent / "post.lua"
ROUNDS, SECONDS, CALLS = 3, 2, 200
SHORT = '{"query": "{ authors(limit: 3) { id name } }"}'
SLOW = '{"query": "{ authors(limit: 1) { nap } }"}'

GUNICORN = ["gunicorn", "-k", "gthread", "--threads", "8", "-b", "127.0.0.1:{port}", "example_project.wsgi"]
UVICORN = ["uvicorn", "--log-level", "warning", "--port", "{port}", "example_project.asgi:application"]
GRANIAN = ["granian", "--interface", "asginl", "--port", "{port}", "--no-log", "example_project.asgi:application"]


@dataclass
class Side:
    """A server, its cache and connections, and what was measured of it."""

    name: str
    command: list[str]
    connections: str
    middleware: bool = True
    figures: dict[str, list[float]] = field(default_factory=dict)
    port: int = 0
    process: Any = None

    def start(self, environment: dict[str, str]) -> None:
        """Start the server and wait until it answers."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        command = [sys.executable, "-m", *(part.format(port=self.port) for part in self.command)]
        self.process = subprocess.Popen(
            command,
            env={
                **environment,
                "BENCHMARK_CONNECTIONS": self.connections,
                "BENCHMARK_MIDDLEWARE": str(self.middleware),
            },
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 60
        headers = {"Content-Type": "application/json"}
        while True:
            try:
                urllib.request.urlopen(
                    urllib.request.Request(self.address, SHORT.encode(), headers), timeout=10
                ).close()
                return
            except (urllib.error.URLError, OSError):
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    @property
    def address(self) -> str:
        """The URL of the endpoint."""
        return f"http://127.0.0.1:{self.port}/graphql/"

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(30)

    def load(self, body: str, clients: int) -> dict[str, float]:
        """Send requests for some seconds; return what was measured meanwhile."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(body + "\n")
            file.flush()
            options = [
                "-t",
                "1",
                "-c",
                str(clients),
                "-d",
                f"{SECONDS}s",
                "-s",
                str(WRK),
                self.address,
                "--",
                file.name,
            ]
            before = self.cpu()
            running = subprocess.Popen(["wrk", *options], stdout=subprocess.PIPE, text=True)
            most = 0
            while running.poll() is None:
                most = max(most, self.threads())
                time.sleep(0.05)
            assert running.stdout is not None
            found = json.loads(running.stdout.read().strip().splitlines()[-1])
        requests = max(found["requests"], 1)
        return {
            "rate": (found["requests"] - found["failed"]) / found["seconds"],
            "cpu": (self.cpu() - before) / requests,
            "failed": found["failed"] / requests,
            "threads": most,
            "requests": requests,
        }

    def processes(self) -> list[Any]:
        """Return the server's processes."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def threads(self) -> int:
        """Return how many threads the server has, in the process that answers."""
        return max(each.num_threads() for each in self.processes())

    def cpu(self) -> float:
        """Return the processor time of the server so far, in seconds."""
        return float(sum(times.user + times.system for times in (each.cpu_times() for each in self.processes())))


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Start PostgreSQL and Redis with some authors; return the environment of processes that use them."""
    from django.db import connection

    from example_project.bookshop.models import Author
    from tests.settings import POSTGRES, REDIS

    POSTGRES.start()
    REDIS.start()
    try:
        with connection.schema_editor() as editor:
            editor.create_model(Author)
        Author.objects.bulk_create([Author(name=f"author {number:04}") for number in range(1000)])
        yield {
            **os.environ,
            "DATABASE_URL": POSTGRES.url,
            "REDIS_URL": REDIS.url,
            "DJANGO_SETTINGS_MODULE": "benchmarks.asgi.settings",
        }
    finally:
        connection.close()
        POSTGRES.stop()
        REDIS.stop()


class Connections:
    """Counts the connections to the database, by one of its own."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def opened(self) -> int:
        """Return how many were opened so far."""
        return self._number("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")

    def open(self) -> int:
        """Return how many are open."""
        return self._number("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()")

    def _number(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])


def over_http(environment: dict[str, str], *, cached: bool) -> list[Side]:
    """Measure the servers; answers are found in Redis, or none is kept and each request sends a statement."""
    sides = [
        Side("gunicorn, 8 threads (WSGI), `CONN_MAX_AGE` 60", GUNICORN, "60"),
        Side("uvicorn (ASGI), `CONN_MAX_AGE` 0", UVICORN, "0"),
        Side("uvicorn (ASGI), `CONN_MAX_AGE` 60", UVICORN, "60"),
        Side("uvicorn (ASGI), pool of 8", UVICORN, "pool"),
        Side("granian (ASGI), pool of 8", GRANIAN, "pool"),
    ]
    if cached:
        sides += [
            Side("gunicorn, 8 threads (WSGI), without middleware", GUNICORN, "60", middleware=False),
            Side("uvicorn (ASGI), without middleware", UVICORN, "0", middleware=False),
        ]
    environment = {**environment, "BENCHMARK_CACHE": "redis" if cached else "none"}
    for side in sides:
        connections = Connections(environment["DATABASE_URL"])
        try:
            side.start(environment)
            side.load(SHORT, 8)
            for _ in range(ROUNDS):
                note(side, **counted(side, connections, SHORT, 8))
                if not cached:
                    slow = counted(side, connections, SLOW, 50)
                    note(side, **{f"slow_{name}": value for name, value in slow.items()})
        finally:
            side.stop()
            connections.close()
    for side in sides:
        side.figures["ratio"] = [of(side, "cpu") / of(sides[0], "cpu")]
    return sides


def counted(side: Side, connections: Connections, body: str, clients: int) -> dict[str, float]:
    """Load a server; return what was measured, with its connections."""
    # PostgreSQL adds up its statistics once a second
    time.sleep(1.2)
    before = connections.opened()
    found: dict[str, float] = {}
    loading = threading.Thread(target=lambda: found.update(side.load(body, clients)))
    loading.start()
    most = 0
    while loading.is_alive():
        most = max(most, connections.open())
        time.sleep(0.05)
    loading.join()
    time.sleep(1.2)
    return {**found, "most": most, "opened": 1000 * (connections.opened() - before) / found["requests"]}


def note(side: Side, **figures: float) -> None:
    """Add figures of one round."""
    for name, value in figures.items():
        side.figures.setdefault(name, []).append(value)


def of(side: Side, name: str) -> float:
    """Return the median of a figure."""
    return statistics.median(side.figures[name])


def in_process() -> dict[str, float]:
    """Return the microseconds of calls in one process: the fastest tenth of them, in turns."""
    from asgiref.sync import sync_to_async
    from django.core.cache import caches

    import fraiseql_django as fraiseql
    from example_project.bookshop.models import Author
    from fraiseql_django import GraphQLEngine, Registry
    from fraiseql_django.cache.django import DjangoCache

    def allowed(viewer: Any) -> bool:
        return True

    async def awaited(viewer: Any) -> bool:
        return True

    def engine(permission: Any) -> Any:
        registry = Registry()
        fraiseql.type(Author, fields=["id", "name"], permission=permission, registry=registry)(
            type("AuthorType", (), {})
        )
        return GraphQLEngine(registry=registry, cache=DjangoCache("locmem"))

    caches["locmem"].clear()
    query = "{ authors(limit: 3) { id name } }"
    plain, function, coroutine = engine(None), engine(allowed), engine(awaited)

    async def measure() -> dict[str, float]:
        nothing = sync_to_async(lambda: None)
        ways: dict[str, Any] = {
            "`sync_to_async` of nothing": nothing,
            "`execute`, a hit in memory": lambda: plain.execute(query),
            "`aexecute`, a hit in memory": lambda: plain.aexecute(query),
            "`execute`, with a permission that is a function": lambda: function.execute(query),
            "`execute`, with a permission that is a coroutine function": lambda: coroutine.execute(query),
            "`aexecute`, with a permission that is a coroutine function": lambda: coroutine.aexecute(query),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(CALLS):
            for name, way in ways.items():
                if name.startswith("`execute"):
                    took = await asyncio.get_running_loop().run_in_executor(None, timed, way)
                else:
                    began = time.perf_counter()
                    await way()
                    took = time.perf_counter() - began
                if number > CALLS // 10:
                    times[name].append(took * 1e6)
        return {name: statistics.quantiles(taken, n=10)[0] for name, taken in times.items()}

    for made in (plain, function, coroutine):
        made.execute(query)
    return asyncio.run(measure())


def timed(way: Any) -> float:
    """Return the seconds that a call takes in a thread without an event loop."""
    began = time.perf_counter()
    response = way()
    took = time.perf_counter() - began
    assert not response.errors, response.errors
    return took


def tables(hits: list[Side], misses: list[Side], calls: dict[str, float]) -> dict[str, str]:
    """Return the tables in Markdown, by name."""
    columns = [
        "processor time of a request, to WSGI",
        "failed",
        "threads",
        "connections at once",
        "opened for 1,000 requests",
    ]
    head = f"| | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}\n"

    def row(side: Side) -> str:
        ratio = f"{of(side, 'ratio'):.2f} | {of(side, 'failed'):.0%}"
        figures = (of(side, "threads"), of(side, "most"), of(side, "opened"))
        return f"| {side.name} | {ratio} | {' | '.join(f'{value:,.0f}' for value in figures)} |"

    slow = "| | requests a second | failed | threads | connections at once |\n|---|---:|---:|---:|---:|\n"

    def row_of_slow(side: Side) -> str:
        figures = f"{of(side, 'slow_rate'):.0f} | {of(side, 'slow_failed'):.0%}"
        return f"| {side.name} | {figures} | {of(side, 'slow_threads'):.0f} | {of(side, 'slow_most'):.0f} |"

    return {
        "hits": head + "\n".join(map(row, hits)),
        "misses": head + "\n".join(map(row, misses)),
        "slow": slow + "\n".join(map(row_of_slow, misses)),
        "calls": "| | microseconds |\n|---|---:|\n"
        + "\n".join(f"| {name} | {took:.0f} |" for name, took in calls.items()),
    }


def main() -> None:
    """Measure, print and, if asked for, keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", action="store_true", help="put the tables into docs/async.md")
    arguments = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    with services() as environment:
        calls = in_process()
        found = tables(over_http(environment, cached=True), over_http(environment, cached=False), calls)
    for name, text in found.items():
        sys.stdout.write(f"{name}\n\n{text}\n\n")
        if arguments.take:
            page = PAGE.read_text()
            start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
            block = f"{start}{text}\n{end}"
            PAGE.write_text(re.sub(f"{start}.*?{end}", lambda _, new=block: new, page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
