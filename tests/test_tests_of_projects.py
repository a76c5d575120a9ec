"""Tests of projects that use the engine: each sees what it has written, whatever ran before it or runs beside it."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext

from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django import get_engine
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.testing import (
    FailingCache,
    GraphQLTestCase,
    GraphQLTransactionTestCase,
    with_cache,
)
from tests.support import data, in_thread, is_hit

pytest_plugins = ["fraiseql_django.testing.fixtures"]

AUTHORS = "{ authors { name } }"


def names() -> list[str]:
    return [author["name"] for author in data(get_engine(), AUTHORS)["authors"]]


def run(*cases: type[unittest.TestCase]) -> None:
    """Run the tests of some classes as Django's runner does, in their order."""
    result = unittest.TestResult()
    loader = unittest.TestLoader()
    unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases).run(result)
    assert [text for _, text in result.errors + result.failures] == []
    assert result.testsRun > 0


@pytest.fixture
def kept(transactional_db: None, cache_alias: str) -> Iterator[list[str]]:
    """Keep an answer outside of any test's transaction, in each kind of cache; return the names in it."""
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": cache_alias}}):
        Author.objects.create(name="Ursula")
        assert is_hit(get_engine(), AUTHORS) or names() == ["Ursula"]
        assert is_hit(get_engine(), AUTHORS)
        yield ["Ursula"]


class Counting(TestCase):
    """What only reads, twice."""

    __test__ = False

    def test_once(self) -> None:
        with self.assertNumQueries(1):
            names()

    def test_again(self) -> None:
        with self.assertNumQueries(2):
            names()
            names()


def test_reading_tests_send_their_statements(transactional_db: None, cache_alias: str) -> None:
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": cache_alias}}):
        run(Counting, Counting)

        assert get_engine().cache.size == 0  # type: ignore[union-attr]


class WithData(TestCase):
    """Rows for all tests of a class, which change them."""

    __test__ = False

    @classmethod
    def setUpTestData(cls) -> None:
        Author.objects.all().delete()
        Author.objects.create(name="Octavia")
        assert names() == ["Octavia"]

    def test_as_set_up(self) -> None:
        assert names() == ["Octavia"]

    def test_changed(self) -> None:
        with transaction.atomic():
            Author.objects.update(name="Joanna")
        assert names() == ["Joanna"]
        assert names() == ["Joanna"]

    def test_durable(self) -> None:
        with transaction.atomic(durable=True):
            assert names() == ["Octavia"]

    def test_hooks(self) -> None:
        seen: list[str] = []
        with self.captureOnCommitCallbacks(execute=True):
            Author.objects.update(name="Joanna")
            transaction.on_commit(lambda: seen.extend(names()))
        assert seen == ["Joanna"]


def test_rows_of_a_test_reach_no_answer_outside(kept: list[str]) -> None:
    run(WithData, Counting)

    assert is_hit(get_engine(), AUTHORS)
    assert names() == kept


class OnMirror(TestCase):
    """Reads through a second alias of the tests' database."""

    __test__ = False
    databases = frozenset({"default", "second"})

    def test_mirror(self) -> None:
        with override_settings(FRAISEQL={"DATABASE": "second", "CACHE": {"ALIAS": "locmem"}}):
            for _ in range(2):
                with self.assertNumQueries(1, using="second"):
                    names()


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_mirrors_have_blocks_of_tests_as_well() -> None:
    connections["second"].close()
    run(OnMirror)
    connections["second"].close()


def test_transactions_that_only_read_use_the_cache(kept: list[str]) -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        assert names() == kept

    assert len(captured) == 0


class Committing(TransactionTestCase):
    """What is committed is gone after the test, and so are answers."""

    __test__ = False

    def test_rows(self) -> None:
        assert names() == []
        Author.objects.create(name="Octavia")
        assert names() == ["Octavia"]
        assert is_hit(get_engine(), AUTHORS)

    def test_rows_again(self) -> None:
        self.test_rows()


class Live(LiveServerTestCase):
    """Views in another thread see what is committed."""

    __test__ = False

    def test_thread(self) -> None:
        assert in_thread(names) == []
        Author.objects.create(name="Octavia")
        assert in_thread(names) == ["Octavia"]


