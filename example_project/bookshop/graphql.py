"""
What may be asked of the bookshop.

fraiseql_django finds this module by its name, as Django finds admin.py.
"""

from django.contrib.auth.models import User
from django.db.models import Avg, Count

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


@fraiseql.type(Author)
class AuthorType:
    """Someone who writes books."""

    id: fraiseql.auto
    name: fraiseql.auto
    born: fraiseql.auto
    bio: fraiseql.auto
    website: fraiseql.auto
    books: fraiseql.auto
    book_count: int = fraiseql.field(Count("books"), description="How many books the author has written.")


@fraiseql.type(Publisher, fields="__all__")
class PublisherType:
    """A house that brings out books."""


@fraiseql.type(Category, fields=["id", "name", "slug", "parent", "children", "books"], plural="categories")
class CategoryType:
    """A shelf of the shop; shelves have shelves within."""


@fraiseql.type(Book, fields="__all__")
class BookType:
    """A book on sale."""

    review_count: int = fraiseql.field(Count("reviews"), description="How many reviews the book has.")
    average_stars: float | None = fraiseql.field(
        Avg("reviews__stars"), description="What they give it on average; null without reviews."
    )


@fraiseql.type(Review, fields="__all__")
class ReviewType:
    """What a customer thinks of a book."""


@fraiseql.type(Customer, exclude=["birthday"])
class CustomerType:
    """Someone who buys, and perhaps reviews, books."""


@fraiseql.type(Order, fields="__all__")
class OrderType:
    """What a customer has ordered at one time."""


@fraiseql.type(OrderLine, fields="__all__")
class OrderLineType:
    """One book of an order, once or several times."""


@fraiseql.type(User, fields=["id", "username"], queries=[])
class UserType:
    """The account that a customer signs in with."""


@fraiseql.mutation
def rename_book(info: fraiseql.Info, id: fraiseql.ID, title: str) -> BookType:
    """Give a book another title."""
    book = Book.objects.get(pk=id)
    book.title = title
    book.full_clean()
    book.save()
    return book


@fraiseql.mutation
def moderate_review(info: fraiseql.Info, id: fraiseql.ID, status: ReviewStatus) -> ReviewType:
    """Approve a review, reject it, or take that back."""
    review = Review.objects.get(pk=id)
    review.status = status
    review.save(update_fields=["status"])
    return review
