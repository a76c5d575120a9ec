"""Finds what SQL does by its tokens: the relations that it changes, the functions that it calls, all names in it.

A statement of a project is read strictly: a verb counts only where PostgreSQL allows a data-changing statement to
begin. The body of a function is a program around statements, so there every verb counts that may be one; more may be
found than happens, never less.

What cannot be told from the text, such as a statement that is put together at run time, is ``UNKNOWN``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from .lexer import NAME, OTHER, QUOTED, STRING, Token, tokens

# What may happen to a table, a letter each: INSERT, UPDATE, DELETE, TRUNCATE, and that with CASCADE
ROWS, ALL = "IUD", "IUDTC"
# ... to a function: it is called
CALL = "X"
# ... to a view, or a table with policies: it is read, and calls functions
READ = "R"
# ... to a table that others inherit from, or are partitions of: one of them was written
PART = "P"
# ... to a table that PostgreSQL reports as written: triggers and cascades have run, except for deferred ones
REPORTED = "S"
# ... to the catalogue: something is created, changed or dropped
DEFINED = "Z"
# ... to whatever there is
ANYTHING = "?"

# The catalogue, as a table that every answer is read from; no user can make a schema of this name
CATALOGUE = "pg_catalog"
# The catalogue's table of event triggers: whatever is defined reads it, and calls them
EVENT_TRIGGERS = "pg_event_trigger"
# The name of what is changed by a change that cannot be found
EVERYTHING = ""


class Change(NamedTuple):
    """A table or function, and the events that may have happened to it, as letters from above.

    A guess is about whatever has this name, if anything has. What happens ``elsewhere`` does so in a session of its
    own, which may commit it before the transaction of the statement ends, or though that is rolled back.
    """

    name: str
    events: str
    guess: bool = False
    elsewhere: bool = False

    @property
    def is_unknown(self) -> bool:
        """Whether anything may have changed."""
        return self.name == EVERYTHING


UNKNOWN = Change(EVERYTHING, ANYTHING, guess=True)
DEFINITION = Change(CATALOGUE, DEFINED)

# Functions of PostgreSQL and its extensions that run SQL which they are given as text
RUN_TEXTS = frozenset(
    {
        *("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"),
        *("crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstabn", "connectby", "xpath_table"),
        *("dblink", "dblink_exec", "dblink_open", "dblink_send_query"),
    }
)
# ... that read relations which they are given by name, or all
READ_NAMED = frozenset({"table_to_xml", "table_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema"})
READ_ALL = frozenset(f"{of}_to_xml{more}" for of in ("schema", "database") for more in ("", "_and_xmlschema"))
# ... and those that do so in a session of their own, or wait for what was begun there
ELSEWHERE = frozenset({"dblink", "dblink_exec", "dblink_open", "dblink_send_query", "pg_background_launch"})
_AWAITS = frozenset({"dblink_get_result", "dblink_disconnect", "pg_background_result"})
# A text that commits what other texts have written
_STATEMENT = re.compile(r"\s*(?:select|with|values|table|begin|start|rollback|set|show|commit|end)\b", re.IGNORECASE)
_COMMITS = re.compile(r"(?:^|;)\s*(?:commit|end)\b", re.IGNORECASE)
# UPDATE after these words is no statement: FOR [NO KEY] UPDATE, ON UPDATE, ON CONFLICT DO UPDATE, of a trigger BEFORE …
_NO_UPDATE_AFTER = frozenset({"for", "key", "on", "do", "before", "after", "or", "of"})
_TEMPORARY = frozenset({"temp", "temporary"})
# What ends the text of a statement that PL/pgSQL executes
_AFTER_DYNAMIC = frozenset({"into", "using", "loop"})
# What cannot be a table's name without quotes: a verb before it is a column's name
_RESERVED = frozenset(
    {"and", "as", "from", "group", "having", "into", "limit", "offset", "on", "or", "order", "select", "union", "where"}
)
# In a statement of a project, a data-changing statement begins after these, or a parenthesis: EXPLAIN ANALYZE, PREPARE
_BEFORE_STATEMENT = frozenset({"analyze", "analyse", "verbose", "explain"})
_BEFORE_PREPARED = _BEFORE_STATEMENT | {"as"}
# After these a statement of PL/pgSQL begins
_BEFORE_COMMAND = frozenset({"begin", "then", "else", "loop", "atomic", "exception"})
_NAMES = (NAME, QUOTED)
# PostgreSQL's own types that Django casts to, without quotes
_TYPES = frozenset(
    {
        *("bigint", "bool", "boolean", "bytea", "citext", "date", "double", "float4", "float8", "inet", "int", "int2"),
        *("int4", "int8", "integer", "interval", "json", "jsonb"),
        *("numeric", "real", "smallint", "text", "time", "timestamp", "timestamptz", "uuid", "varchar"),
    }
)
_OPERATOR_CHARACTERS = frozenset("-+*/<>=~!@#%^&|`?")
# A name in format() that is more than its argument: audit_%I, %I_log
_PART_OF_NAME = re.compile(r'[\w"]%|%(?:\d+\$)?[IsL][\w"]')


class Found(NamedTuple):
    """What a text does: ``changes`` that it names itself, and what it calls and mentions.

    ``calls`` are names before a parenthesis, ``attributes`` names after a point (a function of a row may be written
    like its column), ``names`` all names, ``operators`` all operators, ``texts`` all strings. ``bare`` are names
    with no point or AS before them, and no parenthesis after them: among them are all relations, or their schemas.
    """

    changes: frozenset[Change] = frozenset()
    calls: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    bare: frozenset[str] = frozenset()


def scan(found: Sequence[Token], *, strict: bool) -> Found:
    """Return what the statements of these tokens do."""
    return _Scan(found, strict=strict).found()


def scan_text(text: str) -> Found:
    """Return what a function's body, or another text that is executed, does."""
    return scan(tokens(text), strict=False)


