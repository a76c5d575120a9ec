"""A Redis Cluster of three: a hit is one command to one node, and answers are spread over the nodes by shards."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.cache import caches

from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.cluster import ClusterConnectionFactory
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.cache.keys import ENTRY, version_key
from fraiseql_django.cache.marks import MARK
from tests.support import data, do_without, is_hit, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"


def free_port() -> int:
    """Return a port of which the cluster bus's, 10,000 above it, exists as well."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        if port < 55_000:
            return port


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[int]]:
    """Return the ports of three nodes, which have the slots between them."""
    server = shutil.which("redis-server")
    if server is None:
        do_without("a Redis Cluster needs redis-server (Debian: redis-server), since the wheel's Redis has no bus")
    with TemporaryDirectory(prefix="redis-cluster-") as folder:
        ports = [free_port() for _ in range(3)]
        running = []
        for port in ports:
            home = Path(folder, str(port))
            home.mkdir()
            options = ["--port", str(port), "--cluster-enabled", "yes", "--save", "", "--cluster-node-timeout", "2000"]
            with (home / "log").open("wb") as log:
                running.append(subprocess.Popen([server, *options], cwd=home, stdout=log, stderr=log))
        try:
            join(ports)
            yield ports
        finally:
            for process in running:
                process.kill()
                process.wait()


def join(ports: list[int]) -> None:
    wait_until(lambda: all(map(accepts, ports)))
    addresses = [f"127.0.0.1:{port}" for port in ports]
    command = ["redis-cli", "--cluster", "create", *addresses, "--cluster-yes"]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    wait_until(lambda: all("cluster_state:ok" in told(port) for port in ports))


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def told(port: int) -> str:
    command = ["redis-cli", "-p", str(port), "cluster", "info"]
    return subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout


@pytest.fixture
def cluster(nodes: list[int]) -> Iterator[str]:
    """Return an alias of the cluster."""
    caches.settings["cluster"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{nodes[0]}",
        "OPTIONS": {"CONNECTION_FACTORY": "fraiseql_django.cache.cluster.ClusterConnectionFactory"},
    }
    yield "cluster"
    client_of("cluster").flushall(target_nodes="primaries")
    ClusterConnectionFactory._clusters.clear()
    del caches["cluster"]
    del caches.settings["cluster"]


def client_of(alias: str) -> Any:
    cache: Any = caches[alias]
    return cache.client.get_client()


def engine_over(alias: str, shards: int) -> GraphQLEngine:
    cache = DjangoCache(alias)
    cache.spread = shards
    return GraphQLEngine(cache=cache)


@pytest.mark.parametrize("shards", [1, 8])
def test_write_is_seen(cluster: str, shards: int) -> None:
    Author.objects.create(name="Ursula")
    engine = engine_over(cluster, shards)
    queries = [AUTHORS, *(f"{{ authors(limit: {number}) {{ name }} }}" for number in range(1, 9))]
    for query in queries:
        data(engine, query)
    assert all(is_hit(engine, query) for query in queries)

    Author.objects.update(name="Octavia")

    for query in queries:
        assert data(engine, query) == {"authors": [{"name": "Octavia"}]}
        assert is_hit(engine, query)
    assert engine.answers.remove() == len(queries)


def test_write_is_seen_by_engines_of_different_shards(cluster: str) -> None:
    Author.objects.create(name="Ursula")
    # the first one has the fewest
    engines = [engine_over(cluster, shards) for shards in (1, 8, 3)]
    queries = [AUTHORS, *(f"{{ authors(limit: {number}) {{ name }} }}" for number in range(1, 9))]
    for engine in engines:
        for query in queries:
            data(engine, query)
        assert all(is_hit(engine, query) for query in queries)

    Author.objects.update(name="Octavia")

    for engine in engines:
        for query in queries:
            assert data(engine, query) == {"authors": [{"name": "Octavia"}]}
            assert is_hit(engine, query)


def test_hit_is_one_command_to_one_node(cluster: str) -> None:
    engine = engine_over(cluster, 8)
    query = "{ authors { name books { title } } }"
    data(engine, query)
    client = client_of(cluster)
    client.config_resetstat(target_nodes="all")

    assert is_hit(engine, query)

    found: dict[str, int] = {}
    for stats in client.info("commandstats", target_nodes="all").values():
        for name, numbers in stats.items():
            found[name] = found.get(name, 0) + numbers["calls"]
    assert {name: calls for name, calls in found.items() if name not in OWN} == {"cmdstat_mget": 1}


OWN = {"cmdstat_info", "cmdstat_config|resetstat", "cmdstat_ping", "cmdstat_cluster|nodes", "cmdstat_replconf"}


def test_answers_are_spread_over_the_nodes(cluster: str) -> None:
    engine = engine_over(cluster, 8)
    for number in range(1, 33):
        data(engine, f"{{ authors(limit: {number}) {{ name }} }}")
    client = client_of(cluster)

    kept = {
        node.port: sum(1 for key in client.scan_iter(match=f"*{ENTRY}*", target_nodes=node))
        for node in client.get_primaries()
    }

    assert sum(kept.values()) == 32
    assert all(kept.values())


def test_marks_are_in_every_shard(cluster: str) -> None:
    engine = engine_over(cluster, 4)
    cache, versions = engine.cache, engine.answers.versions
    assert cache is not None
    assert versions is not None

    assert versions.mark(["bookshop_author"], "one")
    keys = [version_key("bookshop_author", shard) for shard in range(4)]
    assert all(str(cache.get(key)).startswith(f"{MARK}one@") for key in keys)
    data(engine, AUTHORS)
    assert not is_hit(engine, AUTHORS)

    versions.renew(["bookshop_author"], "one")
    assert not any(MARK in str(cache.get(key)) for key in keys)
    data(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)