def test_tests_that_commit_leave_no_answers(transactional_db: None, cache_alias: str) -> None:
    with override_settings(FRAISEQL={"CACHE": {"ALIAS": cache_alias}}):
        run(Committing, Live, Committing, Counting)


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.fixture
def made_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Return what makes a database with a table of authors, under one name each time; the alias is "second"."""
    name = f"{connection.settings_dict['NAME']}_anew"
    second = connections["second"]
    second.close()
    monkeypatch.setitem(second.settings_dict, "NAME", name)

    def make() -> None:
        second.close()
        run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        run_sql(f'CREATE DATABASE "{name}"')
        with second.schema_editor() as editor:
            editor.create_model(Author)

    yield make
    second.close()
    run_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_database_that_is_made_anew_is_another_one(made_anew: Callable[[], None], cache_alias: str) -> None:
    """As by the next run of the tests, where the last one was interrupted: its answers are still in Redis."""
    with override_settings(FRAISEQL={"DATABASE": "second", "CACHE": {"ALIAS": cache_alias}}):
        made_anew()
        # past Django's cursors, so that this is told to nobody
        connections["second"].connection.execute(
            "INSERT INTO bookshop_author (name, bio, website, email) VALUES ('a', '', '', '')"
        )
        assert names() == ["a"]
        made_anew()
        assert names() == []


# --- base classes and fixtures ---


class Based(GraphQLTestCase):
    """Without a cache."""

    __test__ = False

    def test_engine(self) -> None:
        for _ in range(2):
            with self.assertOneStatement():
                assert self.engine.execute(AUTHORS).errors == ()


class Cached(GraphQLTransactionTestCase):
    """With a cache of each test's own."""

    __test__ = False

    def test_cache_is_empty_first(self) -> None:
        assert self.engine is get_engine()
        with self.assertOneStatement():
            self.engine.execute(AUTHORS)
        with self.assertNumQueries(0):
            self.engine.execute(AUTHORS)

    def test_cache_is_empty_first_again(self) -> None:
        self.test_cache_is_empty_first()


def test_base_classes(kept: list[str]) -> None:
    run(Based, Cached)


def test_cache_of_a_block(kept: list[str]) -> None:
    with with_cache() as engine:
        assert not is_hit(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)
        Author.objects.update(name="Octavia")
        assert names() == ["Octavia"]

    assert get_engine() is not engine
    assert names() == ["Octavia"]
    with with_cache() as engine:
        assert not is_hit(engine, AUTHORS)


def test_cache_of_a_block_of_a_schema_with_its_own(transactional_db: None, settings: Any) -> None:
    settings.FRAISEQL = {"SCHEMAS": {"public": {"CACHE": {"ALIAS": None}}}}

    with with_cache("public") as engine:
        assert engine is get_engine("public")
        assert isinstance(engine.cache, DjangoCache)


@pytest.mark.django_db
def test_cache_of_a_block_needs_a_commit() -> None:
    with pytest.raises(RuntimeError, match="no answer is kept in the transaction of a TestCase"), with_cache():
        pass


def test_cache_of_a_block_needs_none_in_the_settings(transactional_db: None, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}}

    with with_cache() as engine:
        assert not is_hit(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)


def test_fixture_of_the_engine(graphql_engine: Any) -> None:
    assert graphql_engine is get_engine()
    assert not is_hit(graphql_engine, AUTHORS)
    assert not is_hit(graphql_engine, AUTHORS)


def test_fixture_of_the_engine_with_a_cache(cached_graphql_engine: Any) -> None:
    assert cached_graphql_engine is get_engine()
    assert not is_hit(cached_graphql_engine, AUTHORS)
    assert is_hit(cached_graphql_engine, AUTHORS)


@pytest.mark.django_db
def test_a_failing_cache_is_not_asked_in_a_test() -> None:
    engine = get_engine()
    assert engine.cache is not None
    engine.answers.cache = failing = FailingCache(engine.cache)
    try:
        data(engine, AUTHORS)
    finally:
        engine.answers.cache = engine.cache

    assert failing.failures == 0


# --- runs of their own ---


def documented(page: str, heading: str = "") -> list[str]:
    """Return the Python blocks of a page of the documentation, from a heading to the next one of its level."""
    text = (BASE_DIR / "docs" / page).read_text()
    if heading:
        text = text[text.index(heading) :].split("\n## ", 1)[0]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


