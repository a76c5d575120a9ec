"""A script: SQL text that makes views and functions, and the statements that take one script to another.

Everything is read from the text, so that a migration does the same on every database, and ``sqlmigrate`` shows
it without one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from .tokens import Token, slice_of, statements, tokens

Kind = Literal["VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE"]
Name = tuple[str, ...]

_CREATE = re.compile(
    r"CREATE (?P<replace>OR REPLACE )?(?:RECURSIVE )?"
    r"(?P<kind>VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE) (?P<exists>IF NOT EXISTS )?"
)
# What goes with the object that it is about, so that dropping the object takes it back
_BELONGS = re.compile(
    r"(?:COMMENT ON|GRANT|REVOKE|CREATE (?:UNIQUE )?INDEX"
    r"|ALTER (?:VIEW|MATERIALIZED VIEW|FUNCTION|PROCEDURE|ROUTINE)) "
)
_ALLOWED = (
    "CREATE VIEW, CREATE MATERIALIZED VIEW, CREATE FUNCTION, CREATE PROCEDURE, and about these COMMENT ON, GRANT, "
    "REVOKE, CREATE INDEX, ALTER"
)
# What may follow RETURNS type (PostgreSQL documentation, CREATE FUNCTION)
_AFTER_RETURNS = {
    "LANGUAGE", "TRANSFORM", "WINDOW", "IMMUTABLE", "STABLE", "VOLATILE", "NOT", "LEAKPROOF", "CALLED", "RETURNS",
    "STRICT", "EXTERNAL", "SECURITY", "PARALLEL", "COST", "ROWS", "SUPPORT", "SET", "AS", "BEGIN", "RETURN",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A view or function that a statement makes.

    ``signature`` is how DROP tells a function from others of its name. ``header`` is what CREATE OR REPLACE
    may not change: the arguments, with names and defaults, and the type that is returned.
    """

    kind: Kind
    name: Name
    signature: str = field(default="", compare=False)
    header: tuple[str, ...] = ()

    @property
    def is_view(self) -> bool:
        """Whether it is a view, materialised or not."""
        return self.kind.endswith("VIEW")

    def drop(self, *, if_exists: bool = False) -> str:
        """Return what drops it, and nothing that depends on it: PostgreSQL's error then says what does."""
        return f"DROP {self.kind} {'IF EXISTS ' if if_exists else ''}{quoted(self.name)}{self.signature}"

    def replaces(self, other: Object) -> bool:
        """Whether CREATE OR REPLACE can make it of the other; a view's columns are not known, so never a view."""
        return not self.is_view and self == other


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; ``made`` is what it makes, ``replace_at`` where OR REPLACE can stand that does not."""

    sql: str
    made: Object | None = None
    replace_at: int | None = None

    @property
    def or_replace(self) -> str:
        """The statement with OR REPLACE."""
        if self.replace_at is None:
            return self.sql
        return f"{self.sql[: self.replace_at]} OR REPLACE{self.sql[self.replace_at :]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The statements of a text, in order."""

    statements: tuple[Statement, ...]

    @property
    def objects(self) -> list[Object]:
        """What it makes, in order."""
        return [statement.made for statement in self.statements if statement.made]


def read_script(text: str) -> Script:
    """Read a text of whole statements.

    Raises ValueError where it makes no view or function, or has a statement that dropping them would not take back.
    """
    script = Script(statements=tuple(_statement(text, part) for part in statements(text)))
    if not script.objects:
        raise ValueError(f"it makes no view and no function; its statements must be among: {_ALLOWED}")
    return script


def switch(old: Script | None, new: Script | None, *, if_exists: bool = False) -> list[str]:
    """Return the statements that take the database from what one script made to what another makes.

    A function whose header stays is replaced, so that its grants, and what depends on it, stay as well. With
    ``if_exists``, what the old script made may be gone.
    """
    gone = dropped(old, new)
    kept = [item for item in (old.objects if old else []) if item not in gone]
    made = new.statements if new else ()
    return [
        *(item.drop(if_exists=if_exists) for item in reversed(gone)),
        *(statement.or_replace if statement.made in kept else statement.sql for statement in made),
    ]


def dropped(old: Script | None, new: Script | None) -> list[Object]:
    """Return the objects of a script that cannot become, or are not among, those of another."""
    made = new.objects if new else []
    return [item for item in (old.objects if old else []) if not any(other.replaces(item) for other in made)]


