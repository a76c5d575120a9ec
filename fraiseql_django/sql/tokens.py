"""SQL text, cut into tokens and statements as PostgreSQL cuts it (its documentation, 4.1 Lexical Structure).

Nothing is parsed: a view's query is PostgreSQL's to understand. What must be known is where a statement ends,
and which names stand outside of strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<string>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
    | (?P<name>"(?:[^"]|"")*"|[^\W\d][\w$]*)
    | (?P<unclosed>['"]|\$(?:[^\W\d]\w*)?\$)
    | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is "string", "name" or "other"; ``start`` and ``end`` are places in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """What it is as a key word, in capitals; empty for a quoted name and for what is no name."""
        return self.text.upper() if self.kind == "name" and self.text[0] != '"' else ""

    @property
    def identifier(self) -> str:
        """The name that it stands for: PostgreSQL makes unquoted ones lower case."""
        if self.text[0] == '"':
            return self.text[1:-1].replace('""', '"')
        return self.text.lower()


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text, without blanks and comments.

    Raises ValueError for a quote or comment that is not closed.
    """
    found, place = [], 0
    while match := _TOKEN.match(text, place):
        kind = str(match.lastgroup if match.lastgroup != "tag" else "string")
        end = match.end()
        if kind == "comment":
            end = _end_of_comment(text, place)
        elif kind == "unclosed":
            raise ValueError(f"the quote {match.group()} in line {_line(text, place)} is not closed")
        elif kind != "blank":
            found.append(Token(kind, match.group(), place, end))
        place = end
    return found


def statements(text: str) -> list[list[Token]]:
    """Return the tokens of each statement, without the semicolons that end them."""
    found: list[list[Token]] = [[]]
    for token, ends in _ends(tokens(text)):
        if ends:
            found.append([])
        else:
            found[-1].append(token)
    return [statement for statement in found if statement]


def slice_of(text: str, part: Sequence[Token]) -> str:
    """Return the text from the first of some tokens to the last."""
    return text[part[0].start : part[-1].end] if part else ""


def _ends(found: Sequence[Token]) -> Iterator[tuple[Token, bool]]:
    """Yield each token, and whether it ends a statement: the body of a function may be statements, too.

    BEGIN ATOMIC … END is counted as psql counts it (CREATE FUNCTION, "sql_body").
    """
    parentheses = blocks = 0
    before = ""
    for token in found:
        parentheses += (token.text == "(") - (token.text == ")")
        if (before == "BEGIN" and token.word == "ATOMIC") or (blocks and token.word == "CASE"):
            blocks += 1
        elif blocks and token.word == "END":
            blocks -= 1
        before = token.word
        yield token, token.text == ";" and not blocks and parentheses <= 0


def _end_of_comment(text: str, start: int) -> int:
    """Return where a comment ends; comments nest."""
    depth, place = 0, start
    while mark := _COMMENT_MARK.search(text, place):
        depth += 1 if mark.group() == "/*" else -1
        place = mark.end()
        if not depth:
            return place
    raise ValueError(f"the comment in line {_line(text, start)} is not closed")


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
