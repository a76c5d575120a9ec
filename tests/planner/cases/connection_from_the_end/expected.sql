SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"reviewsConnection":' || (
            SELECT ('{"edges":[' || coalesce(string_agg(('{"node":' || coalesce(fraiseql_page.n0, chr(3) || '1') || '}'), ',' ORDER BY fraiseql_page.place DESC) FILTER (WHERE fraiseql_page.place <= %s::bigint), '')
                || '],"pageInfo":{"hasPreviousPage":' || (count(*) > %s::bigint)::text || '}}')
            FROM (
                SELECT row_number() OVER () AS place, fraiseql_rows.*
                FROM (
                    SELECT ('{"stars":' || U0."stars"::bigint::text || '}') AS "fraiseql_n0"
                    FROM "bookshop_review" U0
                    WHERE U0."book_id" = ("bookshop_book"."id")
                    ORDER BY U0."created_at" ASC, U0."id" ASC
                    LIMIT %s::bigint
                ) AS fraiseql_rows(n0)
            ) AS fraiseql_page
        ) || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
