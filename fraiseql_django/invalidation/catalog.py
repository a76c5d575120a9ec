"""Reads from PostgreSQL's catalogue which tables views, policies and functions read, and which triggers and keys write.

A statement reads each part of it when it is first needed. It is kept until this process runs a migration, or a
statement that creates, changes or drops something, or until ``agrees`` finds that others have. These statements do not
go through Django's cursors, since a project's tests that count statements would find one more.

What a transaction has defined and not committed is known to its own connection alone.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from django.db import connections, models

from .._compat import TransactionStatus, plain_cursor
from .._django import database_of, driver_connection, ensure_usable, unobserved
from .dependencies import CALL, Dependencies
from .lexer import NAME, tokens_kept
from .names import are_of_models, called_anywhere, declared_below, is_ordinary, known, names_in, parts
from .scan import CATALOGUE, DEFINITION, EVERYTHING, READ, READ_ALL, READ_NAMED, RUN_TEXTS, Change, scan
from .statements import Analysis, analyse, without_caches
from .volatility import ROWS as VOLATILITY_ROWS
from .volatility import Volatility, Words

logger = logging.getLogger("fraiseql_django.cache")

# After a failure the catalogue is not read for so long: where connecting times out, every request would wait for it
RETRY_SECONDS = 5
# Around a statement in a transaction that others began: PostgreSQL compiles nothing in between
SUSPEND_JIT = "SELECT set_config('fraiseql.jit', current_setting('jit'), true), set_config('jit', 'off', true)"
RESUME_JIT = "SELECT set_config('jit', current_setting('fraiseql.jit'), true)"

K = TypeVar("K")


class TypeInfo(NamedTuple):
    """What PostgreSQL knows of a type that is no domain.

        ``name`` is its name in the catalogue, without a schema (``int4``). ``category`` is one of "enum", "range",
    "multirange", "composite", "array", "text", or "" for any other; ``element`` is the type of an array's elements, or
    of a range's bounds. ``sortable`` says whether PostgreSQL compares its values with ``=`` and ``<``, in one order.
    """

    name: str
    category: str
    element: str
    sortable: bool


class ColumnInfo(NamedTuple):
    """What PostgreSQL knows of a column of a table or view.

    ``type`` is the type as psql's ``\\d`` shows it; ``base`` the one that it is for a cast: without its sizes, of a
    domain the type below it; ``kind`` tells more of it. ``not_null`` says whether PostgreSQL enforces that it holds no
    null, which it does for no view and no foreign table, and ``unique`` that no two rows have the same value. ``leads``
    are the tables and columns that it enforces, by a foreign key over this column alone, a value to be in.
    ``is_domain``: operators and functions for all enums, arrays
    or ranges do not take a domain over one. ``costly`` says whether JSON takes long to read each time: a view may
    compute it, and a table may keep it outside of its rows (TOAST). Only the speed of a statement can follow from it.
    """

    type: str
    base: str
    not_null: bool
    unique: bool
    leads: frozenset[tuple[str, str]]
    is_domain: bool
    costly: bool
    kind: TypeInfo


class FunctionInfo(NamedTuple):
    """What PostgreSQL knows of a function: "v", "s" or "i" for volatile, stable, immutable; whether it returns a set.

    ``returns`` is the type of its result, ``arguments`` the types of its named arguments.
    """

    volatility: str
    returns_set: bool
    returns: str
    arguments: Mapping[str, str]


# by schema and name, and by the name alone where the search path finds the relation
Columns: TypeAlias = dict[tuple[str, ...], dict[str, ColumnInfo]]

# of what users have made; toast tables and those of sessions have schemas that are PostgreSQL's own, too
_OWN = "nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"
# Without a typmod "bit" and "character" would be of one character; with -1 they are named without that. A type is
# sortable if "<" is the operator of its default class for B-trees, or of that of a type that it is cast to without a
# function (documentation, "Operator Classes and Operator Families"). A constraint that is not valid may be violated by
# older rows; PostgreSQL 18 has such constraints for NULL, too
_COLUMNS = f"""
WITH RECURSIVE base AS (
    SELECT t.oid, t.oid AS type FROM pg_type t WHERE t.typtype <> 'd'
    UNION ALL SELECT t.oid, b.type FROM base b JOIN pg_type t ON t.typbasetype = b.oid AND t.typtype = 'd'
), sortable AS (
    SELECT o.opcintype AS type FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
        JOIN pg_amop a ON (a.amopfamily, a.amoplefttype, a.amoprighttype) = (o.opcfamily, o.opcintype, o.opcintype)
        JOIN pg_operator p ON p.oid = a.amopopr
    WHERE m.amname = 'btree' AND o.opcdefault AND p.oprname = '<'
), kind AS (
    SELECT t.oid, t.typname::text AS name,
        CASE WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype = 'r' THEN 'range' WHEN t.typtype = 'm' THEN 'multirange'
            WHEN t.typtype = 'c' THEN 'composite' WHEN t.typcategory = 'A' THEN 'array'
            WHEN t.typcategory = 'S' OR t.oid = '"char"'::regtype THEN 'text' ELSE '' END AS category,
        coalesce(format_type(e.type, -1), format_type(r.rngsubtype, -1), '') AS element,
        t.typtype IN ('e', 'r', 'm') OR t.oid IN (TABLE sortable) OR EXISTS (
            SELECT FROM pg_cast k
            WHERE k.castsource = t.oid AND k.castmethod = 'b' AND k.castcontext = 'i'
                AND k.casttarget IN (TABLE sortable)
        ) AS sortable
    FROM pg_type t LEFT JOIN base e ON e.oid = t.typelem AND t.typcategory = 'A'
        LEFT JOIN pg_range r ON r.rngtypid = t.oid
    WHERE t.typtype <> 'd'
)
SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid), a.attname::text,
    format_type(a.atttypid, a.atttypmod), format_type(b.type, -1),
    w.whole AND a.attnotnull AND NOT EXISTS (
        SELECT FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'n' AND NOT k.convalidated AND k.conkey[1] = a.attnum
    ),
    w.whole AND EXISTS (
        SELECT FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1
            AND i.indkey[0] = a.attnum
    ),
    CASE WHEN w.whole THEN ARRAY(
        SELECT ARRAY[f.relname::text, fa.attname::text]
        FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
            JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated AND k.conkey = ARRAY[a.attnum]
    ) ELSE '{{}}' END,
    b.oid <> b.type, t.name IN ('json', 'jsonb') AND (c.relkind = 'v' OR EXISTS (
        SELECT FROM pg_class p JOIN pg_class o ON o.oid = p.reltoastrelid
        WHERE p.oid = ANY(c.oid || ARRAY(SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = c.oid))
            AND o.relpages > 0
    )), t.name, t.category, t.element, t.sortable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    JOIN base b ON b.oid = a.atttypid JOIN kind t ON t.oid = b.type
    -- what holds for a table need not hold for those that inherit from it, whose rows are read with its own
    CROSS JOIN LATERAL (SELECT c.relkind = 'p' OR c.relkind = 'r'
        AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS whole) w
