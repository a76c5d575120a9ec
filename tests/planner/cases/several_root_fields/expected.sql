SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."price" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."price" DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0'), coalesce((
    SELECT ('{"name":' || to_json("bookshop_customer"."name")::text || '}') AS "fraiseql_json"
    FROM "bookshop_customer"
    WHERE ("bookshop_customer"."id" = %s::bigint)
), 'null')
