"""Each module imports only from those above it: the list is the pipeline, and there are no cycles."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fraiseql_django

ROOT = Path(fraiseql_django.__file__).parent

PIPELINE = """
    version errors _compat reading conf trusted.documents lru tables dependencies catalog limits viewer session
    introspection

    schema.naming schema.sources schema.rules schema.registry schema.past_rules schema.declare
    schema.declare_mutations schema.results
    schema.encoding schema.leaves schema.scalars schema.definition schema.protection schema.values
    schema.operators schema.inputs schema.models schema.annotations schema.relations schema.types schema.outputs
    schema.model_mutations schema.model_mutations_fields schema.model_mutations_inputs
    schema.views schema.describe schema.enums schema.arguments schema.build schema.sdl schema.coercion schema.variables

    parser

    planner.values planner.params planner.json planner.conditions planner.places planner.extracted planner.viewer
    planner.rules planner.computed
    planner.fields planner.weight planner.complexity planner.filters planner.ordering
    planner.pages planner.schema_fields planner.selection planner.statement planner.payload planner.plan

    storage.base storage.writes storage.transactions storage.written storage.wire storage.django
    cache.base cache.django cache.results cache.outage cache.persisted places rate

    executor failures response audit mutations.info
    mutations.models_rows mutations.violations mutations.models_access mutations.models_validation
    mutations.models_written mutations.models_relations mutations.models_write mutations.models_run
    mutations.forms_choices mutations.forms mutations.models_declared mutations.models_function
    mutations.models

    mutations.python mutations.functions mutations.answer mutations.failed mutations.operation invalidation
    backends server_urls upstream documents engine

    census health http.refused http.csrf http.negotiation http.graphiql http.parameters
    http.batching http.uploads http.documents views urls
    sql.tokens sql.script operations sql.files sql.changes
    sql.inspection sql.samples sql.source sql.declarations
    trusted.extraction trusted.operations trusted.formats
    checks apps testing contrib.guardian
    management.commands.fraiseql_clear_cache management.commands.fraiseql_health management.commands.fraiseql_schema
    management.commands.fraiseql_makemigrations management.commands.fraiseql_inspect
    management.commands.fraiseql_trust

    __init__
"""
ORDER = PIPELINE.split()

PACKAGES = {
    *("schema", "planner", "storage", "cache", "mutations", "http", "management", "management.commands", "sql"),
    *("trusted", "contrib"),
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {name: path for path in sorted(ROOT.rglob("*.py")) if (name := name_of(path)).removesuffix(".__init__")}


def imported(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports."""
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in MODULES else ".".join(base)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            assert "fraiseql_django" not in ast.unparse(node), "its own modules are imported relatively"


def test_every_module_has_its_place() -> None:
    packages = {f"{package}.__init__" for package in PACKAGES}

    assert sorted(ORDER) == sorted(MODULES.keys() - packages)


@pytest.mark.parametrize("name", ORDER)
def test_module_imports_only_from_those_above(name: str) -> None:
    above = set(ORDER[: ORDER.index(name)])

    assert set(imported(name)) - above == set()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_package_is_a_folder_and_nothing_more(package: str) -> None:
    assert list(imported(f"{package}.__init__")) == []


@pytest.mark.parametrize("name", ORDER)
def test_nothing_is_imported_inside_functions(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]

    inside = [n for function in functions for n in ast.walk(function) if isinstance(n, (ast.Import, ast.ImportFrom))]

    assert inside == []


@pytest.mark.parametrize("name", ORDER)
def test_module_can_be_read_at_a_glance(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= 300


@pytest.mark.parametrize("name", ORDER)
def test_module_says_what_it_is(name: str) -> None:
    assert ast.get_docstring(ast.parse(MODULES[name].read_text()))