WHERE {_OWN} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.oid, a.attnum
"""
# -1 where the table was never analysed (documentation, "pg_class"); of views nothing is known
_ROWS = f"""
SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid), greatest(c.reltuples, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND c.relkind IN ('r', 'p', 'm')
"""
# PostgreSQL documentation, "System Catalogs"; a body that is parsed (BEGIN ATOMIC) is written as text again.
# tgtype holds the events as bits: 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE (its source, catalog/pg_trigger.h)
_DEPENDENCIES = f"""
WITH relation AS (
    SELECT c.oid, c.relname::text AS name, c.relkind AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {_OWN} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), function AS (
    SELECT p.oid, p.proname::text AS name,
        CASE WHEN p.prokind = 'a' THEN (SELECT concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn,
            a.aggminvtransfn, a.aggmfinalfn) FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
        WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END AS source
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE {_OWN} AND (l.lanname NOT IN ('c', 'internal') OR p.prokind = 'a') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
), body AS (
    -- of extensions, those in SQL; of the project, those in C as well, of which nothing is known
    SELECT p.oid, p.proname::text AS name, p.provolatile::text
            || CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE l.lanname::text END AS detail,
        coalesce(f.source, CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END, '')
            AS source, f.oid IS NULL AS of_extension, p.pronargs, p.proargtypes
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        LEFT JOIN function f ON f.oid = p.oid
    WHERE {_OWN} AND (f.oid IS NOT NULL OR l.lanname NOT IN ('c', 'internal') OR l.lanname = 'c' AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    ))
), reference AS (
    SELECT d.classid, d.objid, d.refobjid, coalesce(t.name, f.name) AS name
    FROM pg_depend d
    LEFT JOIN relation t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
    LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
    LEFT JOIN body f ON f.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid ELSE o.oprcode::oid END
    WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass) AND coalesce(t.name, f.name) IS NOT NULL
), rewriting AS (
    SELECT r.ev_type, v.name, v.kind, e.name AS other
    FROM pg_rewrite r
    JOIN relation v ON v.oid = r.ev_class
    JOIN reference e ON e.classid = 'pg_rewrite'::regclass AND e.objid = r.oid AND e.refobjid <> r.ev_class
), policy AS (
    SELECT t.name, e.name AS other
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
    JOIN relation t ON t.oid = p.polrelid
    JOIN reference e ON e.classid = 'pg_policy'::regclass AND e.objid = p.oid AND e.refobjid <> p.polrelid
    WHERE p.polcmd IN ('r', '*')
), trigger AS (
    SELECT r.name, coalesce(f.name, '') AS function, encode(t.tgargs, 'escape') AS arguments,
        CASE WHEN t.tgtype & 4 > 0 THEN 'I' ELSE '' END || CASE WHEN t.tgtype & 8 > 0 THEN 'D' ELSE '' END
            || CASE WHEN t.tgtype & 16 > 0 THEN 'U' ELSE '' END || CASE WHEN t.tgtype & 32 > 0 THEN 'T' ELSE '' END
            || CASE WHEN t.tgdeferrable THEN 'S' ELSE '' END AS events
    FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid LEFT JOIN body f ON f.oid = t.tgfoid
    WHERE NOT t.tgisinternal
), called AS (
    -- by the defaults, constraints, policies and indexes of tables
    SELECT coalesce(a.adrelid, k.conrelid, p.polrelid, i.indrelid, 0) AS relid, f.name
    FROM pg_depend d JOIN body f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
        LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
        LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
        LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
        LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
    WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass)
        OR i.indexrelid IS NOT NULL
)
SELECT DISTINCT 'relation', name, '', '' FROM relation
UNION ALL SELECT CASE WHEN of_extension THEN 'extension' ELSE 'function' END, name, source, detail FROM body
UNION SELECT CASE kind WHEN 'v' THEN 'view' ELSE 'materialized' END, name, other, ''
    FROM rewriting WHERE ev_type = '1'
