"""The commands, as who types them sees them."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from graphql import build_schema

from fraiseql_django import DeclarationError, GraphQLEngine, get_engine
from fraiseql_django.health import Check, check_project
from fraiseql_django.management.commands import fraiseql_health, fraiseql_schema
from fraiseql_django.testing import FailingCache
from tests.support import is_hit

BOOKS, AUTHORS, WRITTEN = "{books {title}}", "{authors {name}}", "{authors {books {title}}}"
TYPES = "Author, Book, BookCard, Category, Customer, Order, OrderLine, Publisher, Review, User"


def run(name: str, *arguments: str) -> tuple[str, str]:
    """Run a command and return what it writes to stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command(name, *arguments, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def refused(name: str, *arguments: str) -> str:
    """Run a command that fails and return what it says."""
    with pytest.raises(CommandError) as caught:
        run(name, *arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


@pytest.fixture
def engine(cache_alias: str, settings: Any) -> GraphQLEngine:
    """Return the project's engine on one of the tests' caches, which holds three answers and things of others."""
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}}
    engine = get_engine()
    caches[cache_alias].set("theirs", "untouched", None)
    caches[cache_alias].set("fraiseql", "untouched", None)
    for query in (BOOKS, AUTHORS, WRITTEN):
        assert not is_hit(engine, query)
    return engine


def hits(engine: GraphQLEngine) -> list[str]:
    return [query for query in (BOOKS, AUTHORS, WRITTEN) if is_hit(engine, query)]


# --- fraiseql_clear_cache ---


@pytest.mark.django_db(transaction=True)
class TestClearCache:
    """fraiseql_clear_cache on a cache that can list its keys."""

    def test_all(self, engine: GraphQLEngine) -> None:
        assert run("fraiseql_clear_cache")[0] == "all answers: 3 entries removed.\n"
        assert hits(engine) == []

    def test_nothing_else_in_the_cache_is_touched(self, engine: GraphQLEngine, cache_alias: str) -> None:
        run("fraiseql_clear_cache")

        assert caches[cache_alias].get_many(["theirs", "fraiseql"]) == {"theirs": "untouched", "fraiseql": "untouched"}

    def test_all_twice(self, engine: GraphQLEngine) -> None:
        run("fraiseql_clear_cache")

        assert run("fraiseql_clear_cache")[0] == "all answers: 0 entries removed.\n"

    def test_table(self, engine: GraphQLEngine) -> None:
        said, _ = run("fraiseql_clear_cache", "--table", "bookshop_author")

        assert said == "answers read from bookshop_author: 2 entries removed.\n"
        assert hits(engine) == [BOOKS]

    def test_table_between_two_others(self, engine: GraphQLEngine) -> None:
        said, _ = run("fraiseql_clear_cache", "--table", "bookshop_book_authors")

        assert said == "answers read from bookshop_book_authors: 1 entry removed.\n"
        assert hits(engine) == [BOOKS, AUTHORS]

    def test_type(self, engine: GraphQLEngine) -> None:
        said, _ = run("fraiseql_clear_cache", "--type", "Book")

        assert said == "answers read from bookshop_book: 2 entries removed.\n"
        assert hits(engine) == [AUTHORS]

    def test_several(self, engine: GraphQLEngine) -> None:
        said, _ = run("fraiseql_clear_cache", "--type", "Book", "--table", "bookshop_author", "--type", "Book")

        assert said == (
            "answers read from bookshop_book: 2 entries removed.\nanswers read from bookshop_author: 1 entry removed.\n"
        )
        assert hits(engine) == []

    def test_entries_of_another_release_are_removed(self, engine: GraphQLEngine) -> None:
        # as an earlier one kept them: the tables, their versions, the answer
        former = (("bookshop_book",), ("0" * 32,), b"{}")
        engine.answers.lookup("reading", ("bookshop_book",))
        for arguments in (("--table", "bookshop_book"), ()):
            assert engine.cache is not None
            engine.cache.set("result:former", former, 60)
            run("fraiseql_clear_cache", *arguments)
            assert engine.cache.get("result:former") is None

    def test_what_is_being_read_meanwhile_is_not_kept(self, engine: GraphQLEngine) -> None:
        for arguments in ((), ("--table", "bookshop_book")):
            read = engine.answers.lookup("reading", ("bookshop_book",))
            run("fraiseql_clear_cache", *arguments)
            assert read.versions is not None
            engine.answers.keep("reading", read.versions, b"stale", False, 60)

            assert engine.answers.lookup("reading", ("bookshop_book",)).answer is None

    def test_a_cache_in_memory_is_said_not_to_be_that_of_others(self, engine: GraphQLEngine, cache_alias: str) -> None:
        expected = (
            "CACHES['locmem'] is in the memory of each process: this command cannot clear the caches of other "
            "processes, for instance a running server. Restart them.\n"
        )

        assert run("fraiseql_clear_cache")[1] == (expected if cache_alias == "locmem" else "")


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Iterator[GraphQLEngine]:
    """Return the project's engine on a cache that cannot list its keys."""
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    engine = get_engine()
    for query in (BOOKS, AUTHORS, WRITTEN):
        is_hit(engine, query)
    assert hits(engine) == [BOOKS, AUTHORS, WRITTEN]
    yield engine
    caches["default"].clear()


