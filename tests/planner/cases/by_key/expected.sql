SELECT coalesce((
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"isbn":' || to_json("bookshop_book"."isbn")::text
        || ',"price":"' || "bookshop_book"."price"::numeric::text
        || '","pages":' || coalesce("bookshop_book"."pages"::bigint::text, 'null')
        || ',"published":' || coalesce(to_json("bookshop_book"."published")::text, 'null')
        || ',"inPrint":' || "bookshop_book"."in_print"::boolean::text || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."id" = %s::bigint)
), 'null')
