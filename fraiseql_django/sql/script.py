"""Scripts: SQL text that creates views and functions, and the statements that replace one script by another.

Everything is derived from the text. Therefore a migration runs the same statements on every database, and
``sqlmigrate`` needs no connection to show them.
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
# Statements about an object whose effect ends when the object is dropped
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
class SQLObject:
    """A view or function that a statement creates.

    ``signature`` are the arguments that identify a function in DROP. ``header`` is what CREATE OR REPLACE cannot
    change: the arguments with names and defaults, and the return type.
    """

    kind: Kind
    name: Name
    signature: str = field(default="", compare=False)
    header: tuple[str, ...] = ()

    @property
    def is_view(self) -> bool:
        """Whether it is a view or a materialized view."""
        return self.kind.endswith("VIEW")

    def drop(self, *, if_exists: bool = False) -> str:
        """Return the DROP statement, without CASCADE: PostgreSQL's error names the objects that depend on it."""
        return f"DROP {self.kind} {'IF EXISTS ' if if_exists else ''}{quoted(self.name)}{self.signature}"

    def replaces(self, other: SQLObject) -> bool:
        """Whether CREATE OR REPLACE can replace the other object by this one; never true for views.

        CREATE OR REPLACE VIEW can only add columns, and the columns are not known.
        """
        return not self.is_view and self == other


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement; ``created`` is the object that it creates, ``replace_at`` the offset for inserting OR REPLACE."""

    sql: str
    created: SQLObject | None = None
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
    def objects(self) -> list[SQLObject]:
        """The objects that the script creates, in order."""
        return [statement.created for statement in self.statements if statement.created]


def read_script(text: str) -> Script:
    """Read a text of complete statements.

    Raises ValueError for a text that creates no view or function, and for statements that DROP would not reverse.
    """
    script = Script(statements=tuple(_statement(text, part) for part in statements(text)))
    if not script.objects:
        raise ValueError(f"the text creates no view or function; its statements must be among: {_ALLOWED}")
    return script


def switch(old: Script | None, new: Script | None, *, if_exists: bool = False) -> list[str]:
    """Return the statements that replace the objects of one script by those of another; None has no objects.

    A function with the same header is replaced in place, so that its grants and dependent objects remain. With
    ``if_exists``, objects of the old script need not exist.
    """
    obsolete = dropped(old, new)
    replaced = [item for item in (old.objects if old else []) if item not in obsolete]
    return [
        *(item.drop(if_exists=if_exists) for item in reversed(obsolete)),
        *(
            statement.or_replace if statement.created in replaced else statement.sql
            for statement in (new.statements if new else ())
        ),
    ]


def dropped(old: Script | None, new: Script | None) -> list[SQLObject]:
    """Return the objects of the old script that must be dropped, because the new one does not replace them in place."""
    created = new.objects if new else []
    return [item for item in (old.objects if old else []) if not any(other.replaces(item) for other in created)]


def quoted(name: Name) -> str:
    """Return a name as SQL writes it, with each part in quotes."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in name)


def parse_name(text: str) -> Name:
    """Read ``view`` or ``schema.view``, in the spelling of the catalogue; a part that contains a dot must be quoted.

    Raises ValueError for text that is not a name.
    """
    part = r'(?:"((?:[^"]|"")+)"|([^".]+))'
    match = re.fullmatch(rf"(?:{part}\.)?{part}", text)
    if match is None:
        raise ValueError(f"{text!r} is not a name; write 'name' or 'schema.name', without the quotes of SQL")
    inner = [(match[1] or "").replace('""', '"') or match[2], (match[3] or "").replace('""', '"') or match[4]]
    return tuple(item for item in inner if item)


def written_name(name: Name) -> str:
    """Return a name in the form that ``parse_name`` reads, quoted only if necessary."""
    return quoted(name) if any('"' in part or "." in part for part in name) else ".".join(name)


