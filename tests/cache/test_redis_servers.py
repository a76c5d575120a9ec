"""Answers in each form of Redis: alone, behind Sentinel, in a cluster; through real failures."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
import pytest
from django.core.cache import caches
from django.db import connection
from django.test import override_settings

from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache import circuit_breaker
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.table_versions import TableVersions
from fraiseql_django.metrics.report import figures
from tests.servers import RedisCluster, RedisServer, redis_cluster, redis_server, redis_with_sentinel, wait_until
from tests.support import data, is_hit, page_settings

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
LIMITED = "query($n: Int) { authors(limit: $n) { name } }"
NUMBERS = count()
WRITE = """
import json, sys
from django.conf import settings
database, caches, fraiseql = json.loads(sys.argv[1])
settings.DATABASES["default"]["NAME"] = database
settings.CACHES = {**settings.CACHES, "served": caches["default"]}
settings.FRAISEQL = {"CACHE": {"ALIAS": "served", **fraiseql["CACHE"]}}
import django
django.setup()
from example_project.bookshop.models import Author
Author.objects.update(name=sys.argv[2])
"""


def alone(port: int) -> dict[str, Any]:
    """Return what the page on growing writes into settings, on a Redis of this machine."""
    return page_settings("growing.md", "settings.py: Redis alone", {"cache.example:6379": f"127.0.0.1:{port}"})


def by_sentinel(port: int) -> dict[str, Any]:
    """The same behind a Sentinel."""
    hosts = {f'"sentinel{number}.example", 26379': f'"127.0.0.1", {port}' for number in (1, 2, 3)}
    return page_settings("growing.md", "settings.py: Redis behind Sentinel", hosts)


def by_cluster(cluster: RedisCluster) -> dict[str, Any]:
    """The same in a cluster."""
    hosts = {"redis://node1.example:6379": cluster.url}
    return page_settings("growing.md", "settings.py: Redis Cluster", hosts)


@contextmanager
def engine_on(settings: dict[str, Any], *, shards: int | None = None) -> Iterator[GraphQLEngine]:
    """Make an engine with the settings of the page."""
    Author.objects.create(name="Ursula")
    # an alias of its own: what a process knows of a cache outlives a change of settings
    alias = f"served{next(NUMBERS)}"
    served = {**caches.settings, alias: settings["CACHES"]["default"]}
    about = {"ALIAS": alias, **settings.get("FRAISEQL", {}).get("CACHE", {})}
    if shards is not None:
        about["SHARDS"] = shards
    with override_settings(CACHES=served, FRAISEQL={"CACHE": about}):
        yield GraphQLEngine()


def names(engine: GraphQLEngine, number: int | None = None) -> list[str]:
    found = data(engine, AUTHORS) if number is None else data(engine, LIMITED, {"n": number})
    return [author["name"] for author in found["authors"]]


def write_elsewhere(settings: dict[str, Any], name: str) -> None:
    """Rename the authors in another process that has the same settings."""
    about = json.dumps([connection.settings_dict["NAME"], settings["CACHES"], settings["FRAISEQL"]])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WRITE, about, name]
    subprocess.run(command, cwd=BASE_DIR, env=environment, check=True, timeout=60)


@contextmanager
def commands(*servers: RedisServer) -> Iterator[list[str]]:
    """Collect the commands of clients that servers run in a block."""
    found: list[str] = []
    before = [_calls(server) for server in servers]
    yield found
    for server, earlier in zip(servers, before, strict=True):
        for name, calls in _calls(server).items():
            found += [name] * (calls - earlier.get(name, 0))


def _calls(server: RedisServer) -> dict[str, int]:
    """Return how often each command was run, but for those that servers and these tests send themselves."""
    with server.client as client:
        stats = client.info("commandstats")
    own = ("info", "ping", "publish", "replconf", "psync", "hello", "client", "cluster", "subscribe", "role", "command")
    counts = {name.removeprefix("cmdstat_"): about["calls"] for name, about in stats.items()}
    return {name: calls for name, calls in counts.items() if not name.startswith(own)}


def test_hit_is_one_round_trip_to_one_redis() -> None:
    with redis_server() as server, engine_on(alone(server.port)) as engine:
        names(engine)
        assert is_hit(engine, AUTHORS)

        with commands(server) as run:
            assert is_hit(engine, AUTHORS)
        assert run == ["mget"]


def test_redis_that_is_restored_from_a_snapshot_answers_nothing_old() -> None:
    """The snapshot has the answer and the version from before a write that was told since."""
    with redis_server() as server, engine_on(alone(server.port)) as engine:
        names(engine)
        assert is_hit(engine, AUTHORS)
        server.ask("SAVE")
        Author.objects.update(name="Octavia")
        server.stop()
        server.start()
        assert server.ask("DBSIZE") >= 2

        assert names(engine) == ["Octavia"]
        assert names(engine) == ["Octavia"]
        assert is_hit(engine, AUTHORS)
        found = figures(engine.metrics.report().total)
        assert found["miss_reasons"] == {"absent": 1, "server": 1}
        # the snapshot has the versions that the entry was kept under
        assert engine.metrics.report().written == {}


def test_sentinel_promotes_a_replica_that_missed_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0.1)
    with redis_with_sentinel() as servers, engine_on(by_sentinel(servers.sentinel.port)) as engine:
        names(engine)
        with commands(servers.master) as run, commands(servers.replica) as run_on_replica:
            assert is_hit(engine, AUTHORS)
        assert (run, run_on_replica) == (["mget"], [])
        wait_until(lambda: servers.replica.ask("DBSIZE") == servers.master.ask("DBSIZE"), "the replica to follow")

        assert servers.replica.process is not None
        servers.replica.process.send_signal(signal.SIGSTOP)
        servers.master.ask("CLIENT", "KILL", "TYPE", "replica")
        Author.objects.update(name="Octavia")
        servers.master.stop()
        servers.replica.process.send_signal(signal.SIGCONT)
        servers.fail_over()
        # what is kept there is from before the write
        assert servers.replica.ask("DBSIZE") >= 2

        for _ in range(3):
            assert names(engine) == ["Octavia"]
        wait_until(lambda: is_hit(engine, AUTHORS), "the new master to answer")
        with commands(servers.replica) as run:
            assert is_hit(engine, AUTHORS)
        assert run == ["mget"]


def test_requests_go_on_during_a_failover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0.1)
    with redis_with_sentinel() as servers, engine_on(by_sentinel(servers.sentinel.port)) as engine:
        names(engine)
        servers.master.stop()
        for number in range(20):
            Author.objects.update(name=str(number))
            assert names(engine) == [str(number)]
            time.sleep(0.05)
        servers.fail_over()
        Author.objects.update(name="Octavia")
        assert names(engine) == ["Octavia"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Start a cluster once for this module."""
    with redis_cluster() as started:
        yield started


