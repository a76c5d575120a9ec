"""A process of a run: threads that write registers, and threads that read them and hold answers against the bounds."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock, Thread, current_thread, local
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.checker.settings")
django.setup()

from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections  # noqa: E402

from fraiseql_django import get_engine  # noqa: E402

from . import writes  # noqa: E402
from .bounds import Bounds  # noqa: E402
from .reads import MAKERS, Read, any_read  # noqa: E402
from .registers import Layout, Register, Shown, stored  # noqa: E402
from .sabotage import SABOTAGES, disturb_commits  # noqa: E402
from .settings import CONFIG  # noqa: E402

# reads of all processes between two writes of a thread, on average
READS_OF_WRITER = 60
# events of a process that are kept for a report
EVENTS = 20_000


@dataclass
class Process:
    """What the threads of a process share."""

    slot: int
    seed: int
    layout: Layout
    bounds: Bounds
    folder: Path
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=EVENTS))
    lock: Lock = field(default_factory=Lock)
    # the calls of the cache by each thread's last operation
    calls: local = field(default_factory=local)
    counted_hits: int = 0

    def count(self, name: str, number: int = 1) -> None:
        """Count in the shared memory."""
        with self.lock:
            self.bounds.add(self.slot, name, number)

    def count_hits(self) -> None:
        """Count the hits since the last time."""
        with self.lock:
            hits = get_engine().statistics().result_hits
            self.bounds.add(self.slot, "hits", hits - self.counted_hits)
            self.counted_hits = hits

    def note(self, what: str, **more: Any) -> None:
        """Keep an event for a report."""
        self.events.append(self.event(what, **more))

    def event(self, what: str, **more: Any) -> dict[str, Any]:
        """Return what happens now."""
        thread = current_thread().name
        return {"at": time.monotonic(), "process": self.slot, "thread": thread, "what": what, **more}

    def fail(self, problem: str, **more: Any) -> None:
        """End the run: an answer was wrong, or a thread has failed."""
        self.count("stale" if problem == "stale" else "errors")
        self.note(problem, **more)
        self.bounds.set_flag("failed")


# The methods of caches that read and write what a report should tell
CALLS = ("get_many", "set", "add_many", "mark_many", "replace_many", "delete", "delete_many")


def recorded(process: Process, cache: Any) -> None:
    """Keep the calls of a cache as events, and those of each thread's current operation apart."""
    for name in CALLS:
        setattr(cache, name, _recorded(process, name, getattr(cache, name)))


