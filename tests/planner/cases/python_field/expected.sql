SELECT array_to_string(ARRAY(
    SELECT ('{"citation":' || chr(1) || '0' || chr(2) || json_build_array(("bookshop_book"."title")::text, ("bookshop_book"."published")::text, ("bookshop_book"."id")::text)::text || chr(1) || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"book":{"citation":' || chr(1) || '1' || chr(2) || json_build_array(("bookshop_book"."title")::text, ("bookshop_book"."published")::text, ("bookshop_review"."book_id")::text)::text || chr(1) || '}}') AS "fraiseql_json"
    FROM "bookshop_review"
    INNER JOIN "bookshop_book" ON ("bookshop_review"."book_id" = "bookshop_book"."id")
    ORDER BY "bookshop_review"."created_at" DESC, "bookshop_review"."id" DESC
    LIMIT %s::bigint
), ',', chr(3) || '3')
