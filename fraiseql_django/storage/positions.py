"""Positions in PostgreSQL's write-ahead log: how far a primary has written, how far a replica has replayed.

A replica that has replayed the position at which a write was committed shows that write to every statement that begins
afterwards (PostgreSQL documentation, 26.2 "Log-Shipping Standby Servers"). So the position of a replica has to be read
*before* the snapshot of the statement that it is about, which is why it is a statement of its own, sent ahead of the
other in the same round trip.

Numbers can be compared within one *history* alone: that of one cluster, which its replicas copy, on one timeline. A
failover begins another timeline, in which the same numbers stand for other writes. The timeline of a replica is the one
that its control file names, which may be behind for some time, but is never ahead.
"""

from __future__ import annotations

from typing import NamedTuple

# An expression; NULL where a statement after it would have the same snapshot, so that the position says nothing of it
POSITION = b"""CASE WHEN current_setting('transaction_isolation') = 'read committed' THEN
    (SELECT system_identifier FROM pg_control_system())::text || '.' || CASE
        WHEN pg_is_in_recovery() THEN (
            SELECT greatest(recovery.min_recovery_end_timeline, checkpoint.timeline_id)
            FROM pg_control_recovery() recovery, pg_control_checkpoint() checkpoint
        )::text || ':' || pg_last_wal_replay_lsn()
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int::text
            || ':' || pg_current_wal_insert_lsn()
    END
END"""


class Position(NamedTuple):
    """A place in the log of one history."""

    history: str
    lsn: int

    def covers(self, other: Position) -> bool:
        """Whether everything up to the other position has been replayed here."""
        return self.history == other.history and self.lsn >= other.lsn


def parse_position(text: bytes | None) -> Position | None:
    """Return the position that PostgreSQL has written; None for none, and for a text that is none."""
    try:
        history, _, lsn = (text or b"").decode().partition(":")
        high, low = lsn.split("/")
        return Position(history, (int(high, 16) << 32) + int(low, 16))
    except ValueError:
        return None
