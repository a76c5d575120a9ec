SELECT array_to_string(ARRAY(
    SELECT ('{"title":' || to_json("bookshop_book"."title")::text
        || ',"published":' || CASE WHEN "bookshop_book"."published"::date >= '0001-01-01' AND "bookshop_book"."published"::date < '10000-01-01' THEN to_json("bookshop_book"."published"::date)::text ELSE CASE WHEN "bookshop_book"."published" IS NULL THEN 'null' ELSE chr(3) || '1' END END
        || ',"tags":' || CASE WHEN array_ndims("bookshop_book"."tags") <> 1 THEN chr(3) || '2' ELSE CASE WHEN EXISTS (
            SELECT
            FROM unnest("bookshop_book"."tags") AS items(item)
            WHERE item IS NULL
        ) THEN '[' || array_to_string(ARRAY(
            SELECT coalesce(to_json(item)::text, chr(3) || '3')
            FROM unnest("bookshop_book"."tags") WITH ORDINALITY AS items(item, place)
            ORDER BY place
        ), ',') || ']' ELSE to_json("bookshop_book"."tags")::text END END || '}') AS "fraiseql_json"
    FROM "bookshop_book"
    WHERE ((floor(extract(year FROM ("bookshop_book"."published")::date))::integer BETWEEN (%s::bigint[])[1] AND (%s::bigint[])[2]) AND NOT (((floor(extract(month FROM ("bookshop_book"."published")::date))::integer = ANY(%s::bigint[])))) AND (length("bookshop_book"."title"::text) < %s::bigint) AND NOT (((UPPER("bookshop_book"."title"::text) LIKE UPPER(%s::text)))) AND (CASE WHEN "bookshop_book"."tags" IS NOT NULL THEN EXISTS (
        SELECT
        FROM unnest("bookshop_book"."tags") AS fraiseql_item(value)
        WHERE ((fraiseql_item.value::text LIKE %s::text))
    ) END) AND (cardinality("bookshop_book"."tags") >= %s::bigint))
    ORDER BY "bookshop_book"."title" ASC, "bookshop_book"."id" ASC
    LIMIT %s::bigint
), ',', chr(3) || '0')
