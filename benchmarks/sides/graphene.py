"""graphene-django as its documentation tunes it: the fewest statements, by graphene-django-optimizer or by hand.

Lists within lists are prefetched by hand, in order and with the columns that the workloads ask for.
"""

from typing import Any

import graphene
import graphene_django_optimizer as optimizer
from django.db.models import Prefetch, QuerySet
from django.views.decorators.csrf import csrf_exempt
from graphene_django import DjangoObjectType
from graphene_django.views import GraphQLView

from benchmarks.sides import Query, Side
from benchmarks.sides.book_card import BookCard
from example_project.bookshop.models import Author, Book, Publisher, Review

# Only what is asked for and the keys that lists are joined by; the optimizer alone would load these one by one
AUTHORS = Prefetch("authors", Author.objects.only("name").order_by("id"))
REVIEWS = Prefetch("reviews", Review.objects.only("stars", "headline", "book").order_by("id"))
BOOKS = Prefetch("books", Book.objects.only("title", "publisher").order_by("id").prefetch_related(REVIEWS))


class AuthorType(DjangoObjectType):
    """Someone who writes books."""

    class Meta:
        model = Author
        fields = ("id", "name")


class ReviewType(DjangoObjectType):
    """What a customer thinks of a book."""

    class Meta:
        model = Review
        fields = ("id", "stars", "headline")


class PublisherType(DjangoObjectType):
    """A house that brings out books."""

    books = graphene.List(graphene.NonNull(lambda: BookType), required=True)

    class Meta:
        model = Publisher
        fields = ("id", "name")

    def resolve_books(root: Publisher, info: Any) -> Any:  # noqa: N805 - graphene passes the object
        """Return the prefetched books."""
        return root.books.all()


class BookType(DjangoObjectType):
    """A book on sale."""

    authors = graphene.List(graphene.NonNull(AuthorType), required=True)
    reviews = graphene.List(graphene.NonNull(ReviewType), required=True)

    class Meta:
        model = Book
        fields = ("id", "title", "price", "in_print", "publisher")

    @optimizer.resolver_hints(prefetch_related=lambda info: AUTHORS)
    def resolve_authors(root: Book, info: Any) -> Any:  # noqa: N805
        """Return the prefetched authors."""
        return root.authors.all()

    def resolve_reviews(root: Book, info: Any) -> Any:  # noqa: N805
        """Return the prefetched reviews."""
        return root.reviews.all()


class CardAuthor(graphene.ObjectType):
    """An author as a card names one."""

    id = graphene.ID(required=True)
    name = graphene.String(required=True)


class CardPublisher(graphene.ObjectType):
    """A publisher as a card names it."""

    name = graphene.String(required=True)


class BookCardType(DjangoObjectType):
    """A book as the shop window shows it."""

    authors = graphene.List(graphene.NonNull(CardAuthor), required=True)
    publisher = graphene.Field(CardPublisher, required=True)
    category = graphene.String()
    stars = graphene.Float()
    review_count = graphene.Int(required=True)

    class Meta:
        model = BookCard
        fields = ("id", "title", "price")

    def resolve_authors(root: BookCard, info: Any) -> Any:  # noqa: N805
        """Return the authors of the card."""
        return root.data["authors"]

    def resolve_publisher(root: BookCard, info: Any) -> Any:  # noqa: N805
        """Return the publisher of the card."""
        return root.data["publisher"]

    def resolve_category(root: BookCard, info: Any) -> Any:  # noqa: N805
        """Return the category of the card."""
        return root.data["category"]

    def resolve_stars(root: BookCard, info: Any) -> Any:  # noqa: N805
        """Return the stars of the card."""
        return root.data["stars"]

    def resolve_review_count(root: BookCard, info: Any) -> Any:  # noqa: N805
        """Return the number of reviews of the card."""
        return root.data["review_count"]


def many(of: type) -> Any:
    """Return a root list with its `limit`."""
    return graphene.List(graphene.NonNull(of), limit=graphene.Int(required=True), required=True)


class Reading(graphene.ObjectType):
    """What may be asked."""

    book = graphene.Field(BookType, id=graphene.ID(required=True))
    books = graphene.List(
        graphene.NonNull(BookType),
        limit=graphene.Int(required=True),
        min_price=graphene.Decimal(),
        category=graphene.String(),
        required=True,
    )
    publishers = many(PublisherType)
    book_cards = many(BookCardType)

    def resolve_book(root: None, info: Any, id: str) -> Book:  # noqa: N805
        """Return one book."""
        return optimizer.query(Book.objects.filter(pk=id), info).get()

    def resolve_books(
        root: None,  # noqa: N805
        info: Any,
        limit: int,
        min_price: Any = None,
        category: str | None = None,
    ) -> QuerySet[Book]:
        """Return the first books by key."""
        books = Book.objects.order_by("id")
        if min_price is not None:
            books = books.filter(price__gte=min_price)
        if category is not None:
            books = books.filter(category__name=category)
        return optimizer.query(books, info)[:limit]

    def resolve_publishers(root: None, info: Any, limit: int) -> QuerySet[Publisher]:  # noqa: N805
        """Return the last publishers by key."""
        return Publisher.objects.only("name").order_by("-id").prefetch_related(BOOKS)[:limit]

    def resolve_book_cards(root: None, info: Any, limit: int) -> QuerySet[BookCard]:  # noqa: N805
        """Return the last cards by key."""
        return BookCard.objects.order_by("-id")[:limit]


class RenameBook(graphene.Mutation):
    """Give a book another title."""

    class Arguments:
        id = graphene.ID(required=True)
        title = graphene.String(required=True)

    Output = BookType

    def mutate(root: None, info: Any, id: str, title: str) -> Book:  # noqa: N805
        """Do it, and return the book."""
        book = Book.objects.select_related("publisher").prefetch_related(AUTHORS).get(pk=id)
        book.title = title
        book.full_clean()
        book.save()
        return book


class Writing(graphene.ObjectType):
    """What may be changed."""

    rename_book = RenameBook.Field()


schema = graphene.Schema(query=Reading, mutation=Writing)


QUERIES = {
    "row": Query("query($id: ID!) { book(id: $id) { id title price publisher { name } } }"),
    "flat": Query("query($n: Int!) { books(limit: $n) { id title price inPrint } }"),
    "tree": Query(
        "query($n: Int!) { publishers(limit: $n) { id name books { id title reviews { stars headline } } } }"
    ),
    "filtered": Query(
        """query($price: Decimal!, $category: String!, $n: Int!) {
          books(minPrice: $price, category: $category, limit: $n) { id title publisher { name } authors { name } }
        }"""
    ),
    "view": Query(
        """query($n: Int!) {
          bookCards(limit: $n) {
            id title price authors { id name } publisher { name } category stars reviewCount
          }
        }"""
    ),
    "mutation": Query(
        """mutation($id: ID!, $title: String!) {
          renameBook(id: $id, title: $title) { id title price publisher { name } authors { name } }
        }"""
    ),
}


def make(name: str) -> Side:
    """Return the side."""
    view = csrf_exempt(GraphQLView.as_view(schema=schema))
    return Side(name, lambda workload: view, QUERIES)
