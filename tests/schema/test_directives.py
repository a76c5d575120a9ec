"""Directives of a team's own, in the schema's text: where they stand, their definitions, and what is refused."""

import enum
from dataclasses import field
from typing import Annotated, Any, NewType

import pytest
from graphql import build_schema

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import DeclarationError, GraphQLEngine, Info, Registry
from fraiseql_django.schema.sdl import sdl
from tests.support import data

pytestmark = pytest.mark.django_db


class Level(enum.Enum):
    """How grave it is."""

    LOW = "low"
    HIGH = "high"


EVERYWHERE = (
    "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION", "SCALAR",
)  # fmt: skip


@fraiseql.directive(locations=EVERYWHERE, repeatable=True)
class Tag:
    """A word about a part of the schema."""

    name: str
    level: Level | None = None


@fraiseql.directive(locations=["FIELD_DEFINITION"], name="cost")
class CostOf:
    complexity: int
    multipliers: list[str] = field(default_factory=list)


@fraiseql.directive(locations=["OBJECT"])
class Key:
    fields: str


Sku = NewType("Sku", str)


@fraiseql.input(directives=[Tag(name="in")])
class Filter:
    word: str = fraiseql.field(directives=[Tag(name="word")])


@fraiseql.success(directives=[Tag(name="out")])
class Found:
    sku: Sku = fraiseql.field(directives=[Tag(name="sku", level=Level.HIGH)])


@pytest.fixture
def engine() -> GraphQLEngine:
    registry = Registry()
    fraiseql.scalar("Sku", python=Sku, directives=[Tag(name="code")], registry=registry)

    @fraiseql.type(Book, fields=["id", "title"], directives=[Key(fields="id"), Tag(name='a "word"')], registry=registry)
    class BookType:
        """A book."""

        isbn: fraiseql.auto = fraiseql.field(directives=[CostOf(complexity=3, multipliers=["limit"])])
        pages: fraiseql.auto = fraiseql.field(deprecation="Old.", directives=[Tag(name="old"), Tag(name="older")])

    @fraiseql.mutation(directives=[CostOf(complexity=5)], registry=registry)
    def find(
        info: Info, given: Filter, more: Annotated[str | None, fraiseql.argument(directives=[Tag(name="more")])] = None
    ) -> Found:
        return Found(sku=Sku(given.word))

    return GraphQLEngine(registry=registry, cache=None)


def test_text_has_directives_where_they_are_declared(engine: GraphQLEngine) -> None:
    text = sdl(engine.schema.graphql)

    assert '"""A book."""\ntype Book @key(fields: "id") @tag(name: "a \\"word\\"") {' in text
    assert '  isbn: String! @cost(complexity: 3, multipliers: ["limit"])\n' in text
    assert '  pages: Int @deprecated(reason: "Old.") @tag(name: "old") @tag(name: "older")\n' in text
    assert 'input Filter @tag(name: "in") {\n  word: String! @tag(name: "word")\n}' in text
    assert 'type Found @tag(name: "out") {\n  sku: Sku! @tag(name: "sku", level: HIGH)\n}' in text
    assert 'scalar Sku @tag(name: "code")' in text
    assert (
        '  find(given: Filter!, more: String @tag(name: "more")): Found! @cost(complexity: 5, multipliers: [])\n'
        in text
    )


def test_text_has_the_definitions(engine: GraphQLEngine) -> None:
    text = sdl(engine.schema.graphql)

    assert text.startswith(
        "directive @cost(complexity: Int!, multipliers: [String!]) on FIELD_DEFINITION\n\n"
        "directive @key(fields: String!) on OBJECT\n\n"
        '"""A word about a part of the schema."""\n'
        f"directive @tag(name: String!, level: Level) repeatable on {' | '.join(EVERYWHERE)}\n\n"
    )
    assert "enum Level {" in text


def test_text_is_a_valid_schema(engine: GraphQLEngine) -> None:
    schema = build_schema(sdl(engine.schema.graphql))

    assert {"cost", "key", "tag"} <= {directive.name for directive in schema.directives}


def test_a_text_without_directives_is_graphql_cores(engine: GraphQLEngine) -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["id", "title"], registry=registry)
    class BookType: ...

    assert "@" not in sdl(GraphQLEngine(registry=registry, cache=None).schema.graphql).replace("@deprecated", "")


def test_introspection_lists_the_definitions(engine: GraphQLEngine) -> None:
    found = data(engine, "{ __schema { directives { name isRepeatable locations args { name } } } }")

    own = {item["name"]: item for item in found["__schema"]["directives"]}
    assert own["tag"] == {
        "name": "tag",
        "isRepeatable": True,
        "locations": list(EVERYWHERE),
        "args": [{"name": "name"}, {"name": "level"}],
    }


def test_operations_cannot_use_them(engine: GraphQLEngine) -> None:
    (error,) = engine.execute('{ books { title @tag(name: "x") } }').json()["errors"]

    assert error["message"].upper() == "DIRECTIVE '@TAG' MAY NOT BE USED ON FIELD."


# --- what is refused ---


def refused(**options: Any) -> list[str]:
    registry = Registry()

    @fraiseql.type(Book, registry=registry, directives=options.get("on_type", ()))
    class BookType:
        title: fraiseql.auto = fraiseql.field(directives=options.get("on_field", ()))

    with pytest.raises(DeclarationError) as caught:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    return str(caught.value).splitlines()


def test_every_directive_that_does_not_fit_is_refused_at_once() -> None:
    assert refused(on_type=[CostOf(complexity=1), Key(fields="id"), Key(fields="title")], on_field=[3, Key]) == [
        "Book cannot have @cost, since it is OBJECT; locations are: FIELD_DEFINITION",
        "Book has @key twice; declare it with repeatable=True",
        "Book.title: directives has 3, must be instances of classes that are declared with @fraiseql.directive",
        f"Book.title: directives has {Key!r}, must be instances of classes that are declared with @fraiseql.directive",
    ]


def test_values_must_be_of_the_arguments_types() -> None:
    (problem,) = refused(on_field=[CostOf(complexity="much")])  # type: ignore[arg-type]

    assert problem == "Book.title: @cost: Int cannot represent non-integer value: 'much'"


def test_wrong_declarations() -> None:
    with pytest.raises(DeclarationError) as caught:

        @fraiseql.directive(locations=["QUERY"], name="skip")
        class Skip: ...

    allowed = "OBJECT, FIELD_DEFINITION, ARGUMENT_DEFINITION, INPUT_OBJECT, INPUT_FIELD_DEFINITION, SCALAR, "
    assert str(caught.value).splitlines() == [
        f"directive 'skip': locations has 'QUERY', must be of: {allowed}ENUM",
        "a directive cannot be called 'skip', the name of one of GraphQL's own; give it name=…",
    ]


def test_two_directives_of_one_name_are_refused() -> None:
    @fraiseql.directive(locations=["OBJECT"], name="key")
    class OtherKey:
        fields: str

    (problem,) = refused(on_type=[Key(fields="a"), OtherKey(fields="b")])
    assert problem.startswith("two directives are called 'key': Key in tests.schema.test_directives and ")


def test_arguments_are_single_values_or_lists() -> None:
    @fraiseql.input
    class Pair:
        a: int = 1

    @fraiseql.directive(locations=["OBJECT"])
    class Of:
        pair: Pair

    assert refused(on_type=[Of(pair=Pair())]) == [
        "directive 'of', argument 'pair' is an object; give the directive an argument for each value"
    ]
