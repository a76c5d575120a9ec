"""The outcome of an operation at the cache of answers: a hit, a miss or a bypass, with the reason.

The names are those of the command ``fraiseql_stats``, of the labels of metrics and of events.
"""

from __future__ import annotations

import enum


class Outcome(enum.IntEnum):
    """What the cache did for an operation; the numbers are places in lists of counts (see ``EXPLANATIONS``)."""

    HIT = 0
    ABSENT = 1
    WRITTEN = 2
    LOST = 3
    NO_CACHE = 4
    TRANSACTION = 5
    VOLATILE = 6
    SESSION = 7
    FAILING = 8
    CONSTANT = 9
    MUTATION = 10
    REFUSED = 11
    SERVER = 12
    STALE = 13
    MARKED = 14
    CATALOGUE = 15
    NEVER = 16

    @property
    def kind(self) -> str:
        """Return "hit", "miss", "bypass" or "none"."""
        return KINDS[self]

    @property
    def reason(self) -> str:
        """Return the name in lower case."""
        return self.name.lower()


KINDS = {
    Outcome.HIT: "hit",
    Outcome.ABSENT: "miss",
    Outcome.WRITTEN: "miss",
    Outcome.LOST: "miss",
    Outcome.NO_CACHE: "bypass",
    Outcome.TRANSACTION: "bypass",
    Outcome.VOLATILE: "bypass",
    Outcome.SESSION: "bypass",
    Outcome.FAILING: "bypass",
    Outcome.CONSTANT: "none",
    Outcome.MUTATION: "none",
    Outcome.REFUSED: "none",
    Outcome.SERVER: "miss",
    Outcome.STALE: "miss",
    Outcome.MARKED: "bypass",
    Outcome.CATALOGUE: "bypass",
    Outcome.NEVER: "bypass",
}
EXPLANATIONS = {
    Outcome.HIT: "answered from the cache",
    Outcome.ABSENT: "no entry: never read, expired or evicted",
    Outcome.WRITTEN: "a table was written since, or the database's definitions were changed",
    Outcome.LOST: "the cache has lost the version of a table, for instance by eviction",
    Outcome.NO_CACHE: "answers are not cached",
    Outcome.TRANSACTION: "a transaction is open that has written, or that sees an older snapshot",
    Outcome.VOLATILE: "the answer depends on the clock or on chance",
    Outcome.SESSION: "what the project has set in the connection's session is not known",
    Outcome.FAILING: "the cache failed, or keeps nothing",
    Outcome.CONSTANT: "nothing is read from the database",
    Outcome.MUTATION: "a mutation",
    Outcome.REFUSED: "refused before it was executed",
    Outcome.SERVER: "the cache's server was restarted or replaced since",
    Outcome.STALE: "a table was written since; the answer from before it is used, as its types allow",
    Outcome.MARKED: "a transaction that has written a table is being committed",
    Outcome.CATALOGUE: "the database's definitions have changed since it was planned",
    Outcome.NEVER: "a policy says that the answer is not kept",
}
MISSES = tuple(outcome for outcome in Outcome if outcome.kind == "miss")
BYPASSES = tuple(outcome for outcome in Outcome if outcome.kind == "bypass")
# Python 3.11 looks members of a class up slowly
HIT, CONSTANT = Outcome.HIT, Outcome.CONSTANT
