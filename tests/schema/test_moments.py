"""Moments: with their offset under USE_TZ, as a clock in TIME_ZONE shows them without it."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from fraiseql_django import GraphQLEngine
from tests.support import data

pytestmark = pytest.mark.django_db

QUERY = """query ($at: DateTime) {
  specimens(where: {dateTime: {lt: $at}}) { dateTime dateTimes dateTimeRange { lower } }
}"""
EXPLAIN = f"""
import json, sys
import django
django.setup()
from fraiseql_django import GraphQLEngine
from tests.zoo.types import ZOO
engine = GraphQLEngine(registry=ZOO, cache=None)
found = [engine.explain({QUERY!r}, {{"at": at}}) for at in sys.argv[1:]]
print(json.dumps([found[0].sql, *(one.params for one in found)]))
"""


def explained(settings: str, *moments: str) -> Any:
    """Explain the query in a process that starts with other settings."""
    servers = {"DATABASE_URL": "postgresql:///nowhere", "REDIS_URL": "redis://nowhere"}  # planning needs none
    result = subprocess.run(
        [sys.executable, "-c", EXPLAIN, *moments],
        env={**os.environ, **servers, "DJANGO_SETTINGS_MODULE": settings},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(result.stdout)


def test_moments_have_their_offset(zoo: GraphQLEngine) -> None:
    found = data(zoo, '{ specimens(where: {name: {eq: "ordinary"}}) { dateTime dateTimes } }')["specimens"]

    assert found == [{"dateTime": "2024-05-31T11:45:00.0005+00:00", "dateTimes": ["2024-05-31T13:45:00+00:00"]}]


def test_moments_are_compared_whatever_their_spelling(zoo: GraphQLEngine) -> None:
    spellings = ("2024-05-31T13:45:00Z", "2024-05-31T15:45+02:00", "2024-05-31T13:45", "2024-05-31 13:45:00.000")

    params = {zoo.explain(QUERY, {"at": spelling}).params[0] for spelling in spellings}

    assert params == {"2024-05-31T13:45:00+00:00"}


def test_without_time_zones_moments_are_those_of_the_clock() -> None:
    sql, with_offset, without = explained("tests.zoo.wall_clock", "2024-05-31T13:45:00Z", "2024-05-31T09:45:00")

    assert 'to_json("zoo_specimen"."date_time"::timestamp)::text' in sql
    assert "::timestamp[])::text" in sql
    assert 'to_json(lower("zoo_specimen"."date_time_range")::timestamp)::text' in sql
    assert with_offset == without == ["2024-05-31T09:45:00"]