def relation_at(found: Sequence[Token], index: int) -> tuple[str | None, int]:
    """Return the last part of the name that begins at a token, and the index after it; None where no name begins."""
    while index < len(found) and (found[index].word in ("only", "table") or found[index].value == "("):
        index += 1
    if index >= len(found) or not found[index].is_name or found[index].word in _RESERVED:
        return None, index
    while index + 2 < len(found) and found[index + 1].value == "." and found[index + 2].is_name:
        index += 2
    following = found[index + 1] if index + 1 < len(found) else None
    if following is not None and (following.value == "." or _is_joined(found[index], following)):
        return None, index + 1
    return found[index].value, index + 1


def _is_joined(name: Token, following: Token) -> bool:
    """Whether a name is only the beginning of one, with a parameter right after it."""
    return following.value[:1] == "%" and following.kind == OTHER and following.start == name.end


NOTHING = Found()


class _Scan:
    def __init__(self, found: Sequence[Token], *, strict: bool) -> None:
        self.tokens = found
        words = {token.word for token in found[:1]}
        self.before = _BEFORE_PREPARED if words & {"prepare", "create"} else _BEFORE_STATEMENT
        # after SEARCH … SET name and CYCLE … USING name of a recursive query any statement may follow
        self.strict = strict and not any(token.word in ("search", "cycle") for token in found)
        self.changes: set[Change] = set()
        self._targets: set[int] = set()

    def found(self) -> Found:
        calls, attributes, names, operators, bare = set[str](), set[str](), set[str](), set[str](), set[str]()
        texts: list[str] = []
        before, before_kind = "", OTHER
        for index, (kind, value, _, _) in enumerate(self.tokens):
            if kind in _NAMES:
                names.add(value)
                if kind == NAME and value in _VERBS and self._may_begin(index):
                    _VERBS[value](self, index)
                if before == "." and before_kind == OTHER:
                    attributes.add(value)
                elif self._is_bare(index, before, before_kind):
                    bare.add(value)
            elif kind == STRING:
                texts.append(value)
            elif value[0] in _OPERATOR_CHARACTERS:
                operators.update((value, value.replace("%%", "%")))
            elif value == "(" and before_kind in _NAMES and self._is_call(index - 1):
                calls.add(before)
            before, before_kind = value, kind
        if not calls.isdisjoint(RUN_TEXTS | ELSEWHERE):
            self._call_with(texts, elsewhere=not calls.isdisjoint(ELSEWHERE))
        if not calls.isdisjoint(READ_NAMED):
            for text in texts:
                names.update(token.value for token in tokens(text) if token.is_name)
        if not calls.isdisjoint(READ_ALL):
            self.changes.add(UNKNOWN)
        if not calls.isdisjoint(_AWAITS):
            self.changes.add(UNKNOWN._replace(elsewhere=True))
        return Found(
            frozenset(self.changes),
            frozenset(calls),
            frozenset(attributes),
            frozenset(names),
            frozenset(operators),
            tuple(texts),
            frozenset(bare),
        )

    def word(self, index: int) -> str:
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def value(self, index: int) -> str:
        return self.tokens[index].value if 0 <= index < len(self.tokens) else ""

    def target(self, index: int, events: str) -> int:
        """Note the relation whose name begins at a token as changed; return the index after it."""
        name, after = relation_at(self.tokens, index)
        if name is not None:
            self._targets.add(after - 1)
            for spelled in {name, name.replace("%%", "%")}:
                self.changes.add(Change(spelled, events))
        elif after >= len(self.tokens) or self.tokens[after].value[:1] in ("%", "$", "."):
            # a parameter, or the rest of the text is put together elsewhere
            self.changes.add(UNKNOWN)
        return after

    def _may_begin(self, index: int) -> bool:
        """Whether a data-changing statement may begin at a token."""
        if index == 0:
            return True
        before = self.tokens[index - 1]
        if self.strict:
            return before.value in ("(", ")") or before.word in self.before
        return self.word(index) not in _COMMANDS or before.value in (";", ">>") or before.word in _BEFORE_COMMAND

    def _is_bare(self, index: int, before: str, before_kind: str) -> bool:
        is_alias = before == "as" and before_kind == NAME
        is_type = before == "::" and before_kind == OTHER and self.word(index) in _TYPES
        return not (is_alias or is_type or self.value(index + 1) == "(")

    def _is_call(self, index: int) -> bool:
        # not an alias with columns, nor a type with its size
        return index not in self._targets and self.word(index - 1) != "as" and self.value(index - 1) != "::"

    def _call_with(self, texts: Sequence[str], *, elsewhere: bool) -> None:
        """Add what a function that is given a text to execute does: one of these, or a parameter."""
        before, self.changes = self.changes, set()
        self._run(texts)
        is_given = any(token.kind == OTHER and token.value[0] in "%$" for token in self.tokens)
        if is_given or not (self.changes or any(map(_STATEMENT.match, texts))):
            # the text is a parameter, a variable or a column
            self.changes.add(UNKNOWN)
        if elsewhere:
            if any(map(_COMMITS.search, texts)):
                self.changes.add(UNKNOWN)
            self.changes = {change._replace(elsewhere=True) for change in self.changes}
        self.changes |= before

    def _run(self, texts: Iterable[str]) -> None:
        """Add what these texts do, which are executed."""
        for text in texts:
            inner = scan_text(text)
            self.changes |= inner.changes
            self.changes |= {Change(name, CALL) for name in inner.calls}

    # --- the verbs ---

    def insert(self, index: int) -> None:
        if self.word(index + 1) == "into":
            conflict = any(token.word == "conflict" for token in self.tokens)
            self.target(index + 2, "IU" if conflict else "I")

    def update(self, index: int) -> None:
        if self.word(index - 1) not in _NO_UPDATE_AFTER and self.word(index + 1) != "set":
            self.target(index + 1, "U")

    def delete(self, index: int) -> None:
        if self.word(index + 1) == "from":
            self.target(index + 2, "D")

    def merge(self, index: int) -> None:
        if self.word(index + 1) == "into":
            self.target(index + 2, ROWS)

    def copy(self, index: int) -> None:
        if self.value(index + 1) == "(":
            return
        directions = (token.word for token in self.tokens[index + 1 :] if token.word in ("from", "to"))
        if next(directions, "from") == "from":
            self.target(index + 1, "I")

    def refresh(self, index: int) -> None:
        if self.word(index + 1) == "materialized":
            self.target(index + (4 if self.word(index + 3) == "concurrently" else 3), ROWS)

    def truncate(self, index: int) -> None:
        cascades = any(token.word == "cascade" for token in self.tokens[index:])
        while True:
            index = self.target(index + 1, "TC" if cascades else "T")
            while self.value(index) in ("*", ")"):
                index += 1
            if self.value(index) != ",":
                return

    def execute(self, index: int) -> None:
        """Read what PL/pgSQL executes: statements in strings; what is not in one cannot be told."""
        if self.strict or self.word(index + 1) in ("function", "procedure", "on"):
            return
        dynamic = list(takewhile(_continues, self.tokens[index + 1 :]))
        texts = [token.value for token in dynamic if token.kind == STRING]
        inner = _Scan((), strict=False)
        inner._run(["".join(texts)] if all(token.value != "format" for token in dynamic) else [*texts, "".join(texts)])
        others = {token.value for token in dynamic if token.is_name} - {"format", "quote_ident", "tg_argv"}
        if not texts or others:
            inner.changes.add(UNKNOWN)
        elif any(token.value == "tg_argv" for token in dynamic) and not (
            any(token.value == "||" for token in dynamic) or any(map(_PART_OF_NAME.search, texts))
        ):
            # what a trigger was created with is known
            inner.changes.discard(UNKNOWN)
        self.changes |= inner.changes

    def define(self, index: int) -> None:
        if not self.strict:
            is_temporary = not _TEMPORARY.isdisjoint((self.word(index + 1), self.word(index + 2)))
            self.changes.add(Change(EVENT_TRIGGERS, READ) if is_temporary else DEFINITION)


_COMMANDS: dict[str, Callable[[_Scan, int], None]] = {
    "copy": _Scan.copy,
    "refresh": _Scan.refresh,
    "truncate": _Scan.truncate,
    **dict.fromkeys(("create", "alter", "drop", "grant", "revoke", "reassign", "import"), _Scan.define),
}
_VERBS: dict[str, Callable[[_Scan, int], None]] = {
    **_COMMANDS,
    "insert": _Scan.insert,
    "update": _Scan.update,
    "delete": _Scan.delete,
    "merge": _Scan.merge,
    "execute": _Scan.execute,
}


def _continues(token: Token) -> bool:
    return token.value != ";" and token.word not in _AFTER_DYNAMIC
