"""The dependencies in a database: which tables views, policies and functions read, and which a write changes in turn.

Names are bare, as in ``tables``. What a function does is read from its body by the look of it: it may be found
to name too much, as in a comment, but not too little. Only names that it puts together at run time are not seen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .names import NAME, bare, names_in

# What may happen to a table, a letter each: INSERT, UPDATE, DELETE, TRUNCATE, and that with CASCADE
ROWS, ALL = "IUD", "IUDTC"
# ... to a function: it is called
CALL = "X"
# ... to a table that others inherit from, or are partitions of: one of them was written
PART = "P"
# ... to a table that PostgreSQL reports as written: triggers and cascades have run, except for deferred ones
REPORTED = "S"
# What happened before happens again
_SAME = ""

_BLANK = r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)"
# FOR UPDATE, FOR NO KEY UPDATE, ON CONFLICT DO UPDATE, ON UPDATE CASCADE
_NOT_UPDATE = r"(?<!\bFOR\s)(?<!\bKEY\s)(?<!\bDO\s)(?<!\bON\s)"
_TARGET = re.compile(
    rf"\b(INSERT{_BLANK}+INTO|{_NOT_UPDATE}UPDATE|DELETE{_BLANK}+FROM|MERGE{_BLANK}+INTO|COPY"
    rf"|REFRESH{_BLANK}+MATERIALIZED{_BLANK}+VIEW(?:{_BLANK}+CONCURRENTLY\b)?)\b"
    rf"(?:{_BLANK}+ONLY\b)?(?:{_BLANK}|\()*((?:{NAME}\s*\.\s*)?{NAME})",
    re.DOTALL | re.IGNORECASE,
)
_EVENTS = {"I": "IU", "U": "U", "D": "D", "M": ROWS, "C": "I", "R": ROWS}
# What _TARGET does not see: statements that a function puts together, and lists of tables
_UNCLEAR = re.compile(r"\b(?:EXECUTE|TRUNCATE)\b", re.IGNORECASE)


class Change(NamedTuple):
    """A table or function, and the events that may have happened to it, as letters from above.

    A guess is about whatever has this name, if anything has.
    """

    name: str
    events: str
    guess: bool = False


class Effect(NamedTuple):
    """The change that follows any of the events ``on``."""

    on: str
    then: Change


def targets(text: str) -> list[Change]:
    """Return the changes that the statements in a text seem to make, except for TRUNCATE."""
    return [Change(bare(name), _EVENTS[verb[0].upper()], guess=True) for verb, name in _TARGET.findall(text)]


def target(text: str) -> Change | None:
    """Return the change that one INSERT, UPDATE, DELETE or MERGE names itself."""
    found = _TARGET.search(text)
    if found is None:
        return None
    events = _EVENTS[found.group(1)[0].upper()]
    return Change(bare(found.group(2)), "I" if events == "IU" and "CONFLICT" not in text.upper() else events)


class Dependencies:
    """The dependencies in one database, made of rows of a kind and three texts (see ``catalog``)."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self.relations: set[str] = set()
        self.functions: dict[str, str] = defaultdict(str)
        self._below: dict[str, set[str]] = defaultdict(set)
        self._effects: dict[str, list[Effect]] = defaultdict(list)
        self._calls: dict[str, list[Effect]] = {}
        for kind, name, other, detail in rows:
            getattr(self, f"_add_{kind}")(name, other, detail)

    def below(self, names: Iterable[str]) -> frozenset[str]:
        """Return the relations that views, policies and functions read, directly or not, without the given ones."""
        start = frozenset(names)
        return (self.reached(start) - start) & frozenset(self.relations)

    def reached(self, names: Iterable[str]) -> frozenset[str]:
        """Return the relations and functions that are read, directly or not, with the given ones."""
        seen = set(names)
        waiting = list(seen)
        while waiting:
            name = waiting.pop()
            found = set(self._below.get(name, ()))
            if name in self.functions:
                found |= names_in(self.functions[name]) & (self.relations | self.functions.keys())
            waiting += found - seen
            seen |= found
        return frozenset(seen)

    def set_off(self, changes: Iterable[Change]) -> frozenset[str]:
        """Return the relations that changes may change in turn: by triggers, rules, keys, functions, inheritance."""
        seen: set[Change] = set()
        found: set[str] = set()
        waiting = list(changes)
        while waiting:
            change = waiting.pop()
            if change in seen:
                continue
            seen.add(change)
            for on, then in self._effects_of(change.name):
                if not set(on).isdisjoint(change.events):
                    waiting.append(Change(then.name, then.events or change.events))
                    found.add(then.name)
        return frozenset(found & self.relations)

    def writes(self, function: str) -> bool:
        """Whether calling a function may write something."""
        return function in self.functions and bool(self.set_off([Change(function, CALL)]))

    def _effects_of(self, name: str) -> list[Effect]:
        effects = self._effects.get(name, [])
        if name not in self.functions:
            return effects
        if name not in self._calls:
            self._calls[name] = [Effect(CALL, change) for change in self._done_by(name)]
        return effects + self._calls[name]

    def _done_by(self, function: str) -> list[Change]:
        source = self.functions[function]
        names = names_in(source)
        calls = [Change(name, CALL) for name in names & self.functions.keys() - {function}]
        if _UNCLEAR.search(source):
            return calls + [Change(name, ALL) for name in names & self.relations]
        return calls + [change for change in targets(source) if change.name in self.relations]

    # --- the kinds of rows ---

    def _add_relation(self, name: str, _other: str, _detail: str) -> None:
        self.relations.add(name)

    def _add_function(self, name: str, source: str, _detail: str) -> None:
        self.functions[name] += f"{source}\n"

    def _add_view(self, name: str, other: str, _detail: str) -> None:
        self._below[name].add(other)
        # through a simple view its table is written (PostgreSQL documentation, CREATE VIEW, "Updatable Views")
        self._effects[name].append(Effect(ROWS, Change(other, _SAME)))

    def _add_policy(self, name: str, other: str, _detail: str) -> None:
        self._below[name].add(other)

    def _add_materialized(self, name: str, other: str, _detail: str) -> None:
        self._below[name].add(other)

    def _add_rule(self, name: str, other: str, events: str) -> None:
        self._effects[name].append(Effect(events, Change(other, ROWS + CALL)))

    def _add_trigger(self, name: str, function: str, events: str) -> None:
        self._effects[name].append(Effect(events, Change(function, CALL)))

    def _add_arguments(self, name: str, arguments: str, events: str) -> None:
        # a trigger may have the name of the table to write as an argument
        self._effects[name] += [Effect(events, Change(word, ALL)) for word in names_in(arguments)]

    def _add_key(self, name: str, referring: str, actions: str) -> None:
        on_update, on_delete = actions[0], actions[1]
        # TRUNCATE with CASCADE takes all tables that refer to it, whatever they say
        self._effects[name].append(Effect("C", Change(referring, _SAME)))
        if on_update in _ACTS:
            self._effects[name].append(Effect("U", Change(referring, "U")))
        if on_delete in _ACTS:
            self._effects[name].append(Effect("D", Change(referring, "D" if on_delete == "c" else "U")))

    def _add_part(self, name: str, whole: str, _detail: str) -> None:
        self._effects[name].append(Effect(ALL + PART, Change(whole, PART)))
        self._effects[whole].append(Effect(ALL, Change(name, _SAME)))


# CASCADE, SET NULL and SET DEFAULT (PostgreSQL documentation, pg_constraint)
_ACTS = "cnd"
