"""What the example declares: its types, its mutations, and the operation that the demo shows."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from example_project.bookshop import showcase
from example_project.bookshop.models import Author, Book, Order, OrderLine, Review, ReviewStatus
from example_project.bookshop.seed import Sizes
from example_project.settings import BASE_DIR
from fraiseql_django import GraphQLEngine, get_engine
from fraiseql_django.sql.readable import readable
from tests.http.requests import post
from tests.support import Shop, is_hit, make_engine, make_shop


@pytest.fixture
def engine() -> Iterator[GraphQLEngine]:
    """Return the project's engine, its cache of answers empty."""
    engine = get_engine()
    assert engine.cache is not None
    engine.cache.clear()
    yield engine
    engine.cache.clear()


def ask(engine: GraphQLEngine, query: str, **variables: Any) -> Any:
    """Return the data of an answer that has no errors."""
    response = engine.execute(query, variables)
    assert not response.errors
    return response.json()["data"]


def test_every_type_of_the_shop_can_be_read_in_one_operation(bookshop: Sizes, engine: GraphQLEngine) -> None:
    query = """{
        authors(limit: 1) { name born bookCount books { id } }
        publishers(limit: 1) { name country founded books(limit: 1) { title } }
        categories(limit: 1) { name slug parent { name } children { name } }
        books(limit: 1) {
            id title isbn format condition price taxRate priceWithTax published inPrint pages weight
            readingTime attributes tags cover { name url } createdAt updatedAt reviewCount averageStars
            authors { name } publisher { name } category { name } reviews { stars }
            orderLines { quantity }
        }
        customers(limit: 1) { uuid name newsletter loyaltyPoints user { username } orders { number } }
        reviews(limit: 1) { stars headline text status createdAt book { title } customer { name } }
        orders(limit: 1) { number status placedAt shippedAt note lines { lineNumber unitPrice book { title } } }
    }"""

    with CaptureQueriesContext(connection) as statements:
        data = ask(engine, query)

    assert len(statements) == 1
    assert all(len(rows) == 1 for rows in data.values())


def test_users_show_their_name_only(engine: GraphQLEngine) -> None:
    data = ask(engine, '{ __type(name: "User") { fields { name } } }')

    assert [field["name"] for field in data["__type"]["fields"]] == ["id", "username"]


def test_customers_do_not_show_their_birthday(engine: GraphQLEngine) -> None:
    data = ask(engine, '{ __type(name: "Customer") { fields { name } } }')

    assert "birthday" not in [field["name"] for field in data["__type"]["fields"]]


def test_users_can_be_reached_through_customers_only(engine: GraphQLEngine) -> None:
    data = ask(engine, "{ __schema { queryType { fields { name } } } }")

    names = {field["name"] for field in data["__schema"]["queryType"]["fields"]}
    assert {"book", "books", "customer", "customers"} <= names
    assert not {"user", "users"} & names


def rows() -> dict[str, list[Any]]:
    """Return all rows of the bookshop's tables."""
    models = apps.get_app_config("bookshop").get_models(include_auto_created=True)
    return {model.__name__: sorted(map(repr, model._base_manager.values_list())) for model in models}


@pytest.fixture
def shop(db: None) -> Shop:
    """Make a shop of three books."""
    return make_shop()


# --- model mutations ---

REFUSED = "... on MutationError { message code errors { code identifier message field } }"
CREATE = f"""
mutation ($input: CreateBookInput!) {{
  createBook(input: $input) {{
    __typename
    ... on CreateBookSuccess {{ book {{ title isbn price format publisher {{ name }} authors {{ name }} }} }}
    {REFUSED}
  }}
}}
"""
UPDATE = f"""
mutation ($id: ID!, $updatedAt: DateTime!, $input: UpdateBookInput!) {{
  updateBook(id: $id, updatedAt: $updatedAt, input: $input) {{
    __typename
    ... on UpdateBookSuccess {{ book {{ title price authors {{ name }} }} }}
    {REFUSED}
  }}
}}
"""
DELETE = f"""
mutation ($id: ID!) {{
  deleteBook(id: $id) {{ __typename ... on DeleteBookSuccess {{ book {{ title authors {{ name }} }} }} {REFUSED} }}
}}
"""