UNION SELECT 'rule', name, other, CASE ev_type WHEN '2' THEN 'U' WHEN '3' THEN 'I' ELSE 'D' END
    FROM rewriting WHERE ev_type <> '1'
UNION SELECT 'policy', name, other, '' FROM policy
UNION SELECT 'trigger', name, function, events FROM trigger WHERE function <> ''
UNION SELECT 'check', r.name, c.name, '' FROM called c JOIN relation r ON r.oid = c.relid
UNION SELECT 'unnamed', name, '', '' FROM called WHERE relid = 0
UNION SELECT 'unnamed', f.name, '', '' FROM pg_cast c JOIN body f ON f.oid = c.castfunc
UNION SELECT 'operator', o.oprname::text, f.name, '' FROM pg_operator o JOIN body f ON f.oid = o.oprcode
UNION SELECT 'default', c.name, f.name, ''
    FROM pg_depend d JOIN body f ON f.oid = d.refobjid JOIN body c ON c.oid = d.objid
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_proc'::regclass
UNION SELECT 'event', f.name, '', '' FROM pg_event_trigger e JOIN body f ON f.oid = e.evtfoid
UNION SELECT 'of_row', f.name, '', '' FROM body f JOIN pg_type t ON t.oid = f.proargtypes[0]
    WHERE f.pronargs = 1 AND (t.typtype = 'c' OR t.typname IN ('record', 'anyelement'))
UNION SELECT 'arguments', name, arguments, events FROM trigger WHERE arguments <> ''
UNION SELECT 'key', t.name, r.name, k.confupdtype::text || k.confdeltype::text
    FROM pg_constraint k JOIN relation t ON t.oid = k.confrelid JOIN relation r ON r.oid = k.conrelid
    WHERE k.contype = 'f'
UNION SELECT 'foreign', r.name, coalesce(
        (SELECT option_value FROM pg_options_to_table(f.ftoptions) WHERE option_name = 'table_name'), r.name), ''
    FROM pg_foreign_table f JOIN relation r ON r.oid = f.ftrelid
