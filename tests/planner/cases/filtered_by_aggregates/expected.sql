SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"reviewsAggregate":' || (
            SELECT ('{"avg":{"stars":' || CASE WHEN fraiseql_groups.v0::double precision - fraiseql_groups.v0::double precision = 0 THEN fraiseql_groups.v0::double precision::text ELSE CASE WHEN fraiseql_groups.v0 IS NULL THEN 'null' ELSE chr(3) || '1' END END || '}}')
            FROM (
                SELECT (avg(fraiseql_rows.fraiseql_a0))::double precision AS v0
                FROM (
                    SELECT U0."stars" AS "fraiseql_a0"
                    FROM "bookshop_review" U0
                    WHERE U0."book_id" = ("bookshop_book"."id")
                ) AS fraiseql_rows
            ) AS fraiseql_groups
        ) || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (EXISTS (
        SELECT
        FROM (
            SELECT count(*) AS v0
            FROM (
                SELECT U0."id" AS "id"
                FROM "bookshop_review" U0
                WHERE U0."book_id" = ("bookshop_book"."id")
            ) AS fraiseql_rows
        ) AS fraiseql_groups
        WHERE ((fraiseql_groups.v0 >= %s::bigint))
    ) AND EXISTS (
        SELECT
        FROM (
            SELECT (avg(fraiseql_rows.fraiseql_a0))::double precision AS v0
            FROM (
                SELECT U0."stars" AS "fraiseql_a0"
                FROM "bookshop_review" U0
                WHERE (U0."book_id" = ("bookshop_book"."id") AND (U0."stars" > %s::bigint))
            ) AS fraiseql_rows
        ) AS fraiseql_groups
        WHERE ((fraiseql_groups.v0 >= %s::double precision) AND (abs(fraiseql_groups.v0) < 'Infinity'))
    ) AND NOT ((EXISTS (
        SELECT
        FROM (
            SELECT max(fraiseql_rows.fraiseql_a0) AS v0
            FROM (
                SELECT U0."stars" AS "fraiseql_a0"
                FROM "bookshop_review" U0
                WHERE U0."book_id" = ("bookshop_book"."id")
            ) AS fraiseql_rows
        ) AS fraiseql_groups
        WHERE ((((fraiseql_groups.v0 < %s::bigint))) IS NOT FALSE)
    ))))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
