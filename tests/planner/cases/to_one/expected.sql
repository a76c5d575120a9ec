SELECT array_to_string(ARRAY(
    SELECT ('{"publisher":{"name":' || to_json("bookshop_publisher"."name")::text
        || '},"category":' || CASE WHEN "bookshop_book"."category_id" IS NULL THEN 'null' ELSE ('{"name":' || to_json("bookshop_category"."name")::text
        || ',"parent":' || CASE WHEN "bookshop_category"."parent_id" IS NULL THEN 'null' ELSE ('{"name":' || to_json(T4."name")::text || '}') END || '}') END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    INNER JOIN "bookshop_publisher" ON ("bookshop_book"."publisher_id" = "bookshop_publisher"."id")
    LEFT OUTER JOIN "bookshop_category" ON ("bookshop_book"."category_id" = "bookshop_category"."id")
    LEFT OUTER JOIN "bookshop_category" T4 ON ("bookshop_category"."parent_id" = T4."id")
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
    OFFSET %s::bigint
), ',', chr(3) || '0')
