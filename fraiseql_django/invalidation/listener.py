"""A session of PostgreSQL's that listens for the writes of watched tables.

The triggers of watched tables send a notification on CHANNEL when a transaction that has written the table is
committed. A listener is a connection of its own, which does nothing but wait for them. It is used without blocking:
each question to the server has a time limit, so that a network that swallows packets is noticed. Where the connection
goes through a pooler that gives each transaction another session, LISTEN would succeed and nothing would be heard;
this is found out.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any

from .._compat import Error, ExecStatus
from .._django import new_driver_connection
from ..errors import ConfigurationError

CHANNEL = "fraiseql"
# The trigger of a watched table, and its function
TRIGGER, FUNCTION = "fraiseql_watch", "fraiseql_notify"
# Sent when another program may have changed a view, a function, a policy
DEFINITIONS = "definitions"
# The name under which pg_stat_activity shows the session
APPLICATION = "fraiseql_watch"

# A notification of a listener's own, by which it checks that it hears
_TEST = "test "
_PROCESS = "SELECT pg_backend_pid()"
# Poolers give the session that was used last to the next client, or each in turn; other clients come in between
_PROBES = 8

# "D": disabled, "R": not for ordinary sessions
_WATCHED = f"""
SELECT t.tgrelid FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgname = '{TRIGGER}' AND p.proname = '{FUNCTION}' AND t.tgenabled IN ('O', 'A')
"""
# A row of a part is one of the whole; a statement that names the whole writes any of its parts
_WITH_PARTS = """
WITH RECURSIVE written AS (
    SELECT unnest('{{{oids}}}'::oid[]) AS oid
), above AS (
    TABLE written UNION SELECT i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid
), below AS (
    TABLE written UNION SELECT i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.oid
)
SELECT c.relname FROM pg_class c WHERE c.oid IN (SELECT oid FROM above UNION SELECT oid FROM below)
"""


class Listener:
    """A session that listens on CHANNEL from the moment that it is made.

    Every method raises ConnectionError where the server cannot be reached, does not answer within ``seconds``, or has
    closed the session. Making one raises ConfigurationError where notifications cannot be heard on the connection.
    """

    def __init__(self, alias: str, seconds: int) -> None:
        self.alias = alias
        self._seconds = seconds
        self._heard: list[str] = []
        self._driver = _connect(alias, seconds)
        self._session = self._driver.pgconn
        try:
            # a session that a pooler shares must not begin to listen: others would be sent what it hears
            self._process = self._one_process()
            self._ask(f"LISTEN {CHANNEL}")
            self.check()
            self._test()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the session."""
        self._driver.close()

    def check(self) -> None:
        """Ask the server whether this session still listens; ConfigurationError where another one answers."""
        ((process, listens),) = self._ask(f"SELECT pg_backend_pid(), '{CHANNEL}' IN (SELECT pg_listening_channels())")
        if process != self._process or listens != b"t":
            raise ConfigurationError(self._shared())

    def watched(self) -> frozenset[str]:
        """Return the tables that have the trigger, with their partitions and parent tables."""
        return self.with_parts(int(oid or 0) for (oid,) in self._ask(_WATCHED))

    def with_parts(self, oids: Iterable[int]) -> frozenset[str]:
        """Return tables, those that they are parts of, and their own parts: partitions, and tables that inherit."""
        numbers = ",".join(map(str, sorted(set(oids))))
        rows = self._ask(_WITH_PARTS.format(oids=numbers)) if numbers else []
        return frozenset((name or b"").decode(errors="replace") for (name,) in rows)

    def wait(self, seconds: float, also: Any) -> list[str]:
        """Return what was heard, waiting for it at most so many seconds, or until the socket ``also`` has something."""
        if not self._heard:
            with _lost():
                self._ready(EVENT_READ, seconds, also)
                self._receive()
        heard, self._heard = self._heard, []
        return [payload for payload in heard if not payload.startswith(_TEST)]

    # --- internals ---

    def _test(self) -> None:
        """Send a notification and wait for it."""
        payload = f"{_TEST}{secrets.token_hex(8)}"
        self._ask(f"SELECT pg_notify('{CHANNEL}', '{payload}')")
        deadline = time.monotonic() + self._seconds
        while payload not in self._heard:
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"the database {self.alias!r} has not sent a notification back; set "
                    "FRAISEQL['CACHE']['WATCH_DATABASE'] to an alias in DATABASES that leads to PostgreSQL itself, not "
                    "to a pooler"
                )
            with _lost():
                self._ready(EVENT_READ, deadline - time.monotonic())
                self._receive()

    def _one_process(self) -> bytes | None:
        """Return the number of the session's process; ConfigurationError where a pooler gives it to others as well."""
        ((process,),) = self._ask(_PROCESS)
        if process == str(self._driver.info.backend_pid).encode():
            return process
        # a pooler says another number than the process does; where a client keeps its session, that is harmless
        for _ in range(_PROBES):
            other = _connect(self.alias, self._seconds)
            try:
                ((others,),) = _ask(other.pgconn, _PROCESS, self._seconds)
            finally:
                other.close()
            if process in (others, None) or self._ask(_PROCESS) != [(process,)]:
                raise ConfigurationError(self._shared())
        return process

    def _shared(self) -> str:
        return (
            f"the connection of the database {self.alias!r} goes through a pooler that gives each transaction another "
            "session of PostgreSQL, in which nothing listens; set FRAISEQL['CACHE']['WATCH_DATABASE'] to an alias in "
            "DATABASES that leads to PostgreSQL itself"
        )

    def _ask(self, sql: str) -> list[tuple[bytes | None, ...]]:
        rows = _ask(self._session, sql, self._seconds)
        with _lost():
            self._receive()
        return rows

    def _ready(self, event: int, seconds: float, also: Any = None) -> bool:
        return _ready(self._session, event, seconds, also)

    def _receive(self) -> None:
        """Take what the server has sent."""
        self._session.consume_input()
        while (notification := self._session.notifies()) is not None:
            self._heard.append(notification.extra.decode(errors="replace"))


