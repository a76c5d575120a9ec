SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_author"."name")::text
        || ',"books":[' || array_to_string(ARRAY(
            SELECT ('{"title":' || to_json(U0."title")::text || '}') AS "fraiseql_json"
            FROM "bookshop_book" U0
            INNER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."book_id")
            WHERE U1."author_id" = ("bookshop_author"."id")
            ORDER BY U0."title" ASC, U0."id" ASC
            LIMIT %s::bigint
            OFFSET %s::bigint
        ), ',', chr(3) || '1') || ']}') AS "fraiseql_json"
    FROM "bookshop_author"
    ORDER BY "bookshop_author"."name" ASC, "bookshop_author"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
