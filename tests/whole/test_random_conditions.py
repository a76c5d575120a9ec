"""Conditions that nobody thought of mean what the page on operators says: over models, hidden rows and JSON."""

import json
import random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from graphql import GraphQLResolveInfo, execute, parse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import fraiseql_django as fraiseql
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.invalidation import catalog
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import Shape, TypeDef
from tests import naive_aggregates
from tests.generator import filtered
from tests.meaning import Meaning
from tests.naive import related_list, related_one, stored
from tests.values import pool
from tests.whole.test_random_operations import WANTED, engine, of_models
from tests.zoo import models as zoo
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db


def try_conditions(tried: GraphQLEngine, strategy: Any, expected: Any, examples: int) -> None:
    """Ask for keys with random conditions, and compare with those of the rows that match."""
    matched = set()

    @settings(
        max_examples=int(WANTED or examples),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def try_them(data: st.DataObject) -> None:
        name, query, variables = data.draw(strategy)
        response = tried.execute(query, variables)
        assert not response.errors, (response.errors, query, variables)
        (found,) = response.json()["data"].values()
        keys = [tuple(row.values()) for row in found]
        assert sorted(keys) == sorted(expected(name, query, variables)), (query, variables)
        matched.add(len(keys))

    try_them()
    # some find nothing, some everything, and many something
    assert len(matched) > 5


def given_where(schema: Schema, query: str, variables: dict[str, Any]) -> Any:
    """Return the coerced ``where`` of an operation, as graphql-core gives it to a resolver."""
    noted = []

    def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        noted.append(arguments["where"])
        return []

    result: Any = execute(schema.graphql, parse(query), variable_values=variables, field_resolver=resolve)
    assert not result.errors, result.errors
    return noted[0]


# --- rows of models ---


class Rows:
    """Reads rows that the ORM has read, each once; ``seen`` are the keys of those that a viewer sees, by model."""

    def __init__(self, schema: Schema, seen: dict[Any, set[Any]]) -> None:
        self.schema = schema
        self.seen = seen
        self.meaning = Meaning(self)
        self.known: dict[Any, Any] = {}
        self.listed = {
            name: [row for row in definition.model._default_manager.all() if self.is_seen(row)]
            for name, definition in schema.types.items()
        }

    def is_seen(self, row: Any) -> bool:
        keys = self.seen.get(type(row)._meta.concrete_model)
        return keys is None or row.pk in keys

    def type(self, name: str) -> TypeDef:
        return self.schema.types[name]

    def _once(self, found: Any, field: Any, read: Any) -> Any:
        # a composite key is a tuple
        key = (type(found), found.pk, id(field))
        if key not in self.known:
            self.known[key] = read(found, field)
        return self.known[key]

    def value(self, found: Any, field: Any) -> Any:
        return self._once(found, field, stored)

    def one(self, found: Any, field: Any) -> Any:
        row = self._once(found, field, related_one)
        return row if row is not None and self.is_seen(row) else None

    def many(self, found: Any, field: Any) -> list[Any]:
        return [row for row in self._once(found, field, lambda *a: list(related_list(*a))) if self.is_seen(row)]

    def aggregates(self, found: Any, field: Any, given: Any) -> Any:
        return naive_aggregates.condition(self, found, field, given)  # type: ignore[arg-type]

    def keys(self, name: str, query: str, variables: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return the keys of the rows of a type that match, as JSON has them."""
        definition, where = self.schema.types[name], given_where(self.schema, query, variables)
        return [
            tuple(
                value
                if isinstance(value := getattr(row, part.column), int) and part.scalar.name == "Int"
                else str(value)
                for part in definition.key.values()
            )
            for row in self.listed[name]
            if self.meaning.matches(definition, row, where) is True
        ]


def ruled(rule: Any) -> Registry:
    """Return types over the zoo's models with row rules: what to-one relations lead to is looked for by EXISTS."""
    registry = Registry()
    for known in ZOO.types:
        if known.fields == "__all__" and known.model is not zoo.Specimen:
            declare = fraiseql.type(
                known.model, fields="__all__", plural=known.plural, rows=rule(known.model), registry=registry
            )
            declare(type(known.name, (), {}))
    return registry


def every_other(model: Any) -> set[Any]:
    """Return the keys of some rows of a model."""
    return set(list(model._base_manager.order_by("pk").values_list("pk", flat=True))[::2])


HIDING = (zoo.Keeper, zoo.House, zoo.Food, zoo.Animal, zoo.Passport, zoo.Chip, zoo.Species, zoo.Sponsor)
WAYS: dict[str, Any] = {
    "joins": lambda: (ZOO, {}),
    "subqueries": lambda: (ruled(lambda model: lambda viewer: True), {}),
    "hidden rows": lambda: hiding(),
}


def hiding() -> tuple[Registry, dict[Any, set[Any]]]:
    """Hide every other row of some models by a rule."""
    seen = {model: every_other(model) for model in HIDING}

    def rule(model: Any) -> Any:
        keys = seen.get(model._meta.concrete_model)
        return None if keys is None else lambda viewer: Q(pk__in=keys)

    return ruled(rule), seen


@pytest.mark.parametrize("way", WAYS)
def test_conditions_on_models(populated: None, way: str) -> None:
    registry, seen = WAYS[way]()
    tried = engine(registry)
    schema = of_models(tried.schema)
    rows = Rows(schema, seen)
    # those whose keys can be selected
    roots = [name for name, known in schema.types.items() if known.plural and known.key.keys() <= known.fields.keys()]
    try_conditions(tried, filtered(schema, pool(schema), roots), rows.keys, 150)


# --- objects in JSON ---


class Objects:
    """Reads objects of JSON; what is no object where one should be is missing."""

    def __init__(self, schema: Schema, documents: dict[int, Any]) -> None:
        self.schema = schema
        self.documents = documents
        self.meaning = Meaning(self)

    def type(self, name: str) -> Shape:
        return self.schema.types.get(name) or self.schema.shapes[name]

    def value(self, found: Any, field: Any) -> Any:
        return found.get(field.key)

    def one(self, found: Any, field: Any) -> Any:
        there = found.get(field.key)
        return there if isinstance(there, dict) else None

    def many(self, found: Any, field: Any) -> list[Any]:
        there = found.get(field.key)
        return [item if isinstance(item, dict) else None for item in there] if isinstance(there, list) else []

    def keys(self, name: str, query: str, variables: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return the keys of the documents that match."""
        where = given_where(self.schema, query, variables)
        definition = self.schema.types[name]
        return [
            (key,) for key, found in self.documents.items() if self.meaning.matches(definition, found, where) is True
        ]


def document(draw: random.Random, depth: int) -> dict[str, Any]:
    """Make an object in which much is missing, null, or not what it should be."""
    found: dict[str, Any] = {}
    for name, values in (("n", [1, 2, 3, None]), ("text", ["a", "b", "", None]), ("flag", [True, False, None])):
        if draw.random() < 0.8:
            found[name] = draw.choice(values)
    if draw.random() < 0.8:
        found["words"] = draw.choice([["a"], ["a", "b"], [], None])
    for name in ("one", "other"):
        if draw.random() < 0.75:
            odd = draw.choice([None, 5, "text", [], [{"n": 1}], {}])
            found[name] = odd if depth == 0 or draw.random() < 0.3 else document(draw, depth - 1)
    if draw.random() < 0.85:
        odd = draw.choice([None, {}, {"n": 1}, "text", [], [None], [1, "x", [{"n": 1}]]])
        items = [
            None if draw.random() < 0.2 else document(draw, depth - 1) for _ in range(draw.randint(1, 3)) if depth > 0
        ]
        found["many"] = odd if draw.random() < 0.4 else items
    return found


@fraiseql.type
class Part:
    """An object in JSON, and what is in it."""

    n: int | None
    text: str | None
    flag: bool | None
    words: list[str] | None
    one: "Part | None"
    other: "Part | None"
    many: "list[Part | None] | None"


JSON_POOL: dict[str, list[Any]] = {
    "id": [1, 20, 40], "n": [1, 2, 3, 4], "text": ["a", "b", "", "c"], "flag": [True, False],
    "words": [["a"], [], ["a", "b"]],
}  # fmt: skip


@pytest.mark.parametrize("column", ["data", None], ids=["one column", "several columns"])
def test_conditions_on_json(db: None, column: str | None) -> None:
    draw = random.Random(7)
    documents = {key: {"id": key, **document(draw, 3)} for key in range(1, 61)}
    columns = "id bigint, n bigint, text text, flag boolean, words jsonb, one jsonb, other jsonb, many jsonb"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE meant_documents (data jsonb)")
        rows = [(json.dumps(found),) for found in documents.values()]
        cursor.executemany("INSERT INTO meant_documents VALUES (%s)", rows)
        cursor.execute(
            "CREATE VIEW meant_columns AS SELECT found.* FROM meant_documents, "
            f"LATERAL jsonb_to_record(data) AS found({columns})"
        )
    catalog.forget()
    registry = Registry()
    annotations = {"id": int, **Part.__annotations__}
    cls = type("Thing", (), {"__annotations__": annotations, "__module__": __name__})
    source = "meant_documents" if column else "meant_columns"
    fraiseql.type(sql_source=source, jsonb_column=column, registry=registry)(cls)
    tried = engine(registry)
    values = {(name, field): found for name in ("Thing", "Part") for field, found in JSON_POOL.items()}
    reader = Objects(tried.schema, documents)
    try_conditions(tried, filtered(tried.schema, values, ["Thing"]), reader.keys, 200)
    catalog.forget()
