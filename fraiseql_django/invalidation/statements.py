"""Tells what a statement does by its text: what it changes itself, what it calls, what it defines.

Reading is what is allowed: only a statement that begins like a query, has no data-changing statement in it and calls
nothing but functions that are certainly PostgreSQL's own is certain to read. Of every other one ``changes`` has what it
may do; ``catalog`` adds what the functions, triggers, rules and keys of the database do in turn. What the text does not
tell, as that of EXECUTE, is ``UNKNOWN``.

Signals would miss ``update()``, bulk operations, many-to-many tables and fast deletes; the SQL shows them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from .._django import cache_tables
from ..memory import LRU
from .lexer import STRING, Token, statements, tokens
from .names import is_ordinary
from .scan import ALL, CALL, DEFINITION, EVENT_TRIGGERS, NOTHING, UNKNOWN, Change, Found, scan, scan_text

_NONE: frozenset[Change] = frozenset()
_NOTHING = frozenset[str]()
# What is about transactions, sessions and what is stored how; VACUUM and the like change no value
_HARMLESS = frozenset(
    {
        *("show", "set", "reset", "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"),
        *("fetch", "move", "close", "listen", "unlisten", "notify", "analyze", "analyse", "vacuum", "deallocate"),
        *("discard", "lock", "checkpoint", "cluster", "load"),
    }
)
_QUERIES = frozenset({"select", "with", "values", "table"})
_CHANGING = frozenset({"insert", "update", "delete", "merge", "copy", "refresh", "truncate"})
# CREATE, ALTER and DROP of these change nothing that an answer or a plan could depend on
_OF_NO_MATTER = frozenset(
    {
        *("sequence", "statistics", "database", "tablespace", "publication", "subscription", "collation", "conversion"),
        *("default", "system", "text", "access", "language", "server", "concurrently"),
    }
)
_TEMPORARY = frozenset({"temp", "temporary"})
# Statements that end the open transaction, perhaps to begin another one (AND CHAIN)
_ENDING = frozenset({"commit", "end", "rollback", "abort"})
# Statements and functions that may change settings of the session
_SETTING = frozenset({"set", "reset", "discard", "do", "call", "execute"})
_SET_BY = frozenset({"set_config"})
# Decisions are kept by text: the ORM writes few texts. A text of more than an eighth of the bytes is read each time
_MAX_KEPT, _KEPT_BYTES = 5_000, 16_000_000
# What varies between the texts of the ORM and tells nothing: how many parameters are in a list, and which page is read
_PARAMETERS = re.compile(r"%s(?:[ ,()]*+%s)+")
_SHORT, _AT_ONCE = 400, 64
_PAGE = re.compile(r" (?:LIMIT \d+(?: OFFSET \d+)?|OFFSET \d+)\Z")
_LONGEST_PAGE = 60
# An analysis without its text, as measured
_OF_ANALYSIS = 1_500


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a text does, which may hold several statements.

    ``changes`` are what it names itself, ``found`` what it calls and mentions. ``prepares`` is the name of a prepared
    statement, and what executing it does; ``executes`` are the names of those that are executed. ``certain`` says that
    nothing is changed and no function called that may be the project's, ``defines`` that something is created, changed
    or dropped of what is read from the catalogue, ``sets`` that settings of the session may change, ``commits`` that
    the open transaction may be committed, ``deallocates`` that all prepared statements are gone. ``savepoint`` is one
    that is rolled back to. ``command`` is the first word, of several statements none.
    """

    changes: frozenset[Change] = _NONE
    found: Found = NOTHING
    prepares: tuple[str, Analysis] | None = None
    executes: frozenset[str] = _NOTHING
    certain: bool = True
    defines: bool = False
    sets: bool = False
    commits: bool = False
    deallocates: bool = False
    savepoint: str | None = None
    command: str = ""

    @property
    def ends(self) -> bool:
        """Whether the open transaction ends here, though another one may be open after it."""
        return self.command in _ENDING and self.savepoint is None


_analyses: LRU[Analysis] = LRU(_MAX_KEPT, _KEPT_BYTES)