@pytest.mark.django_db(transaction=True)
class TestClearCacheThatCannotList:
    """fraiseql_clear_cache on a cache that cannot list its keys."""

    def test_all(self, files: GraphQLEngine) -> None:
        caches["default"].set("theirs", "untouched")

        assert run("fraiseql_clear_cache") == (
            "all answers: removed; a FileBasedCache cannot list its entries, so they are not counted.\n",
            "",
        )
        assert hits(files) == []
        assert caches["default"].get("theirs") == "untouched"

    def test_table(self, files: GraphQLEngine) -> None:
        said, _ = run("fraiseql_clear_cache", "--table", "bookshop_author")

        assert said.startswith("answers read from bookshop_author: removed; a FileBasedCache cannot list")
        assert hits(files) == [BOOKS]


def test_no_cache_has_nothing_to_clear(settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": None}}

    assert run("fraiseql_clear_cache") == ("There is no cache: FRAISEQL['CACHE']['ALIAS'] is None.\n", "")


def test_unknown_type_is_refused_with_the_known_ones() -> None:
    assert refused("fraiseql_clear_cache", "--type", "book") == f"there is no type 'book'; must be one of: {TYPES}"


def test_unknown_table_is_refused_with_the_known_ones() -> None:
    said = refused("fraiseql_clear_cache", "--table", "books")

    assert said.startswith("there is no table 'books'; must be one of: ")
    assert " bookshop_book, bookshop_book_authors, " in said


def test_a_table_that_is_unknown_keeps_the_others_from_being_cleared(cache_alias: str, settings: Any) -> None:
    settings.FRAISEQL = {"CACHE": {"ALIAS": cache_alias}}
    versions = get_engine().answers.lookup("k", ("bookshop_book",)).versions
    refused("fraiseql_clear_cache", "--table", "bookshop_book", "--table", "books")

    assert get_engine().answers.lookup("k", ("bookshop_book",)).versions == versions


def test_a_cache_that_is_down_is_one_clear_line(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}

    assert refused("fraiseql_clear_cache").startswith("the cache 'default' failed: ConnectionError: ")
    assert refused("fraiseql_clear_cache", "--type", "Book").startswith("the cache 'default' failed: ConnectionError: ")


@pytest.mark.django_db(transaction=True)
def test_a_cache_that_is_down_and_cannot_list_is_not_said_to_be_cleared(files: GraphQLEngine) -> None:
    assert files.cache is not None
    files.answers.cache = FailingCache(files.cache, only=["replace_many"])

    assert refused("fraiseql_clear_cache") == (
        "the cache 'default' failed: CacheFailure: the cache fails at replace_many, as requested by the test"
    )


@pytest.mark.parametrize("name", ["fraiseql_clear_cache", "fraiseql_schema"])
def test_wrong_settings_are_named(name: str, settings: Any) -> None:
    settings.FRAISEQL = {"DATABSE": "default"}

    assert "FRAISEQL has an unknown key 'DATABSE'." in refused(name)


# --- fraiseql_schema ---


@pytest.fixture
def schema() -> str:
    return run("fraiseql_schema")[0]


def test_schema_is_written_to_stdout(schema: str) -> None:
    assert build_schema(schema).type_map.keys() >= {"Query", "Mutation", "Book", "BookWhere"}
    assert schema.endswith("}\n")
    assert not schema.endswith("\n\n")


def test_schema_is_in_a_fixed_order(schema: str) -> None:
    keywords = ("type ", "input ", "enum ", "scalar ")
    names = [line.split()[1] for line in schema.splitlines() if line.startswith(keywords)]

    assert names == sorted(names)
    assert schema == fraiseql_schema.sdl(GraphQLEngine().schema.graphql)


def test_schema_describes_itself(schema: str) -> None:
    assert '"""A book on sale."""\ntype Book {\n' in schema


def test_schema_is_written_to_a_file(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "schema.graphql"

    assert run("fraiseql_schema", "--out", str(file))[0] == f"{file} is written.\n"
    assert file.read_bytes() == schema.encode()


def test_check_of_the_same_schema_succeeds(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text(schema, encoding="utf-8", newline="\r\n")

    assert run("fraiseql_schema", "--check", str(file))[0] == f"{file} is the schema.\n"


def test_check_of_another_schema_shows_the_difference(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text(schema.replace("  title: String!\n", "  titel: String!\n"), encoding="utf-8")
    out = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("fraiseql_schema", "--check", str(file), stdout=out)

    assert caught.value.returncode == 1
    assert str(caught.value) == (
        f"{file} differs from the schema; write it again: manage.py fraiseql_schema --out {file}"
    )
    assert out.getvalue().startswith(f"--- {file}\n+++ the schema\n@@ ")
    assert "\n-  titel: String!\n+  title: String!\n" in out.getvalue()


def test_check_of_a_file_without_its_last_newline_shows_it(tmp_path: Path, schema: str) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text(schema.rstrip(), encoding="utf-8")
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("fraiseql_schema", "--check", str(file), stdout=out)

    assert out.getvalue().endswith("\n-}\n\\ No newline at end of file\n+}\n")


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing" / "schema.graphql", tmp_path / "binary"
    binary.write_bytes(b"\xff")

    assert refused("fraiseql_schema", "--check", str(missing)) == f"{missing} cannot be read: No such file or directory"
    assert (
        refused("fraiseql_schema", "--out", str(missing)) == f"{missing} cannot be written: No such file or directory"
    )
    assert refused("fraiseql_schema", "--check", str(binary)).startswith(f"{binary} is not UTF-8: ")


def test_check_and_out_exclude_each_other() -> None:
    with pytest.raises(CommandError, match="argument --check: not allowed with argument --out"):
        run("fraiseql_schema", "--out", "a", "--check", "b")


def test_a_schema_that_does_not_build_says_all_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(schema: str | None) -> GraphQLEngine:
        raise DeclarationError("one\ntwo")

    monkeypatch.setattr(fraiseql_schema, "get_engine", fail)

    assert refused("fraiseql_schema") == "the schema does not build:\none\ntwo"


# --- fraiseql_health ---


@pytest.mark.django_db
def test_health_is_a_line_for_each_part_with_its_time() -> None:
    lines = run("fraiseql_health")[0].splitlines()

    assert [line.split()[:2] for line in lines] == [["ok", "database"], ["ok", "cache"], ["ok", "schema"]]
    assert all(line.split()[3] == "ms" and float(line.split()[2]) >= 0 for line in lines)


@pytest.mark.django_db
def test_health_as_json() -> None:
    report = json.loads(run("fraiseql_health", "--json")[0])

    assert report["healthy"] is True
    assert [check["name"] for check in report["checks"]] == ["database", "cache", "schema"]
    assert [sorted(check) for check in report["checks"]] == [["detail", "healthy", "name", "time_ms"]] * 3


def unwell() -> list[Check]:
    return [
        Check(name="database", healthy=False, detail="cannot be reached: no route", time_ms=1.25),
        Check(name="cache", healthy=True, detail="RedisCache", time_ms=0.5),
    ]


def test_unwell_project_fails_and_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fraiseql_health, "check_project", unwell)
    out = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("fraiseql_health", stdout=out, no_color=True)

    assert (str(caught.value), caught.value.returncode) == ("failed: database", 1)
    assert out.getvalue() == (
        "FAILED  database       1.2 ms  cannot be reached: no route\nok      cache          0.5 ms  RedisCache\n"
    )


def test_unwell_project_as_json_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fraiseql_health, "check_project", unwell)
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("fraiseql_health", "--json", stdout=out)

    report = json.loads(out.getvalue())
    assert report["healthy"] is False
    assert report["checks"][0] == {
        "name": "database",
        "healthy": False,
        "detail": "cannot be reached: no route",
        "time_ms": 1.25,
    }


def test_health_of_a_project_with_wrong_settings_says_so(settings: Any) -> None:
    settings.FRAISEQL = {"DATABSE": "default"}

    (check,) = check_project()
    assert (check.name, check.healthy) == ("settings", False)
    assert check.detail.startswith("FRAISEQL has an unknown key 'DATABSE'. Must be one of: ")
    assert refused("fraiseql_health") == "failed: settings"
