"""The endpoint against a bare Django view with hand-written SQL, in one process and in turn.

    make bench

Both sides are given the same POST and give the same bytes. The bare view does what none can do without:
it reads the JSON body, runs the best statement by hand, prepared, through Django's cursor wrapper, and
passes PostgreSQL's bytes through. The endpoint's plan is cached, its cache of answers is off, except in
the last column.
"""

import argparse
import gc
import json
import os
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
django.setup()

import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402

from benchmarks.workloads import WORKLOADS, Workload  # noqa: E402
from fraiseql_django.conf import get_settings  # noqa: E402
from fraiseql_django.engine import GraphQLEngine  # noqa: E402
from fraiseql_django.views import GraphQLView  # noqa: E402

View = Callable[[HttpRequest], HttpResponse]


class Prepared(psycopg.RawCursor[Any]):
    """A cursor whose statements are prepared at first sight."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> "Prepared":
        return super().execute(query, params, prepare=True)


def bare_view(workload: Workload) -> View:
    """Make the view that answers one workload by hand."""
    sql, before = workload.sql.encode(), b'{"data":{"%b":' % workload.root.encode()

    def view(request: HttpRequest) -> HttpResponse:
        variables = json.loads(request.body)["variables"]
        connection.ensure_connection()
        raw: Any = connection.connection
        raw.prepare_threshold, raw.cursor_factory = 5, Prepared
        with connection.cursor() as cursor:
            cursor.execute(sql, workload.params(variables))
            answer = cursor.cursor.pgresult.get_value(0, 0)
        raw.cursor_factory = psycopg.Cursor
        return HttpResponse(before + answer + b"}}", content_type="application/json")

    return view


def requests_of(workload: Workload) -> Callable[[], HttpRequest]:
    body = json.dumps({"query": workload.query, "variables": workload.variables})
    factory = RequestFactory()
    return lambda: factory.post("/graphql/", body, content_type="application/json")


def timed(view: View, request: HttpRequest) -> float:
    begin = perf_counter()
    view(request)
    return perf_counter() - begin


def compare(workload: Workload, views: list[View], rounds: int) -> list[list[float]]:
    """Time the views in turn; return each one's times in seconds."""
    request = requests_of(workload)
    answers = [json.loads(view(request()).content) for view in views]
    if any(answer != answers[0] for answer in answers):
        raise SystemExit(f"{workload.name}: the answers differ")
    for _ in range(20):
        for view in views:
            view(request())
    times: list[list[float]] = [[] for _ in views]
    gc.disable()
    for _ in range(rounds):
        for view, found in zip(views, times, strict=True):
            found.append(timed(view, request()))
    gc.enable()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=400)
    rounds = parser.parse_args().rounds
    settings.DEBUG = False
    uncached = GraphQLEngine(settings=replace(get_settings(), cache=replace(get_settings().cache, alias=None)))
    cached = GraphQLEngine()
    endpoints = [GraphQLView.as_view(engine=engine) for engine in (uncached, cached)]
    print(f"{'':52} {'by hand':>10} {'endpoint':>10} {'ratio':>7} {'cached':>10}")
    for workload in WORKLOADS:
        by_hand, endpoint, hit = compare(workload, [bare_view(workload), *endpoints], rounds)
        ratio = median(ours / theirs for ours, theirs in zip(endpoint, by_hand, strict=True))
        shown = [f"{median(times) * 1000:7.3f} ms" for times in (by_hand, endpoint, hit)]
        print(f"{workload.name:52} {shown[0]} {shown[1]} {ratio:7.3f} {shown[2]}")


if __name__ == "__main__":
    main()