@contextmanager
def _lost() -> Iterator[None]:
    """Turn psycopg's errors and those of sockets into ConnectionError."""
    try:
        yield
    except (Error, OSError) as error:
        raise ConnectionError(_reason(error)) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _connect(alias: str, seconds: int) -> Any:
    with _lost():
        return new_driver_connection(alias, connect_timeout=seconds, application_name=APPLICATION)


def _ready(session: Any, event: int, seconds: float, also: Any = None) -> bool:
    """Wait until the session's socket is ready, or ``also`` can be read; return whether one of them is."""
    with DefaultSelector() as selector:
        selector.register(session.socket, event)
        if also is not None:
            selector.register(also, EVENT_READ)
        return bool(selector.select(max(0.0, seconds)))


def _ask(session: Any, sql: str, seconds: float) -> list[tuple[bytes | None, ...]]:
    """Run a statement and return its rows, as the text that the server sends."""
    deadline = time.monotonic() + seconds

    def wait(event: int) -> None:
        if not _ready(session, event, deadline - time.monotonic()):
            raise TimeoutError(f"no answer from the server within {seconds} seconds")

    with _lost():
        session.send_query(sql.encode())
        while session.flush():
            wait(EVENT_WRITE)
        rows: list[tuple[bytes | None, ...]] = []
        while True:
            while session.is_busy():
                wait(EVENT_READ)
                session.consume_input()
            result = session.get_result()
            if result is None:
                return rows
            if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
                raise ConnectionError(result.error_message.decode(errors="replace"))
            rows += [
                tuple(result.get_value(row, column) for column in range(result.nfields))
                for row in range(result.ntuples)
            ]
