SELECT array_to_string(ARRAY(
    SELECT ('{"tags":' || CASE WHEN array_ndims("bookshop_book"."tags") <> 1 THEN chr(3) || '1' ELSE CASE WHEN EXISTS (
        SELECT
        FROM unnest("bookshop_book"."tags") AS items(item)
        WHERE item IS NULL
    ) THEN '[' || array_to_string(ARRAY(
        SELECT coalesce(to_json(item)::text, chr(3) || '2')
        FROM unnest("bookshop_book"."tags") WITH ORDINALITY AS items(item, place)
        ORDER BY place
    ), ',') || ']' ELSE to_json("bookshop_book"."tags")::text END END
        || ',"attributes":' || "bookshop_book"."attributes"::jsonb::text
        || ',"readingTime":' || CASE WHEN isfinite("bookshop_book"."reading_time"::interval) THEN '"' || (
            SELECT CASE WHEN s < 0 THEN '-' ELSE '' END || 'P' || div(abs(s), 86400) || 'DT' || to_char(make_interval(secs => mod(abs(s), 86400)::float8), CASE WHEN s = trunc(s) THEN 'HH24"H"MI"M"SS"S"' ELSE 'HH24"H"MI"M"SS.US"S"' END)
            FROM extract(epoch from "bookshop_book"."reading_time"::interval) AS s
        ) || '"' ELSE CASE WHEN "bookshop_book"."reading_time" IS NULL THEN 'null' ELSE chr(3) || '3' END END
        || ',"createdAt":' || CASE WHEN "bookshop_book"."created_at"::timestamp with time zone >= '0001-01-01' AND "bookshop_book"."created_at"::timestamp with time zone < '10000-01-01' THEN to_json("bookshop_book"."created_at"::timestamp with time zone)::text ELSE chr(3) || '4' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("bookshop_book"."tags" <> %s::character varying[]) AND (NULLIF("bookshop_book"."attributes", 'null'::jsonb) <> %s::jsonb) AND ("bookshop_book"."reading_time" > %s::interval))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
