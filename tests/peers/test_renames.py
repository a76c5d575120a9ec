"""The renames of a guide are applied as its tables say, and nothing else is."""

from collections.abc import Iterable

import pytest
from graphql import build_schema, parse, print_ast

from tests.peers.guides import Guide
from tests.peers.rewriting import Rewritten, rewrite

TABLES = {
    "Arguments": [("filters: VALUE", "where: VALUE"), ("data: {id: KEY, …}", "id: KEY, input: {…}")],
    "Inside `where`": [
        ("iExact: VALUE", "iexact: VALUE"),
        ("range: {start: START, end: END}", "gte: START, lte: END"),
        ("OR: OBJECT, …", "OR: [{…}, OBJECT]"),
        ("MANY: OBJECT", "MANY: {some: OBJECT}"),
        ("FIELD: SCALAR", "FIELD: {eq: SCALAR}"),
    ],
    "Selections": [
        ("FIELD { totalCount }", "FIELDCount"),
        ("FIELD { results { … } }", "FIELD { … }"),
        ("changeThing { thing { … } }", "changeThing { ... on ChangeThingSuccess { thing { … } } }"),
        ("changeThing { errors { … } }", "changeThing { ... on Failed { errors { … } } }"),
        ("... on Error { code }", "... on Error { identifier }"),
        ("... on Error { kind }", ""),
    ],
    "Names of types": [("ThingType", "Thing"), ("ThingFilter", "ThingWhere")],
}
PEER = build_schema("""
    input Text { exact: String iExact: String range: Range }
    input Range { start: String end: String }
    input BookFilter { title: Text inPrint: Boolean reviews: BookFilter OR: BookFilter }
    type BookType { id: ID title: String reviews: [BookType] }
    type Page { totalCount: Int results: [BookType] }
    type Error { code: String kind: String }
    type Changed { book: BookType errors: [Error] }
    input Data { id: ID title: String }
    type Query { books(filters: BookFilter): Page book: BookType }
    type Mutation { changeBook(data: Data): Changed }
""")
OURS = build_schema("""
    input Text { eq: String iexact: String gte: String lte: String }
    input Flag { eq: Boolean }
    input BookWhere { title: Text inPrint: Flag reviews: Many OR: [BookWhere!] }
    input Many { some: BookWhere }
    type Book { id: ID title: String reviews: [Book] }
    type Error { identifier: String }
    type ChangeBookSuccess { book: Book }
    type Failed { errors: [Error] }
    union Result = ChangeBookSuccess | Failed
    input Input { title: String }
    type Query { books(where: BookWhere): [Book] booksCount(where: BookWhere): Int book: Book }
    type Mutation { changeBook(id: ID, input: Input): Result }
""")


def renamed(query: str, rows: dict[str, Iterable[tuple[str, str]]] = TABLES, **variables: object) -> Rewritten:
    guide = Guide(name="", text="", blocks=[], tables={heading: list(table) for heading, table in rows.items()})
    return rewrite(guide, PEER, OURS, query, variables)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{ book { title } }", "{ book { title } }"),
        (
            '{ books(filters: {title: {iExact: "x"}}) { totalCount results { id } } }',
            '{ booksCount(where: {title: {iexact: "x"}}) books(where: {title: {iexact: "x"}}) { id } }',
        ),
        ("{ a: books { totalCount results { b: id } } }", "{ aCount: booksCount a: books { b: id } }"),
        (
            '{ books(filters: {title: {range: {start: "a", end: "b"}}}) { totalCount } }',
            '{ booksCount(where: {title: {gte: "a", lte: "b"}}) }',
        ),
        (
            '{ books(filters: {title: {range: {end: "b"}}}) { totalCount } }',
            '{ booksCount(where: {title: {lte: "b"}}) }',
        ),
        (
            "{ books(filters: {inPrint: true, OR: {reviews: {inPrint: false}}}) { totalCount } }",
            "{ booksCount(where: {OR: [{inPrint: {eq: true}}, {reviews: {some: {inPrint: {eq: false}}}}]}) }",
        ),
        (
            "query ($f: BookFilter) { books(filters: $f) { totalCount } }",
            "query ($f: BookWhere) { booksCount(where: $f) }",
        ),
        (
            "query { book { ...F } } fragment F on BookType { reviews { ... on BookType { id } } }",
            "query { book { ...F } } fragment F on Book { reviews { ... on Book { id } } }",
        ),
        (
            'mutation { changeBook(data: {id: "1", title: "x"}) { book { id } errors { code kind } } }',
            'mutation { changeBook(id: "1", input: {title: "x"}) {'
            " ... on ChangeBookSuccess { book { id } } ... on Failed { errors { identifier } } } }",
        ),
    ],
)
def test_operations_are_renamed(before: str, after: str) -> None:
    assert renamed(before).query == print_ast(parse(after))


def test_nothing_is_renamed_without_a_row() -> None:
    query = '{ books(filters: {title: {iExact: "x"}, inPrint: true}) { results { id } } }'

    assert renamed(query, {}).query == print_ast(parse(query))


def test_a_selection_that_no_row_says_is_an_error() -> None:
    with pytest.raises(LookupError, match="does not say what becomes of pages"):
        renamed("{ books { totalCount pages } }")


def test_values_of_variables_are_renamed() -> None:
    query = "query ($f: BookFilter) { books(filters: $f) { totalCount } }"

    variables = renamed(query, f={"title": {"iExact": "x"}, "reviews": {"inPrint": True}}, unused=1).variables

    assert variables == {"f": {"title": {"iexact": "x"}, "reviews": {"some": {"inPrint": {"eq": True}}}}}


def test_answers_get_the_shape_of_the_peer() -> None:
    lists = renamed("{ a: books { totalCount results { id reviews { b: title } } } book { id } }")
    ours = {"aCount": 1, "a": [{"id": "7", "reviews": [{"b": "x"}]}], "book": None}
    assert lists.folded(ours) == {"a": {"totalCount": 1, "results": ours["a"]}, "book": None}

    change = renamed("mutation { changeBook(data: {}) { book { id } errors { code kind } } }")
    assert change.folded({"changeBook": {"book": {"id": "7"}}}) == {"changeBook": {"book": {"id": "7"}, "errors": []}}
    failed = change.folded({"changeBook": {"errors": [{"identifier": "blank"}]}})
    assert failed == {"changeBook": {"book": None, "errors": [{"code": "blank", "kind": "whatever"}]}}
    assert failed != {"changeBook": {"book": {"id": "7"}, "errors": [{"code": "blank", "kind": "whatever"}]}}