UNION SELECT 'part', c.name, p.name, ''
    FROM pg_inherits i JOIN relation c ON c.oid = i.inhrelid JOIN relation p ON p.oid = i.inhparent
"""

# The arguments that callers give have no mode, or one of in, inout, variadic (PostgreSQL documentation, "pg_proc")
_FUNCTIONS = f"""
SELECT n.nspname::text, p.proname::text, pg_function_is_visible(p.oid), p.provolatile::text, p.proretset,
    format_type(p.prorettype, NULL),
    ARRAY(SELECT coalesce(p.proargnames[i], '') FROM generate_subscripts(p.proargnames, 1) AS i
        WHERE p.proargmodes IS NULL OR p.proargmodes[i] IN ('i', 'b', 'v') ORDER BY i),
    ARRAY(SELECT format_type(a.type, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(type, place)
        ORDER BY place)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN} AND p.prokind = 'f'
"""

# Where a session variable may be asked for. A materialised view is not asked anew for each viewer
_ASKS = r"current_setting|pg_settings|pg_show_all_settings"
_ASKS_WORDS = frozenset(_ASKS.split("|"))
# CASE, so that the texts of PostgreSQL's own views, which are many, are not searched before the schema is known
_ASKING = f"""
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE CASE WHEN {_OWN} THEN c.relrowsecurity OR c.relkind = 'v' AND pg_get_viewdef(c.oid) ~* '{_ASKS}' END
"""

# Another text after anything of a user's was created, changed or dropped. A row that is changed has another xmin, which
# REFRESH, TRUNCATE and CLUSTER give to that of a relation, too: of these the columns that matter are taken. Temporary
# tables come and go
_ROW = "hashint8({0}::bigint # ({1}.xmin::text::bigint << 30))"
_FINGERPRINT = f"""
WITH space AS MATERIALIZED (
    SELECT oid FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast|temp)' OR nspname = 'public'
), relation AS MATERIALIZED (
    SELECT c.oid, hashtext(concat_ws(',', c.oid, c.relname, c.relnamespace, c.relkind, c.relnatts, c.relrowsecurity,
        c.relispartition, c.relacl, c.reloptions)) AS hash
    FROM pg_class c WHERE c.relnamespace IN (TABLE space) AND c.relpersistence <> 't' AND c.relkind NOT IN ('S', 't')
)
SELECT concat_ws(' ',
    (SELECT sum(hash) || '/' || count(*) FROM relation),
    (SELECT sum({_ROW.format("a.attrelid", "a")}) FROM pg_attribute a JOIN relation c ON c.oid = a.attrelid),
    (SELECT sum({_ROW.format("i.inhrelid", "i")}) FROM pg_inherits i JOIN relation c ON c.oid = i.inhrelid),
    (SELECT sum({_ROW.format("k.oid", "k")}) FROM pg_constraint k WHERE k.connamespace IN (TABLE space)),
    (SELECT sum({_ROW.format("r.oid", "r")}) FROM pg_rewrite r JOIN relation c ON c.oid = r.ev_class),
    (SELECT sum({_ROW.format("t.oid", "t")}) FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid),
    (SELECT sum({_ROW.format("p.oid", "p")}) FROM pg_policy p),
    (SELECT sum({_ROW.format("d.oid", "d")}) FROM pg_attrdef d JOIN relation c ON c.oid = d.adrelid),
    (SELECT sum({_ROW.format("p.oid", "p")}) FROM pg_proc p WHERE p.pronamespace IN (TABLE space)),
    (SELECT sum({_ROW.format("t.oid", "t")}) FROM pg_type t WHERE t.typnamespace IN (TABLE space)),
    (SELECT sum({_ROW.format("o.oid", "o")}) FROM pg_operator o WHERE o.oprnamespace IN (TABLE space)),
    (SELECT sum({_ROW.format("n.oid", "n")}) FROM pg_namespace n WHERE n.oid IN (TABLE space)),
    (SELECT sum({_ROW.format("e.oid", "e")}) FROM pg_enum e),
    (SELECT sum({_ROW.format("c.oid", "c")}) FROM pg_cast c WHERE c.oid >= 16384),
    (SELECT sum({_ROW.format("e.oid", "e")}) FROM pg_event_trigger e)
)
"""

# A database that is dropped and made anew has another number, though the name is the same
_NUMBER = "SELECT oid::bigint FROM pg_database WHERE datname = current_database()"

_dependencies: dict[tuple[Any, ...], Dependencies] = {}
_asking: dict[tuple[Any, ...], frozenset[str]] = {}
_columns: dict[tuple[Any, ...], Columns] = {}
_rows: dict[tuple[Any, ...], Mapping[tuple[str, ...], int]] = {}
_functions: dict[tuple[Any, ...], Mapping[tuple[str, ...], list[FunctionInfo]]] = {}
_volatile: dict[tuple[Any, ...], Volatility] = {}
# of each database before the first part of its catalogue was read
_fingerprints: dict[tuple[Any, ...], str] = {}
_database_numbers: dict[tuple[Any, ...], int] = {}
_failed_at: dict[tuple[Any, ...], float] = {}
# an attribute of the connections whose open transaction has defined something: a number of its own
_DEFINING = "_fraiseql_defining"
_numbers = itertools.count(1)
# how often it was forgotten: what was read meanwhile is not kept
_forgotten = 0
_NO_CHANGES: frozenset[Change] = frozenset()
# how often it could not be read, or was read as others cannot see it
_unread = 0


def forget(**kwargs: Any) -> None:
    """Read the catalogues again when they are next needed; also a receiver of Django's signals."""
    global _forgotten
    _forgotten += 1
    for kept in (
        _dependencies, _asking, _columns, _rows, _functions, _volatile, _fingerprints, _database_numbers, _failed_at,
    ):  # fmt: skip
        kept.clear()


