"""What the documentation says is what the code does."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from django.contrib.postgres.search import SearchVector
from django.core.checks import run_checks
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Left, Mod
from django.db.models.lookups import Exact
from django.test.utils import CaptureQueriesContext

import fraiseql_django
import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Category
from fraiseql_django import GraphQLEngine, Registry, Viewer, get_engine
from fraiseql_django.declare import schemas
from fraiseql_django.declare.names import camel_case
from fraiseql_django.schema.django_fields import SCALARS
from fraiseql_django.schema.functions import FUNCTIONS
from fraiseql_django.schema.operators import BUILT_IN
from fraiseql_django.schema.scalars.composite import RANGES
from fraiseql_django.schema.sdl import sdl
from fraiseql_django.sql.readable import readable
from tests.menagerie import models as menagerie
from tests.menagerie.data import populate
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


def aliases(field: str, times: int = 50) -> str:
    """The field as often, and under names as long, as the limits allow."""
    return " ".join(f"{'A' * 98}{number:02}:{field}" for number in range(times))


# what small requests cost, with the worst answers that are allowed
LARGE = {
    "introspection": put("{__schema{types{inputFields{@:name}}}}", "A" * 90_000),
    "introspection below the limit": put("{__schema{types{inputFields{@}}}}", aliases("name", 25)),
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


@pytest.mark.django_db
def test_filters_of_the_documentation_are_executed(bookshop):
    for page in ("filters.md", "reference/operators.md"):
        for block in blocks(page, "graphql"):
            if block.lstrip().startswith(("{", "query")):
                answer = get_engine().execute(block, {"text": "the"})
                assert answer.errors == ()


@pytest.mark.django_db
def test_operators_of_the_documentation_work(bookshop):
    registry = Registry()
    names = {"fraiseql": Declaring(registry), "Book": Book, "SearchVector": SearchVector, "Any": Any, "Exact": Exact,
             "Mod": Mod, "__name__": __name__}  # fmt: skip
    for block in blocks("filters.md", "python"):
        exec(block, names)
    extensions = names["FRAISEQL"]["EXTENSIONS"]
    assert set(extensions) == {entry.extension for entry in BUILT_IN if entry.extension}
    engine = GraphQLEngine(registry=registry, cache=None)
    title = Book.objects.earliest("title").title
    for where in (
        f'document: {{search: {{query: "{title}", config: "english"}}}}',
        f'title: {{soundsLike: "{title}"}}',
        "title: {length: {divisible: {by: 2, remainder: 0}}}",
    ):
        answer = engine.execute(f"{{ books(where: {{{where}}}) {{ title }} }}")
        assert answer.errors == ()
        assert answer.json()["data"]["books"]


class Declaring:
    """The package, as a page of the documentation uses it, with a registry of the test's own."""

    def __init__(self, registry):
        self.type = partial(fraiseql.type, registry=registry)
        self.operator = partial(fraiseql.operator, registry=registry)
        self.field, self.auto = fraiseql.field, fraiseql.auto


@pytest.mark.parametrize(
    "page", ["reference/operators.md", "bookshop.md", "architecture.md", "limits.md", "aggregates.md"]
)
def test_operations_in_the_documentation_are_valid(page):
    for block in blocks(page, "graphql"):
        if block.lstrip().startswith(("{", "query", "mutation")):
            get_engine().parser.parse(block)


@pytest.mark.django_db
def test_declarations_and_operations_of_the_page_on_abstract_types_are_executed():
    populate()
    registry = Registry()
    declared = {name: partial(getattr(fraiseql, name), registry=registry) for name in ("type", "interface", "union")}
    names = {**vars(menagerie), "fraiseql": SimpleNamespace(**declared, auto=fraiseql.auto), "Q": Q, "__name__": "page"}
    for block in blocks("abstract-types.md", "python"):
        exec(block, names)
    engine = GraphQLEngine(registry=registry, cache=None)

    for block in blocks("abstract-types.md", "graphql"):
        answer = engine.execute(block, {"depth": 2}).json()
        assert "errors" not in answer
        assert all(answer["data"].values())


def test_every_operator_is_documented():
    page = (DOCS / "reference" / "operators.md").read_text()
    assert [name for name in (entry.name for entry in BUILT_IN) if f"`{name}`" not in page] == []


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


@pytest.mark.django_db
def test_functions_answers_its_operations(bookshop):
    registry = Registry()
    names: dict = {
        "fraiseql": fraiseql_django, "Registry": Registry, "datetime": datetime, "Decimal": Decimal, "F": F,
        "Left": Left, "Count": Count, "Annotated": Annotated, "MinValueValidator": MinValueValidator,
        "MaxValueValidator": MaxValueValidator, "Book": Book, "Category": Category, "QuerySet": QuerySet,
        "dataclass": dataclass, "__name__": __name__,
    }  # fmt: skip
    code = "\n".join(blocks("functions.md", "python"))
    code = code.replace('fields=["id", "title", "price", "published"]', 'fields="__all__", registry=registry')
    code = code.replace("@fraiseql.query\n", "@fraiseql.query(registry=registry)\n")
    code = code.replace('"fn_similar_books"', '"fn_similar_books", registry=registry')
    names["registry"] = registry
    for model, plural in ((Category, "categories"), (Author, "authors")):
        fraiseql_django.type(model, fields=["id", "name"], plural=plural, registry=registry)(
            type(f"{model.__name__}Type", (), {})
        )
    exec(code, names)
    engine = GraphQLEngine(registry=registry, cache=None)

    with CaptureQueriesContext(connection) as captured:
        answers = [engine.execute(block, {"price": "30"}).json() for block in blocks("functions.md", "graphql")]

    assert [answer.get("errors") for answer in answers] == [None] * 3
    assert all(answer["data"][name] for answer in answers for name in answer["data"])
    # each a statement, and that of the categories
    assert len(captured) == 4


@pytest.mark.django_db
def test_connections_shows_operations_that_page(settings, bookshop):
    first, following, nested, node = blocks("connections.md", "graphql")
    engine = get_engine()

    page = engine.execute(first).json()["data"]["booksConnection"]
    answer = engine.execute(following, {"after": page["pageInfo"]["endCursor"]}).json()
    rest = answer["data"]["booksConnection"]["nodes"]
    whole = engine.execute("{ books(orderBy: {price: DESC}, limit: 6, where: {inPrint: {eq: true}}) { title price } }")
    assert [edge["node"] for edge in page["edges"]] + rest == whole.json()["data"]["books"]
    assert len(engine.execute(nested).json()["data"]["books"]) == 3
    explained = engine.explain(following, {"after": page["pageInfo"]["endCursor"]})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + explained.sql, explained.params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert re.search(r"Index Scan.* using book_price on bookshop_book.*\n *Index Cond: \(price <= ", plan), plan

    settings.FRAISEQL = {**settings.FRAISEQL, "NODE": True}
    book = get_engine().execute("{ books(limit: 1) { __typename id title } }").json()["data"]["books"][0]
    assert get_engine().execute(node, {"id": book["id"]}).json()["data"]["node"] == book


PAGES = sorted([*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS.parent)))
def test_links_lead_to_headings(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{target}#{anchor}"
