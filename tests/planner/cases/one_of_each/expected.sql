SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"format":' || CASE "bookshop_book"."format"::text WHEN 'hardcover' THEN '"HARDCOVER"' WHEN 'paperback' THEN '"PAPERBACK"' WHEN 'e-book' THEN '"E_BOOK"' WHEN 'audio' THEN '"AUDIO"' ELSE chr(3) || '1' END
        || ',"condition":' || CASE "bookshop_book"."condition"::text WHEN '1' THEN '"NEW"' WHEN '2' THEN '"LIKE_NEW"' WHEN '3' THEN '"USED"' ELSE chr(3) || '2' END
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '3' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE "bookshop_book"."id" IN (
        SELECT DISTINCT ON (U0."format", U0."condition") U0."id" AS "pk"
        FROM "bookshop_book" U0
        ORDER BY U0."format" ASC, U0."condition" DESC, U0."price" DESC, U0."id" ASC
    )
    ORDER BY "bookshop_book"."format" ASC, "bookshop_book"."condition" DESC, "bookshop_book"."price" DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
