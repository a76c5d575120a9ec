"""Lets one writer at a time change the versions in a cache that has no step to read and write a value at once.

The mark of a writer would be lost, were it set between another's reading and writing. Nothing is stale by that alone,
as the writer sets new versions after its commit; but one that dies in its commit has left nothing. A cache in
PostgreSQL has locks of its keys, a cache in files that of a file; of others the lock is a key that is added.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction

from .._django import database_of_cache, file_lock, is_database_cache, is_file_cache
from .connections import LOCK_WAIT_MS
from .keys import SHARED
from .marks import new_token

# A key of the cache, which goes by itself where its owner dies
_KEY, _KEY_SECONDS = SHARED + "lock", 5
_PAUSE_SECONDS = 0.005
# In one order for all writers, so that no two wait for each other
_LOCK = """
SELECT pg_advisory_xact_lock(number)
FROM (SELECT DISTINCT hashtextextended(key, 0) AS number FROM unnest(%s::text[]) AS key ORDER BY number) AS ordered
"""


@contextmanager
def one_writer(store: Any, keys: Iterable[str]) -> Iterator[None]:
    """Run a block while no other process or thread changes these keys; raise OSError or an error of the cache's own."""
    if is_database_cache(type(store)):
        alias = database_of_cache(store)
        if connections[alias].vendor == "postgresql":
            with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
                cursor.execute(_LOCK, [sorted(keys)])
                yield
            return
    if is_file_cache(type(store)):
        with file_lock(store, _until) as held:
            if not held:
                raise OSError("another process holds the lock of the cache's folder")
            yield
        return
    token = new_token()
    if not _until(lambda: store.add(_KEY, token, _KEY_SECONDS)):
        raise OSError("another process holds the lock of the cache")
    try:
        yield
    finally:
        # where it took too long, another one holds it
        if store.get(_KEY) == token:
            store.delete(_KEY)


def _until(attempt: Callable[[], Any]) -> bool:
    """Try until it succeeds, for as long as a lock is waited for; return whether it did."""
    until = time.monotonic() + LOCK_WAIT_MS / 1000
    while not attempt():
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