def as_text(sql: Any) -> str:
    """Return the text of what a cursor was given: text, bytes or a psycopg composition."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    return str(sql.as_string(None)) if hasattr(sql, "as_string") else str(sql)


def analyse(text: str) -> Analysis:
    """Return what a text does."""
    kept = _analyses.get(text)
    if kept is None and (shorter := _without_varying(text)) != text:
        text = shorter
        kept = _analyses.get(text)
    if kept is None:
        kept = joined([_analyse(part) for part in statements(tokens(text))])
        _analyses.set(text, kept, _OF_ANALYSIS + len(text) + 60 * len(kept.found.names))
    return kept


def _without_varying(text: str) -> str:
    if "%s, %s" in text:
        if len(text) > _SHORT:
            # what is repeated is compared as a whole, far quicker than by an expression
            text = _without_repeated(text, text.find("), ("), "(", 1)
            text = _without_repeated(text, text.find("%s, %s"), "%", 2)
        text = _PARAMETERS.sub("%s", text)
    if text[:6] == "SELECT" and (page := _PAGE.search(text, max(len(text) - _LONGEST_PAGE, 0))):
        text = text[: page.start()] + " LIMIT 1"
    return text


def _without_repeated(text: str, last: int, first: str, length: int) -> str:
    """Leave one of what is repeated in a list: from ``first`` to ``length`` characters from the offset ``last``."""
    begin = text.rfind(first, 0, last + 1) if last >= 0 else -1
    if begin < 0:
        return text
    end = position = last + length
    again = ", " + text[begin:end]
    for count in (_AT_ONCE, 8, 1):
        many = again * count
        while text.startswith(many, position):
            position += len(many)
    return text if position == end else text[:end] + text[position:]


def only_reads(text: str) -> bool:
    """Whether a text certainly only reads, unless a view or policy that it reads calls a function that writes."""
    return analyse(text).certain


def changes(text: str) -> frozenset[Change]:
    """Return the changes that a text names itself, and its calls of functions that may be the project's."""
    analysis = analyse(text)
    calls = (Change(name, CALL) for name in analysis.found.calls if not is_ordinary(name))
    return without_caches(analysis.changes).union(calls)


def without_caches(found: frozenset[Change]) -> frozenset[Change]:
    """Return changes but those of the tables of caches: nothing but the caches themselves reads these."""
    if not found or (tables := cache_tables()).isdisjoint(change.name for change in found):
        return found
    return frozenset(change for change in found if change.name not in tables)


