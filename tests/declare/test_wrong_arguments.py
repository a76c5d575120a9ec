"""Arguments of declarations that are of another kind than they must be: an error that says so, not Python's."""

import enum
from collections.abc import Callable
from typing import Annotated, Any, NewType

import pytest

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import DeclarationError, GraphQLEngine, Info, Registry, nested

T = NewType("T", str)


def scalar(name: Any = "Text", **options: Any) -> Callable[[Registry], Any]:
    return lambda registry: fraiseql.scalar(name, python=T, registry=registry, **options)


def update(**options: Any) -> Callable[[Registry], Any]:
    def declare(registry: Registry) -> None:
        @fraiseql.type(Book, fields=["id", "title", "isbn"], registry=registry)
        class BookType: ...

        fraiseql.update(BookType, registry=registry, **{"fields": ["title"], **options})

    return declare


def directive(**options: Any) -> Callable[[Registry], Any]:
    def declare(registry: Registry) -> None:
        class Owner:
            team: str

        (fraiseql.directive(**options) if options else fraiseql.directive)(Owner)

    return declare


def with_argument(annotation: Any) -> Callable[[Registry], Any]:
    def declare(registry: Registry) -> None:
        @fraiseql.mutation(registry=registry)
        def change(info: Info, given: annotation) -> str:
            return ""

    return declare


def with_input(given: Any = None, **options: Any) -> Callable[[Registry], Any]:
    def declare(registry: Registry) -> None:
        @fraiseql.input(**options)
        class Given:
            text: given or str

        with_argument(Given)(registry)

    return declare


def with_enum(**options: Any) -> Callable[[Registry], Any]:
    return lambda registry: fraiseql.enum(**options)(enum.Enum("Size", ["SMALL"]))


LOCATIONS = "OBJECT, FIELD_DEFINITION, ARGUMENT_DEFINITION, INPUT_OBJECT, INPUT_FIELD_DEFINITION, SCALAR, ENUM"
PERMISSION = "Given.text is the field of an input, which cannot have a permission; leave it out"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (scalar("Int"), "a scalar cannot be called 'Int', the name of one of GraphQL's own"),
        (scalar("String"), "a scalar cannot be called 'String', the name of one of GraphQL's own"),
        (scalar(None), "a scalar is called None, must be a name"),
        (scalar(3), "a scalar is called 3, must be a name"),
        (scalar(sql=3), "scalar 'Text': sql is 3, must be SQL in which {0} stands for the column"),
        (scalar(cast=3), "scalar 'Text': cast is 3, must be the name of a type in PostgreSQL"),
        (scalar(cast="text); drop"),
         "scalar 'Text': cast is 'text); drop', must be the name of a type in PostgreSQL"),
        (directive(locations=None), f"directive 'owner': locations is None, must be a list of: {LOCATIONS}"),
        (directive(locations="OBJECT"), f"directive 'owner': locations is 'OBJECT', must be a list of: {LOCATIONS}"),
        (directive(), f"directive 'owner' has no locations; name some of: {LOCATIONS}"),
        (with_enum(name=3), "an enum is called 3, must be a name"),
        (with_enum(deprecations=["SMALL"]),
         "enum Size: deprecations is ['SMALL'], must be texts by the names of members"),
        (with_input(name=4), "an input is called 4, must be a name"),
        (with_argument(Annotated[str, fraiseql.argument(name=3)]),  # type: ignore[arg-type]
         "an argument of mutation change is called 3, must be a name"),
        (with_input(Annotated[str, fraiseql.requires_role("managers")]), PERMISSION),
        (with_input(Annotated[str | None, fraiseql.requires_auth]), PERMISSION),
        (with_input(list[Annotated[str, fraiseql.requires_role("managers")]]), PERMISSION),
        (update(name=3), "mutation update_book is called 3, must be a name"),
        (update(fields=3), "update(BookType): fields is 3, must be a list of names or nested(…)"),
        (update(fields=[3]), "update(BookType): fields is [3], must be a list of names or nested(…)"),
        (update(where=3), "update(BookType): where is 3, must be True, or a list of fields"),
        (update(by=3), "update(BookType): by is 3, must be fields that are unique together"),
        (update(by=[["isbn"]]), "update(BookType): by is [['isbn']], must be fields that are unique together"),
        (lambda registry: nested("reviews", create=3),  # type: ignore[arg-type]
         "nested('reviews'): create is 3, must be a list of names or nested(…)"),
        (lambda registry: nested("reviews", upsert=["stars"], unique=3),  # type: ignore[arg-type]
         "nested('reviews'): unique is 3, must be a list of names"),
    ],
)  # fmt: skip
def test_argument_of_another_kind_is_refused(declare: Callable[[Registry], Any], message: str) -> None:
    registry = Registry()

    def build() -> None:
        declare(registry)
        _ = GraphQLEngine(registry=registry, cache=None).schema

    with pytest.raises(DeclarationError) as caught:
        build()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "cast",
    [
        "point",
        "varchar(9)",
        "numeric(8, 2)",
        "timestamp(3) with time zone",
        'shop."Mood"',
        "text[]",
        "geometry(Point,9)",
    ],
)
def test_names_of_types_of_postgresql_are_taken(cast: str) -> None:
    assert scalar(cast=cast)(Registry()).cast == cast
