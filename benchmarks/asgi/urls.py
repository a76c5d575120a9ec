"""The endpoint, over authors and over a statement that takes a fifth of a second."""

from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast
from django.urls import path

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.views import GraphQLView

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name"], registry=REGISTRY)
class AuthorType:
    """An author."""

    nap: str = fraiseql.field(Cast(Func(Value(0.2), function="pg_sleep"), TextField()))


ENGINE = GraphQLEngine(registry=REGISTRY)
urlpatterns = [path("graphql/", GraphQLView.as_view(engine=ENGINE))]
