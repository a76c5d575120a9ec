"""What in a statement gives another value though no table was written: the clock, chance, and the state of the server.

PostgreSQL says of each function whether it is immutable, stable or volatile (documentation, 38.7). Of its own functions
that is almost enough: the volatile ones, and the stable ones without arguments, whose value can only follow from the
clock, the transaction or the server. Functions of the project's own are volatile unless they say otherwise, and may
call anything whatever they say, so their bodies are searched, with the defaults of their arguments. What lies on top of
such a function counts as well: views on views, policies, aggregates, operators and casts. A materialized view does
not: it changes by REFRESH alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

# of what users have made, as in ``catalog``
_OWN = "nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"
# Stable functions of PostgreSQL's own without arguments that do not change while a database is in use, or that are a
# part of the key of answers, as the role is
_CONSTANT = (
    "current_database", "current_schema", "current_user", "getpgusername", "session_user", "system_user",
    "get_current_ts_config", "getdatabaseencoding", "pg_client_encoding", "inet_server_addr", "inet_server_port",
    "json_build_array", "json_build_object", "jsonb_build_array", "jsonb_build_object", "pg_config",
    "pg_get_catalog_foreign_keys", "pg_get_keywords", "pg_my_temp_schema", "pg_numa_available", "pg_show_all_settings",
    "version",
)  # fmt: skip
# Languages whose text is SQL, or made of it; what others do is theirs to say
_READABLE = "'sql', 'plpgsql'"
ROWS = f"""
SELECT DISTINCT 'builtin', p.proname::text, ''
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind = 'f' AND (
        p.provolatile = 'v' AND (l.lanname IN ('c', 'internal') OR n.nspname = 'pg_catalog')
        OR p.provolatile = 's' AND n.nspname = 'pg_catalog' AND l.lanname = 'internal' AND (
            p.proname LIKE 'pg\\_stat\\_get\\_%'
            OR p.pronargs = 0 AND p.proname NOT IN ({", ".join(f"'{name}'" for name in _CONSTANT)})
        )
    )
UNION ALL SELECT 'relation', c.relname::text, ''
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pg_catalog' AND c.relkind IN ('r', 'v') OR {_OWN} AND c.relkind = 'S'
UNION ALL SELECT 'view', c.relname::text, pg_get_viewdef(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OWN} AND c.relkind = 'v'
UNION ALL SELECT 'view', c.relname::text, pg_get_expr(p.polqual, p.polrelid)
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relrowsecurity AND p.polqual IS NOT NULL
UNION ALL SELECT CASE WHEN l.lanname NOT IN ({_READABLE}) AND p.provolatile = 'v' THEN 'opaque' ELSE 'function' END,
        p.proname::text,
        CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_get_function_sqlbody(p.oid) END
            || coalesce(' ' || pg_get_expr(p.proargdefaults, 0), '')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE {_OWN} AND p.prokind <> 'a' AND l.lanname NOT IN ('c', 'internal')
UNION ALL SELECT 'function', p.proname::text, concat_ws(
        ' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
    FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}
UNION ALL SELECT 'operator', o.oprname::text, p.proname::text
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace JOIN pg_proc p ON p.oid = o.oprcode WHERE {_OWN}
UNION ALL SELECT 'cast', t.typname::text, p.proname::text
    FROM pg_cast k JOIN pg_type t ON t.oid = k.casttarget JOIN pg_proc p ON p.oid = k.castfunc
        JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}
"""

# Written in other languages, in SQL or in the parser, so that they are not among the builtin ones
_CLOCK_FUNCTIONS = frozenset({"age", "now", "statement_timestamp", "transaction_timestamp"})
_CLOCK_WORDS = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
# Views of the server's state; their bare names are too common
_SERVER_SCHEMAS = frozenset({"information_schema"})
# The texts that dates and times are read from by the clock (documentation, 8.5.1.4); capitalised they are a label
_CLOCK_TEXT = r"(?:now|today|tomorrow|yesterday|NOW|TODAY|TOMORROW|YESTERDAY)(?:\s+(?:[\d:.]+|allballs))?"
# A cast to a type of texts, unless another cast follows it
_AS_TEXT = r"(?:[\s)]*::\s*(?:text|varchar|character varying|char|character|citext|jsonb?)\b)+(?![\s)]*::)"
_CLOCK_LITERAL = re.compile(rf"'\s*({_CLOCK_TEXT})\s*'(?!{_AS_TEXT})")
_CLOCK_PARAMETER = re.compile(rf"\s*{_CLOCK_TEXT}\s*")
_PLACEHOLDER = re.compile(rf"(?<!%)%s({_AS_TEXT})?")


class Words(NamedTuple):
    """The words of a text: functions that it calls, words that are not quoted, and whatever may be a name."""

    calls: frozenset[str]
    words: frozenset[str]
    names: frozenset[str]


class Volatility:
    """What in one database depends on the clock, on chance or on the state of the server; made of ``ROWS``.

    ``of_statement`` and ``of_body`` return the words of a statement, and those of the body of a function, which may
    execute what it has in a string.
    """

    def __init__(
        self,
        rows: Iterable[tuple[str, str, str]],
        of_statement: Callable[[str], Words],
        of_body: Callable[[str], Words],
    ) -> None:
        found = list(rows)
        self._of_statement = of_statement
        self._builtin = _CLOCK_FUNCTIONS.union(name for kind, name, _ in found if kind == "builtin")
        self._relations = _SERVER_SCHEMAS.union(name for kind, name, _ in found if kind == "relation")
        self._operators = [(name, function) for kind, name, function in found if kind == "operator"]
        self._casts = [(name, function) for kind, name, function in found if kind == "cast"]
        self._own = frozenset(name for kind, name, _ in found if kind == "opaque")
        readers = {"view": of_statement, "function": of_body}
        self._close([(name, text, readers[kind](text)) for kind, name, text in found if kind in readers])

    def reasons(self, sql: str) -> frozenset[str]:
        """Return what in a statement may give another value though nothing was written: functions, views, words.

        Nothing where its answer depends on what is stored alone.
        """
        return self._found(sql, self._of_statement(sql))

    def _close(self, texts: list[tuple[str, str, Words]]) -> None:
        """Find the project's own views and functions that are volatile, directly or by others."""
        waiting = texts
        while True:
            volatile = {name for name, text, words in waiting if self._found(text, words)}
            if not volatile:
                return
            self._own |= volatile
            waiting = [each for each in waiting if each[0] not in volatile]

    def _found(self, text: str, words: Words) -> frozenset[str]:
        return frozenset().union(
            words.words & _CLOCK_WORDS,
            words.calls & self._builtin,
            words.names & (self._own | self._relations),
            _CLOCK_LITERAL.findall(text),
            (name for name, function in self._operators if function in self._own and name in text),
            (name for name, function in self._casts if function in self._own and name in words.names),
        )


def clock_parameters(sql: str, texts: Iterable[str | None]) -> bool:
    """Whether a statement reads a date or time from a parameter by the clock: ``%s::date`` given "today".

    ``texts`` are those of its parameters, in order; None where one is not known.
    """
    places = [place for place, text in enumerate(texts) if text is not None and _CLOCK_PARAMETER.fullmatch(text)]
    if not places:
        return False
    as_text = [bool(found[1]) for found in _PLACEHOLDER.finditer(sql)]
    return any(place < len(as_text) and not as_text[place] for place in places)
