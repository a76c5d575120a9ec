-- A book as the shop window shows it: a row is one JSON object, and beside it what cards are found and ordered by.
CREATE VIEW v_book_card AS
SELECT
    book.id,
    book.isbn,
    book.title,
    book.price,
    jsonb_build_object(
        'id', book.id,
        'isbn', book.isbn,
        'title', book.title,
        'price', book.price,
        'cover', nullif(book.cover, ''),
        'authors', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', author.id, 'name', author.name)
                ORDER BY author.name, author.id), '[]')
            FROM bookshop_book_authors AS written
            JOIN bookshop_author AS author ON author.id = written.author_id
            WHERE written.book_id = book.id
        ),
        'publisher', jsonb_build_object('id', publisher.id, 'name', publisher.name, 'country', publisher.country),
        'category', category.name,
        'stars', opinion.stars,
        'review_count', opinion.review_count
    ) AS data
FROM bookshop_book AS book
JOIN bookshop_publisher AS publisher ON publisher.id = book.publisher_id
LEFT JOIN bookshop_category AS category ON category.id = book.category_id
CROSS JOIN LATERAL (
    SELECT count(*) AS review_count, round(avg(stars), 1) AS stars
    FROM bookshop_review
    WHERE book_id = book.id AND status = 'approved'
) AS opinion;

COMMENT ON VIEW v_book_card IS 'Books as the shop window shows them.';
COMMENT ON COLUMN v_book_card.data IS 'The card: stars and review_count are of approved reviews.';
