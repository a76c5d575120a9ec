"""``manage.py check --deploy`` says whether the share of Redis that answers may take is bounded."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.checks import CheckMessage, Warning, run_checks
from django.test import override_settings

from example_project.bookshop.models import Author
from example_project.servers import EmbeddedRedis
from fraiseql_django import GraphQLEngine, checks
from fraiseql_django.cache.answers import ENTRY, VERSION
from fraiseql_django.cache.django import DjangoCache
from tests.support import data, is_hit, wait_until

BACKENDS = ["django_redis.cache.RedisCache", "django.core.cache.backends.redis.RedisCache"]


@pytest.fixture(params=BACKENDS, ids=["django-redis", "Django's Redis"])
def redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Start a Redis of the test's own behind the alias "default", and return a client."""
    with Server(tmp_path, request.param) as client:
        yield client


class Server:
    """A Redis behind the alias "default"."""

    def __init__(self, folder: Path, backend: str, **options: Any) -> None:
        self._server = EmbeddedRedis(folder)
        own = {"BACKEND": backend, "LOCATION": self._server.url, **options}
        self._settings = override_settings(CACHES={**caches.settings, "default": own})

    def __enter__(self) -> Any:
        self._server.start()
        self._settings.enable()
        cache: Any = caches["default"]
        return cache.client.get_client() if hasattr(cache, "client") else cache._cache.get_client(None)

    def __exit__(self, *exception: object) -> None:
        caches["default"].close()
        self._settings.disable()
        self._server.stop()


def found() -> list[CheckMessage]:
    messages = run_checks(tags=["fraiseql"], include_deployment_checks=True)
    return [message for message in messages if message.id == "fraiseql.W032"]


def test_memory_without_a_limit(redis: Any) -> None:
    redis.config_set("maxmemory", 0)

    assert found() == [
        Warning(
            "The Redis of CACHES['default'] has no limit of memory (maxmemory is 0).",
            hint=(
                "Clients decide how many answers there are. Set maxmemory to what answers may take, and "
                "maxmemory-policy to allkeys-lru, or to volatile-lru where keys that must stay are in the same Redis."
            ),
            id="fraiseql.W032",
        )
    ]


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("noeviction", "removes nothing when its memory is full (maxmemory-policy is noeviction)"),
        ("allkeys-random", "removes keys by the policy 'allkeys-random' when its memory is full"),
        ("allkeys-lru", None),
        ("allkeys-lfu", None),
        ("volatile-lru", None),
        ("volatile-lfu", None),
        ("volatile-ttl", None),
        ("volatile-random", None),
    ],
)
def test_policies(redis: Any, policy: str, problem: str | None) -> None:
    redis.config_set("maxmemory", 100_000_000)
    redis.config_set("maxmemory-policy", policy)

    messages = found()

    expected = [] if problem is None else [f"The Redis of CACHES['default'] {problem}."]
    assert [message.msg for message in messages] == expected
    assert all("Set maxmemory-policy to allkeys-lru" in str(message.hint) for message in messages)


def test_nothing_is_said_where_redis_may_not_tell(redis: Any) -> None:
    """As at many hosts of Redis."""
    redis.config_set("maxmemory", 0)
    redis.execute_command("ACL", "SETUSER", "default", "-config")

    assert found() == []


def test_nothing_is_said_where_redis_cannot_be_reached(tmp_path: Path) -> None:
    own = {"BACKEND": BACKENDS[0], "LOCATION": f"unix://{tmp_path}/none.sock?db=0"}
    with override_settings(CACHES={**caches.settings, "default": own}):
        assert found() == []


def test_check_does_not_wait_for_a_redis_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_REDIS_SECONDS", 0.1)
    path = str(tmp_path / "hanging.sock")
    own = {"BACKEND": BACKENDS[0], "LOCATION": f"unix://{path}?db=0"}
    with socket.socket(socket.AF_UNIX) as server, override_settings(CACHES={**caches.settings, "default": own}):
        server.bind(path)
        server.listen()

        assert found() == []


def test_other_caches_are_not_asked() -> None:
    assert found() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
def test_full_redis_removes_answers_and_goes_on(redis: Any, policy: str) -> None:
    """By the policies that the check recommends: what stays is right, and new answers are kept."""
    Author.objects.bulk_create(Author(name=f"{number}" * 50) for number in range(20))
    engine = GraphQLEngine(cache=DjangoCache("default"))
    query = "query($name: String!) { authors(where: {name: {neq: $name}}) { name } }"
    data(engine, query, {"name": ""})
    used = redis.info("memory")["used_memory"]
    redis.config_set("maxmemory-policy", policy)
    redis.config_set("maxmemory", used + 400_000)

    for number in range(1000):
        data(engine, query, {"name": f"{number}"})

    kept = [key for key in redis.keys("*") if ENTRY.encode() in key]
    assert 0 < len(kept) < 1000
    assert redis.info("stats")["evicted_keys"] > 0
    assert [key for key in redis.keys("*") if VERSION.encode() in key]
    # Redis chooses among few keys at a time, so what it has just removed may be the version or the answer itself
    wait_until(lambda: is_hit(engine, query, {"name": "999"}))
    Author.objects.update(name="new")
    assert data(engine, query, {"name": "999"})["authors"][0] == {"name": "new"}
