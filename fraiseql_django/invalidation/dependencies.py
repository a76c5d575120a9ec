"""The dependencies in a database: which tables views, policies and functions read, and which a write changes in turn.

Names are bare, as in ``names``. What a function does is read from its body by the look of it: it may be found to change
too much, but not too little. Of what it puts together at run time ``UNKNOWN`` is left.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .names import names_in
from .scan import (
    ALL,
    CALL,
    CATALOGUE,
    DEFINED,
    EVENT_TRIGGERS,
    EVERYTHING,
    NOTHING,
    PART,
    READ,
    REPORTED,
    ROWS,
    UNKNOWN,
    Change,
    Found,
    scan_text,
)

__all__ = ["ALL", "CALL", "CATALOGUE", "EVERYTHING", "REPORTED", "ROWS", "UNKNOWN", "Change", "Dependencies", "Effect"]

# What happened before happens again
_SAME = ""
# CASCADE, SET NULL and SET DEFAULT (PostgreSQL documentation, pg_constraint)
_ACTS = "cnd"
_SQL = ("sql", "plpgsql")
# By what functions in other languages run statements (PL/Python, PL/Perl, PL/Tcl, PL/v8, PL/Java, PL/R)
_RUNS_STATEMENTS = re.compile(r"plpy|spi_|plv8|jdbc|pg\.|execute|query|prepare", re.IGNORECASE)
# The answers to the same question that are kept
_MAX_KEPT = 1000


class Effect(NamedTuple):
    """The change that follows any of the events ``on``."""

    on: str
    then: Change


class Body(NamedTuple):
    """A function's text, whether it is declared volatile, and its language."""

    text: str
    volatile: bool
    language: str

    def done(self) -> Found:
        """Return what calling the function does itself."""
        if self.language == "aggregate":
            return NOTHING._replace(calls=names_in(self.text))
        found = scan_text(self.text) if self.language in _SQL else NOTHING
        if not self.volatile:
            # PostgreSQL refuses statements that write in it (its documentation, 38.7); what it calls may write
            changes = frozenset(change for change in found.changes if change.events == CALL)
            return found._replace(changes=changes)
        unknown = self.language == "c" or (self.language not in _SQL and _RUNS_STATEMENTS.search(self.text))
        return found._replace(changes=found.changes | {UNKNOWN}) if unknown else found


