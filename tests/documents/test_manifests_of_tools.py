"""Manifests that clients' own tools write become trusted documents, with the identifiers that their clients send."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from fraiseql_django.documents.trusted import read
from tests import npm

APOLLO = ("@apollo/generate-persisted-query-manifest@1.4.0", "@apollo/client@3.14.1", "graphql@16.15.0")
RELAY = ("relay-compiler@21.0.1",)
BOOKS = "query ShelfQuery($n: Int) { books(limit: $n) { id title authors { name } } }"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    call_command("fraiseql_schema", "--out", str(tmp_path / "schema.graphql"))
    (tmp_path / "src").mkdir()
    (tmp_path / "package.json").write_text("{}")
    return tmp_path


def trusted(manifest: Path) -> dict[str, str]:
    out = manifest.parent / "trusted.json"
    call_command("fraiseql_trust", str(manifest), "--out", str(out))
    return dict(read(out))


def tool(folder: Path, name: str, project: Path) -> None:
    (project / "node_modules").symlink_to(folder / "node_modules")
    done = npm.run(str(folder / "node_modules" / ".bin" / name), cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifest_of_apollo(project: Path) -> None:
    (project / "src" / "shelf.ts").write_text(
        f'import {{ gql }} from "@apollo/client";\nexport const a = gql`{BOOKS}`;'
    )
    tool(npm.installed(*APOLLO), "generate-persisted-query-manifest", project)

    manifest = json.loads((project / "persisted-query-manifest.json").read_text())
    (operation,) = manifest["operations"]
    assert trusted(project / "persisted-query-manifest.json") == {operation["id"]: operation["body"]}
    assert "__typename" in operation["body"]


def test_manifest_of_relay(project: Path) -> None:
    (project / "src" / "Shelf.ts").write_text(
        f'import {{ graphql }} from "react-relay";\nexport const a = graphql`{BOOKS}`;'
    )
    config = {
        "src": "./src", "schema": "./schema.graphql", "language": "typescript",
        "persistConfig": {"file": "./persisted_queries.json"},
    }  # fmt: skip
    (project / "relay.config.json").write_text(json.dumps(config))
    (project / "persisted_queries.json").write_text("{}")
    tool(npm.installed(*RELAY), "relay-compiler", project)

    written = json.loads((project / "persisted_queries.json").read_text())
    assert trusted(project / "persisted_queries.json") == written
    # MD5, by which the client asks
    assert [len(identifier) for identifier in written] == [32]
