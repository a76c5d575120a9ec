"""The views' SQL: one book each row, as a JSON object, as columns, and as both."""

from typing import Any

from django.db import connection

from fraiseql_django.invalidation import catalog

PUBLISHER = "jsonb_build_object('id', p.id, 'name', p.name, 'country', p.country, 'founded', p.founded)"
# in the order of the model
REVIEWS = """coalesce((SELECT jsonb_agg(jsonb_build_object(
    'id', r.id, 'stars', r.stars, 'headline', r.headline, 'createdAt', r.created_at,
    'customer',
    (SELECT jsonb_build_object('id', c.id, 'name', c.name) FROM bookshop_customer c WHERE c.id = r.customer_id)
) ORDER BY r.created_at DESC, r.id DESC) FROM bookshop_review r WHERE r.book_id = b.id), '[]')"""
DATA = f"""jsonb_build_object(
    'id', b.id, 'isbn', b.isbn, 'title', b.title, 'price', b.price, 'published', b.published, 'pages', b.pages,
    'weight', b.weight, 'in_print', b.in_print, 'tags', b.tags, 'reading time', b.reading_time,
    'created_at', b.created_at, 'format', b.format, 'attributes', b.attributes, 'it''s 100% {{0}} "key"', b.category_id,
    'publisher_id', b.publisher_id, 'publisher', {PUBLISHER}, 'reviews', {REVIEWS}
)"""
FROM = "FROM bookshop_book b JOIN bookshop_publisher p ON p.id = b.publisher_id"
COLUMNS = f"""b.id, b.isbn, b.title, b.price, b.published, b.pages, b.weight, b.in_print, b.tags,
    b.reading_time AS "reading time", b.created_at, b.format, b.attributes,
    b.category_id AS "it's 100%% {{0}} ""key\""",
    b.publisher_id, {PUBLISHER} AS publisher, {REVIEWS} AS reviews"""

STATEMENTS = [
    f"CREATE VIEW v_book_json AS SELECT b.id, b.title, b.publisher_id, {DATA} AS data {FROM}",
    f"CREATE VIEW v_book_bare AS SELECT {DATA} AS document {FROM}",
    f"CREATE VIEW v_book_row AS SELECT {COLUMNS} {FROM}",
    "CREATE MATERIALIZED VIEW mv_book AS SELECT * FROM v_book_json",
    "CREATE UNIQUE INDEX ON mv_book (id)",
    "CREATE TABLE book_table AS SELECT * FROM v_book_json",
    'CREATE SCHEMA "Shop Window"',
    'CREATE VIEW "Shop Window"."Book Card" AS SELECT * FROM v_book_json',
    "CREATE VIEW v_publisher AS SELECT p.id, p.name, p.country FROM bookshop_publisher p",
]


def run(*statements: str) -> Any:
    """Run statements; return the rows of the last one, if it has any."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.replace("%%", "%"))
        return cursor.fetchall() if cursor.description else None


def create() -> None:
    """Make the views, of what is in the tables now."""
    catalog.forget()
    run(*STATEMENTS)


def forget() -> None:
    """Let the catalogue be read anew, as what was made is gone."""
    catalog.forget()


def drop() -> None:
    """Take the views away again."""
    catalog.forget()
    run('DROP SCHEMA "Shop Window" CASCADE', "DROP MATERIALIZED VIEW mv_book", "DROP TABLE book_table")
    run("DROP VIEW v_book_json, v_book_bare, v_book_row, v_publisher")
