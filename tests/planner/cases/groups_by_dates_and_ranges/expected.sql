SELECT array_to_string(ARRAY(
    SELECT (('{"key":{"year":' || CASE WHEN fraiseql_groups.fraiseql_a0::date >= '0001-01-01' AND fraiseql_groups.fraiseql_a0::date < '10000-01-01' THEN to_json(fraiseql_groups.fraiseql_a0::date)::text ELSE CASE WHEN fraiseql_groups.fraiseql_a0 IS NULL THEN 'null' ELSE chr(3) || '1' END END
        || ',"hour":' || CASE WHEN fraiseql_groups.fraiseql_a1 BETWEEN -2147483648 AND 2147483647 THEN fraiseql_groups.fraiseql_a1::bigint::text ELSE CASE WHEN fraiseql_groups.fraiseql_a1 IS NULL THEN chr(3) || '2' ELSE chr(3) || '3' END END
        || ',"price":' || CASE WHEN (fraiseql_groups.fraiseql_a2::numeric < 'Infinity'::numeric AND fraiseql_groups.fraiseql_a2::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.fraiseql_a2::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.fraiseql_a2 IS NULL THEN chr(3) || '4' ELSE chr(3) || '5' END END
        || ',"language":' || coalesce(fraiseql_groups.fraiseql_a3::jsonb::text, 'null')
        || '},"count":' || fraiseql_groups.v0::bigint::text)
        || (',"sum":{"pages":' || CASE WHEN fraiseql_groups.v1 BETWEEN -9223372036854775808 AND 9223372036854775807 THEN '"' || fraiseql_groups.v1::bigint::text || '"' ELSE CASE WHEN fraiseql_groups.v1 IS NULL THEN 'null' ELSE chr(3) || '6' END END || '}}'))
    FROM (
        SELECT fraiseql_rows.fraiseql_a0, fraiseql_rows.fraiseql_a1, fraiseql_rows.fraiseql_a2, fraiseql_rows.fraiseql_a3, count(*) AS v0, sum(fraiseql_rows.fraiseql_a4) AS v1
        FROM (
            SELECT date_trunc(%s::text, ("bookshop_book"."published")::timestamp)::date AS "fraiseql_a0", floor(date_part(%s::text, (("bookshop_book"."created_at")::timestamptz AT TIME ZONE %s::text))) AS "fraiseql_a1", (("bookshop_book"."price")::numeric - mod(mod(("bookshop_book"."price")::numeric - 0, %s::numeric) + %s::numeric, %s::numeric)) AS "fraiseql_a2", NULLIF((NULLIF("bookshop_book"."attributes", 'null'::jsonb))::jsonb #> %s::text[], 'null'::jsonb) AS "fraiseql_a3", "bookshop_book"."pages" AS "fraiseql_a4"
            FROM "bookshop_book"
        ) AS fraiseql_rows
        GROUP BY fraiseql_rows.fraiseql_a0, fraiseql_rows.fraiseql_a1, fraiseql_rows.fraiseql_a2, fraiseql_rows.fraiseql_a3
    ) AS fraiseql_groups
    ORDER BY fraiseql_groups.fraiseql_a0, fraiseql_groups.fraiseql_a1, fraiseql_groups.fraiseql_a2, fraiseql_groups.fraiseql_a3
    LIMIT %s::bigint
), ',', chr(3) || '0')
