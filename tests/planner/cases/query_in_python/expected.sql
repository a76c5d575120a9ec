SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END
        || ',"authors":[' || array_to_string(ARRAY(
            SELECT ('{"name":' || to_json(U0."name")::text || '}') AS "fraiseql_json"
            FROM "bookshop_author" U0
            INNER JOIN "bookshop_book_authors" U1 ON (U0."id" = U1."author_id")
            WHERE U1."book_id" = ("bookshop_book"."id")
            ORDER BY U0."name" ASC, U0."id" ASC
            LIMIT ALL
        ), ',', chr(3) || '2') || ']}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("bookshop_book"."in_print" AND "bookshop_book"."price" <= %s::numeric) AND (UPPER("bookshop_book"."title"::text) LIKE UPPER(%s::text)))
    ORDER BY "bookshop_book"."price" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
