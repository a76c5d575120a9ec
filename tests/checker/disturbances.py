"""What happens to the processes and servers of a run, at random moments."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import redis

from .registers import stored

if TYPE_CHECKING:
    from .run import Running

# How long what stands still stands still
STILL_SECONDS = 0.2


def kill(running: Running) -> None:
    """Kill a process with what it writes, and start another in its place."""
    slot = running.random.randrange(running.run.processes)
    running.processes[slot].kill()
    running.processes[slot].wait()
    replace(running, slot)


def replace(running: Running, slot: int) -> None:
    """Start a process in the place of one that was killed, whose last writes may have been committed."""
    running.note("process killed", slot=slot)
    _end(running, running.application(slot))
    writers = running.run.writers
    with running.connect() as connection:
        for register in [one for number in range(writers) for one in running.layout.of(slot * writers + number)]:
            low, high = running.bounds.committed(register), running.bounds.begun(register)
            number = stored(connection.cursor(), register, low, high)
            if low < high:
                running.note("finds in the database", registers=[str(register)], number=number, of=[low, high])
            running.due.append((time.monotonic() + running.run.grace, register, number))
    running.incarnations[slot] += 1
    running.bounds.reset(slot, "ready")
    running.processes[slot] = running.start(slot)


def _end(running: Running, application: str) -> None:
    """End the connections of a process, and wait until none may commit any more."""
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s"
    with running.connect() as connection:
        while connection.execute(query, [application]).fetchone() != (0,):
            time.sleep(0.01)


def terminate(running: Running) -> None:
    """End a connection to the database, whatever it is doing."""
    slot = running.random.randrange(running.run.processes)
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s ORDER BY pid"
    with running.connect() as connection:
        found = connection.execute(query, [running.application(slot)]).fetchall()
        if found:
            running.note("connection ended", slot=slot)
            connection.execute("SELECT pg_terminate_backend(%s)", running.random.choice(found))


def stop(running: Running) -> None:
    """Let a process stand still for a moment."""
    process = running.random.choice(running.processes)
    os.kill(process.pid, signal.SIGSTOP)
    running.note("process stands still", pid=process.pid)
    time.sleep(STILL_SECONDS)
    os.kill(process.pid, signal.SIGCONT)


def _client(running: Running) -> Any:
    assert running.redis is not None, "only Redis can be disturbed"
    return redis.Redis(unix_socket_path=str(running.redis.socket))


def evict(running: Running) -> None:
    """Remove some of the cache's keys: answers, versions or both."""
    client = _client(running)
    keys = client.keys("*")
    chosen = [key for key in keys if running.random.random() < running.random.choice((0.05, 0.5))]
    chosen += [key for key in keys if b"version" in key and running.random.random() < 0.3]
    if chosen:
        running.note("keys removed", number=len(chosen))
        client.delete(*chosen)


def empty(running: Running) -> None:
    """Remove all of the cache's keys."""
    running.note("all keys removed")
    _client(running).flushall()


def pause(running: Running) -> None:
    """Let Redis answer nobody for a moment."""
    running.note("Redis pauses")
    _client(running).client_pause(int(1000 * STILL_SECONDS))


def restart(running: Running) -> None:
    """Stop Redis, with all that it has, and start it."""
    assert running.redis is not None, "only Redis can be restarted"
    running.note("Redis restarts")
    running.redis.stop()
    running.redis.start()


DISTURBANCES: dict[str, Callable[[Running], None]] = {
    disturbance.__name__: disturbance for disturbance in (kill, terminate, stop, evict, empty, pause, restart)
}
# What only a Redis can be disturbed by
OF_REDIS = ("evict", "empty", "pause", "restart")
