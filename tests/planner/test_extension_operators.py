"""Operators of PostgreSQL's extensions: trigrams, unaccent, hstore, ltree and vectors, on servers that have them."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.postgres.fields import HStoreField
from django.core.checks import Warning
from django.db import connection, models
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry, checks
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.fields import LTreeField, VectorField
from tests.support import data

pytestmark = pytest.mark.django_db

OFFERED = ("pg_trgm", "unaccent")


def make(extension: str, field: Any, values: list[Any]) -> GraphQLEngine:
    """Make a model with one column of a type, and an engine over it; the rows are numbered from 1."""
    with isolate_apps("tests.zoo"):

        class Node(models.Model):
            value = field

            class Meta:
                app_label = "zoo"
                ordering = ("id",)

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    with connection.schema_editor() as editor:
        editor.create_model(Node)
    for value in values:
        with connection.cursor() as cursor:
            column_type = field.db_type(connection)
            cursor.execute(f"INSERT INTO {Node._meta.db_table} (value) VALUES (%s::{column_type})", [value])
    registry = Registry()
    fraiseql.type(Node, fields="__all__", registry=registry)(type("Node", (), {}))
    return GraphQLEngine(registry=registry, settings=replace(get_settings(), extensions=OFFERED), cache=None)


def found(engine: GraphQLEngine, rest: str) -> list[int]:
    """Return the numbers of the rows of a list."""
    keys = [int(row["id"]) for row in data(engine, "{ nodes { id } }")["nodes"]]
    return [keys.index(int(row["id"])) + 1 for row in data(engine, f"{{ nodes{rest} {{ id }} }}")["nodes"]]


@pytest.mark.extension("pg_trgm")
def test_similarity_by_trigrams() -> None:
    engine = make("pg_trgm", models.TextField(null=True), ["Rocannon's World", "Planet of Exile", None, "rocanon"])

    assert found(engine, '(where: {value: {similar: "rocannon"}})') == [1, 4]
    assert found(engine, '(where: {value: {not: {similar: "rocannon"}}})') == [2]
    assert found(engine, '(where: {value: {wordSimilar: "exil"}})') == [2]
    assert found(engine, '(where: {value: {similarity: {to: "rocanon", value: {gt: 0.9}}}})') == [4]
    assert found(engine, '(where: {value: {wordSimilarity: {to: "planet", value: {eq: 1}}}})') == [2]
    order = '(orderBy: [{BY: {value: {similarity: {to: "rocannons world", value: DESC_NULLS_LAST}}}}])'
    assert found(engine, order) == [1, 4, 2, 3]


@pytest.mark.extension("unaccent")
def test_texts_without_accents() -> None:
    engine = make("unaccent", models.TextField(null=True), ["Éric", "Eric", "Erik", None])

    assert found(engine, '(where: {value: {unaccent: {eq: "Eric"}}})') == [1, 2]
    assert found(engine, '(where: {value: {unaccent: {eq: "Éric"}}})') == [1, 2]
    assert found(engine, '(where: {value: {unaccent: {istartswith: "ÉRI"}}})') == [1, 2, 3]
    assert found(engine, '(where: {value: {unaccent: {in: ["Éric", "Érik"]}}})') == [1, 2, 3]
    assert found(engine, '(where: {value: {unaccent: {nin: ["Éric"]}}})') == [3]
    assert found(engine, '(where: {value: {unaccent: {between: ["Érib", "Érid"]}}})') == [1, 2]
    assert found(engine, '(where: {value: {not: {unaccent: {contains: "c"}}}})') == [3]
    assert found(engine, "(where: {value: {unaccent: {isnull: true}}})") == [4]


@pytest.mark.extension("hstore")
def test_hstore() -> None:
    engine = make("hstore", HStoreField(null=True), ["a=>1, b=>NULL", "a=>2", "", None])

    assert found(engine, '(where: {value: {contains: {a: "1"}}})') == [1]
    assert found(engine, '(where: {value: {containedBy: {a: "2", c: "3"}}})') == [2, 3]
    assert found(engine, '(where: {value: {hasKey: "b"}})') == [1]
    assert found(engine, '(where: {value: {hasAnyKeys: ["b", "a"]}})') == [1, 2]
    assert found(engine, '(where: {value: {hasAllKeys: ["b", "a"]}})') == [1]
    assert found(engine, '(where: {value: {not: {hasKey: "a"}}})') == [3]
    assert found(engine, '(where: {value: {at: {key: "a", value: {gte: "2"}}}})') == [2]
    assert found(engine, '(where: {value: {at: {key: "b", value: {isnull: true}}}})') == [1, 2, 3, 4]
    assert found(engine, "(where: {value: {keys: {length: {eq: 2}}}})") == [1]
    assert found(engine, '(where: {value: {keys: {any: {eq: "b"}}}})') == [1]
    assert found(engine, '(orderBy: [{BY: {value: {at: {key: "a", value: DESC_NULLS_LAST}}}}])') == [2, 1, 3, 4]


@pytest.mark.extension("ltree")
def test_ltree() -> None:
    values = ["Top", "Top.Science", "Top.Science.Astronomy", "Top.Hobbies", None]
    engine = make("ltree", LTreeField(null=True), values)

    assert [row["value"] for row in data(engine, "{ nodes { value } }")["nodes"]] == values
    assert found(engine, '(where: {value: {eq: "Top.Science"}})') == [2]
    assert found(engine, '(where: {value: {in: ["Top", "Top.Hobbies"]}})') == [1, 4]
    assert found(engine, '(where: {value: {descendantOf: "Top.Science"}})') == [2, 3]
    assert found(engine, '(where: {value: {ancestorOf: "Top.Science"}})') == [1, 2]
    assert found(engine, '(where: {value: {matches: "*.Sci*.*{1}"}})') == [3]
    assert found(engine, '(where: {value: {matchesAny: ["Top", "*.Hobbies"]}})') == [1, 4]
    assert found(engine, '(where: {value: {search: "Astro* & !Hobbies"}})') == [3]
    assert found(engine, "(where: {value: {depth: {gte: 2}}})") == [2, 3, 4]
    assert found(engine, "(orderBy: [{value: DESC_NULLS_LAST}])") == [3, 2, 4, 1, 5]
    assert found(engine, "(orderBy: [{BY: {value: {depth: ASC_NULLS_LAST}}}])") == [1, 2, 4, 3, 5]
    answer = engine.execute('{ nodes(where: {value: {matches: "a..b"}}) { id } }').json()
    assert answer["errors"][0]["message"] == "where.value.matches: PostgreSQL cannot read this value."
    answer = engine.execute('{ nodes(where: {value: {eq: "a..b"}}) { id } }').json()
    assert "LTree cannot represent 'a..b'" in answer["errors"][0]["message"]


@pytest.mark.extension("vector", "embedded")
def test_vectors() -> None:
    engine = make("vector", VectorField(dimensions=3, null=True), ["[1,2,3]", "[0,0,1]", None, "[-1,0.5,0]"])

    values = [row["value"] for row in data(engine, "{ nodes { value } }")["nodes"]]
    assert values == [[1, 2, 3], [0, 0, 1], None, [-1, 0.5, 0]]
    assert found(engine, "(where: {value: {eq: [1, 2, 3]}})") == [1]
    assert found(engine, "(where: {value: {distance: {to: [0, 0, 0], value: {lt: 1.2}}}})") == [2, 4]
    nearest = "(orderBy: [{BY: {value: {distance: {to: [0, 0, 1], metric: %s, value: ASC}}}}], limit: 2)"
    assert found(engine, nearest % "L2") == [2, 4]
    assert found(engine, nearest % "COSINE") == [2, 1]
    assert found(engine, nearest % "INNER_PRODUCT") == [1, 2]
    assert found(engine, "(where: {value: {dimensions: {eq: 3}}})") == [1, 2, 4]
    query = "query ($v: Vector!) { nodes(where: {value: {distance: {to: $v, value: {gt: 0}}}}) { id } }"
    answer = engine.execute(query, {"v": [1, 2]}).json()
    assert answer["errors"][0]["message"] == "where.value.distance.to: PostgreSQL refuses this value."
    assert answer["errors"][0]["locations"]
    assert "Vector cannot represent" in engine.execute(query, {"v": [1, "2"]}).json()["errors"][0]["message"]


@pytest.mark.extension("vector", "embedded")
def test_vectors_are_lists_in_python() -> None:
    engine = make("vector", VectorField(dimensions=2), [])
    model: Any = engine.schema.types["Node"].model
    kept = model._default_manager.create(value=[0.5, -1])

    assert (
        model._default_manager.get(value=[0.5, -1]).value == [0.5, -1] == model._default_manager.get(pk=kept.pk).value
    )
    assert data(engine, "{ nodes { value } }") == {"nodes": [{"value": [0.5, -1]}]}


def test_operators_of_extensions_are_offered_where_a_setting_says_so() -> None:
    registry = Registry()
    from example_project.bookshop.models import Book

    fraiseql.type(Book, fields=["id", "title"], registry=registry)(type("Book", (), {}))

    def operators(*extensions: str) -> set[str]:
        settings = replace(get_settings(), extensions=extensions)
        filter_: Any = GraphQLEngine(registry=registry, settings=settings).schema.graphql.type_map["StringFilter"]
        return set(filter_.fields)

    assert operators("pg_trgm") - operators() == {"similar", "wordSimilar", "similarity", "wordSimilarity"}
    assert operators("unaccent") - operators() == {"unaccent"}


@isolate_apps("tests.zoo")
def test_check_names_extensions_that_are_missing(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    class Tree(models.Model):
        path = LTreeField()

        class Meta:
            app_label = "zoo"

    registry = Registry()
    fraiseql.type(Tree, fields="__all__", registry=registry)(type("Tree", (), {}))
    monkeypatch.setattr(checks, "default_registry", registry)
    settings.FRAISEQL = {**settings.FRAISEQL, "EXTENSIONS": ["pg_trgm", "pg_trigram"]}
    with connection.cursor() as cursor:
        for name in ("pg_trgm", "ltree"):
            cursor.execute(f"DROP EXTENSION IF EXISTS {name} CASCADE")

    missing = checks.check_extensions(databases=["default"])
    assert [(message.id, message.msg) for message in missing] == [
        ("fraiseql.W040", "The database 'default' has no extension 'ltree', which fields of this type need."),
        (
            "fraiseql.W040",
            "The database 'default' has no extension 'pg_trgm', which operators that FRAISEQL['EXTENSIONS'] asks for "
            "need.",
        ),
    ]
    assert "CreateExtension('ltree')" in str(missing[0].hint)
    assert checks.check_extensions(databases=None) == []
    assert [message for message in checks.check_project() if message.id == "fraiseql.W041"] == [
        Warning(
            "FRAISEQL['EXTENSIONS'] names 'pg_trigram', which no operator needs.",
            hint=(
                "Operators need: pg_trgm, unaccent, and what operators of the project's own name. Types of extensions "
                "(hstore, ltree, vector) have theirs without it."
            ),
            id="fraiseql.W041",
        )
    ]
