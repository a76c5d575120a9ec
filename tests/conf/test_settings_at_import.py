"""No setting is read when the package is imported, and those that a test overrides are seen."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import models, transaction
from django.test import override_settings

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, get_engine
from tests.support import data, make_engine
from tests.zoo.models import Specimen

PACKAGE = Path(fraiseql.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    # they import models of Django's and guardian's, or have one for Django's admin, which need settings themselves
    if path.parts[-2:] != ("contrib", "guardian.py") and path.name not in ("guardian.py", "admin.py")
)


def test_every_module_can_be_imported_before_settings_are_configured() -> None:
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "from django.conf import settings\nassert not settings.configured\n"
    done = subprocess.run(
        [sys.executable, "-c", code, *MODULES],
        env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def moments() -> Registry:
    """Declare a type with every kind of moment."""
    registry = Registry()

    @fraiseql.type(Specimen, fields=["date_time", "date_times", "date_time_range"], registry=registry)
    class SpecimenType:
        later: dt.datetime | None = fraiseql.field(models.F("date_time") + dt.timedelta(hours=1))

    return registry


@pytest.mark.django_db
def test_moments_follow_the_settings(cache_alias: str) -> None:
    registry = moments()
    query = "{ specimens { dateTime dateTimes dateTimeRange { lower upper } later } }"
    moment, later = dt.datetime(2024, 5, 31, 22, 30, tzinfo=dt.UTC), dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    Specimen.objects.create(name="one", date_time=moment, date_times=[moment], date_time_range=(moment, later))

    def found() -> Any:
        (row,) = data(make_engine(cache_alias, registry=registry), query)["specimens"]
        return row

    with transaction.atomic():
        assert found() == {
            "dateTime": "2024-05-31T22:30:00+00:00",
            "dateTimes": ["2024-05-31T22:30:00+00:00"],
            "dateTimeRange": {"lower": "2024-05-31T22:30:00+00:00", "upper": "2024-06-01T00:00:00+00:00"},
            "later": "2024-05-31T23:30:00+00:00",
        }
        for zone, hour in (("Europe/Berlin", "2024-06-01T00"), ("Asia/Tokyo", "2024-06-01T07")):
            with override_settings(USE_TZ=False, TIME_ZONE=zone):
                row = found()
                assert row["dateTime"] == row["dateTimes"][0] == row["dateTimeRange"]["lower"] == f"{hour}:30:00"
                assert "+" not in row["later"]
        assert found()["dateTime"] == "2024-05-31T22:30:00+00:00"


@pytest.mark.django_db
def test_filters_follow_the_settings() -> None:
    Specimen.objects.create(name="one", date_time=dt.datetime(2024, 5, 31, 22, 30, tzinfo=dt.UTC))
    query = 'query { specimens(where: {dateTime: {eq: "2024-06-01T00:30:00"}}) { dateTime } }'

    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin"):
        made = GraphQLEngine(registry=moments(), cache=None)
        assert data(made, query) == {"specimens": [{"dateTime": "2024-06-01T00:30:00"}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [("USE_TZ", False), ("TIME_ZONE", "Asia/Tokyo"), ("LANGUAGE_CODE", "de"), ("DEBUG", True), ("FRAISEQL", {})],
)
def test_the_engine_is_another_under_other_settings(name: str, value: Any) -> None:
    before = get_engine()
    with override_settings(**{name: value}):
        assert getattr(settings, name) == value
        assert get_engine() is not before
