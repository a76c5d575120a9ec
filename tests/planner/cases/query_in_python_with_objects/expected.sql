SELECT array_to_string(ARRAY(
    SELECT coalesce((
        SELECT ('{"name":' || to_json("bookshop_category"."name")::text
            || ',"parent":' || CASE WHEN "bookshop_category"."parent_id" IS NULL THEN 'null' ELSE ('{"name":' || to_json(T2."name")::text || '}') END || '}') AS "fraiseql_json"
        FROM "bookshop_category"
        LEFT OUTER JOIN "bookshop_category" T2 ON ("bookshop_category"."parent_id" = T2."id")
        WHERE ("bookshop_category"."id" = fraiseql_keys.k0)
    ), '')
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS fraiseql_keys(k0, place)
    ORDER BY place
), chr(30)), array_to_string(ARRAY(
    SELECT coalesce((
        SELECT ('{"title":' || to_json("bookshop_book"."title")::text || '}') AS "fraiseql_json"
        FROM "bookshop_book"
        WHERE ("bookshop_book"."id" = fraiseql_keys.k0)
    ), '')
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS fraiseql_keys(k0, place)
    ORDER BY place
), chr(30))
