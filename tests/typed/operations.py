# pyright: strict
"""Mutations and queries in Python, their inputs and results, and what ``Info`` has."""

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, assert_type

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Category, Review
from tests.typed.declarations import BookType, Mark, typed


@fraiseql.input
class ReviewInput:
    """What a client writes."""

    book_id: fraiseql.ID
    stars: int
    headline: str = fraiseql.field(description="In one line.")
    text: Annotated[str | None, fraiseql.argument(deprecation="Use the headline.")] = fraiseql.UNSET
    tags: list[str] = dataclasses.field(default_factory=list[str])
    extra: fraiseql.JSON = None


written = ReviewInput(book_id=fraiseql.ID("1"), stars=5, headline="!")
assert_type(written.stars, int)
assert_type(written.headline, str)
assert_type(written.text, str | None)
assert_type(written.tags, list[str])


@fraiseql.input(one_of=True)
class BookKey:
    """How a book is found."""

    id: fraiseql.ID | None = None
    isbn: str | None = None


assert_type(BookKey(isbn="1").isbn, str | None)


@fraiseql.success
class Reviewed:
    """The review, and what the reviewer has earned."""

    review: Review
    points: fraiseql.BigInt = fraiseql.field(description="One for each star.")
    books: list[Book] = dataclasses.field(default_factory=list[Book])
    mark: Mark | None = None


@fraiseql.error
class NotReviewed(fraiseql.MutationError):
    """Why there is no review."""

    missing: list[str] = dataclasses.field(default_factory=list[str])


@fraiseql.error(name="BookGone")
class Gone(NotReviewed):
    """The book is not there any more."""

    code: int = 410
    last_seen: date | None = fraiseql.field(description="When it was.")


gone = Gone(message="It is gone.", last_seen=None)
assert_type(gone.message, str)
assert_type(gone.code, int)
assert_type(gone.status, str)
assert_type(gone.errors, list[fraiseql.Error])
assert_type(gone.missing, list[str])


@typed.mutation
def add_review(info: fraiseql.Info, input: ReviewInput) -> Reviewed | NotReviewed | Gone:
    """Write what one thinks of a book."""
    assert_type(info.request, HttpRequest | None)
    assert_type(info.viewer, fraiseql.Viewer)
    assert_type(info.viewer.is_authenticated, bool)
    assert_type(info.visible(Book), QuerySet[Book])
    book = info.visible(Book).filter(pk=input.book_id).first()
    assert_type(book, Book | None)
    if book is None:
        return Gone(message="There is no such book.", last_seen=None)
    if not 1 <= input.stars <= 5:
        wrong = fraiseql.Error(code=422, identifier="stars", message="1 to 5.", details={"most": 5})
        return NotReviewed(message="Wrong.", errors=[wrong], missing=["stars"])
    review = Review.objects.create(book=book, stars=input.stars, headline=input.headline)
    return Reviewed(review=review, points=input.stars, books=[book], mark=Mark(row=3))


@typed.mutation(permission=fraiseql.requires_auth, repeatable=True, name="renameBook")
def rename(info: fraiseql.Info[User], id: fraiseql.ID, title: str) -> Book:
    """Give a book another title."""
    assert_type(info.user, User)
    if not info.user.has_perm("bookshop.change_book"):
        raise fraiseql.UserError("Ask an editor.", code="NOT_AN_EDITOR", contact="editors@example.com")
    book = info.visible(Book).get(pk=id)
    book.title = title
    book.save()
    return book


@typed.mutation
async def put_cover(info: fraiseql.Info[User | None, dict[str, str]], id: fraiseql.ID, file: fraiseql.Upload) -> str:
    """Give a book a cover."""
    assert_type(info.user, User | None)
    assert_type(info.context, dict[str, str])
    assert_type(file.name, str | None)
    assert_type(file.size, int | None)
    return f"{id}: {file.content_type}"


@typed.mutation
def delete_review(info: fraiseql.Info, id: fraiseql.ID) -> Review:
    """Delete a review, and answer it as it was."""
    review = Review.objects.get(pk=id)
    answer: Review = info.answer(review)
    review.delete()
    return answer


@fraiseql.input
class OrderedBook:
    """Copies of one book."""

    book_id: fraiseql.ID
    quantity: int = 1


@fraiseql.success
class OrderedSuccess:
    """The order as it was placed."""

    points: fraiseql.BigInt


@typed.mutation(function="fn_place_order", enable_cascade=True)
class OrderBook:
    """Order a book."""

    input: OrderedBook
    success: OrderedSuccess
    error: NotReviewed


@dataclasses.dataclass
class Shelf:
    """What the shop has of a category."""

    category: Category
    count: int


@typed.query
def cheap_books(info: fraiseql.Info, price: Decimal = Decimal(10)) -> "QuerySet[Book]":
    """Books of up to a price."""
    return Book.objects.filter(price__lte=price)


@typed.query
async def shelves(info: fraiseql.Info) -> list[Shelf]:
    """The categories, with how many books there are."""
    return [Shelf(category, await category.books.acount()) async for category in Category.objects.all()[:3]]


@typed.query(function="fn_similar_books")
def similar_books(book_id: fraiseql.BigInt) -> list[Book]:
    """Books that customers have ordered with a book."""
    raise NotImplementedError


def direct_calls(info: fraiseql.Info[User]) -> None:
    """Functions under a decorator are called in tests as they are."""
    assert_type(rename(info, fraiseql.ID("1"), "Emma"), Book)
    assert_type(cheap_books(info), QuerySet[Book])
    assert_type(add_review(info, written), Reviewed | NotReviewed | Gone)


def engine() -> list[Any]:
    """The engine, without HTTP."""
    engine = fraiseql.get_engine("typed")
    assert_type(engine, fraiseql.GraphQLEngine)
    response = engine.execute("{ authors { name } }", {"name": "Ursula"})
    assert_type(response, fraiseql.Response)
    assert_type(fraiseql.types(Author, registry=fraiseql.Registry())["Author"], type)
    fraiseql.types(Author, names={Author: "Poet"}, exclude_fields={Author: ["born"]}, registry=fraiseql.Registry())
    return [response.json(), BookType]
