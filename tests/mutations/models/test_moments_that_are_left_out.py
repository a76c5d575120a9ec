"""An update writes no date or time that the client leaves out; a moment without time zone can be a version."""

from typing import Any

import pytest
from django.db import connection, models
from django.test import override_settings
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry

pytestmark = pytest.mark.django_db


def stored() -> Any:
    """Return the texts of the columns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT title, starts::text, day::text FROM left_out")
        return cursor.fetchone()


@pytest.fixture
def engine() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE left_out (
                id bigint PRIMARY KEY, title text NOT NULL, starts timestamp NOT NULL, day timestamp, changed timestamp
            );
            INSERT INTO left_out VALUES (1, 'a', '2020-06-01 10:00', '2020-06-01 15:30', '2020-06-01 10:00')
            """
        )
    with isolate_apps("tests.zoo"):

        class Event(models.Model):
            title = models.TextField()
            starts = models.DateTimeField()
            day = models.DateField(null=True)
            changed = models.DateTimeField(auto_now=True)

            class Meta:
                app_label = "zoo"
                managed = False
                db_table = "left_out"

    registry = Registry()
    event = fraiseql.type(Event, fields="__all__", registry=registry)(type("Event", (), {}))
    fraiseql.update(event, fields=["title"], registry=registry)
    fraiseql.update(event, fields=["title"], name="moveEvent", version="changed", registry=registry)
    with override_settings(TIME_ZONE="Europe/Berlin"):
        yield GraphQLEngine(registry=registry, cache=None)


def test_moments_that_are_left_out_stay(engine: GraphQLEngine) -> None:
    for title in "xyz":
        call = f'mutation {{ updateEvent(id: 1, input: {{title: "{title}"}}) {{ __typename }} }}'
        assert "errors" not in engine.execute(call).json()

        assert stored() == (title, "2020-06-01 10:00:00", "2020-06-01 15:30:00")


def test_moment_without_time_zone_is_a_version(engine: GraphQLEngine) -> None:
    read = engine.execute("{ event(id: 1) { changed } }").json()["data"]["event"]["changed"]

    def move(version: str) -> Any:
        call = f'mutation {{ moveEvent(id: 1, changed: "{version}", input: {{title: "new"}}) {{ __typename }} }}'
        return engine.execute(call).json()

    assert move("2020-06-01T00:00:00Z")["data"]["moveEvent"]["__typename"] != "Event"
    assert stored()[0] == "a"
    assert "errors" not in move(read)
    assert stored()[0] == "new"