def new_book(shop: Shop, **given: Any) -> dict[str, Any]:
    return {"title": "Malafrena", "isbn": "9780399124105", "price": "9.90", "publisher": shop.publisher.pk, **given}


def refusal(field: str | None, identifier: str, message: str, code: int = 422) -> dict[str, Any]:
    """Return the answer that says one thing is wrong."""
    error = {"code": code, "identifier": identifier, "message": message, "field": field}
    return {"__typename": "MutationError", "message": message, "code": code, "errors": [error]}


def test_create_book_creates_it_with_its_authors(shop: Shop, engine: GraphQLEngine) -> None:
    authors = {"connect": [shop.authors[0].pk], "create": [{"name": "Joanna", "born": "1937-02-22"}]}

    answer = ask(engine, CREATE, input=new_book(shop, authors=authors, format="E_BOOK"))

    assert answer["createBook"] == {
        "__typename": "CreateBookSuccess",
        "book": {
            "title": "Malafrena",
            "isbn": "9780399124105",
            "price": "9.90",
            "format": "E_BOOK",
            "publisher": {"name": "Ace"},
            "authors": [{"name": "Joanna"}, {"name": "Ursula"}],
        },
    }
    book = Book.objects.get(isbn="9780399124105")
    assert (book.title, book.price, book.format, book.in_print) == ("Malafrena", Decimal("9.90"), "e-book", True)
    assert set(book.authors.values_list("name", flat=True)) == {"Joanna", "Ursula"}


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (
            {"title": "x" * 201},
            refusal("title", "max_length", "Ensure this value has at most 200 characters (it has 201)."),
        ),
        ({"title": ""}, refusal("title", "blank", "This field cannot be blank.")),
        ({"isbn": "9780000000000"}, refusal("isbn", "unique", "Book with this ISBN already exists.")),
        ({"price": "-1"}, refusal("price", "min_value", "Ensure this value is greater than or equal to 0.")),
        (
            {"publisher": "0"},
            refusal("publisher", "not_found", "publisher instance with id '0' is not a valid choice.", 404),
        ),
        (
            {"authors": {"create": [{"name": ""}]}},
            refusal("authors.create.0.name", "blank", "This field cannot be blank."),
        ),
    ],
)
def test_create_book_says_what_is_wrong(
    shop: Shop, engine: GraphQLEngine, given: dict[str, Any], refused: dict[str, Any]
) -> None:
    before = rows()

    assert ask(engine, CREATE, input=new_book(shop, **given)) == {"createBook": refused}
    assert rows() == before


def updating(book: Book, **given: Any) -> dict[str, Any]:
    return {"id": str(book.pk), "updatedAt": book.updated_at.isoformat(), "input": given}


def test_update_book_changes_what_is_given(shop: Shop, engine: GraphQLEngine) -> None:
    variables = updating(shop.books[0], title="Rocannon's World", authors=[shop.authors[1].pk])

    assert ask(engine, UPDATE, **variables)["updateBook"] == {
        "__typename": "UpdateBookSuccess",
        "book": {"title": "Rocannon's World", "price": "10.00", "authors": [{"name": "Octavia"}]},
    }
    book = Book.objects.get(pk=shop.books[0].pk)
    assert (book.title, book.isbn) == ("Rocannon's World", "9780000000000")
    assert list(book.authors.all()) == [shop.authors[1]]


def test_update_book_sees_that_another_was_faster(shop: Shop, engine: GraphQLEngine) -> None:
    variables = updating(shop.books[0], price="1.00")
    shop.books[0].save()
    before = rows()

    assert ask(engine, UPDATE, **variables)["updateBook"] == refusal(
        "updatedAt", "stale", "This object has been changed since you read it.", 409
    )
    assert rows() == before


def test_update_book_refuses_the_isbn_of_another(shop: Shop, engine: GraphQLEngine) -> None:
    before = rows()

    assert ask(engine, UPDATE, **updating(shop.books[0], isbn=shop.books[1].isbn))["updateBook"] == refusal(
        "isbn", "unique", "Book with this ISBN already exists."
    )
    assert rows() == before


