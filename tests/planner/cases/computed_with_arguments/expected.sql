SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"discounted":' || (
            SELECT CASE WHEN (fraiseql_once.value::numeric < 'Infinity'::numeric AND fraiseql_once.value::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_once.value::numeric::text || '"' ELSE CASE WHEN fraiseql_once.value IS NULL THEN chr(3) || '1' ELSE chr(3) || '2' END END
            FROM (
                SELECT (("bookshop_book"."price" * (100 - %s::integer)) / 100) AS value, "bookshop_book"."id" AS key
                OFFSET 0
            ) AS fraiseql_once
            WHERE fraiseql_once.key IS NOT NULL
        )
        || ',"half":' || (
            SELECT CASE WHEN (fraiseql_once.value::numeric < 'Infinity'::numeric AND fraiseql_once.value::numeric > '-Infinity'::numeric) THEN '"' || fraiseql_once.value::numeric::text || '"' ELSE CASE WHEN fraiseql_once.value IS NULL THEN chr(3) || '1' ELSE chr(3) || '2' END END
            FROM (
                SELECT (("bookshop_book"."price" * (100 - %s::integer)) / 100) AS value, "bookshop_book"."id" AS key
                OFFSET 0
            ) AS fraiseql_once
            WHERE fraiseql_once.key IS NOT NULL
        ) || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
