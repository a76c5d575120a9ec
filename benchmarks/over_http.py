"""Requests a second over HTTP: a server of one worker for each side, 8 connections, in short rounds in turn."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.answers import compare
from benchmarks.http_servers import Server
from benchmarks.in_process import base_of
from benchmarks.sides import common
from benchmarks.workloads import Workload

CLIENTS = 8
WARM_NODE_SECONDS = 4
# a round with fewer requests says little, and takes longer
FEWEST = 3 * CLIENTS
SLOW_SECONDS = 5


def measure(workload: Workload, sides: dict[str, Server], *, rounds: int, seconds: int) -> dict[str, dict[str, Any]]:
    """Measure one workload: medians of the rounds, and the median of each round's ratio.

    A round before them is not counted: every thread opens its connection, and Node compiles what it runs often, for
    which it takes longer.
    """
    compare(workload, {name: _asking(server) for name, server in sides.items()})
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    order = list(sides)
    lasting: dict[str, int] = {}
    for name, server in sides.items():
        warm = server.load(workload, seconds=WARM_NODE_SECONDS if server.own else seconds, clients=CLIENTS)
        lasting[name] = seconds if warm["requests"] >= FEWEST else SLOW_SECONDS
    for _ in range(rounds):
        for name in order:
            measured = sides[name].load(workload, seconds=lasting[name], clients=CLIENTS)
            found[name].append({**measured, "rps": measured["requests"] / measured["seconds"]})
        order.append(order.pop(0))
    return {name: _summary(name, workload, found) for name in sides}


def _summary(name: str, workload: Workload, found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    base = base_of(name, workload)
    bases = found.get(base)
    ratios = [one["rps"] / other["rps"] for one, other in zip(found[name], bases, strict=True)] if bases else []
    return {
        **{key: median(each[key] for each in found[name]) for key in ("rps", "median_ms", "p95_ms")},
        "base": base,
        "ratio": median(ratios) if ratios else None,
    }


def _asking(server: Server) -> Any:
    def ask(workload: Workload) -> tuple[Any, int]:
        answer = server.ask(workload)
        return common(server.queries, workload, answer), len(answer)

    return ask
