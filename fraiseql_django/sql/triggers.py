"""The triggers that tell a watcher of writes (see ``invalidation.watcher``): SQL that makes and removes them.

One trigger for each statement, not for each row, so that a bulk load costs one notification; PostgreSQL joins equal
notifications of a transaction, and sends them when it is committed. A trigger of a partitioned table does not fire for
a statement that names a partition, so each partition has its own.

PostgreSQL commits transactions that notify one after the other, in all of a server's databases. So a session whose
writes the cache learns by itself can be exempted, by a setting of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections

from .._django import quote_name
from ..invalidation import catalog
from ..invalidation.listener import APPLICATION, CHANNEL, DEFINITIONS, FUNCTION, TRIGGER
from ..invalidation.names import parts
from ..planner.column_usage import readable_columns
from ..schema.build import Schema
from .script import Name, quoted

# Event triggers, each with its event: what is dropped is not among the commands at the end of a statement
_EVENT_TRIGGERS = {"fraiseql_definitions": "ddl_command_end", "fraiseql_dropped": "sql_drop"}
DEFINITIONS_FUNCTION = "fraiseql_notify_definitions"
# A session that sets it to on tells nothing: what it writes, the cache learns otherwise
QUIET = "fraiseql.quiet"

_CREATE_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $fraiseql$
BEGIN
    PERFORM pg_catalog.pg_notify('{CHANNEL}', pg_catalog.concat(TG_RELID, ' ', TG_TABLE_NAME));
    RETURN NULL;
END
$fraiseql$
""".strip()
# ENABLE ALWAYS: also in sessions whose session_replication_role is replica, as those of tools that copy rows
_CREATE_TRIGGERS = """
DO $fraiseql$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        WITH RECURSIVE parts AS (
            SELECT {table}::regclass::oid AS oid
            UNION SELECT i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid
        )
        SELECT c.oid FROM parts JOIN pg_class c USING (oid) WHERE c.relkind IN ('r', 'p')
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
            'FOR EACH STATEMENT WHEN (pg_catalog.current_setting(''{quiet}'', true) IS DISTINCT FROM ''on'') '
            'EXECUTE FUNCTION {function}()', part);
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER {trigger}', part);
    END LOOP;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not a table; watch the tables that it reads', {table};
    END IF;
END
$fraiseql$
""".strip()
_DROP_TRIGGERS = """
DO $fraiseql$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        WITH RECURSIVE parts AS (
            SELECT to_regclass({table})::oid AS oid
            UNION SELECT i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid
        )
        SELECT t.tgrelid FROM parts p JOIN pg_trigger t ON t.tgrelid = p.oid WHERE t.tgname = '{trigger}'
    LOOP
        EXECUTE format('DROP TRIGGER {trigger} ON %s', part);
    END LOOP;
END
$fraiseql$
""".strip()
# Each schema may have one, where tenants have schemas
_DROP_FUNCTIONS = f"""
DO $fraiseql$
DECLARE
    unused regprocedure;
BEGIN
    FOR unused IN
        SELECT p.oid FROM pg_proc p
        WHERE p.proname = '{FUNCTION}' AND p.prorettype = 'trigger'::regtype AND pg_has_role(p.proowner, 'USAGE')
            AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
    LOOP
        EXECUTE format('DROP FUNCTION %s', unused);
    END LOOP;
END
$fraiseql$
""".strip()

# A session's own temporary tables are nobody else's
_CREATE_DEFINITIONS = (
    f"""
CREATE OR REPLACE FUNCTION {DEFINITIONS_FUNCTION}() RETURNS event_trigger LANGUAGE plpgsql AS $fraiseql$
DECLARE
    found bool;
BEGIN
    IF TG_EVENT OPERATOR(pg_catalog.=) 'sql_drop' THEN
        SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() o WHERE NOT o.is_temporary) INTO found;
    ELSE
        SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() c
            WHERE c.schema_name IS NULL OR c.schema_name OPERATOR(pg_catalog.<>) 'pg_temp') INTO found;
    END IF;
    IF found THEN
        PERFORM pg_catalog.pg_notify('{CHANNEL}', '{DEFINITIONS}');
    END IF;
END
$fraiseql$
""".strip(),
    *(
        statement
        for name, event in _EVENT_TRIGGERS.items()
        for statement in (
            f"DROP EVENT TRIGGER IF EXISTS {name}",
            f"CREATE EVENT TRIGGER {name} ON {event} EXECUTE FUNCTION {DEFINITIONS_FUNCTION}()",
            f"ALTER EVENT TRIGGER {name} ENABLE ALWAYS",
        )
    ),
)
_DROP_DEFINITIONS = (
    *(f"DROP EVENT TRIGGER IF EXISTS {name}" for name in _EVENT_TRIGGERS),
    f"DROP FUNCTION IF EXISTS {DEFINITIONS_FUNCTION}()",
)

