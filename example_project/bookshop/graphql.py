"""
What may be asked of the bookshop, and how it may be changed:

    books are created, updated and deleted   by mutations from the model
    orders change together with their lines  by mutations from the model
    books are renamed, reviews moderated     by Python
    orders are placed                        by a PostgreSQL function, sql/fn_place_order.sql
    cards of books are shown                 by a view, sql/v_book_card.sql

fraiseql_django finds this module by its name, as Django finds admin.py.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NewType

from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Avg, Count, F, QuerySet

import fraiseql_django as fraiseql
from example_project.bookshop.models import (
    Author,
    Book,
    Category,
    Customer,
    Order,
    OrderLine,
    Publisher,
    Review,
    ReviewStatus,
)

EAN = NewType("EAN", str)


def digits_of(text: Any) -> str:
    """Return the 13 digits of an EAN that a client has written."""
    digits = re.sub("-", "", text) if isinstance(text, str) else ""
    if not re.fullmatch("[0-9]{13}", digits):
        raise fraiseql.InvalidInput("write 13 digits, '978-1000000000'")
    return digits


fraiseql.scalar(
    "EAN",
    python=EAN,
    sql="left({0}, 3) || '-' || substr({0}, 4)",
    parse=digits_of,
    serialize=lambda digits: f"{digits[:3]}-{digits[3:]}",
    searchable=False,
    description="The number in a bar code: 13 digits, with a dash behind the prefix.",
    specified_by="https://www.gs1.org/standards/barcodes/ean-upc",
)


# The same for everybody: browsers and a CDN may keep it for a minute
CATALOGUE = fraiseql.CachePolicy(max_age=60, scope="public")


@fraiseql.type(Author, cache=CATALOGUE)
class AuthorType:
    """Someone who writes books."""

    id: fraiseql.auto
    name: fraiseql.auto
    born: fraiseql.auto
    bio: fraiseql.auto
    website: fraiseql.auto
    books: fraiseql.auto
    book_count: int = fraiseql.field(Count("books"), description="How many books the author has written.")


@fraiseql.type(Publisher, fields="__all__", cache=CATALOGUE)
class PublisherType:
    """A house that brings out books."""


@fraiseql.type(
    Category,
    fields=["id", "name", "slug", "parent", "children", "books"],
    plural="categories",
    tree="parent",
    cache=CATALOGUE,
)
class CategoryType:
    """A shelf of the shop; shelves have shelves within."""


@fraiseql.type(
    Book,
    fields="__all__",
    unique=["isbn"],
    queries=["single", "plural", "connection", "aggregate", "groups"],
    lists=["plural", "aggregate"],
    distinct_on=True,
    random=True,
    cache=CATALOGUE,
)
class BookType:
    """A book on sale."""

    title: fraiseql.auto
    published: fraiseql.auto
    review_count: int = fraiseql.field(Count("reviews"), description="How many reviews the book has.")
    average_stars: float | None = fraiseql.field(
        Avg("reviews__stars"), description="What they give it on average; null without reviews."
    )
    ean: EAN = fraiseql.field(F("isbn"), description="The ISBN as its bar code has it.")
    card: "BookCard" = fraiseql.relation("id", to="id", description="The book as the shop window shows it.")
    copies_sold: fraiseql.BigInt = fraiseql.field(
        function="book_copies_sold",
        arguments={"since": datetime | None},
        description="How many copies were ordered since a moment, or ever.",
    )

    @fraiseql.field
    @staticmethod
    def discounted(
        percent: Annotated[int, MinValueValidator(0), MaxValueValidator(100)] = 10,
    ) -> fraiseql.Expression[Decimal]:
        """What the book costs at a discount of so many percent."""
        return F("price") * (100 - percent) / 100

    @fraiseql.field(requires=["title", "published"], cache=CATALOGUE)
    def citation(self) -> str:
        """The book as a footnote names it."""
        return f"{self.title} ({self.published.year if self.published else 'n. d.'})"


@fraiseql.type(
    Review,
    fields="__all__",
    queries=["single", "plural", "aggregate", "groups"],
    lists=["plural", "connection", "aggregate", "groups"],
)
class ReviewType:
    """What a customer thinks of a book."""


@fraiseql.type(Customer, exclude=["birthday"])
class CustomerType:
    """Someone who buys, and perhaps reviews, books."""


@fraiseql.type(Order, fields="__all__", cache=fraiseql.CachePolicy(scope="private"))
class OrderType:
    """What a customer has ordered at one time."""


@fraiseql.type(OrderLine, fields="__all__")
class OrderLineType:
    """One book of an order, once or several times."""


SearchResult = fraiseql.union(
    "SearchResult",
    [BookType, AuthorType, PublisherType],
    plural="search",
    description="What the shop can be searched for.",
)


@fraiseql.type(User, fields=["id", "username"], queries=[])
class UserType:
    """The account that a customer signs in with."""


@fraiseql.type
class CardAuthor:
    """An author as a card names one."""

    id: fraiseql.ID
    name: str


@fraiseql.type
class CardPublisher:
    """A publisher as a card names it."""

    id: fraiseql.ID
    name: str
    country: str


@fraiseql.type(sql_source="v_book_card", jsonb_column="data")
class BookCard:
    """A book as the shop window shows it."""

    id: fraiseql.ID
    isbn: str
    title: str
    price: Decimal
    cover: str | None
    authors: list[CardAuthor]
    publisher: CardPublisher
    category: str | None
    stars: float | None = fraiseql.field(description="What approved reviews give it on average.")
    review_count: int = fraiseql.field(description="How many approved reviews it has.")
    book: BookType = fraiseql.relation("id", to="id", description="All that is known of it.")


@fraiseql.query
def affordable_books(
    info: fraiseql.Info, price: Annotated[Decimal, MinValueValidator(0)] = Decimal(10), tag: str | None = None
) -> "QuerySet[Book]":
    """Books in print of up to a price, the cheapest first."""
    books = Book.objects.filter(in_print=True, price__lte=price).order_by("price")
    return books if tag is None else books.filter(tags__contains=[tag])


@dataclass
class Shelf:
    """What the shop has of a category."""

    category: Category
    count: int
    latest: Book | None


@fraiseql.query
def shelves(info: fraiseql.Info, limit_to: int = 3) -> list[Shelf]:
    """The categories with most books."""
    found: QuerySet[Any] = Category.objects.annotate(count=Count("books")).order_by("-count", "pk")[:limit_to]
    return [Shelf(category, category.count, category.books.order_by("published", "pk").last()) for category in found]


@fraiseql.query(function="fn_similar_books")
def similar_books(book_id: fraiseql.BigInt) -> list[Book]:
    """Books that customers have ordered with a book, those first that were ordered most."""
    raise NotImplementedError


BOOK_FIELDS = ["title", "isbn", "price", "format", "published", "in_print", "pages", "tags", "publisher", "category"]

fraiseql.create(BookType, fields=[*BOOK_FIELDS, fraiseql.nested("authors", connect=True, create=["name", "born"])])
fraiseql.update(BookType, fields=[*BOOK_FIELDS, "authors"], version="updated_at")
fraiseql.delete(BookType)
fraiseql.update(
    BookType,
    fields=["in_print", "category", fraiseql.changes("price", inc=True, mul=True)],
    where=["category", "publisher", "published", "in_print"],
    max_rows=200,
)

LINE_FIELDS = ["line_number", "book", "quantity", "unit_price"]

fraiseql.create(OrderType, fields=["customer", "number", "note", fraiseql.nested("lines", create=LINE_FIELDS)])
fraiseql.update(
    OrderType,
    fields=[
        "status",
        "note",
        fraiseql.nested(
            "lines",
            update=[fraiseql.changes("quantity", set=True, inc=True)],
            upsert=LINE_FIELDS,
            unique="line_number",
            delete=True,
        ),
    ],
    by="number",
)
fraiseql.update(CustomerType, fields=["name", "newsletter", fraiseql.changes("loyalty_points", inc=True)], by="uuid")


@fraiseql.mutation
def rename_book(info: fraiseql.Info, id: fraiseql.ID, title: str) -> Book:
    """Give a book another title."""
    try:
        book = Book.objects.get(pk=id)
    except ValueError:
        # an id may be any text
        raise Book.DoesNotExist(f"There is no book {id}.") from None
    book.title = title
    book.full_clean()
    book.save()
    return book


@fraiseql.error
class ModerationError(fraiseql.MutationError):
    """Why a review stays as it is."""

    review: Review | None = None


@fraiseql.mutation
def moderate_review(info: fraiseql.Info, id: fraiseql.ID, status: ReviewStatus) -> Review | ModerationError:
    """Approve a review, or reject it for good."""
    try:
        review = Review.objects.select_for_update().get(pk=id)
    except (Review.DoesNotExist, ValueError):
        return ModerationError(message=f"There is no review {id}.", code=404, status="not_found:review")
    if review.status == ReviewStatus.REJECTED and status != ReviewStatus.REJECTED:
        message = "A rejected review stays rejected."
        return ModerationError(message=message, code=409, status="conflict:rejected", review=review)
    review.status = status
    review.save(update_fields=["status"])
    return review


@fraiseql.input
class OrderedBook:
    """Copies of one book."""

    book_id: fraiseql.ID
    quantity: int


@fraiseql.input
class PlaceOrderInput:
    """What a customer orders."""

    customer_id: fraiseql.ID
    lines: list[OrderedBook]


@fraiseql.success
class PlaceOrderSuccess:
    """The order as it was placed."""

    order: OrderType
    points: fraiseql.BigInt = fraiseql.field(description="What the customer has earned with it: one for each euro.")


@fraiseql.error
class PlaceOrderError(fraiseql.MutationError):
    """Why there is no order; its errors say of which lines."""


@fraiseql.mutation(function="fn_place_order", enable_cascade=True)
class PlaceOrder:
    """Order books."""

    input: PlaceOrderInput
    success: PlaceOrderSuccess
    error: PlaceOrderError