def test_delete_book_answers_what_was_there(shop: Shop, engine: GraphQLEngine) -> None:
    answer = ask(engine, DELETE, id=str(shop.books[1].pk))

    assert answer["deleteBook"] == {
        "__typename": "DeleteBookSuccess",
        "book": {"title": "Planet", "authors": [{"name": "Ursula"}]},
    }
    assert set(Book.objects.values_list("title", flat=True)) == {"Rocannon", "City"}


def test_delete_book_refuses_one_that_was_ordered(shop: Shop, engine: GraphQLEngine) -> None:
    before = rows()

    assert ask(engine, DELETE, id=str(shop.books[0].pk))["deleteBook"] == refusal(
        None, "protected", "This cannot be deleted, since it is still referred to by: 1 order line.", 409
    )
    assert rows() == before


# --- Python ---


def test_rename_book_renames_the_book(bookshop: Sizes, engine: GraphQLEngine) -> None:
    query = "mutation($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { id title } }"

    data = ask(engine, query, id="7", title="The Renamed")

    assert data == {"renameBook": {"id": "7", "title": "The Renamed"}}
    assert Book.objects.get(pk=7).title == "The Renamed"


@pytest.mark.parametrize(("id", "title"), [("7", ""), ("7", "x" * 201), ("0", "No such book")])
def test_rename_book_refuses_what_the_model_refuses(
    bookshop: Sizes, engine: GraphQLEngine, id: str, title: str
) -> None:
    query = "mutation($id: ID!, $title: String!) { renameBook(id: $id, title: $title) { title } }"
    before = set(Book.objects.values_list("pk", "title"))

    response = engine.execute(query, {"id": id, "title": title})

    assert response.errors
    assert set(Book.objects.values_list("pk", "title")) == before


MODERATE = """
mutation ($id: ID!, $status: ReviewStatus!) {
  moderateReview(id: $id, status: $status) {
    __typename
    ... on Review { status book { title } }
    ... on ModerationError { code message review { headline } }
  }
}
"""


def test_moderate_review_sets_the_status(shop: Shop, engine: GraphQLEngine) -> None:
    answer = ask(engine, MODERATE, id=str(shop.reviews[0].pk), status="REJECTED")

    assert answer == {"moderateReview": {"__typename": "Review", "status": "REJECTED", "book": {"title": "Rocannon"}}}
    assert list(Review.objects.order_by("pk").values_list("status", flat=True)) == ["rejected", "pending"]


@pytest.mark.parametrize("status", ["APPROVED", "PENDING"])
def test_moderate_review_leaves_a_rejected_one_rejected(shop: Shop, engine: GraphQLEngine, status: str) -> None:
    review = shop.reviews[0]
    Review.objects.filter(pk=review.pk).update(status=ReviewStatus.REJECTED)
    before = rows()

    assert ask(engine, MODERATE, id=str(review.pk), status=status)["moderateReview"] == {
        "__typename": "ModerationError",
        "code": 409,
        "message": "A rejected review stays rejected.",
        "review": {"headline": "!"},
    }
    assert rows() == before


@pytest.mark.parametrize("id", ["0", "x", "1" * 30])
def test_moderate_review_that_there_is_not(shop: Shop, engine: GraphQLEngine, id: str) -> None:
    assert ask(engine, MODERATE, id=id, status="APPROVED")["moderateReview"] == {
        "__typename": "ModerationError",
        "code": 404,
        "message": f"There is no review {id}.",
        "review": None,
    }


# --- a PostgreSQL function ---

ORDER = """
mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on PlaceOrderSuccess {
      status message points updatedFields
      order { status customer { name loyaltyPoints } lines { lineNumber quantity unitPrice book { title } } }
      cascade {
        updated { typename id operation } deleted { id } invalidations { queryName } metadata { affectedCount }
      }
    }
    ... on PlaceOrderError { status code message errors { code identifier message field } }
  }
}
"""


def an_order(shop: Shop, *lines: tuple[Any, int]) -> dict[str, Any]:
    given = [{"bookId": str(getattr(book, "pk", book)), "quantity": quantity} for book, quantity in lines]
    return {"customerId": str(shop.customer.pk), "lines": given}


