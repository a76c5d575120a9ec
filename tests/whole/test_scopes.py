"""django-scopes, as it is published: each scope has its rows, and without a scope there is an error and no row.

What is expected is what the ORM gives in the same scope.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from io import StringIO
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, Registry, checks
from fraiseql_django.cache.django import DjangoCache
from fraiseql_django.planner.column_usage import readable_columns
from tests.naive import assert_same_answer
from tests.support import data

scopes = pytest.importorskip("django_scopes")

Scope = Callable[[], AbstractContextManager[None]]
NAMES = ("Tenant", "Label", "Project", "Task")
QUERIES = {
    "list": "{ projects { name } }",
    "one": "{ a: project(id: 1) { name } b: project(id: 2) { name } }",
    "nested": "{ tenants { name projects { name tasks { name } labels { name projects { name } } } } }",
    "to one": "{ tasks { name project { name tenant { name } } after { name after { name } } waiting { name } } }",
    "some": """{ tenants(where: {projects: {some: {tasks: {some: {name: {startswith: "task"}}}}}}) { name }
        all: tenants(where: {projects: {every: {name: {eq: "project 2"}}}}) { name }
        none: tenants(where: {projects: {none: {labels: {some: {name: {startswith: "label"}}}}}}) { name } }""",
    "counts": "{ projectsCount tasksCount tenants { projectsCount } projects { tasksCount labelsCount } }",
    "order": "{ projects(orderBy: [{name: DESC}], limit: 1) { name } tasks(orderBy: [{after: {name: ASC}}]) { name } }",
    "where": '{ tasks(where: {after: {name: {startswith: "task"}}}) { name } }',
}


def models() -> Any:
    return import_module("tests.scoped.models")


@pytest.fixture
def tenants(db: None) -> dict[str, Scope]:
    """Fill the tables for two tenants; return the scopes."""
    scoped = models()
    found = []
    with scopes.scopes_disabled():
        for number in (1, 2):
            tenant = scoped.Tenant.objects.create(pk=number, name=f"tenant {number}")
            project = scoped.Project.objects.create(pk=number, tenant=tenant, name=f"project {number}")
            project.labels.add(scoped.Label.objects.create(tenant=tenant, name=f"label {number}"))
            first = scoped.Task.objects.create(project=project, name=f"task {number}")
            scoped.Task.objects.create(project=project, name=f"task {number}b", after=first)
            found.append(tenant)
        # what crosses the border in the database does not in a scope
        scoped.Project.objects.get(pk=2).labels.add(scoped.Label.objects.get(tenant=1))
        scoped.Task.objects.filter(name="task 2").update(after=scoped.Task.objects.get(name="task 1"))
    one, two = found
    return {
        "two": lambda: scopes.scope(tenant=two),
        "one": lambda: scopes.scope(tenant=one),
        "both": lambda: scopes.scope(tenant=[one, two]),
        "any": lambda: scopes.scope(tenant=None),
        "disabled": scopes.scopes_disabled,
        "one in two": lambda: nested(two, one),
    }


@contextmanager
def nested(outer: Any, inner: Any) -> Iterator[None]:
    with scopes.scope(tenant=outer), scopes.scope(tenant=inner):
        yield


def declared() -> Registry:
    registry = Registry()
    for name in NAMES:
        fraiseql.type(getattr(models(), name), fields="__all__", registry=registry)(type(name, (), {}))
    return registry


@pytest.fixture(params=["not cached", "cached"])
def engine(request: pytest.FixtureRequest) -> Iterator[GraphQLEngine]:
    """Make an engine outside any scope, which keeps its answers or does not."""
    caches["locmem"].clear()
    yield GraphQLEngine(registry=declared(), cache=DjangoCache("locmem") if request.param == "cached" else None)
    caches["locmem"].clear()


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_scope_has_its_rows_after_every_other(
    query: str, engine: GraphQLEngine, tenants: dict[str, Scope]
) -> None:
    expected: dict[str, Any] = {}
    for name, scope in tenants.items():
        with scope():
            expected[name] = assert_same_answer(engine, query)
    assert expected["one"] == expected["one in two"]
    assert expected["any"] == expected["both"] == expected["disabled"]
    assert len({str(expected[name]) for name in ("one", "two", "both")}) == 3

    for pair in permutations(tenants, 2):
        for name in pair:
            with tenants[name]():
                assert data(engine, query) == expected[name]


@pytest.mark.django_db(transaction=True)
def test_no_row_and_no_statement_outside_scopes(engine: GraphQLEngine, tenants: dict[str, Scope]) -> None:
    for query in QUERIES.values():
        for before in (None, "two", "disabled"):
            if before is not None:
                with tenants[before]():
                    data(engine, query)
            with CaptureQueriesContext(connection) as captured:
                answer = engine.execute(query).json()

            assert "data" not in answer
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL_SERVER_ERROR"]
            assert len(captured) == 0

    assert data(engine, "{ tenants { name } }") == {"tenants": [{"name": "tenant 1"}, {"name": "tenant 2"}]}


def test_scope_that_lacks_a_dimension_is_none(engine: GraphQLEngine, tenants: dict[str, Scope]) -> None:
    with tenants["one"]():
        data(engine, QUERIES["list"])
    with scopes.scope(organizer=1):
        assert "data" not in engine.execute(QUERIES["list"]).json()


def test_plan_is_kept_for_each_scope(engine: GraphQLEngine, tenants: dict[str, Scope]) -> None:
    parsed = engine.parser.parse(QUERIES["nested"]).operation(None)
    plans = {}
    for name in ("two", "one", "disabled"):
        with tenants[name]():
            plans[name] = engine.planner.plan(parsed, {})

    for name in ("disabled", "two", "one"):
        with tenants[name]():
            assert engine.planner.plan(parsed, {}) is plans[name]


def test_commands_need_no_scope(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "default_registry", declared())

    call_command("check", databases=["default"], stdout=StringIO(), stderr=(written := StringIO()))
    with connection.cursor() as cursor:
        for name in (*NAMES, "Project_labels"):
            cursor.execute(f"DROP TABLE scoped_{name.lower()} CASCADE")
    call_command("migrate", "scoped", "--run-syncdb", verbosity=0, stdout=StringIO())

    assert "scope" not in written.getvalue().lower()
    assert GraphQLEngine(registry=declared(), cache=None).execute("{ tenants { name } }").json() == {
        "data": {"tenants": []}
    }


def test_columns_are_known_outside_scopes(engine: GraphQLEngine) -> None:
    found = readable_columns(engine.schema, "default")

    assert found["scoped_project"] == {"id", "name", "tenant_id"}
    assert found["scoped_task"] == {"id", "name", "project_id", "after_id"}


def test_mutations_write_in_their_scope(tenants: dict[str, Scope]) -> None:
    registry = declared()
    task = registry.types[-1].cls
    fraiseql.update(task, fields=["name"], registry=registry)
    fraiseql.delete(task, registry=registry)
    engine = GraphQLEngine(registry=registry, cache=None)
    with scopes.scopes_disabled():
        key = models().Task.objects.get(name="task 1b").pk
    update = f'mutation {{ updateTask(id: {key}, input: {{name: "new"}}) {{ __typename }} }}'

    with tenants["two"]():
        engine.execute(update)
        engine.execute(f"mutation {{ deleteTask(id: {key}) {{ __typename }} }}")
    engine.execute(update)
    with scopes.scopes_disabled():
        assert models().Task.objects.get(pk=key).name == "task 1b"
    with tenants["one"]():
        assert data(engine, update) == {"updateTask": {"__typename": "UpdateTaskSuccess"}}
    with scopes.scopes_disabled():
        assert models().Task.objects.get(pk=key).name == "new"


def test_middleware_of_the_documentation(engine: GraphQLEngine, tenants: dict[str, Scope]) -> None:
    page = (BASE_DIR / "docs" / "multi-tenancy.md").read_text()
    (block,) = [part for part in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "class ScopeMiddleware" in part]
    names: dict[str, Any] = {"scope": scopes.scope}
    exec(block, names)
    serve = names["ScopeMiddleware"](lambda request: data(engine, QUERIES["list"]))

    for number in (2, 1, 2):
        request = SimpleNamespace(tenant=models().Tenant.objects.get(pk=number))
        assert serve(request) == {"projects": [{"name": f"project {number}"}]}
    assert "data" not in engine.execute(QUERIES["list"]).json()
