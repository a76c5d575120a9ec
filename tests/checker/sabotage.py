"""Protocols with a fault, which the checker has to find: each replaces a piece of a process's own.

Where a fault shows only in a short moment, that moment is made longer.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Any
from unittest import mock

from fraiseql_django.cache.answers import Answers, Lookup
from fraiseql_django.cache.table_versions import TableVersions
from fraiseql_django.invalidation.transactions import Transactions
from fraiseql_django.invalidation.versions import Announcement

MOMENT = 0.02


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    mock.patch.object(owner, name, make(getattr(owner, name))).start()


def disturb_commits(slow: float, deadly: float, seed: str) -> None:
    """Take up to so many seconds before and after some commits, and die after some others.

    This is no fault, but shows those of what happens then.
    """
    random = Random(seed)

    def committing(own: Any) -> Any:
        def commit(self: Transactions, commit: Callable[[], None]) -> None:
            is_slow, is_deadly = random.random() < 0.2, random.random() < deadly and bool(self._written)

            def disturbed() -> None:
                time.sleep(slow * random.random() * is_slow)
                commit()
                if is_deadly:
                    os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(slow * random.random() * is_slow)

            own(self, disturbed)

        return commit

    _replace(Transactions, "commit", committing)


def version_read_after_the_statement() -> None:
    """An answer is kept under the versions that its tables have after it was read."""
    tables: dict[str, tuple[str, ...]] = {}

    def looking_up(own: Any) -> Any:
        def lookup(self: Answers, key: str, of: tuple[str, ...], **options: Any) -> Lookup:
            tables[key] = of
            found: Lookup = own(self, key, of, **options)
            return found

        return lookup

    def keeping(own: Any) -> Any:
        def keep(self: Answers, key: str, versions: str, answer: bytes, *args: Any, **options: Any) -> None:
            time.sleep(MOMENT)
            late = Answers.lookup(self, key, tables[key]).versions
            own(self, key, late or versions, answer, *args, **options)

        return keep

    _replace(Answers, "lookup", looking_up)
    _replace(Answers, "keep", keeping)


def invalidation_before_the_commit() -> None:
    """Tables get new versions before the transaction that has written them is committed, and none after it."""

    def committing(own: Any) -> Any:
        def commit(self: Transactions, commit: Callable[[], None]) -> None:
            self._settle()
            time.sleep(MOMENT)
            own(self, commit)

        return commit

    _replace(Transactions, "commit", committing)


def one_bump_in_forty_lost() -> None:
    """Of forty writes one is told to nobody, neither before its commit nor after it."""
    random = Random(1)

    def announcing(own: Any) -> Any:
        def announce(self: Announcement, tables: frozenset[str]) -> None:
            own(self, tables if random.random() >= 1 / 40 else frozenset())

        return announce

    _replace(Announcement, "__init__", announcing)


def no_mark() -> None:
    """Tables get new versions after a commit, but no mark before it: a process that dies in between tells nobody."""
    _replace(TableVersions, "mark", lambda own: lambda *args: True)


def mark_without_lease() -> None:
    """The mark of a process that dies before it has told of its commit never ends."""

    def marking(own: Any) -> Any:
        def mark(self: TableVersions, tables: Iterable[str], token: str) -> bool:
            self.lease = 1_000_000
            return bool(own(self, tables, token))

        return mark

    _replace(TableVersions, "mark", marking)


def nothing_is_kept() -> None:
    """No answer is kept, as where a mark never ends: nothing is stale, but the cache is of no use."""
    _replace(Answers, "keep", lambda own: lambda *args, **options: None)


SABOTAGES = {
    sabotage.__name__: sabotage
    for sabotage in (
        version_read_after_the_statement,
        invalidation_before_the_commit,
        one_bump_in_forty_lost,
        no_mark,
        mark_without_lease,
        nothing_is_kept,
    )
}
