"""DATABASE_URL, read."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from example_project.databases import database_settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(
            "postgres://ada:secret@db.example:5433/shop",
            {"USER": "ada", "PASSWORD": "secret", "HOST": "db.example", "PORT": 5433, "NAME": "shop"},
            id="everything",
        ),
        pytest.param("postgresql:///shop", {"NAME": "shop"}, id="only a name"),
        pytest.param(
            "postgres://ada%40shop:p%2Fw%3A@/my%20shop",
            {"USER": "ada@shop", "PASSWORD": "p/w:", "NAME": "my shop"},
            id="escaped",
        ),
        pytest.param("postgres://%2Frun%2Fpg/shop", {"HOST": "/run/pg", "NAME": "shop"}, id="socket as host"),
        pytest.param(
            "postgres:///shop?host=/run/pg&port=5433",
            {"HOST": "/run/pg", "PORT": "5433", "NAME": "shop"},
            id="socket as option",
        ),
        pytest.param("postgres://[::1]:5432/shop", {"HOST": "::1", "PORT": 5432, "NAME": "shop"}, id="IPv6"),
        pytest.param(
            "postgres://db/shop?sslmode=require&connect_timeout=3",
            {"HOST": "db", "NAME": "shop", "OPTIONS": {"sslmode": "require", "connect_timeout": "3"}},
            id="options",
        ),
    ],
)
def test_url_becomes_settings(url: str, expected: dict[str, Any]) -> None:
    empty = {"NAME": "", "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}}

    assert database_settings(url) == {"ENGINE": "django.db.backends.postgresql", **empty, **expected}


@pytest.mark.parametrize("url", ["mysql://db/shop", "sqlite:///shop.db"])
def test_url_of_another_database_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"must begin with one of: postgres://, postgresql://"):
        database_settings(url)


@pytest.mark.parametrize("url", ["db.example/shop", "postgres://db:many/shop"])
def test_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database_settings(url)
