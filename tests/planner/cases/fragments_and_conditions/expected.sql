SELECT array_to_string(ARRAY(
    SELECT (('{"__typename":"Book","title":' || to_json("bookshop_book"."title")::text
        || ',"publisher":{"name":' || to_json("bookshop_publisher"."name")::text
        || ',"id":"' || "bookshop_book"."publisher_id"::bigint::text
        || '","country":' || to_json("bookshop_publisher"."country")::text
        || '},"id":"' || "bookshop_book"."id"::bigint::text)
        || ('","price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END || '}')) AS "fraiseql_json"
    FROM "bookshop_book"
    INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