def _recorded(process: Process, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    def call(first: Any, *more: Any) -> Any:
        if not isinstance(first, str | dict):
            first = list(first)
        keys = [first] if isinstance(first, str) else list(first)
        result = None
        try:
            result = own(first, *more)
            return result
        finally:
            values = first if isinstance(first, dict) else more
            found = {} if result is None else {"found": repr(result)[:400]}
            event = {"keys": keys, "values": repr(values)[:400], **found}
            if name == "get_many":
                process.calls.last = [*getattr(process.calls, "last", []), process.event("cache.get_many", **event)]
            else:
                process.events.append(process.event(f"cache.{name}", **event))

    return call


# --- reading ---


class Reader:
    """A thread that reads at random."""

    def __init__(self, process: Process, number: int) -> None:
        self.process = process
        self.random = Random(f"{process.seed} reader {process.slot} {number}")

    def run(self) -> None:
        """Read until the run ends."""
        bounds = self.process.bounds
        while not (bounds.flag("stop_writing") or bounds.flag("failed")):
            self.check(any_read(self.process.layout, self.random))
            if self.random.random() < 0.05:
                self.process.count_hits()
                time.sleep(self.random.random() * 0.01)

    def check(self, read: Read) -> bool:
        """Execute a read and hold the answer against the bounds; return whether it was answered."""
        process, bounds, engine = self.process, self.process.bounds, get_engine()
        process.calls.last = []
        lows = {register: bounds.committed(register) for register in read.registers}
        began = time.monotonic()
        answer = engine.execute(read.text, read.variables)
        ended = time.monotonic()
        if answer.errors:
            if not CONFIG["disturbed"]:
                process.fail("error", error=str(answer.errors), read=read.name)
            process.count("in_doubt")
            return False
        process.count("reads")
        for shown in read.shown(answer.json()["data"]):
            if not self._agrees(shown, lows):
                self._failed(read, shown, lows, began, ended)
        return True

    def _agrees(self, shown: Shown, lows: dict[Register, int]) -> bool:
        highs = [self.process.bounds.begun(register) for register in shown.registers]
        return shown.agrees([lows[register] for register in shown.registers], highs)

    def _failed(self, read: Read, shown: Shown, lows: dict[Register, int], began: float, ended: float) -> None:
        ranges = {str(one): [lows[one], self.process.bounds.begun(one)] for one in shown.registers}
        self.process.fail(
            "stale", registers=ranges, value=shown.value, of=shown.of, read=read.name,
            began=began, ended=ended, calls=self.process.calls.last,
        )  # fmt: skip


# --- writing ---


class Writer:
    """A thread that writes its registers at random."""

    def __init__(self, process: Process, number: int) -> None:
        self.process = process
        writers = CONFIG["writers"]
        self.number = process.slot * writers + number
        self.own = process.layout.of(self.number)
        self.random = Random(f"{process.seed} writer {self.number} {CONFIG['incarnation']}")
        # registers whose last write may have been committed, and from when on answers must show it if so
        self.in_doubt: dict[Register, tuple[float, int]] = {}

    def run(self) -> None:
        """Write until the run ends."""
        bounds = self.process.bounds
        while not (bounds.flag("stop_writing") or bounds.flag("failed")):
            self._write()
            self.decide()
            # on a slow machine as well there are many reads between two writes
            reads = bounds.count("reads") + self.random.randrange(2 * READS_OF_WRITER)
            time.sleep(self.random.expovariate(1 / CONFIG["pause"]))
            while bounds.count("reads") < reads and not (bounds.flag("stop_writing") or bounds.flag("failed")):
                time.sleep(0.002)

    def _write(self) -> None:
        chosen = self.random.sample(self.own, self.random.choice((1, 1, 1, 2, 3)))
        ways = [self.random.choice(writes.WAYS[register.kind]) for register in chosen]
        try:
            if self.random.random() < 0.15:
                register, (name, way) = chosen[0], ways[0]
                self.process.note("rolls back", registers=[str(register)], ways=[name])
                writes.rolled_back(register, self.process.bounds.begun(register) + 1, way)
                self.process.count("rolled_back")
            else:
                self._commit(chosen, ways)
        except (OperationalError, InterfaceError, writes.MutationFailed) as error:
            self._lost(chosen, error)

    def _commit(self, chosen: list[Register], ways: list[tuple[str, writes.Write]]) -> None:
        process = self.process
        run = writes.transaction_for([name for name, _ in ways], self.random)
        numbers = [process.bounds.begin(register) for register in chosen]
        about = {"registers": list(map(str, chosen)), "numbers": numbers}
        process.note("begins to write", **about, ways=[name for name, _ in ways], within=run.__name__)
        steps = [
            (lambda way=way, register=register, n=n: way(register, n))  # type: ignore[misc]
            for (_, way), register, n in zip(ways, chosen, numbers, strict=True)
        ]
        run(steps, lambda after: ways[0][1](chosen[0], numbers[0] + after + writes.NEVER))
        for register, number in zip(chosen, numbers, strict=True):
            process.bounds.commit(register, number)
            self.in_doubt.pop(register, None)
        process.note("has written", **about)
        process.count("writes", len(chosen))

    def _lost(self, chosen: list[Register], error: Exception) -> None:
        """Find out what a write has done of which only an error is known."""
        process = self.process
        process.note("does not know", registers=list(map(str, chosen)), error=f"{type(error).__name__}: {error}"[:300])
        if not CONFIG["disturbed"]:
            process.fail("error", error=str(error))
        process.count("in_doubt")
        another_connection()
        with connection.cursor() as cursor:
            for register in chosen:
                low, high = process.bounds.committed(register), process.bounds.begun(register)
                due = time.monotonic() + CONFIG["grace"]
                self.in_doubt[register] = (due, stored(cursor, register, low, high))

    def decide(self) -> None:
        """Demand what was found in the database of writes in doubt, once their marks have ended."""
        for register, (due, number) in list(self.in_doubt.items()):
            if time.monotonic() > due:
                self.process.bounds.commit(register, number)
                self.process.note("was written", registers=[str(register)], numbers=[number])
                del self.in_doubt[register]


# --- the process ---


def another_connection() -> None:
    """Let this thread begin anew: Django takes a connection that was lost with autocommit off to be in a block."""
    with suppress(DatabaseError, InterfaceError):
        connection.close()
    del connections["default"]


def guarded(process: Process, run: Callable[[], None]) -> None:
    """Run a thread; whatever it raises ends the run."""
    try:
        while True:
            try:
                run()
                return
            except (DatabaseError, InterfaceError) as error:
                # a connection was ended in a moment in which nothing was in doubt
                if not CONFIG["disturbed"]:
                    raise
                process.note("loses its connection", error=str(error)[:300])
                another_connection()
    except BaseException as error:
        process.fail("error", error=f"{type(error).__name__}: {error}")
        raise
    finally:
        connections.close_all()


def check_that_answers_are_kept(process: Process) -> None:
    """Nobody writes any more: every answer is kept again, which one that is asked for twice shows."""
    engine, random = get_engine(), Random(process.seed)
    reader = Reader(process, -1)
    for make in MAKERS:
        read = make(process.layout, random)
        before = engine.statistics().result_hits
        # a full cache may have removed it meanwhile
        for _ in range(4):
            reader.check(read)
        if engine.statistics().result_hits == before:
            process.count("idle")
            process.note("not kept", read=read.name, calls=process.calls.last)
            process.bounds.set_flag("failed")


def main() -> None:
    """Run a process to its end, and leave its events where the report finds them if the run has failed."""
    layout = Layout(CONFIG["processes"] * CONFIG["writers"])
    slot, folder = CONFIG["slot"], Path(CONFIG["folder"])
    process = Process(slot, CONFIG["seed"], layout, Bounds(folder / "bounds", layout, CONFIG["processes"]), folder)
    engine = get_engine()
    if CONFIG["slow"] or CONFIG["deadly"]:
        disturb_commits(CONFIG["slow"], CONFIG["deadly"], f"{process.seed} commits {slot} {CONFIG['incarnation']}")
    if CONFIG["sabotage"]:
        SABOTAGES[CONFIG["sabotage"]]()
    recorded(process, engine.cache)
    for make in MAKERS:
        engine.execute((read := make(layout, Random(0))).text, read.variables)
    process.count("ready")
    while not process.bounds.flag("go"):
        time.sleep(0.01)
    writers = [Writer(process, number) for number in range(CONFIG["writers"])]
    runs = {f"writer {number}": writer.run for number, writer in enumerate(writers)}
    runs |= {f"reader {number}": Reader(process, number).run for number in range(CONFIG["readers"])}
    threads = [Thread(target=guarded, args=(process, run), name=name, daemon=True) for name, run in runs.items()]
    process.counted_hits = engine.statistics().result_hits
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.count_hits()
    if not process.bounds.flag("failed"):
        time.sleep(CONFIG["grace"])
        while not (process.bounds.flag("decided") or process.bounds.flag("failed")):
            time.sleep(0.01)
        for writer in writers:
            writer.decide()
        check_that_answers_are_kept(process)
    if process.bounds.flag("failed"):
        lines = [json.dumps(event, default=str) for event in list(process.events)]
        (folder / f"events-{slot}-{CONFIG['incarnation']}.jsonl").write_text("\n".join(lines))
    sys.exit(process.bounds.flag("failed"))


if __name__ == "__main__":
    main()
