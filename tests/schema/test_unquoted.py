"""No stored byte reaches an answer unquoted: what is not of the type that its field has is an error, not JSON."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models
from django.db.models import F
from django.test.utils import isolate_apps

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.conf.settings import get_settings
from tests.support import data, make_shop

pytestmark = pytest.mark.django_db

FORGED = '7,"role":"admin'
STRINGS = ('x","id":"999","role":"admin', FORGED, '1","a":"', "1}]}", "true,")


def engine_over(model: Any, fields: Any, annotations: dict[str, Any], **settings: Any) -> GraphQLEngine:
    registry = Registry()
    body = {name: fraiseql.field(F("name")) for name in annotations}
    fraiseql.type(model, name="Row", fields=fields, registry=registry)(
        type("Row", (), {**body, "__annotations__": annotations})
    )
    return GraphQLEngine(registry=registry, cache=None, settings=replace(get_settings(), **settings))


def assert_refused(engine: GraphQLEngine, query: str) -> None:
    answer = engine.execute(query)

    body = json.loads(answer.body)
    assert "admin" not in answer.body.decode()
    assert body["errors"]


@pytest.mark.parametrize("stored", STRINGS)
@pytest.mark.parametrize("type_", [Decimal, int, float, bool, UUID, dict, fraiseql.ID])
def test_computed_value_is_of_the_annotated_type_or_an_error(type_: Any, stored: str) -> None:
    Author.objects.create(name=stored)
    engine = engine_over(Author, ["id"], {"computed": type_})

    if type_ is fraiseql.ID:
        assert data(engine, "{ rows { computed } }") == {"rows": [{"computed": stored}]}
    else:
        assert_refused(engine, "{ rows { computed } }")


def test_computed_value_is_cast_to_its_annotation() -> None:
    Author.objects.create(name="12.50")
    engine = engine_over(Author, [], {"exact": Decimal, "near": float})

    assert data(engine, "{ rows { exact near } }") == {"rows": [{"exact": "12.50", "near": 12.5}]}


@pytest.fixture
def texts(db: None) -> None:
    """Make a table whose columns are all text."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE texts (id int PRIMARY KEY, number text, amount text, flag text, settings text)")
        cursor.execute("INSERT INTO texts VALUES (1, %s, %s, %s, %s)", [FORGED] * 4)
        cursor.execute("""INSERT INTO texts VALUES (2, '7', '1.50', 'true', '{"a": 1}')""")


class TextJSON(models.TextField):  # type: ignore[type-arg]
    """Text that a project maps to another field class by SCALARS."""


@isolate_apps("tests.zoo")
def test_column_of_text_under_a_field_of_another_type(texts: None) -> None:
    class Encrypted(models.IntegerField):  # type: ignore[type-arg]
        """Stores its value as text, as fields that encrypt do."""

        def db_type(self, connection: Any) -> str:
            return "text"

    class Texts(models.Model):
        number = Encrypted()
        amount = models.DecimalField(max_digits=8, decimal_places=2)
        flag = models.BooleanField()
        settings = TextJSON()

        class Meta:
            app_label = "zoo"
            db_table = "texts"
            managed = False

    mapped = {f"{TextJSON.__module__}.TextJSON": "django.db.models.JSONField"}
    engine = engine_over(Texts, ["number", "amount", "flag", "settings"], {}, scalars=mapped)

    assert data(engine, "{ row(id: 2) { number amount flag settings } }") == {
        "row": {"number": 7, "amount": "1.50", "flag": True, "settings": {"a": 1}}
    }
    for name in ("number", "amount", "flag", "settings"):
        assert_refused(engine, f"{{ row(id: 1) {{ {name} }} }}")
        assert_refused(engine, f"{{ rows {{ {name} }} }}")


@isolate_apps("tests.zoo")
@pytest.mark.parametrize(
    ("base", "stored"),
    [
        (models.IntegerField, FORGED),
        (models.DateField, '7","role":"admin'),
        (models.BooleanField, '7","role":"admin'),
        (models.FloatField, '7","role":"admin'),
    ],
)
def test_key_of_text_under_a_field_of_another_type(db: None, base: Any, stored: str) -> None:
    class Texts(models.Model):
        key = type("Typed", (base,), {"db_type": lambda self, connection: "character varying(100)"})(primary_key=True)

        class Meta:
            app_label = "zoo"
            db_table = "texts"
            managed = False

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE texts (key varchar(100))")
        cursor.execute("INSERT INTO texts VALUES (%s)", [stored])
    engine = engine_over(Texts, ["key"], {})

    answer = json.loads(engine.execute("{ rows { key } }").body)

    assert answer.get("data") in (None, {"rows": [{"key": stored}]})


@isolate_apps("tests.zoo")
@pytest.mark.parametrize("value", [{"a": "x"}, "1", 'x","role":"admin'])
def test_key_of_json_is_text(db: None, value: Any) -> None:
    class Documents(models.Model):
        key = models.JSONField(primary_key=True)

        class Meta:
            app_label = "zoo"
            db_table = "documents"
            managed = False

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE documents (key jsonb)")
        cursor.execute("INSERT INTO documents VALUES (%s::jsonb)", [json.dumps(value)])
    engine = engine_over(Documents, ["key"], {})

    (row,) = data(engine, "{ rows { key } }")["rows"]

    assert json.loads(row["key"]) == value


def test_number_of_another_type_is_cast() -> None:
    make_shop()
    registry = Registry()

    @fraiseql.type(Book, fields=[], registry=registry)
    class BookType:
        price: float = fraiseql.field(F("price"))

    assert data(GraphQLEngine(registry=registry, cache=None), "{ books { price } }") == {
        "books": [{"price": 12}, {"price": 11}, {"price": 10}]
    }
