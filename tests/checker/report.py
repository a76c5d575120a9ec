"""Tells what went wrong in a run: the answer, and what happened to the registers that it shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .run import Running

# How many wrong answers are told, and events of each
TOLD = 3
LAST = 40


def explained(running: Running) -> str:
    """Return what is wrong; an empty text where nothing is."""
    events = _events(running)
    failures = [event for event in events if event["what"] in ("stale", "error", "not kept")]
    texts = [_told(running, failure, events) for failure in failures[:TOLD]]
    for slot, process in enumerate(running.processes):
        if process.poll() not in (0, 1) or (process.poll() == 1 and not failures):
            log = (running.folder / f"log-{slot}-{running.incarnations[slot]}").read_text(errors="replace")
            texts.append(f"process {slot} has ended with {process.poll()}:\n{log[-3000:]}")
    return "\n".join(texts)


def _events(running: Running) -> list[dict[str, Any]]:
    found = list(running.events)
    for path in running.folder.glob("events-*.jsonl"):
        found += [json.loads(line) for line in path.read_text().splitlines()]
    return sorted(found, key=lambda event: float(event["at"]))


def _told(running: Running, failure: dict[str, Any], events: list[dict[str, Any]]) -> str:
    keys = {key for call in failure.get("calls", ()) for key in call["keys"]}
    names = set(failure.get("registers", ()))
    about = [
        event
        for event in events
        if event["at"] <= failure["at"]
        and (
            not names.isdisjoint(event.get("registers", ()))
            or not keys.isdisjoint(event.get("keys", ()))
            or not ("registers" in event or "keys" in event)
        )
    ]
    lines = [_head(failure), *(_line(running, event) for event in (*about[-LAST:], *failure.get("calls", ())))]
    return "\n".join(lines)


def _head(failure: dict[str, Any]) -> str:
    if failure["what"] != "stale":
        text = ", ".join(f"{name} {value}" for name, value in failure.items() if name not in ("at", "calls"))
        return f"FAILED: {text}"
    bounds = ", ".join(f"{name} must be {low} to {high}" for name, (low, high) in failure["registers"].items())
    return (
        f"STALE: {failure['of']} was {failure['value']}, but {bounds}; read by {failure['read']!r} in process "
        f"{failure['process']}, {failure['thread']}. The history, and the calls of the cache by this read:"
    )


def _line(running: Running, event: dict[str, Any]) -> str:
    more = " ".join(
        f"{name}={value}"
        for name, value in event.items()
        if name not in ("at", "process", "what", "calls", "began", "ended")
    )
    return f"  {event['at'] - running.started:+9.4f} s  process {event['process']}: {event['what']} {more}"[:400]
