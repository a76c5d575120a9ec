"""What tests of watched tables share: another program that writes, and watchers that run in threads."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from fraiseql_django.invalidation import watcher as watching
from fraiseql_django.invalidation.listener import APPLICATION
from fraiseql_django.invalidation.watcher import Watcher
from fraiseql_django.sql import triggers
from fraiseql_django.sql.script import parse_name
from tests.support import wait_until


def stranger() -> "psycopg.Connection[Any]":
    """Connect as a program does that knows nothing of Django."""
    settings = connection.settings_dict
    names = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    parameters = {names[key]: value for key, value in settings.items() if key in names and value}
    return psycopg.connect(**parameters, autocommit=True)


def outside(*statements: str) -> list[Any]:
    """Run statements as another program, each in its own transaction; return the rows of the last one."""
    with stranger() as other:
        for statement in statements:
            cursor = other.execute(statement)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def install(*tables: str) -> None:
    """Make the triggers of tables, as a migration does."""
    with connection.cursor() as cursor:
        for statement in triggers.watch_statements(map(parse_name, tables)):
            cursor.execute(statement, None)


def uninstall() -> None:
    """Remove all triggers."""
    with connection.cursor() as cursor:
        for statement in triggers.unwatch_statements(triggers.all_watched("default")):
            cursor.execute(statement, None)


def end_sessions() -> int:
    """End the sessions of all watchers, and return how many there were."""
    ended = outside(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE application_name = '{APPLICATION}' AND datname = current_database()"
    )
    return len(ended)


class Gated(Watcher):
    """A watcher that listens only while its gate is open."""

    def __init__(self, alias: str = "default", seconds: int = 60, **options: Any) -> None:
        super().__init__(alias, seconds, **options)
        self.gate = Event()
        self.gate.set()
        self.refused = 0

    def _listen(self) -> None:
        if not self.gate.is_set():
            self.refused += 1
            raise ConnectionError("the gate is closed")
        super()._listen()


@contextmanager
def running(watcher: Watcher) -> Iterator[None]:
    """Run a watcher in a thread while a block runs."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            watcher.run()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        watcher.stop()
        thread.join(60)
        watcher.close()
    assert raised == []


@contextmanager
def recorded() -> Iterator[list[set[str]]]:
    """Write down what watchers drop, instead of dropping it."""
    dropped: list[set[str]] = []

    def drop(tables: Iterable[str]) -> None:
        if found := set(tables):
            dropped.append(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "drop", drop)
        yield dropped


@contextmanager
def heard(alias: str = "default", **options: Any) -> Iterator[Callable[[Callable[[], object]], set[str]]]:
    """Yield a function that calls another one and returns the tables that a watcher drops for what that does."""
    watcher = Watcher(alias, 60, **options)
    marks = 0

    def of(act: Callable[[], object]) -> set[str]:
        nonlocal marks
        dropped.clear()
        act()
        marks += 1
        mark = f"mark_{marks}"
        outside(f"NOTIFY fraiseql, '{mark}'")
        # notifications come in the order of commits
        wait_until(lambda: any(mark in tables for tables in list(dropped)))
        return set[str]().union(*dropped) - {mark}

    with recorded() as dropped, running(watcher):
        wait_until(lambda: watcher.listens)
        yield of
