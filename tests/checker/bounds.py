"""Memory that the processes of a run share: between which numbers each register may be, counters, and flags.

It is a file in memory of 64-bit numbers, each of which one processor instruction writes. A thread that writes a
register first says what it begins to write, and after the write has been answered that it is committed. A thread that
reads takes the committed numbers before its request and the begun ones after it: an answer may show nothing below the
first and nothing above the second. What is committed is true from then on, so no lock is needed.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from .registers import Layout, Register

# Flags of the run, and what each process counts
FLAGS = ("go", "stop_writing", "decided", "failed")
COUNTS = ("ready", "reads", "hits", "writes", "rolled_back", "in_doubt", "errors", "stale", "idle")


class Bounds:
    """The numbers of a run's registers, in a file that ``create`` has made."""

    def __init__(self, path: Path, layout: Layout, slots: int) -> None:
        self.layout = layout
        self.slots = slots
        self._index = {register: 2 * index for index, register in enumerate(layout.all)}
        self._flags = 2 * len(self._index)
        self._counts = self._flags + len(FLAGS)
        size = 8 * (self._counts + slots * len(COUNTS))
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._numbers = memoryview(self._map).cast("q")

    def begun(self, register: Register) -> int:
        """Return the greatest number that may be stored."""
        return int(self._numbers[self._index[register]])

    def committed(self, register: Register) -> int:
        """Return the number that every answer must have reached whose request begins now."""
        return int(self._numbers[self._index[register] + 1])

    def begin(self, register: Register) -> int:
        """Return the next number, which may be seen from now on."""
        number = self.begun(register) + 1
        self._numbers[self._index[register]] = number
        return number

    def commit(self, register: Register, number: int) -> None:
        """Demand that every answer has reached a number."""
        if number > self.committed(register):
            self._numbers[self._index[register] + 1] = number

    def flag(self, name: str) -> bool:
        """Whether a flag of the run is set."""
        return bool(self._numbers[self._flags + FLAGS.index(name)])

    def set_flag(self, name: str) -> None:
        """Set a flag, for good."""
        self._numbers[self._flags + FLAGS.index(name)] = 1

    def add(self, slot: int, name: str, number: int = 1) -> None:
        """Add to what a process counts; one thread of it at a time."""
        self._numbers[self._at(slot, name)] += number

    def count(self, name: str) -> int:
        """Return what all processes have counted."""
        return sum(self.of(slot, name) for slot in range(self.slots))

    def of(self, slot: int, name: str) -> int:
        """Return what one process has counted."""
        return int(self._numbers[self._at(slot, name)])

    def reset(self, slot: int, name: str) -> None:
        """Let a process that takes a place count anew."""
        self._numbers[self._at(slot, name)] = 0

    def close(self) -> None:
        """Let go of the memory."""
        self._numbers.release()
        self._map.close()

    def _at(self, slot: int, name: str) -> int:
        return self._counts + slot * len(COUNTS) + COUNTS.index(name)
