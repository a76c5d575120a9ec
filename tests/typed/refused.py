"""What type checkers refuse: each comment names the error of its line, and is an error itself where there is none."""

from django.contrib.auth.models import User
from django.db.models import Count, Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book
from tests.typed.declarations import BookType, CardAuthor, Mark, typed
from tests.typed.operations import Gone, Reviewed, ReviewInput, rename

KEY = fraiseql.ID("1")


def inputs_and_results(review: Reviewed) -> None:
    """Their constructors take their fields, by name."""
    ReviewInput(book_id=KEY, stars=5, headline="!", star=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ReviewInput(book_id=KEY, headline="!")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ReviewInput(book_id=KEY, stars=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ReviewInput(KEY, 5, "!")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ReviewInput(book_id=KEY, stars="5", headline="!")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ReviewInput(book_id=1, stars=5, headline="!")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Gone()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Gone(message="", reason="")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Gone(message=410, last_seen=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CardAuthor(id=KEY)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Mark(hall="main")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    print(review.stars)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


@typed.mutation
def wrong_result(info: fraiseql.Info[User], id: fraiseql.ID) -> Book | Gone:
    """Return what is not declared."""
    print(info.users)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(info.user.nickname)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(info.visible(Book).get(pk=id).name)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    rename(info, 1, "Emma")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return Author()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def fields() -> None:
    """The arguments of fields, relations and arguments have names and types."""
    fraiseql.field(Count("books"), descripton="…")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    fraiseql.field(requires="title", cost="much")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    fraiseql.field(permission=5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    fraiseql.relation("id", too="id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fraiseql.argument(description=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fraiseql.CachePolicy(scope="everybody")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Loose:
    """A field of any type is not returned as one of a certain type in mypy's strict mode."""

    title: fraiseql.auto

    @fraiseql.field(requires=["title"])
    def shout(self) -> str:
        """Return what is not known."""
        return self.title  # type: ignore[no-any-return]


def own(viewer: fraiseql.Viewer) -> bool:
    """Read what a stand-in for all viewers has not."""
    return bool(viewer.user)


def of_type(info: fraiseql.Info) -> BookType:
    """Return an instance of the model for the type over it."""
    return Book()  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def types() -> None:
    """So have those of types, mutations and rules."""
    typed.type(Book, queries=["many"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    typed.type(Book, row=None)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    typed.type(Book, rows=lambda viewer: Q(user=viewer.user))  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    typed.type(Book, rows=own)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    typed.mutation(permission=own)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    typed.mutation(permision="bookshop.change_book")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    fraiseql.input(oneof=True)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    fraiseql.requires_permission(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fraiseql.nested("authors", conect=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fraiseql.update(Book, fields=[5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
