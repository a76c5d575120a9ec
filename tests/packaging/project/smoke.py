"""What everybody does first with the package, as it was installed: ``pytest smoke.py`` in this folder."""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test.utils import CaptureQueriesContext

import fraiseql_django

BOOKS = "{ books(where: {title: {startswith: %s}}) { title author { name booksCount } } }"


def post(client: Any, query: str, variables: dict[str, Any] | None = None) -> Any:
    response = client.post("/graphql/", {"query": query, "variables": variables or {}}, "application/json")
    answer = response.json()
    assert response.status_code == 200, answer
    assert "errors" not in answer, answer
    return answer["data"]


def test_it_is_the_installed_package() -> None:
    assert "site-packages" in Path(fraiseql_django.__file__).parts
    assert fraiseql_django.__version__ == version("fraiseql_django")
    for name in ("DJANGO", "GRAPHQL"):
        if name in os.environ:
            package = {"DJANGO": "django", "GRAPHQL": "graphql-core"}[name]
            assert version(package).startswith(f"{os.environ[name]}.")


@pytest.mark.django_db
def test_checks_and_migrations_have_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("check", databases=["default"], fail_level="WARNING")
    except SystemCheckError as error:
        pytest.fail(str(error))
    call_command("makemigrations", check=True, dry_run=True)
    call_command("fraiseql_health")


@pytest.mark.django_db(transaction=True)
def test_operations_mutations_and_cached_answers(client: Any) -> None:
    assert post(client, 'mutation { addBook(title: "Kindred", author: "Octavia") { title } }') == {
        "addBook": {"title": "Kindred"}
    }
    query = BOOKS % '"K"'
    with CaptureQueriesContext(connection) as first:
        answer = post(client, query)
    with CaptureQueriesContext(connection) as second:
        again = post(client, query)

    assert answer == again == {"books": [{"title": "Kindred", "author": {"name": "Octavia", "booksCount": 1}}]}
    assert [len(first), len(second)] == [1, 0]

    # a write drops the kept answer, also what was read through a view
    assert post(client, "{ titles { title } }") == {"titles": [{"title": "Kindred"}]}
    (book,) = post(client, "{ books { id } }")["books"]
    changed = post(
        client,
        'mutation($id: ID!) { updateBook(id: $id, input: {title: "Kin"}) { ... on UpdateBookSuccess {book {title}} } }',
        {"id": book["id"]},
    )
    assert changed["updateBook"]["book"]["title"] == "Kin"
    assert post(client, query)["books"][0]["title"] == "Kin"
    assert post(client, "{ titles { title } }") == {"titles": [{"title": "Kin"}]}


@pytest.mark.django_db
def test_pages_and_files_are_served(client: Any, tmp_path: Path, settings: Any) -> None:
    settings.DEBUG = True
    page = client.get("/graphql/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "graphiql" in page.content.decode().lower()

    assert json.loads(client.get("/graphql/health/").content)["healthy"]

    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    assert list((tmp_path / "fraiseql_django").iterdir())


@pytest.mark.django_db
def test_schema_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("fraiseql_schema")

    assert "type Book" in capsys.readouterr().out
