"""Operations over the bookshop beside the best SQL that we can write by hand for the same answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Variables = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """An operation, and a statement whose one value is the JSON of its one root field.

    ``params`` makes the statement's parameters, ``$1`` and so on, from the operation's variables. ``shape`` is shared
    by workloads that differ in their variables only: the other servers have one query for each shape. ``variants`` are
    further variables, for clients that must not wait for each other's row locks.
    """

    name: str
    title: str
    shape: str
    root: str
    query: str
    variables: Variables
    sql: str
    params: Callable[[Variables], list[str]]
    writes: bool = False
    variants: tuple[Variables, ...] = ()


ROW = """query($id: ID!) { book(id: $id) { id title price publisher { name } } }"""
ROW_SQL = """
    SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"price":"' || b.price
        || '","publisher":{"name":' || to_json(p.name)::text || '}}'
    FROM bookshop_book b JOIN bookshop_publisher p ON p.id = b.publisher_id WHERE b.id = $1::bigint"""

FLAT = """query($n: Int!) { books(limit: $n, orderBy: {id: ASC}) { id title price inPrint } }"""
FLAT_SQL = """
    SELECT '[' || array_to_string(ARRAY(
        SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"price":"' || b.price
            || '","inPrint":' || b.in_print::text || '}'
        FROM bookshop_book b ORDER BY b.id LIMIT $1::bigint), ',') || ']'"""

TREE = """query($n: Int!) {
  publishers(limit: $n, orderBy: {id: DESC}) {
    id name
    books(orderBy: {id: ASC}) { id title reviews(orderBy: {id: ASC}) { stars headline } }
  }
}"""
TREE_SQL = """
    SELECT '[' || array_to_string(ARRAY(
        SELECT '{"id":"' || p.id || '","name":' || to_json(p.name)::text || ',"books":[' || array_to_string(ARRAY(
            SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"reviews":['
                || array_to_string(ARRAY(
                    SELECT '{"stars":' || r.stars || ',"headline":' || to_json(r.headline)::text || '}'
                    FROM bookshop_review r WHERE r.book_id = b.id ORDER BY r.id), ',') || ']}'
            FROM bookshop_book b WHERE b.publisher_id = p.id ORDER BY b.id), ',') || ']}'
        FROM bookshop_publisher p ORDER BY p.id DESC LIMIT $1::bigint), ',') || ']'"""

FILTERED = """query($price: Decimal!, $category: String!, $n: Int!) {
  books(where: {price: {gte: $price}, category: {name: {eq: $category}}}, orderBy: {id: ASC}, limit: $n) {
    id title publisher { name } authors(orderBy: {id: ASC}) { name }
  }
}"""
FILTERED_SQL = """
    SELECT '[' || array_to_string(ARRAY(
        SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"publisher":{"name":'
            || to_json(p.name)::text || '},"authors":[' || array_to_string(ARRAY(
                SELECT '{"name":' || to_json(a.name)::text || '}'
                FROM bookshop_author a JOIN bookshop_book_authors ba ON ba.author_id = a.id
                WHERE ba.book_id = b.id ORDER BY a.id), ',') || ']}'
        FROM bookshop_book b
        JOIN bookshop_publisher p ON p.id = b.publisher_id
        JOIN bookshop_category c ON c.id = b.category_id
        WHERE b.price >= $1::numeric AND c.name = $2::text
        ORDER BY b.id LIMIT $3::bigint), ',') || ']'"""

CARDS = """query($n: Int!) {
  bookCards(limit: $n, orderBy: {id: DESC}) {
    id title price authors { id name } publisher { name } category stars reviewCount
  }
}"""
CARDS_SQL = """
    SELECT '[' || array_to_string(ARRAY(
        SELECT '{"id":' || to_json(data ->> 'id')::text || ',"title":' || (data -> 'title')::text
            || ',"price":' || to_json(data ->> 'price')::text || ',"authors":[' || array_to_string(ARRAY(
                SELECT '{"id":' || to_json(a ->> 'id')::text || ',"name":' || (a -> 'name')::text || '}'
                FROM jsonb_array_elements(data -> 'authors') AS a), ',')
            || '],"publisher":{"name":' || (data #> '{publisher,name}')::text || '},"category":'
            || (data -> 'category')::text || ',"stars":' || coalesce(data ->> 'stars', 'null') || ',"reviewCount":'
            || (data -> 'review_count')::text || '}'
        -- in a subquery, or PostgreSQL makes the card anew for each key that is taken of it
        FROM (SELECT id, data FROM v_book_card ORDER BY id DESC LIMIT $1::bigint) AS card
        ORDER BY id DESC), ',') || ']'"""

RENAME = """mutation($id: ID!, $title: String!) {
  renameBook(id: $id, title: $title) { id title price publisher { name } authors(orderBy: {id: ASC}) { name } }
}"""
RENAME_SQL = """
    WITH b AS (UPDATE bookshop_book SET title = $2::text, updated_at = now() WHERE id = $1::bigint RETURNING *)
    SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"price":"' || b.price
        || '","publisher":{"name":' || to_json(p.name)::text || '},"authors":[' || array_to_string(ARRAY(
            SELECT '{"name":' || to_json(a.name)::text || '}'
            FROM bookshop_author a JOIN bookshop_book_authors ba ON ba.author_id = a.id
            WHERE ba.book_id = b.id ORDER BY a.id), ',') || ']}'
    FROM b JOIN bookshop_publisher p ON p.id = b.publisher_id"""


def _flat(name: str, title: str, rows: int) -> Workload:
    return Workload(name, title, "flat", "books", FLAT, {"n": rows}, FLAT_SQL, lambda given: [str(given["n"])])


def _tree(name: str, title: str, rows: int) -> Workload:
    return Workload(name, title, "tree", "publishers", TREE, {"n": rows}, TREE_SQL, lambda given: [str(given["n"])])


def _filtered(name: str, title: str, rows: int) -> Workload:
    variables = {"price": "5", "category": "Noir", "n": rows}

    def params(given: Variables) -> list[str]:
        return [given["price"], given["category"], str(given["n"])]

    return Workload(name, title, "filtered", "books", FILTERED, variables, FILTERED_SQL, params)


WORKLOADS = (
    Workload("row", "row by key", "row", "book", ROW, {"id": "77"}, ROW_SQL, lambda given: [given["id"]]),
    _flat("flat-60", "flat list of 60", 60),
    _flat("flat-10000", "flat list of 10,000", 10_000),
    _tree("tree-small", "tree of three levels, small", 2),
    _tree("tree-large", "tree of three levels, large", 20),
    _filtered("filtered-small", "filtered through relations, small", 40),
    _filtered("filtered-large", "filtered through relations, large", 330),
    Workload(
        name="view",
        title="20 objects of a JSONB view",
        shape="view",
        root="bookCards",
        query=CARDS,
        variables={"n": 20},
        sql=CARDS_SQL,
        params=lambda given: [str(given["n"])],
    ),
    Workload(
        name="mutation",
        title="mutation with payload",
        shape="mutation",
        root="renameBook",
        query=RENAME,
        variables={"id": "100", "title": "The Benchmark of Paris"},
        sql=RENAME_SQL,
        params=lambda given: [given["id"], given["title"]],
        writes=True,
        variants=tuple({"id": str(key), "title": "The Benchmark of Paris"} for key in range(101, 164)),
    ),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}
