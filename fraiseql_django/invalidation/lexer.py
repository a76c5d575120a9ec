"""Splits SQL text into tokens, as PostgreSQL does (its documentation, 4.1 "Lexical Structure").

    SELECT 'it''s' -- a note          →  select · 'it's' · * · from · "Item" · ;
    * FROM "Item" /* a /* b */ c */;

Comments and white space are gone, names are folded and shortened as PostgreSQL folds and shortens them, and strings are
their contents. A token is looked at once, and no part of the text twice, so the time is linear in the text's length.
Text that PostgreSQL would refuse has tokens as well: a string, a quoted name or a comment that is not closed ends with
the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

# The kinds of tokens. NAME is a name or keyword without quotes, QUOTED a name in quotes, OTHER everything else: a
# number, an operator, punctuation, a parameter
NAME, QUOTED, STRING, OTHER = "name", "quoted", "string", "other"

# Longer names are cut (PostgreSQL documentation, 4.1.1)
_NAME_BYTES = 63
# White space and a line break between two parts of a string (4.1.2.1), which is one string then
_CONTINUED = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]++|--[^\n\r]*+[\n\r])*+'"
_ESCAPED = r"(?:[^'\\]|\\.|'')*+"
# What is repeated is possessive (``++``): nothing is tried twice. Letters beyond ASCII are all characters beyond it
_PARAMETERS = r"(?:%[sbt](?![\w$\x80-\U0010ffff])[ \t\n\r,()]*+)++"
_TOKEN_TEXT = rf"""
    (?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+
    (?:
      (?P<escaped>[eE]'{_ESCAPED}(?:'{_CONTINUED}{_ESCAPED})*+(?:'|\Z))
    | (?P<unicode_name>[uU]&"(?:[^"]|"")*+(?:"|\Z))
    | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*+(?:'|\Z))
    | (?P<name>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*+)
    | (?P<quoted>"(?:[^"]|"")*+(?:"|\Z))
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*+)?\$)
    | (?P<comment>/\*)
    | (?P<parameters>{_PARAMETERS})
    | (?P<other>
        %\([^()]*+\)[sbt] | \$\d++
        | (?:\d[\d_]*+(?:\.(?!\.)[\d_]*+)?+|\.\d[\d_]*+)(?:[eE][+-]?\d++)?+
        | (?:(?!--|/\*|%[sbt(])[-+*/<>=~!@\#%^&|`?])++
        | :: | := | \.\. | .
      )
    )
"""
_FLAGS = re.VERBOSE | re.DOTALL | re.ASCII
_TOKEN = re.compile(_TOKEN_TEXT, _FLAGS)
_TOKEN_OF_EACH = re.compile(_TOKEN_TEXT.replace(_PARAMETERS, r"%[sbt](?![\w$\x80-\U0010ffff])"), _FLAGS)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|''", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class Token(NamedTuple):
    """A token of SQL text.

    ``value`` is a name as the catalogue has it, the contents of a string, or the text of anything else. Parameters in a
    row (``%s, %s)``) are one, and the character after the last. ``start`` and ``end`` are offsets in the text.
    """

    kind: str
    value: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The token as a keyword, in lower case; empty for all that cannot be one."""
        return self.value if self.kind == NAME else ""

    @property
    def is_name(self) -> bool:
        """Whether the token may be a name: with quotes or without."""
        return self.kind == NAME or self.kind == QUOTED


@lru_cache(maxsize=8)
def tokens_kept(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text; they are kept for the last few, of which more is asked than one thing."""
    return tuple(tokens(text))


def tokens(text: str, *, every_parameter: bool = False) -> list[Token]:
    """Return the tokens of a text in order, with ``every_parameter`` also those between parameters in a row."""
    found: list[Token] = []
    position, match = 0, (_TOKEN_OF_EACH if every_parameter else _TOKEN).match
    while part := match(text, position):
        kind = part.lastgroup or ""
        start, position = part.span(kind)
        if kind == "name":
            found.append(Token(NAME, folded(part[kind]), start, position))
        elif kind == "other":
            found.append(Token(OTHER, part[kind], start, position))
        elif kind == "comment":
            position = _end_of_comment(text, start)
        elif kind == "parameters":
            found.append(Token(OTHER, "%s", start, start + 2))
            if (last := part[kind].rstrip(" \t\n\r")[-1]) in ",()":
                found.append(Token(OTHER, last, position - 1, position))
        elif kind == "dollar":
            position, inner = _dollar_quoted(text, part[kind], position)
            found.append(Token(STRING, inner, start, position))
        else:
            found.append(Token(*_MAKERS[kind](part[kind]), start, position))
    return _with_unicode_escapes(found, text)


def statements(found: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each statement, without the semicolons between them.

    A semicolon inside a statement (of a function's body, BEGIN ATOMIC … END, or of a rule) divides it as well.
    """
    begin = 0
    for index, token in enumerate(found):
        if token.value == ";" and token.kind == OTHER:
            if index > begin:
                yield found[begin:index]
            begin = index + 1
    if begin < len(found):
        yield found[begin:]


def folded(name: str) -> str:
    """Return a name without quotes as PostgreSQL keeps it: letters of ASCII in lower case, at most 63 bytes."""
    return _cut(name.lower() if name.isascii() else name.translate(_FOLD))


def _cut(name: str) -> str:
    if len(name) * 4 <= _NAME_BYTES:
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    return name if len(encoded) <= _NAME_BYTES else encoded[:_NAME_BYTES].decode("utf-8", "ignore")


def _quoted(text: str) -> tuple[str, str]:
    return QUOTED, _cut(_inner(text, 1, '"'))


def _string(text: str) -> tuple[str, str]:
    return STRING, _inner(text, text.index("'") + 1, "'")


def _escaped(text: str) -> tuple[str, str]:
    return STRING, _ESCAPES.sub(_unescaped, _inner(text, 2, ""))


def _unicode_name(text: str) -> tuple[str, str]:
    # its escapes are replaced when it is known whether UESCAPE follows
    return QUOTED, _inner(text, 3, '"')


def _inner(text: str, start: int, quote: str) -> str:
    end = len(text) - 1 if len(text) > start and text[-1] in "'\"" else len(text)
    inner = text[start:end]
    return inner.replace(quote * 2, quote) if quote else inner


_MAKERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "quoted": _quoted,
    "string": _string,
    "escaped": _escaped,
    "unicode_name": _unicode_name,
}


def _unescaped(match: re.Match[str]) -> str:
    short, long, hexadecimal, octal, letter = match.groups()
    if match[0] == "''":
        return "'"
    if letter is not None:
        return _LETTERS.get(letter, letter)
    code = int(octal, 8) % 256 if octal else int(short or long or hexadecimal, 16)
    # beyond Unicode PostgreSQL raises an error
    return chr(code) if code < 0x110000 else ""


def _with_unicode_escapes(found: list[Token], text: str) -> list[Token]:
    """Replace the escapes in names like ``U&"d\\0061ta"``; the word UESCAPE after one names another character."""
    for index, token in enumerate(found):
        if token.kind == QUOTED and text[token.start] in "uU":
            escape = "\\"
            if len(found) > index + 2 and found[index + 1].word == "uescape" and found[index + 2].kind == STRING:
                escape = found[index + 2].value[:1] or escape
            mark = re.escape(escape)
            value = re.sub(
                rf"{mark}(?:([0-9a-fA-F]{{4}})|\+([0-9a-fA-F]{{6}})|{mark})",
                partial(_of_unicode, escape=escape),
                token.value,
            )
            found[index] = token._replace(value=_cut(value))
    return found


def _of_unicode(match: re.Match[str], escape: str) -> str:
    code = int(match[1] or match[2] or "0", 16)
    return chr(code) if 0 < code < 0x110000 else escape


def _dollar_quoted(text: str, mark: str, start: int) -> tuple[int, str]:
    end = text.find(mark, start)
    return (len(text), text[start:]) if end < 0 else (end + len(mark), text[start:end])


def _end_of_comment(text: str, start: int) -> int:
    """Return the offset of the end of a comment; comments nest."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(text)
