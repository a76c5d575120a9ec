"""What clients read about types, fields, enums and their values, and where it comes from."""

import enum
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps
from graphql import GraphQLEnumType

import fraiseql_django as fraiseql
from fraiseql_django import DeclarationError, GraphQLEngine, Info, Registry
from fraiseql_django.schema.sdl import sdl


class Colour(models.TextChoices):
    """What a thing looks like."""

    RED = "r", "Blood red"
    GREEN = "g", "Grass green"


class Undescribed(models.TextChoices):
    A = "a", "First"
    B = "b", "Second"


@fraiseql.enum(
    name="Grade", descriptions={"LOW": "Below 10."}, deprecations={"HIGH": "Use LOW."}, description="How much it is."
)
class Level(models.IntegerChoices):
    """Not this."""

    LOW = 1, "Low"
    HIGH = 2, "High"


@fraiseql.directive(locations=["ENUM"])
class Owner:
    team: str


@fraiseql.enum(directives=[Owner(team="shop")])
class Kind(enum.Enum):
    """A kind
    of thing."""

    ONE = "one"
    TWO = "two"


Kind.ONE.__doc__ = "The first."


def schema_of(model: Any, *mutations: Any, **fields: Any) -> GraphQLEngine:
    registry = Registry()
    body = {"__annotations__": dict.fromkeys(fields, fraiseql.auto), **fields}
    fraiseql.type(model, fields="__all__", registry=registry)(type("ThingType", (), body))
    for mutation in mutations:
        fraiseql.mutation(registry=registry)(mutation)
    return GraphQLEngine(registry=registry, cache=None)


def enum_of(engine: GraphQLEngine, name: str) -> GraphQLEnumType:
    found = engine.schema.graphql.type_map[name]
    assert isinstance(found, GraphQLEnumType)
    return found


@isolate_apps("tests.zoo")
def test_types_and_fields_of_models() -> None:
    class Thing(models.Model):
        helped = models.TextField("Verbose", help_text="Help.", db_comment="Comment.")
        commented = models.TextField("Verbose", db_comment="Comment.")
        verbose = models.TextField("verbose words")
        bare = models.TextField()
        own = models.TextField(help_text="Help.")

        class Meta:
            app_label = "zoo"
            db_table_comment = "A thing, by its table."

    found: Any = schema_of(Thing, own=fraiseql.field(description="Own.")).schema.graphql.type_map["Thing"]

    assert found.description == "A thing, by its table."
    assert {name: field.description for name, field in found.fields.items() if name != "id"} == {
        "helped": "Help.", "commented": "Comment.", "verbose": "Verbose words", "bare": None, "own": "Own.",
    }  # fmt: skip


@isolate_apps("tests.zoo")
def test_docstrings_come_before_the_tables_comment() -> None:
    class Thing(models.Model):
        """A thing, by its model."""

        class Meta:
            app_label = "zoo"
            db_table_comment = "A thing, by its table."

    assert schema_of(Thing).schema.graphql.type_map["Thing"].description == "A thing, by its model."  # type: ignore[attr-defined]


@isolate_apps("tests.zoo")
def test_docstring_of_the_choices_describes_the_enum() -> None:
    """Found by the default of the field, in the model, and in its module; Django keeps the pairs alone."""

    class Thing(models.Model):
        class Size(models.TextChoices):
            """How large it is."""

            S = "s", "Small"

        by_default = models.CharField(max_length=1, choices=Colour.choices, default=Colour.RED)
        in_model = models.CharField(max_length=1, choices=Size.choices)
        blank = models.CharField(max_length=1, choices=Undescribed.choices, blank=True)
        in_module = models.CharField(max_length=1, choices=Undescribed)
        no_class = models.CharField(max_length=1, choices=[("x", "X")])

        class Meta:
            app_label = "zoo"

    engine = schema_of(Thing)
    assert enum_of(engine, "ThingByDefault").description == "What a thing looks like."
    assert enum_of(engine, "ThingInModel").description == "How large it is."
    assert enum_of(engine, "ThingInModule").description is None
    assert enum_of(engine, "ThingNoClass").description is None
    assert [(name, value.description) for name, value in enum_of(engine, "ThingByDefault").values.items()] == [
        ("R", "Blood red"), ("G", "Grass green"),
    ]  # fmt: skip
    assert list(enum_of(engine, "ThingBlank").values) == ["A", "B", "BLANK"]


@isolate_apps("tests.zoo")
def test_declared_enums_have_names_descriptions_and_deprecations_wherever_they_stand() -> None:
    class Thing(models.Model):
        level = models.IntegerField(choices=Level.choices, default=Level.LOW)
        other = models.IntegerField(choices=Level.choices)

        class Meta:
            app_label = "zoo"

    def grade(info: Info, level: Level, kind: Kind = Kind.ONE) -> Level:
        return level

    engine = schema_of(Thing, grade)
    text = sdl(engine.schema.graphql)

    assert '''"""How much it is."""
enum Grade {
  """Below 10."""
  LOW

  """High"""
  HIGH @deprecated(reason: "Use LOW.")
}''' in text  # fmt: skip
    assert "level: Grade!" in text
    assert "other: Grade!" in text
    assert "grade(level: Grade!, kind: Kind): Grade!" in text
    assert '"""\nA kind\nof thing.\n"""\nenum Kind @owner(team: "shop") {\n  """The first."""\n  ONE\n' in text
    assert [name for name in engine.schema.graphql.type_map if "Thing" in name and "evel" in name] == []


def test_wrong_declarations_of_enums() -> None:
    with pytest.raises(DeclarationError) as caught:
        fraiseql.enum(name="a b", deprecations={"BLUE": "No."})(Colour)
    assert str(caught.value).splitlines() == [
        "Colour has no member 'BLUE'; it has: RED, GREEN",
        "an enum cannot be called 'a b': Names must only contain [_a-zA-Z0-9] but 'a b' does not.",
    ]
    with pytest.raises(DeclarationError, match=r"^@enum is for classes of enum.Enum and of Django's choices, not for"):
        fraiseql.enum(str)


@isolate_apps("tests.zoo")
def test_name_of_another_type_is_refused() -> None:
    @fraiseql.enum(name="Thing")
    class Wrong(models.TextChoices):
        A = "a", "A"

    class Thing(models.Model):
        word = models.CharField(max_length=1, choices=Wrong.choices, default=Wrong.A)

        class Meta:
            app_label = "zoo"

    with pytest.raises(
        DeclarationError, match=r"zoo.Thing: an enum cannot be called 'Thing', the name of another type"
    ):
        _ = schema_of(Thing, word=fraiseql.field()).schema
