SELECT array_to_string(ARRAY(
    SELECT ('{"reviewCount":' || (
        SELECT CASE WHEN fraiseql_once.value BETWEEN -2147483648 AND 2147483647 THEN fraiseql_once.value::bigint::text ELSE CASE WHEN fraiseql_once.value IS NULL THEN chr(3) || '1' ELSE chr(3) || '2' END END
        FROM (
            SELECT (
                SELECT COUNT(U1."id") AS "fraiseql_value"
                FROM "bookshop_book" U0
                LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
                WHERE U0."id" = ("bookshop_book"."id")
                GROUP BY U0."id"
            ) AS value, "bookshop_book"."id" AS key
            OFFSET 0
        ) AS fraiseql_once
        WHERE fraiseql_once.key IS NOT NULL
    )
        || ',"averageStars":' || (
            SELECT CASE WHEN fraiseql_once.value::double precision - fraiseql_once.value::double precision = 0 THEN fraiseql_once.value::double precision::text ELSE CASE WHEN fraiseql_once.value IS NULL THEN 'null' ELSE chr(3) || '3' END END
            FROM (
                SELECT (
                    SELECT AVG(U1."stars") AS "fraiseql_value"
                    FROM "bookshop_book" U0
                    LEFT OUTER JOIN "bookshop_review" U1 ON (U0."id" = U1."book_id")
                    WHERE U0."id" = ("bookshop_book"."id")
                    GROUP BY U0."id"
                ) AS value, "bookshop_book"."id" AS key
                OFFSET 0
            ) AS fraiseql_once
            WHERE fraiseql_once.key IS NOT NULL
        )
        || ',"authors":[' || array_to_string(ARRAY(
            SELECT ('{"bookCount":' || (
                SELECT CASE WHEN fraiseql_once.value BETWEEN -2147483648 AND 2147483647 THEN fraiseql_once.value::bigint::text ELSE CASE WHEN fraiseql_once.value IS NULL THEN chr(3) || '5' ELSE chr(3) || '6' END END
                FROM (
                    SELECT (
                        SELECT COUNT(U1."book_id") AS "fraiseql_value"
                        FROM "bookshop_author" U0
                        LEFT OUTER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."author_id")
                        WHERE U0."id" = (V0."id")
                        GROUP BY U0."id"
                    ) AS value, V0."id" AS key
                    OFFSET 0
                ) AS fraiseql_once
                WHERE fraiseql_once.key IS NOT NULL
            ) || '}') AS "fraiseql_json"
            FROM "bookshop_author" V0
            INNER JOIN "bookshop_book_authors" V1 ON (V0."id" = V1."author_id")
            WHERE V1."book_id" = ("bookshop_book"."id")
            ORDER BY V0."name" ASC, V0."id" ASC
            LIMIT ALL
        ), ',', chr(3) || '4') || ']}') AS "fraiseql_json"
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
), ',', chr(3) || '0')
