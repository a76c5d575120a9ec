"""DATABASE_ROUTERS and the engine's one database: what is sent elsewhere is an error, a replica is none."""

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error
from django.db import connections, models
from django.test import override_settings

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import GraphQLEngine, Registry, checks
from fraiseql_django.schema.routing import Route

CURRENT: ContextVar[str | None] = ContextVar("database", default=None)


class Archived(models.Model):
    """A model whose manager is bound to another database."""

    name = models.TextField()

    objects = models.Manager().db_manager("elsewhere")

    class Meta:
        managed = False
        app_label = "zoo"
        db_table = "zoo_archived"


class Router:
    """Sends a model where the class says; others nowhere in particular."""

    model: Any = Book
    read: str | None = None
    write: str | None = None

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self.read if model is self.model else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self.write if model is self.model else None


class Elsewhere(Router):
    """Both in another database."""

    read = write = "elsewhere"


class ThroughElsewhere(Elsewhere):
    """The table between books and authors."""

    model = Book.authors.through


class Replica(Router):
    """Reads from another database, writes to the usual one."""

    read, write = "elsewhere", "default"


class ReadsOnly(Router):
    """Reads from another database; Django writes to the default one."""

    read = "elsewhere"


class OfTenant:
    """As docs/multi-tenancy.md has it."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return CURRENT.get()

    db_for_write = db_for_read


class Silent:
    """Has no opinion on reading and writing."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return None


def using(*routers: type) -> Any:
    return override_settings(DATABASE_ROUTERS=[f"{__name__}.{router.__name__}" for router in routers])


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Add a database that is never connected to."""
    settings: dict[str, Any] = {**connections.settings["default"], "HOST": "elsewhere.example"}
    settings["TEST"] = {**settings["TEST"], "MIRROR": None}
    monkeypatch.setitem(connections.settings, "elsewhere", settings)
    return settings


def registry(*, writes: bool = False) -> Registry:
    found = Registry()
    book = fraiseql.type(Book, fields=["id", "title", "authors"], registry=found)(type("BookType", (), {}))
    fraiseql.type(Author, fields=["id", "name"], registry=found)(type("AuthorType", (), {}))
    if writes:
        fraiseql.update(book, fields=["title"], registry=found)
    return found


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what reports what the check says of a registry."""

    def found(declared: Registry, database: str = "default") -> list[CheckMessage]:
        monkeypatch.setattr(checks, "default_registry", declared)
        with override_settings(FRAISEQL={"DATABASE": database}):
            return [message for message in checks.check_project() if message.id == "fraiseql.E030"]

    return found


def test_model_that_is_read_and_written_elsewhere(elsewhere: Any, found: Any) -> None:
    with using(Silent, Elsewhere):
        assert found(registry()) == [
            Error(
                "DATABASE_ROUTERS send bookshop.Book to the database 'elsewhere', but FRAISEQL['DATABASE'] is "
                "'default'.",
                hint=(
                    "Set DATABASE to 'elsewhere'; or give the type a registry and an engine of its own, with "
                    "settings=replace(get_settings(), database='elsewhere'); or let the router return 'default'. If "
                    "'elsewhere' is a replica, let db_for_write return 'default', or write "
                    "{'TEST': {'MIRROR': 'default'}} in DATABASES['elsewhere']."
                ),
                id="fraiseql.E030",
            )
        ]
        assert found(registry(writes=True), "elsewhere") == []


def test_table_between_many_and_many_is_in_another_database(elsewhere: Any, found: Any) -> None:
    with using(ThroughElsewhere):
        (error,) = found(registry())

    assert error.msg.startswith("DATABASE_ROUTERS send bookshop.Book_authors to the database 'elsewhere'")