def test_place_order_writes_order_lines_and_points(shop: Shop, engine: GraphQLEngine) -> None:
    answer = ask(engine, ORDER, input=an_order(shop, (shop.books[2], 2), (shop.books[0], 1)))["placeOrder"]

    order = Order.objects.latest("pk")
    assert answer == {
        "__typename": "PlaceOrderSuccess",
        "status": "created",
        "message": f"Order {order.number} is placed.",
        "points": "34",
        "updatedFields": ["customer", "number", "status", "placedAt", "lines"],
        "order": {
            "status": "NEW",
            "customer": {"name": "Ann", "loyaltyPoints": "34"},
            "lines": [
                {"lineNumber": 1, "quantity": 2, "unitPrice": "12.00", "book": {"title": "City"}},
                {"lineNumber": 2, "quantity": 1, "unitPrice": "10.00", "book": {"title": "Rocannon"}},
            ],
        },
        "cascade": {
            "updated": [{"typename": "Customer", "id": str(shop.customer.pk), "operation": "UPDATED"}],
            "deleted": [],
            "invalidations": [{"queryName": "orders"}],
            "metadata": {"affectedCount": 4},
        },
    }
    shop.customer.refresh_from_db()
    assert (order.customer, order.number, shop.customer.loyalty_points) == (shop.customer, f"B{order.pk:07}", 34)
    assert list(order.lines.values_list("line_number", "book_id", "quantity", "unit_price")) == [
        (1, shop.books[2].pk, 2, Decimal("12.00")),
        (2, shop.books[0].pk, 1, Decimal("10.00")),
    ]


def test_place_order_says_what_is_wrong_with_each_line(shop: Shop, engine: GraphQLEngine) -> None:
    Book.objects.filter(title="Planet").update(in_print=False)
    before = rows()

    answer = ask(engine, ORDER, input=an_order(shop, (shop.books[0], 1), (shop.books[1], 0), ("x", 1), ("0", 100)))

    assert answer["placeOrder"] == {
        "__typename": "PlaceOrderError",
        "status": "conflict:out_of_print",
        "code": 409,
        "message": "Planet is out of print.",
        "errors": [
            {"code": code, "identifier": identifier, "message": message, "field": field}
            for code, identifier, message, field in [
                (409, "out_of_print", "Planet is out of print.", "lines.1.bookId"),
                (422, "quantity", "One may order 1 to 99 copies.", "lines.1.quantity"),
                (404, "book", "There is no such book.", "lines.2.bookId"),
                (404, "book", "There is no such book.", "lines.3.bookId"),
                (422, "quantity", "One may order 1 to 99 copies.", "lines.3.quantity"),
            ]
        ],
    }
    assert rows() == before


@pytest.mark.parametrize(
    ("customer", "lines", "status", "code", "message"),
    [
        ("0", 1, "not_found:customer", 404, "There is no such customer."),
        ("x", 1, "not_found:customer", 404, "There is no such customer."),
        ("9" * 30, 1, "not_found:customer", 404, "There is no such customer."),
        (None, 0, "validation:lines", 422, "An order has 1 to 100 lines."),
        (None, 101, "validation:lines", 422, "An order has 1 to 100 lines."),
    ],
)
def test_place_order_refuses_unknown_customers_and_empty_or_endless_orders(
    shop: Shop, engine: GraphQLEngine, customer: str | None, lines: int, status: str, code: int, message: str
) -> None:
    given = an_order(shop, *[(shop.books[0], 1)] * lines)
    given["customerId"] = customer or given["customerId"]
    before = rows()

    assert ask(engine, ORDER, input=given)["placeOrder"] == {
        "__typename": "PlaceOrderError",
        "status": status,
        "code": code,
        "message": message,
        "errors": [{"code": code, "identifier": status.partition(":")[2], "message": message, "field": None}],
    }
    assert rows() == before


@pytest.mark.parametrize(
    "call",
    [
        "placeOrder(input: {customerId: 1}) { __typename }",
        "placeOrder(input: {customerId: 1, lines: [null]}) { __typename }",
        "placeOrder(input: {customerId: 1, lines: [{bookId: 1.5, quantity: 1}]}) { __typename }",
        'placeOrder(input: {customerId: 1, lines: [{bookId: 1, quantity: "2"}]}) { __typename }',
        "placeOrder(input: {customerId: 1, lines: [{bookId: 1, quantity: 3000000000}]}) { __typename }",
        "createBook(input: {title: 7}) { __typename }",
        'updateBook(id: 1, updatedAt: "yesterday", input: {}) { __typename }',
        "moderateReview(id: 1, status: BURNT) { __typename }",
    ],
)
def test_wrong_types_are_refused_before_anything_is_done(shop: Shop, engine: GraphQLEngine, call: str) -> None:
    before = rows()

    response = engine.execute(f"mutation {{ {call} }}")

    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert rows() == before