def unread() -> int:
    """Return how often a catalogue could not be read by this process as others see it.

    What was made meanwhile is not to be kept.
    """
    return _unread


def generation() -> int:
    """Return a number that is another one after the catalogues were forgotten: plans made before do not fit them."""
    return _forgotten


def defining(connection: Any, *, open_transaction: bool) -> None:
    """Note that a connection has defined something: until its transaction ends, no other knows of it."""
    setattr(connection, _DEFINING, next(_numbers) if open_transaction else 0)
    forget()


def agrees(connection: Any, made_in: int) -> bool:
    """Whether what was made in a ``generation`` of the catalogue fits the catalogue as it is now in the database.

    If something was created, changed or dropped since it was read, it is forgotten.
    """
    kept = _fingerprints.get(database_of(connection))
    if kept is not None:
        now = _ask(connection, _FINGERPRINT, connect=True)
        if now is None:
            return False
        if now[0][0] != kept:
            forget()
    return made_in == _forgotten


def dependencies(connection: Any, *, connect: bool = False) -> Dependencies | None:
    """Return the dependencies in a connection's database; None where they cannot be read now.

    A closed connection is opened only with ``connect``.
    """
    return _kept(_dependencies, connection, _DEPENDENCIES, Dependencies, connect=connect)


def columns(source: str, alias: str) -> Mapping[str, ColumnInfo] | None:
    """Return the columns of a table or view by name, in order.

    ``source`` is a name as SQL writes it; without a schema the search path tells which is meant. None where
    there is no such relation, or the database cannot be asked now.
    """
    found = _kept(_columns, connections[alias], _COLUMNS, _by_name, connect=True)
    return None if found is None else found.get(parts(source)[-2:])


def columns_of(model: type[models.Model], alias: str) -> Mapping[str, ColumnInfo]:
    """Return the columns of a model's table by their names in the database; none where they are not known."""
    return columns(_table_name(model), alias) or {}


def rows_of(model: type[models.Model], alias: str) -> int:
    """Return how many rows a model's table had when PostgreSQL last counted; 0 where that is not known.

    It may be any other number by now, so that only the speed of a statement can follow from it.
    """
    found = _kept(_rows, connections[alias], _ROWS, _counts, connect=True) or {}
    return found.get(parts(_table_name(model))[-2:], 0)


def functions(name: str, alias: str) -> list[FunctionInfo] | None:
    """Return what is known of the functions of a name, as SQL writes it: several where it is overloaded.

    None where the database cannot be asked now.
    """
    found = _kept(_functions, connections[alias], _FUNCTIONS, _overloads, connect=True)
    return None if found is None else found.get(parts(name)[-2:], [])


def _overloads(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, ...], list[FunctionInfo]]:
    found: dict[tuple[str, ...], list[FunctionInfo]] = {}
    for schema, name, visible, volatility, returns_set, returns, names, types in rows:
        arguments = {argument: type_ for argument, type_ in zip(names, types, strict=False) if argument}
        info = FunctionInfo(volatility, returns_set, returns, arguments)
        found.setdefault((schema, name), []).append(info)
        if visible:
            found.setdefault((name,), []).append(info)
    return found