SETTINGS = """
from example_project.settings import *
DATABASES = {{"default": {{**{database!r}, "TEST": {{"NAME": {name!r}}}}}}}
CACHES = {{"default": {{"BACKEND": "django_redis.cache.RedisCache", "LOCATION": {redis!r}, "KEY_PREFIX": {name!r}}}}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""


@pytest.fixture
def project(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[..., None]]:
    """Return what runs the tests of a project with settings of its own, on a database of its own and on Redis."""
    keys = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
    database = {key: connection.settings_dict[key] for key in keys}
    database["NAME"] = "postgres"
    name = f"{connection.settings_dict['NAME']}_of_project"
    redis: Any = caches["redis"]
    path = f"{tmp_path}{os.pathsep}{BASE_DIR}"

    def run_tests(*arguments: str, more: str = "") -> str:
        (tmp_path / "own_settings.py").write_text(
            SETTINGS.format(database=database, name=name, redis=redis._server) + more
        )
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        environment = {**inherited, "DJANGO_SETTINGS_MODULE": "own_settings", "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd=tmp_path, timeout=120, text=True, capture_output=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    yield run_tests
    for pattern in (f"{name}*", f"{redis.key_prefix}*"):
        client = redis.client.get_client()
        for key in client.scan_iter(pattern):
            client.delete(key)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}%"])
        for (found,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE "{found}" WITH (FORCE)')


def test_tests_of_the_bookshop_page_pass_in_any_order_and_in_parallel(project: Any, tmp_path: Path) -> None:
    (block,) = documented("bookshop.md", "## 7. Test")
    # each class once more, so that two processes have tests, and the same test runs twice
    block += "\n\nclass BookTestsAgain(BookTests):\n    pass\n\n\nclass CacheTestsAgain(CacheTests):\n    pass\n"
    (tmp_path / "test_bookshop_page.py").write_text(block)

    for seed in ("1", "2"):
        said = project("-m", "django", "test", "--parallel=2", f"--shuffle={seed}", "--keepdb", "test_bookshop_page")
        assert "Ran 6 tests" in said


@pytest.fixture
def entry_point(tmp_path: Path) -> None:
    """Install the entry point of pytest's where the project's tests run, as pip does."""
    declared = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    lines = "".join(f"{name} = {value}\n" for name, value in declared.items())
    folder = tmp_path / "entry_point-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: entry-point\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[pytest11]\n{lines}")


# nothing of this run's, and nothing that other packages have installed for pytest
ALONE = ["-c", os.devnull, "-q", "-p", "no:cacheprovider"]


def test_tests_of_the_page_on_testing_pass_in_any_order_and_in_parallel(
    project: Any, entry_point: None, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "__init__.py").write_text("")
    (shop / "models.py").write_text(
        "from django.db import models\n\n\nclass Book(models.Model):\n    title = models.CharField(max_length=99)\n"
        "    price = models.DecimalField(max_digits=6, decimal_places=2)\n    cover = models.FileField()\n"
    )
    (shop / "graphql.py").write_text(
        "import fraiseql_django as fraiseql\nfrom .models import Book\n\n\n"
        '@fraiseql.type(Book, fields=["id", "title", "price"])\nclass BookType:\n    pass\n\n\n'
        "@fraiseql.mutation(permission=fraiseql.requires_auth)\n"
        "def set_cover(info: fraiseql.Info, id: fraiseql.ID, file: fraiseql.Upload) -> BookType:\n"
        "    book = Book.objects.get(pk=id)\n    book.cover.save(file.name, file)\n    return book\n"
    )
    for number, block in enumerate(documented("testing.md")):
        (tmp_path / f"test_page_{number}.py").write_text(block)
    more = (
        "INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', "
        "'fraiseql_django', 'shop']\n"
        f"MEDIA_ROOT = {str(tmp_path / 'media')!r}\n"
        "FRAISEQL = {'BATCHING': {'MAX_OPERATIONS': 10}, 'PERSISTED_QUERIES': {'ENABLED': True}}\n"
    )

    order = ["-p", "random_order", "--random-order-bucket=global", "--random-order-seed=2"]
    options = [*ALONE, f"--rootdir={tmp_path}", "--no-migrations", "-n", "2", *order]
    said = project("-m", "pytest", *options, str(tmp_path), more=more)

    assert "17 passed" in said


NAMED = "fraiseql_django.testing.fixtures"
OFF = ["-p", "no:pytest_fraiseql_django"]


@pytest.mark.parametrize(
    ("named", "options", "found"),
    [
        ([], [], True),
        ([NAMED], [], True),
        (["pytest_fraiseql_django"], [], True),
        ([NAMED], ["-p", "pytest_fraiseql_django"], True),
        ([NAMED], OFF, False),
        ([], OFF, False),
    ],
)
def test_fixtures_are_found_by_the_entry_point_and_by_name(
    entry_point: None, tmp_path: Path, named: list[str], options: list[str], found: bool
) -> None:
    (tmp_path / "conftest.py").write_text(f"pytest_plugins = {named!r}\n")

    options = ["--fixtures", "-p", "pytest_django", *options]
    said = alone(tmp_path, *options, DJANGO_SETTINGS_MODULE="example_project.settings")

    for name in ("graphql_client", "async_graphql_client", "graphql_engine", "cached_graphql_engine"):
        assert (re.search(rf"^{name} -- ", said, re.MULTILINE) is not None) is found


WITHOUT_DJANGO = """
import sys

def test_nothing_is_imported(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("pytest_fraiseql_django")
    assert not {"django", "graphql", "fraiseql_django"} & set(sys.modules)
"""


def test_entry_point_costs_projects_without_django_nothing(entry_point: None, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(WITHOUT_DJANGO)

    assert "1 passed" in alone(tmp_path)


def alone(folder: Path, *options: str, **variables: str) -> str:
    """Run pytest in a folder without a database and without what other packages have installed for it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "DJANGO_"))}
    environment = {**inherited, "PYTHONPATH": f"{folder}{os.pathsep}{BASE_DIR}", **variables}
    installed = {found.name for found in importlib.metadata.entry_points(group="pytest11")}
    others = [f"no:{name}" for name in sorted(installed) if "fraiseql" not in name and "-p" not in options]
    off = [option for name in others for option in ("-p", name)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *ALONE, *off, f"--rootdir={folder}", *options, str(folder)],
        env=environment, cwd=folder, timeout=60, text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