def same_text(one: str, other: str) -> bool:
    """Whether two texts differ at most in white space and comments outside of string constants and function bodies."""
    return one == other or [token.text for token in tokens(one)] == [token.text for token in tokens(other)]


def mentions(text: str, names: Collection[str], *, in_strings: bool) -> set[str]:
    """Return which of some names, without schema, occur in a text.

    PostgreSQL records dependencies on names outside of string constants only; function bodies often are strings.
    """
    words = set()
    for token in tokens(text):
        if token.kind == "name":
            words.add(token.identifier)
        elif token.kind == "string" and in_strings:
            words.update(word for part in re.findall(r"\w+", token.text) for word in (part, part.lower()))
    return words.intersection(names)


def _statement(text: str, part: Sequence[Token]) -> Statement:
    sql = slice_of(text, part)
    # eight tokens, because the longest beginning is CREATE OR REPLACE MATERIALIZED VIEW IF NOT EXISTS
    start = " ".join(token.word or token.text for token in part[:8]) + " "
    create = _CREATE.match(start)
    if create is None:
        if not _BELONGS.match(start):
            beginning = " ".join(sql.split()[:4])
            raise ValueError(f"the statement '{beginning} …' is not allowed; must be among: {_ALLOWED}")
        return Statement(sql=sql)
    if create["exists"]:
        raise ValueError("IF NOT EXISTS would keep an existing object; write CREATE without it")
    name, rest = _name(part[len(create.group().split()) :])
    created = _created(text, cast(Kind, create["kind"]), name, rest)
    replaceable = not create["replace"] and not created.is_view
    return Statement(sql=sql, created=created, replace_at=part[0].end - part[0].start if replaceable else None)


def _name(part: Sequence[Token]) -> tuple[Name, Sequence[Token]]:
    """Return the name at the beginning of the tokens, and the tokens after it."""
    length = 3 if len(part) > 2 and part[1].text == "." else 1
    names = part[:length:2]
    more = part[length : length + 1]
    if not names or any(token.kind != "name" for token in names) or (more and more[0].text == "."):
        actual = " ".join(token.text for token in part[:5]) or "the end"
        raise ValueError(f"expected a name or schema.name, not: {actual}")
    return tuple(token.identifier for token in names), part[length:]


def _created(text: str, kind: Kind, name: Name, rest: Sequence[Token]) -> SQLObject:
    if kind.endswith("VIEW"):
        return SQLObject(kind=kind, name=name)
    arguments, after = _arguments(rest)
    signature = ", ".join(slice_of(text, _without_default(argument)) for argument in arguments)
    header = _normalised([*rest[: len(rest) - len(after)], *_returns(after)])
    return SQLObject(kind=kind, name=name, signature=f"({signature})", header=header)


def _normalised(part: Sequence[Token]) -> tuple[str, ...]:
    return tuple(token.identifier if token.kind == "name" else token.text for token in part)


def _arguments(rest: Sequence[Token]) -> tuple[list[list[Token]], Sequence[Token]]:
    """Return the tokens of each argument in the parentheses at the beginning, and the tokens after these."""
    arguments: list[list[Token]] = [[]]
    depth = 0
    if not rest or rest[0].text != "(":
        raise ValueError("the name of a function is not followed by its arguments in parentheses")
    for position, token in enumerate(rest):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if not depth:
            return (arguments if arguments[0] else []), rest[position + 1 :]
        if depth == 1 and token.text == ",":
            arguments.append([])
        elif position:
            arguments[-1].append(token)
    raise ValueError("the arguments of a function are not closed")


def _without_default(argument: Sequence[Token]) -> Sequence[Token]:
    for position, token in enumerate(argument):
        if token.word == "DEFAULT" or token.text == "=":
            return argument[:position]
    return argument


def _returns(after: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens of RETURNS; none for a procedure, and for a function with OUT arguments instead."""
    if not after or after[0].word != "RETURNS":
        return []
    end = next(
        (position for position, token in enumerate(after) if position and token.word in _AFTER_RETURNS), len(after)
    )
    return after[:end]
