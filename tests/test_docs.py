"""What the documentation says is what the code does."""

import re
from pathlib import Path

import pytest
from django.core.checks import run_checks

from example_project.bookshop.readable import readable
from fraiseql_django import GraphQLEngine, Viewer, get_engine
from fraiseql_django.declare import schemas
from fraiseql_django.declare.names import camel_case
from fraiseql_django.schema.django_fields import SCALARS
from fraiseql_django.schema.functions import FUNCTIONS
from fraiseql_django.schema.operators import OPERATORS
from fraiseql_django.schema.scalars.composite import RANGES
from fraiseql_django.schema.sdl import sdl
from tests.support import put

DOCS = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


@pytest.mark.django_db
def test_architecture_shows_the_statement_of_its_operation():
    (operation,), (sql,) = blocks("architecture.md", "graphql"), blocks("architecture.md", "sql")
    compiled = readable(get_engine().explain(operation, {"name": "Baking", "limit": 3}).sql)
    # Django 5.2 does not quote the names that it makes up for tables
    assert sql.strip().replace('"', "") == compiled.strip().replace('"', "")


@pytest.mark.django_db
def test_limits_shows_the_complexity_of_its_operation():
    (operation,) = blocks("limits.md", "graphql")
    complexity = get_engine().explain(operation, {"n": 5}).complexity
    assert complexity == 5221
    assert f'explain(SHELF, {{"n": 5}}).complexity  # {complexity}' in (DOCS / "limits.md").read_text()


def production() -> dict:
    """The FRAISEQL of the section "In production" of the page on limits."""
    (block,) = (text for text in blocks("limits.md", "python") if text.startswith("FRAISEQL = {"))
    names: dict = {}
    exec(block, names)
    return names["FRAISEQL"]


def test_limits_for_production_leave_nothing_open(settings):
    assert [message.id for message in run_checks(tags=["fraiseql"])] == ["fraiseql.W009"] * 2

    settings.FRAISEQL = production()

    assert run_checks(tags=["fraiseql"]) == []


def aliases(field: str) -> str:
    """The field as often, and under names as long, as the limits allow."""
    return " ".join(f"{'A' * 98}{number:02}:{field}" for number in range(50))


# what small requests cost, with the worst answers that are allowed
LARGE = {
    "introspection": put("{__schema{types{inputFields{@:name}}}}", "A" * 90_000),
    "introspection below the limit": put("{__schema{types{inputFields{@}}}}", aliases("name")),
    "alias": put("{books(limit:20){reviews(limit:1000){@:id}}}", "A" * 10_000),
    "alias below the limit": put("{books(limit:20){reviews{@:id}}}", "A" * 100),
    "names of types": "{categories(limit:1000){books(limit:1000){reviews(limit:1000){__typename}}}}",
    "aliased names of types": put("{books(limit:1000){@}}", aliases("__typename") + " a:id"),
    "circle": "{books{authors{books{authors{books{__typename}}}}}}",
    "counts": put("{books(limit:1000){@}}", aliases("reviewsCount") + " id"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LARGE)
def test_small_requests_have_no_large_answers_in_production(settings, bookshop, name):
    settings.FRAISEQL = production()

    answer = get_engine().execute(LARGE[name])

    assert len(answer.body) < 10_000_000
    codes = [error.extensions["code"] for error in answer.errors]
    assert codes == ([] if "below" in name else ["LIMIT_EXCEEDED"])
    statistics = get_engine().statistics()
    assert statistics.documents.bytes + statistics.plans.bytes < 10_000_000


@pytest.mark.django_db
def test_operations_of_the_documentation_are_executed_in_production(settings, bookshop):
    settings.FRAISEQL = production()
    for page in ("limits.md", "architecture.md", "aggregates.md"):
        for block in blocks(page, "graphql"):
            answer = get_engine().execute(block, {"n": 5, "name": "Baking", "limit": 5})
            assert answer.errors == ()
    assert get_engine().session.of(Viewer()) == (("statement_timeout", "5000"),)


@pytest.mark.parametrize(
    "page", ["reference/operators.md", "tutorial.md", "architecture.md", "limits.md", "aggregates.md"]
)
def test_operations_in_the_documentation_are_valid(page):
    for block in blocks(page, "graphql"):
        if block.lstrip().startswith(("{", "query", "mutation")):
            get_engine().parser.parse(block)


def test_every_operator_is_documented():
    page = (DOCS / "reference" / "operators.md").read_text()
    assert [name for name in OPERATORS if f"`{name}`" not in page] == []


def test_every_aggregate_function_is_documented():
    page = (DOCS / "aggregates.md").read_text()
    assert [name for name in FUNCTIONS if f"`{camel_case(name)}`" not in page] == []


def test_every_field_class_is_documented():
    page = (DOCS / "reference" / "types.md").read_text()
    classes = [cls.__name__ for cls in (*SCALARS, *RANGES)]
    assert [name for name in classes if f"`{name}`" not in page] == []


def test_threat_model_names_tests_that_exist():
    page = (DOCS / "threat-model.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (DOCS.parent / name).exists()] == []


def executed(page: str) -> dict:
    """Execute the Python blocks of a page, one after another, and return the names that they define."""
    names: dict = {"__name__": __name__}
    for block in blocks(page, "python"):
        exec(block, names)
    return names


@pytest.mark.django_db
def test_page_on_schemas_declares_a_schema(settings, bookshop, monkeypatch):
    monkeypatch.setattr(schemas, "_registries", {None: schemas.default_registry})
    (block,) = (text for text in blocks("schemas.md", "python") if "FRAISEQL = {" in text)
    names: dict = {}
    exec(block, names)
    settings.FRAISEQL = {**settings.FRAISEQL, **names["FRAISEQL"]}

    executed("schemas.md")
    engine = get_engine("public")

    assert engine.settings.limits.depth == 5
    assert engine.execute("{ books(limit: 1) { title price } }").errors == ()
    assert engine.execute('mutation { subscribe(address: "a@example.com") }').errors == ()


@pytest.mark.django_db
def test_page_on_the_schema_is_what_is_served(bookshop, monkeypatch):
    monkeypatch.setattr(schemas, "_registries", {None: schemas.default_registry})
    executed("schema.md")
    engine = GraphQLEngine(registry=schemas.registry_of("page"), cache=None)

    (operation,) = blocks("schema.md", "graphql")
    for text in (
        operation,
        'mutation { send(address: {street: "A 1", town: "B"}, fast: true) }',
        'mutation { call(contact: {phone: "1"}) }',
        'mutation { track(number: "1") }',
    ):
        assert engine.execute(text).errors == ()
    assert engine.execute('mutation { call(contact: {phone: "1", mail: "a"}) }').errors
    text = sdl(engine.schema.graphql)
    assert 'type OldBook @owner(team: "shop") {' in text
    assert 'title: String! @owner(team: "search", since: 2024)' in text
    assert 'scalar Euros @specifiedBy(url: "https://example.com/euros")' in text
