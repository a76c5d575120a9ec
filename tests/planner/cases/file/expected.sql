SELECT array_to_string(ARRAY(
    SELECT ('{"cover":' || CASE WHEN coalesce("bookshop_book"."cover", '') = '' THEN 'null' ELSE ('{"name":' || coalesce(to_json("bookshop_book"."cover"::text)::text, chr(3) || '1')
        || ',"url":' || chr(1) || '0' || chr(2) || coalesce(to_json("bookshop_book"."cover"::text)::text, 'null') || chr(1) || '}') END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE (NULLIF("bookshop_book"."cover", '') IS NOT NULL)
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
