"""Connections: pages with cursors, what they show and cost, for whom, and how they are declared."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.test.utils import isolate_apps
from graphql import print_type

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Customer, Order, OrderLine, Publisher, Review
from fraiseql_django import DeclarationError, GraphQLEngine, Registry
from fraiseql_django.conf import get_settings
from tests.naive import assert_same_answer
from tests.sources import sql
from tests.support import data, limited, make_shop, refused, statements

FORMS = ["plural", "connection"]


def declared(model: Any, registry: Registry, fields: Any, **options: Any) -> Any:
    name = f"{model.__name__}Type"
    return fraiseql.type(model, fields=fields, registry=registry, **options)(type(name, (), {"__module__": __name__}))


# --- what a page has ---


@pytest.mark.parametrize(
    "query",
    [
        "{ booksConnection { totalCount } }",
        "{ booksConnection { nodes { id } } }",
        "{ booksConnection(first: 3) { nodes { id } edges { node { title authors { name } } } totalCount } }",
        "{ booksConnection(last: 3, orderBy: {price: DESC}) { nodes { id } edges { node { title } } } }",
        "{ booksConnection(first: 0) { nodes { id } pageInfo { hasNextPage hasPreviousPage } totalCount } }",
        "{ booksConnection(last: 0) { edges { node { id } } pageInfo { hasNextPage hasPreviousPage } } }",
        "{ booksConnection(first: 1000) { pageInfo { hasNextPage hasPreviousPage } } }",
        "{ booksConnection(first: null, last: 2, after: null) { pageInfo { hasPreviousPage } nodes { id } } }",
        '{ booksConnection(where: {title: {eq: "none"}}) { nodes { id } totalCount pageInfo { hasNextPage } } }',
        "{ booksConnection(where: {OR: []}, first: 2) { edges { node { id } } totalCount pageInfo { hasNextPage } } }",
        "{ __typename booksConnection { __typename edges { __typename } pageInfo { __typename } } }",
        "{ a: booksConnection(first: 1) { b: nodes { c: id } d: nodes { e: title } f: edges { g: node { id } } } }",
        "{ books(limit: 3) { reviewsConnection(first: 1) { totalCount nodes { stars } pageInfo { hasNextPage } } } }",
        "{ books(limit: 3) { l: reviewsConnection(last: 1) { nodes { book { reviewsConnection { totalCount } } } } } }",
        "{ ...A ...B } fragment A on Query { booksConnection(first: 2) { ...N nodes { title } } }"
        "fragment B on Query { booksConnection(first: 2) { edges { node { isbn } } nodes { price } } }"
        "fragment N on BookConnection { nodes { id } edges { ... on BookEdge { node { id } } } }",
        "query ($n: Boolean = false) { booksConnection(first: 2) { totalCount @include(if: $n) nodes @skip(if: $n) {id}"
        " edges { node @include(if: $n) { id } __typename } pageInfo @include(if: $n) { hasNextPage } } }",
    ],
)
def test_page_is_a_slice_of_the_list(books: GraphQLEngine, query: str) -> None:
    assert_same_answer(books, query)


@pytest.mark.django_db
def test_ends_and_cursors_of_a_page() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    selected = "{ edges { cursor node { title } } pageInfo { startCursor endCursor } }"
    whole = data(engine, f"{{ booksConnection {selected} }}")["booksConnection"]
    cursors = [edge["cursor"] for edge in whole["edges"]]

    assert [edge["node"]["title"] for edge in whole["edges"]] == ["City", "Planet", "Rocannon"]
    assert whole["pageInfo"] == {"startCursor": cursors[0], "endCursor": cursors[2]}
    last = data(engine, f"{{ booksConnection(last: 2) {selected} }}")["booksConnection"]
    assert last["edges"] == whole["edges"][1:]
    assert last["pageInfo"] == {"startCursor": cursors[1], "endCursor": cursors[2]}
    none = data(engine, f"{{ booksConnection(first: 0) {selected} }}")["booksConnection"]
    assert none == {"edges": [], "pageInfo": {"startCursor": None, "endCursor": None}}
    only = data(engine, "{ booksConnection(first: 1) { pageInfo { endCursor } edges { cursor } } }")["booksConnection"]
    assert only == {"pageInfo": {"endCursor": cursors[0]}, "edges": [{"cursor": cursors[0]}]}


@pytest.mark.django_db
def test_what_lies_beyond_a_cursor_is_told_truly() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    edges = data(engine, "{ booksConnection { edges { cursor } } }")["booksConnection"]["edges"]
    query = "query ($c: String) {{ booksConnection({}: $c) {{ pageInfo {{ hasNextPage hasPreviousPage }} }} }}"

    def beyond(argument: str) -> Any:
        found = data(engine, query.format(argument), {"c": edges[1]["cursor"]})["booksConnection"]["pageInfo"]
        return found["hasPreviousPage"], found["hasNextPage"]

    assert (beyond("after"), beyond("before")) == ((True, False), (False, True))
    Book.objects.filter(title__in=["City", "Planet"]).delete()
    # the rows before the cursor are gone, and so is its own
    assert (beyond("after"), beyond("before")) == ((False, False), (False, True))


# --- the statement ---


@pytest.mark.django_db
def test_total_count_alone_reads_no_rows_and_is_counted_only_when_selected() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)

    alone = engine.explain("{ booksConnection(first: 2) { totalCount } }").sql
    assert "to_json" not in alone
    assert "LIMIT" not in alone
    assert "count(*)::text" not in engine.explain("{ booksConnection(first: 2) { nodes { id } } }").sql
    with statements(1):
        data(engine, "{ booksConnection(first: 2) { totalCount edges { cursor node { title } } } }")


def test_only_what_is_selected_is_made(books: GraphQLEngine) -> None:
    only_page = books.explain("{ booksConnection(first: 2) { pageInfo { hasNextPage } } }").sql
    assert "string_agg" not in only_page
    assert "json_build_array" not in only_page
    assert "json_build_array" not in books.explain("{ booksConnection(first: 2) { nodes { id } } }").sql
    nothing = books.explain("{ booksConnection { pageInfo { hasPreviousPage } __typename } }").sql
    assert "bookshop_book" not in nothing
    # one evaluation for each row, whatever is made of it
    sql = books.explain(
        "{ booksConnection { edges { node { title } } a: edges { cursor } pageInfo { endCursor } } }"
    ).sql
    assert sql.count('to_json("bookshop_book"."title")') == sql.count("json_build_array") == 1


def scans(plan: Any) -> list[dict[str, Any]]:
    own = [plan] if "Index Cond" in plan or "Seq Scan" in plan["Node Type"] else []
    return own + [found for part in plan.get("Plans", ()) for found in scans(part)]


def explained(engine: GraphQLEngine, query: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    found = engine.explain(query, variables)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + found.sql, found.params)
        ((plan,),) = cursor.fetchall()
    return scans((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "index"),
    [
        ("{title: ASC}", "title"),
        ("{title: DESC}", "title"),
        ("{price: DESC}", "price"),
        ("{isbn: ASC}", "isbn"),
        ("{id: DESC}", "id"),
    ],
)
@pytest.mark.parametrize(("size", "side"), [("first", "after"), ("last", "before")])
def test_page_is_a_range_of_an_index(bookshop: Any, order: str, index: str, size: str, side: str) -> None:
    engine = GraphQLEngine(cache=None)
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX by_title ON bookshop_book (title, id)")
        cursor.execute("CREATE INDEX by_price ON bookshop_book (price, id)")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("ANALYZE bookshop_book")
    page = data(engine, f"{{ booksConnection(first: 20, orderBy: {order}) {{ pageInfo {{ endCursor }} }} }}")
    query = f"query ($c: String) {{ booksConnection({size}: 10, {side}: $c, orderBy: {order}) {{ nodes {{ id }} }} }}"

    (found,) = explained(engine, query, {"c": page["booksConnection"]["pageInfo"]["endCursor"]})

    assert index in found["Index Cond"]


# --- bad input ---


def test_first_and_last_exclude_each_other(books: GraphQLEngine) -> None:
    error = refused(books, "query ($n: Int) { booksConnection(first: 1, last: $n) { totalCount } }", {"n": 2})

    assert error["message"] == "A page has either first or last, not both."
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["locations"] == [{"line": 1, "column": 42}, {"line": 1, "column": 51}]


@pytest.mark.parametrize("argument", ["first", "last"])
def test_negative_and_huge_pages_are_refused(argument: str) -> None:
    engine = limited(max_rows=100)
    for nested in ("{}", "{{ books(limit: 1) {{ reviewsConnection({}) {{ nodes {{ id }} }} }} }}"):
        query = "{{ booksConnection({}) {{ nodes {{ id }} }} }}" if nested == "{}" else nested
        error = refused(engine, query.format(f"{argument}: -1"))
        assert error["message"] == f"{argument}: -1 is less than 0."
        assert error["locations"]
        error = refused(engine, query.format(f"{argument}: 101"))
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert error["locations"]
    variable = f"query ($n: Int!) {{ booksConnection({argument}: $n) {{ nodes {{ id }} }} }}"
    assert refused(engine, variable, {"n": 2**31 - 1})["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert refused(engine, variable, {"n": -5})["message"] == f"{argument}: -5 is less than 0."


@pytest.mark.django_db
def test_no_page_passes_the_most_rows() -> None:
    make_shop()
    engine = limited(max_rows=2)
    selected = "{ nodes { title } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount }"

    page = data(engine, f"{{ booksConnection {selected} }}")["booksConnection"]
    assert [row["title"] for row in page["nodes"]] == ["City", "Planet"]
    assert (page["pageInfo"]["hasNextPage"], page["totalCount"]) == (True, 3)
    cursor = page["pageInfo"]["endCursor"]
    rest = data(engine, f'{{ booksConnection(after: "{cursor}") {selected} }}')["booksConnection"]
    assert [row["title"] for row in rest["nodes"]] == ["Rocannon"]
    # and the default is that of lists
    assert (
        len(data(limited(max_rows=2, default_rows=1), f"{{ booksConnection {selected} }}")["booksConnection"]["nodes"])
        == 1
    )


def test_rows_and_the_extra_one_are_counted(books: GraphQLEngine) -> None:
    def cost(query: str, variables: dict[str, Any] | None = None) -> float:
        return books.explain(query, variables).complexity

    assert cost("{ booksConnection(first: 10) { nodes { title isbn } } }") == 1 + 1 + 11 * 2
    both = "{ booksConnection(first: 10) { nodes { __typename } edges { node { title isbn } } } }"
    assert cost(both) == 1 + (1 + 11) + (1 + 11 * 3)
    assert cost("{ booksConnection(last: 10) { edges { cursor } pageInfo { endCursor } } }") == 1 + (1 + 11) + 2
    assert cost("{ booksConnection(first: 10) { pageInfo { endCursor } } }") == 1 + 1 + 11
    assert cost("{ booksConnection(first: 10) { totalCount } }") == 2
    query = "query ($n: Int) { booksConnection(first: $n) { nodes { title } } }"
    assert [cost(query, {"n": n}) for n in (0, 1, 5)] == [3, 4, 8]
    nested = "{ books(limit: 10) { reviewsConnection(first: 4) { nodes { stars } } } }"
    assert cost(nested) == 1 + 10 * (1 + 1 + 5)


def test_many_boundaries_are_limited() -> None:
    engine = limited(planning=5000)
    fields = " ".join(f'a{n}: booksConnection(after: "x") {{ nodes {{ id }} }}' for n in range(100))
    assert refused(engine, f"{{ {fields} }}")["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.mark.django_db
def test_conditions_count_once_for_each_query_that_has_them() -> None:
    given = '(where: {title: {gte: "a"}, isbn: {gte: "a"}}, orderBy: [{price: ASC}])'
    page = f"booksConnection{given} {{ nodes {{ id }} }}"
    both = f"booksConnection{given} {{ nodes {{ id }} totalCount }}"

    assert "errors" not in limited(conditions=3).execute(f"{{ {page} }}").json()
    assert refused(limited(conditions=5), f"{{ {both} }}")["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "errors" not in limited(conditions=6).execute(f"{{ {both} }}").json()


# --- for whom ---


def ask(engine: GraphQLEngine, query: str, user: Any = None) -> Any:
    return engine.execute(query, request=SimpleNamespace(user=user)).json()  # type: ignore[arg-type]


@pytest.fixture
def ruled(db: None) -> GraphQLEngine:
    """Make an engine in which customers see their own orders, and reviews are for those who are signed in."""
    make_shop()
    bob = Customer.objects.create(user=User.objects.create(username="bob"), name="Bob")
    Order.objects.create(customer=bob, number="2")
    registry = Registry()
    forms = {"queries": FORMS, "lists": FORMS}
    declared(Customer, registry, ["name", "orders"], **forms)
    declared(Order, registry, ["number"], rows=lambda viewer: Q(customer__user=viewer.id), **forms)
    declared(Review, registry, ["stars"], permission=fraiseql.requires_auth, mask=True, **forms)
    declared(Book, registry, ["title", "reviews"], queries=FORMS)
    declared(Author, registry, ["name"], queries={"plural": lambda viewer: True, "connection": fraiseql.requires_auth})
    return GraphQLEngine(registry=registry, cache=None)


def test_hidden_rows_are_on_no_page(ruled: GraphQLEngine) -> None:
    page = "{ totalCount nodes { number } pageInfo { hasNextPage } }"
    query = f"{{ ordersConnection(first: 1) {page} customers(orderBy: {{name: ASC}}) {{ ordersConnection {page} }} }}"
    one = {"totalCount": 1, "nodes": [{"number": "1"}], "pageInfo": {"hasNextPage": False}}
    none = {"totalCount": 0, "nodes": [], "pageInfo": {"hasNextPage": False}}

    assert ask(ruled, query, User.objects.get(username="ann"))["data"] == {
        "ordersConnection": one,
        "customers": [{"ordersConnection": one}, {"ordersConnection": none}],
    }
    assert ask(ruled, query)["data"]["ordersConnection"] == none


def test_a_cursor_of_another_viewer_shows_nothing_more(ruled: GraphQLEngine) -> None:
    ann, bob = (User.objects.get(username=name) for name in ("ann", "bob"))
    found = ask(ruled, "{ ordersConnection { edges { cursor } } }", ann)["data"]["ordersConnection"]["edges"]
    (cursor,) = (edge["cursor"] for edge in found)

    selected = "{ nodes { number } pageInfo { hasNextPage hasPreviousPage } totalCount }"
    for argument in ("after", "before"):
        page = ask(ruled, f'{{ ordersConnection({argument}: "{cursor}") {selected} }}', bob)["data"]["ordersConnection"]
        assert page["totalCount"] == 1
        assert [row["number"] for row in page["nodes"]] in ([], ["2"])
        assert not (page["pageInfo"]["hasNextPage"] and page["pageInfo"]["hasPreviousPage"])


def test_order_of_hidden_rows_has_places(db: None) -> None:
    shop = make_shop()
    for number, book in enumerate(shop.books):
        book.publisher = Publisher.objects.create(name=f"P{number}", country="US" if number else "GB")
        book.save()
    registry = Registry()
    declared(Publisher, registry, ["name"], rows=lambda viewer: Q(country="US"))
    declared(Book, registry, ["title", "publisher"], queries=FORMS)
    engine = GraphQLEngine(registry=registry, cache=None)

    for direction in ("ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"):
        given = f"orderBy: [{{publisher: {{name: {direction}}}}}, {{title: DESC}}]"
        wanted = [row["title"] for row in data(engine, f"{{ books({given}) {{ title }} }}")["books"]]
        edges = data(engine, f"{{ booksConnection({given}) {{ edges {{ cursor }} }} }}")["booksConnection"]["edges"]
        for index, edge in enumerate(edges):
            for side, rest in (("after", wanted[index + 1 :]), ("before", wanted[:index])):
                query = f'{{ booksConnection({given}, {side}: "{edge["cursor"]}") {{ nodes {{ title }} }} }}'
                assert [row["title"] for row in data(engine, query)["booksConnection"]["nodes"]] == rest


def test_masked_connections_are_empty_and_others_refused(ruled: GraphQLEngine) -> None:
    query = """{ reviewsConnection { a: totalCount ...F edges { cursor node { stars } }
        p: pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor } __typename } }
        fragment F on ReviewConnection { nodes { stars } }"""
    assert ask(ruled, query)["data"]["reviewsConnection"] == {
        "a": 0,
        "nodes": [],
        "edges": [],
        "p": {
            "__typename": "PageInfo",
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "__typename": "ReviewConnection",
    }
    assert ask(ruled, "{ booksConnection(first: 1) { nodes { reviewsConnection { totalCount } } } }")["data"] == {
        "booksConnection": {"nodes": [{"reviewsConnection": {"totalCount": 0}}]}
    }
    error = ask(ruled, "{ authorsConnection { totalCount } }")["errors"][0]
    assert error["message"] == "Sign in to use authorsConnection."
    assert ask(ruled, "{ authors { name } }")["data"]


def test_order_by_what_the_viewer_may_not_see_is_refused() -> None:
    registry = Registry()

    @fraiseql.type(Book, queries=["connection"], registry=registry)
    class BookType:
        id: fraiseql.auto
        price: fraiseql.auto = fraiseql.field(permission=fraiseql.requires_auth, mask=True)

    engine = GraphQLEngine(registry=registry, cache=None)
    error = refused(engine, "{ books(orderBy: {price: ASC}) { edges { cursor } } }")
    assert error["message"] == "Sign in to use Book.price."


# --- other rows ---


@pytest.mark.django_db
def test_connections_in_what_mutations_return() -> None:
    shop = make_shop()
    page = "{ totalCount edges { cursor node { stars } } pageInfo { hasNextPage endCursor } }"
    query = (
        f'mutation {{ renameBook(id: {shop.books[0].pk}, title: "T") {{ title reviewsConnection(first: 1) {page} }} }}'
    )

    engine = GraphQLEngine(cache=None)
    answer = data(engine, query)["renameBook"]["reviewsConnection"]

    expected = data(engine, f"{{ book(id: {shop.books[0].pk}) {{ reviewsConnection(first: 1) {page} }} }}")
    assert answer == expected["book"]["reviewsConnection"]
    assert (answer["totalCount"], answer["pageInfo"]["hasNextPage"]) == (2, True)


@pytest.mark.django_db
def test_views_have_connections() -> None:
    make_shop()
    sql.create()
    registry = Registry()

    @fraiseql.type(sql_source="v_book_card", jsonb_column="data", queries=["connection"], registry=registry)
    class Card:
        id: fraiseql.ID
        title: str
        stars: float | None
        reviews: list[str] | None = fraiseql.field(column="none")

    engine = GraphQLEngine(registry=registry, cache=None)
    for order in ("[]", "{title: DESC}", "{stars: ASC_NULLS_FIRST}", "[{stars: DESC}, {title: ASC}]"):
        whole = data(engine, f"{{ cards(orderBy: {order}) {{ edges {{ cursor node {{ id title }} }} }} }}")["cards"][
            "edges"
        ]
        assert len(whole) == 3
        for index, edge in enumerate(whole):
            after = data(engine, f'{{ cards(orderBy: {order}, after: "{edge["cursor"]}") {{ nodes {{ id title }} }} }}')
            assert after["cards"]["nodes"] == [other["node"] for other in whole[index + 1 :]]


@pytest.mark.django_db
def test_composite_keys_end_the_order() -> None:
    shop = make_shop()
    for number in (2, 3, 4):
        OrderLine.objects.create(order=shop.order, line_number=number, book=shop.books[0], unit_price=1)
    registry = Registry()
    declared(OrderLine, registry, ["line_number", "quantity"], queries=FORMS)
    engine = GraphQLEngine(registry=registry, cache=None)
    found, cursor = [], None
    for _ in range(4):
        given = "(first: 1, after: $c, orderBy: {quantity: ASC})"
        selected = "{ nodes { lineNumber } pageInfo { endCursor } }"
        query = f"query ($c: String) {{ orderLinesConnection{given} {selected} }}"
        page = data(engine, query, {"c": cursor})["orderLinesConnection"]
        found += [row["lineNumber"] for row in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
    assert found == [1, 2, 3, 4]


# --- how they are declared ---


def test_names_of_connections() -> None:
    registry = Registry()
    declared(Book, registry, ["title", "reviews"], queries=["single", "connection"])
    declared(Review, registry, ["stars"], queries=FORMS, lists=["connection"])
    schema = GraphQLEngine(registry=registry, cache=None).schema.graphql

    assert list(schema.query_type.fields) == ["book", "books", "reviews", "reviewsConnection", "reviewsCount"]
    assert str(schema.query_type.fields["books"].type) == "BookConnection!"
    assert str(schema.type_map["Book"].fields["reviews"].type) == "ReviewConnection!"
    assert print_type(schema.type_map["BookEdge"]).count("\n") > 3
    assert list(schema.query_type.fields["books"].args) == ["where", "orderBy", "first", "after", "last", "before"]


def test_names_without_camel_case() -> None:
    engine = GraphQLEngine(settings=replace(get_settings(), camel_case=False), cache=None)
    types: Any = engine.schema.graphql.type_map

    assert "books_connection" in types["Query"].fields
    assert "reviews_connection" in types["Book"].fields
    assert list(types["ReviewConnection"].fields) == ["edges", "nodes", "pageInfo", "totalCount"]


@pytest.mark.django_db
def test_connection_in_place_of_a_list_is_searched_like_it() -> None:
    make_shop()
    registry = Registry()
    declared(Book, registry, ["title", "reviews"], queries=["connection"])
    declared(Review, registry, ["stars"], queries=[], lists=["connection"])
    engine = GraphQLEngine(registry=registry, cache=None)

    for condition, titles in (
        ("{reviews: {some: {stars: {gte: 4}}}}", ["Rocannon"]),
        ("{reviews: {none: {}}}", ["City", "Planet"]),
        ("{NOT: {reviews: {every: {stars: {gte: 4}}}}}", ["Rocannon"]),
    ):
        found = data(engine, f"{{ books(where: {condition}) {{ nodes {{ title }} }} }}")["books"]["nodes"]
        assert [row["title"] for row in found] == titles


def problems(registry: Registry) -> str:
    with pytest.raises(DeclarationError) as error:
        _ = GraphQLEngine(registry=registry, cache=None).schema
    return str(error.value)


@isolate_apps("tests.zoo")
def test_orders_that_have_no_places_are_refused() -> None:
    class Shuffled(Book):
        class Meta:
            proxy = True
            app_label = "zoo"
            ordering = ("?",)

    registry = Registry()
    declared(Shuffled, registry, ["title"], queries=["connection"])

    @fraiseql.type(sql_source="v_book_card", queries=["connection"], registry=registry)
    class Keyless:
        title: str

    found = problems(registry)
    assert "Shuffled cannot have the form 'connection': its order is random" in found
    assert "Keyless cannot have the form 'connection': a connection needs what tells rows apart" in found


def test_name_of_a_connection_may_be_taken() -> None:
    registry = Registry()
    declared(Book, registry, ["title"], queries=["connection"])
    declared(Author, registry, ["name"], name="BookConnection")

    assert "Query.books needs a type called 'BookConnection', which is declared" in problems(registry)


def test_unknown_forms_are_refused() -> None:
    with pytest.raises(DeclarationError, match="must be a list of: 'single', 'plural', 'connection'"):
        declared(Book, Registry(), ["title"], queries=["connections"])