# --- a view ---


def test_migrations_hold_what_the_sql_files_say() -> None:
    said = StringIO()
    call_command("fraiseql_makemigrations", "bookshop", "--check", stdout=said)

    assert said.getvalue() == "No .sql file changed.\n"


CARDS = """
query ($where: BookCardWhere) {
  bookCards(where: $where, orderBy: [{title: ASC}]) {
    id isbn title price cover authors { id name } publisher { id name country } category stars reviewCount
    book { title }
  }
}
"""


def test_card_shows_a_book_in_one_statement(shop: Shop, engine: GraphQLEngine) -> None:
    Book.objects.filter(title="Rocannon").update(cover="covers/rocannon.jpg")
    Review.objects.filter(stars=3).update(status=ReviewStatus.APPROVED)
    shop.books[0].authors.add(shop.authors[1])

    with CaptureQueriesContext(connection) as statements:
        answer = ask(engine, CARDS, where={"price": {"lt": "11"}})

    assert len(statements) == 1
    assert answer["bookCards"] == [
        {
            "id": str(shop.books[0].pk),
            "isbn": "9780000000000",
            "title": "Rocannon",
            "price": "10.00",
            "cover": "covers/rocannon.jpg",
            "authors": [{"id": str(author.pk), "name": author.name} for author in reversed(shop.authors)],
            "publisher": {"id": str(shop.publisher.pk), "name": "Ace", "country": "US"},
            "category": "Novels",
            "stars": 3,
            "reviewCount": 1,
            "book": {"title": "Rocannon"},
        }
    ]


def test_card_of_a_book_of_which_little_is_known(shop: Shop, engine: GraphQLEngine) -> None:
    book = Book.objects.create(title="Z", isbn="1", publisher=shop.publisher, price=1)
    query = """query ($id: ID!) {
        book(id: $id) { card { title cover authors { name } category stars reviewCount book { title } } }
    }"""

    assert ask(engine, query, id=str(book.pk))["book"]["card"] == {
        "title": "Z",
        "cover": None,
        "authors": [],
        "category": None,
        "stars": None,
        "reviewCount": 0,
        "book": {"title": "Z"},
    }


def test_every_book_has_one_card_that_says_the_same(bookshop: Sizes, engine: GraphQLEngine) -> None:
    said = "title isbn price authors { name } publisher { name country }"
    answer = ask(engine, f"{{ books {{ {said} reviews(where: {{status: {{eq: APPROVED}}}}) {{ stars }} }} }}")["books"]
    cards = ask(engine, f"{{ bookCards(orderBy: [{{title: ASC}}]) {{ {said} reviewCount stars }} }}")["bookCards"]

    assert len(cards) == bookshop.books
    for book, card in zip(answer, cards, strict=True):
        stars = [review["stars"] for review in book.pop("reviews")]
        assert card.pop("reviewCount") == len(stars)
        average = card.pop("stars")
        assert average == (pytest.approx(sum(stars) / len(stars), abs=0.05) if stars else None)
        assert card == book


# --- the page ---

PAGE = (BASE_DIR / "docs" / "bookshop.md").read_text()
WAYS = PAGE[PAGE.index("## 3. ") : PAGE.index("## 7. ")]


def test_page_shows_the_code_of_the_bookshop() -> None:
    folder = BASE_DIR / "example_project" / "bookshop"
    code = "".join(path.read_text() for path in (folder / "graphql.py", *folder.glob("sql/*.sql")))
    shown = [
        part for block in re.findall(r"```(?:python|sql)\n(.*?)```", WAYS, re.DOTALL) for part in block.split("-- …\n")
    ]

    assert len(shown) > 9
    assert [part for part in shown if part not in code] == []


