SELECT array_to_string(ARRAY(
    SELECT ('{"copiesSold":' || coalesce('"' || "book_copies_sold"(ROW("bookshop_book"."id", "bookshop_book"."title", "bookshop_book"."isbn", "bookshop_book"."format", "bookshop_book"."condition", "bookshop_book"."price", "bookshop_book"."tax_rate", "bookshop_book"."price_with_tax", "bookshop_book"."published", "bookshop_book"."in_print", "bookshop_book"."pages", "bookshop_book"."weight", "bookshop_book"."reading_time", "bookshop_book"."attributes", "bookshop_book"."tags", "bookshop_book"."cover", "bookshop_book"."created_at", "bookshop_book"."updated_at", "bookshop_book"."category_id", "bookshop_book"."publisher_id")::"bookshop_book")::bigint::text || '"', chr(3) || '1') || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("book_copies_sold"(ROW("bookshop_book"."id", "bookshop_book"."title", "bookshop_book"."isbn", "bookshop_book"."format", "bookshop_book"."condition", "bookshop_book"."price", "bookshop_book"."tax_rate", "bookshop_book"."price_with_tax", "bookshop_book"."published", "bookshop_book"."in_print", "bookshop_book"."pages", "bookshop_book"."weight", "bookshop_book"."reading_time", "bookshop_book"."attributes", "bookshop_book"."tags", "bookshop_book"."cover", "bookshop_book"."created_at", "bookshop_book"."updated_at", "bookshop_book"."category_id", "bookshop_book"."publisher_id")::"bookshop_book"))::bigint >= %s::bigint)
    ORDER BY ("book_copies_sold"(ROW("bookshop_book"."id", "bookshop_book"."title", "bookshop_book"."isbn", "bookshop_book"."format", "bookshop_book"."condition", "bookshop_book"."price", "bookshop_book"."tax_rate", "bookshop_book"."price_with_tax", "bookshop_book"."published", "bookshop_book"."in_print", "bookshop_book"."pages", "bookshop_book"."weight", "bookshop_book"."reading_time", "bookshop_book"."attributes", "bookshop_book"."tags", "bookshop_book"."cover", "bookshop_book"."created_at", "bookshop_book"."updated_at", "bookshop_book"."category_id", "bookshop_book"."publisher_id")::"bookshop_book"))::bigint DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"book":{"copiesSold":' || coalesce('"' || (
        SELECT "book_copies_sold"(ROW(U0."id", U0."title", U0."isbn", U0."format", U0."condition", U0."price", U0."tax_rate", U0."price_with_tax", U0."published", U0."in_print", U0."pages", U0."weight", U0."reading_time", U0."attributes", U0."tags", U0."cover", U0."created_at", U0."updated_at", U0."category_id", U0."publisher_id")::"bookshop_book", "since" => %s::timestamp with time zone) AS "fraiseql_value"
        FROM "bookshop_book" U0
        WHERE U0."id" = ("bookshop_review"."book_id")
    )::bigint::text || '"', chr(3) || '3') || '}}') AS "fraiseql_json"
    FROM "bookshop_review"
    ORDER BY "bookshop_review"."created_at" DESC, "bookshop_review"."id" DESC
    LIMIT %s::bigint
), ',', chr(3) || '2')