def joined(parts: Sequence[Analysis]) -> Analysis:
    """Return what several statements do, one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Analysis()
    return Analysis(
        changes=_NONE.union(*(part.changes for part in parts)),
        found=_joined_found([part.found for part in parts]),
        executes=_NOTHING.union(*(part.executes for part in parts)),
        certain=all(part.certain for part in parts),
        defines=any(part.defines for part in parts),
        sets=any(part.sets for part in parts),
        commits=any(part.commits for part in parts),
        deallocates=any(part.deallocates for part in parts),
    )


def _joined_found(found: Sequence[Found]) -> Found:
    return Found(
        _NONE.union(*(part.changes for part in found)),
        _NOTHING.union(*(part.calls for part in found)),
        _NOTHING.union(*(part.attributes for part in found)),
        _NOTHING.union(*(part.names for part in found)),
        _NOTHING.union(*(part.operators for part in found)),
        tuple(text for part in found for text in part.texts),
        _NOTHING.union(*(part.bare for part in found)),
    )


def _analyse(found: Sequence[Token]) -> Analysis:
    """Return what one statement does."""
    start = 0
    while start < len(found) and found[start].value == "(":
        start += 1
    word = found[start].word if start < len(found) else ""
    analysis = _KINDS.get(word, _other)(found)
    return replace(
        analysis,
        sets=analysis.sets or word in _SETTING or not analysis.found.calls.isdisjoint(_SET_BY),
        commits=word in ("commit", "end"),
        command=word,
    )


def _other(found: Sequence[Token]) -> Analysis:
    # CALL, and what this version does not know
    return _of(scan(found, strict=True), {UNKNOWN})


def _call(found: Sequence[Token]) -> Analysis:
    return _of(scan(found, strict=True))


def _harmless(found: Sequence[Token]) -> Analysis:
    return _HARMLESS_ONE


def _describe(found: Sequence[Token]) -> Analysis:
    """COMMENT and REINDEX, which define nothing, but call event triggers."""
    return Analysis(found=_CALLS_EVENTS, certain=False)


def _of(found: Found, changes: frozenset[Change] | set[Change] = _NONE, *, defines: bool = False) -> Analysis:
    every = found.changes | changes
    certain = not every and not defines and all(map(is_ordinary, found.calls))
    return Analysis(every, found, certain=certain, defines=defines)


def _statement(found: Sequence[Token]) -> Analysis:
    return _of(scan(found, strict=True))


def _query(found: Sequence[Token]) -> Analysis:
    done = scan(found, strict=True)
    for index, token in enumerate(found):
        if token.word == "into" and index and found[index - 1].word not in ("insert", "merge"):
            # SELECT INTO makes a table
            following = found[index + 1].word if index + 1 < len(found) else ""
            if following in _TEMPORARY:
                return replace(_of(done), sets=True)
            return _of(done, {DEFINITION}, defines=True)
    return _of(done)


def _explain(found: Sequence[Token]) -> Analysis:
    """Without ANALYZE nothing is executed; with it, or with a false one, everything counts as executed."""
    words = [token.word for token in found]
    for word in words[1:]:
        if word in ("analyze", "analyse"):
            if "create" in words:
                return _create(found[words.index("create") :])
            return _execute(found[words.index("execute") :]) if "execute" in words else _statement(found)
        if word in _QUERIES or word in _CHANGING or word in ("execute", "declare", "create"):
            break
    return Analysis()


def _prepare(found: Sequence[Token]) -> Analysis:
    name = found[1].value if len(found) > 1 else ""
    if name == "transaction" and len(found) == 3:
        # what the transaction has written is committed by COMMIT PREPARED; this ends it for the session
        return Analysis(certain=False)
    inner = next((index for index, token in enumerate(found) if token.word == "as"), len(found))
    return Analysis(prepares=(name, _analyse(found[inner + 1 :])), certain=False)


def _execute(found: Sequence[Token]) -> Analysis:
    done = scan(found[2:], strict=True)
    return Analysis(done.changes, done, executes=frozenset(token.value for token in found[1:2]), certain=False)


def _declare(found: Sequence[Token]) -> Analysis:
    inner = next((index for index, token in enumerate(found) if token.word == "for"), len(found))
    return _analyse(found[inner + 1 :])


def _do(found: Sequence[Token]) -> Analysis:
    body = next((token.value for token in found if token.kind == STRING), "")
    languages = [found[i + 1].value for i, token in enumerate(found[:-1]) if token.word == "language"]
    done = scan_text(body)
    known = all(language == "plpgsql" for language in languages)
    every = frozenset(change._replace(guess=True) for change in done.changes)
    return _of(done._replace(changes=_NONE), every if known else every | {UNKNOWN}, defines=DEFINITION in done.changes)


def _commit(found: Sequence[Token]) -> Analysis:
    # of a transaction that any session may have prepared
    prepared = len(found) > 1 and found[1].word == "prepared"
    return Analysis(frozenset({UNKNOWN}) if prepared else _NONE, certain=False)


def _create(found: Sequence[Token]) -> Analysis:
    words = [token.word for token in found[1:4]]
    if words[:2] == ["or", "replace"]:
        words = [token.word for token in found[3:6]]
    if words[:1] in (["global"], ["local"]):
        words = words[1:]
    if words[:1] == ["index"] or words[:2] == ["unique", "index"]:
        # expressions and conditions are evaluated for the rows that there are
        inside = next((index for index, token in enumerate(found) if token.value == "("), len(found)) + 1
        return Analysis(found=_CALLS_EVENTS._replace(calls=scan(found[inside:], strict=True).calls - {"include"}))
    queries = {"table", "materialized", *_TEMPORARY, "unlogged"}
    done = scan(found, strict=True) if words and words[0] in queries else None
    # CREATE TABLE … AS runs its query, or a prepared one
    executes = frozenset(after.value for token, after in pairwise(found) if token.word == "execute")
    if words and words[0] in _TEMPORARY:
        # it may be found before another of its name
        done = done or NOTHING
        made = replace(
            _of(done._replace(names=done.names | {EVENT_TRIGGERS}, bare=done.bare | {EVENT_TRIGGERS})), sets=True
        )
    else:
        made = _definition(found)
        if done is not None:
            made = _of(done._replace(names=made.found.names), made.changes, defines=made.defines)
    return replace(made, executes=executes, certain=False) if executes and done is not None else made


def _definition(found: Sequence[Token]) -> Analysis:
    """Return what creates, changes or drops something: all that it names may be changed, and the catalogue."""
    words = {token.word for token in found[1:4]}
    verb = found[0].word
    if verb in ("create", "alter", "drop") and found[1:2] and found[1].word in _OF_NO_MATTER:
        return Analysis(found=_CALLS_EVENTS)
    if verb == "alter" and "index" in words:
        return Analysis(found=_CALLS_EVENTS)
    # a function may be called for a default, or to change a column
    events = (ALL if any(token.word == "cascade" for token in found) else ALL.replace("C", "")) + CALL
    names = {token.value for token in found if token.is_name}
    named = {Change(name, events, guess=True) for name in names}
    done = Found(frozenset(), _NOTHING, _NOTHING, frozenset(names), _NOTHING, ())
    return _of(done, named | {DEFINITION}, defines=True)


def _deallocate(found: Sequence[Token]) -> Analysis:
    return Analysis(deallocates=any(token.word == "all" for token in found), certain=False)


def _rollback(found: Sequence[Token]) -> Analysis:
    """ROLLBACK [WORK | TRANSACTION] [TO [SAVEPOINT] name]."""
    back = any(token.word == "to" for token in found[:-1])
    return Analysis(savepoint=found[-1].value if back and found[-1].is_name else None, certain=False)


_CALLS_EVENTS = NOTHING._replace(names=frozenset({EVENT_TRIGGERS}), bare=frozenset({EVENT_TRIGGERS}))
_HARMLESS_ONE = Analysis(certain=False)
# A statement that cannot be read
ANY_STATEMENT = Analysis(frozenset({UNKNOWN}), certain=False, sets=True)
_KINDS: dict[str, Callable[[Sequence[Token]], Analysis]] = {
    **dict.fromkeys(_HARMLESS, _harmless),
    **dict.fromkeys(_QUERIES, _query),
    **dict.fromkeys(_CHANGING, _statement),
    **dict.fromkeys(("alter", "drop", "grant", "revoke", "reassign", "security", "import"), _definition),
    **dict.fromkeys(("comment", "reindex"), _describe),
    "call": _call,
    "deallocate": _deallocate,
    "discard": _deallocate,
    "rollback": _rollback,
    "explain": _explain,
    "prepare": _prepare,
    "execute": _execute,
    "declare": _declare,
    "do": _do,
    "create": _create,
    "commit": _commit,
}
