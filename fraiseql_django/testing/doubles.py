"""Test doubles of storage and cache: one that counts, and two that fail on purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from ..cache.base import Cache
from ..errors import StorageError
from ..storage.base import ExecuteResult, Health, QueryResult, Settings, Storage, Transaction


class CountingStorage:
    """Passes all calls to another storage, counts them and keeps the SQL in ``statements``.

    Calls that fail are counted as well.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.backend_name = storage.backend_name
        self.reset()

    def reset(self) -> None:
        """Reset all counts to zero, and forget the statements."""
        self.queries = self.executions = self.transactions = 0
        self.statements: list[str] = []

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Count a query and run it."""
        self.queries += 1
        self.statements.append(sql)
        return self.storage.query(sql, params, settings)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Count a statement that changes rows and run it."""
        self.executions += 1
        self.statements.append(sql)
        return self.storage.execute(sql, params)

    def begin_transaction(self, settings: Settings = ()) -> AbstractContextManager[Transaction]:
        """Count a transaction and open it."""
        self.transactions += 1
        return self.storage.begin_transaction(settings)

    @property
    def shared(self) -> bool:
        """The value of the other storage."""
        return self.storage.shared

    def health_check(self) -> Health:
        """Return the result of the other storage; not counted."""
        return self.storage.health_check()


class FailingStorage:
    """Raises StorageError while ``failing`` is true; otherwise passes all calls to another storage.

    Without another storage, it always fails. ``sqlstate`` is PostgreSQL's code of the error; None means that the
    database was not reached.
    """

    def __init__(self, storage: Storage | None = None, *, failing: bool = True, sqlstate: str | None = None) -> None:
        self.storage = storage
        self.failing = failing
        self.sqlstate = sqlstate
        self.backend_name = storage.backend_name if storage is not None else "failing"

    def query(self, sql: str, params: Sequence[Any] = (), settings: Settings = ()) -> QueryResult:
        """Fail, or run a query."""
        return self._working().query(sql, params, settings)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> ExecuteResult:
        """Fail, or run a statement that changes rows."""
        return self._working().execute(sql, params)

    def begin_transaction(self, settings: Settings = ()) -> AbstractContextManager[Transaction]:
        """Fail, or open a transaction."""
        return self._working().begin_transaction(settings)

    @property
    def shared(self) -> bool:
        """The value of the other storage, True without one; never fails."""
        return self.storage is None or self.storage.shared

    def health_check(self) -> Health:
        """Return a failed result, or that of the other storage."""
        try:
            return self._working().health_check()
        except StorageError as error:
            return Health(healthy=False, detail=str(error), time_ms=0.0)

    def _working(self) -> Storage:
        if self.failing or self.storage is None:
            raise StorageError("the storage fails, as requested by the test", sqlstate=self.sqlstate)
        return self.storage


class CacheFailure(Exception):
    """Raised by FailingCache."""


# The methods of FailingCache that can fail
METHODS: Final = (
    "get",
    "get_many",
    "set",
    "add",
    "add_many",
    "mark_many",
    "replace_many",
    "increment",
    "delete",
    "delete_many",
    "keys",
    "clear",
    "health_check",
    "size",
)


class FailingCache:
    """Raises CacheFailure while ``failing`` is true; otherwise passes all calls to another cache.

    ``only`` are the methods that fail; by default, all. ``failures`` is the number of failures.
    """

    def __init__(self, cache: Cache, *, failing: bool = True, only: Collection[str] = METHODS) -> None:
        if isinstance(only, str) or (unknown := sorted(set(only) - set(METHODS))):
            names = only if isinstance(only, str) else ", ".join(unknown)
            raise ValueError(f"only is {names!r}, must be a list of: {', '.join(METHODS)}")
        self.cache = cache
        self.failing = failing
        self.only = frozenset(only)
        self.failures = 0
        self.backend_name = cache.backend_name

    def get(self, key: str) -> Any | None:
        """Fail, or read a value."""
        return self._working("get").get(key)

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """Fail, or read several values."""
        return self._working("get_many").get_many(keys)

    def set(self, key: str, value: Any, ttl_seconds: int | None) -> None:
        """Fail, or store a value."""
        self._working("set").set(key, value, ttl_seconds)

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        """Fail, or store a value if the key is not in the cache."""
        return self._working("add").add(key, value, ttl_seconds)

    def add_many(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Fail, or store the values whose keys are not in the cache."""
        return self._working("add_many").add_many(values)

    def mark_many(self, keys: Iterable[str], token: str, seconds: int) -> None:
        """Fail, or add a writer's mark to values."""
        self._working("mark_many").mark_many(keys, token, seconds)

    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        """Fail, or store values where no other writer's mark is."""
        self._working("replace_many").replace_many(values, token)

    @property
    def server(self) -> str:
        """The value of the other cache."""
        return self.cache.server

    @property
    def shards(self) -> int:
        """The value of the other cache."""
        return self.cache.shards

    def increment(self, key: str) -> int | None:
        """Fail, or add one to a number."""
        return self._working("increment").increment(key)

    def delete(self, key: str) -> None:
        """Fail, or remove a value."""
        self._working("delete").delete(key)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Fail, or remove several values."""
        self._working("delete_many").delete_many(keys)

    def keys(self) -> Iterator[str] | None:
        """Fail, or list the keys."""
        return self._working("keys").keys()

    def clear(self) -> int | None:
        """Fail, or remove everything."""
        return self._working("clear").clear()

    def health_check(self) -> Health:
        """Fail, or check the other cache."""
        return self._working("health_check").health_check()

    @property
    def size(self) -> int | None:
        """Fail, or count the keys."""
        return self._working("size").size

    def _working(self, method: str) -> Cache:
        if self.failing and method in self.only:
            self.failures += 1
            raise CacheFailure(f"the cache fails at {method}, as requested by the test")
        return self.cache
