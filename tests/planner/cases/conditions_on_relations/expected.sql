SELECT array_to_string(ARRAY(
    SELECT ('{"stars":' || "bookshop_review"."stars"::bigint::text
        || ',"book":{"title":' || to_json("bookshop_book"."title")::text
        || ',"publisher":{"name":' || to_json("bookshop_publisher"."name")::text
        || ',"country":' || to_json("bookshop_publisher"."country")::text || '}}}') AS "fraiseql_json"
    FROM "bookshop_review"
    INNER JOIN "bookshop_book" ON ("bookshop_review"."book_id" = "bookshop_book"."id")
    INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
    WHERE ("bookshop_publisher"."country" = %s::text)
    ORDER BY "bookshop_publisher"."name" ASC, "bookshop_review"."stars" DESC, "bookshop_review"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
