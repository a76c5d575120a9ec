SELECT array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (EXISTS(
        SELECT 1 AS "a"
        FROM "bookshop_review" U0
        WHERE (U0."book_id" = ("bookshop_book"."id") AND (U0."stars" = %s::bigint))
        LIMIT 1
    ) AND NOT EXISTS(
        SELECT 1 AS "a"
        FROM "bookshop_review" U0
        WHERE (U0."book_id" = ("bookshop_book"."id") AND (((U0."stars" >= %s::bigint))) IS NOT TRUE)
        LIMIT 1
    ) AND NOT EXISTS(
        SELECT 1 AS "a"
        FROM "bookshop_author" U0
        INNER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."author_id")
        WHERE (U1."book_id" = ("bookshop_book"."id") AND (U0."born" < %s::date))
        LIMIT 1
    ))
    ORDER BY "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
