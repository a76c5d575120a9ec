"""Each how-to guide is followed: what it prints and answers is what happens, on a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from example_project.settings import BASE_DIR
from scripts.tutorial import variables_of
from tests.settings import POSTGRES, WORKER
from tests.support import do_without

GUIDES = sorted((BASE_DIR / "docs" / "how-to").glob("*.md"))
# a page whose end needs extensions of PostgreSQL, and the heading where that begins
EXTENSIONS = {"search.md": ("## Words with mistakes, words without accents", ["pg_trgm", "unaccent"])}


@contextmanager
def server() -> Iterator[psycopg.Connection]:
    """Connect to the tests' server."""
    with psycopg.connect(os.environ.get("DATABASE_URL") or POSTGRES.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """Make an empty database; return the environment by which it is found."""
    name = f"fraiseql_guide_{os.getpid()}{WORKER}"
    identifier = sql.Identifier(name)
    with server() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        yield {"GUIDE_DATABASE": name, **variables_of(os.environ.get("DATABASE_URL") or POSTGRES.url)}
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def last_line(page: Path) -> list[str]:
    """Return where to stop, as an argument, if the server lacks what the end of a page needs."""
    heading, extensions = EXTENSIONS.get(page.name, ("", []))
    with server() as connection:
        found = connection.execute("SELECT FROM pg_available_extensions WHERE name = ANY(%s)", [extensions]).rowcount
    if found == len(extensions):
        return []
    if "FRAISEQL_TESTS_EXTENSIONS" in os.environ:
        do_without(f"this server lacks one of {', '.join(extensions)}")
    return [str(page.read_text(encoding="utf-8").splitlines().index(heading) + 1)]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_is_what_happens(database: dict[str, str], tmp_path: Path, page: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DATABASE_URL"))}
    environment = {**inherited, **database, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(BASE_DIR)}
    command = [sys.executable, "-m", "tests.docs.guide", str(page), str(tmp_path), *last_line(page)]

    done = subprocess.run(command, env=environment, cwd=BASE_DIR, timeout=120, text=True, capture_output=True)

    assert done.returncode == 0, done.stdout + done.stderr
