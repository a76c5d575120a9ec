SELECT array_to_string(ARRAY(
    SELECT ('{"copiesSold":' || coalesce('"' || "book_copies_sold"("bookshop_book".*)::bigint::text || '"', chr(3) || '1') || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("book_copies_sold"("bookshop_book".*))::bigint >= %s::bigint)
    ORDER BY ("book_copies_sold"("bookshop_book".*))::bigint DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"book":{"copiesSold":' || coalesce('"' || (
        SELECT "book_copies_sold"(U0.*, "since" => %s::timestamp with time zone) AS "fraiseql_value"
        FROM "bookshop_book" U0
        WHERE U0."id" = ("bookshop_review"."book_id")
    )::bigint::text || '"', chr(3) || '3') || '}}') AS "fraiseql_json"
    FROM "bookshop_review"
    ORDER BY "bookshop_review"."created_at" DESC, "bookshop_review"."id" DESC
    LIMIT %s::bigint
), ',', chr(3) || '2')
