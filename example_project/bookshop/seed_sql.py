"""
The statements of the seed, in the order in which they run.

Each fills the rows %(first)s to %(last)s. `pg_temp.dice(salt, i)` is a number from 0 up to 1 and
`pg_temp.pick(list, salt, i)` a word of a list; both depend on nothing but what they are given.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that fills a table, and what of Sizes says how far it runs."""

    size: str
    sql: str


FUNCTIONS = """
CREATE OR REPLACE FUNCTION pg_temp.dice(salt text, i bigint) RETURNS float8 IMMUTABLE LANGUAGE sql
AS $$
    SELECT ('x' || left(md5(salt || i), 8))::bit(32)::bigint / 4294967296.0::float8
$$;
CREATE OR REPLACE FUNCTION pg_temp.pick(list text[], salt text, i bigint) RETURNS text IMMUTABLE LANGUAGE sql
AS $$
    SELECT list[1 + floor(pg_temp.dice(salt, i) * cardinality(list))::int]
$$
"""

AUTHORS = """
INSERT INTO bookshop_author (id, name, born, bio, website, email)
SELECT
    i,
    name,
    CASE WHEN pg_temp.dice('has born', i) < 0.8
        THEN date '1900-01-01' + floor(pg_temp.dice('born', i) * 36500)::int END,
    name || ' lives in ' || pg_temp.pick(%(places)s, 'lives', i) || ' and has written since '
        || 1950 + floor(pg_temp.dice('since', i) * 70) || '.',
    CASE WHEN pg_temp.dice('has website', i) < 0.4 THEN 'https://authors.example/' || i ELSE '' END,
    CASE WHEN pg_temp.dice('has email', i) < 0.6 THEN 'author' || i || '@example.org' ELSE '' END
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL (
    SELECT pg_temp.pick(%(first_names)s, 'author', i) || ' ' || pg_temp.pick(%(last_names)s, 'of', i) AS name
) AS called
"""

PUBLISHERS = """
INSERT INTO bookshop_publisher (id, name, country, founded)
SELECT
    i,
    last_names[1 + i %% cardinality(last_names)] || ' '
        || houses[1 + (i / cardinality(last_names) + i %% cardinality(last_names)) %% cardinality(houses)],
    pg_temp.pick(%(countries)s, 'country', i),
    CASE WHEN pg_temp.dice('has founded', i) < 0.9 THEN 1780 + floor(pg_temp.dice('founded', i) * 240) END
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN (SELECT %(last_names)s::text[] AS last_names, %(houses)s::text[] AS houses) AS words
"""

