"""gunicorn, uvicorn and granian by the files in deploy/: connections, reloads and ends, while requests are under way."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.deployment.stack import ALIVE, HEALTH, SERVERS, Clients, Server, Stack, bouncer, gunicorn, serving, wait_until

# workers × threads, or workers × connections of a pool
FORMULA = 2 * 4
ACTIVE = "state = 'active' AND wait_event_type = 'Lock'"
# CONCURRENT_STATEMENTS of each of two workers
STATEMENTS = 2 * 3
# of pgbouncer.ini
POOL_SIZE = 20


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


def test_statements_at_once_are_those_of_the_limit_and_pgbouncer_has_no_more_connections_than_its_pool(
    shop: Stack,
) -> None:
    with bouncer(shop) as url, serving(shop, gunicorn, DATABASE_URL=url, THREADS="12") as web:
        with ThreadPoolExecutor(24) as pool:
            with shop.locked():
                asked = [pool.submit(web.ask) for _ in range(24)]
                wait_until(lambda: len(shop.sessions(ACTIVE)) == STATEMENTS, "as many statements as may run at once")
                assert len(shop.sessions()) <= POOL_SIZE
            assert {future.result() for future in asked} == {200}, web.log.read_text()
            assert len(shop.sessions()) <= POOL_SIZE


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
