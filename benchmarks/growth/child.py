"""A process for one point: runs what it is told on its command line, and prints the result as JSON.

python -m benchmarks.growth.child '{"do": "times", "root": "rows", "query": …, "sql": …, "seconds": 1}'
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

BEGUN = perf_counter()

import django  # noqa: E402

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.growth.settings"
django.setup()

import psutil  # noqa: E402
from django.db import connections  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402

import fraiseql_django as fraiseql  # noqa: E402
from benchmarks.growth import models  # noqa: E402
from benchmarks.http_servers import peak_memory  # noqa: E402
from benchmarks.sides import limit  # noqa: E402
from benchmarks.workloads import Workload  # noqa: E402
from fraiseql_django.declare.registry import Registry  # noqa: E402
from fraiseql_django.engine import GraphQLEngine  # noqa: E402
from fraiseql_django.views import GraphQLView  # noqa: E402

READY = perf_counter()
FACTORY = RequestFactory()


def engine_over(declared: list[Any]) -> GraphQLEngine:
    """Make an engine over these models."""
    registry = Registry()
    for model in declared:
        of_type = type(f"{model.__name__}Type", (), {"__doc__": "A type of the run.", "__module__": __name__})
        fraiseql.type(model, fields="__all__", registry=registry)(of_type)
    return GraphQLEngine(registry=registry)


def sides(root: str, query: str, sql: str) -> dict[str, Callable[[], HttpResponse]]:
    """Return the functions that answer the operation: by hand, with a known plan, and cold."""
    workload = Workload(root, root, root, root, query, {}, sql, lambda given: [])
    by_hand = limit.view(workload, "by_hand")
    engine = engine_over([models.Row, models.Node, models.Wide, models.Event])
    view = GraphQLView.as_view(engine=engine)
    body = json.dumps({"query": query, "variables": {}})

    def request() -> Any:
        return FACTORY.post("/", body, content_type="application/json")

    def cold() -> HttpResponse:
        engine.clear_plans()
        return view(request())

    return {"limit": lambda: by_hand(request()), "known": lambda: view(request()), "cold": cold}


def times(root: str, query: str, sql: str, seconds: float) -> dict[str, float]:
    """Return the median milliseconds of each side, in turn, for about so long; their answers are compared first."""
    asked = sides(root, query, sql)
    answers = {name: side().content for name, side in asked.items()}
    if answers["known"] != answers["limit"]:
        raise SystemExit(f"{query[:200]}: the answers differ: {answers['known'][:300]!r} {answers['limit'][:300]!r}")
    found: dict[str, list[float]] = {name: [] for name in asked}
    gc.collect()
    gc.freeze()
    end = perf_counter() + seconds
    while perf_counter() < end or len(found["cold"]) < 3:
        for name, side in asked.items():
            begin = perf_counter()
            side()
            found[name].append(perf_counter() - begin)
    return {name: median(each) * 1000 for name, each in found.items()} | {"bytes": len(answers["known"])}


def memory(root: str, query: str, sql: str, side: str) -> dict[str, int]:
    """Return the bytes of the answer, and the memory that one side has taken at most while answering once."""
    process = psutil.Process()
    asked = sides(root, query, sql)[side]
    for connection in connections.all():
        connection.ensure_connection()
    before = process.memory_info().rss
    size = len(asked().content)
    return {"bytes": size, "memory": max(0, peak_memory(process) - before)}


def start(count: int) -> dict[str, float]:
    """Return what a schema of so many models costs a worker at its start, and its first operation."""
    process = psutil.Process()
    made = models.make_models(count)
    before, begin = process.memory_info().rss, perf_counter()
    engine = engine_over(made)
    built = bool(engine.schema)
    seconds = perf_counter() - begin
    begin = perf_counter()
    answer = engine.execute("{ made0s { id text0 } }")
    first = perf_counter() - begin
    if answer.errors or not built:
        raise SystemExit(str(answer.errors))
    return {
        "schema_ms": seconds * 1000,
        "first_ms": first * 1000,
        "setup_ms": (READY - BEGUN) * 1000,
        "schema_mb": (process.memory_info().rss - before) / 1e6,
        "worker_mb": process.memory_info().rss / 1e6,
    }


def main() -> None:
    wanted = json.loads(sys.argv[1])
    print(json.dumps({"times": times, "memory": memory, "start": start}[wanted.pop("do")](**wanted)))


if __name__ == "__main__":
    main()
