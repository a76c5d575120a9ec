"""A run of the checker: a database and a cache of its own, processes that write and read, what disturbs them, a report.

``run(Run(…), database)`` returns a ``Result``. The database is made on the server of the settings that it is given.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from example_project.servers import EmbeddedRedis

from .bounds import Bounds
from .disturbances import DISTURBANCES, replace
from .registers import Layout, first_rows
from .report import explained

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
START_SECONDS = 60
# for which a process may still be busy when a run is over
END_SECONDS = 60
BACKENDS = ("redis", "locmem", "database", "file")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run does: until so many reads were made, or so many seconds have passed, or an answer was stale."""

    backend: str = "redis"
    seed: int = 1
    reads: int | None = None
    seconds: float = 60
    processes: int = 3
    writers: int = 2
    readers: int = 2
    # seconds between the writes of a thread, on average
    pause: float = 0.05
    sabotage: str | None = None
    # seconds that some commits take longer at most, before and after
    slow: float = 0
    # which part of all commits kills its process, before anybody is told of it
    deadly: float = 0
    # after so many of these the run ends
    deaths: int | None = None
    # seconds that the mark of a process that was killed lasts
    lease: int = 1
    disturbances: tuple[str, ...] = ()
    # seconds after which answers show a write whose process was killed
    grace: float = 1.5
    # for the cache's settings in CACHES
    cache_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run has found."""

    run: Run
    reads: int
    hits: int
    writes: int
    rolled_back: int
    in_doubt: int
    stale: int
    # answers that are never kept again after all writes are over
    idle: int
    disturbed: Mapping[str, int]
    seconds: float
    problems: str

    def __str__(self) -> str:
        disturbed = "".join(f", {name} {number}×" for name, number in self.disturbed.items() if number)
        return (
            f"{self.run.backend}, seed {self.run.seed}: {self.reads:,} reads ({self.hits:,} hits), {self.writes:,} "
            f"writes, {self.rolled_back:,} rolled back, {self.in_doubt:,} in doubt{disturbed} in {self.seconds:.0f} s: "
            f"{self.stale} stale, {self.idle} not kept again" + (f"\n{self.problems}" if self.problems else "")
        )


class Running:
    """A run that goes on: its processes, servers and shared memory."""

    def __init__(self, run: Run, database: Mapping[str, Any], folder: Path, redis: EmbeddedRedis | None) -> None:
        self.run, self.database, self.folder, self.redis = run, database, folder, redis
        self.layout = Layout(run.processes * run.writers)
        self.bounds = Bounds(folder / "bounds", self.layout, run.processes)
        self.random = Random(f"{run.seed} disturbances")
        self.started = time.monotonic()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.incarnations = [0] * run.processes
        self.events: list[dict[str, Any]] = []
        # when answers must show what a process wrote that was killed
        self.due: list[tuple[float, Any, int]] = []

    def note(self, what: str, **more: Any) -> None:
        """Keep an event for the report."""
        self.events.append({"at": time.monotonic(), "process": "run", "what": what, **more})

    def start(self, slot: int) -> subprocess.Popen[bytes]:
        """Start the process of a slot."""
        run = self.run
        names = ("seed", "processes", "writers", "readers", "pause", "sabotage", "slow", "deadly", "lease", "grace")
        config = {
            **{name: getattr(run, name) for name in names},
            "slot": slot,
            "incarnation": self.incarnations[slot],
            "folder": str(self.folder),
            "disturbed": bool(run.disturbances or run.deadly),
            "database": self._database_of(slot),
            "cache": self._cache(),
        }
        # none of pytest, whose coverage or workers are not theirs
        environment = {**os.environ, "FRAISEQL_CHECKER": json.dumps(config), "PYTHONPATH": str(ROOT)}
        environment["DJANGO_SETTINGS_MODULE"] = "tests.checker.settings"
        with (self.folder / f"log-{slot}-{self.incarnations[slot]}").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.checker.worker"], env=environment, stdout=log, stderr=log
            )

    def _database_of(self, slot: int) -> dict[str, Any]:
        options = {**self.database["OPTIONS"], "application_name": self.application(slot)}
        return {**self.database, "OPTIONS": options, "CONN_MAX_AGE": None}

    def application(self, slot: int) -> str:
        """Return the name of a process's connections in PostgreSQL."""
        return f"checker {slot} {self.incarnations[slot]}"

    def _cache(self) -> dict[str, Any]:
        redis = self.redis
        made: dict[str, dict[str, Any]] = {
            "redis": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis.url if redis else ""},
            "locmem": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "checker"},
            "database": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "checker_cache"},
            "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                     "LOCATION": str(self.folder / "cache")},
        }  # fmt: skip
        return {**made[self.run.backend], **self.run.cache_options}

    def connect(self) -> psycopg.Connection[Any]:
        """Connect to the run's database."""
        return connect(self.database, autocommit=True)

    def wait_until(self, condition: Any, seconds: float) -> bool:
        """Wait, and return whether a condition came true; a process that has ended is an error."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def ready(self, slot: int) -> bool:
        """Whether a process can begin, or has ended already."""
        return bool(self.bounds.of(slot, "ready")) or self.processes[slot].poll() is not None


def connect(database: Mapping[str, Any], **options: Any) -> psycopg.Connection[Any]:
    """Connect to the database of some settings of Django's."""
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {name: database[key] for key, name in names.items() if database.get(key)}
    return psycopg.connect(**given, **options)


