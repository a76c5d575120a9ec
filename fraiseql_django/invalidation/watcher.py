"""Drops the answers of tables that other programs write, when their triggers tell (see ``listener``).

A notification is lost if nobody listens when it is sent. So whatever may have been missed counts as written: all tables
do when the watcher begins to listen, at first and after a lost connection, and again every ``seconds`` as long as it
cannot listen. It listens first, then drops, then waits: a write that is committed before LISTEN is visible to every
statement after the drop, and one that is committed later is heard.

Several watchers do no harm: each drops for itself.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock, Thread

from django.db import close_old_connections, connections

from ..errors import ConfigurationError
from . import catalog
from .listener import DEFINITIONS, Listener
from .names import known, parts
from .versions import drop

logger = logging.getLogger("fraiseql_django.cache")

_PAYLOAD = re.compile(r"(\d+) (.+)", re.DOTALL)
# The first pause after a failure; each is twice as long as the one before
_FIRST_PAUSE = 0.1
_LOG_SECONDS = 60


class Watcher:
    """Watches one database until it is stopped.

    A dead connection is noticed after twice ``seconds`` at most: so long may a check of it be due, and last. A
    ``lenient`` one goes on trying where the connection cannot hear notifications.
    """

    def __init__(self, alias: str, seconds: int, *, lenient: bool = False) -> None:
        self.alias = alias
        self.seconds = seconds
        self.lenient = lenient
        # whether it hears writes now
        self.listens = False
        # why it does not, if it has tried
        self.problem: str | None = None
        # how many notifications it has heard, and how often it began to listen
        self.heard = self.began = 0
        # the tables with a trigger, as far as it knows
        self.watched: frozenset[str] = frozenset()
        self._stopped = False
        self._logged_at = float("-inf")
        self._waking, self._woken = socket.socketpair()

    def run(self) -> None:
        """Watch until ``stop`` is called.

        Raises ConfigurationError, unless lenient, where notifications cannot be heard on the connection.
        """
        pause, dropped_at = _FIRST_PAUSE, float("-inf")
        while not self._is_stopped():
            began = self.began
            try:
                self._listen()
            except (ConnectionError, ConfigurationError) as error:
                if isinstance(error, ConfigurationError) and not self.lenient:
                    raise
                self.problem = str(error)
                self._log(error)
            finally:
                self.listens = False
            if self._is_stopped():
                return
            now = time.monotonic()
            if self.began > began:
                pause, dropped_at = _FIRST_PAUSE, float("-inf")
            if now - dropped_at >= self.seconds:
                dropped_at = now
                self._drop_all()
            self._pause(pause)
            pause = min(2 * pause, self.seconds)

    def stop(self) -> None:
        """Let ``run`` return soon; may be called in another thread, and by a handler of signals."""
        self._stopped = True
        # it may have ended, and be closed
        with suppress(OSError):
            self._waking.send(b"x")

    def close(self) -> None:
        """Release what ``stop`` needs, when ``run`` has returned."""
        self._waking.close()
        self._woken.close()

    def _is_stopped(self) -> bool:
        return self._stopped

    def _listen(self) -> None:
        listener = Listener(self.alias, self.seconds)
        try:
            self.watched = listener.watched()
            self._drop_all()
            self.listens, self.problem = True, None
            self.began += 1
            if self.watched:
                logger.info("watching %s tables of the database %r", len(self.watched), self.alias)
            else:
                logger.warning("no table of the database %r has a trigger: see fraiseql_watch --install", self.alias)
            checked_at = time.monotonic()
            while not self._is_stopped():
                heard = listener.wait(checked_at + self.seconds - time.monotonic(), self._woken)
                self._hear(listener, heard)
                if time.monotonic() - checked_at >= self.seconds:
                    listener.check()
                    self.watched = listener.watched()
                    checked_at = time.monotonic()
                    # versions that the cache could not be told are tried again
                    self._drop(())
        finally:
            listener.close()

    def _hear(self, listener: Listener, payloads: list[str]) -> None:
        if not payloads:
            return
        self.heard += len(payloads)
        oids: set[int] = set()
        names: set[str] = set()
        for payload in payloads:
            if match := _PAYLOAD.fullmatch(payload):
                oids.add(int(match[1]))
                # the name is enough for a table that is gone by now
                names.add(match[2])
            elif payload == DEFINITIONS:
                catalog.forget()
                self.watched = listener.watched()
                names |= known() | self.watched
            else:
                # from a program that says itself what it has written; names are as SQL writes them
                names.update(parts(payload)[-1:])
        self._drop(names | listener.with_parts(oids))

    def _drop_all(self) -> None:
        """Drop what may have been missed: a program may notify by itself, so not only tables with a trigger."""
        self._drop(known() | self.watched)

    def _drop(self, tables: Iterable[str]) -> None:
        # a cache in a database uses this thread's connections, which nobody else looks after
        close_old_connections()
        drop(tables)

    def _pause(self, seconds: float) -> None:
        self._woken.settimeout(seconds)
        with suppress(TimeoutError):
            self._woken.recv(1)

    def _log(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            logger.error("writes of other programs to the database %r are not heard: %s", self.alias, error)


_threads: dict[tuple[str, int], tuple[Watcher, Thread]] = {}
_lock = Lock()


def ensure_watching(alias: str, seconds: int) -> None:
    """Watch a database in a thread of this process, unless one does already."""
    running = _threads.get((alias, seconds))
    if running is not None and running[1].is_alive():
        return
    with _lock:
        running = _threads.get((alias, seconds))
        if running is None or not running[1].is_alive():
            watcher = Watcher(alias, seconds, lenient=True)
            thread = Thread(target=_run, args=(watcher,), name=f"fraiseql_watch {alias}", daemon=True)
            _threads[alias, seconds] = watcher, thread
            thread.start()


def tables_heard(alias: str, seconds: int) -> int:
    """Return how many tables are watched, as the thread of this process knows, or a session that is opened to ask.

    Raises ConnectionError or ConfigurationError where their writes cannot be heard.
    """
    if running := _threads.get((alias, seconds)):
        watcher = running[0]
        if not watcher.listens:
            raise ConnectionError(watcher.problem or "the thread has not connected yet")
        return len(watcher.watched)
    listener = Listener(alias, seconds)
    try:
        return len(listener.watched())
    finally:
        listener.close()


def watchers() -> list[Watcher]:
    """Return the watchers that run in threads of this process."""
    return [watcher for watcher, _ in list(_threads.values())]


def stop_watching() -> None:
    """Stop the threads of this process."""
    with _lock:
        running = list(_threads.values())
        _threads.clear()
    for watcher, _ in running:
        watcher.stop()
    for watcher, thread in running:
        thread.join(watcher.seconds * 2)


def _run(watcher: Watcher) -> None:
    try:
        watcher.run()
    except Exception:
        # the next operation starts another
        logger.exception("the thread that watches the database %r has ended", watcher.alias)
    finally:
        watcher.close()
        connections.close_all()


def _forget_threads() -> None:
    """A forked process has the objects, but not the threads."""
    global _lock
    _lock = Lock()
    _threads.clear()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_forget_threads)
