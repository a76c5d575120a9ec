"""The distribution of GraphiQL's files: its versions, and what its folder must not have."""

import json
import re
import tomllib
from typing import Any

import pytest

from example_project.settings import BASE_DIR
from fraiseql_django.http import graphiql

FOLDER = BASE_DIR / "graphiql"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
NPM: dict[str, Any] = json.loads((FOLDER / "package.json").read_text())
LOCK: dict[str, Any] = json.loads((FOLDER / "package-lock.json").read_text())


def test_version_is_that_of_graphiql() -> None:
    assert PROJECT["version"] == NPM["dependencies"]["graphiql"]
    major, minor, _ = PROJECT["version"].split(".")
    extras = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["graphiql"] == [f"{PROJECT['name']}>={major}.{minor},<{int(major) + 1}"]
    assert PROJECT["name"] == graphiql.PACKAGE


def test_versions_are_exact_and_locked_with_their_digests() -> None:
    wanted = {**NPM["dependencies"], **NPM["devDependencies"]}

    assert [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    locked = {path: entry for path, entry in LOCK["packages"].items() if path}
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [path for path, entry in locked.items() if not entry["integrity"].startswith("sha512-")] == []


def test_lock_names_no_registry() -> None:
    """Npm asks the registry of the machine that it runs on."""
    assert not any("resolved" in entry for entry in LOCK["packages"].values())


@pytest.mark.parametrize("module", sorted(graphiql.MODULES))
def test_bundle_has_what_the_page_imports(module: str) -> None:
    """The page's script takes these names from the modules, which its import map leads to one file."""
    script = (BASE_DIR / "fraiseql_django/templates/fraiseql_django/graphiql.mjs").read_text()
    source = (FOLDER / "src" / "graphiql.js").read_text()

    assert f'import("{module}")' in script
    exported = re.search(rf'export {{([^}}]+)}} from "{module}";', source)
    assert exported is not None
    for name in exported[1].split(","):
        assert re.search(rf"\b{name.strip()}\b", script), name
