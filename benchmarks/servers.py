"""What it costs to go through further servers: a replica, PgBouncer, Redis in each form.

    python -m benchmarks.servers           # a minute; prints a table
    python -m benchmarks.servers --take    # and puts it into docs/growing.md

All servers run on this machine, on sockets or the loopback interface, so that the network's time has to be added. The
ways take turns, some calls in each round; the figures are of the round that nine of ten were slower than, since what
else runs on the machine only makes a round slower.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import django

PAGE = Path(__file__).resolve().parent.parent / "docs" / "growing.md"
QUERY = "query($n: ID!) { authors(where: {id: {gte: $n}}, orderBy: [{id: ASC}], limit: 20) { id name born } }"
ROWS, ROUNDS, CALLS = 100_000, 80, 15

# keys of rows: those of one way are never those of another, whose answers are kept
NUMBERS = count(1)

Way = Callable[[], object]


class Router:
    """Reads from the replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "primary"


@contextmanager
def ways() -> Iterator[dict[str, Way]]:
    """Start all servers; return what is measured by name."""
    from django.db import connections
    from django.test import override_settings

    from example_project.bookshop.models import Author
    from tests import servers

    with ExitStack() as stack:
        pair = stack.enter_context(servers.replicated())
        usual = {**connections.settings["second"], "OPTIONS": {}}
        for alias, server in {"primary": pair.primary, "replica": pair.standby}.items():
            connections.settings[alias] = {**usual, **pair.settings(server, "postgres")}
        pooled = stack.enter_context(servers.pgbouncer(connections.settings["primary"]))
        connections.settings["pooled"] = {**pooled, "TEST": {**usual["TEST"], "MIRROR": "primary"}}
        with connections["primary"].schema_editor() as editor:
            editor.create_model(Author)
        Author.objects.using("primary").bulk_create([Author(name=f"author {n:06}") for n in range(ROWS)])
        with connections["primary"].cursor() as cursor:
            cursor.execute("ANALYZE")
        pair.catch_up()
        alone = stack.enter_context(servers.redis_server())
        sentinel = stack.enter_context(servers.redis_with_sentinel())
        cluster = stack.enter_context(servers.redis_cluster())
        stack.enter_context(override_settings(CACHES=caches(alone.url, sentinel.sentinel.port, cluster.url)))
        stack.enter_context(override_settings(DATABASE_ROUTERS=["benchmarks.servers.Router"]))
        yield {**reads(), **hits()}
        connections.close_all()


def caches(alone: str, sentinel: int, cluster: str) -> dict[str, Any]:
    """Return CACHES with Redis in each form."""
    redis = {"BACKEND": "django_redis.cache.RedisCache"}
    of_sentinel = {
        "CLIENT_CLASS": "django_redis.client.SentinelClient",
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": [("127.0.0.1", sentinel)],
    }
    of_cluster = {"CONNECTION_FACTORY": "fraiseql_django.cache.cluster.ClusterConnectionFactory"}
    return {
        "default": {**redis, "LOCATION": alone},
        "sentinel": {**redis, "LOCATION": "redis://fraiseql/0", "OPTIONS": of_sentinel},
        "cluster": {**redis, "LOCATION": cluster, "OPTIONS": of_cluster},
    }


def engine(alias: str, cache: str | None = None, *, replicas: tuple[str, ...] = ()) -> Any:
    """Make an engine over one database and one cache."""
    import fraiseql_django as fraiseql
    from example_project.bookshop.models import Author
    from fraiseql_django import GraphQLEngine, Registry
    from fraiseql_django.conf.settings import CacheSettings, Settings

    registry = Registry()
    fraiseql.type(Author, fields=["id", "name", "born"], registry=registry)(type("AuthorType", (), {}))
    settings = replace(Settings(), database=alias, replicas=replicas, cache=CacheSettings(alias=cache))
    return GraphQLEngine(settings=settings, registry=registry)


def executed(made: Any, number: int) -> None:
    """Execute the query, which must succeed."""
    response = made.execute(QUERY, {"n": str(number)})
    assert not response.errors, response.errors


def missed(made: Any) -> Way:
    """Return what executes the query with another key each time, so that no answer is kept for it."""
    return lambda: executed(made, next(NUMBERS))


def reads() -> dict[str, Way]:
    """Return queries that a statement answers."""
    replicated = engine("primary", "default", replicas=("replica",))
    return {
        "statement on the primary, nothing is kept": missed(engine("primary")),
        "statement through PgBouncer, nothing is kept": missed(engine("pooled")),
        "statement on the primary, its answer is stored": missed(engine("primary", "default")),
        "statement on a replica, its answer is stored": missed(replicated),
    }


def hits() -> dict[str, Way]:
    """Return queries that a kept answer serves."""
    forms = {"Redis alone": "default", "Redis behind Sentinel": "sentinel", "Redis Cluster": "cluster"}
    found: dict[str, Way] = {}
    for name, cache in forms.items():
        made = engine("primary", cache)
        found[f"kept answer, {name}"] = lambda made=made: executed(made, 7)  # type: ignore[misc]
    return found


def measured(found: dict[str, Way]) -> dict[str, float]:
    """Return the microseconds of each way."""
    times: dict[str, list[float]] = {name: [] for name in found}
    for round_ in range(ROUNDS + 1):
        for name, way in found.items():
            started = time.perf_counter()
            for _ in range(CALLS):
                way()
            if round_:
                times[name].append((time.perf_counter() - started) / CALLS * 1e6)
    return {name: statistics.quantiles(taken, n=10)[0] for name, taken in times.items()}


def table(figures: dict[str, float]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [f"| {name} | {round(value)} |" for name, value in figures.items()]
    return "\n".join(["| | microseconds |", "|---|---:|", *lines])


def main() -> None:
    """Measure, print and, if asked for, keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--take", action="store_true", help="put the table into docs/growing.md")
    arguments = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    with ways() as found:
        text = table(measured(found))
    sys.stdout.write(text + "\n")
    if arguments.take:
        page = PAGE.read_text()
        start, end = "<!-- servers -->\n", "\n<!-- /servers -->"
        PAGE.write_text(re.sub(f"{start}.*?{end}", lambda _: start + text + end, page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
