"""
What customers of the bookshop may read and change: the schema "members", at /members/.

    everybody who is signed in   reads books, authors and approved reviews
    a customer                   reads and changes her own orders and reviews, by row rules
    the staff                    sees all orders and reviews
    who may change books         sets prices and uploads covers, by a permission

fraiseql_django finds this module by the DECLARATIONS_MODULE of the schema.
"""

from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Customer, Order, OrderLine, Review, ReviewStatus

members = fraiseql.for_schema("members")

COVER_BYTES = 1_000_000
COVER_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}


@members.type(Author, fields=["id", "name", "books"], name="Author")
class MembersAuthor:
    """Someone who writes books."""


@members.type(Book, fields=["id", "title", "isbn", "price", "cover", "authors", "reviews"], name="Book")
class MembersBook:
    """A book on sale."""


@members.type(
    Customer,
    fields=["id", "name", "loyalty_points", "newsletter", "orders"],
    name="Customer",
    rows=lambda viewer: viewer.is_staff or Q(user=viewer.id),
)
class MembersCustomer:
    """Someone who buys books; customers see themselves only."""


@members.type(
    Review,
    fields=["id", "stars", "headline", "text", "status", "created_at", "book"],
    name="Review",
    rows=lambda viewer: viewer.is_staff or Q(status=ReviewStatus.APPROVED) | Q(customer__user=viewer.id),
)
class MembersReview:
    """What a customer thinks of a book; others see it once it is approved."""


@members.type(
    Order,
    fields=["id", "number", "status", "placed_at", "note", "customer", "lines"],
    name="Order",
    rows=lambda viewer: viewer.is_staff or Q(customer__user=viewer.id),
)
class MembersOrder:
    """What a customer has ordered; customers see their own orders only."""


@members.type(
    OrderLine,
    fields=["line_number", "quantity", "unit_price", "book"],
    name="OrderLine",
    queries=[],
    rows=lambda viewer: viewer.is_staff or Q(order__customer__user=viewer.id),
)
class MembersOrderLine:
    """One book of an order."""


members.update(MembersBook, fields=["price"], permission="bookshop.change_book")
members.update(
    MembersOrder, fields=["note"], by="number", rows=lambda viewer: viewer.is_staff or Q(customer__user=viewer.id)
)


@members.mutation
def review_book(
    info: fraiseql.Info,
    book_id: fraiseql.ID,
    stars: Annotated[int, MinValueValidator(1), MaxValueValidator(5)],
    headline: str,
) -> Review:
    """Write a review, which others see once it is approved."""
    customer = Customer.objects.filter(user=info.user.pk).first()
    if customer is None:
        raise fraiseql.UserError("Only customers write reviews.", code="NO_CUSTOMER")
    review = Review(book_id=book_id, customer=customer, stars=stars, headline=headline)
    review.full_clean()
    review.save()
    return review


@members.mutation(permission="bookshop.change_book")
def set_cover(info: fraiseql.Info, id: fraiseql.ID, file: fraiseql.Upload) -> Book:
    """Give a book a picture as its cover; this takes the permission to change books."""
    beginning = file.read(8)
    kind = next((kind for known, kind in COVER_BEGINNINGS.items() if beginning.startswith(known)), None)
    if kind is None or (file.size or 0) > COVER_BYTES:
        raise ValidationError({"file": f"A cover is a PNG, JPEG or GIF of at most {COVER_BYTES:,} bytes."})
    file.seek(0)
    book = Book.objects.get(pk=id)
    book.cover.save(f"{book.isbn}{kind}", file)
    return book
