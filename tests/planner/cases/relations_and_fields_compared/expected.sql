SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (NOT ((("bookshop_book"."category_id" IS NOT NULL))) AND EXISTS(
        SELECT 1 AS "a"
        FROM "bookshop_review" U0
        WHERE U0."book_id" = ("bookshop_book"."id")
        LIMIT 1
    ))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"number":' || to_json("bookshop_order"."number")::text || '}') AS "fraiseql_json"
    FROM "bookshop_order"
    WHERE (("bookshop_order"."shipped_at" > "bookshop_order"."placed_at") AND NOT ((NOT ((EXISTS(
        SELECT 1 AS "a"
        FROM "bookshop_orderline" U0
        WHERE U0."order_id" = ("bookshop_order"."id")
        LIMIT 1
    ))))))
    ORDER BY "bookshop_order"."placed_at" DESC, "bookshop_order"."id" DESC
    LIMIT %s::bigint
), ',', chr(3) || '1')
