SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_category"."name")::text
        || ',"parent":' || CASE WHEN "bookshop_category"."parent_id" IS NULL THEN 'null' ELSE ('{"name":' || to_json(T2."name")::text
        || ',"children":[' || array_to_string(ARRAY(
            SELECT ('{"name":' || to_json(U0."name")::text || '}') AS "fraiseql_json"
            FROM "bookshop_category" U0
            WHERE U0."parent_id" = ("bookshop_category"."parent_id")
            ORDER BY U0."name" ASC, U0."id" ASC
            LIMIT %s::bigint
        ), ',', chr(3) || '1') || ']}') END
        || ',"children":[' || array_to_string(ARRAY(
            SELECT ('{"name":' || to_json(U0."name")::text || '}') AS "fraiseql_json"
            FROM "bookshop_category" U0
            WHERE U0."parent_id" = ("bookshop_category"."id")
            ORDER BY U0."name" ASC, U0."id" ASC
            LIMIT %s::bigint
        ), ',', chr(3) || '2') || ']}') AS "fraiseql_json"
    FROM "bookshop_category"
    LEFT OUTER JOIN "bookshop_category" T2 ON ("bookshop_category"."parent_id" = T2."id")
    WHERE (("bookshop_category"."parent_id" IS NOT NULL) AND NOT (((T2."parent_id" IS NOT NULL))))
    ORDER BY "bookshop_category"."name" ASC, "bookshop_category"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