def test_page_shows_what_the_bookshop_answers(bookshop: Sizes, engine: GraphQLEngine) -> None:
    operation, answers = "", 0
    for language, block in re.findall(r"```(graphql|json)\n(.*?)```", WAYS, re.DOTALL):
        if language == "graphql":
            operation = block
        else:
            # the same operation once more, where no other stands between
            assert engine.execute(operation).json() == json.loads(block)
            answers += 1
    assert answers == 9


# --- all of them, by HTTP ---


def test_all_four_by_http(shop: Shop, client: Client) -> None:
    query = """
    mutation ($book: CreateBookInput!, $review: ID!, $order: PlaceOrderInput!) {
      createBook(input: $book) { ... on CreateBookSuccess { book { card { title authors { name } } } } }
      moderateReview(id: $review, status: APPROVED) { ... on Review { book { card { stars } } } }
      placeOrder(input: $order) { ... on PlaceOrderSuccess { points } ... on PlaceOrderError { message } }
    }
    """
    variables = {
        "book": new_book(shop, authors={"create": [{"name": "Joanna"}]}),
        "review": shop.reviews[0].pk,
        "order": an_order(shop, (shop.books[1], 3)),
    }

    response = post(client, {"query": query, "variables": variables})

    assert (response.status_code, response.json()) == (
        200,
        {
            "data": {
                "createBook": {"book": {"card": {"title": "Malafrena", "authors": [{"name": "Joanna"}]}}},
                "moderateReview": {"book": {"card": {"stars": 3}}},
                "placeOrder": {"points": "33"},
            }
        },
    )
    assert (Book.objects.count(), Author.objects.count(), OrderLine.objects.count()) == (4, 3, 2)


# --- and the cache ---

BOOKS = "{ books { title authors { name } } }"
CARD = "{ bookCards { title stars authors { name } } }"
ORDERS = "{ orders { number lines { quantity } } }"
POINTS = "{ customers { name loyaltyPoints } }"
SHELVES = "{ categories { name } }"
CALLS = {
    "update": lambda shop: (UPDATE, updating(shop.books[0], title="Rocannon's World")),
    "create": lambda shop: (CREATE, {"input": new_book(shop)}),
    "delete": lambda shop: (DELETE, {"id": str(shop.books[1].pk)}),
    "moderate": lambda shop: (MODERATE, {"id": str(shop.reviews[0].pk), "status": "APPROVED"}),
    "order": lambda shop: (ORDER, {"input": an_order(shop, (shop.books[0], 1))}),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("call", "dropped", "kept"),
    [
        ("update", [BOOKS, CARD], [ORDERS, POINTS, SHELVES]),
        ("create", [BOOKS, CARD], [ORDERS, POINTS, SHELVES]),
        ("delete", [BOOKS, CARD], [POINTS, SHELVES]),
        ("moderate", [CARD], [BOOKS, ORDERS, POINTS, SHELVES]),
        ("order", [ORDERS, POINTS], [BOOKS, CARD, SHELVES]),
    ],
)
def test_answers_that_changed_are_dropped_and_no_others(
    cache_alias: str, call: str, dropped: list[str], kept: list[str]
) -> None:
    engine = make_engine(cache_alias)
    operation, variables = CALLS[call](make_shop())
    before = {query: ask(engine, query) for query in (*dropped, *kept)}
    assert all(is_hit(engine, query) for query in before)

    ask(engine, operation, **variables)

    assert {query for query in kept if is_hit(engine, query)} == set(kept)
    assert all(ask(engine, query) != before[query] for query in dropped)


# --- the demo ---


@pytest.mark.django_db
def test_showcase_asks_for_three_levels_in_one_statement(bookshop: Sizes, engine: GraphQLEngine) -> None:
    with CaptureQueriesContext(connection) as statements:
        body = showcase.answer(engine)

    assert len(statements) == 1
    assert body.startswith(b'{"data":{"books":[{"title":')


@pytest.mark.django_db
def test_readable_sql_is_the_same_sql(engine: GraphQLEngine) -> None:
    sql = engine.explain(showcase.QUERY, showcase.VARIABLES).sql

    assert "".join(readable(sql).split()) == "".join(sql.split())


