"""Splits SQL text into tokens and statements (PostgreSQL documentation, 4.1 Lexical Structure).

The text is not parsed further, because only PostgreSQL can interpret a view's query. The tokens are sufficient to find
the end of each statement and the names outside of string constants.
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
    """A token of SQL text; ``kind`` is "string", "name" or "other", ``start`` and ``end`` are offsets in the text."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token as a key word, in upper case; empty for quoted names and other kinds of tokens."""
        return self.text.upper() if self.kind == "name" and self.text[0] != '"' else ""

    @property
    def identifier(self) -> str:
        """The name in the catalogue: PostgreSQL folds unquoted names to lower case."""
        if self.text[0] == '"':
            return self.text[1:-1].replace('""', '"')
        return self.text.lower()


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text, without white space and comments.

    Raises ValueError for a quote or comment that is not closed.
    """
    result, start = [], 0
    while match := _TOKEN.match(text, start):
        kind = str(match.lastgroup if match.lastgroup != "tag" else "string")
        end = match.end()
        if kind == "comment":
            end = _end_of_comment(text, start)
        elif kind == "unclosed":
            raise ValueError(f"the quote {match.group()} in line {_line(text, start)} is not closed")
        elif kind != "blank":
            result.append(Token(kind, match.group(), start, end))
        start = end
    return result


def statements(text: str) -> list[list[Token]]:
    """Return the tokens of each statement, without the semicolons that end them."""
    result: list[list[Token]] = [[]]
    for token, ends in _ends(tokens(text)):
        if ends:
            result.append([])
        else:
            result[-1].append(token)
    return [statement for statement in result if statement]


def slice_of(text: str, part: Sequence[Token]) -> str:
    """Return the text from the first token to the last."""
    return text[part[0].start : part[-1].end] if part else ""


def _ends(all_tokens: Sequence[Token]) -> Iterator[tuple[Token, bool]]:
    """Yield each token, and whether it is the semicolon that ends a statement.

    Semicolons in parentheses and in the body of a function, BEGIN ATOMIC … END, do not (CREATE FUNCTION, "sql_body").
    Blocks are counted as psql counts them.
    """
    parentheses = blocks = 0
    before = ""
    for token in all_tokens:
        parentheses += (token.text == "(") - (token.text == ")")
        if (before == "BEGIN" and token.word == "ATOMIC") or (blocks and token.word == "CASE"):
            blocks += 1
        elif blocks and token.word == "END":
            blocks -= 1
        before = token.word
        yield token, token.text == ";" and not blocks and parentheses <= 0


def _end_of_comment(text: str, start: int) -> int:
    """Return the offset of the end of a comment; comments nest."""
    depth, position = 0, start
    while mark := _COMMENT_MARK.search(text, position):
        depth += 1 if mark.group() == "/*" else -1
        position = mark.end()
        if not depth:
            return position
    raise ValueError(f"the comment in line {_line(text, start)} is not closed")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
