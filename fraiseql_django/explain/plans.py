"""Statement → PostgreSQL's plan, as the statement would run: with its parameters and the viewer's session values.

Everything happens in a transaction that is read-only and rolled back. So ``ANALYZE``, which runs the statement, writes
nothing to tables, whatever functions and views it calls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..storage.base import Settings, Storage
from .operation import Statement

Node = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """PostgreSQL's plan of a statement: as it writes it for people, and its nodes.

    ``planning_ms`` and ``execution_ms`` are known if the statement was run.
    """

    text: str | None
    root: Node
    planning_ms: float | None = None
    execution_ms: float | None = None


def plan_of(
    statement: Statement, storage: Storage, settings: Settings, *, analyze: bool = False, text: bool = True
) -> Plan:
    """Return the plan of a statement; ``analyze`` runs it, and once more for the ``text``.

    Raises StorageError where PostgreSQL refuses it.
    """
    options = "ANALYZE, BUFFERS, " if analyze else ""
    with read_only(storage, settings):
        shown = _lines(statement, storage, f"{options}FORMAT TEXT") if text else None
        # VERBOSE writes the table's alias before each column
        (found,) = json.loads(_lines(statement, storage, f"{options}VERBOSE, FORMAT JSON"))
    return Plan(
        text=shown, root=found["Plan"], planning_ms=found.get("Planning Time"), execution_ms=found.get("Execution Time")
    )


def estimated(statement: Statement, storage: Storage) -> Node:
    """Return the root of the plan, in the transaction that is open."""
    (found,) = json.loads(_lines(statement, storage, "VERBOSE, FORMAT JSON"))
    root: Node = found["Plan"]
    return root


@contextmanager
def read_only(storage: Storage, settings: Settings) -> Iterator[None]:
    """Run a block in a transaction in which PostgreSQL refuses writes, with settings; it is rolled back."""
    with storage.begin_transaction(settings):
        storage.execute("SET TRANSACTION READ ONLY")
        yield


def nodes(root: Node) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Yield the nodes of a plan, each with those above it, the nearest first."""
    waiting: list[tuple[Node, tuple[Node, ...]]] = [(root, ())]
    while waiting:
        node, above = waiting.pop()
        yield node, above
        waiting += [(child, (node, *above)) for child in reversed(node.get("Plans", ()))]


def _lines(statement: Statement, storage: Storage, options: str) -> str:
    rows = storage.query(f"EXPLAIN ({options}) {statement.sql}", statement.params).rows
    return "\n".join((value or b"").decode() for (value,) in rows)
