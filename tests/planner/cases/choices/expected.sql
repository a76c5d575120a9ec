SELECT array_to_string(ARRAY(
    SELECT ('{"format":' || CASE "bookshop_book"."format"::text WHEN 'hardcover' THEN '"HARDCOVER"' WHEN 'paperback' THEN '"PAPERBACK"' WHEN 'e-book' THEN '"E_BOOK"' WHEN 'audio' THEN '"AUDIO"' ELSE chr(3) || '1' END
        || ',"condition":' || CASE "bookshop_book"."condition"::text WHEN '1' THEN '"NEW"' WHEN '2' THEN '"LIKE_NEW"' WHEN '3' THEN '"USED"' ELSE chr(3) || '2' END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."format" = %s::text)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
