"""The outcome of an operation at the cache of answers: a hit, a miss or a bypass, with the reason.

The names are those of the command ``fraiseql_stats``, of the labels of metrics and of events.
"""

from __future__ import annotations

import enum


class Outcome(enum.IntEnum):
    """What the cache did for an operation; the numbers are places in lists of counts."""

    HIT = 0
    """Answered from the cache."""
    ABSENT = 1
    """Miss: there was no entry. It was never read, has expired or was evicted."""
    WRITTEN = 2
    """Miss: a table was written since the entry was read."""
    LOST = 3
    """Miss: the cache has lost the version of a table, for instance by eviction."""
    NO_CACHE = 4
    """Bypass: answers are not cached."""
    TRANSACTION = 5
    """Bypass: a transaction is open that has written, or that sees an older snapshot."""
    VOLATILE = 6
    """Bypass: the answer depends on the clock or on chance."""
    SESSION = 7
    """Bypass: what the project has set in the connection's session is not known."""
    FAILING = 8
    """Bypass: the cache failed, or keeps nothing."""
    CONSTANT = 9
    """No lookup: nothing is read from the database."""
    MUTATION = 10
    """No lookup: a mutation."""
    REFUSED = 11
    """No lookup: the operation was refused before it was executed."""

    @property
    def kind(self) -> str:
        """Return "hit", "miss", "bypass" or "none"."""
        return _KINDS[self]

    @property
    def reason(self) -> str:
        """Return the name in lower case."""
        return self.name.lower()


_KINDS = {
    outcome: "hit" if outcome < 1 else "miss" if outcome < 4 else "bypass" if outcome < 9 else "none"
    for outcome in Outcome
}
# Python 3.11 looks members of a class up slowly
HIT, CONSTANT = Outcome.HIT, Outcome.CONSTANT
MISSES = tuple(outcome for outcome in Outcome if outcome.kind == "miss")
BYPASSES = tuple(outcome for outcome in Outcome if outcome.kind == "bypass")
