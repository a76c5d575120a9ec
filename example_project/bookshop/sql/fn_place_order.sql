-- Places an order of {"customer_id": …, "lines": [{"book_id": …, "quantity": …}]}: all of it, or nothing.
CREATE FUNCTION fn_place_order(input jsonb) RETURNS mutation_response LANGUAGE plpgsql AS $$
DECLARE
    buyer bookshop_customer;
    placed bookshop_order;
    key bigint;
    points bigint;
    problems jsonb;
    result mutation_response;
BEGIN
    SELECT * INTO buyer FROM bookshop_customer WHERE id = fn_key(input ->> 'customer_id');
    IF buyer.id IS NULL THEN
        result.status := 'not_found:customer';
        result.message := 'There is no such customer.';
        RETURN result;
    END IF;
    IF jsonb_array_length(input -> 'lines') NOT BETWEEN 1 AND 100 THEN
        result.status := 'validation:lines';
        result.message := 'An order has 1 to 100 lines.';
        RETURN result;
    END IF;

    -- Until the order is placed, nobody changes what its books cost
    PERFORM FROM bookshop_book
    WHERE id IN (SELECT fn_key(line ->> 'book_id') FROM jsonb_array_elements(input -> 'lines') AS line)
    ORDER BY id
    FOR SHARE;

    SELECT jsonb_agg(jsonb_build_object(
        'code', code, 'identifier', identifier, 'message', message, 'field', format('lines.%s.%s', number - 1, field)
    ) ORDER BY number, field) INTO problems
    FROM jsonb_array_elements(input -> 'lines') WITH ORDINALITY AS given (line, number)
    LEFT JOIN bookshop_book AS book ON book.id = fn_key(line ->> 'book_id')
    CROSS JOIN LATERAL (
        SELECT 404, 'book', 'There is no such book.', 'bookId' WHERE book.id IS NULL
        UNION ALL
        SELECT 409, 'out_of_print', format('%s is out of print.', book.title), 'bookId' WHERE NOT book.in_print
        UNION ALL
        SELECT 422, 'quantity', 'One may order 1 to 99 copies.', 'quantity'
        WHERE (line ->> 'quantity')::int NOT BETWEEN 1 AND 99
    ) AS problem (code, identifier, message, field);
    IF problems IS NOT NULL THEN
        result.status := concat(
            CASE problems #>> '{0,code}' WHEN '404' THEN 'not_found' WHEN '409' THEN 'conflict' ELSE 'validation' END,
            ':', problems #>> '{0,identifier}'
        );
        result.message := problems #>> '{0,message}';
        result.metadata := jsonb_build_object('errors', problems);
        RETURN result;
    END IF;

    key := nextval(pg_get_serial_sequence('bookshop_order', 'id'));
    INSERT INTO bookshop_order (id, customer_id, number, status, placed_at, note)
    VALUES (key, buyer.id, 'B' || lpad(key::text, greatest(7, length(key::text)), '0'), 'new', now(), '')
    RETURNING * INTO placed;

    WITH added AS (
        INSERT INTO bookshop_orderline (order_id, line_number, book_id, quantity, unit_price)
        SELECT placed.id, number, book.id, (line ->> 'quantity')::int, book.price
        FROM jsonb_array_elements(input -> 'lines') WITH ORDINALITY AS given (line, number)
        JOIN bookshop_book AS book ON book.id = fn_key(line ->> 'book_id')
        RETURNING quantity * unit_price AS price
    )
    SELECT floor(sum(price)) INTO points FROM added;

    UPDATE bookshop_customer SET loyalty_points = loyalty_points + points WHERE id = buyer.id;

    result.status := 'created';
    result.message := format('Order %s is placed.', placed.number);
    result.entity_id := placed.id;
    result.entity_type := 'Order';
    result.entity := to_jsonb(placed);
    result.updated_fields := ARRAY['customer', 'number', 'status', 'placed_at', 'lines'];
    result.metadata := jsonb_build_object('points', points);
    result.cascade := jsonb_build_object(
        'updated', jsonb_build_array(
            jsonb_build_object('__typename', 'Customer', 'id', buyer.id, 'operation', 'UPDATED')
        ),
        'invalidations', jsonb_build_array(
            jsonb_build_object('queryName', 'orders', 'strategy', 'INVALIDATE', 'scope', 'PREFIX')
        ),
        'metadata', jsonb_build_object('timestamp', now(), 'affectedCount', 2 + jsonb_array_length(input -> 'lines'))
    );
    RETURN result;
END $$;

COMMENT ON FUNCTION fn_place_order(jsonb) IS 'Places an order, and gives the customer a point for each euro.';

-- A client's key as PostgreSQL stores it; null for a text that is no key.
CREATE FUNCTION fn_key(given text) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN given ~ '^[0-9]{1,18}$' THEN given::bigint END
$$;
