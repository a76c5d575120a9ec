"""SQL for people: a clause a line and, where JSON text is put together, a field a line.

sqlparse, which Django brings, indents each clause as far as the one around it reaches: the statement of a list with two
lists in it has lines of 400 characters, and longer ones exceed its own limits. What it cannot know is which constant
begins the next field of an object.
"""

from __future__ import annotations

import re

_STEP = "    "
_TOKEN = re.compile(
    r"""
      (?P<quoted> '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<field>  \s(?=\|\|\s\(*'[^']{0,5},") )  # what follows is the name of an object's next field
    | (?P<select> \((?=SELECT\b) )
    | (?P<open>   \( )
    | (?P<close>  \) )
    | (?P<clause> \s(?=(?:FROM|WHERE|GROUP\ BY|HAVING|ORDER\ BY|LIMIT|OFFSET)\b
                     |(?:INNER|LEFT|RIGHT|FULL|CROSS)\ (?:OUTER\ )?JOIN\b) )
    | (?P<other>  [^\s'"()|]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def readable(sql: str) -> str:
    """Return the statement on several lines; nothing but white space is changed."""
    return "".join(map(_Writer().write, _TOKEN.finditer(sql)))


class _Writer:
    """Writes one token after another; knows which brackets are open, and how far lines are indented."""

    def __init__(self) -> None:
        self.line = 0
        self.selects = [0]  # the indentation of each SELECT around, the whole statement first
        self.brackets: list[int | None] = []  # the indentation outside each; None where no SELECT is in it

    def write(self, token: re.Match[str]) -> str:
        match token.lastgroup:
            case "field":
                return self._break(self.selects[-1] + 1)
            case "clause" if not self.brackets or self.brackets[-1] is not None:
                return self._break(self.selects[-1])
            case "select":
                self.brackets.append(self.line)
                self.selects.append(self.line + 1)
                return "(" + self._break(self.selects[-1])
            case "open":
                self.brackets.append(None)
            case "close" if self.brackets and (outside := self.brackets.pop()) is not None:
                self.selects.pop()
                return self._break(outside) + ")"
        return token[0]

    def _break(self, indentation: int) -> str:
        self.line = indentation
        return "\n" + _STEP * indentation
