SELECT (
    SELECT ('{"totalCount":' || (
        SELECT count(*)::text
        FROM (
            SELECT "bookshop_book"."id" AS "id"
            FROM "bookshop_book"
        ) AS fraiseql_counted
    )
        || ',"nodes":[' || coalesce(string_agg(coalesce(fraiseql_page.n0, chr(3) || '0'), ',') FILTER (WHERE fraiseql_page.place <= %s::bigint), '')
        || '],"pageInfo":{"hasNextPage":' || (count(*) > %s::bigint)::text
        || ',"hasPreviousPage":false}}')
    FROM (
        SELECT row_number() OVER () AS place, fraiseql_rows.*
        FROM (
            SELECT ('{"title":' || to_json("bookshop_book"."title")::text
                || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END || '}') AS "fraiseql_n0"
            FROM "bookshop_book"
            ORDER BY "bookshop_book"."price" DESC, "bookshop_book"."id" ASC
            LIMIT %s::bigint
        ) AS fraiseql_rows(n0)
    ) AS fraiseql_page
)