BOOKS = """
INSERT INTO bookshop_book (
    id, title, isbn, publisher_id, category_id, format, condition, price, tax_rate, published, in_print,
    pages, weight, reading_time, attributes, tags, cover, created_at, updated_at
)
SELECT
    i,
    CASE floor(pg_temp.dice('title', i) * 6)
        WHEN 0 THEN 'The ' || adjective || ' ' || noun
        WHEN 1 THEN 'The ' || noun || ' of ' || place
        WHEN 2 THEN 'The ' || noun || '''s ' || other_noun
        WHEN 3 THEN adjective || ' ' || noun || ', ' || adjective || ' ' || other_noun
        WHEN 4 THEN 'The ' || adjective || ' ' || noun || ' of ' || place
        ELSE 'The ' || noun || ' and the ' || other_noun
    END,
    digits || (10 - checksum %% 10) %% 10,
    1 + floor(%(publishers)s * pg_temp.dice('publisher', i) ^ 2),
    CASE WHEN pg_temp.dice('has category', i) < 0.97
        THEN pg_temp.pick(%(shelves)s, 'category', i)::bigint END,
    format,
    1 + width_bucket(pg_temp.dice('condition', i), ARRAY[0.9, 0.96]::float8[]),
    floor(4 + 46 * pg_temp.dice('price', i) ^ 2) + pg_temp.pick('{0.00,0.50,0.90,0.99}', 'cents', i)::numeric,
    CASE format WHEN 'audio' THEN 0.190 ELSE 0.070 END,
    CASE WHEN pg_temp.dice('has published', i) < 0.97
        THEN date '1950-01-01' + floor(27700 * sqrt(pg_temp.dice('published', i)))::int END,
    pg_temp.dice('in print', i) < 0.85,
    CASE WHEN format <> 'audio' THEN pages END,
    CASE WHEN format IN ('hardcover', 'paperback')
        THEN round((pages * CASE format WHEN 'hardcover' THEN 1.35 ELSE 0.95 END)::numeric, 1)::float8 END,
    CASE WHEN pg_temp.dice('has time', i) < 0.9 THEN pages * interval '105 seconds' END,
    jsonb_strip_nulls(jsonb_build_object(
        'language', pg_temp.pick(%(languages)s, 'language', i),
        'series', CASE WHEN pg_temp.dice('has series', i) < 0.15 THEN jsonb_build_object(
            'name', 'Tales of ' || place, 'volume', 1 + floor(pg_temp.dice('volume', i) * 7)) END,
        'awards', CASE WHEN pg_temp.dice('has award', i) < 0.06 THEN jsonb_build_array(
            pg_temp.pick(%(awards)s, 'award', i)) END
    )),
    (%(tags)s::varchar[])[first_tag:first_tag + floor(pg_temp.dice('tags', i) * 5)::int - 1],
    CASE WHEN pg_temp.dice('has cover', i) < 0.6 THEN 'covers/' || digits || '.jpg' ELSE '' END,
    created,
    created + pg_temp.dice('updated', i) * interval '300 days'
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL (
    SELECT
        pg_temp.pick(%(adjectives)s, 'adjective', i) AS adjective,
        pg_temp.pick(%(nouns)s, 'noun', i) AS noun,
        pg_temp.pick(%(nouns)s, 'other noun', i) AS other_noun,
        pg_temp.pick(%(places)s, 'place', i) AS place,
        '978' || lpad((i * 48271::bigint %% 1000000000)::text, 9, '0') AS digits,
        (ARRAY['hardcover', 'paperback', 'e-book', 'audio'])[
            1 + width_bucket(pg_temp.dice('format', i), ARRAY[0.3, 0.75, 0.92]::float8[])] AS format,
        60 + floor(900 * pg_temp.dice('pages', i) ^ 2)::int AS pages,
        1 + floor(pg_temp.dice('first tag', i) * cardinality(%(tags)s::text[]))::int AS first_tag,
        timestamptz '2020-01-01 00:00+00' + pg_temp.dice('created', i) * interval '1800 days' AS created
) AS one
CROSS JOIN LATERAL (
    SELECT sum(substr(digits, k, 1)::int * CASE k %% 2 WHEN 0 THEN 3 ELSE 1 END) AS checksum
    FROM generate_series(1, 12) AS k
) AS isbn
"""

WRITTEN_BY = """
INSERT INTO bookshop_book_authors (id, book_id, author_id)
SELECT
    min(3 * (i - 1) + k),
    i,
    1 + floor(%(authors)s * pg_temp.dice('writer ' || k || ' of ', i) ^ 1.5)::bigint
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL generate_series(1, 1 + width_bucket(
    pg_temp.dice('writers', i), ARRAY[0.7, 0.93]::float8[])) AS k
GROUP BY 2, 3
"""

USERS = """
INSERT INTO auth_user (
    id, username, first_name, last_name, email, password, is_superuser, is_staff, is_active, date_joined
)
SELECT
    %(user_offset)s + i,
    'reader' || i,
    pg_temp.pick(%(first_names)s, 'reader', i),
    pg_temp.pick(%(last_names)s, 'née', i),
    'reader' || i || '@example.org',
    '!',
    false,
    false,
    pg_temp.dice('active', i) < 0.98,
    timestamptz '2019-06-01 08:00+00' + pg_temp.dice('joined', i) * interval '1200 days'
FROM generate_series(%(first)s, %(last)s) AS i
"""

