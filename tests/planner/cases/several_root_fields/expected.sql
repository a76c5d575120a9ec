SELECT ('[' || array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":"' || "bookshop_book"."price"::numeric::text || '"}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."price" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',') || ']'), ('[' || array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"price":"' || "bookshop_book"."price"::numeric::text || '"}') AS "fraiseql_json"
    FROM "bookshop_book"
    ORDER BY "bookshop_book"."price" DESC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',') || ']'), coalesce((
    SELECT ('{"name":' || to_json("bookshop_customer"."name")::text || '}') AS "fraiseql_json"
    FROM "bookshop_customer"
    WHERE ("bookshop_customer"."id" = %s::bigint)
), 'null')
