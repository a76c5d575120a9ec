"""``manage.py fraiseql_trust``: from clients' files to trusted documents."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from graphql import parse, print_ast

BOOKS = "query Books($limit: Int) { books(limit: $limit) { ...Card } }"
CARD = "fragment Card on Book { title authors { ...Name } }"
NAME = "fragment Name on Author { name }"
OTHER = "fragment Other on Book { isbn }"
BOOKS_TEXT = print_ast(parse(f"{BOOKS} {CARD} {NAME}"))
RENAME = 'mutation Rename { renameBook(id: "1", title: "x") { title } }'


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def client(tmp_path: Path) -> Path:
    folder = tmp_path / "client"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "node_modules" / "theirs.graphql").write_text("query Theirs { nothing }")
    (folder / "books.tsx").write_text(f"import x;\nconst BOOKS = gql`\n{BOOKS}\n${{CardFragment}}\n`;\n")
    (folder / "card.graphql").write_text(f"{CARD}\n{OTHER}\n")
    (folder / "name.py").write_text(f'NAME = gql("""{NAME}""")\nRENAME = gql({RENAME!r})\n')
    return folder


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("fraiseql_trust", *map(str, arguments), stdout=out)
    return out.getvalue()


def refused(*arguments: Any) -> tuple[str, str]:
    """Return what is said of each mistake, and of all."""
    err = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("fraiseql_trust", *map(str, arguments), stderr=err)
    return err.getvalue(), str(raised.value)


def test_every_operation_becomes_a_document_with_its_fragments(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"

    assert run(client, "--out", out) == f"{out}: 2 documents.\n"
    rename = print_ast(parse(RENAME))
    assert json.loads(out.read_text()) == {sha256(BOOKS_TEXT): BOOKS_TEXT, sha256(rename): rename}


def test_folder(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted"
    run(client, "--out", out)

    found = {file.name: file.read_text() for file in out.iterdir()}
    assert len(found) == 2
    assert found[f"{sha256(BOOKS_TEXT)}.graphql"] == BOOKS_TEXT


def test_apollo(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "apollo.json"
    run(client, "--out", out, "--format", "apollo")

    manifest = json.loads(out.read_text())
    assert (manifest["format"], manifest["version"]) == ("apollo-persisted-query-manifest", 1)
    assert {"id": sha256(BOOKS_TEXT), "name": "Books", "type": "query", "body": BOOKS_TEXT} in manifest["operations"]


def test_what_is_written_is_what_the_endpoint_executes(client: Path, tmp_path: Path, settings: Any, db: None) -> None:
    out = tmp_path / "trusted.json"
    run(client, "--out", out)
    settings.FRAISEQL = {"TRUSTED_DOCUMENTS": {"MODE": "required", "PATH": str(out)}, "CACHE": {"ALIAS": None}}

    def post(body: Any) -> Any:
        return Client().post("/graphql/", body, content_type="application/json").json()

    assert post({"documentId": f"sha256:{sha256(BOOKS_TEXT)}"}) == {"data": {"books": []}}
    assert post({"query": "{ books { title } }"})["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"


def test_check(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"

    with pytest.raises(CommandError, match="is not up to date; write it again"):
        run(client, "--out", out, "--check")
    assert not out.exists()
    run(client, "--out", out)
    assert run(client, "--out", out, "--check") == f"{out} is up to date.\n"
    (client / "card.graphql").write_text(CARD.replace("title", "isbn"))
    with pytest.raises(CommandError):
        run(client, "--out", out, "--check")


def test_keep_leaves_the_documents_of_older_clients(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"
    run(client, "--out", out)
    (client / "card.graphql").write_text(CARD.replace("title", "isbn"))

    run(client, "--out", out, "--keep")
    kept = json.loads(out.read_text())
    run(client, "--out", out)

    assert len(kept) == 3
    assert kept[sha256(BOOKS_TEXT)] == BOOKS_TEXT
    assert sha256(BOOKS_TEXT) not in json.loads(out.read_text())


def test_typename_is_added_below_the_top(client: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"
    run(client, "--out", out, "--typename")

    (text,) = (text for text in json.loads(out.read_text()).values() if "Books" in text)
    typed = "query Books($limit: Int) { books(limit: $limit) { ...Card __typename } }"
    fragments = (
        "fragment Card on Book { title authors { ...Name __typename } __typename } "
        "fragment Name on Author { name __typename }"
    )
    assert text == print_ast(parse(f"{typed} {fragments}"))


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("a.graphql", "\nquery A { nothing }", 2, "Cannot query field 'nothing' on type 'Query'."),
        ("a.graphql", "query A {", 1, "Syntax Error"),
        ("a.graphql", "{ books { title } }", 1, "name"),
        ("a.graphql", "query Books { books { isbn } }", 1, "Books"),
        ("a.graphql", "query A { books { ...Nowhere } }", 1, "Nowhere"),
        ("a.ts", "\n\nconst a = gql`query A { books(limit: ${limit}) { title } }`", 3, "an expression in a template"),
    ],
)
def test_mistakes_are_said_with_their_places_and_nothing_is_written(
    client: Path, tmp_path: Path, name: str, text: str, line: int, said: str
) -> None:
    (client / name).write_text(text)
    out = tmp_path / "trusted.json"
    mistakes, summary = refused(client, "--out", out)

    assert said in mistakes
    assert f"{name}:{line}" in mistakes
    assert summary.endswith("nothing is written")
    assert not out.exists()


def test_wrong_arguments(client: Path, tmp_path: Path, settings: Any) -> None:
    settings.FRAISEQL = {}
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("query A { books { title } }")

    assert refused(client)[1] == (
        "there is no path to write to; give --out or set FRAISEQL['TRUSTED_DOCUMENTS']['PATH']"
    )
    assert refused(tmp_path / "gone", "--out", "x")[1] == f"{tmp_path / 'gone'} does not exist"
    assert refused(tmp_path / "empty", "--out", "x")[1] == f"there is no operation in: {tmp_path / 'empty'}"
    assert refused(tmp_path / "notes.txt", "--out", "x")[1].startswith(
        f"{tmp_path / 'notes.txt'} has an unknown suffix; must be one of: "
    )
