SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (UPPER("bookshop_book"."title"::text) LIKE UPPER(%s::text))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."title"::text LIKE %s::text)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."title"::text ILIKE %s::text)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."title"::text ~* %s::text)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
