"""A database that cannot be reached: said soon, in one line, and without its password."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import DjangoDbBlocker

from fraiseql_django import GraphQLEngine
from fraiseql_django.health import run_checks
from fraiseql_django.storage import django as storage_module


@pytest.fixture(autouse=True)
def unblocked(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let tests connect to databases that are not the tests' own."""
    known = set(connections.settings)
    with django_db_blocker.unblock():
        yield
    for alias in connections.settings.keys() - known:
        del connections.settings[alias]


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Listen on a port and never answer; return the URL of a database there."""
    # the least that libpq takes
    monkeypatch.setattr(storage_module, "HEALTH_CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgres://ada:secret@127.0.0.1:{server.getsockname()[1]}/shop"


def test_refused_connection() -> None:
    database, cache, schema = run_checks(GraphQLEngine({"db": "postgres://ada:secret@127.0.0.1:1/shop"}))

    assert not database.healthy
    assert database.detail.startswith("cannot be reached: ")
    assert "Connection refused" in database.detail
    assert "\n" not in database.detail
    assert "secret" not in database.detail
    assert cache.healthy
    assert not schema.healthy
    assert schema.detail.endswith("; not compared with the database, which cannot be reached")


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many seconds each attempt to connect waits at most."""
    found: list[int] = []
    connect = DatabaseWrapper.get_new_connection

    def noting(self: DatabaseWrapper, parameters: dict[str, Any]) -> Any:
        found.append(parameters["connect_timeout"])
        return connect(self, parameters)

    monkeypatch.setattr(DatabaseWrapper, "get_new_connection", noting)
    return found


def test_silent_server_is_given_up_soon(silent_server: str, waited: list[int]) -> None:
    engine = GraphQLEngine({"db": silent_server})

    assert not engine.is_ready()
    assert engine.health_check()["database"].detail == "connection timeout expired"
    assert waited == [2, 2]


def test_a_timeout_of_its_own_is_kept(silent_server: str, waited: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_module, "HEALTH_CONNECT_SECONDS", 60)
    engine = GraphQLEngine({"db": {"url": silent_server, "timeout_seconds": 2}})

    assert not engine.health_check()["database"].healthy
    assert waited == [2]


def test_only_the_check_is_impatient() -> None:
    engine = GraphQLEngine({"db": "postgres://127.0.0.1:1/shop"})
    connection = connections[engine.settings.database]
    before = connection.settings_dict
    engine.health_check()

    assert connection.settings_dict is before
    assert "connect_timeout" not in before["OPTIONS"]
