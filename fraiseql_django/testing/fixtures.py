"""Fixtures for pytest with pytest-django. A project names them in its topmost ``conftest.py``:

    pytest_plugins = ["fraiseql_django.testing.fixtures"]

They are no entry point of pytest's, which would load this package in the tests of every project that has it installed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..engine import GraphQLEngine, get_engine
from .cached import with_cache


@pytest.fixture
def graphql_engine(db: None) -> GraphQLEngine:
    """The project's engine, in a test that is rolled back: no answer is kept."""
    return get_engine()


@pytest.fixture
def cached_graphql_engine(transactional_db: None) -> Iterator[GraphQLEngine]:
    """The project's engine with a cache of the test's own, empty at first; what the test writes is committed."""
    with with_cache() as engine:
        yield engine
