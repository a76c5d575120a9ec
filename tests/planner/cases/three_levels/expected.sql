SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_author"."name")::text
        || ',"books":[' || array_to_string(ARRAY(
            SELECT ('{"title":' || to_json(V0."title")::text
                || ',"reviews":[' || array_to_string(ARRAY(
                    SELECT ('{"stars":' || U0."stars"::bigint::text
                        || ',"customer":' || CASE WHEN U0."customer_id" IS NULL THEN 'null' ELSE ('{"name":' || to_json(U2."name")::text || '}') END || '}') AS "fraiseql_json"
                    FROM "bookshop_review" U0
                    LEFT OUTER JOIN "bookshop_customer" U2 ON (U0."customer_id" = U2."id")
                    WHERE U0."book_id" = (V0."id")
                    ORDER BY U0."stars" DESC, U0."id" ASC
                    LIMIT %s::bigint
                ), ',', chr(3) || '2') || ']}') AS "fraiseql_json"
            FROM "bookshop_book" V0
            INNER JOIN "bookshop_book_authors" V1 ON (V0."id" = V1."book_id")
            WHERE V1."author_id" = ("bookshop_author"."id")
            ORDER BY V0."title" ASC, V0."id" ASC
            LIMIT %s::bigint
        ), ',', chr(3) || '1') || ']}') AS "fraiseql_json"
    FROM "bookshop_author"
    WHERE ("bookshop_author"."name"::text LIKE %s::text)
    ORDER BY "bookshop_author"."name" ASC, "bookshop_author"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
