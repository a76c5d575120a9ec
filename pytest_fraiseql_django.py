"""Fixtures for pytest with pytest-django, which pytest loads by their entry point wherever this package is installed.

This module stands beside the package, and imports nothing of it before a fixture is used. So it costs the tests of
projects without Django, without settings or without pytest-django nothing; ``-p no:pytest_fraiseql_django`` leaves it
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fraiseql_django import GraphQLEngine
    from fraiseql_django.testing import AsyncGraphQLClient, GraphQLClient

__all__ = ["async_graphql_client", "cached_graphql_engine", "graphql_client", "graphql_engine"]


@pytest.fixture
def graphql_client(db: None) -> GraphQLClient:
    """A client of the project's endpoint, in a test that is rolled back."""
    from fraiseql_django.testing import GraphQLClient

    return GraphQLClient()


@pytest.fixture
def async_graphql_client(db: None) -> AsyncGraphQLClient:
    """The same under ASGI; its methods are coroutines."""
    from fraiseql_django.testing import AsyncGraphQLClient

    return AsyncGraphQLClient()


@pytest.fixture
def graphql_engine(db: None) -> GraphQLEngine:
    """The project's engine, in a test that is rolled back: no answer is kept."""
    from fraiseql_django import get_engine

    return get_engine()


@pytest.fixture
def cached_graphql_engine(transactional_db: None) -> Iterator[GraphQLEngine]:
    """The project's engine with a cache of the test's own, empty at first; what the test writes is committed."""
    from fraiseql_django.testing import with_cache

    with with_cache() as engine:
        yield engine
