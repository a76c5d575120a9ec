SELECT coalesce((
    SELECT (('{"title":' || to_json("bookshop_book"."title")::text
        || ',"isbn":' || to_json("bookshop_book"."isbn")::text
        || ',"price":' || CASE WHEN "bookshop_book"."price"::numeric <> 'NaN' THEN '"' || "bookshop_book"."price"::numeric::text || '"' ELSE chr(3) || '0' END
        || ',"pages":' || coalesce("bookshop_book"."pages"::bigint::text, 'null')
        || ',"published":' || CASE WHEN "bookshop_book"."published"::date >= '0001-01-01' AND "bookshop_book"."published"::date < '10000-01-01' THEN to_json("bookshop_book"."published"::date)::text ELSE CASE WHEN "bookshop_book"."published" IS NULL THEN 'null' ELSE chr(3) || '1' END END)
        || (',"inPrint":' || "bookshop_book"."in_print"::boolean::text || '}')) AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ("bookshop_book"."id" = %s::bigint)
), 'null')
