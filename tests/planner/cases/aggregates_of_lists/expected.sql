SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_publisher"."name")::text
        || ',"booksAggregate":' || (
            SELECT ('{"count":' || fraiseql_groups.v0::bigint::text
                || ',"min":{"published":' || CASE WHEN fraiseql_groups.v1::date >= '0001-01-01' AND fraiseql_groups.v1::date < '10000-01-01' THEN to_json(fraiseql_groups.v1::date)::text ELSE CASE WHEN fraiseql_groups.v1 IS NULL THEN 'null' ELSE chr(3) || '1' END END
                || '},"max":{"price":' || CASE WHEN (fraiseql_groups.v2::numeric < 'Infinity'::numeric AND fraiseql_groups.v2::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.v2::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.v2 IS NULL THEN 'null' ELSE chr(3) || '2' END END
                || '},"stddev":{"price":' || CASE WHEN (fraiseql_groups.v3::numeric < 'Infinity'::numeric AND fraiseql_groups.v3::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.v3::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.v3 IS NULL THEN 'null' ELSE chr(3) || '3' END END || '}}')
            FROM (
                SELECT count(*) AS v0, min(fraiseql_rows.fraiseql_a0) AS v1, max(fraiseql_rows.fraiseql_a1) AS v2, stddev_samp(fraiseql_rows.fraiseql_a1) AS v3
                FROM (
                    SELECT U0."published" AS "fraiseql_a0", U0."price" AS "fraiseql_a1"
                    FROM "bookshop_book" U0
                    WHERE U0."publisher_id" = ("bookshop_publisher"."id")
                ) AS fraiseql_rows
            ) AS fraiseql_groups
        ) || '}') AS "fraiseql_json"
    FROM "bookshop_publisher"
    ORDER BY "bookshop_publisher"."name" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
