SELECT array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","title":' || to_json("bookshop_book"."title")::text
        || ',"publisher":{"name":' || to_json("bookshop_publisher"."name")::text || '}}') AS "fraiseql_json"
    FROM "fn_similar_books"("book_id" => %s::bigint) WITH ORDINALITY "bookshop_book"
    INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
    ORDER BY "bookshop_book"."ordinality" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END || '}') AS "fraiseql_json"
    FROM "fn_similar_books"("book_id" => %s::bigint) "bookshop_book"
    WHERE ("bookshop_book"."price" >= %s::numeric)
    ORDER BY "bookshop_book"."price" DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
