"""Two releases side by side, and changes of the tables and of a view, while requests go on."""

import itertools
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from example_project.settings import BASE_DIR
from tests.deployment.stack import BIN, Clients, Stack, Web, free_port, wait_until
from tests.servers import folder

PROJECT = BASE_DIR / "tests" / "packaging" / "project"
# what the second release changes: a column, and a view that has it
CHANGES = {
    "models.py": (
        '    author = models.ForeignKey(Author, models.CASCADE, related_name="books")\n',
        '    subtitle = models.CharField(max_length=100, default="", db_default="")\n',
    ),
    "graphql.py": ("    title: str\n", "    subtitle: str\n"),
}
VIEW = """
from django.db import migrations
from fraiseql_django.operations import CreateView

TITLE = "SELECT id, jsonb_build_object('id', id, 'title', title{}) AS data FROM shop_book"


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_book_subtitle")]
    operations = [CreateView("v_title", TITLE.format(", 'subtitle', subtitle"), reverse_sql=TITLE.format(""))]
"""


@dataclass
class Release:
    """The project at one release, in a folder of its own, over the database that all share."""

    number: int
    folder: Path
    shop: Stack
    database: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        own = {"DJANGO_SETTINGS_MODULE": "settings", "DATABASE_URL": self.database, "RELEASE": str(self.number)}
        return self.shop.environment(**own, PYTHONPATH=f"{self.folder}:{BASE_DIR}")

    def manage(self, *arguments: str) -> None:
        """Run a command of Django's."""
        command = [sys.executable, "-m", "django", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def serving(self) -> Iterator[Callable[..., Any]]:
        """Serve it, and yield a function that executes an operation and returns its data."""
        port = free_port()
        command = [str(BIN / "gunicorn"), f"--bind=127.0.0.1:{port}", "--worker-class=gthread", "--threads=4", "wsgi"]
        log = self.folder / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdout=file, stderr=file, text=True
            )
        web = Web(port, process, log)

        def ask(query: str, **variables: Any) -> Any:
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                body = json.dumps({"query": query, "variables": variables})
                connection.request("POST", "/graphql/", body, {"Content-Type": "application/json"})
                answer = json.loads(connection.getresponse().read())
            finally:
                connection.close()
            assert "errors" not in answer, answer
            return answer["data"]

        try:
            wait_until(lambda: web.answers() or process.poll() is not None, "the first answer")
            assert process.poll() is None, log.read_text()
            yield ask
        finally:
            web.signal(signal.SIGTERM)
            web.ended()


def traffic(ask: Callable[..., Any]) -> Callable[[], str]:
    """Return a function that reads, reads through the view, and writes, in turn."""
    numbers = itertools.count()

    def one() -> str:
        number = next(numbers)
        try:
            match number % 3:
                case 0:
                    ask(
                        "query($t: String) { books(where: {title: {eq: $t}}) { title author { name } } }", t=str(number)
                    )
                case 1:
                    ask("{ titles(limit: 3) { title } }")
                case _:
                    ask('mutation($t: String!) { addBook(title: $t, author: "A") { title } }', t=str(number))
        except AssertionError as error:
            return str(error)
        return "answered"

    return one


@pytest.fixture
def releases(shop: Stack) -> Iterator[tuple[Release, Release]]:
    """Make the project at two releases."""
    with folder("releases") as made:
        with psycopg.connect(shop.postgres, autocommit=True) as connection:
            connection.execute("CREATE DATABASE releases")
        database = f"{shop.postgres.removesuffix('/postgres')}/releases"
        assert database != shop.postgres
        first = Release(1, shutil.copytree(PROJECT, made / "1"), shop, database)
        second = Release(2, shutil.copytree(PROJECT, made / "2"), shop, database)
        for name, (line, added) in CHANGES.items():
            path = second.folder / "shop" / name
            text = path.read_text()
            assert text.count(line) == 1
            path.write_text(text.replace(line, line + added))
        second.manage("makemigrations", "shop", "--name", "book_subtitle", "--verbosity=0")
        (second.folder / "shop" / "migrations" / "0003_view.py").write_text(VIEW)
        yield first, second


def test_tables_are_changed_and_releases_replaced_without_a_failed_request(releases: tuple[Release, Release]) -> None:
    first, second = releases
    first.manage("migrate", "--verbosity=0")
    with first.serving() as old:
        with Clients(traffic(old)) as clients:
            # expand: the release before goes on, reads the changed view, and writes rows without the new column
            second.manage("migrate", "--verbosity=0")
            clients.some_more()
            with second.serving() as new, Clients(traffic(new)) as others:
                clients.some_more()
                others.some_more()
                # each drops the kept answers of the other
                for writer, reader in ((old, new), (new, old)):
                    before = reader("{ booksCount }")["booksCount"]
                    writer('mutation { addBook(title: "x", author: "A") { title } }')
                    assert reader("{ booksCount }")["booksCount"] > before
                assert new("{ titles(limit: 1) { subtitle } }") == {"titles": [{"subtitle": ""}]}
            clients.some_more()
            # contract, or back: the column goes when nobody that reads it runs any more
            second.manage("migrate", "shop", "0001", "--verbosity=0")
            clients.some_more()
        assert set(clients.counted) == {"answered"}
        assert set(others.counted) == {"answered"}
