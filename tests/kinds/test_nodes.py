"""Global ids: ``node``, ``nodes``, and one meaning of an ID wherever clients see or send one."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Q

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Customer, Order, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from fraiseql_django.schema.global_ids import from_global_id, to_global_id
from tests.support import data, limited, make_shop, refused, statements
from tests.zoo.types import ZOO

pytestmark = pytest.mark.django_db


def engine_of(registry: Registry | None = None, **limits: Any) -> GraphQLEngine:
    settings = replace(get_settings(), node=True)
    if limits:
        settings = replace(settings, limits=limited(**limits).planner.limits)
    return GraphQLEngine(**({"registry": registry} if registry else {}), settings=settings, cache=None)


def test_every_type_is_a_node_and_its_rows_are_found() -> None:
    shop = make_shop()
    engine = engine_of()
    book, author = shop.books[0], shop.authors[0]

    found = data(engine, "{ books(orderBy: {price: ASC}) { id } authors { id } orderLines { id } bookCards { id } }")
    assert found["books"][0]["id"] == to_global_id("Book", book.pk)
    assert from_global_id(found["orderLines"][0]["id"]) == ("OrderLine", f'["{shop.order.pk}","1"]')
    assert {row["id"] for row in found["bookCards"]} == {str(row.pk) for row in shop.books}
    query = """query ($id: ID!) { node(id: $id) { __typename id ... on Book { title reviews { stars } }
        ...A ... on OrderLine { lineNumber book { title } } } } fragment A on Author { name books { title } }"""
    assert data(engine, query, {"id": found["books"][0]["id"]})["node"] == {
        "__typename": "Book",
        "id": found["books"][0]["id"],
        "title": "Rocannon",
        "reviews": [{"stars": 5}, {"stars": 3}],
    }
    assert data(engine, query, {"id": to_global_id("Author", author.pk)})["node"]["name"] == "Ursula"
    line = data(engine, query, {"id": found["orderLines"][0]["id"]})["node"]
    assert line == {
        "__typename": "OrderLine", "id": found["orderLines"][0]["id"], "lineNumber": 1, "book": {"title": "Rocannon"},
    }  # fmt: skip


def test_nodes_keep_their_order_in_one_statement() -> None:
    shop = make_shop()
    engine = engine_of()
    ids = [
        to_global_id("Book", shop.books[1].pk),
        to_global_id("Author", shop.authors[1].pk),
        to_global_id("Book", 999999),
        to_global_id("Unknown", 1),
        to_global_id("OrderLine", (shop.order.pk, 1)),
        to_global_id("Book", shop.books[1].pk),
    ]
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Book { title } ... on Author { name } __typename } }"
    engine.execute(query, {"ids": []})

    with statements(1):
        found = data(engine, query, {"ids": ids})["nodes"]

    planet = {"title": "Planet", "__typename": "Book"}
    assert found == [
        planet,
        {"name": "Octavia", "__typename": "Author"},
        None,
        None,
        {"__typename": "OrderLine"},
        planet,
    ]
    assert data(engine, query, {"ids": []}) == {"nodes": []}
    assert {engine.explain(query, {"ids": some}).sql for some in (ids, ids[:1], [])} == {
        engine.explain(query, {"ids": ids}).sql
    }


@pytest.mark.parametrize("given", ["", "5", "Qm9vazo1=", "Qm9vazo1\n", "%%%", "Qm9v", "x" * 5000, "Qm9vazp4", "\x00"])
def test_what_is_no_id_is_refused(given: str) -> None:
    engine = engine_of()
    for query in (
        "query ($id: ID!) { node(id: $id) { id } }",
        "query ($id: ID!) { nodes(ids: [$id]) { id } }",
        "query ($id: ID!) { book(id: $id) { id } }",
        "query ($id: ID!) { books(where: {id: {in: [$id]}}) { id } }",
    ):
        error = refused(engine, query, {"id": given})
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["locations"]
        assert len(error["message"]) < 250


def test_id_of_another_type_is_refused_by_name() -> None:
    engine = engine_of()
    author = to_global_id("Author", 1)

    for query in (
        "query ($id: ID!) { book(id: $id) { id } }",
        "query ($id: ID!) { books(where: {id: {eq: $id}}) { id } }",
        "query ($id: ID!) { reviews(where: {book: {id: {neq: $id}}}) { id } }",
    ):
        error = refused(engine, query, {"id": author})
        assert f'"{author}" is an id of Author, must be one of Book.' in error["message"]


def test_conditions_and_arguments_take_global_ids() -> None:
    shop = make_shop()
    engine = engine_of()
    ids = [to_global_id("Book", book.pk) for book in shop.books]

    assert data(engine, "query ($id: ID!) { book(id: $id) { title } }", {"id": ids[2]})["book"] == {"title": "City"}
    query = "query ($ids: [ID!]!) { books(where: {id: {in: $ids}}, orderBy: {id: ASC}) { id } booksCount }"
    assert [row["id"] for row in data(engine, query, {"ids": ids[:2]})["books"]] == ids[:2]
    order = to_global_id("Order", shop.order.pk)
    query = "query ($id: ID!) { orderLine(orderId: $id, lineNumber: 1) { quantity order { id } } }"
    assert data(engine, query, {"id": order})["orderLine"]["order"]["id"] == order


def test_pages_are_walked_by_global_ids() -> None:
    make_shop()
    engine = engine_of()
    whole = data(engine, "{ booksConnection(orderBy: {id: DESC}) { edges { cursor node { id } } } }")[
        "booksConnection"
    ]["edges"]
    page = data(
        engine, f'{{ booksConnection(orderBy: {{id: DESC}}, after: "{whole[0]["cursor"]}") {{ nodes {{ id }} }} }}'
    )
    assert page["booksConnection"]["nodes"] == [edge["node"] for edge in whole[1:]]
    assert [from_global_id(edge["node"]["id"])[0] for edge in whole] == ["Book"] * 3


def test_mutations_from_models_take_and_return_global_ids() -> None:
    shop = make_shop()
    engine = engine_of()
    publisher = Publisher.objects.create(name="Gollancz", country="GB")
    mutation = """mutation ($id: ID!, $at: DateTime!, $p: ID!, $a: [ID!]!) {
        updateBook(id: $id, updatedAt: $at, input: {publisher: $p, authors: $a}) {
            __typename ... on UpdateBookSuccess { book { id publisher { id name } authors { id } } }
            ... on MutationError { message errors { field message } } } }"""
    book = shop.books[0]
    given = {
        "id": to_global_id("Book", book.pk), "at": book.updated_at.isoformat(),
        "p": to_global_id("Publisher", publisher.pk), "a": [to_global_id("Author", shop.authors[1].pk)],
    }  # fmt: skip

    found = data(engine, mutation, given)["updateBook"]

    assert found["book"] == {
        "id": given["id"],
        "publisher": {"id": given["p"], "name": "Gollancz"},
        "authors": [{"id": given["a"][0]}],
    }
    book.refresh_from_db()
    given["at"] = book.updated_at.isoformat()
    for name, wrong in (("id", given["p"]), ("id", str(book.pk)), ("p", given["id"]), ("a", [given["id"]])):
        answer = engine.execute(mutation, {**given, name: wrong}).json()
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT", answer


def test_deleted_rows_have_their_ids() -> None:
    shop = make_shop()
    engine, book = engine_of(), to_global_id("Book", shop.books[2].pk)
    mutation = "mutation ($id: ID!) { deleteBook(id: $id) { ... on DeleteBookSuccess { book { id title } } } }"

    assert data(engine, mutation, {"id": book})["deleteBook"] == {"book": {"id": book, "title": "City"}}
    assert data(engine, "query ($id: ID!) { node(id: $id) { id } }", {"id": book}) == {"node": None}


def test_node_is_a_condition_of_fragments() -> None:
    shop = make_shop()
    engine = engine_of()
    fragment = "fragment N on Node { key: id ... on Author { name } __typename }"
    query = f"{{ books(limit: 1) {{ ... on Node {{ id }} ...N }} }} {fragment}"
    key = to_global_id("Book", shop.books[2].pk)

    assert data(engine, query)["books"] == [{"id": key, "key": key, "__typename": "Book"}]


def test_keys_of_every_kind(populated: None) -> None:
    engine = engine_of(ZOO)
    for definition in engine.schema.types.values():
        if definition.is_node and definition.plural:
            rows = data(engine, f"{{ {definition.plural} {{ __typename id }} }}")[definition.plural]
            found = data(
                engine,
                "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
                {"ids": [row["id"] for row in rows]},
            )
            assert found["nodes"] == rows
            for row in rows[:3]:
                assert (
                    data(engine, "query ($id: ID!) { node(id: $id) { __typename id } }", {"id": row["id"]})["node"]
                    == row
                )


# --- rules and limits ---


def ask(engine: GraphQLEngine, query: str, variables: Any, user: Any = None) -> Any:
    return engine.execute(query, variables, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


def test_rules_hold_for_nodes() -> None:
    shop = make_shop()
    registry = Registry()

    @fraiseql.type(Order, fields=["number"], rows=lambda viewer: Q(customer__user=viewer.id), registry=registry)
    class OrderType:
        pass

    @fraiseql.type(Customer, fields=["name"], permission=fraiseql.requires_auth, registry=registry)
    class CustomerType:
        pass

    engine = engine_of(registry)
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [to_global_id("Order", shop.order.pk), to_global_id("Customer", shop.customer.pk)]
    ann = User.objects.get(username="ann")
    bob = User.objects.create(username="bob")

    assert [row and row["id"] for row in ask(engine, query, {"ids": ids}, ann)["data"]["nodes"]] == ids
    assert [row and row["id"] for row in ask(engine, query, {"ids": ids}, bob)["data"]["nodes"]] == [None, ids[1]]
    assert ask(engine, query, {"ids": ids})["data"]["nodes"] == [None, None]


def test_ids_are_limited_and_cost() -> None:
    engine = engine_of(max_rows=3)
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Book { title isbn } } }"
    error = refused(engine, query, {"ids": [to_global_id("Book", 1)] * 4})

    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert engine.explain(query, {"ids": [to_global_id("Book", 1)] * 3}).complexity == 1 + 3 * 2


# --- the schema ---


def test_without_the_setting_ids_are_keys() -> None:
    shop = make_shop()
    engine = GraphQLEngine(cache=None)

    key = str(shop.authors[0].pk)
    assert data(engine, f"{{ author(id: {key}) {{ id }} }}") == {"author": {"id": key}}
    assert "node" not in engine.schema.query.fields
    assert "Node" not in engine.schema.graphql.type_map


def test_types_without_an_id_get_one_and_another_field_of_that_name_is_refused() -> None:
    registry = Registry()

    @fraiseql.type(Book, fields=["title"], registry=registry)
    class BookType:
        pass

    graphql: Any = engine_of(registry).schema.graphql
    assert [str(graphql.type_map["Book"].fields[name].type) for name in ("id", "title")] == ["ID!", "String!"]
    assert [item.name for item in graphql.type_map["Book"].interfaces] == ["Node"]

    @fraiseql.type(Author, registry=registry)
    class AuthorType:
        other: fraiseql.auto = fraiseql.field(name="x")
        email: fraiseql.auto = fraiseql.field(name="id")

    with pytest.raises(DeclarationError):
        _ = engine_of(registry).schema


def test_root_fields_called_node_are_refused() -> None:
    registry = Registry()

    @fraiseql.type(Review, fields=["stars"], single="node", plural="reviews", registry=registry)
    class ReviewType:
        pass

    with pytest.raises(DeclarationError, match="node are the names of root fields and of Relay's"):
        _ = engine_of(registry).schema
