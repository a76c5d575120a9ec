"""Six operations over the bookshop beside the best SQL that we can write by hand for the same answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Workload:
    """An operation, and a statement whose one value is the JSON of its one root field.

    ``params`` makes the statement's parameters, ``$1`` and so on, from the operation's variables.
    """

    name: str
    root: str
    query: str
    variables: dict[str, Any]
    sql: str
    params: Callable[[dict[str, Any]], list[str]]


WORKLOADS = [
    Workload(
        name="one row by key, one join",
        root="book",
        query="query($id: ID!) { book(id: $id) { id title price publisher { name } } }",
        variables={"id": "77"},
        sql="""
            SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"price":"' || b.price
                || '","publisher":{"name":' || to_json(p.name)::text || '}}'
            FROM bookshop_book b JOIN bookshop_publisher p ON p.id = b.publisher_id WHERE b.id = $1::bigint""",
        params=lambda variables: [variables["id"]],
    ),
    Workload(
        name="a page of 20, flat",
        root="books",
        query="""query($n: Int!, $o: Int!) {
          books(limit: $n, offset: $o, orderBy: {id: ASC}) { id title price inPrint }
        }""",
        variables={"n": 20, "o": 100},
        sql="""
            SELECT '[' || array_to_string(ARRAY(
                SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"price":"' || b.price
                    || '","inPrint":' || b.in_print::text || '}'
                FROM bookshop_book b ORDER BY b.id LIMIT $1::bigint OFFSET $2::bigint), ',') || ']'""",
        params=lambda variables: [str(variables["n"]), str(variables["o"])],
    ),
    Workload(
        name="filtered by a joined column, 20 rows, two relations",
        root="books",
        query="""query($p: Decimal!, $c: String!, $n: Int!) {
          books(where: {price: {gte: $p}, category: {name: {eq: $c}}}, orderBy: {id: ASC}, limit: $n) {
            id title publisher { name } authors(orderBy: {id: ASC}) { name }
          }
        }""",
        variables={"p": "20", "c": "Baking", "n": 20},
        sql="""
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
                ORDER BY b.id LIMIT $3::bigint), ',') || ']'""",
        params=lambda variables: [variables["p"], variables["c"], str(variables["n"])],
    ),
    Workload(
        name="three levels of lists, 20 authors",
        root="authors",
        query="""query($n: Int!) {
          authors(limit: $n, orderBy: {id: ASC}) {
            id name
            books(orderBy: {id: ASC}) { id title reviews(orderBy: {id: ASC}) { stars headline } }
          }
        }""",
        variables={"n": 20},
        sql="""
            SELECT '[' || array_to_string(ARRAY(
                SELECT '{"id":"' || a.id || '","name":' || to_json(a.name)::text || ',"books":['
                    || array_to_string(ARRAY(
                        SELECT '{"id":"' || b.id || '","title":' || to_json(b.title)::text || ',"reviews":['
                            || array_to_string(ARRAY(
                                SELECT '{"stars":' || r.stars || ',"headline":' || to_json(r.headline)::text || '}'
                                FROM bookshop_review r WHERE r.book_id = b.id ORDER BY r.id), ',') || ']}'
                        FROM bookshop_book b JOIN bookshop_book_authors ba ON ba.book_id = b.id
                        WHERE ba.author_id = a.id ORDER BY b.id), ',') || ']}'
                FROM bookshop_author a ORDER BY a.id LIMIT $1::bigint), ',') || ']'""",
        params=lambda variables: [str(variables["n"])],
    ),
    Workload(
        name="a customer's orders with lines and books",
        root="customer",
        query="""query($id: ID!) {
          customer(id: $id) {
            name
            orders(orderBy: {placedAt: DESC}, limit: 10) {
              number placedAt lines(orderBy: {lineNumber: ASC}) { quantity unitPrice book { title } }
            }
          }
        }""",
        variables={"id": "42"},
        sql="""
            SELECT '{"name":' || to_json(c.name)::text || ',"orders":[' || array_to_string(ARRAY(
                SELECT '{"number":' || to_json(o.number)::text || ',"placedAt":' || to_json(o.placed_at)::text
                    || ',"lines":[' || array_to_string(ARRAY(
                        SELECT '{"quantity":' || l.quantity || ',"unitPrice":"' || l.unit_price
                            || '","book":{"title":' || to_json(b.title)::text || '}}'
                        FROM bookshop_orderline l JOIN bookshop_book b ON b.id = l.book_id
                        WHERE l.order_id = o.id ORDER BY l.line_number), ',') || ']}'
                FROM bookshop_order o WHERE o.customer_id = c.id ORDER BY o.placed_at DESC, o.id LIMIT 10), ',') || ']}'
            FROM bookshop_customer c WHERE c.id = $1::bigint""",
        params=lambda variables: [variables["id"]],
    ),
    Workload(
        name="1,000 rows with a join",
        root="reviews",
        query="""query($n: Int!) {
          reviews(limit: $n, orderBy: {id: ASC}) { id stars headline text createdAt book { title } }
        }""",
        variables={"n": 1000},
        sql="""
            SELECT '[' || array_to_string(ARRAY(
                SELECT '{"id":"' || r.id || '","stars":' || r.stars || ',"headline":' || to_json(r.headline)::text
                    || ',"text":' || to_json(r.text)::text || ',"createdAt":' || to_json(r.created_at)::text
                    || ',"book":{"title":' || to_json(b.title)::text || '}}'
                FROM bookshop_review r JOIN bookshop_book b ON b.id = r.book_id
                ORDER BY r.id LIMIT $1::bigint), ',') || ']'""",
        params=lambda variables: [str(variables["n"])],
    ),
]
