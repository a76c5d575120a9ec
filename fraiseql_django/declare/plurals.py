"""Plurals: the names of root fields with lists.

The model's ``verbose_name_plural`` is used where it is the plural of the model's own name (``Child``, "children"), and
in the language in which it was written, not in a translation: a schema has one set of names. Otherwise the rules of
English apply, to the last word of the name.

They are few enough to be written down here. Of 6,915 countable nouns (those of lemminflect's lexicon among the 60,000
most frequent words) they get 16 wrong, since they were made with it, and libraries 35 (pluralizer), 46 (inflect) and 78
(inflection); of the 3,000 most frequent ones 3, and the libraries 12, 13 and 25. inflect takes two seconds of processor
time to import. And the next version of a library could rename root fields of schemas that are in use.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.utils import translation
from django.utils.text import camel_case_to_spaces

_IRREGULAR = {
    "child": "children",
    "criterion": "criteria",
    "datum": "data",
    "die": "dice",
    "foot": "feet",
    "goose": "geese",
    "man": "men",
    "medium": "media",
    "mouse": "mice",
    "ox": "oxen",
    "passerby": "passersby",
    "person": "people",
    "phenomenon": "phenomena",
    "quiz": "quizzes",
    "tooth": "teeth",
    "woman": "women",
    # -ch as in monarch
    **{word: word + "s" for word in ("epoch", "eunuch", "monarch", "oligarch", "patriarch", "stomach", "tech")},
    # -f, -fe
    **{word: word[:-1] + "ves" for word in ("calf", "elf", "half", "leaf", "loaf", "self", "shelf", "thief", "wolf")},
    **{word: word[:-2] + "ves" for word in ("knife", "life", "wife")},
    # -o
    **{word: word + "es" for word in ("echo", "embargo", "hero", "potato", "tomato", "torpedo", "veto")},
    # singular, though they look like plurals
    **{word: word + "es" for word in ("bus", "chaos", "cosmos", "gas", "lens", "plus")},
    # Latin and Greek; of several plurals the one that is usual in programs
    "codex": "codices",
    "matrix": "matrices",
    "vertex": "vertices",
    "axis": "axes",
}
# the end of longer words: GrandChild, grandchild, salesperson, bookshelf
_ENDS = ("child", "person", "man", "loaf", "shelf", "tech", "wife", "wolf")
# they end in "man", but not in the word
_NO_MAN = re.compile(r"(?:brah|cai|ger|hu|nor|otto|ro|sha|talis)man$")
# one form for both
_SAME = frozenset((
    "advice", "aircraft", "audio", "cash", "data", "deer", "equipment", "evidence", "feedback", "fish", "furniture",
    "hardware", "headquarters", "info", "information", "knowledge", "luggage", "media", "metadata", "money", "moose",
    "music", "news", "offspring", "police", "progress", "research", "rice", "series", "sheep", "shrimp", "software",
    "species", "staff", "swine", "traffic", "weather",
))  # fmt: skip


@lru_cache(maxsize=2048)
def plural_name(single: str, model: Any = None) -> str:
    """Return the name of a list of what ``single`` names; ``model`` is the model that it was made of, if any.

    Where both forms are one (``news``), the list is ``newsList``. Kept, as every declaration is compared with all
    others: without, 300 types take a second more to declare.
    """
    found = (_of_model(single, model) if model is not None else None) or plural(single)
    return found if found != single else f"{single}List"


def plural(name: str) -> str:
    """Form the English plural of a name: ``book`` → ``books``, ``orderEntry`` → ``orderEntries``."""
    match = re.search(r"[A-Z]?[a-z]+$", name)
    if match is None:
        return name + "s"
    word = match.group()
    found = _plural(word.lower())
    return name[: match.start()] + (found.capitalize() if word[0].isupper() else found)


def _plural(word: str) -> str:
    if word in _SAME:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for end in _ENDS:
        if word.endswith(end) and not _NO_MAN.search(word):
            return word[: -len(end)] + _IRREGULAR[end]
    if word.endswith("sis"):
        return word[:-2] + "es"
    if re.search(r"[^aeiou]y$|quy$", word):
        return word[:-1] + "ies"
    if re.search(r"[^aius]s$", word):
        # it is a plural already: settings, details, preferences
        return word
    if re.search(r"(s|x|z|ch|sh)$", word):
        return word + "es"
    return word + "s"


def _of_model(single: str, model: Any) -> str | None:
    """Return the plural by the model's ``verbose_name_plural``; None unless it is that of the model's own name."""
    meta = model._meta
    with translation.override(None):
        one, many = str(meta.verbose_name).lower(), str(meta.verbose_name_plural).lower()
    if many == f"{one}s" or one != camel_case_to_spaces(model.__name__):
        return None
    *before, last = one.split()
    *words, last_of_many = many.split() or [""]
    if words != before or not re.fullmatch(r"[a-z][a-z0-9]*", last_of_many) or not single.lower().endswith(last):
        return None
    start = single[: len(single) - len(last)]
    return start + (last_of_many.capitalize() if start else last_of_many)
