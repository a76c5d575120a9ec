"""Folders import one way: each only from those before it, and there is no circle between files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fraiseql_django

ROOT = Path(fraiseql_django.__file__).parent

# Folders and top-level modules, from the ground up
ORDER = (
    *("codes", "errors", "_compat", "_django", "fields", "memory", "coroutines", "viewer"),
    *("invalidation", "storage", "cache", "conf"),
    *("declare", "schema", "language", "planner", "kinds"),
    *("metrics", "execution", "documents", "audit", "mutations", "queries", "engine"),
    *(
        "health",
        "http",
        "sql",
        "explain",
        "views",
        "urls",
        "checks",
        "operations",
        "testing",
        "contrib",
        "management",
        "admin",
        "apps",
    ),
    "__init__",
)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room(name: str) -> str:
    return name.split(".")[0]


def imported(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports."""
    path = MODULES[name]
    folder = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder[: len(folder) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in MODULES else ".".join(base) or "__init__"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            assert "fraiseql_django" not in ast.unparse(node), "its own modules are imported relatively"


def test_every_folder_has_its_place() -> None:
    assert sorted(ORDER) == sorted({room(name) for name in MODULES})


@pytest.mark.parametrize("folder", ORDER)
def test_folder_imports_only_from_those_before(folder: str) -> None:
    allowed = {*ORDER[: ORDER.index(folder)], folder}

    found = {(name, other) for name in MODULES if room(name) == folder for other in imported(name)}

    assert {pair for pair in found if room(pair[1]) not in allowed} == set()


def test_no_circle_between_files() -> None:
    waiting = {name: {other for other in imported(name) if other != name} for name in MODULES}
    while free := {name for name, others in waiting.items() if not others}:
        waiting = {name: others - free for name, others in waiting.items() if name not in free}

    assert waiting == {}


def test_few_files_stand_at_the_top() -> None:
    assert len(list(ROOT.glob("*.py"))) <= 20


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_imported_inside_functions(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]

    inside = [n for function in functions for n in ast.walk(function) if isinstance(n, (ast.Import, ast.ImportFrom))]

    assert inside == []


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("management")])
def test_module_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[name].read_text()))