@pytest.mark.parametrize("router", [Replica, ReadsOnly])
def test_replica_is_no_problem(elsewhere: Any, found: Any, router: type) -> None:
    with using(router):
        # the primary, and a schema that only reads from the replica
        assert found(registry(writes=True)) == []
        assert found(registry(), "elsewhere") == []
        assert found(registry(writes=True), "elsewhere") == [
            Error(
                "DATABASE_ROUTERS send what is written to bookshop.Book to the database 'default', but "
                "FRAISEQL['DATABASE'] is 'elsewhere'.",
                hint=(
                    "Set DATABASE to 'default'; or give the type a registry and an engine of its own, with "
                    "settings=replace(get_settings(), database='default'); or leave the mutations from this model out."
                ),
                id="fraiseql.E030",
            )
        ]


def test_mirror_and_second_alias_are_the_same_database(elsewhere: Any, found: Any) -> None:
    with using(Elsewhere):
        elsewhere["TEST"]["MIRROR"] = "default"
        assert found(registry(writes=True)) == []
        elsewhere["TEST"]["MIRROR"] = None
        elsewhere["HOST"] = connections.settings["default"]["HOST"]
        assert found(registry(writes=True)) == []
        # one database, but another schema in it
        elsewhere["OPTIONS"] = {"options": "-c search_path=legacy"}
        assert len(found(registry())) == 1


def test_router_without_an_opinion_leaves_the_database_to_the_engine(elsewhere: Any, found: Any) -> None:
    for routers in ((), (Silent,), (OfTenant,)):
        with using(*routers):
            assert found(registry(writes=True), "elsewhere") == []
            assert found(registry(writes=True)) == []


def test_manager_that_uses_another_database(elsewhere: Any, found: Any) -> None:
    declared = registry()
    fraiseql.type(Archived, fields=["id", "name"], registry=declared)(type("ArchivedType", (), {}))

    assert found(declared) == [
        Error(
            "The default manager of zoo.Archived uses the database 'elsewhere', but FRAISEQL['DATABASE'] is 'default'.",
            hint=(
                "Set DATABASE to 'elsewhere'; or give the type a registry and an engine of its own, with "
                "settings=replace(get_settings(), database='elsewhere'); or leave using() out of the manager."
            ),
            id="fraiseql.E030",
        )
    ]
    assert found(declared, "elsewhere") == []


def test_routes() -> None:
    assert Route(None, None).elsewhere("anything") is None
    assert Route("a", None).elsewhere("default") is None
    assert Route("a", None).elsewhere("b") == "a"
    assert Route(None, "a").elsewhere("default") is None
    assert Route(None, "a").elsewhere("default", to_write=True) == "a"
    assert Route("a", "b").elsewhere("b") is None


# --- at run time ---


@pytest.fixture
def current() -> Iterator[ContextVar[str | None]]:
    token = CURRENT.set(None)
    yield CURRENT
    CURRENT.reset(token)


@pytest.mark.django_db
def test_model_that_a_router_sends_elsewhere_in_a_request(
    elsewhere: Any, current: ContextVar[str | None], caplog: pytest.LogCaptureFixture
) -> None:
    Author.objects.create(name="Ursula")
    publisher = Publisher.objects.create(name="Ace")
    book = Book.objects.create(title="Planet", isbn="1", publisher=publisher, price=1)
    with using(OfTenant):
        engine = GraphQLEngine(registry=registry(writes=True), cache=None)
        query = "{ authors { name } }"
        change = f'mutation {{ updateBook(id: {book.pk}, input: {{title: "x"}}) {{ __typename }} }}'
        for _ in range(2):
            current.set("default")
            assert engine.execute(query).json() == {"data": {"authors": [{"name": "Ursula"}]}}
            current.set("elsewhere")
            for text in (query, change):
                (error,) = engine.execute(text).json()["errors"]
                assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert (
        "DATABASE_ROUTERS send bookshop.Author to the database 'elsewhere', but the engine reads from 'default'"
        in caplog.text
    )
    assert (
        "DATABASE_ROUTERS send bookshop.Book to the database 'elsewhere', but the engine writes to 'default'"
        in caplog.text
    )
    current.set(None)
    book.refresh_from_db()
    assert book.title == "Planet"
