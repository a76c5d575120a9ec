"""A kind of field that the package does not know: one module and its registration suffice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import Exists
from graphql import FieldNode, GraphQLBoolean, GraphQLNonNull

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Review
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.planner.expressions import SQL, Piece
from fraiseql_django.planner.kinds import FieldKind, TreeBuilder, TreeCompiler, kind_of
from fraiseql_django.planner.locations import Location
from fraiseql_django.planner.tree import Member
from fraiseql_django.schema import kinds
from fraiseql_django.schema.definition import FieldDef, Related, TypeDef
from tests.support import data, make_shop, statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(FieldDef):
    """Whether a list has any row."""

    of: Related


class PresenceKind(FieldKind[Presence]):
    def output(self, field: Presence, types: Any) -> Any:
        return GraphQLNonNull(GraphQLBoolean)

    def member(self, build: TreeBuilder, owner: Any, field: Presence, nodes: Sequence[FieldNode]) -> Member:
        target = build.type(field.of.target)
        assert isinstance(target, TypeDef)
        rows = build.rows(target, kind_of(field.of).source(owner, field.of))
        return Member(owner=owner, field=field, rows=rows)

    def write(self, compiler: TreeCompiler, member: Member, here: Location) -> list[Piece]:
        assert member.rows is not None
        return [SQL("({0})::text", Exists(compiler.queryset(member.rows, here.outer())))]


def presence(field: Related, name: str) -> Presence:
    return Presence(name=name, of=field)


@pytest.mark.django_db
def test_a_kind_is_planned_without_a_change_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, Presence: PresenceKind()})
    monkeypatch.setitem(kinds._forms, "count", kinds.ListForm(suffix="Exist", make=presence))
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], rows=lambda viewer: False, queries=[], registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title", "reviews"], registry=registry)
    class BookType:
        pass

    make_shop()
    engine = GraphQLEngine(registry=registry, cache=None)
    engine.execute("{ __typename }")

    with statements(1):
        answer = data(engine, "{ booksExist books(limit: 1) { title reviewsExist } }")
    assert answer == {"booksExist": True, "books": [{"title": "City", "reviewsExist": False}]}


def test_a_list_without_forms_is_not_in_the_schema() -> None:
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], lists=[], queries=["plural"], registry=registry)
    class ReviewType:
        pass

    @fraiseql.type(Book, fields=["title", "reviews"], registry=registry)
    class BookType:
        pass

    schema = GraphQLEngine(registry=registry, cache=None).schema

    assert list(schema.types["Book"].fields) == ["title"]
    assert {"reviews", "reviewsCount"} <= set(schema.query.fields)
