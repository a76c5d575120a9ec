SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '1' END
        || ',"condition":' || CASE "bookshop_book"."condition"::text WHEN '1' THEN '"NEW"' WHEN '2' THEN '"LIKE_NEW"' WHEN '3' THEN '"USED"' ELSE chr(3) || '2' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("bookshop_book"."price" >= %s::numeric) AND ("bookshop_book"."price" < %s::numeric) AND ("bookshop_book"."published" > %s::date) AND ("bookshop_book"."condition" = ANY(%s::bigint[])) AND ("bookshop_book"."isbn" <> %s::text) AND ("bookshop_book"."pages" <> ALL(%s::bigint[])))
    ORDER BY "bookshop_book"."price" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
