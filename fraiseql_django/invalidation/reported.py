"""The statement that returns the tables that the open transaction has written, run before its commit.

PostgreSQL locks each table that a transaction writes until its end, whoever writes: a statement, a trigger, a
function, a cascade (its documentation, 13.3 "Explicit Locking"). A lock that was taken in a savepoint goes with
it. Changes of rows take the weakest of these locks, which an UPDATE that finds no row takes too; whether there
were any is in the session's counters (27.2 "The Cumulative Statistics System"). They may still count what the
session's last transactions did, so that a table that was only locked may seem to be written: its answers are
then dropped once too often. TRUNCATE, REFRESH and whatever changes a table or view itself take stronger locks;
so does LOCK, which counts with them.
"""

from __future__ import annotations

# A partitioned table and a view are written in other tables, which have counters; foreign tables have none. A row of
# a child is one of its parents', too
REPORTED_TABLES = b"""
WITH RECURSIVE written AS (
    SELECT c.oid, c.relname
    FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid() AND l.granted
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND c.relkind IN ('r', 'p', 'm', 'f', 'v') AND c.relpersistence <> 't'
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND (
            l.mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
            OR l.mode = 'RowExclusiveLock' AND (
                c.relkind = 'f' OR current_setting('track_counts') = 'off'
                OR pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
                    + pg_stat_get_xact_tuples_deleted(c.oid) > 0
            )
        )
    UNION
    SELECT c.oid, c.relname
    FROM written w JOIN pg_inherits i ON i.inhrelid = w.oid JOIN pg_class c ON c.oid = i.inhparent
)
SELECT DISTINCT relname::text FROM written
"""
