"""Operators of texts: search, patterns, and what extensions add (pg_trgm, unaccent)."""

from __future__ import annotations

import re

from ...errors import InvalidInput
from ..scalars import postgres as scalars
from .base import Argument, Entry, Operator, Transform, is_textual, one


def _escaped(text: str) -> str:
    """Let LIKE take every character for itself (PostgreSQL documentation, 9.7.1)."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _complete(pattern: str) -> str:
    """Refuse what PostgreSQL refuses only when it comes to a text that the pattern fits so far."""
    if re.search(r"(?<!\\)(\\\\)*\\\Z", pattern):
        raise InvalidInput("a LIKE pattern must not end in a single backslash")
    return pattern


# UPPER on both sides, as Django compiles icontains: the same indexes serve both
_LIKE = "{column}::text LIKE {value}"
_ILIKE = "UPPER({column}::text) LIKE UPPER({value})"
_TO = {"to": Argument(scalar=scalars.TEXT, description="The text that it is compared with.")}

TEXTS: tuple[Entry, ...] = (
    Operator(
        name="iexact",
        sql="UPPER({column}::text) = UPPER({value})",
        pattern=str,
        for_=is_textual,
        description="Equal, in any case.",
    ),
    Operator(
        name="contains",
        sql=_LIKE,
        pattern=lambda text: f"%{_escaped(text)}%",
        for_=is_textual,
        description="Contains this text.",
    ),
    Operator(
        name="icontains",
        sql=_ILIKE,
        pattern=lambda text: f"%{_escaped(text)}%",
        for_=is_textual,
        description="Contains this text, in any case.",
    ),
    Operator(
        name="startswith",
        sql=_LIKE,
        pattern=lambda text: f"{_escaped(text)}%",
        for_=is_textual,
        description="Starts with this text.",
    ),
    Operator(
        name="istartswith",
        sql=_ILIKE,
        pattern=lambda text: f"{_escaped(text)}%",
        for_=is_textual,
        description="Starts with this text, in any case.",
    ),
    Operator(
        name="endswith",
        sql=_LIKE,
        pattern=lambda text: f"%{_escaped(text)}",
        for_=is_textual,
        description="Ends with this text.",
    ),
    Operator(
        name="iendswith",
        sql=_ILIKE,
        pattern=lambda text: f"%{_escaped(text)}",
        for_=is_textual,
        description="Ends with this text, in any case.",
    ),
    Operator(
        name="like",
        sql=_LIKE,
        pattern=_complete,
        for_=is_textual,
        description="Matches a LIKE pattern: % is any text, _ any character.",
    ),
    Operator(
        name="ilike",
        sql="{column}::text ILIKE {value}",
        pattern=_complete,
        for_=is_textual,
        description="Matches a LIKE pattern, in any case.",
    ),
    Operator(
        name="matches",
        sql="{column}::text ~ {value}",
        pattern=str,
        for_=is_textual,
        may_fail=True,
        description="Matches a POSIX regular expression.",
    ),
    Operator(
        name="imatches",
        sql="{column}::text ~* {value}",
        pattern=str,
        for_=is_textual,
        may_fail=True,
        description="Matches a POSIX regular expression, in any case.",
    ),
    Operator(
        name="similar",
        sql="{column}::text %% {value}",
        pattern=str,
        for_=is_textual,
        extension="pg_trgm",
        description="Is similar, by its trigrams: more than pg_trgm.similarity_threshold.",
    ),
    Operator(
        name="wordSimilar",
        sql="{value} <%% {column}::text",
        pattern=str,
        for_=is_textual,
        extension="pg_trgm",
        description="Has words that are similar, by their trigrams: more than pg_trgm.word_similarity_threshold.",
    ),
    Transform(
        name="length",
        description="How many characters it has.",
        for_=is_textual,
        results=one("length({column}::text)", scalars.INT),
    ),
    Transform(
        name="similarity",
        description="How similar it is to a text, by their trigrams: 0 to 1.",
        for_=is_textual,
        named=_TO,
        results=one("similarity({column}::text, {to})::double precision", scalars.FLOAT),
        extension="pg_trgm",
    ),
    Transform(
        name="wordSimilarity",
        description="How similar the most similar words in it are to a text, by their trigrams: 0 to 1.",
        for_=is_textual,
        named=_TO,
        results=one("word_similarity({to}, {column}::text)::double precision", scalars.FLOAT),
        extension="pg_trgm",
    ),
    Transform(
        name="unaccent",
        description="The text without accents, compared with texts without accents.",
        for_=is_textual,
        results=one("unaccent({column}::text)", scalars.TEXT),
        both=True,
        extension="unaccent",
    ),
)
