"""Example operations that GraphiQL offers."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from fraiseql_django.http.examples import Example, read_examples
from tests.http.test_graphiql import open_page


def examples_on_page(client: Client) -> list[dict[str, str]]:
    page = open_page(client).content.decode()
    config = page.partition('<script id="config" type="application/json">')[2].partition("</script>")[0]
    found: list[dict[str, str]] = json.loads(config)["examples"]
    return found


def test_page_offers_the_operations_of_the_folder(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, "EXAMPLES": tmp_path}}
    (tmp_path / "b.graphql").write_text("{ __typename }")
    (tmp_path / "a.graphql").write_text("# All <books>\nquery ($n: Int) { books(limit: $n) { id } }")
    (tmp_path / "a.json").write_text('{"n": 1}')

    assert examples_on_page(client) == [
        {
            "title": "All <books>",
            "query": "# All <books>\nquery ($n: Int) { books(limit: $n) { id } }",
            "variables": '{"n": 1}',
        },
        {"title": "b", "query": "{ __typename }", "variables": ""},
    ]


def test_page_offers_nothing_by_default(client: Client, settings: Any) -> None:
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True}}
    assert examples_on_page(client) == []


def test_titles_are_first_lines_that_are_comments(tmp_path: Path) -> None:
    (tmp_path / "one.graphql").write_text("#Title\n{ a }")
    assert read_examples(tmp_path) == [Example(title="Title", query="#Title\n{ a }")]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (None, "is no folder"),
        ({"a.graphql": b"{ a }", "a.json": b"[1]"}, "contains a.json, which is no JSON object"),
        ({"a.graphql": b"{ a }", "a.json": b"{"}, "contains a.graphql, which cannot be read: "),
        ({"a.graphql": b"\xff"}, "contains a.graphql, which cannot be read: "),
    ],
)
def test_check_names_what_cannot_be_read(
    client: Client, settings: Any, tmp_path: Path, files: dict[str, bytes] | None, problem: str
) -> None:
    folder = tmp_path / "examples"
    settings.FRAISEQL = {"GRAPHIQL": {"ENABLED": True, "EXAMPLES": str(folder)}}
    if files is not None:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)

    (found,) = (message for message in run_checks() if message.id == "fraiseql.E032")

    assert found.msg.startswith(f"FRAISEQL['GRAPHIQL']['EXAMPLES'] is {str(folder)!r}, which {problem}")
    assert found.hint == "Name a folder of .graphql files; the variables of books.graphql stand in books.json."
    assert examples_on_page(client) == []
