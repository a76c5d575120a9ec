"""Candidates → what PostgreSQL does with them: the cost of the statement with each, and whether its plan uses it.

HypoPG, where the extension is installed in the database, plans with indexes that do not exist. Otherwise each index is
made in a transaction that is rolled back: writes to its table wait as long as that takes, so it is done on demand only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import StorageError
from ..storage.base import Settings, Storage
from .candidates import Candidate
from .operation import Statement
from .plans import Node, estimated, nodes

# How long to wait for writers before an index is made; those that come later wait behind it
LOCK_TIMEOUT_MS = 1_000
_NAME = "fraiseql_tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """PostgreSQL's estimated cost of the statement without and with an index, and whether its plan ``uses`` it.

    ``failure`` says why the index could not be made; there are no costs then.
    """

    before: float = 0
    after: float = 0
    uses: bool = False
    failure: str | None = None


def has_hypopg(storage: Storage) -> bool:
    """Whether the extension HypoPG is installed in the database."""
    return bool(storage.query("SELECT FROM pg_extension WHERE extname = 'hypopg'").rows)


def trials(
    candidates: Iterable[Candidate], statement: Statement, storage: Storage, settings: Settings, *, hypothetical: bool
) -> Iterator[Trial]:
    """Yield the trial of each candidate, one index at a time."""
    made = _hypothetical if hypothetical else _real
    for candidate in candidates:
        try:
            before = _planned(statement, storage, settings)
            with made(candidate, storage):
                after = _planned(statement, storage, settings)
        except StorageError as error:
            yield Trial(failure=str(error).splitlines()[0])
            continue
        # those of partitions have names that PostgreSQL makes
        uses = not _indexes(after) <= _indexes(before)
        yield Trial(before=before["Total Cost"], after=after["Total Cost"], uses=uses)


def _indexes(root: Node) -> set[str]:
    return {node["Index Name"] for node, _ in nodes(root) if "Index Name" in node}


def _planned(statement: Statement, storage: Storage, settings: Settings) -> Node:
    with storage.begin_transaction(settings):
        return estimated(statement, storage)


@contextmanager
def _hypothetical(candidate: Candidate, storage: Storage) -> Iterator[None]:
    """Let this session plan with an index that does not exist, in one transaction: a pooler may have several."""
    sql = f"CREATE INDEX ON {candidate.definition}"
    with storage.begin_transaction():
        ((number,),) = storage.query("SELECT indexrelid FROM hypopg_create_index(%s)", [sql]).rows
        try:
            yield
        finally:
            # a rollback would leave it
            storage.query("SELECT hypopg_drop_index(%s::oid)", [(number or b"").decode()])


@contextmanager
def _real(candidate: Candidate, storage: Storage) -> Iterator[None]:
    """Make an index in a transaction that is rolled back."""
    with storage.begin_transaction((("lock_timeout", f"{LOCK_TIMEOUT_MS}ms"),)):
        storage.execute(f'CREATE INDEX "{_NAME}" ON {candidate.definition}')
        yield
