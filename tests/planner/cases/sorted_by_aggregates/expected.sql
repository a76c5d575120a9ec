SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"reviewsCount":' || (
            SELECT count(*)::text
            FROM (
                SELECT U0."id" AS "id"
                FROM "bookshop_review" U0
                WHERE U0."book_id" = ("bookshop_book"."id")
            ) AS fraiseql_counted
        ) || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY (
        SELECT fraiseql_groups.v0
        FROM (
            SELECT count(*) AS v0
            FROM (
                SELECT U0."id" AS "id"
                FROM "bookshop_review" U0
                WHERE U0."book_id" = ("bookshop_book"."id")
            ) AS fraiseql_rows
        ) AS fraiseql_groups
    ) DESC, CASE WHEN ("bookshop_book"."publisher_id" IS NOT NULL) THEN (
        SELECT fraiseql_groups.v0
        FROM (
            SELECT sum(fraiseql_rows.fraiseql_a0) AS v0
            FROM (
                SELECT U0."price" AS "fraiseql_a0"
                FROM "bookshop_book" U0
                WHERE U0."publisher_id" = ("bookshop_book"."publisher_id")
            ) AS fraiseql_rows
        ) AS fraiseql_groups
    ) END DESC, (
        SELECT fraiseql_groups.v0
        FROM (
            SELECT (avg(fraiseql_rows.fraiseql_a0))::double precision AS v0
            FROM (
                SELECT U0."stars" AS "fraiseql_a0"
                FROM "bookshop_review" U0
                WHERE U0."book_id" = ("bookshop_book"."id")
            ) AS fraiseql_rows
        ) AS fraiseql_groups
    ) DESC NULLS LAST, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
