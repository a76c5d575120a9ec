SELECT ('[' || array_to_string(ARRAY(
    SELECT ('{"reviewCount":' || coalesce((
        SELECT COUNT(U1."id") AS "fraiseql_value"
        FROM "bookshop_book" U0
        LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
        WHERE U0."id" = ("bookshop_book"."id")
        GROUP BY U0."id"
    )::bigint::text, 'null')
        || ',"averageStars":' || coalesce(nullif(nullif(nullif((
            SELECT AVG(U1."stars") AS "fraiseql_value"
            FROM "bookshop_book" U0
            LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
            WHERE U0."id" = ("bookshop_book"."id")
            GROUP BY U0."id"
        )::double precision::text, 'NaN'), 'Infinity'), '-Infinity'), 'null')
        || ',"authors":' || ('[' || array_to_string(ARRAY(
            SELECT ('{"bookCount":' || coalesce((
                SELECT COUNT(U1."book_id") AS "fraiseql_value"
                FROM "bookshop_author" U0
                LEFT OUTER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."author_id")
                WHERE U0."id" = (V0."id")
                GROUP BY U0."id"
            )::bigint::text, 'null') || '}') AS "fraiseql_json"
            FROM "bookshop_author" V0
            INNER JOIN "bookshop_book_authors" V1 ON (V0."id" = V1."author_id")
            WHERE V1."book_id" = ("bookshop_book"."id")
            ORDER BY V0."name" ASC, V0."id" ASC
        ), ',') || ']') || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (((
        SELECT COUNT(U1."id") AS "fraiseql_value"
        FROM "bookshop_book" U0
        LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
        WHERE U0."id" = ("bookshop_book"."id")
        GROUP BY U0."id"
    ))::bigint > %s::bigint)
    ORDER BY ((
        SELECT AVG(U1."stars") AS "fraiseql_value"
        FROM "bookshop_book" U0
        LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
        WHERE U0."id" = ("bookshop_book"."id")
        GROUP BY U0."id"
    ))::double precision DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',') || ']')
