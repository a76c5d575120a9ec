"""What PostgreSQL changes is recognised, however it is written: held against the contents of the tables.

``MAKE`` has a table behind each way of writing: triggers, rules, cascades, partitions, updatable views, functions in
every place where one may be called. A statement is run and rolled back; the tables whose contents it has changed must
be among those that were recognised. For the statements of READS nothing may be.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from fraiseql_django.invalidation import catalog
from fraiseql_django.invalidation.scan import CATALOGUE
from fraiseql_django.invalidation.transactions import Transactions, of

pytestmark = pytest.mark.django_db(transaction=True)

MAKE = r"""
CREATE SCHEMA rc; CREATE SCHEMA "Rc Two";
CREATE TABLE rc.item (id int PRIMARY KEY, label text DEFAULT 'x');
CREATE TABLE "Rc Two"."Item" (id int, label text);
CREATE TABLE rc.log (line text); CREATE TABLE rc.audit (line text); CREATE TABLE rc.seen (line text);
CREATE TABLE rc.child (id int PRIMARY KEY, item_id int REFERENCES rc.item ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE rc.note (child_id int REFERENCES rc.child ON DELETE SET NULL);
CREATE TABLE rc.part (id int) PARTITION BY RANGE (id);
CREATE TABLE rc.part_low PARTITION OF rc.part FOR VALUES FROM (0) TO (10);
CREATE TABLE rc.part_high PARTITION OF rc.part FOR VALUES FROM (10) TO (20);
CREATE TABLE rc.traced (id int); CREATE TABLE rc.ruled (id int); CREATE TABLE rc.defaulted (id int, made text);
CREATE FUNCTION rc.put(line text) RETURNS int LANGUAGE plpgsql AS $$
    -- don't be fooled: /* the quote above
BEGIN INSERT/* why */ INTO rc.log VALUES (line); RETURN 1; END $$;
CREATE FUNCTION rc.put(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION rc."Put It"() RETURNS int LANGUAGE sql AS 'SELECT rc.put(''x''::text)';
CREATE FUNCTION rc.indirect() RETURNS int STABLE LANGUAGE sql AS 'SELECT rc."Put It"()';
CREATE FUNCTION rc.many() RETURNS TABLE (n int) LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES ('many'); RETURN QUERY VALUES (1), (2); END $$;
CREATE FUNCTION rc.dynamic(name text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('INSERT INTO rc.%I VALUES (''dynamic'')', name); RETURN 1; END $$;
CREATE FUNCTION public.of_item(i rc.item) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES (i.label); RETURN i.label; END $$;
CREATE FUNCTION rc.pure(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + 1';
CREATE FUNCTION rc.count_items() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM rc.item -- delete from rc.log';
CREATE FUNCTION rc.below(a int, b int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES ('below'); RETURN a < b; END $$;
CREATE OPERATOR rc.<<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = rc.below);
CREATE FUNCTION rc.trace() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = rc AS $$
BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER trace AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rc.traced EXECUTE FUNCTION rc.trace();
CREATE RULE ruling AS ON INSERT TO rc.ruled DO ALSO INSERT INTO rc.audit VALUES ('rule');
ALTER TABLE rc.defaulted ALTER made SET DEFAULT rc.put('default'::text)::text;
CREATE VIEW rc.items AS SELECT id, label FROM rc.item;
CREATE VIEW rc.logging AS SELECT id, rc.put('view'::text) AS n FROM rc.item;
CREATE VIEW rc.joined AS SELECT i.id, c.item_id FROM rc.item i JOIN rc.child c ON c.item_id = i.id;
CREATE FUNCTION rc.instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.seen VALUES ('instead'); RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON rc.joined FOR EACH ROW EXECUTE FUNCTION rc.instead();
CREATE MATERIALIZED VIEW rc.summary AS SELECT count(*) AS n FROM rc.item;
CREATE PROCEDURE rc.proceed() LANGUAGE plpgsql AS $$ BEGIN PERFORM rc.put('proceed'::text); END $$;
CREATE FUNCTION rc.step(n bigint, line text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES (line); RETURN n + 1; END $$;
CREATE AGGREGATE rc.logged(text) (SFUNC = rc.step, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION rc.checks(v text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES (v); RETURN true; END $$;
CREATE TABLE rc.constrained (id int, v text CHECK (rc.checks(v)));
CREATE FUNCTION rc.frozen(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN PERFORM rc.put(v); RETURN v; END $$;
CREATE TABLE rc.indexed (v text); CREATE INDEX ON rc.indexed (rc.frozen(v));
CREATE TABLE rc.generated (v text, w text GENERATED ALWAYS AS (rc.frozen(v)) STORED);
CREATE TABLE rc.partial (v text); CREATE INDEX ON rc.partial (v) WHERE rc.frozen(v) = v;
CREATE TABLE rc.excluded (v text, EXCLUDE ((rc.frozen(v)) WITH =));
CREATE VIEW rc.barrier WITH (security_barrier) AS SELECT id FROM rc.item WHERE rc.put(label) = 1;
CREATE FUNCTION rc.from_any(VARIADIC lines text[]) RETURNS int LANGUAGE sql AS 'SELECT rc.put(lines[1])';
CREATE TABLE rc.heir (more int) INHERITS (rc.item);
CREATE RULE "_RETURNED" AS ON DELETE TO rc.ruled DO INSTEAD SELECT rc.put('rule'::text);
CREATE FUNCTION rc.by_language() RETURNS int LANGUAGE sql
BEGIN ATOMIC INSERT INTO rc.log VALUES ('atomic'); SELECT 1; END;
CREATE FUNCTION rc.defaulting(a int DEFAULT rc.put('argument'::text)) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION rc.on_define() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO rc.log VALUES ('event'); END $$;
INSERT INTO rc.item VALUES (1), (2), (3); INSERT INTO rc.child VALUES (1, 1), (2, 2); INSERT INTO rc.note VALUES (1);
INSERT INTO "Rc Two"."Item" VALUES (1, 'x'); INSERT INTO rc.part VALUES (1), (11); INSERT INTO rc.traced VALUES (1);
"""
DROP = 'DROP SCHEMA rc, "Rc Two" CASCADE'
TABLES = {
    name: f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {schema}.\"{name}\" t"
    for schema, names in (
        ("rc", "item log audit seen child note part part_low part_high traced ruled defaulted summary"),
        ('"Rc Two"', "Item"),
    )
    for name in names.split()
}


def execute(statement: Any, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def contents() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"({sql})" for sql in TABLES.values()))
        return dict(zip(TABLES, cursor.fetchone() or (), strict=True))


@pytest.fixture(autouse=True)
def made(transactional_db: None) -> Iterator[None]:
    execute(MAKE)
    yield
    execute(DROP)


def watched() -> Transactions:
    found = of(connection)
    assert found is not None
    return found


def recognised(statement: str) -> frozenset[str]:
    """Return the tables that count as written by a statement, before it runs."""
    return catalog.tables_written(connection, watched().changes_of(statement))


def changed(statement: str) -> set[str]:
    """Return the tables whose contents a statement changes; it is rolled back."""
    with transaction.atomic():
        before = contents()
        execute(statement)
        if statement.split()[0] == "DECLARE":
            execute("FETCH ALL FROM c")
        after = contents()
        transaction.set_rollback(True)
    return {name for name in before if before[name] != after[name]}


WRITES = [
    "-- update the prices\nUPDATE rc.item SET label = 'a'",
    "/* delete /* from */ the list */ UPDATE rc.item SET label = 'a'",
    "UPDATE rc.item SET label = 'DELETE FROM x; -- '; ",
    'UPDATE"rc"."item"SET"label"=$$;$$',
    "UPDATE ONLY rc . item SET label = E'\\'' || 'DELETE FROM z'",
    'DELETE FROM "Rc Two"."Item"',
    'UPDATE U&"Rc Two".U&"\\0049tem" SET label = $q$\'$q$',
    "DELETE FROM rc.item WHERE id = 1",
    "UPDATE rc.item SET id = id + 10",
    "WITH gone AS (DELETE FROM rc.note RETURNING 1), a AS MATERIALIZED (SELECT 1) SELECT * FROM gone",
    "WITH a AS (SELECT 5 AS id) INSERT INTO rc.item SELECT id FROM a",
    "WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 2) SEARCH DEPTH FIRST BY n SET o "
    "DELETE FROM rc.note",
    "INSERT INTO rc.item VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 7",
    "INSERT INTO rc.part VALUES (2)",
    "INSERT INTO rc.part_high VALUES (12)",
    "UPDATE rc.part SET id = 12 WHERE id = 1",
    "INSERT INTO rc.ruled VALUES (1)",
    "INSERT INTO rc.traced VALUES (1)",
    "UPDATE rc.traced SET id = 2",
    "TRUNCATE rc.traced",
    "TRUNCATE TABLE ONLY rc.item, rc.seen CASCADE",
    "INSERT INTO rc.items VALUES (9, 'x')",
    "DELETE FROM rc.items WHERE id = 2",
    "INSERT INTO rc.joined VALUES (1, 2)",
    "INSERT INTO rc.defaulted (id) VALUES (1)",
    "REFRESH MATERIALIZED VIEW rc.summary",
    "SELECT rc.put('x'::text)",
    "SELECT /* why */ rc.put('x'::text)",
    "SELECT 1, rc /* . */ . put('x'::text)",
    'SELECT * FROM rc."Put It"()',
    "SELECT n FROM rc.many() AS m(n)",
    "SELECT * FROM rc.item, LATERAL (SELECT rc.put(label)) AS l",
    "SELECT id FROM rc.item WHERE rc.put(label) = 1",
    "SELECT id FROM rc.item ORDER BY rc.put(label)",
    "SELECT (SELECT (SELECT rc.put('deep'::text)))",
    "SELECT CASE WHEN true THEN rc.indirect() END",
    "SELECT item.of_item FROM rc.item",
    "SELECT (i).of_item FROM rc.item AS i",
    "SELECT 1 OPERATOR(rc.<<<<) 2",
    "VALUES (rc.put('x'::text))",
    "SELECT * FROM rc.logging",
    "TABLE rc.logging",
    "SELECT count(*) FROM rc.item WHERE id IN (SELECT n FROM rc.logging)",
    "INSERT INTO rc.seen SELECT rc.put('x'::text)",
    "UPDATE rc.seen SET line = '' WHERE rc.put('x'::text) = 2; UPDATE rc.item SET label = rc.put('y'::text)",
    "DELETE FROM rc.note RETURNING rc.put('x'::text)",
    "UPDATE rc.item SET label = 'z' FROM rc.logging WHERE logging.id = item.id",
    "SELECT rc.dynamic('seen')",
    "CALL rc.proceed()",
    "DO $$ BEGIN PERFORM rc.put('do'::text); END $$",
    "DO LANGUAGE plpgsql 'BEGIN DELETE FROM rc.note; END'",
    "DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'rc.' || 'note'; END $$",
    "EXPLAIN ANALYZE DELETE FROM rc.note",
    "EXPLAIN (COSTS OFF, ANALYZE) SELECT rc.put('x'::text)",
    "DECLARE c CURSOR FOR SELECT rc.put('x'::text)",
    "CREATE TEMP TABLE made AS SELECT rc.put('x'::text) AS n",
    "SELECT rc.put('x'::text) AS n INTO TEMP TABLE made",
    "COPY (DELETE FROM rc.note RETURNING child_id) TO PROGRAM 'cat > /dev/null'",
    "COPY rc.log FROM PROGRAM 'echo line'",
    "COPY (SELECT rc.put('x'::text)) TO PROGRAM 'cat > /dev/null'",
    "MERGE INTO rc.item i USING (SELECT 1 AS id) s ON i.id = s.id WHEN MATCHED THEN UPDATE SET label = 'm'",
    "SELECT 1; SELECT ';'; DELETE FROM rc.note",
    "SELECT * FROM ts_stat('SELECT to_tsvector(rc.put(''x''::text)::text)')",
    "PREPARE p AS DELETE FROM rc.note; EXECUTE p",
    "ALTER TABLE rc.item ADD extra text DEFAULT rc.put('x'::text)::text",
    "DROP TABLE rc.part_low",
    "ALTER TABLE rc.part DETACH PARTITION rc.part_low",
    "CREATE FUNCTION rc.more() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT rc.put('x'::text)",
    "SELECT rc.logged(label) FROM rc.item",
    "SELECT rc.logged(label) OVER (ORDER BY id) FROM rc.item",
    "INSERT INTO rc.constrained VALUES (1, 'x')",
    "INSERT INTO rc.indexed VALUES ('x')",
    "INSERT INTO rc.generated (v) VALUES ('x')",
    "INSERT INTO rc.partial VALUES ('x')",
    "INSERT INTO rc.excluded VALUES ('x')",
    "SELECT * FROM rc.barrier",
    "SELECT rc.from_any('a', 'b')",
    "SELECT rc.from_any(VARIADIC ARRAY['a'])",
    "DELETE FROM rc.ruled",
    "SELECT rc.by_language()",
    "SELECT rc.defaulting()",
    "EXPLAIN (ANALYZE, VERBOSE) UPDATE rc.item SET label = 'e'",
    "EXPLAIN (COSTS OFF, ANALYZE on) WITH RECURSIVE r AS (SELECT 1) DELETE FROM rc.note",
    "EXPLAIN ANALYZE CREATE TABLE rc.explained AS SELECT rc.put('x'::text)",
    "EXPLAIN ANALYZE VERBOSE DECLARE c CURSOR FOR SELECT rc.put('x'::text)",
    "PREPARE q AS SELECT rc.put('x'::text) AS n; CREATE TEMP TABLE made AS EXECUTE q",
    "DECLARE c CURSOR WITH HOLD FOR SELECT rc.put('x'::text)",
    "DECLARE c BINARY INSENSITIVE NO SCROLL CURSOR FOR SELECT * FROM rc.logging",
    "INSERT INTO rc.item AS i VALUES (1) ON CONFLICT ON CONSTRAINT item_pkey DO UPDATE SET label = rc.put('c'::text)",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + rc.put('r'::text) FROM t WHERE n < 3) SELECT * FROM t",
    "WITH a AS NOT MATERIALIZED (SELECT 1), b AS (UPDATE rc.item SET label = 'b' RETURNING *) TABLE a",
    "SELECT * FROM ROWS FROM (rc.many(), generate_series(1, 2)) AS r(a, b)",
    "SELECT count(*) FILTER (WHERE rc.put(label) = 1) FROM rc.item",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rc.put(label)) FROM rc.item",
    "SELECT id FROM rc.item GROUP BY GROUPING SETS ((id), (rc.put(label)))",
    "SELECT * FROM rc.item TABLESAMPLE SYSTEM (rc.put('t'::text) * 100)",
    "SELECT * FROM rc.item LIMIT rc.put('l'::text)",
    "SELECT ARRAY[rc.put('a'::text)], ROW(rc.put('b'::text)), (ARRAY[1,2])[rc.put('c'::text)]",
    'SELECT U&"p\\0075t" FROM (SELECT rc.U&"p\\0075t"(\'x\'::text)) AS s(U&"p\\0075t")',
    "SELECT rc.\"put\"\n--; comment (\n('x'::text)",
    "CREATE TABLE rc.made AS TABLE rc.logging",
    "CREATE MATERIALIZED VIEW rc.made AS SELECT rc.put('x'::text)",
    "SELECT rc.put('x'::text) AS n INTO rc.made",
    "CREATE INDEX ON rc.item (rc.frozen(label))",
    "TRUNCATE rc.item RESTART IDENTITY CASCADE",
    "UPDATE rc.heir SET label = 'h'; INSERT INTO rc.heir VALUES (50, 'h', 1)",
    "COPY rc.item (id) FROM PROGRAM 'echo 77'",
    "SELECT lo_create(0), rc.put('x'::text)",
    "SELECT set_config('a.b', rc.put('x'::text)::text, true)",
    "SELECT FROM rc.item WHERE (label, id) IN (SELECT rc.put('x'::text)::text, 1)",
    "SELECT 1 FROM rc.item i JOIN rc.child c ON rc.put(i.label) = c.id",
    "SELECT * FROM rc.item NATURAL JOIN rc.logging",
    "INSERT INTO rc.seen DEFAULT VALUES RETURNING rc.put('x'::text)",
    "VALUES (1), ((SELECT max(n) FROM rc.logging))",
    "((((SELECT n FROM rc.logging))))",
    'SELECT label COLLATE "C", rc.put(label COLLATE "C") FROM rc.item',
    "SELECT CASE rc.put('x'::text) WHEN 1 THEN 2 END",
    "SELECT NULLIF(rc.put('x'::text), 1), COALESCE(NULL, rc.put('y'::text)), GREATEST(rc.put('z'::text))",
    "SELECT rc.put('x'::text) IS DISTINCT FROM 1",
    "SELECT * FROM rc.item FOR SHARE OF item NOWAIT; SELECT rc.put('x'::text)",
    "DO 'BEGIN FOR i IN 1..2 LOOP PERFORM rc.put(''l''::text); END LOOP; END'",
    "DO $$ DECLARE r record; BEGIN FOR r IN DELETE FROM rc.note RETURNING * LOOP END LOOP; END $$",
    "DO $$ DECLARE n int := rc.put('x'::text); BEGIN END $$",
    "DO $$ BEGIN ASSERT rc.put('x'::text) = 1; END $$",
]


def test_what_is_written_is_recognised() -> None:
    assert catalog.dependencies(connection) is not None
    for write in WRITES:
        found = recognised(write)
        if "part_low" in write and write.split()[0] in ("DROP", "ALTER"):
            # the contents cannot be compared
            assert CATALOGUE in found
            continue
        truth = changed(write)
        assert truth, write
        assert truth <= found, write


def test_relations_that_are_named_in_strings_are_read() -> None:
    # not every server is built with XML
    assert catalog.dependencies(connection) is not None
    assert recognised("SELECT table_to_xml('rc.logging', true, true, '')") == {"log"}
    assert recognised("SELECT table_to_xml('rc.items', true, true, '')") == set()
    assert set(TABLES) <= recognised("SELECT schema_to_xml('rc', true, true, '')")


@pytest.mark.parametrize(
    "define",
    [
        "CREATE SEQUENCE rc.another",
        "CREATE INDEX ON rc.item (label)",
        "COMMENT ON TABLE rc.item IS 'x'",
        "CREATE TEMP TABLE made (id int)",
        "DO $$ BEGIN CREATE TEMP TABLE made AS SELECT 1; END $$",
    ],
)
def test_event_triggers_write(define: str) -> None:
    execute("CREATE EVENT TRIGGER rc_event ON ddl_command_end EXECUTE FUNCTION rc.on_define()")
    try:
        assert catalog.dependencies(connection) is not None
        assert changed(define) == {"log"} <= recognised(define)
    finally:
        execute("DROP EVENT TRIGGER rc_event")


READS = [
    "SELECT * FROM rc.item FOR UPDATE",
    "SELECT * FROM rc.item FOR NO KEY UPDATE OF item",
    "SELECT 'UPDATE rc.item SET label = 1', $$DELETE FROM rc.log$$ -- ; DELETE FROM rc.log",
    "SELECT count(*), max(id), rc.pure(1), rc.count_items() FROM rc.item",
    "SELECT array_agg(id ORDER BY id), rc.count_items() FROM rc.items GROUP BY label HAVING count(*) > 0",
    "WITH a AS (SELECT 1 AS insert) SELECT insert AS update, delete FROM a, (SELECT 2 AS delete) AS d",
    "SELECT i.id AS put, label AS \"put\" FROM rc.item AS i",
    "SELECT * FROM (VALUES (1, 'a')) AS put(id, label)",
    "EXPLAIN DELETE FROM rc.item",
    "EXPLAIN (VERBOSE) SELECT rc.put('x'::text)",
    "PREPARE q AS DELETE FROM rc.item",
    "SELECT setseed(0) FROM generate_series(1, 2)",
    "SELECT pg_advisory_xact_lock(1), set_config('a.b', '1', true)",
    "COPY rc.item TO PROGRAM 'cat > /dev/null'",
    "LOCK TABLE rc.item",
    "DECLARE c CURSOR FOR SELECT * FROM rc.item",
    "TABLE rc.item",
    "(SELECT 1) UNION (SELECT id FROM rc.child)",
    "NOTIFY rc, 'DELETE FROM rc.item'",
    "SET LOCAL a.b = 'DELETE FROM rc.item'",
    "SHOW search_path",
    "ANALYZE rc.item",
    "CREATE INDEX ON rc.item (label)",
    "CREATE TEMP TABLE made AS SELECT * FROM rc.item",
]  # fmt: skip


def test_reading_is_no_write() -> None:
    for read in READS:
        assert changed(read) == set(), read
        assert recognised(read) == set(), read


# --- at random ---

BLANKS = (" ", "\n", "\t", " /* DELETE FROM rc.item; ' */ ", " -- ' $$ \n", ' /* /* */ " */ ')
NAMES = {
    "item": ("rc.item", 'rc."item"', '"rc" . item', "RC.ITEM", "rc./**/item"),
    "items": ("rc.items", 'RC."items"'),
    "child": ("rc.child", '"rc"."child"'),
    "part": ("rc.part", "rc.part_low", "rc.part_high"),
    "traced": ("rc.traced", 'Rc."traced"'),
    "ruled": ("rc.ruled",),
    "Item": ('"Rc Two"."Item"', 'U&"Rc Two"."Item"'),
}
CALLS = (
    "rc.put('x'::text)",
    "rc . put ( $$y$$::text )",
    'rc."Put It"()',
    "rc.indirect()",
    "rc.pure(3)",
    "rc.put(3)",
    "5",
)


class Grammar:
    """Random statements, each with blanks, comments, quotes and names of many spellings."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, choices: Any) -> Any:
        return self.random.choice(choices)

    def words(self, text: str) -> str:
        """Put other white space and comments between words, in other capitals."""
        words = (word if word[0] in "$'\"" else self.one_of((word, word.lower())) for word in text.split())
        return "".join(word + self.one_of(BLANKS) for word in words)

    def call(self) -> str:
        return str(self.one_of(CALLS))

    def table(self, *names: str) -> str:
        return str(self.one_of(NAMES[self.one_of(names)]))

    def query(self) -> str:
        words, call, table = self.words, self.call, self.table
        forms = (
            lambda: words("SELECT") + call(),
            lambda: words("SELECT id FROM") + table("item", "child", "part") + words(" WHERE") + call() + " = 1",
            lambda: words("SELECT * FROM (SELECT") + call() + " AS n) AS s",
            lambda: words("VALUES") + f"({call()}), (2)",
            lambda: words("SELECT ';', $$ UPDATE rc.item $$, id FROM") + table("item", "items", "traced"),
            lambda: words("WITH a AS") + f"({self.query()})" + words("SELECT * FROM a"),
            lambda: words("SELECT") + f"({words('SELECT')}{call()})" + words(" LIMIT 1"),
        )
        return str(self.one_of(forms)())

    def change(self) -> str:
        words, call, table = self.words, self.call, self.table
        number = self.random.randrange(100, 10_000)
        inserted = ("item", "items", "traced", "ruled", "Item")
        forms = (
            lambda: words("INSERT INTO") + table(*inserted) + f" (id) VALUES ({number})",
            lambda: words("INSERT INTO") + f"rc.part VALUES ({number % 20})",
            lambda: words("UPDATE") + table("item", "items", "Item") + words(" SET label =") + f"{call()}::text",
            lambda: words("UPDATE ONLY") + table("item", "Item") + " SET label = 'DELETE FROM rc.log'",
            lambda: words("DELETE FROM") + table("item", "child", "traced", "Item", "part"),
            lambda: words("DELETE FROM") + table("item") + words(" WHERE") + f"{call()} = 1",
            lambda: words("INSERT INTO rc.seen SELECT 'x' FROM") + f"({self.query()}) AS q",
        )
        return str(self.one_of(forms)())

    def statement(self) -> str:
        forms = (
            self.query,
            self.change,
            lambda: self.words("WITH w AS") + f"({self.change()} RETURNING 1)" + self.words(" SELECT * FROM w"),
            lambda: self.words("EXPLAIN ANALYZE") + self.one_of((self.query, self.change))(),
            lambda: self.one_of((self.query, self.change))() + " ; " + self.one_of((self.query, self.change))(),
            lambda: f"DO $do$ BEGIN {self.change()}; PERFORM {self.call()}; END $do$",
            lambda: f"CREATE TEMP TABLE t{self.random.randrange(10**9)} AS {self.query()}",
        )
        return self.one_of(BLANKS) + str(self.one_of(forms)())


@pytest.mark.parametrize("seed", range(4))
def test_random_statements(seed: int) -> None:
    grammar, wrote = Grammar(seed), 0
    for _ in range(100):
        statement = grammar.statement()
        found = recognised(statement)
        try:
            truth = changed(statement)
        except DatabaseError:
            # such as a number without a partition
            continue
        assert truth <= found, statement
        wrote += bool(truth)
    assert wrote > 20
