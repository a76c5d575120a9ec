"""Drops cached answers when the tables that they were read from are written.

lexer          SQL text → tokens, as PostgreSQL splits it
names          tables and functions as SQL names them
scan           tokens → what is changed, called and mentioned
statements     what a statement does by its text
dependencies   the tables below views and functions, and those that triggers and keys change
volatility     what depends on the clock, on chance or on the state of the server
catalog        reads these from PostgreSQL's catalogue
reported       the tables that PostgreSQL says an open transaction has changed
transactions   the writes of each connection, until its transaction ends
history        which history of the database a connection sees
versions       gives written tables new versions in every cache of this process
"""

from .versions import drop, install, mark_written, watch, watch_default

__all__ = ["drop", "install", "mark_written", "watch", "watch_default"]
