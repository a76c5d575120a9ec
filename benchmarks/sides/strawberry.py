"""strawberry-django as its documentation tunes it: the optimizer, and the caches of parsed and validated documents."""

from decimal import Decimal

import strawberry
import strawberry_django
from django.db import models
from strawberry.django.views import GraphQLView
from strawberry.extensions import ParserCache, ValidationCache
from strawberry_django.optimizer import DjangoOptimizerExtension

from benchmarks.sides import Query, Side
from benchmarks.sides.book_card import BookCard
from example_project.bookshop.models import Author, Book, Category, Publisher, Review


@strawberry_django.filter_type(Category)
class CategoryFilter:
    """Conditions on a category."""

    name: strawberry_django.StrFilterLookup[str] | None


@strawberry_django.filter_type(Book)
class BookFilter:
    """Conditions on a book."""

    price: strawberry_django.ComparisonFilterLookup[Decimal] | None
    category: CategoryFilter | None


def order_by_id(model: type[models.Model]) -> type:
    """Return an input that orders the model's rows by key."""
    return strawberry_django.order_type(model, name=f"{model.__name__}Order")(
        type(f"{model.__name__}Order", (), {"__annotations__": {"id": strawberry.auto}})
    )


AuthorOrder, BookOrder, CardOrder, PublisherOrder, ReviewOrder = map(
    order_by_id, (Author, Book, BookCard, Publisher, Review)
)


@strawberry_django.type(Author, ordering=AuthorOrder)
class AuthorType:
    """Someone who writes books."""

    id: strawberry.auto
    name: strawberry.auto


@strawberry_django.type(Review, ordering=ReviewOrder)
class ReviewType:
    """What a customer thinks of a book."""

    id: strawberry.auto
    stars: strawberry.auto
    headline: strawberry.auto


@strawberry_django.type(Publisher, ordering=PublisherOrder, pagination=True)
class PublisherType:
    """A house that brings out books."""

    id: strawberry.auto
    name: strawberry.auto
    books: list["BookType"]


@strawberry_django.type(Book, filters=BookFilter, ordering=BookOrder, pagination=True)
class BookType:
    """A book on sale."""

    id: strawberry.auto
    title: strawberry.auto
    price: strawberry.auto
    in_print: strawberry.auto
    publisher: PublisherType
    authors: list[AuthorType]
    reviews: list[ReviewType]


@strawberry.type
class CardAuthor:
    """An author as a card names one."""

    id: strawberry.ID
    name: str


@strawberry.type
class CardPublisher:
    """A publisher as a card names it."""

    name: str


@strawberry_django.type(BookCard, ordering=CardOrder, pagination=True)
class BookCardType:
    """A book as the shop window shows it."""

    id: strawberry.auto
    title: strawberry.auto
    price: strawberry.auto

    @strawberry_django.field(only=["data"])
    def authors(self, root: strawberry.Parent[BookCard]) -> list[CardAuthor]:
        """Return the authors of the card."""
        return [CardAuthor(id=strawberry.ID(str(author["id"])), name=author["name"]) for author in root.data["authors"]]

    @strawberry_django.field(only=["data"])
    def publisher(self, root: strawberry.Parent[BookCard]) -> CardPublisher:
        """Return the publisher of the card."""
        return CardPublisher(name=root.data["publisher"]["name"])

    @strawberry_django.field(only=["data"])
    def category(self, root: strawberry.Parent[BookCard]) -> str | None:
        """Return the category of the card."""
        found: str | None = root.data["category"]
        return found

    @strawberry_django.field(only=["data"])
    def stars(self, root: strawberry.Parent[BookCard]) -> float | None:
        """Return the stars of the card."""
        found: float | None = root.data["stars"]
        return found

    @strawberry_django.field(only=["data"])
    def review_count(self, root: strawberry.Parent[BookCard]) -> int:
        """Return the number of reviews of the card."""
        found: int = root.data["review_count"]
        return found


@strawberry.type
class Reading:
    """What may be asked."""

    books: list[BookType] = strawberry_django.field()
    publishers: list[PublisherType] = strawberry_django.field()
    book_cards: list[BookCardType] = strawberry_django.field()

    @strawberry_django.field
    def book(self, id: strawberry.ID) -> BookType:
        """Return one book; the optimizer adds to the QuerySet what is asked for, and takes its row."""
        return Book.objects.filter(pk=id)


@strawberry.type
class Writing:
    """What may be changed."""

    @strawberry_django.mutation(handle_django_errors=False)
    def rename_book(self, id: strawberry.ID, title: str) -> BookType:
        """Give a book another title."""
        book = Book.objects.get(pk=id)
        book.title = title
        book.full_clean()
        book.save()
        return book


schema = strawberry.Schema(Reading, Writing, extensions=[DjangoOptimizerExtension, ParserCache, ValidationCache])

QUERIES = {
    "row": Query("query($id: ID!) { book(id: $id) { id title price publisher { name } } }"),
    "flat": Query(
        """query($n: Int!) {
          books(pagination: {limit: $n}, ordering: [{id: ASC}]) { id title price inPrint }
        }"""
    ),
    "tree": Query(
        """query($n: Int!) {
          publishers(pagination: {limit: $n}, ordering: [{id: DESC}]) {
            id name
            books(ordering: [{id: ASC}]) { id title reviews(ordering: [{id: ASC}]) { stars headline } }
          }
        }"""
    ),
    "filtered": Query(
        """query($price: Decimal!, $category: String!, $n: Int!) {
          books(
            filters: {price: {gte: $price}, category: {name: {exact: $category}}}
            ordering: [{id: ASC}] pagination: {limit: $n}
          ) { id title publisher { name } authors(ordering: [{id: ASC}]) { name } }
        }"""
    ),
    "view": Query(
        """query($n: Int!) {
          bookCards(pagination: {limit: $n}, ordering: [{id: DESC}]) {
            id title price authors { id name } publisher { name } category stars reviewCount
          }
        }"""
    ),
    "mutation": Query(
        """mutation($id: ID!, $title: String!) {
          renameBook(id: $id, title: $title) {
            id title price publisher { name } authors(ordering: [{id: ASC}]) { name }
          }
        }"""
    ),
}


def make(name: str) -> Side:
    """Return the side."""
    view = GraphQLView.as_view(schema=schema)
    return Side(name, lambda workload: view, QUERIES)
