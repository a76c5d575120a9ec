"""The health view: 200 or 503 for load balancers, what is wrong for developers only."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fraiseql_django import views
from fraiseql_django.health import Check

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
