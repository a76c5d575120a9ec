"""What is measured: one module for each side, with its schema, its queries and how it is set up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponse

from benchmarks.workloads import Variables, Workload

View = Callable[[HttpRequest], HttpResponse]

# the name of each side, in the order of the tables, and the module that makes it
MODULES = {
    "limit": "limit",
    "const": "const",
    "cold": "fraiseql",
    "known": "fraiseql",
    "locmem": "fraiseql",
    "redis": "fraiseql",
    "strawberry": "strawberry",
    "graphene": "graphene",
    "postgraphile4": "postgraphile",
    "postgraphile5": "postgraphile",
}
TITLES = {
    "limit": "`limit`: SQL by hand",
    "const": "`const`: constant bytes",
    "cold": "this package, cold",
    "known": "this package, known plan",
    "locmem": "this package, kept in LocMemCache",
    "redis": "this package, kept in Redis",
    "strawberry": "strawberry-django",
    "graphene": "graphene-django",
    "postgraphile4": "PostGraphile 4",
    "postgraphile5": "PostGraphile 5",
}


class NotHere(Exception):
    """A side cannot be measured on this machine; the message says why and how to get it."""


@dataclass(frozen=True)
class Query:
    """How a server is asked for a workload's answer.

    ``variables`` makes its variables from the workload's; ``common`` makes the workload's answer from its own.
    """

    text: str
    variables: Callable[[Variables], Variables] = dict
    common: Callable[[Any], Any] = lambda data: data


@dataclass(frozen=True)
class Side:
    """A side: how it is asked (``queries``, by shape; none means: as this package is) and, for Django's, its views.

    ``before`` is called before each operation, and not timed. ``statements`` says how many statements an operation
    takes where they do not go through Django's cursors.
    """

    name: str
    view: Callable[[Workload], View]
    queries: dict[str, Query] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    statements: int | None = None

    def body(self, workload: Workload) -> bytes:
        """Return the body of the POST that asks for the workload's answer."""
        return bodies(self.queries, workload)[0]

    def common(self, workload: Workload, answer: bytes) -> Any:
        """Return the answer's data in the form that this package gives them."""
        return common(self.queries, workload, answer)


def bodies(queries: dict[str, Query], workload: Workload) -> list[bytes]:
    """Return the bodies of the POSTs that ask for the workload's answer, and for its variants'."""
    query = queries.get(workload.shape) or Query(workload.query)
    every = (workload.variables, *workload.variants)
    return [json.dumps({"query": query.text, "variables": query.variables(each)}).encode() for each in every]


def common(queries: dict[str, Query], workload: Workload, answer: bytes) -> Any:
    """Return the answer's data in the form that this package gives them; raise ValueError for errors in it."""
    found = json.loads(answer)
    if found.get("errors"):
        raise ValueError(f"{workload.name}: {found['errors'][0].get('message', found['errors'][0])}")
    query = queries.get(workload.shape)
    return query.common(found["data"]) if query is not None else found["data"]


def load(name: str) -> Side:
    """Return the side; raise NotHere where it is not installed."""
    side: Side = _module(name).make(name)
    return side


def queries(name: str) -> dict[str, Query]:
    """Return how a Django side is asked, without making it; raise NotHere where it is not installed."""
    found: dict[str, Query] = getattr(_module(name), "QUERIES", {})
    return found


def _module(name: str) -> Any:
    try:
        return import_module(f"benchmarks.sides.{MODULES[name]}")
    except ModuleNotFoundError as error:
        raise NotHere(f"{error.name} is not installed (pip install --group bench)") from error
