SELECT array_to_string(ARRAY(
    SELECT ('{"id":"' || "bookshop_book"."id"::bigint::text
        || '","pages":' || coalesce("bookshop_book"."pages"::bigint::text, 'null')
        || ',"format":' || CASE "bookshop_book"."format"::text WHEN 'hardcover' THEN '"HARDCOVER"' WHEN 'paperback' THEN '"PAPERBACK"' WHEN 'e-book' THEN '"E_BOOK"' WHEN 'audio' THEN '"AUDIO"' ELSE chr(3) || '1' END
        || ',"published":' || CASE WHEN "bookshop_book"."published"::date >= '0001-01-01' AND "bookshop_book"."published"::date < '10000-01-01' THEN to_json("bookshop_book"."published"::date)::text ELSE CASE WHEN "bookshop_book"."published" IS NULL THEN 'null' ELSE chr(3) || '2' END END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ((("bookshop_book"."pages" < %s::bigint) OR (("bookshop_book"."format" = %s::text) AND ("bookshop_book"."in_print" = %s::boolean))) AND NOT ((("bookshop_book"."published" > %s::date))))
    ORDER BY "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
