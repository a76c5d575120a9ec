"""The settings of the page on growing, with two replicas and the router that it shows."""

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connections
from django.db.models import QuerySet
from django.test import override_settings

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, Registry, checks
from tests.replicas.conftest import Site
from tests.support import data, page_settings

AUTHORS = "{ authors { name } }"


@pytest.fixture
def page(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Put the page's settings into force, on the servers of this module."""
    servers = site.servers
    (text,) = re.findall(
        r"```python\n# shop/routers.py\n(.*?)```", (BASE_DIR / "docs" / "growing.md").read_text(), re.DOTALL
    )
    shop, routers = ModuleType("shop"), ModuleType("shop.routers")
    exec(text, vars(routers))
    monkeypatch.setitem(sys.modules, "shop", shop)
    monkeypatch.setitem(sys.modules, "shop.routers", routers)
    found = page_settings("growing.md", "settings.py: a primary and two replicas", {})
    usual = connections.settings["second"]
    for alias, own in found["DATABASES"].items():
        server = servers.primary if alias == "default" else servers.standby
        where = servers.settings(server, "postgres")
        mirror = {"TEST": {**usual["TEST"], "MIRROR": None, **own.get("TEST", {})}}
        monkeypatch.setitem(connections.settings, alias, {**usual, **own, **where, **mirror})
    former = connections["default"]
    del connections["default"]
    try:
        with override_settings(DATABASE_ROUTERS=found["DATABASE_ROUTERS"], FRAISEQL=found["FRAISEQL"]):
            yield found
    finally:
        for alias in found["DATABASES"]:
            connections[alias].close()
            del connections[alias]
        connections["default"] = former


def test_settings_of_the_page_have_no_problems(page: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["name"], registry=registry)(type("AuthorType", (), {}))
    monkeypatch.setattr(checks, "default_registry", registry)

    assert [message.id for message in checks.check_project() if message.id and message.id[9] == "E"] == []


def test_replicas_of_the_page_share_the_reads(page: dict[str, Any]) -> None:
    registry = Registry()
    fraiseql.type(Author, fields=["name"], registry=registry)(type("AuthorType", (), {}))
    caches["default"].clear()
    engine = GraphQLEngine(registry=registry)
    assert engine.replicas is not None
    rows: QuerySet[Author] = Author.objects.using("default")
    rows.create(name="Ursula")
    query = "query($n: Int) { authors(limit: $n) { name } }"
    data(engine, query, {"n": 1})

    for number in range(2, 40):
        assert data(engine, query, {"n": number})["authors"] == [{"name": "Ursula"}]

    assert engine.replicas.answered + engine.replicas.passed_on == 38
    assert engine.replicas.answered > 20
    used = [alias for alias in page["FRAISEQL"]["REPLICAS"] if connections[alias].connection is not None]
    assert used == ["replica1", "replica2"]
