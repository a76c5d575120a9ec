SELECT (
    SELECT (('{"count":' || fraiseql_groups.v0::bigint::text
        || ',"sum":{"price":' || CASE WHEN (fraiseql_groups.v1::numeric < 'Infinity'::numeric AND fraiseql_groups.v1::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.v1::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.v1 IS NULL THEN 'null' ELSE chr(3) || '0' END END
        || ',"pages":' || CASE WHEN fraiseql_groups.v2 BETWEEN -9223372036854775808 AND 9223372036854775807 THEN '"' || fraiseql_groups.v2::bigint::text || '"' ELSE CASE WHEN fraiseql_groups.v2 IS NULL THEN 'null' ELSE chr(3) || '1' END END
        || ',"reviewCount":' || CASE WHEN fraiseql_groups.v3 BETWEEN -9223372036854775808 AND 9223372036854775807 THEN '"' || fraiseql_groups.v3::bigint::text || '"' ELSE CASE WHEN fraiseql_groups.v3 IS NULL THEN 'null' ELSE chr(3) || '2' END END
        || ',"publisher":{"founded":' || CASE WHEN fraiseql_groups.v4 BETWEEN -9223372036854775808 AND 9223372036854775807 THEN '"' || fraiseql_groups.v4::bigint::text || '"' ELSE CASE WHEN fraiseql_groups.v4 IS NULL THEN 'null' ELSE chr(3) || '3' END END)
        || ('}},"avg":{"price":' || CASE WHEN (fraiseql_groups.v5::numeric < 'Infinity'::numeric AND fraiseql_groups.v5::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.v5::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.v5 IS NULL THEN 'null' ELSE chr(3) || '4' END END
        || ',"pages":' || CASE WHEN fraiseql_groups.v6::double precision - fraiseql_groups.v6::double precision = 0 THEN fraiseql_groups.v6::double precision::text ELSE CASE WHEN fraiseql_groups.v6 IS NULL THEN 'null' ELSE chr(3) || '5' END END
        || ',"readingTime":' || CASE WHEN isfinite(fraiseql_groups.v7::interval) THEN '"' || (
            SELECT CASE WHEN s < 0 THEN '-' ELSE '' END || 'P' || div(abs(s), 86400) || 'DT' || to_char(make_interval(secs => mod(abs(s), 86400)::float8), CASE WHEN s = trunc(s) THEN 'HH24"H"MI"M"SS"S"' ELSE 'HH24"H"MI"M"SS.US"S"' END)
            FROM extract(epoch from fraiseql_groups.v7::interval) AS s
        ) || '"' ELSE CASE WHEN fraiseql_groups.v7 IS NULL THEN 'null' ELSE chr(3) || '6' END END
        || '},"countDistinct":{"format":' || fraiseql_groups.v8::bigint::text
        || ',"publisher":{"name":' || fraiseql_groups.v9::bigint::text)
        || ('}},"boolAnd":{"inPrint":' || coalesce(fraiseql_groups.v10::boolean::text, 'null')
        || '},"array":{"title":' || CASE WHEN array_ndims((fraiseql_groups.v11)::text[]) <> 1 THEN chr(3) || '7' ELSE CASE WHEN EXISTS (
            SELECT
            FROM unnest((fraiseql_groups.v11)::text[]) AS items(item)
            WHERE item IS NULL
        ) THEN '[' || array_to_string(ARRAY(
            SELECT coalesce(to_json(item::text)::text, chr(3) || '8')
            FROM unnest((fraiseql_groups.v11)::text[]) WITH ORDINALITY AS items(item, place)
            ORDER BY place
        ), ',') || ']' ELSE to_json((fraiseql_groups.v11)::text[]::text[])::text END END
        || '},"join":{"publisher":{"name":' || coalesce(to_json(fraiseql_groups.v12::text)::text, 'null') || '}}}'))
    FROM (
        SELECT count(*) AS v0, sum(fraiseql_rows.fraiseql_a0) AS v1, sum(fraiseql_rows.fraiseql_a1) AS v2, sum(fraiseql_rows.fraiseql_a2) AS v3, sum(fraiseql_rows.fraiseql_a3) AS v4, avg(fraiseql_rows.fraiseql_a0) AS v5, (avg(fraiseql_rows.fraiseql_a1))::double precision AS v6, avg(fraiseql_rows.fraiseql_a4) AS v7, count(DISTINCT fraiseql_rows.fraiseql_a5) AS v8, count(DISTINCT fraiseql_rows.fraiseql_a6) AS v9, bool_and(fraiseql_rows.fraiseql_a7) AS v10, coalesce((array_agg(fraiseql_rows.fraiseql_a8 ORDER BY fraiseql_rows.fraiseql_a9 DESC, fraiseql_rows.fraiseql_a8) FILTER (WHERE fraiseql_rows.fraiseql_a8 IS NOT NULL))[1:%s::bigint::integer], '{}') AS v11, array_to_string((array_agg(DISTINCT fraiseql_rows.fraiseql_a6 ORDER BY fraiseql_rows.fraiseql_a6) FILTER (WHERE fraiseql_rows.fraiseql_a6 IS NOT NULL))::text[], %s::text) AS v12
        FROM (
            SELECT "bookshop_book"."price" AS "fraiseql_a0", "bookshop_book"."pages" AS "fraiseql_a1", ((
                SELECT COUNT(U1."id") AS "fraiseql_value"
                FROM "bookshop_book" U0
                LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
                WHERE U0."id" = ("bookshop_book"."id")
                GROUP BY U0."id"
            ))::bigint AS "fraiseql_a2", "bookshop_publisher"."founded" AS "fraiseql_a3", "bookshop_book"."reading_time" AS "fraiseql_a4", "bookshop_book"."format" AS "fraiseql_a5", "bookshop_publisher"."name" AS "fraiseql_a6", "bookshop_book"."in_print" AS "fraiseql_a7", "bookshop_book"."title" AS "fraiseql_a8", "bookshop_book"."price" AS "fraiseql_a9"
            FROM "bookshop_book"
            INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
            WHERE ("bookshop_publisher"."country" = %s::text)
        ) AS fraiseql_rows
    ) AS fraiseql_groups
)
