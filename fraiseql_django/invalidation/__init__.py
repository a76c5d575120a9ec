"""Committed writes → new versions of tables, so that answers read from them are no longer used.

names          tables and functions as SQL names them
statements     what a statement writes, read from its SQL
dependencies   what lies below views and functions, what triggers and keys set off
catalog        the same, read from PostgreSQL's catalogue
reported       the tables that PostgreSQL says an open transaction has changed
transactions   the writes of each connection, until its transaction ends
versions       committed writes → new versions in every cache of this process
"""

from .versions import drop, install, mark_written, watch, watch_default

__all__ = ["drop", "install", "mark_written", "watch", "watch_default"]
