"""The answers of all sides are the same: what differs is not timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.workloads import Workload

# Returns a side's answer in the common form, and its bytes
Ask = Callable[[Workload], tuple[Any, int]]


class Differ(Exception):
    """Two sides give different answers."""


def compare(workload: Workload, sides: dict[str, Ask]) -> dict[str, int]:
    """Ask all sides; return the bytes of each answer. Raise Differ where an answer is not that of the first side."""
    found = {name: ask(workload) for name, ask in sides.items()}
    first, (expected, _) = next(iter(found.items()))
    for name, (answer, _) in found.items():
        if answer != expected:
            raise Differ(f"{workload.name}: {name} answers {_beginning(expected, answer)}, which is not {first}'s")
    return {name: size for name, (_, size) in found.items()}


def _beginning(expected: Any, answer: Any) -> str:
    """Return the text around the first character that differs."""
    one, other = str(expected), str(answer)
    place = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"…{other[max(0, place - 60) : place + 60]}…"
