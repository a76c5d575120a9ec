"""Servers for the whole session, and the fixtures that most tests use."""

import os
import shutil
from collections import deque
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from example_project.bookshop.seed import Sizes, seed
from example_project.servers import EmbeddedServerError
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import Settings
from fraiseql_django.invalidation import names as tables
from fraiseql_django.schema.build import Schema, build_schema
from fraiseql_django.schema.kinds import _kinds as schema_kinds
from tests import cleaning
from tests.menagerie.data import populate as fill_menagerie
from tests.settings import OWNER, POSTGRES, REDIS, SERVERS_DIR
from tests.support import empty, engines_forgotten, forget_definitions
from tests.zoo.data import populate
from tests.zoo.types import ZOO

# in seconds, one process: 60, 50, 40, 40, 40, 30, 30, 30, 20, 20
LONGEST = {
    "test_tutorial.py",
    "test_guides.py",
    "test_rule_matrix.py",
    "test_random_operations.py",
    "test_servers.py",
    "test_clients.py",
    "test_injection.py",
    "test_demo.py",
    "test_rule_matrix_kinds.py",
    "test_rule_matrix_functions.py",
    "test_operators.py",
    "test_replicas.py",
    "test_redis_servers.py",
    "test_guardian.py",
    "test_hidden_rows.py",
    "test_type_matrix.py",
    "test_non_interference.py",
}

# registries with fewer types are those of one test
SMALL = 5
# the settings of Django that a schema depends on
PLACE = ("LANGUAGE_CODE", "USE_TZ", "TIME_ZONE")


def pytest_configure() -> None:
    """Start the servers that the environment does not name; workers use those of the process that starts them."""
    if os.getpid() != OWNER:
        return
    try:
        if not os.environ.get("DATABASE_URL"):
            POSTGRES.start()
        if not os.environ.get("REDIS_URL"):
            REDIS.start()
    except EmbeddedServerError as error:
        pytest.exit(str(error), returncode=1)


def pytest_unconfigure() -> None:
    """Stop them, and leave nothing behind."""
    if os.getpid() != OWNER:
        return
    POSTGRES.stop()
    REDIS.stop()
    shutil.rmtree(SERVERS_DIR, ignore_errors=True)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run the tests: each needs a processor of its own, and a database."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 8)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a worker that has nothing left takes over what is at the end of another's list."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the database, and see to it that it is emptied quickly."""
    with django_db_blocker.unblock():
        cleaning.install(["default"])


@pytest.fixture(autouse=True)
def no_engine_outlives_its_test() -> Iterator[None]:
    """Keep the writes of later tests from an engine that garbage collection has not found yet, and from its cache."""
    with engines_forgotten():
        yield


# what each was built from, and the schema; the last ones
_built: deque[tuple[tuple[Any, ...], Schema, list[Any]]] = deque(maxlen=8)


def build_once(registry: Registry, settings: Settings) -> Schema:
    """Return the schema that an earlier engine had of the same declarations and settings: building one takes 60 ms."""
    declared = [item for field in fields(registry) for item in getattr(registry, field.name) or ()]
    place = [getattr(django_settings, name) for name in PLACE]
    origin = (registry.name, list(map(id, declared)), settings, list(schema_kinds), place)
    for known, schema, _ in _built:
        if known == origin:
            return schema
    schema = build_schema(registry, settings)
    if len(registry.types) > SMALL:
        # with the declarations, so that no others get their ids
        _built.append((origin, schema, declared))
    return schema


@pytest.fixture(scope="session", autouse=True)
def schemas_built_once() -> Iterator[None]:
    """Build the schema of the bookshop and of the zoo once: most tests have an engine of their own over one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fraiseql_django.engine.build_schema", build_once)
        patch.setattr("fraiseql_django.checks.build_schema", build_once)
        yield


@pytest.fixture(autouse=True)
def other_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines keep answers in a cache that no other process knows of: most tests have no other process."""
    if request.node.get_closest_marker("other_processes") is None:
        monkeypatch.setattr("fraiseql_django.engine.refuse_untold", lambda cache: None)


@pytest.fixture(autouse=True)
def extension(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    """Skip a test whose extension the server does not have, as the embedded one; fail where CI has one that should."""
    marker = request.node.get_closest_marker("extension")
    if marker is None:
        return
    request.getfixturevalue("django_db_setup")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        name, *where = marker.args
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = %s", [name])
        if cursor.fetchone() == (0,):
            # Debian has no vector, the embedded server has nothing else
            required = "DATABASE_URL" not in os.environ if where else "FRAISEQL_TESTS_EXTENSIONS" in os.environ
            fail_or_skip = pytest.fail if required else pytest.skip
            fail_or_skip(f"this server has no extension {name}; .ci/run uses one that has it")


@pytest.fixture
def bookshop(db: None) -> Sizes:
    """Fill a small bookshop: 50 books, 250 reviews, 125 orders; the same every time."""
    sizes = seed(1 / 400)
    forget_definitions()
    return sizes


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill bookshop and zoo once for a module whose tests only read."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed(1 / 400)
        populate()
        fill_menagerie()
        forget_definitions()
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
    empty(cache)
    yield request.param
    empty(cache)


@pytest.fixture(params=["pipeline", "cursors"])
def storage_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once on each way in which statements are sent; return its name."""
    monkeypatch.setattr("fraiseql_django.storage.django.PIPELINE_ALLOWED", request.param == "pipeline")
    return str(request.param)


@pytest.fixture
def no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the sources that other tests have declared: what is known of their names is known to the process."""
    monkeypatch.setattr(tables, "_registered", {})
    monkeypatch.setattr(tables, "_known", set())
