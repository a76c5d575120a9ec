"""What is wrong with REPLICAS, as the system checks say it."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections

from fraiseql_django import GraphQLEngine, checks
from fraiseql_django.conf.settings import Settings
from fraiseql_django.errors import ConfigurationError
from tests.replicas.conftest import Router

SAME = "Statements are made for both, so both must read them alike."


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Add a database that is never connected to, and return what DATABASES says of it."""
    settings = {**connections.settings["default"], "HOST": "replica.example"}
    monkeypatch.setitem(connections.settings, "copy", settings)
    return settings


def found() -> list[CheckMessage]:
    return [message for message in checks.check_project() if message.id in ("fraiseql.E050", "fraiseql.W050")]


def test_replica_that_the_router_names_is_right(settings: Any, copy: dict[str, Any]) -> None:
    settings.FRAISEQL = {"REPLICAS": ["copy"]}
    settings.DATABASE_ROUTERS = [f"{Router.__module__}.Router"]

    assert found() == []


def test_unknown_alias_is_refused(settings: Any) -> None:
    settings.FRAISEQL = {"REPLICAS": ["nowhere"]}

    assert found()[0] == Error(
        "FRAISEQL['REPLICAS'] has 'nowhere', which is not in DATABASES.",
        hint="Must be one of: 'second'.",
        id="fraiseql.E050",
    )


def test_database_is_no_replica_of_itself(settings: Any) -> None:
    settings.FRAISEQL = {"REPLICAS": ["default"]}

    assert found()[0] == Error(
        "FRAISEQL['REPLICAS'] has 'default', which is FRAISEQL['DATABASE'].",
        hint="Leave it out: what no router sends to a replica is read from the database itself.",
        id="fraiseql.E050",
    )


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ENGINE", "django.db.backends.sqlite3", "ENGINE is 'django.db.backends.sqlite3', not 'django.db.backends.pos"),
        ("TIME_ZONE", "Asia/Tokyo", "TIME_ZONE is 'Asia/Tokyo', not None"),
        ("OPTIONS", {"options": "-c search_path=x"}, "OPTIONS['options'] is '-c search_path=x', not None"),
    ],
)
def test_replica_reads_statements_as_the_database_does(
    settings: Any, copy: dict[str, Any], name: str, value: Any, text: str
) -> None:
    copy[name] = value
    settings.FRAISEQL = {"REPLICAS": ["copy"]}

    (problem,) = [message for message in found() if message.id == "fraiseql.E050"]
    assert text in problem.msg
    assert problem.hint == SAME


def test_engine_refuses_what_the_check_refuses() -> None:
    with pytest.raises(ConfigurationError, match="has 'nowhere', which is not in DATABASES"):
        GraphQLEngine(settings=Settings(replicas=("nowhere",)))


@pytest.mark.parametrize(
    ("cache", "routers", "reason"),
    [
        ("locmem", [], "there are no DATABASE_ROUTERS"),
        (None, [f"{Router.__module__}.Router"], "FRAISEQL['CACHE']['ALIAS'] is None"),
    ],
)
def test_replicas_that_are_never_read_are_a_warning(
    settings: Any, copy: dict[str, Any], cache: str | None, routers: list[str], reason: str
) -> None:
    settings.FRAISEQL = {"REPLICAS": ["copy"], "CACHE": {"ALIAS": cache}}
    settings.DATABASE_ROUTERS = routers

    assert found() == [
        Warning(
            f"FRAISEQL['REPLICAS'] has 'copy', but every query reads the primary: {reason}.",
            hint=(
                "Let db_for_read() of a router return the alias of a replica, and keep answers in a cache that all "
                "processes share, where the versions of tables say what a replica must have replayed."
            ),
            id="fraiseql.W050",
        )
    ]


def test_storage_without_positions_is_refused() -> None:
    settings = Settings(replicas=("second",), storage="tests.replicas.test_settings.Plain")

    with pytest.raises(ConfigurationError, match="lacks: query_at"):
        GraphQLEngine(settings=settings)


class Plain:
    """A storage of a project's own from before there were replicas."""

    backend_name = "plain"
    shared = True

    def __init__(self, alias: str, prepare_statements: bool) -> None: ...

    def query(self, sql: str, params: Any = (), settings: Any = ()) -> Any: ...

    def execute(self, sql: str, params: Any = ()) -> Any: ...

    def begin_transaction(self, settings: Any = ()) -> Any: ...

    def health_check(self) -> Any: ...
