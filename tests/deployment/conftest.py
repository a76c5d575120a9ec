"""The servers of the compose file, started once for each module that needs them."""

from collections.abc import Iterator

import pytest

from tests.deployment.stack import Stack, stack


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    """Start PostgreSQL and Redis, and migrate."""
    with stack() as started:
        yield started
