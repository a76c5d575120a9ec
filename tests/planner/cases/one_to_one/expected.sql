SELECT array_to_string(ARRAY(
    SELECT ('{"name":' || to_json("bookshop_customer"."name")::text
        || ',"user":{"username":' || to_json("auth_user"."username")::text
        || '},"loyaltyPoints":"' || "bookshop_customer"."loyalty_points"::bigint::text || '"}') AS "fraiseql_json"
    FROM "bookshop_customer"
    INNER JOIN "auth_user" ON ("bookshop_customer"."user_id" = "auth_user"."id")
    ORDER BY "bookshop_customer"."name" ASC, "bookshop_customer"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
