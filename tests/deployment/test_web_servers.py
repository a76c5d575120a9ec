"""gunicorn, uvicorn and granian by the files in deploy/: connections, reloads and ends, while clients send requests."""

import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.deployment.stack import (
    ALIVE,
    HEALTH,
    SERVERS,
    Clients,
    Server,
    Stack,
    bouncer,
    gunicorn,
    serving,
    wait_until,
)
from tests.support import statements

# workers × threads, or workers × connections of a pool
FORMULA = 2 * 4
ACTIVE = "state = 'active' AND wait_event_type = 'Lock'"
# CONCURRENT_STATEMENTS
STATEMENTS = 3


def preloaded(port: int) -> Server:
    """gunicorn that imports the project before it forks."""
    return gunicorn(port, "--preload")


@pytest.mark.parametrize("server", [*SERVERS.values(), preloaded], ids=[*SERVERS, "gunicorn --preload"])
def test_server_is_reloaded_and_ended_without_a_failed_request(shop: Stack, server: Any) -> None:
    with serving(shop, server) as web, ThreadPoolExecutor() as pool:
        with Clients(web.ask, number=10) as clients:
            wait_until(lambda: len(shop.sessions()) == FORMULA, f"{FORMULA} connections")
            before = shop.sessions()
            web.signal(signal.SIGHUP)
            wait_until(lambda: not shop.sessions() & before, "workers with connections of their own")
            wait_until(lambda: len(shop.sessions()) == FORMULA, f"{FORMULA} connections")
        assert set(clients.counted) == {200}, web.log.read_text()

        with shop.locked():
            asked = pool.submit(web.ask)
            wait_until(lambda: shop.sessions(ACTIVE), "a statement that is under way")
            web.signal(signal.SIGTERM)
            # the workers get it meanwhile
            time.sleep(0.5)
        assert asked.result() == 200, web.log.read_text()
        assert web.ended() == 0
        log = web.log.read_text()
    assert "Traceback" not in log
    assert "Killing" not in log
    wait_until(lambda: not shop.sessions(), "the end of the connections")


def test_process_behind_pgbouncer_has_as_many_statements_at_once_as_the_limit_says(shop: Stack) -> None:
    with bouncer(shop) as url, serving(shop, gunicorn, DATABASE_URL=url, WEB_CONCURRENCY="1", THREADS="12") as web:
        assert web.ask() == 200
        with ThreadPoolExecutor(12) as pool:
            with shop.locked():
                asked = [pool.submit(web.ask) for _ in range(12)]
                wait_until(lambda: len(shop.sessions(ACTIVE)) == STATEMENTS, "as many statements as may run at once")
                # twelve threads are connected to PgBouncer
                assert len(shop.sessions()) < 12
            assert {future.result() for future in asked} == {200}, web.log.read_text()


def test_probes_tell_a_process_that_lives_from_one_that_is_ready(shop: Stack) -> None:
    with serving(shop, gunicorn, REDIS_URL="redis://127.0.0.1:1/0") as web:
        # without its cache it answers from the database, and says so
        assert web.get(ALIVE)[0] == 200
        assert web.ask() == 200
        status, body = web.get(HEALTH)
        assert status == 503
        assert b'"name": "cache", "healthy": false' in body
        # a probe comes without TLS, everybody else is sent to it
        assert web.get(HEALTH, **{"X-Forwarded-Proto": "http"})[0] == 503
        assert web.get(ALIVE, **{"X-Forwarded-Proto": "http"})[0] == 301


def test_probe_program_says_what_is_wrong(shop: Stack) -> None:
    def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.probe", *arguments]
        environment = shop.environment(PORT=str(web.port))
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with serving(shop, gunicorn) as web:
        assert [probe().returncode, probe(HEALTH).returncode] == [0, 0]
        failed = probe("/nowhere/")
        assert (failed.returncode, failed.stderr) == (1, "/nowhere/: 404\n")
    ended = probe()
    assert ended.returncode == 1
    assert "ConnectionRefusedError" in ended.stderr


def test_settings_leave_nothing_open_but_what_only_the_project_can_decide(shop: Stack) -> None:
    done = shop.manage("check", "--deploy", "--database=default", "--fail-level=WARNING")

    assert set(re.findall(r"\((\w+\.\w+)\)", done.stderr)) <= {"fraiseql.W006"}, done.stderr


@pytest.mark.django_db
def test_liveness_takes_no_statement(client: Any) -> None:
    with statements(0):
        assert client.get(ALIVE, headers={"Accept": "application/json"}).status_code == 200
