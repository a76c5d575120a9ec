"""Operations without HTTP: each side's view in a process of its own, asked in turn.

In each round every side runs a few operations, as many as take some milliseconds. A ratio is the median over the
rounds of what a side takes relative to another side in the same round, so that a machine whose speed drifts does not
move it.
"""

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

from benchmarks.answers import compare
from benchmarks.processes import WorkerProcess
from benchmarks.workloads import Workload

# seconds that a side's operations of one round take together, where one operation does not take longer
BURST = 0.004
MOST_CALLS = 20
MOST_ROUNDS = 200
# kept answers are compared with the constant view, everything else with the SQL by hand
BASES = {"locmem": "const", "redis": "const"}


def base_of(side: str, workload: Workload) -> str:
    """Return the side that this one is compared with."""
    return "limit" if workload.writes else BASES.get(side, "limit")


def measure(workload: Workload, sides: dict[str, WorkerProcess], seconds: float) -> dict[str, dict[str, Any]]:
    """Measure one workload, for about so many seconds for each side."""
    sizes = compare(workload, {name: _asking(worker) for name, worker in sides.items()})
    found: dict[str, dict[str, Any]] = {}
    calls: dict[str, int] = {}
    for name, worker in sides.items():
        found[name] = {
            "bytes": sizes[name],
            "statements": worker.ask("statements", workload=workload.name),
            "peak_bytes": worker.ask("peak", workload=workload.name),
        }
        warm = worker.ask("time", workload=workload.name, calls=2)
        if median(warm) < BURST:
            warm = worker.ask("time", workload=workload.name, calls=8)
        calls[name] = max(1, min(MOST_CALLS, int(BURST / median(warm))))
        found[name]["rounds"] = max(4, int(seconds / (calls[name] * median(warm) + 0.004)))
    times = _rounds(workload, sides, calls, {name: min(MOST_ROUNDS, each["rounds"]) for name, each in found.items()})
    for name, of_side in times.items():
        every = [time for burst in of_side.values() for time in burst]
        base = base_of(name, workload)
        found[name] |= {
            "rounds": len(of_side),
            "operations": len(every),
            "median_ms": median(every) * 1000,
            "p95_ms": quantiles(every, n=20, method="inclusive")[-1] * 1000,
            "base": base,
            "ratio": median(median(burst) / median(times[base][turn]) for turn, burst in of_side.items()),
        }
    return found


def _asking(worker: WorkerProcess) -> Any:
    def ask(workload: Workload) -> tuple[Any, int]:
        answer = worker.ask("answer", workload=workload.name)
        return answer["common"], answer["bytes"]

    return ask


def _rounds(
    workload: Workload, sides: dict[str, WorkerProcess], calls: dict[str, int], rounds: dict[str, int]
) -> dict[str, dict[int, list[float]]]:
    """Return the times of each side by the number of the round; slow sides are part of fewer rounds."""
    times: dict[str, dict[int, list[float]]] = {name: {} for name in sides}
    # what others are compared with is part of all rounds
    last = max(rounds.values())
    for base in {base_of(name, workload) for name in sides}:
        rounds[base] = last
    order = list(sides)
    for turn in range(last):
        for name in order:
            # spread over the whole time
            if turn * rounds[name] // last != (turn + 1) * rounds[name] // last:
                times[name][turn] = sides[name].ask("time", workload=workload.name, calls=calls[name])
        order.append(order.pop(0))
    return times
