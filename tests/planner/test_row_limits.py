"""``MAX_ROWS`` and ``DEFAULT_ROWS``: however ``limit`` is given, and whatever the list is of, they hold."""

from typing import Any

import pytest
from django.db import connection

import fraiseql_django as fraiseql
from example_project.bookshop.models import Author, Book, Review
from fraiseql_django import GraphQLEngine, Registry
from tests.support import data, limited, refused

REGISTRY = Registry()


@fraiseql.type(Author, fields=["id", "name", "books"], registry=REGISTRY)
class AuthorType:
    pass


@fraiseql.type(Review, fields=["id", "stars", "book"], registry=REGISTRY)
class ReviewType:
    pass


@fraiseql.type(Book, fields=["id", "title", "authors", "reviews"], registry=REGISTRY)
class BookType:
    notices: list["Notice"] = fraiseql.relation("id", to="book_id")


@fraiseql.type(sql_source="row_limits_notice", registry=REGISTRY)
class Notice:
    id: fraiseql.ID
    book_id: fraiseql.ID
    book: BookType = fraiseql.relation("book_id", to="id")
    of_same_book: list[ReviewType] = fraiseql.relation("book_id", to="book_id")


@fraiseql.mutation(registry=REGISTRY)
def rename_book(info: fraiseql.Info, id: fraiseql.ID, title: str) -> BookType:
    Book.objects.filter(pk=id).update(title=title)
    return Book.objects.get(pk=id)  # type: ignore[return-value]


MOST = 3


@pytest.fixture
def book(bookshop: Any) -> Book:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW row_limits_notice AS SELECT id, book_id FROM bookshop_review")
    found = Book.objects.order_by("id").first()
    assert found is not None
    author = Author.objects.create(name="A")
    author.books.set(Book.objects.all()[:10])
    found.authors.set(Author.objects.all()[:10])
    Review.objects.update(book=found)
    return found


@pytest.fixture
def engine(book: Book) -> GraphQLEngine:
    made = limited(max_rows=MOST)
    return GraphQLEngine(settings=made.settings, registry=REGISTRY, cache=None)


# a query with a list whose arguments are @, and the way to that list in the answer
LISTS = {
    "root over a model": ("{ books@ { id } }", ["books"]),
    "root over a view": ("{ notices@ { id } }", ["notices"]),
    "foreign key backwards": ("{ books(limit: 1, orderBy: {id: ASC}) { reviews@ { id } } }", ["books", 0, "reviews"]),
    "many to many": ("{ books(limit: 1, orderBy: {id: ASC}) { authors@ { id } } }", ["books", 0, "authors"]),
    "many to many backwards": ('{ authors(where: {name: {eq: "A"}}) { books@ { id } } }', ["authors", 0, "books"]),
    "model to view": ("{ books(limit: 1, orderBy: {id: ASC}) { notices@ { id } } }", ["books", 0, "notices"]),
    "view to model": ("{ notices(limit: 1) { ofSameBook@ { id } } }", ["notices", 0, "ofSameBook"]),
    "below one row": ("{ notices(limit: 1) { book { reviews@ { id } } } }", ["notices", 0, "book", "reviews"]),
    "in a payload": ('mutation { renameBook(id: ID, title: "") { reviews@ { id } } }', ["renameBook", "reviews"]),
}  # fmt: skip
# the arguments, the operation's variables, their values, and how many rows there are; None where it is refused
GIVEN: dict[str, tuple[str, str, dict[str, Any], int | None]] = {
    "absent": ("", "", {}, 3),
    "null": ("(limit: null)", "", {}, 3),
    "less": ("(limit: 2)", "", {}, 2),
    "as much": ("(limit: 3)", "", {}, 3),
    "zero": ("(limit: 0)", "", {}, 0),
    "more": ("(limit: 4)", "", {}, None),
    "negative": ("(limit: -1)", "", {}, None),
    "beyond 32 bits": ("(limit: 2147483648)", "", {}, None),
    "beyond 64 bits": ("(limit: 9223372036854775808)", "", {}, None),
    "with an offset": ("(offset: 1)", "", {}, 3),
    "variable, absent": ("(limit: $n)", "($n: Int)", {}, 3),
    "variable, null": ("(limit: $n)", "($n: Int)", {"n": None}, 3),
    "variable, less": ("(limit: $n)", "($n: Int)", {"n": 1}, 1),
    "variable, zero": ("(limit: $n)", "($n: Int)", {"n": 0}, 0),
    "variable, more": ("(limit: $n)", "($n: Int)", {"n": 4}, None),
    "variable, negative": ("(limit: $n)", "($n: Int)", {"n": -1}, None),
    "variable, beyond 32 bits": ("(limit: $n)", "($n: Int)", {"n": 2**31}, None),
    "variable, beyond 64 bits": ("(limit: $n)", "($n: Int)", {"n": 2**63}, None),
    "default, less": ("(limit: $n)", "($n: Int = 2)", {}, 2),
    "default, more": ("(limit: $n)", "($n: Int = 4)", {}, None),
    "default, null instead": ("(limit: $n)", "($n: Int = 2)", {"n": None}, 3),
    "default, more instead": ("(limit: $n)", "($n: Int! = 2)", {"n": 4}, None),
}


@pytest.mark.parametrize("given", GIVEN)
def test_no_way_of_giving_limit_evades_max_rows(engine: GraphQLEngine, book: Book, given: str) -> None:
    arguments, variables, values, rows = GIVEN[given]
    for name, (query, path) in LISTS.items():
        query = query.replace("@", arguments).replace("ID", str(book.pk), 1)
        head, brace, rest = query.partition("{")
        query = (head or "query ") + variables + brace + rest

        # the second time the plan is known
        for _ in range(2):
            response = engine.execute(query, values).json()

            if rows is None:
                assert response.get("data") is None, name
                (error,) = response["errors"]
                assert error["extensions"]["code"] in ("LIMIT_EXCEEDED", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")
            else:
                found = response["data"]
                for step in path:
                    found = found[step]
                assert len(found) == rows, name


def test_plan_made_for_a_small_limit_refuses_a_large_one(engine: GraphQLEngine) -> None:
    query = "query($n: Int) { books(limit: $n) { id } }"
    assert len(data(engine, query, {"n": 3})["books"]) == 3

    error = engine.execute(query, {"n": 4}).json()["errors"][0]

    assert error["message"] == "The operation has 4 rows asked for in a list; the limit is 3."
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": 3, "value": 4, "setting": "LIMITS.MAX_ROWS"}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (4, "The operation has 4 rows asked for in a list; the limit is 3."),
        (-1, "limit: -1 is less than 0."),
    ],
)
def test_mutation_whose_payload_cannot_be_read_is_not_begun(
    engine: GraphQLEngine, book: Book, number: int, message: str
) -> None:
    query = 'mutation($id: ID!, $n: Int) { renameBook(id: $id, title: "new") { reviews(limit: $n) { id } } }'
    # so that the plan is known
    data(engine, query, {"id": book.pk, "n": 3})

    assert refused(engine, query, {"id": book.pk, "n": number})["message"] == message


def test_default_rows_hold_where_no_limit_is_given(book: Book) -> None:
    engine = limited(max_rows=20, default_rows=5)

    assert len(data(engine, "{ books { id } }")["books"]) == 5
    assert len(data(engine, "{ books(limit: null) { id } }")["books"]) == 5
    assert len(data(engine, "{ books(limit: 20) { id } }")["books"]) == 20
    assert refused(engine, "{ books(limit: 21) { id } }")["extensions"]["setting"] == "LIMITS.MAX_ROWS"
