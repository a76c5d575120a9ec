-- Books that customers have ordered with a book, those first that were ordered most
CREATE FUNCTION fn_similar_books(book_id bigint) RETURNS SETOF bookshop_book
STABLE LANGUAGE sql AS $$
    SELECT book.*
    FROM bookshop_book book JOIN (
        SELECT other.book_id, sum(other.quantity) AS copies
        FROM bookshop_orderline own JOIN bookshop_orderline other ON other.order_id = own.order_id
        WHERE own.book_id = fn_similar_books.book_id AND other.book_id <> own.book_id
        GROUP BY other.book_id
    ) AS ordered ON ordered.book_id = book.id
    ORDER BY ordered.copies DESC, book.id
$$;