@contextmanager
def _own_database(database: Mapping[str, Any], seed: int) -> Iterator[dict[str, Any]]:
    """Make a database on a server, and drop it at the end."""
    name = f"checker_{os.getpid()}_{seed}"
    with connect({**database, "NAME": "postgres"}, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            keys = ("ENGINE", "USER", "PASSWORD", "HOST", "PORT")
            yield {"NAME": name, "OPTIONS": {}, **{key: database.get(key, "") for key in keys}}
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _fill(database: Mapping[str, Any], layout: Layout) -> None:
    with connect(database) as connection:
        connection.execute((HERE / "tables.sql").read_bytes())
        for sql, values in first_rows(layout):
            connection.execute(sql.encode(), values)


def run(run: Run, database: Mapping[str, Any]) -> Result:
    """Run the checker on the server of a database's settings."""
    with tempfile.TemporaryDirectory(prefix="checker-") as path, _own_database(database, run.seed) as own:
        redis = EmbeddedRedis(Path(path) / "redis") if run.backend == "redis" else None
        if redis is not None:
            redis.start()
        running = Running(run, own, Path(path), redis)
        try:
            _fill(own, running.layout)
            return _run(running)
        finally:
            for process in running.processes:
                process.kill()
                process.wait()
            running.bounds.close()
            if redis is not None:
                redis.stop()


def _run(running: Running) -> Result:
    run, bounds = running.run, running.bounds
    running.processes += [running.start(slot) for slot in range(run.processes)]
    if not running.wait_until(lambda: all(map(running.ready, range(run.processes))), START_SECONDS):
        raise TimeoutError("the checker's processes are not ready")
    running.started = time.monotonic()
    bounds.set_flag("go")
    disturbed = _watch(running)
    bounds.set_flag("stop_writing")
    seconds = time.monotonic() - running.started
    while running.due and not bounds.flag("failed"):
        _decide(running)
        time.sleep(0.02)
    bounds.set_flag("decided")
    for process in running.processes:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            bounds.set_flag("failed")
    counts = {name: bounds.count(name) for name in ("reads", "hits", "writes", "rolled_back", "in_doubt")}
    return Result(
        run=run, **counts, stale=bounds.count("stale"), idle=bounds.count("idle"),
        disturbed=disturbed, seconds=seconds, problems=explained(running),
    )  # fmt: skip


def _watch(running: Running) -> dict[str, int]:
    """Disturb a run until it is over; return how often it was disturbed in which way."""
    run, bounds = running.run, running.bounds
    disturbed = dict.fromkeys(run.disturbances, 0)
    deadline, next_at = running.started + run.seconds, time.monotonic() + 0.5
    while time.monotonic() < deadline and not bounds.flag("failed"):
        if run.reads is not None and bounds.count("reads") >= run.reads:
            break
        for slot, process in enumerate(running.processes):
            if process.poll() == -signal.SIGKILL:
                disturbed["kill"] = disturbed.get("kill", 0) + 1
                if run.deaths is not None and disturbed["kill"] >= run.deaths:
                    bounds.set_flag("stop_writing")
                replace(running, slot)
        if bounds.flag("stop_writing"):
            break
        if any(process.poll() is not None for process in running.processes):
            break
        # a process that is starting is no use to disturb
        if run.disturbances and time.monotonic() > next_at and all(map(running.ready, range(run.processes))):
            name = running.random.choice(run.disturbances)
            DISTURBANCES[name](running)
            disturbed[name] += 1
            next_at = time.monotonic() + running.random.random()
        _decide(running)
        time.sleep(0.02)
    return disturbed


def _decide(running: Running) -> None:
    """Demand what a process has written before it was killed, once its marks have ended."""
    for entry in [entry for entry in running.due if time.monotonic() > entry[0]]:
        running.due.remove(entry)
        running.bounds.commit(entry[1], entry[2])
        running.note("was written", registers=[str(entry[1])], numbers=[entry[2]])