def test_readable_sql_leaves_quoted_text_alone() -> None:
    sql = """SELECT 'a FROM (SELECT b', "x FROM y" FROM "t" WHERE "n" = 'it''s || '',"'"""

    assert readable(sql) == ("""SELECT 'a FROM (SELECT b', "x FROM y"\nFROM "t"\nWHERE "n" = 'it''s || '',"'""")


def test_readable_sql_indents_what_is_nested() -> None:
    sql = "SELECT '{\"a\":' || x || ',\"b\":' || ARRAY(SELECT trim(y FROM z) FROM t ORDER BY (1)) FROM u LIMIT %s"

    assert readable(sql).splitlines() == [
        "SELECT '{\"a\":' || x",
        "    || ',\"b\":' || ARRAY(",
        "        SELECT trim(y FROM z)",
        "        FROM t",
        "        ORDER BY (1)",
        "    )",
        "FROM u",
        "LIMIT %s",
    ]


def test_long_answers_are_shortened() -> None:
    shortened = showcase.shortened(b'{"a": [1, 2, 3, 4], "b": "\xc3\xa9"}', lines=3)

    assert shortened == '{\n  "a": [\n    1,\n… and 6 lines more'


def test_short_answers_are_shown_whole() -> None:
    assert showcase.shortened('{"a": "é"}'.encode()) == '{\n  "a": "é"\n}'


# --- orders with their lines, and prices ---

CHANGE_ORDER = """
mutation ($number: String!, $lines: UpdateOrderLinesInput!) {
  updateOrder(number: $number, input: {lines: $lines}) {
    ... on UpdateOrderSuccess { order { lines { lineNumber quantity book { title } } } }
    ... on MutationError { errors { field identifier } }
  }
}
"""


def test_order_changes_together_with_its_lines(shop: Shop, engine: GraphQLEngine) -> None:
    first, second, _ = shop.books
    order = Order.objects.create(customer=shop.customer, number="A1")
    other = Order.objects.create(customer=shop.customer, number="A2")
    for owner in (order, other):
        for number in (1, 2):
            OrderLine.objects.create(order=owner, line_number=number, book=first, quantity=2, unit_price=1)

    def change(**lines: Any) -> Any:
        return ask(engine, CHANGE_ORDER, number="A1", lines=lines)["updateOrder"]

    new = {"lineNumber": 3, "book": second.pk, "quantity": 1, "unitPrice": "9.90"}
    found = change(update=[{"lineNumber": 1, "quantity": {"inc": 3}}], delete=[{"lineNumber": 2}], upsert=[new])
    assert found["order"]["lines"] == [
        {"lineNumber": 1, "quantity": 5, "book": {"title": first.title}},
        {"lineNumber": 3, "quantity": 1, "book": {"title": second.title}},
    ]
    assert change(update=[{"lineNumber": 1, "quantity": {"inc": -5}}, {"lineNumber": 2}]) == {
        "errors": [
            {"field": "lines.update.1.lineNumber", "identifier": "not_found"},
            {"field": "lines.update.0.quantity", "identifier": "min_value"},
        ]
    }
    assert set(other.lines.values_list("quantity", flat=True)) == {2}


def test_prices_of_a_publisher_are_raised(shop: Shop, engine: GraphQLEngine) -> None:
    Book.objects.update(price="10.00")
    query = """
    mutation ($publisher: ID!) {
      updateBooks(where: {publisher: {id: {eq: $publisher}}}, set: {price: {mul: "1.05"}}) {
        ... on UpdateBooksSuccess { affected books { price } }
      }
    }
    """

    found = ask(engine, query, publisher=shop.publisher.pk)["updateBooks"]
    assert found == {"affected": 3, "books": [{"price": "10.50"}] * 3}


def test_points_are_added(shop: Shop, engine: GraphQLEngine) -> None:
    query = "mutation ($uuid: UUID!) { updateCustomer(uuid: $uuid, input: {loyaltyPoints: {inc: 7}}) { __typename } }"
    before = shop.customer.loyalty_points

    for _ in range(2):
        assert ask(engine, query, uuid=str(shop.customer.uuid))["updateCustomer"] == {
            "__typename": "UpdateCustomerSuccess"
        }
    shop.customer.refresh_from_db()
    assert shop.customer.loyalty_points == before + 14
