"""What Python mutations may return: instances, QuerySets, objects of classes, errors, and unions of them."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Publisher
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from tests.support import Shop, data, make_shop

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Publisher, fields=["id", "name", "books"], registry=REGISTRY)
class PublisherType:
    pass


@fraiseql.type(Book, fields=["id", "title", "price", "publisher", "authors"], registry=REGISTRY)
class BookType:
    pass


@fraiseql.error
class TitleError:
    """Why a title was refused."""

    title: str | None = None


@fraiseql.success
class TitleSuccess:
    """A book with another title."""

    book: BookType
    before: str = fraiseql.field(name="oldTitle", description="What it was called.")


@dataclass
class Sale:
    """What was sold."""

    books: list[Book]
    best: Book | None
    total: Decimal
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
    again: "Sale | None" = None


@fraiseql.mutation(registry=REGISTRY)
def retitle(info: fraiseql.Info, title: str) -> TitleSuccess | TitleError:
    """Give the first book another title."""
    book = Book.objects.order_by("pk")[0]
    before, book.title = book.title, title
    book.save()
    if title == "full_clean":
        raise ValidationError({"title": ValidationError("No such title.", code="no_such")})
    if title == "unique":
        Publisher.objects.create(name="Ace", country="US")
    if not title:
        return TitleError(message="A title is needed.", title=title)
    return TitleSuccess(book=book, before=before)


@fraiseql.mutation(registry=REGISTRY)
def pick(info: fraiseql.Info, what: str) -> Book | Author | TitleError | None:
    """Return an instance of one of several types."""
    if what == "error":
        return TitleError(message="No.")
    return {"book": Book, "author": Author}[what].objects.order_by("pk")[0] if what else None


@fraiseql.mutation(registry=REGISTRY)
def sell(info: fraiseql.Info) -> Sale:
    """Return an object of a plain dataclass."""
    books = list(Book.objects.order_by("pk"))
    return Sale(
        books=[books[1], books[0], books[1]],
        best=books[2],
        total=Decimal("12.50"),
        again=Sale(books=[], best=None, total=Decimal(0)),
    )


@fraiseql.mutation(registry=REGISTRY)
def some(info: fraiseql.Info, first: int) -> Iterable[Book]:
    """Return a QuerySet."""
    return Book.objects.filter(price__gt=Decimal("10.50")).order_by("-title")[:first]


@fraiseql.mutation(registry=REGISTRY)
def odd(info: fraiseql.Info, how: str) -> list[BookType]:
    """Return QuerySets of which the statement cannot be a part."""
    books = Book.objects.order_by("title")
    return {
        "distinct": books.distinct(),
        "union": books.filter(title="City").union(books.filter(title="Planet")),
        "none": books.none(),
        "evaluated": list(books),
    }[how]  # type: ignore[return-value]


@fraiseql.mutation(registry=REGISTRY)
def perhaps(info: fraiseql.Info) -> list[BookType | None]:
    """Return a list that holds None."""
    return [None, Book.objects.order_by("pk")[0]]  # type: ignore[list-item]


@fraiseql.mutation(registry=REGISTRY)
def burn(info: fraiseql.Info) -> Book:
    """Delete a book and answer what it was."""
    book = Book.objects.order_by("pk")[1]
    answer = info.answer(book)
    book.delete()
    return answer  # type: ignore[no-any-return]


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@pytest.fixture
def engine(shop: Shop) -> Iterator[GraphQLEngine]:
    return GraphQLEngine(registry=REGISTRY, cache=None)


RETITLE = """
mutation ($title: String!) {
  retitle(title: $title) {
    __typename
    ... on TitleSuccess { oldTitle book { title publisher { name } } }
    ...Refused
  }
}
fragment Refused on TitleError { message title code status errors { code identifier message field } }
"""


def test_object_of_a_class_with_a_row_in_it(engine: GraphQLEngine) -> None:
    assert data(engine, RETITLE, {"title": "New"})["retitle"] == {
        "__typename": "TitleSuccess",
        "oldTitle": "Rocannon",
        "book": {"title": "New", "publisher": {"name": "Ace"}},
    }


def test_returned_error_undoes_what_was_written(engine: GraphQLEngine, shop: Shop) -> None:
    assert data(engine, RETITLE, {"title": ""})["retitle"] == {
        "__typename": "TitleError",
        "message": "A title is needed.",
        "title": "",
        "code": 422,
        "status": "failed",
        "errors": [],
    }
    shop.books[0].refresh_from_db()
    assert shop.books[0].title == "Rocannon"


@pytest.mark.parametrize(
    ("title", "code", "status", "error"),
    [
        (
            "full_clean",
            422,
            "failed:validation",
            {"code": 422, "identifier": "no_such", "message": "No such title.", "field": "title"},
        ),
        (
            "unique",
            422,
            "failed:unique",
            {
                "code": 422,
                "identifier": "unique",
                "message": "Publisher with this Name already exists.",
                "field": "name",
            },
        ),
    ],
)
def test_raised_validation_and_violated_constraint_are_the_declared_error(
    engine: GraphQLEngine, shop: Shop, title: str, code: int, status: str, error: Any
) -> None:
    assert data(engine, RETITLE, {"title": title})["retitle"] == {
        "__typename": "TitleError",
        "message": error["message"],
        "title": None,
        "code": code,
        "status": status,
        "errors": [error],
    }
    shop.books[0].refresh_from_db()
    assert shop.books[0].title == "Rocannon"


class Kind(Enum):
    WRONG = "wrong"


@fraiseql.error
class KindError(fraiseql.MutationError):
    status: Kind = Kind.WRONG  # type: ignore[assignment]


@fraiseql.error
class CodeError(fraiseql.MutationError):
    code: str = "E42"  # type: ignore[assignment]


@pytest.mark.django_db
@pytest.mark.parametrize("declared", [KindError, CodeError])
def test_raised_validation_is_no_error_of_a_class_whose_fields_have_other_types(declared: Any) -> None:
    registry = Registry(types=list(REGISTRY.types))

    def refuse(info: fraiseql.Info, raises: bool) -> Any:
        if raises:
            raise ValidationError("That is no title.")
        return declared(message="no")

    refuse.__annotations__["return"] = TitleSuccess | declared
    fraiseql.mutation(registry=registry)(refuse)
    engine = GraphQLEngine(registry=registry, cache=None)

    (error,) = engine.execute("mutation { refuse(raises: true) { __typename } }").json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("That is no title.", "VALIDATION_FAILED")
    assert data(engine, "mutation { refuse(raises: false) { __typename } }") == {
        "refuse": {"__typename": declared.__name__}
    }


def test_union_of_models(engine: GraphQLEngine) -> None:
    query = """mutation ($what: String!) { pick(what: $what) {
        __typename ... on Book { title } ... on Author { name } ... on PickResult { __typename } } }"""

    assert data(engine, query, {"what": "book"}) == {"pick": {"__typename": "Book", "title": "Rocannon"}}
    assert data(engine, query, {"what": "author"}) == {"pick": {"__typename": "Author", "name": "Ursula"}}
    assert data(engine, query, {"what": "error"}) == {"pick": {"__typename": "TitleError"}}
    assert data(engine, query, {"what": ""}) == {"pick": None}


def test_dataclass_with_rows_is_one_statement_beside_the_functions(engine: GraphQLEngine) -> None:
    query = """mutation { sell { total notes best { title } books { title authors { name } }
        again { books { title } best { title } } } }"""

    with CaptureQueriesContext(connection) as captured:
        answer = data(engine, query)

    authors = [{"name": "Ursula"}]
    planet = {"title": "Planet", "authors": authors}
    assert answer["sell"] == {
        "total": "12.50",
        "notes": {},
        "best": {"title": "City"},
        "books": [planet, {"title": "Rocannon", "authors": authors}, planet],
        "again": {"books": [], "best": None},
    }
    reads = [entry["sql"] for entry in captured.captured_queries if "fraiseql_keys" in entry["sql"]]
    assert len(reads) == 1


def test_queryset_is_a_part_of_the_one_statement(engine: GraphQLEngine) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = data(engine, "mutation { some(first: 2) { title authors { name } } }")

    authors = [{"name": "Ursula"}]
    assert answer["some"] == [{"title": "Planet", "authors": authors}, {"title": "City", "authors": authors}]
    assert len([entry for entry in captured.captured_queries if "bookshop_book" in entry["sql"]]) == 1


def test_queryset_that_is_empty(engine: GraphQLEngine) -> None:
    Book.objects.update(price=1)
    assert data(engine, "mutation { some(first: 2) { title } }") == {"some": []}


@pytest.mark.parametrize(
    ("how", "titles"),
    [
        ("distinct", ["City", "Planet", "Rocannon"]),
        ("union", ["City", "Planet"]),
        ("none", []),
        ("evaluated", ["City", "Planet", "Rocannon"]),
    ],
)
def test_other_querysets(engine: GraphQLEngine, how: str, titles: list[str]) -> None:
    answer = data(engine, f'mutation {{ odd(how: "{how}") {{ title }} }}')["odd"]
    assert sorted(book["title"] for book in answer) == titles


def test_list_that_holds_none(engine: GraphQLEngine) -> None:
    assert data(engine, "mutation { perhaps { title } }") == {"perhaps": [None, {"title": "Rocannon"}]}


def test_row_that_is_deleted_is_answered_before(engine: GraphQLEngine) -> None:
    assert data(engine, "mutation { burn { title publisher { name } } }") == {
        "burn": {"title": "Planet", "publisher": {"name": "Ace"}}
    }
    assert set(Book.objects.values_list("title", flat=True)) == {"Rocannon", "City"}


def test_schema_of_results(engine: GraphQLEngine) -> None:
    graphql = engine.schema.graphql
    fields = {name: str(field.type) for name, field in graphql.type_map["Sale"].fields.items()}  # type: ignore[attr-defined]

    assert fields == {
        "books": "[Book!]!",
        "best": "Book",
        "total": "Decimal!",
        "notes": "JSON!",
        "again": "Sale",
    }
    assert str(graphql.mutation_type.fields["retitle"].type) == "RetitleResult!"  # type: ignore[union-attr]
    assert graphql.type_map["TitleSuccess"].fields["oldTitle"].description == "What it was called."  # type: ignore[attr-defined]
    assert graphql.type_map["TitleError"].description == "Why a title was refused."


def refused(function: Any) -> str:
    registry = Registry(types=list(REGISTRY.types))
    fraiseql.mutation(registry=registry)(function)
    with pytest.raises(DeclarationError) as raised:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    return str(raised.value)


def test_returns_that_graphql_cannot_say() -> None:
    def plain_union(info: fraiseql.Info) -> int | TitleError:
        return 1

    def list_in_union(info: fraiseql.Info) -> list[BookType] | TitleError:
        return []

    def of_no_type(info: fraiseql.Info) -> object:
        return 1

    assert refused(plain_union) == (
        "mutation plain_union is a union of more than object types, which GraphQL does not have"
    )
    assert refused(list_in_union) == (
        "mutation list_in_union is a union of more than object types, which GraphQL does not have"
    )
    assert refused(of_no_type) == (
        "mutation of_no_type: <class 'object'> is neither a declared type, nor an Enum, nor a Python type that has "
        "a scalar"
    )
