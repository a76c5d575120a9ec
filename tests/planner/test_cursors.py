"""Cursors: opaque, of one order only, and of no use once they are altered."""

import base64
import json

import pytest
from django.db import connection
from django.db.models.functions import Repeat

import fraiseql_django as fraiseql
from example_project.bookshop.models import Book
from fraiseql_django import GraphQLEngine, Registry
from fraiseql_django.errors import InvalidInput
from fraiseql_django.planner.cursors import MAX_VALUES, opened, sealed
from tests.support import data, make_engine, make_shop, refused

ORDER, OTHER = b"o" * 16, b"p" * 16
VALUES = ['Ünïcode \U0001f98a "\\', None, "", "-Infinity", "x" * 300]


def test_values_come_back() -> None:
    for length in range(len(VALUES) + 1):
        assert opened(sealed(VALUES[:length], ORDER), ORDER) == VALUES[:length]


def test_a_row_has_one_cursor() -> None:
    assert sealed(VALUES, ORDER) == sealed(VALUES, ORDER) != sealed(VALUES, OTHER)


def test_values_cannot_be_read() -> None:
    cursor = sealed(["secret", "12345"], ORDER)
    raw = base64.urlsafe_b64decode(cursor + "==")

    for text in (b"secret", b"12345", b"null"):
        assert text not in raw


def test_every_change_of_a_character_is_refused() -> None:
    cursor = sealed(["a", "1"], ORDER)
    for place in range(len(cursor)):
        for character in "AZaz09-_":
            altered = cursor[:place] + character + cursor[place + 1 :]
            if altered != cursor:
                with pytest.raises(InvalidInput):
                    opened(altered, ORDER)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "=", "A" * 29, "A" * 1000, "A" * 10_000_000, "\x00", "null", sealed(["a"], ORDER)[:-1],
     sealed(["a"], ORDER) + "=", sealed(["a"], ORDER) + "\n", " " + sealed(["a"], ORDER)],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as error:
        opened(cursor, ORDER)
    assert len(error.value.message) < 300


def test_cursor_of_another_order_says_so() -> None:
    with pytest.raises(InvalidInput, match="does not belong to this type and orderBy"):
        opened(sealed(["a"], OTHER), ORDER)


def test_cursor_of_another_project_is_refused(settings) -> None:
    cursor = sealed(["a"], ORDER)
    settings.SECRET_KEY = "another"
    with pytest.raises(InvalidInput, match="is no cursor"):
        opened(cursor, ORDER)
    settings.SECRET_KEY_FALLBACKS = ["older", "yet another"]
    with pytest.raises(InvalidInput):
        opened(cursor, ORDER)


def test_cursor_of_an_older_secret_key_is_read(settings) -> None:
    cursor, settings.SECRET_KEY_FALLBACKS = sealed(["a"], ORDER), ["older", settings.SECRET_KEY]
    settings.SECRET_KEY = "new"

    assert opened(cursor, ORDER) == ["a"]


# --- in operations ---


def first_cursor(engine: GraphQLEngine, given: str = "") -> str:
    found = data(engine, f"{{ booksConnection{given} {{ pageInfo {{ startCursor }} }} }}")
    return str(found["booksConnection"]["pageInfo"]["startCursor"])


@pytest.mark.django_db
def test_refused_cursors_have_a_place_and_a_code_and_run_no_statement() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    cursor = first_cursor(engine)
    by_price = first_cursor(engine, "(orderBy: {price: ASC})")
    descending = first_cursor(engine, "(orderBy: {title: DESC})")
    nulls = first_cursor(engine, "(orderBy: {title: ASC_NULLS_FIRST})")
    reviews = data(engine, "{ books { reviewsConnection(first: 1) { edges { cursor } } } }")["books"]
    (review,) = next(book["reviewsConnection"]["edges"] for book in reviews if book["reviewsConnection"]["edges"])

    query = "query ($c: String) {\n  booksConnection(after: $c) { nodes { id } } }"
    for other in (by_price, descending, nulls, review["cursor"], "nonsense", "", cursor[:-1], cursor + "A"):
        error = refused(engine, query, {"c": other})
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["locations"] == [{"line": 2, "column": 26}]
        assert error["message"].startswith("after: ")
        literal = json.dumps(other)
        selected = "{ totalCount pageInfo { hasNextPage } }"
        error = refused(engine, f"{{ booksConnection(last: 1, before: {literal}) {selected} }}")
        assert error["message"].startswith("before: ")
    assert data(engine, query, {"c": cursor})["booksConnection"]["nodes"]


@pytest.mark.django_db
def test_values_that_a_viewer_does_not_see_are_in_no_cursor() -> None:
    make_shop()
    registry = Registry()

    # sorted by the title, which it does not show
    @fraiseql.type(Book, fields=["id"], queries=["connection"], registry=registry)
    class BookType:
        pass

    engine = GraphQLEngine(registry=registry, cache=None)
    found = data(engine, "{ books { edges { cursor } pageInfo { startCursor endCursor } } }")["books"]
    cursors = [edge["cursor"] for edge in found["edges"]]

    assert len(set(cursors)) == 3
    for cursor in cursors:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert not any(title in raw for title in (b"Rocannon", b"Planet", b"City"))


@pytest.mark.django_db
def test_what_is_too_long_for_a_cursor_is_a_field_error() -> None:
    make_shop()
    registry = Registry()

    @fraiseql.type(Book, queries=["connection"], registry=registry)
    class BookType:
        id: fraiseql.auto
        long: str = fraiseql.field(Repeat("title", 500))

    engine = GraphQLEngine(registry=registry, cache=None)
    query = "{ books(orderBy: {long: ASC}) { nodes { id } pageInfo { endCursor hasNextPage } } }"
    answer = engine.execute(query).json()

    assert [error["path"] for error in answer["errors"]] == [["books", "pageInfo", "endCursor"]]
    assert f"longer than {MAX_VALUES} bytes" in answer["errors"][0]["message"]
    assert answer["data"]["books"]["pageInfo"] == {"endCursor": None, "hasNextPage": False}
    assert len(answer["data"]["books"]["nodes"]) == 3


@pytest.mark.django_db
def test_dates_do_not_depend_on_the_session_s_style() -> None:
    make_shop()
    engine = GraphQLEngine(cache=None)
    query = "query ($c: String) { booksConnection(after: $c, orderBy: {updatedAt: ASC}) { nodes { id } } }"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL DateStyle = 'SQL, DMY'")
        made = first_cursor(engine, "(orderBy: {updatedAt: ASC}, first: 1)")
        cursor.execute("SET LOCAL DateStyle = 'SQL, MDY'")
        found = data(engine, query, {"c": made})
    assert len(found["booksConnection"]["nodes"]) == 2


@pytest.mark.django_db(transaction=True)
def test_kept_answers_have_cursors_as_well(cache_alias: str) -> None:
    make_shop()
    engine = make_engine(cache_alias)
    assert first_cursor(engine) == first_cursor(engine) == first_cursor(GraphQLEngine(cache=None))
    assert engine.statistics().result_hits == 1
