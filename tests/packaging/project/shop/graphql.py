"""What is served of the models."""

import fraiseql_django as fraiseql

from .models import Author, Book


@fraiseql.type(Author, fields=["id", "name", "books"])
class AuthorType:
    """Someone who writes books."""


@fraiseql.type(Book, fields=["id", "title", "author"])
class BookType:
    """A book on sale."""


@fraiseql.type(sql_source="v_title", jsonb_column="data")
class Title:
    """A title, from a view."""

    id: int
    title: str


fraiseql.update(BookType, fields=["title"])


@fraiseql.mutation
def add_book(info: fraiseql.Info, title: str, author: str) -> Book:
    """Add a book of an author, who may be new."""
    return Book.objects.create(title=title, author=Author.objects.get_or_create(name=author)[0])
