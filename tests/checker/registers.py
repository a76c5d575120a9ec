"""What is written and read: registers, each with the number of its last write, and what an answer shows of it.

A register belongs to one thread that writes, so its number only grows. Of most the number itself is stored. Some are
there or not in turn, and a link leads to one of seven labels: then an answer shows whether the number is even, or its
remainder, and is right where one of the numbers that it may have agrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

LABELS = 7
SHELVES = 3
# what a transaction writes before it is rolled back; even, so that what is there or not changes as by the next write
NEVER = 10**12


class Register(NamedTuple):
    """One value that is written: a row, or what it leads to."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


# The kinds of registers that only the first thread writes: whole tables
OF_ALL = ("scratch", "snapshot")
# How many registers of a kind each thread writes
OF_EACH = {"counter": 2, "item": 1, "link": 1, "child": 1, "copy": 1, "part": 1}
# What an answer shows of a kind of register, if it is not the number
PRESENCE = ("item", "child", "scratch")


@dataclass(frozen=True, slots=True)
class Layout:
    """The registers of a run, in the order in which the shared memory has them."""

    writers: int

    @property
    def all(self) -> tuple[Register, ...]:
        """Every register."""
        return _all(self)

    def of(self, writer: int) -> list[Register]:
        """Return what a thread writes."""
        found = [Register(kind, writer * number + index) for kind, number in OF_EACH.items() for index in range(number)]
        return found + [Register(kind, 0) for kind in OF_ALL if writer == 0]

    def of_kind(self, kind: str) -> tuple[Register, ...]:
        """Return all registers of a kind."""
        return _of_kind(self, kind)


@cache
def _all(layout: Layout) -> tuple[Register, ...]:
    return tuple(register for writer in range(layout.writers) for register in layout.of(writer))


@cache
def _of_kind(layout: Layout, kind: str) -> tuple[Register, ...]:
    return tuple(register for register in layout.all if register.kind == kind)


def counter_of(register: Register) -> int:
    """Return the counter that an item or a link belongs to: the first one of its thread, which is never deleted."""
    return register.id * OF_EACH["counter"]


def shelf_of(counter: int) -> int:
    """Return the shelf of a counter."""
    return counter % SHELVES


class Shown(NamedTuple):
    """What an answer shows of registers: of one its value, of several their sum, their greatest, or their number."""

    registers: tuple[Register, ...]
    value: Any
    of: str = "value"

    def agrees(self, lows: list[int], highs: list[int]) -> bool:
        """Whether the answer is right, where each register's number is between a low and a high one."""
        if self.of == "value":
            return any(shows(self.registers[0].kind, n) == self.value for n in numbers(lows[0], highs[0]))
        if self.of == "present":
            least = sum(all(n % 2 == 0 for n in numbers(*pair)) for pair in zip(lows, highs, strict=True))
            most = sum(any(n % 2 == 0 for n in numbers(*pair)) for pair in zip(lows, highs, strict=True))
            return bool(least <= self.value <= most)
        function = sum if self.of == "sum" else max
        return bool(function(lows) <= self.value <= function(highs))


def numbers(low: int, high: int) -> range:
    """Return the numbers that a register may have; more of them than labels tell no more."""
    return range(max(low, high - LABELS), high + 1) if high - low > LABELS else range(low, high + 1)


def shows(kind: str, number: int) -> int | None:
    """Return what is stored of a register after so many writes; None where its row is deleted."""
    if kind in PRESENCE:
        return number if number % 2 == 0 else None
    return number % LABELS if kind == "link" else number


# What is stored, one row a register
_STORED = {
    "counter": "SELECT value FROM checker_counter WHERE id = %s",
    "item": "SELECT value FROM checker_item WHERE id = %s",
    "link": f"SELECT label_id FROM checker_counter_labels WHERE counter_id = %s * {OF_EACH['counter']}",
    "child": "SELECT value FROM checker_child WHERE id = %s",
    "copy": "SELECT value FROM checker_copy WHERE id = %s",
    "part": "SELECT value FROM checker_part WHERE id = %s",
    "scratch": "SELECT value FROM checker_scratch WHERE id = %s",
    "snapshot": "SELECT value FROM checker_snapshot WHERE id = %s",
}


def stored(cursor: Any, register: Register, low: int, high: int) -> int:
    """Return the number that a register has in the database, which is one of these; raise ValueError for another."""
    cursor.execute(_STORED[register.kind], [register.id])
    row = cursor.fetchone()
    value = row[0] if row else None
    found = [n for n in numbers(low, high) if shows(register.kind, n) == value]
    if not found:
        raise ValueError(f"{register} is stored as {value}, must be what {low} to {high} writes leave")
    return found[-1]


def first_rows(layout: Layout) -> Iterator[tuple[str, list[Any]]]:
    """Yield the statements that store every register as it is before the first write."""
    for label in range(LABELS):
        yield "INSERT INTO checker_label VALUES (%s)", [label]
    for _, id in layout.of_kind("counter"):
        yield "INSERT INTO checker_counter VALUES (%s, 0, %s)", [id, shelf_of(id)]
    for register in layout.of_kind("item"):
        yield "INSERT INTO checker_item VALUES (%s, 0, %s)", [register.id, counter_of(register)]
        link = "INSERT INTO checker_counter_labels (counter_id, label_id) VALUES (%s, 0)"
        yield link, [counter_of(register)]
    for table in ("parent (id)", "child", "source", "part", "scratch", "origin"):
        kind = "child" if table.startswith("parent") else {"source": "copy", "origin": "snapshot"}.get(table, table)
        for _, id in layout.of_kind(kind):
            values = {"parent (id)": [id], "child": [id, 0, id]}.get(table, [id, 0])
            yield f"INSERT INTO checker_{table} VALUES ({', '.join(['%s'] * len(values))})", values
    yield "REFRESH MATERIALIZED VIEW checker_snapshot", []


def registers(kind: str, ids: Iterable[Any]) -> tuple[Register, ...]:
    """Return registers of one kind."""
    return tuple(Register(kind, int(id)) for id in ids)
