"""A catalogue whose types have policies of every kind, and what an operation over it may be kept for."""

from typing import Any

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Category, Customer, Publisher, Review
from fraiseql_django import CachePolicy, GraphQLEngine, Registry
from fraiseql_django.planner.answer_policy import AnswerPolicy

PUBLIC = CachePolicy(max_age=60, scope="public", ttl=60)


def type_over(registry: Registry, model: Any, fields: Any, body: dict[str, Any] | None = None, **options: Any) -> Any:
    """Declare a type of the model's name."""
    cls = type(f"{model.__name__}Type", (), body or {})
    return fraiseql.type(model, fields=fields, registry=registry, **options)(cls)


def catalogue(body: dict[str, Any] | None = None, book: Any = PUBLIC, **options: Any) -> Registry:
    """Declare books, their publishers and categories as public, authors and reviews with nothing said."""
    registry = Registry()
    fields = ["id", "title", "price", "published", "publisher", "category", "authors", "reviews"]
    forms = ["plural", "aggregate"]
    queries = options.pop("queries", ["single", "plural", "connection", "aggregate", "groups"])
    type_over(registry, Book, fields, body, cache=book, queries=queries, **options)
    type_over(registry, Publisher, ["id", "name", "books"], cache=CachePolicy(max_age=30, scope="public", ttl=30))
    type_over(registry, Category, ["id", "name"], cache=PUBLIC, plural="categories")
    type_over(registry, Author, ["id", "name"], lists=forms)
    type_over(
        registry, Review, ["id", "stars", "customer"], cache=CachePolicy(max_age=60, scope="private"), lists=forms
    )
    type_over(registry, Customer, ["id", "name"], cache=False)
    return registry


def policy_of(engine: GraphQLEngine, query: str, variables: Any = None, **options: Any) -> AnswerPolicy:
    """Return the policy of an operation that succeeds."""
    response = engine.execute(query, variables, **options)
    assert not response.errors, response.errors
    return response.policy


def shown(policy: AnswerPolicy) -> tuple[int, str]:
    """Return seconds and scope, as HTTP has them."""
    return policy.max_age, "never" if policy.never else "public" if policy.public else "private"
