SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_publisher"."name")::text
        || ',"books":[' || array_to_string(ARRAY(
            SELECT ('{"title":' || to_json(U0."title")::text
                || ',"price":' || CASE WHEN U0."price"::numeric <> 'NaN' THEN '"' || U0."price"::numeric::text || '"' ELSE chr(3) || '2' END || '}') AS "fraiseql_json"
            FROM "bookshop_book" U0
            WHERE (U0."publisher_id" = ("bookshop_publisher"."id") AND (U0."price" > %s::numeric))
            ORDER BY U0."price" DESC, U0."id" ASC
            LIMIT %s::bigint
        ), ',', chr(3) || '1') || ']}') AS "fraiseql_json"
    FROM "bookshop_publisher"
    ORDER BY "bookshop_publisher"."name" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
