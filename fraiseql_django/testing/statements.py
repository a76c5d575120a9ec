"""An assertion on the number of statements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.test.utils import CaptureQueriesContext


@contextmanager
def assert_one_statement(using: str = DEFAULT_DB_ALIAS) -> Iterator[CaptureQueriesContext]:
    """Assert that exactly one statement is sent to the database in the block, as for every query operation.

    An answer from the cache needs none. The AssertionError lists the statements.
    """
    with CaptureQueriesContext(connections[using]) as captured:
        yield captured
    sent = [query["sql"] for query in captured.captured_queries]
    if len(sent) != 1:
        listed = "".join(f"\n{number}. {sql}" for number, sql in enumerate(sent, 1))
        raise AssertionError(f"{len(sent)} statements were sent, not one{':' if sent else ''}{listed}")
