"""The health view: 200 or 503 for load balancers, what is wrong for developers only."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from fraiseql_django import health, views
from fraiseql_django.health import Check
from tests.support import calls, statements

URL = "/graphql/health/"
SECRET = "connection to 10.0.0.7 failed for user shop"


def unwell() -> list[Check]:
    return [
        Check(name="database", healthy=False, detail=SECRET, time_ms=1.23456),
        Check(name="cache", healthy=True, detail="locmem", time_ms=0.5),
    ]


def test_addresses_have_names() -> None:
    assert reverse("fraiseql_django:graphql") == "/graphql/"
    assert reverse("fraiseql_django:health") == URL


@pytest.mark.django_db
def test_healthy_project_is_200(client: Client) -> None:
    response = client.get(URL)

    assert response.status_code == 200
    assert response.json()["healthy"] is True
    assert [check["name"] for check in response.json()["checks"]] == ["database", "cache", "schema"]
    assert client.head(URL).status_code == 200


def test_unwell_project_is_503_and_says_no_more_than_which_part(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "check_project", unwell)

    response = client.get(URL)

    assert response.status_code == 503
    assert response.json() == {
        "healthy": False,
        "checks": [
            {"name": "database", "healthy": False, "time_ms": 1.235},
            {"name": "cache", "healthy": True, "time_ms": 0.5},
        ],
    }


def test_developers_are_shown_what_is_wrong(client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(views, "check_project", unwell)

    assert client.get(URL).json()["checks"][0]["detail"] == SECRET


def test_settings_that_are_wrong_are_503(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"NONSENSE": 1}

    response = client.get(URL)

    assert response.status_code == 503
    assert [(check["name"], check["healthy"]) for check in response.json()["checks"]] == [("settings", False)]


def test_answer_is_never_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "check_project", unwell)

    assert "no-store" in client.get(URL)["Cache-Control"]


def test_only_reading_is_allowed(client: Client) -> None:
    response = client.post(URL)

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


# --- what a probe costs ---


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stand still in time; who wants it to pass adds to the one item."""
    now = [1000.0]
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: now[0], perf_counter=time.perf_counter))
    return now


@pytest.mark.django_db
def test_probes_of_one_second_share_the_checks(client: Client, clock: list[float]) -> None:
    health.recent.forget()
    first = client.get(URL).json()

    with statements(0):
        for _ in range(5):
            assert client.get(URL).json() == first
    clock[0] += 1.01
    with statements(3):
        assert client.get(URL).json()["healthy"] is True


@pytest.mark.django_db
def test_probe_takes_few_calls_of_functions(clock: list[float]) -> None:
    request = RequestFactory().get(URL)
    views.health(request)

    with calls(at_most=500):
        views.health(request)
    clock[0] += 1.01
    # also where the checks are run: what the declarations read is worked out once
    with calls(at_most=5000):
        views.health(request)


def test_probes_that_come_together_run_the_checks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    started = threading.Event()

    def slow() -> list[Check]:
        ran.append(1)
        started.set()
        time.sleep(0.2)
        return unwell()

    monkeypatch.setattr(views, "check_project", slow)
    request = RequestFactory().get(URL)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(views.health, request)
        started.wait(5)
        others = [pool.submit(views.health, request) for _ in range(4)]
        bodies = {future.result().content for future in [first, *others]}

    assert (len(ran), len(bodies)) == (1, 1)


@pytest.mark.django_db
def test_change_of_the_settings_is_seen_at_once(client: Client, settings: Any, clock: list[float]) -> None:
    assert client.get(URL).status_code == 200
    settings.FRAISEQL = {"NONSENSE": 1}
    assert client.get(URL).status_code == 503
