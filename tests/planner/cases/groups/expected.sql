SELECT array_to_string(ARRAY(
    SELECT (('{"key":{"format":' || CASE fraiseql_groups.fraiseql_a0::text WHEN 'hardcover' THEN '"HARDCOVER"' WHEN 'paperback' THEN '"PAPERBACK"' WHEN 'e-book' THEN '"E_BOOK"' WHEN 'audio' THEN '"AUDIO"' ELSE CASE WHEN fraiseql_groups.fraiseql_a0 IS NULL THEN chr(3) || '1' ELSE chr(3) || '2' END END
        || ',"publisher":' || CASE WHEN fraiseql_groups.fraiseql_a1 THEN ('{"country":' || coalesce(to_json(fraiseql_groups.fraiseql_a2::text)::text, chr(3) || '3') || '}') ELSE 'null' END
        || ',"category":' || CASE WHEN fraiseql_groups.fraiseql_a3 THEN ('{"slug":' || coalesce(to_json(fraiseql_groups.fraiseql_a4::text)::text, chr(3) || '4') || '}') ELSE 'null' END
        || '},"count":' || fraiseql_groups.v0::bigint::text
        || ',"avg":{"price":' || CASE WHEN (fraiseql_groups.v1::numeric < 'Infinity'::numeric AND fraiseql_groups.v1::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_groups.v1::numeric::text || '"' ELSE CASE WHEN fraiseql_groups.v1 IS NULL THEN 'null' ELSE chr(3) || '5' END END) || '}}')
    FROM (
        SELECT fraiseql_rows.fraiseql_a0, fraiseql_rows.fraiseql_a1, fraiseql_rows.fraiseql_a2, fraiseql_rows.fraiseql_a3, fraiseql_rows.fraiseql_a4, count(*) AS v0, avg(fraiseql_rows.fraiseql_a5) AS v1
        FROM (
            SELECT "bookshop_book"."format" AS "fraiseql_a0", (CASE WHEN "bookshop_book"."publisher_id" IS NOT NULL THEN TRUE END)::boolean AS "fraiseql_a1", "bookshop_publisher"."country" AS "fraiseql_a2", (CASE WHEN "bookshop_book"."category_id" IS NOT NULL THEN TRUE END)::boolean AS "fraiseql_a3", "bookshop_category"."slug" AS "fraiseql_a4", "bookshop_book"."price" AS "fraiseql_a5"
            FROM "bookshop_book"
            INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
            LEFT OUTER JOIN "bookshop_category" ON ("bookshop_book"."category_id" = "bookshop_category"."id")
            WHERE ("bookshop_book"."in_print" = %s::boolean)
        ) AS fraiseql_rows
        GROUP BY fraiseql_rows.fraiseql_a0, fraiseql_rows.fraiseql_a1, fraiseql_rows.fraiseql_a2, fraiseql_rows.fraiseql_a3, fraiseql_rows.fraiseql_a4
    ) AS fraiseql_groups
    WHERE (fraiseql_groups.v0 >= %s::bigint)
    ORDER BY fraiseql_groups.v1 DESC, fraiseql_groups.fraiseql_a2, fraiseql_groups.fraiseql_a0, fraiseql_groups.fraiseql_a1, fraiseql_groups.fraiseql_a3, fraiseql_groups.fraiseql_a4
    LIMIT %s::bigint
    OFFSET %s::bigint
), ',', chr(3) || '0')