def quoted(name: Name) -> str:
    """Write a name as SQL, each part in quotes."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in name)


def parse_name(text: str) -> Name:
    """Read ``view`` or ``schema.view``, as they are in the database; a part with a dot in it stands in quotes.

    Raises ValueError for what is no name.
    """
    part = r'(?:"((?:[^"]|"")+)"|([^".]+))'
    match = re.fullmatch(rf"(?:{part}\.)?{part}", text)
    if match is None:
        raise ValueError(f"{text!r} is no name; write 'name' or 'schema.name', without the quotes of SQL")
    inner = [(match[1] or "").replace('""', '"') or match[2], (match[3] or "").replace('""', '"') or match[4]]
    return tuple(item for item in inner if item)


def written_name(name: Name) -> str:
    """Write a name as ``parse_name`` reads it: without quotes where it can be."""
    return quoted(name) if any('"' in part or "." in part for part in name) else ".".join(name)


def same_text(one: str, other: str) -> bool:
    """Whether two texts differ in blanks and comments alone; within strings, function bodies among them, all counts."""
    return one == other or [token.text for token in tokens(one)] == [token.text for token in tokens(other)]


def mentions(text: str, names: Collection[str], *, in_strings: bool) -> set[str]:
    """Return which of some bare names a text has; those outside of strings are what PostgreSQL lets depend."""
    found = set()
    for token in tokens(text):
        if token.kind == "name":
            found.add(token.identifier)
        elif token.kind == "string" and in_strings:
            found.update(word for part in re.findall(r"\w+", token.text) for word in (part, part.lower()))
    return found.intersection(names)


def _statement(text: str, part: Sequence[Token]) -> Statement:
    sql = slice_of(text, part)
    # the longest beginning is CREATE OR REPLACE MATERIALIZED VIEW IF NOT EXISTS
    start = " ".join(token.word or token.text for token in part[:8]) + " "
    create = _CREATE.match(start)
    if create is None:
        if not _BELONGS.match(start):
            beginning = " ".join(sql.split()[:4])
            raise ValueError(f"the statement '{beginning} …' has no place in it; must be among: {_ALLOWED}")
        return Statement(sql=sql)
    if create["exists"]:
        raise ValueError("IF NOT EXISTS would leave what is there as it is; write CREATE without it")
    name, rest = _name(part[len(create.group().split()) :])
    made = _made(text, cast(Kind, create["kind"]), name, rest)
    replaceable = not create["replace"] and not made.is_view
    return Statement(sql=sql, made=made, replace_at=part[0].end - part[0].start if replaceable else None)


def _name(part: Sequence[Token]) -> tuple[Name, Sequence[Token]]:
    """Return the name that tokens begin with, and the tokens after it."""
    length = 3 if len(part) > 2 and part[1].text == "." else 1
    names = part[:length:2]
    more = part[length : length + 1]
    if not names or any(token.kind != "name" for token in names) or (more and more[0].text == "."):
        found = " ".join(token.text for token in part[:5]) or "the end"
        raise ValueError(f"there must be a name or schema.name, not: {found}")
    return tuple(token.identifier for token in names), part[length:]


def _made(text: str, kind: Kind, name: Name, rest: Sequence[Token]) -> Object:
    if kind.endswith("VIEW"):
        return Object(kind=kind, name=name)
    arguments, after = _arguments(rest)
    signature = ", ".join(slice_of(text, _without_default(argument)) for argument in arguments)
    header = _normal([*rest[: len(rest) - len(after)], *_returns(after)])
    return Object(kind=kind, name=name, signature=f"({signature})", header=header)


def _normal(part: Sequence[Token]) -> tuple[str, ...]:
    return tuple(token.identifier if token.kind == "name" else token.text for token in part)


def _arguments(rest: Sequence[Token]) -> tuple[list[list[Token]], Sequence[Token]]:
    """Return the tokens of each argument in the parentheses that stand first, and what comes after these."""
    found: list[list[Token]] = [[]]
    depth = 0
    if not rest or rest[0].text != "(":
        raise ValueError("the name of a function is not followed by its arguments in parentheses")
    for place, token in enumerate(rest):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if not depth:
            return (found if found[0] else []), rest[place + 1 :]
        if depth == 1 and token.text == ",":
            found.append([])
        elif place:
            found[-1].append(token)
    raise ValueError("the arguments of a function are not closed")


def _without_default(argument: Sequence[Token]) -> Sequence[Token]:
    for place, token in enumerate(argument):
        if token.word == "DEFAULT" or token.text == "=":
            return argument[:place]
    return argument


def _returns(after: Sequence[Token]) -> Sequence[Token]:
    """Return what the function returns; nothing for one that says so by OUT arguments, or for a procedure."""
    if not after or after[0].word != "RETURNS":
        return []
    end = next((place for place, token in enumerate(after) if place and token.word in _AFTER_RETURNS), len(after))
    return after[:end]
