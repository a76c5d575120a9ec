SELECT array_to_string(ARRAY(
    SELECT ('{"ean":' || CASE WHEN ("bookshop_book"."isbn" IS NOT NULL AND (left(("bookshop_book"."isbn")::text, 3) || '-' || substr(("bookshop_book"."isbn")::text, 4)) IS NOT NULL) THEN to_json(left(("bookshop_book"."isbn")::text, 3) || '-' || substr(("bookshop_book"."isbn")::text, 4))::text ELSE CASE WHEN "bookshop_book"."isbn" IS NULL THEN chr(3) || '1' ELSE chr(3) || '2' END END
        || ',"isbn":' || to_json("bookshop_book"."isbn")::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (("bookshop_book"."isbn")::text >= %s::text)
    ORDER BY ("bookshop_book"."isbn")::text DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
