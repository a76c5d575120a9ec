"""The table of docs/reference/operators.md holds on every way to an object: a join, a subquery, a link, JSON."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.invalidation import catalog
from tests.support import data

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "operators.md"
TABLES = """
CREATE TABLE meant_author (id bigint PRIMARY KEY, name text, hidden boolean NOT NULL DEFAULT false);
CREATE TABLE meant_book (id bigint PRIMARY KEY, author_id bigint {references});
INSERT INTO meant_author VALUES (1, 'Ann', false), (2, 'Bob', false), (3, NULL, false), (4, 'Ann', true);
INSERT INTO meant_book VALUES (1, 1), (2, 2), (3, 3), (4, {key});
CREATE VIEW meant_json AS SELECT b.id, jsonb_build_object('id', b.id, 'author', {json}) AS data
    FROM meant_book b LEFT JOIN meant_author a ON a.id = b.author_id AND NOT a.hidden;
CREATE VIEW meant_columns AS SELECT b.id, b.author_id, {json} AS author
    FROM meant_book b LEFT JOIN meant_author a ON a.id = b.author_id AND NOT a.hidden;
"""
AUTHOR_JSON = """CASE WHEN a.id IS NULL THEN {json} ELSE jsonb_build_object(
    'name', a.name, 'books', jsonb_build_array(jsonb_build_object('author', jsonb_build_object('name', a.name)))) END"""


def rows_of_page() -> dict[str, list[str]]:
    """Return the conditions of the page's table, each with its four truth values."""
    found = re.findall(r"^\| `([^`]+)` \| (\w+) \| (\w+) \| (\w+) \| (\w+) \|$", PAGE.read_text(), re.MULTILINE)
    return {where: truths for where, *truths in found}


ROWS = rows_of_page()


def test_page_has_the_table() -> None:
    assert len(ROWS) > 20
    assert {truth for truths in ROWS.values() for truth in truths} == {"true", "false", "unknown"}


def create(*, references: str = "", key: str = "NULL", json: str = "'null'::jsonb") -> None:
    """Make tables and views: ``key`` is that of the book without an author, ``json`` its author in JSON."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES.format(references=references, key=key, json=AUTHOR_JSON.replace("{json}", json)))
    catalog.forget()


@pytest.fixture(autouse=True)
def catalogue_is_forgotten() -> Iterator[None]:
    yield
    catalog.forget()


class SeenManager(models.Manager[Any]):
    """Leaves out what is hidden."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(hidden=False)


def model(class_name: str, table: str, meta: dict[str, Any], **members: Any) -> Any:
    """Make a model over one of the tables."""
    options = type("Meta", (), {"app_label": "zoo", "db_table": table, "managed": False, **meta})
    return type(class_name, (models.Model,), {"__module__": __name__, "Meta": options, **members})


def over_models(*, base: bool = False, rule: Any = None, null: bool = True, constraint: bool = True) -> GraphQLEngine:
    """Make an engine over models: ``base`` says whether the base manager hides what is hidden."""
    manager = {"seen": SeenManager()} if base else {}
    options = {"base_manager_name": "seen"} if base else {}
    author = model(
        "Author", "meant_author", options, name=models.TextField(null=True),
        hidden=models.BooleanField(default=False), objects=models.Manager(), **manager,
    )  # fmt: skip
    key = models.ForeignKey(author, models.CASCADE, null=null, db_constraint=constraint, related_name="books")
    book = model("Book", "meant_book", {}, author=key)
    registry = Registry()
    rows = None if rule is None else lambda viewer: rule(author)
    fraiseql.type(author, fields=["id", "name", "books"], rows=rows, registry=registry)(type("Author", (), {}))
    fraiseql.type(book, fields=["id", "author"], registry=registry)(type("Book", (), {}))
    return GraphQLEngine(registry=registry, cache=None)


def over_json(source: str, column: str | None) -> GraphQLEngine:
    """Make an engine over a view with authors in JSON."""
    registry = Registry()

    @fraiseql.type(registry=registry)
    class Inner:
        name: str | None

    @fraiseql.type(registry=registry)
    class Written:
        author: Inner | None

    @fraiseql.type(registry=registry)
    class Author:
        name: str | None
        books: list[Written]

    class Book:
        id: int
        author: Author | None

    Book.__annotations__["author"] = Author | None
    Written.__annotations__["author"] = Inner | None
    fraiseql.type(sql_source=source, jsonb_column=column, registry=registry)(Book)
    return GraphQLEngine(registry=registry, cache=None)


def over_link() -> GraphQLEngine:
    """Make an engine over a view whose books lead to authors by a key."""
    author = model("Author", "meant_author", {}, name=models.TextField(null=True))
    key = models.ForeignKey(author, models.CASCADE, null=True, related_name="books")
    written = model("Written", "meant_book", {}, author=key)
    registry = Registry()
    author_type = fraiseql.type(author, fields=["id", "name", "books"], registry=registry)(type("Author", (), {}))
    fraiseql.type(written, fields=["id", "author"], registry=registry)(type("Written", (), {}))
    book = type("Book", (), {"__annotations__": {"id": int, "author": author_type | None}})  # type: ignore[operator]
    book.author = fraiseql.relation("author_id", to="id")  # type: ignore[attr-defined]
    fraiseql.type(sql_source="meant_columns", registry=registry)(book)
    return GraphQLEngine(registry=registry, cache=None)


