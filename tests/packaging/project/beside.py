"""strawberry-django and graphene-django in one project with the package: ``pytest beside.py --ds=settings_beside``."""

import os
import subprocess
import sys
from collections import Counter
from importlib.metadata import entry_points
from typing import Any

import pytest
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands, load_command_class
from smoke import post

QUERY = "{ books { title author { name } } }"
ENDPOINTS = ("/graphql/", "/strawberry/", "/graphene/")
PACKAGES = ("fraiseql_django", "strawberry_django", "graphene_django")


def asked(client: Any, url: str, query: str) -> Any:
    response = client.post(url, {"query": query}, "application/json")
    assert "errors" not in response.json(), response.json()
    return response.json()["data"]


@pytest.mark.django_db(transaction=True)
def test_three_endpoints_answer_alike_over_the_same_models(client: Any) -> None:
    post(client, 'mutation { addBook(title: "Kindred", author: "Octavia") { title } }')

    answers = [asked(client, url, QUERY) for url in ENDPOINTS]

    assert answers == [{"books": [{"title": "Kindred", "author": {"name": "Octavia"}}]}] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("url", "mutation"),
    [
        ("/strawberry/", 'mutation { rename(title: "Kin") }'),
        ("/graphene/", 'mutation { rename(title: "Kin") { number } }'),
    ],
)
def test_mutations_of_the_others_drop_kept_answers(client: Any, url: str, mutation: str) -> None:
    post(client, 'mutation { addBook(title: "Kindred", author: "Octavia") { title } }')
    for _ in range(2):
        assert asked(client, "/graphql/", QUERY)["books"][0]["title"] == "Kindred"

    asked(client, url, mutation)

    assert asked(client, "/graphql/", QUERY)["books"][0]["title"] == "Kin"


@pytest.mark.django_db
@pytest.mark.parametrize("url", ENDPOINTS)
def test_each_shows_its_own_page(client: Any, url: str, settings: Any) -> None:
    settings.DEBUG = True
    page = client.get(url, headers={"Accept": "text/html"})

    assert page.status_code == 200
    templates = {template.name for template in page.templates}
    assert ("fraiseql_django/graphiql.html" in templates) == (url == "/graphql/")


@pytest.mark.parametrize("order", [PACKAGES, PACKAGES[::-1], (PACKAGES[1], PACKAGES[0], PACKAGES[2])], ids=" ".join)
def test_order_of_imports_does_not_matter(order: tuple[str, ...]) -> None:
    code = f"import django; django.setup(); {'; '.join(f'import {name}' for name in order)}; import urls_beside"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings_beside", "PACKAGES": ",".join(order)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_commands_files_and_plugins_have_names_of_their_own(settings: Any, tmp_path: Any) -> None:
    commands = get_commands()
    own = {name for name, app in commands.items() if app == "fraiseql_django"}
    assert own
    assert all(name.startswith("fraiseql_") for name in own)
    assert {"export_schema", "graphql_schema"} <= commands.keys()
    for name in own:
        load_command_class("fraiseql_django", name)

    files = Counter(path for finder in get_finders() for path, _ in finder.list([]))
    assert [path for path, number in files.items() if number > 1] == []

    plugins = Counter(point.name for point in entry_points(group="pytest11"))
    assert [name for name, number in plugins.items() if number > 1] == []


@pytest.mark.django_db
def test_checks_and_schemas_of_all_three(tmp_path: Any) -> None:
    call_command("check", databases=["default"])
    call_command("fraiseql_schema")
    call_command("export_schema", "urls_beside:strawberry_schema", path=str(tmp_path / "strawberry.graphql"))
    call_command("graphql_schema", out=str(tmp_path / "graphene.graphql"))

    assert {path.name for path in tmp_path.iterdir()} == {"strawberry.graphql", "graphene.graphql"}