def _table_name(model: type[models.Model]) -> str:
    """Return the name of a model's table as SQL writes it."""
    name = model._meta.db_table
    # Django leaves a name alone that is quoted already
    quoted = name.startswith('"') and name.endswith('"')
    return name if quoted else '"{}"'.format(name.replace('"', '""'))


def column_of(field: models.Field[Any, Any], alias: str) -> ColumnInfo | None:
    """Return the column of a model's field, which may be in a parent's table; None where it is not known."""
    return columns_of(field.model, alias).get(field.column or "")


def _counts(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for schema, name, visible, count in rows:
        found[schema, name] = count
        if visible:
            found[(name,)] = count
    return found


def _by_name(rows: Iterable[tuple[Any, ...]]) -> Columns:
    found: Columns = {}
    for schema, name, visible, column, type_, base, not_null, unique, leads, is_domain, costly, *kind in rows:
        of_relation = found.setdefault((schema, name), {})
        known = frozenset((table, key) for table, key in leads)
        of_relation[column] = ColumnInfo(type_, base, not_null, unique, known, is_domain, costly, TypeInfo(*kind))
        if visible:
            found[(name,)] = of_relation
    return found


def number_of_database(alias: str) -> int | None:
    """Return PostgreSQL's number of a database; None where it cannot be asked."""
    return _kept(_database_numbers, connections[alias], _NUMBER, lambda rows: int(rows[0][0]), connect=True)


def tables_read(sql: str, alias: str) -> tuple[str, ...]:
    """Return the tables that a statement reads: those that it mentions, and what lies below them.

    Below views and functions are the tables that they read, below tables those that their policies read. Where the
    catalogue cannot be asked, everything that is known counts as read.
    """
    found = analyse(sql).found
    # what an SQL text in a literal reads, for the few functions that run one
    names = found.names if found.calls.isdisjoint(RUN_TEXTS | READ_NAMED) else names_in(sql)
    called = found.calls | found.attributes
    tables = names & known()
    catalog = dependencies(connections[alias], connect=True)
    if catalog is None:
        tables |= known()
    elif not found.calls.isdisjoint(READ_ALL):
        tables |= known() | catalog.relations
    else:
        tables |= names & catalog.relations
        tables |= catalog.below(tables | (called & catalog.functions.keys()) | catalog.behind(found.operators))
    # a view may lie on another, whose declaration knows of more
    tables |= frozenset[str]().union(*map(declared_below, tables | called))
    return tuple(sorted(tables))


def asks_for_session(sql: str, alias: str) -> bool:
    """Whether what a statement reads may depend on session variables.

    It may where a table that it reads has row security, where it or a view asks for settings, and where a function of
    the project's is called: what that does is not looked into. True where the catalogue cannot be asked.
    """
    names = names_in(sql)
    if not names.isdisjoint(_ASKS_WORDS):
        return True
    connection = connections[alias]
    catalog, asking = dependencies(connection, connect=True), _relations_asking(connection)
    if catalog is None or asking is None:
        return True
    # whatever has the name of one may be one: a table of no model, in SQL of the project's own, as well
    reached = catalog.reached(names & (catalog.relations | catalog.functions.keys()))
    return not reached.isdisjoint(asking) or not reached.isdisjoint(catalog.functions)


def is_volatile(sql: str, alias: str) -> bool:
    """Whether a statement may give another answer though nothing was written: by the clock, or by chance.

    True where the catalogue cannot be asked.
    """
    reasons = volatile_parts(sql, alias)
    return reasons is None or bool(reasons)


def volatile_parts(sql: str, alias: str) -> frozenset[str] | None:
    """Return what makes a statement depend on the clock or on chance: names of functions and views, and words.

    They are PostgreSQL's own, or the project's, by themselves or by what lies below them. None where the catalogue
    cannot be asked.
    """

    def make(rows: list[Any]) -> Volatility:
        return Volatility(rows, _words_of_statement, _words_of_body)

    volatility = _kept(_volatile, connections[alias], VOLATILITY_ROWS, make, connect=True)
    return None if volatility is None else volatility.reasons(sql)


def _words_of_statement(sql: str) -> Words:
    return Words(calls=_calls(sql), words=_words(sql), names=names_in(sql))


def _words_of_body(text: str) -> Words:
    names = names_in(text)
    return Words(calls=called_anywhere(text), words=names, names=names)


def _calls(sql: str) -> frozenset[str]:
    # of a query that is known already, as it is planned
    analysis = analyse(sql)
    return analysis.found.calls if analysis.command == "select" else scan(tokens_kept(sql), strict=True).calls


def _words(sql: str) -> frozenset[str]:
    """Return the words of a text that are not quoted, keywords among them."""
    return frozenset(token.value for token in tokens_kept(sql) if token.kind == NAME)


def may_be_secured(table: str, alias: str) -> bool:
    """Whether policies of row security may hide rows of a table; True where the catalogue cannot be asked."""
    asking = _relations_asking(connections[alias])
    return asking is None or table in asking


def _relations_asking(connection: Any) -> frozenset[str] | None:
    return _kept(_asking, connection, _ASKING, lambda rows: frozenset(name for (name,) in rows), connect=True)


def changes_in(connection: Any, analysis: Analysis) -> frozenset[Change]:
    """Return the changes that a statement may make: those that it names, and the calls of what may write.

    Nothing where it only reads. What it executes of prepared statements is not among them. The catalogue is read where
    the text is not enough.
    """
    changes = without_caches(analysis.changes) | acts(connection, analysis)
    if analysis.changes and _known_dependencies(connection) is None:
        # that a view among them calls a function is found out before the commit
        changes |= {Change(name, READ) for name in analysis.found.names}
    return changes


def may_be_read(connection: Any, name: str) -> bool:
    """Whether an answer may read a table or view of this name; True where the catalogue cannot be asked."""
    catalog = dependencies(connection)
    return name in known() or catalog is None or name in catalog.relations


def only_reads(connection: Any, text: str) -> bool:
    """Whether a statement only reads and sets nothing, as its text and the catalogue tell."""
    analysis = analyse(text)
    if analysis.command != "select" or analysis.changes or analysis.sets or analysis.defines:
        return False
    # a function that only reads may yet change settings
    known = None if analysis.certain else dependencies(connection)
    if not analysis.certain and (known is None or not analysis.found.calls.isdisjoint(known.functions)):
        return False
    return not acts(connection, analysis)


def acts(connection: Any, analysis: Analysis) -> frozenset[Change]:
    """Return what the functions, operators, views and policies of a statement may change.

    The catalogue is read for it, unless it is a statement of the ORM over tables of models that calls nothing but what
    is certainly PostgreSQL's own. Where it cannot be read, or the transaction changes it, all that may be called or
    read is returned; what that does is found out before the commit.
    """
    found = analysis.found
    known = _known_dependencies(connection) if _dependencies else None
    if known is not None:
        return known.acts(found)
    others = [name for name in found.calls if not is_ordinary(name)]
    if not others and are_of_models(found.bare, found.attributes):
        return _NO_CHANGES
    if (others or not getattr(connection, _DEFINING, 0)) and (known := dependencies(connection)) is not None:
        return known.acts(found)
    return frozenset([*(Change(name, CALL) for name in others), *(Change(name, READ) for name in found.names)])


def _known_dependencies(connection: Any) -> Dependencies | None:
    return None if getattr(connection, _DEFINING, 0) else _dependencies.get(database_of(connection))


def may_define(connection: Any, changes: frozenset[Change]) -> bool:
    """Whether changes of the open transaction may have created, changed or dropped something."""
    catalog = dependencies(connection)
    if DEFINITION in changes or catalog is None:
        return bool(changes)
    found = catalog.set_off(changes)
    if CATALOGUE in found:
        return True
    if EVERYTHING not in found and not any(change.is_unknown for change in changes):
        return False
    kept = _fingerprints.get(database_of(connection))
    return kept is None or _read_fingerprint(connection, connect=False) != kept


def elsewhere(connection: Any, changes: frozenset[Change]) -> frozenset[Change]:
    """Return what of changes happens in sessions of their own, of which the open transaction does not tell."""
    if not changes:
        return changes
    catalog = dependencies(connection)
    if catalog is None:
        return frozenset(change for change in changes if change.elsewhere)
    return catalog.elsewhere(changes)


def reported_tables(connection: Any, sql: bytes) -> frozenset[str] | None:
    """Return the tables that PostgreSQL reports as written in the open transaction; None where it cannot be asked."""
    driver = driver_connection(connection)
    if driver is None or driver.info.transaction_status != TransactionStatus.INTRANS:
        return None
    rows = _ask(connection, sql.decode(), connect=False)
    return None if rows is None else frozenset(table for (table,) in rows)


def isolation_of(connection: Any) -> str | None:
    """Return how the open transaction is isolated from others; None where PostgreSQL cannot be asked."""
    driver = driver_connection(connection)
    if driver is None or driver.info.transaction_status != TransactionStatus.INTRANS:
        return None
    try:
        row = plain_cursor(driver).execute("SHOW transaction_isolation").fetchone()
    except Exception:
        # the statement that follows says so
        return None
    return None if row is None else str(row[0])


def is_certain(connection: Any, changes: Iterable[Change]) -> bool:
    """Whether the text and the catalogue tell exactly which tables changes are of."""
    every = frozenset(changes)
    if any(change.guess or CALL in change.events for change in every):
        return False
    catalog = dependencies(connection)
    return catalog is not None and EVERYTHING not in catalog.set_off(every)


def tables_written(connection: Any, changes: Iterable[Change]) -> frozenset[str]:
    """Return the tables that changes are of, and those that they may change in turn.

    Where that cannot be told, or the catalogue cannot be asked, everything that is known counts as written. The
    catalogue itself is among them, as ``CATALOGUE``, where something may have been created, changed or dropped.
    """
    changes = frozenset(changes)
    named = (change.name for change in changes if not change.guess and change.events not in (CALL, READ))
    sure = frozenset(named) - {EVERYTHING}
    catalog = dependencies(connection)
    guessed = frozenset(change.name for change in changes if change.guess)
    if catalog is None:
        # what cannot be told may be a definition, too
        may_define = CATALOGUE in guessed or any(change.is_unknown for change in changes)
        return sure | known() | ({CATALOGUE} if may_define else frozenset())
    found = sure | (guessed & (known() | catalog.relations | {CATALOGUE})) | catalog.set_off(changes)
    if any(change.is_unknown for change in changes) or EVERYTHING in found:
        found = (found | known() | catalog.relations | {CATALOGUE}) - {EVERYTHING}
    return found


def _kept(
    kept: dict[tuple[Any, ...], K], connection: Any, sql: str, make: Callable[[list[Any]], K], *, connect: bool
) -> K | None:
    """Return what is kept of a connection's database, made of a statement's rows when it is first needed."""
    global _unread
    key = database_of(connection)
    if private := getattr(connection, _DEFINING, 0):
        # others must not take what is not committed for the catalogue, nor plans that were made with it
        _unread += 1
        key = (*key, private)
    found = kept.get(key)
    if found is None:
        seen = _forgotten
        fingerprint = _fingerprints.get(key) or _read_fingerprint(connection, connect=connect)
        rows = None if fingerprint is None else _ask(connection, sql, connect=connect)
        if rows is None or fingerprint is None:
            _unread += 1
            return None
        found = make(rows)
        if seen == _forgotten:
            _fingerprints.setdefault(key, fingerprint)
            kept[key] = found
    return found


def _read_fingerprint(connection: Any, *, connect: bool) -> str | None:
    rows = _ask(connection, _FINGERPRINT, connect=connect)
    return None if rows is None else str(rows[0][0])


def _ask(connection: Any, sql: str, *, connect: bool) -> list[Any] | None:
    """Run a statement of our own, in the open transaction or outside of any; None where that cannot be done."""
    key = database_of(connection)
    if time.monotonic() < _failed_at.get(key, float("-inf")) + RETRY_SECONDS:
        return None
    try:
        if connect:
            ensure_usable(connection)
        driver = driver_connection(connection)
        idle_or_open = (TransactionStatus.IDLE, TransactionStatus.INTRANS)
        if driver is None or driver.info.transaction_status not in idle_or_open:
            return None
        # in an open transaction this is a savepoint, so that an error does not break the transaction
        with unobserved(driver), driver.transaction():
            cursor = plain_cursor(driver)
            # compiling would take seconds: PostgreSQL takes these statements for far more costly than they are
            cursor.execute(SUSPEND_JIT)
            rows = list(cursor.execute(sql).fetchall())
            cursor.execute(RESUME_JIT)
            return rows
    except Exception as error:
        # whatever it is, the request goes on without; if the database is gone, its own statement says so
        _failed_at[key] = time.monotonic()
        logger.warning("the catalogue of database %r cannot be read: %s", connection.alias, error)
        return None
