"""Failures that the page on freshness names, with real processes and servers: signals, forks, clocks, commits."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.keys import version_key
from fraiseql_django.conf.settings import CacheSettings, Settings
from tests.cache.test_results_cache import any_cache
from tests.servers import RedisServer, redis_server
from tests.support import data, engines_forgotten, in_thread, is_hit, make_engine, wait_until

__all__ = ["any_cache"]

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
AUTHOR = version_key("bookshop_author")


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


# --- a process that owes a version to a Redis that hangs ---

SETTINGS = """
from example_project.settings import *
DATABASES = {{"default": {database!r}}}
CACHES = {{"default": {cache!r}}}
"""
OWING = """
import os, signal, sys, time
import django
django.setup()
from django.db import connection
from example_project.bookshop.models import Author
from fraiseql_django import get_engine
from fraiseql_django.cache import debts

def stop(*args):
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
debts.FIRST_PAUSE = debts.LONGEST_PAUSE = {pause}
Author.objects.update(name="Octavia")
{then}
print("owes", flush=True)
while True:
    time.sleep(0.05)
"""
FORKED = """
connection.close()
if os.fork():
    os._exit(0)
get_engine().execute("{ authors { name } }")
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Return a Redis of the test's own, under the alias "own"."""
    with redis_server() as started:
        caches.settings["own"] = of_server(started, seconds=10)
        yield started
        del caches["own"]
        del caches.settings["own"]


def of_server(server: RedisServer, *, seconds: float) -> dict[str, Any]:
    """Return the settings of a cache that waits so long for the server."""
    options = {"SOCKET_TIMEOUT": seconds, "SOCKET_CONNECT_TIMEOUT": seconds}
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url, "OPTIONS": options}


@contextmanager
def process_that_owes(
    server: RedisServer, path: Path, *, pause: float, then: str = ""
) -> Iterator[Callable[..., None]]:
    """Let another process write while Redis hangs, and let Redis go on; return what sends a signal to the process."""
    database = {key: connection.settings_dict[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")}
    (path / "promise_settings.py").write_text(SETTINGS.format(database=database, cache=of_server(server, seconds=0.3)))
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "promise_settings",
        "PYTHONPATH": f"{path}{os.pathsep}{BASE_DIR}",
    }
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    command = [sys.executable, "-c", OWING.format(pause=pause, then=then)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, process_group=0, cwd=BASE_DIR
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "owes\n"
        server.process.send_signal(signal.SIGCONT)
        yield lambda number: os.killpg(process.pid, number)
    finally:
        server.process.send_signal(signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_process_that_is_terminated_writes_what_it_owes(server: RedisServer, tmp_path: Path) -> None:
    Author.objects.create(name="Ursula")
    with engines_forgotten():
        engine = make_engine("own")
        assert names(engine) == ["Ursula"]
        # its thread would try again in an hour
        with process_that_owes(server, tmp_path, pause=3600) as send:
            assert is_hit(engine, AUTHORS)
            send(signal.SIGTERM)
            wait_until(lambda: not is_hit(engine, AUTHORS))
        assert names(engine) == ["Octavia"]


def test_fork_of_a_process_writes_what_that_one_owed(server: RedisServer, tmp_path: Path) -> None:
    """The process that has written is gone."""
    Author.objects.create(name="Ursula")
    with engines_forgotten():
        engine = make_engine("own")
        assert names(engine) == ["Ursula"]
        with process_that_owes(server, tmp_path, pause=0.1, then=FORKED):
            wait_until(lambda: not is_hit(engine, AUTHORS))
        assert names(engine) == ["Octavia"]


# --- a clock that is stepped ---


@pytest.mark.parametrize("any_cache", ["locmem", "redis", "file"], indirect=True)
@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_clock_that_is_stepped_while_a_write_is_committed(
    any_cache: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark ends at once, or a day later; the version after the commit needs no clock."""
    Author.objects.create(name="Ursula")
    engine = make_engine(any_cache)
    assert names(engine) == ["Ursula"]
    commit = DatabaseWrapper._commit  # type: ignore[attr-defined]

    def stepped(self: Any) -> None:
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + seconds)
        # whoever reads now stores what was there before, if the mark has ended
        assert in_thread(lambda: [names(engine), names(engine)]) == [["Ursula"]] * 2
        commit(self)

    with monkeypatch.context() as patch:
        patch.setattr(DatabaseWrapper, "_commit", stepped)
        with transaction.atomic():
            Author.objects.update(name="Octavia")

    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)


# --- a commit that takes effect long after its connection was lost ---

WAITING = """
CREATE FUNCTION waiting_commit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER waiting AFTER UPDATE ON bookshop_author DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION waiting_commit()
"""


@pytest.fixture
def waiting_commit() -> Iterator[Callable[[], None]]:
    """Let commits of changed authors wait; return what lets them go on."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        cursor.execute("SELECT pg_advisory_lock(4711)")

        def go_on() -> None:
            cursor.execute("SELECT pg_advisory_unlock(4711)")

        yield go_on
        cursor.execute("DROP FUNCTION waiting_commit CASCADE")


def test_commit_that_outlasts_the_lease_after_a_lost_connection(waiting_commit: Callable[[], None]) -> None:
    """Nobody can know of it; the lease and the TTL are what bounds it."""
    Author.objects.create(name="Ursula")
    settings = CacheSettings(alias="redis", lease=1, ttl=1)
    with engines_forgotten():
        engine = GraphQLEngine(settings=Settings(cache=settings))
        cache = engine.answers.cache
        assert cache is not None
        engine.answers.remove()
        lost: list[int] = []

        @transaction.atomic
        def rename() -> None:
            Author.objects.update(name="Octavia")
            lost.append(connection.connection.pgconn.socket)

        def write() -> None:
            with pytest.raises(OperationalError):
                rename()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(in_thread, write)
            wait_until(waits)
            with socket.socket(fileno=os.dup(lost[0])) as line:
                line.shutdown(socket.SHUT_RDWR)
            writing.result(60)
        # for as long as the lease, nothing is kept
        assert str(cache.get(AUTHOR)).startswith("!")
        assert names(engine) == ["Ursula"]
        assert not is_hit(engine, AUTHORS)
        wait_until(lambda: is_hit(engine, AUTHORS))

        waiting_commit()

        wait_until(lambda: Author.objects.filter(name="Octavia").exists())
        wait_until(lambda: names(engine) == ["Octavia"])


def waits() -> bool:
    """Whether a commit waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted")
        return cursor.fetchone() is not None
