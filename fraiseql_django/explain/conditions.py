"""PostgreSQL's text of a condition or a sort key in a plan → the columns that an index could serve.

``EXPLAIN (VERBOSE)`` writes ``((u0.stars = '5'::bigint) AND (upper((u0.headline)::text) ~~ '%X%'::text))``. Only the
forms below are recognised; what remains is reported as such, and nothing is proposed for it:

    a = …   a = ANY (…)   a IS NULL   a   NOT a        equal
    a > …   a >= …   a < …   a <= …                    range
    a ~~ 'x%'   a ~~ '%x%'   the same of upper(a)      prefix, contains
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

EQUAL, RANGE, PREFIX, CONTAINS = "equal", "range", "prefix", "contains"

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
# a string, a quoted name, a bracket, or what lies between
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()\[\]]|[^'"()\[\]]+""")
_COLUMN = re.compile(
    rf"(?P<open>\()?(?P<alias>{_NAME})\.(?P<column>{_NAME})(?(open)\))(?:::(?:text|bpchar|character varying))?"
)
_COMPARED = re.compile(r"(?P<left>.+?) (?P<operator>=|<=|>=|<|>|~~|~~\*) (?P<right>.+)", re.DOTALL)
_UPPER = re.compile(r"upper\((?P<inner>.+)\)")
_SORT_KEY = re.compile(r"(?P<key>.+?)(?P<descending> DESC)?(?: NULLS (?P<nulls>FIRST|LAST))?")
_SWAPPED = {"=": "=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a condition asks of a column; ``upper`` where it asks it of ``upper(…)``."""

    column: str
    kind: str
    upper: bool = False


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column that rows are sorted by; ``nulls_first`` as PostgreSQL has it by default where DESC is."""

    alias: str
    column: str
    descending: bool
    nulls_first: bool


def conditions(text: str, alias: str) -> tuple[list[Condition], list[str]]:
    """Return the conditions that an index of the table with this alias could serve, and the text of all others."""
    found: list[Condition] = []
    others: list[str] = []
    for part in _conjuncts(text):
        condition = _condition(part, alias)
        if condition is None:
            others.append(part)
        else:
            found.append(condition)
    return found, others


def joined_columns(text: str) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Return the pairs of columns, each with its alias, that a join compares by ``=``."""
    found = []
    for part in _conjuncts(text):
        compared = _COMPARED.fullmatch(part)
        if compared is not None and compared["operator"] == "=":
            left, right = _column(compared["left"]), _column(compared["right"])
            if left is not None and right is not None:
                found.append((left, right))
    return found


def sort_key(text: str) -> SortKey | None:
    """Return the column of a sort key; None where it is another expression."""
    match = _SORT_KEY.fullmatch(text)
    column = None if match is None else _column(match["key"])
    if match is None or column is None:
        return None
    descending = match["descending"] is not None
    nulls_first = descending if match["nulls"] is None else match["nulls"] == "FIRST"
    return SortKey(*column, descending, nulls_first)


def _condition(text: str, alias: str) -> Condition | None:
    truth = text.removesuffix(" IS NULL") if text.endswith(" IS NULL") else text.removeprefix("NOT ")
    if (column := _column_of(truth, alias)) is not None:
        return Condition(column, EQUAL)
    compared = _COMPARED.fullmatch(text)
    if compared is None or not _is_balanced(compared["right"]):
        return None
    left, operator, right = compared.group("left", "operator", "right")
    if operator in ("~~", "~~*"):
        return _pattern(left, operator, right, alias)
    if (column := _column_of(left, alias)) is None:
        column, operator, right = _column_of(right, alias), _SWAPPED[operator], left
    if column is None or any(_unquoted(match["alias"]) == alias for match in _COLUMN.finditer(right)):
        return None
    return Condition(column, EQUAL if operator == "=" else RANGE)


def _pattern(left: str, operator: str, right: str, alias: str) -> Condition | None:
    upper = _UPPER.fullmatch(left)
    column = _column_of(upper["inner"] if upper is not None else left, alias)
    if column is None:
        return None
    # a pattern that begins with plain text, and has no wildcard but at its end
    is_prefix = operator == "~~" and re.fullmatch(r"'(?:[^%_\\']|''|\\.)+%'::text", right) is not None
    return Condition(column, PREFIX if is_prefix else CONTAINS, upper is not None)


def _column(text: str) -> tuple[str, str] | None:
    match = _COLUMN.fullmatch(text.strip())
    return None if match is None else (_unquoted(match["alias"]), _unquoted(match["column"]))


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _column_of(text: str, alias: str) -> str | None:
    column = _column(text)
    return column[1] if column is not None and column[0] == alias else None


def _is_balanced(text: str) -> bool:
    level = 0
    for token in _TOKEN.findall(text):
        level += (token in ("(", "[")) - (token in (")", "]"))
        if level < 0:
            return False
    return level == 0


def _conjuncts(text: str) -> Iterator[str]:
    """Yield the parts of a condition between the ANDs at its own level, without the brackets around each."""
    inner = _stripped(text)
    parts = [""]
    level = 0
    for token in _TOKEN.findall(inner):
        if token in ("(", "["):
            level += 1
        elif token in (")", "]"):
            level -= 1
        elif level == 0 and token[0] not in "'\"":
            first, *rest = token.split(" AND ")
            parts[-1] += first
            parts += rest
            continue
        parts[-1] += token
    if len(parts) == 1:
        yield inner
        return
    for part in parts:
        yield from _conjuncts(part)


def _stripped(text: str) -> str:
    """Return a text without the pair of brackets around all of it."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")"):
        level = 0
        tokens = _TOKEN.findall(text)
        for index, token in enumerate(tokens):
            level += (token in ("(", "[")) - (token in (")", "]"))
            if level == 0 and index < len(tokens) - 1:
                return text
        text = text[1:-1].strip()
    return text