CUSTOMERS = """
INSERT INTO bookshop_customer (id, user_id, uuid, name, newsletter, birthday, loyalty_points)
SELECT
    i,
    id,
    md5('customer' || i)::uuid,
    first_name || ' ' || last_name,
    pg_temp.dice('newsletter', i) < 0.3,
    CASE WHEN pg_temp.dice('has birthday', i) < 0.7
        THEN date '1935-01-01' + floor(pg_temp.dice('birthday', i) * 27000)::int END,
    floor(6000000000 * pg_temp.dice('loyalty', i) ^ 8)
FROM generate_series(%(first)s, %(last)s) AS i
JOIN auth_user ON id = %(user_offset)s + i
"""

REVIEWS = """
INSERT INTO bookshop_review (id, book_id, customer_id, stars, headline, text, status, created_at)
SELECT
    i,
    1 + floor(%(books)s * pg_temp.dice('reviewed', i) ^ 2),
    CASE WHEN pg_temp.dice('has reviewer', i) < 0.95
        THEN 1 + floor(%(customers)s * pg_temp.dice('reviewer', i) ^ 1.5) END,
    stars,
    (%(headlines)s::text[])[1 + floor(
        (stars - 1 + pg_temp.dice('headline', i)) / 5 * cardinality(%(headlines)s::text[]))::int],
    pg_temp.pick(%(opinions)s, 'opinion', i) || ' ' || pg_temp.pick(%(opinions)s, 'more', i),
    (ARRAY['approved', 'pending', 'rejected'])[
        1 + width_bucket(pg_temp.dice('status', i), ARRAY[0.85, 0.96]::float8[])],
    timestamptz '2020-02-01 00:00+00' + pg_temp.dice('reviewed at', i) * interval '2100 days'
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL (
    SELECT 1 + width_bucket(pg_temp.dice('stars', i), ARRAY[0.05, 0.13, 0.32, 0.64]::float8[]) AS stars
) AS given
"""

ORDERS = """
INSERT INTO bookshop_order (id, customer_id, number, status, placed_at, shipped_at, note)
SELECT
    i,
    1 + floor(%(customers)s * pg_temp.dice('ordered by', i) ^ 1.5),
    'B' || lpad(i::text, 7, '0'),
    status,
    placed_at,
    CASE status WHEN 'shipped' THEN placed_at + interval '4 hours'
        + pg_temp.dice('shipped', i) * interval '5 days' END,
    CASE WHEN pg_temp.dice('has note', i) < 0.08 THEN pg_temp.pick(%(notes)s, 'note', i) ELSE '' END
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN pg_temp.dice('cancelled', i) < 0.03 THEN 'cancelled'
            WHEN i > 0.99 * %(orders)s THEN 'new'
            WHEN i > 0.98 * %(orders)s THEN 'paid'
            ELSE 'shipped' END AS status,
        timestamptz '2022-01-01 00:00+00' + (i - pg_temp.dice('placed', i)) / %(orders)s
            * interval '1400 days' AS placed_at
) AS one
"""

# Of five orders in a row one has one line, one has two, up to five: three on average, exactly.
ORDER_LINES = """
INSERT INTO bookshop_orderline (order_id, line_number, book_id, quantity, unit_price)
SELECT
    i,
    line_number,
    book.id,
    1 + floor(4 * pg_temp.dice('quantity', i * 5 + line_number) ^ 4),
    book.price
FROM generate_series(%(first)s, %(last)s) AS i
CROSS JOIN LATERAL generate_series(1, 1 + (i * 3 + (i - 1) / 5 * 2) %% 5) AS line_number
JOIN bookshop_book AS book
    ON book.id = 1 + floor(%(books)s * pg_temp.dice('ordered', i * 5 + line_number) ^ 2)::bigint
"""

STATEMENTS = (
    Statement("authors", AUTHORS),
    Statement("publishers", PUBLISHERS),
    Statement("books", BOOKS),
    Statement("books", WRITTEN_BY),
    Statement("customers", USERS),
    Statement("customers", CUSTOMERS),
    Statement("reviews", REVIEWS),
    Statement("orders", ORDERS),
    Statement("orders", ORDER_LINES),
)
