"""A cache of one test's own, in the backend that the project uses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import override_settings

from .._django import in_block_of_test
from ..conf.settings import get_settings, schema_names
from ..engine import GraphQLEngine, get_engine
from ..invalidation.versions import unwatch


@contextmanager
def with_cache(schema: str | None = None) -> Iterator[GraphQLEngine]:
    """Give the project's engines, for a block, a part of their cache that is empty and that no other test uses.

    Yields the engine of a schema of ``FRAISEQL["SCHEMAS"]``, by default the project's own. It is built anew for the
    block, under another ``CACHE.KEY_PREFIX``, so that tests in other processes may share the cache; its keys are
    removed afterwards, where the cache can list them.

    Raises RuntimeError in the transaction of a ``TestCase``, in which no answer is kept, and without a cache.
    """
    own = get_settings(schema)
    if own.cache.alias is None:
        raise RuntimeError("there is no cache to test: FRAISEQL['CACHE']['ALIAS'] is None")
    if in_block_of_test(connections[own.database]):
        raise RuntimeError(
            "no answer is kept in the transaction of a TestCase, which is rolled back; use GraphQLTransactionTestCase, "
            "a TransactionTestCase, or pytest-django's transactional_db"
        )
    raw: dict[str, Any] = getattr(settings, "FRAISEQL", {})
    cache: dict[str, Any] = raw.get("CACHE", {})
    prefix = f"{get_settings().cache.key_prefix}-{uuid.uuid4().hex[:12]}"
    # while they exist, they are told of what is written in the block
    usual = _engines()
    with override_settings(FRAISEQL={**raw, "CACHE": {**cache, "KEY_PREFIX": prefix}}):
        made = _engines()
        try:
            yield get_engine(schema)
        finally:
            for engine in made:
                unwatch(engine.answers)
                if engine.cache is not None:
                    engine.cache.clear()
    del usual


def _engines() -> list[GraphQLEngine]:
    return [get_engine(name) for name in (None, *schema_names())]
