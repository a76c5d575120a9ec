-- How many copies of a book were ordered since a moment, or ever
CREATE FUNCTION book_copies_sold(book bookshop_book, since timestamptz DEFAULT NULL) RETURNS bigint
STABLE LANGUAGE sql AS $$
    SELECT coalesce(sum(line.quantity), 0)
    FROM bookshop_orderline line JOIN bookshop_order placed ON placed.id = line.order_id
    WHERE line.book_id = book.id AND (since IS NULL OR placed.placed_at >= since)
$$;