# All parts of a table must have a trigger that fires
_STATES = f"""
WITH RECURSIVE named AS (
    SELECT name, to_regclass(name)::oid AS oid FROM unnest(%s::text[]) AS name
), parts AS (
    SELECT name, oid FROM named
    UNION SELECT p.name, i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid
)
SELECT p.name, coalesce(min(c.relkind::text), ''), bool_and(EXISTS (
    SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
    WHERE t.tgrelid = p.oid AND t.tgname = '{TRIGGER}' AND f.proname = '{FUNCTION}' AND t.tgenabled IN ('O', 'A')
))
FROM parts p LEFT JOIN pg_class c ON c.oid = p.oid GROUP BY p.name ORDER BY p.name
"""
_ALL_WATCHED = f"""
SELECT n.nspname::text, c.relname::text
FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname = '{TRIGGER}' AND f.proname = '{FUNCTION}' ORDER BY 1, 2
"""
_LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"


def watch_statements(tables: Iterable[Name]) -> list[str]:
    """Return the statements that make the triggers of tables; made again, they change nothing.

    Raises ValueError for a name that cannot stand in them.
    """
    names = [_literal(table) for table in tables]
    return [
        _CREATE_FUNCTION,
        *(_CREATE_TRIGGERS.format(table=name, trigger=TRIGGER, function=FUNCTION, quiet=QUIET) for name in names),
    ]


def unwatch_statements(tables: Iterable[Name]) -> list[str]:
    """Return the statements that remove the triggers of tables, and functions that no trigger needs any more."""
    names = [_literal(table) for table in tables]
    return [*(_DROP_TRIGGERS.format(table=name, trigger=TRIGGER) for name in names), _DROP_FUNCTIONS]


def definition_statements(*, watch: bool) -> Sequence[str]:
    """Return the statements that make or remove the event triggers, by which changed definitions are heard."""
    return _CREATE_DEFINITIONS if watch else _DROP_DEFINITIONS


def _literal(name: Name) -> str:
    """Return a name as a string constant in the body of a DO statement."""
    text = quoted(name)
    if "$fraiseql$" in text:
        raise ValueError(f"{text} has $fraiseql$ in its name, which ends the statements that make its trigger")
    return "'{}'".format(text.replace("'", "''"))


def tables_of(schema: Schema, alias: str) -> list[Name]:
    """Return the tables that operations of a schema can read, those below views too.

    Without those that only the project's own expressions, rules and functions read.
    """
    connection = connections[alias]
    named = {parts(quote_name(name, connection)) for name in readable_columns(schema, alias)}
    known = catalog.dependencies(connection, connect=True)
    below = known.below(name[-1] for name in named) if known is not None else frozenset[str]()
    # without views, and what is not there
    return sorted(states(named.union((name,) for name in below), alias))


def tables_of_model(model: Any) -> list[Name]:
    """Return the table of a model, and those that Django makes for its many-to-many fields."""
    through = [field.remote_field.through for field in model._meta.local_many_to_many]
    found = [model, *(item for item in through if item._meta.auto_created)]
    return [parts(item._meta.db_table if _is_quoted(item) else quoted((item._meta.db_table,))) for item in found]


def _is_quoted(model: Any) -> bool:
    # Django leaves a name alone that is quoted already
    name = model._meta.db_table
    return bool(name.startswith('"') and name.endswith('"'))


def states(tables: Iterable[Name], alias: str) -> dict[Name, bool]:
    """Return, for each of these names that is a table, whether it and all of its partitions have triggers that fire."""
    by_text = {quoted(name): name for name in tables}
    rows = _rows(alias, _STATES, [list(by_text)])
    return {by_text[text]: watched for text, kind, watched in rows if kind in ("r", "p")}


def all_watched(alias: str) -> list[Name]:
    """Return all tables that have the trigger."""
    return [(schema, name) for schema, name in _rows(alias, _ALL_WATCHED, None)]


def listening(alias: str) -> int:
    """Return how many watchers are connected to the database."""
    ((count,),) = _rows(alias, _LISTENING, [APPLICATION])
    return int(count)


def tells_definitions(alias: str) -> bool:
    """Whether changed definitions are told."""
    ((count,),) = _rows(alias, "SELECT count(*) FROM pg_event_trigger WHERE evtname = ANY(%s)", [list(_EVENT_TRIGGERS)])
    return bool(count == len(_EVENT_TRIGGERS))


def _rows(alias: str, sql: str, params: Any) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
