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

from fraiseql_django.documents.trusted import read

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
    (folder / "books.tsx").write_text(f"import x from 'x';\nconst BOOKS = gql`\n{BOOKS}\n${{CardFragment}}\n`;\n")
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


# --- manifests of clients' own tools ---

# as graphql-codegen has it by default: SHA-1
CODEGEN = {"0f1e2d": "query Books { books { title } }"}
RELAY = {"5d41402abc4b2a76b9719d911017c592": "query Shelf { books { isbn } }"}
APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": sha256(RENAME), "name": "Rename", "type": "mutation", "body": RENAME},
    ],
}


@pytest.fixture
def manifests(tmp_path: Path) -> list[Path]:
    files = []
    for name, content in (("persisted-documents", CODEGEN), ("queryMap", RELAY), ("manifest", APOLLO)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(content, indent=2))
    return files


def test_manifests_are_checked_and_joined_with_their_identifiers_and_texts(
    manifests: list[Path], client: Path, tmp_path: Path
) -> None:
    out = tmp_path / "trusted.json"

    run(*manifests, client / "card.graphql", client / "books.tsx", client / "name.py", "--out", out)

    rename = print_ast(parse(RENAME))
    assert json.loads(out.read_text()) == {
        **CODEGEN, **RELAY, sha256(RENAME): RENAME, sha256(BOOKS_TEXT): BOOKS_TEXT, sha256(rename): rename,
    }  # fmt: skip
    assert run(*manifests, client, "--out", out, "--check") == f"{out} is up to date.\n"


@pytest.mark.parametrize("format_", ["folder", "manifest", "apollo"])
def test_identifiers_of_manifests_stay_in_every_format(manifests: list[Path], tmp_path: Path, format_: str) -> None:
    out = tmp_path / "out"
    run(*manifests, "--out", out, "--format", format_)

    assert dict(read(out)) == {**CODEGEN, **RELAY, sha256(RENAME): RENAME}
    assert run(*manifests, "--out", out, "--format", format_, "--check").endswith("is up to date.\n")
    # those of older clients as well
    run(manifests[1], "--out", out, "--format", format_, "--keep")
    assert dict(read(out)) == {**CODEGEN, **RELAY, sha256(RENAME): RENAME}


def test_mistakes_in_manifests_have_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "queryMap.json"
    content = {"a": "query A { nothing }", "b": "query B { books { title } } query C { books { isbn } }", "c": "{"}
    file.write_text(json.dumps(content, indent=2))

    mistakes, summary = refused(file, "--out", tmp_path / "out.json")

    assert mistakes.splitlines()[:2] == [
        f"{file}:2: the document 'a': Cannot query field 'nothing' on type 'Query'.",
        f"{file}:3: the document 'b' has 2 operations, must have one",
    ]
    assert mistakes.splitlines()[2].startswith(f"{file}:4: the document 'c': Syntax Error")
    assert summary == "3 mistakes; nothing is written"


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x", "version": {}}')

    assert "is not a manifest; must be " in refused(tmp_path / "package.json", "--out", "x")[1]


def test_an_identifier_that_is_no_name_of_a_file_needs_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "queryMap.json"
    file.write_text(json.dumps({"../x": "query A { books { title } }"}))

    assert "cannot have a file for '../x'; write a manifest" in refused(file, "--out", tmp_path / "out")[1]


# --- what is said ---


def test_what_is_skipped_is_said_and_the_rest_is_written(client: Path, tmp_path: Path) -> None:
    (client / "other.ts").write_text("export const q = gql(DOCUMENT);\n")
    (client / "other.py").write_text("q = gql(DOCUMENT)\n")
    out, err = tmp_path / "trusted.json", io.StringIO()

    call_command("fraiseql_trust", str(client), "--out", str(out), stderr=err, no_color=True)

    assert err.getvalue() == (
        f"{client / 'other.py'}:1: skipped: gql(DOCUMENT) is not a string\n"
        f"{client / 'other.ts'}:1: skipped: gql(DOCUMENT) is not a string\n"
    )
    assert len(json.loads(out.read_text())) == 2


def test_the_order_of_what_is_said_is_fixed(client: Path, tmp_path: Path) -> None:
    fields = "hgfedcba"
    (client / "a.graphql").write_text(" ".join(f"query {name.upper()} {{ {name} }}" for name in fields))
    mistakes, _ = refused(client, "--out", tmp_path / "out.json")

    expected = [f"{client / 'a.graphql'}:1: Cannot query field '{name}' on type 'Query'." for name in reversed(fields)]
    assert mistakes.splitlines() == expected
