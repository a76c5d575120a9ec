"""PostgreSQL is restarted, and fails over to a standby that lacks a transaction: real servers under one address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.conf.settings import CacheSettings, Settings
from fraiseql_django.invalidation import history
from tests.servers import Replicated, folder, replicated
from tests.support import data, engines_forgotten

authors = Author.objects.using("moving")


@pytest.fixture
def address(django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return what the settings call the primary, whichever server that is: a link to the folder of its socket."""
    with folder("ha") as made, django_db_blocker.unblock(), engines_forgotten():
        monkeypatch.setitem(
            connections.settings, "moving", {**connections.settings["default"], "HOST": str(made / "to")}
        )
        yield made / "to"
        connections["moving"].close()
        del connections["moving"]
        DjangoCache("redis").clear()


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, "{ authors { name } }")["authors"]]


def is_hit(engine: GraphQLEngine) -> bool:
    before = engine.statistics().statements
    names(engine)
    return engine.statistics().statements == before


def started(servers: Replicated, address: Path) -> GraphQLEngine:
    """Make an engine over the primary, with a table of one row."""
    address.symlink_to(servers.primary.socket_folder)
    own = {**servers.settings(servers.primary, "postgres"), "HOST": str(address)}
    connections.settings["moving"].update(own)
    registry = Registry()
    fraiseql.type(Author, fields=["name"], registry=registry)(type("AuthorType", (), {}))
    with connections["moving"].schema_editor() as editor:
        editor.create_model(Author)
    authors.create(name="Ursula")
    return GraphQLEngine(settings=Settings(database="moving", cache=CacheSettings(alias="redis")), registry=registry)


def test_answers_of_a_primary_that_is_gone_are_not_used(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAUSE_SECONDS", 0)
    with replicated() as servers:
        engine = started(servers, address)
        names(engine)
        assert is_hit(engine)

        # restarted: what was not on the disk may be lost
        connections["moving"].close()
        servers.primary.stop()
        servers.primary.start()
        assert authors.count() == 1
        assert not is_hit(engine)
        assert is_hit(engine)

        # failed over to a standby that has not received the last transaction
        servers.catch_up()
        servers.standby.stop()
        authors.update(name="Octavia")
        assert names(engine) == ["Octavia"]
        assert is_hit(engine)
        connections["moving"].close()
        servers.primary.stop()
        servers.standby.start()
        servers.promote()
        address.unlink()
        address.symlink_to(servers.standby.socket_folder)

        # another request opens a connection
        assert authors.count() == 1
        assert names(engine) == names(engine) == ["Ursula"]
        connections["moving"].close()
