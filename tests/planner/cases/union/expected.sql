SELECT array_to_string(ARRAY(
    SELECT json
    FROM ((
        SELECT ('{"__typename":"Book","title":' || to_json("bookshop_book"."title")::text
            || ',"authors":[' || array_to_string(ARRAY(
                SELECT ('{"name":' || to_json(U0."name")::text || '}') AS "fraiseql_json"
                FROM "bookshop_author" U0
                INNER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."author_id")
                WHERE U1."book_id" = ("bookshop_book"."id")
                ORDER BY U0."name" ASC, U0."id" ASC
                LIMIT ALL
            ), ',', chr(3) || '0') || ']}') AS "fraiseql_0", 0 AS "fraiseql_1", jsonb_build_array("bookshop_book"."id") AS "fraiseql_2"
        FROM "bookshop_book"
        WHERE (("bookshop_book"."title"::text LIKE %s::text) OR (1 IS NULL))
        ORDER BY "bookshop_book"."id" ASC
        LIMIT (%s::bigint + %s::bigint)
    ) UNION ALL (
        SELECT ('{"__typename":"Author","name":' || to_json("bookshop_author"."name")::text || '}') AS "fraiseql_0", 1 AS "fraiseql_1", jsonb_build_array("bookshop_author"."id") AS "fraiseql_2"
        FROM "bookshop_author"
        WHERE ((1 IS NULL) OR ("bookshop_author"."name"::text LIKE %s::text))
        ORDER BY "bookshop_author"."id" ASC
        LIMIT (%s::bigint + %s::bigint)
    ) UNION ALL (
        SELECT ('{"__typename":"Publisher"}') AS "fraiseql_0", 2 AS "fraiseql_1", jsonb_build_array("bookshop_publisher"."id") AS "fraiseql_2"
        FROM "bookshop_publisher"
        WHERE ((1 IS NULL) OR (1 IS NULL))
        ORDER BY "bookshop_publisher"."id" ASC
        LIMIT (%s::bigint + %s::bigint)
    )) AS fraiseql_union(json, place, key)
    ORDER BY place, key
    LIMIT %s::bigint
    OFFSET %s::bigint
), ',', chr(3) || '1'), (((
    SELECT count(*)::text
    FROM (
        SELECT "bookshop_book"."id" AS "id"
        FROM "bookshop_book"
        WHERE ('Book'::text = ANY(%s::text[]))
    ) AS fraiseql_counted
))::bigint + ((
    SELECT count(*)::text
    FROM (
        SELECT "bookshop_author"."id" AS "id"
        FROM "bookshop_author"
        WHERE ('Author'::text = ANY(%s::text[]))
    ) AS fraiseql_counted
))::bigint + ((
    SELECT count(*)::text
    FROM (
        SELECT "bookshop_publisher"."id" AS "id"
        FROM "bookshop_publisher"
        WHERE ('Publisher'::text = ANY(%s::text[]))
    ) AS fraiseql_counted
))::bigint)::text