class Dependencies:
    """The dependencies in one database, made of rows of a kind and three texts (see ``catalog``)."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        self.relations: set[str] = set()
        self.functions: dict[str, str] = defaultdict(str)
        self._bodies: dict[str, list[Body]] = defaultdict(list)
        self._below: dict[str, set[str]] = defaultdict(set)
        self._effects: dict[str, list[Effect]] = defaultdict(list)
        self._operators: dict[str, set[str]] = defaultdict(set)
        self._of_rows: set[str] = set()
        # functions that any statement may call without naming them
        self._unnamed: set[str] = set()
        self._calls: dict[str, list[Effect]] = {}
        self._set_off: dict[frozenset[Change], frozenset[str]] = {}
        # by the identity of what was found: a statement that is run again is the same object
        self._acts: dict[int, tuple[Found, frozenset[Change]]] = {}
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
        """Return the relations that changes may change in turn: by triggers, rules, keys, functions, inheritance.

        ``EVERYTHING`` is among them where that cannot be told, ``CATALOGUE`` where something may be defined.
        """
        start = frozenset(changes)
        kept = self._set_off.get(start)
        if kept is None:
            kept = self._find_set_off(start)
            if len(self._set_off) >= _MAX_KEPT:
                self._set_off.clear()
            self._set_off[start] = kept
        return kept

    def elsewhere(self, changes: Iterable[Change]) -> frozenset[Change]:
        """Return what of changes, and of what follows from them, happens in sessions of their own."""
        return frozenset(change for change in self._reach(changes)[0] if change.elsewhere)

    def writes(self, function: str) -> bool:
        """Whether calling a function may write something."""
        return function in self._bodies and bool(self.set_off([Change(function, CALL)]))

    def acts(self, found: Found) -> frozenset[Change]:
        """Return what a statement may change by what it calls and reads: functions, operators, views and policies."""
        kept = self._acts.get(id(found))
        if kept is not None and kept[0] is found:
            return kept[1]
        if len(self._acts) >= _MAX_KEPT:
            self._acts.clear()
        acts = self._find_acts(found)
        self._acts[id(found)] = found, acts
        return acts

    def _find_acts(self, found: Found) -> frozenset[Change]:
        changes = {Change(name, CALL) for name in self._called(found) if self.writes(name)}
        reading = (Change(name, READ) for name in found.names & self._below.keys())
        return frozenset(changes.union(change for change in reading if self.set_off([change])))

    def behind(self, operators: frozenset[str]) -> frozenset[str]:
        """Return the functions that operators call, of the project or of an extension."""
        return frozenset[str]().union(*(self._operators[name] for name in operators & self._operators.keys()))

    def _called(self, found: Found) -> set[str]:
        called = {*(found.calls & self._bodies.keys()), *(found.attributes & self._of_rows), *self._unnamed}
        return called | self.behind(found.operators)

    def _find_set_off(self, changes: frozenset[Change]) -> frozenset[str]:
        return frozenset(self._reach(changes)[1] & {*self.relations, EVERYTHING, CATALOGUE})

    def _reach(self, changes: Iterable[Change]) -> tuple[set[Change], set[str]]:
        """Return the changes that follow from changes, with these, and the names of what is written by others."""
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
                    waiting.append(then._replace(events=then.events or change.events))
                    if then.events not in (READ, READ + CALL):
                        found.add(then.name)
        return seen, found

    def _effects_of(self, name: str) -> list[Effect]:
        effects = self._effects.get(name, [])
        if name not in self._bodies:
            return effects
        if name not in self._calls:
            self._calls[name] = [Effect(CALL, change) for change in self._done_by(name)]
        return effects + self._calls[name]

    def _done_by(self, function: str) -> set[Change]:
        changes: set[Change] = set()
        for body in self._bodies[function]:
            done = body.done()
            changes |= {change._replace(guess=False) for change in done.changes}
            changes |= {Change(name, CALL) for name in self._called(done) - {function}}
            changes |= {Change(name, READ) for name in done.names & self._below.keys()}
        return changes

    # --- the kinds of rows ---

    def _add_relation(self, name: str, _other: str, _detail: str) -> None:
        self.relations.add(name)

    def _add_function(self, name: str, source: str, detail: str) -> None:
        self.functions[name] += f"{source}\n"
        self._add_extension(name, source, detail)

    def _add_extension(self, name: str, source: str, detail: str) -> None:
        volatility, language = detail[:1], detail[1:]
        self._bodies[name].append(Body(source, volatility == "v", language))

    def _add_operator(self, name: str, function: str, _detail: str) -> None:
        self._operators[name].add(function)

    def _add_unnamed(self, function: str, _other: str, _detail: str) -> None:
        self._unnamed.add(function)

    def _add_of_row(self, function: str, _other: str, _detail: str) -> None:
        self._of_rows.add(function)

    def _add_view(self, name: str, other: str, _detail: str) -> None:
        self._add_policy(name, other, "")
        # through a simple view its table is written (PostgreSQL documentation, CREATE VIEW, "Updatable Views")
        self._effects[name].append(Effect(ROWS, Change(other, _SAME)))

    def _add_policy(self, name: str, other: str, _detail: str) -> None:
        self._below[name].add(other)
        self._effects[name].append(Effect(READ + ROWS, Change(other, READ + CALL)))

    def _add_materialized(self, name: str, other: str, _detail: str) -> None:
        self._below[name].add(other)
        # REFRESH runs its query
        self._effects[name].append(Effect(ROWS, Change(other, READ + CALL)))

    def _add_rule(self, name: str, other: str, events: str) -> None:
        self._effects[name].append(Effect(events, Change(other, ROWS + CALL + READ)))

    def _add_check(self, name: str, function: str, _detail: str) -> None:
        # a default, a constraint or a policy calls it
        self._effects[name].append(Effect(ROWS, Change(function, CALL)))

    def _add_event(self, function: str, _other: str, _detail: str) -> None:
        self._effects[CATALOGUE].append(Effect(DEFINED, Change(function, CALL)))
        self._add_policy(EVENT_TRIGGERS, function, "")

    def _add_default(self, name: str, function: str, _detail: str) -> None:
        # of an argument, or of a body that is parsed
        self._effects[name].append(Effect(CALL, Change(function, CALL)))

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

    def _add_foreign(self, name: str, other: str, _detail: str) -> None:
        # the server may be this one: its session has triggers, keys and rules of its own
        self._effects[name].append(Effect(ALL + REPORTED, Change(other, ALL)))

    def _add_part(self, name: str, whole: str, _detail: str) -> None:
        self._effects[name].append(Effect(ALL + PART, Change(whole, PART)))
        self._effects[whole].append(Effect(ALL, Change(name, _SAME)))