def seen_by_column(author: Any) -> Q:
    return Q(hidden=False)


def seen_by_query(author: Any) -> Q:
    return Q(Exists(author.objects.filter(pk=OuterRef("pk"), hidden=False)))


FOREIGN_KEY = "REFERENCES meant_author (id)"
WAYS: dict[str, tuple[dict[str, str], Any]] = {
    "join": ({"references": FOREIGN_KEY}, lambda: over_models()),
    "key that nothing guards": ({"key": "99"}, lambda: over_models(constraint=False)),
    "key that nothing guards, not null": ({"key": "99"}, lambda: over_models(constraint=False, null=False)),
    "key of a table without the constraint of its model": ({"key": "99"}, lambda: over_models(null=False)),
    "key that is null against its model": ({"references": FOREIGN_KEY}, lambda: over_models(null=False)),
    "row rule": ({"references": FOREIGN_KEY, "key": "4"}, lambda: over_models(rule=seen_by_column)),
    "row rule that is a query": ({"references": FOREIGN_KEY, "key": "4"}, lambda: over_models(rule=seen_by_query)),
    "row rule and no key": ({"references": FOREIGN_KEY}, lambda: over_models(rule=lambda author: True)),
    "base manager": ({"references": FOREIGN_KEY, "key": "4"}, lambda: over_models(base=True)),
    "base manager, not null": ({"references": FOREIGN_KEY, "key": "4"}, lambda: over_models(base=True, null=False)),
    "link": ({"key": "99"}, over_link),
    "JSON that is null": ({}, lambda: over_json("meant_json", "data")),
    "JSON that is missing": ({"json": "NULL"}, lambda: over_json("meant_json", "data")),
    "JSON that is a text": ({"json": "'\"Ann\"'::jsonb"}, lambda: over_json("meant_json", "data")),
    "JSON that is a list": ({"json": '\'[{"name": "Ann"}]\'::jsonb'}, lambda: over_json("meant_json", "data")),
    "column of JSON": ({}, lambda: over_json("meant_columns", None)),
    "column of JSON that is null": ({"json": "NULL"}, lambda: over_json("meant_columns", None)),
}


@pytest.mark.parametrize("way", WAYS)
@isolate_apps("tests.zoo")
def test_table(way: str) -> None:
    tables, make = WAYS[way]
    create(**tables)
    engine = make()

    def found(where: str) -> list[int]:
        return [int(book["id"]) for book in data(engine, f"{{ books(where: {where}) {{ id }} }}")["books"]]

    for where, truths in ROWS.items():
        true = [n for n, truth in enumerate(truths, 1) if truth == "true"]
        # unknown is neither true nor, negated, true
        false = [n for n, truth in enumerate(truths, 1) if truth == "false"]
        assert found(f"{{{where}}}") == true, where
        assert found(f"{{NOT: {{{where}}}}}") == false, where
        assert found(f"{{NOT: {{NOT: {{OR: [{{{where}}}, {{id: {{in: []}}}}]}}}}}}") == true, where


# --- lists in JSON ---

LISTS = (
    """[{"n": 1}, {"n": 2}]; [{"n": 1}, null]; [null]; [{"n": null}]; [{}]; [1, "n", [{"n": 1}]]; []; null; {"n": 1}"""
)
QUANTIFIED = {
    "{some: {}}": [1, 2, 4, 5],
    "{none: {}}": [3, 6, 7, 8, 9],
    "{every: {}}": [1, 4, 5, 7, 8, 9],
    "{some: {n: {eq: 1}}}": [1, 2],
    "{none: {n: {eq: 1}}}": [3, 4, 5, 6, 7, 8, 9],
    "{every: {n: {gte: 1}}}": [1, 7, 8, 9],
    "{some: {n: {isnull: true}}}": [4, 5],
    "{none: {n: {isnull: true}}}": [1, 2, 3, 6, 7, 8, 9],
    "{every: {n: {isnull: true}}}": [4, 5, 7, 8, 9],
    "{some: {NOT: {n: {eq: 1}}}}": [1],
    "{every: {NOT: {n: {eq: 1}}}}": [7, 8, 9],
    "{some: {OR: []}}": [],
    "{every: {OR: []}}": [7, 8, 9],
    "{some: {NOT: {OR: []}}}": [1, 2, 4, 5],
    "{}": [1, 2, 3, 4, 5, 6, 7, 8, 9],
}


