SELECT ('[' || array_to_string(ARRAY(
    SELECT ('{"tags":' || to_json("bookshop_book"."tags")::text
        || ',"attributes":' || coalesce("bookshop_book"."attributes"::jsonb::text, 'null')
        || ',"readingTime":' || coalesce('"' || (
            SELECT CASE WHEN s < 0 THEN '-' ELSE '' END || 'P' || div(abs(s), 86400) || 'DT' || to_char(make_interval(secs => mod(abs(s), 86400)::float8), CASE WHEN s = trunc(s) THEN 'HH24"H"MI"M"SS"S"' ELSE 'HH24"H"MI"M"SS.US"S"' END)
            FROM extract(epoch from "bookshop_book"."reading_time") AS s
        ) || '"', 'null')
        || ',"createdAt":' || to_json("bookshop_book"."created_at")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("bookshop_book"."tags" <> %s::character varying[]) AND (NULLIF("bookshop_book"."attributes", 'null'::jsonb) <> %s::jsonb) AND ("bookshop_book"."reading_time" > %s::interval))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',') || ']')
