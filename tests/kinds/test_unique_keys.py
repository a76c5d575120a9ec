"""One row by a unique key that its type names: a field, several, or a constraint."""

from typing import Any

import pytest
from graphql import print_schema

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book, Customer, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.build import build_schema
from tests.library.models import Novel, Shelf
from tests.naive import assert_same_answer
from tests.support import data, make_shop, refused, statements

pytestmark = pytest.mark.django_db


def engine_over(model: Any, **options: Any) -> GraphQLEngine:
    registry = Registry()
    fraiseql.type(model, name="Thing", fields=options.pop("fields", ["id"]), registry=registry, **options)(
        type("Thing", (), {})
    )
    return GraphQLEngine(registry=registry, cache=None)


def test_each_key_finds_the_row_in_one_statement() -> None:
    shop = make_shop()
    engine = engine_over(Customer, unique=["uuid", "user"], fields=["id", "name"])
    customer = shop.customer
    query = f"""{{
        byKey: thing(id: {customer.pk}) {{ name }}
        byField: thing(uuid: "{customer.uuid}") {{ name }}
        byRelation: thing(userId: {customer.user_id}) {{ name }}
        missing: thing(userId: 999999) {{ name }}
    }}"""

    with statements(1):
        answer = data(engine, query)

    found = {"name": customer.name}
    assert answer == {"byKey": found, "byField": found, "byRelation": found, "missing": None}


def test_answers_are_those_of_the_orm() -> None:
    make_shop()
    engine = engine_over(Book, unique=["isbn"], fields=["id", "title"])
    for book in Book.objects.all():
        assert_same_answer(engine, f'{{ thing(isbn: "{book.isbn}") {{ id title }} }}')
    assert_same_answer(engine, '{ thing(isbn: "no such") { id } }')


@pytest.mark.parametrize("names", ["novel_of_writer", ["writer", "title"], ["title", "writer_id"]])
def test_a_constraint_is_named_by_itself_or_by_its_fields(names: Any) -> None:
    engine = engine_over(Novel, unique=[names])

    assert set(engine.schema.graphql.query_type.fields["thing"].args) == {"id", "writerId", "title"}
    assert data(engine, '{ thing(writerId: 1, title: "x") { id } }') == {"thing": None}


def test_a_type_without_unique_keys_still_demands_its_key() -> None:
    assert "thing(id: ID!): Thing" in print_schema(engine_over(Book).schema.graphql)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", "no key"),
        ("(id: null, isbn: null)", "no key"),
        ('(id: 1, isbn: "2")', "id and isbn"),
    ],
)
def test_none_or_several_keys_are_refused(arguments: str, given: str) -> None:
    engine = engine_over(Book, unique=["isbn"])

    error = refused(engine, f"{{ thing{arguments} {{ id }} }}")

    assert error["message"] == f"thing is given {given}, which is not one key. It must be one of: id; isbn."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["locations"]


def test_part_of_a_key_is_refused() -> None:
    error = refused(engine_over(Novel, unique=["novel_of_writer"]), '{ thing(title: "x") { id } }')
    assert error["message"] == "thing is given title, which is not one key. It must be one of: id; writerId and title."


def test_variables_say_which_key_is_given() -> None:
    book = make_shop().books[0]
    engine = engine_over(Book, unique=["isbn"], fields=["title"])
    query = "query ($id: ID, $isbn: String) { thing(id: $id, isbn: $isbn) { title } }"

    for variables in ({"id": book.pk}, {"isbn": book.isbn}, {"id": None, "isbn": book.isbn}):
        assert data(engine, query, variables) == {"thing": {"title": book.title}}
    assert "one key" in refused(engine, query, {"id": book.pk, "isbn": book.isbn})["message"]


def test_values_share_a_plan() -> None:
    engine = engine_over(Book, unique=["isbn"])
    for number in range(3):
        data(engine, "query ($isbn: String) { thing(isbn: $isbn) { id } }", {"isbn": str(number)})
    assert engine.statistics().plans.size == 1


def test_a_row_that_the_rule_hides_is_not_found_by_any_key() -> None:
    book = make_shop().books[0]
    engine = engine_over(Book, unique=["isbn"], rows=lambda viewer: False)
    assert data(engine, f'{{ thing(isbn: "{book.isbn}") {{ id }} }}') == {"thing": None}


@pytest.mark.parametrize("mask", [False, True])
def test_what_the_viewer_may_not_see_finds_no_row(mask: bool) -> None:
    book = make_shop().books[0]
    registry = Registry()

    @fraiseql.type(Book, unique=["isbn"], registry=registry)
    class Thing:
        id: fraiseql.auto
        isbn: fraiseql.auto = fraiseql.field(permission=fraiseql.requires_auth, mask=mask)

    engine = GraphQLEngine(registry=registry, cache=None)

    error = refused(engine, f'{{ thing(isbn: "{book.isbn}") {{ id }} }}')
    assert error["message"] == "Sign in to use Thing.isbn."
    assert data(engine, f"{{ thing(id: {book.pk}) {{ id }} }}") == {"thing": {"id": str(book.pk)}}


def test_a_view_is_asked_by_the_fields_that_it_keeps_unique() -> None:
    book = make_shop().books[0]
    registry = Registry()

    @fraiseql.type(sql_source="bookshop_book", key="id", unique=["isbn"], registry=registry)
    class Thing:
        id: int
        isbn: str

    engine = GraphQLEngine(registry=registry, cache=None)
    assert data(engine, f'{{ thing(isbn: "{book.isbn}") {{ id }} }}') == {"thing": {"id": book.pk}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unique": "isbn"}, "unique is 'isbn', must be a list of names, or of lists of names"),
        ({"unique": [[]]}, "unique is [[]], must be a list of names, or of lists of names"),
        ({"unique": 5}, "unique is 5, must be a list of names, or of lists of names"),
        (
            {"unique": ["isbn"], "queries": ["plural"]},
            "unique=['isbn'] names keys of the root field 'single', which queries=['plural'] leaves out",
        ),
    ],
)
def test_what_names_no_keys_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        fraiseql.type(Book, name="Thing", fields=["id"], registry=Registry(), **options)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (
            Book,
            {"unique": ["title", ["isbn", "title"]]},
            "Thing: unique names title, which no unique field or constraint of Book is without a condition; it has: "
            "isbn\n"
            "Thing: unique names isbn and title, which no unique field or constraint of Book is without a condition; "
            "it has: isbn",
        ),
        (
            Shelf,
            {"unique": ["shelf_slug"]},
            "Thing: unique names shelf_slug, which no unique field or constraint of Shelf is without a condition; "
            "it has: none",
        ),
        (
            Review,
            {"unique": ["id"]},
            "Thing: unique names id, which no unique field or constraint of Review is without a condition; "
            "it has: none",
        ),
    ],
)
def test_what_is_no_key_is_refused(model: Any, options: dict[str, Any], message: str) -> None:
    registry = Registry()
    fraiseql.type(model, name="Thing", fields=["id"], registry=registry, **options)(type("Thing", (), {}))
    with pytest.raises(DeclarationError) as raised:
        build_schema(registry, get_settings())
    assert str(raised.value).replace(f"{model._meta.label}: ", "") == message