def test_lists_in_json() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE VIEW meant_lists AS "
            "SELECT place AS id, jsonb_build_object('id', place, 'items', item::jsonb) AS data"
            f" FROM unnest(string_to_array('{LISTS}', '; ')) WITH ORDINALITY AS lists(item, place)"
        )
    catalog.forget()
    registry = Registry()

    @fraiseql.type(registry=registry)
    class Item:
        n: int | None

    class Holder:
        id: int

    Holder.__annotations__["items"] = list[Item | None] | None
    fraiseql.type(sql_source="meant_lists", jsonb_column="data", registry=registry)(Holder)
    engine = GraphQLEngine(registry=registry, cache=None)
    for where, expected in QUANTIFIED.items():
        for form, ids in (
            (f"{{items: {where}}}", expected),
            (f"{{NOT: {{items: {where}}}}}", [n for n in range(1, 10) if n not in expected]),
        ):
            found = data(engine, f"{{ holders(where: {form}) {{ id }} }}")["holders"]
            assert [holder["id"] for holder in found] == ids, form


# --- values that a type does not have ---

STORED = [("red", "1"), ("BLUE", "-2.5"), ("puce", "'NaN'"), ("", "'Infinity'"), ("{0}", "'-Infinity'"), (None, "NULL")]
AS_NULL = {
    "{color: {isnull: true}}": [3, 6],
    "{color: {eq: null}}": [3, 6],
    "{color: {isnull: false}}": [1, 2, 4, 5],
    "{color: {neq: null}}": [1, 2, 4, 5],
    "{color: {eq: RED}}": [1],
    "{color: {neq: RED}}": [2, 4, 5],
    "{NOT: {color: {eq: RED}}}": [2, 4, 5],
    "{NOT: {color: {neq: RED}}}": [1],
    "{NOT: {NOT: {color: {neq: RED}}}}": [2, 4, 5],
    "{color: {in: [RED, NOTHING]}}": [1, 4],
    "{color: {nin: [RED, NOTHING]}}": [2, 5],
    "{NOT: {color: {in: [RED]}}}": [2, 4, 5],
    "{color: {in: []}}": [],
    "{color: {nin: []}}": [1, 2, 3, 4, 5, 6],
    "{NOT: {color: {nin: []}}}": [],
    "{NOT: {color: {in: []}}}": [1, 2, 3, 4, 5, 6],
    "{size: {isnull: true}}": [3, 4, 5, 6],
    "{size: {isnull: false}}": [1, 2],
    "{size: {gt: -1e300}}": [1, 2],
    "{size: {lte: 1e300}}": [1, 2],
    "{size: {neq: 1}}": [2],
    "{NOT: {size: {gt: 0}}}": [2],
    "{NOT: {size: {lt: 0}}}": [1],
    "{NOT: {size: {eq: 1}}}": [2],
    "{size: {nin: [1]}}": [2],
    "{size: {nin: []}}": [1, 2, 3, 4, 5, 6],
    "{OR: [{size: {gt: 0}}, {size: {isnull: true}}]}": [1, 3, 4, 5, 6],
    "{self: {size: {gt: 0}}}": [1],
    "{NOT: {self: {size: {gt: 0}}}}": [2],
    "{self: {color: {isnull: true}}}": [3, 6],
    "{selves: {some: {color: {neq: RED}}}}": [2, 4, 5],
    "{selves: {every: {color: {neq: RED}}}}": [2, 4, 5],
    "{selves: {every: {size: {isnull: false}}}}": [1, 2],
    "{selves: {none: {NOT: {size: {gt: 0}}}}}": [1, 3, 4, 5, 6],
}


class Color(models.TextChoices):
    """Some colours."""

    RED = "red", "Red"
    BLUE = "BLUE", "Blue"
    BRACES = "{0}", "Braces"
    NOTHING = "", "Nothing"


@pytest.mark.parametrize("where", AS_NULL)
@pytest.mark.parametrize("rule", [None, True], ids=["join", "subquery"])
@isolate_apps("tests.zoo")
def test_value_that_the_type_does_not_have_is_null(where: str, rule: bool | None) -> None:
    rows = ", ".join(f"({n}, %s, {size}, {n})" for n, (_, size) in enumerate(STORED, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE meant_paint (id bigint PRIMARY KEY, color text, size double precision, self_id bigint"
            f" REFERENCES meant_paint (id)); INSERT INTO meant_paint VALUES {rows}",
            [color for color, _ in STORED],
        )
    catalog.forget()
    to_self = models.ForeignKey("self", models.CASCADE, null=True, related_name="selves")
    paint = model(
        "Paint", "meant_paint", {}, color=models.TextField(choices=Color.choices, null=True),
        size=models.FloatField(null=True), self=to_self,
    )  # fmt: skip
    registry = Registry()
    rows_rule = None if rule is None else lambda viewer: rule
    cls = type("Paint", (), {})
    fraiseql.type(paint, fields=["id", "color", "size", "self", "selves"], rows=rows_rule, registry=registry)(cls)
    engine = GraphQLEngine(registry=registry, cache=None)

    found = data(engine, f"{{ paints(where: {where}, orderBy: {{id: ASC}}) {{ id }} }}")["paints"]

    assert [int(row["id"]) for row in found] == AS_NULL[where]
