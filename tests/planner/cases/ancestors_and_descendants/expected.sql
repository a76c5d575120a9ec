SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_category"."name")::text
        || ',"ancestors":[' || array_to_string(ARRAY(
            SELECT ('{"name":' || to_json(U0."name")::text || '}') AS "fraiseql_json"
            FROM "bookshop_category" U0
            WHERE (U0."id" = ANY(ARRAY(WITH RECURSIVE walk(id, level, seen) AS (
                SELECT t."parent_id", 1, ARRAY[t."id", t."parent_id"]
                FROM "bookshop_category" AS t
                WHERE t."id" = "bookshop_category"."id" AND t."parent_id" <> t."id" AND 1 <= 1000 UNION ALL SELECT t."parent_id", w.level + 1, w.seen || t."parent_id"
                FROM walk AS w
                INNER JOIN "bookshop_category" AS t ON t."id" = w.id
                WHERE w.level < 1000 AND t."parent_id" IS NOT NULL AND NOT t."parent_id" = ANY(w.seen)
            ) SELECT id FROM walk ORDER BY level)) AND U0."id" <> "bookshop_category"."id")
            ORDER BY array_position(ARRAY(WITH RECURSIVE walk(id, level, seen) AS (
                SELECT t."parent_id", 1, ARRAY[t."id", t."parent_id"]
                FROM "bookshop_category" AS t
                WHERE t."id" = "bookshop_category"."id" AND t."parent_id" <> t."id" AND 1 <= 1000 UNION ALL SELECT t."parent_id", w.level + 1, w.seen || t."parent_id"
                FROM walk AS w
                INNER JOIN "bookshop_category" AS t ON t."id" = w.id
                WHERE w.level < 1000 AND t."parent_id" IS NOT NULL AND NOT t."parent_id" = ANY(w.seen)
            ) SELECT id FROM walk ORDER BY level), U0."id") DESC
            LIMIT ALL
        ), ',', chr(3) || '1')
        || '],"descendants":[' || array_to_string(ARRAY(
            SELECT ('{"slug":' || to_json(U0."slug")::text || '}') AS "fraiseql_json"
            FROM "bookshop_category" U0
            WHERE (U0."id" = ANY(ARRAY(WITH RECURSIVE walk(id, level, seen) AS (
                SELECT t."id", 1, ARRAY[t."parent_id", t."id"]
                FROM "bookshop_category" AS t
                WHERE t."parent_id" = "bookshop_category"."id" AND t."id" <> t."parent_id" AND 1 <= least(%s::bigint, 1000) UNION ALL SELECT t."id", w.level + 1, w.seen || t."id"
                FROM walk AS w
                INNER JOIN "bookshop_category" AS t ON t."parent_id" = w.id
                WHERE w.level < least(%s::bigint, 1000) AND t."id" IS NOT NULL AND NOT t."id" = ANY(w.seen)
            ) SELECT id FROM walk ORDER BY level)) AND U0."id" <> "bookshop_category"."id")
            ORDER BY U0."slug" ASC
            LIMIT %s::bigint
        ), ',', chr(3) || '1') || ']}') AS "fraiseql_json"
    FROM "bookshop_category"
    ORDER BY "bookshop_category"."name" ASC, "bookshop_category"."id" ASC
    LIMIT %s::bigint
    OFFSET %s::bigint
), ',', chr(3) || '0')
