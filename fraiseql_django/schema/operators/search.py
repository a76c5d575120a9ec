"""Full-text search: in texts, which are parsed for each row, and in search vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import InvalidInput
from ..scalars import postgres as scalars
from ..scalars.encoding import encode_text
from .base import Argument, Entry, Operator, Takes, Transform, choices, is_textual, named, one


def _encode_configuration(value: Any) -> str:
    """Refuse what is no name: PostgreSQL reads numbers as internal identifiers."""
    text = encode_text(value)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?", text):
        raise InvalidInput(f"{text[:80]!r} is not the name of a search configuration, such as 'english'")
    return text


_CONFIGURATION = replace(scalars.TEXT, cast="regconfig", encode=_encode_configuration)
_ENUM, _KINDS = choices(
    "SearchKind",
    "How the words of a search are read.",
    {
        "PLAIN": ("plainto_tsquery", "All of the words."),
        "PHRASE": ("phraseto_tsquery", "The words one after the other."),
        "WEBSEARCH": ("websearch_to_tsquery", 'As in search engines: "a phrase", or, and - for not.'),
    },
)
_QUERY: Mapping[str, Argument] = {
    "query": Argument(scalar=scalars.TEXT, description="What is searched for."),
    "kind": Argument(
        enum=_ENUM, choices=_KINDS, default=_KINDS["WEBSEARCH"], description="How it is read; WEBSEARCH by default."
    ),
    "config": Argument(
        scalar=_CONFIGURATION,
        default="get_current_ts_config()",
        description="A text search configuration, such as english; the database's own by default.",
    ),
}
_TSQUERY = "{kind}({config}, {query})"
_TEXT = "to_tsvector({config}, {column}::text)"
_is_vector = named("SearchVector")

_SEARCH_OPERATORS = tuple(
    Operator(
        name="search",
        sql=f"{document} @@ {_TSQUERY}",
        takes=Takes.NAMED,
        named=_QUERY,
        for_=for_,
        may_fail=True,
        cost=cost,
        description="Full-text search.",
    )
    for document, for_, cost in ((_TEXT, is_textual, 0), ("{column}", _is_vector, 0))
)
_RANKS = tuple(
    Transform(
        name="rank",
        description="How well it matches a full-text search; 0 where it does not.",
        for_=for_,
        named=_QUERY,
        results=one(f"ts_rank({document}, {_TSQUERY})::double precision", scalars.FLOAT),
        may_fail=True,
    )
    for document, for_ in ((_TEXT, is_textual), ("{column}", _is_vector))
)

SEARCH: tuple[Entry, ...] = (
    *_SEARCH_OPERATORS,
    *_RANKS,
    Transform(
        name="length",
        description="How many lexemes it has.",
        for_=_is_vector,
        results=one("length({column})", scalars.INT),
    ),
)
