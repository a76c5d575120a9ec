"""The targets of the Makefile run what they say, in the environment that is named."""

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from example_project.settings import BASE_DIR
from tests.support import do_without


def planned(target: str, *variables: str) -> str:
    """Return the commands that make would run, without running them."""
    if shutil.which("make") is None:
        do_without("make is not installed")
    environment = {name: value for name, value in os.environ.items() if name not in ("VENV", "BENCH_VENV", "MAKEFLAGS")}
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", target, *variables],
        cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("target", "module"), [("bench", "benchmarks"), ("bench-growth", "benchmarks.growth")])
def test_benchmarks_run_in_the_environment_that_is_named(target: str, module: str) -> None:
    commands = planned(target, "VENV=/somewhere/else", "ARGS=--quick")

    assert f"/somewhere/else/bin/python -m {module} --quick\n" in commands
    assert "/somewhere/else/bin/python -m pip --quiet" in commands
    assert ".venv" not in commands


def test_benchmarks_have_an_environment_of_their_own_otherwise() -> None:
    assert ".venv-bench/bin/python -m benchmarks" in planned("bench")
    assert ".venv-other/bin/python -m benchmarks" in planned("bench", "VENV=x", "BENCH_VENV=.venv-other")
    assert "\n.venv/bin/python -m pytest" in planned("test")


def names_of(module: Path) -> set[str]:
    """Return the names that a module has, from its text: importing one of the benchmarks sets up Django."""
    found = {path.stem for path in module.parent.glob("*.py")} if module.name == "__init__.py" else set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


BENCHMARKS = sorted((BASE_DIR / "benchmarks").rglob("*.py"))


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: str(file.relative_to(BASE_DIR)))
def test_benchmarks_import_what_there_is(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "benchmarks":
            path = BASE_DIR.joinpath(*str(node.module).split("."))
            module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            folders = {inner.name for inner in path.iterdir() if inner.is_dir()} if path.is_dir() else set()
            assert {alias.name for alias in node.names} <= names_of(module) | folders, ast.unparse(node)
