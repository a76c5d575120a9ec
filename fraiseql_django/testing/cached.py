"""A cache for one test, in the memory of its process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.test import override_settings

from .._django import in_block_of_test
from ..conf.settings import get_settings, schema_names
from ..engine import GraphQLEngine, get_engine
from ..invalidation.versions import unwatch

# The alias in CACHES, and the place in memory
_ALIAS = "fraiseql_django.testing"
_CACHE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": _ALIAS}


@contextmanager
def with_cache(schema: str | None = None) -> Iterator[GraphQLEngine]:
    """Let the project's engines keep their answers, for a block, in a cache that is empty and of this process alone.

    Yields the engine of a schema of ``FRAISEQL["SCHEMAS"]``, by default the project's own. The engines are built anew
    for the block, whatever cache the settings name, or none. Engines from before it are told of writes as usual.

    Raises RuntimeError in the transaction of a ``TestCase``, in which no answer is kept.
    """
    if in_block_of_test(connections[get_settings(schema).database]):
        raise RuntimeError(
            "no answer is kept in the transaction of a TestCase, which is rolled back; use GraphQLTransactionTestCase, "
            "a TransactionTestCase, or pytest-django's transactional_db"
        )
    usual = _engines()
    with override_settings(CACHES={**settings.CACHES, _ALIAS: _CACHE}, FRAISEQL=_in_own_cache()):
        caches[_ALIAS].clear()
        made = _engines()
        try:
            yield get_engine(schema)
        finally:
            for engine in made:
                unwatch(engine.answers)
            caches[_ALIAS].clear()
    # until here they exist, and so they are told
    del usual


def _engines() -> list[GraphQLEngine]:
    return [get_engine(name) for name in (None, *schema_names())]


def _in_own_cache() -> dict[str, Any]:
    """Return the setting with another cache, also where a schema has one of its own."""
    raw: Mapping[str, Any] = getattr(settings, "FRAISEQL", {})
    schemas = {
        name: {**own, "CACHE": {**own["CACHE"], "ALIAS": _ALIAS}} if "CACHE" in own else own
        for name, own in raw.get("SCHEMAS", {}).items()
    }
    found = {**raw, "CACHE": {**raw.get("CACHE", {}), "ALIAS": _ALIAS}}
    return {**found, "SCHEMAS": schemas} if schemas else found
