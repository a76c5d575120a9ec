"""``manage.py fraiseql_watch``: the triggers that it makes, shows and removes, and the process that listens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import CommandError
from django.db import connection, connections

from example_project.bookshop.models import Author
from example_project.settings import BASE_DIR
from fraiseql_django.sql import triggers
from tests.management.test_commands import refused, run
from tests.processes import end, interruptible
from tests.support import data, is_hit, make_engine, wait_until
from tests.watching import end_sessions, outside, uninstall

AUTHORS = "{ authors { name } }"
TABLES = (
    "auth_user", "bookshop_author", "bookshop_book", "bookshop_book_authors", "bookshop_category", "bookshop_customer",
    "bookshop_order", "bookshop_orderline", "bookshop_publisher", "bookshop_review",
)  # fmt: skip


def watch(*arguments: str) -> str:
    return run("fraiseql_watch", *arguments)[0]


@pytest.mark.django_db
class TestTriggers:
    def test_tables_of_the_types_by_default(self) -> None:
        assert watch("--install") == "".join(f"public.{table}: watched\n" for table in TABLES)
        assert watch("--status") == "".join(f"{table}: watched\n" for table in TABLES) + (
            "changed views, functions and policies: not told\nwatchers connected: 0\n"
        )

    def test_install_twice(self) -> None:
        watch("--install", "bookshop_book")

        assert watch("--install", "bookshop_book") == "public.bookshop_book: watched\n"

    def test_status_fails_where_a_trigger_is_missing_or_disabled(self) -> None:
        watch("--install", "bookshop_book", "bookshop_author")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE bookshop_author DISABLE TRIGGER ALL")

        assert watch("--status", "bookshop_book").startswith("bookshop_book: watched\n")
        assert refused("fraiseql_watch", "--status", "bookshop_author", "bookshop_book") == (
            "without a trigger that fires: bookshop_author"
        )
        assert refused("fraiseql_watch", "--status", "nowhere") == "without a trigger that fires: nowhere"

    def test_uninstall(self) -> None:
        watch("--install", "--definitions", "bookshop_book", "bookshop_author")
        assert triggers.tells_definitions("default")

        said = watch("--uninstall", "bookshop_author")

        assert said == "public.bookshop_book: watched\npublic.bookshop_author: not watched any more\n"
        assert watch("--uninstall") == "public.bookshop_book: not watched any more\n"
        assert triggers.all_watched("default") == []
        assert not triggers.tells_definitions("default")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_proc WHERE proname LIKE 'fraiseql\\_%%'", [])
            assert cursor.fetchone() == (0,)

    def test_dry_run_changes_nothing(self) -> None:
        said = watch("--install", "--dry-run", "--definitions", "bookshop_book")

        assert triggers.all_watched("default") == []
        with connection.cursor() as cursor:
            # what it shows is complete
            cursor.execute(said, None)
        assert triggers.all_watched("default") == [("public", "bookshop_book")]
        assert triggers.tells_definitions("default")

    def test_what_is_no_table_is_refused(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE VIEW shown AS SELECT 1")

        said = refused("fraiseql_watch", "--install", "shown")

        assert said.startswith('"shown" is not a table; watch the tables that it reads')
        assert triggers.all_watched("default") == []

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["bookshop_book"], "names of tables go with --install, --uninstall or --status"),
            (["--dry-run"], "--dry-run go with --install or --uninstall"),
            (["--status", "--definitions"], "--definitions go with --install"),
            (["--install", "a.b.c"], "'a.b.c' is not a name; write 'name' or 'schema.name', without the quotes of SQL"),
            (["--status", "--database", "none"], "there is no database 'none'; must be one of: default, second"),
            (["--install", "--status"], "not allowed with argument"),
        ],
    )
    def test_contradictions_are_refused(self, arguments: list[str], said: str) -> None:
        with pytest.raises(CommandError) as caught:
            run("fraiseql_watch", *arguments)
        assert said in str(caught.value)

    def test_schemas_with_several_databases(self, settings: Any) -> None:
        settings.FRAISEQL = {"SCHEMAS": {"public": {"DATABASE": "second"}}}

        assert refused("fraiseql_watch", "--status") == (
            "the schemas have several databases; choose one by --database: default, second"
        )
        assert watch("--install", "--database", "default", "bookshop_book") == "public.bookshop_book: watched\n"


OTHER_SETTINGS = """
from tests.settings import *
DATABASES["default"].update({database})
CACHES["redis"]["KEY_PREFIX"] = {prefix!r}
FRAISEQL = {{"CACHE": {{"ALIAS": "redis", "WATCH_SECONDS": 1}}}}
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process on the same database and Redis."""
    database = {key: connection.settings_dict[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    redis: Any = caches["redis"]
    (tmp_path / "watching_settings.py").write_text(OTHER_SETTINGS.format(database=database, prefix=redis.key_prefix))
    path = f"{tmp_path}{os.pathsep}{BASE_DIR}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "watching_settings", "PYTHONPATH": path}


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Start the command in a process of its own."""
    with interruptible():
        command = [sys.executable, str(BASE_DIR / "manage.py"), "fraiseql_watch"]
        started = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield started
    end(started)
    uninstall()
    caches["redis"].delete_pattern("*")  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_process_drops_answers_in_the_cache_of_others(process: "subprocess.Popen[str]") -> None:
    Author.objects.create(name="Ursula")
    watch("--install")
    engine = make_engine("redis")
    wait_until(lambda: triggers.listening("default") == 1)
    for name, before in (("Octavia", lambda: None), ("Joanna", end_sessions)):
        data(engine, AUTHORS)
        assert is_hit(engine, AUTHORS)
        before()
        outside(f"UPDATE bookshop_author SET name = '{name}'")
        wait_until(lambda name=name: data(engine, AUTHORS) == {"authors": [{"name": name}]})
    wait_until(lambda: triggers.listening("default") == 1)
    assert "watchers connected: 1" in watch("--status")

    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=60)

    assert process.returncode == 0
    assert said.startswith("Watching the database 'default'; SIGINT or SIGTERM ends it.\nHeard ")
    assert "Traceback" not in errors
    assert triggers.listening("default") == 0


@pytest.mark.django_db(transaction=True)
def test_interrupt_ends_it_while_the_database_cannot_be_reached(environment: dict[str, str]) -> None:
    folder = Path(environment["PYTHONPATH"].split(os.pathsep)[0])
    with (folder / "watching_settings.py").open("a") as file:
        file.write("DATABASES['default']['HOST'] = '/nowhere'\n")
    with interruptible():
        command = [sys.executable, str(BASE_DIR / "manage.py"), "fraiseql_watch"]
        started = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        assert started.stderr is not None
        assert started.stdout.readline().startswith("Watching the database")
        assert "are not heard" in started.stderr.readline()
        started.send_signal(signal.SIGINT)
        assert started.wait(60) == 0
    finally:
        end(started)
    connections.close_all()
