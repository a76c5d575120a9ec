"""Types and their fields, as the documentation declares them, over the bookshop's models."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, NewType, assert_type

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Left, Lower

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, BookFormat, Category, Customer, Order, Publisher, Review

typed = fraiseql.for_schema("typed")
Euros = NewType("Euros", Decimal)


def parse_euros(value: Any) -> Euros:
    """Turn what a client sends into the Python value."""
    if not isinstance(value, str):
        raise fraiseql.InvalidInput("write it like '12.50 EUR'")
    return Euros(Decimal(value.removesuffix(" EUR")))


typed.scalar("Euros", python=Euros, like=Decimal, sql="{0} || ' EUR'", parse=parse_euros)


@fraiseql.directive(locations=["OBJECT", "FIELD_DEFINITION"])
class Owner:
    """The team to ask."""

    team: str


@fraiseql.enum(name="Cover", descriptions={"HARD": "It lasts."})
class Cover(models.TextChoices):
    """What holds the pages."""

    HARD = "hard", "Hard"
    SOFT = "soft", "Soft"


assert_type(Cover.HARD.value, str)


@typed.operator(for_="String", strict=True)
def resembles(column: str, pattern: str) -> str:
    """Whether a text is like a pattern, whatever its case."""
    return "lower({column}) LIKE lower({pattern})"


assert_type(resembles("a", "b"), str)


def is_editor(viewer: fraiseql.AnyViewer) -> bool:
    """Whether the viewer may change what others have written."""
    return viewer.is_staff or viewer.has_role("editors")


def own_orders(viewer: fraiseql.AnyViewer) -> Q | bool:
    """The viewer's orders; all of them for the staff."""
    return viewer.is_staff or Q(customer__user=viewer.id)


def initial() -> fraiseql.Expression[str]:
    """The first letter of the title."""
    return Left("title", 1)


@typed.interface(Publisher, fields=["id", "name"])
class Named:
    """What has a name."""


@typed.type(Author, fields=["id"], cache=fraiseql.CachePolicy(max_age=60, scope="public"), directives=[Owner(team="a")])
class AuthorType:
    """Someone who writes books."""

    name: fraiseql.auto
    born: dt.date | None
    books: "list[BookType]"
    book_count: int = fraiseql.field(Count("books"), description="How many books the author has written.")


@typed.type(
    Book,
    fields="__all__",
    queries={"single": None, "plural": fraiseql.requires_auth, "connection": is_editor},
    lists=["plural", "aggregate"],
    unique=["isbn"],
)
class BookType:
    """A book on sale."""

    title: str
    published: dt.date | None
    net: Euros = fraiseql.field(F("price") * Decimal("0.8"))
    beginning: str = fraiseql.field(lambda length: Left("title", length), arguments={"length": int})
    initial: str = fraiseql.field(initial, arguments={})
    copies_sold: fraiseql.BigInt = fraiseql.field(function="book_copies_sold", arguments={"since": dt.datetime | None})
    card: "BookCard" = fraiseql.relation("id", to="id")

    @fraiseql.field
    @staticmethod
    def discounted(percent: Annotated[int, MinValueValidator(0)] = 10) -> fraiseql.Expression[Decimal]:
        """What the book costs at a discount of so many percent."""
        return F("price") * (100 - percent) / 100

    @fraiseql.field(requires=["title", "published"], permission="bookshop.view_book", mask=True)
    def citation(self) -> str:
        """The book as a footnote names it."""
        return f"{self.title} ({self.published.year if self.published else 'n. d.'})"

    @fraiseql.field(requires=["title"])
    @staticmethod
    def words(rows: list[Book]) -> list[int]:
        """How many words the title has."""
        return [len(book.title.split()) for book in rows]


def read(row: BookType) -> None:
    """Fields have the types of their annotations, and what is decorated keeps its type."""
    assert_type(row.title, str)
    assert_type(row.copies_sold, int)
    assert_type(row.citation(), str)
    assert_type(BookType.words([]), list[int])


@typed.type(Category, fields=["id", "name", "parent", "children"], plural="categories", tree="parent")
class CategoryType:
    """A shelf of the shop."""

    shout: str = fraiseql.field(Lower("name"), deprecation="Too loud.", cost=2, directives=[Owner(team="b")])


@typed.type(
    Order,
    fields=["id", "number", "customer"],
    permission=fraiseql.requires_permission("bookshop.view_order"),
    rows=own_orders,
)
class OrderType:
    """What a customer has ordered."""

    note: fraiseql.auto = fraiseql.field(permission=lambda viewer: viewer.is_superuser, mask=True)


@typed.type(Customer, exclude=["birthday"], rows=lambda viewer: viewer.has_perm("bookshop.view_customer") or Q(user=1))
class CustomerType:
    """Someone who buys books."""


@typed.type(Review, fields="__all__", implements=[])
class ReviewType:
    """What a customer thinks of a book."""


@typed.type(Publisher, fields=["id", "name"])
class PublisherType:
    """A house that brings out books."""


@typed.union(types=[BookType, AuthorType], plural="search")
class SearchResult:
    """What the shop can be searched for."""


@fraiseql.type
class CardAuthor:
    """An author as a card names one."""

    id: fraiseql.ID
    name: str
    nickname: str | None = None


author = CardAuthor(id=fraiseql.ID("1"), name="Ursula")
assert_type(author, CardAuthor)
assert_type(author.nickname, str | None)


@fraiseql.type(name="Shelfmark")
class Mark:
    """Where a book stands."""

    row: int = fraiseql.field(description="Counted from the door.")
    hall: str = "main"


assert_type(Mark(row=1).row, int)


@typed.type(sql_source="v_book_card", jsonb_column="data", key="id")
class BookCard:
    """A book as the shop window shows it."""

    id: fraiseql.ID
    title: str
    price: Decimal
    authors: list[CardAuthor]
    stars: float | None = fraiseql.field(description="What approved reviews give it on average.")
    book: BookType = fraiseql.relation("id", to="id")


typed.create(BookType, fields=["title", "format", fraiseql.nested("authors", connect=True, create=["name", "born"])])
typed.update(
    BookType, fields=["title", fraiseql.changes("pages", inc=True)], permission=is_editor, version="updated_at"
)
typed.update(OrderType, fields=["note"], by="number", rows=own_orders)
typed.delete(BookType, permission=fraiseql.requires_role("editors"))
typed.upsert(PublisherType, fields=["name"], unique=["name"])
assert_type(BookFormat.EBOOK.value, str)
