SELECT array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","pages":' || coalesce("bookshop_book"."pages"::bigint::text, 'null') || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."pages" IS NULL)
    ORDER BY "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","pages":' || coalesce("bookshop_book"."pages"::bigint::text, 'null') || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."pages" IS NOT NULL)
    ORDER BY "bookshop_book"."pages" DESC NULLS LAST, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text || '"}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (1 IS NULL)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT ALL
), ',', chr(3) || '0')
