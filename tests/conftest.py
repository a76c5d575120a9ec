"""Servers for the whole session, and the fixtures that most tests use."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.core.cache import BaseCache, caches
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from example_project.bookshop.seed import Sizes, seed
from example_project.servers import EmbeddedServerError
from fraiseql_django import GraphQLEngine
from fraiseql_django.invalidation import names as tables
from tests.settings import POSTGRES, REDIS, SERVERS_DIR
from tests.zoo.data import populate
from tests.zoo.types import ZOO


def pytest_configure() -> None:
    """Start the servers that the environment does not name."""
    try:
        if not os.environ.get("DATABASE_URL"):
            POSTGRES.start()
        if not os.environ.get("REDIS_URL"):
            REDIS.start()
    except EmbeddedServerError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure() -> None:
    """Stop them, and leave nothing behind."""
    POSTGRES.stop()
    REDIS.stop()
    shutil.rmtree(SERVERS_DIR, ignore_errors=True)


@pytest.fixture
def bookshop(db: None) -> Sizes:
    """Fill a small bookshop: 50 books, 250 reviews, 125 orders; the same every time."""
    return seed(1 / 400)


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill bookshop and zoo once for a module whose tests only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed(1 / 400)
        populate()
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def books(populated: None) -> GraphQLEngine:
    """Make an engine over the bookshop, which keeps no answers."""
    return GraphQLEngine(cache=None)


@pytest.fixture(scope="module")
def zoo(populated: None) -> GraphQLEngine:
    """Make an engine over the zoo, which keeps no answers."""
    return GraphQLEngine(registry=ZOO, cache=None)


@pytest.fixture
def empty_schema(db: None) -> None:
    """Put an empty schema public in front of the one with the tables, for one test."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA public RENAME TO with_tables")
        cursor.execute("CREATE SCHEMA public")
        cursor.execute("SET LOCAL search_path = public, with_tables")


@pytest.fixture(params=["locmem", "redis"])
def cache_alias(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once on each kind of cache, empty before and after; return the cache's alias."""
    cache = caches[request.param]
    _empty(cache)
    yield request.param
    _empty(cache)


@pytest.fixture(params=["pipeline", "cursors"])
def storage_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once on each way in which statements are sent; return its name."""
    monkeypatch.setattr("fraiseql_django.storage.django.PIPELINE_ALLOWED", request.param == "pipeline")
    return str(request.param)


def _empty(cache: BaseCache) -> None:
    """Remove the tests' own keys only: clear() of a Redis cache would empty a database that others use."""
    if hasattr(cache, "delete_pattern"):
        cache.delete_pattern("*")
    else:
        cache.clear()


@pytest.fixture
def no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the sources that other tests have declared: what is known of their names is known to the process."""
    monkeypatch.setattr(tables, "_registered", {})
    monkeypatch.setattr(tables, "_known", set())
