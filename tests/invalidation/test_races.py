"""No stale answer is left behind, whatever runs at the same time: in other threads, in other processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, transaction

from example_project.bookshop.models import Author, Publisher
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine
from fraiseql_django.cache.answers import VERSION
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.storage.base import QueryResult
from fraiseql_django.storage.django import DjangoStorage
from tests.support import data, in_thread, is_hit, make_engine, statements

pytestmark = pytest.mark.django_db(transaction=True)

AUTHORS = "{ authors { name } }"
PUBLISHERS = "{ publishers { name } }"


def names(engine: GraphQLEngine) -> list[str]:
    return [author["name"] for author in data(engine, AUTHORS)["authors"]]


def rename() -> None:
    Author.objects.update(name="Octavia")


class SlowStorage(DjangoStorage):
    """Lets something happen just before or just after a statement."""

    def __init__(self, before: Callable[[], object] | None = None, after: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.before, self.after = before, after

    def query(self, sql: str, params: Sequence[Any] = ()) -> QueryResult:
        before, self.before = self.before, None
        if before is not None:
            before()
        result = super().query(sql, params)
        after, self.after = self.after, None
        if after is not None:
            after()
        return result


def test_read_that_ends_after_a_write_leaves_no_stale_answer(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, storage=SlowStorage(after=lambda: in_thread(rename)))

    assert names(engine) == ["Ursula"]

    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)


def test_read_that_begins_before_a_write_and_sees_it(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias, storage=SlowStorage(before=lambda: in_thread(rename)))

    assert names(engine) == ["Octavia"]
    assert names(engine) == ["Octavia"]
    in_thread(lambda: Author.objects.update(name="Joanna"))
    assert names(engine) == ["Joanna"]


def test_read_across_a_commit(cache_alias: str) -> None:
    """Its statement does not see the write, which is committed before the answer is kept."""
    Author.objects.create(name="Ursula")
    has_read, committed = Event(), Event()

    def wait() -> None:
        has_read.set()
        committed.wait(30)

    storage = SlowStorage(after=wait)
    engine = make_engine(cache_alias, storage=storage)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            rename()
            answer = pool.submit(in_thread, lambda: names(engine))
            assert has_read.wait(30)
        committed.set()
        assert answer.result(30) == ["Ursula"]

    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)


class BetweenCommitAndDrop(DjangoCache):
    """Lets something happen after a commit, before the cache is told of it."""

    happens: Callable[[], object] | None = None

    def replace_many(self, values: Mapping[str, str], token: str) -> None:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        super().replace_many(values, token)


def test_read_between_a_commit_and_its_news(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = BetweenCommitAndDrop(cache_alias)
    engine = GraphQLEngine(cache=cache)
    other = make_engine(cache_alias)
    assert names(engine) == ["Ursula"]
    seen: list[list[dict[str, str]]] = []
    cache.happens = lambda: seen.append(in_thread(lambda: data(other, "{ authors { id name } }")["authors"]))

    rename()

    assert seen[0][0]["name"] == "Octavia"
    assert names(engine) == names(other) == ["Octavia"]
    Author.objects.update(name="Joanna")
    assert data(other, "{ authors { id name } }")["authors"][0]["name"] == "Joanna"


# --- versions ---


def test_lost_version_is_replaced_by_a_new_one(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    engine = make_engine(cache_alias)
    assert names(engine) == ["Ursula"]

    DjangoCache(cache_alias).delete(f"{VERSION}bookshop_author")

    assert not is_hit(engine, AUTHORS)
    assert is_hit(engine, AUTHORS)


def test_version_that_is_lost_while_a_write_goes_on(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = DjangoCache(cache_alias)

    def lose_and_write() -> None:
        cache.delete(f"{VERSION}bookshop_author")
        in_thread(rename)
        cache.delete(f"{VERSION}bookshop_author")

    engine = make_engine(cache_alias, storage=SlowStorage(after=lose_and_write))
    assert names(engine) == ["Ursula"]

    assert names(engine) == ["Octavia"]


def test_cache_that_is_cleared_while_a_statement_runs(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    cache = DjangoCache(cache_alias)

    def clear_and_write() -> None:
        cache.clear()
        in_thread(rename)
        cache.clear()

    engine = make_engine(cache_alias, storage=SlowStorage(after=clear_and_write))
    assert names(engine) == ["Ursula"]

    assert names(engine) == ["Octavia"]


class Racing(DjangoCache):
    """Lets another process be first, after this one has found no version."""

    first: Callable[[], object] | None = None

    def add(self, key: str, value: Any, ttl_seconds: int | None) -> bool:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().add(key, value, ttl_seconds)


def test_two_processes_that_make_versions_agree_on_them(cache_alias: str) -> None:
    Author.objects.create(name="Ursula")
    DjangoCache(cache_alias).clear()
    cache = Racing(cache_alias)
    one, other = GraphQLEngine(cache=cache), make_engine(cache_alias)
    cache.first = lambda: names(other)

    assert names(one) == ["Ursula"]

    with statements(0):
        names(other)
        names(one)
    in_thread(rename)
    assert names(one) == names(other) == ["Octavia"]


class Forgetful(DjangoCache):
    """Keeps nothing, and says so to nobody."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Any]:
        return {}


def test_cache_that_keeps_nothing_is_as_good_as_none() -> None:
    engine = GraphQLEngine(cache=Forgetful("locmem"))

    with statements(2):
        assert names(engine) == names(engine) == []


# --- processes ---

OTHER_SETTINGS = """
from example_project.settings import *
DATABASES = {{"default": {database!r}}}
CACHES = {{"default": {cache!r}}}
"""


@pytest.fixture
def other_process(tmp_path: Path) -> Callable[[str], None]:
    """Return what runs code in a process on the same database and Redis."""
    database = {key: connection.settings_dict[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")}
    redis: Any = caches["redis"]
    cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis._server, "KEY_PREFIX": redis.key_prefix}
    (tmp_path / "other_settings.py").write_text(OTHER_SETTINGS.format(database=database, cache=cache))
    path = f"{tmp_path}{os.pathsep}{BASE_DIR}"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "other_settings", "PYTHONPATH": path}

    def run(code: str) -> None:
        command = [sys.executable, str(BASE_DIR / "manage.py"), "shell", "-c", code]
        subprocess.run(command, env=environment, check=True, timeout=60)

    return run


WRITE = """
from django.db import transaction
from example_project.bookshop.models import Author
with transaction.atomic():
    Author.objects.update(name="Octavia")
    transaction.set_rollback({undone})
"""


def test_write_of_another_process(other_process: Callable[[str], None]) -> None:
    """A process that only writes, and never builds a schema."""
    engine = make_engine("redis")
    engine.answers.remove()
    Author.objects.create(name="Ursula")
    Publisher.objects.create(name="Ace")
    names(engine)
    data(engine, PUBLISHERS)

    other_process(WRITE.format(undone=True))
    assert is_hit(engine, AUTHORS)

    other_process(WRITE.format(undone=False))
    assert is_hit(engine, PUBLISHERS)
    assert names(engine) == ["Octavia"]
    assert is_hit(engine, AUTHORS)
