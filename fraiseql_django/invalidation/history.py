"""Which history of the database a connection sees, so that answers of a history that was abandoned are not used.

After a failover to a standby that lacked the last transactions, or a restore to an earlier moment, the cache is ahead
of the database: it has answers of transactions that never were. PostgreSQL counts its histories as *timelines* (its
documentation, 26.3.6). The timeline is a part of the key of answers, with the cluster's identifier and, on a primary,
the moment at which it was started: a crash may lose what ``synchronous_commit = off`` had not written yet.

It is asked on each new connection, at most once a second, and again after some time, since a hit needs no connection
and a pooler may lead to another server by the next statement.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from .._compat import TransactionStatus, plain_cursor
from .._django import database_of, driver_connection, ensure_usable, in_autocommit_mode

logger = logging.getLogger("fraiseql_django.cache")

# For so long what was found is relied on: the time for which a lost history may be answered from
RECHECK_SECONDS = 30.0
# A new connection asks again after so long, a database that could not be asked is asked again after so long
PAUSE_SECONDS, RETRY_SECONDS = 1.0, 5.0

_HISTORY = """
SELECT CASE WHEN pg_is_in_recovery() THEN 'standby ' || (SELECT timeline_id FROM pg_control_checkpoint())
    ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) || ' ' || extract(epoch FROM pg_postmaster_start_time())
    END || ' ' || (SELECT system_identifier FROM pg_control_system())
"""

# By database: the history, and when it is asked for again
_found: dict[tuple[Any, ...], tuple[str, float]] = {}


def history_of(connection: Any) -> str:
    """Return what tells the history of a connection's database from others; "" where it is not known.

    A closed connection is opened for it where it was not asked for some time. Never raises.
    """
    found, until = _found.get(database_of(connection), ("", 0.0))
    if time.monotonic() < until:
        return found
    return _asked(connection, found)


def connected(connection: Any) -> None:
    """Ask a new connection, unless another one was asked a moment ago."""
    found, until = _found.get(database_of(connection), ("", 0.0))
    if time.monotonic() > until - RECHECK_SECONDS + PAUSE_SECONDS:
        _asked(connection, found, connect=False)


def _asked(connection: Any, former: str, *, connect: bool = True) -> str:
    key, seconds = database_of(connection), RETRY_SECONDS
    found = former
    try:
        if connect:
            ensure_usable(connection)
        driver = driver_connection(connection)
        if driver.info.transaction_status == TransactionStatus.IDLE and in_autocommit_mode(connection):
            # an error would break an open transaction
            ((found,),) = plain_cursor(driver).execute(_HISTORY).fetchall()
            seconds = RECHECK_SECONDS
    except Exception as error:
        # the database is gone, or does not tell; its own statement will say so
        logger.debug("the history of database %r cannot be read: %s", connection.alias, error)
    _found[key] = found, time.monotonic() + seconds
    return found