@pytest.mark.parametrize("shards", [1, None])
def test_hit_is_one_round_trip_to_a_cluster(cluster: RedisCluster, shards: int | None) -> None:
    with engine_on(by_cluster(cluster), shards=shards) as engine:
        for number in range(1, 25):
            names(engine, number)

        before = [master.calls("mget") for master in cluster.masters]
        with commands(*cluster.masters) as run:
            for number in range(1, 25):
                assert is_hit(engine, LIMITED, {"n": number})
        assert run == ["mget"] * 24
        used = sum(master.calls("mget") > earlier for master, earlier in zip(cluster.masters, before, strict=True))
        assert used == 1 if shards == 1 else used > 1


def test_cluster_tells_other_processes_of_a_write(cluster: RedisCluster) -> None:
    with engine_on(by_cluster(cluster)) as engine:
        for number in range(1, 25):
            names(engine, number)

        write_elsewhere(by_cluster(cluster), "Octavia")

        assert {name for number in range(1, 25) for name in names(engine, number)} == {"Octavia"}


def test_processes_with_another_number_of_shards(cluster: RedisCluster) -> None:
    """One with fewer does not reach the shards of one with more; clearing the cache afterwards does."""
    with engine_on(by_cluster(cluster)) as engine:
        # what the tests before have kept: nothing has told this cache of what they emptied
        engine.answers.remove()
        for number in range(1, 25):
            names(engine, number)
        assert all(is_hit(engine, LIMITED, {"n": number}) for number in range(1, 25))

        # as a process with one shard writes and tells it
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("UPDATE bookshop_author SET name = 'Octavia'")
        assert isinstance(engine.cache, DjangoCache)
        TableVersions(DjangoCache(engine.cache.alias), 30).renew(["bookshop_author"])
        assert {name for number in range(1, 25) for name in names(engine, number)} == {"Ursula", "Octavia"}

        engine.answers.remove()
        assert {name for number in range(1, 25) for name in names(engine, number)} == {"Octavia"}


def test_cluster_that_loses_a_node_leaves_nothing_stale(cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_breaker, "REST_SECONDS", 0.1)
    with engine_on(by_cluster(cluster)) as engine:
        for number in range(1, 9):
            names(engine, number)
        cluster.masters[1].stop()

        Author.objects.update(name="Octavia")
        for number in range(1, 9):
            assert names(engine, number) == ["Octavia"]

        cluster.masters[1].start()
        cluster.wait()
        wait_until(lambda: all(is_hit(engine, LIMITED, {"n": number}) for number in range(1, 9)), "all to be kept")
        Author.objects.update(name="Joanna")
        for number in range(1, 9):
            assert names(engine, number) == ["Joanna"]
