"""Mutations that take files and that log in."""

from django.contrib import auth
from django.core.exceptions import ValidationError

import fraiseql_django as fraiseql
from example_project.bookshop.graphql import BookType, UserType
from example_project.bookshop.models import Book


@fraiseql.mutation
def set_cover(info: fraiseql.Info, id: fraiseql.ID, file: fraiseql.Upload) -> BookType:
    """Store a picture of a book."""
    # global where Relay is served
    book = Book.objects.get(pk=id if id.isdigit() else fraiseql.from_global_id(id)[1])
    book.cover.save(file.name, file)
    return book


@fraiseql.mutation
def log_in(info: fraiseql.Info, username: str, password: str) -> UserType:
    """Begin a session, whose cookie comes with the answer."""
    user = auth.authenticate(info.request, username=username, password=password)
    if user is None:
        raise ValidationError({"password": "The name or the password is wrong."})
    auth.login(info.request, user)
    return user


@fraiseql.query
def me(info: fraiseql.Info) -> UserType | None:
    """The user who is logged in."""
    return info.viewer.user if info.viewer.is_authenticated else None
