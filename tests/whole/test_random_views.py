"""Operations that nobody thought of, over views: the answer is that of graphql-core's executor over the models."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import transaction
from graphql import NamedTypeNode, NameNode, Visitor, parse, print_ast, visit
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from fraiseql_django import GraphQLEngine
from fraiseql_django.conf.settings import get_settings
from fraiseql_django.schema.build import Schema
from fraiseql_django.schema.definition import Column, FieldDef
from tests.generator import Drawn
from tests.naive import Naive, assert_same_data
from tests.sources import sql
from tests.sources.types import VIEWS
from tests.values import pool
from tests.whole.test_random_operations import NO_LIMITS

pytestmark = pytest.mark.django_db

# More of them, and other ones each time: FRAISEQL_RANDOM_OPERATIONS=5000
WANTED = os.environ.get("FRAISEQL_RANDOM_OPERATIONS")
# What a view says of a book, by the types over the models, and how the views call these types
SAID = {
    "Book": [
        "id", "isbn", "title", "price", "published", "pages", "weight", "inPrint", "tags", "readingTime", "createdAt",
        "format", "attributes", "categoryId", "publisherId", "publisher", "reviews",
    ],
    "Publisher": ["id", "name", "country", "founded"],
    "Review": ["id", "stars", "headline", "createdAt", "customer"],
    "Customer": ["id", "name"],
}  # fmt: skip
WITHIN = {"Publisher": "PublisherCard", "Review": "ReviewCard", "Customer": "Reviewer"}
ROOTS = {
    name[0].lower() + name[1:] + "s": name
    for name in ("BookCard", "BookBare", "BookRow", "BookStored", "BookTable", "BookQualified", "BookQuoted")
}


def said(schema: Schema) -> Schema:
    """Leave of the types over models what the views say as well."""
    types = {
        name: dataclasses.replace(schema.types[name], fields={key: schema.types[name].fields[key] for key in fields})
        for name, fields in SAID.items()
    }
    return dataclasses.replace(schema, types=types)


class DrawnOverViews(Drawn):
    """Draws operations that views and models both answer; lists in a view's JSON take no arguments."""

    def root(self) -> str:
        """Draw a list of books."""
        return self.field("Query", "books", self.arguments("Book"), "Book", 0)

    def arguments(self, target: str, nested: bool = False) -> str:
        """Draw the arguments of the list at the root, whose order is total."""
        return "" if nested else super().arguments(target)

    def order(self, target: str) -> list[Any]:
        """Draw an order that tells all books apart: by default, a view sorts by its key, and the model as it says."""
        return [*(super().order(target) or ()), {"isbn": "ASC"}]

    def term(self, type_name: str, depth: int) -> dict[str, Any]:
        """Draw one key to sort by; keys are sorted as texts where a view has them in its JSON alone."""
        while True:
            found = super().term(type_name, depth)
            if not re.search(r"\b(id|\w+Id)\b", json.dumps(found)):
                return found

    def condition(self, type_name: str, field: FieldDef, depth: int) -> dict[str, Any]:
        """Draw the condition on a field; keys are compared as texts, too."""
        found = super().condition(type_name, field, depth)
        if not isinstance(field, Column) or field.scalar.name != "ID":
            return found
        return {name: value for name, value in found.items() if name in ("eq", "neq", "in", "nin", "isnull")}


class OfView(Visitor):
    """Asks a view instead of the model."""

    def __init__(self, root: str, types: Mapping[str, str]) -> None:
        super().__init__()
        self.root = root
        self.types = types

    def enter_field(self, node: Any, key: Any, parent: Any, path: Any, ancestors: Any) -> Any:
        """Name the root field, whose response key stays."""
        if node.name.value != "books":
            return None
        alias = node.alias or NameNode(value="books")
        return type(node)(**{**fields(node), "name": NameNode(value=self.root), "alias": alias})

    def enter_named_type(self, node: NamedTypeNode, *rest: Any) -> NamedTypeNode | None:
        """Name a type as the view does, or an input of it."""
        for name, own in self.types.items():
            for suffix in ("", "Where", "OrderBy"):
                if node.name.value == name + suffix:
                    return NamedTypeNode(name=NameNode(value=own + suffix))
        return None


def fields(node: Any) -> dict[str, Any]:
    """Return what a node of the AST holds."""
    return {key: getattr(node, key) for key in node.keys if hasattr(node, key)}


@pytest.fixture(scope="module")
def views(populated: None, django_db_blocker: DjangoDbBlocker) -> Iterator[GraphQLEngine]:
    """Make an engine over views of the bookshop, which keeps no answers and has no limits."""
    with django_db_blocker.unblock(), transaction.atomic():
        sql.create()
        own = dataclasses.replace(get_settings(), limits=NO_LIMITS)
        yield GraphQLEngine(settings=own, registry=VIEWS, cache=None)
        transaction.set_rollback(True)
    sql.forget()


def test_random_operations_over_views(views: GraphQLEngine) -> None:
    schema = said(views.schema)
    values = pool(schema)
    naive = Naive(views.schema)
    naive.kept = {}

    @st.composite
    def drawn(draw: Any) -> tuple[str, dict[str, Any], str]:
        of = DrawnOverViews(schema, values, draw)
        query, variables = of.operation()
        return query, json.loads(json.dumps(variables)), of.one_of(ROOTS)

    @settings(
        max_examples=int(WANTED or 80),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if WANTED else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn())
    def try_them(example: tuple[str, dict[str, Any], str]) -> None:
        query, variables, root = example
        expected = naive.execute(query, variables)
        assert not expected.errors, expected.errors
        of_view = print_ast(visit(parse(query), OfView(root, {"Book": ROOTS[root], **WITHIN})))
        with transaction.atomic():
            answer = views.execute(of_view, variables).json()
        assert "errors" not in answer, (of_view, variables, answer["errors"])
        named = json.loads(json.dumps(expected.data), object_hook=lambda found: renamed(found, ROOTS[root]))
        assert_same_data(answer["data"], named, naive, (of_view, variables))

    try_them()


def renamed(found: dict[str, Any], own: str) -> dict[str, Any]:
    """Name types in an answer as the view does."""
    types = {"Book": own, **WITHIN}
    return {key: types.get(value, value) if isinstance(value, str) else value for key, value in found.items()}
