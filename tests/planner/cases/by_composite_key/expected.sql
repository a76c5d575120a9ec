SELECT coalesce((
    SELECT ('{"quantity":' || "bookshop_orderline"."quantity"::bigint::text
        || ',"unitPrice":' || CASE WHEN "bookshop_orderline"."unit_price"::numeric <> 'NaN' THEN '"' || "bookshop_orderline"."unit_price"::numeric::text || '"' ELSE chr(3) || '0' END
        || ',"order":{"number":' || to_json("bookshop_order"."number")::text || '}}') AS "fraiseql_json"
    FROM "bookshop_orderline"
    INNER JOIN "bookshop_order" ON ("bookshop_orderline"."order_id" = "bookshop_order"."id")
    WHERE (("bookshop_orderline"."order_id" = %s::bigint) AND ("bookshop_orderline"."line_number" = %s::bigint))
), 'null')
