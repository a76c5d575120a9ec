"""Types over the views; each says of a book what the type over the model says."""

import datetime as dt
from decimal import Decimal

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, BookFormat, Publisher, Review

VIEWS = fraiseql.Registry()


@fraiseql.type
class PublisherCard:
    """A publisher within JSON."""

    id: fraiseql.ID
    name: str
    country: str
    founded: int | None


@fraiseql.type
class Reviewer:
    """A customer within JSON."""

    id: fraiseql.ID
    name: str


@fraiseql.type
class ReviewCard:
    """A review within JSON."""

    id: fraiseql.ID
    stars: int
    headline: str
    created_at: dt.datetime = fraiseql.field(column="createdAt")
    customer: Reviewer | None


class _Card:
    """What all of them have."""

    id: fraiseql.ID
    isbn: str
    title: str
    price: Decimal
    published: dt.date | None
    pages: int | None
    weight: float | None
    in_print: bool
    tags: list[str]
    reading_time: dt.timedelta | None = fraiseql.field(column="reading time")
    created_at: dt.datetime
    format: BookFormat
    attributes: fraiseql.JSON | None
    category_id: fraiseql.ID | None = fraiseql.field(column='it\'s 100% {0} "key"')
    publisher: PublisherCard
    publisher_id: fraiseql.ID
    reviews: list[ReviewCard]
    book: "BookType" = fraiseql.relation("id", to="id", description="The book itself.")
    isbn_book: "BookType | None" = fraiseql.relation("isbn", to="isbn")
    siblings: "list[BookType]" = fraiseql.relation("publisher_id", to="publisher_id")
    house: "House | None" = fraiseql.relation("publisher_id", to="id")
    ghost: "BookType | None" = fraiseql.relation("isbn", to="title")


def _declared(name: str, source: str, column: str | None) -> type:
    body = {"__annotations__": dict(_Card.__annotations__), "__module__": __name__, "__doc__": f"A book of {source}."}
    body |= {key: value for key, value in vars(_Card).items() if not key.startswith("__")}
    made: type = type(name, (), body)
    return fraiseql.type(sql_source=source, jsonb_column=column, reads=["bookshop_book"], registry=VIEWS)(made)


BookCard = _declared("BookCard", "v_book_json", "data")
BookBare = _declared("BookBare", "v_book_bare", "document")
BookRow = _declared("BookRow", "v_book_row", None)
BookStored = _declared("BookStored", "mv_book", "data")
BookTable = _declared("BookTable", "book_table", "data")
BookQualified = _declared("BookQualified", "Shop Window.Book Card", "data")
BookQuoted = _declared("BookQuoted", '"Shop Window"."Book Card"', "data")


@fraiseql.type(sql_source="v_publisher", plural="houses", registry=VIEWS)
class House:
    """Plain columns, a relation to a view and one to a model."""

    id: int
    name: str
    country: str
    cards: "list[BookCard]" = fraiseql.relation("id", to="publisher_id")
    bares: "list[BookBare]" = fraiseql.relation("id", to="publisher_id")
    books: "list[BookType]" = fraiseql.relation("id", to="publisher_id")


@fraiseql.type(Review, fields=["id", "stars", "headline", "created_at", "customer"], registry=VIEWS)
class ReviewType:
    pass


@fraiseql.type(Review.customer.field.related_model, fields=["id", "name"], registry=VIEWS)
class CustomerType:
    pass


@fraiseql.type(Publisher, fields=["id", "name", "country", "founded", "books"], registry=VIEWS)
class PublisherType:
    houses: "list[House]" = fraiseql.relation("id", to="id")


@fraiseql.type(Author, fields=["id", "name", "books"], registry=VIEWS)
class AuthorType:
    pass


@fraiseql.type(
    Book,
    fields=[
        "id", "isbn", "title", "price", "published", "pages", "weight", "in_print", "tags", "reading_time",
        "created_at", "format", "attributes", "category_id", "publisher", "publisher_id", "reviews", "authors",
    ],
    registry=VIEWS,
)  # fmt: skip
class BookType:
    house: "House | None" = fraiseql.relation("publisher_id", to="id")
    card: "BookCard | None" = fraiseql.relation("id", to="id")
    bare: "BookBare | None" = fraiseql.relation("id", to="id")
    row: "BookRow | None" = fraiseql.relation("id", to="id")
    cards: "list[BookCard]" = fraiseql.relation("publisher_id", to="publisher_id")
